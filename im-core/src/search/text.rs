//! The text of a content by which it is found, and the form in which texts are compared.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization as _, is_nfkc_quick};

use crate::Content;

/// Which texts are searched, and in what form. Raised whenever [`searchable_text`] or [`normalized`] answers otherwise than before: stores then forget what they derived from earlier answers.
pub const SEARCH_FORMAT: u8 = 1;

/// The text by which a content is found: all of [its texts](Content::texts), each in a line of its own; `None` when it has
/// none.
#[must_use]
pub fn searchable_text(content: &Content) -> Option<Cow<'_, str>> {
    match content.texts().as_slice() {
        [] => None,
        [text] => Some(Cow::Borrowed(*text)),
        texts => Some(Cow::Owned(texts.join("\n"))),
    }
}

/// The form in which texts are compared: compatibility forms composed (NFKC) and lower case, so that neither width nor
/// case matters. Both Greek small sigmas are the same.
#[must_use]
pub fn normalized(text: &str) -> Cow<'_, str> {
    let is_normal = |c: char| c.is_ascii() && !c.is_ascii_uppercase();
    if text.chars().all(is_normal) {
        return Cow::Borrowed(text);
    }
    let lower = |c: char| c.to_lowercase().map(|c| if c == 'ς' { 'σ' } else { c });
    let composed: String = text.nfkc().flat_map(lower).collect();
    // A small letter can compose with the mark after it where the capital one could not.
    match is_nfkc_quick(composed.chars()) {
        unicode_normalization::IsNormalized::Yes => Cow::Owned(composed),
        unicode_normalization::IsNormalized::No | unicode_normalization::IsNormalized::Maybe => {
            Cow::Owned(composed.nfkc().collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_case_and_composition_do_not_matter() {
        for (a, b) in [
            ("Hello", "hELLO"),
            ("ＡＢＣ１２３", "abc123"),
            ("ｶﾞｷﾞ", "ガギ"),
            ("한국어", "한국어"),
            ("e\u{301}", "É"),
            ("ΟΔΟΣ", "οδος"),
            ("①", "1"),
        ] {
            assert_eq!(normalized(a), normalized(b), "{a} and {b}");
        }
    }

    #[test]
    fn the_normal_form_is_its_own_normal_form() {
        for text in ["İstanbul", "ǅ", "ẞ", "J\u{30c}", "你好", "plain", "ﬁ", "Å"] {
            let once = normalized(text).into_owned();
            assert_eq!(normalized(&once), once, "{text}");
        }
    }
}
