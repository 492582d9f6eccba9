//! What a playbook's end means.

use super::cause::{Lost, advice};
use super::question;
use super::tally::{Fared, Tally};
use palinode_core::action::{Playbook, Target};
use palinode_core::record::Why;
use std::collections::{BTreeMap, BTreeSet};

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
    /// It told nothing, and what was started is Ansible itself and nothing in its place: the plugin is there if plays are.
    pub(super) itself: bool,
    /// It told nothing, and cannot be read.
    pub(super) unreadable: bool,
}

/// The code with which Ansible ends that cannot read a playbook, an inventory or a file with variables.
const UNREADABLE: i32 = 4;

/// The exit code alone tells nothing (T41): who was to be dealt with must be among the hosts, all of them reached in the
/// end, with nothing failed that was not rescued, ignored or cleared, and something run. Nobody may have seen the code.
pub(super) fn verdict(
    playbook: &Playbook,
    target: &Target,
    code: Option<i32>,
    tally: &Tally,
    left: Left,
    out: &[u8],
) -> Verdict {
    if left.lapsed && tally.stats.is_none() {
        return Verdict::Unknown("another journal took its claim, and it was ended on the way".to_owned());
    }
    if !tally.questions.is_empty() {
        return asked(tally);
    }
    let Some(stats) = &tally.stats else { return untold(code, tally, left, out) };
    if let Some(why) = lost(target, tally, stats) {
        return Verdict::Badly(Why::ExitCode, why);
    }
    // Killed after it had told everything: nothing of it is missing.
    let killed = code.is_some_and(is_signal);
    if let Some(code) = code.filter(|code| *code != 0 && !killed) {
        let words = last_error(out);
        return Verdict::Badly(
            Why::ExitCode,
            format!("it ended with {code}, and nothing failed that was not rescued, ignored or cleared: {words}"),
        );
    }
    match unmet(playbook, target, tally, stats) {
        Some(why) => Verdict::Badly(Why::Unmet, why),
        None if killed => Verdict::Well(format!("{}; it was killed after that", told(tally, stats))),
        None if code.is_none() => Verdict::Well(format!("{}; nobody saw its exit code", told(tally, stats))),
        None => Verdict::Well(told(tally, stats)),
    }
}

/// Whether a shell says by this code that a signal ended it.
fn is_signal(code: i32) -> bool {
    (129..160).contains(&code)
}

/// It asked a question that had no answer, and was ended there.
fn asked(tally: &Tally) -> Verdict {
    let words = question::told(&tally.questions);
    match tally.ended {
        _ if !tally.tasks => Verdict::Badly(Why::Precondition, format!("nothing was run: {words}")),
        Some(0) => Verdict::Badly(Why::ExitCode, format!("{words}. It was ended there; what it did before is done")),
        None if tally.stats.is_some() => Verdict::Badly(Why::ExitCode, words),
        _ => Verdict::Unknown(format!("{words}. It was ended there, with tasks under way")),
    }
}

/// It ended without its counters. Whether anything can have been run is told by the tasks that it announced; whether all
/// of that is known, by the word that the plugin has where Ansible ends by itself.
fn untold(code: Option<i32>, tally: &Tally, left: Left, out: &[u8]) -> Verdict {
    let words = last_error(out);
    let said = match (words.is_empty(), advice(&words)) {
        (true, _) => String::new(),
        (_, None) => format!(": {words}"),
        (_, Some(advice)) => format!(": {words}; {advice}"),
    };
    let nothing = |what: &str| Verdict::Badly(Why::Precondition, format!("nothing was run, {what}{said}"));
    let by_itself = code.is_some_and(|code| code != 0 && !is_signal(code));
    let ended = || code.map_or_else(|| "it ended unseen".to_owned(), |code| format!("it ended ({code})"));
    match (tally.began, tally.ended) {
        _ if left.unheard => Verdict::Unknown(
            "Ansible ran plays without the plugin that tells of them, and was ended; see whether it warns of \
             `palinode_events`"
                .to_owned(),
        ),
        (false, _) if !left.begins => nothing("Ansible was not started"),
        (false, _) if by_itself && !shows_plays(out) && (left.itself || left.unreadable) => match code {
            Some(code) if code != UNREADABLE && !left.unreadable => nothing(&format!("Ansible ended ({code})")),
            _ => nothing("it cannot be read"),
        },
        (_, Some(0)) if !tally.tasks => nothing("Ansible ended before the first task"),
        (_, Some(0)) => Verdict::Badly(Why::ExitCode, format!("{} on the way{said}{}", ended(), stood(tally))),
        (_, Some(_)) => Verdict::Unknown(format!("{} with tasks under way{said}", ended())),
        (_, None) => Verdict::Unknown(format!("{}{} without telling how its hosts fared{said}", ended(), comma(code))),
    }
}

