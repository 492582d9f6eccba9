//! What operators type and read, on real hosts.

use palinode_tests::hosts::Kind;
use palinode_tests::inventory_dir::InventoryDir;

const FIRST: &str = "gluster1.demo";

/// A run that stays open, since its step failed.
fn fails(site: &InventoryDir) {
    let book = "runbook: open\nhosts: { group: glusterfs }\neach_host:\n  - bad: { command: { run: ['false'] } }\n";
    site.desk.write("open.yml", book);
    site.run(&["run", "./open.yml", "-i", "hosts", "--host", FIRST, "--yes"]).exits(3);
}

#[test]
fn the_key_that_a_host_was_known_by_is_recorded() {
    let Some(site) = InventoryDir::new("real hosts: host keys", Kind::default(), &[FIRST]) else { return };
    let print = || {
        let shown = site.hosts.run(FIRST, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").text();
        format!("ssh-ed25519 {}", shown.split(' ').nth(1).expect("a fingerprint"))
    };
    let first = print();
    // It waits for a person, so that another process takes it over.
    fails(&site);
    let recorded = |kind: &str| {
        let events = site.events();
        let found = events.iter().rev().find_map(|event| event.get(kind));
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

#[test]
fn the_doctor_looks_at_hosts_and_changes_nothing() {
    let Some(site) = InventoryDir::new("real hosts: doctor", Kind::default(), &[FIRST, "gluster2.demo"]) else {
        return;
    };
    let both = ["doctor", "-i", "hosts", "glusterfs"];
    let made = || site.hosts.run(FIRST, "find /var/lib/palinode 2>/dev/null; true").text();
    let before = made();
    let out =
        site.run(&both).exits(0).says(&["2 hosts: gluster1.demo, gluster2.demo", "all 2: logs in as root", "well:"]);
    assert!(out.stdout.lines().all(|line| line.chars().count() <= 80), "{out}");
    assert_eq!(made(), before, "nothing is changed");
    let finding = |value: &serde_json::Value, about: &str| {
        let all = value["hosts"][0]["findings"].as_array().expect("findings").clone();
        let found = all.into_iter().find(|finding| finding["about"] == about);
        found.map(|found| format!("{}: {}", found["level"], found["what"])).unwrap_or_default()
    };
    let look = || site.run(&["doctor", FIRST, "-o", "json"]);
    let value = look().exits(0).value();
    assert_eq!(value["well"], true, "{value}");
    let print = site.hosts.run(FIRST, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").text();
    assert!(finding(&value, "host key").contains(print.split(' ').nth(1).expect("a fingerprint")), "{value}");
    // The clocks of the test hosts are this machine's.
    let clock = &value["hosts"][0]["facts"]["clock_us"];
    assert!(clock["ahead"].as_i64().expect("a number").abs() < 1_000_000, "{clock}");
    assert!(clock["error"].as_i64().expect("a number") < 1_000_000, "{clock}");

    // Whoever has the host is told, with whatever they put into their words made harmless.
    let claim = "mkdir -p /var/lib/palinode/claims && cd /var/lib/palinode && printf 'run 7 of ann\\033[2Jie\\n' >claims/other && ln -s claims/other claim";
    site.hosts.run(FIRST, claim).exits(0);
    let out = site.run(&["doctor", FIRST]).exits(1).says(&[
        "claimed by another journal: run 7",
        "--take-over",
        "a run would not work",
    ]);
    assert!(out.stdout.contains("\\u{1b}"), "{out}");
    site.hosts.run(FIRST, "rm -r /var/lib/palinode/claim /var/lib/palinode/claims").exits(0);
    // A run of this journal that is open.
    fails(&site);
    let value = look().exits(0).value();
    assert!(finding(&value, "claim and jobs").starts_with("\"note\": \"claimed by the journal here: run "), "{value}");
    site.desk.run(&["skip", &format!("{FIRST}/bad"), "--reason", "seen"]).exits(0);
    site.run(&["resume"]).exits(0);

    // A package manager at work.
    let lock = "mkdir -p /var/cache/dnf && (sleep 60 & echo $! >/var/cache/dnf/metadata_lock.pid) >/dev/null 2>&1";
    site.hosts.inside(FIRST, lock).exits(0);
    let value = look().exits(1).value();
    assert!(finding(&value, "package lock").contains("sleep 60"), "{value}");
    site.hosts.inside(FIRST, "kill $(cat /var/cache/dnf/metadata_lock.pid)").exits(0);
    // A lock whose process is gone is none.
    look().exits(0);

    // Full, and read-only.
    site.hosts.inside(FIRST, "mount -t tmpfs -o mode=700,size=1m none /var/lib/palinode").exits(0);
    assert!(finding(&look().exits(1).value(), "space").contains("free"));
    site.hosts.inside(FIRST, "mount -o remount,ro /var/lib/palinode").exits(0);
    assert!(finding(&look().exits(1).value(), "space").contains("read-only"));
    site.hosts.inside(FIRST, "umount /var/lib/palinode").exits(0);

    // Who may not become root, and who is not there.
    let config = std::fs::read_to_string(site.hosts.config()).expect("it can be read");
    site.desk.write("asks", config.replace("User root", "User asks"));
    site.desk.run(&["--ssh-config", "asks", "doctor", FIRST]).exits(1).says(&["BROKEN  privileges", "sudo -n id -u"]);
    site.desk.write("ops", config.replace("User root", "User ops"));
    site.desk.run(&["--ssh-config", "ops", "doctor", FIRST]).exits(0).says(&["logs in as ops, who may sudo"]);
    site.hosts.stop_sshd("gluster2.demo");
    let out = site.run(&both).exits(2).says(&["could not be looked at: gluster2.demo", "ssh gluster2.demo true"]);
    assert!(out.stdout.contains("gluster1.demo: logs in as root"), "the others are looked at: {out}");
    site.hosts.start_sshd("gluster2.demo");
    site.run(&["doctor", "-i", "hosts", "nodes"]).exits(2).complains(&["has no group or host `nodes`"]);
    site.run(&["doctor"]).exits(2);
    site.run(&["doctor", FIRST, "--power-cut"]).exits(2);
}

#[test]
fn hosts_are_reached_as_the_inventory_says() {
    let Some(site) = InventoryDir::new("real hosts: ways of an inventory", Kind::default(), &[FIRST]) else { return };
    let inventory =
        |vars: &str| site.desk.write("hosts", format!("[glusterfs]\nnode1 {vars}\n[all:vars]\nansible_ssh_user=ops\n"));
    site.desk.write(
        "who.yml",
        "\
runbook: who
hosts: { group: glusterfs }
each_host:
  - who: { command: { run: [/bin/sh, -c, 'echo here >/root/who'], changes: [/root/who] } }
",
    );
    let run = ["run", "./who.yml", "-i", "hosts", "--yes"];
    // Nobody knows the host by its name alone.
    site.desk.write("hosts", "[glusterfs]\nnode1\n");
    site.run(&run).exits(1).complains(&["node1 cannot be acted on"]);
    let port = format!("ansible_host={FIRST} ansible_port=1");
    inventory(&port);
    site.run(&run).exits(1).complains(&["node1 cannot be acted on"]);
    // No value of it gets further than this.
    for hostile in [
        "ansible_host=-oProxyCommand=touch${IFS}/tmp/x",
        "ansible_host='a b'",
        "ansible_ssh_user='{{ me }}'",
        "ansible_port=x",
    ] {
        inventory(hostile);
        let out = site.run(&run).exits(2).complains(&["does not say how a host is reached: ansible_"]);
        assert!(!site.desk.path().join(".palinode").exists(), "{out}");
    }
    inventory(&format!("ansible_host={FIRST}"));
    site.run(&["doctor", "-i", "hosts"]).exits(0).says(&["node1", "logs in as ops, who may sudo"]);
    site.run(&run).exits(0);
    assert_eq!(site.hosts.run(FIRST, "cat /root/who").text(), "here");
    assert!(site.desk.json(&["status"])["host_keys"]["node1"].as_str().is_some_and(|key| key.contains("SHA256:")));
    // What goes on with a run reads it again, for that alone.
    let text = std::fs::read_to_string(site.desk.path().join("hosts")).expect("it can be read");
    std::fs::remove_file(site.desk.path().join("hosts")).expect("it can be removed");
    site.run(&["rollback", "--yes"])
        .exits(2)
        .complains(&["which says how hosts are reached, is not as it was: cannot read", "put it back"]);
    site.desk.write("hosts", text);
    site.run(&["rollback", "--yes"]).exits(0);
    site.hosts.run(FIRST, "test ! -e /root/who").exits(0);
    site.run(&["exec", "-i", "hosts", "node1", "--", "id", "-u"]).exits(0).says(&["0\n"]);
    site.run(&["exec", "-i", "hosts", "node2", "reboot"]).exits(2).complains(&["has no host `node2`"]);
}

#[test]
fn a_host_that_does_not_answer_is_told_of_and_keeps_nobody_from_pausing() {
    let Some(site) = InventoryDir::new("real hosts: no answer", Kind::default(), &[FIRST]) else { return };
    site.desk.write(
        "two.yml",
        "\
runbook: two
hosts: { group: glusterfs }
each_host:
  - one: { command: { run: [/bin/sh, -c, 'sleep 3; echo one >>/root/count'], changes: [/root/count] } }
  - two: { command: { run: [/bin/sh, -c, 'echo two >>/root/count'], changes: [/root/count] } }
",
    );
    site.run(&["exec", FIRST, "--", "true"]).exits(0);
    let mut live = site.spawn(&["run", "./two.yml", "-i", "hosts", "--yes"]);
    site.hosts.until(FIRST, "pgrep -f 'sleep [3]; echo one' >/dev/null");
    site.hosts.refuse(FIRST, true);
    site.hosts.kill_sessions(FIRST);
    live.until("Ctrl-C pauses");
    live.until("tried again in 4s, and for 7m 53s more");
    let told = live.stderr();
    assert!(told.contains("cannot reach gluster1.demo: no connection"), "{told}");
    let began = std::time::Instant::now();
    live.signal(rustix::process::Signal::INT);
    let out = live.end();
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "it pauses at once");
    assert!(matches!(out.code, Some(3 | 4)), "{out}");
    site.hosts.refuse(FIRST, false);
    site.run(&["resume"]).exits(0);
    assert_eq!(site.hosts.run(FIRST, "cat /root/count").text(), "one\ntwo");
    site.is_sound();
}

#[test]
fn nobody_locks_themselves_out_unasked() {
    let Some(site) = InventoryDir::new("real hosts: locked out", Kind::default(), &[FIRST]) else { return };
    for words in [
        &["service", "sshd", "stopped"][..],
        &["service", "sshd.service", "disabled"],
        &["package", "openssh-server", "absent"],
    ] {
        let out = site.run(&[&["exec", FIRST], words].concat()).exits(2);
        out.complains(&["warning: ", "you may not get in to take that back", "palinode exec --yes HOST"]);
    }
    assert!(!site.desk.path().join(".palinode").exists(), "nothing was done");
    site.run(&["exec", FIRST, "service", "sshd", "started"]).exits(0);
    site.run(&["exec", "--yes", FIRST, "service", "NetworkManager", "disabled"]).exits(0);
}
