//! What nodes do not hear of each other, and how it is made good.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use im_core::{
    Actor, AddMembers, Call, ClientId, ConversationId, CreateConversation, SendMessage, Sender,
    Session, UserId,
    port::Runtime as _,
    testing::{
        device,
        simulation::{Event, Place, Rates, Setup, World},
        user,
    },
};
use im_store::MemoryStore;

use crate::world::{bob_hears, direct};

/// Ann on the first of two nodes, and what Bob hears on the second.
struct Talk {
    world: World,
    to: ConversationId,
    ann: Sender,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Talk {
    fn begin(world: World, to: ConversationId) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (door, bob) = world.device(user("bob"), device("laptop"));
        world.network().part(Place::Device(0), Place::Node(0));
        let (ears, clock) = (Arc::clone(&heard), bob.clone());
        bob.spawn(Box::pin(async move {
            let mut session = Session::open(door, Arc::new(clock)).await.unwrap();
            while let Ok(entry) = session.next_message().await {
                let text = entry.body.as_message().unwrap().content.as_text();
                ears.lock().unwrap().push(text.unwrap().to_owned());
            }
        }));
        let (door, ann) = world.device(user("ann"), device("phone"));
        world.network().part(Place::Device(1), Place::Node(1));
        let session = Session::open(door, Arc::new(ann));
        let session = world.executor().block_on(LONG, session).unwrap().unwrap();
        Self {
            to,
            ann: session.sender(),
            heard,
            world,
        }
    }

    /// Ann says something, and three seconds pass.
    fn say(&self, text: &'static str) {
        self.say_in(self.to, text);
        self.wait(3);
    }

    /// Ann says something in a conversation, and has an answer.
    fn say_in(&self, to: ConversationId, text: &'static str) {
        let ann = self.ann.clone();
        let said = async move { ann.send(&to, text).await };
        let said = self.world.executor().block_on(LONG, said);
        said.unwrap().unwrap();
    }

    /// Ann begins a group.
    fn group(&self, members: &[&str]) -> ConversationId {
        let id = ClientId::new("group").unwrap();
        let members = members.iter().map(|name| user(name));
        self.ask(CreateConversation::group(id, members))
            .conversation
    }

    /// Ann asks for something.
    fn ask<C: Call>(&self, call: C) -> C::Reply {
        let ann = self.ann.clone();
        let answer = async move { ann.call(call).await };
        let answer = self.world.executor().block_on(LONG, answer);
        answer.unwrap().unwrap()
    }

    fn wait(&self, seconds: u64) {
        self.world.run_for(Duration::from_secs(seconds));
    }

