//! Tests of the edits: tables of single edits, and laws for arbitrary text.

use super::*;
use crate::diff::difference::difference;
use crate::edit::place::Place;
use crate::ini::text::{LineKind, SectionKind};
use crate::model::value::Value;
use proptest::prelude::*;

const TEXT: &str = "\
# the cluster
[OSEv3:children]
masters
nodes  # all of them

[OSEv3:vars]
openshift_pkg_version = -3.11.160  # kept
port=8080 # kept
name='quoted'

[masters]
m1.demo

[nodes]
m1.demo  openshift_node_group_name='node-config-master'
# gluster
g1.demo\topenshift_node_group_name='node-config-infra-crio'   # rack 1
g2.demo openshift_node_group_name=node-config-infra-crio zone=\"b\"
r[1:3].demo zone=c

[glusterfs]
g1.demo zone=a glusterfs_devices='[ \"/dev/vdb\" ]'
";

fn set(host: &str, name: &str, value: &str) -> Edit {
    Edit::SetHostVar { host: host.to_owned(), name: name.to_owned(), value: value.to_owned() }
}

fn unset(host: &str, name: &str) -> Edit {
    Edit::UnsetHostVar { host: host.to_owned(), name: name.to_owned() }
}

fn strip(host: &str, name: &str, suffix: &str) -> Edit {
    Edit::StripHostVarSuffix { host: host.to_owned(), name: name.to_owned(), suffix: suffix.to_owned() }
}

fn move_to(host: &str, from: &str, to: &str, place: Place) -> Edit {
    Edit::MoveHost { host: host.to_owned(), from: from.to_owned(), to: to.to_owned(), place }
}

fn group(group: &str, name: &str, value: &str) -> Edit {
    Edit::SetGroupVar { group: group.to_owned(), name: name.to_owned(), value: value.to_owned() }
}

fn child(parent: &str, child: &str) -> Edit {
    Edit::EnsureChild { parent: parent.to_owned(), child: child.to_owned() }
}

#[test]
fn an_edit_replaces_only_its_own_bytes() {
    let group_name = "openshift_node_group_name";
    for (edit, old, new) in [
        (
            set("g1.demo", "openshift_use_crio", "False"),
            "infra-crio'   # rack 1",
            "infra-crio' openshift_use_crio=False   # rack 1",
        ),
        (set("g2.demo", "zone", "x"), "zone=\"b\"", "zone=\"x\""),
        (set("g2.demo", "zone", "it's 3"), "zone=\"b\"", "zone=\"it's 3\""),
        (set("g2.demo", "zone", "3.10"), "zone=\"b\"", "zone=\"'3.10'\""),
        (set("g2.demo", "zone", "b"), "", ""),
        (unset("g2.demo", "zone"), " zone=\"b\"", ""),
        (unset("g2.demo", "nothing"), "", ""),
        (strip("g1.demo", group_name, "-crio"), "'node-config-infra-crio'", "'node-config-infra'"),
        (strip("g2.demo", group_name, "-crio"), "=node-config-infra-crio", "=node-config-infra"),
        (strip("m1.demo", group_name, "-crio"), "", ""),
        (group("OSEv3", "openshift_pkg_version", "-3.11.161"), "= -3.11.160  # kept", "= -3.11.161"),
        (group("OSEv3", "port", "80"), "port=8080 # kept", "port=80 # kept"),
        (group("OSEv3", "port", "http"), "port=8080 # kept", "port='http' # kept"),
        (group("OSEv3", "name", "other"), "'quoted'", "'other'"),
        (group("OSEv3", "tag", "v3.11.161"), "name='quoted'\n", "name='quoted'\ntag=v3.11.161\n"),
        (child("OSEv3", "masters"), "", ""),
        (move_to("g2.demo", "masters", "nodes", Place::End), "", ""),
    ] {
        let expected = if old.is_empty() { TEXT.to_owned() } else { TEXT.replacen(old, new, 1) };
        let once = apply(TEXT, std::slice::from_ref(&edit)).expect("an edit");
        assert_eq!(once, expected, "{edit:?}");
        assert_eq!(apply(&once, std::slice::from_ref(&edit)), Ok(once.clone()), "twice: {edit:?}");
        let dos = apply(&TEXT.replace('\n', "\r\n"), &[edit]).expect("an edit");
        assert_eq!(dos, expected.replace('\n', "\r\n"));
    }
}

