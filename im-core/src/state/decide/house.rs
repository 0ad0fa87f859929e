//! The conversation itself: what it is called, how it works, its end.

use super::{Case, Decided, Decision, forbidden};
use crate::{
    Body, ChangeInfo, ChangePermissions, InfoPatch, Kind, Limits, Permission, Rejection,
    state::content::check_text,
};

impl Case<'_> {
    pub(super) fn change_info(&self, ask: &ChangeInfo) -> Decided {
        let changes = &ask.changes;
        let fits = match self.state.info().kind {
            Kind::Channel | Kind::Group => true,
            Kind::Direct | Kind::Personal => {
                let span = InfoPatch {
                    message_ttl_ms: changes.message_ttl_ms,
                    ..InfoPatch::default()
                };
                *changes == span
            }
        };
        if !fits {
            return Err(forbidden(
                "of a direct conversation only message_ttl_ms changes; create a group",
            ));
        }
        for permission in needed(changes) {
            self.check(permission)?;
        }
        check_info(changes, self.limits)?;
        let Some(was) = changes.apply(&mut self.state.info().clone()) else {
            return Ok(Decision::Nothing);
        };
        Ok(Decision::Append(Body::InfoChanged {
            changes: Box::new(changes.clone()),
            was: Box::new(was),
        }))
    }

    pub(super) fn change_permissions(&self, ask: &ChangePermissions) -> Decided {
        self.check_roster()?;
        self.check(Permission::ChangePermissions)?;
        if ask.role >= self.member.role {
            return Err(forbidden(
                "what a role may do is changed by a higher one; the owner's stays",
            ));
        }
        let own = self.state.info().permissions_of(self.member.role);
        if ask.permissions.iter().any(|one| !own.allow(one)) {
            return Err(forbidden("nobody can give others more than one has"));
        }
        if self.state.info().permissions_of(ask.role) == ask.permissions {
            return Ok(Decision::Nothing);
        }
        Ok(Decision::Append(Body::PermissionsChanged {
            role: ask.role,
            permissions: ask.permissions,
        }))
    }

    pub(super) fn dismiss(&self) -> Decided {
        self.check_roster()?;
        self.check(Permission::Dismiss)?;
        Ok(Decision::Append(Body::Dismissed))
    }
}

/// What one must be allowed to change these; that of the info when nothing is to change.
fn needed(changes: &InfoPatch) -> Vec<Permission> {
    let InfoPatch {
        name,
        avatar,
        announcement,
        description,
        joining,
        history,
        silenced,
        slow_mode_ms,
        message_ttl_ms,
    } = changes;
    let mut needed = Vec::new();
    if announcement.is_some() {
        needed.push(Permission::Announce);
    }
    if joining.is_some() || history.is_some() {
        needed.push(Permission::Admit);
    }
    if silenced.is_some() || slow_mode_ms.is_some() {
        needed.push(Permission::Mute);
    }
    let is_info =
        name.is_some() || avatar.is_some() || description.is_some() || message_ttl_ms.is_some();
    if is_info || needed.is_empty() {
        needed.push(Permission::ChangeInfo);
    }
    needed
}

fn check_info(changes: &InfoPatch, limits: &Limits) -> Result<(), Rejection> {
    let text = |what: &str, text: &Option<String>, most| check_text(what, text.as_ref(), most);
    text("name", &changes.name, limits.name_chars)?;
    text("avatar", &changes.avatar, limits.text_field_chars)?;
    text(
        "announcement",
        &changes.announcement,
        limits.text_field_chars,
    )?;
    text("description", &changes.description, limits.text_field_chars)?;
    for span in [changes.slow_mode_ms, changes.message_ttl_ms] {
        if span.is_some_and(|span| span > limits.span_ms) {
            let detail = format!("a span is at most {} ms", limits.span_ms);
            return Err(Rejection::new(crate::Code::InvalidRequest, detail));
        }
    }
    Ok(())
}
