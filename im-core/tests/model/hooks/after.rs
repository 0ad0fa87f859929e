//! What is told after something happened.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use im_core::{
    Actor, Authority, CreateConversation, Joining, Seq,
    hook::{AfterOptions, Happened},
    testing::{client_id, user},
};

use super::{House, Says, Slow, message, said};

type Heard = Arc<Mutex<Vec<String>>>;

/// A hook that writes down what is said, and panics over "boom".
fn listener(heard: &Heard) -> Says<impl Fn(&Happened) + use<>> {
    let heard = heard.clone();
    Says(move |happened: &Happened| {
        let text = said(happened).unwrap_or("…");
        assert_ne!(text, "boom");
        heard.lock().unwrap().push(text.to_owned());
    })
}

fn heard(heard: &Heard) -> Vec<String> {
    heard.lock().unwrap().clone()
}

#[test]
fn hooks_are_told_what_was_stored_once_and_in_order() {
    let list = Heard::default();
    let house = House::new(|im, _| im.after(listener(&list)));

    for text in ["a", "b", "boom", "c"] {
        house.send(text, text).unwrap();
    }
    house.send("b", "b").unwrap();
    house.send("b", "another").unwrap_err();
    house.runtime.run_until_idle();

    assert_eq!(heard(&list), ["a", "b", "c"]);
    assert_eq!(house.im.untold_hooks(), 0);
}

#[test]
fn a_hook_is_told_for_whom_and_after_those_who_listen() {
    let list = Arc::new(Mutex::new(Vec::new()));
    let seen = list.clone();
    let house = House::new(|im, _| {
        im.after(Says(move |happened: &Happened| {
            seen.lock().unwrap().push(happened.clone());
        }))
    });
    let mut bob = house
        .runtime
        .block_on(house.im.connect("bob", "phone"))
        .unwrap();
    let service = Actor::service(user("alice"));

    let sent = house.im.call(&service, message(house.chat, "c", "hello"));
    house.runtime.block_on(sent).unwrap();
    let told = house.runtime.block_on(bob.next_message()).unwrap();
    house.runtime.run_until_idle();

    let happened = list.lock().unwrap().pop().unwrap();
    assert_eq!(happened.actor.authority, Authority::Service);
    assert_eq!(happened.entry, told);
    assert_eq!(happened.entry.seq, Seq(2));
}

#[test]
fn a_late_hook_misses_nothing_and_holds_up_no_other() {
    let (fast, slow) = (Heard::default(), Heard::default());
    let house = House::new(|im, runtime| {
        let waits = Slow {
            text: "slow",
            takes: Duration::from_secs(3_600),
            runtime: runtime.clone(),
        };
        im.after(waits)
            .after(listener(&fast))
            .after(listener(&slow))
    });

    house.send("a", "slow").unwrap();
    house.send("b", "b").unwrap();
    house.runtime.run_until_idle();

    assert_eq!(heard(&fast), ["slow", "b"]);
    assert_eq!(heard(&slow), ["slow", "b"]);
    house.runtime.advance(Duration::from_secs(10));
    house.send("c", "c").unwrap();
    assert_eq!(house.texts(), ["slow", "b", "c"]);
}

#[test]
fn other_conversations_do_not_wait_for_one_that_is_slow() {
    let list = Heard::default();
    let (seen, names) = (list.clone(), list.clone());
    let house = House::new(|im, runtime| {
        let waits = Slow {
            text: "slow",
            takes: Duration::from_secs(5),
            runtime: runtime.clone(),
        };
        im.after(Both(waits, seen))
    });
    house.send("a", "slow").unwrap();
    let ask = |n: usize| CreateConversation {
        client_id: client_id(&format!("g{n}")),
        name: None,
        members: Vec::new(),
        joining: Joining::Invited,
        history: im_core::Visibility::default(),
        preset: None,
    };

    for n in 0..64 {
        house.call(ask(n)).unwrap();
    }
    house.runtime.run_until_idle();

    // Some share a queue with it by chance.
    assert!(heard(&names).len() >= 32, "{}", heard(&names).len());
    house.runtime.advance(Duration::from_secs(5));
    assert_eq!(heard(&names).len(), 65);
}

/// Waits as the first says, and then writes down what it was.
struct Both(Slow, Heard);

#[async_trait::async_trait]
impl im_core::hook::After for Both {
    async fn after(&self, happened: &Happened) {
        im_core::hook::After::after(&self.0, happened).await;
        let text = said(happened).unwrap_or("…").to_owned();
        self.1.lock().unwrap().push(text);
    }
}

#[test]
fn what_finds_no_room_is_counted_and_not_told() {
    let list = Heard::default();
    let house = House::new(|im, runtime| {
        let waits = Slow {
            text: "slow",
            takes: Duration::from_secs(5),
            runtime: runtime.clone(),
        };
        let options = AfterOptions {
            waiting: 2,
            ..AfterOptions::default()
        };
        im.after_with(Both(waits, list.clone()), options)
    });

    house.send("slow", "slow").unwrap();
    house.runtime.run_until_idle();
    for text in ["a", "b", "lost", "lost too"] {
        house.send(&text.replace(' ', "-"), text).unwrap();
    }
    assert_eq!(house.im.untold_hooks(), 2);
    house.runtime.advance(Duration::from_secs(5));
    house.send("c", "c").unwrap();
    house.runtime.run_until_idle();

    assert_eq!(heard(&list), ["slow", "a", "b", "c"]);
    assert_eq!(house.im.untold_hooks(), 2);
}
