//! A shop's desk: customers ask what things cost, and it answers every question once, whatever breaks meanwhile.
//!
//! ```sh
//! cargo run -p examples --bin 06-shop-desk
//! ```
//!
//! That it does is seen in its tests: the desk and its customers live in a simulated world, in which the desk's program
//! ends at any moment, links break, nodes die and the store fails. `cargo test -p examples --bin 06-shop-desk`

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use im_core::{
    ClientId, Cursor, Entry, Error, Im, SendMessage, Sent, Session, TrustEveryone,
    port::{Runtime, TokioRuntime},
};
use im_store::MemoryStore;

/// Where the desk is in what it was told. A shop keeps it in its database.
#[derive(Clone, Default)]
struct Notebook {
    cursor: Arc<Mutex<Cursor>>,
}

impl Notebook {
    fn write(&self, cursor: Cursor) {
        *self.cursor.lock().unwrap_or_else(PoisonError::into_inner) = cursor;
    }
}

/// What a question is answered with; `None` where it is none.
fn price(message: &Entry) -> Option<&'static str> {
    let text = message.body.as_message()?.content.as_text()?;
    let good = text.strip_prefix("what is ")?.strip_suffix('?')?;
    Some(match good {
        "tea" => "tea is 4",
        "cake" => "cake is 6",
        _ => "we have no such thing",
    })
}

/// The desk. It writes down where it is after it has answered: so that a question is not lost when it ends in between.
async fn serve(
    mut session: Session,
    runtime: &dyn Runtime,
    notebook: &Notebook,
) -> Result<(), Error> {
    loop {
        let message = session.next_message().await?;
        if message.sender != *session.user()
            && let Some(price) = price(&message)
        {
            // The question says under which id it is answered: so that it is answered once, however often it is read.
            let id = ClientId::new(format!("answer-to-{}", message.seq))?;
            answer(
                &session,
                runtime,
                SendMessage::new(message.conversation, id, price),
            )
            .await?;
        }
        notebook.write(session.cursor());
    }
}

/// Sends until there is an answer.
async fn answer(
    session: &Session,
    runtime: &dyn Runtime,
    message: SendMessage,
) -> Result<Sent, Error> {
    loop {
        match session.call(message.clone()).await {
            Err(Error::Rejected(rejection)) if rejection.code.is_retryable() => {
                let wait = rejection.retry_after_ms.unwrap_or(200);
                runtime.sleep(Duration::from_millis(wait)).await;
            }
            answer => return answer,
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let im = Im::builder(MemoryStore::new(), TrustEveryone).build();
    let desk = im.connect("desk", "till").await?;
    tokio::spawn(async move { serve(desk, &TokioRuntime, &Notebook::default()).await });

    let mut alice = im.connect("alice", "phone").await?;
    let chat = im.direct("alice", "desk").await?;
    alice.send(&chat, "what is tea?").await?;
    let answer = alice.next_message().await?;
    let text = answer
        .body
        .as_message()
        .and_then(|said| said.content.as_text());
    println!("desk: {}", text.unwrap_or_default());
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use im_core::{
        Actor, Connector, ConversationId, OpenDirect,
        testing::{
            Chance, device,
            simulation::{Process, Rates, Setup, World},
            user,
        },
    };

    use super::*;

    /// Schedules of one test.
    const SEEDS: u64 = 20;

    fn chat(world: &World) -> ConversationId {
        let im = world.node(0).unwrap();
        let begun = async move {
            let alice = Actor::user(user("alice"));
            im.call(&alice, OpenDirect { user: user("desk") }).await
        };
        let begun = world.executor().block_on(Duration::from_secs(10), begun);
        begun.unwrap().unwrap().conversation
    }

    /// The desk's program, from where it wrote down that it is.
    fn open(door: Arc<dyn Connector>, till: &Process, notebook: &Notebook) {
        let (notebook, clock) = (notebook.clone(), till.clone());
        let cursor = notebook.cursor.lock().unwrap().clone();
        till.spawn(Box::pin(async move {
            let session = Session::resume(door, Arc::new(clock.clone()), cursor).await;
            let _ = serve(session.unwrap(), &clock, &notebook).await;
        }));
    }

    /// What Alice hears when she asks so many times, and everything breaks meanwhile.
    fn answers(seed: u64, questions: usize) -> Vec<String> {
        let world = World::new(seed, MemoryStore::new(), &Setup::default());
        let (to, notebook, heard) = (
            chat(&world),
            Notebook::default(),
            Arc::new(Mutex::default()),
        );
        let (door, phone) = world.device(user("alice"), device("phone"));
        let (ears, clock): (Arc<Mutex<Vec<String>>>, _) = (Arc::clone(&heard), phone.clone());
        phone.spawn(Box::pin(async move {
            let session = Session::resume(door, Arc::new(clock), Cursor::default()).await;
            let mut session = session.unwrap();
            for _ in 0..questions {
                session.send(&to, "what is tea?").await.unwrap();
            }
            while let Ok(answer) = session.next_message().await {
                let text = answer.body.as_message().unwrap().content.as_text().unwrap();
                ears.lock().unwrap().push(text.to_owned());
            }
        }));

        let mut chance = Chance::new(seed);
        world.weather(Rates::STORM);
        for round in 0..8 {
            let (door, till) = world.device(user("desk"), device("till"));
            open(door, &till, &notebook);
            world.run_for(chance.span(Duration::from_secs(4)));
            till.kill();
            world.cut_all();
            world.kill(round % 2);
            world.run_for(chance.span(Duration::from_secs(1)));
            world.start(round % 2);
        }
        world.heal();
        let (door, till) = world.device(user("desk"), device("till"));
        open(door, &till, &notebook);
        world.run_for(Duration::from_secs(180));

        let heard = heard.lock().unwrap();
        heard.clone()
    }

    #[test]
    fn every_question_is_answered_once_whatever_breaks() {
        for seed in 0..SEEDS {
            assert_eq!(answers(seed, 5), vec!["tea is 4"; 5], "seed {seed}");
        }
    }

    #[test]
    fn the_same_seed_is_the_same_story() {
        assert_eq!(answers(3, 4), answers(3, 4));
    }
}
