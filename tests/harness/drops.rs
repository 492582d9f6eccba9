//! The drop matrix: an action, a moment of its job, and what strikes then. The machine itself counts (see [`crate::instrumented_host`]),
//! never Palinode's own word.

use crate::binary::{Desk, Live, Out};
use crate::hosts::Hosts;
use crate::instrumented_host::{Gate, InstrumentedHost};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Duration;

/// The link is gone so long that ssh gives the connection up.
const GONE: Duration = Duration::from_secs(22);

/// So long is sshd away.
const AWAY: Duration = Duration::from_secs(10);

/// So long has Palinode to find the job again before the job goes on.
const SOON: Duration = Duration::from_millis(1500);

/// What strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Nothing passes, and nobody is told.
    Link,
    /// Every session of the host's sshd is killed.
    Sessions,
    /// The same, and for ten seconds there is no sshd.
    Listener,
    /// Palinode is killed; `resume` goes on.
    Killed,
    /// The host reboots in good order.
    Reboot,
    /// Its power is gone, and what its disk does not hold.
    Power,
    /// The same, and its disk did not keep the job's folder, but what the job did.
    Claim,
}

/// When it strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// The host was asked, and has not claimed the job yet.
    Before,
    /// The job runs, its effect is about to happen.
    Running,
    /// The effect happened, the job still runs.
    Worked,
    /// The job ended well, and nobody was told.
    Ended,
}

/// What a machine has to have noted in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effects {
    /// Each watched call once.
    Once,
    /// Nothing changes: once, or once more for every look that was cut short.
    Reads,
    /// One reboot at most, and no boot beside it but those of the fault.
    Reboot,
}

/// An action as the matrix tries it.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its name in the table.
    pub name: &'static str,
    /// The step of a runbook.
    pub step: &'static str,
    /// Whether it is the rollback of that step which is tried.
    pub back: bool,
    /// Shell that makes the host as it is before.
    pub before: &'static str,
    /// The calls that are its effect, as patterns of the shell; the first is stopped at. None: it does nothing.
    pub calls: &'static [&'static str],
    /// What the host has to note.
    pub effects: Effects,
    /// Shell that works when it is done.
    pub done: &'static str,
    /// What its whole output ends with.
    pub told: &'static str,
    /// Whether its effect has little time: then it is stopped at its end only.
    pub brief: bool,
    /// Whether nothing but the job's own word tells whether it happened.
    pub blind: bool,
}

/// One trial.
#[derive(Debug, Clone, Copy)]
pub struct Cell {
    /// What is done.
    pub kind: &'static Kind,
    /// What strikes.
    pub fault: Fault,
    /// When.
    pub moment: Moment,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {:?} / {:?}", self.kind.name, self.fault, self.moment)
    }
}

impl Cell {
    /// Whether there is such a moment, and something that the fault can strike at it.
    pub fn is_there(&self) -> bool {
        match (self.moment, self.fault) {
            (Moment::Before, Fault::Claim) => false,
            // A host that reboots takes the job's last moment along.
            (Moment::Worked, _) if self.kind.effects == Effects::Reboot => false,
            (Moment::Worked, _) => self.stops(),
            _ => true,
        }
    }

    /// Whether it can be stopped before its effect. What does nothing has only its end to be stopped at.
    fn stops(&self) -> bool {
        !self.kind.calls.is_empty() && !self.kind.brief
    }

    fn gate(&self) -> Gate {
        match self.moment {
            Moment::Before => Gate::Claim,
            Moment::Running if self.stops() => Gate::Effect,
            _ => Gate::End,
        }
    }

    fn boots(&self) -> bool {
        matches!(self.fault, Fault::Reboot | Fault::Power | Fault::Claim)
    }
}

/// What became of it.
#[derive(Debug, Clone)]
pub struct Row {
    cell: Cell,
    effects: usize,
    boots: usize,
    attempts: usize,
    state: String,
    by: String,
    wrong: Option<String>,
}

