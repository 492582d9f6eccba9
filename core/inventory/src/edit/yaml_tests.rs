//! Tests of edits in YAML: tables of single edits, and laws for arbitrary edits of likely texts.

use crate::diff::difference::difference;
use crate::edit::apply::{amend, apply};
use crate::edit::kinds::Edit;
use crate::edit::place::Place;
use crate::yaml;
use crate::yaml::tree::Node;
use proptest::prelude::*;

const TEXT: &str = "\
---
# the cluster
all:
  vars:
    ansible_user: root   # or admin
  children:
    OSEv3:
      vars: {openshift_release: '3.11', port: 8080}
      children:
        nodes:
        glusterfs: {}
    nodes:
      hosts:
        m1:
        # gluster
        g1:   # rack 1
          openshift_node_group_name: 'node-config-infra-crio'

          zone: a
        g[2:3]: {zone: b, crio: True}
        l1:
          zone: c  # last
";

fn text(word: &str) -> String {
    word.to_owned()
}

fn set(host: &str, name: &str, value: &str) -> Edit {
    Edit::SetHostVar { host: text(host), name: text(name), value: text(value) }
}

fn unset(host: &str, name: &str) -> Edit {
    Edit::UnsetHostVar { host: text(host), name: text(name) }
}

fn strip(host: &str, name: &str, suffix: &str) -> Edit {
    Edit::StripHostVarSuffix { host: text(host), name: text(name), suffix: text(suffix) }
}

fn move_to(host: &str, from: &str, to: &str, place: Place) -> Edit {
    Edit::MoveHost { host: text(host), from: text(from), to: text(to), place }
}

fn group(group: &str, name: &str, value: &str) -> Edit {
    Edit::SetGroupVar { group: text(group), name: text(name), value: text(value) }
}

fn ungroup(group: &str, name: &str) -> Edit {
    Edit::UnsetGroupVar { group: text(group), name: text(name) }
}

fn child(parent: &str, child: &str) -> Edit {
    Edit::EnsureChild { parent: text(parent), child: text(child) }
}

#[test]
fn an_edit_replaces_only_its_own_bytes() {
    let g1 =
        "        g1:   # rack 1\n          openshift_node_group_name: 'node-config-infra-crio'\n\n          zone: a\n";
    let range = "        g[2:3]: {zone: b, crio: True}\n";
    for (edit, changes) in [
        (set("g1", "zone", "x"), &[("zone: a\n", "zone: x\n")][..]),
        (set("g1", "zone", "3.10"), &[("zone: a\n", "zone: '3.10'\n")]),
        (set("g1", "zone", "a"), &[]),
        (set("g1", "crio", "False"), &[("zone: a\n", "zone: a\n          crio: False\n")]),
        (set("l1", "x", "w"), &[("c  # last\n", "c  # last\n          x: w\n")]),
        (set("m1", "x", "w"), &[("m1:\n", "m1:\n          x: w\n")]),
        (set("g3", "zone", "c"), &[(range, "        g2: {zone: b, crio: True}\n        g3: {zone: c, crio: True}\n")]),
        (set("g3", "zone", "b"), &[]),
        (
            set("g2", "x", "1"),
            &[(range, "        g2: {zone: b, crio: True, x: 1}\n        g3: {zone: b, crio: True}\n")],
        ),
        (unset("g1", "zone"), &[("          zone: a\n", "")]),
        (unset("l1", "zone"), &[("          zone: c  # last\n", "")]),
        (unset("g1", "no"), &[]),
        (unset("g2", "zone"), &[(range, "        g2: {crio: True}\n        g3: {zone: b, crio: True}\n")]),
        (strip("g1", "openshift_node_group_name", "-crio"), &[("infra-crio'", "infra'")]),
        (strip("g1", "zone", "x"), &[]),
        (group("OSEv3", "port", "http"), &[("8080", "http")]),
        (group("OSEv3", "openshift_release", "3.10"), &[("'3.11'", "'3.10'")]),
        (group("OSEv3", "l", "[ \"/dev/vdb\" ]"), &[("8080}", "8080, l: ['/dev/vdb']}")]),
        (group("all", "x", "w"), &[("or admin\n", "or admin\n    x: w\n")]),
        (group("nodes", "x", "w"), &[("c  # last\n", "c  # last\n      vars:\n        x: w\n")]),
        (group("glusterfs", "x", "w"), &[("glusterfs: {}", "glusterfs: {vars: {x: w}}")]),
        (ungroup("OSEv3", "openshift_release"), &[("openshift_release: '3.11', ", "")]),
        (ungroup("all", "ansible_user"), &[("    ansible_user: root   # or admin\n", "")]),
        (ungroup("all", "no"), &[]),
        (child("OSEv3", "nodes"), &[]),
        (child("OSEv3", "new_nodes"), &[("glusterfs: {}\n", "glusterfs: {}\n        new_nodes:\n")]),
        (child("nodes", "x"), &[("c  # last\n", "c  # last\n      children:\n        x:\n")]),
        (child("p", "nodes"), &[("c  # last\n", "c  # last\n    p:\n      children:\n        nodes:\n")]),
        (
            move_to("g1", "nodes", "new_nodes", Place::End),
            &[(g1, ""), ("c  # last\n", &format!("c  # last\n    new_nodes:\n      hosts:\n{g1}"))],
        ),
        (move_to("l1", "nodes", "glusterfs", Place::First), &[("glusterfs: {}", "X")]),
        (
            move_to("g3", "nodes", "new", Place::End),
            &[
                (range, "        g2: {zone: b, crio: True}\n"),
                ("c  # last\n", "c  # last\n    new:\n      hosts:\n        g3: {zone: b, crio: True}\n"),
            ],
        ),
        (move_to("g1", "x", "nodes", Place::End), &[]),
    ] {
        let mut expected = TEXT.to_owned();
        for (old, new) in changes {
            assert!(expected.contains(old), "{edit:?}: {old}");
            expected = expected.replacen(old, new, 1);
        }
        let once = apply(TEXT, std::slice::from_ref(&edit));
        if expected.contains('X') {
            let error = once.expect_err("refused").to_string();
            assert!(error.contains("does not fit into brackets"), "{edit:?}: {error}");
            continue;
        }
        assert_eq!(once, Ok(expected.clone()), "{edit:?}");
        assert_eq!(apply(&expected, std::slice::from_ref(&edit)), Ok(expected.clone()), "twice: {edit:?}");
        let dos = apply(&TEXT.replace('\n', "\r\n"), std::slice::from_ref(&edit));
        assert_eq!(dos, Ok(expected.replace('\n', "\r\n")), "{edit:?}");
        let open = apply(TEXT.trim_end(), &[edit]);
        assert_eq!(open.as_deref(), Ok(expected.trim_end()));
    }
}

