//! Contacts: asked for, answered, kept; and who follows whom.

use im_core::{
    AcceptContact, BlockUser, ChangeContact, Code, Contact, DeleteContact, Direction, FollowUser,
    Limits, ListContactRequests, ListContacts, ListFollowers, ListFollows, Own, OwnKind, OwnRow,
    Push, RejectContact, Request, RequestContact, Session, UnfollowUser, WithdrawContact,
    testing::user,
};
use serde_json::json;

use crate::world::{Database, Rest, World, call, next_that, refused};

#[tokio::test]
async fn two_become_contacts_and_all_their_devices_hear_of_it() {
    tell(Database::sqlite()).await;
}

pub(crate) async fn tell(database: Database) {
    let world = World::engine_on(database, Limits::default()).await;
    let alice = world.connect("alice", "phone").await;
    let mut laptop = world.connect("alice", "laptop").await;
    let mut bob = world.connect("bob", "phone").await;

    let asked = call(&alice, request("bob", Some("We met"))).await.items;
    assert_eq!(next_own(&mut laptop).await, asked[0]);
    let incoming = next_own(&mut bob).await;
    let mine = request_in(&incoming);
    assert_eq!(
        (mine.direction, mine.greeting.as_deref()),
        (Direction::Incoming, Some("We met"))
    );
    assert_eq!(incoming.key.as_str(), "alice");
    assert!(incoming.due_ms.unwrap() > mine.at_ms);
    assert_eq!(request_in(&asked[0]).direction, Direction::Outgoing);
    // Once more changes nothing.
    assert_eq!(call(&alice, request("bob", None)).await.items, asked);
    assert_eq!(call(&bob, requests()).await.items, [incoming]);

    let accepted = call(&bob, accept("alice")).await.items;
    assert_eq!(contact_in(&accepted[0]), Some(&as_of(&accepted[0])));
    let told = [next_own(&mut laptop).await, next_own(&mut laptop).await];
    assert_eq!(
        told.each_ref().map(|row| row.kind),
        [OwnKind::Contact, OwnKind::Request]
    );
    assert_eq!((told[0].key.as_str(), &told[1].value), ("bob", &None));
    assert_eq!(call(&bob, accept("alice")).await.items.len(), 1);
    for session in [&alice, &bob] {
        assert_eq!(call(session, requests()).await.items, []);
        assert_eq!(call(session, contacts()).await.items.len(), 1);
    }

    let change = ChangeContact {
        user: user("bob"),
        remark: Some("Bobby".into()),
        labels: Some(vec!["work".into(), "chess".into()]),
    };
    let changed = call(&alice, change).await.items;
    assert_eq!(next_own(&mut laptop).await, changed[0]);
    let kept = contact_in(&changed[0]).unwrap();
    assert_eq!(kept.remark.as_deref(), Some("Bobby"));
    assert_eq!(kept.labels, ["chess", "work"]);
    assert_eq!(
        contact_in(&call(&bob, contacts()).await.items[0])
            .unwrap()
            .remark,
        None
    );

    let delete = DeleteContact {
        user: user("alice"),
    };
    call(&bob, delete.clone()).await;
    assert_eq!(call(&bob, delete).await.items, []);
    let gone = next_own(&mut laptop).await;
    assert_eq!((gone.kind, gone.value), (OwnKind::Contact, None));
    assert_eq!(call(&alice, contacts()).await.items, []);
}

#[tokio::test]
async fn requests_cross_are_refused_taken_back_and_stand_behind_blocks() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let carol = world.connect("carol", "phone").await;

    call(&alice, request("bob", None)).await;
    call(&bob, request("alice", None)).await;
    assert_eq!(call(&alice, contacts()).await.items.len(), 1);

    call(&carol, request("alice", None)).await;
    let reject = RejectContact {
        user: user("carol"),
    };
    call(&alice, reject.clone()).await;
    call(&alice, reject).await;
    let refusal = call(&carol, requests()).await.items;
    assert!(request_in(&refusal[0]).rejected);
    assert_eq!(refused(&alice, accept("carol")).await, Code::NotFound);

    call(&carol, request("alice", Some("please"))).await;
    let withdraw = WithdrawContact {
        user: user("alice"),
    };
    call(&carol, withdraw.clone()).await;
    assert_eq!(call(&carol, withdraw).await.items, []);
    assert_eq!(call(&alice, requests()).await.items, []);
    let nobody = RejectContact {
        user: user("carol"),
    };
    assert_eq!(refused(&alice, nobody).await, Code::NotFound);

    call(&carol, request("alice", None)).await;
    call(
        &alice,
        BlockUser {
            user: user("carol"),
        },
    )
    .await;
    assert_eq!(refused(&alice, accept("carol")).await, Code::Blocked);
    call(
        &carol,
        WithdrawContact {
            user: user("alice"),
        },
    )
    .await;
    assert_eq!(refused(&carol, request("alice", None)).await, Code::Blocked);
}

