//! `palinode inventory check` and `inventory diff` as people type them: every kind of finding, with its place and a mend that
//! does mend it; and what Ansible makes of a value that looks like something else.

use crate::inventory::fixtures::fixtures;
use palinode_tests::ansible::{Ansible, Release};
use palinode_tests::binary::{Desk, Out};
use serde_json::{Value, json};

/// In order. Lines count from 1: `[OSEv3:vars]` is the sixth.
const GOOD: &str = "\
[OSEv3:children]
masters
nodes
new_nodes

[OSEv3:vars]
openshift_release='3.11'
openshift_use_crio=True

[masters]
master1.demo

[nodes]
master1.demo openshift_node_group_name=node-config-master-crio
gluster[1:2].demo openshift_node_group_name=node-config-compute-crio # storage

[new_nodes]

[glusterfs]
gluster1.demo
gluster2.demo
";

/// A trap that someone falls into by an edit of the good inventory.
#[derive(Default)]
struct Trap<'a> {
    /// What is written, and what stands there in its place.
    edit: (&'a str, &'a str),
    /// Another file, and what is in it.
    beside: Option<(&'a str, &'a str)>,
    /// Every finding: its place, its kind, words of what it leads to, and the mend.
    found: &'a [(&'a str, &'a str, &'a str, &'a str)],
    /// How it is mended as it is told, in whichever file has the first.
    mend: (&'a str, &'a str),
    /// A variable of a host, as Ansible reads it in the trap and once that is mended.
    read: Option<(&'a str, &'a str, Value, Value)>,
}

const MASTER: &str = "master1.demo openshift_node_group_name=node-config-master-crio";
const STORAGE: &str = "gluster[1:2].demo openshift_node_group_name=node-config-compute-crio";

