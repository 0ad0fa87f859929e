//! Files of the operator: settings. They are trusted, but a slip of the pen must be told, not suffered.

use im_server::Settings;

/// What is wrong is told in a sentence that holds no value.
pub(super) fn config(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Err(error) = Settings::parse("im.toml", &text) {
        assert!(!error.to_string().is_empty());
    }
}
