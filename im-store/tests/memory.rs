//! Every suite against the store in memory.

use im_core::{Store, port::Ports};
use im_store::MemoryStore;

async fn open() -> Option<(Ports, ())> {
    Some((MemoryStore::new().ports(), ()))
}

im_core::every_store_suite!(open());
