//! What a gate asks of storage.

/// Which volumes count, and who has to say so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// Only these volumes; all if it is empty.
    pub(crate) volumes: &'a [String],
    /// But not these.
    pub(crate) except: &'a [String],
    /// Members that may be away, by the names that people know them by; none of them is asked.
    pub(crate) away: &'a [&'a str],
    /// How many members have to say the same.
    pub(crate) vantage_points: u32,
    /// When a copy counts as one that was emptied.
    pub(crate) emptied: Emptied,
}

impl Asked<'_> {
    /// Whether a volume counts.
    pub(super) fn counts(&self, volume: &str) -> bool {
        let named = |names: &[String]| names.iter().any(|name| name == volume);
        (self.volumes.is_empty() || named(self.volumes)) && !named(self.except)
    }
}

/// A copy counts as emptied if it uses less than so many percent of the median of its set, and at least so many GiB less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Emptied {
    /// Of the median; 0 compares nothing.
    pub(crate) percent: u32,
    /// The difference.
    pub(crate) gib: u32,
}

impl Emptied {
    pub(super) fn is(self, used: u64, median: u64) -> bool {
        let less = u128::from(used) * 100 < u128::from(median) * u128::from(self.percent);
        less && median.saturating_sub(used) >= u64::from(self.gib) << 30
    }

    pub(super) fn words(self) -> String {
        match self.percent {
            0 => "not compared".to_owned(),
            percent => format!("{percent} % of the median of its copies, and {} GiB less", self.gib),
        }
    }
}
