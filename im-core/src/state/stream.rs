//! The text of a message that is open: how it grows, how far it was pushed, and when its sender has fallen silent.

use std::time::Duration;

use super::content::{check_said, too_large};
use crate::{Code, Content, Limits, Rejection};

/// The text of an open message so far.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StreamState {
    kind: Kind,
    text: String,
    /// Characters in `text`.
    length: u64,
    /// Bytes of `text` as JSON.
    bytes: usize,
    /// How many of the bytes and characters of `text` were pushed.
    pushed: (usize, u64),
    /// When its sender was last heard of.
    heard: Duration,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    RichText,
    Text,
}

impl StreamState {
    /// A message that begins with this; `None` when it is no text. Nobody lacks what it begins with.
    #[must_use]
    pub fn new(content: &Content, now: Duration) -> Option<Self> {
        let (kind, text) = said(content)?;
        let length = chars(text);
        Some(Self {
            kind,
            text: text.to_owned(),
            length,
            bytes: json_bytes(text),
            pushed: (text.len(), length),
            heard: now,
        })
    }

    /// What the message says so far.
    #[must_use]
    pub fn content(&self) -> Content {
        let text = self.text.clone();
        match self.kind {
            Kind::RichText => Content::RichText { markdown: text },
            Kind::Text => Content::Text { text },
        }
    }

    /// How many characters it has.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Takes in what comes after `offset` characters; what of it stands there already is passed over.
    ///
    /// # Errors
    /// `gap` when text before it is missing, `conflict` when something else stands there, `too_large` beyond what a message
    /// can hold.
    pub fn add(
        &mut self,
        offset: u64,
        text: &str,
        limits: &Limits,
        now: Duration,
    ) -> Result<(), Rejection> {
        let text = self.new_part(offset, text)?;
        let length = self.length + chars(text);
        if length > limits.text_chars as u64 {
            return Err(too_large("text", limits.text_chars, "characters"));
        }
        let bytes = self.bytes + json_bytes(text);
        if bytes > limits.content_bytes {
            return Err(too_large("text", limits.content_bytes, "bytes of JSON"));
        }
        self.text.push_str(text);
        (self.length, self.bytes, self.heard) = (length, bytes, now);
        Ok(())
    }

    /// That part of a text which does not stand here yet.
    fn new_part<'t>(&self, offset: u64, text: &'t str) -> Result<&'t str, Rejection> {
        if offset == self.length {
            return Ok(text);
        }
        if offset > self.length {
            let detail = format!(
                "the text ends at {}, and what comes after that is missing; send it from there on",
                self.length
            );
            return Err(Rejection::new(Code::Gap, detail));
        }
        let known = self
            .text
            .char_indices()
            .nth(usize::try_from(offset).unwrap_or(usize::MAX))
            .map_or("", |(at, _)| &self.text[at..]);
        if known.starts_with(text) {
            return Ok("");
        }
        text.strip_prefix(known).ok_or_else(|| {
            let detail = "another text stands there; what was said can only be added to";
            Rejection::new(Code::Conflict, detail)
        })
    }

    /// What was not pushed yet, and how many characters stand before it. It counts as pushed from now on.
    pub fn poll_push(&mut self) -> Option<(u64, String)> {
        let (bytes, offset) = self.pushed;
        self.pushed = (self.text.len(), self.length);
        let text = &self.text[bytes..];
        (!text.is_empty()).then(|| (offset, text.to_owned()))
    }

    /// When it ends because its sender says nothing more.
    #[must_use]
    pub fn silent_at(&self, limits: &Limits) -> Duration {
        self.heard + Duration::from_millis(limits.stream_idle_ms)
    }
}

/// Refuses what a stream cannot begin with. It can begin with nothing: an assistant may have to think first.
pub(super) fn check_opening(content: &Content, limits: &Limits) -> Result<(), Rejection> {
    let (_, text) = said(content).ok_or_else(not_text)?;
    if text.is_empty() {
        return Ok(());
    }
    check_said("text", text, limits)
}

/// Refuses what a stream cannot end with.
pub(super) fn check_ending(content: &Content, limits: &Limits) -> Result<(), Rejection> {
    said(content).ok_or_else(not_text)?;
    super::check_content(content, limits)
}

fn not_text() -> Rejection {
    Rejection::new(
        Code::UnsupportedContent,
        "only text and rich_text come piece by piece; send other contents as they are",
    )
}

#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "a new kind of content is no text until it says so here"
)]
fn said(content: &Content) -> Option<(Kind, &str)> {
    match content {
        Content::RichText { markdown } => Some((Kind::RichText, markdown)),
        Content::Text { text } => Some((Kind::Text, text)),
        _ => None,
    }
}

