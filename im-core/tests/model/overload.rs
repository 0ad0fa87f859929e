//! A store that is slower than what comes: what is let in is stored in order, the rest is refused and may come again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use im_core::{
    Actor, Code, Command, Content, ConversationId, Im, Limits, OpenDirect, Rejection, Reply,
    SendMessage, Seq, Store, Timestamp, TrustEveryone,
    port::{Range, Runtime},
    testing::{ManualRuntime, client_id, user},
};
use im_store::MemoryStore;

use crate::{
    faults::{Banned, Fault, FaultyLog, text_of},
    slow::Turns,
};

/// Requests that are let in however slow the store is.
const WAITING: usize = 20;
/// What an append takes while the store is slow, and what a request may wait.
const APPEND_MS: u64 = 200;
const WAIT_MS: u64 = 50;

type Answer = Result<Reply, Rejection>;

/// An engine, in which alice says something each millisecond.
struct House {
    im: Im,
    runtime: ManualRuntime,
    log: Arc<FaultyLog>,
    chat: ConversationId,
    answers: Arc<Mutex<BTreeMap<u32, Answer>>>,
}

impl House {
    fn new() -> Self {
        let runtime = ManualRuntime::new(Timestamp(1_700_000_000_000));
        let mut ports = MemoryStore::new().ports();
        let clock: Arc<dyn Runtime> = Arc::new(runtime.clone());
        let log = Arc::new(FaultyLog {
            inner: ports.log.clone(),
            runtime: clock.clone(),
            faults: Mutex::default(),
            failed: Mutex::default(),
            banned: Banned::default(),
            turns: Arc::new(Turns::new(0, clock.clone())),
        });
        (ports.runtime, ports.log) = (clock, log.clone());
        let limits = Limits {
            node_waiting: WAITING,
            store_wait_ms: WAIT_MS,
            ..Limits::default()
        };
        let im = Im::builder(ports, TrustEveryone).limits(limits).build();
        let open = OpenDirect { user: user("bob") };
        let alice = Actor::user(user("alice"));
        let chat = runtime.block_on(im.call(&alice, open)).unwrap();
        let chat = chat.conversation;
        Self {
            im,
            runtime,
            log,
            chat,
            answers: Arc::default(),
        }
    }

    fn set_slow(&self, slow: bool) {
        let mut faults = self.log.faults.lock().unwrap();
        faults.clear();
        if slow {
            faults.extend([Fault::Late(APPEND_MS); 1_000]);
        }
    }

    /// Says these, one each millisecond, without waiting for any of it.
    fn say(&self, numbers: std::ops::Range<u32>) {
        for n in numbers {
            let (im, answers) = (self.im.clone(), self.answers.clone());
            let text = Content::text(n.to_string());
            let message = SendMessage::new(self.chat, client_id(&format!("c{n}")), text);
            self.runtime.spawn(Box::pin(async move {
                let actor = Actor::user(user("alice"));
                let answer = im.execute(&actor, Command::SendMessage(message)).await;
                answers.lock().unwrap().insert(n, answer);
            }));
            self.runtime.advance(Duration::from_millis(1));
        }
    }

    /// Under which seq each was stored, and what the others were told.
    fn sorted(&self) -> (BTreeMap<u32, Seq>, BTreeMap<u32, Rejection>) {
        let (mut stored, mut refused) = (BTreeMap::new(), BTreeMap::new());
        for (n, answer) in &*self.answers.lock().unwrap() {
            match answer {
                Ok(Reply::SendMessage(sent)) => drop(stored.insert(*n, sent.seq)),
                Ok(other) => panic!("{other:?}"),
                Err(rejection) => drop(refused.insert(*n, rejection.clone())),
            }
        }
        (stored, refused)
    }

    /// What the log says, with the place of each.
    fn said(&self) -> Vec<(u32, Seq)> {
        let log = self.log.inner.clone();
        let reading = log.read(self.chat, Range::After(Seq::ZERO), 100_000);
        let entries = self.runtime.block_on(reading).unwrap();
        let messages = entries.iter().filter_map(|entry| {
            let text = text_of(&entry.body.as_message()?.content)?;
            Some((text.parse().unwrap(), entry.seq))
        });
        messages.collect()
    }
}

#[test]
fn what_is_let_in_is_stored_in_order_and_the_rest_is_refused_until_it_is_normal_again() {
    let house = House::new();
    house.set_slow(true);

    house.say(0..3_000);
    house.set_slow(false);
    house.runtime.advance(Duration::from_secs(1));

    let (stored, refused) = house.sorted();
    assert_eq!(stored.len() + refused.len(), 3_000, "each is answered");
    assert!(refused.len() > 1_000, "{}", refused.len());
    assert!(stored.len() > 100, "{}", stored.len());
    for rejection in refused.values() {
        assert_eq!(rejection.code, Code::Overloaded, "{rejection}");
        assert!(rejection.retry_after_ms.is_some(), "{rejection}");
    }
    let expected: Vec<_> = stored.into_iter().collect();
    assert_eq!(house.said(), expected, "and nothing else");

    house.say(3_000..4_000);
    house.runtime.advance(Duration::from_secs(1));
    let (_, refused) = house.sorted();
    assert_eq!(refused.range(3_000..).count(), 0);
}

#[test]
fn a_retry_of_what_is_stored_gets_its_answer_while_the_rest_is_refused() {
    let house = House::new();
    house.set_slow(true);
    house.say(0..2_000);
    let (stored, refused) = house.sorted();
    let again: Vec<_> = stored.into_iter().rev().take(10).collect();
    let never = *refused.keys().last().unwrap();
    house.answers.lock().unwrap().clear();

    // Between them others come, so that it stays full.
    for (place, (n, _)) in again.iter().enumerate() {
        let place = u32::try_from(place).unwrap();
        house.say(2_000 + place * 100..2_100 + place * 100);
        house.say(*n..*n + 1);
    }
    house.say(never..never + 1);

    let (stored, refused) = house.sorted();
    for (n, seq) in again {
        assert_eq!(stored.get(&n), Some(&seq), "{n}");
    }
    assert!(refused.range(2_000..3_000).count() > 300);
    assert!(refused.contains_key(&never));
    house.set_slow(false);
    house.runtime.advance(Duration::from_secs(2));
    house.say(never..never + 1);
    let (stored, _) = house.sorted();
    let said = house.said();
    let times = said.iter().filter(|(n, _)| *n == never);
    assert_eq!(times.collect::<Vec<_>>(), [&(never, stored[&never])]);
}
