//! Traces: the spans of some requests, sent to a collector by OTLP over HTTP.
//!
//! Spans of our own crates alone, and no lines of the log: a span says what was asked and how long it took, by method, route,
//! ids and counts, and never what anybody said. Traces begin here: what a client sends of its own would let it choose what
//! is traced.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, Response};
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tokio::{runtime::Handle, task, time::timeout};
use tracing::{Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

use crate::{
    config::{ConfigError, Traces},
    https::{self, HttpsClient},
};

/// Whose spans are sent.
const TRACED: [&str; 3] = ["im_core", "im_server", "im_store"];

/// How long a collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of an answer at most. There is little to say.
const MAX_ANSWER: usize = 64 * 1024;

/// Sends traces until it is ended.
pub(super) struct Tracing(SdkTracerProvider);

/// What listens to spans.
type Spans<S> = Box<dyn Layer<S> + Send + Sync>;

/// Begins to trace, where there is a collector. To be called on the runtime that is to send.
///
/// # Errors
/// [`ConfigError`] for an address that cannot be used.
pub(super) fn start<S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync>(
    config: &Traces,
) -> Result<Option<(Tracing, Spans<S>)>, ConfigError> {
    let Some(endpoint) = &config.endpoint else {
        return Ok(None);
    };
    let collector = Collector {
        client: https::client(),
        runtime: Handle::current(),
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(PATIENCE)
        .with_http_client(collector)
        .build()
        .map_err(|error| ConfigError::new("traces.endpoint", error.to_string()))?;
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder_empty()
        .with_service_name("im-server")
        .with_attribute(version)
        .build();
    // What belongs to a request that is traced is traced with it.
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.share())));
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler)
        .with_resource(resource)
        .build();
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("im-server"))
        .with_location(false)
        .with_threads(false)
        .with_filter(filter_fn(is_traced).with_max_level_hint(LevelFilter::DEBUG));
    Ok(Some((Tracing(provider), spans.boxed())))
}

impl Tracing {
    /// Sends what is left.
    pub(super) async fn end(self) {
        // It waits for a thread of its own, which waits for this runtime.
        let ended = task::spawn_blocking(move || self.0.shutdown()).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

fn is_traced(metadata: &Metadata<'_>) -> bool {
    let is_ours = |target: &str| {
        let target = target.split("::").next().unwrap_or_default();
        TRACED.contains(&target)
    };
    metadata.is_span() && is_ours(metadata.target())
}

/// The collector, asked on our runtime: whoever exports has none.
struct Collector {
    client: HttpsClient,
    runtime: Handle,
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Collector")
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sending = async move {
            let answer = client.request(request.map(Full::from)).await?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await?;
            Ok::<_, HttpError>(Response::from_parts(head, body.to_bytes()))
        };
        let in_time = async move { timeout(PATIENCE, sending).await };
        let sent = self.runtime.spawn(in_time).await?;
        let sent = sent.map_err(HttpError::from).flatten();
        match &sent {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => tracing::warn!(status = %answer.status(), "traces cannot be sent"),
            Err(error) => tracing::warn!(%error, "traces cannot be sent"),
        }
        sent
    }
}
