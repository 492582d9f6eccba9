//! What someone changed since is overwritten only where a person agreed to that; and what is shown of a run that is taken
//! back, or was.

use palinode_tests::binary::Desk;

const KEY: &str = "gluster1.demo/file:/etc/motd";

/// A file that this journal wrote, and another one since.
fn changed_since() -> Desk {
    let desk = Desk::new();
    desk.run(&["exec", "--lab-state", "lab", "gluster1.demo", "file", "/etc/motd", "content", "Tonight"]).exits(0);
    let theirs = [
        "--journal",
        "other",
        "exec",
        "--lab-state",
        "lab",
        "gluster1.demo",
        "file",
        "/etc/motd",
        "content",
        "Theirs, longer",
    ];
    desk.run(&theirs).exits(0);
    desk
}

#[test]
fn a_resource_that_is_named_is_overwritten_and_one_that_never_was_recorded_is_a_mistake() {
    let desk = changed_since();
    desk.run(&["undo", "@"]).exits(3).tells(&["size 7 -> 14, content ", &format!("--force-resource {KEY}")]);
    for name in ["gluster1.demo/file:/etc/mtd", "gluster2.demo/file:/etc/motd", "", "\u{1b}[2J"] {
        let out = desk.run(&["resume", "--force-resource", name]).exits(2).complains(&["which is no resource"]);
        assert!(!out.stderr.contains('\u{1b}'), "{out}");
    }
    desk.run(&["resume"]).exits(3);
    desk.run(&["resume", "--force-resource", KEY])
        .exits(0)
        .tells(&["rolled-back"])
        .complains(&[&format!("changed since, and to be overwritten: {KEY}: size 7 -> 14")]);
    desk.run(&["log"]).exits(0).says(&[&format!("may overwrite what someone changed of {KEY}")]);
    desk.run(&["verify"]).exits(0);
    desk.run(&["replay", "--strict"]).exits(0);
}

#[test]
fn force_shows_what_it_overwrites_before_it_does() {
    let desk = changed_since();
    let out = desk.run(&["undo", "@", "--force"]).exits(0);
    let shown = out.stderr.find(&format!("changed since, and to be overwritten: {KEY}: size 7 -> 14"));
    assert!(shown.is_some() && shown < out.stderr.find("taking back"), "{out}");
    desk.run(&["replay", "--strict"]).exits(0);
    let desk = Desk::new();
    desk.run(&["exec", "--lab-state", "lab", "gluster1.demo", "file", "/etc/motd", "content", "Tonight"]).exits(0);
    desk.run(&["undo", "@", "--force"]).exits(0).complains(&["nothing was changed since"]);
    desk.run(&["exec", "--lab-state", "lab", "gluster1.demo", "file", "/etc/motd", "content", "Tonight"]).exits(0);
    desk.run(&["undo", "@", "--force-resource", KEY]).exits(0).complains(&["motd was not found changed"]);
}

/// What a run says while it works, a preview says before it.
#[test]
fn a_preview_and_a_pause_advise_the_same() {
    let desk = changed_since();
    let preview = desk.run(&["undo", "@", "--dry-run"]).exits(0);
    let pause = desk.run(&["undo", "@"]).exits(3);
    for advice in [format!("--force-resource {KEY}"), "--force  of all, once it is shown".to_owned()] {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        for out in [words(&preview.stdout), words(&format!("{}{}", pause.stdout, pause.stderr))] {
            assert!(out.contains(&words(&advice)), "{advice}: {out}");
        }
    }
}

#[test]
fn what_is_being_taken_back_is_gone_on_with_and_its_steps_are_shown() {
    let desk = changed_since();
    let run = desk.json(&["status"])["run"].as_str().expect("a run").to_owned();
    desk.run(&["undo", "@"]).exits(3);
    let back = desk.json(&["status"])["run"].as_str().expect("a run").to_owned();
    assert_ne!(run, back);
    let out = desk
        .run(&["rollback", "--dry-run", &run])
        .exits(0)
        .says(&["which takes it back already", "next\n  palinode resume "]);
    assert!(!out.stdout.contains("palinode rollback"), "{out}");
    // A step of the run that is taken back, without its name.
    for _ in 0..2 {
        desk.run(&["show", "gluster1.demo/file.write-etc-motd"]).exits(0).says(&["/etc/motd"]);
        desk.run(&["show", "undo/gluster1.demo/file.write-etc-motd"]).exits(0);
        desk.run(&["show", "gluster1.demo/nothing"]).exits(2);
        desk.run(&["resume", "--force"]);
    }
}

#[test]
fn what_differs_in_a_directory_is_named_by_its_paths() {
    let desk = Desk::new();
    let lab = ["exec", "--lab-state", "lab", "gluster1.demo", "file"];
    desk.run(&[&lab[..], &["/etc/origin/*", "absent"]].concat()).exits(0);
    desk.run(&[&["--journal", "other"], &lab[..], &["/etc/origin/theirs", "content", "x"]].concat()).exits(0);
    desk.run(&["undo", "@"]).exits(3).complains(&["gluster1.demo/file:/etc/origin differs", "theirs is new"]);
    desk.run(&["log"]).exits(0).says(&["theirs is new"]);
    desk.run(&["resume", "--force"])
        .exits(0)
        .complains(&["to be overwritten: gluster1.demo/file:/etc/origin: ", "theirs is new"]);
    desk.run(&["replay", "--strict"]).exits(0);
}
