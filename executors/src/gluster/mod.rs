//! What GlusterFS says of itself, and whether that means that its volumes are healed.
//!
//! 1. A [`Vantage`] is a member of the storage cluster that can be asked. It is asked everything in one script, whose
//!    answer keeps the questions apart ([`ask`]).
//! 2. Each answer is read strictly: XML, or the text of a gluster that has none ([`heal`], [`info`], [`peers`],
//!    [`status`]). What cannot be read is no answer; nothing is taken for zero that was not told.
//! 3. [`healed`] is pure: from what each vantage point told to a verdict, its figures, and what is first in the way.
//!
//! File names in an answer are whoever's wrote the files, and all of it is a host's bytes: bounded, and never a word of a
//! shell.

mod answer;
mod ask;
mod heal;
mod healed;
mod info;
mod peers;
mod status;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use ask::Vantage;
pub(crate) use heal::query;

use healed::healed;
use palinode_core::port::Sample;
use palinode_core::port::{Bodies, BodyError};
use palinode_core::record::Class;
use view::View;

/// `away`: members that may be away, by the names that people know them by; none of them is asked.
///
/// Asks every vantage point once, one after the other: two that look at a heal at once keep each other from its locks.
pub(crate) async fn sample(
    vantages: &[Vantage<'_>],
    (volumes, away): (&[String], &[&str]),
    vantage_points: u32,
    bodies: &dyn Bodies,
) -> Result<Sample, BodyError> {
    let mut evidence = String::new();
    let mut views = Vec::new();
    for vantage in vantages {
        let answers = ask::ask(vantage, volumes).await;
        evidence.push_str(&ask::evidence(vantage.name(), answers.as_ref()));
        views.push(View::new(vantage.name(), answers));
    }
    let judged = healed(&views, volumes, away, vantage_points);
    let evidence = Some(bodies.put(Class::Output, evidence.as_bytes())?);
    Ok(Sample { pass: judged.pass, hopeless: judged.hopeless, facts: judged.facts, evidence })
}
