//! The places of `table` on the control machine. Another user of it lays pipes, devices, endless files and links to
//! where the binary of root, or of a third user, reads and writes.

use crate::places::table::{EVIL, Ground, SECRET, Typed, WORKER, as_user, root, traps};
use std::fs;
use std::process::Stdio;

/// All that looks for a journal.
const LOOKS: [&[&str]; 9] = [
    &["status"],
    &["log"],
    &["show", "@"],
    &["verify"],
    &["resume"],
    &["replay", "--strict"],
    &["runs"],
    &["pause"],
    &["undo", "@", "--yes"],
];

const EXEC: [&str; 7] = ["exec", "--lab-state", "lab", "gluster1.demo", "service", "docker", "stopped"];

/// A journal with a closed run in a folder.
#[track_caller]
fn journal(ground: &Ground, folder: &str) {
    let done = ground.root(folder, &EXEC);
    assert_eq!(done.code, Some(0), "{}", done.text);
}

#[test]
pub(crate) fn a_journal_that_is_found() {
    let Some(ground) = Ground::new("places: a journal that is found") else { return };
    journal(&ground, "roots");
    let secret = ground.at("roots/secret");
    let mut all = traps(&secret);
    all.push(("a link to root's journal", format!("ln -s '{}' \"$at\"", ground.text("roots/.palinode"))));
    all.push(("a folder with pipes", "mkdir \"$at\" && mkfifo \"$at/format\" \"$at/lock\" \"$at/head\"".to_owned()));
    let whole = "mkdir \"$at\" \"$at/segments\"; echo 'palinode-journal 1.5' >\"$at/format\"; ln -s /dev/zero \"$at/head\"; \
        ln -s /dev/zero \"$at/lock\"; mkfifo \"$at/segments/00000000000000000001.seg\"";
    all.push(("a folder with devices", whole.to_owned()));
    for (what, make) in all {
        ground.evil(&format!("mkdir -p sub; at=$PWD/.palinode; {make}"));
        for looks in LOOKS {
            let told = ground.root("evil/sub", looks);
            assert_eq!(told.code, Some(2), "{what}: {looks:?}: {}", told.text);
            told.tells(&["--journal"]);
        }
        // It may make one below where there is none, and nothing of root's is left to the other.
        let lab = ground.text("roots/lab");
        let told =
            ground.root("evil/sub", &["exec", "--lab-state", &lab, "gluster1.demo", "service", "docker", "stopped"]);
        assert!(matches!(told.code, Some(0 | 2)), "{what}: {}", told.text);
        ground.is_safe();
        root(&format!("cd '{}' && rm -rf .palinode .palinode.p sub", ground.text("evil")));
    }
}

#[test]
pub(crate) fn a_part_of_a_journal_that_is_found() {
    let Some(ground) = Ground::new("places: a part of a journal") else { return };
    journal(&ground, "ours");
    let at = ground.text("ours/.palinode");
    root(&format!(
        "chmod 755 '{at}'; mkdir -p '{at}/jobs' '{at}/index' '{at}/diagnostics'; mkdir -p '{}/sub'",
        ground.text("ours")
    ));
    let parts =
        ["segments", "blobs", "keys", "jobs", "index", "inbox", "torn", "diagnostics", "format", "lock", "head"];
    for part in parts {
        // All may write it; it belongs to another; it is a link to what another has.
        for (change, back) in [
            (format!("chmod 777 '{at}/{part}'"), format!("chmod go-rwx '{at}/{part}'")),
            (format!("chown {EVIL} '{at}/{part}'"), format!("chown 0 '{at}/{part}'")),
            (
                format!("mv '{at}/{part}' '{at}/was'; ln -s '{}' '{at}/{part}'", ground.text("evil")),
                format!("rm '{at}/{part}'; mv '{at}/was' '{at}/{part}'"),
            ),
        ] {
            root(&change);
            for looks in LOOKS {
                let told = ground.root("ours/sub", looks);
                told.refused(2, &["--journal"]);
                // Without a format that is a file it is no journal.
                assert!(told.text.contains(&format!("{at}/{part}")) || part == "format", "{}", told.text);
            }
            if part != "format" {
                ground.root("ours/sub", &EXEC).refused(2, &["--journal"]);
            }
            root(&back);
        }
        assert_eq!(ground.root("ours/sub", &["status"]).code, Some(0), "{part}");
    }
    ground.is_safe();
}

