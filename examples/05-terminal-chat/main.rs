//! Two people talk through a server, each in a terminal.
//!
//! ```sh
//! cargo run --release -p im-server
//! cargo run -p examples --bin 05-terminal-chat -- http://127.0.0.1:8080 alice 'correct horse' bob
//! cargo run -p examples --bin 05-terminal-chat -- http://127.0.0.1:8080 bob 'correct horse' alice
//! ```
//!
//! Makes the account where there is none. Before one's own lines stands how far they have come: `✓` the server has
//! stored it, `✓✓` a device of the other side has it, `read` the other side has pressed a key since. Stop the server
//! and start it again: what was written meanwhile is sent, what was missed comes. Ctrl-D ends.

mod chat;
mod keys;
mod line;
mod rest;
mod screen;

use std::time::Duration;

use im_core::{
    ClientId, Code, Content, ConversationId, DeviceId, Error, OpenDirect, Presence, Push,
    SendMessage, Session, SubscribePresence, UserId,
};
use im_transport::Connector;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{sleep, timeout},
};

use chat::Chat;
use keys::Key;
use line::Line;
use rest::{Account, Rest};

/// Everything that the loop waits for.
enum News {
    Ended(Error),
    Key(Key),
    Presence(Presence),
    Push(Box<Push>),
    Sent(Result<(), Error>),
    TypingEnded,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [url, user, password, peer] = &arguments[..] else {
        return Err("say: SERVER-URL USER PASSWORD PEER".into());
    };
    let account = Account {
        user: UserId::new(user.as_str())?,
        password: password.clone(),
        device: DeviceId::new("terminal")?,
    };
    let (me, peer) = (account.user.clone(), UserId::new(peer.as_str())?);
    let rest = Rest::new(url)?;
    rest.register(&account).await?;
    let device = account.device.clone();
    let connector = Connector::new(&rest.websocket(), rest.tokens(account), device)?;
    let (session, line) = line::open(connector).await?;
    let conversation = begin(&line, &peer).await?;

    let (tell, mut news) = unbounded_channel();
    let (write, lines) = unbounded_channel();
    let mut chat = Chat::new(me, peer.clone(), conversation, line.clone(), tell.clone());
    chat.show_history().await?;
    let writer = tokio::spawn(send(line.clone(), conversation, lines, tell.clone()));
    tokio::spawn(watch(line, peer, tell.clone()));
    tokio::spawn(read(session, tell.clone()));
    let _keyboard = keys::read(tell);

    while let Some(news) = news.recv().await {
        match news {
            News::Ended(error) | News::Sent(Err(error)) => return Err(error.into()),
            News::Key(Key::Quit) => break,
            News::Key(Key::Changed(text)) => chat.changed(text),
            News::Key(Key::Line(text)) => chat.wrote(text, &write),
            News::Presence(presence) => chat.saw(&presence),
            News::Push(push) => chat.happened(*push),
            News::Sent(Ok(())) => chat.screen.sent(),
            News::TypingEnded => chat.screen.hint(""),
        }
    }
    // What was written last is still sent, where there is a server.
    drop(write);
    let _ = timeout(Duration::from_secs(5), writer).await;
    Ok(())
}

/// The conversation with `peer`, as soon as there is somebody of that name.
async fn begin(line: &Line, peer: &UserId) -> Result<ConversationId, Error> {
    let mut waits = false;
    loop {
        match line.call(OpenDirect { user: peer.clone() }).await {
            Ok(view) => return Ok(view.conversation),
            Err(Error::Rejected(rejection)) if rejection.code == Code::NotFound => {
                if !std::mem::replace(&mut waits, true) {
                    println!("waiting until {peer} has an account");
                }
                sleep(Duration::from_secs(2)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Hands on everything that happens.
async fn read(mut session: Session, tell: UnboundedSender<News>) {
    loop {
        let next = session.next_event().await;
        let ended = next.is_err();
        let news = next.map_or_else(News::Ended, |push| News::Push(Box::new(push)));
        if tell.send(news).is_err() || ended {
            return;
        }
    }
}

/// Sends one text after the other. They wait here as long as the server is away.
async fn send(
    line: Line,
    conversation: ConversationId,
    mut texts: UnboundedReceiver<String>,
    tell: UnboundedSender<News>,
) {
    while let Some(text) = texts.recv().await {
        let message = SendMessage::new(conversation, ClientId::random(), Content::text(text));
        let sent = line.call(message).await.map(drop);
        // Whoever has stopped does not want to know.
        let _ = tell.send(News::Sent(sent));
    }
}

/// Whether the peer is there. What changes from now on is told by the session.
async fn watch(line: Line, peer: UserId, tell: UnboundedSender<News>) {
    let users = vec![peer];
    let Ok(presences) = line.call(SubscribePresence { users }).await else {
        return;
    };
    for presence in presences.items {
        // Whoever has stopped does not want to know.
        let _ = tell.send(News::Presence(presence));
    }
}
