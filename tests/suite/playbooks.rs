//! Playbooks by the real Ansible on real machines: recorded as they run, killed at any point, and never run again once they
//! are through.

use palinode_tests::ansible::Release;
use palinode_tests::plays::Plays;
use serde_json::Value;
use std::collections::BTreeMap;

const HOSTS: [&str; 3] = ["gluster1.demo", "gluster2.demo", "gluster3.demo"];

const RUN: [&str; 5] = ["run", "./play-book.yml", "-i", "hosts", "--yes"];

/// Every task leaves a mark on every host.
fn thirty() -> String {
    let mut text = "- hosts: glusterfs\n  gather_facts: false\n  tasks:\n".to_owned();
    for number in 1..=30 {
        text.push_str(&format!(
            "    - name: mark {number}\n      raw: echo {number} >>/root/marks; echo told {number}\n"
        ));
    }
    text
}

/// The marks on each host are exactly those of so many whole runs.
#[track_caller]
fn marked(plays: &Plays, what: &str) {
    let wanted: Vec<String> = (1..=30).map(|number: u32| number.to_string()).collect();
    for host in HOSTS {
        let marks = plays.site.hosts.inside(host, "cat /root/marks").text();
        assert_eq!(marks.lines().collect::<Vec<_>>(), wanted, "{what}: {host}");
    }
}

/// How many host results are recorded, by how they ended.
fn ends(recorded: &[Value]) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for told in recorded {
        if let Some(ended) = told["what"]["host"]["ended"].as_str() {
            *all.entry(ended.to_owned()).or_default() += 1;
        }
    }
    all
}

fn whole(release: Release, test: &str) {
    let Some(plays) = Plays::new(test, release, &HOSTS) else { return };
    plays.site.desk.write("play.yml", thirty());
    plays.runbook("", "");
    plays.run(&RUN).exits(0).complains(&["done in"]);
    marked(&plays, "whole");
    let recorded = plays.recorded();
    assert_eq!(ends(&recorded), BTreeMap::from([("changed".to_owned(), 90)]));
    let numbers: Vec<u64> = recorded.iter().filter_map(|told| told["number"].as_u64()).collect();
    assert_eq!(numbers, (1..=recorded.len() as u64).collect::<Vec<_>>(), "everything once, in order");
    let stats = serde_json::json!({"stats": {"hosts": 3, "failed": 0, "unreachable": 0}});
    assert_eq!(recorded.last().expect("the end")["what"], stats);
    // With its words: what each task printed on each host.
    let log =
        plays.site.desk.run(&["log", "--kind", "progress"]).exits(0).says(&["task mark 30", "gluster3.demo changed"]);
    assert!(log.stdout.contains("through: 3 hosts, 0 failed, 0 unreachable"), "{log}");
    let show = plays.site.desk.run(&["show", "after/play"]).exits(0);
    show.says(&["30 tasks: 90 changed", "gluster1.demo: 30 ok, 30 changed"]);
    plays.site.is_sound();
    // What a closed run left on this machine is gone: it is recorded, sealed.
    assert_eq!(plays.events(), Vec::<Value>::new());
}

#[test]
fn a_playbook_of_thirty_tasks_is_recorded_host_by_host() {
    whole(Release::Current, "playbooks: thirty tasks");
}

#[test]
fn so_it_is_with_the_ansible_that_openshift_3_was_installed_with() {
    whole(Release::Old, "playbooks: thirty tasks, Ansible 2.9");
}

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Killed {
    Palinode,
    Ansible,
    Both,
}

/// Kills them once this many host results were told, or right before its first word (none), and goes on.
#[track_caller]
fn survives(plays: &Plays, killed: Killed, results: Option<usize>) {
    let what = format!("{killed:?} at {results:?}");
    let _ = std::fs::remove_dir_all(plays.site.desk.path().join(".palinode"));
    for host in HOSTS {
        plays.site.hosts.inside(host, "rm -f /root/marks");
    }
    let live = plays.spawn(&RUN);
    let through = |events: &[Value]| events.iter().any(|event| event["e"] == "stats");
    match results {
        None => {
            let began = std::time::Instant::now();
            while plays.process().is_none() {
                assert!(began.elapsed() < std::time::Duration::from_secs(60), "{what}: {}", live.stderr());
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
        Some(wanted) => plays.until(&what, |events| {
            events.iter().filter(|event| event["e"] == "ok").count() >= wanted || through(events)
        }),
    }
    let out = match killed {
        Killed::Palinode => {
            let out = live.kill();
            plays.until_gone();
            out
        }
        Killed::Ansible => {
            plays.kill();
            live.end()
        }
        Killed::Both => {
            plays.kill();
            live.kill()
        }
    };
    plays.until_gone();
    let events = plays.events();
    let (finished, lone) = (through(&events), killed == Killed::Palinode);
    assert!(finished || !lone, "{what}: a playbook outlives Palinode");
    // Nothing decides what became of half a playbook but a person; of a whole one nobody is asked.
    let out = match killed {
        Killed::Ansible => out,
        _ => plays.run(&["resume"]),
    };
    if !finished && out.code == Some(4) {
        plays.site.desk.run(&["status"]).says(&["after/play"]);
        let marks =
            |plays: &Plays| HOSTS.map(|host| plays.site.hosts.inside(host, "cat /root/marks 2>/dev/null || :").text());
        let before = marks(plays);
        plays.run(&["resume"]).exits(4);
        assert_eq!(marks(plays), before, "{what}: nothing is run while it is in doubt");
        for host in HOSTS {
            plays.site.hosts.inside(host, "rm -f /root/marks");
        }
        plays.run(&["resolve", "after/play", "--not-applied", "--reason", "cleaned up by hand"]).exits(0);
        plays.run(&["resume"]).exits(0);
    } else {
        // Killed right after it was started, it may not have been claimed yet; or it was through.
        assert_eq!(out.code, Some(0), "{what}: {out}");
    }
    marked(plays, &what);
    let recorded = plays.recorded();
    let last = recorded.iter().rev().find(|told| told["what"]["stats"].is_object()).expect("it is through");
    let attempt = last["attempt"].clone();
    let of_last: Vec<Value> = recorded.iter().filter(|told| told["attempt"] == attempt).cloned().collect();
    assert_eq!(ends(&of_last), BTreeMap::from([("changed".to_owned(), 90)]), "{what}");
    assert_eq!(attempt, if finished { 1 } else { attempt.as_u64().expect("a number") }, "{what}: it is not run again");
    plays.site.is_sound();
}

#[test]
fn whoever_is_killed_no_finished_playbook_runs_again() {
    let Some(plays) = Plays::new("playbooks: killed", Release::Current, &HOSTS) else { return };
    plays.site.desk.write("play.yml", thirty());
    plays.runbook("", "");
    let all = [None, Some(0), Some(1), Some(10), Some(25), Some(44), Some(60), Some(80), Some(89), Some(90)];
    let few = [Some(1), Some(44), Some(90)];
    let long = std::env::var_os("PALINODE_TESTS_LONG").is_some();
    let points: &[Option<usize>] = if long { &all } else { &few };
    for (at, results) in points.iter().enumerate() {
        let everyone = [Killed::Palinode, Killed::Ansible, Killed::Both];
        let chosen = if long { &everyone[..] } else { &everyone[at..=at] };
        for killed in chosen {
            survives(&plays, *killed, *results);
        }
    }
}