#[expect(clippy::too_many_lines, reason = "a table")]
fn traps() -> Vec<Trap<'static>> {
    vec![
        // T4
        Trap {
            edit: (
                MASTER,
                "master1.demo openshift_node_group_name=node-config-master openshift_use_crio=False \
                 openshift_use_crio_only=True",
            ),
            found: &[(
                "hosts:14",
                "no-runtime",
                "neither runtime would be installed",
                "set openshift_use_crio_only=False for master1.demo too",
            )],
            mend: ("openshift_use_crio_only=True", "openshift_use_crio_only=False"),
            ..Trap::default()
        },
        Trap {
            edit: (MASTER, "master1.demo openshift_node_group_name=node-config-master openshift_use_crio=False"),
            beside: Some(("group_vars/OSEv3.yml", "---\nopenshift_use_crio_only: yes\n")),
            found: &[(
                "hosts:14",
                "no-runtime",
                "openshift_use_crio_only=True (group_vars/OSEv3.yml:2)",
                "set openshift_use_crio_only=False for master1.demo too",
            )],
            mend: ("only: yes", "only: no"),
            ..Trap::default()
        },
        Trap {
            edit: (MASTER, "master1.demo openshift_node_group_name=node-config-master-crio openshift_use_crio=False"),
            found: &[(
                "hosts:14",
                "runtime-mismatch",
                "master1.demo does not use CRI-O",
                "use the node group for docker, or set the runtime",
            )],
            mend: ("master-crio", "master"),
            ..Trap::default()
        },
        // T5
        Trap {
            edit: ("[new_nodes]\n", "[new_nodes]\nnode1.demo openshift_node_group_name=node-config-compute-crio\n"),
            found: &[(
                "hosts:18",
                "left-in-new",
                "node1.demo is in [new_nodes]: upgrades leave it out",
                "once it has joined, move it to [nodes]",
            )],
            mend: (
                "\n[new_nodes]\nnode1.demo openshift_node_group_name=node-config-compute-crio\n",
                "node1.demo openshift_node_group_name=node-config-compute-crio\n\n[new_nodes]\n",
            ),
            ..Trap::default()
        },
        // T6
        Trap {
            edit: ("nodes\nnew_nodes\n", "nodes\n"),
            found: &[(
                "hosts:16",
                "new-outside",
                "none of the variables of the cluster",
                "add new_nodes to [OSEv3:children]",
            )],
            mend: ("nodes\n\n[OSEv3:vars]", "nodes\nnew_nodes\n\n[OSEv3:vars]"),
            ..Trap::default()
        },
        Trap {
            edit: ("[glusterfs]", "[nodes:children]\nnew_nodes\n\n[glusterfs]"),
            found: &[(
                "hosts:17",
                "new-within",
                "no scaleup acts on them",
                "take new_nodes out of the children of nodes",
            )],
            mend: ("[nodes:children]\nnew_nodes\n", ""),
            ..Trap::default()
        },
        // T7
        Trap {
            edit: ("[new_nodes]\n", "[new_nodes]\ngluster2.demo\n"),
            found: &[
                ("hosts:18", "in-both", "its line was copied, not moved", "keep it in one of [new_nodes] and [nodes]"),
                (
                    "hosts:18",
                    "left-in-new",
                    "gluster2.demo is in [new_nodes]",
                    "once it has joined, move it to [nodes]",
                ),
            ],
            mend: ("[new_nodes]\ngluster2.demo\n", "[new_nodes]\n"),
            ..Trap::default()
        },
        Trap {
            edit: (
                STORAGE,
                "gluster1.demo zone=1\ngluster[1:2].demo openshift_node_group_name=node-config-compute-crio",
            ),
            found: &[(
                "hosts:16",
                "twice",
                "gluster1.demo is in [nodes] twice, first at line 15",
                "remove one of the lines, and keep its variables",
            )],
            mend: (
                "gluster1.demo zone=1\ngluster[1:2].demo openshift",
                "gluster1.demo zone=1 openshift_node_group_name=node-config-compute-crio\ngluster2.demo openshift",
            ),
            ..Trap::default()
        },
        Trap {
            edit: (
                "[glusterfs]\ngluster1.demo\n",
                "[glusterfs]\ngluster1.demo openshift_node_group_name=node-config-infra-crio\n",
            ),
            found: &[(
                "hosts:20",
                "two-values",
                "\"node-config-compute-crio\" at hosts:15; the last that is read wins",
                "set it once",
            )],
            mend: ("gluster1.demo openshift_node_group_name=node-config-infra-crio", "gluster1.demo"),
            read: Some((
                "gluster1.demo",
                "openshift_node_group_name",
                json!("node-config-infra-crio"),
                json!("node-config-compute-crio"),
            )),
            ..Trap::default()
        },
        Trap {
            edit: (MASTER, "master1.demo"),
            found: &[(
                "hosts:14",
                "no-node-group",
                "it was lost when its line was moved, or never set",
                "set openshift_node_group_name for master1.demo",
            )],
            mend: ("[nodes]\nmaster1.demo", "[nodes]\nmaster1.demo openshift_node_group_name=node-config-master-crio"),
            ..Trap::default()
        },
        // T1
        Trap {
            edit: (
                STORAGE,
                "gluster1.demo openshift_node_group_name=storage\n\
                 gluster2.demo openshift_node_group_name=storage openshift_use_crio=False",
            ),
            found: &[(
                "hosts:16",
                "shared-node-group",
                "shared by gluster1.demo with CRI-O and gluster2.demo without",
                "give each runtime a node group of its own",
            )],
            mend: ("storage openshift_use", "storage-docker openshift_use"),
            ..Trap::default()
        },
        Trap {
            beside: Some(("group_vars/OSEv3.yml", "openshift_node_groups:\n- name: node-config-master-crio\n")),
            found: &[(
                "hosts:15",
                "unknown-node-group",
                "gluster1.demo uses the node group node-config-compute-crio",
                "define it, or correct the name",
            )],
            mend: (
                "- name: node-config-master-crio\n",
                "- name: node-config-master-crio\n- name: node-config-compute-crio\n",
            ),
            ..Trap::default()
        },
        // T8
        Trap {
            edit: ("'3.11'", "3.10"),
            found: &[(
                "hosts:7",
                "number",
                "openshift_release=3.10 is the number 3.1",
                "write openshift_release='3.10'",
            )],
            mend: ("3.10", "'3.10'"),
            read: Some(("gluster1.demo", "openshift_release", json!(3.1), json!("3.10"))),
            ..Trap::default()
        },
        Trap {
            beside: Some(("group_vars/OSEv3/main.yml", "---\nopenshift_release: 3.10\n")),
            found: &[(
                "group_vars/OSEv3/main.yml:2",
                "number",
                "openshift_release: 3.10 is the number 3.1",
                "write openshift_release: '3.10'",
            )],
            mend: ("3.10", "'3.10'"),
            read: Some(("gluster1.demo", "openshift_release", json!(3.1), json!("3.10"))),
            ..Trap::default()
        },
        Trap {
            edit: ("[masters]\nmaster1.demo", "[masters]\nmaster1.demo version=1.20"),
            found: &[("hosts:11", "number", "version=1.20 is the number 1.2", "write version=\"'1.20'\"")],
            mend: ("version=1.20", "version=\"'1.20'\""),
            read: Some(("master1.demo", "version", json!(1.2), json!("1.20"))),
            ..Trap::default()
        },
        Trap {
            edit: ("openshift_use_crio=True\n", "openshift_use_crio=True\nopenshift_master_x=no\n"),
            found: &[(
                "hosts:9",
                "truth",
                "openshift_master_x=no is a text, which counts as true",
                "write openshift_master_x=False",
            )],
            mend: ("x=no", "x=False"),
            read: Some(("master1.demo", "openshift_master_x", json!("no"), json!(false))),
            ..Trap::default()
        },
        Trap {
            edit: ("'3.11'", "v3.11 # the release"),
            found: &[(
                "hosts:7",
                "comment-kept",
                "\"v3.11 # the release\": behind a text",
                "put the comment on a line of its own",
            )],
            mend: ("openshift_release=v3.11 # the release", "# the release\nopenshift_release=v3.11"),
            read: Some(("master1.demo", "openshift_release", json!("v3.11 # the release"), json!("v3.11"))),
            ..Trap::default()
        },
        Trap {
            edit: ("[masters]\nmaster1.demo", "[masters]\nmaster1.demo password=ab#cd"),
            found: &[(
                "hosts:11",
                "cut-off",
                "so \"#cd\" is lost",
                "put the value in quotes, or a space before a comment",
            )],
            mend: ("ab#cd", "'ab#cd'"),
            read: Some(("master1.demo", "password", json!("ab"), json!("ab#cd"))),
            ..Trap::default()
        },
        Trap {
            edit: (
                "openshift_use_crio=True\n",
                "openshift_use_crio=True\nopenshift_node_groups=[{'name': 'node-config-master-crio', 'a': true}, \
                 {'name': 'node-config-compute-crio'}]\n",
            ),
            found: &[(
                "hosts:9",
                "no-list",
                "openshift_node_groups is a plain text for ansible, and no list",
                "write it as python does, or as YAML in group_vars",
            )],
            mend: ("true", "True"),
            read: Some((
                "master1.demo",
                "openshift_node_groups",
                json!("[{'name': 'node-config-master-crio', 'a': true}, {'name': 'node-config-compute-crio'}]"),
                json!([{"name": "node-config-master-crio", "a": true}, {"name": "node-config-compute-crio"}]),
            )),
            ..Trap::default()
        },
        Trap {
            edit: ("[masters]\nmaster1.demo", "[masters]\nmaster1.demo x='\u{1b}[2J"),
            found: &[(
                "hosts:11",
                "not-understood",
                "a quote or backslash has no end",
                "close it, or put the value in other quotes",
            )],
            mend: ("x='\u{1b}[2J", "x=''"),
            ..Trap::default()
        },
    ]
}

