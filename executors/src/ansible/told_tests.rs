//! From what a playbook told to what its end means, in lines as the plugin writes them.

use super::events::Tail;
use super::verdict::{Left, Verdict, verdict};
use palinode_core::action::{Playbook, Target};
use palinode_core::id::HostName;

/// One line in short: `failed h1 T no luck {more}`, `stats h1:ok,failures,dark,skipped ...`, or JSON as it is.
fn line(number: usize, short: &str) -> String {
    if let Some(rest) = short.strip_prefix('{') {
        return format!("{{\"n\":{number},{rest}\n");
    }
    let mut words = short.splitn(2, ' ');
    let (event, rest) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let body = match event {
        "ok" | "skipped" | "failed" | "unreachable" => {
            let (rest, more) = rest.split_once('{').map_or((rest.trim(), String::new()), |(rest, more)| {
                (rest.trim(), format!(",{}", more.trim_end_matches('}')))
            });
            let mut words = rest.splitn(3, ' ');
            let mut next = || words.next().unwrap_or_default().to_owned();
            let (host, task, msg) = (next(), next(), next());
            format!("\"e\":\"{event}\",\"host\":\"{host}\",\"name\":\"{task}\",\"result\":{{\"msg\":\"{msg}\"}}{more}")
        }
        "stats" => {
            let (rest, more) = rest.split_once('{').map_or((rest.trim(), String::new()), |(rest, more)| {
                (rest.trim(), format!(",{}", more.trim_end_matches('}')))
            });
            let hosts: Vec<String> = rest
                .split_whitespace()
                .map(|one| {
                    let (host, counts) = one.split_once(':').expect("host:counts");
                    let counts: Vec<&str> = counts.split(',').collect();
                    let [ok, failures, dark, skipped] = counts[..] else { unreachable!("four counts: {one}") };
                    format!(
                        "\"{host}\":{{\"ok\":{ok},\"failures\":{failures},\"unreachable\":{dark},\"skipped\":{skipped}}}"
                    )
                })
                .collect();
            format!("\"e\":\"stats\",\"hosts\":{{{}}}{more}", hosts.join(","))
        }
        "" => unreachable!("an event"),
        _ if rest.is_empty() => format!("\"e\":\"{event}\""),
        _ => format!("\"e\":\"{event}\",{rest}"),
    };
    format!("{{\"n\":{number},{body}}}\n")
}

fn judged(lines: &[&str], code: Option<i32>, left: Left, out: &str) -> String {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("events");
    let text: String = lines.iter().enumerate().map(|(at, short)| line(at + 1, short)).collect();
    std::fs::write(&file, text).expect("written");
    let mut tail = Tail::default();
    while !tail.more(&file).expect("it can be read").is_empty() {}
    assert_eq!(tail.tally.strange, 0, "{lines:?}");
    let playbook: Playbook = serde_json::from_str("{\"path\":\"/p.yml\",\"inventory\":\"/i\"}").expect("a playbook");
    let target = Target { host: HostName::new("h1").ok(), node: None };
    match verdict(&playbook, &target, code, &tail.tally, left, out.as_bytes()) {
        Verdict::Well(words) => format!("well {words}"),
        Verdict::Badly(why, words) => format!("badly {why:?} {words}"),
        Verdict::Unknown(words) => format!("unknown {words}"),
    }
}

