//! Inputs made of others, the same on every machine.

use tests::random::Random;

/// What parsers stumble over: ends of ranges, openings without an end, characters that change when they are compared.
const PIECES: &[&[u8]] = &[
    b"\0",
    b"\x7f",
    b"\x80",
    b"\xff\xff\xff\xff",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"9223372036854775808",
    b"-1",
    b"1e999",
    b"{\"a\":",
    b"[[[[[[[[",
    b"\"\\u0000\"",
    b"\\ud800",
    b"null",
    b"..",
    b"%00",
    b"=",
    "\u{130}".as_bytes(),
    "\u{fdfa}".as_bytes(),
    "e\u{301}\u{301}\u{301}".as_bytes(),
    b"\x81\xfe\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xc7\xff",
];

pub(crate) struct Mutator {
    random: Random,
    seeds: Vec<Vec<u8>>,
    longest: usize,
}

impl Mutator {
    /// Another sequence for each name.
    pub(crate) fn new(name: &str, seeds: Vec<Vec<u8>>, longest: usize) -> Self {
        let seed = name.bytes().fold(7, |hash: u64, byte| {
            hash.wrapping_mul(31).wrapping_add(u64::from(byte))
        });
        Self {
            random: Random::new(seed),
            seeds,
            longest,
        }
    }

    /// Another input: one that is kept, changed a few times.
    pub(crate) fn input(&mut self) -> Vec<u8> {
        let seed = self.random.below(self.seeds.len());
        let mut input = self.seeds[seed].clone();
        for _ in 0..=self.random.below(4) {
            self.change(&mut input);
        }
        input.truncate(self.longest);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.random.below(input.len() + 1);
        match self.random.below(7) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << self.random.below(8);
                }
            }
            1 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = self.random.below(256) as u8;
                }
            }
            2 => input.truncate(at),
            3 => {
                let end = (at + 1 + self.random.below(16)).min(input.len());
                input.drain(at.min(end)..end);
            }
            4 => {
                let piece = PIECES[self.random.below(PIECES.len())];
                input.splice(at..at, piece.iter().copied());
            }
            5 => {
                // A part of it, many times.
                let end = (at + 1 + self.random.below(32)).min(input.len());
                let part = input[at.min(end)..end].to_vec();
                let times = 1 + self.random.below(64);
                input.splice(at..at, part.repeat(times));
            }
            _ => {
                let other = &self.seeds[self.random.below(self.seeds.len())];
                let from = self.random.below(other.len() + 1);
                let part = other[from..].to_vec();
                input.truncate(at);
                input.extend(part);
            }
        }
        input.truncate(self.longest);
    }
}
