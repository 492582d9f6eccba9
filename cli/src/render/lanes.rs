//! How far every host is. Of many hosts, those that need nobody's eyes are folded, so that one screen stays one screen.

use super::words::Driven;
use super::{count, hints, moment, some};
use palinode_core::id::Micros;
use palinode_core::run::leftover;
use palinode_core::run::life::Stage;
use palinode_core::run::plan::{LaneKind, Step};
use palinode_core::run::state::{RunState, StepState};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// So many hosts have a line each.
const LINES: usize = 12;

/// How far one lane is.
pub(crate) struct LaneRow {
    /// Host or section.
    pub(crate) name: String,
    /// Whether it is a host's.
    pub(crate) is_host: bool,
    /// Steps that are behind.
    pub(crate) done: usize,
    /// Steps in all.
    pub(crate) all: usize,
    /// The step it is at.
    pub(crate) at: Option<String>,
    /// How it stands, in a few words.
    pub(crate) state: String,
    /// Since when it is in doubt, if it is.
    pub(crate) since: Option<Micros>,
}

/// How far every lane is. Where nobody drives, what was under way is in doubt.
pub(crate) fn lanes(run: &RunState, driven: Driven) -> Vec<LaneRow> {
    let mut rows = Vec::new();
    for lane in &run.plan.lanes {
        let steps: Vec<(&Step, &StepState)> = (lane.start..lane.end).filter_map(|ix| run.step(ix)).collect();
        if steps.is_empty() {
            continue;
        }
        let (name, is_host) = match (&lane.kind, run.opened.compensates.is_some()) {
            (LaneKind::Host(host), _) => (host.to_string(), true),
            (LaneKind::First, false) | (LaneKind::Last, true) => ("before".to_owned(), false),
            (LaneKind::Last, false) | (LaneKind::First, true) => ("after".to_owned(), false),
        };
        let done = steps.iter().filter(|(_, known)| known.stage.is_behind()).count();
        let begun = steps.iter().any(|(_, known)| known.stage != Stage::Pending);
        let taken_back = steps.iter().any(|(_, known)| known.stage == Stage::Compensated);
        let unknown = taken_back && steps.iter().any(|(step, known)| leftover::left_unknown(step, known));
        let open = || steps.iter().filter(|(_, known)| !known.stage.is_behind());
        // A lane that went back to an earlier step stays with what is in doubt.
        let at = open().find(|(_, known)| known.stage.is_doubtful()).or_else(|| open().next());
        let doubt = at.filter(|(_, known)| match known.stage {
            Stage::Intended => driven == Driven::No,
            stage => stage.is_doubtful(),
        });
        let since = doubt.filter(|_| !taken_back).and_then(|(_, known)| known.intended);
        let state = match at {
            _ if taken_back && unknown => "taken back, but for what is not known".to_owned(),
            _ if taken_back => "taken back".to_owned(),
            None => "done".to_owned(),
            Some(_) if !begun => "not begun".to_owned(),
            Some(_) if doubt.is_some() => Stage::Unknown.to_string(),
            Some((_, known)) => known.stage.to_string(),
        };
        let at = at.filter(|_| begun && !taken_back).map(|(step, _)| super::progress::split(&step.path).1);
        rows.push(LaneRow { name, is_host, done, all: steps.len(), at, state, since });
    }
    rows
}

/// One line of the table.
struct Line {
    name: String,
    progress: String,
    state: String,
    rest: String,
}

/// The lanes as a table. Of more than a dozen hosts, those that stand alike and are not at work share a line.
pub(crate) fn table(rows: &[LaneRow]) -> String {
    let many = rows.iter().filter(|row| row.is_host).count() > LINES;
    let folds =
        |row: &LaneRow| many && row.is_host && matches!(row.state.as_str(), "done" | "not begun" | "taken back");
    let mut lines: Vec<Line> = Vec::new();
    let mut folded = BTreeSet::new();
    let (mut shown, mut left_out) = (0, 0);
    for row in rows {
        if folds(row) {
            if folded.insert(&row.state) {
                let alike = rows.iter().filter(|other| folds(other) && other.state == row.state);
                let names: Vec<&str> = alike.map(|row| row.name.as_str()).collect();
                let (name, rest) = (count(names.len(), "host"), some(&names, 2));
                lines.push(Line { name, progress: String::new(), state: row.state.clone(), rest });
            }
        } else if many && row.is_host && shown == LINES {
            left_out += 1;
        } else {
            shown += usize::from(row.is_host);
            let progress = format!("{}/{}", row.done, row.all);
            let since = row.since.map(|since| format!(" since {}", moment(since))).unwrap_or_default();
            let rest = row.at.as_ref().map(|at| format!("at {at}{since}")).unwrap_or_default();
            let state = if row.since.is_some() { "in doubt".to_owned() } else { row.state.clone() };
            lines.push(Line { name: row.name.clone(), progress, state, rest });
        }
    }
    if left_out > 0 {
        let (name, rest) = (format!("{left_out} more"), hints::of_run("status -o json"));
        lines.push(Line { name, progress: String::new(), state: "at work".to_owned(), rest });
    }
    let width = lines.iter().map(|line| line.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for Line { name, progress, state, rest } in &lines {
        let line = format!("  {name:<width$}  {progress:>7}  {state:<11}  {rest}");
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(number: usize, state: &str) -> LaneRow {
        let at = (state == "failed" || state == "running").then(|| "drain".to_owned());
        LaneRow {
            name: format!("g{number}.demo"),
            is_host: true,
            done: number,
            all: 26,
            at,
            state: state.to_owned(),
            since: None,
        }
    }

    fn section(name: &str) -> LaneRow {
        LaneRow {
            name: name.to_owned(),
            is_host: false,
            done: 2,
            all: 2,
            at: None,
            state: "done".to_owned(),
            since: None,
        }
    }

    #[test]
    fn few_hosts_have_a_line_each() {
        let rows: Vec<LaneRow> = [section("before")].into_iter().chain((1..=12).map(|n| host(n, "done"))).collect();
        assert_eq!(table(&rows).lines().count(), 13);
    }

    #[test]
    fn of_many_hosts_only_those_at_work_or_in_trouble_are_shown() {
        let state = |number| match number {
            1..=300 => "done",
            301 => "failed",
            302 => "running",
            _ => "not begun",
        };
        let mut rows = vec![section("before")];
        rows.extend((1..=1000).map(|number| host(number, state(number))));
        let want = "  before         2/2  done
  300 hosts           done         g1.demo, g2.demo and 298 more
  g301.demo   301/26  failed       at drain
  g302.demo   302/26  running      at drain
  698 hosts           not begun    g303.demo, g304.demo and 696 more
";
        assert_eq!(table(&rows), want);
    }

    #[test]
    fn a_thousand_failures_are_still_one_screen() {
        let rows: Vec<LaneRow> = (1..=1000).map(|number| host(number, "failed")).collect();
        let text = table(&rows);
        assert_eq!(text.lines().count(), LINES + 1);
        assert!(text.contains("  988 more           at work      palinode status -o json"), "{text}");
    }
}
