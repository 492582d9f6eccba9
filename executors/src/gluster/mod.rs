//! What GlusterFS says of itself, and whether that means that its volumes are healed.
//!
//! 1. A [`Vantage`] is a member of the storage cluster that can be asked. It is asked in batches, by a script whose answer
//!    keeps the questions apart ([`ask`]); what is asked next follows from what was answered ([`inquiry`]).
//! 2. Each answer is read strictly: XML, or the text of a gluster that has none ([`heal`], [`info`], [`peers`],
//!    [`status`], [`crawls`]). What cannot be read is no answer; nothing is taken for zero that was not told.
//! 3. [`healed`] is pure: from what each vantage point told to a verdict, its figures, and what is first in the way. Only
//!    what stood in split-brain is remembered from look to look ([`Watch`]).
//!
//! File names in an answer are whoever's wrote the files, and all of it is a host's bytes: bounded, and never a word of a
//! shell.

mod answer;
mod ask;
mod crawls;
mod heal;
mod healed;
mod info;
mod inquiry;
mod peers;
mod status;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use ask::Vantage;
pub(crate) use heal::query;
pub(crate) use healed::Watch;

use answer::Raw;
use futures_util::future::join_all;
use healed::healed;
use palinode_core::port::Sample;
use palinode_core::port::{Bodies, BodyError};
use palinode_core::record::Class;
use std::collections::BTreeMap;
use std::time::Instant;
use view::View;

/// What a gate asks of storage.
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
    fn counts(&self, volume: &str) -> bool {
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
    fn is(self, used: u64, median: u64) -> bool {
        let less = u128::from(used) * 100 < u128::from(median) * u128::from(self.percent);
        less && median.saturating_sub(used) >= u64::from(self.gib) << 30
    }

    fn words(self) -> String {
        match self.percent {
            0 => "not compared".to_owned(),
            percent => format!("{percent} % of the median of its copies, and {} GiB less", self.gib),
        }
    }
}

/// Asks every vantage point once, all side by side: each begins with other volumes, for two that look at one heal keep each
/// other from its locks.
pub(crate) async fn sample(
    vantages: &[Vantage<'_>],
    asked: Asked<'_>,
    watch: &Watch,
    bodies: &dyn Bodies,
) -> Result<Sample, BodyError> {
    let count = vantages.len();
    let turns = vantages.iter().enumerate();
    let all = join_all(turns.map(|(at, vantage)| inquiry::consult(vantage, &asked, (at, count)))).await;
    let mut evidence = String::new();
    let mut views = Vec::new();
    for (vantage, answers) in vantages.iter().zip(all) {
        evidence.push_str(&ask::evidence(vantage.name(), answers.as_ref()));
        views.push(View::new(vantage.name(), answers));
    }
    let standing = watch.look(&views, Instant::now());
    let judged = healed(&views, &asked, &standing);
    let evidence = Some(bodies.put(Class::Output, evidence.as_bytes())?);
    Ok(Sample { pass: judged.pass, hopeless: judged.hopeless, facts: judged.facts, evidence })
}

/// What all of it comes to with answers that are given, for each member those that it gave.
pub(crate) fn judged(members: &[BTreeMap<String, Vec<u8>>]) -> Sample {
    let raw = |out: &Vec<u8>| Raw { code: Some(0), out: out.clone(), err: String::new(), whole: true };
    let view = |answers: &BTreeMap<String, Vec<u8>>| {
        View::new("a member", Ok(answers.iter().map(|(asked, out)| (asked.clone(), raw(out))).collect()))
    };
    let views: Vec<View> = members.iter().map(view).collect();
    let emptied = Emptied { percent: 50, gib: 1 };
    let asked = Asked { volumes: &[], except: &[], away: &[], vantage_points: 2, emptied };
    let judged = healed(&views, &asked, &Watch::default().look(&views, Instant::now()));
    Sample { pass: judged.pass, hopeless: judged.hopeless, facts: judged.facts, evidence: None }
}

/// How many answers stand in what the script printed; none if they are not whole.
pub(crate) fn printed(bytes: &[u8]) -> Option<usize> {
    let said = ask::Said { code: 0, out: bytes.to_vec(), err: String::new() };
    ask::answers(&said).ok().map(|answers| answers.len())
}
