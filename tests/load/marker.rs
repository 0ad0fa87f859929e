//! The number in a message by which a reader knows that nothing is missing, doubled or out of order, without parsing:
//! `#` and 10 digits at the end of the text, and so at a constant distance from the end of the frame.

/// Digits after the `#`.
const DIGITS: usize = 10;

/// A text of `length` bytes that ends with a marker.
pub(crate) fn text(number: u64, length: usize) -> String {
    let filler = "x".repeat(length.saturating_sub(DIGITS + 1));
    format!("{filler}#{number:010}")
}

/// Where the digits begin.
pub(crate) fn position(frame: &[u8]) -> Option<usize> {
    let hash = frame.iter().rposition(|byte| *byte == b'#')?;
    let digits = frame.get(hash + 1..hash + 1 + DIGITS)?;
    digits.iter().all(u8::is_ascii_digit).then_some(hash + 1)
}

/// The number at `position`.
pub(crate) fn read(frame: &[u8], position: usize) -> Option<u64> {
    let digits = frame.get(position..position + DIGITS)?;
    digits.iter().try_fold(0, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + u64::from(digit - b'0'))
    })
}

/// Writes a number at `position`.
pub(crate) fn set(frame: &mut [u8], position: usize, number: u64) {
    let digits = format!("{number:010}");
    frame[position..position + DIGITS].copy_from_slice(digits.as_bytes());
}
