//! What a playbook's end means.

use super::events::{Fared, Tally};
use palinode_core::action::{Playbook, Target};
use palinode_core::record::Why;
use std::collections::BTreeMap;

/// What is known once its process is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It told how its hosts fared, and nothing of that is bad.
    Well(String),
    /// It ended, and not well, or not as it should have.
    Badly(Why, String),
    /// It went without telling how its hosts fared: some of it may have been done.
    Unknown(String),
}

/// What is left in the folder of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Left {
    /// Its claim was taken, and so it was ended.
    pub(super) lapsed: bool,
    /// Plays were run and nothing told, and so it was ended.
    pub(super) unheard: bool,
    /// Ansible was about to be started, if it was not.
    pub(super) begins: bool,
    /// It told nothing, and cannot be read.
    pub(super) unreadable: bool,
}

/// The exit code alone tells nothing (T41): who was to be dealt with must be among the hosts, all of them reached, with
/// nothing failed and something run. Nobody may have seen the code.
pub(super) fn verdict(
    playbook: &Playbook,
    target: &Target,
    code: Option<i32>,
    tally: &Tally,
    left: Left,
    out: &[u8],
) -> Verdict {
    let Some(stats) = &tally.stats else {
        let words = last_words(out);
        let said = if words.is_empty() { String::new() } else { format!(": {words}") };
        return match left {
            Left { lapsed: true, .. } => {
                Verdict::Unknown("another journal took its claim, and it was ended on the way".to_owned())
            }
            Left { unheard: true, .. } => Verdict::Unknown(
                "Ansible ran plays without the plugin that tells of them, and was ended; see whether it warns of \
                 `palinode_events`"
                    .to_owned(),
            ),
            Left { begins: false, .. } if !tally.began => {
                Verdict::Badly(Why::Precondition, format!("nothing was run, Ansible was not started{said}"))
            }
            Left { unreadable: true, .. } if !tally.began && !shows_plays(out) => {
                Verdict::Badly(Why::Precondition, format!("nothing was run, it cannot be read{said}"))
            }
            _ => {
                let end = code.map_or_else(|| "it ended unseen,".to_owned(), |code| format!("it ended ({code})"));
                Verdict::Unknown(format!("{end} without telling how its hosts fared{said}"))
            }
        };
    };
    let bad = |which: fn(&Fared) -> u64| {
        let names: Vec<&str> =
            stats.iter().filter(|(_, fared)| which(fared) > 0).map(|(host, _)| host.as_str()).take(5).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let words = tally.wrong.first().map(|(host, task, words)| {
        let words = words.lines().next().unwrap_or_default();
        format!(": task `{task}` on {host}{}{words}", if words.is_empty() { "" } else { ": " })
    });
    let words = words.unwrap_or_default();
    if let Some(names) = bad(|fared| fared.failures) {
        return Verdict::Badly(Why::ExitCode, format!("it failed on {names}{words}"));
    }
    if let Some(names) = bad(|fared| fared.unreachable) {
        return Verdict::Badly(Why::ExitCode, format!("it could not reach {names}{words}"));
    }
    // Killed after it had told everything: nothing of it is missing.
    let killed = code.is_some_and(|code| (129..160).contains(&code));
    if let Some(code) = code.filter(|code| *code != 0 && !killed) {
        return Verdict::Badly(Why::ExitCode, format!("it ended with {code}{words}: {}", last_words(out)));
    }
    match unmet(playbook, target, stats, tally.no_hosts) {
        Some(why) => Verdict::Badly(Why::Unmet, why),
        None if killed => Verdict::Well(format!("{}; it was killed after that", told(stats))),
        None if code.is_none() => Verdict::Well(format!("{}; nobody saw its exit code", told(stats))),
        None => Verdict::Well(told(stats)),
    }
}

/// Whether plays were run that nobody told of: then the plugin was not there, and nothing is known.
fn shows_plays(out: &[u8]) -> bool {
    out.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"PLAY ") || line.starts_with(b"TASK "))
}

fn unmet(playbook: &Playbook, target: &Target, stats: &BTreeMap<String, Fared>, no_hosts: bool) -> Option<String> {
    let wanted: Vec<&str> = match &playbook.ran_on {
        Some(hosts) => hosts.iter().map(String::as_str).collect(),
        None => target.host.iter().map(|host| host.as_str()).collect(),
    };
    if let Some(host) = wanted.iter().find(|host| stats.get(**host).is_none_or(|fared| fared.ok == 0)) {
        let others: Vec<&str> = stats.keys().map(String::as_str).take(5).collect();
        let others = if others.is_empty() { "no host".to_owned() } else { others.join(", ") };
        return Some(format!(
            "it ended well, but it ran nothing on {host} (it ran on {others}); see that the inventory has the host in \
             the groups of the playbook"
        ));
    }
    if stats.values().all(|fared| fared.ok == 0) {
        let why = if no_hosts { "no play of it matched a host" } else { "nothing was run" };
        return Some(format!("it ended well, but {why}"));
    }
    None
}

fn told(stats: &BTreeMap<String, Fared>) -> String {
    let each = |(host, fared): (&String, &Fared)| format!("{host}: {} ok, {} changed", fared.ok, fared.changed);
    let mut words: Vec<String> = stats.iter().take(5).map(each).collect();
    if stats.len() > words.len() {
        words.push(format!("and {} hosts more", stats.len() - words.len()));
    }
    words.join("; ")
}

