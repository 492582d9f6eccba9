//! Inventories that nobody wrote: made by chance of what may stand in one, some hundreds in each run.

use palinode_core::inventory::model::Reading;
use palinode_executors::DiskSources;
use palinode_tests::ansible::{Ansible, Release};
use palinode_tests::skip;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

/// Pieces of values, good ones and others.
const VALUES: &[&str] = &[
    "1",
    "-1",
    "+3",
    "1.5",
    "3.10",
    "1e3",
    "1_0",
    "0x1f",
    "010",
    "00",
    "'a'",
    "\"b\"",
    "True",
    "False",
    "None",
    "true",
    "no",
    "[1, 2]",
    "{'a': 1}",
    "(1,)",
    "(1)",
    "1,2",
    "a",
    "a b",
    "#",
    "# c",
    "'x' # c",
    "{{ v }}",
    "[a]",
    "{",
    "]",
    "'",
    "\\",
    "=",
    "b'x'",
    "r'\\d'",
    "u'é'",
    "1j",
    "-2j",
    "1+2j",
    "...",
    "é",
    ";",
    "$x",
    "%s",
    "--5",
    "- 5",
    "' 5'",
    "set()",
    "{}",
    "[]",
    "[",
    "{1: {2: [3]}}",
    "0b1",
    "1.",
    "  ",
    "\t",
    "inf",
    "'''x'''",
    "'a' 'b'",
    "\\n",
    "\\'",
    "{1: 2, 1.0: 3, True: 4}",
];
const GROUPS: &[&str] = &["a", "b", "c", "g1", "web", "all", "ungrouped", "x.y", "n-1", "é", "a_"];
const HOSTS: &[&str] = &[
    "h1",
    "h2",
    "h3",
    "a.demo",
    "10.0.0.1",
    "web",
    "h-1",
    "h1:22",
    "h2:0",
    "a.demo:",
    "[::1]:22",
    "fe80::1",
    "h_:22",
    "-h:22",
    "n[1:3]",
    "n[01:03].demo",
    "n[a:c]",
    "[1:5:2]x",
    "n[:2]:22",
    "n[3:1]",
    "n[1:]",
    "n[a:C]",
    "n[1]",
    "n[x:3]",
    "n[0:1:0]",
    "n[-1:1]",
    "n[08:11]",
    "n[1:2]-[a:b]",
    "#h",
    "h#x",
    "\"h 1\"",
    "---",
    "{a}",
    "[h",
    "h]",
    "a|b",
    "h=1",
    "é.demo:2",
];
const NAMES: &[&str] = &["x", "y", "z", "ansible_port", "\"q r\"", "ansible_host", "é"];