#[test]
fn a_range_is_split_around_the_host() {
    let range = "r[1:3].demo zone=c\n";
    for (edit, new) in [
        (set("r2.demo", "zone", "d"), "r1.demo zone=c\nr2.demo zone=d\nr3.demo zone=c\n"),
        (set("r3.demo", "a", "b"), "r[1:2].demo zone=c\nr3.demo zone=c a=b\n"),
        (set("r2.demo", "zone", "c"), range),
        (unset("r1.demo", "zone"), "r1.demo\nr[2:3].demo zone=c\n"),
        (unset("r1.demo", "other"), range),
        (strip("r1.demo", "zone", "c"), "r1.demo zone=''\nr[2:3].demo zone=c\n"),
        (strip("r1.demo", "zone", "x"), range),
        (move_to("r2.demo", "nodes", "masters", Place::End), "r1.demo zone=c\nr3.demo zone=c\n"),
    ] {
        let once = apply(TEXT, std::slice::from_ref(&edit)).expect("an edit");
        let mut expected = TEXT.replacen(range, new, 1);
        if matches!(edit, Edit::MoveHost { .. }) {
            expected = expected.replacen("[masters]\nm1.demo\n", "[masters]\nm1.demo\nr2.demo zone=c\n", 1);
        }
        assert_eq!(once, expected, "{edit:?}");
        assert_eq!(apply(&once, std::slice::from_ref(&edit)), Ok(once.clone()), "twice: {edit:?}");
    }
    let there = [child("OSEv3", "new_nodes"), move_to("r2.demo", "nodes", "new_nodes", Place::End)];
    let place = Inventory::parse(TEXT).place_of("r2.demo", "nodes").expect("a place");
    let away = apply(TEXT, &there).expect("away");
    let back = apply(&away, &[move_to("r2.demo", "new_nodes", "nodes", place)]).expect("back");
    assert_eq!(difference(&apply(TEXT, &there[..1]).expect("a group"), &back), []);
}

