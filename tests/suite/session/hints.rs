//! Words at three in the morning: what is told to type acts on the run that is shown, states and refusals say what is so.

use palinode_tests::binary::{Desk, Out, binary};
use palinode_tests::story::copy_all;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const PACKAGES: &str = "gluster1.demo/packages";
const ONE_HOST: [&str; 5] = ["run", "crio-to-docker", "--lab", "--host", "gluster1.demo"];

const DOUBT: &str = "\
runbook: doubt
about: A command that nothing can be asked about
hosts: { group: glusterfs }
each_host:
  - cordon: { kube.cordon: {} }
  - unexclude: { command: { run: [/sbin/atomic-openshift-excluder, unexclude], changes: [] }, recovery: ask }
  - schedulable: { restore: { step: cordon, fields: [unschedulable] } }
";

/// A step that needs a value which an earlier one brings.
const BLOCKED: &str = "\
runbook: blocked
about: A value that nobody brings
hosts: { group: glusterfs }
each_host:
  - cordon: { kube.cordon: {} }
  - name: { file.read: { path: /etc/sysconfig/atomic-openshift-node, key: BOOTSTRAP_CONFIG_NAME }, capture: group }
  - edit: { file: { path: /etc/x, content: \"{{ group }}\" } }
";

fn latest(desk: &Desk) -> String {
    desk.json(&["status"])["run"].as_str().expect("a run has an id").to_owned()
}

fn state(desk: &Desk, run: &str) -> String {
    desk.json(&["status", run])["state"].as_str().expect("a state").to_owned()
}

/// Every command line in what was printed: lines of `next`, and what stands between backquotes. What has a placeholder
/// for a file or a name is no command line yet; TEXT is one that any text may stand for.
fn hints(out: &Out) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let texts = [&out.stdout, &out.stderr];
    for line in texts.iter().flat_map(|text| text.lines()) {
        if let Some(rest) = line.trim_start().strip_prefix("palinode ") {
            let rest = rest.split("  ").next().unwrap_or_default();
            found.insert(format!("palinode {rest}"));
        }
        for quoted in line.split('`').skip(1).step_by(2).filter(|text| text.starts_with("palinode ")) {
            found.insert(quoted.to_owned());
        }
    }
    if let Ok(Value::Object(object)) = serde_json::from_str::<Value>(&out.stdout) {
        let lists = object.get("waiting").and_then(Value::as_array).into_iter().flatten();
        found.extend(
            lists
                .flat_map(|open| open["next"].as_array().into_iter().flatten())
                .map(|line| line.as_str().expect("a command line is a text").to_owned()),
        );
    }
    let placeholder = |word: &str| ["FILE", "NAME", "HOST", "RUN", "INVENTORY", "DIR"].contains(&word);
    found.retain(|line| !line.split_whitespace().any(placeholder));
    found
}

/// A shell in a folder, as a person has one.
fn shell(at: &Path, line: &str) -> Out {
    let bin = binary().parent().expect("the binary is in a folder");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("/bin/sh");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PALINODE_")) {
        command.env_remove(name);
    }
    let out = command.args(["-c", line]).env("PATH", path).current_dir(at).output().expect("a shell can be started");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the binary prints UTF-8");
    Out { code: out.status.code(), signal: None, stdout: text(&out.stdout), stderr: text(&out.stderr) }
}

/// The runs that entries behind a place belong to, and the runs that those take back.
fn touched(desk: &Desk, behind: usize) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for entry in desk.entries().iter().skip(behind) {
        let entry = &entry["entry"];
        let back = entry["event"]["RunOpened"]["compensates"]["run"].as_str();
        let new = entry["event"]["RunOpened"].is_object();
        let run = entry["run"].as_str().expect("an entry has a run");
        match (back, new) {
            (Some(back), _) => all.extend([back.to_owned(), format!("back {run}")]),
            (None, true) => all.extend([format!("new {run}")]),
            (None, false) => all.extend([run.to_owned()]),
        }
    }
    all.retain(|run| !run.starts_with("back ") && !all_back(desk, behind).contains(run));
    all
}

