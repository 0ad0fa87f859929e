//! What users keep to themselves, the others do not see.

use im_core::{
    AcceptContact, Availability, ChangePreferences, Circle, Code, ConversationId, DeleteContact,
    Error, GetPreferences, GetPresence, LastSeen, Limits, ListReaders, MarkRead, OpenDirect, Own,
    Preferences, PreferencesPatch, Presence, Push, ReaderPage, RequestContact, Seq, Session,
    SubscribePresence, Writers, testing::user,
};
use serde_json::json;

use crate::world::{Database, Rest, World, call, group, next_that, refused, send_all, within};

#[tokio::test]
async fn who_keeps_what_it_has_read_to_itself_does_not_see_what_others_have() {
    let world = World::engine().await;
    let mut alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let mut laptop = world.connect("bob", "laptop").await;
    let carol = world.connect("carol", "phone").await;
    let room = group(&alice, &["bob", "carol"]).await;
    send_all(&alice, &room, ["one", "two"].map(String::from)).await;
    change(&bob, |it| it.read_receipts = Some(false)).await;

    call(&bob, read(room, 2)).await;
    assert_eq!(
        next_reader(&mut laptop).await,
        "bob",
        "its own devices know"
    );
    call(&carol, read(room, 2)).await;
    assert_eq!(next_reader(&mut alice).await, "carol");
    send_all(&alice, &room, ["three"].map(String::from)).await;
    next_that(&mut laptop, "the message", |push| {
        assert!(!matches!(push, Push::Receipt(_)), "{push:?}");
        matches!(push, Push::Entry(entry) if entry.seq == Seq(4)).then_some(())
    })
    .await;

    let page = call(&alice, readers(room, 2)).await;
    assert_eq!(
        (names(&page), page.count, page.done),
        (vec!["carol"], Some(1), true)
    );
    assert_eq!(names(&call(&carol, readers(room, 3)).await), [""; 0]);
    assert_eq!(refused(&bob, readers(room, 2)).await, Code::Forbidden);
    change(&bob, |it| it.read_receipts = Some(true)).await;
    assert_eq!(names(&call(&bob, readers(room, 2)).await), ["bob", "carol"]);
    call(&bob, read(room, 4)).await;
    assert_eq!(next_reader(&mut alice).await, "bob");
}

#[tokio::test]
async fn readers_are_those_who_were_there_and_came_so_far() {
    let limits = Limits {
        counted_readers: 4,
        ..Limits::default()
    };
    let world = World::engine_on(Database::sqlite(), limits).await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let mallory = world.connect("mallory", "phone").await;
    let room = group(&alice, &["bob", "carol"]).await;
    send_all(&alice, &room, ["one"].map(String::from)).await;
    let add = |name: &str| im_core::AddMembers {
        conversation: room,
        client_id: crate::world::key(),
        users: vec![user(name)],
    };
    call(&alice, add("dave")).await;

    // Dave came later, carol is behind; who answers has read.
    bob.send(&room, "answer").await.unwrap();
    let page = call(&alice, readers(room, 2)).await;
    assert_eq!((names(&page), page.count), (vec!["bob"], Some(1)));
    assert_eq!(refused(&alice, readers(room, 1)).await, Code::NotFound);
    assert_eq!(refused(&alice, readers(room, 99)).await, Code::NotFound);
    assert_eq!(refused(&mallory, readers(room, 2)).await, Code::NotFound);

    // In a group that is too large to be counted there are still pages.
    call(&alice, add("erin")).await;
    let mut ask = readers(room, 2);
    ask.limit = Some(2);
    let (mut found, mut pages) = (Vec::new(), 0);
    loop {
        let page = call(&alice, ask.clone()).await;
        assert_eq!(page.count, None);
        found.extend(page.items);
        pages += 1;
        if page.done {
            break;
        }
        ask.after = page.next_cursor;
    }
    assert_eq!((found, pages), (vec![user("bob")], 3));
}

