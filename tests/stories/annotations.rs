//! What is attached to messages: replies, threads, reactions, pins, polls; and what is passed on or deleted for oneself.

use im_core::{
    Annotations, Body, CastVote, Code, Content, ConversationId, DeleteMessages, EditMessage,
    ForwardMessages, GetConversation, GetMessages, History, ListAnnotations, ListEdits,
    ListMarkers, ListThread, Mentions, OpenDirect, PinMessage, Poll, Push, React, RecallMessage,
    SayNow, SendMessage, Seq, Session, UnpinMessage, testing::user,
};
use serde_json::json;

use crate::world::{
    Database, Rest, World, call, entries_until, group, key, next_that, refused, seqs,
};

fn react(conversation: ConversationId, target: u64, emoji: &str, on: bool) -> React {
    React {
        conversation,
        target: Seq(target),
        emoji: emoji.into(),
        on,
    }
}

fn recall(conversation: ConversationId, target: u64) -> RecallMessage {
    RecallMessage {
        conversation,
        client_id: key(),
        target: Seq(target),
    }
}

async fn annotations(session: &Session, conversation: ConversationId, seq: u64) -> Annotations {
    let ask = ListAnnotations {
        conversation,
        seqs: vec![Seq(seq)],
    };
    call(session, ask).await
}

async fn whole(session: &Session, conversation: ConversationId) -> Vec<im_core::Entry> {
    let ask = History {
        after_seq: Some(Seq::ZERO),
        ..History::of(conversation)
    };
    call(session, ask).await.items
}

#[tokio::test]
async fn a_reaction_reaches_all_counts_once_and_is_taken_back() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    alice.send(&room, "good news").await.unwrap();

    let first = call(&bob, react(room, 2, "🎉", true)).await.seq;
    let again = call(&bob, react(room, 2, "🎉", true)).await.seq;
    call(&alice, react(room, 2, "🎉", true)).await;

    assert_eq!((first, again), (Seq(3), Seq(3)), "what is so is so already");
    let seen = entries_until(&mut bob, room, Seq(4)).await;
    let Body::Reacted { changes } = &seen[2].body else {
        panic!("entry 3 tells of the reaction")
    };
    assert_eq!(
        (changes[0].target, changes[0].emoji.as_str()),
        (Seq(2), "🎉")
    );
    let counted = annotations(&bob, room, 2).await.items;
    let counts = &counted[0].reactions[0];
    assert_eq!((counts.count, counts.mine), (2, true));
    let who = ListMarkers {
        conversation: room,
        target: Seq(2),
        emoji: Some("🎉".into()),
        option: None,
        after: None,
        limit: None,
    };
    assert_eq!(call(&bob, who).await.items, [user("alice"), user("bob")]);
    call(&bob, react(room, 2, "🎉", false)).await;
    let counted = annotations(&bob, room, 2).await.items;
    assert_eq!(
        (counted[0].reactions[0].count, counted[0].reactions[0].mine),
        (1, false)
    );
    let bad = refused(&bob, react(room, 2, "not an emoji", true)).await;
    assert_eq!(bad, Code::InvalidRequest);
    assert_eq!(
        refused(&bob, react(room, 1, "🎉", true)).await,
        Code::NotFound
    );
    call(&alice, recall(room, 2)).await;
    assert_eq!(annotations(&bob, room, 2).await.items, []);
    assert_eq!(
        refused(&bob, react(room, 2, "🎉", true)).await,
        Code::Recalled
    );
}

#[tokio::test]
async fn a_burst_of_reactions_in_a_large_group_is_a_few_entries() {
    let limits = im_core::Limits {
        receipt_push_members: 10,
        reaction_wait_ms: 100,
        ..im_core::Limits::default()
    };
    let world = World::engine_on(Database::sqlite(), limits).await;
    let alice = world.connect("alice", "phone").await;
    let names: Vec<String> = (0..40).map(|n| format!("fan{n}")).collect();
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    let room = group(&alice, &members).await;
    alice.send(&room, "we won").await.unwrap();
    let mut fans = Vec::new();
    for name in &names {
        fans.push(world.connect(name, "phone").await);
    }

    let mut all = tokio::task::JoinSet::new();
    for fan in fans {
        all.spawn(async move { call(&fan, react(room, 2, "🏆", true)).await });
    }
    all.join_all().await;

    let counted = annotations(&alice, room, 2).await.items;
    assert_eq!(counted[0].reactions[0].count, 40);
    let entries = whole(&alice, room).await;
    let bursts = entries
        .iter()
        .filter(|entry| matches!(entry.body, Body::Reacted { .. }));
    let bursts = bursts.count();
    assert!(
        (1..=10).contains(&bursts),
        "{bursts} entries for 40 reactions"
    );
}

