//! What may be said: bounds of contents and texts.

use crate::{Code, Content, FileRef, Limits, Poll, Profile, Rejection};

/// How deep merged forwards may lie in each other.
const DEPTH: usize = 3;

pub(super) fn too_large(what: &str, limit: usize, unit: &str) -> Rejection {
    Rejection::new(
        Code::TooLarge,
        format!("{what} exceeds {limit} {unit}; send less"),
    )
}

fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>) -> Rejection {
    Rejection::new(Code::InvalidRequest, detail)
}

/// Refuses a content that is empty, too large, or of a kind that cannot be sent.
pub(crate) fn check_content(content: &Content, limits: &Limits) -> Result<(), Rejection> {
    // Most are plain text, whose size is seen at once.
    if let Content::Text { text } = content {
        return check_said("text", text, limits);
    }
    check_kind(content, limits, DEPTH)?;
    let bytes = serde_json::to_vec(content).map_or(usize::MAX, |bytes| bytes.len());
    if bytes > limits.content_bytes {
        return Err(too_large("content", limits.content_bytes, "bytes of JSON"));
    }
    Ok(())
}

fn check_kind(content: &Content, limits: &Limits, depth: usize) -> Result<(), Rejection> {
    let words = |what: &str, text: &Option<String>| {
        check_text(what, text.as_ref(), limits.text_field_chars)
    };
    match content {
        Content::Call(_) => Ok(()),
        Content::Card { name, .. } => check_text("content.name", name.as_ref(), limits.name_chars),
        Content::Custom { name, .. } => check_named("content.name", name, 64),
        Content::File { file, caption } => {
            check_file("content.file", file)?;
            words("content.caption", caption)
        }
        Content::Forwarded { title, items } => {
            if depth == 0 {
                return Err(invalid(format!(
                    "forwards lie in each other at most {DEPTH} deep"
                )));
            }
            if items.is_empty() {
                return Err(invalid("content.items must hold at least one message"));
            }
            if items.len() > limits.messages_per_request {
                let detail = format!("content.items: at most {}", limits.messages_per_request);
                return Err(Rejection::new(Code::TooMany, detail));
            }
            check_text("content.title", title.as_ref(), limits.name_chars)?;
            items
                .iter()
                .try_for_each(|item| check_kind(&item.content, limits, depth - 1))
        }
        Content::Gift(gift) => {
            check_named("content.id", &gift.id, 64)?;
            if gift.count == 0 {
                return Err(invalid("content.count must be at least 1"));
            }
            words("content.note", &gift.note)
        }
        Content::Image {
            file,
            thumbnail,
            caption,
            ..
        }
        | Content::Video {
            file,
            thumbnail,
            caption,
            ..
        } => {
            check_file("content.file", file)?;
            thumbnail
                .iter()
                .try_for_each(|file| check_file("content.thumbnail", file))?;
            words("content.caption", caption)
        }
        Content::Location(place) => {
            let on_earth = place.latitude.abs() <= 90.0 && place.longitude.abs() <= 180.0;
            if !on_earth {
                return Err(invalid(
                    "latitude goes from -90 to 90, longitude from -180 to 180",
                ));
            }
            words("content.title", &place.title)?;
            words("content.address", &place.address)
        }
        Content::Poll(poll) => check_poll(poll, limits),
        Content::RichText { markdown } => check_said("markdown", markdown, limits),
        Content::Sticker(sticker) => {
            check_named("content.id", &sticker.id, 64)?;
            sticker
                .pack
                .iter()
                .try_for_each(|pack| check_named("content.pack", pack, 64))?;
            sticker
                .picture
                .iter()
                .try_for_each(|key| check_key("content.picture", key))
        }
        Content::Text { text } => check_said("text", text, limits),
        Content::Voice {
            file,
            waveform,
            transcript,
            ..
        } => {
            check_file("content.file", file)?;
            if waveform.len() > 128 {
                return Err(Rejection::new(
                    Code::TooMany,
                    "content.waveform has at most 128 values",
                ));
            }
            check_text("content.transcript", transcript.as_ref(), limits.text_chars)
        }
        Content::Unknown => Err(Rejection::new(
            Code::UnsupportedContent,
            "this content kind is not known here; ask the server for its capabilities",
        )),
    }
}

