//! How it is told.

use super::super::judge::Level;
use super::super::row::{Look, Row};
use super::super::words::wrap;
use super::found::Found;
use super::judge::ABOUT;
use crate::render::{count, escape, some};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What was found, for people: what hosts have in common stands in one line.
pub(crate) fn text(found: &[Found]) -> String {
    let names: Vec<&str> = found.iter().map(|found| found.host.as_str()).collect();
    let mut out = match names.as_slice() {
        [one] => format!("{one}\n\n"),
        many => format!("{}: {}\n\n", count(many.len(), "host"), some(many, 12)),
    };
    for about in ABOUT {
        let mut lines: Vec<(&Row, Vec<&str>)> = Vec::new();
        for host in found {
            for row in host.rows.iter().filter(|row| row.about == about) {
                match lines.iter_mut().find(|(known, _)| *known == row) {
                    Some((_, hosts)) => hosts.push(host.host.as_str()),
                    None => lines.push((row, vec![host.host.as_str()])),
                }
            }
        }
        for (row, hosts) in lines {
            let mark = match row.level {
                Level::Broken => "BROKEN",
                Level::Note => "note",
                Level::Good => "good",
            };
            let whose = match hosts.len() {
                _ if found.len() == 1 => String::new(),
                all if all == found.len() => format!("all {all}: "),
                _ => format!("{}: ", some(&hosts, 4)),
            };
            out.push_str(&wrap(&format!("  {mark:<7} {about:<15} "), &format!("{whose}{}", escape(&row.what))));
            if let Some(next) = &row.next {
                out.push_str(&wrap(&format!("{:25} -> ", ""), next));
            }
        }
    }
    out.push('\n');
    let lost: Vec<&str> = of(found, |found| matches!(found.look, Look::Unreached(_)));
    let bad: Vec<&str> = of(found, |found| {
        !matches!(found.look, Look::Unreached(_)) && found.rows.iter().any(|row| row.level == Level::Broken)
    });
    if !lost.is_empty() {
        let _ = writeln!(out, "could not be looked at: {}", some(&lost, 12));
    }
    if !bad.is_empty() {
        let _ = writeln!(out, "a run would not work on {}", some(&bad, 12));
    }
    if lost.is_empty() && bad.is_empty() {
        out.push_str("well: nothing that was looked at keeps a run from working\n");
    }
    out
}

fn of(found: &[Found], is: impl Fn(&Found) -> bool) -> Vec<&str> {
    found.iter().filter(|found| is(found)).map(|found| found.host.as_str()).collect()
}

/// The same as data.
pub(crate) fn as_json(found: &[Found]) -> Value {
    let hosts: Vec<Value> = found.iter().map(host).collect();
    json!({
        "well": found.iter().all(|found| found.rows.iter().all(|row| row.level != Level::Broken)),
        "hosts": hosts,
    })
}

fn host(found: &Found) -> Value {
    let facts = match &found.look {
        Look::Unreached(_) | Look::Refused(_) => Value::Null,
        Look::Seen(seen) => json!({
            "host_key": seen.host_key,
            "login": seen.login,
            "os": seen.os,
            "systemd": seen.systemd,
            "state": seen.state,
            "tools": seen.tools.iter().map(|(tool, version)| {
                json!({ "name": format!("{tool:?}").to_lowercase(), "version": version })
            }).collect::<Vec<_>>(),
            "locks": seen.locks.iter().map(|lock| {
                json!({ "file": lock.file, "pid": lock.pid, "command": lock.command })
            }).collect::<Vec<_>>(),
            "room": seen.room.map(|room| json!({ "bytes": room.bytes, "files": room.files })),
            "read_only": seen.read_only,
            "claim": seen.claim.as_ref().map(|(journal, who)| json!({ "journal": journal, "who": who })),
            "jobs": { "all": seen.jobs.all, "running": seen.jobs.running, "cut": seen.jobs.cut },
            "clock_us": seen.clock.map(|clock| json!({ "ahead": clock.ahead, "error": clock.error })),
        }),
    };
    json!({
        "host": found.host,
        "reached": !matches!(found.look, Look::Unreached(_)),
        "facts": facts,
        "findings": found.rows.iter().map(|row| json!({
            "about": row.about,
            "level": match row.level { Level::Broken => "broken", Level::Note => "note", Level::Good => "good" },
            "what": row.what,
            "next": row.next,
        })).collect::<Vec<_>>(),
    })
}
