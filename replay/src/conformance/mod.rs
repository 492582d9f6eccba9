//! What every action must do on every executor: done twice, cut at every moment, taken back, taken back twice.
//!
//! A [`Subject`] is an executor with a world that can be made anew for each [`Case`]; the lab is one, real hosts are
//! another. [`check`] runs a list of cases (see [`catalog`]) through every [`Rule`] and hands back a [`Report`]: what
//! was held, what was broken, and the canonical [`Images`] of each case, which [`compare`] holds against those of
//! another subject.

mod bench;
mod case;
pub mod catalog;
mod compare;
mod cuts;
mod images;
mod inverses;
pub mod lab;
mod once;
mod others;
mod rule;
mod story;
mod subject;
mod undo;

pub use case::{Case, Expect, Left, Prep, Under};
pub use images::{Canon, Images, Unequal, compare};
use rule::Checked;
pub use rule::{RULES, Rule};
pub use subject::{Change, Cut, Kept, Meddling, Subject, Trouble};

use bench::Bench;
use std::collections::BTreeMap;
use std::fmt;

/// A rule that does not hold for a case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{case}: the rule `{rule}` is broken: {found}")]
pub struct Violation {
    /// The case.
    pub case: String,
    /// The rule.
    pub rule: Rule,
    /// What was found.
    pub found: String,
}

/// What came of one rule for one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// It has nothing to say about the case.
    Idle,
    /// The case declares an exception, for this reason.
    Excepted(&'static str),
}

/// What came of all cases.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// For each case what came of each rule, in the order of the cases.
    pub rows: Vec<(String, BTreeMap<Rule, Held>)>,
    /// Every rule that was found broken.
    pub violations: Vec<Violation>,
    /// What each case found and left.
    pub images: BTreeMap<String, Images>,
}

impl Report {
    /// How many pairs of case and rule came out in a way.
    pub fn count(&self, which: impl Fn(&Held) -> bool) -> usize {
        self.rows.iter().flat_map(|(_, row)| row.values()).filter(|held| which(held)).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (case, row) in &self.rows {
            write!(f, "{case:44}")?;
            for rule in RULES {
                f.write_str(match row.get(&rule) {
                    Some(Held::Yes) => " +",
                    Some(Held::No) => " X",
                    Some(Held::Excepted(_)) => " e",
                    Some(Held::Idle) | None => " .",
                })?;
            }
            writeln!(f)?;
        }
        writeln!(f, "+ held, X broken, e declared exception, . nothing to check; the rules from left to right:")?;
        let words: Vec<&str> = RULES.iter().map(|rule| rule.word()).collect();
        writeln!(f, "{}", words.join(", "))?;
        let (held, excepted) =
            (self.count(|held| *held == Held::Yes), self.count(|held| matches!(held, Held::Excepted(_))));
        write!(f, "{} cases, {held} checks held, {excepted} exceptions, ", self.rows.len())?;
        write!(f, "{} broken", self.violations.len())
    }
}

/// Runs every case through every rule. A broken rule does not keep the others from being checked.
pub fn check<S: Subject>(subject: &mut S, cases: &[Case]) -> Report {
    check_only(subject, cases, &RULES)
}

/// Runs every case through some of the rules.
pub fn check_only<S: Subject>(subject: &mut S, cases: &[Case], rules: &[Rule]) -> Report {
    let mut report = Report::default();
    for case in cases {
        let mut row = BTreeMap::new();
        match Bench::new(subject, case).and_then(|mut bench| once::images(&mut bench)) {
            Ok(images) => {
                report.images.insert(case.name.to_owned(), images);
            }
            Err(found) => {
                report.violations.push(Violation { case: case.name.to_owned(), rule: Rule::Prepared, found });
                row.insert(Rule::Prepared, Held::No);
                report.rows.push((case.name.to_owned(), row));
                continue;
            }
        }
        for rule in rules.iter().copied() {
            if let Some((_, why)) = case.except.iter().find(|(excepted, _)| *excepted == rule) {
                row.insert(rule, Held::Excepted(why));
                continue;
            }
            let held = match Bench::new(subject, case).and_then(|mut bench| apply(&mut bench, rule)) {
                Ok(true) => Held::Yes,
                Ok(false) => Held::Idle,
                Err(found) => {
                    report.violations.push(Violation { case: case.name.to_owned(), rule, found });
                    Held::No
                }
            };
            row.insert(rule, held);
        }
        report.rows.push((case.name.to_owned(), row));
    }
    report
}

fn apply<S: Subject>(bench: &mut Bench<'_, S>, rule: Rule) -> Checked {
    match rule {
        Rule::Prepared => Ok(true),
        Rule::ReadOnly => once::read_only(bench),
        Rule::Promise => once::promise(bench),
        Rule::Judged => once::judged(bench),
        Rule::Twice => once::twice(bench),
        Rule::Afresh => once::afresh(bench),
        Rule::Refused => once::refused(bench),
        Rule::CutBefore => cuts::before(bench),
        Rule::CutHalf => cuts::half(bench, Cut::Half),
        Rule::CutSilent => cuts::half(bench, Cut::Silent),
        Rule::CutAfter => cuts::after(bench),
        Rule::LinkCut => cuts::link(bench),
        Rule::Undone => undo::undone(bench),
        Rule::UndoneTwice => undo::twice(bench),
        Rule::UndoneFromHalf => undo::from_half(bench),
        Rule::UndoCut => undo::cut(bench),
        Rule::RetryMore => undo::retry_more(bench),
        Rule::RefusedNoImage => others::refused_has_no_image(bench),
        Rule::SkippedUndo => others::skipped_undo(bench),
        Rule::OthersAtWork => others::other_hosts_at_work(bench),
        Rule::ReplacedTarget => others::replaced_target(bench),
    }
}
