//! Logs: to stderr, for people or for machines. What must not be in them is each writer's care.

use std::io::IsTerminal as _;

use tracing_subscriber::{EnvFilter, fmt, util::SubscriberInitExt as _};

use crate::config::{ConfigError, LogFormat};

/// What speaks up only when something is wrong, unless the filter names it: its steps are no news to who runs a server.
const QUIET: &str = "sea_orm_migration=warn";

/// Starts logging. A host that has its own subscriber keeps it.
///
/// # Errors
/// [`ConfigError`] for a filter that cannot be read.
pub(crate) fn init(filter: &str, format: LogFormat) -> Result<(), ConfigError> {
    let filter = EnvFilter::builder()
        .parse(format!("{QUIET},{filter}"))
        .map_err(|error| ConfigError {
            place: "log".to_owned(),
            reason: format!(
                "`{filter}`: {error}; use a level such as `info`, or `info,im_core=debug`"
            ),
        })?;
    let builder = fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let _taken = match format {
        LogFormat::Text => builder.finish().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
    };
    Ok(())
}
