//! A text as it is compared: without case, width, and what stands between letters; with the way back to the original.

use std::{collections::BTreeSet, ops::Range};

use unicode_normalization::{UnicodeNormalization as _, char::canonical_combining_class};

use crate::id::is_unseen;

/// A text in compatibility decomposition (NFKD) and lower case. Two texts that NFKC makes equal are equal here.
#[derive(Debug, Default)]
pub(super) struct Normal {
    pub(super) text: String,
    /// For each byte of `text`, from which letter it is.
    letters: Vec<usize>,
    /// Where the letters are in the original. A letter is a character with the marks that are set on it.
    places: Vec<Range<usize>>,
}

impl Normal {
    /// Takes in a text; nobody sees, or `skipped`, is not taken in.
    pub(super) fn new(text: &str, skipped: &BTreeSet<char>) -> Self {
        let mut normal = Self::default();
        for (at, c) in text.char_indices() {
            let place = at..at + c.len_utf8();
            let before = normal.text.len();
            if c.is_ascii() {
                normal.push(c.to_ascii_lowercase(), skipped);
            } else if !is_unseen(c) {
                for c in std::iter::once(c).nfkd().flat_map(char::to_lowercase) {
                    normal.push(c, skipped);
                }
            }
            let added = normal.text.len() - before;
            if added > 0 {
                normal.settle(place, c, added);
            }
        }
        normal
    }

    fn push(&mut self, c: char, skipped: &BTreeSet<char>) {
        if !skipped.contains(&c) {
            self.text.push(c);
        }
    }

    /// Notes from where the last bytes are.
    fn settle(&mut self, place: Range<usize>, c: char, added: usize) {
        match self.places.last_mut() {
            Some(last) if last.end == place.start && canonical_combining_class(c) != 0 => {
                last.end = place.end;
            }
            _ => self.places.push(place),
        }
        let letter = self.places.len() - 1;
        self.letters.resize(self.letters.len() + added, letter);
    }

    /// Which letters a range of `text` is; `None` when it begins or ends inside of one.
    pub(super) fn letters(&self, found: Range<usize>) -> Option<Range<usize>> {
        let (first, last) = (
            *self.letters.get(found.start)?,
            *self.letters.get(found.end - 1)?,
        );
        let begins = found.start == 0 || self.letters[found.start - 1] != first;
        let ends = self.letters.get(found.end) != Some(&last);
        (begins && ends).then_some(first..last + 1)
    }

    /// Whether no letter or digit of the original is beside these letters.
    pub(super) fn is_alone(&self, letters: &Range<usize>, text: &str) -> bool {
        let is_word = |place: &Range<usize>| text[place.clone()].starts_with(char::is_alphanumeric);
        let (first, last) = (&self.places[letters.start], &self.places[letters.end - 1]);
        let before = letters
            .start
            .checked_sub(1)
            .map(|letter| &self.places[letter]);
        let after = self.places.get(letters.end);
        !before.is_some_and(|before| before.end == first.start && is_word(before))
            && !after.is_some_and(|after| last.end == after.start && is_word(after))
    }

    /// How many letters there are.
    pub(super) const fn len(&self) -> usize {
        self.places.len()
    }

    /// Where a letter is in the original.
    pub(super) fn place(&self, letter: usize) -> Range<usize> {
        self.places[letter].clone()
    }
}
