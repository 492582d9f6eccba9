//! Wrong input is refused before anything is made: with place, reason and the next command.

use palinode_tests::binary::{Desk, Out};
use std::time::{Duration, Instant};

const HEAD: &str = "runbook: demo\nhosts: { group: glusterfs }\neach_host:\n";
const CORDON: &str = "  - a: { kube.cordon: {} }\n";

/// Runs in a desk with these files, and requires that it is refused and leaves the desk as it was.
#[track_caller]
fn refused(files: &[(&str, &[u8])], args: &[&str], words: &[&str]) -> Out {
    let desk = Desk::new();
    for (name, content) in files {
        desk.write(name, content);
    }
    let before = desk.files("");
    let out = desk.run(args).exits(2).complains(&["error: "]).complains(words);
    assert_eq!(out.stdout, "", "{args:?}");
    assert!(out.stderr.contains("next: "), "what to type is missing: {out}");
    let value = desk.run(&[args, &["-o", "json"]].concat()).exits(2);
    assert_eq!(value.stdout, "", "{args:?}");
    let object: serde_json::Value =
        serde_json::from_str(&value.stderr).unwrap_or_else(|error| unreachable!("{error}: {value}"));
    assert!(object["error"].as_str().is_some_and(|text| !text.is_empty()), "{value}");
    assert_eq!(object["exit"], 2, "{value}");
    let nexts = object["findings"].as_array().into_iter().flatten().map(|finding| &finding["next"]);
    assert!(nexts.chain([&object["next"]]).any(serde_json::Value::is_string), "{value}");
    assert_eq!(desk.files(""), before, "{args:?} leaves something behind");
    out
}

/// A runbook that is wrong.
#[track_caller]
fn wrong(text: &str, words: &[&str]) -> Out {
    refused(&[("book.yml", text.as_bytes())], &["run", "book.yml", "--lab"], words)
}

#[test]
fn mistakes_in_a_runbook_are_shown_where_they_are() {
    let step = |line: &str| format!("{HEAD}  - a: {line}\n");
    wrong(&step("{ kube.cordn: {} }"), &["book.yml:4:", "unknown action `kube.cordn`", "^"]);
    wrong(&step("{ kube.drain: { timeout: [soon] } }"), &["book.yml:4:", "expected a span of time", "found a list"]);
    wrong(&step("{ service: { units: 7, state: stopped } }"), &["book.yml:4:"]);
    wrong(&step("{ kube.cordon: { force: 1 } }"), &["book.yml:4:", "unknown key `force`"]);
    wrong(&format!("{HEAD}{CORDON}{CORDON}"), &["book.yml:5:", "`a` stands twice"]);
    wrong(&format!("{HEAD}{CORDON}stages: []\n"), &["book.yml:5:", "unknown key `stages`"]);
    wrong(&format!("{HEAD}{CORDON}runbook: again\n"), &["book.yml:5:", "duplicate"]);
    wrong(&format!("{HEAD}  - a: {{ kube.cordon: {{}}\n  - b: [\n"), &["cannot be read"]);
    wrong(&format!("{HEAD}{CORDON}").replace("glusterfs", "nobody"), &["book.yml:2:", "no group `nobody`"]);
    wrong(&step("{ command: { run: [/bin/rm, -rf, /] } }"), &["the lab cannot run"]);
    wrong("", &["map"]);
    wrong("\u{1b}[2J\u{9b}31m", &["cannot be read"]);
    wrong(&step("{ service: { unit: \"a\\e[2Jb\", state: stopped } }"), &["book.yml:4:"]);
    wrong(&step("{ \"\\e[2J\": {} }"), &["unknown action `\\u{1b}[2J`"]);
}

#[test]
fn a_bomb_of_aliases_is_refused_at_once() {
    let mut text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, of) in ('b'..='z').zip('a'..) {
        let list = vec![format!("*{of}"); 10].join(", ");
        text.push_str(&format!("{name}: &{name} [{list}]\n"));
    }
    // Spelt out it would have 10^25 items, for which no machine has the time.
    let began = Instant::now();
    wrong(&text, &["cannot be read"]);
    wrong(&"[".repeat(100_000), &["cannot be read"]);
    wrong(&format!("{HEAD}  - a: {}{}\n", "{ b: ".repeat(20_000), "}".repeat(20_000)), &[]);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[test]
