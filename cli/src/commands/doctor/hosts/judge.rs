//! What a host's facts mean for a run.

use super::super::judge::Level;
use super::super::row::{Look, Row};
use super::super::words::size;
use crate::render::{count, hints, span};
use palinode_core::id::{HostName, Micros};
use palinode_executors::{Checkup, Clock, Tool};

/// What is looked at, in the order in which it is told.
pub(crate) const ABOUT: [&str; 9] =
    ["reached", "host key", "privileges", "systemd", "packages", "package lock", "space", "clock", "claim and jobs"];

/// Room for a few jobs and an archive.
const LITTLE: u64 = 1 << 30;
/// Not even room for a job's output.
const NONE: u64 = 32 << 20;
/// A job takes some files.
const FEW_FILES: u64 = 1000;
/// What tools tolerate, and people overlook.
const OFF: i64 = 5_000_000;
/// The systemd of RHEL 7.
const OLDEST: u32 = 219;

/// The lines about one host. `own`: the name of the journal here.
pub(crate) fn judge(host: &HostName, look: &Look<Checkup>, own: Option<&str>) -> Vec<Row> {
    let row = |about, level, what: String, next: Option<String>| Row { about, level, what, next };
    let found = match look {
        Look::Unreached(why) => {
            let next = format!("see that `ssh {host} true` works from here, without a question");
            return vec![row("reached", Level::Broken, why.clone(), Some(next))];
        }
        Look::Refused(why) => {
            let next = format!("see that `ssh {host} sudo -n id -u` prints 0");
            let reached = row("reached", Level::Good, "yes".to_owned(), None);
            return vec![reached, row("privileges", Level::Broken, why.clone(), Some(next))];
        }
        Look::Seen(found) => found,
    };
    let (good, note, broken) = (Level::Good, Level::Note, Level::Broken);
    let mut rows =
        vec![row("reached", good, if found.os.is_empty() { "yes".to_owned() } else { found.os.clone() }, None)];
    rows.push(match &found.host_key {
        Some(key) => row("host key", good, format!("{key}, as known_hosts has it"), None),
        None => {
            let what = "checked, but this ssh does not tell which it was (8.5 or later does)";
            row("host key", note, what.to_owned(), None)
        }
    });
    rows.push(match found.login.as_str() {
        "root" => row("privileges", good, "logs in as root".to_owned(), None),
        login => row("privileges", good, format!("logs in as {login}, who may sudo without a password"), None),
    });
    rows.push(systemd(host, found));
    let tools: Vec<&(Tool, String)> = found.tools.iter().filter(|(tool, _)| *tool != Tool::Rpm).collect();
    let named: Vec<String> =
        found.tools.iter().map(|(tool, version)| format!("{} {version}", name(*tool)).trim().to_owned()).collect();
    rows.push(match tools.as_slice() {
        [] => {
            let next = "leave package steps out for this host".to_owned();
            row("packages", note, "neither yum nor dnf: packages cannot be changed".to_owned(), Some(next))
        }
        _ => row("packages", good, named.join(", "), None),
    });
    rows.push(match found.locks.first() {
        None => row("package lock", good, "nobody holds it".to_owned(), None),
        Some(lock) => {
            let what = format!("{} is held by process {} ({})", lock.file, lock.pid, lock.command.trim());
            let next = format!("wait until it ends: package steps fail meanwhile; `ssh {host} ps -fp {}`", lock.pid);
            row("package lock", broken, what, Some(next))
        }
    });
    rows.push(space(host, found));
    rows.push(clock(host, found.clock));
    rows.push(claim(found, own));
    rows
}

fn name(tool: Tool) -> &'static str {
    match tool {
        Tool::Yum => "yum",
        Tool::Dnf => "dnf",
        Tool::Rpm => "rpm",
    }
}