#[test]
pub(crate) fn a_journal_that_is_named() {
    let Some(ground) = Ground::new("places: a journal that is named") else { return };
    journal(&ground, "ours");
    let (from, to) = (ground.text("ours/.palinode"), ground.text("evil/j"));
    let kept = ground.at("roots/kept");
    let anew = || root(&format!("rm -rf '{to}' '{to}'.p; cp -a '{from}' '{to}'; chown -R {EVIL} '{to}'"));
    anew();
    let key = fs::read_dir(ground.at("evil/j/keys")).expect("keys").flatten().map(|key| key.file_name());
    let key = key.filter_map(|name| name.into_string().ok()).find(|name| name != "ring").expect("a run has a key");
    let key = format!("keys/{key}");
    let parts = ["format", "id", "head", "lock", "segments/00000000000000000001.seg", "inbox/a", &key];
    for part in parts {
        for (what, make) in traps(&kept) {
            anew();
            ground.evil(&format!("at={to}/{part}; rm -f \"$at\"; {make}"));
            for looks in LOOKS.into_iter().chain([&EXEC[..]]) {
                let told = ground.root("roots", &[&["--journal", &to][..], looks].concat());
                if told.code != Some(0) {
                    assert!(told.text.contains("error: "), "{part}, {what}, {looks:?}: {}", told.text);
                }
            }
            let kept = fs::read_to_string(&kept).expect("it can be read");
            assert_eq!(kept, "kept\n", "{part}, {what}: what is behind a link is not written");
        }
    }
    // A link in the place of what will be cut and written again.
    root(&format!(
        "cp '{from}/segments/00000000000000000001.seg' '{0}'; chmod 600 '{0}'",
        ground.text("roots/segment")
    ));
    let sum = || fs::read(ground.at("roots/segment")).expect("it can be read");
    let was = sum();
    anew();
    ground.evil(&format!(
        "at={to}/segments/00000000000000000001.seg; rm \"$at\"; ln -s {} \"$at\"",
        ground.text("roots/segment")
    ));
    for looks in LOOKS.into_iter().chain([&EXEC[..]]) {
        ground.root("roots", &[&["--journal", &to][..], looks].concat());
    }
    assert!(sum() == was, "root's file is as it was");
    root(&format!("rm -rf '{to}'"));
    ground.is_safe();
}

#[test]
pub(crate) fn what_is_no_journal() {
    let Some(ground) = Ground::new("places: what is no journal") else { return };
    for (what, make) in traps(&ground.at("roots/kept")) {
        ground.evil(&format!("at=$PWD/named; {make}"));
        for looks in LOOKS.into_iter().chain([&EXEC[..]]) {
            let named = ground.text("evil/named");
            let told = ground.root("roots", &[&["--journal", &named][..], looks].concat());
            assert!(matches!(told.code, Some(1 | 2 | 7 | 8)), "{what}: {looks:?}: {}", told.text);
            assert!(told.text.contains("evil/named") || what == "a link to itself", "{what}: {}", told.text);
        }
        root(&format!("rm -rf '{0}' '{0}.p'", ground.text("evil/named")));
        ground.is_safe();
    }
}

