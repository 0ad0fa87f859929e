//! Buffers that connections borrow while they have something to do: one pair per thread, whatever the number of
//! connections.

use std::cell::Cell;

/// Bytes read at once. Large enough that a busy peer costs few system calls; it is there once per thread.
const READ: usize = 64 * 1024;

/// A buffer of replies that grew beyond this is not kept.
const KEEP: usize = 256 * 1024;

/// Two buffers to work with.
#[derive(Default)]
pub(crate) struct Scratch {
    /// For what is read: always of full length, with anything in it.
    pub(crate) read: Vec<u8>,
    /// For what is to be written: empty when borrowed.
    pub(crate) write: Vec<u8>,
}

thread_local! {
    static SCRATCH: Cell<Option<Scratch>> = const { Cell::new(None) };
}

/// Lends the buffers of this thread. A nested loan gets fresh ones.
pub(crate) fn with<T>(work: impl FnOnce(&mut Scratch) -> T) -> T {
    let mut scratch = SCRATCH.take().unwrap_or_else(|| Scratch {
        read: vec![0; READ],
        write: Vec::new(),
    });
    let result = work(&mut scratch);
    scratch.write.clear();
    scratch.write.shrink_to(KEEP);
    SCRATCH.set(Some(scratch));
    result
}
