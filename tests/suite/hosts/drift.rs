//! What someone changed since it was recorded is told from what was only touched, named, and overwritten only where a person
//! agreed to that.

use palinode_tests::hosts::Kind;
use palinode_tests::inventory_dir::InventoryDir;

const HOST: &str = "gluster1.demo";

/// Touched is not changed: of a file, and of a directory with all that is in it.
#[test]
fn a_touch_is_no_drift_and_a_change_is_named() {
    let Some(site) = InventoryDir::new("drift: touched and changed", Kind::default(), &[HOST]) else { return };
    let make = "set -e; mkdir -p /etc/odd/sub; echo a >/etc/odd/a; echo b >/etc/odd/sub/b; echo c >/etc/c; mkdir /etc/gone; echo g >/etc/gone/g";
    site.hosts.run(HOST, make).exits(0);
    let change = |path: &str, script: &str| {
        site.run(&["exec", HOST, "--changes", path, "--", "sh", "-c", script]).exits(0);
    };
    change("/etc/odd", "echo more >>/etc/odd/a");
    site.hosts.run(HOST, "touch -d 2001-02-03 /etc/odd /etc/odd/sub /etc/odd/a /etc/odd/sub/b").exits(0);
    site.run(&["undo", "@", "--yes"]).exits(0).tells(&["rolled-back"]);
    // What was touched after it is put back is as it was, too.
    change("/etc/odd", "echo more >>/etc/odd/a");
    site.hosts.run(HOST, "chmod 600 /etc/odd/sub/b; rm /etc/odd/a; touch /etc/odd/new").exits(0);
    let told = "a is gone, new is new, sub/b mode 0644 -> 0600";
    let key = "gluster1.demo/file:/etc/odd";
    site.run(&["undo", "@", "--yes"]).exits(3).tells(&[told, &format!("--force-resource {key}")]);
    site.run(&["log"]).exits(0).says(&[told]);
    site.run(&["resume", "--force-resource", "gluster1.demo/file:/etc/nothing"]).exits(2).complains(&["no resource"]);
    site.run(&["resume", "--force-resource", "gluster1.demo/file:/etc/c"]).exits(2);
    site.run(&["resume", "--force-resource", key]).exits(0).tells(&["rolled-back"]);
    assert_eq!(site.hosts.run(HOST, "cat /etc/odd/a; stat -c %a /etc/odd/sub/b; ls /etc/odd").text(), "a\n644\na\nsub");
    // A file: every field with both values.
    change("/etc/c", "echo d >/etc/c");
    site.hosts.run(HOST, "echo longer >/etc/c; chmod 600 /etc/c; chown ops /etc/c").exits(0);
    let out = site.run(&["undo", "@", "--yes"]).exits(3);
    out.complains(&["mode 0644 -> 0600, owner root:root -> ops:root, size 2 -> 7, content "]);
    site.run(&["resume", "--force"])
        .exits(0)
        .complains(&["changed since, and to be overwritten: gluster1.demo/file:/etc/c: mode"]);
    assert_eq!(site.hosts.run(HOST, "cat /etc/c; stat -c '%a %U' /etc/c").text(), "c\n644 root");
    site.is_sound();
}

/// A person agrees to what was shown, and to nothing that changes after it.
#[test]
fn force_counts_for_what_was_shown_and_for_nothing_that_changes_later() {
    let Some(site) = InventoryDir::new("drift: consent", Kind::default(), &[HOST]) else { return };
    site.desk.write(
        "two.yml",
        "runbook: two\nhosts: { group: glusterfs }\neach_host:\n\
         \x20 - first: { command: { run: [sh, -c, echo x >/etc/one], changes: [/etc/one] } }\n\
         \x20 - wait: { command: { run: [\"true\"], undo: [sh, -c, echo later >/etc/one] } }\n\
         \x20 - second: { command: { run: [sh, -c, echo x >/etc/two], changes: [/etc/two] } }\n",
    );
    site.hosts.run(HOST, "echo 1 >/etc/one; echo 2 >/etc/two").exits(0);
    site.run(&["run", "./two.yml", "-i", "hosts", "--yes"]).exits(0);
    site.hosts.run(HOST, "echo theirs >/etc/two").exits(0);
    // The undo of `wait` changes the other file while the rollback is at work.
    let out = site.run(&["rollback", "--yes", "--force"]).exits(3);
    out.complains(&["to be overwritten: gluster1.demo/file:/etc/two", "DRIFT: gluster1.demo/file:/etc/one"]);
    assert_eq!(site.hosts.run(HOST, "cat /etc/one /etc/two").text(), "later\n2");
    site.run(&["resume", "--force"]).exits(0).complains(&["to be overwritten: gluster1.demo/file:/etc/one"]);
    assert_eq!(site.hosts.run(HOST, "cat /etc/one /etc/two").text(), "1\n2");
    // What was shown, and is another state by the time its turn comes: by name as well as with all.
    for consent in [&["--force"][..], &["--force-resource", "gluster1.demo/file:/etc/one"]] {
        site.run(&["run", "./two.yml", "-i", "hosts", "--yes"]).exits(0);
        site.hosts.run(HOST, "echo theirs >/etc/one").exits(0);
        let out = site.run(&[&["rollback", "--yes"], consent].concat()).exits(3);
        out.complains(&["to be overwritten: gluster1.demo/file:/etc/one", "it changed again after it was shown"]);
        assert_eq!(site.hosts.run(HOST, "cat /etc/one").text(), "later");
        site.run(&[&["resume"], consent].concat()).exits(0);
        assert_eq!(site.hosts.run(HOST, "cat /etc/one /etc/two").text(), "1\n2");
    }
    site.is_sound();
}

/// A boot of our own makes changes, and they are not called somebody's.
#[test]
fn what_differs_behind_a_reboot_of_ours_is_said_to_be_that() {
    let Some(site) = InventoryDir::new("drift: behind a reboot", Kind::default(), &[HOST]) else { return };
    let make = "printf '%s\\n' '[Unit]' 'DefaultDependencies=no' '[Service]' 'Type=oneshot' 'ExecStart=/bin/sh -c \"echo booted >/etc/bt/f; touch /etc/bt\"' \
        '[Install]' 'WantedBy=sysinit.target' >/etc/systemd/system/bt.service; mkdir /etc/bt; echo f >/etc/bt/f; systemctl enable bt";
    site.hosts.run(HOST, make).exits(0);
    let runbook = |touches: &str| {
        format!(
            "runbook: boots\nhosts: {{ group: glusterfs }}\neach_host:\n\
             \x20 - change: {{ command: {{ run: [sh, -c, echo x >/etc/bt/f], changes: [/etc/bt] }} }}\n\
             \x20 - reboot: {{ reboot: {{}}, undo: no-undo{touches} }}\n"
        )
    };
    site.desk.write("boots.yml", runbook(""));
    site.run(&["run", "./boots.yml", "-i", "hosts", "--yes"]).exits(0);
    let out = site.run(&["rollback", "--yes"]).exits(3);
    out.complains(&["its host was rebooted since, by gluster1.demo/reboot", "f content"]);
    site.run(&["resume", "--force"]).exits(0);
    // A runbook that says what its boot touches is told of no drift.
    site.desk.write("boots.yml", runbook(", touches: [change]"));
    site.run(&["run", "./boots.yml", "-i", "hosts", "--yes"]).exits(0);
    site.run(&["rollback", "--yes"]).exits(0).tells(&["rolled-back"]);
    assert_eq!(site.hosts.run(HOST, "cat /etc/bt/f").text(), "f");
    site.is_sound();
}
