//! When the daemon that heals looked through what waits: `volume heal V statistics`, which gluster has as text only.

use super::answer::{No, Raw, TIME_UP, count};
use std::collections::{BTreeMap, BTreeSet};

/// The crawls of each brick, by its number in the volume.
pub(super) type Crawls = BTreeMap<u64, Of>;

/// The crawls of a brick. Daemons print times by their own clocks: they are compared as words, and never with ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Of {
    /// When each began.
    pub(super) begun: BTreeSet<String>,
    /// Which of them are over.
    pub(super) over: BTreeSet<String>,
}

/// The crawls that an answer tells of.
pub(super) fn crawls(raw: &Raw) -> Result<Crawls, No> {
    match raw.code {
        None => return Err(No::Unasked),
        Some(code) if TIME_UP.contains(&code) => return Err(No::Late),
        Some(_) if !raw.whole => return Err(No::TooLong),
        Some(_) => {}
    }
    let out = String::from_utf8_lossy(&raw.out);
    let mut all = Crawls::new();
    let mut now: Option<(u64, Option<String>)> = None;
    for line in out.lines().map(str::trim) {
        let pair = line.split_once(": ").unwrap_or((line, ""));
        if let Some(number) = line.strip_prefix("Crawl statistics for brick no ").and_then(count) {
            if all.insert(number, Of::default()).is_some() {
                return Err(No::Strange("it tells of a brick twice"));
            }
            now = Some((number, None));
        } else if let (("Starting time of crawl", time), Some((number, begun))) = (pair, &mut now) {
            all.entry(*number).or_default().begun.insert(time.to_owned());
            *begun = Some(time.to_owned());
        } else if let (("Ending time of crawl", _), Some((number, Some(begun)))) = (pair, &mut now) {
            all.entry(*number).or_default().over.insert(begun.clone());
        }
    }
    match all.is_empty() {
        true => Err(No::told(if out.trim().is_empty() { &raw.err } else { &out })),
        false => Ok(all),
    }
}

/// Whether every brick was crawled from beginning to end since an earlier look at the same.
pub(super) fn is_between(before: &Crawls, after: &Crawls) -> bool {
    let whole = |(number, now): (&u64, &Of)| {
        before.get(number).is_some_and(|then| now.over.iter().any(|begun| !then.begun.contains(begun)))
    };
    !before.is_empty() && before.len() == after.len() && after.iter().all(whole)
}
