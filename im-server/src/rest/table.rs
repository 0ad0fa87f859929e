//! Which route is the door to which command. A test holds it against the engine's commands and the OpenAPI document.

use serde::Serialize;
use utoipa::ToSchema;

/// A command and its route.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(super) struct Door {
    /// The command's name on links.
    pub(super) method: &'static str,
    /// The verb of its route.
    pub(super) verb: &'static str,
    /// The path of its route.
    pub(super) path: &'static str,
}

const fn door(method: &'static str, verb: &'static str, path: &'static str) -> Door {
    Door { method, verb, path }
}

/// Every command that has a route.
pub(super) const ROUTES: &[Door] = &[
    door("admin.audit", "GET", "/v1/admin/audit"),
    door("admin.change_settings", "PATCH", "/v1/admin/settings"),
    door("admin.demote", "DELETE", "/v1/admin/users/{user}/admin"),
    door("admin.dismiss", "DELETE", "/v1/admin/conversations/{id}"),
    door(
        "admin.lift",
        "DELETE",
        "/v1/admin/users/{user}/restrictions/{kind}",
    ),
    door("admin.promote", "PUT", "/v1/admin/users/{user}/admin"),
    door(
        "admin.recall",
        "DELETE",
        "/v1/admin/conversations/{id}/messages/{seq}",
    ),
    door("admin.report", "GET", "/v1/admin/reports/{report}"),
    door("admin.reports", "GET", "/v1/admin/reports"),
    door(
        "admin.restrict",
        "PUT",
        "/v1/admin/users/{user}/restrictions/{kind}",
    ),
    door("admin.settings", "GET", "/v1/admin/settings"),
    door(
        "admin.settle_report",
        "PUT",
        "/v1/admin/reports/{report}/settlement",
    ),
    door(
        "admin.sign_out",
        "DELETE",
        "/v1/admin/users/{user}/sessions",
    ),
    door("admin.user", "GET", "/v1/admin/users/{user}"),
    door("admin.users", "GET", "/v1/admin/users"),
    door(
        "contact.accept",
        "POST",
        "/v1/contacts/requests/{user}/accept",
    ),
    door("contact.block", "PUT", "/v1/contacts/blocks/{user}"),
    door("contact.blocks", "GET", "/v1/contacts/blocks"),
    door("contact.change", "PATCH", "/v1/contacts/users/{user}"),
    door("contact.delete", "DELETE", "/v1/contacts/users/{user}"),
    door("contact.follow", "PUT", "/v1/contacts/follows/{user}"),
    door("contact.followers", "GET", "/v1/contacts/followers"),
    door("contact.follows", "GET", "/v1/contacts/follows"),
    door("contact.list", "GET", "/v1/contacts"),
    door(
        "contact.reject",
        "POST",
        "/v1/contacts/requests/{user}/reject",
    ),
    door("contact.request", "PUT", "/v1/contacts/requests/{user}"),
    door("contact.requests", "GET", "/v1/contacts/requests"),
    door("contact.unblock", "DELETE", "/v1/contacts/blocks/{user}"),
    door("contact.unfollow", "DELETE", "/v1/contacts/follows/{user}"),
    door("contact.withdraw", "DELETE", "/v1/contacts/requests/{user}"),
    door("conversation.create", "POST", "/v1/conversations"),
    door(
        "conversation.delivered",
        "PUT",
        "/v1/conversations/{id}/delivered",
    ),
    door(
        "conversation.direct",
        "PUT",
        "/v1/conversations/direct/{user}",
    ),
    door("conversation.get", "GET", "/v1/conversations/{id}"),
    door("conversation.list", "GET", "/v1/conversations"),
    door(
        "conversation.members",
        "GET",
        "/v1/conversations/{id}/members",
    ),
    door("conversation.read", "PUT", "/v1/conversations/{id}/read"),
    door(
        "conversation.settings",
        "PATCH",
        "/v1/conversations/{id}/settings",
    ),
    door(
        "conversation.typing",
        "POST",
        "/v1/conversations/{id}/typing",
    ),
    door("conversation.unread", "GET", "/v1/conversations/unread"),
    door("device.forget", "DELETE", "/v1/devices/{device}"),
    door("device.list", "GET", "/v1/devices"),
    door("draft.delete", "DELETE", "/v1/conversations/{id}/draft"),
    door("draft.list", "GET", "/v1/drafts"),
    door("draft.put", "PUT", "/v1/conversations/{id}/draft"),
    door("favourite.add", "PUT", "/v1/favourites/{id}/{seq}"),
    door("favourite.list", "GET", "/v1/favourites"),
    door("favourite.remove", "DELETE", "/v1/favourites/{id}/{seq}"),
    door("group.add", "POST", "/v1/conversations/{id}/members"),
    door(
        "group.approve",
        "POST",
        "/v1/conversations/{id}/requests/approve",
    ),
    door("group.bans", "GET", "/v1/conversations/{id}/bans"),
    door("group.dismiss", "DELETE", "/v1/conversations/{id}"),
    door("group.enter", "POST", "/v1/invites/{code}/enter"),
    door("group.info", "PATCH", "/v1/conversations/{id}"),
    door("group.invite", "POST", "/v1/conversations/{id}/invites"),
    door("group.invites", "GET", "/v1/conversations/{id}/invites"),
    door("group.join", "POST", "/v1/conversations/{id}/join"),
    door("group.kick", "DELETE", "/v1/conversations/{id}/members"),
    door("group.leave", "POST", "/v1/conversations/{id}/leave"),
    door("group.mute", "POST", "/v1/conversations/{id}/silences"),
    door(
        "group.nickname",
        "PUT",
        "/v1/conversations/{id}/members/{user}/nickname",
    ),
    door(
        "group.permissions",
        "PUT",
        "/v1/conversations/{id}/permissions/{role}",
    ),
    door("group.preview", "GET", "/v1/invites/{code}"),
    door(
        "group.reject",
        "POST",
        "/v1/conversations/{id}/requests/reject",
    ),
    door("group.request", "PUT", "/v1/conversations/{id}/requests"),
    door("group.requests", "GET", "/v1/conversations/{id}/requests"),
    door(
        "group.revoke_invite",
        "DELETE",
        "/v1/conversations/{id}/invites/{code}",
    ),
    door(
        "group.role",
        "PUT",
        "/v1/conversations/{id}/members/{user}/role",
    ),
    door("group.unban", "DELETE", "/v1/conversations/{id}/bans"),
    door("group.unmute", "DELETE", "/v1/conversations/{id}/silences"),
    door(
        "group.withdraw",
        "DELETE",
        "/v1/conversations/{id}/requests",
    ),
    door(
        "message.annotations",
        "GET",
        "/v1/conversations/{id}/annotations",
    ),
    door("message.delete", "POST", "/v1/conversations/{id}/deletions"),
    door(
        "message.delta",
        "POST",
        "/v1/conversations/{id}/messages/{seq}/text",
    ),
    door(
        "message.edit",
        "PATCH",
        "/v1/conversations/{id}/messages/{seq}",
    ),
    door(
        "message.edits",
        "GET",
        "/v1/conversations/{id}/messages/{seq}/edits",
    ),
    door(
        "message.finish",
        "POST",
        "/v1/conversations/{id}/messages/{seq}/finish",
    ),
    door("message.forward", "POST", "/v1/conversations/{id}/forwards"),
    door("message.get", "GET", "/v1/conversations/{id}/entries"),
    door("message.history", "GET", "/v1/conversations/{id}/messages"),
    door(
        "message.markers",
        "GET",
        "/v1/conversations/{id}/messages/{seq}/markers",
    ),
    door("message.now", "POST", "/v1/conversations/{id}/now"),
    door("message.pin", "PUT", "/v1/conversations/{id}/pins/{seq}"),
    door(
        "message.react",
        "PUT",
        "/v1/conversations/{id}/messages/{seq}/reactions/{emoji}",
    ),
    door(
        "message.readers",
        "GET",
        "/v1/conversations/{id}/messages/{seq}/readers",
    ),
    door(
        "message.recall",
        "DELETE",
        "/v1/conversations/{id}/messages/{seq}",
    ),
    door(
        "message.schedule",
        "POST",
        "/v1/conversations/{id}/scheduled",
    ),
    door("message.scheduled", "GET", "/v1/scheduled"),
    door("message.search", "GET", "/v1/search"),
    door("message.send", "POST", "/v1/conversations/{id}/messages"),
    door(
        "message.thread",
        "GET",
        "/v1/conversations/{id}/messages/{seq}/thread",
    ),
    door(
        "message.unpin",
        "DELETE",
        "/v1/conversations/{id}/pins/{seq}",
    ),
    door("message.unschedule", "DELETE", "/v1/scheduled/{client_id}"),
    door(
        "message.vote",
        "PUT",
        "/v1/conversations/{id}/messages/{seq}/vote",
    ),
    door("notice.delete", "DELETE", "/v1/notices/{notice}"),
    door(
        "notice.delete_template",
        "DELETE",
        "/v1/notice-templates/{name}",
    ),
    door("notice.list", "GET", "/v1/notices"),
    door("notice.put_template", "PUT", "/v1/notice-templates/{name}"),
    door("notice.read", "POST", "/v1/notices/read"),
    door("notice.read_all", "POST", "/v1/notices/read-all"),
    door("notice.send", "POST", "/v1/notices"),
    door("notice.templates", "GET", "/v1/notice-templates"),
    door("presence.get", "GET", "/v1/presence"),
    door("report.file", "POST", "/v1/reports"),
    door("sync.pull", "POST", "/v1/sync"),
    door("user.change_settings", "PATCH", "/v1/users/me/settings"),
    door("user.get", "GET", "/v1/users"),
    door("user.settings", "GET", "/v1/users/me/settings"),
    door("user.update", "PATCH", "/v1/users/me"),
    door("user.upsert", "PUT", "/v1/users/{user}"),
];

/// Commands that mean nothing without a link: they open, keep and close a session, or ask for pushes to it.
pub(super) const LINK_ONLY: &[&str] = &[
    "presence.set",
    "presence.subscribe",
    "presence.unsubscribe",
    "session.close",
    "session.open",
    "session.ping",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use im_core::METHODS;

    use super::*;

    #[test]
    fn every_command_has_a_route_or_is_for_links_only() {
        let commands: BTreeSet<_> = METHODS.iter().copied().collect();
        let doors: Vec<_> = ROUTES
            .iter()
            .map(|door| door.method)
            .chain(LINK_ONLY.iter().copied())
            .collect();

        assert_eq!(doors.iter().copied().collect::<BTreeSet<_>>(), commands);
        assert_eq!(doors.len(), commands.len(), "no command is listed twice");
    }
}