#[tokio::test]
async fn a_thread_is_found_by_its_root_and_a_reply_holds_nothing_of_what_it_answers() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    alice.send(&room, "where do we eat?").await.unwrap();
    for text in ["at home", "outside"] {
        let reply = SendMessage {
            reply_to: Some(Seq(2)),
            thread: Some(Seq(2)),
            ..SendMessage::new(room, key(), text)
        };
        call(&bob, reply).await;
    }

    let page = ListThread {
        conversation: room,
        root: Seq(2),
        after_seq: None,
        limit: None,
    };
    let thread = call(&alice, page).await;
    assert_eq!((seqs(&thread.items), thread.done), (vec![3, 4], true));
    let summary = annotations(&alice, room, 2).await.items[0]
        .thread
        .clone()
        .unwrap();
    assert_eq!((summary.count, summary.last), (2, Seq(4)));
    call(&alice, recall(room, 2)).await;
    let text = serde_json::to_string(&whole(&bob, room).await).unwrap();
    assert!(
        !text.contains("where do we eat"),
        "a recalled text stays in a reply: {text}"
    );
    let beyond = SendMessage {
        reply_to: Some(Seq(99)),
        ..SendMessage::new(room, key(), "to nothing")
    };
    assert_eq!(refused(&bob, beyond).await, Code::NotFound);
}

#[tokio::test]
async fn pins_are_facts_of_the_conversation_and_go_with_the_message() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    alice.send(&room, "the address").await.unwrap();
    alice.send(&room, "the code").await.unwrap();
    for target in [3, 2] {
        let pin = PinMessage {
            conversation: room,
            client_id: key(),
            target: Seq(target),
        };
        call(&bob, pin).await;
    }

    let pins = || async {
        let view = call(&alice, GetConversation { conversation: room }).await;
        view.info.pins
    };
    assert_eq!(pins().await, [Seq(3), Seq(2)]);
    call(&alice, recall(room, 3)).await;
    assert_eq!(pins().await, [Seq(2)]);
    let unpin = UnpinMessage {
        conversation: room,
        client_id: key(),
        target: Seq(2),
    };
    call(&bob, unpin).await;
    assert_eq!(pins().await, []);
}

#[tokio::test]
async fn a_poll_counts_the_last_choice_of_each() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let poll = Content::Poll(Box::new(Poll {
        question: "lunch?".into(),
        options: vec!["rice".into(), "noodles".into()],
        multiple: false,
        closes_at_ms: None,
    }));
    alice.send(&room, poll).await.unwrap();
    let vote = |options: &[u32]| CastVote {
        conversation: room,
        target: Seq(2),
        options: options.to_vec(),
    };

    call(&alice, vote(&[1])).await;
    call(&bob, vote(&[1])).await;
    call(&bob, vote(&[0])).await;

    let votes = annotations(&bob, room, 2).await.items[0].votes.clone();
    let votes: Vec<_> = votes
        .iter()
        .map(|one| (one.option, one.count, one.mine))
        .collect();
    assert_eq!(votes, [(0, 1, true), (1, 1, false)]);
    assert_eq!(refused(&bob, vote(&[0, 1])).await, Code::InvalidRequest);
    assert_eq!(refused(&bob, vote(&[2])).await, Code::InvalidRequest);
}

#[tokio::test]
async fn what_is_forwarded_says_who_said_it_and_only_what_one_sees_is() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let carol = world.connect("carol", "phone").await;
    let room = group(&alice, &["bob"]).await;
    alice.send(&room, "first").await.unwrap();
    bob.send(&room, "second").await.unwrap();
    let chat = call(
        &bob,
        OpenDirect {
            user: user("carol"),
        },
    )
    .await
    .conversation;
    let forward = |merged| ForwardMessages {
        conversation: chat,
        client_id: key(),
        from: room,
        seqs: vec![Seq(3), Seq(2)],
        merged,
        title: None,
    };

    let one_by_one = forward(false);
    let sent = call(&bob, one_by_one.clone()).await;
    assert_eq!(
        call(&bob, one_by_one).await,
        sent,
        "a retry says nothing twice"
    );
    call(&bob, forward(true)).await;

    let entries = whole(&carol, chat).await;
    assert_eq!(seqs(&entries), [1, 2, 3, 4]);
    let origin = |seq: usize| match &entries[seq - 1].body {
        Body::Message(message) => message.forwarded.clone().map(|origin| origin.sender),
        _ => None,
    };
    assert_eq!(
        (origin(2), origin(3)),
        (Some(user("bob")), Some(user("alice")))
    );
    let Body::Message(merged) = &entries[3].body else {
        panic!("the last is a message")
    };
    let Content::Forwarded { items, .. } = &merged.content else {
        panic!("it holds several")
    };
    let said: Vec<_> = items
        .iter()
        .map(|item| item.content.as_text().unwrap())
        .collect();
    assert_eq!(said, ["second", "first"]);
    assert_eq!(refused(&carol, forward(false)).await, Code::NotFound);
}