fn wrong_arguments_are_refused() {
    let lab = ["run", "crio-to-docker", "--lab"];
    let with = |more: &[&'static str]| [&lab[..], more].concat();
    refused(&[], &["run", "crio-to-dokcer", "--lab"], &["no runbook `crio-to-dokcer`", "runbook list"]);
    refused(&[], &["run", "crio-to-docker"], &["no inventory is given", "palinode run crio-to-docker --lab"]);
    // A cluster that nobody knows how to reach is missed before anything is looked at.
    let real: [(&str, &[u8]); 2] = [
        ("hosts", b"[glusterfs]\ngluster1.demo\n"),
        ("it.yml", b"runbook: it\nhosts: { group: glusterfs }\neach_host:\n  - cordon: { kube.cordon: {} }\n"),
    ];
    refused(
        &real,
        &["run", "./it.yml", "-i", "hosts", "--yes", "--kubeconfig", "/nowhere/config"],
        &["has to do with the cluster", "/nowhere/config", "--context"],
    );
    refused(&[], &["exec", "gluster1.demo", "service", "crio", "gone"], &["`gone` is no state", "started, stopped"]);
    let misspelt = ["exec", "gluster1.demo", "service", "crio", "stoped", "disabled"];
    refused(&[], &misspelt, &["`stoped` is no state", "`stoped.service`"]);
    refused(&[], &["exec", "gluster1.demo", "frobnicate"], &["no typed action", "exec --help"]);
    refused(&[], &["exec", "gluster1.demo", "file", "/", "absent"], &["refusing to remove the root"]);
    let template = ["exec", "gluster1.demo", "--", "docker", "inspect", "{{.Id}}"];
    Desk::new().run(&template).exits(2).complains(&["two braces"]);
    refused(&[], &["run", ".", "--lab"], &["cannot read the runbook"]);
    refused(&[("bytes.yml", b"\xff\xfe")], &["run", "bytes.yml", "--lab"], &["bytes.yml"]);
    refused(&[], &with(&["--host", "gluster9.demo"]), &["no host `gluster9.demo`", "gluster1.demo"]);
    refused(&[], &with(&["--set", "nope=1"]), &["no parameter `nope`", "openshift_version"]);
    refused(&[], &with(&["--set", "openshift_version"]), &["has no =", "--set NAME=VALUE"]);
    refused(&[], &with(&["--set", "group=a", "--set", "group=b"]), &["set twice"]);
    refused(&[], &with(&["--set", "group=\u{1b}[2J"]), &["control characters"]);
    refused(&[], &with(&["--set", "group=nobody"]), &["no group `nobody`"]);
    refused(&[], &with(&["--fail", "gluster1.demo/nothing"]), &["no step `gluster1.demo/nothing`"]);
    refused(&[], &with(&["--fail", "gluster1.demo/drain=often"]), &["does not end in a number"]);
    refused(&[], &with(&["--drop", "\u{1b}[2J"]), &["no step"]);
    refused(&[], &with(&["--die", "gluster1.demo/drain"]), &["names no moment"]);
    for args in [&["status"][..], &["log"], &["verify"], &["resume"], &["rollback"], &["skip", "a/b", "--reason", "x"]]
    {
        refused(&[], args, &["there is no journal here", "--journal DIR"]);
    }
}

#[test]
fn the_parser_of_arguments_refuses_alike() {
    let desk = Desk::new();
    for args in
        [&["frobnicate"][..], &["run"], &["run", "crio-to-docker", "--lab", "--pace", "0"], &["--\u{1b}[2J"], &[]]
    {
        let out = desk.run(args).exits(2);
        assert_eq!(out.stdout, "", "{args:?}");
    }
    assert_eq!(desk.files("").len(), 0);
}

#[test]
fn wrong_inventories_are_refused() {
    let with = |name: &'static str| ["run", "crio-to-docker", "--lab", "-i", name];
    let group = |line: &str| format!("[OSEv3:children]\nnodes\nglusterfs\n[nodes]\n{line}\n[glusterfs]\n{line}\n");
    refused(&[], &with("nowhere"), &["cannot read the inventory nowhere", "No such file", "after -i"]);
    refused(&[], &with("."), &["cannot read the inventory .", "directory"]);
    refused(&[("hosts", b"[glusterfs]\na\xff.demo\n")], &with("hosts"), &["not UTF-8 from byte 13"]);
    refused(&[("hosts", b"[glusterfs]\n")], &with("hosts"), &["`glusterfs` of", "is empty"]);
    refused(&[("hosts", b"[nodes]\na.demo\n")], &with("hosts"), &["no group `glusterfs`"]);
    refused(&[("hosts", b"")], &with("hosts"), &["no group `glusterfs`"]);
    for name in ["\"a;reboot\"", "a$(reboot)", "a`reboot`", "a|b", "a&b", "'a b'", "-oProxyCommand=x", "../a", "a>b"] {
        refused(&[("hosts", group(name).as_bytes())], &with("hosts"), &["the inventory hosts names a host"]);
    }
    for name in ["a\u{1b}[2J", "gluster[1", "'unclosed"] {
        let name = format!("gluster1.demo\n{name}");
        refused(
            &[("hosts", group(&name).as_bytes())],
            &with("hosts"),
            &["cannot read the inventory hosts:6: ", "has no end"],
        );
    }
    refused(&[("hosts", group("stranger.demo").as_bytes())], &with("hosts"), &["no host stranger.demo"]);
    refused(&[("hosts", group("a[1:999999999].demo").as_bytes())], &with("hosts"), &["more than 100000 hosts"]);
    for name in ["a\u{9b}31m", "a\u{7}", "a\u{202e}omed"] {
        refused(&[("hosts", group(name).as_bytes())], &with("hosts"), &["names a host"]);
    }
}
