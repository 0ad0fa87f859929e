//! Statements that hold many rows, in a few fixed sizes, so that each database prepares each size once.

use super::connection::Value;

/// The most keys in one query: SQLite nests a chain of `OR`s, and refuses more than 1,000 levels.
const KEYS: usize = 64;

/// Calls for each power of two that `items` falls into, largest first: 300 = 256 + 32 + 8 + 4.
pub(super) fn powers<T>(items: &[T], most: usize) -> impl Iterator<Item = &[T]> {
    let mut rest = items;
    std::iter::from_fn(move || {
        let size = rest.len().min(most);
        if size == 0 {
            return None;
        }
        let size = 1 << size.ilog2();
        let (chunk, after) = rest.split_at(size);
        rest = after;
        Some(chunk)
    })
}

/// Keys as values for queries, with the count of keys in each. The last key is repeated up to the next power of two,
/// which finds nothing more.
pub(super) fn keys<'v, T: Copy, const N: usize>(
    items: &[T],
    values: impl Fn(T) -> [Value<'v>; N],
) -> Vec<(usize, Vec<Value<'v>>)> {
    let chunks = items.chunks(KEYS).map(|chunk| {
        let count = chunk.len().next_power_of_two();
        let padded = (0..count).map(|n| chunk[n.min(chunk.len() - 1)]);
        (count, padded.flat_map(&values).collect())
    });
    chunks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_powers_of_two_and_hold_everything_in_order() {
        let items: Vec<usize> = (0..1_300).collect();
        let sizes: Vec<_> = powers(&items, 512).map(<[usize]>::len).collect();
        assert_eq!(sizes, [512, 512, 256, 16, 4]);
        assert_eq!(
            powers(&items, 512).flatten().copied().collect::<Vec<_>>(),
            items
        );
        assert_eq!(powers::<usize>(&[], 512).count(), 0);
    }

    #[test]
    fn keys_are_padded_with_the_last_one() {
        let found = keys(&[1, 2, 3], |n| [Value::Int(n)]);
        assert_eq!(
            format!("{found:?}"),
            "[(4, [Int(1), Int(2), Int(3), Int(3)])]"
        );
        assert_eq!(keys(&[7_i64; 65], |n| [Value::Int(n)]).len(), 2);
    }
}