#[tokio::test]
async fn contacts_see_each_other_without_a_common_conversation() {
    let world = World::engine().await;
    let mut alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    assert_eq!(seen(&alice, "bob").await, Availability::Offline);

    befriend(&alice, &bob).await;
    assert_eq!(
        call(&alice, watch("bob")).await.items[0].availability,
        Availability::Online
    );
    drop(bob);
    assert_eq!(
        next_presence(&mut alice).await.availability,
        Availability::Offline
    );
    let bob = world.connect("bob", "phone").await;
    assert_eq!(
        next_presence(&mut alice).await.availability,
        Availability::Online
    );

    call(
        &bob,
        DeleteContact {
            user: user("alice"),
        },
    )
    .await;
    assert_eq!(seen(&alice, "bob").await, Availability::Offline);
}

#[tokio::test]
async fn who_is_invisible_looks_offline_everywhere() {
    let world = World::engine().await;
    let mut alice = world.connect("alice", "phone").await;
    let mut carol = world.connect("carol", "phone").await;
    let bob = world.connect("bob", "phone").await;
    group(&bob, &["alice", "carol"]).await;
    befriend(&alice, &bob).await;
    for session in [&alice, &carol] {
        assert_eq!(
            call(session, watch("bob")).await.items[0].availability,
            Availability::Online
        );
    }

    // To contacts alone: to carol it went.
    change(&bob, |it| it.presence = Some(Circle::Contacts)).await;
    assert_eq!(next_presence(&mut carol).await, gone("bob"));
    assert_eq!(seen(&carol, "bob").await, Availability::Offline);
    assert_eq!(seen(&alice, "bob").await, Availability::Online);
    // And to nobody.
    change(&bob, |it| it.presence = Some(Circle::Nobody)).await;
    assert_eq!(next_presence(&mut alice).await, gone("bob"));
    assert_eq!(seen(&alice, "bob").await, Availability::Offline);
    assert_eq!(call(&alice, watch("bob")).await.items, [gone("bob")]);
    // It sees itself, and the others.
    assert_eq!(seen(&bob, "bob").await, Availability::Online);
    assert_eq!(seen(&bob, "alice").await, Availability::Online);

    change(&bob, |it| it.presence = Some(Circle::Everyone)).await;
    assert_eq!(seen(&carol, "bob").await, Availability::Online);
}

#[tokio::test]
async fn when_somebody_was_last_there_is_told_as_it_likes() {
    let world = World::engine().await;
    let mut alice = world.connect("alice", "phone").await;
    let hour = 3_600_000;
    for (how, name) in [(LastSeen::Hour, "bob"), (LastSeen::Hidden, "carol")] {
        let session = world.connect(name, "phone").await;
        group(&alice, &[name]).await;
        call(&alice, watch(name)).await;
        change(&session, |it| it.last_seen = Some(how)).await;
        drop(session);
        let told = next_presence(&mut alice).await;
        let asked = call(&alice, get(name)).await.items.remove(0);
        assert_eq!(told, asked);
        let at = told.last_seen_ms;
        match how {
            LastSeen::Hour => assert_eq!(at.unwrap().0 % hour, 0),
            _ => assert_eq!(at, None),
        }
    }
}

#[tokio::test]
async fn only_contacts_write_to_who_hears_from_contacts_alone() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let carol = world.connect("carol", "phone").await;
    let chat = call(&carol, open("bob")).await.conversation;
    change(&bob, |it| it.writers = Some(Writers::Contacts)).await;

    assert_eq!(refused(&alice, open("bob")).await, Code::ContactsOnly);
    assert_eq!(send(&carol, chat).await, Err(Code::ContactsOnly));
    // It may write itself, and in groups nobody writes to somebody in particular.
    assert_eq!(send(&bob, chat).await, Ok(()));
    let room = group(&carol, &["bob"]).await;
    assert_eq!(send(&carol, room).await, Ok(()));

    befriend(&carol, &bob).await;
    assert_eq!(send(&carol, chat).await, Ok(()));
    call(
        &bob,
        DeleteContact {
            user: user("carol"),
        },
    )
    .await;
    assert_eq!(send(&carol, chat).await, Err(Code::ContactsOnly));
    change(&bob, |it| it.writers = Some(Writers::Everyone)).await;
    assert_eq!(send(&carol, chat).await, Ok(()));
    call(&alice, open("bob")).await;
}