/// The rollbacks that were opened behind a place.
fn all_back(desk: &Desk, behind: usize) -> BTreeSet<String> {
    let entries = desk.entries();
    let opened = entries.iter().skip(behind).map(|entry| &entry["entry"]);
    opened
        .filter(|entry| entry["event"]["RunOpened"]["compensates"].is_object())
        .map(|entry| entry["run"].as_str().expect("an entry has a run").to_owned())
        .collect()
}

/// A journal of somebody's else work, with an open run at the same step.
fn elsewhere() -> Desk {
    let desk = Desk::new();
    desk.run(&[&ONE_HOST[..], &["--fail", PACKAGES]].concat()).exits(3);
    desk
}

/// Types every hint of the screens about a run, in a folder that has another journal, and in the journal's own.
#[track_caller]
fn hints_act_on(name: &str, desk: &Desk, run: &str, more: &[Out]) -> BTreeSet<String> {
    let other = elsewhere();
    let journal = desk.path().join(".palinode");
    let named = |args: &[&str]| {
        let journal = journal.to_string_lossy().into_owned();
        [&["--journal", &journal][..], args].concat().iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    let step = desk.json(&["show", run])["plan_steps"][0]["step"].as_str().expect("a step").to_owned();
    let screens: Vec<Vec<&str>> = vec![
        vec!["status", run],
        vec!["status", run, "-o", "json"],
        vec!["show", run],
        vec!["show", &step, "--run", run],
        vec!["log", run],
        vec!["runs"],
        vec!["rollback", run, "--dry-run"],
        vec!["rollback", run, "--host", "nosuch.demo", "--dry-run"],
        vec!["retry", &step, "--run", run],
        vec!["skip", "gluster1.demo/nosuch", "--reason", "x", "--run", run],
        vec!["resolve", &step, "--applied", "--run", run],
        vec!["close", "--run", "ffffffffffffffff", "--reason", "x"],
        vec!["log", run, "--host", "nosuch.demo"],
        vec!["log", run, "--kind", "drift-found"],
    ];
    let kept = tempfile::tempdir().expect("a folder can be made");
    copy_all(desk.path(), &kept.path().join("desk"));
    let restore = || {
        for item in std::fs::read_dir(desk.path()).expect("a desk can be read") {
            let path = item.expect("a desk can be read").path();
            if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) }
                .expect("a desk can be cleared");
        }
        copy_all(&kept.path().join("desk"), desk.path());
    };
    let mut all = BTreeSet::new();
    for from_elsewhere in [true, false] {
        let at = if from_elsewhere { other.path() } else { desk.path() };
        let mut lines = BTreeSet::new();
        for screen in &screens {
            let args = if from_elsewhere { named(screen) } else { screen.iter().map(|w| (*w).to_owned()).collect() };
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let out = if from_elsewhere { other.run(&args) } else { desk.run(&args) };
            lines.extend(hints(&out));
            restore();
        }
        if !from_elsewhere {
            lines.extend(more.iter().flat_map(hints));
        }
        assert!(lines.iter().any(|line| line.contains(&run[..4])), "{name}: no hint names the run: {lines:#?}");
        let segments = other.files(".palinode/segments");
        for line in &lines {
            let before = desk.entries().len();
            let out = shell(at, line);
            assert!(!out.stderr.contains("Usage:"), "{name}: `{line}` is no command line: {out}");
            assert!(matches!(out.code, Some(0 | 1 | 3 | 4 | 6)), "{name}: `{line}` is refused: {out}");
            assert_eq!(other.files(".palinode/segments"), segments, "{name}: `{line}` acts on another journal: {out}");
            let runs = touched(desk, before);
            assert!(runs.iter().all(|one| one == run), "{name}: `{line}` acts on {runs:?}, not on {run}: {out}");
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.contains(&"status") && words.iter().any(|word| run.starts_with(word)) {
                assert!(out.stdout.contains(&run[..4]), "{name}: `{line}` shows another run: {out}");
            }
            restore();
        }
        // Where they are pasted into a terminal in another folder, nothing there is touched either.
        for line in lines.iter().filter(|_| !from_elsewhere) {
            shell(other.path(), line);
            assert_eq!(other.files(".palinode/segments"), segments, "{name}: `{line}`, pasted, acts on another run");
        }
        all.extend(lines);
    }
    all
}