#[test]
fn variables_of_groups_come_and_go() {
    let lift = |group: &str| Edit::LiftHostVar { group: group.to_owned(), name: "crio".to_owned() };
    let unset = |name: &str| Edit::UnsetGroupVar { group: "g".to_owned(), name: name.to_owned() };
    let pin = |openshift: Option<&str>, storage: Option<&str>| Edit::PinVersions {
        group: Some("g".to_owned()),
        openshift: openshift.map(str::to_owned),
        storage: storage.map(str::to_owned),
    };
    let image = "[g]\nh\n[g:vars]\nopenshift_storage_glusterfs_image='r:5/i:v3' # c\nopenshift_pkg_version=-3.11.1\n";
    let pinned = "[g]\nh\n[g:vars]\nopenshift_storage_glusterfs_image='r:5/i:v3.11.4' # c\n\
                  openshift_pkg_version=-3.11.161\nopenshift_image_tag=v3.11.161\n";
    for (text, edit, expected) in [
        (
            "[g]\nh1 crio=False x=1 # c\nh[2:3]  crio=False",
            lift("g"),
            "[g]\nh1 x=1 # c\nh[2:3]\n\n[g:vars]\ncrio=False",
        ),
        (
            "[p:children]\ng\n[g]\nh crio=1\n[p:vars]\na=b\n",
            lift("p"),
            "[p:children]\ng\n[g]\nh\n[p:vars]\na=b\ncrio=1\n",
        ),
        ("[g]\nh\n[g:vars]\ncrio=1\n", lift("g"), "[g]\nh\n[g:vars]\ncrio=1\n"),
        ("[g:vars]\na=1\n# c\nb=2\r\na = 3 # c\n", unset("a"), "[g:vars]\n# c\nb=2\r\n"),
        (image, pin(Some("3.11.161"), Some("v3.11.4")), pinned),
        (pinned, pin(None, None), pinned),
    ] {
        let once = apply(text, std::slice::from_ref(&edit));
        assert_eq!(once.as_deref(), Ok(expected), "{edit:?}");
        assert_eq!(apply(expected, std::slice::from_ref(&edit)).as_deref(), Ok(expected), "twice: {edit:?}");
    }
    for (text, edit, part) in [
        (
            "[g]\nh crio=1\ni crio=2\n",
            lift("g"),
            "line 3: crio cannot move to [g:vars]: i has \"2\", others have \"1\"",
        ),
        ("[g]\nh crio=1\ni\n", lift("g"), "line 3: crio cannot move to [g:vars]: i does not have it"),
        ("[g]\nh1\n[k]\nh[1:2] crio=1\n", lift("g"), "line 4: crio cannot move to [g:vars]: a line sets it for h2 too"),
        ("[g:children]\nk\n[k]\nh crio=1\n[k:vars]\ncrio=2\n", lift("g"), "h would then get \"2\""),
        ("[g]\n", lift("g"), "has no hosts"),
        ("[g]\nh crio='\n", lift("g"), "line 2"),
        ("[g]\n", lift("k"), "declared nowhere"),
        ("[g]\nh crio=3\ni crio=\"'3'\"\n", lift("g"), "others have"),
        ("[g]\nh\n", pin(None, Some("v3.11.4")), "no image of GlusterFS"),
        ("[g]\nh\n", Edit::SetVar { name: "a".to_owned(), value: "b".to_owned() }, "this is no YAML"),
    ] {
        let error = apply(text, std::slice::from_ref(&edit)).expect_err("a refusal").to_string();
        assert!(error.contains(part), "{edit:?}: {error}");
    }
}

#[test]
fn new_sections_stand_at_the_end() {
    let edits = [child("OSEv3", "new_nodes"), move_to("g1.demo", "nodes", "new_nodes", Place::End)];
    let text = apply(TEXT, &edits).expect("edits");
    let line = "g1.demo\topenshift_node_group_name='node-config-infra-crio'   # rack 1\n";
    let expected = TEXT.replace("# all of them\n", "# all of them\nnew_nodes\n").replace(line, "");
    assert_eq!(text, format!("{expected}\n[new_nodes]\n{line}"));
    assert_eq!(apply(&text, &edits), Ok(text.clone()));
    let changes = [
        Change::GroupAdded { group: "new_nodes".to_owned() },
        Change::ChildAdded { parent: "OSEv3".to_owned(), child: "new_nodes".to_owned() },
        Change::HostAdded { host: "g1.demo".to_owned(), group: "new_nodes".to_owned() },
        Change::HostRemoved { host: "g1.demo".to_owned(), group: "nodes".to_owned() },
    ];
    assert_eq!(difference(TEXT, &text), changes);

    let place = Inventory::parse(TEXT).place_of("g1.demo", "nodes").expect("a place");
    assert_eq!(place, Place::Before("g2.demo".to_owned()));
    let back = apply(&text, &[move_to("g1.demo", "new_nodes", "nodes", place)]);
    assert_eq!(back, apply(TEXT, &edits[..1]), "the comment above stays above");

    let text = apply("[a]\nh", &[group("a", "x", " y"), child("b", "c")]);
    assert_eq!(text.as_deref(), Ok("[a]\nh\n\n[a:vars]\nx=' y'\n\n[b:children]\nc\n\n[c]"));
    assert_eq!(apply("h x=1", &[move_to("h", "ungrouped", "a", Place::First)]).as_deref(), Ok("[a]\nh x=1"));
}

