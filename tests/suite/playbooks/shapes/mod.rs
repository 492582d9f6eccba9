//! How playbooks end, shape by shape, with the real Ansible of both releases: outcome, message, exit code, and what was run.
//! A sample of each table by default; all of them with `PALINODE_TESTS_LONG`.

mod causes;
mod nothing_run;
mod questions;

use palinode_tests::ansible::Release;
use palinode_tests::local_plays::LocalPlays;
use palinode_tests::skip::long;

/// A playbook, what surrounds it, and how it has to end.
#[derive(Clone)]
pub(super) struct Shape {
    name: &'static str,
    /// `play.yml`. A task that is run for certain says `echo NAME >>marks` by its `raw`.
    play: &'static str,
    /// Files beside it: name and content. `hosts` is the inventory that it runs with; `ansible.cfg` is Ansible's.
    files: &'static [(&'static str, &'static str)],
    /// More values of the step; `DIR` is the folder.
    more: &'static str,
    /// Whether it belongs to the sample.
    sample: bool,
    /// How it has to end.
    end: End,
    /// Words of the outcome's message, and words that it must not have.
    says: &'static [&'static str],
    lacks: &'static [&'static str],
    /// What stands in `marks` afterwards, without line breaks.
    marks: &'static str,
    /// The release that has this shape, if not both.
    only: Option<Release>,
}

/// How the step has to end: what the outcome says, and why; the exit code follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Done,
    /// Nothing was run: refused before there was an intent.
    Refused,
    /// Nothing was run: Ansible was started, and ended.
    Nothing,
    Failed,
    Unmet,
}

pub(super) const USUAL: Shape = Shape {
    name: "",
    play: "",
    files: &[],
    more: "",
    sample: false,
    end: End::Failed,
    says: &[],
    lacks: &[],
    marks: "",
    only: None,
};

const RUN: [&str; 6] = ["run", "./play-book.yml", "-i", "all-hosts", "--yes", "--take-over"];

/// Every shape of a table, or its sample.
pub(super) fn each(test: &str, release: Release, shapes: &[Shape]) {
    let Some(plays) = LocalPlays::new(test, release) else { return };
    let one = std::env::var("PALINODE_TESTS_SHAPE").ok();
    let mut wrong = Vec::new();
    let chosen = shapes.iter().filter(|shape| match &one {
        Some(words) => shape.name.contains(words.as_str()),
        None => shape.sample || long(),
    });
    let mut count = 0;
    for shape in chosen.filter(|shape| shape.only.is_none_or(|only| only == release)) {
        count += 1;
        wrong.extend(ends(&plays, shape).into_iter().map(|why| format!("{}: {why}", shape.name)));
    }
    assert!(one.is_some() || count > 0, "some shapes are tried");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

/// What is wrong with one.
fn ends(plays: &LocalPlays, shape: &Shape) -> Vec<String> {
    let dir = plays.desk.path();
    for left in std::fs::read_dir(dir).expect("the folder can be read").flatten() {
        let _ = std::fs::remove_dir_all(left.path()).or_else(|_| std::fs::remove_file(left.path()));
    }
    let here = dir.display().to_string();
    plays.desk.write("all-hosts", "[glusterfs]\nh1\nh2\n");
    plays.desk.write("hosts", "[glusterfs]\nh1\nh2\n[other]\nh3\n");
    plays.desk.write("ansible.cfg", "");
    plays.desk.write("play.yml", shape.play.replace("DIR", &here));
    for (name, text) in shape.files {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("made");
        std::fs::write(path, text.replace("DIR", &here)).expect("written");
    }
    let usual = if shape.more.contains("inventory:") { "" } else { "        inventory: DIR/hosts\n" };
    plays.runbook(&format!("{usual}{}", shape.more).replace("DIR", &here));
    let out = plays.run(&RUN);
    let mut wrong = Vec::new();
    let (code, ending, why) = match shape.end {
        End::Done => (0, "succeeded", ""),
        End::Refused => (3, "", ""),
        End::Nothing => (3, "failed", "precondition"),
        End::Failed => (3, "failed", "exit-code"),
        End::Unmet => (3, "failed", "unmet"),
    };
    if out.code != Some(code) {
        wrong.push(format!("exit {code} is wanted: {out}"));
    }
    let events = plays.events();
    let outcome = events.iter().rev().map(|event| &event["Outcome"]).find(|outcome| outcome.is_object());
    let told = outcome.map(|it| (it["ending"].as_str().unwrap_or("?"), it["why"].as_str().unwrap_or("")));
    if told.unwrap_or(("", "")) != (ending, why) {
        wrong.push(format!("{ending} {why} is wanted, and it is {told:?}"));
    }
    let shown = plays.desk.run(&["log", "--kind", "outcome"]).stdout;
    let message = if shape.end == End::Refused { format!("{}{}", out.stdout, out.stderr) } else { shown };
    wrong.extend(
        shape.says.iter().filter(|says| !message.contains(**says)).map(|says| format!("no `{says}`: {message}")),
    );
    wrong.extend(shape.lacks.iter().filter(|word| message.contains(**word)).map(|word| format!("`{word}`: {message}")));
    let marks = std::fs::read_to_string(dir.join("marks")).unwrap_or_default().replace('\n', "");
    if marks != shape.marks {
        wrong.push(format!("`{}` is wanted to be run, and `{marks}` was: {message}", shape.marks));
    }
    wrong
}