fn systemd(host: &HostName, found: &Checkup) -> Row {
    let (level, what, next) = match (found.systemd, found.state.as_str()) {
        (None, _) => {
            (Level::Note, "none: jobs run in a session of their own, and services cannot be changed".to_owned(), None)
        }
        (Some(version), _) if version < OLDEST => {
            (Level::Note, format!("{version}, which is older than what was tried ({OLDEST})"), None)
        }
        (Some(version), "running") => (Level::Good, version.to_string(), None),
        (Some(version), "degraded") => {
            let next = format!("`ssh {host} systemctl --failed` names the units");
            (Level::Note, format!("{version}, degraded: units have failed"), Some(next))
        }
        (Some(version), state) => {
            let next = Some("wait until it has settled".to_owned());
            (Level::Note, format!("{version}, which says `{state}`"), next)
        }
    };
    Row { about: "systemd", level, what, next }
}

fn space(host: &HostName, found: &Checkup) -> Row {
    let row = |level, what: String, next: Option<String>| Row { about: "space", level, what, next };
    let make = Some(format!("make room in /var/lib/palinode of {host}, where jobs and what they keep are"));
    if found.read_only {
        let next = format!("`ssh {host} dmesg | tail` may tell why; mount it for writing");
        return row(
            Level::Broken,
            "/var/lib/palinode cannot be written: its file system is read-only".to_owned(),
            Some(next),
        );
    }
    let Some(room) = found.room else {
        return row(Level::Note, "unknown: the host does not tell".to_owned(), None);
    };
    let files = room.files.map(|files| format!(", {files} inodes")).unwrap_or_default();
    let what = format!("{}{files} free in /var/lib/palinode", size(room.bytes));
    let level = match (room.bytes, room.files.unwrap_or(u64::MAX)) {
        (0..NONE, _) | (_, 0..100) => Level::Broken,
        (NONE..LITTLE, _) | (_, 100..FEW_FILES) => Level::Note,
        _ => Level::Good,
    };
    row(level, what, make.filter(|_| level != Level::Good))
}

fn clock(host: &HostName, clock: Option<Clock>) -> Row {
    let row = |level, what: String, next: Option<String>| Row { about: "clock", level, what, next };
    let Some(clock) = clock else {
        return row(Level::Note, "unknown: the host does not tell".to_owned(), None);
    };
    let off = Micros(clock.ahead.saturating_abs());
    let side = if clock.ahead < 0 { "behind" } else { "ahead" };
    let figure = format!("{} {side} of this machine (\u{b1} {})", span(off), span(Micros(clock.error)));
    if off.0.saturating_sub(clock.error) <= OFF {
        return row(Level::Good, figure, None);
    }
    let what = format!(
        "{figure}: certificates may count as expired or not yet valid there, repositories' metadata as stale, and its \
         log does not fit the journal's times"
    );
    row(
        Level::Note,
        what,
        Some(format!("`ssh {host} chronyc tracking`, and here `chronyc tracking`: one of the two is wrong")),
    )
}

fn claim(found: &Checkup, own: Option<&str>) -> Row {
    let jobs = found.jobs;
    let mut told = match jobs.all {
        0 => "no jobs".to_owned(),
        all => format!(
            "{} of earlier runs, which go after a month",
            count(usize::try_from(all).unwrap_or(usize::MAX), "job")
        ),
    };
    if jobs.cut > 0 {
        told.push_str(&format!("; {} cut short", jobs.cut));
    }
    let (mut level, mut next) = (Level::Good, None);
    if jobs.running > 0 {
        told.push_str(&format!("; {} at work now", jobs.running));
        level = Level::Note;
        next = Some("`palinode status` where it was begun tells what it is".to_owned());
    }
    let what = match &found.claim {
        None => format!("nobody claims it; {told}"),
        Some((journal, who)) if own == Some(journal) => {
            level = level.min(Level::Note);
            next = next.or_else(|| Some(format!("type `{}`", hints::command("runs --open"))));
            format!("claimed by the journal here: {who}; {told}")
        }
        Some((_, who)) => {
            level = Level::Broken;
            next = Some(
                "wait until that run is closed, or if nobody works on it any more, run with --take-over".to_owned(),
            );
            format!("claimed by another journal: {who}; {told}")
        }
    };
    Row { about: "claim and jobs", level, what, next }
}

#[cfg(test)]
mod tests {
    use super::*;
    use palinode_executors::{Jobs, Lock, Room};

