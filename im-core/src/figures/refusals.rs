//! How often what was asked for was refused, by code.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Code;

/// Refusals by code.
#[derive(Debug)]
pub struct Refusals {
    by_code: Box<[AtomicU64]>,
}

impl Default for Refusals {
    fn default() -> Self {
        Self {
            by_code: Code::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl Refusals {
    /// Counts one.
    pub fn add(&self, code: Code) {
        let place = Code::ALL.iter().position(|other| *other == code);
        if let Some(count) = place.and_then(|place| self.by_code.get(place)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many there were of each code, also of those that there were none of.
    pub fn by_code(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let codes = Code::ALL.iter().map(|code| code.as_str());
        let counts = self.by_code.iter();
        codes.zip(counts.map(|count| count.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_counted_for_itself() {
        let refusals = Refusals::default();

        refusals.add(Code::Overloaded);
        refusals.add(Code::Overloaded);
        refusals.add(Code::NotFound);

        let some: Vec<_> = refusals.by_code().filter(|(_, count)| *count > 0).collect();
        assert_eq!(some, [("not_found", 1), ("overloaded", 2)]);
        assert_eq!(refusals.by_code().count(), Code::ALL.len());
    }
}
