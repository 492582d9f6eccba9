//! Random runbooks of random actions through a real API server, with faults, and their rollbacks, judged by dumps of all
//! objects and by the server's audit log.

use palinode_tests::api_judge::{
    ApiBook, ApiSurvey, Mishap, Way, World, api_book, lost, requests, verdict, wrong_requests,
};
use palinode_tests::binary::{Desk, Live, Out};
use palinode_tests::chance::Chance;
use palinode_tests::cluster::Cluster;
use palinode_tests::skip;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The user whose requests are judged.
const USER: &str = "one";

/// How often a rollback that stopped is gone on with before that is a fault of its own.
const GOES: usize = 6;

/// So long the cluster's controllers may take to make pods again.
const SETTLES: Duration = Duration::from_secs(30);

/// So many runbooks are tried side by side: most of the time they wait.
const SIDE: usize = 3;

/// How many runbooks are tried: `PALINODE_TESTS_API_BOOKS`, else 300 in the long campaigns, else a few.
fn books() -> usize {
    let given = std::env::var("PALINODE_TESTS_API_BOOKS").ok().and_then(|text| text.parse().ok());
    given.unwrap_or(if skip::long() { 300 } else { 10 })
}

/// One runbook, and where it is tried.
struct Trial<'a> {
    world: World<'a>,
    desk: Desk,
    kubeconfig: PathBuf,
    /// Whether a kubelet whose Node is deleted registers it again at once; else only when that is taken back.
    returns: bool,
}

