//! What a playbook told, added up: how each host stands, what was asked, and how Ansible ended.
//!
//! Ansible's own counters only grow: a failure whose host had its errors cleared stays counted. So each host is followed
//! by what is told of it, and its last failure that nothing rescued, ignored or cleared is kept as the cause.

use super::cause::{Cause, Lost};
use palinode_core::record::{HostEnd, ProgressKind};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A playbook that asks more than this is told with the first of it.
const QUESTIONS: usize = 10;

/// How a host fared, in Ansible's own counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Fared {
    pub(super) ok: u64,
    pub(super) failures: u64,
    pub(super) unreachable: u64,
    pub(super) changed: u64,
    pub(super) skipped: u64,
}

/// What was told of a host, task by task.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Followed {
    /// The last failure that was not rescued, ignored or cleared since.
    pub(super) lost: Option<Cause>,
    /// How often it failed without being rescued or ignored; cleared failures count too, as Ansible counts them.
    pub(super) failures: u64,
    /// Tasks that ended there, but for those that were skipped or did not reach it.
    pub(super) ran: u64,
    /// Tasks that did not reach it, which the playbook ignores.
    pub(super) missed: u64,
    /// Whether errors of it were cleared.
    pub(super) cleared: bool,
    /// Jobs that a task left running there (`async`), by their names; those that ended are gone.
    pub(super) jobs: BTreeSet<String>,
}

/// Something that a playbook asked a person, without an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Question {
    /// Which of Ansible's ways to ask.
    pub(super) kind: String,
    /// The variable, or the task.
    pub(super) name: String,
    /// What the person would read.
    pub(super) prompt: String,
    /// The answer that is taken where none is given, if it is no secret.
    pub(super) default: Option<String>,
    /// How Ansible hashes the answer.
    pub(super) encrypt: Option<String>,
    /// Somebody was asked, and did not answer.
    pub(super) refused: bool,
}

/// What Ansible counts as lost in the end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct LostHosts {
    pub(super) failed: BTreeSet<String>,
    pub(super) unreachable: BTreeSet<String>,
}

/// What a playbook told, added up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// The number of the last line.
    pub(super) number: u64,
    /// Whether plays were begun.
    pub(super) began: bool,
    /// Whether a task was announced: nothing is run before.
    pub(super) tasks: bool,
    /// How each host fared: what comes last.
    pub(super) stats: Option<BTreeMap<String, Fared>>,
    /// Those that Ansible counts as lost, told with the counters.
    pub(super) lost: LostHosts,
    /// What was told of each host.
    pub(super) hosts: BTreeMap<String, Followed>,
    /// What it asked without an answer.
    pub(super) questions: Vec<Question>,
    /// Ansible ended by itself before it told how its hosts fared: so many tasks were under way.
    pub(super) ended: Option<u64>,
    /// Whether a play matched no host.
    pub(super) no_hosts: bool,
    /// Lines that were no events.
    pub(super) strange: u64,
}

