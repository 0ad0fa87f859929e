//! What is unread, told to who watches it, in virtual time.

use std::time::Duration;

use futures_util::FutureExt as _;
use im_core::{CountUnread, MarkRead, Push, Seq, Session, UnreadTotals};

use crate::hooks::House;

fn connected(house: &House, name: &str) -> Session {
    let session = house.runtime.block_on(house.im.connect(name, "phone"));
    session.unwrap()
}

/// What a session was told by now.
fn told(house: &House, session: &mut Session) -> Vec<UnreadTotals> {
    let mut told = Vec::new();
    house.runtime.block_on(async {
        while let Some(push) = session.next_event().now_or_never() {
            if let Push::UnreadChanged(totals) = push.unwrap() {
                told.push(totals);
            }
        }
    });
    told
}

fn watch(house: &House, session: &Session) -> UnreadTotals {
    let watch = CountUnread { watch: true };
    house.runtime.block_on(session.call(watch)).unwrap()
}

fn half_a_second(house: &House) {
    house.runtime.advance(Duration::from_millis(500));
    house.runtime.run_until_idle();
}

#[test]
fn a_burst_is_counted_twice_a_second_and_the_last_count_is_true() {
    let house = House::new(|im, _| im);
    let mut bob = connected(&house, "bob");
    watch(&house, &bob);
    half_a_second(&house);

    for n in 0..50 {
        house.send(&format!("c{n}"), "hello").unwrap();
    }
    house.runtime.run_until_idle();
    half_a_second(&house);
    half_a_second(&house);

    let told = told(&house, &mut bob);
    assert!((1..=2).contains(&told.len()), "{told:?}");
    assert_eq!(told.last().map(|totals| totals.unread), Some(50));
}

#[test]
fn what_comes_to_the_same_is_not_told() {
    let house = House::new(|im, _| im);
    let mut bob = connected(&house, "bob");
    house.send("a", "hello").unwrap();
    let totals = watch(&house, &bob);
    assert_eq!(totals.unread, 1);
    half_a_second(&house);

    // Alice reads what is her own, and bob what he has read: nothing.
    for seq in [Seq(1), Seq(2)] {
        let conversation = house.chat;
        house.call(MarkRead { conversation, seq }).unwrap();
    }
    let again = MarkRead {
        conversation: house.chat,
        seq: Seq(1),
    };
    house.runtime.block_on(bob.call(again)).unwrap();
    half_a_second(&house);
    half_a_second(&house);

    assert_eq!(told(&house, &mut bob), []);
}
