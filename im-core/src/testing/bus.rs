//! The bus. Its suite has a macro of its own, [`bus_suite!`](crate::bus_suite), which is given an `async` expression of
//! `Option<(BusTrial, guard)>`: not every store brings a bus.

use std::{collections::BTreeMap, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::{Either, select};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use uuid::Uuid;

use crate::{
    NodeId,
    port::{Address, BoxFuture, Bus, Ear, Runtime},
};

/// What a case is run on.
pub struct BusTrial {
    /// One bus, as three processes have it.
    pub ends: [Arc<dyn Bus>; 3],
    /// Breaks the first end's way to the bus for a moment. Resolves when it is broken, not before: what is said from then on
    /// does not come by the old way.
    pub interrupt: Box<dyn Fn() -> BoxFuture<()> + Send + Sync>,
    /// The executor and the clock.
    pub runtime: Arc<dyn Runtime>,
}

/// How long a message may take before a case gives up. Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Eq, PartialEq)]
enum Heard {
    Message(Bytes),
    Missed,
}

/// An ear that writes down what it hears.
struct Notes(UnboundedSender<Heard>);

impl Ear for Notes {
    fn hear(&self, bytes: Bytes) {
        let _ = self.0.send(Heard::Message(bytes));
    }

    fn missed(&self) {
        let _ = self.0.send(Heard::Missed);
    }
}

/// A node that has joined.
struct Joined {
    id: NodeId,
    bus: Arc<dyn Bus>,
    heard: UnboundedReceiver<Heard>,
    runtime: Arc<dyn Runtime>,
}

impl Joined {
    async fn at(trial: &BusTrial, end: usize) -> Self {
        let id = NodeId::from_uuid(Uuid::new_v4());
        let (sender, heard) = unbounded_channel();
        let bus = Arc::clone(&trial.ends[end]);
        bus.join(id, Arc::new(Notes(sender))).await.unwrap();
        Self {
            id,
            bus,
            heard,
            runtime: Arc::clone(&trial.runtime),
        }
    }

    async fn three(trial: &BusTrial) -> [Self; 3] {
        [
            Self::at(trial, 0).await,
            Self::at(trial, 1).await,
            Self::at(trial, 2).await,
        ]
    }

    fn say(&self, to: Address, text: &str) {
        self.bus.send(to, Bytes::copy_from_slice(text.as_bytes()));
    }

    async fn next(&mut self) -> Heard {
        let heard = within(&*self.runtime, pin!(self.heard.recv())).await;
        heard.expect("the ear was dropped")
    }

    /// The texts that are heard up to this one, without it.
    async fn until(&mut self, last: &str) -> Vec<String> {
        let mut texts = Vec::new();
        loop {
            if let Heard::Message(bytes) = self.next().await {
                let text = String::from_utf8(bytes.to_vec()).unwrap();
                if text == last {
                    return texts;
                }
                texts.push(text);
            }
        }
    }

    /// Says a word to a node until it hears it; what it hears before.
    async fn reach(&self, other: &mut Self, word: &str) -> Vec<Heard> {
        let mut before = Vec::new();
        loop {
            self.say(Address::Node(other.id), word);
            let pause = self.runtime.sleep(Duration::from_millis(20));
            let mut pause = pin!(pause);
            while let Either::Left((heard, _)) = select(pin!(other.next()), pause.as_mut()).await {
                if heard == Heard::Message(Bytes::copy_from_slice(word.as_bytes())) {
                    return before;
                }
                before.push(heard);
            }
        }
    }
}

async fn within<T>(runtime: &dyn Runtime, future: impl Future<Output = T> + Unpin) -> T {
    match select(future, runtime.sleep(PATIENCE)).await {
        Either::Left((value, _)) => value,
        Either::Right(_) => panic!("nothing was heard"),
    }
}

/// The numbers in texts of the form `who/number`, by who.
fn numbers(texts: &[String]) -> BTreeMap<&str, Vec<u64>> {
    let mut numbers = BTreeMap::<_, Vec<_>>::new();
    for text in texts {
        let (who, number) = text.split_once('/').unwrap();
        numbers
            .entry(who)
            .or_default()
            .push(number.parse().unwrap());
    }
    numbers
}

suite! { bus_suite in bus on super::bus::BusTrial:
    /// From when it has joined a node hears what is sent to all, by itself too.
    async fn what_is_sent_to_all_is_heard_by_all(trial) {
        let mut nodes = Joined::three(trial).await;
        for node in &nodes {
            node.say(Address::All, &format!("{}/0", node.id));
        }

        let mut ids: Vec<_> = nodes.iter().map(|node| node.id.to_string()).collect();
        ids.sort();
        for node in &mut nodes {
            let mut texts = Vec::new();
            for _ in 0..3 {
                let Heard::Message(bytes) = node.next().await else {
                    panic!("nothing was missed")
                };
                texts.push(String::from_utf8(bytes.to_vec()).unwrap());
            }
            let numbers = numbers(&texts);
            assert_eq!(numbers.keys().copied().collect::<Vec<_>>(), ids);
        }
    }

    /// What is sent to one node is heard by it, whoever sends it, and by nobody else.
    async fn what_is_sent_to_a_node_is_heard_by_it_alone(trial) {
        let mut nodes = Joined::three(trial).await;
        let to = Address::Node(nodes[1].id);
        for node in &nodes {
            node.say(to, "for one");
        }
        for node in &nodes {
            node.say(Address::All, "end");
        }

        for (at, node) in nodes.iter_mut().enumerate() {
            let mut heard = Vec::new();
            for _ in 0..3 {
                heard.extend(node.until("end").await);
            }
            let expected = if at == 1 { 3 } else { 0 };
            assert_eq!(heard.len(), expected, "node {at}: {heard:?}");
        }
    }

    /// What one node sends to one address arrives in order and once, while others send too.
    async fn what_one_node_sends_to_one_address_arrives_in_order_and_once(trial) {
        const COUNT: u64 = 2_000;
        let mut nodes = Joined::three(trial).await;
        let [hearer, ..] = nodes.each_ref().map(|node| node.id);
        for n in 0..COUNT {
            for (at, node) in nodes.iter().enumerate() {
                node.say(Address::Node(hearer), &format!("{at}-one/{n}"));
                node.say(Address::All, &format!("{at}-all/{n}"));
            }
        }

        let mut texts = Vec::new();
        while texts.len() < usize::try_from(COUNT).unwrap() * 6 {
            let Heard::Message(bytes) = nodes[0].next().await else {
                panic!("nothing was missed")
            };
            texts.push(String::from_utf8(bytes.to_vec()).unwrap());
        }
        let numbers = numbers(&texts);
        assert_eq!(numbers.len(), 6);
        for (who, numbers) in numbers {
            assert_eq!(numbers, (0..COUNT).collect::<Vec<_>>(), "{who}");
        }
    }

    /// Bytes are not looked at: none of them, all values, a megabyte.
    async fn bytes_arrive_as_they_were_sent(trial) {
        let [sender, mut hearer, _] = Joined::three(trial).await;
        let messages = [
            Bytes::new(),
            (0..=255).collect(),
            Bytes::from_static(b"\r\n$-1\r\n*1\r\n"),
            Bytes::from(vec![0xa5; 1 << 20]),
        ];
        for message in &messages {
            sender.bus.send(Address::Node(hearer.id), message.clone());
        }

        for message in messages {
            assert!(hearer.next().await == Heard::Message(message));
        }
    }

    /// Nobody is bothered by what is sent to a node that is not there.
    async fn what_is_sent_to_nobody_is_lost(trial) {
        let [sender, mut hearer, _] = Joined::three(trial).await;
        let nobody = NodeId::from_uuid(Uuid::new_v4());

        sender.say(Address::Node(nobody), "lost");
        sender.say(Address::All, "end");

        assert_eq!(hearer.until("end").await, Vec::<String>::new());
    }

    /// A node that left hears nothing more, and what it sent before is heard.
    async fn who_leaves_has_spoken_and_hears_nothing_more(trial) {
        let [mut stays, goes, _other] = Joined::three(trial).await;
        for n in 0..500 {
            goes.say(Address::Node(stays.id), &n.to_string());
        }

        goes.bus.leave(goes.id).await;
        stays.say(Address::Node(goes.id), "lost");
        stays.say(Address::All, "lost");
        let Joined { id, mut heard, .. } = goes;
        while stays.next().await != Heard::Message(Bytes::from_static(b"499")) {}

        stays.until("lost").await;
        let more = heard.try_recv();
        assert!(more.is_err(), "{id} heard {more:?}");
    }

    /// After it left, another node may join at the same place.
    async fn another_node_may_come_after_it(trial) {
        let [sender, first, _] = Joined::three(trial).await;
        first.bus.leave(first.id).await;

        let mut second = Joined::at(trial, 1).await;
        sender.say(Address::Node(first.id), "for the first");
        sender.say(Address::Node(second.id), "for the second");

        assert_eq!(second.until("for the second").await, Vec::<String>::new());
    }

    /// Whoever sends more than fits does not wait, does not fail, and uses up no memory without a bound; what arrives of it is
    /// in order, and afterwards there is room again.
    async fn sending_never_waits_and_never_fails(trial) {
        let [sender, mut hearer, _] = Joined::three(trial).await;
        let filler = "x".repeat(500);
        for n in 0..150_000 {
            sender.say(Address::Node(hearer.id), &format!("{filler}/{n}"));
        }

        let heard = sender.reach(&mut hearer, "there").await;

        let texts = heard.into_iter().filter_map(|heard| match heard {
            Heard::Message(bytes) => String::from_utf8(bytes.to_vec()).ok(),
            Heard::Missed => None,
        });
        let texts: Vec<_> = texts.filter(|text| text != "there").collect();
        for numbers in numbers(&texts).into_values() {
            assert!(numbers.is_sorted_by(|a, b| a < b), "out of order, or twice");
        }
    }

    /// After an interruption a node is told that it missed something, before it hears what was sent afterwards; and then all is
    /// as before.
    async fn who_was_interrupted_is_told_and_hears_again(trial) {
        let [mut broken, whole, _] = Joined::three(trial).await;
        whole.reach(&mut broken, "before").await;

        for round in 0..3 {
            (trial.interrupt)().await;
            let word = format!("after {round}");
            let heard = whole.reach(&mut broken, &word).await;

            assert!(heard.contains(&Heard::Missed), "it was not told: {heard:?}");
        }
        for to in [Address::Node(broken.id), Address::All] {
            for n in 0..100 {
                whole.say(to, &n.to_string());
            }
            whole.say(to, "end");
            let mut heard = broken.until("end").await;
            heard.retain(|text| !text.starts_with("after"));
            let expected: Vec<_> = (0..100).map(|n| n.to_string()).collect();
            assert_eq!(heard, expected, "{to:?}");
        }
        let mut whole = whole;
        broken.reach(&mut whole, "answer").await;
    }

    /// A bus that works says so, and what was heard by others waits no more and was not lost.
    async fn a_bus_that_works_says_so(trial) {
        let [a, mut b, _] = Joined::three(trial).await;
        for n in 0..100 {
            a.say(Address::Node(b.id), &format!("{n}"));
        }
        a.say(Address::Node(b.id), "last");
        assert_eq!(b.until("last").await.len(), 100);

        let condition = a.bus.condition();
        assert!(condition.is_connected, "{condition:?}");
        assert_eq!((condition.lost, condition.waiting), (0, 0), "{condition:?}");
        assert!(condition.lag < PATIENCE, "{condition:?}");
    }
}
