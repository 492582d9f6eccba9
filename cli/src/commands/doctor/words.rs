//! How `palinode doctor` tells it.

use super::judge::{ENTRY, Facts, Finding, Level};
use crate::render::escape;
use palinode_journal::disk_check::Times;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// Lines are broken here, so that they read well on the narrowest terminal.
const WIDTH: usize = 78;

/// What was found, for people. `given` is the folder that was named on the command line.
pub(crate) fn text(journal: &Path, given: Option<&Path>, facts: &Facts, findings: &[Finding]) -> String {
    let mut out = format!("the disk under {}\n", escape(&journal.to_string_lossy()));
    let mount = &facts.mount;
    let mut row = |name: &str, value: &str| out.push_str(&wrap(&format!("  {name:<12} "), &escape(value)));
    row("file system", &format!("{} of {}, mounted on {}", mount.kind, mount.source, mount.point.display()));
    row("options", &mount.options.join(" "));
    let files = facts.room.files.map(|files| format!("; {} files", grouped(files))).unwrap_or_default();
    let entries = round(facts.room.bytes / ENTRY);
    row("room", &format!("{}: about {entries} entries, bodies aside{files}", size(facts.room.bytes)));
    if let Some(speed) = &facts.speed {
        let _ = writeln!(out, "\n  {:<12} {:>10} {:>10} {:>10} {:>10}", "", "median", "99 of 100", "worst", "a second");
        for (name, times) in [("write", &speed.plain), ("write + sync", &speed.synced)] {
            let [median, p99, worst] = [times.median, times.p99, times.worst].map(span);
            let _ = writeln!(out, "  {name:<12} {median:>10} {p99:>10} {worst:>10} {:>10}", grouped(times.a_second()));
        }
    }
    out.push('\n');
    for finding in findings {
        let mark = match finding.level {
            Level::Broken => "  BROKEN  ",
            Level::Note => "  note    ",
            Level::Good => "  good    ",
        };
        out.push_str(&wrap(mark, &escape(&finding.what)));
        if let Some(next) = finding.next {
            out.push_str(&wrap("          -> ", next));
        }
    }
    out.push_str(&wrap("\n  not measured: ", NOT_MEASURED));
    let broken = findings.iter().filter(|finding| finding.level == Level::Broken).count();
    out.push_str(&match broken {
        0 => "\nsound: nothing that was measured breaks a promise\n".to_owned(),
        1 => "\nnot sound: one promise is broken\n".to_owned(),
        many => format!("\nnot sound: {many} promises are broken\n"),
    });
    if facts.cuts.is_none() && broken == 0 {
        let dir = given.map(|dir| format!(" {}", escape(&dir.to_string_lossy()))).unwrap_or_default();
        let _ =
            writeln!(out, "\nnext\n  sudo palinode doctor --disk{dir} --power-cut   cut off a throw-away file system");
    }
    out
}

const NOT_MEASURED: &str = "whether the device itself, or the machine behind a virtual disk, keeps what it was told to \
                            keep when its power goes; only cutting that power shows it";

/// The same as data.
pub(crate) fn as_json(journal: &Path, folder: &Path, facts: &Facts, findings: &[Finding]) -> Value {
    let mount = &facts.mount;
    let times = |times: &Times| {
        json!({
            "count": times.count,
            "median_ns": nanos(times.median),
            "p99_ns": nanos(times.p99),
            "worst_ns": nanos(times.worst),
            "a_second": times.a_second(),
        })
    };
    json!({
        "sound": findings.iter().all(|finding| finding.level != Level::Broken),
        "journal": journal,
        "measured_in": folder,
        "file_system": { "kind": mount.kind, "source": mount.source, "mounted_on": mount.point, "options": mount.options },
        "device": facts.device.as_ref().map(|device| json!({
            "name": device.name, "volatile_cache": device.volatile_cache,
        })),
        "room": {
            "bytes": facts.room.bytes,
            "files": facts.room.files,
            "entries": facts.room.bytes / ENTRY,
            "read_only": facts.room.read_only,
        },
        "habits": facts.habits.as_ref().map(|habits| {
            habits.all().iter().map(|(name, wrong)| json!({ "name": name, "wrong": wrong })).collect::<Vec<_>>()
        }),
        "speed": facts.speed.as_ref().map(|speed| json!({
            "bytes": speed.bytes,
            "plain": times(&speed.plain),
            "synced": times(&speed.synced),
            "flushes": speed.flushes,
        })),
        "power_cut": facts.cuts.as_ref().map(|(system, cuts)| json!({
            "file_system": system.name(),
            "cuts": cuts.cuts,
            "records": { "acknowledged": cuts.records.acknowledged, "lost": cuts.records.lost },
            "names": { "acknowledged": cuts.names.acknowledged, "lost": cuts.names.lost },
            "telling": cuts.telling,
        })),
        "findings": findings.iter().map(|finding| json!({
            "level": match finding.level { Level::Broken => "broken", Level::Note => "note", Level::Good => "good" },
            "what": finding.what,
            "next": finding.next,
        })).collect::<Vec<_>>(),
    })
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// A text after a mark, its later lines below its first one.
pub(super) fn wrap(mark: &str, text: &str) -> String {
    let indent = mark.trim_start_matches('\n').len();
    let (mut out, mut width) = (mark.to_owned(), indent);
    for (number, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if number > 0 && width + 1 + length > WIDTH {
            let _ = write!(out, "\n{:indent$}", "");
            width = indent;
        } else if number > 0 {
            out.push(' ');
            width += 1;
        }
        out.push_str(word);
        width += length;
    }
    out.push('\n');
    out
}

fn span(span: Duration) -> String {
    match span.as_secs_f64() * 1e3 {
        ms if ms < 1.0 => format!("{ms:.3} ms"),
        ms if ms < 100.0 => format!("{ms:.1} ms"),
        ms => format!("{ms:.0} ms"),
    }
}

pub(super) fn size(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes < 1024.0 { format!("{mebibytes:.1} MiB") } else { format!("{:.1} GiB", mebibytes / 1024.0) }
}

/// Two digits, for what is not known better.
fn round(number: u64) -> String {
    let mut unit = 1;
    while number / unit >= 100 {
        unit *= 10;
    }
    grouped(number / unit * unit)
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([7, 99, 128, 1_299_999].map(round), ["7", "99", "120", "1,200,000"]);
        assert_eq!([1 << 20, 3 << 30].map(size), ["1.0 MiB", "3.0 GiB"]);
        assert_eq!(span(Duration::from_micros(131)), "0.131 ms");
    }

    #[test]
    fn long_texts_are_broken_below_their_beginning() {
        let text = wrap("  note  ", &"word ".repeat(40));
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("        w")), "{text}");
    }
}
