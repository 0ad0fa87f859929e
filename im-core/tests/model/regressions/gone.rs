//! What is to go, and what was cleared away.

use std::{sync::Arc, time::Duration};

use im_core::{
    Actor, Body, ClientId, Code, Content, ConversationId, GetConversation, Im, Limits, OpenDirect,
    SendMessage, Seq, Store as _, Timestamp, TrustEveryone, port::Range, testing::ManualRuntime,
};
use im_store::MemoryStore;

use super::{begun, finish, request, send};
use crate::{
    asks::What,
    ops::Op,
    wishes::Wish,
    world::{World, conversation, user},
};

fn unread(world: &World, n: usize) -> u64 {
    let conversation = conversation(0);
    let view = world.call(n, GetConversation { conversation }).unwrap();
    view.unread
}

fn clear(user: usize, up_to: u64) -> Op {
    let wish = Wish::Clear { at: 0, up_to };
    Op::Wish { user, wish }
}

#[test]
fn what_burns_once_it_is_read_burns_also_when_it_is_answered_without_a_receipt() {
    let variant = true;
    let burn = What::Burn { variant, span: 0 };
    let mut world = begun(&[Op::Request(request(0, 2, 0, burn)), send(1, 2, 1)]);

    world.step(&Op::Wait { ms: 10_000 });

    let entries = world.truth(2).entries;
    assert!(matches!(entries[1].body, Body::ExpiredMessage { .. }));
    finish(world);
}

#[test]
fn what_burns_burns_also_when_its_conversation_left_memory_before_the_answer_counted_as_a_read() {
    let runtime = ManualRuntime::new(Timestamp(1_000_000));
    let mut ports = MemoryStore::new().ports();
    ports.runtime = Arc::new(runtime.clone());
    let limits = Limits {
        idle_conversations: 1,
        ..Limits::default()
    };
    let im = Im::builder(ports.clone(), TrustEveryone)
        .limits(limits)
        .build();
    let actor = |n| Actor::user(user(n));
    let open = |n| {
        let direct = OpenDirect { user: user(n) };
        let view = runtime.block_on(im.call(&actor(0), direct)).unwrap();
        view.conversation
    };
    let say = |conversation: ConversationId, n: usize, burn_ms| {
        let said = SendMessage {
            burn_ms,
            ..SendMessage::new(conversation, ClientId::random(), Content::text("hello"))
        };
        runtime.block_on(im.call(&actor(n), said)).unwrap().seq
    };
    let chat = open(1);
    let burns = say(chat, 0, Some(50));
    say(chat, 1, None);

    // So many that nothing is kept of the first.
    for n in 2..400 {
        say(open(n), 0, None);
    }
    runtime.advance(Duration::from_secs(10));

    let reading = ports.log.read(chat, Range::After(Seq::ZERO), 10);
    let entries = runtime.block_on(reading).unwrap();
    let of = |seq: Seq| &entries[seq.0 as usize - 1].body;
    assert!(
        matches!(of(burns), Body::ExpiredMessage { .. }),
        "{entries:?}"
    );
}

#[test]
fn clearing_beyond_the_head_does_not_hide_what_is_said_later() {
    let mut world = begun(&[send(0, 0, 0)]);

    world.step(&clear(1, 1_000));
    world.step(&send(0, 0, 1));

    assert_eq!(unread(&world, 1), 1);
    finish(world);
}

#[test]
fn what_is_cleared_away_is_not_unread() {
    let mut world = begun(&[send(0, 0, 0), send(0, 0, 1), send(0, 0, 2)]);
    assert_eq!(unread(&world, 1), 3);

    world.step(&clear(1, 3));

    assert_eq!(unread(&world, 1), 1);
    finish(world);
}

#[test]
fn what_is_no_message_is_not_deleted_for_oneself_and_counts_as_nothing_unread() {
    let mut world = begun(&[send(0, 0, 0)]);

    let wish = Wish::Delete { at: 0, target: 1 };
    world.step(&Op::Wish { user: 1, wish });

    assert_eq!(unread(&world, 1), 1);
    finish(world);
}

#[test]
fn a_vote_in_a_poll_that_was_recalled_is_refused_for_that() {
    let variant = true;
    let world = begun(&[
        Op::Request(request(0, 0, 0, What::Poll { variant })),
        Op::Request(request(0, 0, 1, What::Recall { target: 2 })),
    ]);

    let option = Some(0);
    let vote = request(1, 0, 2, What::Vote { target: 2, option });
    let answer = world.execute(1, vote.command());
    let answer = world.ground.runtime.block_on(answer);

    assert_eq!(answer.unwrap_err().code, Code::Recalled);
    finish(world);
}
