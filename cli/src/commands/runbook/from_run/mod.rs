//! `palinode runbook from-run`: what was done, as a runbook that a person reviews.
//!
//! Actions are public and stand in it; what came from hosts or was said by people is sealed and does not.

mod draft;
mod merge;
mod yaml;

use crate::args::Args;
use crate::clock::wall;
use crate::error::{Exit, Failure};
use crate::journal::{self, Reader};
use crate::render::{count, escape, hints, moment, some, to_stderr, to_stdout, words};
use crate::sources::unread;
use crate::time_arg::{self, When};
use draft::{Draft, Stands, drafts};
use merge::{Merged, merged};
use palinode_core::id::{HostName, Label};
use palinode_core::inventory::model::Reading;
use palinode_core::record::World;
use palinode_core::run::history::History;
use palinode_core::run::in_force::in_force;
use palinode_core::run::plan::{LaneKind, Origin};
use palinode_core::run::state::RunState;
use palinode_core::runbook::{Given, Runbook};
use palinode_replay::driver::BodyReader;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub(crate) struct FromRun {
    /// The runs, by the beginnings of their ids, or @ for the latest.
    #[arg(value_name = "RUN", required_unless_present = "since")]
    runs: Vec<String>,
    /// All runs that were begun since, but rollbacks; a TIME as `log` takes it.
    #[arg(long, value_name = "TIME", conflicts_with = "runs")]
    since: Option<When>,
    /// The name of the runbook; by default that of the one run.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Print the reasons that people gave for the runs.
    #[arg(long)]
    reasons: bool,
}

/// The sections of a runbook, in its order.
const SECTIONS: [&str; 4] = ["preflight", "before", "each_host", "after"];

/// Prints a runbook of what runs did.
pub(crate) fn from_run(args: &Args, wanted: &FromRun) -> Result<Exit, Failure> {
    let (reader, history) = journal::read(args.journal.as_deref())?;
    let runs = select(&history, wanted)?;
    let name = name(&history, &runs, wanted)?;
    let written = write(&reader, &history, &runs, &name, wanted.reasons)?;
    to_stdout(&written.text);
    to_stderr(&format!(
        "{} of {}, {} left out; look it over, then type `palinode run FILE -i INVENTORY{}`\n",
        count(written.kept, "step"),
        count(runs.len(), "run"),
        written.left_out,
        written.set.iter().map(|(name, value)| format!(" --set {name}={}", hints::quoted(value))).collect::<String>()
    ));
    Ok(Exit::Done)
}

/// The runs that are meant, oldest first.
fn select<'a>(history: &'a History, wanted: &FromRun) -> Result<Vec<&'a RunState>, Failure> {
    let mut runs: Vec<&RunState> = Vec::new();
    for named in &wanted.runs {
        let run = journal::run(history, Some(named), journal::Default::Latest)?;
        if run.opened.compensates.is_some() {
            let first = journal::short(history, forward(history, run).run);
            return Err(Failure::usage(
                format!("run {} takes another one back, and follows from it", journal::short(history, run.run)),
                format!(
                    "name the run that was taken back, `{}`; what is taken back by now is left out of it",
                    hints::command(&format!("runbook from-run {first}"))
                ),
            ));
        }
        runs.push(run);
    }
    if let Some(since) = wanted.since {
        let latest = history.latest();
        let now = latest.filter(|run| run.opened.world != World::Real).map_or_else(wall, |run| run.changed);
        let (since, _) = time_arg::window(Some(since), None, now)?;
        let forward = history.order.iter().filter_map(|run| history.runs.get(run));
        runs.extend(
            forward.filter(|run| run.opened.compensates.is_none() && since.is_none_or(|since| run.began >= since)),
        );
    }
    runs.sort_by_key(|run| run.first);
    runs.dedup_by_key(|run| run.run);
    let Some(first) = runs.first() else {
        return Err(Failure::usage(
            "no run was begun since then",
            format!("type `{}` to see the runs", hints::command("runs")),
        ));
    };
    if runs.iter().any(|run| run.opened.world != first.opened.world) {
        return Err(Failure::usage(
            "these runs acted in different worlds",
            "name those of the real hosts, or those of one lab",
        ));
    }
    Ok(runs)
}

/// The run that a rollback takes back; of one that takes a rollback back, what that took back.
fn forward<'a>(history: &'a History, run: &'a RunState) -> &'a RunState {
    let mut found = run;
    // A rollback is begun after what it takes back, so this ends.
    while let Some(before) = found.opened.compensates.as_ref().and_then(|back| history.runs.get(&back.run)) {
        if before.first >= found.first {
            break;
        }
        found = before;
    }
    found
}

