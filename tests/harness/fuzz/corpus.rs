//! The corpus that is kept with the tests, and mutations of it that are the same each time.

use super::Target;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the inputs of a target are kept.
pub fn folder(target: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus")).join(target)
}

/// The inputs of a target, with their names.
pub fn read(target: &str) -> Vec<(String, Vec<u8>)> {
    let items = fs::read_dir(folder(target)).expect("a target has a corpus");
    let mut all: Vec<(String, Vec<u8>)> = items
        .map(|item| {
            let item = item.expect("the corpus can be read");
            let bytes = fs::read(item.path()).expect("the corpus can be read");
            (item.file_name().to_string_lossy().into_owned(), bytes)
        })
        .collect();
    all.sort();
    all
}

/// Chance that is the same each time (xorshift64*).
pub struct Chance(u64);

impl Chance {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or(0)
    }
}

/// Changes an input a few times: bits, bytes, numbers at their limits, cuts, copies, and parts of another input.
pub fn mutate(chance: &mut Chance, bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=chance.below(3) {
        let at = chance.below(bytes.len() + 1);
        let length = chance.below(12);
        match chance.below(8) {
            0 | 1 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            2 if at < bytes.len() => bytes[at] = [0, 1, 0x7f, 0x80, 0xc0, 0xff][chance.below(6)],
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..(at + length).min(bytes.len()))),
            5 => {
                let from = chance.below(other.len() + 1);
                let piece = &other[from..(from + 4 * length).min(other.len())];
                drop(bytes.splice(at..at, piece.iter().copied()));
            }
            6 => {
                let from = chance.below(bytes.len() + 1);
                let piece = bytes[from..(from + length).min(bytes.len())].to_vec();
                drop(bytes.splice(at..at, piece));
            }
            _ => {
                let end = (at + [1, 2, 4, 8][chance.below(4)]).min(bytes.len());
                bytes[at..end].fill([0, 0xff][chance.below(2)]);
            }
        }
    }
    bytes
}

/// An input that a target does not stand, shown so that it can be kept.
pub struct Fallen {
    /// What it came from.
    pub from: String,
    /// The input.
    pub bytes: Vec<u8>,
}

/// Runs a target over inputs and mutations of them, as many as it wants; how many ran, and the first that failed.
pub fn run(target: &Target, inputs: &[(String, Vec<u8>)]) -> Result<usize, Fallen> {
    let fails = |bytes: &[u8]| {
        let bytes = std::panic::AssertUnwindSafe(bytes);
        std::panic::catch_unwind(|| (target.check)(*bytes)).is_err()
    };
    if let Some((name, bytes)) = inputs.iter().find(|(_, bytes)| fails(bytes)) {
        return Err(Fallen { from: name.clone(), bytes: bytes.clone() });
    }
    let mut chance = Chance::new(20_261_124);
    for _ in 0..target.mutations {
        let (name, bytes) = &inputs[chance.below(inputs.len())];
        let other = &inputs[chance.below(inputs.len())].1;
        let bytes = mutate(&mut chance, bytes, other);
        if fails(&bytes) {
            return Err(Fallen { from: format!("a mutation of {name}"), bytes });
        }
    }
    Ok(inputs.len() + target.mutations)
}