#[test]
pub(crate) fn keys_and_jobs_of_a_third_user() {
    let Some(ground) = Ground::new("places: keys and jobs") else { return };
    // The journal of one user, which a second one has a hand in, and root names.
    journal(&ground, "ours");
    let at = ground.text("ours/.palinode");
    root(&format!("chmod 755 '{at}'; mkdir -p '{at}/jobs' '{at}/index'; chown -R {WORKER} '{at}'"));
    for part in ["keys", "jobs", "index"] {
        for (change, back) in [
            (format!("chown {EVIL} '{at}/{part}'"), format!("chown {WORKER} '{at}/{part}'")),
            (format!("chmod 777 '{at}/{part}'"), format!("chmod 700 '{at}/{part}'")),
            (
                format!(
                    "mv '{at}/{part}' '{at}/was'; ln -s '{0}' '{at}/{part}'; chown -h {EVIL} '{at}/{part}'",
                    ground.text("evil")
                ),
                format!("rm '{at}/{part}'; mv '{at}/was' '{at}/{part}'"),
            ),
        ] {
            root(&change);
            for looks in LOOKS {
                let told = ground.root("roots", &[&["--journal", &at][..], looks].concat());
                told.refused(2, &[&format!("{at}/{part}"), "nothing was read"]);
            }
            root(&back);
        }
        // What another cannot get at is not theirs: the modes that we make are closed.
        let mode = fs::metadata(ground.at("ours/.palinode").join(part)).expect("it is there").permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o077, 0, "{part}");
    }
    ground.is_safe();
}

#[test]
pub(crate) fn an_inbox() {
    let Some(ground) = Ground::new("places: an inbox") else { return };
    journal(&ground, "ours");
    let (from, to) = (ground.text("ours/.palinode"), ground.text("evil/j"));
    root(&format!("cp -a '{from}' '{to}'; chown -R {EVIL} '{to}'"));
    for (number, (_, make)) in traps(&ground.at("roots/secret")).into_iter().enumerate() {
        ground.evil(&format!("at={to}/inbox/{number}; {make}"));
    }
    ground.evil(&format!("i=0; while [ $i -lt 3000 ]; do echo no >{to}/inbox/many$i; i=$((i+1)); done"));
    for looks in LOOKS.into_iter().chain([&EXEC[..]]) {
        ground.root("roots", &[&["--journal", &to][..], looks].concat());
    }
    ground.is_safe();
}

/// What a user can lay into a folder of sockets.
const SOCKETS: &str = "mkdir -p palinode-a palinode-b palinode-c palinode-d; chmod 700 palinode-*; mkfifo palinode-a/lock palinode-a/owner palinode-a/config; \
    ln -s /dev/zero palinode-b/lock; ln -s /dev/zero palinode-b/owner; truncate -s 900G palinode-c/lock palinode-c/config; echo >palinode-d/lock; echo >palinode-d/mine";

/// What asks a host that is not there.
const ASKS: [&str; 6] = ["--ssh-config", "config", "exec", "nowhere", "--", "true"];

fn with_config(ground: &Ground) {
    fs::write(ground.at("ours/config"), "Host nowhere\n  HostName 127.0.0.1\n  Port 1\n").expect("it can be written");
}

#[test]
pub(crate) fn a_runtime_folder_that_is_named() {
    let Some(ground) = Ground::new("places: a runtime folder") else { return };
    with_config(&ground);
    let short = tempfile::Builder::new().prefix("r").rand_bytes(4).tempdir_in("/var/tmp").expect("a folder");
    let at = short.path().join("d");
    let text = at.display().to_string();
    root(&format!("chmod 755 '{}'", short.path().display()));
    for make in [
        format!("mkdir '{text}'; chown {EVIL} '{text}'; chmod 700 '{text}'"),
        format!("mkdir '{text}'; chown {EVIL} '{text}'; chmod 777 '{text}'"),
        format!("mkdir -m 1777 '{text}'"),
        format!("mkfifo '{text}'"),
        format!("ln -s /dev/zero '{text}'"),
        format!("truncate -s 900G '{text}'"),
        format!("mkdir -m 700 '{text}.own'; ln -s '{text}.own' '{text}'; chown -h {EVIL} '{text}'"),
    ] {
        root(&format!("rm -rf '{text}' '{text}.own'; {make}"));
        if at.is_dir() && !at.is_symlink() {
            let mut shell = as_user(EVIL);
            let done = shell.args(["sh", "-ec", SOCKETS]).current_dir(&at).stdin(Stdio::null()).status();
            assert!(done.expect("a shell").success(), "{make}");
        }
        let settings = [("XDG_RUNTIME_DIR", text.as_str())];
        let typed = Typed { folder: ground.at("ours"), settings: &settings, ..Typed::default() };
        let told = ground.run(&typed, &ASKS);
        told.refused(1, &["nowhere cannot be acted on", "nothing was touched"]);
        root(&format!("test ! -d '{text}' || test -z \"$(find '{text}/' -uid 0 ! -path '{text}/')\""));
        if at.join("palinode-d").is_dir() {
            assert!(at.join("palinode-d/mine").exists(), "{make}: what another left is not removed");
        }
    }
    ground.is_safe();
}