/// The line that says most of what was printed: the first error, else the last line.
fn last_words(out: &[u8]) -> String {
    let text = String::from_utf8_lossy(out);
    let error = text.lines().find(|line| {
        let line = line.trim_start();
        line.starts_with("ERROR!") || line.starts_with("[ERROR]") || line.starts_with("palinode:")
    });
    let line = error.or_else(|| text.trim().lines().last()).unwrap_or_default();
    line.trim().chars().take(500).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use palinode_core::id::HostName;

    fn playbook(ran_on: Option<&[&str]>) -> Playbook {
        let mut playbook: Playbook =
            serde_json::from_str("{\"path\":\"/p.yml\",\"inventory\":\"/i\"}").expect("a playbook");
        playbook.ran_on = ran_on.map(|hosts| hosts.iter().map(|host| (*host).to_owned()).collect());
        playbook
    }

    #[test]
    fn an_end_is_good_only_if_everything_says_so() {
        let fared = |ok, failures, unreachable| Fared { ok, failures, unreachable, changed: 0 };
        let stats = |all: &[(&str, Fared)]| {
            let all = all.iter().map(|(host, fared)| ((*host).to_owned(), *fared)).collect();
            Tally { began: true, stats: Some(all), ..Tally::default() }
        };
        let on = |host: &str| Target { host: Some(HostName::new(host).expect("a host")), node: None };
        let nobody = Target::default();
        let good = stats(&[("a", fared(3, 0, 0)), ("b", fared(1, 0, 0))]);
        let began = Tally { began: true, ..Tally::default() };
        let none = Left { begins: true, ..Left::default() };
        let lapsed = Left { lapsed: true, ..none };
        let unreadable = Left { unreadable: true, ..none };
        let any: &[&str] = &[];
        type Row<'a> = (&'a str, Option<&'a [&'a str]>, &'a Target, i32, Tally, Left, &'a str);
        // Instead of a code that nobody saw.
        let unseen = i32::MIN;
        let table: [Row<'_>; 23] = [
            ("well", None, &on("a"), 0, good.clone(), none, "well a: 3 ok"),
            ("of nobody", None, &nobody, 0, good.clone(), none, "well"),
            (
                "another host",
                None,
                &on("c"),
                0,
                good.clone(),
                none,
                "badly Unmet it ended well, but it ran nothing on c",
            ),
            ("declared", Some(&["b"]), &on("c"), 0, good.clone(), none, "well"),
            ("declared, any", Some(any), &on("c"), 0, good.clone(), none, "well"),
            ("only skipped", None, &on("a"), 0, stats(&[("a", fared(0, 0, 0))]), none, "badly Unmet"),
            ("no host", None, &nobody, 0, stats(&[]), none, "badly Unmet it ended well, but nothing was run"),
            ("failed", None, &on("a"), 2, stats(&[("a", fared(3, 1, 0))]), none, "badly ExitCode it failed on a"),
            ("failed and 0", None, &on("a"), 0, stats(&[("a", fared(3, 1, 0))]), none, "badly ExitCode"),
            (
                "another failed",
                None,
                &on("a"),
                0,
                stats(&[("a", fared(3, 0, 0)), ("b", fared(0, 1, 0))]),
                none,
                "badly",
            ),
            (
                "unreachable",
                None,
                &on("a"),
                4,
                stats(&[("a", fared(0, 0, 1))]),
                none,
                "badly ExitCode it could not reach a",
            ),
            ("killed at the end", None, &on("a"), 137, good.clone(), none, "well a: 3 ok"),
            ("nobody saw the end", None, &on("a"), unseen, good.clone(), none, "well a: 3 ok"),
            (
                "failed, and nobody saw the end",
                None,
                &on("a"),
                unseen,
                stats(&[("a", fared(3, 1, 0))]),
                none,
                "badly ExitCode it failed on a",
            ),
            ("a bad code", None, &on("a"), 1, good, none, "badly ExitCode it ended with 1"),
            ("killed", None, &on("a"), 137, began.clone(), none, "unknown it ended (137) without"),
            ("killed unseen", None, &on("a"), unseen, began.clone(), none, "unknown it ended unseen, without telling"),
            ("0 and no word", None, &on("a"), 0, began.clone(), none, "unknown it ended (0) without"),
            ("nothing told", None, &on("a"), 1, Tally::default(), none, "unknown"),
            ("unreadable", None, &on("a"), 4, Tally::default(), unreadable, "badly Precondition nothing was run"),
            (
                "not started",
                None,
                &on("a"),
                74,
                Tally::default(),
                Left::default(),
                "badly Precondition nothing was run",
            ),
            ("unheard", None, &on("a"), 137, Tally::default(), Left { unheard: true, ..none }, "unknown Ansible ran"),
            ("taken", None, &on("a"), 143, began, lapsed, "unknown another journal took"),
        ];
        for (name, ran_on, target, code, tally, left, wanted) in table {
            let code = Some(code).filter(|code| *code != unseen);
            let found = match verdict(&playbook(ran_on), target, code, &tally, left, b"ERROR! bad\nlater") {
                Verdict::Well(words) => format!("well {words}"),
                Verdict::Badly(why, words) => format!("badly {why:?} {words}"),
                Verdict::Unknown(words) => format!("unknown {words}"),
            };
            assert!(found.starts_with(wanted), "{name}: {found}");
        }
        let ran =
            verdict(&playbook(None), &nobody, Some(1), &Tally::default(), unreadable, b"\nPLAY [all] ***\nERROR! x");
        assert!(matches!(ran, Verdict::Unknown(_)), "plays were run that nobody told of: {ran:?}");
    }
}
