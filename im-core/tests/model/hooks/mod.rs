//! What hooks of the host make of commands, and what they are told.

mod after;
mod before;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use im_core::{
    Actor, Body, Builder, Call, ClientId, Command, Content, ConversationId, History, Im, Rejection,
    SendMessage, Sent, Store, Timestamp, TrustEveryone,
    hook::{After, Before, Happened, Verdict},
    testing::{ManualRuntime, user},
};
use im_store::MemoryStore;

/// A hook that is a function.
pub(crate) struct Says<F>(pub(crate) F);

#[async_trait]
impl<F: Fn(&Actor, &Command) -> Verdict + Send + Sync + 'static> Before for Says<F> {
    async fn before(&self, actor: &Actor, command: &Command) -> Verdict {
        self.0(actor, command)
    }
}

#[async_trait]
impl<F: Fn(&Happened) + Send + Sync + 'static> After for Says<F> {
    async fn after(&self, happened: &Happened) {
        self.0(happened);
    }
}

/// A hook that takes long over a text.
pub(crate) struct Slow {
    pub(crate) text: &'static str,
    pub(crate) takes: Duration,
    pub(crate) runtime: ManualRuntime,
}

impl Slow {
    async fn wait(&self, text: Option<&str>) {
        if text == Some(self.text) {
            im_core::port::Runtime::sleep(&self.runtime, self.takes).await;
        }
    }
}

#[async_trait]
impl Before for Slow {
    async fn before(&self, _: &Actor, command: &Command) -> Verdict {
        self.wait(text_of(command)).await;
        Verdict::Allow
    }
}

#[async_trait]
impl After for Slow {
    async fn after(&self, happened: &Happened) {
        self.wait(said(happened)).await;
    }
}

/// An engine with hooks, in virtual time, and a conversation of alice and bob in it.
pub(crate) struct House {
    pub(crate) im: Im,
    pub(crate) chat: ConversationId,
    pub(crate) runtime: ManualRuntime,
}

impl House {
    pub(crate) fn new(hooks: impl FnOnce(Builder, &ManualRuntime) -> Builder) -> Self {
        let runtime = ManualRuntime::new(Timestamp(1_700_000_000_000));
        let mut ports = MemoryStore::new().ports();
        ports.runtime = Arc::new(runtime.clone());
        // Begun by an engine without hooks on the same store.
        let plain = Im::builder(ports.clone(), TrustEveryone).build();
        let chat = runtime.block_on(plain.direct("alice", "bob")).unwrap();
        let im = hooks(Im::builder(ports, TrustEveryone), &runtime).build();
        Self { im, chat, runtime }
    }

    pub(crate) fn call<C: Call>(&self, call: C) -> Result<C::Reply, Rejection> {
        let actor = Actor::user(user("alice"));
        self.runtime.block_on(self.im.call(&actor, call))
    }

    pub(crate) fn send(&self, client_id: &str, text: &str) -> Result<Sent, Rejection> {
        self.call(message(self.chat, client_id, text))
    }

    /// What is said in the conversation.
    pub(crate) fn texts(&self) -> Vec<String> {
        let ask = History::of(self.chat);
        let page = self.call(ask).unwrap();
        let messages = page.items.into_iter().filter_map(|entry| match entry.body {
            Body::Message(im_core::Message { content, .. }) => content.as_text().map(str::to_owned),
            _ => None,
        });
        messages.collect()
    }
}

pub(crate) fn message(conversation: ConversationId, client_id: &str, text: &str) -> SendMessage {
    SendMessage::new(conversation, ClientId::new(client_id).unwrap(), text)
}

pub(crate) fn text_of(command: &Command) -> Option<&str> {
    match command {
        Command::SendMessage(ask) => ask.content.as_text(),
        _ => None,
    }
}

fn said(happened: &Happened) -> Option<&str> {
    match &happened.entry.body {
        Body::Message(im_core::Message { content, .. }) => content.as_text(),
        _ => None,
    }
}

/// The same command with another text.
fn with_text(command: &Command, text: String) -> Command {
    match command.clone() {
        Command::SendMessage(ask) => SendMessage {
            content: Content::text(text),
            ..ask
        }
        .into_command(),
        other => other,
    }
}
