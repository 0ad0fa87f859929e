//! Order in a group: who gets in and how, who is kept out, who speaks, what roles may do, the end.

use im_core::{
    ApproveRequests, Body, ChangeInfo, ChangePermissions, Code, ConversationId, CreateConversation,
    CreateInvite, DismissGroup, GetConversation, InfoPatch, JoinByInvite, JoinGroup, Joining,
    KickMembers, Kind, LeaveGroup, ListBans, ListInvites, ListMembers, ListRequests, MuteMembers,
    OpenDirect, Permission, Permissions, Preset, PreviewInvite, Push, RejectRequests, RenameMember,
    RequestJoin, RevokeInvite, Role, Seq, Session, Timestamp, UnbanUsers, UnmuteMembers,
    Visibility, WithdrawRequest, testing::user,
};
use serde_json::json;

use crate::world::{Rest, World, call, entries_until, group, key, next_that, refused, seqs};

fn change(conversation: ConversationId, changes: InfoPatch) -> ChangeInfo {
    ChangeInfo {
        conversation,
        client_id: key(),
        changes,
    }
}

async fn by_approval(owner: &Session) -> ConversationId {
    let create = CreateConversation {
        joining: Joining::Approval,
        name: Some("club".into()),
        ..CreateConversation::group(key(), [])
    };
    call(owner, create).await.conversation
}

fn request(conversation: ConversationId, greeting: &str) -> RequestJoin {
    RequestJoin {
        conversation,
        greeting: Some(greeting.into()),
    }
}

fn requests(conversation: ConversationId) -> ListRequests {
    ListRequests {
        conversation,
        after: None,
        limit: None,
    }
}

fn join(conversation: ConversationId) -> JoinGroup {
    JoinGroup {
        conversation,
        client_id: key(),
    }
}

fn kick(conversation: ConversationId, whom: &str, until: Option<Timestamp>) -> KickMembers {
    KickMembers {
        conversation,
        client_id: key(),
        users: vec![user(whom)],
        reason: None,
        banned_until_ms: until,
    }
}

#[tokio::test]
async fn who_asks_is_let_in_rejected_or_takes_it_back() {
    let world = World::engine().await;
    let mut alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let carol = world.connect("carol", "phone").await;
    let dave = world.connect("dave", "phone").await;
    let club = by_approval(&alice).await;

    assert_eq!(refused(&bob, join(club)).await, Code::Forbidden);
    for (session, greeting) in [(&bob, "hi"), (&carol, "hello"), (&dave, "hey")] {
        call(session, request(club, greeting)).await;
    }
    let told = next_that(&mut alice, "a request", |push| match push {
        Push::JoinRequested(request) => Some(request.user.clone()),
        _ => None,
    });
    assert_eq!(told.await, user("bob"));
    let waiting = call(&alice, requests(club)).await.items;
    let names: Vec<_> = waiting.iter().map(|one| one.user.as_str()).collect();
    assert_eq!(names, ["bob", "carol", "dave"]);
    assert_eq!(refused(&bob, requests(club)).await, Code::NotFound);

    call(&dave, WithdrawRequest { conversation: club }).await;
    let reject = RejectRequests {
        conversation: club,
        users: vec![user("carol")],
    };
    call(&alice, reject).await;
    let approve = ApproveRequests {
        conversation: club,
        client_id: key(),
        users: ["bob", "carol", "dave"].map(user).to_vec(),
    };
    let let_in = call(&alice, approve.clone()).await.seq;

    assert_eq!(let_in, Seq(2));
    assert_eq!(
        call(&alice, approve).await.seq,
        let_in,
        "a retry changes nothing"
    );
    assert_eq!(seqs(&entries_until(&mut bob, club, Seq(2)).await), [2]);
    assert_eq!(call(&alice, requests(club)).await.items, []);
    let get = GetConversation { conversation: club };
    assert_eq!(call(&bob, get.clone()).await.info.member_count, 2);
    assert_eq!(refused(&carol, get).await, Code::NotFound);
    assert_eq!(refused(&bob, request(club, "again")).await, Code::Conflict);
}

