//! Tests of places and of what is written.

use crate::edit::dialect::value_text;
use crate::yaml::{is_value, is_yaml, parse};
use proptest::prelude::*;

#[test]
fn values_know_their_places() {
    let text = "# c\nall:\n  hosts:\n    g1: # one\n    g2: {x: 'a', y: 3.10}  # two\n  vars:\n    l:\n    - a\n    - b: 1\n\n# end\n";
    let root = parse(text).expect("a document");
    let all = root.get("all").expect("all");
    let hosts = all.entry("hosts").expect("hosts");
    assert_eq!(hosts.value.span.of(text), "g1: # one\n    g2: {x: 'a', y: 3.10}");
    let g1 = hosts.value.entry("g1").expect("g1");
    assert!(g1.value.is_empty() && text[..g1.colon].ends_with("g1:"));
    let g2 = hosts.value.get("g2").expect("g2");
    assert_eq!((g2.span.of(text), g2.canonical().as_str()), ("{x: 'a', y: 3.10}", "{\"x\": \"a\", \"y\": 3.1}"));
    let vars = all.get("vars").expect("vars");
    assert_eq!(vars.span.of(text), "l:\n    - a\n    - b: 1");
    assert!(parse("").expect("empty").is_empty());
}

#[test]
fn what_cannot_be_edited_safely_is_refused() {
    for (text, part) in [
        ("a: 1\na: 2\n", "line 2: a key stands there twice"),
        ("a: 1\n---\nb: 1\n", "a second document"),
        ("a: [\n", "line 1: this is no YAML: a bracket is not closed"),
        ("[a, b]: 1\n", "a key is a list"),
        ("a: *b\n", "an alias stands for nothing"),
        ("a: 2019-13-01\n", "not what it looks like"),
        ("a: {h1:}\n", "a blank is missing behind a colon"),
    ] {
        let error = parse(text).expect_err(text).to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    assert!(parse(&"[".repeat(5000)).is_err());
    let bomb: String = (1..40).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}]\n", n - 1)).collect();
    assert!(parse(&format!("a0: &a0 x\n{bomb}")).is_err());
}

#[test]
fn yaml_is_told_from_ini() {
    for (text, yaml) in [
        ("---\nall:\n", true),
        ("# c\n\nall:\n  hosts:\n", true),
        ("all: # c\n", true),
        ("a_1: x=1\n", true),
        ("{\"all\": {}}", true),
        ("kube-node: {hosts: {h1: }}\n", true),
        ("kube-node: {hosts: {h1:}}\n", true),
        ("\"a b\": {hosts: {h1: }}\n", true),
        ("10.0.0.1: {hosts: {h1: }}\n", true),
        ("? all\n: hosts:\n", true),
        ("all: x=1\n", true),
        ("é-1: {}\n", true),
        ("\u{feff}all:\n", true),
        ("all:\n\thosts:\n", true),
        ("- all\n", false),
        ("h1 x=1\n", false),
        ("h1 x='a: b'\n", false),
        ("[a]\nh1 x={'a': 1}\n", false),
        ("[all]\n", false),
        ("host:22 x=1\n", false),
        ("host\n", false),
        ("", false),
    ] {
        assert_eq!(is_yaml(text), yaml, "{text}");
    }
}

#[test]
fn texts_are_quoted_only_as_needed() {
    for (value, expected) in [
        ("False", "False"),
        ("true", "'true'"),
        ("no", "'no'"),
        ("8080", "8080"),
        ("3.10", "'3.10'"),
        ("3.11.161", "3.11.161"),
        ("-3.11.161", "-3.11.161"),
        ("v3.11", "v3.11"),
        ("010", "'010'"),
        ("1e3", "'1e3'"),
        ("12:30", "'12:30'"),
        ("2019-12-24", "'2019-12-24'"),
        ("r.io:5000/a:v1", "r.io:5000/a:v1"),
        ("a b", "a b"),
        ("a # b", "'a # b'"),
        ("a: b", "'a: b'"),
        ("it's", "'it''s'"),
        ("{{ x }}", "'{{ x }}'"),
        ("[ \"/dev/vdb\", True ]", "['/dev/vdb', True]"),
        ("", "''"),
        ("~", "'~'"),
        ("None", "'None'"),
    ] {
        assert_eq!(value_text(value, None), expected, "{value}");
    }
}

proptest! {
    #[test]
    fn a_written_value_reads_back(value in "[ -~é]{0,12}|[0-9a-eTzx_.:+ #'-]{0,8}", quote in 0..3usize) {
        let like = [None, Some('\''), Some('"')][quote];
        for text in [format!("k: {} # c\n", value_text(&value, like)), format!("k: [{}]\n", value_text(&value, like))] {
            let root = parse(&text).expect("a document");
            let found = root.get("k").expect("a value");
            let found = if text.contains("k: [") && !value.starts_with('[') || found.items().is_some_and(|i| i.len() == 1 && text.starts_with("k: [[")) {
                found.items().and_then(|items| items.first()).unwrap_or(found)
            } else {
                found
            };
            prop_assert!(is_value(found, &value) || !text.contains("# c"), "{}: {}", text, found.canonical());
        }
    }

    #[test]
    fn no_text_panics(text in "(?s)[a-c:\\-\\[\\]{}&*!|>'\"# \n,é]{0,40}") {
        if let Ok(root) = parse(&text) {
            prop_assert!(root.span.of(&text).len() <= text.len());
        }
    }
}
