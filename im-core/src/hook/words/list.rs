//! Words, what to do about each, and how they are found.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;

use super::normal::Normal;

/// Words in one list. More make the automaton slow to build and large.
const MAX_WORDS: usize = 100_000;
/// Characters of one word. It also bounds how many words can end at one place of a text.
const MAX_WORD_CHARS: usize = 64;
/// Bytes of all words together, as they are compared: about 50 times as much is in memory while they are made ready.
const MAX_BYTES: usize = 1024 * 1024;

/// What to do about a text that holds a word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// Tell the [`FlagSink`](super::FlagSink), and let it pass.
    Flag,
    /// Refuse the whole command as `content_rejected`.
    Reject,
    /// Put `*` in the place of each letter of the word.
    Replace,
}

/// A list that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct InvalidWords {
    /// Which line of the list, or which of the words; from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub reason: &'static str,
}

/// Words, ready to be found: in time that grows with the text, not with the list.
#[derive(Debug)]
pub struct Words {
    automaton: AhoCorasick,
    words: Vec<Word>,
    skipped: BTreeSet<char>,
}

#[derive(Debug)]
struct Word {
    text: Box<str>,
    action: Action,
    /// Only where it is not a part of another word.
    whole: bool,
}

/// What was found in a text.
#[derive(Debug, Default)]
pub(super) struct Findings<'a> {
    /// To be told of.
    pub(super) flagged: BTreeSet<&'a str>,
    /// Whether it must not pass.
    pub(super) rejected: bool,
    /// The text with words replaced, when there are any to replace.
    pub(super) replaced: Option<String>,
}

impl Words {
    /// A list of these words. Of `skipped` no character counts, in words and texts: with `-` in it, `d-a-m-n` is `damn`.
    /// Characters that nobody sees never count. A word in double quotes is found only where no letter or digit is beside
    /// it: `"ass"` is not in `class`, `ass` is.
    ///
    /// # Errors
    /// [`InvalidWords`] for a word without a character that counts, of more than 64, and for more than 100,000 words or
    /// 1 MiB of them.
    pub fn new<W: Into<Box<str>>>(
        words: impl IntoIterator<Item = (W, Action)>,
        skipped: &str,
    ) -> Result<Self, InvalidWords> {
        let words = words.into_iter().enumerate();
        let words = words.map(|(place, (word, action))| (place + 1, word.into(), action));
        Self::build(words.collect(), skipped)
    }

    /// Reads a list: an action and a word on each line, such as `reject some words`; actions are `flag`, `reject` and
    /// `replace`. A line `skip *-_` names characters that do not count; the space is one where it stands between two
    /// others. Empty lines and those that begin with `#` say nothing.
    ///
    /// # Errors
    /// [`InvalidWords`] with the line that cannot be used.
    pub fn parse(text: &str) -> Result<Self, InvalidWords> {
        let (mut words, mut skipped) = (Vec::new(), String::new());
        for (place, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let (line, number) = (line.trim(), place + 1);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (verb, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let action = match verb {
                "flag" => Action::Flag,
                "reject" => Action::Reject,
                "replace" => Action::Replace,
                "skip" => {
                    skipped.push_str(rest);
                    continue;
                }
                _ => {
                    let reason = "begin with `flag`, `reject`, `replace`, `skip` or `#`";
                    return Err(InvalidWords {
                        line: number,
                        reason,
                    });
                }
            };
            words.push((number, rest.trim().into(), action));
        }
        Self::build(words, &skipped)
    }

    fn build(words: Vec<(usize, Box<str>, Action)>, skipped: &str) -> Result<Self, InvalidWords> {
        let skipped: BTreeSet<char> = Normal::new(skipped, &BTreeSet::new())
            .text
            .chars()
            .collect();
        let mut patterns = Vec::with_capacity(words.len());
        let mut bytes = 0;
        for (place, (line, word, _)) in words.iter().enumerate() {
            let refused = |reason| {
                Err(InvalidWords {
                    line: *line,
                    reason,
                })
            };
            let (word, _) = unquoted(word);
            let normal = Normal::new(word, &skipped);
            bytes += normal.text.len();
            if normal.text.is_empty() {
                return refused("a word needs a character that counts");
            }
            if normal.len() > MAX_WORD_CHARS || word.chars().count() > 2 * MAX_WORD_CHARS {
                return refused("a word has at most 64 characters");
            }
            if place >= MAX_WORDS || bytes > MAX_BYTES {
                return refused("there are at most 100,000 words, of 1 MiB together");
            }
            patterns.push(normal.text);
        }
        let last = words.last().map_or(1, |(line, ..)| *line);
        let automaton = AhoCorasick::new(&patterns).map_err(|_| InvalidWords {
            line: last,
            reason: "the list is too large; use fewer words",
        })?;
        let words = words.into_iter().map(|(_, text, action)| {
            let (word, whole) = unquoted(&text);
            let text = word.into();
            Word {
                text,
                action,
                whole,
            }
        });
        Ok(Self {
            automaton,
            words: words.collect(),
            skipped,
        })
    }

    /// How many words there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Looks for all words in a text, also those that overlap.
    pub(super) fn find(&self, text: &str) -> Findings<'_> {
        let mut findings = Findings::default();
        let normal = Normal::new(text, &self.skipped);
        // By how many words each letter is covered, as differences to the letter before.
        let mut covers = Vec::new();
        for found in self.automaton.find_overlapping_iter(&normal.text) {
            let Some(letters) = normal.letters(found.range()) else {
                continue;
            };
            let word = &self.words[found.pattern().as_usize()];
            if word.whole && !normal.is_alone(&letters, text) {
                continue;
            }
            match word.action {
                Action::Flag => drop(findings.flagged.insert(&*word.text)),
                Action::Reject => {
                    findings.rejected = true;
                    return findings;
                }
                Action::Replace => {
                    covers.resize(normal.len() + 1, 0_i64);
                    covers[letters.start] += 1;
                    covers[letters.end] -= 1;
                }
            }
        }
        if !covers.is_empty() {
            findings.replaced = Some(replaced(text, &normal, &covers));
        }
        findings
    }
}