#[track_caller]
fn offers(lines: &BTreeSet<String>, words: &str) {
    assert!(lines.iter().any(|line| line.contains(words)), "`{words}` is not offered: {lines:#?}");
}

#[track_caller]
fn does_not_offer(lines: &BTreeSet<String>, words: &str) {
    assert!(lines.iter().all(|line| !line.contains(words)), "`{words}` is offered: {lines:#?}");
}

#[test]
fn hints_about_a_failed_step_act_on_its_run() {
    let desk = Desk::new();
    let out = desk.run(&[&ONE_HOST[..], &["--fail", PACKAGES]].concat()).exits(3);
    let run = latest(&desk);
    let lines = hints_act_on("failed", &desk, &run, &[out]);
    let id = &run[..4];
    offers(&lines, &format!("palinode retry {PACKAGES} --run {id}"));
    offers(&lines, &format!("palinode skip {PACKAGES} --reason TEXT --run {id}"));
    offers(&lines, &format!("palinode close {id} --reason TEXT"));
    // Going on would only find the failed step again.
    does_not_offer(&lines, &format!("resume {id}"));
    let out = desk.run(&["retry", PACKAGES]).exits(0).says(&[&format!("recorded for run {id}")]);
    let lines = hints_act_on("to retry", &desk, &run, &[out]);
    offers(&lines, &format!("palinode resume {id}"));
    desk.run(&["resume", "--run", id]).exits(0);
}

#[test]
fn hints_about_a_killed_run_and_one_that_asks_act_on_it() {
    let desk = Desk::new();
    desk.write("doubt.yml", DOUBT);
    let die = ["--host", "gluster1.demo", "--die", "gluster1.demo/unexclude:half"];
    desk.run(&[&["run", "doubt.yml", "--lab"][..], &die].concat()).killed();
    let run = latest(&desk);
    let status = desk.run(&["status"]).exits(0);
    // Nobody drives it any more: nothing is running, it is not known what became of it.
    assert!(status.stdout.contains("in doubt     at unexclude since 2"), "{status}");
    assert!(!status.stdout.contains("running"), "{status}");
    let steps = desk.json(&["status"])["steps"].clone();
    assert_eq!((&steps["in-doubt"], &steps["running"]), (&1.into(), &Value::Null));
    desk.run(&["status", "--exit-code"]).exits(4);
    let lines = hints_act_on("killed", &desk, &run, &[status]);
    offers(&lines, &format!("palinode resume {}", &run[..4]));
    let refused = desk.run(&["close", "@", "--reason", "gone"]).exits(4);
    refused.clone().complains(&["gluster1.demo/unexclude is in doubt", "stays open", "--force"]);

    let out = desk.run(&["resume"]).exits(4);
    let back = desk.run(&["rollback"]).exits(4);
    let lines = hints_act_on("asking", &desk, &run, &[out, back, refused]);
    offers(&lines, &format!("palinode resolve gluster1.demo/unexclude --applied --reason TEXT --run {}", &run[..4]));
    let next = desk.run(&["status"]).exits(0).stdout;
    assert!(!next.contains("go on"), "going on would only ask again:\n{next}");

    desk.run(&["close", "@", "--reason", "the machine is scrap", "--force"]).exits(0).says(&["closed as failed"]);
    desk.run(&["status"]).exits(0).says(&["doubt ", ": failed"]);
    desk.run(&["replay", "--strict"]).exits(0);
    let out = desk.run(&["rollback"]);
    assert!(matches!(out.code, Some(0 | 6)), "what was in doubt can be taken back: {out}");
    desk.run(&["replay", "--strict"]).exits(0);
}