    fn sound() -> Checkup {
        Checkup {
            host_key: Some("ssh-ed25519 SHA256:x".to_owned()),
            login: "root".to_owned(),
            os: "CentOS Linux 7 (Core)".to_owned(),
            systemd: Some(219),
            state: "running".to_owned(),
            tools: vec![(Tool::Yum, "3.4.3".to_owned())],
            room: Some(Room { bytes: 9 << 30, files: Some(1_000_000) }),
            clock: Some(Clock { ahead: 3000, error: 2000 }),
            ..Checkup::default()
        }
    }

    #[test]
    fn every_fact_is_weighed() {
        let host = HostName::new("h").expect("a host name");
        let judged = |found: Checkup| judge(&host, &Look::Seen(Box::new(found)), Some("own"));
        assert!(
            judged(sound()).iter().all(|row| row.level == Level::Good && row.next.is_none()),
            "{:#?}",
            judged(sound())
        );
        assert_eq!(judged(sound()).iter().map(|row| row.about).collect::<Vec<_>>(), ABOUT);
        let lock = Lock { pid: 7, file: "/var/run/yum.pid".to_owned(), command: "yum update".to_owned() };
        let claim = |journal: &str| Some((journal.to_owned(), "run 1 of root".to_owned()));
        type Change<'a> = &'a dyn Fn(&mut Checkup);
        let table: [(Change<'_>, &str, Level, &str); 17] = [
            (&|found| found.host_key = None, "host key", Level::Note, "does not tell"),
            (&|found| found.login = "ops".to_owned(), "privileges", Level::Good, "as ops, who may sudo"),
            (&|found| found.systemd = None, "systemd", Level::Note, "none"),
            (&|found| found.systemd = Some(208), "systemd", Level::Note, "older"),
            (&|found| found.state = "degraded".to_owned(), "systemd", Level::Note, "units have failed"),
            (&|found| found.tools = vec![(Tool::Rpm, "4".to_owned())], "packages", Level::Note, "neither"),
            (&|found| found.locks.push(lock.clone()), "package lock", Level::Broken, "process 7 (yum update)"),
            (&|found| found.read_only = true, "space", Level::Broken, "read-only"),
            (&|found| found.room = Some(Room { bytes: 1 << 20, files: None }), "space", Level::Broken, "1.0 MiB free"),
            (&|found| found.room = Some(Room { bytes: 99 << 20, files: None }), "space", Level::Note, "99.0 MiB"),
            (&|found| found.room = Some(Room { bytes: 9 << 30, files: Some(9) }), "space", Level::Broken, "9 inodes"),
            (
                &|found| found.clock = Some(Clock { ahead: -86_400_000_000, error: 9 }),
                "clock",
                Level::Note,
                "24h 00m behind",
            ),
            (
                &|found| found.clock = Some(Clock { ahead: 7_000_000, error: 6_000_000 }),
                "clock",
                Level::Good,
                "7s ahead",
            ),
            (&|found| found.clock = Some(Clock { ahead: i64::MIN, error: 0 }), "clock", Level::Note, "behind"),
            (&|found| found.claim = claim("own"), "claim and jobs", Level::Note, "by the journal here: run 1"),
            (&|found| found.claim = claim("x"), "claim and jobs", Level::Broken, "by another journal: run 1"),
            (
                &|found| found.jobs = Jobs { all: 3, running: 1, cut: 1 },
                "claim and jobs",
                Level::Note,
                "1 cut short; 1 at work",
            ),
        ];
        for (change, about, level, words) in table {
            let mut found = sound();
            change(&mut found);
            let rows = judged(found);
            let row = rows.iter().find(|row| row.about == about).expect("it is told");
            assert!(row.level == level && row.what.contains(words), "{words}: {row:?}");
            assert!(rows.iter().all(|row| row.about == about || row.level == Level::Good), "{words}: {rows:#?}");
        }
        let unreached = judge(&host, &Look::Unreached("no connection".to_owned()), None);
        assert_eq!((unreached.len(), unreached[0].level), (1, Level::Broken));
    }
}
