//! What must hold after every crash: nothing twice, every doubt decided by its rule, nothing lost but what is listed.

use crate::crash::Death;
use crate::memory::{BACK, RUN};
use palinode_core::action::{Action, Recovery, Verdict};
use palinode_core::id::{RunId, StepPath};
use palinode_core::port::Stored;
use palinode_core::record::{Decision, Event, JobWord, Probed, Rule, RunClosed, RunEnd};
use palinode_core::resource::Loss;
use palinode_core::run::history::History;
use palinode_core::run::plan::{Step, Work};
use palinode_core::run::state::RunState;
use palinode_replay::lab::{self, Applied, Digest, Effect, Line};
use std::collections::{BTreeMap, BTreeSet};

/// The effects that several parts of one story had on the world.
pub fn effects(parts: &[&[Line]]) -> Vec<Applied> {
    lab::effects(&parts.concat())
}

/// What an effect acts on.
fn target(effect: &Effect) -> String {
    match effect {
        Effect::Schedulable { node, .. }
        | Effect::Label { node, .. }
        | Effect::Taint { node, .. }
        | Effect::RestoreNode { node, .. } => {
            format!("node {node}")
        }
        Effect::DeleteNode { node, uid } => format!("node {node} {uid}"),
        Effect::Evict { uid, .. } => format!("pod {uid}"),
        Effect::DeleteConfigMap { name } | Effect::PutConfigMap { name, .. } => format!("configmap {name}"),
        Effect::Unit { host, unit, verb } => format!("{verb:?} {unit} on {host}"),
        Effect::Erase { host, package } | Effect::Install { host, package } => format!("{package} on {host}"),
        Effect::Put { host, path, .. } | Effect::Remove { host, path } => format!("{path} on {host}"),
        Effect::Reboot { host } => format!("boot of {host}"),
        Effect::Control { file } => format!("control {file}"),
        other => format!("{other:?}"),
    }
}

/// Effects that were had twice although nothing allows it.
pub fn twice(history: &History, effects: &[Applied]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut once: BTreeMap<(RunId, String), usize> = BTreeMap::new();
    let mut of_step: BTreeMap<(RunId, &StepPath, String), Vec<&Applied>> = BTreeMap::new();
    for applied in effects {
        let key = match &applied.effect {
            Effect::Reboot { host } => Some(format!("reboot of {host}")),
            Effect::Evict { uid, pod } => Some(format!("eviction of {pod} {uid}")),
            Effect::DeleteNode { node, uid } => Some(format!("deletion of node {node} {uid}")),
            _ => None,
        };
        if let Some(key) = key {
            *once.entry((applied.run, key)).or_default() += 1;
        }
        of_step.entry((applied.run, &applied.step, target(&applied.effect))).or_default().push(applied);
    }
    wrong.extend(
        once.into_iter().filter(|(_, times)| *times > 1).map(|((_, what), times)| format!("{what}: {times} times")),
    );
    for ((run, path, what), all) in of_step {
        let Some(step) = step(history, run, path) else {
            wrong.push(format!("{path} had an effect, and its run has no such step"));
            continue;
        };
        let jobs: BTreeSet<_> = all.iter().map(|applied| applied.job).collect();
        if jobs.len() > 1 && step.recovery == Recovery::Ask {
            wrong.push(format!("{path}: {what} by {} jobs, and it is not safe to repeat", jobs.len()));
        }
        // Converging actions do what is left. Only a playbook or a command may do the same again.
        let converges = !matches!(step.work, Work::Act(Action::Playbook(_) | Action::Command(_)));
        let again = all.iter().enumerate().any(|(at, one)| all[..at].iter().any(|other| other.effect == one.effect));
        if converges && again {
            wrong.push(format!("{path}: {what} in the same way {} times", all.len()));
        }
    }
    wrong
}

fn step<'a>(history: &'a History, run: RunId, path: &StepPath) -> Option<&'a Step> {
    let state = history.runs.get(&run)?;
    state.step(state.find(path)?).map(|(step, _)| step)
}