#[test]
fn hints_about_a_run_that_is_done_and_one_that_was_taken_back_act_on_it() {
    let desk = Desk::new();
    let out = desk.run(&ONE_HOST).exits(0);
    let run = latest(&desk);
    let lines = hints_act_on("done", &desk, &run, &[out]);
    offers(&lines, &format!("palinode rollback --dry-run {}", &run[..4]));
    desk.run(&["status", "--exit-code"]).exits(0);
    let out = desk.run(&["rollback"]).exits(6);
    let back = latest(&desk);
    assert_ne!(run, back);
    hints_act_on("partly rolled back", &desk, &back, &[out]);
    desk.run(&["status", "--exit-code"]).exits(6);
    desk.run(&["status", "--exit-code", &run]).exits(0);
    let out = desk.run(&["resume", &back]).exits(2).complains(&["is closed"]);
    assert!(hints(&out).iter().any(|line| line.contains(&format!("status {}", &back[..4]))), "{out}");
}

#[test]
fn hints_about_a_rollback_that_stands_still_act_on_it() {
    let desk = Desk::new();
    desk.run(&ONE_HOST).exits(0);
    let run = latest(&desk);
    let preview = desk.json(&["rollback", "--dry-run"]);
    let mut steps = preview["steps"].as_array().expect("a list").iter();
    let step = steps.find(|step| step["undoes"] == PACKAGES).expect("packages are put back")["step"].clone();
    let step = step.as_str().expect("a path").to_owned();
    let out = desk.run(&["rollback", "--fail", &step]).exits(3);
    let back = latest(&desk);
    let lines = hints_act_on("rollback paused", &desk, &back, std::slice::from_ref(&out));
    offers(&lines, &format!("palinode retry {step} --run {}", &back[..4]));
    let refused = desk.run(&["rollback", &run]).exits(2).complains(&["is being taken back already"]);
    assert!(hints(&refused).iter().any(|line| line.ends_with(&format!("resume {}", &back[..4]))), "{refused}");
    // A person may end it too. What nobody looked at is not said to be restored.
    desk.run(&["close", &run, "--reason", "x"]).exits(2);
    desk.run(&["close", &back, "--reason", "goes by hand"]).exits(0).says(&["partly-rolled-back"]);
    desk.run(&["status", "--exit-code", &back]).exits(6);
    desk.run(&["log"]).exits(0).says(&["run-closed", "goes by hand"]);
    desk.run(&["replay", "--strict"]).exits(0);
    desk.run(&["verify"]).exits(0);
}

#[test]
fn a_step_that_cannot_begin_is_passed_over_and_there_is_no_loop() {
    let desk = Desk::new();
    desk.write("blocked.yml", BLOCKED);
    let hosts = ["--host", "gluster1.demo", "--fail", "gluster1.demo/name"];
    desk.run(&[&["run", "blocked.yml", "--lab"][..], &hosts].concat()).exits(3);
    desk.run(&["skip", "gluster1.demo/name", "--reason", "known by heart"]).exits(0);
    let out = desk.run(&["resume"]).exits(3).says(&["gluster1.demo/edit", "cannot begin"]);
    let run = latest(&desk);
    let lines = hints_act_on("blocked", &desk, &run, &[out]);
    offers(&lines, &format!("palinode skip gluster1.demo/edit --reason TEXT --run {}", &run[..4]));
    desk.run(&["skip", "gluster1.demo/edit", "--reason", "nothing there"]).exits(0);
    desk.run(&["resume"]).exits(0).says(&["blocked: done"]);
    desk.run(&["replay", "--strict"]).exits(0);
}