/// Nobody has a session: sockets are below `/tmp`, where everybody writes.
#[test]
pub(crate) fn a_runtime_folder_in_tmp() {
    let Some(ground) = Ground::new("places: a runtime folder in /tmp") else { return };
    with_config(&ground);
    root(&format!("mkdir -m 700 '{0}' && chown {WORKER} '{0}'", ground.text("work")));
    let name = format!("/tmp/palinode-{WORKER}");
    for make in [
        format!("mkdir {name}; chmod 777 {name}; cd {name}; {SOCKETS}"),
        format!("mkdir -m 700 {name}"),
        format!("mkfifo {name}"),
        format!("ln -s /dev/zero {name}"),
        format!("truncate -s 900G {name}"),
        format!("ln -s {} {name}", ground.text("evil")),
        format!("mkdir -m 700 /tmp/theirs; ln -s /tmp/theirs {name}"),
        // Beside it: what a process of that user might have left.
        format!("cd /tmp; {SOCKETS}"),
    ] {
        let before = format!(
            "mount -t tmpfs -o mode=1777 tmpfs /tmp && setpriv --reuid {EVIL} --regid {EVIL} --clear-groups sh -ec '{make}' || exit 99"
        );
        let settings = [("HOME", "/nonexistent")];
        let typed = Typed { user: WORKER, folder: ground.at("work"), settings: &settings, before: &before };
        let config = ground.text("ours/config");
        let told = ground.run(&typed, &["--ssh-config", &config, "exec", "nowhere", "--", "true"]);
        told.refused(1, &["nowhere cannot be acted on", "nothing was touched"]);
        // Root has a place where nobody else writes.
        let typed = Typed { user: 0, folder: ground.at("ours"), settings: &settings, before: &before };
        ground.run(&typed, &ASKS).refused(1, &["nowhere cannot be acted on"]);
    }
    ground.is_safe();
}

const PLAY: &str = "runbook: play\nhosts: { group: g }\nafter:\n  - play: { ansible.playbook: { path: PLAYBOOK } }\n";
const INVENTORY: &str = "[g]\nnowhere ansible_host=127.0.0.1 ansible_port=1\n[OSEv3:children]\ng\n";

/// A runbook with a playbook, an inventory, and a program in Ansible's place that says what it was started with.
fn with_ansible(ground: &Ground) -> String {
    fs::write(ground.at("ours/hosts"), INVENTORY).expect("it can be written");
    fs::write(ground.at("ours/play.yml"), PLAY.replace("PLAYBOOK", &ground.text("ours/playbook.yml")))
        .expect("written");
    fs::write(ground.at("ours/playbook.yml"), "[]\n").expect("it can be written");
    let fake = format!("#!/bin/sh\nenv | grep ANSIBLE >'{}'\nexit 3\n", ground.text("roots/env"));
    root(&format!("mkdir '{}'", ground.text("ours/bin")));
    fs::write(ground.at("ours/bin/ansible-playbook"), fake).expect("it can be written");
    root(&format!("chmod 755 '{}'", ground.text("ours/bin/ansible-playbook")));
    format!("{}:{}", ground.text("ours/bin"), std::env::var("PATH").unwrap_or_default())
}