#[tokio::test]
async fn a_request_expires_by_itself_and_bounds_hold() {
    let limits = Limits {
        contact_request_ms: 0,
        contact_requests: 2,
        contacts_per_user: 1,
        follows_per_user: 1,
        ..Limits::default()
    };
    let world = World::engine_on(Database::sqlite(), limits).await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;

    call(&alice, request("bob", None)).await;
    assert_eq!(call(&bob, requests()).await.items, []);
    // It is over, or cleared away already.
    let code = refused(&bob, accept("alice")).await;
    assert!(matches!(code, Code::Expired | Code::NotFound), "{code}");
    // Those whose time is over do not count.
    for name in ["carol", "dave", "erin"] {
        call(&alice, request(name, None)).await;
    }
    call(&alice, FollowUser { user: user("bob") }).await;
    let another = FollowUser {
        user: user("carol"),
    };
    assert_eq!(refused(&alice, another).await, Code::TooMany);
}

#[tokio::test]
async fn open_requests_and_contacts_are_bounded() {
    let limits = Limits {
        contact_requests: 2,
        contacts_per_user: 1,
        ..Limits::default()
    };
    let world = World::engine_on(Database::sqlite(), limits).await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let carol = world.connect("carol", "phone").await;
    call(&alice, request("bob", None)).await;
    call(&alice, request("carol", None)).await;

    assert_eq!(refused(&alice, request("dave", None)).await, Code::TooMany);
    let dave = world.connect("dave", "phone").await;
    assert_eq!(refused(&dave, request("alice", None)).await, Code::TooMany);
    call(&bob, accept("alice")).await;
    assert_eq!(refused(&carol, accept("alice")).await, Code::TooMany);
}

#[tokio::test]
async fn many_who_ask_at_once_become_contacts_once() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;

    let both = (0..8).map(|n| {
        let (session, other) = if n % 2 == 0 {
            (&alice, "bob")
        } else {
            (&bob, "alice")
        };
        call(session, request(other, None))
    });
    futures(both.collect()).await;

    for session in [&alice, &bob] {
        assert_eq!(call(session, contacts()).await.items.len(), 1);
        assert_eq!(call(session, requests()).await.items, []);
    }
}

#[tokio::test]
async fn following_is_one_way_and_needs_no_answer() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut laptop = world.connect("alice", "laptop").await;
    let bob = world.connect("bob", "phone").await;
    let follow = FollowUser { user: user("bob") };

    let followed = call(&alice, follow.clone()).await.items;
    assert_eq!(call(&alice, follow.clone()).await.items, followed);
    assert_eq!(next_own(&mut laptop).await, followed[0]);
    let followers = ListFollowers {
        after: None,
        limit: None,
    };
    let of_bob = call(&bob, followers.clone()).await.items;
    assert_eq!(
        (of_bob[0].kind, of_bob[0].key.as_str()),
        (OwnKind::Follower, "alice")
    );
    assert_eq!(call(&alice, followers.clone()).await.items, []);
    let follows = ListFollows {
        after: None,
        limit: None,
    };
    assert_eq!(call(&alice, follows.clone()).await.items, followed);
    assert_eq!(call(&bob, follows.clone()).await.items, []);

    let stop = UnfollowUser { user: user("bob") };
    call(&alice, stop.clone()).await;
    assert_eq!(call(&alice, stop).await.items, []);
    assert_eq!(call(&alice, follows).await.items, []);
    assert_eq!(call(&bob, followers).await.items, []);
    call(
        &bob,
        BlockUser {
            user: user("alice"),
        },
    )
    .await;
    assert_eq!(refused(&alice, follow).await, Code::Blocked);
}

