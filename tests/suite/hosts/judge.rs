//! Random runbooks of random actions, with faults, and their rollbacks, judged by a look at the whole machine.

use palinode_tests::binary::Out;
use palinode_tests::chance::Chance;
use palinode_tests::hosts::Kind;
use palinode_tests::inventory_dir::InventoryDir;
use palinode_tests::judge::{Book, Difference, Survey, book, judge, residues};
use palinode_tests::odd::{self, Odd};
use palinode_tests::skip;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const HOST: &str = "gluster1.demo";

/// How often a run that stopped, or was killed, is gone on with before that is a fault of its own.
const GOES: usize = 6;

/// Where the runbooks begin that are tried by default: always the same.
const SEED: u64 = 20_000_000;

/// How many runbooks are tried: `PALINODE_TESTS_JUDGE_BOOKS`, else 500 in the long campaigns, else 20.
fn books() -> usize {
    let given = std::env::var("PALINODE_TESTS_JUDGE_BOOKS").ok().and_then(|text| text.parse().ok());
    given.unwrap_or(if skip::long() { 500 } else { 20 })
}

/// Of which they begin: `PALINODE_TESTS_SEED`, else a fixed one, and in the long campaigns any.
fn first() -> u64 {
    match std::env::var_os("PALINODE_TESTS_SEED").is_some() || skip::long() {
        true => Chance::printed("judge").number(),
        false => Chance::new(SEED).number(),
    }
}

/// Holds rpm's lock for three seconds, behind the command's back.
const LOCK: &str = "systemd-run -q --unit=palinode-tests-lock --collect sh -c 'exec 9>>/var/lib/rpm/.rpm.lock; \
    exec python3 -c \"import fcntl, time; fcntl.lockf(9, fcntl.LOCK_EX); time.sleep(3)\"' || true";

/// What happens while a command is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Nothing,
    Killed,
    SessionsKilled,
    LinkCut,
    /// Someone else is at work with rpm for some seconds.
    RpmLocked,
}

impl Fault {
    fn by(chance: &mut Chance) -> Self {
        match chance.below(10) {
            0..=1 => Self::Killed,
            2 => Self::SessionsKilled,
            3 => Self::LinkCut,
            4 => Self::RpmLocked,
            _ => Self::Nothing,
        }
    }
}

/// Runs a command while a fault strikes at a random moment, and goes on with it until it ends by itself.
fn through(site: &InventoryDir, chance: &mut Chance, args: &[&str], fault: Fault) -> Out {
    let opened = opened(site);
    let mut live = site.spawn(args);
    let strike = Duration::from_millis(200 + chance.below(2_500));
    let began = Instant::now();
    while fault != Fault::Nothing && !live.has_ended() && began.elapsed() < strike {
        std::thread::sleep(Duration::from_millis(10));
    }
    match fault {
        Fault::Nothing => live.end(),
        Fault::RpmLocked => {
            site.hosts.inside(HOST, LOCK).exits(0);
            live.end()
        }
        Fault::Killed => {
            let out = live.kill();
            match out.signal {
                None => out,
                // It was killed before it recorded a run.
                Some(_) if self::opened(site) == opened => site.run(args),
                Some(_) => site.run(&["resume"]),
            }
        }
        Fault::SessionsKilled => {
            site.hosts.kill_sessions(HOST);
            live.end()
        }
        Fault::LinkCut => {
            site.hosts.cut_link(HOST);
            std::thread::sleep(Duration::from_millis(500 + chance.below(1_500)));
            site.hosts.mend_link(HOST);
            live.end()
        }
    }
}

/// How many runs and rollbacks were opened in the journal.
fn opened(site: &InventoryDir) -> usize {
    if !site.desk.path().join(".palinode/format").exists() {
        return 0;
    }
    site.events().iter().filter(|event| event["RunOpened"].is_object()).count()
}

/// The power goes at the moment a command ended, and comes back.
fn power_cut(site: &InventoryDir) {
    site.hosts.power_off(HOST);
    site.hosts.power_on(HOST);
}

/// What became of one runbook.
struct Judged {
    wrong: Vec<String>,
    /// The end of the run and of the rollback.
    ends: String,
}