#[test]
pub(crate) fn a_state_folder() {
    let Some(ground) = Ground::new("places: a state folder") else { return };
    let path = with_ansible(&ground);
    let (book, hosts) = (ground.text("ours/play.yml"), ground.text("ours/hosts"));
    let run = ["run", &book, "-i", &hosts, "--yes"];
    ground.evil("mkdir -p theirs/palinode/inventories; chmod -R 777 theirs; mkdir -p empty");
    ground.evil("cd ../open && mkdir -p palinode/inventories && ln -s ../../roots/kept palinode/inventories/x");
    ground.evil(&format!("ln -s {} link; mkfifo pipe; ln -s /dev/zero zero", ground.text("roots")));
    root(&format!("mkdir -p '{0}/palinode'; chown {EVIL} '{0}/palinode'", ground.text("ours/mixed")));
    for state in ["evil/theirs", "evil/empty", "open", "evil/link", "evil/pipe", "evil/zero", "ours/mixed"] {
        let state = ground.text(state);
        let settings = [("PATH", path.as_str()), ("XDG_STATE_HOME", state.as_str())];
        let typed = Typed { folder: ground.at("roots"), settings: &settings, ..Typed::default() };
        let told = ground.run(&typed, &run);
        told.refused(3, &[&state, "set XDG_STATE_HOME", "cannot begin"]);
        root(&format!("rm -rf '{}'", ground.text("roots/.palinode")));
        assert!(!ground.at("roots/env").exists(), "{state}: no playbook was run");
    }
    // One of root's own.
    let state = ground.text("roots/state");
    let settings = [("PATH", path.as_str()), ("XDG_STATE_HOME", state.as_str())];
    let typed = Typed { folder: ground.at("roots"), settings: &settings, ..Typed::default() };
    ground.run(&typed, &run);
    assert!(ground.at("roots/env").exists(), "the playbook was run");
    ground.is_safe();
}

#[test]
pub(crate) fn an_inventory() {
    let Some(ground) = Ground::new("places: an inventory") else { return };
    let book = ground.text("ours/edit.yml");
    let step = "inventory.edit: { edits: [ { ensure_child: { parent: OSEv3, child: new_nodes } } ] }";
    fs::write(&book, format!("runbook: edit\nhosts: {{ group: g }}\nafter:\n  - edit: {{ {step} }}\n"))
        .expect("written");
    let looks: [&[&str]; 5] = [
        &["inventory", "check", "-i", "hosts"],
        &["inventory", "host", "nowhere", "-i", "hosts"],
        &["inventory", "show", "-i", "hosts"],
        &["inventory", "diff", "hosts", "hosts"],
        &["--journal", &ground.text("roots/j"), "run", &book, "-i", "hosts", "--yes"],
    ];
    for (what, make) in traps(&ground.at("roots/kept")) {
        // In the place of the inventory itself; a folder is one, too.
        ground.evil(&format!("at=$PWD/hosts; {make}"));
        for look in looks {
            let told = ground.root("evil", look);
            let behind = what == "a link to what root keeps" || what == "a folder";
            assert!(told.code.is_some_and(|code| (1..=3).contains(&code) || behind), "{what}: {look:?}: {}", told.text);
            if !behind {
                // The check makes a finding of what is there and cannot be read.
                let advice = if look[1] == "check" && told.text.contains("mend: ") { "mend: " } else { "next: " };
                told.tells(&["hosts", advice]);
            }
        }
        root(&format!("cd '{}' && rm -rf hosts hosts.p", ground.text("evil")));
        ground.is_safe();
    }
    // New files beside it have names that nobody laid out before.
    fs::write(ground.at("evil/hosts"), INVENTORY).expect("it can be written");
    root(&format!("chown {EVIL} '{}'", ground.text("evil/hosts")));
    let kept = ground.text("roots/kept");
    ground
        .evil(&format!("p=$$; i=0; while [ $i -lt 3000 ]; do ln -s {kept} .palinode-$((p + i))-0; i=$((i + 1)); done"));
    let told = ground.root("evil", looks[4]);
    assert_eq!(told.code, Some(0), "{}", told.text);
    let about = fs::metadata(ground.at("evil/hosts")).expect("it is there");
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&about), EVIL, "its owner stays");
    root(&format!("rm -rf '{}'", ground.text("roots/j")));
    // A hard link or a link to what root keeps would be written in its place.
    ground.evil(&format!("rm -f hosts; ln -s '{}' hosts", ground.text("ours/public")));
    ground.root("evil", looks[4]);
    ground.is_safe();
}

