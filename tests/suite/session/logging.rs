//! What is logged: beside data and never in it, as much as was asked for, and nothing that only a host, a file or a person
//! should know. What is kept of a run that ended badly, and the report that is made of it.

use palinode_tests::binary::{Desk, Out};
use palinode_tests::fake_api::{FakeApi, Reply};
use palinode_tests::hosts::Kind;
use palinode_tests::inventory_dir::InventoryDir;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

/// The page that lists the fields.
const PAGE: &str = include_str!("../../../cli/docs/logging.md");

const LAB: [&str; 5] = ["run", "crio-to-docker", "--lab", "--host", "gluster1.demo"];

/// Such a run, with a step that fails.
const FAILS: [&str; 2] = ["--fail", "gluster1.demo/packages"];

/// As much as there is, of every crate that can be named.
const ALL: &str = "trace,hyper=trace,hyper_util=trace,kube=trace,kube_client=trace,tower=trace,tower_http=trace,openssh=trace,\
                   rustls=trace,tokio=trace,h2=trace,tungstenite=trace,mio=trace,want=trace,sled=trace,log=trace";

fn log(level: &str) -> [(&'static str, PathBuf); 1] {
    [("PALINODE_LOG", PathBuf::from(level))]
}

/// Whether a line of standard error is one of the log.
fn is_logged(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let (time, level, part) = (words.next(), words.next(), words.next());
    time.is_some_and(|time| time.ends_with('Z') && time.len() == 16)
        && level.is_some_and(|level| ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&level))
        && part.is_some_and(|part| part.starts_with("palinode") && part.ends_with(':'))
}

fn levels(text: &str) -> BTreeSet<&str> {
    text.lines().filter(|line| is_logged(line)).filter_map(|line| line.split_whitespace().nth(1)).collect()
}

fn events(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| unreachable!("{error}: {line}")))
        .collect()
}

/// Each field and span of these events is on the page, and said to be what it is.
#[track_caller]
fn is_on_the_page(events: &[Value]) {
    let rows: Vec<&str> = PAGE.lines().filter(|line| line.starts_with("| `")).collect();
    let names: BTreeSet<String> = events.iter().flat_map(names_of).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        let row = rows.iter().find(|row| row.split('|').nth(1).is_some_and(|cell| cell.contains(&format!("`{name}`"))));
        assert!(row.is_some() || ["request", "batch"].contains(&name.as_str()), "`{name}` is not on the page");
    }
}

