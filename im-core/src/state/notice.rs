//! What a notice may say, and how a template becomes one.

use std::collections::BTreeMap;

use super::content::{check_text, too_large};
use crate::{Code, Limits, NoticeText, NoticeTexts, Rejection};

/// Languages of one notice.
const LANGUAGES: usize = 16;
/// Characters of a language's name, as BCP 47 has them at most.
const LANGUAGE_CHARS: usize = 35;
/// Characters of a value that is put into a template.
const VALUE_CHARS: usize = 500;

fn invalid(detail: String) -> Rejection {
    Rejection::new(Code::InvalidRequest, detail)
}

/// Refuses texts that are none, too long, or in no language.
pub(crate) fn check_notice(
    category: &str,
    texts: &NoticeTexts,
    limits: &Limits,
) -> Result<(), Rejection> {
    let is_name = |text: &str, most| {
        (1..=most).contains(&text.chars().count())
            && !text.chars().any(|c| c.is_control() || c == ' ')
    };
    if !is_name(category, 64) {
        let detail = "category must be 1 to 64 printable characters without spaces";
        return Err(invalid(detail.to_owned()));
    }
    if !(1..=LANGUAGES).contains(&texts.len()) {
        let detail = format!(
            "texts: name 1 to {LANGUAGES} languages, as in {{\"en\": {{\"text\": \"…\"}}}}"
        );
        return Err(invalid(detail));
    }
    let mut bytes = 0;
    for (language, NoticeText { title, text }) in texts {
        if !is_name(language, LANGUAGE_CHARS) {
            let detail = "texts: a language is a tag such as en or zh";
            return Err(invalid(detail.to_owned()));
        }
        check_text("title", title.as_ref(), limits.name_chars)?;
        check_text("text", Some(text), limits.text_field_chars)?;
        if text.trim().is_empty() {
            let detail = "text must hold at least one visible character";
            return Err(invalid(detail.to_owned()));
        }
        bytes += text.len() + title.as_ref().map_or(0, String::len);
    }
    if bytes > limits.notice_bytes {
        return Err(too_large("a notice", limits.notice_bytes, "bytes"));
    }
    Ok(())
}

/// Puts values into the places of a template.
///
/// # Errors
/// `invalid_request` when a place has no value, `too_large` when a value is too long.
pub(crate) fn filled(
    template: &NoticeTexts,
    values: &BTreeMap<String, String>,
) -> Result<NoticeTexts, Rejection> {
    for value in values.values() {
        check_text("value", Some(value), VALUE_CHARS)?;
    }
    let fill = |text: &str| fill(text, values);
    let texts = template.iter().map(|(language, text)| {
        let title = text.title.as_deref().map(fill).transpose()?;
        let text = fill(&text.text)?;
        Ok((language.clone(), NoticeText { title, text }))
    });
    texts.collect()
}

/// `{name}` becomes its value; a brace that opens no place stays.
fn fill(text: &str, values: &BTreeMap<String, String>) -> Result<String, Rejection> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        match place_in(after) {
            Some((name, after)) => {
                let value = values
                    .get(name)
                    .ok_or_else(|| invalid(format!("values: the template needs {name:?}")))?;
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The name of a place and what comes after it, where one begins.
fn place_in(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.split_once('}')?;
    let is_name = (1..=64).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    is_name.then_some((name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(title: Option<&str>, text: &str) -> NoticeTexts {
        let text = NoticeText {
            title: title.map(str::to_owned),
            text: text.to_owned(),
        };
        [("en".to_owned(), text)].into()
    }

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn places_are_filled_and_other_braces_stay() {
        let template = texts(Some("Hello {名字}"), "{n} of {total}: {} {a b} { {{n}} }");
        let given = values(&[
            ("名字", "小明"),
            ("n", "{total}"),
            ("total", "9"),
            ("unused", "x"),
        ]);

        let filled = filled(&template, &given).map_err(|it| it.code);

        let expected = texts(Some("Hello 小明"), "{total} of 9: {} {a b} { {{total}} }");
        assert_eq!(filled, Ok(expected), "a value is not looked into");
    }

    #[test]
    fn a_place_without_a_value_is_named() {
        let refused = filled(&texts(None, "{who}"), &values(&[])).map(drop);
        let detail = refused.unwrap_err().detail;
        assert!(detail.contains("\"who\""), "{detail}");
        let long = values(&[("who", &*"x".repeat(VALUE_CHARS + 1))]);
        let code = filled(&texts(None, "{who}"), &long).map_err(|it| it.code);
        assert_eq!(code, Err(Code::TooLarge));
    }

    #[test]
    fn a_notice_is_bounded() {
        let limits = Limits::default();
        let check = |category: &str, texts: &NoticeTexts| {
            check_notice(category, texts, &limits).map_err(|it| it.code)
        };
        assert_eq!(check("system", &texts(None, "hello")), Ok(()));
        for (category, texts, code) in [
            ("", texts(None, "hello"), Code::InvalidRequest),
            ("a b", texts(None, "hello"), Code::InvalidRequest),
            ("system", NoticeTexts::new(), Code::InvalidRequest),
            ("system", texts(None, " "), Code::InvalidRequest),
            ("system", texts(Some(&"x".repeat(101)), "x"), Code::TooLarge),
            ("system", texts(None, &"x".repeat(2_001)), Code::TooLarge),
        ] {
            assert_eq!(check(category, &texts), Err(code));
        }
        let many = (0..LANGUAGES).map(|n| (format!("l{n}"), texts(None, &"x".repeat(2_000))));
        let many = many.map(|(name, mut texts)| (name, texts.remove("en").unwrap()));
        assert_eq!(check("system", &many.collect()), Err(Code::TooLarge));
    }
}
