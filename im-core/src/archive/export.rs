//! From a store into a file.

use std::{collections::BTreeSet, io::Write};

use super::{
    ArchiveError, Counts,
    file::Writer,
    line::{Line, Row, Scope, VERSION},
};
use crate::{
    Actor, Body, Content, ConversationId, Entry, GetConversation, History, Im, Message, Seq,
    UserId,
    port::{Ports, Range, Span},
    state::{RosterChange, roster_changes},
};

/// Entries that are read at once: at 64 KiB each about 6 MiB.
const PAGE: usize = 100;

/// Entries in whose span a line says which of them a member deleted.
const DELETED: u64 = 10_000;

/// Edits of one message that are looked through for what it said first.
const EDITS: usize = 1_000;

/// Writes a whole conversation: its facts, its entries as they are now, its present and former members with their
/// positions and settings. `progress` hears how much is written, page by page.
///
/// Positions that an engine keeps back are not seen: they are stored within seconds, or when it shuts down.
///
/// # Errors
/// `NotFound`; `Changed` when somebody wrote to it meanwhile: what was written is no export then.
///
/// # Cancel safety
/// Dropping the future leaves a file that ends early, which an import refuses.
pub async fn export_conversation(
    ports: &Ports,
    conversation: ConversationId,
    out: &mut (dyn Write + Send),
    progress: &mut (dyn FnMut(Counts) + Send),
) -> Result<Counts, ArchiveError> {
    let snapshot = ports.log.load(conversation).await?;
    let snapshot = snapshot.ok_or(ArchiveError::NotFound(conversation))?;
    let mut writer = Writer::new(out, progress);
    let scope = Scope::Conversation(conversation);
    writer.write(&first_line(ports, scope).await?)?;
    writer.write(&Line::Conversation {
        conversation,
        info: snapshot.info.clone(),
        head: snapshot.head,
    })?;
    let mut users = BTreeSet::new();
    let mut after = Seq::ZERO;
    while after < snapshot.head.seq {
        let limit = PAGE.min((snapshot.head.seq.0 - after.0) as usize);
        let entries = ports
            .log
            .read(conversation, Range::After(after), limit)
            .await?;
        let Some(last) = entries.last() else { break };
        after = last.seq;
        write_page(ports, &mut writer, entries, &mut users).await?;
    }
    for user in users {
        write_member(ports, &mut writer, conversation, user).await?;
    }
    if ports.log.load(conversation).await? != Some(snapshot) {
        return Err(ArchiveError::Changed(conversation));
    }
    writer.end()
}

/// Writes entries with their fingerprints, and notes who entered.
async fn write_page(
    ports: &Ports,
    writer: &mut Writer<'_>,
    entries: Vec<Entry>,
    users: &mut BTreeSet<UserId>,
) -> Result<(), ArchiveError> {
    let Some(first) = entries.first() else {
        return Ok(());
    };
    let at = first.conversation;
    let keys = entries
        .iter()
        .map(|entry| (entry.sender.clone(), entry.client_id.clone()));
    let known = ports.log.find(at, &keys.collect::<Vec<_>>()).await?;
    for entry in entries {
        if is_unknown(&entry) {
            return Err(ArchiveError::Unknown(at));
        }
        for change in roster_changes(&entry) {
            if let RosterChange::Enter(member) = change {
                users.insert(member.user);
            }
        }
        let same = known.iter().find(|known| known.seq == entry.seq);
        writer.write(&Line::Entry {
            fingerprint: same.map(|known| known.fingerprint),
            was: first_content(ports, &entry).await?,
            entry,
        })?;
    }
    writer.tell();
    Ok(())
}

/// Writes what a member has here, and what it deleted for itself.
async fn write_member(
    ports: &Ports,
    writer: &mut Writer<'_>,
    conversation: ConversationId,
    user: UserId,
) -> Result<(), ArchiveError> {
    let Some(row) = ports.members.membership(&user, conversation).await? else {
        return Ok(());
    };
    let (head, deletes) = (row.head.seq, row.settings.deletes);
    writer.write(&Line::Member(Row {
        member: row.member,
        left: row.left,
        position: row.position,
        settings: row.settings,
    }))?;
    let mut after = Seq::ZERO;
    while deletes && after < head {
        let end = Seq(after.0 + DELETED).min(head);
        let span = Span {
            conversation,
            after,
            end,
        };
        let deleted = ports.tallies.deleted(&user, &[span]).await?;
        if !deleted.is_empty() {
            let seqs = deleted.into_iter().map(|(_, seq)| seq).collect();
            let user = user.clone();
            writer.write(&Line::Deleted { user, seqs })?;
        }
        after = end;
    }
    Ok(())
}

