//! Tests of the merge: its table, its laws, and a run over three hosts taken back in any order.

use super::*;
use crate::edit::apply::apply;
use crate::edit::kinds::Edit;
use crate::edit::place::Place;
use crate::ini::text::Inventory;
use proptest::prelude::*;

#[test]
fn lines_merge_or_conflict() {
    for (base, ours, theirs, merged) in [
        ("a\nb\nc\n", "a\nB\nc\n", "a\nb\nC\n", Some("a\nB\nC\n")),
        ("a\nb\nc\n", "a\nB\nc\n", "A\nb\nC\n", Some("A\nB\nC\n")),
        ("a\nb\nc\n", "a\nc\n", "a\nb\nC\n", Some("a\nC\n")),
        ("a\nb\n", "a\nx\nb\n", "A\nb\n", Some("A\nx\nb\n")),
        ("a\nb\n", "a\nx\nb\n", "a\nx\nb\nc\n", Some("a\nx\nb\nc\n")),
        ("h1 a\nh2 b\n", "h2 b1\n", "h1 a\nh2 b\nh3\n", Some("h2 b1\nh3\n")),
        ("a\nb\n", "a\nB\n", "a\nC\n", None),
        ("a\nb\n", "a\n", "a\nb1\n", None),
        ("a\nb\n", "a\nx\nb\n", "a\ny\nb\n", None),
        ("a\nb\nc\n", "a\nx\nc\nd\n", "a\nb\ny\nc\n", Some("a\nx\ny\nc\nd\n")),
        ("a\nb", "A\nb", "a\nb\nc", Some("A\nb\nc")),
        ("a\nb", "A\nb", "a\nb\nc\n", Some("A\nb\nc\n")),
        ("a\r\nb\r\n", "A\r\nb\r\n", "a\r\nB\r\n", Some("A\r\nB\r\n")),
    ] {
        let got = merge3(base, ours, theirs);
        assert_eq!(got.as_deref().ok(), merged, "{base:?} {ours:?} {theirs:?} {got:?}");
        assert_eq!(merge3(base, theirs, ours).ok().as_deref(), merged, "the other way round");
    }
}

#[test]
fn a_conflict_names_lines_and_texts() {
    let conflict = merge3("a\nb x=1\n", "b x=2\n", "n\na\nb x=3\n").expect_err("a conflict");
    assert_eq!((conflict.base_line, conflict.ours_line, conflict.theirs_line), (2, 1, 3));
    assert_eq!((conflict.ours.as_str(), conflict.theirs.as_str()), ("b x=2", "b x=3"));
    let text = "line 3: the file has \"b x=3\", but taking the edit back needs \"b x=2\" there; \
                put the line right by hand, then retry";
    assert_eq!(conflict.to_string(), text);
}

const CLUSTER: &str = "\
[OSEv3:children]
masters
nodes
glusterfs

[masters]
master1.demo

[nodes]
master1.demo openshift_node_group_name='node-config-master-crio'
# storage, one after the other
gluster1.demo openshift_node_group_name='node-config-infra-crio'
gluster2.demo openshift_node_group_name='node-config-infra-crio'  # noisy fan
gluster3.demo openshift_node_group_name='node-config-infra-crio'

[glusterfs]
gluster1.demo glusterfs_devices='[ \"/dev/vdb\" ]'
gluster2.demo glusterfs_devices='[ \"/dev/vdb\" ]'
gluster3.demo glusterfs_devices='[ \"/dev/vdb\" ]'
";

const HOSTS: [&str; 3] = ["gluster1.demo", "gluster2.demo", "gluster3.demo"];

fn leave(host: &str) -> Vec<Edit> {
    let host = || host.to_owned();
    let set = |name: &str| Edit::SetHostVar { host: host(), name: name.to_owned(), value: "False".to_owned() };
    vec![
        set("openshift_use_crio"),
        set("openshift_use_crio_only"),
        Edit::StripHostVarSuffix {
            host: host(),
            name: "openshift_node_group_name".to_owned(),
            suffix: "-crio".to_owned(),
        },
        Edit::MoveHost { host: host(), from: "nodes".to_owned(), to: "new_nodes".to_owned(), place: Place::End },
    ]
}

fn come_back(host: &str, place: Place) -> Vec<Edit> {
    vec![Edit::MoveHost { host: host.to_owned(), from: "new_nodes".to_owned(), to: "nodes".to_owned(), place }]
}

/// The line of a host in `[nodes]`, as it was and as the run leaves it.
fn node_lines(host: &str) -> (String, String) {
    let start = format!("{host} openshift_node_group_name=");
    let old = CLUSTER.lines().find(|line| line.starts_with(&start)).unwrap_or_default().to_owned();
    let new = old.replace(
        "'node-config-infra-crio'",
        "'node-config-infra' openshift_use_crio=False openshift_use_crio_only=False",
    );
    (old, new)
}

