//! Contenders run one after the other in every round, so that a busy moment of the machine hits all of them.

use std::fmt::Write as _;

/// How many rounds; the median is the fourth.
pub(crate) const ROUNDS: usize = 7;

/// One contender: its name, and what it takes in one round, in the unit of the table.
pub(crate) type Contender<'a> = (&'a str, &'a mut dyn FnMut() -> f64);

/// What a contender took over all rounds.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    name: String,
    sorted: Vec<f64>,
    in_order: Vec<f64>,
}

impl Figures {
    /// The middle one.
    pub(crate) fn median(&self) -> f64 {
        self.sorted[self.sorted.len() / 2]
    }

    /// The smallest and the largest.
    pub(crate) fn spread(&self) -> (f64, f64) {
        (self.sorted[0], self.sorted[self.sorted.len() - 1])
    }
}

/// Runs all contenders in turn, once unmeasured and then round by round.
pub(crate) fn rounds(contenders: &mut [Contender<'_>]) -> Vec<Figures> {
    rounds_of(ROUNDS, contenders)
}

/// As [`rounds`], fewer of them for what takes long.
pub(crate) fn rounds_of(count: usize, contenders: &mut [Contender<'_>]) -> Vec<Figures> {
    let mut all: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    for round in 0..=count {
        for (times, (_, run)) in all.iter_mut().zip(contenders.iter_mut()) {
            let took = run();
            if round > 0 {
                times.push(took);
            }
        }
    }
    let named = all.into_iter().zip(contenders.iter());
    named
        .map(|(in_order, (name, _))| {
            let mut sorted = in_order.clone();
            sorted.sort_by(f64::total_cmp);
            Figures { name: (*name).to_owned(), sorted, in_order }
        })
        .collect()
}

/// The median of one over the other, round by round, with the smallest and largest ratio.
pub(crate) fn ratio(of: &Figures, to: &Figures) -> (f64, f64, f64) {
    let mut all: Vec<f64> = of.in_order.iter().zip(&to.in_order).map(|(a, b)| a / b).collect();
    all.sort_by(f64::total_cmp);
    (all[all.len() / 2], all[0], all[all.len() - 1])
}

/// A table of figures in one unit.
pub(crate) fn table(unit: &str, all: &[Figures]) -> String {
    let mut out = String::new();
    for figures in all {
        let (least, most) = figures.spread();
        let _ = writeln!(out, "  {:<44} {:>10.2} {unit}  ({least:.2} to {most:.2})", figures.name, figures.median());
    }
    out
}

/// A line that holds a figure against its goal.
pub(crate) fn goal(what: &str, (found, least, most): (f64, f64, f64), holds: bool, goal: &str) {
    let word = if holds { "holds" } else { "MISSED" };
    println!("  {what:<44} {found:>10.2}  ({least:.2} to {most:.2})  goal {goal}: {word}");
}