fn pick(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(of).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = String> {
    (vec(pick(VALUES), 1..3), 0..8_u8).prop_map(|(parts, quote)| match quote {
        0 | 1 => format!("'{}'", parts.concat()),
        2 | 3 => format!("\"{}\"", parts.concat()),
        _ => parts.into_iter().next().unwrap_or_default(),
    })
}

fn ini_line() -> impl Strategy<Value = String> {
    let kinds = select(vec!["", "", "", "", ":vars", ":vars", ":children", ":children", ":hosts", ":x"]);
    let behind = select(vec!["", "", "", "", "", " # c", "#c", " x"]);
    prop_oneof![
        3 => (pick(GROUPS), kinds, behind.clone()).prop_map(|(group, kind, behind)| format!("[{group}{kind}]{behind}")),
        4 => (pick(HOSTS), vec((pick(NAMES), value()), 0..3)).prop_map(|(host, vars)| {
            vars.iter().fold(host, |line, (name, value)| format!("{line} {name}={value}"))
        }),
        1 => (pick(NAMES), select(vec!["=", " = "]), value()).prop_map(|(name, is, value)| format!("{name}{is}{value}")),
        // A host that is called `all` makes Ansible forget others: see DIFFERENCES.md.
        1 => (pick(GROUPS), behind)
            .prop_filter("all is no host", |(group, _)| group != "all")
            .prop_map(|(group, behind)| format!("{group}{behind}")),
        1 => select(vec!["# c", "; c", "", "  ", "\t# x"]).prop_map(str::to_owned),
    ]
}

/// A few lines, so that most of the time none of them is wrong.
fn ini() -> impl Strategy<Value = String> {
    (vec(ini_line(), 1..7), select(vec!["\n", "\n", "\n", "\r\n"]), any::<bool>())
        .prop_map(|(lines, end, last)| format!("{}{}", lines.join(end), if last { end } else { "" }))
}

const SCALARS: &[&str] = &[
    "1",
    "010",
    "0x1f",
    "1:30",
    "1.5",
    "1e3",
    "1.0e+3",
    ".5",
    "yes",
    "No",
    "on",
    "~",
    "null",
    "'a'",
    "\"b\"",
    "2019-12-24",
    "2019-12-24 1:02:03",
    "2019-1-1",
    "!!str 5",
    "!!int '7'",
    "!unsafe '{{ x }}'",
    "!unsafe 5",
    "!vault abc",
    "[1, a]",
    "{a: 1}",
    "[]",
    "{}",
    "a b",
    "é",
    "a#b",
    "a # c",
    "'it''s'",
    "\"\\x41\\n\"",
    "0b11",
    "1_0",
    "+1",
    "-.inf",
    ".nan",
    "a,b",
    "[a, [b, {c: d}]]",
    "\"{{ x }}\"",
    "190:20:30",
    "0o17",
    "-0",
    "0.0",
    "1.",
    "!!float 1",
    "2001-12-14t21:59:43.10-05:00",
    "",
    "-",
    "'",
    "a: b",
    "{{ x }}",
    "*r",
    "&r x",
    "!x y",
    "=",
    "%x",
];

fn scalar() -> impl Strategy<Value = String> {
    // The last ones are wrong.
    prop_oneof![60 => select(&SCALARS[..SCALARS.len() - 9]), 1 => select(SCALARS)].prop_map(str::to_owned)
}

/// A map of variables as lines.
fn vars() -> impl Strategy<Value = Vec<String>> {
    const KEYS: &[&str] = &["x", "y", "z", "yes", "5", "~", "'q'", "é", "1.5", "a b", "x"];
    let entry = (pick(KEYS), scalar()).prop_map(|(key, value)| vec![format!("{key}: {value}")]).boxed();
    let list = (pick(KEYS), vec(scalar(), 1..3)).prop_map(|(key, items)| {
        std::iter::once(format!("{key}:")).chain(items.iter().map(|item| format!("  - {item}"))).collect()
    });
    let text = (pick(KEYS), select(vec!["|", ">", "|-", ">+"])).prop_map(|(key, mark)| {
        vec![format!("{key}: {mark}"), "  one".to_owned(), "   two".to_owned(), String::new(), "  three".to_owned()]
    });
    let deep = (pick(KEYS), vec(entry.clone(), 1..3))
        .prop_map(|(key, below)| std::iter::once(format!("{key}:")).chain(indented(below.concat())).collect());
    vec(prop_oneof![6 => entry, 1 => list, 1 => text, 1 => deep], 1..4).prop_map(|parts| parts.concat())
}

fn indented(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().map(|line| if line.is_empty() { line } else { format!("  {line}") }).collect()
}

fn titled(title: impl std::fmt::Display, below: Vec<String>) -> Vec<String> {
    std::iter::once(format!("{title}:")).chain(indented(below)).collect()
}

fn hosts() -> impl Strategy<Value = Vec<String>> {
    const KEYS: &[&str] = &["h1", "h2", "n[1:3]", "m[01:02]:22", "\"[::1]:22\"", "h3:33", "web"];
    let host = (pick(KEYS), prop::option::weighted(0.4, vars()))
        .prop_map(|(host, vars)| titled(host, vars.unwrap_or_default()));
    vec(host, 0..4).prop_map(|hosts| titled("hosts", hosts.concat()))
}

fn group() -> impl Strategy<Value = Vec<String>> {
    let leaf =
        prop_oneof![hosts(), vars().prop_map(|vars| titled("vars", vars)), Just(vec!["other: {x: 1}".to_owned()])];
    let leaf = vec(leaf, 0..3).prop_map(|parts| parts.concat());
    leaf.prop_recursive(2, 8, 2, |inner| {
        let child =
            (select(vec!["a", "b", "c", "web", "all"]), inner.clone()).prop_map(|(name, below)| titled(name, below));
        (inner, vec(child, 0..3)).prop_map(|(mut own, children)| {
            own.extend(titled("children", children.concat()));
            own
        })
    })
}

fn yaml() -> impl Strategy<Value = String> {
    let top = (select(vec!["all", "a", "b", "web"]), group()).prop_map(|(name, below)| titled(name, below));
    let head = select(vec!["", "", "---\n", "# c\n", "%YAML 1.1\n---\n"]);
    (head, vec(top, 1..3)).prop_map(|(head, groups)| format!("{head}{}\n", groups.concat().join("\n")))
}

/// Pieces of what stands in brackets, put side by side without regard for what they make.
const FLOW: &[&str] = &[
    "a", "b", "-", "?", ":", ": ", ",", ", ", "[", "]", "{", "}", " ", "'a'", "\"b\"", "#", " #c\n", "\n", "&x ", "*x",
    "!", "!t", "!!str ", "a: b", "a:b", "a:", "~", "-1", "- ", "? ", "\n ", "|", ">", "@", "%", "é", "=", "<<", "\t",
    "a b", "://", "''", "\"\\n\"", "010", "yes", "[]", "{}", "{h1:}", "[-]",
];

/// A variable of a host whose value is in brackets, in an inventory that is good but for it.
fn flow() -> impl Strategy<Value = String> {
    (select(vec![["[", "]"], ["{", "}"]]), vec(pick(FLOW), 0..10))
        .prop_map(|([open, close], parts)| format!("a:\n  hosts:\n    h1:\n      x: {open}{}{close}\n", parts.concat()))
}

/// So many are asked about at once: what differs is told before all are through.
const BATCH: usize = 250;

/// Asks both about all of them. How many were good is told, since a run in which all are refused says nothing.
fn agree(test: &str, end: &str, texts: &[String]) -> usize {
    let Some(ansible) = Ansible::find(test, Release::Current) else { return usize::MAX };
    texts.chunks(BATCH).map(|texts| agree_on(&ansible, end, texts)).sum()
}

fn agree_on(ansible: &Ansible, end: &str, texts: &[String]) -> usize {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let paths: Vec<String> = (0..texts.len())
        .map(|number| folder.path().join(format!("{number}{end}")).to_str().expect("a plain name").to_owned())
        .collect();
    for (path, text) in paths.iter().zip(texts) {
        std::fs::write(path, text).expect("it can be written");
    }
    let questions: Vec<Vec<&str>> = paths.iter().map(|path| vec!["-i", path, "--list"]).collect();
    let (mut good, mut differ) = (0, Vec::new());
    for ((path, text), answer) in paths.iter().zip(texts).zip(ansible.inventories(&questions)) {
        let ours = Reading::of(&DiskSources::default(), &[path]);
        match (&answer, &ours) {
            (Ok(theirs), Ok(ours)) if ours.list() == *theirs => good += 1,
            (Err(_), Err(_)) => {}
            (theirs, ours) => {
                let ours = ours.as_ref().map(Reading::list);
                differ.push(format!("of\n{text}\nAnsible says {theirs:?}\nand we {ours:?}\n"));
            }
        }
    }
    assert!(differ.is_empty(), "{} of {} differ:\n{}", differ.len(), texts.len(), differ.join("\n"));
    good
}

fn some<S: Strategy>(of: &S, number: usize) -> Vec<S::Value> {
    // The same ones each time, so that a red run is about what was changed; others in a long run.
    let mut runner = if skip::long() { TestRunner::default() } else { TestRunner::deterministic() };
    (0..number).map(|_| of.new_tree(&mut runner).expect("a value can be made").current()).collect()
}

fn number() -> usize {
    if skip::long() { 5000 } else { 250 }
}

#[test]
fn ini_made_by_chance_is_read_as_ansible_reads_it() {
    let texts = some(&ini(), number());
    let good = agree("inventory::random::ini_made_by_chance_is_read_as_ansible_reads_it", "", &texts);
    assert!(good >= texts.len() / 20, "only {good} are good");
}

#[test]
fn yaml_made_by_chance_is_read_as_ansible_reads_it() {
    let texts = some(&yaml(), number());
    let good = agree("inventory::random::yaml_made_by_chance_is_read_as_ansible_reads_it", ".yml", &texts);
    assert!(good >= texts.len() / 10, "only {good} are good");
}

/// In a long run 20,000.
#[test]
fn brackets_made_by_chance_are_read_as_ansible_reads_them() {
    let texts = some(&flow(), number() * 4);
    let good = agree("inventory::random::brackets_made_by_chance_are_read_as_ansible_reads_them", ".yml", &texts);
    assert!(good >= texts.len() / 20, "only {good} are good");
}
