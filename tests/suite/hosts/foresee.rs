//! `rollback --dry-run` on real hosts: it looks at what the rollback would look at, and leaves nothing there.

use palinode_tests::hosts::Kind;
use palinode_tests::inventory_dir::InventoryDir;

const FIRST: &str = "gluster1.demo";

#[test]
fn a_preview_names_what_was_changed_on_a_host_and_leaves_it_alone() {
    let Some(site) = InventoryDir::new("real hosts: foresee", Kind::default(), &[FIRST]) else { return };
    let looks = "find /etc/motd /etc/issue /var/lib/palinode -printf '%p %m %T@ %l\\n' | sort";
    site.run(&["exec", FIRST, "-i", "hosts", "file", "/etc/motd", "content", "one", "mode", "0644"]).exits(0);
    let (there, journal) = (site.hosts.run(FIRST, looks).text(), site.desk.files(".palinode"));
    site.run(&["rollback", "--dry-run"]).exits(0).says(&["looked at just now", "as it was last recorded, in 1 step"]);
    assert_eq!(site.hosts.run(FIRST, looks).text(), there);
    site.hosts.run(FIRST, "printf four >/etc/motd; chmod 0600 /etc/motd").exits(0);
    let out = site.run(&["rollback", "--dry-run"]).exits(0);
    out.says(&[
        "gluster1.demo/file:/etc/motd is not as it was last recorded",
        "0644",
        "0600",
        "palinode rollback",
        "--force",
    ]);
    assert_eq!(site.desk.files(".palinode"), journal, "nothing was recorded");
    // A host that does not answer is told, and is not waited for.
    site.hosts.cut_link(FIRST);
    let began = std::time::Instant::now();
    let out = site.run(&["rollback", "--dry-run"]).exits(0);
    out.says(&["This is a preview", "it would not begin: gluster1.demo does not answer", "cannot be looked at"]);
    assert!(began.elapsed().as_secs() < 120, "{:?}", began.elapsed());
    assert_eq!(site.desk.files(".palinode"), journal, "nothing was recorded");
}