fn orders() -> Vec<Vec<usize>> {
    [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].iter().map(|order| order.to_vec()).collect()
}

#[test]
fn hosts_are_taken_back_in_any_order() {
    for eol in ["\n", "\r\n"] {
        for last in [eol, ""] {
            let mut cluster = CLUSTER.replace('\n', eol);
            cluster.truncate(cluster.len() - eol.len() + last.len());
            for order in orders() {
                for undo in orders() {
                    take_back(&cluster, &order, &undo, eol);
                }
            }
        }
    }
}

fn take_back(cluster: &str, order: &[usize], undo: &[usize], eol: &str) {
    let declare = Edit::EnsureChild { parent: "OSEv3".to_owned(), child: "new_nodes".to_owned() };
    let start = apply(cluster, &[declare]).expect("the section");
    let mut now = start.clone();
    let mut steps = [const { Vec::new() }; 3];
    for host in order {
        let name = HOSTS[*host];
        let place = Inventory::parse(&now).place_of(name, "nodes").expect("a place");
        for edits in [leave(name), come_back(name, place)] {
            let next = apply(&now, &edits).expect("edits");
            steps[*host].push((now, next.clone()));
            now = next;
        }
    }
    let mut expected = start.clone();
    for host in HOSTS {
        let (old, new) = node_lines(host);
        assert_ne!(old, new);
        expected = expected.replacen(&old, &new, 1);
    }
    assert_eq!(now, expected, "moved back to where they were");
    for host in undo {
        for (before, after) in steps[*host].iter().rev() {
            now = merge3(after, before, &now).expect("a clean merge");
        }
        let (old, new) = node_lines(HOSTS[*host]);
        expected = expected.replacen(&new, &old, 1);
        assert_eq!(now, expected, "done in {order:?}, undone in {undo:?}, {eol:?}");
    }
    assert_eq!(now, start);
}

#[test]
fn an_edit_by_hand_of_the_same_line_is_a_conflict() {
    let before = CLUSTER.to_owned();
    let after = apply(&before, &leave(HOSTS[0])).expect("edits");
    let by_hand = after.replace("openshift_use_crio=False", "openshift_use_crio=True");
    let conflict = merge3(&after, &before, &by_hand).expect_err("a conflict");
    assert!(conflict.theirs.contains("openshift_use_crio=True"), "{conflict}");
    let elsewhere = after.replace("# storage", "# bricks");
    assert_eq!(merge3(&after, &before, &elsewhere), Ok(before.replace("# storage", "# bricks")));
}

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec("[abc]( [12])?\n|\n|a\r\n|[ab]", 0..8).prop_map(|lines| lines.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn one_changed_side_wins(base in text(), other in text()) {
        prop_assert_eq!(merge3(&base, &base, &other), Ok(other.clone()));
        prop_assert_eq!(merge3(&base, &other, &base), Ok(other.clone()));
        prop_assert_eq!(merge3(&base, &other, &other), Ok(other.clone()));
        // The same without the shortcuts.
        let (base, other) = (lines(&base), lines(&other));
        let (none, some) = (Side::of(&base, &base), Side::of(&base, &other));
        for (ours, theirs) in [(&none, &some), (&some, &none), (&some, &some)] {
            prop_assert_eq!(merge_lines(&base, ours, theirs), Ok(other.concat()));
        }
    }

    #[test]
    fn the_sides_are_alike(base in text(), ours in text(), theirs in text()) {
        prop_assert_eq!(merge3(&base, &ours, &theirs).ok(), merge3(&base, &theirs, &ours).ok());
    }

    #[test]
    fn no_line_is_invented(base in "(?s).{0,20}", ours in "(?s).{0,20}", theirs in "(?s).{0,20}") {
        let _ = merge3(&base, &ours, &theirs);
    }

    #[test]
    fn changes_of_different_lines_never_conflict(lines in proptest::collection::vec(0..4u8, 1..12)) {
        let write = |ours: bool, theirs: bool| -> String {
            let line = |(at, side): (usize, &u8)| match side {
                1 if ours => format!("h{at} ours\n"),
                2 if theirs => format!("h{at} theirs\n"),
                3 if ours => String::new(),
                _ => format!("h{at} base\n"),
            };
            lines.iter().enumerate().map(line).collect()
        };
        let merged = merge3(&write(false, false), &write(true, false), &write(false, true));
        prop_assert_eq!(merged, Ok(write(true, true)));
    }
}
