//! Logs, to stderr for people or for machines and to files for machines; and traces. What must not be in them is each
//! writer's care.

mod rotating;
#[cfg(feature = "otlp")]
mod traces;

use std::{io::IsTerminal as _, sync::Mutex};

use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer, fmt, layer::SubscriberExt as _, registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use self::rotating::Rotating;
use crate::{
    Config,
    config::{ConfigError, LogFile, LogFormat},
};

/// What speaks up only when something is wrong, unless the filter names it: its steps are no news to who runs a server.
const QUIET: &str = "sea_orm_migration=warn";

/// What goes on while the program runs, and has to be ended with it.
#[must_use = "the last traces are sent when it is ended"]
pub(crate) struct Telemetry {
    #[cfg(feature = "otlp")]
    traces: Option<traces::Tracing>,
}

impl Telemetry {
    /// Sends what is left to send, in some seconds at most.
    pub(crate) async fn end(self) {
        #[cfg(feature = "otlp")]
        if let Some(traces) = self.traces {
            traces.end().await;
        }
    }
}

/// Starts logging for a command that does one thing. A host that has its own subscriber keeps it.
///
/// # Errors
/// [`ConfigError`] for a filter that cannot be read.
pub(crate) fn init(filter: &str, format: LogFormat) -> Result<(), ConfigError> {
    let log = stderr(format).with_filter(parse(filter)?);
    let _taken = tracing_subscriber::registry().with(log).try_init();
    Ok(())
}

/// Starts logging and tracing for a server, as it is configured.
///
/// # Errors
/// [`ConfigError`] for a filter that cannot be read, a file that cannot be written, traces that this build has not.
pub(crate) fn start(config: &Config) -> Result<Telemetry, ConfigError> {
    let log = stderr(config.log_format).with_filter(parse(&config.log)?);
    let file = match file(&config.log_file)? {
        Some(file) => Some(file.with_filter(parse(&config.log)?)),
        None => None,
    };
    #[cfg(feature = "otlp")]
    let (traces, spans) = traces::start(&config.traces)?.unzip();
    #[cfg(not(feature = "otlp"))]
    let spans: Option<tracing_subscriber::layer::Identity> = untraced(&config.traces)?;
    let _taken = tracing_subscriber::registry()
        .with(log)
        .with(file)
        .with(spans)
        .try_init();
    Ok(Telemetry {
        #[cfg(feature = "otlp")]
        traces,
    })
}

fn stderr<S: Subscriber + for<'s> LookupSpan<'s>>(
    format: LogFormat,
) -> Box<dyn Layer<S> + Send + Sync> {
    let layer = fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    }
}

fn file<S: Subscriber + for<'s> LookupSpan<'s>>(
    config: &LogFile,
) -> Result<Option<Box<dyn Layer<S> + Send + Sync>>, ConfigError> {
    let Some(path) = &config.path else {
        return Ok(None);
    };
    let file = Rotating::open(path.clone(), config.max_bytes(), config.kept());
    let file = file.map_err(|error| {
        let reason = format!("{}: {error}", path.display());
        ConfigError::new("log_file.path", reason)
    })?;
    let layer = fmt::layer()
        .json()
        .flatten_event(true)
        .with_writer(Mutex::new(file));
    Ok(Some(layer.boxed()))
}

fn parse(filter: &str) -> Result<EnvFilter, ConfigError> {
    EnvFilter::builder()
        .parse(format!("{QUIET},{filter}"))
        .map_err(|error| ConfigError {
            place: "log".to_owned(),
            reason: format!(
                "`{filter}`: {error}; use a level such as `info`, or `info,im_core=debug`"
            ),
        })
}

#[cfg(not(feature = "otlp"))]
fn untraced<T>(config: &crate::config::Traces) -> Result<Option<T>, ConfigError> {
    if config.endpoint.is_none() {
        return Ok(None);
    }
    let reason = "this build sends no traces; build it with the feature `otlp`";
    Err(ConfigError::new("traces.endpoint", reason))
}