fn names_of(event: &Value) -> Vec<String> {
    let mut names: Vec<String> =
        event["fields"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    for span in event["spans"].as_array().into_iter().flatten() {
        names.extend(span["name"].as_str().map(str::to_owned));
        names
            .extend(span.as_object().into_iter().flatten().map(|(name, _)| name.clone()).filter(|name| name != "name"));
    }
    names
}

#[test]
fn what_is_logged_never_gets_into_the_data_nor_tears_the_progress() {
    let quiet = Desk::new();
    let progress = quiet.run(&LAB).exits(0).stderr;
    assert!(!progress.lines().any(is_logged), "nothing is logged that was not asked for: {progress}");
    for (flag, most) in [("-v", "INFO"), ("-vv", "DEBUG"), ("-vvv", "TRACE")] {
        let desk = Desk::new();
        let out = desk.run(&[&LAB[..], &[flag, "-o", "json"]].concat()).exits(0);
        assert_eq!(out.value()["state"], "done");
        let told = levels(&out.stderr);
        assert!(told.contains("INFO") && (most == "INFO") != told.contains("DEBUG"), "{flag}: {told:?}");
        // What is left without the log is the progress of any other run, line by line.
        let rest: Vec<&str> = out.stderr.lines().filter(|line| !is_logged(line)).collect();
        assert_eq!(rest.len(), progress.lines().count(), "{flag}: {}", rest.join("\n"));
        for line in rest {
            assert!(!line.contains("palinode_"), "a torn line: {line}");
        }
        assert_eq!(desk.run(&["status", flag, "-o", "json"]).exits(0).value()["state"], "done");
    }
}

#[test]
fn a_part_of_the_program_is_chosen_by_its_name() {
    let desk = Desk::new();
    let out = desk.run_with(&log("palinode_journal=debug"), &LAB).exits(0);
    let told: Vec<&str> = out.stderr.lines().filter(|line| is_logged(line)).collect();
    assert!(told.iter().any(|line| line.contains("batch is durable") && line.contains("sync_us=")), "{out}");
    assert!(told.iter().all(|line| line.contains(" palinode_journal")), "{out}");
    // Of a run that is chosen by a span only what is within.
    let one = "palinode_replay[step{step=gluster1.demo/drain}]=debug";
    let out = Desk::new().run_with(&log(one), &LAB).exits(0);
    let told: Vec<&str> = out.stderr.lines().filter(|line| is_logged(line)).collect();
    assert!(!told.is_empty() && told.iter().all(|line| line.contains("step=gluster1.demo/drain")), "{out}");
    // The more talkative counts, and what is off is off.
    let out = Desk::new().run_with(&log("warn"), &[&LAB[..], &["-vv"]].concat()).exits(0);
    assert!(levels(&out.stderr).contains("DEBUG"), "{out}");
    let out = Desk::new().run_with(&log("off"), &LAB).exits(0);
    assert!(levels(&out.stderr).is_empty(), "{out}");
}

#[test]
fn what_cannot_be_understood_is_told_with_its_place_before_anything_is_done() {
    let desk = Desk::new();
    for (text, words) in [
        ("debgu", &["character 1", "`debgu`"][..]),
        ("info,palinode_executors::ssh=debgu", &["character 30", "debgu"]),
        ("palinode_executor=debug", &["character 1", "palinode_executors"]),
        ("palinode-journal=debug", &["write `palinode_journal`"]),
        ("palinode_journal=", &["character 18", "no level"]),
        ("palinode_replay[run{=debug", &["character"]),
        ("a=b=c", &["character 3"]),
    ] {
        let out = desk.run_with(&log(text), &LAB).exits(2);
        let out = out.complains(&["PALINODE_LOG", "nothing was done", "PALINODE_LOG=palinode_executors::ssh=debug"]);
        out.complains(words);
        assert!(!desk.path().join(".palinode").exists(), "{text}");
    }
    let odd = PathBuf::from(std::ffi::OsStr::from_bytes(b"info,\xff"));
    desk.run_with(&[("PALINODE_LOG", odd)], &LAB)
        .exits(2)
        .complains(&["PALINODE_LOG is not UTF-8", "nothing was done"]);
    desk.run(&["run", "crio-to-docker", "--lab", "--log-format", "xml"]).exits(2).complains(&["text", "json"]);
    assert!(!desk.path().join(".palinode").exists());
}

#[test]
fn a_log_file_is_private_complete_and_refused_where_others_reach_it() {
    let desk = Desk::new();
    let out = desk.run(&[&LAB[..], &["--log-file", "log", "--log-format", "json"]].concat()).exits(0);
    assert!(!out.stderr.contains("palinode_") && !out.stderr.contains("\"level\""), "{out}");
    let path = desk.path().join("log");
    assert_eq!(path.metadata().expect("it is there").permissions().mode() & 0o7777, 0o600);
    let first = fs::read_to_string(&path).expect("it can be read");
    let all = events(&first);
    is_on_the_page(&all);
    for message in ["run opened", "intent recorded", "job starts", "outcome", "batch is durable", "run closed"] {
        assert!(all.iter().any(|event| event["message"] == message), "{message}");
    }
    // An event knows the run, the host, the step and the attempt that it belongs to.
    let starts = |event: &&Value| event["message"] == "job starts" && event.to_string().contains("\"host\"");
    let started = all.iter().find(starts).expect("a job starts");
    let spans: Vec<&str> =
        started["spans"].as_array().into_iter().flatten().filter_map(|span| span["name"].as_str()).collect();
    assert_eq!(spans, ["run", "host", "step", "attempt", "job"]);
    // It goes on behind its end.
    // Things are lost for good, so that it is taken back but for those.
    desk.run(&["rollback", "--log-file", "log", "--log-format", "json"]).exits(6);
    let both = fs::read_to_string(&path).expect("it can be read");
    assert!(both.starts_with(&first) && both.len() > first.len());

    let fresh = Desk::new();
    let at = |name: &str| fresh.path().join(name);
    fs::create_dir(at("open")).expect("a folder");
    fs::set_permissions(at("open"), fs::Permissions::from_mode(0o777)).expect("a mode");
    fresh.write("loose", "");
    fs::set_permissions(at("loose"), fs::Permissions::from_mode(0o666)).expect("a mode");
    symlink("/nowhere/at/all", at("link")).expect("a link");
    let head = desk.path().join(".palinode/head").display().to_string();
    let mut table = vec!["open/log", "loose", "link", "nowhere/log", "open", "/dev/full", &head];
    let theirs = at("theirs").display().to_string();
    if rustix::process::geteuid().is_root() {
        // Somebody else's link leads to a file of ours.
        fresh.write("ours", "");
        symlink("ours", &theirs).expect("a link");
        std::os::unix::fs::lchown(&theirs, Some(65_534), Some(65_534)).expect("it is given away");
        table.push(&theirs);
    }
    for name in table {
        let out = fresh.run(&[&LAB[..], &["--log-file", name]].concat()).exits(2);
        out.complains(&["the log file", "nothing was done", "--log-file"]);
        assert!(!at(".palinode").exists(), "{name}");
    }
    desk.run(&["verify"]).exits(0);
}

fn diagnostics(desk: &Desk) -> Vec<PathBuf> {
    let found = fs::read_dir(desk.path().join(".palinode/diagnostics")).into_iter().flatten();
    found.map(|item| item.expect("the folder can be read").path()).collect()
}

#[test]
fn the_last_events_of_a_run_that_ended_badly_are_kept_and_of_no_other() {
    let good = Desk::new();
    good.run(&LAB).exits(0);
    assert_eq!(diagnostics(&good), Vec::<PathBuf>::new());
    let off = Desk::new();
    off.run_with(&log("off"), &[&LAB[..], &FAILS].concat()).exits(3);
    assert_eq!(diagnostics(&off), Vec::<PathBuf>::new());

    let desk = Desk::new();
    // Whatever else is shown: who asks for help did not ask for a log before.
    let out = desk.run_with(&log("error"), &[&LAB[..], &FAILS].concat()).exits(3);
    assert!(!out.stderr.contains("outcome"), "{out}");
    let run = desk.json(&["status"])["run"].as_str().expect("a run").to_owned();
    let kept = desk.path().join(format!(".palinode/diagnostics/{run}.log"));
    assert_eq!(diagnostics(&desk), std::slice::from_ref(&kept));
    assert_eq!(kept.metadata().expect("it is there").permissions().mode() & 0o7777, 0o600);
    let folder = kept.parent().expect("a folder").metadata().expect("it is there");
    assert_eq!(folder.permissions().mode() & 0o7777, 0o700);
    let all = events(&fs::read_to_string(&kept).expect("it can be read"));
    assert_eq!(all[0]["run"], run.as_str());
    assert!(all.len() <= 1001 && all.len() > 50, "{}", all.len());
    is_on_the_page(&all[1..]);
    let failed = |event: &&Value| event["message"] == "outcome" && event["fields"]["ending"] == "failed";
    let failed = all.iter().find(failed).expect("the failure is among them");
    assert_eq!(failed["fields"]["step"], "gluster1.demo/packages");
    // It is no part of the journal.
    let verified = desk.run(&["verify"]).exits(0);
    assert!(!verified.to_string().contains("diagnostics"), "{verified}");
    // A later end takes its place, and it may go.
    desk.run(&["retry", "gluster1.demo/packages"]).exits(0);
    fs::remove_dir_all(kept.parent().expect("a folder")).expect("it goes");
    desk.run(&["resume"]).exits(0);
    assert_eq!(diagnostics(&desk), Vec::<PathBuf>::new());
    desk.run(&["verify"]).exits(0);
}

#[test]
fn nothing_is_kept_through_a_link() {
    let (desk, other) = (Desk::new(), Desk::new());
    desk.run(&LAB).exits(0);
    symlink(other.path(), desk.path().join(".palinode/diagnostics")).expect("a link");
    // A link in a journal that was found is no journal of ours; one that was named writes nothing there.
    desk.run(&[&LAB[..], &FAILS].concat()).exits(2).complains(&["symbolic link"]);
    desk.run(&[&LAB[..], &FAILS, &["--journal", ".palinode"]].concat()).exits(3);
    assert_eq!(fs::read_dir(other.path()).expect("a folder").count(), 0);
}

/// The one file that a report is.
fn report(desk: &Desk, out: &Out) -> String {
    let path = desk.path().join(out.stdout.trim());
    assert_eq!(path.metadata().expect("the report is there").permissions().mode() & 0o7777, 0o600);
    fs::read_to_string(path).expect("it can be read")
}

#[test]
fn a_report_has_what_helps_and_no_name() {
    let desk = Desk::new();
    desk.run(&[&LAB[..], &FAILS, &["--reason", "PLANTED-REASON", "--change", "PLANTED-CHANGE"]].concat()).exits(3);
    let run = desk.json(&["status"])["run"].as_str().expect("a run").to_owned();
    // What somebody else may have left among the events is taken for nothing.
    let kept = desk.path().join(format!(".palinode/diagnostics/{run}.log"));
    let mut events = fs::read_to_string(&kept).expect("it can be read");
    for event in [
        json!({ "message": "host answered", "fields": { "host": "db7.intern.example.com", "odd": "PLANTED-FIELD" } }),
        json!({ "message": "API server answered", "fields": { "path": "/api/v1/namespaces/planted-space/pods/planted-pod" } }),
        json!({ "message": "drift found", "fields": { "resource": "10.77.1.2/file:/home/mallory/x", "step": "db7/x" } }),
        json!({ "message": "drift found", "fields": { "resource": "pod/planted-shop/planted-web@cluster" } }),
        json!({ "message": "odd \u{1b}[2J", "fields": { "why": "\u{1b}]0;PWNED\u{7}" } }),
        json!({ "message": "outcome", "fields": { "step": "eyJhbGciOiJSUzI1NiIsImtpZCI6Ilg5" } }),
    ] {
        events.push_str(&format!("{event}\n"));
    }
    fs::write(&kept, events).expect("it can be written");
    let settings = [
        ("KUBECONFIG", PathBuf::from("/home/mallory/PLANTED-CONFIG")),
        ("SUDO_USER", PathBuf::from("planteduser")),
        ("USER", PathBuf::from("planteduser")),
        ("PALINODE_SSH_CONFIG", PathBuf::from("/tmp/PLANTED-SSH")),
    ];
    let out = desk.run_with(&settings, &["doctor", "--report"]).exits(0);
    let out = out.complains(&["environment", "journal", "runs", "last events", "read it before you send it"]);
    let text = report(&desk, &out);
    for word in [
        "Read this before you send it",
        "KUBECONFIG is set, 28 bytes",
        &run,
        "paused",
        "/packages package: failed, attempt 1",
        "outcome",
        "ending=failed",
        "job starts",
        "odd=(left out)",
        "/api/v1/namespaces/name-",
        "last entry",
        "verify: sound",
        "file system",
    ] {
        assert!(text.contains(word), "`{word}` is missing: {text}");
    }
    let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    let path = desk.path().display().to_string();
    for secret in [
        "gluster1",
        "db7",
        "example.com",
        "10.77.1.2",
        "mallory",
        "planteduser",
        "planted-space",
        "planted-pod",
        "planted-shop",
        "planted-web",
        "\u{1b}",
        "PLANTED",
        "eyJhbGci",
        &path,
    ] {
        assert!(!text.contains(secret), "`{secret}` is in it: {text}");
    }
    // A short name may stand within a word by chance.
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    assert!(words.all(|word| word != host.trim()), "`{}` is in it: {text}", host.trim());
    // Nothing is replaced, and no link is followed.
    let name = out.stdout.trim();
    desk.run(&["doctor", "--report", name]).exits(2).complains(&["cannot be written", "--report FILE"]);
    assert_eq!(fs::read_to_string(desk.path().join(name)).expect("it is there"), text);
    symlink("elsewhere", desk.path().join("link")).expect("a link");
    desk.run(&["doctor", "--report", "link"]).exits(2);
    assert!(!desk.path().join("elsewhere").exists());
    let value = desk.json(&["doctor", "--report", "other.txt"]);
    assert_eq!((&value["file"], value["parts"].as_array().map(Vec::len)), (&"other.txt".into(), Some(7)));
}

#[test]
fn a_report_is_made_where_there_is_no_journal_or_a_broken_one() {
    let empty = Desk::new();
    let out = empty.run(&["doctor", "--report"]).exits(0);
    assert!(report(&empty, &out).contains("none is read"), "{out}");
    let desk = Desk::new();
    desk.run(&LAB).exits(0);
    fs::write(desk.path().join(".palinode/head"), "broken").expect("it can be written");
    let out = desk.run(&["doctor", "--report", "r"]).exits(0);
    let text = report(&desk, &out);
    assert!(text.contains("cannot be told: head is damaged"), "{text}");
    assert!(text.contains("verify: the journal does not verify: head is damaged"), "{text}");
}

/// What `Debug` makes of a value may have anything in it, so that no event and no span has a field of that kind.
#[test]
fn no_event_tells_what_debug_makes_of_a_value() {
    let mut seen = 0;
    for room in ["cli", "core", "executors", "journal", "replay"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(room).join("src"), &mut |path, text| {
            for name in ["trace", "debug", "info", "warn", "error"] {
                for form in [format!("{name}!("), format!("{name}_span!(")] {
                    for (at, _) in text.match_indices(&form) {
                        let call = within(&text[at + form.len()..]);
                        let odd = [" ?", "(?", "{"].into_iter().find(|odd| call.contains(odd));
                        assert_eq!(odd, None, "{}: {form}{call}", path.display());
                        seen += 1;
                    }
                }
            }
        });
    }
    assert!(seen > 40, "{seen}");
}