/// Tries cells on machines of a set, side by side.
pub fn run(hosts: &Hosts, names: &[&str], cells: Vec<Cell>) -> Vec<Row> {
    let left = Mutex::new(VecDeque::from_iter(cells));
    let rows = Mutex::new(Vec::new());
    let next = || left.lock().expect("nobody panics with it").pop_front();
    std::thread::scope(|scope| {
        for name in names {
            scope.spawn(|| {
                let machine = InstrumentedHost::new(hosts, name);
                while let Some(cell) = next() {
                    let mut row = Row {
                        cell,
                        effects: 0,
                        boots: 0,
                        attempts: 0,
                        state: "-".to_owned(),
                        by: String::new(),
                        wrong: None,
                    };
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| Trial::new(machine, cell).run(&mut row))) {
                        let words = panic.downcast_ref::<String>().map(String::as_str);
                        let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
                        row.wrong = Some(words.unwrap_or("it panicked").to_owned());
                        anew(machine);
                    }
                    rows.lock().expect("nobody panics with it").push(row);
                }
            });
        }
    });
    let mut rows = rows.into_inner().expect("nobody panics with it");
    rows.sort_by_key(|row| (row.cell.kind.name, row.cell.moment, row.cell.fault));
    rows
}

/// After a trial that went wrong, nothing of it goes on.
fn anew(machine: InstrumentedHost<'_>) {
    machine.hosts.power_off(machine.name);
    machine.hosts.refuse(machine.name, false);
    machine.hosts.mend_link(machine.name);
    machine.hosts.power_on(machine.name);
}

/// A desk with a runbook of one step for one machine.
struct Trial<'a> {
    desk: Desk,
    machine: InstrumentedHost<'a>,
    cell: Cell,
}

impl<'a> Trial<'a> {
    fn new(machine: InstrumentedHost<'a>, cell: Cell) -> Self {
        let desk = Desk::new();
        desk.write("hosts", format!("[glusterfs]\n{}\n", machine.name));
        desk.write(
            "book.yml",
            format!("runbook: drop\nhosts: {{ group: glusterfs }}\neach_host:\n  - step: {}\n", cell.kind.step),
        );
        Self { desk, machine, cell }
    }

