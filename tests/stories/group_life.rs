//! The life of a group: who comes, who goes, who may what.

use im_core::{
    AddMembers, Body, ChangeInfo, ChangeRole, Code, ConversationId, CreateConversation,
    GetConversation, History, InfoPatch, JoinGroup, Joining, KickMembers, LeaveGroup, ListMembers,
    RecallMessage, Role, Seq, Session, Visibility, testing::user,
};

use crate::world::{World, call, entries_until, group, key, next_entry, refused, seqs};

#[tokio::test]
async fn a_newcomer_sees_what_happens_from_the_entry_that_brought_it_in() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let mut carol = world.connect("carol", "phone").await;
    let room = group(&alice, &["bob"]).await;
    alice.send(&room, "before carol").await.unwrap();

    let added = call(&alice, add(room, &["carol", "bob"])).await.seq;
    alice.send(&room, "after carol").await.unwrap();

    assert_eq!(added, Seq(3));
    let carols = entries_until(&mut carol, room, Seq(4)).await;
    assert_eq!(seqs(&carols), [3, 4]);
    assert_eq!(
        carols[0].body,
        Body::MembersAdded {
            members: vec![user("carol")],
            since: None
        }
    );
    assert_eq!(
        seqs(&entries_until(&mut bob, room, Seq(4)).await),
        [1, 2, 3, 4]
    );
    let page = call(&carol, whole(room)).await;
    assert_eq!(seqs(&page.items), [3, 4]);
    let view = call(&carol, GetConversation { conversation: room }).await;
    assert_eq!((view.since, view.unread), (Seq(3), 1));
}

#[tokio::test]
async fn an_open_group_is_joined_by_who_knows_it_and_a_closed_one_is_not() {
    let world = World::engine().await;
    let mut alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let closed = group(&alice, &[]).await;
    let create = CreateConversation {
        client_id: key(),
        name: Some("square".into()),
        members: Vec::new(),
        joining: Joining::Open,
        history: Visibility::default(),
        preset: None,
    };
    let open = call(&alice, create).await.conversation;

    assert_eq!(refused(&bob, join(closed)).await, Code::NotFound);
    assert_eq!(call(&bob, join(open)).await.seq, Seq(2));
    alice.send(&open, "welcome").await.unwrap();

    assert_eq!(seqs(&entries_until(&mut bob, open, Seq(3)).await), [2, 3]);
    let seen = entries_until(&mut alice, open, Seq(3)).await;
    assert_eq!(
        seen[1].body,
        Body::Joined {
            since: None,
            silent_until_ms: None
        }
    );
    assert_eq!(
        names(&alice, open).await,
        [("alice", Role::Owner), ("bob", Role::Member)]
    );
}

#[tokio::test]
async fn who_leaves_hears_no_more_and_may_come_back_to_what_happens_then() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let aside = group(&alice, &["bob"]).await;

    assert_eq!(call(&bob, leave(room)).await.seq, Seq(2));
    alice.send(&room, "he is gone").await.unwrap();
    alice.send(&aside, "hello").await.unwrap();
    let mut heard = Vec::new();
    while heard.last() != Some(&(aside, Seq(2))) {
        let entry = next_entry(&mut bob).await;
        heard.push((entry.conversation, entry.seq));
    }
    let of_room: Vec<_> = heard.iter().filter(|(id, _)| *id == room).collect();
    assert_eq!(of_room, [&(room, Seq(1)), &(room, Seq(2))]);
    assert_eq!(refused(&bob, leave(room)).await, Code::NotFound);

    assert_eq!(call(&alice, add(room, &["bob"])).await.seq, Seq(4));
    alice.send(&room, "he is back").await.unwrap();
    let again = entries_until(&mut bob, room, Seq(5)).await;
    assert_eq!(seqs(&again), [4, 5]);
    let page = call(&bob, whole(room)).await;
    assert!(
        page.items.iter().all(|entry| entry.seq != Seq(3)),
        "he was not there"
    );
}

#[tokio::test]
async fn an_owner_hands_over_before_leaving_and_the_last_one_just_leaves() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;

    assert_eq!(refused(&alice, leave(room)).await, Code::OwnerMustTransfer);
    call(&alice, role(room, "bob", Role::Owner)).await;
    assert_eq!(
        names(&bob, room).await,
        [("alice", Role::Admin), ("bob", Role::Owner)]
    );
    let view = call(&alice, GetConversation { conversation: room }).await;
    assert_eq!(
        (view.info.owner, view.role),
        (Some(user("bob")), Role::Admin)
    );
    call(&alice, leave(room)).await;
    assert_eq!(names(&bob, room).await, [("bob", Role::Owner)]);
    call(&bob, leave(room)).await;

    assert_eq!(refused(&bob, join(room)).await, Code::NotFound);
}