/// What stands up to the bracket that closes.
fn within(text: &str) -> &str {
    let mut open = 1;
    let closes = |(_, c): &(usize, char)| {
        open += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        open == 0
    };
    let end = text.char_indices().find(closes).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

fn sources(dir: &Path, tell: &mut dyn FnMut(&Path, &str)) {
    for item in fs::read_dir(dir).expect("a folder").flatten() {
        let path = item.path();
        if path.is_dir() {
            sources(&path, tell);
        } else if path.extension().is_some_and(|end| end == "rs") {
            tell(&path, &fs::read_to_string(&path).expect("a source"));
        }
    }
}

/// Looks for secrets wherever they could have got to but the journal's own sealed files.
#[track_caller]
fn has_none(desk: &Desk, outs: &[&Out], secrets: &[&str]) {
    let mut places: Vec<(String, String)> =
        outs.iter().enumerate().map(|(at, out)| (format!("standard error {at}"), out.stderr.clone())).collect();
    let read = |path: &Path| (path.display().to_string(), fs::read_to_string(path).unwrap_or_default());
    places.push(read(&desk.path().join("log")));
    let kept = diagnostics(desk);
    assert!(!kept.is_empty(), "there are last events");
    places.extend(kept.iter().map(|path| read(path)));
    let out = desk.run(&["doctor", "--report", "report.txt"]).exits(0);
    places.push(("the report".to_owned(), report(desk, &out)));
    for (place, text) in &places {
        assert!(text.len() > 1000, "{place} is not empty");
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} is in {place}");
        }
    }
}

