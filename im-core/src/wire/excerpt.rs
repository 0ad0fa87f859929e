//! What a refusal repeats of the frame it refuses: enough to find the fault, and little, whatever the peer sent.

use std::{borrow::Cow, fmt::Display};

/// Characters of a peer's text that are repeated.
const TEXT: usize = 64;

/// Characters of a whole reason that are sent as they are; beyond it the middle, which is the peer's text, is left out.
const REASON: usize = 256;

/// Characters of its end that are kept: what was expected, and where.
const END: usize = 128;

/// The beginning of a text.
pub(super) fn of_text(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(TEXT) {
        Some((at, _)) => format!("{}…", &text[..at]).into(),
        None => text.into(),
    }
}

/// What an error says: its whole, or its beginning and its end.
pub(super) fn of_error(error: &impl Display) -> String {
    let reason = error.to_string();
    let count = reason.chars().count();
    if count <= REASON {
        return reason;
    }
    let mut brief = of_text(&reason).into_owned();
    brief.extend(reason.chars().skip(count - END));
    brief
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_is_repeated_as_it_is() {
        assert_eq!(of_text(&"ä".repeat(TEXT)), "ä".repeat(TEXT));
        assert_eq!(of_error(&"ä".repeat(REASON)), "ä".repeat(REASON));
    }

    #[test]
    fn what_is_long_keeps_its_beginning_and_of_a_reason_also_its_end() {
        assert_eq!(
            of_text(&"ä".repeat(TEXT + 1)),
            format!("{}…", "ä".repeat(TEXT))
        );
        let reason = format!("begin {} end", "ä".repeat(REASON));
        let brief = of_error(&reason);
        assert!(brief.starts_with("begin ää") && brief.ends_with("ää end"));
        assert_eq!(brief.chars().count(), TEXT + 1 + END);
    }
}
