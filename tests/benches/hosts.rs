//! Small actions on real hosts, against the same commands over a bare `ssh` that keeps its connection, and against
//! Ansible.

use crate::cold;
use crate::place;
use crate::rounds::{goal, ratio, rounds, table};
use palinode_tests::hosts::{Hosts, Kind};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const NAMES: [&str; 3] = ["gluster1.demo", "gluster2.demo", "gluster3.demo"];

/// So many actions on each host.
const ACTIONS: usize = 20;

/// What each action does.
fn action(number: usize) -> String {
    format!("echo {number} >>/root/bench")
}

pub(crate) fn run() {
    println!("three hosts, {ACTIONS} small commands on each, side by side");
    let Some(hosts) = Hosts::start("bench", Kind::default(), &NAMES) else { return };
    let mut ours = || palinode(&hosts);
    let mut bare = || loops(&hosts);
    let figures =
        rounds(&mut [("palinode run, journal on the disk", &mut ours), ("ssh with ControlMaster", &mut bare)]);
    print!("{}", table("s", &figures));
    let over = ratio(&figures[0], &figures[1]);
    goal("over bare ssh", over, over.0 <= 1.5, "at most 1.5");
    let program = std::env::var_os("PALINODE_BENCH_ANSIBLE");
    let Some(program) = program else {
        println!("  ansible was not measured: PALINODE_BENCH_ANSIBLE names no ansible-playbook");
        return;
    };
    let mut ours = || palinode(&hosts);
    let mut theirs = || ansible(&hosts, Path::new(&program));
    let figures = rounds(&mut [("palinode run", &mut ours), ("ansible-playbook, pipelining, 3 forks", &mut theirs)]);
    print!("{}", table("s", &figures));
    let over = ratio(&figures[1], &figures[0]);
    goal("ansible over palinode", over, over.0 >= 10.0, "at least 10");
}

/// A run, with all that belongs to it: plan, connections, claims, journal.
fn palinode(hosts: &Hosts) -> f64 {
    let dir = place::folder("hosts");
    let mut text = String::from("runbook: small\nhosts: { group: all, serial: 3 }\neach_host:\n");
    for number in 0..ACTIONS {
        let _ = writeln!(text, "  - s{number}: {{ command: {{ run: [/bin/sh, -c, '{}'] }} }}", action(number));
    }
    std::fs::write(dir.path().join("small.yml"), text).expect("it can be written");
    std::fs::write(dir.path().join("hosts"), NAMES.join("\n")).expect("it can be written");
    let config = hosts.config().to_str().expect("a path in UTF-8");
    forget(hosts);
    let cost = cold::run(dir.path(), &["--ssh-config", config, "run", "./small.yml", "-i", "hosts", "--yes"], 0);
    judge(hosts);
    cost.seconds
}

/// A loop for each host, as someone would write it.
fn loops(hosts: &Hosts) -> f64 {
    let dir = place::folder("s");
    forget(hosts);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for name in NAMES {
            let socket = dir.path().join(name);
            scope.spawn(move || {
                for number in 0..ACTIONS {
                    let mut ssh = Command::new("ssh");
                    ssh.arg("-F").arg(hosts.config()).args([
                        "-o",
                        "ControlMaster=auto",
                        "-o",
                        "ControlPersist=30",
                        "-o",
                    ]);
                    ssh.arg(format!("ControlPath={}", socket.display())).args([name, "--"]).arg(action(number));
                    ssh.stdin(Stdio::null()).stderr(Stdio::null());
                    assert!(ssh.status().expect("ssh can be started").success(), "ssh {name}");
                }
            });
        }
    });
    let seconds = start.elapsed().as_secs_f64();
    for name in NAMES {
        let control = format!("ControlPath={}", dir.path().join(name).display());
        let mut ssh = Command::new("ssh");
        ssh.arg("-F").arg(hosts.config()).args(["-o", &control, "-O", "exit", name]).stderr(Stdio::null());
        let _ = ssh.status();
    }
    judge(hosts);
    seconds
}

/// The same as tasks of a playbook.
fn ansible(hosts: &Hosts, program: &Path) -> f64 {
    let dir = place::folder("a");
    let mut book = String::from("- hosts: all\n  gather_facts: false\n  tasks:\n");
    for number in 0..ACTIONS {
        let _ = writeln!(book, "    - command: {{ argv: [/bin/sh, -c, '{}'] }}", action(number));
    }
    let config = format!(
        "[defaults]\nforks = 3\ninventory = hosts\n[ssh_connection]\npipelining = True\nssh_args = -F \"{}\" -o ControlMaster=auto -o ControlPersist=30 -o \"ControlPath={}/%C\"\n",
        hosts.config().display(),
        dir.path().display()
    );
    for (name, text) in [("book.yml", book), ("ansible.cfg", config), ("hosts", NAMES.join("\n"))] {
        std::fs::write(dir.path().join(name), text).expect("it can be written");
    }
    forget(hosts);
    let start = Instant::now();
    let mut play = Command::new(program);
    play.arg("book.yml").current_dir(dir.path()).env("ANSIBLE_HOME", dir.path());
    play.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(play.status().expect("ansible-playbook can be started").success(), "the playbook works");
    let seconds = start.elapsed().as_secs_f64();
    judge(hosts);
    seconds
}

fn forget(hosts: &Hosts) {
    for name in NAMES {
        hosts.inside(name, "rm -f /root/bench");
    }
}

/// Whoever was measured did the work: all of it, in order, once.
fn judge(hosts: &Hosts) {
    let want: Vec<String> = (0..ACTIONS).map(|number| number.to_string()).collect();
    for name in NAMES {
        assert_eq!(hosts.inside(name, "cat /root/bench").text(), want.join("\n"), "{name}");
    }
}
