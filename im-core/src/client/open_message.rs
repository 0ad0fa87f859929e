//! A message whose text comes piece by piece, as its sender holds it.

use super::Sender;
use crate::{
    AddText, ClientId, Code, Content, ConversationId, Error, FinishMessage, Rejection, Sent, Seq,
};

/// A message that was begun and is not complete: add text to it, then [finish](OpenMessage::finish) it.
///
/// When it is dropped instead, or its process ends, the server ends it as interrupted: once nothing came for
/// [`Limits::stream_idle_ms`](crate::Limits::stream_idle_ms), or at once when the user's last session there ends. It says what had come.
///
/// # Examples
/// ```
/// # use im_core::{ConversationId, Error, Sent, Session};
/// # async fn answer(session: &Session, room: &ConversationId) -> Result<Sent, Error> {
/// let mut answer = session.stream(room, "").await?;
/// for word in ["Seven ", "times ", "six."] {
///     answer.push(word).await?;
/// }
/// answer.finish().await
/// # }
/// ```
#[must_use = "it is complete only once it is finished"]
pub struct OpenMessage {
    sender: Sender,
    place: (ConversationId, Seq),
    content: Content,
    /// Characters and bytes of the text that the server has.
    sent: (u64, usize),
}

impl OpenMessage {
    pub(super) fn new(sender: Sender, begun: Sent, content: Content) -> Self {
        let mut message = Self {
            sender,
            place: (begun.conversation, begun.seq),
            content,
            sent: (0, 0),
        };
        message.all_is_sent();
        message
    }

    /// Where it stands.
    #[must_use]
    pub const fn seq(&self) -> Seq {
        self.place.1
    }

    /// What it says so far.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// Adds text. What the server cannot take at the moment goes with what is added next, and is in the message in the end.
    /// Without text it only stays open.
    ///
    /// # Errors
    /// `Rejected` when the message has ended, by a recall or because the link was gone, or can hold no more; `Closed` when
    /// the session is over.
    ///
    /// # Cancel safety
    /// Nothing is lost: the text goes with what is added next.
    pub async fn push(&mut self, text: &str) -> Result<(), Error> {
        for said in self.content.texts_mut() {
            said.push_str(text);
        }
        match self.send_rest().await {
            // The server began again, and has what the message began with.
            Err(Error::Rejected(rejection)) if rejection.code == Code::Gap => {
                self.sent = (0, 0);
                self.send_rest().await
            }
            other => other,
        }
    }

    /// Says that the text is complete. It is stored then.
    ///
    /// # Errors
    /// As [`OpenMessage::push`].
    ///
    /// # Cancel safety
    /// When the future is dropped before it is ready, the message is finished, or interrupted with what the server has.
    pub async fn finish(self) -> Result<Sent, Error> {
        let (conversation, seq) = self.place;
        let finish = FinishMessage {
            conversation,
            client_id: ClientId::random(),
            seq,
            // All of it: that repairs whatever the server lacks.
            content: Some(self.content),
        };
        self.sender.call_until_answered(finish).await
    }

    async fn send_rest(&mut self) -> Result<(), Error> {
        let (conversation, seq) = self.place;
        let (offset, bytes) = self.sent;
        let add = AddText {
            conversation,
            seq,
            offset,
            text: self.text()[bytes..].to_owned(),
        };
        match self.sender.call(add).await {
            Ok(_) => self.all_is_sent(),
            Err(Error::Rejected(Rejection { code, .. })) if code.is_retryable() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn all_is_sent(&mut self) {
        let text = self.text();
        self.sent = (text.chars().count() as u64, text.len());
    }

    fn text(&self) -> &str {
        self.content.texts().first().copied().unwrap_or_default()
    }
}
