//! Tests of the findings: each trap alone, and an inventory that is in order.

use super::*;
use std::collections::BTreeMap;

/// Files in memory.
struct Memory(BTreeMap<String, Vec<u8>>);

impl Sources for Memory {
    fn kind(&self, path: &str) -> Kind {
        let below = format!("{path}/");
        if self.0.contains_key(path) {
            Kind::File
        } else if self.0.keys().any(|known| known.starts_with(&below)) {
            Kind::Folder
        } else {
            Kind::Missing
        }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0.get(path).cloned().ok_or_else(|| "it is gone".to_owned())
    }

    fn list(&self, path: &str) -> Result<Vec<String>, String> {
        let below = format!("{path}/");
        let names = self.0.keys().filter_map(|known| known.strip_prefix(&below)?.split('/').next());
        Ok(names.map(str::to_owned).collect::<std::collections::BTreeSet<_>>().into_iter().collect())
    }

    fn run(&self, _: &str, _: &[&str]) -> Result<Vec<u8>, String> {
        Err("nothing is run".to_owned())
    }
}

fn checked(files: &[(&str, &str)]) -> Checked {
    let all = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    check(&Memory(all), &[files[0].0]).expect("it is there")
}

fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|f| format!("{}:{} {}: {} {}", f.file, f.line, f.kind, f.what, f.next)).collect()
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
    assert_eq!(told(&checked(&[("hosts", GOOD)]).findings), [""; 0]);
    let missing = check(&Memory(BTreeMap::new()), &["hosts"]).expect_err("there is nothing");
    assert!(missing.why.contains("no such file"), "{missing}");
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
        ("g1\n", "g1 x='\n", &[], &["hosts:16 not-understood: has no end"]),
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
        let mut all = vec![("hosts", text.as_str())];
        all.extend(files.iter().copied());
        let found = told(&checked(&all).findings);
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
        checked(&[("hosts.yml", text)]).findings.iter().map(|f| format!("{} {}", f.line, f.kind)).collect();
    assert_eq!(found, ["6 number", "11 new-outside", "13 left-in-new"]);
}

#[test]
fn hosts_that_fall_into_a_trap_together_are_told_of_once() {
    let text = GOOD.replace("openshift_use_crio=True\n", "openshift_use_crio=False\nopenshift_use_crio_only=True\n");
    let found = checked(&[("hosts", &text)]).findings;
    let runtimes: Vec<&Finding> = found.iter().filter(|finding| finding.kind == "no-runtime").collect();
    assert_eq!(runtimes.len(), 1, "{found:?}");
    assert_eq!(runtimes[0].line, 7);
    assert!(runtimes[0].what.contains(" and 2 more have openshift_use_crio=False"), "{}", runtimes[0].what);
}

/// Whatever is no text and prints otherwise than it is written is told of, wherever it stands; and nothing else is.
#[test]
fn one_rule_tells_what_reads_otherwise_than_it_looks() {
    let numbers = [
        "1e3",
        "1E5",
        "0x1F",
        "0b11",
        "0o17",
        "1_000",
        "3.10",
        "1.",
        ".5",
        "+5",
        "-0",
        "00",
        "0.00001",
        "1e400",
        "1,2",
        "'a','b'",
        "[3.10]",
        "{'v': 0x1F}",
    ];
    let plain = [
        "1",
        "-7",
        "1.5",
        "0.1",
        "010",
        "0644",
        "3.10.1",
        "v1",
        "1e",
        "0x",
        "_1",
        "[1, 2]",
        "[ 1,2 ]",
        "{'a': 1.5}",
        "True",
        "None",
        "'3.10'",
        "u'x'",
        "true",
        "yes",
        "{{ a }}",
        "2019-12-24",
        "12:30",
        "1 000",
        "a,b",
    ];
    for (values, wanted) in [(&numbers[..], 1), (&plain[..], 0)] {
        for value in values {
            let text = format!("[g]\nh\n[g:vars]\nx={value}\n");
            let found = told(&checked(&[("hosts", &text)]).findings);
            assert_eq!(found.len(), wanted, "{value}: {found:?}");
            assert!(found.iter().all(|found| found.starts_with("hosts:4 number: ")), "{value}: {found:?}");
            let inline = format!("[g]\nh x=\"{value}\"\n");
            let found = told(&checked(&[("hosts", &inline)]).findings);
            assert_eq!(found.len(), wanted, "inline {value}: {found:?}");
        }
    }
    let yaml_numbers = [
        "0644",
        "0x1F",
        "0b11",
        "1_000",
        "3.10",
        "1.0e+3",
        "12:30:00",
        "+5",
        "1.",
        ".5",
        ".inf",
        "[3.10]",
        "{v: 0644}",
        "2001-12-14t21:59:43.10-05:00",
    ];
    let yaml_plain = [
        "1",
        "1.5",
        "'0644'",
        "\"0644\"",
        "0o17",
        "1e3",
        "v1",
        "yes",
        "no",
        "true",
        "~",
        "",
        "2019-12-24",
        "089",
        "'no'",
        "[1, 2]",
        "!!str 0644",
        "{{ a }}x",
    ];
    for (values, wanted) in [(&yaml_numbers[..], 1), (&yaml_plain[..], 0)] {
        for value in values.iter().filter(|value| !value.starts_with("{{")) {
            let files = [("hosts", "[g]\nh\n"), ("group_vars/g.yml", &format!("---\nx: {value}\n"))];
            let found = told(&checked(&files).findings);
            assert_eq!(found.len(), wanted, "{value}: {found:?}");
            assert!(found.iter().all(|found| found.starts_with("group_vars/g.yml:2 number: ")), "{value}: {found:?}");
        }
    }
}