#[test]
fn a_host_comes_back_to_its_place() {
    let away = [child("OSEv3", "new_nodes"), move_to("g1", "nodes", "new_nodes", Place::End)];
    let there = apply(TEXT, &away).expect("away");
    for (place, same) in [(Place::After(text("m1")), true), (Place::Before(text("g3")), true), (Place::End, false)] {
        let back = apply(&there, &[move_to("g1", "new_nodes", "nodes", place.clone())]).expect("back");
        let change = difference(&apply(TEXT, &away[..1]).expect("a group"), &back);
        assert_eq!(change.is_empty(), same, "{place:?}: {change:?}");
    }
}

#[test]
fn variables_of_files() {
    let set = |name: &str, value: &str| Edit::SetVar { name: text(name), value: text(value) };
    let unset = |name: &str| Edit::UnsetVar { name: text(name) };
    let pin = Edit::PinVersions { group: None, openshift: Some(text("3.11.161")), storage: None };
    for (before, edit, after) in [
        ("# c\na: 1 # d\n", set("a", "2"), "# c\na: 2 # d\n"),
        ("# c\na: 1 # d", set("b", "no"), "# c\na: 1 # d\nb: 'no'"),
        ("", set("a", "False"), "a: False\n"),
        ("---\n# c\n", set("a", "x"), "---\n# c\na: x\n"),
        ("a:\n- 1\n- 2\n# c\nb: 1\n", set("a", "x"), "a: x\n# c\nb: 1\n"),
        ("a: |\n  x\n  y\nb: 1\n", unset("a"), "b: 1\n"),
        ("a: 1\n", unset("a"), ""),
        ("a: 1\n", unset("b"), "a: 1\n"),
        ("{\"a\": 1, \"b\": 2}\n", unset("a"), "{\"b\": 2}\n"),
        (
            "openshift_image_tag: v3.11.1 # c\n",
            pin,
            "openshift_image_tag: v3.11.161 # c\nopenshift_pkg_version: -3.11.161\n",
        ),
    ] {
        assert_eq!(apply(before, std::slice::from_ref(&edit)).as_deref(), Ok(after), "{edit:?}");
        assert_eq!(apply(after, std::slice::from_ref(&edit)).as_deref(), Ok(after), "twice: {edit:?}");
    }
    for (before, edit, part) in [
        ("a: |\n  x\n", set("a", "y"), "block of text"),
        ("a: !vault |\n  x\n", set("a", "y"), "has a tag"),
        ("a: &x [1]\nb: *x\n", set("b", "y"), "under an anchor"),
        ("a: &x 1\nb: *x\n", set("a", "2"), "b changed"),
        ("a: &x 1\nb: *x\n", unset("a"), "the text cannot be read then: line 1: an alias stands for nothing"),
        ("- a\n", set("a", "2"), "holds no variables"),
    ] {
        let error = apply(before, std::slice::from_ref(&edit)).expect_err("a refusal").to_string();
        assert!(error.contains(part), "{edit:?}: {error}");
    }
    let mixed = apply("a: 1\n", &[set("a", "2"), child("x", "w")]).expect_err("refused");
    assert!(mixed.to_string().contains("do not mix"));
}