pub(super) fn check_said(what: &str, text: &str, limits: &Limits) -> Result<(), Rejection> {
    if text.trim().is_empty() {
        return Err(invalid(format!(
            "{what} must hold at least one visible character"
        )));
    }
    if text.len() > limits.content_bytes {
        return Err(too_large(what, limits.content_bytes, "bytes"));
    }
    // A text within the bound in bytes is within that in characters; only longer ones are counted.
    if text.len() > limits.text_chars && text.chars().count() > limits.text_chars {
        return Err(too_large(what, limits.text_chars, "characters"));
    }
    Ok(())
}

fn check_file(what: &str, file: &FileRef) -> Result<(), Rejection> {
    check_key(&format!("{what}.key"), &file.key)?;
    check_text(&format!("{what}.name"), file.name.as_ref(), 255)?;
    check_text(&format!("{what}.media_type"), file.media_type.as_ref(), 127)?;
    let is_digest = |text: &String| {
        text.len() == 64
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    if file.sha256.as_ref().is_some_and(|text| !is_digest(text)) {
        return Err(invalid(format!(
            "{what}.sha256 must be 64 lower-case hexadecimal digits"
        )));
    }
    Ok(())
}

fn check_key(what: &str, key: &str) -> Result<(), Rejection> {
    if key.is_empty() || key.len() > 2_048 || key.chars().any(|c| c.is_control() || c == ' ') {
        return Err(invalid(format!(
            "{what} must be 1 to 2,048 bytes without spaces"
        )));
    }
    Ok(())
}

fn check_named(what: &str, text: &str, most: usize) -> Result<(), Rejection> {
    if !(1..=most).contains(&text.chars().count()) || text.chars().any(char::is_control) {
        return Err(invalid(format!(
            "{what} must be 1 to {most} printable characters"
        )));
    }
    Ok(())
}

fn check_poll(poll: &Poll, limits: &Limits) -> Result<(), Rejection> {
    let most = limits.poll_options.max(2);
    if poll.options.len() < 2 || poll.options.len() > most {
        return Err(invalid(format!("a poll has 2 to {most} options")));
    }
    check_named("content.question", &poll.question, limits.text_field_chars)?;
    for (place, option) in poll.options.iter().enumerate() {
        check_named("content.options", option, limits.name_chars)?;
        if poll.options[..place].contains(option) {
            return Err(invalid("the options of a poll differ from each other"));
        }
    }
    Ok(())
}

/// Refuses what cannot be a reaction.
pub(crate) fn check_emoji(emoji: &str) -> Result<(), Rejection> {
    let is_short = (1..=32).contains(&emoji.len());
    if !is_short || emoji.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(invalid("emoji must be 1 to 32 bytes without spaces"));
    }
    Ok(())
}

/// Refuses a text field of a profile or a group that is too long or holds control characters other than line ends.
pub(crate) fn check_text(what: &str, text: Option<&String>, limit: usize) -> Result<(), Rejection> {
    let Some(text) = text else { return Ok(()) };
    if text.len() > limit && text.chars().count() > limit {
        return Err(too_large(what, limit, "characters"));
    }
    if text
        .chars()
        .any(|c| c.is_control() && c != '\n' && c != '\t')
    {
        return Err(invalid(format!("{what} must not hold control characters")));
    }
    Ok(())
}

/// Refuses a profile with fields beyond their bounds.
pub(crate) fn check_profile(profile: &Profile, limits: &Limits) -> Result<(), Rejection> {
    check_text("nickname", profile.nickname.as_ref(), limits.name_chars)?;
    check_text("avatar", profile.avatar.as_ref(), limits.text_field_chars)?;
    check_text("bio", profile.bio.as_ref(), limits.text_field_chars)?;
    check_text("voice_tag", profile.voice_tag.as_ref(), limits.name_chars)?;
    check_interests(&profile.interests, limits)?;
    let tier = profile.tier.as_ref().map(|tier| &tier.name);
    check_text("tier.name", tier, limits.name_chars)?;
    let bytes = profile
        .extra
        .as_ref()
        .map_or(0, |extra| extra.to_string().len());
    if bytes > limits.content_bytes {
        return Err(too_large("extra", limits.content_bytes, "bytes of JSON"));
    }
    Ok(())
}

fn check_interests(interests: &[String], limits: &Limits) -> Result<(), Rejection> {
    if interests.len() > limits.interests {
        return Err(Rejection::new(
            Code::TooMany,
            format!("a profile has at most {} interests", limits.interests),
        ));
    }
    for interest in interests {
        if interest.trim().is_empty() {
            return Err(Rejection::new(
                Code::InvalidRequest,
                "an interest must hold at least one visible character",
            ));
        }
        check_text("interests", Some(interest), limits.name_chars)?;
    }
    Ok(())
}
