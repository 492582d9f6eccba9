//! Tests of literals: tables of texts, and laws for texts by chance.

use super::*;
use proptest::prelude::*;

#[test]
fn texts_are_what_python_takes_them_for() {
    for (text, json) in [
        ("True", "true"),
        ("None", "null"),
        (" 5", "5"),
        ("3.10", "3.1"),
        ("1_000", "1000"),
        ("00", "0"),
        ("0x_fF", "255"),
        ("0o17", "15"),
        ("0b101", "5"),
        ("-5", "-5"),
        ("+ 5", "5"),
        ("-(5)", "-5"),
        ("1.", "1.0"),
        (".5e1", "5.0"),
        ("09.5", "9.5"),
        ("1e400", "Infinity"),
        ("8080 # c", "8080"),
        ("1,2", "[1, 2]"),
        ("1,", "[1]"),
        ("()", "[]"),
        ("(1)", "1"),
        ("(1,)", "[1]"),
        ("['a', [None]] # c", r#"["a", [null]]"#),
        ("{'a': {1: 2}, 'b': (),}", r#"{"a": {"1": 2}, "b": []}"#),
        ("{1, 1.0, 2}", "[1, 2]"),
        ("set( )", "[]"),
        ("'a' \"b\"", r#""ab""#),
        ("'''a'b'''", r#""a'b""#),
        (r"r'\d'", r#""\\d""#),
        (r"'\x41\101\u00e9\d'", r#""AAé\\d""#),
        ("b'ab'", r#"{"__ansible_unsafe": "ab"}"#),
        ("u'x'", r#""x""#),
        ("2j", r#""2j""#),
        ("1+2j", r#""(1+2j)""#),
        ("-2j", r#""(-0-2j)""#),
        ("...", r#""...""#),
    ] {
        let Literal::Value(value) = literal(text) else { unreachable!("{text} is no literal") };
        let mut out = String::new();
        value.print(None, &mut out);
        assert_eq!(out, json, "{text}");
    }
}

#[test]
fn anything_else_stays_text() {
    let deep = "[".repeat(100_000);
    let long = "9".repeat(5000);
    for text in [
        "",
        "true",
        "yes",
        "010",
        "1__0",
        "1_",
        "0x",
        "1e",
        "1.2.3",
        "3.11.161",
        "--5",
        "-True",
        "1+2",
        "1 2",
        "a",
        "'a",
        "'a' b",
        "[1 2]",
        "[a]",
        "{a}",
        "{'a': 1",
        "{{ x }}",
        "{1: 2, 3}",
        "{1, 2: 3}",
        "f'x'",
        "ur'x'",
        "'a' b'c'",
        "b'ü'",
        r"'\x4'",
        "(",
        "5;",
        "[*a]",
        "{**a}",
        "set(1)",
        "1..2",
        "1if 2 else 3",
        &deep,
        &long,
    ] {
        assert_eq!(literal(text), Literal::Plain, "{text}");
    }
}

#[test]
fn what_ansible_stumbles_over_is_refused() {
    for text in ["{[]: 1}", "{{}}", "{(1, 2): 3}", "{1: 2, []: 3}", r"b'\xff'", r"'\ud800'", r"'\N{DIGIT ONE}'"] {
        assert!(matches!(literal(text), Literal::Refused(_)), "{text}");
    }
    // A template is no set of sets: its names are no literals.
    assert_eq!(literal("{{ [] + x }}"), Literal::Plain);
}

#[test]
fn literals_and_what_only_looks_like_one() {
    for (text, canonical) in [
        ("[]", "[]"),
        ("{'b': [1, 'x'], \"a\": None, }", "{\"a\": None, \"b\": [1, \"x\"]}"),
        ("[ 'it\\'s', ( True, ) ]  # c", "[\"it's\", [True]]"),
        ("[{'name': 'a', 'edits': []}, {}]", "[{\"edits\": [], \"name\": \"a\"}, {}]"),
        // The last of two keys counts, and texts may have their letters before and their escapes within.
        ("{'a': 1, 'a': 2}", "{\"a\": 2}"),
        ("[u'\\x41', r'\\d', 'a' 'b']", "[\"A\", \"\\\\d\", \"ab\"]"),
        ("[0x10, 1e3, -1_0]", "[16, 1000.0, -10]"),
    ] {
        assert_eq!(parse(text, 0).map(|node| node.canonical()).as_deref(), Ok(canonical), "{text}");
    }
    for (text, at, reason) in [
        ("[{'a': true}]", 7, "true, false and null"),
        ("[a]", 1, "without quotes"),
        ("[1 2]", 3, "comma"),
        ("['a", 3, "not closed"),
        ("{'a' 1}", 5, "colon"),
        ("['\\x4']", 6, "escape"),
        ("[1] x", 4, "behind its end"),
        ("", 0, "missing"),
    ] {
        let error = parse(text, 0).expect_err(text);
        assert!(error.reason.contains(reason) && error.at == at, "{text}: {error:?}");
    }
    assert!(parse(&"[".repeat(100_000), 0).is_err());
}

#[test]
fn places_are_those_of_the_file() {
    let text = "x=[{'name': 'a'}]";
    let node = parse(&text[2..], 2).expect("a literal");
    let name = node.items().and_then(|items| items[0].get("name")).expect("a name");
    assert_eq!((node.span.of(text), name.span.of(text)), ("[{'name': 'a'}]", "'a'"));
}

proptest! {
    #[test]
    fn no_text_panics(text in "[\\[\\]{}()'\",: a1é\\\\#]{0,24}") {
        if let Ok(node) = parse(&text, 0) {
            prop_assert_eq!(parse(node.span.of(&text), 0).map(|again| again.canonical()), Ok(node.canonical()));
        }
    }
}
