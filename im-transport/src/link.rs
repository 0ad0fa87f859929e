//! What a session needs of a link: frames, not bytes.
//!
//! How frames become bytes is each transport's own matter; what frames mean is in [`crate::drive`].

use std::sync::Arc;

use im_core::{port::Outlet, wire::Format};

/// The sending half of a link, as the session on it sees it.
pub(crate) trait Link {
    /// How frames are written on this link.
    fn format(&self) -> Format;

    /// Where the engine's pushes go.
    fn outlet(&self) -> Arc<dyn Outlet>;

    /// Takes one frame, which `write` appends. Frames leave in the order of the calls; a link that broke forgets them.
    fn send(&mut self, write: impl FnOnce(Format, &mut Vec<u8>));
}
