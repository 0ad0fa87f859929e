//! Admins keep order, over the doors by which everybody comes.

use im_core::{
    Actor, Body, CloseReason, Code, Error, LiftRestriction, OpenDirect, PromoteUser, RecallMessage,
    RestrictUser, RestrictionKind, Typing, testing::user,
};
use im_server::WantedToken;
use serde_json::{Value, json};

use crate::world::{
    ByHand, Rest, World, call, entries_until, group, key, next_entry, refused, within,
};

/// The token of an admin.
async fn admin(world: &World) -> String {
    world.token("ann", "console").await;
    let promote = PromoteUser { user: user("ann") };
    let operator = Actor::service(user("operator"));
    world.im().call(&operator, promote).await.unwrap();
    let wanted = WantedToken {
        scopes: Some("read write admin".parse().unwrap()),
        ..WantedToken::of(user("ann"))
    };
    let issued = world.server_handle().accounts().issue(wanted).await;
    issued.unwrap().access_token
}

/// An admin's console: a link of its own.
async fn console(world: &World) -> ByHand {
    let token = admin(world).await;
    ByHand::open(world.address(), &token, "console").await
}

fn restriction(kind: &str, reason: &str) -> Value {
    json!({"user": "alice", "kind": kind, "reason": reason})
}

#[tokio::test]
async fn an_admin_mutes_and_lifts_and_the_user_reads_on() {
    let world = World::server().await;
    let mut ann = console(&world).await;
    let mut alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let open = OpenDirect {
        user: user("alice"),
    };
    let chat = call(&bob, open).await.conversation;

    let muted = ann.call("admin.restrict", restriction("muted", "advertising"));
    assert_eq!(muted.await.unwrap()["restrictions"][0]["kind"], "muted");

    let refusal = within("a refusal", alice.send(&chat, "buy this")).await;
    let Err(Error::Rejected(refusal)) = refusal else {
        panic!("{refusal:?}")
    };
    assert_eq!(refusal.code, Code::Muted);
    assert!(refusal.detail.contains("advertising"), "{refusal}");
    let typing = Typing { conversation: chat };
    assert_eq!(refused(&alice, typing).await, Code::Muted);
    let said = within("a send", bob.send(&chat, "hello")).await.unwrap();
    let heard = entries_until(&mut alice, chat, said.seq).await;
    assert_eq!(heard.last().unwrap().seq, said.seq);
    let lift = json!({"user": "alice", "kind": "muted"});
    ann.call("admin.lift", lift).await.unwrap();
    within("a send", alice.send(&chat, "sorry")).await.unwrap();
}

#[tokio::test]
async fn an_admin_freezes_and_only_reading_is_left() {
    let world = World::server().await;
    let mut ann = console(&world).await;
    let alice = world.connect("alice", "phone").await;
    let chat = group(&alice, &["ann"]).await;
    let sent = within("a send", alice.send(&chat, "hello")).await.unwrap();

    let frozen = ann.call("admin.restrict", restriction("frozen", "an inquiry"));
    frozen.await.unwrap();

    let recall = RecallMessage {
        conversation: chat,
        client_id: key(),
        target: sent.seq,
    };
    assert_eq!(refused(&alice, recall).await, Code::Frozen);
    let page = call(&alice, im_core::History::of(chat)).await;
    assert_eq!(page.items.len(), 2);
}

#[tokio::test]
async fn who_is_banned_is_sent_away_with_a_code_that_says_not_to_come_back() {
    let world = World::server().await;
    let mut ann = console(&world).await;
    let token = world.token("alice", "tablet").await;
    let mut tablet = ByHand::open(world.address(), &token, "tablet").await;
    let mut phone = world.connect("alice", "phone").await;

    let banned = ann.call("admin.restrict", restriction("banned", "fraud"));
    banned.await.unwrap();

    assert_eq!(tablet.push_of("session.closing").await["reason"], "banned");
    assert_eq!(tablet.close_code().await, 4302);
    let end = within("the end", async {
        loop {
            if let Err(error) = phone.next_event().await {
                break error;
            }
        }
    });
    assert_eq!(end.await, Error::Closed(CloseReason::Banned));
    let rest = Rest::new(world.address(), Some(token.clone()));
    assert_eq!(rest.get("/v1/conversations").await.status, 401);
    let mut link = ByHand::dial(world.address(), None).await;
    let open = json!({"token": token, "device": "tablet"});
    assert!(link.call("session.open", open).await.is_err());
}