/// `it ended unseen, without`, but `it ended (1) without`.
fn comma(code: Option<i32>) -> &'static str {
    if code.is_none() { "," } else { "" }
}

/// What was lost until then, where Ansible did not get to count it.
fn stood(tally: &Tally) -> String {
    let lost = tally.hosts.iter().find_map(|(host, followed)| Some(followed.lost.as_ref()?.told(host)));
    lost.map(|lost| format!(" (before that, {lost})")).unwrap_or_default()
}

/// The hosts that were lost, and why the first of them was: that of the step before others.
fn lost(target: &Target, tally: &Tally, stats: &BTreeMap<String, Fared>) -> Option<String> {
    let (mut failed, mut unreachable, mut along) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let followed = |host: &String| tally.hosts.get(host);
    for (host, fared) in stats {
        let cause = followed(host).and_then(|followed| followed.lost.as_ref()).map(|cause| cause.lost);
        let told = followed(host).map_or(0, |followed| followed.failures);
        let reached =
            followed(host).is_some_and(|followed| followed.ran > 0 || followed.missed > 0 || followed.cleared);
        match cause {
            Some(Lost::Failed) if fared.failures > 0 => drop(failed.insert(host.as_str())),
            Some(Lost::Unreachable) if fared.unreachable > 0 => drop(unreachable.insert(host.as_str())),
            // Ansible counted what nobody told.
            _ if fared.failures > told => drop(failed.insert(host.as_str())),
            _ if fared.unreachable > 0 && !reached => drop(unreachable.insert(host.as_str())),
            _ => {}
        }
    }
    let known = |host: &str| failed.contains(host) || unreachable.contains(host);
    let others = tally.lost.failed.iter().chain(&tally.lost.unreachable);
    along.extend(others.map(String::as_str).filter(|host| !known(host)));
    let own = target.host.as_ref().map(|host| host.as_str());
    let list = |hosts: &BTreeSet<&str>| {
        let first = own.filter(|own| hosts.contains(own));
        let rest = hosts.iter().copied().filter(|host| Some(*host) != own);
        let all: Vec<&str> = first.into_iter().chain(rest).take(5).collect();
        match hosts.len() - all.len() {
            0 => all.join(", "),
            more => format!("{} and {more} more", all.join(", ")),
        }
    };
    let why = |hosts: &BTreeSet<&str>| -> Option<String> {
        let first = *own.as_ref().filter(|own| hosts.contains(*own)).or_else(|| hosts.first())?;
        Some(format!(": {}", tally.hosts.get(first)?.lost.as_ref()?.told(first)))
    };
    let mut parts = Vec::new();
    if !failed.is_empty() {
        parts.push(format!("it failed on {}{}", list(&failed), why(&failed).unwrap_or_default()));
    }
    if !unreachable.is_empty() {
        let only = unreachable.first().filter(|_| unreachable.len() == 1);
        let cause = only.and_then(|host| Some((host, tally.hosts.get(*host)?.lost.as_ref()?)));
        let names = match cause.filter(|(host, cause)| cause.place(host) != **host) {
            Some((host, cause)) => format!("{} for {host}", cause.place(host)),
            None => list(&unreachable),
        };
        parts.push(format!("it could not reach {names}{}", why(&unreachable).unwrap_or_default()));
    }
    match (parts.is_empty(), along.is_empty()) {
        (true, true) => return None,
        (true, false) => {
            parts.push(format!("Ansible counts {} as failed in the end, though nothing failed there that was not rescued, ignored or cleared", list(&along)));
        }
        (false, false) => parts.push(format!("it went no further on {}", list(&along))),
        (false, true) => {}
    }
    Some(parts.join("; "))
}

