//! How long a write takes, with a sync and without, and whether the syncs reached the device.

use super::mount::Device;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// About what one append of the journal writes.
const BYTES: usize = 1024;
/// So long a file is written over and over; as in the journal, only content changes.
const FILE: usize = 1 << 20;
/// So many are timed at most, and so long.
const MOST: usize = 1000;
const LONGEST: Duration = Duration::from_secs(3);

/// How long single operations took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times {
    /// How often it was measured.
    pub count: usize,
    /// Half of them were no slower.
    pub median: Duration,
    /// 99 of 100 were no slower.
    pub p99: Duration,
    /// The slowest.
    pub worst: Duration,
    /// All of them together.
    pub total: Duration,
}

impl Times {
    fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        let at = |part: usize| all.get((all.len() * part / 100).min(all.len().saturating_sub(1))).copied();
        Self {
            count: all.len(),
            median: at(50).unwrap_or_default(),
            p99: at(99).unwrap_or_default(),
            worst: at(100).unwrap_or_default(),
            total: all.iter().sum(),
        }
    }

    /// How many a second, one after the other.
    pub fn a_second(&self) -> u64 {
        let micros = self.total.as_micros().max(1);
        u64::try_from(self.count as u128 * 1_000_000 / micros).unwrap_or(u64::MAX)
    }
}

/// Writes of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speed {
    /// Bytes in each.
    pub bytes: usize,
    /// Without a sync.
    pub plain: Times,
    /// Each with a sync.
    pub synced: Times,
    /// How often the device was told to empty its cache meanwhile, by anybody; if that is counted.
    pub flushes: Option<u64>,
}

impl Speed {
    /// Measures it in a folder. `stop` is asked now and then; whatever was measured by then is given.
    pub fn of(folder: &Path, device: Option<&Device>, stop: &dyn Fn() -> bool) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join("speed"))?;
        file.write_all_at(&vec![0; FILE], 0)?;
        file.sync_all()?;
        let time = |sync: bool| -> io::Result<Times> {
            let (began, mut all, mut bytes) = (Instant::now(), Vec::with_capacity(MOST), [0; BYTES]);
            while all.len() < MOST && began.elapsed() < LONGEST && !stop() {
                // Other bytes each time, for disks that look before they write.
                bytes.fill(u8::try_from(all.len() % 251).unwrap_or(0) ^ u8::from(sync));
                let start = Instant::now();
                file.write_all_at(&bytes, ((all.len() * BYTES) % FILE) as u64)?;
                if sync {
                    file.sync_data()?;
                }
                all.push(start.elapsed());
            }
            Ok(Times::of(all))
        };
        let plain = time(false)?;
        file.sync_all()?;
        let before = device.and_then(Device::flushes);
        let synced = time(true)?;
        let after = device.and_then(Device::flushes);
        let flushes = before.zip(after).map(|(before, after)| after.saturating_sub(before));
        Ok(Self { bytes: BYTES, plain, synced, flushes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_sorted_times() {
        let times = Times::of((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!((times.count, times.median.as_millis(), times.p99.as_millis()), (200, 101, 199));
        assert_eq!((times.worst.as_millis(), times.a_second()), (200, 9));
        assert_eq!(Times::of(Vec::new()).a_second(), 0);
    }

    #[test]
    fn a_wish_to_stop_is_heard() {
        let folder = tempfile::tempdir().expect("a folder");
        let speed = Speed::of(folder.path(), None, &|| true).expect("measures");
        assert_eq!((speed.plain.count, speed.synced.count, speed.flushes), (0, 0, None));
    }
}
