//! Chance that can be had again: a seed, printed, and what follows from it.

/// Numbers that look random (SplitMix64).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// From this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// From `PALINODE_TESTS_SEED`, else from the clock. Printed, so that a failure can be had again.
    pub fn printed(test: &str) -> Self {
        let given = std::env::var("PALINODE_TESTS_SEED").ok().and_then(|text| text.parse().ok());
        let clock = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.subsec_nanos());
        let seed = given.unwrap_or_else(|| u64::from(clock));
        println!("{test}: PALINODE_TESTS_SEED={seed}");
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below a limit that is not zero.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit
    }

    /// Bytes that do not pack.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| self.number().to_le_bytes()).collect();
        bytes.truncate(length);
        bytes
    }
}