#[test]
fn several_open_runs_are_named_told_apart_and_closed() {
    let desk = Desk::new();
    let fail = ["--fail", PACKAGES];
    desk.run(&[&ONE_HOST[..], &fail].concat()).exits(3);
    let first = latest(&desk);
    desk.run(&["run", "crio-to-docker", "--lab", "--host", "gluster2.demo", "--fail", "gluster2.demo/packages"])
        .exits(3);
    let second = latest(&desk);
    let third = desk.json(&["run", "crio-to-docker", "--lab", "--host", "gluster3.demo"]);
    let third = third["run"].as_str().expect("a run").to_owned();
    for run in [&first, &second] {
        hints_act_on("two open runs", &desk, run, &[]);
    }
    // The latest is shown, and those that are open beside it are named.
    let status = desk.run(&["status"]).exits(0);
    status.clone().says(&[&third[..4], "other open runs"]);
    for run in [&first, &second] {
        assert!(hints(&status).iter().any(|line| run.starts_with(line.rsplit(' ').next().unwrap_or("x"))), "{status}");
    }
    // Open ones first.
    let runs = desk.run(&["runs"]).exits(0).stdout;
    let place = |run: &str| runs.find(&run[..4]).unwrap_or_else(|| unreachable!("{run} in {runs}"));
    assert!(place(&second) < place(&first) && place(&first) < place(&third), "{runs}");
    assert!(runs.contains("paused") && runs.contains("done") && runs.contains("crio-to-docker"), "{runs}");
    let list = desk.json(&["runs"]);
    let list = list.as_array().expect("a list");
    assert_eq!(list.iter().filter(|run| run["open"] == true).count(), 2);
    assert_eq!(desk.json(&["runs", "--open"]).as_array().map(Vec::len), Some(2));
    assert_eq!(desk.json(&["runs", "--host", "gluster2.demo"])[0]["run"], second.as_str());
    desk.run(&["runs", "--host", "gluster2"]).exits(2).complains(&["did you mean `gluster2.demo`"]);

    // One is closed, for a reason; the other stays as it is.
    desk.run(&["close", &first, "--reason", " "]).exits(2).complains(&["needs a reason"]);
    desk.run(&["close", &first]).exits(2);
    let out = desk.run(&["close", &first, "--reason", "goes on by hand"]).exits(0);
    out.says(&["closed as failed", PACKAGES, "palinode rollback --dry-run"]);
    assert_eq!((state(&desk, &first).as_str(), state(&desk, &second).as_str()), ("failed", "paused"));
    desk.run(&["status", &first, "--exit-code"]).exits(1);
    desk.run(&["status", &second, "--exit-code"]).exits(3);
    desk.run(&["log", &first]).exits(0).says(&["run-closed", ", by ", "goes on by hand"]);
    desk.run(&["close", &first, "--reason", "again"]).exits(2).complains(&["is closed already"]);
    desk.run(&["retry", PACKAGES, "--run", &first]).exits(2);
    desk.run(&["replay", "--strict"]).exits(0);
    desk.run(&["verify"]).exits(0);
    let back = desk.run(&["rollback", &first]);
    assert!(matches!(back.code, Some(0 | 6)), "{back}");
}

#[test]
fn a_run_whose_lab_is_gone_can_be_closed() {
    let desk = elsewhere();
    std::fs::remove_dir_all(desk.path().join(".palinode-lab")).expect("the lab can be removed");
    desk.run(&["close", "@", "--reason", "the lab is gone"]).exits(0);
    assert_eq!(state(&desk, "@"), "failed");
    desk.run(&["replay", "--strict"]).exits(0);
}

#[test]
fn one_action_that_fails_is_over_and_can_be_taken_back() {
    let desk = Desk::new();
    let out = desk.run(&["exec", "gluster1.demo", "--lab-state", "lab", "read", "/etc/nothing", "KEY"]).exits(1);
    out.clone().says(&["exec: failed", "failed: it ended with an error: exit 2"]);
    assert_eq!(state(&desk, "@"), "failed");
    desk.run(&["status"]).exits(0).says(&["exec ", ": failed", "none needed: the run is closed"]);
    hints_act_on("exec", &desk, &latest(&desk), &[out]);
    desk.run(&["undo", "@"]).exits(0);
    desk.run(&["replay", "--strict"]).exits(0);
}

#[test]
fn an_exit_status_is_shown_wherever_the_failure_is() {
    let desk = Desk::new();
    let out = desk.run(&[&ONE_HOST[..], &["--fail", PACKAGES]].concat()).exits(3);
    out.says(&["failed: it ended with an error: exit 1"]).complains(&["FAILED: it ended with an error: exit 1"]);
    for screen in [&["status"][..], &["show", "@"], &["show", PACKAGES], &["log", "--step", PACKAGES]] {
        desk.run(screen).exits(0).says(&["it ended with an error: exit 1"]);
    }
}

