//! The frames of a TCP link.

use im_transport::tcp::codec::{Decoder, last_code};

const LONGEST: u32 = 4 * 1024;

/// The first byte says in which pieces the others come. In whatever pieces they come, they are the same frames, and no more is
/// kept than came, nor than may be.
pub(super) fn tcp(bytes: &[u8]) {
    let Some((step, bytes)) = bytes.split_first() else {
        return;
    };
    let step = usize::from(*step).max(1);
    let whole = decode(bytes, bytes.len().max(1));
    let pieces = decode(bytes, step);
    assert_eq!(whole, pieces, "in pieces of {step}");
}

fn decode(bytes: &[u8], step: usize) -> Vec<Result<Vec<u8>, String>> {
    let mut decoder = Decoder::new(LONGEST);
    let mut found = Vec::new();
    for piece in bytes.chunks(step) {
        let mut frames = decoder.feed(piece);
        loop {
            match frames.next_frame() {
                Ok(Some(frame)) => {
                    assert!(frame.len() <= LONGEST as usize);
                    let is_last = last_code(frame).is_some();
                    assert!(!is_last || frame.len() >= 4);
                    found.push(Ok(frame.to_vec()));
                }
                Ok(None) => break,
                Err(error) => {
                    found.push(Err(error.to_string()));
                    break;
                }
            }
        }
        assert!(decoder.buffered() <= bytes.len().min(LONGEST as usize));
    }
    found
}
