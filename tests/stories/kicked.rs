//! Somebody is removed while sending: what was said before stands, what comes after does not exist.

use im_core::{
    Body, Code, Cursor, Error, GetConversation, History, KickMembers, Limits, OpenDirect, Push,
    Seq, Session, SyncPull, testing::user,
};

use crate::world::{
    Database, World, call, entries_until, group, key, next_that, refused, send_all, seqs, within,
};

#[tokio::test]
async fn a_member_who_is_kicked_while_sending_gets_not_found_and_nothing_of_what_follows() {
    tell(Database::sqlite()).await;
}

pub(crate) async fn tell(database: Database) {
    let world = World::engine_on(database, Limits::default()).await;
    let mut alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let open = OpenDirect { user: user("bob") };
    let aside = call(&alice, open).await.conversation;
    entries_until(&mut bob, aside, Seq(1)).await;
    let before = bob.cursor();

    // Bob talks without a pause, on four tongues; alice has enough after twenty messages.
    let talking: Vec<_> = (0..4)
        .map(|tongue| {
            let sender = bob.sender();
            tokio::spawn(async move {
                let mut stored = Vec::new();
                for n in 0.. {
                    match sender.send(&room, format!("{tongue}/{n}")).await {
                        Ok(sent) => stored.push(sent.seq),
                        Err(error) => return (stored, error),
                    }
                }
                unreachable!("there is always another number")
            })
        })
        .collect();
    for _ in 0..20 {
        within("bob's talk", alice.next_message()).await.unwrap();
    }
    let kick = KickMembers {
        conversation: room,
        client_id: key(),
        users: vec![user("bob")],
        reason: Some("too loud".into()),
        banned_until_ms: None,
    };
    let kick = call(&alice, kick).await.seq;
    let mut stored = Vec::new();
    for tongue in talking {
        let (seqs, error) = within("the last answer", tongue).await.unwrap();
        stored.extend(seqs);
        assert!(is(&error, Code::NotFound), "{error}");
    }
    let last = send_all(&alice, &room, ["quiet", "at last"].map(String::from)).await;
    alice.send(&aside, "sorry").await.unwrap();

    // Everything that was acknowledged stands before the kick, and nothing of his after it.
    stored.sort();
    let log = history(&alice, room, Seq::ZERO).await;
    let his = log.iter().filter(|entry| entry.sender == user("bob"));
    assert_eq!(his.map(|entry| entry.seq).collect::<Vec<_>>(), stored);
    assert!(stored.iter().all(|seq| *seq < kick));
    assert_eq!(last, Seq(kick.0 + 2));

    // He sees the kick, and nothing after: live …
    let mut seen = Vec::new();
    next_that(&mut bob, "the message aside", |push| match push {
        Push::Entry(entry) if entry.conversation == aside => Some(()),
        Push::Entry(entry) => {
            seen.push(entry.clone());
            None
        }
        _ => None,
    })
    .await;
    assert_eq!(seqs(&seen), (2..=kick.0).collect::<Vec<_>>());
    assert!(matches!(seen.last().unwrap().body, Body::Kicked { .. }));

    // … by history …
    let his = history(&bob, room, Seq::ZERO).await;
    assert_eq!(his, log[..usize::try_from(kick.0).unwrap()]);
    assert_eq!(history(&bob, room, kick).await, []);

    // … and by sync, whether the device was there before or not.
    let mut cursor = before;
    let mut synced = Vec::new();
    loop {
        let pull = SyncPull {
            cursor: Some(cursor),
            have: Default::default(),
            limit: None,
        };
        let page = call(&bob, pull).await;
        let items = page.items.into_iter();
        synced.extend(items.filter(|item| item.view.conversation == room));
        cursor = page.cursor;
        if page.done {
            break;
        }
    }
    let tail: Vec<_> = synced
        .iter()
        .flat_map(|item| item.entries.clone())
        .collect();
    assert_eq!(tail, his[1..]);
    assert_eq!(synced.last().unwrap().view.left, Some(kick));
    let pull = SyncPull {
        cursor: Some(Cursor::default()),
        have: Default::default(),
        limit: None,
    };
    let anew = call(&bob, pull).await;
    assert!(anew.items.iter().all(|item| item.view.conversation != room));
    let view = call(&bob, GetConversation { conversation: room }).await;
    assert_eq!(
        (view.left, view.head.seq, view.unread),
        (Some(kick), kick, 0)
    );
    assert!(view.last.is_none_or(|entry| entry.seq <= kick));
}

#[tokio::test]
async fn a_member_who_was_away_learns_of_the_kick_and_of_nothing_after_it() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    entries_until(&mut bob, room, Seq(1)).await;
    let cursor = bob.cursor();
    drop(bob);

    send_all(&alice, &room, ["two", "three"].map(String::from)).await;
    let kick = KickMembers {
        conversation: room,
        client_id: key(),
        users: vec![user("bob")],
        reason: None,
        banned_until_ms: None,
    };
    assert_eq!(call(&alice, kick).await.seq, Seq(4));
    send_all(&alice, &room, ["five", "six"].map(String::from)).await;
    let mut bob = world.resume("bob", "phone", cursor).await;

    let missed = entries_until(&mut bob, room, Seq(4)).await;
    assert_eq!(seqs(&missed), [2, 3, 4]);
    let ask = im_core::MarkRead {
        conversation: room,
        seq: Seq(6),
    };
    assert_eq!(refused(&bob, ask).await, Code::NotFound);
    let open = OpenDirect { user: user("bob") };
    let aside = call(&alice, open).await.conversation;
    let next = crate::world::next_entry(&mut bob).await;
    assert_eq!(next.conversation, aside);
}

async fn history(
    session: &Session,
    conversation: im_core::ConversationId,
    mut after: Seq,
) -> Vec<im_core::Entry> {
    let mut entries = Vec::new();
    loop {
        let ask = History {
            after_seq: Some(after),
            limit: Some(200),
            ..History::of(conversation)
        };
        let page = call(session, ask).await;
        after = page.items.last().map_or(after, |entry| entry.seq);
        entries.extend(page.items);
        if page.done {
            return entries;
        }
    }
}

fn is(error: &Error, code: Code) -> bool {
    matches!(error, Error::Rejected(rejection) if rejection.code == code)
}
