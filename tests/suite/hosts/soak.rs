//! Random cuts, again and again, under runs of many small steps. The hosts count.

use palinode_tests::binary::Live;
use palinode_tests::chance::Chance;
use palinode_tests::hosts::Kind;
use palinode_tests::inventory_dir::InventoryDir;
use palinode_tests::skip;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

const THREE: [&str; 3] = ["gluster1.demo", "gluster2.demo", "gluster3.demo"];

/// The last one is left alone.
const DISTURBED: u64 = 2;

const STEPS: usize = 30;

/// After so long a run that is not disturbed any more has hung.
const HUNG: Duration = Duration::from_secs(180);

fn book() -> String {
    let mut book = "runbook: soak\nhosts: { group: glusterfs, serial: 3 }\neach_host:\n".to_owned();
    for number in 1..=STEPS {
        let _ = writeln!(
            book,
            "  - s{number}: {{ command: {{ run: [/bin/sh, -c, 'sleep 0.1; echo {number} >>/root/count; echo told {number}'], changes: [/root/count] }} }}"
        );
    }
    book
}

/// How long the cuts go on: `PALINODE_TESTS_SOAK_SECONDS`, else ten minutes of the long campaigns, else a moment.
fn time() -> Duration {
    let given = std::env::var("PALINODE_TESTS_SOAK_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(given.unwrap_or(if skip::long() { 600 } else { 10 }))
}

/// Something happens to a host or to Palinode, and is over when this returns. What it was.
fn cut(site: &InventoryDir, chance: &mut Chance, live: &mut Option<Live>) -> &'static str {
    let host = THREE[usize::try_from(chance.below(DISTURBED)).expect("it is small")];
    let kind = chance.below(6);
    let mut pause = |most: u64| std::thread::sleep(Duration::from_millis(100 + chance.below(most)));
    let hosts = &site.hosts;
    match kind {
        0 => {
            hosts.cut_link(host);
            pause(3_000);
            hosts.mend_link(host);
            "a link is cut for a moment"
        }
        1 => {
            hosts.cut_link(host);
            std::thread::sleep(Duration::from_secs(20));
            pause(5_000);
            hosts.mend_link(host);
            "a link is cut until it is given up"
        }
        2 => {
            hosts.kill_sessions(host);
            "sessions are killed"
        }
        3 => {
            hosts.stop_sshd(host);
            hosts.kill_sessions(host);
            pause(8_000);
            hosts.start_sshd(host);
            "sshd is stopped"
        }
        4 => {
            hosts.refuse(host, true);
            hosts.kill_sessions(host);
            pause(8_000);
            hosts.refuse(host, false);
            "connections are refused"
        }
        _ => {
            if let Some(live) = live.take() {
                live.kill();
            }
            "Palinode is killed"
        }
    }
}

#[test]
fn random_cuts_lose_and_double_no_step() {
    let Some(site) = InventoryDir::new("soak", Kind::default(), &THREE) else { return };
    let mut chance = Chance::printed("soak");
    site.desk.write("soak.yml", book());
    let began = Instant::now();
    let (mut runs, mut cuts) = (0, BTreeMap::<&str, usize>::new());
    let whole: Vec<String> = (1..=STEPS).map(|number| number.to_string()).collect();
    while runs == 0 || began.elapsed() < time() {
        for name in THREE {
            site.hosts.inside(name, "rm -f /root/count").exits(0);
        }
        let mut live = Some(site.spawn(&["run", "./soak.yml", "-i", "hosts", "--yes"]));
        // Until a step is done: before that, the name of the run before may be told, and a host that is cut off then is
        // refused.
        live.as_mut().expect("it was started").until("done in");
        let round = Instant::now();
        // At least one cut, and no more once there is nothing to cut.
        loop {
            std::thread::sleep(Duration::from_millis(chance.below(2_000)));
            if live.as_mut().is_some_and(Live::has_ended) || round.elapsed() > Duration::from_secs(60) {
                break;
            }
            let what = cut(&site, &mut chance, &mut live);
            *cuts.entry(what).or_default() += 1;
            if live.is_none() {
                // It may have been killed after its last entry.
                if site.desk.json(&["status"])["state"] == "done" {
                    break;
                }
                live = Some(site.spawn(&["resume"]));
            }
        }
        if let Some(mut live) = live {
            let left = Instant::now();
            while !live.has_ended() {
                assert!(left.elapsed() < HUNG, "it hangs: {}", live.stderr());
                std::thread::sleep(Duration::from_millis(20));
            }
            let out = live.end();
            assert_eq!(out.code, Some(0), "{cuts:?} {out}\n{}", site.desk.run(&["log", "@"]));
        }
        for name in THREE {
            let count = site.hosts.inside(name, "cat /root/count").text();
            assert_eq!(count.lines().collect::<Vec<_>>(), whole, "{name}: {cuts:?}");
        }
        runs += 1;
    }
    // What each step printed came along, however often its link was lost.
    for name in &THREE[..2] {
        for number in 1..=STEPS {
            site.desk.run(&["show", &format!("{name}/s{number}")]).exits(0).says(&[&format!("told {number}")]);
        }
    }
    site.is_sound();
    println!("soak: {runs} runs, {} steps, {cuts:?}", runs * STEPS * THREE.len());
}