#[test]
pub(crate) fn files_beside_an_inventory() {
    let Some(ground) = Ground::new("places: group_vars and host_vars") else { return };
    ground.evil(&format!("printf '{}' >hosts", INVENTORY.replace('\n', "\\n")));
    for (what, make) in traps(&ground.at("roots/secret")) {
        for beside in ["group_vars/all", "group_vars/g.yml", "host_vars/nowhere", "group_vars", "group_vars/all/x.yml"]
        {
            let folder = beside.rsplit_once('/').map_or(".", |(folder, _)| folder);
            ground.evil(&format!("mkdir -p {folder}; at=$PWD/{beside}; {make}"));
            for look in [
                &["inventory", "check", "-i", "hosts"][..],
                &["inventory", "host", "nowhere", "-i", "hosts"],
                &["inventory", "show", "-i", "hosts"],
            ] {
                let told = ground.root("evil", look);
                let fine = matches!(what, "a folder" | "a link to what root keeps") || beside == "group_vars";
                // The check looks for traps in files; one that cannot be read is the others' to tell.
                // A link that leads nowhere is nothing, as for Ansible.
                let fine =
                    fine || what == "a link to itself" || (look[1] == "check" && beside == "group_vars/all/x.yml");
                assert!(
                    told.code.is_some_and(|code| code == 1 || code == 2 || fine),
                    "{what}, {beside}: {look:?}: {}",
                    told.text
                );
                if !fine {
                    told.tells(&[beside, if look[1] == "check" { "mend: " } else { "next: " }]);
                }
            }
            // How hosts are reached is asked there too.
            let told =
                ground.root("evil", &["--journal", "../roots/j", "exec", "nowhere", "-i", "hosts", "--", "true"]);
            assert_ne!(told.code, Some(0), "{}", told.text);
            root(&format!("cd '{}' && rm -rf group_vars host_vars group_vars.p", ground.text("evil")));
            ground.is_safe();
        }
    }
}

#[test]
pub(crate) fn files_that_are_named() {
    let Some(ground) = Ground::new("places: files that are named") else { return };
    fs::write(ground.at("ours/hosts"), INVENTORY).expect("it can be written");
    let path = with_ansible(&ground);
    let hosts = ground.text("ours/hosts");
    let state = ground.text("roots/state");
    for (what, make) in traps(&ground.at("roots/kept")) {
        ground.evil(&format!("at=$PWD/named.yml; {make}"));
        let named = ground.text("evil/named.yml");
        for args in [
            &["run", &named, "-i", &hosts, "--yes"][..],
            &["run", &named, "--lab"],
            &["runbook", "show", &named],
            &["--ssh-config", &named, "exec", "nowhere", "--", "true"],
        ] {
            let told = ground.root("roots", args);
            assert!(matches!(told.code, Some(1 | 2)) || args.contains(&"show"), "{what}: {args:?}: {}", told.text);
            if what != "a link to what root keeps" {
                told.refused(2, &["named.yml", "next: "]);
            }
        }
        // Ansible itself would wait for it.
        let play = ground.at("roots/play.yml");
        for text in [
            PLAY.replace("PLAYBOOK", &named),
            PLAY.replace("PLAYBOOK }", &format!("{}, vars_from: [{named}] }}", ground.text("ours/playbook.yml"))),
        ] {
            fs::write(&play, text).expect("it can be written");
            root(&format!("rm -rf '{state}'"));
            let settings = [("PATH", path.as_str()), ("XDG_STATE_HOME", state.as_str())];
            let typed = Typed { folder: ground.at("roots"), settings: &settings, ..Typed::default() };
            let told = ground.run(&typed, &["run", "./play.yml", "-i", &hosts, "--yes"]);
            if what != "a link to what root keeps" {
                told.refused(3, &["named.yml", "cannot begin"]);
                root(&format!("rm -rf '{}'", ground.text("roots/.palinode")));
            }
        }
        root(&format!("rm -rf '{named}' '{named}.p' '{}'", ground.text("roots/.palinode")));
        ground.is_safe();
    }
}