#[test]
fn refusals_name_the_line_and_the_next_step() {
    let twice = "[a]\nh x=1\n[b]\nh x=2\n";
    for (text, edit, part) in [
        ("[web]\nweb\nother\n", set("web", "a", "b"), "web is a host and a group"),
        (TEXT, set("g9.demo", "a", "b"), "no line of the inventory names host g9.demo"),
        ("'r[1:3]' x=1\n", set("r2", "x", "2"), "line 1: host r2 is part of the range r[1:3]"),
        ("r[1:20][1:20]\n", set("r111", "x", "2"), "write the hosts of the range on lines of their own"),
        (TEXT, move_to("m1.demo", "glusterfs", "x", Place::End), "but in: masters, nodes;"),
        (TEXT, group("nowhere", "a", "b"), "add a section [nowhere]"),
        (TEXT, child("nodes", "OSEv3"), "line 2: nodes is OSEv3 or below it"),
        (TEXT, child("nodes", "nodes"), "line 0"),
        (TEXT, set("g1.demo", "a b", "c"), "not a valid variable name"),
        (TEXT, set("g1.demo", "a", "b\nc"), "has a line end"),
        (TEXT, set("g1.demo", "a", "b\u{2028}c"), "has a line end"),
        (TEXT, move_to("g1.demo", "nodes", "x]\n[y", Place::End), "not a valid group name"),
        (TEXT, strip("g1.demo", "zone", ""), "no suffix"),
        (twice, move_to("h", "a", "c", Place::End), "line 2: moving host h would change its variable x"),
    ] {
        let error = apply(text, std::slice::from_ref(&edit)).expect_err("a refusal").to_string();
        assert!(error.contains(part), "{edit:?}: {error}");
    }
}

#[test]
fn every_line_of_the_host_gets_the_value() {
    let text = apply("[a]\nh x=1 x=2\n[b]\nh 'x=3' y=1\n", &[set("h", "x", "4"), unset("h", "y")]);
    assert_eq!(text.as_deref(), Ok("[a]\nh x=4 x=4\n[b]\nh x=4\n"));
}

/// What a text looks like does not count, but what Ansible reads from it.
#[test]
fn an_edit_writes_where_ansible_reads_another_value() {
    for (was, value, is) in [
        ("0x1F", "0x1F", "\"'0x1F'\""),
        ("0x1F", "31", "0x1F"),
        ("1_000", "1_000", "\"'1_000'\""),
        ("1e3", "1e3", "\"'1e3'\""),
        ("1,2", "1,2", "\"'1,2'\""),
        ("u\\'x\\'", "x", "u\\'x\\'"),
        ("\"'False'\"", "False", "\"False\""),
        ("False", "False", "False"),
        ("\"'8080'\"", "8080", "\"'8080'\""),
        ("3.10", "3.10", "\"'3.10'\""),
        ("3.10", "3.1", "3.10"),
        ("\"{'a': 1, 'b': 2}\"", "{'b': 2, 'a': 1}", "\"{'a': 1, 'b': 2}\""),
        ("\"'+5'\"", "5", "\"5\""),
    ] {
        let text = format!("[g]\nh x={was} # c\n");
        let edit = set("h", "x", value);
        let once = apply(&text, std::slice::from_ref(&edit)).expect("an edit");
        assert_eq!(once, format!("[g]\nh x={is} # c\n"), "{was} {value}");
        assert_eq!(apply(&once, &[edit]), Ok(once));
    }
    let reads = |text: &str| Meaning::of(text).estate.groups[2].vars["x"].last().map(|(value, _)| value.clone());
    let text = apply("[g]\n[g:vars]\nx=0644\ny='1'\n", &[group("g", "x", "0644"), group("g", "y", "True")]);
    let text = text.expect("an edit");
    assert_eq!((reads(&text), text.as_str()), (Some(Value::text("0644")), "[g]\n[g:vars]\nx=0644\ny=True\n"));
}