#[tokio::test]
async fn a_link_lets_in_as_many_as_it_says_until_it_is_revoked() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let closed = group(&alice, &["bob"]).await;
    let bob = world.connect("bob", "phone").await;
    let invite = |uses| CreateInvite {
        conversation: closed,
        expires_at_ms: None,
        uses,
    };
    assert_eq!(refused(&bob, invite(None)).await, Code::Forbidden);
    let link = call(&alice, invite(Some(1))).await;
    let carol = world.connect("carol", "phone").await;
    let dave = world.connect("dave", "phone").await;
    let enter = |code: &str| JoinByInvite {
        client_id: key(),
        code: code.into(),
    };

    let preview = call(
        &carol,
        PreviewInvite {
            code: link.code.clone(),
        },
    )
    .await;
    assert_eq!(
        (preview.name.as_deref(), preview.member_count),
        (Some("the group"), 2)
    );
    call(&carol, enter(&link.code)).await;
    assert_eq!(refused(&dave, enter(&link.code)).await, Code::NotFound);
    assert_eq!(refused(&dave, enter("guessed")).await, Code::NotFound);

    let many = call(&alice, invite(None)).await;
    let revoke = RevokeInvite {
        conversation: closed,
        code: many.code.clone(),
    };
    call(&alice, revoke).await;
    assert_eq!(refused(&dave, enter(&many.code)).await, Code::NotFound);
    let left = call(
        &alice,
        ListInvites {
            conversation: closed,
        },
    )
    .await
    .items;
    assert_eq!((left.len(), left[0].uses_left), (1, Some(0)));
}

#[tokio::test]
async fn who_is_banned_comes_back_when_the_ban_is_lifted() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let create = CreateConversation {
        joining: Joining::Open,
        ..CreateConversation::group(key(), [user("bob")])
    };
    let square = call(&alice, create).await.conversation;

    call(&alice, kick(square, "bob", Some(Timestamp::FOREVER))).await;

    assert_eq!(refused(&bob, join(square)).await, Code::Banned);
    let bans = ListBans {
        conversation: square,
        after: None,
        limit: None,
    };
    let listed = call(&alice, bans.clone()).await.items;
    assert_eq!((listed.len(), listed[0].user.as_str()), (1, "bob"));
    let unban = UnbanUsers {
        conversation: square,
        client_id: key(),
        users: vec![user("bob")],
    };
    call(&alice, unban).await;
    call(&bob, join(square)).await;
    assert_eq!(call(&alice, bans).await.items, []);
    let past = kick(square, "bob", Some(Timestamp(1)));
    assert_eq!(refused(&alice, past).await, Code::InvalidRequest);
}

#[tokio::test]
async fn who_is_silenced_reads_on_and_speaks_again_when_it_is_lifted() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let mute = MuteMembers {
        conversation: room,
        client_id: key(),
        users: vec![user("bob")],
        until_ms: None,
    };
    assert_eq!(refused(&bob, mute.clone()).await, Code::Forbidden);
    call(&alice, mute).await;
    alice.send(&room, "listen").await.unwrap();

    assert_eq!(
        seqs(&entries_until(&mut bob, room, Seq(3)).await),
        [1, 2, 3]
    );
    let say = || im_core::SendMessage::new(room, key(), "but");
    assert_eq!(refused(&bob, say()).await, Code::Muted);
    let unmute = UnmuteMembers {
        conversation: room,
        client_id: key(),
        users: vec![user("bob")],
    };
    call(&alice, unmute).await;
    call(&bob, say()).await;

    let all = InfoPatch {
        silenced: Some(true),
        ..InfoPatch::default()
    };
    call(&alice, change(room, all)).await;
    assert_eq!(refused(&bob, say()).await, Code::Muted);
    call(&alice, say()).await;
}

#[tokio::test]
async fn what_a_role_may_do_is_changed_by_the_owner() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let name = || {
        let changes = InfoPatch {
            name: Some("ours".into()),
            ..InfoPatch::default()
        };
        change(room, changes)
    };
    let grant = |permissions: &[Permission]| ChangePermissions {
        conversation: room,
        client_id: key(),
        role: Role::Member,
        permissions: Permissions::of(permissions),
    };
    assert_eq!(refused(&bob, name()).await, Code::Forbidden);
    assert_eq!(refused(&bob, grant(Permission::ALL)).await, Code::Forbidden);

    call(&alice, grant(&[Permission::Send, Permission::ChangeInfo])).await;

    call(&bob, name()).await;
    let list = ListMembers {
        conversation: room,
        after: None,
        limit: None,
    };
    assert_eq!(refused(&bob, list.clone()).await, Code::Forbidden);
    assert_eq!(call(&alice, list).await.items.len(), 2);
}