    /// The seqs that were pushed to somebody.
    fn pushed_to(&self, user: &UserId) -> Vec<u64> {
        let history = self.world.recorder().history();
        let (mut links, mut pushed) = (Vec::new(), Vec::new());
        for event in &history.events {
            if let Event::Opened { link, device, .. } = event
                && history.devices[*device] == *user
            {
                links.push(*link);
            }
            if let Event::Pushed { link, sight } = event
                && links.contains(link)
            {
                pushed.push(sight.seq);
            }
        }
        pushed
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

const LONG: Duration = Duration::from_secs(10);

fn talk() -> Talk {
    let world = World::new(3, MemoryStore::new(), &Setup::default());
    let to = direct(&world);
    Talk::begin(world, to)
}

#[test]
fn letters_that_are_lost_are_made_good_by_the_next_one_that_says_how_many_there_were() {
    let talk = talk();
    talk.say("one");
    assert_eq!(talk.heard(), ["one"]);

    talk.world.network().lose(1);
    talk.say("two");
    assert_eq!(talk.heard(), ["one"]);
    talk.world.network().lose(0);
    talk.wait(3);

    assert_eq!(talk.heard(), ["one", "two"]);
}

#[test]
fn a_node_that_was_cut_off_hears_what_it_missed() {
    let talk = talk();
    talk.world.part(1);
    talk.say("one");
    assert!(talk.heard().is_empty());

    talk.world.rejoin(1);
    talk.wait(3);

    assert_eq!(talk.heard(), ["one"]);
}

#[test]
fn what_a_node_stored_and_told_nobody_before_it_died_is_heard() {
    let talk = talk();
    talk.world.part(0);
    talk.say("one");
    assert!(talk.heard().is_empty());

    talk.world.kill(0);
    talk.wait(10);

    assert_eq!(talk.heard(), ["one"]);
}

#[test]
fn a_node_that_came_while_another_was_cut_off_hears_what_that_one_could_not_tell_it() {
    let world = World::new(3, MemoryStore::new(), &Setup::default());
    let to = direct(&world);
    world.kill(1);
    world.run_for(LONG);
    world.part(0);
    world.start(1);
    world.run_for(Duration::from_secs(1));
    let talk = Talk::begin(world, to);
    talk.say("one");
    assert!(talk.heard().is_empty());

    talk.world.rejoin(0);
    talk.wait(3);

    assert_eq!(talk.heard(), ["one"]);
}

#[test]
fn who_was_forgotten_by_the_directory_hears_what_could_not_be_sent_meanwhile() {
    let talk = talk();
    talk.say("one");
    talk.world.part(1);
    talk.world.flush();
    talk.wait(2);
    talk.world.part(0);
    talk.world.rejoin(1);
    talk.wait(1);
    talk.say_in(talk.to, "two");
    assert_eq!(talk.heard(), ["one"]);

    talk.world.rejoin(0);
    talk.wait(2);

    assert_eq!(talk.heard(), ["one", "two"]);
}

#[test]
fn who_was_let_in_by_an_entry_that_was_not_heard_hears_what_comes_after_it() {
    let talk = talk();
    talk.world.network().lose(1);
    let group = talk.group(&["bob"]);
    talk.wait(1);
    talk.world.network().lose(0);
    talk.wait(3);

    talk.say_in(group, "one");
    talk.wait(3);

    assert_eq!(talk.heard(), ["one"]);
}

#[test]
fn who_is_let_in_is_not_given_what_another_node_stored_before() {
    let talk = talk();
    let group = talk.group(&["bob"]);
    talk.wait(3);
    talk.world.network().stall(1);
    talk.say_in(group, "before");
    let add = AddMembers {
        conversation: group,
        client_id: ClientId::new("add").unwrap(),
        users: vec![user("eve")],
    };
    talk.ask(add);

    let (door, eve) = talk.world.device(user("eve"), device("phone"));
    talk.world.network().part(Place::Device(2), Place::Node(0));
    let session = Session::open(door, Arc::new(eve));
    let session = talk.world.executor().block_on(LONG, session);
    talk.wait(10);

    let pushed: Vec<u64> = talk.pushed_to(&user("eve"));
    assert_eq!(pushed.first(), Some(&3), "{pushed:?}");
    drop(session);
}

/// Whether Bob on a node that has just come hears what was asked for on one that is gone, and is mostly stored after that.
fn hears_what_was_left(seed: u64) -> bool {
    let world = World::new(seed, MemoryStore::new(), &Setup::default());
    let to = direct(&world);
    world.kill(1);
    world.weather(Rates {
        lands_late: 1,
        ..Rates::default()
    });
    let im = world.node(0).unwrap();
    let said = async move {
        let ask = SendMessage::new(to, ClientId::new("late").unwrap(), "late");
        im.call(&Actor::user(user("ann")), ask).await
    };
    let said = world.executor().block_on(LONG, said).unwrap();
    assert!(said.is_err());
    world.kill(0);
    world.weather(Rates::default());
    // As if the time had passed after which it is not known any more that it was there.
    world.flush();
    world.start(1);
    world.run_for(Duration::from_millis(200));

    let heard = bob_hears(&world);
    world.run_for(Duration::from_secs(40));
    let heard = heard.lock().unwrap();
    *heard == ["late"]
}

#[test]
fn what_is_stored_after_a_node_came_that_never_saw_who_was_asked_for_it_is_heard() {
    let deaf: Vec<u64> = (0..12).filter(|seed| !hears_what_was_left(*seed)).collect();

    assert!(deaf.is_empty(), "not heard with seeds {deaf:?}");
}
