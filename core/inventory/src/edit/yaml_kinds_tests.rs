//! Tables of what an edit of YAML may meet: empty values in every form, brackets, anchors, marks of lines and types.

use crate::edit::apply::apply;
use crate::edit::kinds::Edit;
use crate::edit::place::Place;
use crate::model::value::Value;
use crate::yaml::document::Document;
use proptest::prelude::*;

fn text(word: &str) -> String {
    word.to_owned()
}

fn var(name: &str, value: &str) -> Edit {
    Edit::SetVar { name: text(name), value: text(value) }
}

fn unset(name: &str) -> Edit {
    Edit::UnsetVar { name: text(name) }
}

fn host(name: &str, value: &str) -> Edit {
    Edit::SetHostVar { host: text("h1"), name: text(name), value: text(value) }
}

fn group(name: &str, value: &str) -> Edit {
    Edit::SetGroupVar { group: text("b"), name: text(name), value: text(value) }
}

fn move_h1(place: Place) -> Edit {
    Edit::MoveHost { host: text("h1"), from: text("a"), to: text("b"), place }
}

fn child() -> Edit {
    Edit::EnsureChild { parent: text("b"), child: text("c") }
}

fn json(text: &str) -> String {
    let mut out = String::new();
    let value = Document::parse(text).and_then(|document| document.value());
    value.unwrap_or_else(|wrong| unreachable!("{text}: {wrong:?}")).print(None, &mut out);
    out
}