#[test]
fn what_was_meant_otherwise_is_told_by_its_kind() {
    for (text, expected) in [
        ("[g]\nh ip=10.0.0.11openshift_ip=10.0.0.12\n", &["hosts:2 glued: openshift_ip"][..]),
        ("[g]\nh\n[g:vars]\na=1b_c=2\n", &["hosts:4 glued: b_c"]),
        ("[g]\nh a='x=1' b=\"-o A=1 -o 1b=2\" c=a=b\n", &[]),
        ("[g]\nh,i\n", &["hosts:2 one-host: h,i"]),
        ("[g]\nh:22x\n", &["hosts:2 port: 22x"]),
        (
            "[g]\nh ansible_port=22x\ni ansible_port=22\nj ansible_port='{{ p }}'\nk ansible_port=70000\n",
            &["hosts:2 port: h has", "hosts:5 port: k has"],
        ),
        ("[g]\n2001:db8::1\n[::1]:22\n", &[]),
        ("[g]\nh x=\u{201c}a\u{201d} y=it\u{2019}s\n", &["hosts:2 smart-quotes: x="]),
        (
            "[g]\nh ansible_become=no x=No y=\"'off'\" z=\"'False'\"\n",
            &["hosts:2 truth: x=No", "hosts:2 truth: z='False'"],
        ),
        // A dict with a key twice, and a text with a mark before it, are lists for Python.
        ("[g]\nh\n[g:vars]\nopenshift_node_groups=[{\"name\": \"x\", \"name\": \"x\"}, {'name': u'y'}]\n", &[]),
        ("[g]\nh\n[g:vars]\nopenshift_node_groups={{ groups }}\n", &[]),
        ("\u{feff}[g]\nh\n", &["hosts:1 not-understood: "]),
        ("[a:children]\nb\n", &["hosts:2 not-understood: declared nowhere"]),
        ("[g]\nh\ni x\nj y='\n", &["hosts:3 not-understood: no variable", "hosts:4 not-understood: no end"]),
    ] {
        let found = told(&checked(&[("hosts", text)]).findings);
        assert_eq!(found.len(), expected.len(), "{text}: {found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            let (head, part) = expected.split_once(": ").unwrap_or((expected.trim_end_matches(": "), ""));
            assert!(found.starts_with(head) && found.contains(part), "{text}: {found}");
        }
    }
    let yaml = "g:\n  hosts:\n    h1\n    h2\n";
    let found = told(&checked(&[("hosts.yml", yaml)]).findings);
    assert!(matches!(found.as_slice(), [one] if one.contains("one-host") && one.contains("`h1 h2`")), "{found:?}");
    for broken in ["a: [", "{\"a\": ", "- a\n", "plugin: x\n"] {
        let found = told(&checked(&[("hosts.yml", broken)]).findings);
        assert!(matches!(found.as_slice(), [one] if one.contains("not-understood")), "{broken} {found:?}");
    }
}

#[test]
fn what_cannot_be_known_is_said_to_be_unknown() {
    let vault = "$ANSIBLE_VAULT;1.1;AES256\n61\n";
    let plain = "[nodes]\nh\n";
    let set = "[nodes]\nh openshift_node_group_name=x\n";
    let templates =
        "[nodes]\nh openshift_node_group_name='{{ g }}'\n[nodes:vars]\nopenshift_node_groups=[{'name': 'y'}]\n";
    for (files, findings, unknown) in [
        (vec![("hosts", plain)], 1, &[][..]),
        (
            vec![("hosts", plain), ("group_vars/nodes/vault.yml", vault)],
            0,
            &["group_vars/nodes/vault.yml:1", "of h is not"],
        ),
        (vec![("hosts", plain), ("host_vars/h", vault)], 0, &["host_vars/h:1"]),
        (vec![("hosts", plain), ("host_vars/i", vault)], 1, &[]),
        (vec![("hosts", set), ("group_vars/all.yml", vault)], 0, &[]),
        (vec![("hosts", templates)], 0, &["hosts:2", "is a template"]),
        (
            vec![
                ("hosts", plain),
                ("group_vars/nodes", "openshift_node_group_name: !vault |\n  $ANSIBLE_VAULT;1.1\n  61\n"),
            ],
            0,
            &["group_vars/nodes:1", "is encrypted"],
        ),
    ] {
        let checked = checked(&files);
        assert_eq!(checked.findings.len(), findings, "{files:?} {checked:?}");
        let told = told(&checked.unknown).join("\n");
        assert_eq!(told.is_empty(), unknown.is_empty(), "{files:?} {told}");
        assert!(unknown.iter().all(|part| told.contains(part)), "{files:?} {told}");
    }
}

#[test]
fn a_priority_of_a_group_decides_what_its_hosts_get() {
    let text = |rank: &str| {
        format!(
            "[nodes]\nh openshift_node_group_name=x\n[a]\nh\n[b]\nh\n[a:vars]\nopenshift_use_crio=False\n\
             openshift_use_crio_only=True\n{rank}[b:vars]\nopenshift_use_crio=True\n"
        )
    };
    assert_eq!(told(&checked(&[("hosts", &text(""))]).findings), [""; 0]);
    let found = told(&checked(&[("hosts", &text("ansible_group_priority=9\n"))]).findings);
    assert!(matches!(found.as_slice(), [one] if one.contains("no-runtime")), "{found:?}");
}