impl Default for Words {
    /// No words.
    fn default() -> Self {
        Self::build(Vec::new(), "").expect("no word is wrong")
    }
}

/// A word without its quotes, and whether it had some.
fn unquoted(word: &str) -> (&str, bool) {
    let inner = word
        .strip_prefix('"')
        .and_then(|word| word.strip_suffix('"'));
    inner.map_or((word, false), |inner| (inner, true))
}

/// The text with `*` for each letter that is covered.
fn replaced(text: &str, normal: &Normal, covers: &[i64]) -> String {
    let mut result = String::with_capacity(text.len());
    let (mut kept, mut covered) = (0, 0);
    for (letter, change) in covers.iter().enumerate().take(normal.len()) {
        covered += change;
        if covered > 0 {
            let place = normal.place(letter);
            result.push_str(&text[kept..place.start]);
            result.push('*');
            kept = place.end;
        }
    }
    result.push_str(&text[kept..]);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &str) -> Words {
        Words::parse(list).unwrap()
    }

    fn replaced_by(list: &str, text: &str) -> String {
        let words = words(list);
        words.find(text).replaced.unwrap_or_else(|| text.into())
    }

    #[test]
    fn case_and_width_do_not_matter_and_only_the_letters_found_are_replaced() {
        let list = "replace Damn\nreplace 敏感词\nreplace ﾊﾞｶ\nreplace café";
        for (text, expected) in [
            ("DAMN it", "**** it"),
            ("Oh ｄａｍｎ！", "Oh ****！"),
            ("这是敏感词吗？", "这是***吗？"),
            ("バカだ", "**だ"),
            ("CAFE\u{301}s and CAFÉS", "****s and ****S"),
            ("nothing here: 敏感", "nothing here: 敏感"),
            ("", ""),
        ] {
            assert_eq!(replaced_by(list, text), expected);
        }
    }

    #[test]
    fn characters_that_nobody_sees_or_that_are_skipped_do_not_help() {
        let list = "skip *-.  _\nreplace damn\nreplace 敏感";
        for (text, expected) in [
            ("d-a.m_n!", "*-*.*_*!"),
            ("da\u{200b}mn", "**\u{200b}**"),
            ("敏－感", "*－*"),
            ("敏 感 的", "* * 的"),
            ("d+a+m+n", "d+a+m+n"),
        ] {
            assert_eq!(replaced_by(list, text), expected);
        }
    }

    #[test]
    fn words_that_overlap_are_all_found() {
        let words = words("replace abc\nreplace cde\nflag bcd\nflag b");

        let findings = words.find("xABCDEx");

        assert_eq!(findings.replaced.as_deref(), Some("x*****x"));
        assert_eq!(
            findings.flagged.into_iter().collect::<Vec<_>>(),
            ["b", "bcd"]
        );
    }

    #[test]
    fn a_part_of_a_letter_is_no_word() {
        for (list, text) in [
            ("replace e", "é e\u{301}"),
            ("replace 가", "각"),
            ("replace f", "ﬁ"),
        ] {
            assert_eq!(replaced_by(list, text), text);
        }
        assert_eq!(replaced_by("replace fish", "ﬁsh"), "***");
    }

    #[test]
    fn a_word_in_quotes_is_found_only_where_it_stands_alone() {
        let list = "skip -\nreplace \"ass\"";
        for (text, expected) in [
            ("ass", "***"),
            ("an ASS, class, assets, 4ass", "an ***, class, assets, 4ass"),
            ("a-s-s of-ass-es", "*-*-* of-***-es"),
        ] {
            assert_eq!(replaced_by(list, text), expected);
        }
    }

    #[test]
    fn one_word_to_reject_is_enough() {
        let words = words("replace a\nreject 违禁\nflag b");

        assert!(words.find("a b 違禁 违禁").rejected);
        assert!(!words.find("a b 違禁").rejected);
        assert!(!Words::default().find("违禁").rejected);
    }

    #[test]
    fn a_list_that_cannot_be_used_is_refused_with_its_line() {
        let long = format!("flag {}", "長".repeat(65));
        for (list, line, part) in [
            ("# ok\n\nremove x", 3, "begin with"),
            ("flag", 1, "needs a character"),
            ("skip -\nflag --", 2, "needs a character"),
            (&*long, 1, "at most 64"),
        ] {
            let error = Words::parse(list).unwrap_err();
            assert_eq!(error.line, line, "{list}");
            assert!(error.reason.contains(part), "{error}");
        }
        let many = (0..=MAX_WORDS).map(|n| (n.to_string(), Action::Flag));
        assert_eq!(Words::new(many, "").unwrap_err().line, MAX_WORDS + 1);
    }

    #[test]
    fn a_text_of_nothing_but_words_takes_no_longer_than_it_is() {
        let nested = (1..=64).map(|n| ("a".repeat(n), Action::Replace));
        let words = Words::new(nested, "").unwrap();

        let replaced = words.find(&"a".repeat(10_000)).replaced.unwrap();

        assert_eq!(replaced, "*".repeat(10_000));
    }
}