#[test]
fn a_name_that_is_not_there_is_refused_with_what_was_meant() {
    let desk = elsewhere();
    for (args, words) in [
        (&["log", "--host", "gluster1"][..], "did you mean `gluster1.demo`"),
        (&["log", "--host", "zebra"], "has no host zebra"),
        (&["log", "--action", "drain"], "did you mean `kube.drain`"),
        (&["log", "--action", "kube.darin"], "did you mean `kube.drain`"),
        (&["log", "--step", "gluster1.demo/pakages"], "did you mean `gluster1.demo/packages`"),
        (&["log", "--resource", "gluster1.demo/unit/criio"], "has no resource"),
        (&["log", "--kind", "otcome"], "outcome"),
        (&["rollback", "--host", "gluster1"], "did you mean `gluster1.demo`"),
        (&["rollback", "--host", "gluster1", "--dry-run"], "did you mean `gluster1.demo`"),
        (&["rollback", "--step", "gluster1.demo/pakages"], "did you mean `gluster1.demo/packages`"),
        (&["retry", "packages"], "did you mean `gluster1.demo/packages`"),
        (&["skip", "gluster1.demo/pakages", "--reason", "x"], "did you mean `gluster1.demo/packages`"),
        (&["show", "gluster1.demo/pakages"], "did you mean `gluster1.demo/packages`"),
    ] {
        let out = desk.run(args).exits(2).complains(&[words]);
        assert_eq!(out.stdout, "", "{args:?}");
    }
    // What is there, and only has no entry yet, is no mistake.
    desk.run(&["log", "--step", "gluster1.demo/schedulable"]).exits(0).complains(&["no entry is like that"]);
    desk.run(&["log", "--action", "kube.uncordon"]).exits(0).complains(&["no entry is like that"]);
}

#[test]
fn a_journal_that_may_not_be_read_is_not_said_to_be_missing() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let desk = elsewhere();
    let public = tempfile::Builder::new().prefix("palinode-bin-").tempdir_in("/tmp").expect("a folder can be made");
    let copy = public.path().join("palinode");
    std::fs::copy(binary(), &copy).expect("the binary can be copied");
    let open = |path: &Path, mode| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("a mode can be set");
    };
    open(public.path(), 0o755);
    open(&copy, 0o755);
    open(desk.path(), 0o755);
    open(&desk.path().join(".palinode"), 0o700);
    let ask = |args: &str| {
        let line = format!("exec setpriv --reuid=65534 --regid=65534 --clear-groups '{}' {args}", copy.display());
        shell(desk.path(), &line)
    };
    let journal = desk.path().join(".palinode");
    for args in ["status".to_owned(), "runs".to_owned(), format!("--journal {} status", journal.display())] {
        let out = ask(&args).exits(2).complains(&["cannot be read", "belongs to root", "you are nobody"]);
        assert!(!out.stderr.contains("no journal"), "{out}");
    }
}

/// Words that are about Rust, or about how text is kept.
const STRANGE: &[&str] = &[
    "invalid type",
    "invalid value",
    "invalid length",
    "missing field",
    "unknown field",
    "unknown variant",
    "expected struct",
    "struct ",
    "enum ",
    " u8",
    " u16",
    " u32",
    " u64",
    " i64",
    " f64",
    "usize",
    "expected a sequence",
    "a string",
    "a boolean",
    "tuple",
    "\\'",
    "\\n",
    "\\\"",
    "Some(",
    "untagged",
    "variant",
    "serde",
    "found in string",
    "Policy",
    "Options",
];