#[tokio::test]
async fn roles_decide_who_may_what() {
    let world = World::engine().await;
    let owner = world.connect("owner", "phone").await;
    let admin = world.connect("admin", "phone").await;
    let member = world.connect("member", "phone").await;
    let stranger = world.connect("stranger", "phone").await;
    let room = group(&owner, &["admin", "member", "other"]).await;
    call(&owner, role(room, "admin", Role::Admin)).await;
    let said = owner.send(&room, "by the owner").await.unwrap().seq;
    let recall = RecallMessage {
        conversation: room,
        client_id: key(),
        target: said,
    };

    let forbidden = Code::Forbidden;
    assert_eq!(refused(&member, add(room, &["new"])).await, forbidden);
    assert_eq!(refused(&member, kick(room, &["other"])).await, forbidden);
    assert_eq!(refused(&member, rename(room, "mine")).await, forbidden);
    assert_eq!(
        refused(&member, role(room, "member", Role::Admin)).await,
        forbidden
    );
    assert_eq!(refused(&member, recall.clone()).await, forbidden);
    assert_eq!(refused(&admin, kick(room, &["owner"])).await, forbidden);
    assert_eq!(refused(&admin, kick(room, &["admin"])).await, forbidden);
    assert_eq!(
        refused(&admin, role(room, "member", Role::Admin)).await,
        forbidden
    );
    assert_eq!(refused(&owner, kick(room, &["owner"])).await, forbidden);
    assert_eq!(
        refused(&owner, role(room, "owner", Role::Member)).await,
        forbidden
    );
    assert_eq!(
        refused(&owner, role(room, "stranger", Role::Admin)).await,
        Code::NotFound
    );
    let unknown = Code::NotFound;
    assert_eq!(refused(&stranger, add(room, &["new"])).await, unknown);
    assert_eq!(refused(&stranger, kick(room, &["other"])).await, unknown);
    assert_eq!(refused(&stranger, rename(room, "mine")).await, unknown);
    assert_eq!(refused(&stranger, recall.clone()).await, unknown);
    assert_eq!(refused(&stranger, whole(room)).await, unknown);

    call(&admin, add(room, &["new"])).await;
    call(&admin, kick(room, &["other"])).await;
    call(&admin, rename(room, "ours")).await;
    call(&admin, recall).await;
    call(&owner, kick(room, &["admin"])).await;
    let expected = [
        ("member", Role::Member),
        ("new", Role::Member),
        ("owner", Role::Owner),
    ];
    assert_eq!(names(&member, room).await, expected);
    let view = call(&member, GetConversation { conversation: room }).await;
    assert_eq!(view.info.name.as_deref(), Some("ours"));
    assert_eq!((view.info.member_count, view.head.seq), (3, Seq(8)));
}

#[tokio::test]
async fn the_facts_of_a_group_change_for_everybody_and_an_empty_text_clears() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let changes = InfoPatch {
        name: Some(String::new()),
        announcement: Some("at noon".into()),
        ..InfoPatch::default()
    };
    let change = ChangeInfo {
        conversation: room,
        client_id: key(),
        changes: changes.clone(),
    };

    call(&alice, change.clone()).await;
    // The same once more changes nothing.
    let again = ChangeInfo {
        client_id: key(),
        ..change
    };
    assert_eq!(call(&alice, again).await.seq, Seq(2));

    let told = entries_until(&mut bob, room, Seq(2)).await;
    assert_eq!(
        told[1].body,
        Body::InfoChanged {
            changes: Box::new(changes),
            was: Box::new(InfoPatch {
                name: Some("the group".into()),
                announcement: Some(String::new()),
                ..InfoPatch::default()
            })
        }
    );
    let info = call(&bob, GetConversation { conversation: room })
        .await
        .info;
    assert_eq!(
        (info.name, info.announcement.as_deref()),
        (None, Some("at noon"))
    );
}

async fn names(session: &Session, conversation: ConversationId) -> Vec<(&'static str, Role)> {
    let ask = ListMembers {
        conversation,
        after: None,
        limit: None,
    };
    let page = call(session, ask).await;
    assert!(page.done);
    let name = |user: &im_core::UserId| &*user.as_str().to_owned().leak();
    let members = page.items.iter();
    members
        .map(|member| (name(&member.user), member.role))
        .collect()
}

fn whole(conversation: ConversationId) -> History {
    History {
        after_seq: Some(Seq::ZERO),
        ..History::of(conversation)
    }
}

fn users(names: &[&str]) -> Vec<im_core::UserId> {
    names.iter().map(|name| user(name)).collect()
}

fn add(conversation: ConversationId, names: &[&str]) -> AddMembers {
    AddMembers {
        conversation,
        client_id: key(),
        users: users(names),
    }
}

fn kick(conversation: ConversationId, names: &[&str]) -> KickMembers {
    KickMembers {
        conversation,
        client_id: key(),
        users: users(names),
        reason: None,
        banned_until_ms: None,
    }
}

fn join(conversation: ConversationId) -> JoinGroup {
    JoinGroup {
        conversation,
        client_id: key(),
    }
}

fn leave(conversation: ConversationId) -> LeaveGroup {
    LeaveGroup {
        conversation,
        client_id: key(),
    }
}

fn role(conversation: ConversationId, name: &str, role: Role) -> ChangeRole {
    ChangeRole {
        conversation,
        client_id: key(),
        user: user(name),
        role,
    }
}

fn rename(conversation: ConversationId, name: &str) -> ChangeInfo {
    ChangeInfo {
        conversation,
        client_id: key(),
        changes: InfoPatch {
            name: Some(name.into()),
            ..InfoPatch::default()
        },
    }
}