#[test]
pub(crate) fn a_file_with_a_secret() {
    let Some(ground) = Ground::new("places: a file with a secret") else { return };
    fs::write(ground.at("ours/hosts"), INVENTORY).expect("it can be written");
    let path = with_ansible(&ground);
    let (hosts, state, named) = (ground.text("ours/hosts"), ground.text("roots/state"), ground.text("evil/named"));
    let secret = format!("{}, vars: {{ pw: {{ secret: \"file:{named}\" }} }} }}", ground.text("ours/playbook.yml"));
    fs::write(ground.at("roots/play.yml"), PLAY.replace("PLAYBOOK }", &secret)).expect("it can be written");
    let mut all = traps(&ground.at("roots/kept"));
    all.push(("one that others may read", "echo x >\"$at\"; chmod 644 \"$at\"".to_owned()));
    for (what, make) in all {
        ground.evil(&format!("umask 077; at=$PWD/named; {make}"));
        root(&format!("rm -rf '{state}'"));
        let settings = [("PATH", path.as_str()), ("XDG_STATE_HOME", state.as_str())];
        let typed = Typed { folder: ground.at("roots"), settings: &settings, ..Typed::default() };
        let told = ground.run(&typed, &["run", "./play.yml", "-i", &hosts, "--yes"]);
        if what != "a link to what root keeps" {
            told.refused(3, &["evil/named", "cannot begin"]);
        }
        root(&format!("rm -rf '{named}' '{named}.p' '{}'", ground.text("roots/.palinode")));
        ground.is_safe();
    }
}

#[test]
pub(crate) fn a_configuration_of_ansible() {
    let Some(ground) = Ground::new("places: ansible.cfg") else { return };
    let path = with_ansible(&ground);
    let (book, hosts, state) = (ground.text("ours/play.yml"), ground.text("ours/hosts"), ground.text("roots/state"));
    let home = ground.text("evil");
    let theirs = format!("printf '[defaults]\\ncallback_plugins = {home}\\n' >\"$at\"");
    let mut all = traps(&ground.at("roots/secret"));
    all.push(("plugins of theirs", theirs));
    for (what, make) in all {
        // In a working folder where all may write, which Ansible passes over; and where the operator says that it is.
        ground.evil(&format!("cd ../open; at=$PWD/ansible.cfg; {make}"));
        let config = ground.text("open/ansible.cfg");
        for named in [false, true] {
            let _ = fs::remove_file(ground.at("roots/env"));
            let mut settings = vec![("PATH", path.as_str()), ("XDG_STATE_HOME", state.as_str())];
            if named {
                settings.push(("ANSIBLE_CONFIG", config.as_str()));
            }
            let journal = ground.text("roots/j");
            root(&format!("rm -rf '{state}'"));
            let typed = Typed { folder: ground.at("open"), settings: &settings, ..Typed::default() };
            let ran = ground.run(&typed, &["--journal", &journal, "run", &book, "-i", &hosts, "--yes"]);
            let env = fs::read_to_string(ground.at("roots/env")).unwrap_or_default();
            assert!(env.contains("ANSIBLE_CALLBACK_PLUGINS="), "{what}: the playbook was run: {env}: {}", ran.text);
            let told = env.lines().find(|line| line.starts_with("ANSIBLE_CALLBACK_PLUGINS=")).unwrap_or_default();
            // Whoever names it means it.
            assert_eq!(told.contains(&home), named && what == "plugins of theirs", "{what}: {told}");
            root(&format!("rm -rf '{journal}'"));
        }
        root(&format!("rm -rf '{config}' '{config}.p'"));
        ground.is_safe();
    }
}

