//! Whatever Ansible reads as an inventory, a run, `exec` and `doctor` can use.

use palinode_tests::hosts::Kind;
use palinode_tests::inventory_dir::InventoryDir;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const HOST: &str = "gluster1.demo";

/// An inventory with one host in the group `nodes`: what is given as `-i`, its files, and what the host is called.
struct Form {
    given: &'static str,
    files: &'static [(&'static str, &'static str)],
    host: &'static str,
}

const fn form(given: &'static str, files: &'static [(&'static str, &'static str)], host: &'static str) -> Form {
    Form { given, files, host }
}

const FORMS: [Form; 7] = [
    form("n.yml", &[("n.yml", "nodes:\n  hosts:\n    gluster1.demo:\n")], HOST),
    form("n.json", &[("n.json", "{\"nodes\": {\"hosts\": {\"gluster1.demo\": {}}}}\n")], HOST),
    form("flow", &[("flow", "{nodes: {hosts: {web: {ansible_host: gluster1.demo}}}}\n")], "web"),
    form(
        "n.sh",
        &[("n.sh", "#!/bin/sh\necho '{\"nodes\": {\"hosts\": [\"gluster1.demo\"]}, \"_meta\": {\"hostvars\": {}}}'\n")],
        HOST,
    ),
    form(
        "folder",
        &[("folder/one", "[nodes]\nweb\n"), ("folder/group_vars/nodes.yml", "ansible_host: gluster1.demo\n")],
        "web",
    ),
    form("six", &[("six", "[nodes]\n2001:db8::1 ansible_host=gluster1.demo\n")], "2001:db8::1"),
    form("port", &[("port", "[nodes]\n[2001:db8::[1:1]]:22 ansible_host=gluster1.demo\n")], "2001:db8::1"),
];

const BOOK: &str = "\
runbook: mark
hosts: { group: nodes }
each_host:
  - mark: { command: { run: [/bin/sh, -c, 'echo marked >>/root/mark'], changes: [/root/mark] } }
";

#[test]
fn whatever_ansible_reads_is_acted_on() {
    let Some(site) = InventoryDir::new("real hosts: forms of inventories", Kind::default(), &[HOST]) else { return };
    site.desk.write("mark.yml", BOOK);
    for Form { given, files, host } in FORMS {
        for (path, text) in files.iter().copied() {
            let folder = site.desk.path().join(path);
            fs::create_dir_all(folder.parent().expect("it is in a folder")).expect("a folder can be made");
            site.desk.write(path, text);
            if path.ends_with(".sh") {
                let path = site.desk.path().join(path);
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode is set");
            }
        }
        site.run(&["doctor", "-i", given, host]).exits(0);
        site.run(&["exec", host, "-i", given, "--", "true"]).exits(0);
        let out = site.run(&["run", "./mark.yml", "-i", given, "--yes"]).exits(0);
        assert!(out.stderr.contains(host), "{given}: {out}");
        assert_eq!(site.hosts.inside(HOST, "cat /root/mark").text(), "marked", "{given}");
        site.run(&["rollback", "--yes"]).exits(0);
        site.hosts.inside(HOST, "test ! -e /root/mark").exits(0);
    }
    site.is_sound();
}