#[tokio::test]
async fn what_one_deletes_for_oneself_others_keep_and_ones_devices_learn() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let mut tablet = world.connect("bob", "tablet").await;
    let room = group(&alice, &["bob"]).await;
    alice.send(&room, "secret plan").await.unwrap();
    alice.send(&room, "harmless").await.unwrap();

    let delete = |seq| DeleteMessages {
        conversation: room,
        seqs: vec![Seq(seq)],
    };
    call(&bob, delete(2)).await;

    let told = next_that(&mut tablet, "the deletion", |push| match push {
        Push::Deleted(deleted) => Some(deleted.clone()),
        _ => None,
    });
    assert_eq!(told.await.seqs, [Seq(2)]);
    let bobs = whole(&bob, room).await;
    assert_eq!(
        (seqs(&bobs), &bobs[1].body),
        (vec![1, 2, 3], &Body::Unknown)
    );
    let get = GetMessages {
        conversation: room,
        seqs: vec![Seq(2), Seq(3)],
    };
    assert_eq!(call(&bob, get.clone()).await.items[0].body, Body::Unknown);
    assert_eq!(
        call(&alice, get).await.items[0].body,
        Body::says("secret plan")
    );
    assert_eq!(refused(&bob, delete(99)).await, Code::NotFound);
}

#[tokio::test]
async fn earlier_words_are_for_the_sender_and_the_admins_until_they_are_recalled() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let carol = world.connect("carol", "phone").await;
    let room = group(&alice, &["bob", "carol"]).await;
    bob.send(&room, "helo").await.unwrap();
    for text in ["hello", "hello!"] {
        let edit = EditMessage {
            conversation: room,
            client_id: key(),
            target: Seq(2),
            content: Content::text(text),
        };
        call(&bob, edit).await;
    }
    let edits = ListEdits {
        conversation: room,
        target: Seq(2),
    };

    for session in [&alice, &bob] {
        let earlier = call(session, edits.clone()).await.items;
        let said: Vec<_> = earlier
            .iter()
            .map(|one| one.content.as_text().unwrap())
            .collect();
        assert_eq!(said, ["helo", "hello"]);
    }
    assert_eq!(refused(&carol, edits.clone()).await, Code::Forbidden);
    call(&alice, recall(room, 2)).await;
    assert_eq!(call(&bob, edits).await.items, []);
}

#[tokio::test]
async fn what_is_said_now_reaches_who_is_there_and_nobody_later() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let now = SayNow {
        conversation: room,
        content: Content::text("psst"),
    };

    call(&alice, now.clone()).await;

    let heard = next_that(&mut bob, "what is said now", |push| match push {
        Push::SaidNow(said) => Some(said.clone()),
        _ => None,
    });
    let heard = heard.await;
    assert_eq!(
        (heard.sender.clone(), heard.content.clone()),
        (user("alice"), now.content.clone())
    );
    assert_eq!(seqs(&whole(&bob, room).await), [1]);
    let carol = world.connect("carol", "phone").await;
    assert_eq!(refused(&carol, now).await, Code::NotFound);
}

#[tokio::test]
async fn a_mention_is_kept_for_members_alone() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let message = SendMessage {
        mentions: Some(Mentions {
            users: vec![user("bob"), user("zoe")],
            all: false,
        }),
        ..SendMessage::new(room, key(), "@bob look")
    };
    call(&alice, message).await;

    let entries = whole(&bob, room).await;
    let Body::Message(message) = &entries[1].body else {
        panic!("the second is a message")
    };
    assert_eq!(message.mentions.as_ref().unwrap().users, [user("bob")]);
}

#[tokio::test]
async fn reactions_and_pins_go_over_rest_as_well() {
    let world = World::server().await;
    let alice = Rest::new(world.address(), Some(world.token("alice", "curl").await));
    let bob = Rest::new(world.address(), Some(world.token("bob", "curl").await));
    let made = alice
        .send("POST", "/v1/conversations", &json!({"members": ["bob"]}))
        .await;
    let room = made.body["conversation"].as_str().unwrap().to_owned();
    let at = |rest: &str| format!("/v1/conversations/{room}/{rest}");
    let content = json!({"content": {"kind": "text", "text": "hello"}});
    alice.send("POST", &at("messages"), &content).await;

    let thumb = "messages/2/reactions/%F0%9F%91%8D";
    assert_eq!(bob.send("PUT", &at(thumb), &json!({})).await.status, 200);
    assert_eq!(bob.send("PUT", &at("pins/2"), &json!({})).await.status, 200);

    let found = alice.get(&at("annotations?seq=2")).await.body;
    assert_eq!(found["items"][0]["reactions"][0]["emoji"], "👍");
    let view = alice.get(&format!("/v1/conversations/{room}")).await.body;
    assert_eq!(view["info"]["pins"], json!([2]));
    let some = alice.get(&at("entries?seq=2&seq=3")).await.body;
    assert_eq!(some["items"].as_array().unwrap().len(), 2);
    assert_eq!(bob.send("DELETE", &at(thumb), &json!({})).await.status, 200);
    let found = alice.get(&at("annotations?seq=2")).await.body;
    assert_eq!(found["items"], json!([]));
    assert_eq!(
        alice.get(&at("annotations")).await.code(),
        "invalid_request"
    );
}