fn write(desk: &Desk, path: &str, text: &str) {
    let path = desk.path().join(path);
    std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder can be made");
    std::fs::write(path, text).expect("it can be written");
}

fn check(desk: &Desk) -> Out {
    desk.run(&["inventory", "check", "-i", "hosts"])
}

#[test]
fn each_trap_is_found_at_its_place_and_gone_once_it_is_mended() {
    let desk = Desk::new();
    write(&desk, "hosts", GOOD);
    check(&desk).exits(0).says(&["nothing found in 1 file\n"]);
    for trap in traps() {
        let desk = Desk::new();
        let (old, new) = trap.edit;
        let text = GOOD.replacen(old, new, 1);
        assert!(text != GOOD || trap.beside.is_some(), "{old} is not there");
        write(&desk, "hosts", &text);
        if let Some((file, text)) = trap.beside {
            write(&desk, file, text);
        }
        let out = check(&desk).exits(1);
        let mut wanted = Vec::new();
        for (place, kind, what, mend) in trap.found {
            assert!(out.stdout.contains(&format!("\n  mend: {mend} ({kind})\n")), "{mend}: {out}");
            let line = out.stdout.lines().find(|line| line.starts_with(&format!("{place}: ")) && line.contains(what));
            assert!(line.is_some(), "{place}, {what}: {out}");
            wanted.push((text_of(place), text_of(kind), text_of(mend)));
        }
        let (many, files) = (trap.found.len(), if trap.beside.is_some() { "2 files" } else { "1 file" });
        let many = if many == 1 { "1 finding".to_owned() } else { format!("{many} findings") };
        assert!(out.stdout.ends_with(&format!("{many} in {files}\n")), "{out}");
        let out = desk.run(&["inventory", "check", "-i", "hosts", "-o", "json"]).exits(1);
        let value = out.value();
        let found: Vec<_> = value["findings"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| {
                let text = |name: &str| one[name].as_str().expect("a text").to_owned();
                (format!("{}:{}", text("file"), one["line"]), text("kind"), text("next"))
            })
            .collect();
        assert_eq!(found, wanted, "{value}");
        let looked_at: Vec<&str> = ["hosts"].into_iter().chain(trap.beside.map(|(file, _)| file)).collect();
        assert_eq!(value["looked_at"], json!(looked_at));
        let (old, new) = trap.mend;
        let (file, text) = trap.beside.filter(|(_, text)| text.contains(old)).unwrap_or(("hosts", text.as_str()));
        assert!(text.contains(old), "{old} in {text}");
        write(&desk, file, &text.replacen(old, new, 1));
        let out = check(&desk);
        assert_eq!((out.code, out.stdout), (Some(0), format!("nothing found in {files}\n")), "{new}");
    }
}