#[tokio::test]
async fn preferences_follow_the_user_and_are_changed_by_rest() {
    let world = World::server().await;
    let mut phone = world.by_hand("alice", "phone").await;
    let alice = Rest::new(world.address(), Some(world.token("alice", "curl").await));
    let path = "/v1/users/me/settings";

    let first = alice.get(path).await.body;
    assert_eq!(
        (&first["version"], &first["value"]["read_receipts"]),
        (&json!(0), &json!(true))
    );
    let hours = json!({"from_minute": 1320, "to_minute": 420, "utc_offset_minutes": 480});
    let changes = json!({"presence": "nobody", "notifications": {"quiet_hours": hours}});
    let changed = alice.send("PATCH", path, &changes).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(phone.push_of("own.changed").await, changed.body);
    assert_eq!(changed.body["value"]["notifications"]["quiet_hours"], hours);
    assert_eq!(alice.get(path).await.body, changed.body);
    let never = json!({"from_minute": 0, "to_minute": 0});
    let changes = json!({"notifications": {"quiet_hours": never}});
    let changed = alice.send("PATCH", path, &changes).await.body;
    assert_eq!(changed["value"]["notifications"].get("quiet_hours"), None);
    assert_eq!(changed["value"]["presence"], "nobody");
}

#[tokio::test]
async fn what_is_not_changed_stays_whatever_the_number_of_devices() {
    let world = World::engine().await;
    let phone = world.connect("alice", "phone").await;
    let laptop = world.connect("alice", "laptop").await;

    tokio::join!(
        change(&phone, |it| it.read_receipts = Some(false)),
        change(&laptop, |it| it.last_seen = Some(LastSeen::Hidden)),
    );

    let row = call(&phone, GetPreferences {}).await;
    let expected = Preferences {
        read_receipts: false,
        last_seen: LastSeen::Hidden,
        ..Preferences::default()
    };
    assert_eq!(row.value, Some(Own::Preferences(expected)));
}

async fn change(session: &Session, set: impl FnOnce(&mut PreferencesPatch)) {
    let mut changes = PreferencesPatch::default();
    set(&mut changes);
    call(session, ChangePreferences { changes }).await;
}

async fn befriend(one: &Session, other: &Session) {
    let request = RequestContact {
        user: other.user().clone(),
        greeting: None,
    };
    call(one, request).await;
    let accept = AcceptContact {
        user: one.user().clone(),
    };
    call(other, accept).await;
}

async fn send(session: &Session, to: ConversationId) -> Result<(), Code> {
    match within("an answer", session.send(&to, "hello")).await {
        Ok(_) => Ok(()),
        Err(Error::Rejected(rejection)) => Err(rejection.code),
        Err(other) => panic!("{other}"),
    }
}

fn open(name: &str) -> OpenDirect {
    OpenDirect { user: user(name) }
}

fn get(name: &str) -> GetPresence {
    GetPresence {
        users: vec![user(name)],
    }
}

fn watch(name: &str) -> SubscribePresence {
    SubscribePresence {
        users: vec![user(name)],
    }
}

async fn seen(session: &Session, name: &str) -> Availability {
    call(session, get(name)).await.items[0].availability
}

fn gone(name: &str) -> Presence {
    Presence {
        user: user(name),
        availability: Availability::Offline,
        classes: Vec::new(),
        last_seen_ms: None,
    }
}

const fn read(conversation: ConversationId, seq: u64) -> MarkRead {
    MarkRead {
        conversation,
        seq: Seq(seq),
    }
}

const fn readers(conversation: ConversationId, seq: u64) -> ListReaders {
    ListReaders {
        conversation,
        seq: Seq(seq),
        after: None,
        limit: None,
    }
}

fn names(page: &ReaderPage) -> Vec<&str> {
    page.items.iter().map(im_core::UserId::as_str).collect()
}

async fn next_reader(session: &mut Session) -> String {
    next_that(session, "a receipt", |push| match push {
        Push::Receipt(receipt) => Some(receipt.user.to_string()),
        _ => None,
    })
    .await
}

async fn next_presence(session: &mut Session) -> Presence {
    next_that(session, "a presence", |push| match push {
        Push::Presence(presence) => Some(presence.clone()),
        _ => None,
    })
    .await
}