#[test]
fn hosts_are_judged_by_their_last_word() {
    let left = Left { begins: true, ..Left::default() };
    type Row<'a> = (&'a str, &'a [&'a str], i32, &'a str);
    let table: &[Row<'_>] = &[
        ("well", &["began", "play", "task", "ok h1 T", "stats h1:1,0,0,0"], 0, "well h1: 1 ok, 0 changed"),
        (
            "rescued",
            &["began", "task", "failed h1 A no {\"rescued\":true}", "ok h1 R {\"rescue\":true}", "stats h1:1,0,0,0"],
            0,
            "well",
        ),
        (
            "rescued and not counted so, as of an include",
            &[
                "began",
                "failed h1 A gone {\"rescued\":false}",
                "ok h1 R {\"rescue\":true}",
                "stats h1:2,1,0,0 {\"failed\":[\"h1\"]}",
            ],
            0,
            "well",
        ),
        (
            "the same, and Ansible leaves the host out",
            &[
                "began",
                "failed h1 A gone {\"rescued\":false}",
                "ok h1 R {\"rescue\":true}",
                "stats h1:2,1,0,0 {\"failed\":[\"h1\"]}",
            ],
            2,
            "badly ExitCode Ansible counts h1 as failed in the end",
        ),
        (
            "what is rescued in an always does not rescue what failed before",
            &[
                "began",
                "failed h1 A cause {\"rescued\":false}",
                "failed h1 B no {\"rescued\":true}",
                "ok h1 R {\"rescue\":true}",
                "stats h1:1,1,0,0",
            ],
            2,
            "badly ExitCode it failed on h1: task `A` on h1: cause",
        ),
        (
            "the last counts",
            &[
                "began",
                "failed h1 A first {\"rescued\":true}",
                "failed h1 B second {\"ignored\":true}",
                "failed h1 C third {\"rescued\":false}",
                "ok h1 always",
                "stats h1:2,1,0,0",
            ],
            0,
            "badly ExitCode it failed on h1: task `C` on h1: third",
        ),
        (
            "the step's own host first",
            &["began", "failed h0 A zero", "failed h1 B one", "stats h0:0,1,0,0 h1:0,1,0,0"],
            2,
            "badly ExitCode it failed on h1, h0: task `B` on h1: one",
        ),
        (
            "cleared",
            &["began", "failed h1 A no", "cleared \"hosts\":[\"h1\"]", "play", "ok h1 B", "stats h1:1,1,0,0"],
            0,
            "well h1: 1 ok, 0 changed; errors were cleared on h1",
        ),
        (
            "cleared and failed again",
            &["began", "failed h1 A no", "cleared \"hosts\":[\"h1\"]", "failed h1 B again", "stats h1:0,2,0,0"],
            2,
            "badly ExitCode it failed on h1: task `B` on h1: again",
        ),
        (
            "reached again",
            &["began", "unreachable h1 A gone", "ok h1 B", "stats h1:1,0,1,0"],
            0,
            "well h1: 1 ok, 0 changed; errors were cleared on h1",
        ),
        (
            "lost after it was reached again",
            &["began", "unreachable h1 A gone", "ok h1 B", "unreachable h1 C away", "stats h1:1,0,2,0"],
            4,
            "badly ExitCode it could not reach h1: task `C` on h1: away",
        ),
        (
            "counted by 2.9, ignored, reached",
            &["began", "unreachable h1 A gone {\"ignored\":true}", "ok h1 B", "stats h1:1,0,1,1"],
            0,
            "well",
        ),
        (
            "counted as ok, ignored, never reached",
            &["began", "unreachable h1 A gone {\"ignored\":true}", "stats h1:1,0,0,0"],
            0,
            "badly Unmet it ended well, but h1 was never reached, which the playbook ignores",
        ),
        (
            "counted and not told",
            &["began", "failed h1 A no {\"rescued\":true}", "stats h1:1,1,0,0"],
            0,
            "badly ExitCode it failed on h1",
        ),
        (
            "stopped along",
            &["began", "failed h1 A no", "ok h2 A", "stats h1:0,1,0,0 h2:1,0,0,0 {\"failed\":[\"h1\",\"h2\"]}"],
            2,
            "badly ExitCode it failed on h1: task `A` on h1: no; it went no further on h2",
        ),
        (
            "all skipped",
            &["began", "skipped h1 A", "stats h1:0,0,0,1"],
            0,
            "badly Unmet it ended well, but all tasks were skipped on h1",
        ),
        (
            "left running",
            &[
                "began",
                r#"{"e":"ok","host":"h1","result":{"ansible_job_id":"1.2","started":1,"finished":0}}"#,
                "stats h1:1,0,0,0",
            ],
            0,
            "well h1: 1 ok, 0 changed; a job (`async`) was left running, and its end is not known, on h1",
        ),
        (
            "waited for",
            &[
                "began",
                r#"{"e":"ok","host":"h1","result":{"ansible_job_id":"1.2","started":true,"finished":false}}"#,
                r#"{"e":"ok","host":"h1","result":{"ansible_job_id":"1.2","started":true,"finished":true}}"#,
                "stats h1:2,0,0,0",
            ],
            0,
            "well h1: 2 ok, 0 changed",
        ),
        ("before the first task", &["began", "play", "end \"pending\":0"], 1, "badly Precondition nothing was run, "),
        (
            "between tasks",
            &["began", "play", "task", "ok h1 A", "end \"pending\":0"],
            1,
            "badly ExitCode it ended (1) on the way: ERROR! bad",
        ),
        (
            "in a task",
            &["began", "task", "end \"pending\":2"],
            1,
            "unknown it ended (1) with tasks under way: ERROR! bad",
        ),
        ("killed before the first task", &["began", "play"], 137, "unknown it ended (137) without telling"),
        (
            "asked before the first task",
            &["began", "question \"kind\":\"vars_prompt\",\"name\":\"x\"", "end \"pending\":0"],
            1,
            "badly Precondition nothing was run: it asks for the variable `x`",
        ),
        (
            "asked between tasks",
            &["began", "task", "ok h1 A", "question \"kind\":\"pause\",\"name\":\"x\"", "end \"pending\":0"],
            1,
            "badly ExitCode it asks in the task `x`",
        ),
        (
            "asked while others were at work",
            &["began", "task", "question \"kind\":\"pause\",\"name\":\"x\"", "end \"pending\":1"],
            1,
            "unknown it asks in the task `x`",
        ),
        (
            "asked, and through all the same",
            &["began", "task", "ok h1 A", "question \"kind\":\"ssh\",\"refused\":true", "stats h1:1,0,0,0"],
            1,
            "badly ExitCode it asks a question of ssh, and got no answer",
        ),
    ];
    for (name, lines, code, wanted) in table {
        let found = judged(lines, Some(*code), left, "PLAY [all] ***\nERROR! bad");
        assert!(found.starts_with(wanted), "{name}: {found}");
        if wanted.starts_with("well h1: 2 ok, 0 changed") {
            assert_eq!(found, *wanted, "{name}");
        }
    }
}

/// Nothing was told, since Ansible had no plugins yet: that is known where nothing stands in Ansible's place.
#[test]
fn what_ended_before_it_had_its_plugins_ran_nothing() {
    let none = Left { begins: true, ..Left::default() };
    let itself = Left { itself: true, ..none };
    for (code, left, out, wanted) in [
        (1, itself, "ERROR! Invalid callback", "badly Precondition nothing was run, Ansible ended (1): ERROR! Invalid"),
        (4, itself, "ERROR! x", "badly Precondition nothing was run, it cannot be read: ERROR! x"),
        (
            1,
            itself,
            "[ERROR]: no vault secrets found",
            "badly Precondition nothing was run, Ansible ended (1): [ERROR]: no",
        ),
        (1, none, "ERROR! Invalid callback", "unknown it ended (1) without telling"),
        (1, itself, "PLAY [all]\nERROR! x", "unknown it ended (1) without telling"),
        (137, itself, "", "unknown it ended (137) without telling"),
        (0, itself, "", "unknown it ended (0) without telling"),
    ] {
        let found = judged(&[], Some(code), left, out);
        assert!(found.starts_with(wanted), "{out}: {found}");
        assert_eq!(found.contains("vault_password_file"), out.contains("vault"), "{found}");
    }
}