#[test]
fn a_mistake_is_told_in_the_words_of_its_writer() {
    let head = "runbook: demo\nhosts: { group: glusterfs }\neach_host:\n";
    let step = |line: &str| format!("{head}  - a: {line}\n");
    let steps = [
        "{ kube.drain: { timeout: [soon] } }",
        "{ kube.drain: { timeout: soon } }",
        "{ kube.drain: { timout: 5m } }",
        "{ kube.drain: 7 }",
        "{ kube.drain: [a] }",
        "{ kube.drain: { daemonsets: maybe } }",
        "{ kube.drain: { emptydir: 7 } }",
        "{ service: { unit: [a], state: stopped } }",
        "{ service: { units: 7, state: stopped } }",
        "{ service: { units: { a: b }, state: stopped } }",
        "{ service: { unit: crio, state: sleeping } }",
        "{ service: { unit: crio, state: 7 } }",
        "{ service: { unit: crio, enabled: perhaps } }",
        "{ service: { unit: crio, enabled: 1 } }",
        "{ service: {} }",
        "{ service: \"the lab's unit\" }",
        "{ wait: { port: 70000 } }",
        "{ wait: { port: -1 } }",
        "{ wait: { port: ssh } }",
        "{ wait: { port: [22] } }",
        "{ file: { state: absent } }",
        "{ file: { paths: /etc/x, state: absent } }",
        "{ file: { paths: [/etc/x], state: gone } }",
        "{ file: { path: /etc/x, content: a, mode: u=rw } }",
        "{ file: { path: /etc/x, content: a, mode: 420 } }",
        "{ file: { path: /etc/x, content: a, mode: 0999 } }",
        "{ file: { path: /etc/x, content: a, mode: [a] } }",
        "{ file: { path: /etc/x, content: { a: b } } }",
        "{ file: { path: \"/etc/the lab's\", content: { a: b } } }",
        "{ package: { names: docker, state: absent } }",
        "{ package: { names: [docker], state: \"the lab's\" } }",
        "{ command: { run: reboot } }",
        "{ command: { run: [true, [a]] } }",
        "{ command: {} }",
        "{ restore: { fields: [unschedulable] } }",
        "{ restore: { step: 'it''s', fields: [unschedulable] } }",
        "{ restore: { step: cordon, fields: [colour] } }",
        "{ \"it's\": {} }",
        "{ gate: { gluster.healed: { samples: many } } }",
        "{ gate: { gluster.healed: { samples: 1000 } } }",
        "{ gate: { gluster.healed: { vantage_points: -1 } } }",
        "{ gate: { gluster.healed: { every: often } } }",
        "{ gate: { gluster.heeled: {} } }",
        "{ gate: 7 }",
        "{ kube.cordon: {}, undo: perhaps }",
        "{ kube.cordon: {}, recovery: hope }",
        "{ kube.cordon: {}, recovery: 7 }",
        "{ kube.cordon: {}, when: \"it's\" }",
        "{ kube.cordon: {}, undo_after: { a: b } }",
        "{ kube.cordon: {}, each: 7 }",
        "{ kube.apply: 7 }",
        "{ kube.patch: { object: 7, merge: {} } }",
        "{ kube.patch: { object: { api: v1 }, merge: { a: 1 } } }",
        "{ repository: { enable: 7 } }",
        "7",
        "[a]",
    ];
    let mut books: Vec<String> = steps.iter().map(|line| step(line)).collect();
    books.extend(
        [
            "runbook: demo\nhosts: { group: glusterfs, serial: 010 }\neach_host:\n  - a: { kube.cordon: {} }\n",
            "runbook: demo\nhosts: { group: glusterfs, max_fail: many }\neach_host:\n  - a: { kube.cordon: {} }\n",
            "runbook: demo\nhosts: { group: glusterfs, max_fail: -1 }\neach_host:\n  - a: { kube.cordon: {} }\n",
            "runbook: demo\nhosts: 7\neach_host: []\n",
            "runbook: [demo]\nhosts: { group: glusterfs }\neach_host: 7\n",
            "runbook: demo\nparameters: 7\nhosts: { group: glusterfs }\neach_host:\n  - a: { kube.cordon: {} }\n",
            "runbook: demo\nrunbook: demo\nhosts: { group: glusterfs }\n",
            "7\n",
            "- a\n",
            "a: [\n",
            "a: \"b\n",
            "a: *nothing\n",
            "a: &x 1\nb: 3.10\n",
            "a: b: c\n",
            "\ta: b\n",
            "a: b\n c: d\n",
            "a: 99999999999999999999999\n",
            "? [a]\n: b\n",
            "a: !!int x\n",
        ]
        .map(str::to_owned),
    );
    let desk = Desk::new();
    for book in books {
        desk.write("book.yml", &book);
        let out = desk.run(&["run", "book.yml", "--lab"]).exits(2);
        // The line of the runbook itself is shown as it stands.
        let told: Vec<&str> = out.stderr.lines().filter(|line| !line.trim_start().contains(" | ")).collect();
        for word in STRANGE {
            assert!(told.iter().all(|line| !line.contains(word)), "`{word}` is told about\n{book}{out}");
        }
    }
}

