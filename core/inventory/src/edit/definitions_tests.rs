//! Tests of edits of node groups: on one line, in YAML, and what is refused.

use super::*;
use crate::edit::apply::apply;
use crate::edit::kinds::Edit;

const LINE: &str = "[OSEv3]\nh openshift_node_group_name=used\n[OSEv3:vars]\nopenshift_node_groups=[{'name': 'used'}, \
{'name': 'gfs', 'labels': ['a=b', 'runtime=cri-o'], 'edits': [{'key': 'k.one', 'value': ['x']}, \
{'key': 'k.two', 'value': ['10m']}]}]  # ours\nz=1";

const YAML: &str = "\
# groups
openshift_node_groups:
- name: used   # by h
- name: 'gfs'
  labels:
  - a=b   # kept
  - 'runtime=cri-o'
  edits:
  # for the runtime
  - key: k.one
    value: [x]
  - key: k.two
    value:
    - 10m
# end
z: 1
";

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn edit(group: Option<&str>, definition: &str, change: DefinitionChange) -> Edit {
    Edit::NodeGroup { group: group.map(str::to_owned), definition: definition.to_owned(), change }
}

fn rename(to: &str) -> DefinitionChange {
    DefinitionChange::Rename { to: to.to_owned() }
}

fn replace(with: &str) -> DefinitionChange {
    DefinitionChange::Replace { with: with.to_owned() }
}

#[test]
fn one_definition_changes_in_its_place() {
    let remove = |labels: &[&str]| DefinitionChange::RemoveLabels { labels: words(labels) };
    let add = |labels: &[&str]| DefinitionChange::AddLabels { labels: words(labels) };
    let edits = |keys: &[&str]| DefinitionChange::RemoveEdits { keys: words(keys) };
    let whole = LINE.find("{'name': 'gfs'").zip(LINE.find("]  # ours")).map(|(start, end)| &LINE[start..end]);
    let whole = whole.expect("a definition");
    let block = &YAML[YAML.find("name: 'gfs'").expect("a definition")..YAML.find("# end").expect("an end") - 1];
    for (change, line, yaml) in [
        (rename("gfs2"), ("'gfs'", "'gfs2'"), ("'gfs'", "'gfs2'")),
        (remove(&["runtime=cri-o", "no"]), (", 'runtime=cri-o'", ""), ("  - 'runtime=cri-o'\n", "")),
        (remove(&["a=b"]), ("'a=b', ", ""), ("  - a=b   # kept\n", "")),
        (remove(&["no"]), ("", ""), ("", "")),
        (add(&["a=b", "c=d"]), ("cri-o']", "cri-o', 'c=d']"), ("cri-o'\n", "cri-o'\n  - c=d\n")),
        (
            edits(&["k.one", "k.two"]),
            ("[{'key': 'k.one', 'value': ['x']}, {'key': 'k.two', 'value': ['10m']}]", "[]"),
            (
                "  edits:\n  # for the runtime\n  - key: k.one\n    value: [x]\n  - key: k.two\n    value:\n    - 10m\n",
                "  edits: []\n  # for the runtime\n",
            ),
        ),
        (
            edits(&["k.two"]),
            (", {'key': 'k.two', 'value': ['10m']}", ""),
            ("  - key: k.two\n    value:\n    - 10m\n", ""),
        ),
        (
            replace("{\"name\": \"gfs\", \"labels\": []}"),
            (whole, "{'name': 'gfs', 'labels': []}"),
            (block, "{'name': 'gfs', 'labels': []}"),
        ),
        (DefinitionChange::Drop, (&format!(", {whole}"), ""), (&format!("- {block}\n"), "")),
    ] {
        for (text, group, (old, new)) in [(LINE, Some("OSEv3"), line), (YAML, None, yaml)] {
            let expected = if old.is_empty() { text.to_owned() } else { text.replacen(old, new, 1) };
            let edit = edit(group, "gfs", change.clone());
            let once = apply(text, std::slice::from_ref(&edit)).map_err(|error| error.to_string());
            assert_eq!(once, Ok(expected.clone()), "{edit:?}");
            assert_eq!(apply(&expected, std::slice::from_ref(&edit)), Ok(expected.clone()), "twice: {edit:?}");
        }
    }
}

#[test]
fn labels_come_to_a_definition_that_has_none() {
    let labels = DefinitionChange::AddLabels { labels: words(&["c=d"]) };
    let edit = |group| edit(group, "used", labels.clone());
    let line = apply(LINE, &[edit(Some("OSEv3"))]).expect("an edit");
    assert_eq!(line, LINE.replace("{'name': 'used'}", "{'name': 'used', 'labels': ['c=d']}"));
    let yaml = apply(YAML, &[edit(None)]).expect("an edit");
    assert_eq!(yaml, YAML.replace("# by h\n", "# by h\n  labels: [c=d]\n"));
}

#[test]
fn refusals_say_what_is_in_the_way() {
    let group = Some("OSEv3");
    for (text, edit, part) in [
        (LINE, edit(group, "no", replace("{'name': 'no'}")), "no definition \"no\", but: used, gfs"),
        (LINE, edit(group, "gfs", rename("used")), "line 4: there is a definition \"used\" already"),
        (LINE, edit(group, "gfs", rename("a b")), "without white space"),
        (LINE, edit(group, "used", DefinitionChange::Drop), "line 4: host h uses the definition"),
        (LINE, edit(group, "gfs", replace("{'name': 'x'}")), "has not the name \"gfs\""),
        (LINE, edit(group, "gfs", replace("{'name': true}")), "true, false and null of JSON"),
        (LINE, edit(Some("other"), "gfs", rename("x")), "does not set openshift_node_groups"),
        ("[g:vars]\nopenshift_node_groups=[{'name': true}]\n", edit(Some("g"), "x", rename("y")), "line 2: "),
        ("[g:vars]\nopenshift_node_groups={}\n", edit(Some("g"), "x", rename("y")), "is no list of definitions"),
        (
            "[g:vars]\nopenshift_node_groups=[{'name': 'x'}, {'name': 'x'}]\n",
            edit(Some("g"), "x", rename("y")),
            "two definitions",
        ),
        ("z: 1\n", edit(None, "x", rename("y")), "is not set there"),
        (
            "openshift_node_groups: &a [{name: x}]\nz: *a\n",
            edit(None, "x", rename("y")),
            "more than was meant: z changed",
        ),
        ("z: &a [{name: x}]\nopenshift_node_groups: *a\n", edit(None, "x", rename("y")), "is no list of definitions"),
    ] {
        let error = apply(text, std::slice::from_ref(&edit)).expect_err("a refusal").to_string();
        assert!(error.contains(part), "{edit:?}: {error}");
    }
}
