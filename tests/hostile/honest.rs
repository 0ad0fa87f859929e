//! Somebody who talks while others attack.

use std::{io, net::SocketAddr};

use serde_json::json;
use tests::socket::Socket;

use crate::{stage::Stage, within};

/// Two people in a conversation.
pub(crate) struct Honest {
    alice: Socket,
    bob: Socket,
    conversation: String,
    said: u32,
}

impl Honest {
    pub(crate) async fn come(address: SocketAddr, stage: &Stage) -> io::Result<Self> {
        let mut alice = open(address, &stage.alice).await?;
        let bob = open(address, &stage.bob).await?;
        let view = alice
            .call("conversation.direct", &json!({"user": "bob"}))
            .await?;
        let conversation = view["conversation"].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            alice,
            bob,
            conversation,
            said: 0,
        })
    }

    /// Says so many things, each of which must have arrived before the next is said.
    pub(crate) async fn exchange(&mut self, messages: u32) -> io::Result<()> {
        for _ in 0..messages {
            self.said += 1;
            let text = format!("honest {}", self.said);
            let content = json!({"kind": "text", "text": text});
            let key = format!("{}-{}", std::process::id(), uuid::Uuid::new_v4());
            let send =
                json!({"conversation": self.conversation, "client_id": key, "content": content});
            let sent = self.alice.call("message.send", &send);
            within("an honest message to be taken", sent).await??;
            within("an honest message to arrive", self.hear(&text)).await??;
        }
        Ok(())
    }

    /// The next message that bob is pushed is this one.
    async fn hear(&mut self, text: &str) -> io::Result<()> {
        loop {
            let frame = self.bob.next().await?;
            let heard = &frame["params"]["body"]["content"]["text"];
            if heard == text {
                return Ok(());
            }
            if !heard.is_null() {
                return Err(io::Error::other(format!("{heard} instead of {text}")));
            }
        }
    }
}

async fn open(address: SocketAddr, token: &str) -> io::Result<Socket> {
    let mut socket = within("an honest connection", Socket::connect(address, token)).await??;
    let device = json!({"device": "honest"});
    let open = socket.call("session.open", &device);
    within("an honest session", open).await??;
    Ok(socket)
}
