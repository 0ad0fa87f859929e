//! Figures for who watches the server: gathered from its parts, shown in the text form of Prometheus on a listener of their
//! own.
//!
//! What is counted is each part's own matter ([`im_core::figures`]); a part is added in `wire`.

mod exposition;
mod listener;
mod process;
mod requests;

use std::sync::Arc;

use im_core::figures::{Figure, Figures};

pub(crate) use self::{listener::serve, requests::Requests};
use crate::secret::Secret;

/// Everything that is shown, and to whom.
pub(crate) struct Watch {
    parts: Vec<Box<dyn Figures>>,
    requests: Arc<Requests>,
    token: Option<Secret>,
}

impl Watch {
    /// What these parts count, and the server itself.
    pub(crate) fn new(parts: Vec<Box<dyn Figures>>, token: Option<Secret>) -> Self {
        // Looked at for the first time, so that it is the start.
        let _ = process::started();
        Self {
            parts,
            requests: Arc::default(),
            token,
        }
    }

    /// The counts of requests, for what answers them.
    pub(crate) fn requests(&self) -> &Arc<Requests> {
        &self.requests
    }

    /// All figures as they are now.
    fn text(&self) -> String {
        let parts = self.parts.iter().flat_map(|part| part.figures());
        let own = self.requests.figures().into_iter();
        exposition::render(parts.chain(own).chain(process::figures()).chain([build()]))
    }
}

/// Which build runs: where a deployment is under way, some nodes show another.
fn build() -> Figure {
    let help = "Always 1; its label says which version of the server runs.";
    Figure::level("im_build_info", help, 1).labelled(("version", env!("CARGO_PKG_VERSION")))
}
