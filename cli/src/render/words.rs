//! The words in which states, reasons and residues are told, in one place.

use super::moment;
use palinode_core::action::{Action, UndoClass};
use palinode_core::id::{HostName, ResourceKey};
use palinode_core::record::ProgressKind;
use palinode_core::record::{Actor, PauseWhy, RunEnd, Scope, SkipWhy, Why};
use palinode_core::resource::{Fields, Footprint, Kind, Loss, Residue, State};
use palinode_core::run::leftover;
use palinode_core::run::life::Stage;
use palinode_core::run::plan::Step;
use palinode_core::run::state::{RunState, StepState};
use std::collections::BTreeMap;

use super::escape;

/// Whether someone drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driven {
    /// A living process owns the journal.
    Alive,
    /// Nobody does.
    No,
}

/// The state of a run in one word; scripts may rely on these.
pub(crate) fn state(run: &RunState, driven: Driven) -> &'static str {
    if let Some(closed) = &run.closed {
        return end(closed.end);
    }
    if run.in_stage(Stage::Asking).next().is_some() && driven == Driven::No {
        return "in-doubt";
    }
    match (&run.paused, driven) {
        (Some(PauseWhy::InDoubt), _) => "in-doubt",
        (Some(_), _) => "paused",
        (None, Driven::Alive) => "running",
        (None, Driven::No) => "interrupted",
    }
}

/// How a run ended, in one word.
pub(crate) fn end(end: RunEnd) -> &'static str {
    match end {
        RunEnd::Done => "done",
        RunEnd::Failed => "failed",
        RunEnd::RolledBack => "rolled-back",
        RunEnd::PartlyRolledBack => "partly-rolled-back",
    }
}

/// Why a run stands still.
pub(crate) fn pause(why: &PauseWhy) -> String {
    match why {
        PauseWhy::Failed => "a step failed".to_owned(),
        PauseWhy::InDoubt => "a step is in doubt, and only you can say what became of it".to_owned(),
        PauseWhy::Asked => "someone asked for a pause".to_owned(),
        PauseWhy::Drift(key) => format!("{key} is not as it was last recorded: it was changed since"),
        PauseWhy::Blocked(step) => format!("{step} cannot begin"),
    }
}

/// So many differences of a resource are told one by one.
const DIFFERENCES: usize = 6;

/// What differs between two states, both of them where nothing is compared. Escape it before it is shown.
pub(crate) fn differs(was: &State, is: &State) -> String {
    let all = was.difference(is);
    let told = all.iter().take(DIFFERENCES).map(String::as_str).collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(DIFFERENCES) {
        _ if all.is_empty() => format!("was {was}, is {is}"),
        0 => told,
        more => format!("{told}, and {more} more"),
    }
}

/// How a resource differs from what was recorded of it last. Escape it before it is shown.
pub(crate) fn changed(key: &ResourceKey, was: &State, is: &State) -> String {
    format!("{key}: {}", differs(was, is))
}

/// Why an attempt did not succeed.
pub(crate) fn why(why: Why) -> &'static str {
    match why {
        Why::ExitCode => "it ended with an error",
        Why::Precondition => "a precondition does not hold",
        Why::NotStarted => "it did not start; nothing was changed",
        Why::Timeout => "its time was up",
        Why::Unmet => "it ended well, but what it promises is not there",
        Why::Conflict => "someone else changed the same lines",
        Why::LinkLost => "the link was lost",
        Why::Revoked => "a later owner revoked it",
        Why::Partial => "a part of it is done",
    }
}

/// Why a step was passed over.
pub(crate) fn skip(why: &SkipWhy) -> &'static str {
    match why {
        SkipWhy::When => "not needed here",
        SkipWhy::Operator => "passed over by an operator",
        SkipWhy::AlreadyThere => "already as it was",
    }
}