/// Ansible falls into the traps of values, and not once they are mended.
#[test]
fn what_is_told_of_values_is_what_ansible_makes_of_them() {
    let test = "inventory::check::what_is_told_of_values_is_what_ansible_makes_of_them";
    let Some(ansible) = Ansible::find(test, Release::Current) else { return };
    let mut asked = Vec::new();
    for trap in traps() {
        let Some((host, name, before, after)) = trap.read else { continue };
        let ((old, new), (wrong, right)) = (trap.edit, trap.mend);
        let text = GOOD.replacen(old, new, 1);
        for (mended, wanted) in [(false, before), (true, after)] {
            let desk = Desk::new();
            let mend = |text: &str| if mended { text.replacen(wrong, right, 1) } else { text.to_owned() };
            match trap.beside {
                Some((file, beside)) => {
                    write(&desk, "hosts", &text);
                    write(&desk, file, &mend(beside));
                }
                None => write(&desk, "hosts", &mend(&text)),
            }
            asked.push((desk, host, name, wanted));
        }
    }
    assert!(asked.len() >= 16, "{}", asked.len());
    let question = |desk: &Desk, host: &str| {
        let path = desk.path().join("hosts").to_str().expect("plain names").to_owned();
        vec!["-i".to_owned(), path, "--host".to_owned(), host.to_owned()]
    };
    let questions: Vec<Vec<String>> = asked.iter().map(|(desk, host, ..)| question(desk, host)).collect();
    for ((desk, host, name, wanted), answer) in asked.iter().zip(ansible.inventories(&questions)) {
        let vars: Value = serde_json::from_str(&answer.expect("it is good")).expect("JSON");
        let text = std::fs::read_to_string(desk.path().join("hosts")).expect("it is there");
        assert_eq!(vars[*name], *wanted, "{host}: {name}\n{text}");
    }
}

