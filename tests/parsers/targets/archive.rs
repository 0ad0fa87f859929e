//! Files with conversations.

use std::io::Cursor;

use im_core::{Store as _, archive::import};
use im_store::MemoryStore;

/// Whether a file is taken or refused, a store that refused it has nothing of it.
pub(super) fn archive(bytes: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(async {
        let ports = MemoryStore::new().ports();
        let _ = import(&ports, &mut Cursor::new(bytes), &mut |_| {}).await;
    });
}