#[test]
pub(crate) fn a_configuration_of_the_cluster() {
    let Some(ground) = Ground::new("places: kubeconfig") else { return };
    fs::write(ground.at("ours/hosts"), INVENTORY).expect("it can be written");
    let step = "hosts: { group: g }\neach_host:\n  - cordon: { kube.cordon: {} }\n";
    fs::write(ground.at("roots/kube.yml"), format!("runbook: kube\n{step}")).expect("it can be written");
    let hosts = ground.text("ours/hosts");
    let run = ["run", "./kube.yml", "-i", &hosts, "--yes"];
    for (what, make) in traps(&ground.at("roots/secret")) {
        ground.evil(&format!("mkdir -p .kube; at=$PWD/.kube/config; {make}"));
        let (config, home) = (ground.text("evil/.kube/config"), ground.text("evil"));
        let several = format!(":{config}");
        for (settings, args) in [
            (vec![], [&["--kubeconfig", &config][..], &run].concat()),
            (vec![("KUBECONFIG", several.as_str())], run.to_vec()),
            (vec![("HOME", home.as_str())], run.to_vec()),
        ] {
            let typed = Typed { folder: ground.at("roots"), settings: &settings, ..Typed::default() };
            let told = ground.run(&typed, &args);
            told.refused(2, &["the configuration of the cluster", "nothing was touched", "--kubeconfig"]);
            assert!(told.text.contains(".kube/config") || what == "a link to itself", "{what}: {}", told.text);
        }
        root(&format!("rm -rf '{home}/.kube'"));
        ground.is_safe();
    }
}

#[test]
pub(crate) fn a_lab() {
    let Some(ground) = Ground::new("places: a lab") else { return };
    let exec = |state: &str| {
        let state = ground.text(state);
        ground.root("roots", &["exec", "--lab-state", &state, "gluster1.demo", "service", "docker", "stopped"])
    };
    for part in ["world.json", "world.json.part", "hosts", "ledger.jsonl"] {
        for (what, make) in traps(&ground.at("roots/kept")) {
            for folder in ["evil", "open"] {
                ground.evil(&format!("cd ../{folder}; mkdir -p lab; at=$PWD/lab/{part}; {make}"));
                exec(&format!("{folder}/lab")).refused(2, &["lab", "belongs to the user with uid 65534", "next: "]);
                root(&format!(
                    "rm -rf '{}' '{}'",
                    ground.text(&format!("{folder}/lab")),
                    ground.text("roots/.palinode")
                ));
            }
            ground.is_safe();
            let _ = what;
        }
    }
    exec("open").refused(2, &["all users may write in", "next: "]);
    // Where labs are made by themselves.
    ground.evil("cd ../sticky; mkdir .palinode-lab; chmod 777 .palinode-lab");
    let told = ground.root("sticky", &["run", "crio-to-docker", "--lab", "--host", "gluster1.demo"]);
    told.refused(2, &[".palinode-lab", "belongs to the user with uid 65534", "next: "]);
    assert_eq!(exec("roots/lab").code, Some(0));
    ground.is_safe();
}

#[test]
pub(crate) fn a_disk_that_is_measured() {
    let Some(ground) = Ground::new("places: a disk that is measured") else { return };
    let kept = ground.text("roots/kept");
    for folder in ["evil", "sticky"] {
        let names = "p=$$; i=0; while [ $i -lt 1000 ]; do n=.palinode-doctor-$((p + i))";
        for make in [format!("ln -s {kept} $n"), "mkfifo $n".to_owned()] {
            ground.evil(&format!("cd ../{folder}; {names}; {make}; i=$((i + 1)); done"));
            let told = ground.root("roots", &["doctor", "--disk", &ground.text(folder)]);
            assert!(matches!(told.code, Some(0..=2)), "{}", told.text);
            root(&format!("cd '{}' && rm -rf .palinode-doctor-*", ground.text(folder)));
            ground.is_safe();
        }
    }
    for folder in ["evil", "open"] {
        ground.root("roots", &["doctor", "--disk", &ground.text(folder)]).refused(2, &[folder, "next: "]);
    }
    assert_eq!(SECRET.len(), 13);
}
