//! A bot that answers every text message with the same text. It does not know where the engine is.
//!
//! In this process, with a person who talks to it:
//!
//! ```sh
//! cargo run -p examples --bin 03-echo-bot -- local
//! ```
//!
//! On a server, as the user that the token is for:
//!
//! ```sh
//! cargo run -p examples --bin 03-echo-bot -- ws://127.0.0.1:8080/v1/ws TOKEN
//! ```

use im_core::{Body, Error, Im, Session, TrustEveryone};
use im_store::MemoryStore;
use im_transport::Client;

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["local"] => talk_to_the_bot().await,
        [url, token] => Ok(echo(Client::connect(url, token, "echo-bot").await?).await?),
        _ => Err("say `local`, or a WebSocket address and a token".into()),
    }
}

/// The bot. Ends when its session is over for good: broken links are opened again by the session itself.
async fn echo(mut session: Session) -> Result<(), Error> {
    let sender = session.sender();
    loop {
        let message = session.next_message().await?;
        // Not its own, in case that the same user talks from another device: two echoes would never end.
        if message.sender == *session.user() {
            continue;
        }
        if let Body::Message(im_core::Message { content, .. }) = message.body
            && let Some(text) = content.as_text()
        {
            match sender.send(&message.conversation, text).await {
                Ok(_) => {}
                // Whoever wrote may have blocked the bot since, or removed it: others still want their echo.
                Err(Error::Rejected(rejection)) => {
                    eprintln!("no echo for {}: {rejection}", message.sender);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// An engine in this process, the bot on it, and somebody who says three things.
async fn talk_to_the_bot() -> Result<(), Failure> {
    let im = Im::builder(MemoryStore::new(), TrustEveryone).build();
    let bot = im.connect("echo", "bot").await?;
    tokio::spawn(echo(bot));

    let mut alice = im.connect("alice", "phone").await?;
    let chat = im.direct("alice", "echo").await?;
    for text in ["hello", "is anybody there?", "goodbye"] {
        alice.send(&chat, text).await?;
        let answer = alice.next_message().await?;
        if let Body::Message(im_core::Message { content, .. }) = answer.body {
            println!(
                "alice: {text}\necho:  {}",
                content.as_text().unwrap_or_default()
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use im_core::{Actor, BlockUser};

    use super::*;

    #[tokio::test]
    async fn the_bot_goes_on_when_somebody_who_wrote_to_it_blocks_it() {
        let im = Im::builder(MemoryStore::new(), TrustEveryone).build();
        let bot = im.connect("echo", "bot").await.unwrap();
        let alice = im.direct("alice", "echo").await.unwrap();
        let sender = im.connect("alice", "phone").await.unwrap();
        sender.send(&alice, "hello").await.unwrap();
        let block = BlockUser {
            user: "echo".try_into().unwrap(),
        };
        let actor = Actor::user("alice".try_into().unwrap());
        im.call(&actor, block).await.unwrap();

        tokio::spawn(echo(bot));
        let mut carol = im.connect("carol", "phone").await.unwrap();
        let chat = im.direct("carol", "echo").await.unwrap();
        carol.send(&chat, "anybody there?").await.unwrap();

        let answer = carol.next_message().await.unwrap();
        assert_eq!(answer.sender.as_str(), "echo");
    }
}