#[tokio::test]
async fn a_moderator_takes_back_what_was_said_and_ends_the_group_it_was_said_in() {
    let world = World::server().await;
    let token = admin(&world).await;
    let rest = Rest::new(world.address(), Some(token));
    let alice = world.connect("alice", "phone").await;
    world.token("bob", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let at = group(&alice, &["bob"]).await;
    let sent = within("a send", alice.send(&at, "forbidden"))
        .await
        .unwrap();
    entries_until(&mut bob, at, sent.seq).await;

    let path = format!("/v1/admin/conversations/{at}");
    let message = format!("{path}/messages/{}", sent.seq.0);
    let recalled = rest.send_once("DELETE", &message, "r", &json!({})).await;
    assert_eq!(recalled.status, 200, "{recalled:?}");
    let again = rest.send_once("DELETE", &message, "r", &json!({})).await;
    assert_eq!(again.body, recalled.body);
    let ended = rest.send("DELETE", &path, &json!({})).await;
    assert_eq!(ended.status, 200, "{ended:?}");

    let recall = next_entry(&mut bob).await;
    assert_eq!(recall.sender, user("ann"));
    assert!(matches!(recall.body, Body::Recalled { target } if target == sent.seq));
    let end = next_entry(&mut bob).await;
    assert!(matches!(end.body, Body::Dismissed), "{end:?}");
    let page = call(&bob, im_core::History::of(at)).await;
    assert!(!format!("{:?}", page.items).contains("forbidden"));
}

#[tokio::test]
async fn all_that_admins_do_is_in_the_audit_log_with_its_outcome() {
    let world = World::server().await;
    let token = admin(&world).await;
    let mut ann = ByHand::open(world.address(), &token, "console").await;
    world.token("alice", "phone").await;
    let restrict = restriction("muted", "advertising");
    ann.call("admin.restrict", restrict.clone()).await.unwrap();
    let demote = json!({"user": "ann"});
    ann.call("admin.demote", demote).await.unwrap_err();
    let narrow = WantedToken::of(user("ann"));
    let narrow = world.server_handle().accounts().issue(narrow).await;
    let narrow = narrow.unwrap().access_token;
    let mut weak = ByHand::open(world.address(), &narrow, "laptop").await;
    let refused = weak.call("admin.users", json!({})).await.unwrap_err();
    assert_eq!(
        refused["code"], "forbidden",
        "its token is not good for that"
    );

    let rest = Rest::new(world.address(), Some(token));
    let records = rest.get("/v1/admin/audit?actor=ann").await.body;

    let items = records["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{records}");
    assert_eq!(items[0]["method"], "admin.demote");
    assert_eq!(items[0]["outcome"], "forbidden");
    assert_eq!(items[1]["method"], "admin.restrict");
    assert_eq!(items[1]["about"], "alice");
    assert_eq!(items[1]["params"], restrict);
    assert_eq!(items[1]["outcome"], "done");
}

#[tokio::test]
async fn nobody_else_restricts_or_lifts() {
    let world = World::server().await;
    let alice = world.connect("alice", "phone").await;
    world.token("bob", "phone").await;

    let restrict = RestrictUser {
        user: user("bob"),
        kind: RestrictionKind::Muted,
        until_ms: None,
        reason: None,
    };
    let lift = LiftRestriction {
        user: user("bob"),
        kind: RestrictionKind::Muted,
    };

    assert_eq!(refused(&alice, restrict).await, Code::Forbidden);
    assert_eq!(refused(&alice, lift).await, Code::Forbidden);
}