fn name(history: &History, runs: &[&RunState], wanted: &FromRun) -> Result<String, Failure> {
    let name = match (&wanted.name, runs) {
        (Some(name), _) => name.clone(),
        (None, [one]) if one.plan.origin() != Origin::Typed => one.plan.runbook.clone(),
        (None, [one, ..]) => format!("from-{}", journal::short(history, one.run)),
        (None, []) => "from-run".to_owned(),
    };
    Label::new(&name)
        .map(|label| label.to_string())
        .map_err(|bad| Failure::usage(format!("cannot use `{name}` as a runbook's name: {bad}"), "give another --name"))
}

/// A runbook, and what of the runs is in it.
struct Written {
    text: String,
    kept: usize,
    left_out: usize,
    /// The parameters that have no default, and the values that they had.
    set: Vec<(&'static str, String)>,
}

/// The lanes of a section: one for each host, of all runs together; a section without hosts has one without a name.
type Lanes = Vec<(Option<HostName>, Vec<Draft>)>;

fn lanes(history: &History, runs: &[&RunState]) -> [Lanes; 4] {
    let mut sections: [Lanes; 4] = Default::default();
    for run in runs {
        let stands = run.steps().map(|(_, step, known)| {
            let in_force = in_force(history, run.run, &step.path);
            Stands { step, known, in_force }
        });
        let all: Vec<Stands<'_>> = stands.collect();
        for lane in &run.plan.lanes {
            let steps = all.get(lane.start as usize..lane.end as usize).unwrap_or_default();
            match &lane.kind {
                LaneKind::Host(host) => add(&mut sections[2], Some(host), drafts(&run.plan, steps)),
                LaneKind::Last => add(&mut sections[3], None, drafts(&run.plan, steps)),
                LaneKind::First => {
                    // What is looked at before anything is touched is looked at on each host in turn.
                    let is_first = |path: &str| path.starts_with("preflight/");
                    let (first, before): (Vec<_>, Vec<_>) =
                        steps.iter().copied().partition(|of| is_first(of.step.path.as_str()));
                    let mut hosts: Vec<Option<&HostName>> = Vec::new();
                    for Stands { step, .. } in &first {
                        if !hosts.contains(&step.target.host.as_ref()) {
                            hosts.push(step.target.host.as_ref());
                        }
                    }
                    for host in hosts {
                        let own: Vec<_> =
                            first.iter().copied().filter(|of| of.step.target.host.as_ref() == host).collect();
                        add(&mut sections[0], host, drafts(&run.plan, &own));
                    }
                    add(&mut sections[1], None, drafts(&run.plan, &before));
                }
            }
        }
    }
    sections
}

fn add(lanes: &mut Lanes, host: Option<&HostName>, drafts: Vec<Draft>) {
    if drafts.is_empty() {
        return;
    }
    match lanes.iter_mut().find(|(known, _)| known.as_ref() == host) {
        Some((_, all)) => all.extend(drafts),
        None => lanes.push((host.cloned(), drafts)),
    }
}

fn write(
    reader: &Reader,
    history: &History,
    runs: &[&RunState],
    name: &str,
    reasons: bool,
) -> Result<Written, Failure> {
    let mut hosts: Vec<&HostName> = Vec::new();
    for host in runs.iter().flat_map(|run| run.plan.hosts()) {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    let mut out = head(reader, history, runs, &hosts, reasons);
    let about = match runs {
        [one] if one.plan.origin() != Origin::Typed => one.plan.about.clone(),
        _ => format!("What was typed on {}", moment(runs.first().map_or_else(wall, |run| run.began))),
    };
    let _ = writeln!(out, "runbook: {}", yaml::scalar(name));
    let _ = writeln!(out, "about: {}", yaml::scalar(&about));
    let groups: BTreeSet<Option<&String>> = runs.iter().map(|run| group_of(run)).collect();
    // Runs of one group are done again on that; nobody knows a group of what was typed.
    let group = groups.first().copied().flatten().filter(|_| groups.len() == 1);
    let mut group_is = json!({ "about": "the inventory group to act on" });
    let set = match (group, runs) {
        (Some(group), [_]) => {
            group_is["default"] = json!(group);
            Vec::new()
        }
        (Some(group), _) => vec![("group", group.clone())],
        (None, _) => vec![("group", "VALUE".to_owned())],
    };
    let _ = writeln!(out, "\nparameters:\n  group:{}", yaml::value(&group_is, 4, 8));
    let (serial, max_fail) = match runs {
        [one] => (one.plan.serial, one.plan.max_fail),
        _ => (1, 0),
    };
    let _ = write!(out, "hosts: {{ group: \"{{{{ group }}}}\", serial: {serial}");
    out.push_str(&if max_fail > 0 { format!(", max_fail: {max_fail} }}\n") } else { " }\n".to_owned() });
    let (mut kept, mut left_out) = (0, 0);
    for (section, lanes) in SECTIONS.into_iter().zip(lanes(history, runs)) {
        let mut steps = Steps { hosts: &hosts, gone: BTreeSet::new(), taken: BTreeSet::new(), kept: 0, left_out: 0 };
        let text = steps.section(lanes, section);
        if steps.kept > 0 {
            let _ = write!(out, "\n{section}:\n{text}");
        } else if steps.left_out > 0 {
            let _ = write!(out, "\n# {section}:\n{text}");
        }
        kept += steps.kept;
        left_out += steps.left_out;
    }
    if kept == 0 {
        return Err(Failure::usage(
            "nothing of that is to be done again: every step failed, was passed over or was taken back",
            format!("type `{}` to see where its steps stand", hints::of_run("status")),
        ));
    }
    check(&out, &hosts)?;
    Ok(Written { text: out, kept, left_out, set })
}

/// The group that a run was for.
fn group_of(run: &RunState) -> Option<&String> {
    run.plan.parameters.iter().find(|(name, _)| name.as_str() == "group").map(|(_, group)| group)
}

/// What a person should know before the first line.
fn head(reader: &Reader, history: &History, runs: &[&RunState], hosts: &[&HostName], reasons: bool) -> String {
    let mut out = String::from("# Made from what was done. Look it over before you run it.\n");
    for run in runs {
        let what = match run.plan.origin() {
            Origin::Typed => run.steps().next().map(|(_, step, _)| step.path.to_string()).unwrap_or_default(),
            Origin::Runbook | Origin::Rollback => run.plan.runbook.clone(),
        };
        let _ = writeln!(
            out,
            "#   run {} of {}: {}, {}, by {}",
            journal::short(history, run.run),
            moment(run.began),
            escape(&what),
            words::state(run, words::Driven::No),
            escape(&words::actor(&run.opened.actor))
        );
        let said = run
            .opened
            .reason
            .filter(|_| reasons)
            .and_then(|reason| BodyReader::of(reader, history, run.run).ok()?.open(reason).ok());
        if let Some(said) = said {
            let _ = writeln!(out, "#     {}", escape(String::from_utf8_lossy(&said).trim()));
        }
    }
    let names: Vec<&str> = hosts.iter().map(|host| host.as_str()).collect();
    let _ = match names.as_slice() {
        [] => writeln!(out, "# It was done for no host. The group that is named has to be there all the same."),
        names => writeln!(
            out,
            "# It was done on {}. It is done on all hosts of the group, or on those after --host.",
            escape(&some(names, 20))
        ),
    };
    let values: BTreeSet<(String, String)> = runs
        .iter()
        .flat_map(|run| &run.plan.parameters)
        .filter(|(name, value)| name.as_str() != "group" && !value.is_empty())
        .map(|(name, value)| (name.to_string(), value.chars().take(80).collect()))
        .collect();
    if !values.is_empty() {
        out.push_str("# These values stand in the steps; make them parameters again where they change:\n");
        for (name, value) in values {
            let _ = writeln!(out, "#   {name}: {}", escape(&value));
        }
    }
    out.push('\n');
    out
}

/// The steps of one section on their way into the text.
struct Steps<'a> {
    hosts: &'a [&'a HostName],
    /// Names of steps that are left out.
    gone: BTreeSet<String>,
    /// Names that are given.
    taken: BTreeSet<String>,
    kept: usize,
    left_out: usize,
}

