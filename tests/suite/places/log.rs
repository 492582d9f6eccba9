//! The places of `table` that logs and reports are written to. Another user lays links, pipes and devices there.

use super::table::{EVIL, Ground, SECRET, root, traps};
use std::fs;

const EXEC: [&str; 7] = ["exec", "--lab-state", "lab", "gluster1.demo", "service", "docker", "stopped"];

/// A run that ends badly, in a lab that is named behind it.
const FAILS: [&str; 7] =
    ["run", "crio-to-docker", "--host", "gluster1.demo", "--fail", "gluster1.demo/packages", "--lab-state"];

#[test]
pub(crate) fn last_events() {
    let Some(ground) = Ground::new("places: the last events of a run") else { return };
    // A journal of another user that is named: what is kept goes nowhere else, and what is read has an end.
    root(&format!("mkdir '{}'", ground.text("roots/work")));
    assert_eq!(ground.root("roots/work", &[&FAILS[..], &["lab"]].concat()).code, Some(3));
    let kept = fs::read_dir(ground.at("roots/work/.palinode/diagnostics")).expect("a folder").flatten().next();
    let name = kept.expect("a file").file_name().into_string().expect("a name");
    let to = ground.text("evil/j");
    let copy = format!("rm -rf '{to}'; cp -a '{}' '{to}'; chown -R {EVIL} '{to}'", ground.text("roots/work/.palinode"));
    let (mut labs, mut driven) = (1.., 0);
    for part in ["diagnostics", &format!("diagnostics/{name}")] {
        let mut all = traps(&ground.at("roots/secret"));
        all.push(("a link to root's folder", format!("ln -s '{}' \"$at\"", ground.text("roots"))));
        for (what, make) in all {
            root(&copy);
            ground.evil(&format!("at={to}/{part}; rm -rf \"$at\"; {make}"));
            let report = ground.text("out/report");
            root(&format!("rm -f '{report}'"));
            let told = ground.root("roots/work", &["--journal", &to, "doctor", "--report", &report]);
            assert!(matches!(told.code, Some(0 | 2)), "{part}, {what}: {}", told.text);
            let text = fs::read_to_string(&report).unwrap_or_default();
            assert!(!text.contains(SECRET) && text.len() < 5 << 20, "{part}, {what}: {text}");
            // A lab of its own, where nobody else is at work: it is driven, and fails.
            let lab = format!("lab-{}", labs.next().unwrap_or_default());
            let told = ground.root("roots/work", &[&["--journal", &to], &FAILS[..], &[&lab]].concat());
            assert!(matches!(told.code, Some(2 | 3)), "{part}, {what}: {}", told.text);
            driven += usize::from(told.code == Some(3));
            ground.is_safe();
        }
    }
    assert!(driven > 8, "{driven}");
}

#[test]
pub(crate) fn a_log_file() {
    let Some(ground) = Ground::new("places: a log file") else { return };
    let log = |path: &str| {
        let told = ground.root("roots", &[&["--log-file", path], &EXEC[..]].concat());
        told.refused(2, &["the log file", "nothing was done"]);
        assert!(!ground.at("roots/.palinode").exists());
        ground.is_safe();
    };
    for (_, make) in traps(&ground.at("roots/kept")) {
        for folder in ["evil", "sticky", "open"] {
            let at = format!("{}/log", ground.text(folder));
            ground.evil(&format!("at={at}; rm -rf \"$at\" \"$at.p\"; {make}"));
            log(&at);
            root(&format!("rm -rf '{at}' '{at}.p'"));
        }
    }
    // A file of theirs, a second name of ours, a folder of theirs on the way, and a link to one of ours.
    ground.evil("echo theirs >../sticky/theirs; ln -s ../ours link; mkdir folder");
    root(&format!("chown 0 '{0}/evil/folder'; ln '{0}/roots/kept' '{0}/roots/two'", ground.text("")));
    for path in ["sticky/theirs", "evil/link/log", "evil/folder/log", "roots/two", "evil/new", "open/new"] {
        log(&ground.text(path));
    }
    root(&format!("rm '{}'", ground.text("roots/two")));
    // Where nobody else writes it is made, and nobody else reads it.
    let told = ground.root("roots", &[&["--log-file", "log"], &EXEC[..]].concat());
    assert_eq!(told.code, Some(0), "{}", told.text);
    ground.is_safe();
}

#[test]
pub(crate) fn a_report() {
    let Some(ground) = Ground::new("places: a report") else { return };
    for (_, make) in traps(&ground.at("roots/kept")) {
        for folder in ["evil", "sticky", "open"] {
            let at = format!("{}/report", ground.text(folder));
            ground.evil(&format!("at={at}; rm -rf \"$at\" \"$at.p\"; {make}"));
            let told = ground.root("roots", &["doctor", "--report", &at]);
            told.refused(2, &["cannot be written", "--report FILE"]);
            ground.is_safe();
            root(&format!("rm -rf '{at}' '{at}.p'"));
        }
    }
    ground.evil("ln -s ../ours link");
    for path in ["evil/link/report", "evil/report", "open/report"] {
        ground.root("roots", &["doctor", "--report", &ground.text(path)]).refused(2, &["cannot be written"]);
    }
    assert_eq!(ground.root("roots", &["doctor", "--report", "report"]).code, Some(0));
    ground.is_safe();
}