fn try_book(site: &InventoryDir, chance: &mut Chance, book: &Book) -> Judged {
    site.desk.write("book.yml", &book.text);
    let before = Survey::of(&site.hosts, HOST);
    let (first, second) = (Fault::by(chance), Fault::by(chance));
    let cut_after = |chance: &mut Chance| chance.below(12) == 0;
    let ran = through(site, chance, &["run", "./book.yml", "-i", "hosts", "--yes"], first);
    let (cut_run, cut_back) = (cut_after(chance), cut_after(chance));
    if cut_run {
        power_cut(site);
    }
    let began = opened(site) > 0;
    let mut ends = format!("run {:?}{}", ran.code, if cut_run { ", power cut" } else { "" });
    let mut wrong = Vec::new();
    if began {
        let mut back = through(site, chance, &["rollback", "--yes"], second);
        let locked = [first, second].contains(&Fault::RpmLocked);
        for _ in 0..GOES {
            let state = site.desk.json(&["status"])["state"].clone();
            if matches!(back.code, Some(0 | 6)) || state != "open" && state != "paused" {
                break;
            }
            // What failed since rpm's lock was another's is tried again; whatever else fails is a fault.
            std::thread::sleep(Duration::from_millis(1_000));
            let retry = back.stdout.lines().find_map(|line| line.trim().strip_prefix("palinode retry "));
            if let Some(words) = retry {
                if !locked {
                    break;
                }
                let words: Vec<&str> = std::iter::once("retry").chain(words.split_whitespace()).collect();
                site.run(&words).exits(0);
            }
            back = site.run(&["resume"]);
        }
        if cut_back {
            power_cut(site);
        }
        ends = format!(
            "{ends}, {first:?}; rollback {:?}, {second:?}{}",
            back.code,
            if cut_back { ", power cut" } else { "" }
        );
        // What an action is not made for is refused before it begins, so a rollback always ends.
        if !matches!(back.code, Some(0 | 6)) {
            wrong.push(format!("the rollback does not end: {back}"));
        }
        if back.code == Some(6) && residues(&site.events(), HOST).is_empty() {
            wrong.push(format!("partly rolled back, and no residue is named: {back}"));
        }
        let verified = site.desk.run(&["verify"]);
        if verified.code != Some(0) {
            wrong.push(format!("the journal is not sound: {verified}"));
        }
    }
    let after = Survey::of(&site.hosts, HOST);
    let booted_since = cut_run || cut_back || book.steps.iter().any(|step| step.starts_with("reboot"));
    let found: Vec<Difference> =
        before.differences(&after).into_iter().filter(|found| !booted_since || !booted(found)).collect();
    let installs = book.text.contains("state: present");
    let found: Vec<Difference> = found.into_iter().filter(|found| !installs || !left_by_rpm(found)).collect();
    let named = if began { residues(&site.events(), HOST) } else { Vec::new() };
    wrong.extend(judge(&found, &named));
    if !wrong.is_empty() && began {
        wrong.push(format!("--- the journal\n{}", site.desk.run(&["log", "@"])));
        wrong.push(format!("--- what the run said\n{ran}"));
    }
    Judged { wrong, ends }
}

/// Whether it is what a boot changes: what runs then is what is enabled.
fn booted(found: &Difference) -> bool {
    matches!(found.what.as_str(), "unit" | "processes" | "mount")
}

/// Whether it is a folder that rpm made for a file of a package, and that no package owns: rpm leaves it there.
fn left_by_rpm(found: &Difference) -> bool {
    let folder = || found.is.as_ref().and_then(|is| is[0][0].as_str()) == Some("0o40755");
    found.what == "path" && found.was.is_none() && found.name.starts_with("/usr/share/") && folder()
}

#[test]
fn a_machine_is_after_run_and_rollback_as_it_was_but_for_the_residues() {
    let kind = Kind { disk: true, ..Kind::default() };
    let Some(site) = InventoryDir::new("judge", kind, &[HOST]) else { return };
    odd::make(&site.hosts, HOST, &[Odd::Units, Odd::Files, Odd::Repositories]);
    let seed = first();
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    let mut faults = Vec::new();
    for number in 0..books() {
        // Each book has a seed of its own, so that one can be tried alone: PALINODE_TESTS_JUDGE_BOOK.
        let own = std::env::var("PALINODE_TESTS_JUDGE_BOOK").ok().and_then(|text| text.parse().ok());
        let own = own.unwrap_or(seed.wrapping_add(number as u64));
        let mut chance = Chance::new(own);
        let book = book(&mut chance);
        match usize::try_from(chance.below(14)).ok().and_then(|number| Odd::LOGINS.get(number)) {
            Some(login) => odd::make(&site.hosts, HOST, &[*login]),
            None => odd::plain_login(&site.hosts, HOST),
        }
        let judged = try_book(&site, &mut chance, &book);
        *ends.entry(judged.ends.clone()).or_default() += 1;
        if !judged.wrong.is_empty() {
            let report =
                format!("PALINODE_TESTS_JUDGE_BOOK={own}: {}\n{}\n{}", judged.ends, book.text, judged.wrong.join("\n"));
            println!("{report}");
            faults.push(report);
            // What is left of it is nobody's, and the next book begins with what is there.
            let _ = site.hosts.inside(HOST, "systemctl stop odd-rival; systemctl start odd-base odd-needs odd-bound odd-part odd-wants crio docker dnsmasq atomic-openshift-node");
        }
        let _ = std::fs::remove_dir_all(site.desk.path().join(".palinode"));
        site.hosts.inside(HOST, "rm -rf /var/lib/palinode/claim*").exits(0);
    }
    println!("judge: {} books, {} with faults: {ends:#?}", books(), faults.len());
    assert!(faults.is_empty(), "{} of {} books: {}", faults.len(), books(), faults.join("\n=====\n"));
}