impl Steps<'_> {
    fn section(&mut self, lanes: Lanes, section: &str) -> String {
        let mut out = String::new();
        let nobody = HostName::new("nobody");
        let lanes: Vec<(HostName, Vec<Draft>)> = lanes
            .into_iter()
            .filter_map(|(host, steps)| Some((host.or_else(|| nobody.clone().ok())?, steps)))
            .collect();
        for step in merged(&lanes) {
            let everywhere = section != "each_host" || step.hosts.len() == self.hosts.len();
            if everywhere {
                self.step(&mut out, &step, None);
                continue;
            }
            // What was done on some hosts only is done on those only.
            let mut one = step.clone();
            for (host, draft) in step.hosts {
                one.hosts = vec![(host.clone(), draft)];
                self.step(&mut out, &one, Some(&host));
            }
        }
        out
    }

    fn step(&mut self, out: &mut String, step: &Merged<Draft>, only: Option<&HostName>) {
        let draft = &step.step;
        let missing = draft.needs.iter().find(|label| self.gone.contains(label.as_str()));
        let all_out = step.hosts.iter().all(|(_, draft)| draft.left_out.is_some());
        let conditional = only.is_some() && draft.body.iter().any(|(key, _)| *key == "when");
        if all_out || missing.is_some() || conditional {
            let why = match (missing, step.hosts.first().and_then(|(_, draft)| draft.left_out.clone())) {
                (_, Some(why)) => why,
                (Some(missing), None) => format!("it needs {missing}, which is left out"),
                (None, None) => {
                    format!("it was done on {} only, under a condition of its own", some(&self.names(step), 6))
                }
            };
            let _ = writeln!(out, "  # left out: {}, {}: {}", escape(&draft.name), escape(&draft.words), escape(&why));
            self.gone.insert(draft.name.clone());
            self.left_out += 1;
            return;
        }
        let mut notes: Vec<(&String, Vec<&str>)> = Vec::new();
        for (host, draft) in &step.hosts {
            for note in draft.notes.iter().chain(&draft.left_out) {
                match notes.iter_mut().find(|(known, _)| *known == note) {
                    Some((_, hosts)) => hosts.push(host.as_str()),
                    None => notes.push((note, vec![host.as_str()])),
                }
            }
        }
        for (note, hosts) in notes {
            let whose =
                if hosts.len() == step.hosts.len() { String::new() } else { format!("on {}: ", some(&hosts, 6)) };
            let _ = writeln!(out, "  # {whose}{}", escape(note));
        }
        let mut name = draft.name.clone();
        for number in 2.. {
            if self.taken.insert(name.clone()) {
                break;
            }
            name = format!("{}-{number}", draft.name);
        }
        let mut body = draft.body.clone();
        for (key, value) in &mut body {
            if let ("undo_after" | "touches", Value::Array(labels)) = (*key, value) {
                labels.retain(|label| !label.as_str().is_some_and(|label| self.gone.contains(label)));
            }
        }
        body.retain(|(key, value)| !matches!(*key, "undo_after" | "touches") || value != &json!([]));
        if let Some(host) = only {
            body.push(("when", json!(format!("{{{{ host }}}} == {host}"))));
        }
        out.push_str(&lines(&name, &body));
        self.kept += 1;
    }

    fn names<'a>(&self, step: &'a Merged<Draft>) -> Vec<&'a str> {
        step.hosts.iter().map(|(host, _)| host.as_str()).collect()
    }
}