#[test]
fn a_host_moves_to_a_group_that_has_it() {
    let there = |text: &str| apply(text, &[move_to("h", "a", "b", Place::End)]);
    assert_eq!(there("[a]\nh\ni\n[b]\nh x=1\n").as_deref(), Ok("[a]\ni\n[b]\nh x=1\n"));
    assert_eq!(there("[a]\nh y=2 # c\n[b]\nh x=1\n").as_deref(), Ok("[a]\n[b]\nh x=1\nh y=2 # c\n"));
    assert_eq!(there("[a]\nh\n[b]\nh[1:2]\nh\n").as_deref(), Ok("[a]\n[b]\nh[1:2]\nh\n"));
}

#[test]
fn edits_are_stored_in_words() {
    let edit = move_to("h", "a", "b", Place::After("g".to_owned()));
    let json = serde_json::to_string(&edit).expect("json");
    assert_eq!(json, r#"{"move_host":{"host":"h","from":"a","to":"b","place":{"after":"g"}}}"#);
    assert_eq!(serde_json::from_str::<Edit>(&json).expect("an edit"), edit);
    let packed = rmp_serde::to_vec_named(&edit).expect("bytes");
    assert_eq!(rmp_serde::from_slice::<Edit>(&packed).expect("an edit"), edit);
    let short = serde_json::from_str::<Edit>(r#"{"move_host":{"host":"h","from":"a","to":"b"}}"#);
    assert_eq!(short.expect("an edit"), move_to("h", "a", "b", Place::End));
    assert!(serde_json::from_str::<Edit>(r#"{"unset_host_var":{"host":"h","name":"n","x":"y"}}"#).is_err());
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![Just(Place::End), Just(Place::First), "[ab]|a2".prop_map(Place::After), "[ab]".prop_map(Place::Before)]
}

fn edit() -> impl Strategy<Value = Edit> {
    let value = "[ab1.'\"# ]{0,5}|True|-crio";
    prop_oneof![
        ("[ab]|a[12]", "[xy]", value).prop_map(|(h, n, v)| set(&h, &n, &v)),
        ("[ab]|a[12]", "[xy]").prop_map(|(h, n)| unset(&h, &n)),
        ("[ab]", "[xy]", "[ab1]{1,2}").prop_map(|(h, n, s)| strip(&h, &n, &s)),
        ("[ab]|a[12]", "[gh]|ungrouped", "[gh]|ungrouped", place()).prop_map(|(h, f, t, p)| move_to(&h, &f, &t, p)),
        ("[gh]", "[xy]", value).prop_map(|(g, n, v)| group(&g, &n, &v)),
        ("[gh]", "[gh]").prop_map(|(p, c)| child(&p, &c)),
        ("[gh]", "[xy]").prop_map(|(group, name)| Edit::UnsetGroupVar { group, name }),
        ("[gh]|all", "[xy]").prop_map(|(group, name)| Edit::LiftHostVar { group, name }),
    ]
}

/// Texts that are mostly inventories.
fn text() -> impl Strategy<Value = String> {
    let line = "\\[[gh](:vars|:children)?\\]( # c)?|[ab]( x=1)?( y='ab a')?(  x=\"'b'\" # c)?|[xy] ?= ?[ab1'# ]{0,4}\
                |[gh]|[#;] c||a\\[1:3\\]( x=1)?( # c)?|[ab'\"= #\\\\]{0,6}";
    (proptest::collection::vec((line, "\n|\r\n|\r"), 0..12), any::<bool>()).prop_map(|(lines, open)| {
        let text: String = lines.iter().flat_map(|(line, end)| [line.as_str(), end]).collect();
        if open { text.trim_end().to_owned() } else { text }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn twice_is_once(text in text(), edit in edit()) {
        let edits = std::slice::from_ref(&edit);
        if let Ok(once) = apply(&text, edits) {
            prop_assert_eq!(apply(&once, edits), Ok(once));
        }
    }

    #[test]
    fn an_edit_does_what_it_says(text in text(), edit in edit()) {
        let Ok(after) = apply(&text, std::slice::from_ref(&edit)) else { return Ok(()) };
        let inventory = Inventory::parse(&after);
        let meaning = Meaning::of_ini(&inventory);
        let of_host = |host: &str, name: &str| {
            let host = meaning.estate.find_host(host).and_then(|at| meaning.estate.hosts.get(at));
            host.and_then(|host| host.vars.get(name)?.last()).map(|(value, _)| value.clone())
        };
        let of_group = |group: &str, name: &str| {
            let group = meaning.estate.find_group(group).and_then(|at| meaning.estate.groups.get(at));
            group.and_then(|group| group.vars.get(name)?.last()).map(|(value, _)| value.clone())
        };
        let changes = difference(&text, &after);
        match &edit {
            Edit::SetHostVar { host, name, value } => {
                prop_assert_eq!(of_host(host, name).map(|value| value.shown()), Some(value.clone()));
                let own = |c: &Change| matches!(c, Change::HostVar { host: h, name: n, .. } if h == host && n == name);
                prop_assert!(changes.iter().all(own), "{:?}", changes);
            }
            Edit::UnsetHostVar { host, name } => prop_assert_eq!(of_host(host, name), None),
            Edit::StripHostVarSuffix { host, name, suffix } => {
                prop_assert!(!of_host(host, name).is_some_and(|value| value.shown().ends_with(suffix.as_str())));
            }
            Edit::MoveHost { host, from, to, .. } => {
                prop_assert!(inventory.groups_naming(host).contains(&to.as_str()));
                prop_assert!(from == to || !inventory.groups_naming(host).contains(&from.as_str()));
                let var = |c: &Change| matches!(c, Change::HostVar { .. } | Change::GroupVar { .. });
                prop_assert!(!changes.iter().any(var), "{:?}", changes);
            }
            Edit::UnsetGroupVar { group, name } => {
                prop_assert_eq!(of_group(group, name), None);
            }
            Edit::LiftHostVar { group, name } => {
                prop_assert!(of_group(group, name).is_some());
                for host in meaning.estate.hosts_of(group) {
                    prop_assert!(!meaning.estate.hosts[host].vars.contains_key(name));
                }
            }
            Edit::SetVar { .. } | Edit::UnsetVar { .. } | Edit::PinVersions { .. } | Edit::NodeGroup { .. } => {}
            Edit::SetGroupVar { group, name, value } => {
                prop_assert_eq!(of_group(group, name).map(|value| value.shown()), Some(value.clone()));
            }
            Edit::EnsureChild { parent, child } => {
                let of = |name: &str| meaning.estate.find_group(name).expect("it is declared");
                prop_assert!(meaning.estate.groups[of(parent)].children.contains(&of(child)));
            }
        }
    }

    #[test]
    fn there_and_back_restores_the_text(text in text(), host in "[ab]", from in "[gh]|ungrouped") {
        let inventory = Inventory::parse(&text);
        let lines = inventory.host_lines().filter(|(_, line)| line.pattern.name() == Some(&host)).count();
        let (Some(place), 1) = (inventory.place_of(&host, &from), lines) else { return Ok(()) };
        let members = inventory.sections_of(&from, SectionKind::Hosts).flat_map(|s| inventory.lines_in(s));
        let mut members: Vec<&str> = members.filter_map(|(_, line)| match &line.kind {
            LineKind::Host(line) => Some(line.pattern.text()),
            _ => None,
        }).collect();
        let count = members.len();
        members.sort_unstable();
        members.dedup();
        if members.len() < count {
            return Ok(());
        }
        let declared = apply(&text, &[child("top", "away")]);
        let (Ok(declared), true) = (declared, from != "ungrouped" || !text.is_empty()) else { return Ok(()) };
        let edits = [move_to(&host, &from, "away", Place::End), move_to(&host, "away", &from, place)];
        let back = apply(&declared, &edits).expect("there and back");
        prop_assert_eq!(difference(&declared, &back), []);
    }

    #[test]
    fn no_text_panics(text in "(?s).{0,60}", edits in proptest::collection::vec(edit(), 1..4)) {
        let _ = apply(&text, &edits);
        let _ = difference(&text, "");
        let inventory = Inventory::parse(&text);
        let _ = inventory.place_of("a", "ungrouped");
    }
}