#[test]
fn a_command_line_is_refused_in_the_words_of_its_writer() {
    let desk = elsewhere();
    desk.write("the lab's hosts", "[nodes]\na.demo\n");
    desk.write("it's.yml", "runbook: \"it's\"\n");
    for args in [
        &["run", "it's.yml", "--lab"][..],
        &["run", "the lab's", "--lab"],
        &["run", "crio-to-docker", "--lab", "-i", "the lab's hosts"],
        &["run", "crio-to-docker", "--lab", "--set", "it's"],
        &["run", "crio-to-docker", "--lab", "--set", "it's=1"],
        &["run", "crio-to-docker", "--lab", "--host", "it's"],
        &["run", "crio-to-docker", "--lab", "--fail", "it's"],
        &["run", "crio-to-docker", "--lab", "--pace", "fast"],
        &["run", "crio-to-docker", "--lab", "--lab-nodes", "many"],
        &["exec", "gluster1.demo", "--lab-state", "lab", "service", "crio", "it's"],
        &["exec", "gluster1.demo", "--lab-state", "lab", "it's"],
        &["exec", "it's", "--lab-state", "lab", "reboot"],
        &["exec", "gluster1.demo", "--lab-state", "lab", "wait", "port", "ssh"],
        &["exec", "gluster1.demo", "--lab-state", "lab", "wait", "for", "ages"],
        &["exec", "gluster1.demo", "--lab-state", "lab", "file", "/etc/x", "content", "a", "mode", "u=rw"],
        &["retry", "it's"],
        &["retry", "a\nb"],
        &["skip", "it's", "--reason", "x"],
        &["show", "it's"],
        &["show", "it's/there"],
        &["status", "it's"],
        &["resume", "--gap", "ages"],
        &["rollback", "--host", "it's"],
        &["log", "--since", "ages"],
        &["log", "-n", "many"],
        &["log", "--host", "it's"],
        &["log", "--step", "it's there"],
        &["close", "it's", "--reason", "x"],
        &["runbook", "show", "it's"],
    ] {
        let out = desk.run(args).exits(2);
        // How the parser of arguments begins every refusal of its own.
        for word in STRANGE.iter().filter(|word| **word != "invalid value") {
            assert!(!out.stderr.contains(word), "`{word}` is told about {args:?}: {out}");
        }
    }
}

#[test]
fn a_mode_is_octal_as_it_is_written() {
    let desk = Desk::new();
    let run = |mode: &str| {
        let book = format!(
            "runbook: demo\nhosts: {{ group: glusterfs }}\neach_host:\n  - a: {{ file: {{ path: /etc/x, content: a, mode: {mode} }} }}\n"
        );
        desk.write("book.yml", book);
        desk.run(&["run", "book.yml", "--lab", "--host", "gluster1.demo"])
    };
    for mode in ["0644", "\"0644\"", "'644'", "0o644", "\"0o644\""] {
        let out = run(mode).exits(0);
        let shown = desk.run(&["show", "gluster1.demo/a"]).exits(0);
        assert!(shown.stdout.contains("mode 0644") || shown.stdout.contains("644"), "{mode}: {out}{shown}");
        assert!(!shown.stdout.contains("1204"), "{mode}: {shown}");
        let intent = desk.entries().into_iter().rev().find_map(|entry| {
            entry["entry"]["event"]["Intent"]["action"]["file.write"]["mode"].as_str().map(str::to_owned)
        });
        assert!(intent.as_deref().is_some_and(|mode| mode.trim_start_matches('0') == "644"), "{mode}: {intent:?}");
    }
    for (mode, words) in [
        ("420", &["the mode 420 is a number without a zero before it", "mode: 0644", "mode: 0420"][..]),
        ("644", &["mode: 0644"]),
        ("493", &["mode: 0755"]),
        ("0888", &["octal digits"]),
        ("u=rw", &["`u=rw`", "octal digits"]),
        ("-1", &["octal"]),
    ] {
        run(mode).exits(2).complains(&["book.yml:4:"]).complains(words);
    }
}