impl Trial<'_> {
    fn args<'a>(&'a self, args: &[&'a str]) -> Vec<&'a str> {
        let kubeconfig = self.kubeconfig.to_str().expect("a path in UTF-8");
        [&["--kubeconfig", kubeconfig], args].concat()
    }

    /// Waits for the end of a process while kubelets do what they do.
    fn end(&self, mut live: Live, registers: bool) -> Out {
        while !live.has_ended() {
            if registers {
                self.register();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        live.end()
    }

    /// The kubelets whose Nodes are gone register them again, and are not heard of then, so that they could be deleted again.
    fn register(&self) {
        for name in &self.world.nodes {
            if self.world.cluster.node_now(name).is_null() {
                self.world.register(name);
                self.world.cluster.ready(name, false);
            }
        }
    }

    fn run(&self, args: &[&str], registers: bool) -> Out {
        self.end(self.desk.spawn(&self.args(args)), registers)
    }

    /// Runs a command, which may be killed at a random moment, and goes on with it.
    fn through(&self, chance: &mut Chance, args: &[&str], registers: bool) -> (Out, bool) {
        if chance.below(3) > 0 {
            return (self.run(args, registers), false);
        }
        let opened = self.opened();
        let mut live = self.desk.spawn(&self.args(args));
        let (strike, began) = (Duration::from_millis(150 + chance.below(3_000)), Instant::now());
        while !live.has_ended() && began.elapsed() < strike {
            std::thread::sleep(Duration::from_millis(10));
        }
        let out = live.kill();
        match out.signal {
            None => (out, false),
            // It was killed before it recorded a run.
            Some(_) if self.opened() == opened => (self.run(args, registers), true),
            Some(_) => {
                let mut out = self.run(&["resume"], registers);
                // It was killed after it closed it.
                if out.code == Some(2) && out.stderr.contains("no run is open") {
                    out.code = self.closed();
                }
                (out, true)
            }
        }
    }

    /// Whether the last run is not over.
    fn is_open(&self) -> bool {
        let state = self.desk.json(&["status"])["state"].clone();
        matches!(state.as_str(), Some("paused" | "in-doubt" | "interrupted"))
    }

    /// The exit code that the end of the last run has.
    fn closed(&self) -> Option<i32> {
        let events = self.events();
        match events.iter().rev().find_map(|event| event["RunClosed"]["end"].as_str())? {
            "done" | "rolled-back" => Some(0),
            "partly-rolled-back" => Some(6),
            _ => Some(1),
        }
    }

    fn events(&self) -> Vec<Value> {
        if !self.desk.path().join(".palinode/format").exists() {
            return Vec::new();
        }
        self.desk.entries().into_iter().map(|item| item["entry"]["event"].clone()).collect()
    }

    /// How many runs and rollbacks were opened in the journal.
    fn opened(&self) -> usize {
        self.events().iter().filter(|event| event["RunOpened"].is_object()).count()
    }
}

/// What became of one runbook.
struct Judged {
    wrong: Vec<String>,
    /// The end of the run and of the rollback.
    ends: String,
}

fn try_book(trial: &Trial<'_>, chance: &mut Chance, book: &ApiBook, way: Option<&Way>) -> Judged {
    trial.desk.write("hosts", format!("[nodes]\n{}\n", trial.world.nodes.join("\n")));
    trial.desk.write("book.yml", &book.text);
    let before = ApiSurvey::of(&trial.world);
    let run = ["run", "./book.yml", "-i", "hosts", "--yes"];
    let (ran, killed) = trial.through(chance, &run, trial.returns);
    let mut ends = format!("run {:?}{}", ran.code, if killed { " killed" } else { "" });
    let mut wrong = Vec::new();
    let mut heard = !killed;
    if !matches!(ran.code, Some(0..=3)) {
        wrong.push(format!("a run does not end so: {ran}"));
    }
    let mut said = String::new();
    let began = trial.opened() > 0;
    if !began {
        println!("not begun: {:?}", ran.stderr.lines().rev().take(3).collect::<Vec<_>>());
    }
    if began {
        let (mut back, killed) = trial.through(chance, &["rollback", "--yes"], true);
        for _ in 0..GOES {
            if matches!(back.code, Some(0 | 6)) || !trial.is_open() {
                break;
            }
            back = trial.run(&["resume"], true);
        }
        // A run of which nothing is to be taken back stays open.
        said = back.to_string();
        if back.code == Some(0) && trial.is_open() {
            let run = trial.desk.json(&["status"])["run"].as_str().unwrap_or_default().to_owned();
            let out = trial.run(&["close", &run, "--reason", "judged"], true);
            if out.code != Some(0) {
                wrong.push(format!("it cannot be closed: {out}"));
            }
        }
        heard &= !killed;
        ends = format!("{ends}; rollback {:?}{}", back.code, if killed { " killed" } else { "" });
        if !matches!(back.code, Some(0 | 6)) {
            wrong.push(format!("the rollback does not end: {back}"));
        }
        if back.code == Some(6) && lost(&trial.events()).is_empty() {
            wrong.push(format!("partly rolled back, and no residue is named: {back}"));
        }
        for check in [&["verify"][..], &["replay", "--strict"]] {
            let out = trial.desk.run(check);
            if out.code != Some(0) {
                wrong.push(format!("{check:?}: {out}"));
            }
        }
    }
    let events = trial.events();
    let residues = if began { lost(&events) } else { Vec::new() };
    // The kubelets run, so that what controllers make again has a place.
    trial.register();
    trial.world.nodes.iter().for_each(|name| trial.world.cluster.ready(name, true));
    let settles = Instant::now();
    wrong.extend(loop {
        let found = before.differences(&ApiSurvey::of(&trial.world));
        let wrong = verdict(&found, &residues, &events);
        if wrong.is_empty() || settles.elapsed() > SETTLES {
            break wrong;
        }
        std::thread::sleep(Duration::from_millis(500));
    });
    let untold = |mishap: &Mishap| matches!(mishap, Mishap::Untold(_) | Mishap::CutAfter);
    heard &= way.is_none_or(|way| !way.met().iter().any(|(mishap, _)| untold(mishap)));
    let audit = trial.world.cluster.audit();
    wrong.extend(wrong_requests(&audit, USER, &trial.world, &events, heard));
    if !wrong.is_empty() {
        if began {
            wrong.push(format!("--- the journal\n{}", trial.desk.run(&["log"])));
        }
        wrong.push(format!("--- what the run said\n{ran}\n--- what the rollback said\n{said}"));
        wrong.push(format!("--- requests\n{}", requests(&audit, USER, &trial.world)));
        wrong.extend(way.map(|way| format!("--- on the way\n{:#?}", way.met())));
    }
    Judged { wrong, ends }
}

/// A runbook by its seed, in a part of the cluster of its own.
fn judged(cluster: &Cluster, space: &str, seed: u64) -> (ApiBook, Judged) {
    let mut chance = Chance::new(seed);
    let book = api_book(&mut chance, space);
    let world = World::new(cluster, space, &mut chance, book.deletes_node);
    if book.approves {
        for node in &world.nodes {
            if chance.below(3) > 0 {
                world.ask_for_certificate(node);
            }
        }
    }
    let often = [0, 30, 100][chance.below(3) as usize];
    let kubeconfig = cluster.kubeconfig_of(USER);
    let way = (often > 0).then(|| Way::new(&kubeconfig, Chance::new(chance.number()), often));
    let kubeconfig = way.as_ref().map_or(kubeconfig, Way::kubeconfig);
    let trial = Trial { world, desk: Desk::new(), kubeconfig, returns: chance.below(2) == 0 };
    let judged = try_book(&trial, &mut chance, &book, way.as_ref());
    trial.world.remove();
    (book, judged)
}

#[test]
fn the_cluster_is_after_run_and_rollback_as_it_was_but_for_the_residues() {
    let Some(cluster) = Cluster::find("kube: judge") else { return };
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    // Each book has a seed of its own, so that one can be tried alone.
    let alone = number("PALINODE_TESTS_API_BOOK");
    let seed = number("PALINODE_TESTS_SEED").unwrap_or(1);
    let count = if alone.is_some() { 1 } else { books() };
    let next = AtomicUsize::new(0);
    let (ends, faults) = (Mutex::new(BTreeMap::<String, usize>::new()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..SIDE {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        return;
                    }
                    let own = alone.unwrap_or(seed.wrapping_mul(1_000_003).wrapping_add(at as u64));
                    let (book, judged) = judged(cluster, &format!("judge-{at}"), own);
                    *ends.lock().expect("nobody died here").entry(judged.ends.clone()).or_default() += 1;
                    if !judged.wrong.is_empty() {
                        let report = format!(
                            "PALINODE_TESTS_API_BOOK={own}: {}\n{}\n{}",
                            judged.ends,
                            book.text,
                            judged.wrong.join("\n")
                        );
                        println!("{report}");
                        faults.lock().expect("nobody died here").push(report);
                    }
                }
            });
        }
    });
    let (ends, faults) = (ends.into_inner().expect("nobody died"), faults.into_inner().expect("nobody died"));
    println!("kube judge: {count} books, {} with faults: {ends:#?}", faults.len());
    assert!(faults.is_empty(), "{} of {count} books: {}", faults.len(), faults.join("\n=====\n"));
}