#[tokio::test]
async fn in_a_channel_few_write_and_newcomers_may_see_what_was_before() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let create = CreateConversation {
        joining: Joining::Open,
        history: Visibility::All,
        preset: Some(Preset::Channel),
        name: Some("news".into()),
        ..CreateConversation::group(key(), [])
    };
    let news = call(&alice, create).await;
    assert_eq!(news.info.kind, Kind::Channel);
    alice.send(&news.conversation, "before bob").await.unwrap();

    call(&bob, join(news.conversation)).await;

    let say = im_core::SendMessage::new(news.conversation, key(), "me too");
    assert_eq!(refused(&bob, say).await, Code::Forbidden);
    let get = GetConversation {
        conversation: news.conversation,
    };
    let view = call(&bob, get).await;
    assert_eq!((view.since, view.unread), (Seq(1), 0));
    let history = im_core::History {
        after_seq: Some(Seq::ZERO),
        ..im_core::History::of(news.conversation)
    };
    assert_eq!(seqs(&call(&bob, history).await.items), [1, 2, 3]);
}

#[tokio::test]
async fn what_ended_can_be_read_and_left_and_nothing_else() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let dismiss = DismissGroup {
        conversation: room,
        client_id: key(),
    };
    assert_eq!(refused(&bob, dismiss.clone()).await, Code::Forbidden);

    call(&alice, dismiss).await;

    let seen = entries_until(&mut bob, room, Seq(2)).await;
    assert_eq!(seen[1].body, Body::Dismissed);
    let say = im_core::SendMessage::new(room, key(), "wait");
    assert_eq!(refused(&bob, say).await, Code::Dismissed);
    let leave = LeaveGroup {
        conversation: room,
        client_id: key(),
    };
    call(&bob, leave).await;
}

#[tokio::test]
async fn a_nickname_is_for_one_group_and_one_s_notes_are_for_oneself() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let rename = RenameMember {
        conversation: room,
        client_id: key(),
        user: user("bob"),
        nickname: Some("Bobby".into()),
    };
    call(&bob, rename).await;
    let list = ListMembers {
        conversation: room,
        after: None,
        limit: None,
    };
    let members = call(&alice, list).await.items;
    assert_eq!(members[1].nickname.as_deref(), Some("Bobby"));

    let notes = call(&bob, OpenDirect { user: user("bob") }).await;
    assert_eq!(
        (notes.info.kind, notes.info.member_count),
        (Kind::Personal, 1)
    );
    bob.send(&notes.conversation, "buy milk").await.unwrap();
    let get = GetConversation {
        conversation: notes.conversation,
    };
    assert_eq!(refused(&alice, get).await, Code::NotFound);
}

#[tokio::test]
async fn the_door_is_kept_over_rest_as_well() {
    let world = World::server().await;
    let alice = Rest::new(world.address(), Some(world.token("alice", "curl").await));
    let bob = Rest::new(world.address(), Some(world.token("bob", "curl").await));
    let create = json!({"name": "club", "joining": "approval"});
    let made = alice.send("POST", "/v1/conversations", &create).await;
    let room = made.body["conversation"].as_str().unwrap().to_owned();
    let at = |rest: &str| format!("/v1/conversations/{room}/{rest}");

    let asked = bob
        .send("PUT", &at("requests"), &json!({"greeting": "hi"}))
        .await;
    assert_eq!(asked.status, 200);
    let waiting = alice.get(&at("requests")).await.body;
    assert_eq!(waiting["items"][0]["user"], "bob");
    let users = json!({"users": ["bob"]});
    let approved = alice.send("POST", &at("requests/approve"), &users).await;
    assert_eq!(approved.status, 200);
    let muted = alice.send("POST", &at("silences"), &users).await;
    assert_eq!(muted.status, 200);
    let content = json!({"content": {"kind": "text", "text": "hello"}});
    let said = bob.send("POST", &at("messages"), &content).await;
    assert_eq!((said.status, said.code()), (403, "muted"));
    let lifted = alice
        .send("DELETE", &at("silences?user=bob"), &json!({}))
        .await;
    assert_eq!(lifted.status, 200);
    let link = alice
        .send("POST", &at("invites"), &json!({"uses": 2}))
        .await;
    assert_eq!(link.status, 201);
    let path = format!("/v1/invites/{}", link.body["code"].as_str().unwrap());
    assert_eq!(bob.get(&path).await.body["name"], "club");
    let ended = alice
        .send("DELETE", &format!("/v1/conversations/{room}"), &json!({}))
        .await;
    assert_eq!(ended.status, 200);
    let said = bob.send("POST", &at("messages"), &content).await;
    assert_eq!((said.status, said.code()), (410, "dismissed"));
}
