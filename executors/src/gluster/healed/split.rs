//! What stood in split-brain across a crawl of the daemon that heals.
//!
//! One look does not tell: before 3.12.15 a folder whose bricks only lack an entry is shown so, and the next crawl heals it;
//! an entry that is written to may be shown so for a moment. The same entry that was there before a crawl began, and is
//! there when it has ended, is one that the daemon could not heal.

use crate::gluster::crawls::{Crawls, is_between};
use crate::gluster::info::Volume;
use crate::gluster::view::{Seen, View};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Volumes with such an entry.
#[derive(Debug, Default)]
pub(in crate::gluster) struct Standing(BTreeSet<String>);

impl Standing {
    pub(super) fn contains(&self, volume: &Volume) -> bool {
        self.0.contains(&key(volume))
    }
}

/// Remembers what was in split-brain, from look to look. Whoever begins anew waits for a crawl anew.
#[derive(Debug, Default)]
pub(crate) struct Watch(Mutex<BTreeMap<String, BTreeMap<String, Since>>>);

/// Since when an entry is known.
#[derive(Debug, Clone)]
struct Since {
    at: Instant,
    /// The crawls that had begun by then, where that was told.
    crawls: Option<Crawls>,
}

/// A volume may be made anew under its old name, of other bricks.
fn key(volume: &Volume) -> String {
    let bricks: Vec<&str> = volume.bricks.iter().map(|brick| brick.name.as_str()).collect();
    format!("{} {}", volume.name, bricks.join(" "))
}

impl Watch {
    /// Takes what a look found; which volumes have an entry that stood across a crawl.
    pub(in crate::gluster) fn look(&self, views: &[View], now: Instant) -> Standing {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut standing = Standing::default();
        let told: Vec<&Seen> = views.iter().filter_map(|view| view.told.as_ref().ok()).collect();
        let mut volumes: BTreeMap<String, (&Volume, BTreeSet<&str>, Option<&Crawls>)> = BTreeMap::new();
        for seen in told {
            for volume in &seen.volumes {
                let Some(about) = seen.about.get(&volume.name) else { continue };
                let told = about.split.iter().flatten();
                let entries: BTreeSet<&str> = told.flat_map(|brick| &brick.entries).map(String::as_str).collect();
                let known = volumes.entry(key(volume)).or_insert((volume, BTreeSet::new(), None));
                known.1.extend(entries);
                known.2 = known.2.or(about.crawls.as_ref());
            }
        }
        for (key, (volume, entries, crawls)) in volumes {
            if entries.is_empty() {
                watched.remove(&key);
                continue;
            }
            let known = watched.entry(key.clone()).or_default();
            known.retain(|entry, _| entries.contains(entry.as_str()));
            for entry in entries {
                let since = || Since { at: now, crawls: crawls.cloned() };
                known.entry(entry.to_owned()).or_insert_with(since);
            }
            if known.values().any(|since| since.was_crawled(now, crawls, volume)) {
                standing.0.insert(key);
            }
        }
        standing
    }
}

impl Since {
    /// Whether the volume was crawled since. Where gluster does not say so, a crawl has begun and ended when the time
    /// between two has passed twice.
    fn was_crawled(&self, now: Instant, crawls: Option<&Crawls>, volume: &Volume) -> bool {
        match (&self.crawls, crawls) {
            (Some(before), Some(after)) => is_between(before, after),
            _ => now.saturating_duration_since(self.at) > Duration::from_secs(volume.interval()) * 2,
        }
    }
}
