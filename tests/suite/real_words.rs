//! What operators type and read, on real hosts.

use crate::real::Site;
use palinode_tests::hosts::Kind;

const FIRST: &str = "gluster1.demo";

#[test]
fn the_key_that_a_host_was_known_by_is_recorded() {
    let Some(site) = Site::new("real hosts: host keys", Kind::default(), &[FIRST]) else { return };
    let print = || {
        let shown = site.hosts.run(FIRST, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").text();
        format!("ssh-ed25519 {}", shown.split(' ').nth(1).expect("a fingerprint"))
    };
    let first = print();
    // It waits for a person, so that another process takes it over.
    site.run(&["exec", FIRST, "--", "false"]).exits(3);
    let recorded = |kind: &str| {
        let entries = site.log();
        let found = entries.iter().rev().find_map(|entry| entry["entry"]["event"].get(kind));
        found.map_or(serde_json::Value::Null, |event| event["host_keys"].clone())
    };
    assert_eq!(recorded("RunOpened")["here"][FIRST], first.as_str());
    site.desk.run(&["log", "--kind", "run-opened"]).exits(0).says(&[&format!("{FIRST} {first}")]);
    site.desk.run(&["show", "@"]).exits(0).says(&[&format!("host key  {FIRST} {first}")]);
    assert_eq!(site.desk.json(&["status"])["host_keys"][FIRST], first.as_str());
    // The same key is not recorded again.
    site.run(&["resume"]).exits(3);
    assert!(recorded("OwnerChanged").is_null());
    let renew = "cd /etc/ssh && rm ssh_host_ed25519_key* && ssh-keygen -qt ed25519 -N '' -f ssh_host_ed25519_key && \
                 (systemctl restart sshd || systemctl restart ssh)";
    let known = site.hosts.folder().join("known_hosts");
    let keys = std::fs::read_to_string(&known).expect("it can be read");
    site.hosts.inside(FIRST, renew).exits(0);
    site.run(&["resume"]).exits(3).says(&[FIRST]);
    assert!(recorded("OwnerChanged").is_null(), "a key that was not accepted is not recorded");
    let new = site.hosts.inside(FIRST, "cat /etc/ssh/ssh_host_ed25519_key.pub").text();
    let names = keys.split(' ').next().expect("names").to_owned();
    std::fs::write(&known, format!("{names} {new}\n")).expect("it can be written");
    let second = print();
    assert_ne!(first, second);
    site.run(&["resume"]).exits(3).complains(&[&format!("now known by other keys: {FIRST} {second}")]);
    assert_eq!(recorded("OwnerChanged")["here"][FIRST], second.as_str());
    site.desk.run(&["status"]).exits(0).says(&[&format!("host key  {FIRST} {second}")]);
    site.is_sound();
}