/// A step as it stands in a runbook.
fn lines(name: &str, body: &[(&'static str, Value)]) -> String {
    let whole = body.iter().map(|(key, value)| format!("{key}:{}", yaml::value(value, 0, 0).trim_end()));
    let whole: Vec<String> = whole.collect();
    let line = format!("  - {}: {{ {} }}\n", yaml::scalar(name), whole.join(", "));
    if line.chars().count() <= 112 && !whole.iter().any(|part| part.contains('\n')) {
        return line;
    }
    let mut out = format!("  - {}:\n", yaml::scalar(name));
    for (key, value) in body {
        let _ = write!(out, "      {key}:{}", yaml::value(value, 8, 7 + key.len()));
    }
    out
}

/// Reads it back, for the hosts that it was done on: what does not read is a fault here, and found here.
fn check(text: &str, hosts: &[&HostName]) -> Result<(), Failure> {
    // What is done for no host reads the same for any.
    let names: Vec<&str> =
        if hosts.is_empty() { vec!["nobody"] } else { hosts.iter().map(|host| host.as_str()).collect() };
    let inventory = Reading::of_text("hosts", format!("[done]\n{}\n", names.join("\n")).as_bytes());
    let inventory = inventory.map_err(|error| unread(&error))?;
    let given = Given {
        parameters: [("group".to_owned(), "done".to_owned())].into(),
        inventory: Some(("hosts".to_owned(), Arc::new(inventory))),
        only: Vec::new(),
    };
    let read = Runbook::plan(text, &given);
    read.map(drop).map_err(|findings| Failure::findings("of that run", text, findings))
}
