//! Tests of the findings: each trap alone, and an inventory that is in order.

use super::*;
use crate::check::facts::Owner;

fn source(file: &str, text: &str) -> Source {
    let owner = match file.split_once('/') {
        Some(("group_vars", name)) => Owner::Group(name.trim_end_matches(".yml").to_owned()),
        Some((_, name)) => Owner::Host(name.trim_end_matches(".yml").to_owned()),
        None => Owner::Inventory,
    };
    Source { file: file.to_owned(), text: text.to_owned(), owner }
}

const GOOD: &str = "\
[OSEv3:children]
masters
nodes
new_nodes
[OSEv3:vars]
openshift_release='3.11'
openshift_use_crio=True
port=8080 # kept apart
[masters]
m1
[nodes]
m1 openshift_node_group_name='node-config-master-crio'
g[1:2] openshift_node_group_name='node-config-infra-crio' # rack
[new_nodes]
[glusterfs]
g1
";

#[test]
fn an_inventory_in_order_has_no_findings() {
    assert_eq!(check(&[source("hosts", GOOD)]), []);
    assert_eq!(check(&[]), []);
}

#[test]
fn each_trap_is_found_where_it_stands() {
    let crio = "nodes:\n  hosts:\n";
    for (old, new, files, expected) in [
        (
            "m1 openshift_node_group_name='node-config-master-crio'",
            "m1 openshift_node_group_name=node-config-master openshift_use_crio=False",
            &[("group_vars/OSEv3.yml", "a: 1\nopenshift_use_crio_only: yes\n")][..],
            &["hosts:12 no-runtime: group_vars/OSEv3.yml:2"][..],
        ),
        (
            "[new_nodes]\n",
            "[new_nodes]\nx openshift_node_group_name=node-config-infra-crio\n",
            &[],
            &["hosts:15 left-in-new: x is in"],
        ),
        ("[new_nodes]\n", "[new_nodes]\ng1\n", &[], &["hosts:15 in-both: g1", "hosts:15 left-in-new: g1"]),
        ("new_nodes\n[", "[", &[], &["hosts:13 new-outside: below OSEv3"]),
        ("[glusterfs]\n", "[nodes:children]\nnew_nodes\n[glusterfs]\n", &[], &["hosts:14 new-within: below nodes"]),
        (
            "g[1:2] ",
            "g1 openshift_node_group_name=z\ng[1:2] ",
            &[],
            &["hosts:14 twice: first at line 13", "hosts:14 two-values: \"z\" at hosts:13"],
        ),
        (" openshift_node_group_name='node-config-master-crio'", "", &[], &["hosts:12 no-node-group: m1"]),
        (
            "g1\n",
            "g1 openshift_use_crio=False\n",
            &[],
            &[
                "hosts:13 runtime-mismatch: g1 does not use",
                "hosts:13 shared-node-group: shared by g2 with CRI-O and g1",
            ],
        ),
        (
            "port=",
            "openshift_node_groups=[{'name': 'node-config-master-crio'}]\nport=",
            &[],
            &["hosts:14 unknown-node-group: node-config-infra-crio"],
        ),
        ("port=", "openshift_node_groups=[{'a': true}]\nport=", &[], &["hosts:8 no-list: of JSON"]),
        ("'3.11'", "3.10", &[], &["hosts:6 number: is the number 3.1"]),
        ("'3.11'", "3.10.1", &[], &[]),
        ("'3.11'", "v3 # c", &[], &["hosts:6 comment-kept: \"v3 # c\""]),
        (
            "use_crio=True",
            "other=false",
            &[],
            &["hosts:7 truth: counts as true", "hosts:12 runtime-mismatch: m1", "hosts:13 runtime-mismatch: g1"],
        ),
        ("g1\n", "g1 password=ab#cd\n", &[], &["hosts:16 cut-off: \"#cd\""]),
        ("g1\n", "g1 x='\n", &[], &["hosts:16 not-understood: x='"]),
        (
            "g1\n",
            "g1\n",
            &[("host_vars/g1.yml", "v: 3.10\nw: '3.10'\n")],
            &["host_vars/g1.yml:1 number: write v: '3.10'"],
        ),
        ("g1\n", "g1\n", &[("other.yml", crio)], &[]),
    ] {
        let text = GOOD.replacen(old, new, 1);
        assert!(old == new || text != GOOD, "{old}");
        let mut sources = vec![source("hosts", &text)];
        sources.extend(files.iter().map(|(file, text)| source(file, text)));
        let found: Vec<String> = check(&sources)
            .iter()
            .map(|f| format!("{}:{} {}: {} {}", f.file, f.line, f.kind, f.what, f.next))
            .collect();
        assert_eq!(found.len(), expected.len(), "{new}: {found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            let (head, part) = expected.split_once(": ").expect("a head and a part");
            assert!(found.starts_with(&format!("{head}:")) && found.contains(part), "{new}: {found}");
        }
    }
}

#[test]
fn yaml_is_looked_through_too() {
    let text = "\
all:
  vars: {openshift_use_crio: true}
  children:
    OSEv3:
      vars:
        openshift_release: 3.10
      children:
        nodes:
          hosts:
            g[1:2]: {openshift_node_group_name: node-config-infra-crio}
    new_nodes:
      hosts:
        g3:
          openshift_node_group_name: node-config-infra
          openshift_use_crio: no
";
    let found: Vec<String> =
        check(&[source("hosts.yml", text)]).iter().map(|f| format!("{} {}", f.line, f.kind)).collect();
    assert_eq!(found, ["6 number", "11 new-outside", "13 left-in-new"]);
}

#[test]
fn hosts_that_fall_into_a_trap_together_are_told_of_once() {
    let text = GOOD.replace("openshift_use_crio=True\n", "openshift_use_crio=False\nopenshift_use_crio_only=True\n");
    let found = check(&[source("hosts", &text)]);
    let runtimes: Vec<&Finding> = found.iter().filter(|finding| finding.kind == "no-runtime").collect();
    assert_eq!(runtimes.len(), 1, "{found:?}");
    assert_eq!(runtimes[0].line, 7);
    assert!(runtimes[0].what.contains(" and 2 more have openshift_use_crio=False"), "{}", runtimes[0].what);
}