#[tokio::test]
async fn contacts_by_rest() {
    let world = World::server().await;
    let alice = Rest::new(world.address(), Some(world.token("alice", "curl").await));
    let bob = Rest::new(world.address(), Some(world.token("bob", "curl").await));
    let mut phone = world.by_hand("bob", "phone").await;

    let greeting = json!({"greeting": "hi"});
    let asked = alice
        .send("PUT", "/v1/contacts/requests/bob", &greeting)
        .await;
    assert_eq!(
        (asked.status, asked.body["items"].as_array().unwrap().len()),
        (200, 1)
    );
    let told = phone.push_of("own.changed").await;
    assert_eq!(told["value"]["greeting"], "hi");
    assert_eq!(
        bob.get("/v1/contacts/requests").await.body["items"],
        json!([told])
    );
    let accept = bob
        .send("POST", "/v1/contacts/requests/alice/accept", &json!({}))
        .await;
    assert_eq!(accept.status, 200, "{accept:?}");
    let remark = json!({"remark": "A.", "labels": ["x"]});
    let changed = bob.send("PATCH", "/v1/contacts/users/alice", &remark).await;
    assert_eq!(changed.body["items"][0]["value"]["remark"], "A.");
    assert_eq!(
        bob.get("/v1/contacts?limit=1").await.body["items"][0]["key"],
        "alice"
    );
    let deleted = alice
        .send("DELETE", "/v1/contacts/users/bob", &json!({}))
        .await;
    assert_eq!(deleted.status, 200);
    assert_eq!(bob.get("/v1/contacts").await.body["items"], json!([]));

    alice
        .send("PUT", "/v1/contacts/requests/bob", &json!({}))
        .await;
    let rejected = bob
        .send("POST", "/v1/contacts/requests/alice/reject", &json!({}))
        .await;
    assert_eq!(rejected.status, 200);
    let withdrawn = alice
        .send("DELETE", "/v1/contacts/requests/bob", &json!({}))
        .await;
    assert_eq!(withdrawn.status, 200);
    let followed = alice
        .send("PUT", "/v1/contacts/follows/bob", &json!({}))
        .await;
    assert_eq!(followed.status, 200);
    assert_eq!(
        alice.get("/v1/contacts/follows").await.body["items"][0]["key"],
        "bob"
    );
    assert_eq!(
        bob.get("/v1/contacts/followers").await.body["items"][0]["key"],
        "alice"
    );
    let unfollowed = alice
        .send("DELETE", "/v1/contacts/follows/bob", &json!({}))
        .await;
    assert_eq!(unfollowed.status, 200);
}

/// Waits for all of them, side by side.
async fn futures<T>(all: Vec<impl Future<Output = T>>) {
    let mut all: Vec<_> = all.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        all.retain_mut(|one| one.as_mut().poll(cx).is_pending());
        if all.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}

fn request(name: &str, greeting: Option<&str>) -> RequestContact {
    RequestContact {
        user: user(name),
        greeting: greeting.map(str::to_owned),
    }
}

fn accept(name: &str) -> AcceptContact {
    AcceptContact { user: user(name) }
}

const fn requests() -> ListContactRequests {
    ListContactRequests {
        after: None,
        limit: None,
    }
}

const fn contacts() -> ListContacts {
    ListContacts {
        after: None,
        limit: None,
    }
}

fn request_in(row: &OwnRow) -> &Request {
    match &row.value {
        Some(Own::Request(request)) => request,
        other => panic!("{other:?} is no request"),
    }
}

fn contact_in(row: &OwnRow) -> Option<&Contact> {
    match &row.value {
        Some(Own::Contact(contact)) => Some(contact),
        _ => None,
    }
}

/// A contact that nobody has named, since the row says.
fn as_of(row: &OwnRow) -> Contact {
    Contact {
        since_ms: contact_in(row).unwrap().since_ms,
        ..Contact::default()
    }
}

async fn next_own(session: &mut Session) -> OwnRow {
    next_that(session, "a row of one's own", |push| match push {
        Push::OwnChanged(row) => Some((**row).clone()),
        _ => None,
    })
    .await
}