/// Whether plays were run that nobody told of: then the plugin was not there, and nothing is known.
fn shows_plays(out: &[u8]) -> bool {
    out.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"PLAY ") || line.starts_with(b"TASK "))
}

/// Whether something was run on a host: told of it, or counted, where nothing was told.
fn ran(tally: &Tally, stats: &BTreeMap<String, Fared>, host: &str) -> bool {
    match (tally.hosts.get(host), stats.get(host)) {
        (_, None) => false,
        (Some(followed), Some(_)) => followed.ran > 0,
        (None, Some(fared)) => fared.ok > 0,
    }
}

fn unmet(playbook: &Playbook, target: &Target, tally: &Tally, stats: &BTreeMap<String, Fared>) -> Option<String> {
    let wanted: Vec<&str> = match &playbook.ran_on {
        Some(hosts) => hosts.iter().map(String::as_str).collect(),
        None => target.host.iter().map(|host| host.as_str()).collect(),
    };
    let ran = |host: &str| ran(tally, stats, host);
    let elsewhere: Vec<&str> = stats.keys().map(String::as_str).filter(|host| ran(host)).take(5).collect();
    if let Some(host) = wanted.iter().find(|host| !ran(host)) {
        let fared = stats.get(*host);
        if tally.hosts.get(*host).is_some_and(|followed| followed.missed > 0) {
            return Some(format!("it ended well, but {host} was never reached, which the playbook ignores"));
        }
        if fared.is_some_and(|fared| fared.skipped > 0) {
            return Some(format!(
                "it ended well, but all tasks were skipped on {host}; see the conditions (`when`) of its tasks"
            ));
        }
        let others = if elsewhere.is_empty() { "no host".to_owned() } else { elsewhere.join(", ") };
        return Some(format!(
            "it ended well, but it ran nothing on {host} (it ran on {others}); see that the inventory has the host in \
             the groups of the playbook"
        ));
    }
    if elsewhere.is_empty() {
        let why = if stats.values().any(|fared| fared.skipped > 0) {
            let hosts: Vec<&str> = stats.keys().map(String::as_str).take(5).collect();
            format!("all tasks were skipped on {}", hosts.join(", "))
        } else if tally.no_hosts {
            "no play of it matched a host".to_owned()
        } else {
            "nothing was run".to_owned()
        };
        return Some(format!("it ended well, but {why}"));
    }
    None
}

fn told(tally: &Tally, stats: &BTreeMap<String, Fared>) -> String {
    let each = |(host, fared): (&String, &Fared)| format!("{host}: {} ok, {} changed", fared.ok, fared.changed);
    let mut words: Vec<String> = stats.iter().take(5).map(each).collect();
    if stats.len() > words.len() {
        words.push(format!("and {} hosts more", stats.len() - words.len()));
    }
    let mut some = |what: &str, hosts: Vec<&str>| {
        if !hosts.is_empty() {
            let more = if hosts.len() > 5 { format!(" and {} more", hosts.len() - 5) } else { String::new() };
            words.push(format!("{what} {}{more}", hosts.iter().take(5).copied().collect::<Vec<_>>().join(", ")));
        }
    };
    let hosts = |which: fn(&super::tally::Followed) -> bool| {
        tally.hosts.iter().filter(|(_, followed)| which(followed)).map(|(host, _)| host.as_str()).collect::<Vec<_>>()
    };
    some("errors were cleared on", hosts(|followed| followed.cleared));
    some("never reached, which the playbook ignores:", hosts(|followed| followed.missed > 0 && followed.ran == 0));
    some("a job (`async`) was left running, and its end is not known, on", hosts(|followed| !followed.jobs.is_empty()));
    words.join("; ")
}

/// The line that says most of what was printed: the last error that ended it, else the last line.
fn last_error(out: &[u8]) -> String {
    let text = String::from_utf8_lossy(out);
    let begins = ["ERROR!", "[ERROR]", "ERROR:", "palinode:"];
    let error = text.lines().rfind(|line| begins.iter().any(|begin| line.trim_start().starts_with(begin)));
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
        let fared = |ok, failures, unreachable| Fared { ok, failures, unreachable, ..Fared::default() };
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