fn text_of(word: &str) -> String {
    word.to_owned()
}

#[test]
fn findings_of_several_inventories_come_together_and_what_cannot_be_read_is_refused() {
    let desk = Desk::new();
    write(&desk, "one", GOOD);
    write(&desk, "two.yml", "all:\n  vars:\n    openshift_release: 3.10\n");
    let all = ["inventory", "check", "-i", "one", "-i", "two.yml"];
    desk.run(&all).exits(1).says(&["two.yml:3: openshift_release: 3.10 is the number 3.1", "1 finding in 2 files"]);
    // What Ansible does not read there counts for nothing.
    for name in ["group_vars/.OSEv3.yml", "group_vars/OSEv3.yml~", "group_vars/OSEv3.txt", "group_vars/OSEv3.yml.bak"] {
        write(&desk, name, "openshift_release: 3.10\n");
    }
    desk.run(&["inventory", "check", "-i", "one"]).exits(0).says(&["nothing found in 1 file"]);
    let out = desk.run(&["inventory", "check", "-i", "none"]).exits(2);
    let out = out.complains(&["cannot read none: there is no such file", "next: "]);
    assert_eq!(out.stdout, "", "{out}");
    desk.run(&["inventory", "diff", "one", "none"]).exits(2).complains(&["cannot read none: there is no such file"]);
    for (path, bytes) in [("bytes", &b"[a]\n\xff\n"[..]), ("group_vars/OSEv3.yml", b"a: \xff\n")] {
        desk.write(path, bytes);
        let inventory = if path.contains('/') { "one" } else { path };
        let out = desk.run(&["inventory", "check", "-i", inventory]).exits(1);
        out.says(&[&format!("{path}:"), "this is not UTF-8", "mend: save the file as UTF-8 (not-understood)"]);
        let out = desk.run(&["inventory", "diff", inventory, path]).exits(2);
        out.complains(&[&format!("cannot read {path}"), "it is not UTF-8 text"]);
    }
    desk.run(&["inventory", "check"]).exits(2);
}

