//! The way to real hosts: what an operator's configuration of ssh says of their own sessions, two names of one host, and a
//! host that does not come back as it was.

use palinode_tests::hosts::Kind;
use palinode_tests::inventory_dir::InventoryDir;
use palinode_tests::skip;
use std::time::{Duration, Instant};

const FIRST: &str = "gluster1.demo";
const SECOND: &str = "gluster2.demo";

const STEP: &str = "\
runbook: touch
hosts: { group: glusterfs, serial: 2 }
each_host:
  - touch: { command: { run: [/bin/sh, -c, 'echo done >>/root/count'], changes: [/root/count] } }
";

const REBOOT: &str = "\
runbook: reboot
hosts: { group: glusterfs }
each_host:
  - reboot: { reboot: {}, undo: no-undo }
";

#[test]
fn what_an_operator_wants_of_their_own_sessions_keeps_nobody_out() {
    let Some(site) =
        InventoryDir::new("real hosts: forwards in ssh's configuration", Kind::default(), &[FIRST, SECOND])
    else {
        return;
    };
    let beside = site.desk.path().join("local-command");
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|held| held.local_addr()).expect("a port").port();
    let own = format!(
        "Include {}\nHost *\n  LocalForward {port} localhost:22\n  RemoteForward {port} localhost:22\n  DynamicForward 127.0.0.1:{}\n  \
         ExitOnForwardFailure yes\n  Tunnel yes\n  PermitLocalCommand yes\n  LocalCommand touch {}\n  RequestTTY force\n  \
         RemoteCommand exec tmux\n  SessionType none\n  ForkAfterAuthentication yes\n  StdinNull yes\n",
        site.hosts.config().display(),
        port - 1,
        beside.display()
    );
    site.desk.write("own", own);
    site.desk.write("touch.yml", STEP);
    site.desk.run(&["--ssh-config", "own", "run", "./touch.yml", "-i", "hosts", "--yes"]).exits(0);
    for name in [FIRST, SECOND] {
        assert_eq!(site.hosts.run(name, "cat /root/count").text(), "done", "{name}");
    }
    assert!(!beside.exists(), "no command of the operator's is run");
    site.is_sound();
}

#[test]
fn two_names_of_one_host_are_refused_before_anything_is_done() {
    let Some(site) = InventoryDir::new("real hosts: two names of one host", Kind::default(), &[FIRST]) else { return };
    site.desk.write("twins", format!("[glusterfs]\n{FIRST}\ntwin ansible_host={FIRST}\n"));
    site.desk.write("touch.yml", STEP);
    let out = site.run(&["run", "./touch.yml", "-i", "twins", "--yes"]).exits(2);
    assert!(out.stderr.contains("are one machine") && out.stderr.contains("nothing was touched"), "{out}");
    site.hosts.run(FIRST, "test ! -e /root/count && test ! -L /var/lib/palinode/claim").exits(0);
    site.run(&["run", "./touch.yml", "-i", "hosts", "--yes"]).exits(0);
    assert_eq!(site.hosts.run(FIRST, "cat /root/count").text(), "done");
}

#[test]
fn a_host_that_comes_back_with_another_key_is_not_waited_for() {
    let Some(site) = InventoryDir::new("real hosts: another key after a reboot", Kind::default(), &[FIRST]) else {
        return;
    };
    let key = "/etc/ssh/ssh_host_ed25519_key";
    let unit = "[Unit]\\nDefaultDependencies=no\\nBefore=sysinit.target\\n[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/bin/sh /root/rekey\\n\
                [Install]\\nWantedBy=sysinit.target\\n";
    // Whatever needs sysinit.target starts it once more.
    let rekey = format!(
        "[ -e /root/ssh_host_ed25519_key ] || cp -a {key} {key}.pub /root; rm {key} {key}.pub; ssh-keygen -q -N '' -t ed25519 -f {key}"
    );
    site.hosts
        .inside(
            FIRST,
            &format!(
                "printf '{unit}' >/etc/systemd/system/rekey.service; echo \"{rekey}\" >/root/rekey; systemctl enable rekey"
            ),
        )
        .exits(0);
    let began = Instant::now();
    site.desk.write("reboot.yml", REBOOT);
    let out = site.run(&["run", "./reboot.yml", "-i", "hosts", "--yes"]);
    assert!(began.elapsed() < Duration::from_secs(120), "{out}");
    assert!(matches!(out.code, Some(3 | 4)), "{out}");
    let said = format!("{} {}", out.stdout, out.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("known_hosts") && said.contains("palinode resume"), "{said}");
    assert!(!said.contains("@@@"), "{said}");
    let back = "systemctl disable rekey; cp -a /root/ssh_host_ed25519_key* /etc/ssh; systemctl restart ssh";
    site.hosts.inside(FIRST, back).exits(0);
    site.run(&["resume"]).exits(0);
    site.is_sound();
}

#[test]
fn a_boot_that_never_settles_counts_as_back_after_a_while() {
    if !skip::long() {
        return;
    }
    let Some(site) = InventoryDir::new("real hosts: a boot that never settles", Kind::default(), &[FIRST]) else {
        return;
    };
    let unit = "[Service]\\nType=oneshot\\nExecStart=/bin/sleep infinity\\nTimeoutStartSec=infinity\\n[Install]\\nWantedBy=multi-user.target\\n";
    site.hosts
        .inside(FIRST, &format!("printf '{unit}' >/etc/systemd/system/stuck.service; systemctl enable stuck"))
        .exits(0);
    let out = site.run(&["exec", FIRST, "reboot", "--yes"]).exits(0);
    assert!(out.stderr.contains("is not back from its reboot") && out.stderr.contains("stuck.service"), "{out}");
    let said = site.desk.run(&["log"]).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("counts as back all the same"), "{said}");
    site.is_sound();
}

#[test]
fn a_host_that_lets_only_root_in_says_why_in_its_own_words() {
    let Some(site) = InventoryDir::new("real hosts: nologin", Kind::default(), &[FIRST]) else { return };
    site.desk.write("ops", format!("[glusterfs]\n{FIRST} ansible_user=ops\n"));
    site.hosts.inside(FIRST, "echo 'System is going down for maintenance.' >/run/nologin").exits(0);
    let out = site.run(&["exec", FIRST, "-i", "ops", "--", "true"]);
    assert_eq!(out.code, Some(1), "{out}");
    assert!(out.stderr.contains("System is going down for maintenance."), "{out}");
    site.hosts.inside(FIRST, "rm /run/nologin").exits(0);
    site.run(&["exec", FIRST, "-i", "ops", "--", "true"]).exits(0);

    // An account without a shell prints why, and complains of nothing.
    for (shell, words) in [
        ("/usr/sbin/nologin", "This account is currently not available."),
        ("/srv/closed", "Closed for the audit until Monday."),
    ] {
        site.hosts
            .inside(
                FIRST,
                "printf '#!/bin/sh\necho Closed for the audit until Monday.\n' >/srv/closed; chmod 755 /srv/closed",
            )
            .exits(0);
        site.hosts.inside(FIRST, &format!("usermod -s {shell} ops")).exits(0);
        let out = site.run(&["exec", FIRST, "-i", "ops", "--", "true"]);
        assert_eq!(out.code, Some(1), "{out}");
        assert!(out.stderr.contains(words), "{out}");
    }
    site.hosts.inside(FIRST, "usermod -s /bin/sh ops").exits(0);
    site.run(&["exec", FIRST, "-i", "ops", "--", "true"]).exits(0);
}
