//! Playbooks by the real Ansible on real machines: recorded as they run, killed at any point, and never run again once they
//! are through.

use palinode_tests::ansible::Release;
use palinode_tests::playbooks::Playbooks;
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
fn marked(plays: &Playbooks, what: &str) {
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
    let Some(plays) = Playbooks::new(test, release, &HOSTS) else { return };
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
fn survives(plays: &Playbooks, killed: Killed, results: Option<usize>) {
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
            let results = events.iter().filter(|event| event["e"] == "ok").count();
            !events.is_empty() && results >= wanted
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
        let marks = |plays: &Playbooks| {
            HOSTS.map(|host| plays.site.hosts.inside(host, "cat /root/marks 2>/dev/null || :").text())
        };
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
    let Some(plays) = Playbooks::new("playbooks: killed", Release::Current, &HOSTS) else { return };
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

/// Ansible goes on without the shell that waits for it, and is waited for: it is not in doubt, and not run again.
#[test]
fn a_playbook_whose_shell_is_killed_alone_is_heard_to_its_end() {
    let Some(plays) = Playbooks::new("playbooks: the shell killed", Release::Current, &HOSTS) else { return };
    plays.site.desk.write("play.yml", thirty());
    plays.runbook("", "");
    for with_palinode in [false, true] {
        let what = format!("with Palinode: {with_palinode}");
        let _ = std::fs::remove_dir_all(plays.site.desk.path().join(".palinode"));
        for host in HOSTS {
            plays.site.hosts.inside(host, "rm -f /root/marks");
        }
        let live = plays.spawn(&RUN);
        plays.until(&what, |events| events.iter().filter(|event| event["e"] == "ok").count() >= 5);
        plays.kill_shell();
        assert!(plays.process().is_some(), "{what}: Ansible lives on");
        let out = match with_palinode {
            false => live.end(),
            true => {
                live.kill().killed();
                plays.run(&["resume"])
            }
        };
        out.exits(0);
        marked(&plays, &what);
        assert_eq!(ends(&plays.recorded()), BTreeMap::from([("changed".to_owned(), 90)]), "{what}");
        let events = plays.site.events();
        assert_eq!(events.iter().filter(|event| event["Intent"].is_object()).count(), 1, "{what}");
        plays.site.desk.run(&["show", "after/play"]).exits(0).says(&["gluster1.demo: 30 ok, 30 changed"]);
        plays.site.is_sound();
    }
}

/// Killed on the way, with its shell or without: what it had printed is recorded, and stays when the run is closed.
#[test]
fn what_a_playbook_printed_that_is_in_doubt_is_kept() {
    let Some(plays) = Playbooks::new("playbooks: output in doubt", Release::Current, &HOSTS) else { return };
    plays.site.desk.write("play.yml", thirty());
    plays.runbook("", "");
    for with_shell in [false, true] {
        let what = format!("with its shell: {with_shell}");
        let _ = std::fs::remove_dir_all(plays.site.desk.path().join(".palinode"));
        let live = plays.spawn(&RUN);
        plays.until(&what, |events| events.iter().filter(|event| event["e"] == "ok").count() >= 5);
        if with_shell {
            plays.kill_shell();
        }
        plays.kill();
        live.end().exits(4).complains(&["IN DOUBT"]);
        let printed = || plays.site.desk.raw(&["show", "after/play", "--body"]);
        let body = printed();
        let text = String::from_utf8_lossy(&body);
        assert!(text.contains("PLAY [glusterfs]") && text.contains("TASK [mark 1]"), "{what}: {text}");
        plays.site.desk.run(&["show", "after/play"]).exits(0).says(&["TASK [mark 1]"]);
        // A later look says the same, and why it is in doubt.
        plays.run(&["resume"]).exits(4);
        assert_eq!(printed(), body, "{what}");
        let probed = plays.site.events().into_iter().rev().find(|event| event["Probed"].is_object()).expect("a look");
        assert_eq!(probed["Probed"]["job"], "interrupted", "{what}");
        let log = plays.site.desk.run(&["log", "--kind", "probed"]).exits(0);
        log.says(&["ask the operator (nothing decides): it ended", "without telling how its hosts fared"]);
        plays.run(&["resolve", "after/play", "--applied", "--reason", "looked by hand"]).exits(0);
        plays.run(&["resume"]).exits(0);
        assert_eq!(plays.events(), Vec::<Value>::new(), "{what}: nothing of it is left on this machine");
        assert_eq!(printed(), body, "{what}");
        plays.site.is_sound();
    }
}

/// One of its tasks runs another playbook, with all that is in its environment; that one fails, which is no matter.
#[test]
fn a_playbook_that_runs_another_tells_of_itself_alone() {
    let Some(plays) = Playbooks::new("playbooks: one in another", Release::Current, &[HOST]) else { return };
    let mut inner = "- hosts: glusterfs\n  gather_facts: false\n  tasks:\n".to_owned();
    for number in 1..=10 {
        inner.push_str(&format!("    - {{ name: inner {number}, raw: 'echo {number} >>/root/marks' }}\n"));
    }
    inner.push_str("    - { name: inner end, fail: { msg: no matter } }\n");
    plays.site.desk.write("inner.yml", inner);
    plays.site.desk.write(
        "play.yml",
        format!(
            "- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n    - name: another\n      \
             command: ansible-playbook -i {} {}\n      register: ran\n      failed_when: ran.rc != 2\n\
             - hosts: glusterfs\n  gather_facts: false\n  tasks:\n    - {{ name: own, raw: 'echo own >>/root/marks' }}\n",
            plays.path("hosts"),
            plays.path("inner.yml")
        ),
    );
    plays.runbook("", "");
    plays.run(&RUN).exits(0);
    let marks: Vec<String> = (1..=10).map(|number: u32| number.to_string()).chain(["own".to_owned()]).collect();
    assert_eq!(plays.site.hosts.inside(HOST, "cat /root/marks").text(), marks.join("\n"), "both were run");
    let recorded = plays.recorded();
    let numbers: Vec<u64> = recorded.iter().filter_map(|told| told["number"].as_u64()).collect();
    assert_eq!(numbers, (1..=recorded.len() as u64).collect::<Vec<_>>(), "one teller");
    assert_eq!(ends(&recorded), BTreeMap::from([("changed".to_owned(), 2)]), "{recorded:?}");
    assert_eq!(recorded.iter().filter(|told| told["what"]["stats"].is_object()).count(), 1, "{recorded:?}");
    plays
        .site
        .desk
        .run(&["show", "after/play"])
        .exits(0)
        .says(&["gluster1.demo: 1 ok, 1 changed; localhost: 1 ok, 1 changed"]);
    plays.site.is_sound();
}

/// What stands in Ansible's place loses the place of the plugin, as one that cleans its environment does.
#[test]
fn a_playbook_that_nobody_tells_of_is_ended_and_in_doubt() {
    let Some(plays) = Playbooks::new("playbooks: nobody tells", Release::Current, &[HOST]) else { return };
    plays.site.desk.write(
        "play.yml",
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - { pause: { seconds: 200 } }\n    \
         - { raw: 'echo y >>/root/marks' }\n",
    );
    plays.runbook("", "");
    let settings = plays.wrapped("unset ANSIBLE_CALLBACK_PLUGINS");
    plays.site.desk.run_with(&settings, &plays.site.args(&RUN)).exits(4).complains(&["IN DOUBT"]);
    // With its workers, which are sessions of their own.
    plays.until_gone();
    let marks = || plays.site.hosts.inside(HOST, "cat /root/marks 2>/dev/null || :").text();
    assert_eq!(marks(), "", "it went no further");
    assert_eq!(plays.recorded(), Vec::<Value>::new(), "nothing was told");
    let show = plays.site.desk.run(&["show", "after/play"]).exits(0);
    show.says(&["Ansible ran plays without the plugin that tells of them, and was ended"]);
    // Nothing but a person decides it, and nothing is run meanwhile.
    plays.run(&["resume"]).exits(4);
    assert_eq!(marks(), "");
    plays.site.is_sound();
    // With the plugin in its place it goes well.
    plays
        .site
        .desk
        .write("play.yml", "- hosts: all\n  gather_facts: false\n  tasks: [ { raw: 'echo z >>/root/marks' } ]\n");
    plays.run(&["resolve", "after/play", "--not-applied", "--reason", "it was ended"]).exits(0);
    plays.run(&["resume"]).exits(0);
    assert_eq!(marks(), "z");
    plays.site.is_sound();
}

/// How a playbook that does not do what it should comes out.
struct Form<'a> {
    name: &'a str,
    /// The playbook.
    play: &'a str,
    /// The inventory, if another than the usual one.
    inventory: Option<&'a str>,
    /// More values of the step.
    more: &'a str,
    code: i32,
    /// What the outcome says: how it ended, why, and words of the message.
    ending: (&'a str, &'a str, &'a str),
}

const HOST: &str = HOSTS[0];

fn forms() -> Vec<Form<'static>> {
    let usual = None;
    let form = |name, play, inventory, more, code, ending| Form { name, play, inventory, more, code, ending };
    vec![
        form(
            "no host matched",
            "- hosts: nowhere\n  gather_facts: false\n  tasks: [ { ping: } ]\n",
            usual,
            "",
            3,
            ("failed", "unmet", "no play of it matched a host"),
        ),
        form(
            "unreachable",
            "- hosts: all\n  gather_facts: false\n  tasks: [ { raw: 'true' } ]\n",
            Some("[glusterfs]\ngluster1.demo\n[other]\ngone.demo ansible_host=127.0.0.1 ansible_port=9\n"),
            "",
            3,
            ("failed", "exit-code", "it could not reach gone.demo"),
        ),
        form(
            "syntax error",
            "- hosts: all\n  tasks:\n    - name: x\n     raw: y\n",
            usual,
            "",
            3,
            ("failed", "precondition", "nothing was run, it cannot be read"),
        ),
        form(
            "no such module",
            "- hosts: all\n  gather_facts: false\n  tasks: [ { no_such_module: } ]\n",
            usual,
            "",
            3,
            ("failed", "precondition", "nothing was run"),
        ),
        form(
            "a task failed",
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - { name: well, raw: 'true' }\n    - { name: bad, fail: { msg: no luck } }\n",
            usual,
            "",
            3,
            ("failed", "exit-code", "it failed on gluster1.demo: task `bad` on gluster1.demo: no luck"),
        ),
        form(
            "failed and went on",
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - { fail: { msg: no luck }, ignore_errors: true }\n    - raw: 'true'\n",
            usual,
            "",
            0,
            ("succeeded", "", "gluster1.demo: "),
        ),
        form(
            "on another host than wanted",
            "- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks: [ { raw: 'true' } ]\n",
            usual,
            "        ran_on: [gluster1.demo]\n",
            3,
            ("failed", "unmet", "ran nothing on gluster1.demo"),
        ),
        form(
            "limits and tags",
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - { raw: 'true', tags: [a] }\n    - { fail: { msg: no }, tags: [b] }\n",
            Some("[glusterfs]\ngluster1.demo\n[other]\ngone.demo\n"),
            "        limit: glusterfs\n        skip_tags: [b]\n",
            0,
            ("succeeded", "", "gluster1.demo: 1 ok"),
        ),
    ]
}

#[test]
fn every_way_of_going_wrong_has_its_own_words() {
    let Some(plays) = Playbooks::new("playbooks: forms", Release::Current, &[HOST]) else { return };
    let usual = std::fs::read_to_string(plays.path("hosts")).expect("there is one");
    for form in forms() {
        let _ = std::fs::remove_dir_all(plays.site.desk.path().join(".palinode"));
        plays.site.desk.write("play.yml", form.play);
        plays.site.desk.write("hosts", form.inventory.unwrap_or(&usual));
        plays.runbook(form.more, "");
        // The journal before is gone, and its claim on the inventory is not.
        let out = plays.run(&[&RUN[..], &["--take-over"]].concat());
        assert_eq!(out.code, Some(form.code), "{}: {out}", form.name);
        let events = plays.site.events();
        let outcome = events.iter().rev().find(|event| event["Outcome"].is_object()).expect("an outcome");
        let outcome = &outcome["Outcome"];
        let (ending, why, words) = form.ending;
        assert_eq!(outcome["ending"], ending, "{}: {outcome}", form.name);
        assert_eq!(outcome["why"].as_str().unwrap_or_default(), why, "{}: {outcome}", form.name);
        let show = plays.site.desk.run(&["show", "after/play"]).exits(0);
        assert!(show.stdout.contains(words), "{}: {show}", form.name);
        plays.site.is_sound();
    }
}

/// What can be known before is refused before: nothing is run, and no intent recorded.
#[test]
fn what_can_be_known_before_is_refused_before() {
    let Some(plays) = Playbooks::new("playbooks: refused", Release::Current, &[HOST]) else { return };
    plays.site.desk.write("play.yml", "- hosts: all\n  tasks: []\n");
    let stays = |more: &str, beside: &str, words: &[&str]| {
        let _ = std::fs::remove_dir_all(plays.site.desk.path().join(".palinode"));
        plays.runbook(more, beside);
        plays.run(&RUN).exits(3).says(words);
        assert!(plays.site.events().iter().all(|event| event["Intent"].is_null()));
    };
    stays("        vars_from: [/nowhere/vars.yml]\n", "", &["/nowhere/vars.yml cannot be read"]);
    let requires = "        requires: [ { group: new_nodes, hosts: [gluster1.demo] } ]\n";
    stays(requires, "", &["the group new_nodes must have gluster1.demo, and has no host"]);
    // No Ansible at all.
    let _ = std::fs::remove_dir_all(plays.site.desk.path().join(".palinode"));
    plays.runbook("", "");
    plays.site.run(&RUN).exits(3).says(&["there is no ansible-playbook", "install Ansible"]);
    // An expectation that only the cluster's API could answer, and nobody knows how to reach that.
    plays.runbook("        expect: { node-ready: { runtime: docker } }\n", "");
    let mut args = RUN.to_vec();
    args.extend(["--kubeconfig", "/nowhere/config"]);
    plays.run(&args).exits(2).complains(&["has to do with the cluster", "/nowhere/config", "nothing was touched"]);
}

#[test]
fn secrets_stay_where_they_belong_and_variables_arrive() {
    let Some(plays) = Playbooks::new("playbooks: secrets", Release::Current, &[HOST]) else { return };
    plays.site.desk.write("secret.yml", "secret: hunter2secret\nnumber: 8443\n");
    plays.site.desk.write(
        "play.yml",
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - { name: hidden, raw: 'echo {{ secret }}', no_log: true }\n    \
         - { name: hidden loop, raw: 'echo {{ item }}', no_log: true, loop: ['{{ secret }}', 2] }\n    \
         - { name: hidden failure, raw: 'echo {{ secret }}; false', no_log: true, ignore_errors: true }\n    \
         - { name: open, raw: 'echo {{ word | quote }} {{ number + 1 }} >/root/open' }\n",
    );
    let from = plays.path("secret.yml");
    plays.runbook(&format!("        vars: {{ word: 'it''s $HOME; x' }}\n        vars_from: [{from}]\n"), "");
    plays.run(&RUN).exits(0);
    let open = plays.site.hosts.inside(HOST, "cat /root/open").text();
    assert_eq!(open, "it's $HOME; x 8444");
    // Nothing that was recorded of the playbook holds it, opened or not; only the sealed content of the file does.
    let log = plays.site.desk.run(&["log"]).exits(0);
    let raw = plays.site.desk.run(&["log", "-o", "json"]).exits(0);
    let said = plays.site.desk.raw(&["show", "after/play", "--body"]);
    for text in [&log.stdout, &raw.stdout, &String::from_utf8_lossy(&said).into_owned()] {
        assert!(!text.contains("hunter2secret"), "{text}");
    }
    for (file, _) in plays.site.desk.files(".palinode").into_iter().filter(|(file, _)| file.is_file()) {
        let bytes = std::fs::read(&file).expect("it can be read");
        assert!(!bytes.windows(13).any(|part| part == b"hunter2secret"), "{}", file.display());
    }
    let told = plays.site.desk.run(&["show", "after/play"]).exits(0);
    assert!(!told.stdout.contains("hunter2secret") && told.stdout.contains("secret.yml"), "{told}");
}

#[test]
fn a_flood_of_output_and_what_is_no_text_take_no_memory() {
    let Some(plays) = Playbooks::new("playbooks: flood", Release::Current, &[HOST]) else { return };
    plays.site.desk.write(
        "play.yml",
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - { name: no text, raw: 'printf \"a\\\\377\\\\033[2Jb\"' }\n    \
         - { name: much, raw: 'head -c 30000000 /dev/zero | tr \"\\\\0\" x' }\n",
    );
    // What Ansible prints: two hundred megabytes, by a wrapper in its place.
    let settings = plays.wrapped("head -c 200000000 /dev/urandom");
    plays.runbook("", "");
    let mut live = plays.site.desk.spawn_with(&settings, &plays.site.args(&RUN));
    let mut peak = 0;
    while !live.has_ended() {
        peak = peak.max(live.peak());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    live.end().exits(0);
    assert!(peak > 0 && peak < 120 << 10, "{peak} KiB");
    let show = plays.site.desk.run(&["show", "after/play"]).exits(0).says(&["bytes more of its output were not kept"]);
    assert!(!show.stdout.contains('\u{1b}'), "{show}");
    let log = plays.site.desk.run(&["log", "--kind", "progress"]).exits(0).says(&["gluster1.demo changed"]);
    assert!(!log.stdout.contains('\u{1b}'), "{log}");
    plays.site.is_sound();
}

#[test]
fn folders_and_programs_are_inventories_too() {
    let Some(plays) = Playbooks::new("playbooks: inventories", Release::Current, &[HOST]) else { return };
    plays.site.desk.write("play.yml", "- hosts: all\n  gather_facts: false\n  tasks: [ { raw: 'true' } ]\n");
    let folder = plays.site.desk.path().join("folder");
    std::fs::create_dir(&folder).expect("made");
    plays.site.desk.write("folder/one", format!("[all]\n{HOST}\n"));
    plays.site.desk.write("script", format!("#!/bin/sh\necho '{{\"all\": {{\"hosts\": [\"{HOST}\"]}}}}'\n"));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(plays.site.desk.path().join("script"), mode).expect("set");
    for inventory in ["folder", "script"] {
        let _ = std::fs::remove_dir_all(plays.site.desk.path().join(".palinode"));
        plays.runbook(&format!("        inventory: {}\n        ran_on: [{HOST}]\n", plays.path(inventory)), "");
        plays.run(&RUN).exits(0);
        plays.site.desk.run(&["log"]).says(&["gluster1.demo: 1 ok"]);
    }
}

/// Two journals, one inventory: the second is refused; told to take over, it ends what the first one runs.
#[test]
fn a_playbook_whose_claim_is_taken_is_ended() {
    let Some(plays) = Playbooks::new("playbooks: taken", Release::Current, &[HOST]) else { return };
    plays.site.desk.write(
        "play.yml",
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - { raw: 'echo x >>/root/marks' }\n    - { pause: { seconds: 100 } }\n    \
         - { raw: 'echo y >>/root/marks' }\n",
    );
    plays.runbook("", "");
    let live = plays.spawn(&RUN);
    plays.until("it is at work", |events| events.iter().any(|event| event["e"] == "ok"));
    plays
        .site
        .desk
        .write("short.yml", "- hosts: all\n  gather_facts: false\n  tasks: [ { raw: 'echo z >>/root/marks' } ]\n");
    let other = format!(
        "runbook: other\nhosts: {{ group: glusterfs }}\nafter:\n  - play: {{ ansible.playbook: {{ path: {} }} }}\n",
        plays.path("short.yml")
    );
    plays.site.desk.write("other.yml", other);
    let other = ["--journal", "another", "run", "./other.yml", "-i", "hosts", "--yes"];
    plays.run(&other).exits(9).complains(&["another journal runs playbooks with", "--take-over"]);
    plays.run(&[&other[..], &["--take-over"]].concat()).exits(0);
    plays.until_gone();
    let out = live.end().exits(4);
    assert!(out.stderr.contains("IN DOUBT"), "{out}");
    assert_eq!(plays.site.hosts.inside(HOST, "cat /root/marks").text(), "x\nz", "it went no further");
    plays.site.is_sound();
}

/// It is taken from in the middle of a task that writes on the host, with its driver at work or dead: what came of that
/// nobody knows, and nobody says so. Whoever took it is not disturbed by the first when that comes back.
#[test]
fn what_was_taken_in_the_middle_of_a_task_is_not_said_to_be_done() {
    let Some(plays) = Playbooks::new("playbooks: taken in a task", Release::Current, &[HOST]) else { return };
    let marks = || plays.site.hosts.inside(HOST, "cat /root/marks 2>/dev/null || :").text();
    plays.site.desk.write(
        "play.yml",
        "- hosts: all\n  gather_facts: false\n  tasks:\n    \
         - { name: writes, raw: 'echo begun >>/root/marks; sleep 100; echo late >>/root/late' }\n    \
         - { name: next, raw: 'echo next >>/root/marks' }\n",
    );
    plays.runbook("", "");
    let short = "- hosts: all\n  gather_facts: false\n  tasks: [ { raw: 'echo other >>/root/marks' } ]\n";
    plays.site.desk.write("short.yml", short);
    let other = format!(
        "runbook: other\nhosts: {{ group: glusterfs }}\nafter:\n  - play: {{ ansible.playbook: {{ path: {} }} }}\n",
        plays.path("short.yml")
    );
    plays.site.desk.write("other.yml", other);
    for dead in [false, true] {
        let what = format!("its driver is dead: {dead}");
        for journal in [".palinode", "another"] {
            let _ = std::fs::remove_dir_all(plays.site.desk.path().join(journal));
        }
        plays.site.hosts.inside(HOST, "rm -f /root/marks");
        let mut live = Some(plays.spawn(&RUN));
        let began = std::time::Instant::now();
        while marks() != "begun" {
            assert!(began.elapsed() < std::time::Duration::from_secs(60), "{what}: {:?}", plays.events());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        if dead {
            live.take().expect("it is at work").kill().killed();
        }
        let take = ["--journal", "another", "run", "./other.yml", "-i", "hosts", "--yes", "--take-over"];
        plays.run(&take).exits(0);
        plays.until_gone();
        let out = live.map_or_else(|| plays.run(&["resume"]), |live| live.end()).exits(4);
        assert!(out.stderr.contains("IN DOUBT"), "{what}: {out}");
        assert_eq!(marks(), "begun\nother", "{what}: the first went no further, the other was run once");
        for event in plays.site.events() {
            let said = [&event["Outcome"]["ending"], &event["Probed"]["decision"]];
            assert!(said.iter().all(|said| **said != "succeeded" && **said != "again"), "{what}: {event}");
        }
        let told = plays.recorded();
        assert_eq!(ends(&told), BTreeMap::new(), "{what}: {told:?}");
        let show = plays.site.desk.run(&["show", "after/play"]).exits(0);
        assert!(show.stdout.contains("another journal took its claim, and it was ended on the way"), "{what}: {show}");
        plays.site.is_sound();
        let theirs = ["--journal", "another"];
        let show = plays.site.desk.run(&[&theirs[..], &["show", "after/play"]].concat()).exits(0);
        show.says(&["gluster1.demo: 1 ok, 1 changed"]);
        plays.site.desk.run(&[&theirs[..], &["status"]].concat()).exits(0);
    }
}