#[test]
fn a_host_moves_into_every_form_of_nothing() {
    let from = "a:\n  hosts:\n    h1:\n    h9:\n";
    for (to, expected) in [
        ("b:\n  hosts: {}\n", "b:\n  hosts: {h1: }\n"),
        ("b:\n  hosts: { }\n", "b:\n  hosts: {h1:  }\n"),
        ("b:\n  hosts: null # c\n", "b:\n  hosts: {h1: } # c\n"),
        ("b:\n  hosts: ~\n", "b:\n  hosts: {h1: }\n"),
        ("b:\n  hosts:\n", "b:\n  hosts:\n    h1:\n"),
        ("b:\n  hosts: # c\n", "b:\n  hosts: # c\n    h1:\n"),
        ("b:\n  hosts: {h0: }\n", "b:\n  hosts: {h0: , h1: }\n"),
        ("b:\n  hosts: {h0: ,}\n", "b:\n  hosts: {h0: , h1: ,}\n"),
        ("b:\n  hosts: {h0}\n", "b:\n  hosts: {h0, h1: }\n"),
        ("b:\n  hosts: {\"h0\":}\n", "b:\n  hosts: {\"h0\": , h1: }\n"),
        ("b:\n  hosts: {h0: {x: 1}}\n", "b:\n  hosts: {h0: {x: 1}, h1: }\n"),
        ("b:\n  hosts: {\n    h0: ,\n  }\n", "b:\n  hosts: {\n    h0: , h1: ,\n  }\n"),
        ("b: {hosts: }\n", "b: {hosts: {h1: } }\n"),
        ("b: {hosts: ~}\n", "b: {hosts: {h1: }}\n"),
        ("b: {hosts}\n", "b: {hosts: {h1: }}\n"),
        ("b: {}\n", "b: {hosts: {h1: }}\n"),
        ("b: {vars: {x: 1}}\n", "b: {vars: {x: 1}, hosts: {h1: }}\n"),
        ("b:\n", "b:\n  hosts:\n    h1:\n"),
        ("b: null\n", "b:\n  hosts:\n    h1:\n"),
        ("b: ~ # c\n", "b: # c\n  hosts:\n    h1:\n"),
        ("\"b\":\n  'hosts': {}\n", "\"b\":\n  'hosts': {h1: }\n"),
        ("all: {children: {b: }}\n", "all: {children: {b: {hosts: {h1: }} }}\n"),
        ("all: {children: {}}\n", "all: {children: {b: {hosts: {h1: }}}}\n"),
        ("all: {children: }\n", "all: {children: {b: {hosts: {h1: }}} }\n"),
        ("all:\n  children: ~\n", "all:\n  children:\n    b:\n      hosts:\n        h1:\n"),
        ("all: {}\n", "all: {children: {b: {hosts: {h1: }}}}\n"),
        ("all:\n", "all:\n  children:\n    b:\n      hosts:\n        h1:\n"),
    ] {
        for eol in ["\n", "\r\n"] {
            let (before, after) =
                (format!("{from}{to}").replace('\n', eol), format!("a:\n  hosts:\n    h9:\n{expected}"));
            let done = apply(&before, &[move_h1(Place::End)]);
            assert_eq!(done, Ok(after.replace('\n', eol)), "{to}");
            let names = json(&after);
            assert!(names.contains(r#""h1": null"#) && names.contains(r#""h9": null"#), "{names}");
        }
    }
}

#[test]
fn what_leaves_brackets_leaves_them_readable() {
    for (before, after) in [
        ("a:\n  hosts: {h0: , h1: }\nb:\n  hosts:\n", "a:\n  hosts: {h0: }\nb:\n  hosts:\n    h1:\n"),
        ("a:\n  hosts: {h1: , h0: }\nb:\n  hosts:\n", "a:\n  hosts: {h0: }\nb:\n  hosts:\n    h1:\n"),
        ("a:\n  hosts: {h1: }\nb:\n  hosts: {}\n", "a:\n  hosts: {}\nb:\n  hosts: {h1: }\n"),
        ("a:\n  hosts: {h1}\nb:\n  hosts: {}\n", "a:\n  hosts: {}\nb:\n  hosts: {h1}\n"),
        ("a:\n  hosts: {h0, h1}\nb:\n  hosts: {k}\n", "a:\n  hosts: {h0}\nb:\n  hosts: {k, h1}\n"),
        ("a:\n  hosts: {h0: , h1: {x: 1}}\nb: {}\n", "a:\n  hosts: {h0: }\nb: {hosts: {h1: {x: 1}}}\n"),
    ] {
        assert_eq!(apply(before, &[move_h1(Place::End)]).as_deref(), Ok(after), "{before}");
    }
}

#[test]
fn variables_go_into_every_form_of_nothing() {
    for (before, edit, after) in [
        ("{k: }\n", var("k", "v"), "{k: v }\n"),
        ("{k: }\n", var("l", "v"), "{k: , l: v}\n"),
        ("{k}\n", var("k", "v"), "{k: v}\n"),
        ("{k}\n", var("l", "v"), "{k, l: v}\n"),
        ("{\"k\":}\n", var("k", "v"), "{\"k\": v}\n"),
        ("{\"k\":}\n", var("l", "v"), "{\"k\": , l: v}\n"),
        ("{}\n", var("k", "v"), "{k: v}\n"),
        ("k:\n", var("k", "v"), "k: v\n"),
        ("k: # c\n", var("k", "v"), "k: v # c\n"),
        ("k: ~\n", var("k", "v"), "k: v\n"),
        ("k: null\n", var("k", ""), "k: ''\n"),
        ("null\n", var("k", "v"), "k: v\n"),
        ("--- \n", var("k", "v"), "--- \nk: v\n"),
        ("---\n...\n", var("k", "v"), "---\nk: v\n...\n"),
        ("# c\n", var("k", "v"), "# c\nk: v\n"),
        ("k: 1\n...\n", var("l", "v"), "k: 1\nl: v\n...\n"),
        ("%YAML 1.1\n---\nk: 1\n", var("l", "v"), "%YAML 1.1\n---\nk: 1\nl: v\n"),
        ("k: [1,\n  2]\nl: 1\n", var("k", "v"), "k: v\nl: 1\n"),
        ("k: \"a\n  b\"\nl: 1\n", var("k", "v"), "k: \"v\"\nl: 1\n"),
        ("k: a\n  b\nl: 1\n", var("k", "v"), "k: v\nl: 1\n"),
        ("a: {hosts: {h1: }}\n", host("x", "v"), "a: {hosts: {h1: {x: v} }}\n"),
        ("a: {hosts: {h1}}\n", host("x", "v"), "a: {hosts: {h1: {x: v}}}\n"),
        ("a: {hosts: {h1: {}}}\n", host("x", "v"), "a: {hosts: {h1: {x: v}}}\n"),
        ("a: {hosts: {h1: {y: }}}\n", host("x", "v"), "a: {hosts: {h1: {y: , x: v}}}\n"),
        ("a:\n  hosts:\n    h1: {}\n", host("x", "v"), "a:\n  hosts:\n    h1: {x: v}\n"),
        ("a:\n  hosts:\n    h1: ~\n", host("x", "v"), "a:\n  hosts:\n    h1: {x: v}\n"),
        ("a:\n  hosts:\n    h1:\t# c\n", host("x", "v"), "a:\n  hosts:\n    h1:\t# c\n      x: v\n"),
        ("all:\nb:\n", group("x", "v"), "all:\nb:\n  vars:\n    x: v\n"),
        ("b: {}\n", group("x", "v"), "b: {vars: {x: v}}\n"),
        ("b: {vars: }\n", group("x", "v"), "b: {vars: {x: v} }\n"),
        ("b:\n  vars: {}\n", group("x", "v"), "b:\n  vars: {x: v}\n"),
        ("b:\n  vars: null\n", group("x", "v"), "b:\n  vars: {x: v}\n"),
        ("b:\n  children: {}\n", child(), "b:\n  children: {c: }\n"),
        ("b:\n  children: ~\n", child(), "b:\n  children: {c: }\n"),
        ("b: {children: {d: }}\n", child(), "b: {children: {d: , c: }}\n"),
        ("b: {}\n", child(), "b: {children: {c: }}\n"),
        ("all:\nb:\n", child(), "all:\nb:\n  children:\n    c:\n"),
    ] {
        assert_eq!(apply(before, std::slice::from_ref(&edit)).as_deref(), Ok(after), "{before} {edit:?}");
        assert_eq!(apply(after, std::slice::from_ref(&edit)).as_deref(), Ok(after), "twice {edit:?}");
        json(after);
    }
}

#[test]
fn a_value_that_reads_as_another_is_written_anew() {
    for (is, wanted, written) in [
        ("0644", "0644", "'0644'"),
        ("0644", "420", "0644"),
        ("010", "8", "010"),
        ("0x1F", "0x1F", "'0x1F'"),
        ("0x1F", "31", "0x1F"),
        ("0b11", "0b11", "'0b11'"),
        ("1_000", "1_000", "'1_000'"),
        ("+5", "+5", "'+5'"),
        ("1:30", "1:30", "'1:30'"),
        ("190:20:30.15", "190:20:30.15", "'190:20:30.15'"),
        ("3.10", "3.10", "'3.10'"),
        ("3.10", "3.1", "3.10"),
        ("1.0e+3", "1.0e+3", "'1.0e+3'"),
        (".5", ".5", "'.5'"),
        ("1.", "1.", "'1.'"),
        ("-.inf", "-.inf", "'-.inf'"),
        (".nan", ".NaN", "'.NaN'"),
        ("yes", "yes", "'yes'"),
        ("yes", "True", "yes"),
        ("'True'", "True", "True"),
        ("Off", "off", "'off'"),
        ("~", "~", "'~'"),
        ("null", "null", "'null'"),
        ("2019-1-2 3:04:05", "2019-1-2 3:04:05", "'2019-1-2 3:04:05'"),
        ("2019-12-24", "2019-12-24", "2019-12-24"),
        ("1e3", "1e3", "1e3"),
        ("0o17", "0o17", "0o17"),
        ("08", "08", "08"),
        ("!!int '5'", "5", "!!int '5'"),
        ("'5'", "5", "'5'"),
        ("\"a\\tb\"", "a\\tb", "'a\\tb'"),
        ("a #b", "a", "a #b"),
        ("[a, 'b']", "[\"a\", \"b\"]", "[a, 'b']"),
        ("[1, 010]", "[1, 8]", "[1, 010]"),
        ("[1, '8']", "[1, 8]", "[1, 8]"),
        ("[1, 010]", "[1, 010]", "'[1, 010]'"),
    ] {
        let (before, after) = (format!("mode: {is}\nother: 1\n"), format!("mode: {written}\nother: 1\n"));
        assert_eq!(apply(&before, &[var("mode", wanted)]), Ok(after.clone()), "{is} {wanted}");
        assert_eq!(apply(&after, &[var("mode", wanted)]), Ok(after), "twice {wanted}");
    }
}

#[test]
fn a_block_of_text_goes_with_its_lines_and_no_others() {
    for (before, after) in [
        ("k: |\n  one\nl: 1\n", "l: 1\n"),
        ("k: |\n  one\n# c\nl: 1\n", "# c\nl: 1\n"),
        ("k: |\n  one\n\n\nl: 1\n", "\n\nl: 1\n"),
        ("k: |+\n  one\n\n\nl: 1\n", "l: 1\n"),
        ("k: >-\n  one\n  two\n\n  three\nl: 1\n", "l: 1\n"),
        ("j: 1\nk: |2\n    one\n  two\nl: 1\n", "j: 1\nl: 1\n"),
        ("j: 1\nk: |\n  one", "j: 1"),
        ("j: 1\nk: | # c\n  # no comment\n  one\n...\n", "j: 1\n...\n"),
        ("k: |\nl: 1\n", "l: 1\n"),
        ("k: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\nl: 1\n", "l: 1\n"),
        ("k: \"one\n  two\"\nl: 1\n", "l: 1\n"),
        ("k: one\n  two\nl: 1\n", "l: 1\n"),
        ("k:\n- |\n  one\n- 2\nl: 1\n", "l: 1\n"),
    ] {
        assert_eq!(apply(before, &[unset("k")]).as_deref(), Ok(after), "{before}");
        let dos = apply(&before.replace('\n', "\r\n"), &[unset("k")]);
        assert_eq!(dos, Ok(after.replace('\n', "\r\n")), "{before}");
    }
    let inner = "a:\n  vars:\n    k: |\n      one\n    l: 1\n";
    let edit = Edit::UnsetGroupVar { group: text("a"), name: text("k") };
    assert_eq!(apply(inner, &[edit]).as_deref(), Ok("a:\n  vars:\n    l: 1\n"));
}

#[test]
fn a_host_moves_to_a_group_that_has_it() {
    for (before, after) in [
        ("a:\n  hosts:\n    h1:\n    h2:\nb:\n  hosts:\n    h1:\n", "a:\n  hosts:\n    h2:\nb:\n  hosts:\n    h1:\n"),
        (
            "a:\n  hosts: {h1: {x: 1}, h2: }\nb:\n  hosts: {h1: {x: 1}}\n",
            "a:\n  hosts: {h2: }\nb:\n  hosts: {h1: {x: 1}}\n",
        ),
        ("a:\n  hosts: {h1: , h2: }\nb:\n  hosts: {'h[1:3]': }\n", "a:\n  hosts: {h2: }\nb:\n  hosts: {'h[1:3]': }\n"),
    ] {
        assert_eq!(apply(before, &[move_h1(Place::End)]).as_deref(), Ok(after), "{before}");
    }
    let lost = "a:\n  hosts: {h1: {x: 1}}\nb:\n  hosts: {h1: {x: 2}}\n";
    let error = apply(lost, &[move_h1(Place::End)]).expect_err("a refusal").to_string();
    assert!(error.contains("h1 is in b too, where its x of a would be lost"), "{error}");
}

#[test]
fn what_comes_by_an_anchor_is_not_said_to_be_gone() {
    for (before, edit, part) in [
        (
            "d: &d {x: 1}\na: {hosts: {h1: {<<: *d}}}\n",
            Edit::UnsetHostVar { host: text("h1"), name: text("x") },
            "by `<<`",
        ),
        ("<<: {x: 1}\ny: 2\n", unset("x"), "by `<<`"),
        ("<<: [{y: 1}, {x: 1}]\n", unset("x"), "by `<<`"),
        ("a: &x {b: 1}\nc: *x\n", unset("a"), "the text cannot be read then"),
        ("k: &a v\nl: *a\n", var("k", "w"), "l changed"),
    ] {
        let error = apply(before, std::slice::from_ref(&edit)).expect_err(before).to_string();
        assert!(error.contains(part), "{before}: {error}");
    }
    for (before, edit, after) in [
        ("<<: {x: 1}\ny: 2\n", var("x", "3"), "<<: {x: 1}\ny: 2\nx: 3\n"),
        ("<<: {x: 1}\nx: 2\n", unset("y"), "<<: {x: 1}\nx: 2\n"),
        ("k: &a v\nl: 1\n", var("k", "w"), "k: &a w\nl: 1\n"),
        ("k: &a v\nl: *a\n", var("m", "w"), "k: &a v\nl: *a\nm: w\n"),
    ] {
        assert_eq!(apply(before, std::slice::from_ref(&edit)).as_deref(), Ok(after), "{before}");
    }
    for (before, part) in
        [("a: 1\n---\nb: 1\n", "a second document"), ("a:\n\tb: 1\n", "no YAML"), ("a: {b:}\n", "blank is missing")]
    {
        let error = apply(before, &[var("k", "v")]).expect_err(before).to_string();
        assert!(error.contains(part), "{before}: {error}");
    }
}

/// A map of variables in every style, with the names x, y and z.
fn page() -> impl Strategy<Value = String> {
    let value = "|~|1|0644|'a'|\"b\"|\\{\\}|\\{q: \\}|\\[\\]|\\[1, \\{p: \\}\\]|&n v|!!str 5|yes # c|a\n  b|\\|\n  one\n\n|>-\n  two\n# d|\n- 1\n- 2|\n  p: 1\n  q:";
    let block = proptest::collection::vec(value, 0..4).prop_map(|values| {
        let pair = |(name, value): (&&str, &String)| format!("{name}: {value}\n");
        ["x", "y", "z"].iter().zip(&values).map(pair).collect::<String>()
    });
    let piece = "| |~|1|'a'|\\{\\}|\\{q: \\}|\\[a, b\\]";
    let flow = (proptest::collection::vec(piece, 0..4), "|,| ", ", ?|,\n  ").prop_map(|(values, last, comma)| {
        let pair = |(name, value): (&&str, &String)| {
            if value.is_empty() { (*name).to_owned() } else { format!("{name}: {value}") }
        };
        let pairs: Vec<String> = ["x", "y", "z"].iter().zip(&values).map(pair).collect();
        format!("{{{}{}}}\n", pairs.join(&comma), if pairs.is_empty() { "" } else { last.as_str() })
    });
    ("|---\n|# c\n", prop_oneof![block, flow], "|...\n|# e\n")
        .prop_map(|(head, body, tail)| format!("{head}{body}{tail}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// The faithful reader finds the value that was set, and every other as it was.
    #[test]
    fn every_variable_set_is_read_back(text in page(), name in "[xyzw]", value in "[ab1 :,'\"#{}\\[\\]-]{0,5}|True|0644|1.50") {
        let read = |text: &str| match Document::parse(text).and_then(|document| document.value()) {
            Ok(Value::Map(pairs)) => Some(pairs),
            Ok(Value::Null) => Some(Vec::new()),
            _ => None,
        };
        let Some(before) = read(&text) else { return Ok(()) };
        let Ok(after) = apply(&text, &[var(&name, &value)]) else { return Ok(()) };
        let after_value = read(&after);
        prop_assert!(after_value.is_some(), "{}", after);
        let mut found = false;
        for (key, now) in after_value.unwrap_or_default() {
            if key.as_text() == Some(name.as_str()) {
                found = true;
                prop_assert!(now.printed().is_none_or(|now| now == value), "{} {:?}", after, now);
            } else {
                let was = before.iter().find(|(name, _)| *name == key).map(|(_, was)| was);
                prop_assert_eq!(was, Some(&now), "{}", after);
            }
        }
        prop_assert!(found, "{}", after);
        let Ok(gone) = apply(&after, &[unset(&name)]) else { return Ok(()) };
        let rest = read(&gone).unwrap_or_default();
        prop_assert!(rest.iter().all(|(key, _)| key.as_text() != Some(name.as_str())), "{}", gone);
    }
}