    fn args<'b>(&'b self, args: &[&'b str]) -> Vec<&'b str> {
        let config = self.machine.hosts.config().to_str().expect("a path in UTF-8");
        [&["--ssh-config", config], args].concat()
    }

    fn spawn(&self, args: &[&str]) -> Live {
        self.desk.spawn(&self.args(args))
    }

    fn resume(&self) -> Live {
        self.spawn(&["resume"])
    }

    fn run(&self, row: &mut Row) {
        let (machine, kind) = (self.machine, self.cell.kind);
        machine.rest();
        machine.inside(&format!("set -e; rm -rf /var/lib/palinode/claim; {}; sync -f /", kind.before)).exits(0);
        let forward = ["run", "./book.yml", "-i", "hosts", "--yes"];
        if kind.back {
            self.spawn(&forward).end().exits(0);
        }
        let held = kind.effects == Effects::Reboot && self.cell.moment == Moment::Ended;
        machine.watch(kind.calls, (!held).then(|| self.cell.gate()));
        if held {
            machine.hosts.hold(machine.name);
        }
        let live = self.spawn(if kind.back { &["rollback", "--yes"] } else { &forward });
        let mut out = if held {
            machine.is_down();
            self.strike_down(live)
        } else {
            machine.reached(self.cell.gate());
            match self.cell.moment {
                Moment::Before => self.strike_before(live),
                Moment::Running | Moment::Worked => self.strike_running(live),
                Moment::Ended => self.strike_ended(live),
            }
        };
        row.effects = machine.noted().len();
        if out.code == Some(4) {
            // Whoever is asked looks at what the host noted.
            let answer = if row.effects == 0 { "--not-applied" } else { "--applied" };
            let step = format!("{}/step", machine.name);
            self.desk.run(&["resolve", &step, answer, "--reason", "the host's own count"]).exits(0);
            out = self.resume().end();
        }
        self.judge(row, &out);
        out.exits(0);
        if let Some(why) = self.wrong(row) {
            row.wrong = Some(why);
        }
    }

    /// What stood at the gate belongs to nobody any more, and goes on after all is done.
    fn strike_before(&self, live: Live) -> Out {
        let out = match self.cell.fault {
            Fault::Killed => {
                live.kill();
                self.resume().end()
            }
            fault => {
                self.strike(fault);
                live.end()
            }
        };
        // A boot in between ended it.
        if self.machine.inside("[ -d /run/rig/claim.reached ]").code == Some(0) {
            self.machine.pass(Gate::Claim);
            std::thread::sleep(Duration::from_millis(500));
        }
        out
    }

    fn strike_running(&self, live: Live) -> Out {
        let live = match self.cell.fault {
            Fault::Killed => {
                live.kill();
                self.resume()
            }
            fault => {
                self.strike(fault);
                live
            }
        };
        if !self.cell.boots() {
            std::thread::sleep(SOON);
            self.machine.open(self.cell.gate());
        }
        live.end()
    }

    /// The job ends where nobody hears of it.
    fn strike_ended(&self, live: Live) -> Out {
        let (machine, hosts, name) = (self.machine, self.machine.hosts, self.machine.name);
        match self.cell.fault {
            Fault::Killed => {
                live.kill();
                machine.pass(Gate::End);
                return self.resume().end();
            }
            Fault::Link => {
                hosts.cut_link(name);
                machine.pass(Gate::End);
                std::thread::sleep(GONE);
                hosts.mend_link(name);
            }
            Fault::Sessions => {
                hosts.refuse(name, true);
                hosts.kill_sessions(name);
                machine.pass(Gate::End);
                hosts.refuse(name, false);
            }
            Fault::Listener => {
                hosts.stop_sshd(name);
                hosts.kill_sessions(name);
                machine.pass(Gate::End);
                std::thread::sleep(AWAY);
                hosts.start_sshd(name);
            }
            fault => {
                hosts.cut_link(name);
                machine.pass(Gate::End);
                self.strike(fault);
                hosts.mend_link(name);
            }
        }
        live.end()
    }

    /// The host is on its way into its next boot.
    fn strike_down(&self, live: Live) -> Out {
        let (hosts, name) = (self.machine.hosts, self.machine.name);
        match self.cell.fault {
            Fault::Killed => {
                live.kill();
                hosts.release(name);
                return self.resume().end();
            }
            Fault::Link => {
                hosts.cut_link(name);
                hosts.release(name);
                std::thread::sleep(GONE);
                hosts.mend_link(name);
            }
            Fault::Power => {
                hosts.power_off(name);
                hosts.power_on(name);
            }
            Fault::Claim => {
                hosts.power_off(name);
                hosts.cut_link(name);
                hosts.power_on(name);
                self.forget();
                hosts.mend_link(name);
            }
            fault => {
                hosts.release(name);
                self.strike(fault);
            }
        }
        live.end()
    }

    fn strike(&self, fault: Fault) {
        let (hosts, name) = (self.machine.hosts, self.machine.name);
        match fault {
            Fault::Link => {
                hosts.cut_link(name);
                std::thread::sleep(GONE);
                hosts.mend_link(name);
            }
            Fault::Sessions => hosts.kill_sessions(name),
            Fault::Listener => {
                hosts.stop_sshd(name);
                hosts.kill_sessions(name);
                std::thread::sleep(AWAY);
                hosts.start_sshd(name);
            }
            Fault::Killed => unreachable!("that is no matter of the host"),
            Fault::Reboot => hosts.reboot(name),
            Fault::Power => {
                hosts.power_off(name);
                hosts.power_on(name);
            }
            Fault::Claim => {
                hosts.cut_link(name);
                hosts.power_off(name);
                hosts.power_on(name);
                self.forget();
                hosts.mend_link(name);
            }
        }
    }

    /// The jobs' folders go, as with a disk that did not hold them.
    fn forget(&self) {
        self.machine.inside("rm -rf /var/lib/palinode/jobs/*").exits(0);
    }

    /// What host and journal have in the end.
    fn judge(&self, row: &mut Row, out: &Out) {
        row.effects = self.machine.noted().len();
        row.boots = self.machine.boots();
        row.state = self.desk.json(&["status"])["state"].as_str().unwrap_or("?").to_owned();
        let events = self.events();
        row.attempts = events.iter().filter(|event| event["Intent"].is_object()).count();
        let by: Vec<String> = events.iter().filter_map(decided).collect();
        row.by = by.join(", ");
        if out.code != Some(0) {
            row.state = format!("{} (exit {:?})", row.state, out.code);
        }
    }

    fn events(&self) -> Vec<Value> {
        let log = self.desk.json(&["log", "@"]);
        log.as_array().expect("a list").iter().map(|item| item["entry"]["event"].clone()).collect()
    }

    /// What is not as promised.
    fn wrong(&self, row: &Row) -> Option<String> {
        let Cell { kind, fault, moment } = self.cell;
        let noted = self.machine.noted();
        let mut different = noted.clone();
        different.sort();
        different.dedup();
        let own = usize::from(matches!(fault, Fault::Reboot | Fault::Power | Fault::Claim));
        match kind.effects {
            Effects::Once if different.len() != kind.calls.len() || noted.len() != kind.calls.len() => {
                return Some(format!("not each once: {noted:?}"));
            }
            Effects::Reads if noted.len() > row.attempts || (noted.is_empty() && !kind.calls.is_empty()) => {
                return Some(format!("{} attempts read: {noted:?}", row.attempts));
            }
            Effects::Reboot if noted.len() > 1 || row.boots == 0 || row.boots > noted.len() + own => {
                return Some(format!("{} boots: {noted:?}", row.boots));
            }
            _ => {}
        }
        // Nothing is assumed: every attempt beyond the first follows from a look that was recorded.
        let events = self.events();
        let again = events.iter().filter(|event| event["Probed"]["decision"] == "again").count();
        let answered = events.iter().filter(|event| event["Resolved"]["answer"] == "not-applied").count();
        if row.attempts != 1 + again + answered {
            return Some(format!("{} attempts after {again} looks and {answered} answers", row.attempts));
        }
        let asked = events.iter().any(|event| event["Probed"]["decision"] == "ask");
        let blind = kind.blind
            && own == 1
            && match moment {
                Moment::Before | Moment::Running | Moment::Worked => true,
                Moment::Ended => fault == Fault::Claim,
            };
        // Whether the disk kept the job's last word is chance.
        let chance = moment == Moment::Ended && fault == Fault::Power;
        if asked != blind && !chance {
            return Some(format!("a person was asked: {asked}, nothing else could tell: {blind}"));
        }
        if self.machine.inside(kind.done).code != Some(0) {
            return Some(format!("it is not done: {}", self.machine.inside(kind.done)));
        }
        // The output is whole, if the job's own word was heard in the end.
        let last = events.iter().rev().find(|event| event["Probed"].is_object() || event["Outcome"].is_object());
        let heard = last.is_some_and(|event| {
            event["Outcome"]["ending"] == "succeeded" || event["Probed"]["job"] == "finished-well"
        });
        if moment == Moment::Ended && fault != Fault::Claim && !chance && !heard {
            return Some("the job ended, and its word was not heard".to_owned());
        }
        let step = events.iter().find_map(|event| event["Intent"]["step"].as_str()).unwrap_or_default();
        let shown = self.desk.run(&["show", step]).exits(0).stdout;
        if heard && !shown.contains(kind.told) {
            return Some(format!("its output is not whole: {shown}"));
        }
        self.desk.run(&["verify"]).exits(0);
        self.desk.run(&["replay", "--strict"]).exits(0);
        None
    }
}

/// What decided, in a word or two.
fn decided(event: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    if let Some(probed) = event.get("Probed") {
        let by = match probed["rule"].as_str() {
            Some("job") => format!("job {}", text(&probed["job"])),
            Some(rule) => format!("{rule} {}", text(&probed["verdict"])),
            None => "?".to_owned(),
        };
        return Some(format!("{by}: {}", text(&probed["decision"])));
    }
    if let Some(resolved) = event.get("Resolved") {
        return Some(format!("person: {}", text(&resolved["answer"])));
    }
    let outcome = event.get("Outcome")?;
    (outcome["ending"] != "unknown").then(|| format!("answer: {}", text(&outcome["ending"])))
}

/// The table, with its sums; and what went wrong.
pub fn table(rows: &[Row]) -> (String, Vec<String>) {
    let mut text = format!(
        "{:<22} {:<9} {:<8} {:>7} {:>5} {:>8}  {:<12} {}\n",
        "action", "fault", "moment", "effects", "boots", "attempts", "state", "decided by"
    );
    let mut sums: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        let _ = writeln!(
            text,
            "{:<22} {:<9} {:<8} {:>7} {:>5} {:>8}  {:<12} {}{}",
            row.cell.kind.name,
            format!("{:?}", row.cell.fault).to_lowercase(),
            format!("{:?}", row.cell.moment).to_lowercase(),
            row.effects,
            row.boots,
            row.attempts,
            row.state,
            row.by,
            if row.wrong.is_some() { "  WRONG" } else { "" }
        );
        for by in row.by.split(", ") {
            *sums.entry(by).or_default() += 1;
        }
    }
    let wrong: Vec<String> =
        rows.iter().filter_map(|row| Some(format!("{}: {}", row.cell, row.wrong.as_ref()?))).collect();
    let _ = writeln!(text, "\n{} trials, {} wrong; decided by", rows.len(), wrong.len());
    for (by, count) in sums {
        let _ = writeln!(text, "{count:>5}  {by}");
    }
    (text, wrong)
}