/// What a message said before its first edit, as far as that is kept; `None` for one that was not edited.
async fn first_content(ports: &Ports, entry: &Entry) -> Result<Option<Content>, ArchiveError> {
    if entry.body.changed_by().is_none() {
        return Ok(None);
    }
    let log = &ports.log;
    let mut earlier = log.earlier(entry.conversation, entry.seq, EDITS).await?;
    earlier.truncate(1);
    Ok(earlier.pop().map(|(_, content)| content))
}

fn is_unknown(entry: &Entry) -> bool {
    matches!(
        entry.body,
        Body::Unknown
            | Body::Message(Message {
                content: Content::Unknown,
                ..
            })
    )
}

/// Writes what a user has here, as the user sees it: profile, blocks, rows of its own, and all conversations that it is or was a member of,
/// with the entries that it may see. For the user to take along; a file of this kind is not imported.
///
/// # Errors
/// When the store or the file fails.
///
/// # Cancel safety
/// Dropping the future leaves a file without its last line.
pub async fn export_user(
    im: &Im,
    user: &UserId,
    out: &mut (dyn Write + Send),
    progress: &mut (dyn FnMut(Counts) + Send),
) -> Result<Counts, ArchiveError> {
    let ports = im.ports();
    let mut writer = Writer::new(out, progress);
    let scope = Scope::User(user.clone());
    writer.write(&first_line(ports, scope).await?)?;
    for profile in ports.users.profiles(std::slice::from_ref(user)).await? {
        writer.write(&Line::Profile { profile })?;
    }
    for row in ports.contacts.blocks(user).await? {
        if row.block.blocked {
            writer.write(&Line::Block { block: row.block })?;
        }
    }
    write_own(ports, &mut writer, user).await?;
    let mut after = None;
    loop {
        let rows = ports.members.memberships(user, after, PAGE).await?;
        for row in &rows {
            write_view(im, &mut writer, user, row.conversation).await?;
        }
        after = rows.last().map(|row| row.conversation);
        if rows.len() < PAGE {
            return writer.end();
        }
    }
}

/// Writes the rows of the user's own, as far as its devices get them.
async fn write_own(
    ports: &Ports,
    writer: &mut Writer<'_>,
    user: &UserId,
) -> Result<(), ArchiveError> {
    let mut after = 0;
    loop {
        let rows = ports.own.changed(user, after, PAGE).await?;
        let is_last = rows.len() < PAGE;
        for row in rows {
            after = row.version;
            if row.value.is_some() {
                writer.write(&Line::Own { row })?;
            }
        }
        if is_last {
            return Ok(());
        }
    }
}

async fn write_view(
    im: &Im,
    writer: &mut Writer<'_>,
    user: &UserId,
    conversation: ConversationId,
) -> Result<(), ArchiveError> {
    // What may be seen is what the engine shows; it does not ask a service to slow down.
    let actor = Actor::service(user.clone());
    let mut view = im.call(&actor, GetConversation { conversation }).await?;
    let mut after = view.since.previous();
    view.last = None;
    writer.write(&Line::View { view })?;
    loop {
        let ask = History {
            after_seq: Some(after),
            ..History::of(conversation)
        };
        let page = im.call(&actor, ask).await?;
        after = page.items.last().map_or(after, |entry| entry.seq);
        for entry in page.items {
            writer.write(&Line::Entry {
                fingerprint: None,
                was: None,
                entry,
            })?;
        }
        writer.tell();
        if page.done {
            return Ok(());
        }
    }
}

async fn first_line(ports: &Ports, scope: Scope) -> Result<Line, ArchiveError> {
    Ok(Line::ImExport {
        version: VERSION,
        epoch: ports.log.epoch().await?,
        exported_at_ms: ports.runtime.now(),
        scope,
    })
}