/// Every kind of difference, in words and in JSON.
#[test]
fn a_difference_is_told_by_what_it_means() {
    let desk = Desk::new();
    write(
        &desk,
        "old",
        "# as it was\n[OSEv3:children]\nnodes\nlb\n[nodes]\ng1 zone='1'\ng2 port=\"8080\"\ng3\ng4 gone=x\ny 'z\n[lb]\nb1\n[OSEv3:vars]\n\
         release='3.10'\nflag=True\n[nodes:vars]\nlost=1\n",
    );
    write(
        &desk,
        "new",
        "[nodes]\ng3\n\ng1   zone=1 # same\ng2 port=8081 fresh=y\n\tx 'y\n[new_nodes]\ng4\n[OSEv3:children]\nnodes\nnew_nodes\n\
         [OSEv3:vars]\nrelease=3.10\nflag = True\nadded=[1]\n",
    );
    let wanted = [
        "group new_nodes declared",
        "group lb no longer declared",
        "group new_nodes made a child of OSEv3",
        "group lb no longer a child of OSEv3",
        "b1: left [lb]",
        "g4: joined [new_nodes]",
        "g4: left [nodes]",
        "group nodes: order of hosts changed",
        "g2: fresh set to \"y\"",
        "g2: port changed from \"8080\" to \"8081\"",
        "g4: gone removed, was \"x\"",
        "[OSEv3:vars]: added set to \"[1]\"",
        "[OSEv3:vars]: release changed from \"3.10\" to \"3.1\"",
        "[nodes:vars]: lost removed, was \"1\"",
    ];
    let out = desk.run(&["inventory", "diff", "old", "new"]).exits(0);
    let lines: Vec<&str> = out.stdout.lines().collect();
    let (last, lines) = lines.split_last().expect("lines");
    for line in wanted {
        assert!(lines.contains(&line), "{line}: {out}");
    }
    assert_eq!(*last, format!("{} differences in meaning", lines.len()));
    let value = desk.json(&["inventory", "diff", "old", "new"]);
    assert_eq!((&value["before"], &value["after"]), (&json!("old"), &json!("new")));
    let changes = value["changes"].as_array().expect("a list");
    assert_eq!(changes.len(), lines.len(), "{value}");
    for change in [
        json!({ "change": "group_added", "group": "new_nodes" }),
        json!({ "change": "group_removed", "group": "lb" }),
        json!({ "change": "child_added", "parent": "OSEv3", "child": "new_nodes" }),
        json!({ "change": "child_removed", "parent": "OSEv3", "child": "lb" }),
        json!({ "change": "host_added", "host": "g4", "group": "new_nodes" }),
        json!({ "change": "host_removed", "host": "g4", "group": "nodes" }),
        json!({ "change": "order_changed", "group": "nodes" }),
        json!({ "change": "host_var", "host": "g2", "name": "port", "before": "8080", "after": "8081" }),
        json!({ "change": "group_var", "group": "nodes", "name": "lost", "before": "1", "after": null }),
    ] {
        assert!(changes.contains(&change), "{change}: {value}");
    }
    let kinds: Vec<&str> = changes.iter().filter_map(|change| change["change"].as_str()).collect();
    assert!(kinds.contains(&"other_added"), "{value}");
    // Back again it is as much, the other way round.
    let back = desk.json(&["inventory", "diff", "new", "old"]);
    let kinds: Vec<&str> =
        back["changes"].as_array().expect("a list").iter().filter_map(|one| one["change"].as_str()).collect();
    assert!(kinds.len() == changes.len() && kinds.contains(&"other_removed"), "{back}");
}

#[test]
fn what_means_the_same_has_no_difference() {
    let desk = Desk::new();
    write(&desk, "hosts", GOOD);
    let yaml = "all:\n  children:\n    OSEv3:\n      vars: {openshift_release: '3.11', openshift_use_crio: true}\n      children:\n        \
        masters:\n          hosts:\n            master1.demo:\n        nodes:\n          hosts:\n            \
        master1.demo: {openshift_node_group_name: node-config-master-crio}\n            \
        gluster1.demo: {openshift_node_group_name: node-config-compute-crio}\n            \
        gluster2.demo: {openshift_node_group_name: node-config-compute-crio}\n        new_nodes:\n    glusterfs:\n      hosts:\n        \
        gluster[1:2].demo:\n";
    write(&desk, "hosts.yml", yaml);
    for (before, after) in [("hosts", "hosts"), ("hosts", "hosts.yml"), ("hosts.yml", "hosts")] {
        desk.run(&["inventory", "diff", before, after]).exits(0).says(&["they mean the same\n"]);
        let value = desk.json(&["inventory", "diff", before, after]);
        assert_eq!(value, json!({ "before": before, "after": after, "changes": [] }));
    }
    // Files of variables.
    write(&desk, "old.yml", "---\n# c\na: 1\nb: [x]\nc: \"\\e[2J\"\n");
    write(&desk, "new.yml", "a: '1'\nb:\n- x\nd: 3.10\n");
    let out = desk.run(&["inventory", "diff", "old.yml", "new.yml"]).exits(0);
    out.says(&[
        "a changed from \"1\" (a number) to \"1\" (a text)\n",
        "c removed, was ",
        "d set to \"3.1\"\n",
        "3 differences in meaning\n",
    ]);
    let value = desk.json(&["inventory", "diff", "old.yml", "new.yml"]);
    let change = json!({ "change": "var", "name": "d", "before": null, "after": "3.1" });
    assert!(value["changes"].as_array().is_some_and(|changes| changes.contains(&change)), "{value}");
}

