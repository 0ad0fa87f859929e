//! What may be said: bounds of contents and texts.

use crate::{Code, Content, Limits, Profile, Rejection};

pub(super) fn too_large(what: &str, limit: usize, unit: &str) -> Rejection {
    Rejection::new(
        Code::TooLarge,
        format!("{what} exceeds {limit} {unit}; send less"),
    )
}

/// Refuses a content that is empty, too large, or of a kind that cannot be sent.
pub(crate) fn check_content(content: &Content, limits: &Limits) -> Result<(), Rejection> {
    match content {
        Content::Text { text } => {
            if text.trim().is_empty() {
                return Err(Rejection::new(
                    Code::InvalidRequest,
                    "text must hold at least one visible character",
                ));
            }
            if text.len() > limits.content_bytes {
                return Err(too_large("text", limits.content_bytes, "bytes"));
            }
            // A text within the bound in bytes is within that in characters; only longer ones are counted.
            if text.len() > limits.text_chars && text.chars().count() > limits.text_chars {
                return Err(too_large("text", limits.text_chars, "characters"));
            }
            Ok(())
        }
        Content::Custom { name, data } => {
            let named = 1..=64;
            if !named.contains(&name.chars().count()) || name.chars().any(char::is_control) {
                let detail = "content.name must be 1 to 64 printable characters";
                return Err(Rejection::new(Code::InvalidRequest, detail));
            }
            let bytes = serde_json::to_vec(data).map_or(usize::MAX, |bytes| bytes.len());
            if bytes > limits.content_bytes {
                return Err(too_large(
                    "content.data",
                    limits.content_bytes,
                    "bytes of JSON",
                ));
            }
            Ok(())
        }
        Content::Unknown => Err(Rejection::new(
            Code::UnsupportedContent,
            "this content kind is not known here; ask the server for its capabilities",
        )),
    }
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
        return Err(Rejection::new(
            Code::InvalidRequest,
            format!("{what} must not hold control characters"),
        ));
    }
    Ok(())
}

/// Refuses a profile with fields beyond their bounds.
pub(crate) fn check_profile(profile: &Profile, limits: &Limits) -> Result<(), Rejection> {
    check_text("nickname", profile.nickname.as_ref(), limits.name_chars)?;
    check_text("avatar", profile.avatar.as_ref(), limits.text_field_chars)?;
    check_text("bio", profile.bio.as_ref(), limits.text_field_chars)?;
    let bytes = profile
        .extra
        .as_ref()
        .map_or(0, |extra| extra.to_string().len());
    if bytes > limits.content_bytes {
        return Err(too_large("extra", limits.content_bytes, "bytes of JSON"));
    }
    Ok(())
}
