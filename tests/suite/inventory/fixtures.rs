//! Inventories are what Ansible takes them for: the same hosts, groups and values, and the same refused.

use palinode_core::inventory::model::Reading;
use palinode_executors::DiskSources;
use palinode_tests::ansible::{Ansible, Release};
use palinode_tests::binary::Desk;
use std::path::{Path, PathBuf};

/// The inventories of the fixtures by name: in each folder `inventory`, or the file whose name begins with `hosts`.
pub(super) fn fixtures() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/inventories");
    let names = |folder: &Path| -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a folder").path()).collect();
        paths.sort();
        paths
    };
    let all = names(&root).into_iter().filter(|path| path.is_dir()).map(|folder| {
        let file =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().into_owned() == "inventory");
        let hosts = |path: &PathBuf| {
            path.is_file() && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("hosts"))
        };
        let paths = names(&folder);
        let path = paths.iter().find(|path| file(path)).or_else(|| paths.iter().find(|path| hosts(path)));
        let path = path.expect("a folder of the fixtures has an inventory");
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        (name, path.to_str().expect("plain names").to_owned())
    });
    all.collect()
}

fn ours(path: &str) -> Result<Reading, String> {
    Reading::of(&DiskSources::default(), &[path]).map_err(|error| error.to_string())
}

#[test]
fn fixtures_are_read_as_ansible_reads_them() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 60, "{}", fixtures.len());
    let Some(ansible) = Ansible::find("inventory::fixtures::fixtures_are_read_as_ansible_reads_them", Release::Current)
    else {
        return;
    };
    let ask = |verb: &'static str| fixtures.iter().map(move |(_, path)| vec!["-i", path, verb]);
    let questions: Vec<Vec<&str>> = ask("--list").chain(ask("--graph")).collect();
    let answers = ansible.inventories(&questions);
    let (lists, graphs) = answers.split_at(fixtures.len());
    let mut wrong = Vec::new();
    for (((name, path), list), graph) in fixtures.iter().zip(lists).zip(graphs) {
        let found = ours(path);
        // The name says what becomes of it, so that no fixture passes by being broken.
        let (refused, differs) = (name.starts_with("refused-"), name.starts_with("differs-"));
        if list.is_err() != refused || found.is_err() != (refused || differs) {
            wrong.push(format!("{name}: Ansible says {list:?}\nand we {:?}", found.map(|found| found.list())));
        } else if let (Ok(found), Ok(list)) = (&found, list) {
            if found.list() != *list {
                wrong.push(format!("{name}: Ansible reads {list}\nand we {}", found.list()));
            }
            if found.graph("all").as_ref() != graph.as_ref().ok() {
                wrong.push(format!("{name}: Ansible draws\n{graph:?}\nand we {:?}", found.graph("all")));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n\n"));
}

/// What an inventory of OpenShift 3.11 says did not change since the Ansible that installed it.
#[test]
fn inventories_of_openshift_are_read_as_the_old_ansible_reads_them() {
    let Some(ansible) = Ansible::find(
        "inventory::fixtures::inventories_of_openshift_are_read_as_the_old_ansible_reads_them",
        Release::Old,
    ) else {
        return;
    };
    let fixtures: Vec<_> = fixtures().into_iter().filter(|(name, _)| name.starts_with("openshift")).collect();
    assert!(fixtures.len() >= 3, "{fixtures:?}");
    let questions: Vec<Vec<&str>> = fixtures.iter().map(|(_, path)| vec!["-i", path, "--list"]).collect();
    for ((name, path), answer) in fixtures.iter().zip(ansible.inventories(&questions)) {
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        let (theirs, ours) = (json(&answer.expect("it is good")), json(&ours(path).expect("it is good").list()));
        assert_eq!(theirs["_meta"]["hostvars"], ours["_meta"]["hostvars"], "{name}");
        // It printed all names sorted.
        let groups = |value: &serde_json::Value| {
            let mut value = value.clone();
            value["_meta"].take();
            for group in value.as_object_mut().expect("groups").values_mut().filter_map(|group| group.as_object_mut()) {
                for names in group.values_mut().filter_map(|names| names.as_array_mut()) {
                    names.sort_by_key(|name| name.to_string());
                }
            }
            value
        };
        assert_eq!(groups(&theirs), groups(&ours), "{name}");
    }
}

/// What people start shows the same.
#[test]
fn the_binary_prints_what_ansible_inventory_prints() {
    let Some(ansible) =
        Ansible::find("inventory::fixtures::the_binary_prints_what_ansible_inventory_prints", Release::Current)
    else {
        return;
    };
    let desk = Desk::new();
    for name in ["openshift-group-vars", "folder", "script-no-meta", "unicode"] {
        let fixtures = fixtures();
        let (_, path) = fixtures.iter().find(|(known, _)| known == name).expect("a fixture");
        let out = desk.run(&["inventory", "show", "-i", path, "-o", "json"]).exits(0);
        assert_eq!(Ok(out.stdout), ansible.inventory(&["-i", path, "--list"]), "{name}");
        let out = desk.run(&["inventory", "graph", "-i", path]).exits(0);
        assert_eq!(Ok(out.stdout), ansible.inventory(&["-i", path, "--graph"]), "{name}");
    }
}

#[test]
fn a_person_sees_who_says_what() {
    let desk = Desk::new();
    let write = |path: &str, text: &str| {
        let path = desk.path().join(path);
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder can be made");
        std::fs::write(path, text).expect("it can be written");
    };
    write("hosts", "[all:vars]\nx=1\n[web]\nh1 y='3.10'\nh2 y=\"\u{1b}[2J\"\n[web:vars]\nx=2\n");
    write("group_vars/web.yml", "# c\nx: '3'\n");
    desk.run(&["inventory", "host", "-i", "hosts", "h1"]).exits(0).says(&[
        "h1 in web",
        "x = '3'\n  group_vars/web.yml:2 (group_vars of web)\n  overrides hosts:7 (group web): 2\n  overrides hosts:2 (group all): 1",
        "y = 3.1\n  hosts:4 (the host)",
    ]);
    let shown = desk.run(&["inventory", "show", "-i", "hosts"]).exits(0);
    shown.says(&["2 hosts in 2 groups", "[web]\n  hosts     h1, h2", "\\u{1b}[2J"]);
    desk.run(&["inventory", "show", "-i", "hosts", "-o", "json"]).exits(0).says(&["\\u001b[2J"]);
    let value = desk.json(&["inventory", "host", "-i", "hosts", "h1"]);
    assert_eq!(value["variables"]["x"]["overrides"][1]["line"], 2, "{value}");
    assert_eq!(desk.json(&["inventory", "graph", "-i", "hosts", "web"])["hosts"][1], "h2");
    for (words, expected) in [
        (&["host", "-i", "hosts", "h9"][..], "hosts has no host `h9`"),
        (&["graph", "-i", "hosts", "db"], "hosts has no group `db`"),
        (&["show", "-i", "none"], "none: there is no such inventory"),
    ] {
        let words: Vec<&str> = std::iter::once("inventory").chain(words.iter().copied()).collect();
        desk.run(&words).exits(2).complains(&[expected, "next: "]);
    }
    write("hosts", "[web]\nh1\nh2 oops\n");
    desk.run(&["inventory", "show", "-i", "hosts"])
        .exits(2)
        .complains(&["hosts:3: `oops` behind a host is no variable"]);
}