#[test]
fn no_secret_of_a_cluster_is_logged() {
    let [token, content, printed, argument, label] =
        ["T0KEN-planted", "C0NTENT-planted", "PR1NTED-planted", "ARGUMENT-planted", "LABEL-planted"];
    let status = json!({ "status": "Failure", "reason": "NonZeroExitCode", "message": printed,
        "details": { "causes": [{ "reason": "ExitCode", "message": "3" }] } });
    let frames =
        vec![(1, printed.as_bytes().to_vec()), (2, printed.as_bytes().to_vec()), (3, status.to_string().into_bytes())];
    let tape = FakeApi::new(move |asked| match asked.path.split('?').next() {
        Some("/version") => Reply::Says(200, json!({ "gitVersion": "v1.11.0" })),
        Some("/api/v1/nodes/n") => Reply::Says(200, json!({ "metadata": { "name": "n", "uid": "u" } })),
        Some("/api/v1/namespaces/s/configmaps/c") => {
            Reply::Says(403, json!({ "kind": "Status", "status": "Failure", "message": content, "code": 403 }))
        }
        Some("/api/v1/namespaces/s/pods") => Reply::Says(
            200,
            json!({ "items": [
            { "metadata": { "name": "p", "labels": { "app": label } }, "spec": { "nodeName": "n" }, "data": content,
              "status": { "conditions": [{ "type": "Ready", "status": "True" }] } }] }),
        ),
        Some("/api/v1/namespaces/s/pods/p/exec") => Reply::Stream(frames.clone()),
        _ => Reply::Says(404, json!({ "message": content })),
    });
    let desk = Desk::new();
    let config = fs::read_to_string(tape.kubeconfig()).expect("a file");
    let planted =
        config.replace("\"token\"", &format!("\"{token}\"")).replace("token: token", &format!("token: {token}"));
    assert!(planted.contains(token), "{config}");
    desk.write("kubeconfig", planted);
    desk.write("hosts", format!("[nodes]\nn secret_variable={argument}\n"));
    desk.write(
        "book.yml",
        format!(
            "runbook: book\nparameters:\n  pw: {{ default: {argument} }}\nhosts: {{ group: nodes }}\neach_host:\n  \
             - act: {{ kube.exec: {{ pod: {{ namespace: s, labels: {{ app: {label} }} }}, run: [sh, \"{{{{ pw }}}}\"] }} }}\n"
        ),
    );
    let args = ["run", "./book.yml", "-i", "hosts", "--yes", "--kubeconfig", "kubeconfig", "-vvv"];
    let out = desk.run_with(&log(ALL), &args);
    let out = out.exits(3).complains(&["verb=exec", "path=/version", "duration_us=", "bytes_in=", "status=200"]);
    let shown = desk.run(&["show", "n/act"]).exits(0);
    assert!(shown.stdout.contains(printed), "it was there to be told: {shown}");
    assert!(tape.asked().iter().any(|asked| asked.path.contains(argument)), "it was sent");
    let foreign: Vec<&str> =
        out.stderr.lines().filter(|line| line.contains(" hyper") || line.contains(" kube_client")).collect();
    assert!(foreign.iter().all(|line| line.starts_with("notice") || !line.contains("DEBUG")), "{foreign:?}");
    let to_file = [&args[..], &["--log-file", "log"]].concat();
    let second = desk.run_with(&log(ALL), &to_file);
    is_on_the_page(&events_of(&desk, &args));
    // What is shown of the message of a failed step is the progress's word, not the log's.
    let logged = |out: &Out| Out {
        stderr: out.stderr.lines().filter(|line| is_logged(line)).map(|line| format!("{line}\n")).collect(),
        ..out.clone()
    };
    has_none(&desk, &[&logged(&out), &logged(&second)], &[token, content, printed, argument, label]);
}