/// What Ansible refuses is found, whatever it is; what it reads is not, and none of its words is a reason for doubt.
#[test]
fn every_inventory_that_is_refused_is_a_finding() {
    let desk = Desk::new();
    let (mut refused, mut read) = (0, 0);
    for (name, path) in fixtures() {
        let out = desk.run(&["inventory", "check", "-i", &path]);
        let told = out.stdout.contains("(not-understood)");
        if name.starts_with("refused-") || name.starts_with("differs-") {
            refused += 1;
            // A whole file of variables that is encrypted is no fault; what is in it is not known.
            let fine = name == "refused-host-vars-encrypted";
            assert!(told != fine && out.code == Some(i32::from(!fine)), "{name}: {out}");
        } else {
            read += 1;
            assert!(!told && matches!(out.code, Some(0 | 1)), "{name}: {out}");
        }
    }
    assert!(refused >= 50 && read >= 40, "{refused} {read}");
}

#[test]
fn differences_are_those_of_what_ansible_reads() {
    let desk = Desk::new();
    write(&desk, "ini", "[g]\nh1 x=1 y=False z=0x10\nh2\n");
    write(&desk, "yaml.yml", "g:\n  hosts:\n    h1: {x: 1, y: false, z: 16}\n    h2:\n");
    write(&desk, "data.json", r#"{"g": {"hosts": {"h1": {"x": 1, "y": false, "z": 16}, "h2": null}}}"#);
    write(
        &desk,
        "script.sh",
        "#!/bin/sh\necho '{\"g\": {\"hosts\": [\"h1\", \"h2\"]}, \"_meta\": {\"hostvars\": {\"h1\": {\"x\": 1, \"y\": false, \"z\": 16}}}}'\n",
    );
    let script = desk.path().join("script.sh");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is ours");
    write(&desk, "folder/hosts", "[g]\nh1 x=1\nh2\n");
    write(&desk, "folder/group_vars/g.yml", "y: false\n");
    write(&desk, "folder/host_vars/h1.yml", "z: 16\n");
    let all = ["ini", "yaml.yml", "data.json", "script.sh"];
    for (before, after) in all.iter().flat_map(|before| all.iter().map(move |after| (before, after))) {
        desk.run(&["inventory", "diff", before, after]).exits(0).says(&["they mean the same\n"]);
    }
    desk.run(&["inventory", "diff", "ini", "folder"]).exits(0).says(&[
        "h1: y removed, was \"False\"",
        "[g:vars]: y set to \"False\"",
        "2 differences in meaning",
    ]);
    write(&desk, "other", "[g]\nh1 x=1 y=\"'False'\" z=16\nh2\n");
    let out = desk.run(&["inventory", "diff", "ini", "other"]).exits(0);
    out.says(&["h1: y changed from \"False\" (a truth value) to \"False\" (a text)\n", "1 difference in meaning\n"]);
    write(&desk, "broken.yml", "a: [\n");
    desk.run(&["inventory", "diff", "ini", "broken.yml"]).exits(2).complains(&["cannot read broken.yml"]);
}
