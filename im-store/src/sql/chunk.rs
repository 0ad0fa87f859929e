//! Statements that hold many rows, in a few fixed sizes, so that each database prepares each size once.

use super::connection::Value;

/// The most keys in one query: SQLite nests a chain of `OR`s, and refuses more than 1,000 levels.
const KEYS: usize = 64;

/// Cuts `items` into statements of sizes that `size` allows, largest first. It says the largest of at most a count.
pub(super) fn pieces<T>(
    items: &[T],
    most: usize,
    size: fn(usize) -> usize,
) -> impl Iterator<Item = &[T]> {
    let mut rest = items;
    std::iter::from_fn(move || {
        let count = rest.len().min(most);
        if count == 0 {
            return None;
        }
        let (piece, after) = rest.split_at(size(count));
        rest = after;
        Some(piece)
    })
}

/// Powers of two: 300 = 256 + 32 + 8 + 4. For statements that are seldom needed.
pub(super) const fn power(count: usize) -> usize {
    1 << count.ilog2()
}

/// All sizes up to 8, then four for each doubling: 300 = 256 + 40 + 4. For the statement that is needed all the time:
/// after the first piece less than a fifth is left.
pub(super) const fn fine(count: usize) -> usize {
    if count < 8 {
        return count;
    }
    let step = 1 << (count.ilog2() - 2);
    count - count % step
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

    fn sizes(count: usize, size: fn(usize) -> usize) -> Vec<usize> {
        let items: Vec<usize> = (0..count).collect();
        let pieces: Vec<_> = pieces(&items, 512, size).collect();
        assert_eq!(pieces.concat(), items);
        pieces.into_iter().map(<[usize]>::len).collect()
    }

    #[test]
    fn pieces_have_allowed_sizes_and_hold_everything_in_order() {
        assert_eq!(sizes(1_300, power), [512, 512, 256, 16, 4]);
        assert_eq!(sizes(1_300, fine), [512, 512, 256, 20]);
        assert_eq!(sizes(300, fine), [256, 40, 4]);
        assert_eq!(sizes(0, fine), [0; 0]);
        assert!((1..=8).all(|count| sizes(count, fine) == [count]));
        assert!((1..=512).all(|count| sizes(count, fine).len() <= 4));
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
