//! Large inventories: shown by the binary, and beside it by Ansible's own program; and a chain of many groups.

use crate::cold;
use crate::place;
use crate::rounds::{goal, ratio, rounds, rounds_of, table};
use palinode_tests::ansible::{Ansible, Release};
use std::fmt::Write as _;
use std::time::Instant;

const GROUPS: usize = 1_000;
const HOSTS_OF_EACH: usize = 10;

/// Groups with hosts, each with three variables, below one.
fn many(groups: usize) -> String {
    let mut text = String::from("[all:vars]\na=1\n[OSEv3:children]\n");
    for group in 0..groups {
        let _ = writeln!(text, "g{group}");
    }
    for group in 0..groups {
        let _ = writeln!(text, "[g{group}]");
        for host in 0..HOSTS_OF_EACH {
            let _ = writeln!(text, "h{group}-{host}.demo zone={host} name='node {host}' ansible_host=10.0.0.{host}");
        }
        let _ = writeln!(text, "[g{group}:vars]\nx={group}");
    }
    text
}

/// Each group the only child of the one before it, and a host in the last.
fn chain(length: usize) -> String {
    let mut text: String = (1..length).map(|at| format!("[c{}:children]\nc{at}\n", at - 1)).collect();
    let _ = write!(text, "[c{}]\nh\n", length - 1);
    text
}

pub(crate) fn run() {
    let (dir, hosts) = (place::folder("inventories"), GROUPS * HOSTS_OF_EACH);
    println!("an inventory of {hosts} hosts in {GROUPS} groups, shown as JSON");
    std::fs::write(dir.path().join("whole"), many(GROUPS)).expect("it can be written");
    std::fs::write(dir.path().join("tenth"), many(GROUPS / 10)).expect("it can be written");
    let mut memory: f64 = 0.0;
    let mut ours = || {
        let cost = cold::run(dir.path(), &["inventory", "show", "-i", "whole", "-o", "json"], 0);
        memory = memory.max(cost.mebibytes);
        cost.seconds
    };
    if let Some(ansible) = Ansible::find("the bench of inventories", Release::Current) {
        let path = dir.path().join("whole").to_str().expect("a plain name").to_owned();
        let mut theirs = || {
            let began = Instant::now();
            assert!(ansible.inventory(&["-i", &path, "--list"]).is_ok(), "ansible-inventory lists it");
            began.elapsed().as_secs_f64()
        };
        let contenders =
            &mut [("palinode inventory show", &mut ours as _), ("ansible-inventory --list", &mut theirs as _)];
        let figures = rounds_of(3, contenders);
        print!("{}", table("s", &figures));
        let ratio = ratio(&figures[0], &figures[1]);
        goal("of ansible-inventory's time", ratio, ratio.0 <= 0.1, "at most 0.1");
    }
    let small = cold::run(dir.path(), &["inventory", "show", "-i", "tenth", "-o", "json"], 0).mebibytes;
    let per_host = (memory - small) * 1024.0 / (hosts as f64 * 0.9);
    goal("KiB for each host more", (per_host, per_host, per_host), per_host <= 8.0, "at most 8");

    println!("a chain of groups, each the only child of the one before");
    for length in [25_000, 50_000] {
        std::fs::write(dir.path().join(length.to_string()), chain(length)).expect("it can be written");
    }
    let show = |length: &str| cold::run(dir.path(), &["inventory", "show", "-i", length, "-o", "json"], 0).seconds;
    let (mut half, mut whole) = (|| show("25000"), || show("50000"));
    let figures = rounds(&mut [("25,000 groups", &mut half), ("50,000 groups", &mut whole)]);
    print!("{}", table("s", &figures));
    let ratio = ratio(&figures[1], &figures[0]);
    goal("of the time of half as many", ratio, ratio.0 <= 3.0, "at most 3");
}
