//! A world with a program of one's own in it, as a host would have it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use im_core::{
    Actor, ConversationId, OpenDirect, Sender, Session,
    port::Runtime as _,
    testing::{
        device,
        simulation::{Place, Rates, Setup, World},
        user,
    },
};
use im_store::MemoryStore;

fn direct(world: &World) -> ConversationId {
    let im = world.node(0).unwrap();
    let begun = async move {
        let ann = Actor::user(user("ann"));
        im.call(&ann, OpenDirect { user: user("bob") }).await
    };
    let view = world.executor().block_on(Duration::from_secs(10), begun);
    view.unwrap().unwrap().conversation
}

#[test]
fn a_message_passes_a_store_that_fails_nodes_that_die_and_links_that_break() {
    let world = World::new(7, MemoryStore::new(), &Setup::default());
    let to = direct(&world);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (door, bob) = world.device(user("bob"), device("laptop"));
    let (ears, clock) = (Arc::clone(&heard), bob.clone());
    bob.spawn(Box::pin(async move {
        let session = Session::resume(door, Arc::new(clock), Default::default()).await;
        let mut session = session.unwrap();
        while let Ok(entry) = session.next_message().await {
            let text = entry.body.as_message().unwrap().content.as_text();
            ears.lock().unwrap().push(text.unwrap().to_owned());
        }
    }));
    let (door, ann) = world.device(user("ann"), device("phone"));
    let clock = ann.clone();
    ann.spawn(Box::pin(async move {
        let session = Session::open(door, Arc::new(clock)).await.unwrap();
        for text in ["one", "two", "three"] {
            session.send(&to, text).await.unwrap();
        }
    }));

    world.weather(Rates::STORM);
    for _ in 0..20 {
        world.run_for(Duration::from_millis(100));
        world.cut_all();
        world.kill(0);
        world.run_for(Duration::from_millis(100));
        world.start(0);
    }
    world.heal();
    world.run_for(Duration::from_secs(60));

    assert_eq!(*heard.lock().unwrap(), ["one", "two", "three"]);
}

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
        let (ann, to) = (self.ann.clone(), self.to);
        let said = async move { ann.send(&to, text).await };
        let said = self.world.executor().block_on(LONG, said);
        said.unwrap().unwrap();
        self.wait(3);
    }

    fn wait(&self, seconds: u64) {
        self.world.run_for(Duration::from_secs(seconds));
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