fn chars(text: &str) -> u64 {
    text.chars().count() as u64
}

fn json_bytes(text: &str) -> usize {
    // Without the quotes.
    serde_json::to_string(text).map_or(usize::MAX / 2, |json| json.len() - 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    fn stream(text: &str) -> StreamState {
        StreamState::new(&Content::text(text), Duration::ZERO).unwrap()
    }

    fn added(stream: &mut StreamState, offset: u64, text: &str) -> Result<(), Code> {
        let limits = Limits::default();
        let added = stream.add(offset, text, &limits, NOW);
        added.map_err(|rejection| rejection.code)
    }

    #[test]
    fn text_grows_where_it_ends_and_offsets_count_characters() {
        let mut stream = stream("日本");

        added(&mut stream, 2, "語🙂").unwrap();
        added(&mut stream, 4, "!").unwrap();

        assert_eq!(stream.content(), Content::text("日本語🙂!"));
        assert_eq!(stream.length(), 5);
    }

    #[test]
    fn a_repeat_is_passed_over_and_the_rest_of_it_is_taken() {
        let mut stream = stream("one two");

        added(&mut stream, 4, "two").unwrap();
        added(&mut stream, 0, "one").unwrap();
        added(&mut stream, 0, "one two three").unwrap();
        added(&mut stream, 7, "").unwrap();

        assert_eq!(stream.content(), Content::text("one two three"));
    }

    #[test]
    fn a_gap_and_another_text_are_refused_and_change_nothing() {
        let mut stream = stream("one");
        let before = stream.clone();

        assert_eq!(added(&mut stream, 4, "x"), Err(Code::Gap));
        assert_eq!(added(&mut stream, u64::MAX, ""), Err(Code::Gap));
        assert_eq!(added(&mut stream, 1, "x"), Err(Code::Conflict));

        assert_eq!(stream, before);
    }

    #[test]
    fn it_holds_what_a_message_can_hold() {
        let limits = Limits {
            text_chars: 5,
            content_bytes: 12,
            ..Limits::default()
        };
        let mut stream = stream("");
        let mut add = |offset, text| {
            let added = stream.add(offset, text, &limits, NOW);
            added.map_err(|rejection| rejection.code)
        };

        assert_eq!(add(0, "123456"), Err(Code::TooLarge));
        assert_eq!(add(0, "\u{1}\u{1}\u{1}"), Err(Code::TooLarge));
        assert_eq!(add(0, "12345"), Ok(()));
        assert_eq!(add(5, "6"), Err(Code::TooLarge));
        assert_eq!(add(5, ""), Ok(()));
    }

    #[test]
    fn what_is_pushed_is_what_came_since_the_last_push() {
        let mut stream = stream("日");
        assert_eq!(stream.poll_push(), None);

        added(&mut stream, 1, "本").unwrap();
        added(&mut stream, 2, "語").unwrap();

        assert_eq!(stream.poll_push(), Some((1, "本語".to_owned())));
        assert_eq!(stream.poll_push(), None);
        added(&mut stream, 3, "!").unwrap();
        assert_eq!(stream.poll_push(), Some((3, "!".to_owned())));
    }

    #[test]
    fn an_empty_text_keeps_it_open() {
        let limits = Limits::default();
        let mut stream = stream("thinking");
        assert_eq!(stream.silent_at(&limits), Duration::from_secs(30));

        added(&mut stream, 8, "").unwrap();

        assert_eq!(stream.silent_at(&limits), NOW + Duration::from_secs(30));
    }

    #[test]
    fn it_begins_with_nothing_or_a_text_and_ends_with_a_text() {
        let limits = Limits::default();
        let card = Content::Card {
            user: crate::UserId::new("bob").unwrap(),
            name: None,
        };
        let code = |checked: Result<(), Rejection>| checked.map_err(|rejection| rejection.code);

        assert_eq!(code(check_opening(&Content::text(""), &limits)), Ok(()));
        assert_eq!(
            code(check_opening(&Content::text(" "), &limits)),
            Err(Code::InvalidRequest)
        );
        assert_eq!(
            code(check_opening(&card, &limits)),
            Err(Code::UnsupportedContent)
        );
        assert_eq!(
            code(check_ending(&Content::text(""), &limits)),
            Err(Code::InvalidRequest)
        );
        assert_eq!(
            code(check_ending(&card, &limits)),
            Err(Code::UnsupportedContent)
        );
    }
}