/// The figures of a gate.
pub(crate) fn facts(facts: &BTreeMap<String, String>) -> String {
    let shown = facts.iter().map(|(name, value)| match value.as_str() {
        "" => format!("{name} none"),
        value => format!("{name} {value}"),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// What of a run a rollback takes back, with the run's id.
pub(crate) fn taken_back(scope: &Scope, run: &str) -> String {
    match scope {
        Scope::Run => format!("run {run}"),
        other => format!("{} of run {run}", self::scope(other)),
    }
}

/// What a rollback takes back.
pub(crate) fn scope(scope: &Scope) -> String {
    match scope {
        Scope::Run => "the whole run".to_owned(),
        Scope::Host(host) => format!("host {host}"),
        Scope::Step(step) => format!("step {step}"),
    }
}

/// The keys by which hosts are known, in one line; of many hosts how many they are.
pub(crate) fn host_keys(keys: &BTreeMap<HostName, String>) -> String {
    match keys.len() {
        0..=4 => keys.iter().map(|(host, key)| format!("{host} {key}")).collect::<Vec<_>>().join(", "),
        many => format!("{many} hosts"),
    }
}

/// A person, with whoever they acted as.
pub(crate) fn actor(actor: &Actor) -> String {
    match &actor.sudo_user {
        Some(user) => format!("{user} (as {}) on {}", actor.user, actor.host),
        None => format!("{} on {}", actor.user, actor.host),
    }
}

/// Of a step that a rollback dealt with and did not take back: why not. None if it did.
pub(crate) fn not_taken_back(of: &Step, known: &StepState) -> Option<String> {
    if !known.touched || known.stage != Stage::Compensated {
        return None;
    }
    if leftover::left_unknown(of, known) {
        return Some(Loss::UnknownEffect.words().to_owned());
    }
    let reason = || of.undo_reason.as_deref().map_or_else(String::new, |reason| format!(": {}", escape(reason)));
    (of.class == UndoClass::NoUndo).then(|| format!("nothing takes it back{}", reason()))
}

/// How a step of a run stands, in one line: never that it was taken back if it was not.
pub(crate) fn stands(of: &Step, known: &StepState, driven: Driven) -> String {
    not_taken_back(of, known).unwrap_or_else(|| step(known, driven))
}

/// How a step stands, in one word for programs.
pub(crate) fn stage(of: &Step, known: &StepState) -> &'static str {
    match known.stage == Stage::Compensated && leftover::left_unknown(of, known) {
        true => "unknown-effect",
        false => known.stage.word(),
    }
}

/// An exit status that is worth telling: which it is, and the signal that it stands for.
pub(crate) fn code(why: Option<Why>, code: Option<i32>) -> Option<String> {
    let code = code.filter(|code| *code != 0)?;
    // A shell tells of a death by signal in this way, and so does a program that says so of its child.
    let signal = code.checked_sub(128).filter(|number| (1..=64).contains(number));
    match signal {
        Some(number) => {
            let name = signal_name(number).map(|name| format!(" ({name})")).unwrap_or_default();
            Some(format!("exit {code}, as when killed by signal {number}{name}"))
        }
        None if code < 0 => {
            let name = code.checked_neg().and_then(signal_name).map(|name| format!(" ({name})")).unwrap_or_default();
            Some(format!("killed by signal {}{name}", code.unsigned_abs()))
        }
        None => (why == Some(Why::ExitCode)).then(|| format!("exit {code}")),
    }
}

fn signal_name(number: i32) -> Option<&'static str> {
    Some(match number {
        1 => "HUP",
        2 => "INT",
        3 => "QUIT",
        4 => "ILL",
        5 => "TRAP",
        6 => "ABRT",
        7 => "BUS",
        8 => "FPE",
        9 => "KILL",
        10 => "USR1",
        11 => "SEGV",
        12 => "USR2",
        13 => "PIPE",
        14 => "ALRM",
        15 => "TERM",
        24 => "XCPU",
        25 => "XFSZ",
        31 => "SYS",
        _ => return None,
    })
}

/// Why an attempt did not succeed, with its exit status where it has one.
pub(crate) fn failed(reason: Why, exit: Option<i32>) -> String {
    match code(Some(reason), exit) {
        Some(exit) => format!("{}: {exit}", why(reason)),
        None => why(reason).to_owned(),
    }
}

/// How a step stands, in one line.
pub(crate) fn step(known: &StepState, driven: Driven) -> String {
    match (&known.skipped, known.why, known.stage) {
        (Some(skipped), _, Stage::Skipped) => format!("skipped: {}", skip(skipped)),
        (_, Some(reason), Stage::Failed) => format!("failed: {}", failed(reason, known.code)),
        (_, _, Stage::Intended) if driven == Driven::No => match known.intended {
            Some(since) => format!("in doubt since {}: looked at when the run goes on", moment(since)),
            None => "in doubt: looked at when the run goes on".to_owned(),
        },
        (_, _, Stage::Asking) => "in doubt: nothing but you can decide it".to_owned(),
        (_, _, Stage::Unknown) => "in doubt: looked at when the run goes on".to_owned(),
        (_, _, stage @ Stage::Intended) => match known.heard.words() {
            Some(heard) => format!("{stage}: {} tasks so far, {heard}", known.heard.tasks),
            None => stage.to_string(),
        },
        (_, _, stage) if known.overruled => format!("{stage}: its recorded failure was overruled"),
        (_, _, stage) => stage.to_string(),
    }
}

/// What a playbook told, in a few words; `evidence` is what stands in its body.
pub(crate) fn told(what: &ProgressKind, evidence: Option<&str>) -> String {
    let value: serde_json::Value = evidence.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let text = |name: &str| value[name].as_str().unwrap_or_default();
    match what {
        ProgressKind::Began => format!("ansible {} runs {}", text("ansible"), text("playbook")),
        ProgressKind::Play => format!("play {}", text("name")),
        ProgressKind::Task => format!("task {}", text("name")),
        ProgressKind::Host { host, ended } => {
            let message = value["result"]["msg"].as_str().and_then(|text| text.lines().next()).unwrap_or_default();
            let more = if message.is_empty() { String::new() } else { format!(": {message}") };
            format!("{host} {}{more}", ended.word())
        }
        ProgressKind::Request { verb, key, code, audit } => {
            let came = match code {
                Some(code @ 200..300) => format!("{code}"),
                Some(code) => format!("{code} {}", text("message")),
                None => format!("no answer: {}", text("message")),
            };
            let audit = audit.as_ref().map(|id| format!(" (audit {id})")).unwrap_or_default();
            format!("{verb} {key}: {}{audit}", came.trim())
        }
        ProgressKind::Note => note(&value),
        ProgressKind::Stats { hosts, failed, unreachable } => {
            format!("through: {hosts} hosts, {failed} failed, {unreachable} unreachable")
        }
    }
}

/// What is told in the evidence alone.
fn note(value: &serde_json::Value) -> String {
    let text = |name: &str| value[name].as_str().unwrap_or_default();
    let asked = || {
        let what = [text("kind"), text("name")].join(" ");
        let prompt = text("prompt").lines().next().unwrap_or_default();
        let prompt = if prompt.is_empty() { String::new() } else { format!(" ({prompt})") };
        format!("{}{prompt}", what.trim())
    };
    match text("e") {
        "answered" => format!("answered at the terminal: {}", asked()),
        "question" => format!("asked without an answer: {}", asked()),
        "cleared" => {
            let hosts = value["hosts"].as_array().map_or(&[][..], Vec::as_slice);
            let hosts: Vec<&str> = hosts.iter().filter_map(serde_json::Value::as_str).collect();
            format!("errors cleared on {}", hosts.join(", "))
        }
        "end" => "ended before it told how its hosts fared".to_owned(),
        event => [event, text("host"), text("name")].join(" ").trim_end().to_owned(),
    }
}

/// Whether a note tells of a question, answered or not.
pub(crate) fn is_of_a_question(evidence: &str) -> bool {
    let value: serde_json::Value = serde_json::from_str(evidence).unwrap_or_default();
    matches!(value["e"].as_str(), Some("answered" | "question"))
}

/// What a `service` step does beyond the units that it names, before it does it.
pub(crate) fn along(action: &Action, footprint: &[Footprint], losses: &[Residue]) -> Vec<String> {
    let Action::Service(service) = action else { return Vec::new() };
    let name = |key: &ResourceKey| match key.kind() {
        Some(Kind::Unit(_, unit)) if service.names().all(|name| name != unit) => Some(unit.to_owned()),
        _ => None,
    };
    let others = |evidence: bool| {
        let places = footprint.iter().filter(move |place| (place.fields == Fields::Evidence) == evidence);
        places.filter_map(|place| name(&place.key)).collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    let changed = others(false);
    if !changed.is_empty() {
        all.push(format!("systemd changes along with it: {}", changed.join(", ")));
    }
    let again = others(true);
    if !again.is_empty() {
        all.push(format!("starts it again while it runs: {}; to keep it stopped, stop that too", again.join(", ")));
    }
    all.extend(losses.iter().map(|loss| format!("cannot be taken back: {loss}")));
    all
}

/// Residues by kind of loss, each with what it is about.
pub(crate) fn residues(all: &[Residue]) -> Vec<(String, Vec<String>)> {
    let mut kinds: BTreeMap<Loss, Vec<String>> = BTreeMap::new();
    for residue in all {
        kinds.entry(residue.loss).or_default().push(residue.key.to_string());
    }
    kinds.into_iter().map(|(loss, keys)| (loss.words().to_owned(), keys)).collect()
}
