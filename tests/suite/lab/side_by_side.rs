//! Hosts side by side that share a resource: what their driver records follows entry by entry.

use palinode_tests::binary::Desk;

const SHARED: &str = "\
runbook: shared
hosts: { group: glusterfs, serial: 3 }
each_host:
  - inventory: { inventory.edit: { edits: [ { set_host_var: { host: \"{{ host }}\", name: colour, value: red } } ] } }
  - cordon: { kube.cordon: {} }
";

/// All three look at the file at the same moment, and all three find that someone wrote into it. The first that says so
/// has recorded the file as it is now, so to the others it is no drift any more.
#[test]
fn drift_that_three_hosts_find_at_once_is_told_once_and_replays() {
    let desk = Desk::new();
    desk.write("shared.yml", SHARED);
    desk.run(&["run", "shared.yml", "--lab"]).exits(0);
    let hosts = desk.lab().join("hosts");
    std::fs::write(&hosts, desk.inventory() + "# by hand\n").expect("the inventory can be written");
    let world = desk.lab().display().to_string();
    desk.run(&["run", "shared.yml", "--lab-state", &world]).exits(0);
    let drift = desk.entries().iter().filter(|entry| entry["entry"]["event"].get("DriftFound").is_some()).count();
    assert_eq!(drift, 1);
    desk.run(&["replay", "--strict"]).exits(0);
}
