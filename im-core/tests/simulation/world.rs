//! A world with a program of one's own in it, as a host would have it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use im_core::{
    Actor, ConversationId, OpenDirect, Session,
    port::Runtime as _,
    testing::{
        device,
        simulation::{Rates, Setup, World},
        user,
    },
};
use im_store::MemoryStore;

pub(crate) fn direct(world: &World) -> ConversationId {
    let im = world.node(0).unwrap();
    let begun = async move {
        let ann = Actor::user(user("ann"));
        im.call(&ann, OpenDirect { user: user("bob") }).await
    };
    let view = world.executor().block_on(Duration::from_secs(10), begun);
    view.unwrap().unwrap().conversation
}

/// What Bob's program is handed from now on, and of what was before it.
pub(crate) fn bob_hears(world: &World) -> Arc<Mutex<Vec<String>>> {
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
    heard
}

#[test]
fn a_message_passes_a_store_that_fails_nodes_that_die_and_links_that_break() {
    let world = World::new(7, MemoryStore::new(), &Setup::default());
    let to = direct(&world);
    let heard = bob_hears(&world);
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