/// The same run once more in a journal of its own, logged as JSON.
fn events_of(desk: &Desk, args: &[&str]) -> Vec<Value> {
    let more = ["--log-file", "events", "--log-format", "json", "--journal", "other"];
    desk.run_with(&log(ALL), &[args, &more[..]].concat());
    events(&fs::read_to_string(desk.path().join("events")).expect("there are events"))
}

#[test]
fn no_secret_of_a_host_is_logged() {
    let first = "gluster1.demo";
    let Some(site) = InventoryDir::new("logging: secrets on a host", Kind::default(), &[first]) else { return };
    let [variable, secret, printed, content, argument] =
        ["VAR1ABLE-planted", "SECRET-planted", "PR1NTED-planted", "C0NTENT-planted", "ARGUMENT-planted"];
    site.desk.write("hosts", format!("[glusterfs]\n{first} ansible_password_note={variable}\n"));
    site.desk.write("pw", secret);
    fs::set_permissions(site.desk.path().join("pw"), fs::Permissions::from_mode(0o600)).expect("a mode");
    let pw = site.desk.path().join("pw").display().to_string();
    site.desk.write(
        "book.yml",
        format!(
            "runbook: book\nparameters:\n  pw: {{ default: {argument} }}\nhosts: {{ group: glusterfs }}\neach_host:\n  \
             - file: {{ file: {{ path: /root/f, content: {content} }} }}\n  \
             - read: {{ command: {{ run: [/bin/cat, /root/f] }} }}\n  \
             - env: {{ command: {{ run: [/bin/sh, -c, 'echo \"$TOKEN $0\"', \"{{{{ pw }}}}\"], \
             environment: {{ TOKEN: {{ secret: 'env:PW', as: environment }} }} }} }}\n  \
             - fails: {{ command: {{ run: [/bin/sh, -c, 'cat; echo {printed} >&2; echo {printed}; exit 7'], stdin: {{ secret: 'file:{pw}' }} }} }}\n"
        ),
    );
    let mut settings = log(ALL).to_vec();
    settings.push(("PW", PathBuf::from(secret)));
    let run = |more: &[&str]| {
        let args = [&["run", "./book.yml", "-i", "hosts", "--yes", "-vvv"], more].concat();
        site.desk.run_with(&settings, &site.args(&args))
    };
    let out = run(&[]).exits(3).complains(&[
        "host connected",
        "host answered",
        "asks=p_",
        "bytes_out=",
        "duration_us=",
        "code=0",
    ]);
    let shown = site.desk.run(&["show", &format!("{first}/fails")]).exits(0);
    assert!(shown.stdout.contains(printed), "it was there to be told: {shown}");
    let second = run(&["--log-file", "log", "--journal", "second", "--take-over"]);
    run(&["--log-file", "events", "--log-format", "json", "--journal", "third", "--take-over"]);
    is_on_the_page(&events(&fs::read_to_string(site.desk.path().join("events")).expect("there are events")));
    let logged = |out: &Out| Out {
        stderr: out.stderr.lines().filter(|line| is_logged(line)).map(|line| format!("{line}\n")).collect(),
        ..out.clone()
    };
    has_none(&site.desk, &[&logged(&out), &logged(&second)], &[variable, secret, printed, content, argument]);
    let report = fs::read_to_string(site.desk.path().join("report.txt")).expect("it was made");
    assert!(!report.contains("gluster1") && report.contains("/fails command: failed"), "{report}");
}