#[test]
fn a_variable_of_all_hosts_becomes_one_of_the_group() {
    let lift = |group: &str, name: &str| Edit::LiftHostVar { group: text(group), name: text(name) };
    let before = "all:\n  children:\n    g:\n      hosts:\n        h[1:2]: {crio: False, x: 1}\n        h3:\n          crio: no\n          y: 2\n";
    let after = "all:\n  children:\n    g:\n      hosts:\n        h[1:2]: {x: 1}\n        h3:\n          y: 2\n      vars:\n        crio: False\n";
    assert_eq!(apply(before, &[lift("g", "crio")]).as_deref(), Ok(after));
    assert_eq!(apply(after, &[lift("g", "crio")]).as_deref(), Ok(after));
    for (edit, part) in [(lift("g", "x"), "h3 does not have it"), (lift("k", "x"), "declared nowhere")] {
        let error = apply(before, &[edit]).expect_err("refused").to_string();
        assert!(error.contains(part), "{error}");
    }
}

fn edit() -> impl Strategy<Value = Edit> {
    let host = || "[ab]|r[12]";
    let name = || "[xy]";
    let value = || "[ab1.'\"# ]{0,5}|True|-crio";
    let groups = || "[gh]|all";
    let place = prop_oneof![Just(Place::End), Just(Place::First), "[ab]".prop_map(Place::After)];
    prop_oneof![
        (host(), name(), value()).prop_map(|(h, n, v)| set(&h, &n, &v)),
        (host(), name()).prop_map(|(h, n)| unset(&h, &n)),
        (host(), name(), "[ab1]{1,2}").prop_map(|(h, n, s)| strip(&h, &n, &s)),
        (host(), groups(), "[ghn]", place).prop_map(|(h, f, t, p)| move_to(&h, &f, &t, p)),
        (groups(), name(), value()).prop_map(|(g, n, v)| group(&g, &n, &v)),
        (groups(), name()).prop_map(|(g, n)| ungroup(&g, &n)),
        (groups(), "[ghn]").prop_map(|(p, c)| child(&p, &c)),
        (groups(), name()).prop_map(|(group, name)| Edit::LiftHostVar { group, name }),
    ]
}

/// Inventories of three groups, in many styles.
fn page() -> impl Strategy<Value = String> {
    let host = "([ab]|r\\[1:3\\]):( # c| \\{x: a, y: '1'\\}| \\{\\}|\n          x: a # c|\n          y: 'ab'\n\n          x: True)";
    let vars = "|      vars: \\{x: 1\\}\n|      vars:\n        # c\n        y: b # d\n";
    let group = (proptest::collection::btree_map("[abr]", host, 0..3), vars, any::<bool>());
    proptest::collection::vec(group, 2..3).prop_map(|groups| {
        let mut text = String::from("# top\nall:\n  children:\n");
        for (name, (hosts, vars, children)) in ["g", "h"].iter().zip(groups) {
            text += &format!("    {name}:\n");
            text += &vars;
            if !hosts.is_empty() {
                text += "      hosts:\n";
            }
            let mut seen = Vec::new();
            for host in hosts.values() {
                let key =
                    host.split(": ").next().and_then(|key| key.split(":\n").next()).unwrap_or_default().to_owned();
                if !seen.contains(&key) {
                    text += &format!("        {host}\n");
                    seen.push(key);
                }
            }
            if children {
                text += "      # before\n      children:\n        n:\n";
            }
        }
        text + "# end\n"
    })
}

/// The lines that both texts have, in order, are all lines of one of them or all but a few.
fn lost(before: &str, after: &str) -> usize {
    let after: Vec<&str> = after.lines().map(str::trim).collect();
    before.lines().map(str::trim).filter(|line| line.starts_with('#') && !after.contains(line)).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(768))]

    #[test]
    fn refused_or_as_meant(text in page(), edit in edit()) {
        let edits = std::slice::from_ref(&edit);
        prop_assert!(yaml::parse(&text).is_ok(), "{}", text);
        let Ok((once, changes)) = amend(&text, edits) else { return Ok(()) };
        prop_assert_eq!(&difference(&text, &once), &changes);
        prop_assert_eq!(lost(&text, &once), 0, "{}", once);
        prop_assert_eq!(apply(&once, edits), Ok(once.clone()), "twice");
        if let Edit::SetGroupVar { group, name, value } = &edit {
            let root = yaml::parse(&once).expect("it reads");
            let all = root.get("all").expect("all");
            let found = if group == "all" { Some(all) } else { all.get("children").and_then(|groups| groups.get(group)) };
            let found = found.and_then(|group| group.get("vars")).and_then(|vars| vars.get(name));
            prop_assert!(found.is_some_and(|found: &Node| yaml::is_value(found, value)), "{}", once);
        }
    }

    #[test]
    fn no_text_panics(text in "(?s)(all|g|hosts|vars|children|[:\\-\\[\\]{}&*!|>'\"# \n,ax]){0,30}", edit in edit()) {
        let _ = apply(&format!("all:{text}"), &[edit]);
    }
}