/// Looks at in-doubt steps that were not decided by the declared rule.
pub fn misjudged<'a>(
    state: &RunState,
    since: impl Iterator<Item = &'a Stored>,
    ledger: &[Applied],
    died: Option<(&StepPath, Death)>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut looks = 0;
    for stored in since.filter(|stored| stored.entry.run == state.run) {
        let Event::Probed(probed) = &stored.entry.event else { continue };
        let Some((step, _)) = state.find(&probed.step).and_then(|ix| state.step(ix)) else {
            wrong.push(format!("{}: probed, and not in the plan", probed.step));
            continue;
        };
        let said = format!(
            "{}: {:?} and {:?}, decided {:?} by {:?}",
            probed.step, probed.job, probed.verdict, probed.decision, probed.rule
        );
        if !lawful(step, probed) {
            wrong.push(format!("{said}: not the declared rule"));
        }
        // What a look says must be true: the ledger knows.
        let had = ledger
            .iter()
            .any(|one| one.run == stored.entry.run && one.step == probed.step && one.attempt == probed.attempt);
        if probed.verdict == Verdict::NotApplied && had {
            wrong.push(format!("{said}: but it had effects"));
        }
        looks += 1;
        if let Some((path, death)) = died
            && looks == 1
        {
            let fits = *path == probed.step
                && match death {
                    Death::NotBegun => probed.job == JobWord::NotStarted,
                    Death::Half | Death::Written => probed.job == JobWord::Interrupted,
                    Death::Running => matches!(probed.job, JobWord::Running | JobWord::FinishedWell),
                    Death::Done => probed.job == JobWord::FinishedWell,
                    Death::Between => false,
                };
            if !fits {
                wrong.push(format!("{said}: but {path} died {death:?}"));
            }
        }
    }
    if looks == 0
        && let Some((path, death)) = died
    {
        wrong.push(format!("{path} died {death:?}, and nobody looked"));
    }
    wrong
}

/// The table: the job's own word, then the probe, then `repeat` if declared. Nobody has to be asked in this runbook.
fn lawful(step: &Step, probed: &Probed) -> bool {
    let by = (probed.rule, probed.decision);
    let repeat = by == (Rule::Repeat, Decision::Again) && step.recovery == Recovery::Repeat;
    // A value that nobody heard is read again.
    let unheard = step.capture.is_some() && probed.captures.is_empty() && repeat;
    match (probed.job, probed.verdict) {
        (JobWord::FinishedWell, _) => by == (Rule::Job, Decision::Succeeded) || unheard,
        (JobWord::FinishedBadly, _) => by == (Rule::Job, Decision::Failed),
        (JobWord::NotStarted, _) => by == (Rule::Job, Decision::Again),
        (JobWord::Running, _) => by == (Rule::Job, Decision::Wait),
        (_, Verdict::Applied) => by == (Rule::Probe, Decision::Succeeded) || unheard,
        (_, Verdict::NotApplied) => by == (Rule::Probe, Decision::Again),
        (_, Verdict::Partial | Verdict::CannotTell | Verdict::StillRunning) => repeat,
    }
}

/// What a rollback of the whole run left, held against the first state: everything that differs must be listed, and
/// nothing may be listed that was not lost.
pub fn unexplained(history: &History, effects: &[Applied], first: &Digest, last: &Digest) -> Vec<String> {
    let Some(closed) = history.runs.get(&BACK).and_then(|state| state.closed.clone()) else {
        return vec!["the rollback is not closed".to_owned()];
    };
    let mut wrong = Vec::new();
    if history.runs.get(&RUN).is_none_or(|state| state.closed.is_none()) {
        wrong.push("the run that was taken back is still open".to_owned());
    }
    wrong.extend(closed.differences.iter().map(|found| format!("{}: {} is now {}", found.key, found.was, found.is)));
    for (key, was, is) in first.diff(last) {
        if !covered(&closed, &key, was.as_deref(), is.as_deref()) {
            wrong.push(format!("{key}: {was:?} is now {is:?}, and no residue says so"));
        }
    }
    let lost = |applied: &Applied| matches!(applied.effect, Effect::Evict { .. } | Effect::DeleteNode { .. });
    let end = if effects.iter().any(lost) { RunEnd::PartlyRolledBack } else { RunEnd::RolledBack };
    if closed.end != end {
        wrong.push(format!("it ended {:?} and not {end:?}: {:?}", closed.end, closed.residues));
    }
    wrong
}

/// Whether a residue says that this line of the digest may differ.
fn covered(closed: &RunClosed, key: &str, was: Option<&str>, is: Option<&str>) -> bool {
    let listed =
        |loss: Loss| closed.residues.iter().any(|residue| residue.loss == loss && residue.key.to_string() == key);
    let bare = |text: Option<&str>| text.map(|text| text.replace(" (data kept)", "").replace(" (data lost)", ""));
    let moved = bare(was) != bare(is);
    let data = |text: Option<&str>| text.map_or(0, |text| text.matches("(data lost)").count());
    let emptied = data(was) != data(is);
    key.starts_with("pod/")
        && (!moved || listed(Loss::Moved))
        && (!emptied || listed(Loss::EmptyDir))
        && (moved || emptied)
}