impl Tally {
    /// Takes a line in; its number and what it means, if it is an event that was not told yet.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Option<(u64, ProgressKind)> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let number = value["n"].as_u64().filter(|number| *number > self.number)?;
        let text = |name: &str| value[name].as_str().unwrap_or_default();
        let what = match value["e"].as_str()? {
            "began" => {
                self.began = true;
                ProgressKind::Began
            }
            "play" => {
                self.began = true;
                // Whatever was counted before was not the end.
                self.stats = None;
                self.lost = LostHosts::default();
                ProgressKind::Play
            }
            "task" => {
                self.tasks = true;
                ProgressKind::Task
            }
            "ok" | "skipped" | "failed" | "unreachable" => {
                let host: String = text("host").chars().take(255).collect();
                let ended = self.follow(&host, &value);
                ProgressKind::Host { host, ended }
            }
            "cleared" => {
                for host in names(&value["hosts"]) {
                    let followed = self.hosts.entry(host).or_default();
                    followed.cleared |= followed.lost.take().is_some();
                }
                ProgressKind::Note
            }
            "question" => {
                if self.questions.len() < QUESTIONS {
                    self.questions.push(Question::read(&value));
                }
                ProgressKind::Note
            }
            "end" => {
                self.ended = value["pending"].as_u64();
                ProgressKind::Note
            }
            "no-hosts-matched" => {
                self.no_hosts = true;
                ProgressKind::Note
            }
            "stats" => self.count(&value)?,
            _ => ProgressKind::Note,
        };
        self.number = number;
        Some((number, what))
    }

    /// What became of a task on a host.
    fn follow(&mut self, host: &str, value: &Value) -> HostEnd {
        // An older plugin told results and no tasks; a result is of a task all the same.
        self.tasks = true;
        let followed = self.hosts.entry(host.to_owned()).or_default();
        let flag = |name: &str| value[name].as_bool().unwrap_or_default();
        let (event, ignored) = (value["e"].as_str().unwrap_or_default(), flag("ignored"));
        match (event, ignored) {
            ("skipped", _) => return HostEnd::Skipped,
            ("unreachable", true) => {
                followed.missed += 1;
                return HostEnd::Ignored;
            }
            ("unreachable", false) => {
                followed.lost = Some(Cause::read(Lost::Unreachable, value));
                return HostEnd::Unreachable;
            }
            _ => {}
        }
        followed.ran += 1;
        // It is there again, so its error was cleared.
        if followed.lost.as_ref().is_some_and(|cause| cause.lost == Lost::Unreachable) {
            followed.lost = None;
            followed.cleared = true;
        }
        match event {
            "failed" if ignored => HostEnd::Ignored,
            "failed" => {
                if !flag("rescued") {
                    followed.failures += 1;
                    followed.lost = Some(Cause::read(Lost::Failed, value));
                }
                HostEnd::Failed
            }
            _ => {
                let result = &value["result"];
                let items = result["results"].as_array().map_or(&[][..], Vec::as_slice);
                for one in std::iter::once(result).chain(items) {
                    followed.job(one);
                }
                if flag("changed") { HostEnd::Changed } else { HostEnd::Ok }
            }
        }
    }

    /// Ansible's counters.
    fn count(&mut self, value: &Value) -> Option<ProgressKind> {
        let mut all = BTreeMap::new();
        for (name, counts) in value["hosts"].as_object()? {
            let count = |what: &str| counts[what].as_u64().unwrap_or_default();
            let fared = Fared {
                ok: count("ok"),
                failures: count("failures"),
                unreachable: count("unreachable"),
                changed: count("changed"),
                skipped: count("skipped"),
            };
            all.insert(name.clone(), fared);
        }
        self.lost =
            LostHosts { failed: names(&value["failed"]).collect(), unreachable: names(&value["dark"]).collect() };
        let some = |which: fn(&Fared) -> u64| all.values().filter(|fared| which(fared) > 0).count() as u64;
        let told = ProgressKind::Stats {
            hosts: all.len() as u64,
            failed: some(|fared| fared.failures),
            unreachable: some(|fared| fared.unreachable),
        };
        self.stats = Some(all);
        Some(told)
    }
}

impl Followed {
    /// A result that names a job of its own, begun or ended.
    fn job(&mut self, result: &Value) {
        let Some(name) = result["ansible_job_id"].as_str() else { return };
        let set = |name: &str| match &result[name] {
            Value::Bool(set) => *set,
            other => other.as_u64().is_some_and(|set| set > 0),
        };
        if set("finished") {
            self.jobs.remove(name);
        } else if set("started") {
            self.jobs.insert(name.to_owned());
        }
    }
}

impl Question {
    fn read(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().map(|text| text.chars().take(200).collect::<String>());
        Self {
            kind: text("kind").unwrap_or_default(),
            name: text("name").unwrap_or_default(),
            prompt: text("prompt").unwrap_or_default(),
            default: text("default"),
            encrypt: text("encrypt"),
            refused: value["refused"].as_bool().unwrap_or_default(),
        }
    }
}

/// The texts of a list.
fn names(value: &Value) -> impl Iterator<Item = String> {
    let all = value.as_array().map_or(&[][..], Vec::as_slice);
    all.iter().filter_map(|one| one.as_str().map(str::to_owned))
}
