//! Power cuts on real file systems, at random moments: nothing that was acknowledged is lost, and work goes on.

use palinode_core::id::{Micros, RunId, Seq, StepPath};
use palinode_core::port::{Journal, JournalRead};
use palinode_core::record::{Draft, Event};
use palinode_journal::{DiskJournal, JournalReader, Options, verify};
use palinode_tests::binary::Desk;
use palinode_tests::chance::Chance;
use palinode_tests::faults::{Faults, How};
use palinode_tests::owner::owner;
use palinode_tests::power::{Disk, System};
use palinode_tests::{skip, worlds};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What a writer was promised, over all its lives.
#[derive(Debug, Default)]
struct Promised {
    /// Whether the journal itself was.
    created: bool,
    /// Ids by sequence.
    entries: BTreeMap<u64, String>,
    /// Sequence, id, seed and length.
    bodies: Vec<(u64, String, u64, usize)>,
    /// Id, seed and length of public blobs.
    plans: Vec<(String, u64, usize)>,
}

impl Promised {
    /// Takes in what a writer told; a line that its death cut short was not told.
    fn hear(&mut self, text: &str) {
        let whole = &text[..text.rfind('\n').map_or(0, |at| at + 1)];
        for line in whole.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |word: &str| word.parse::<u64>().expect("a writer tells numbers");
            match words[..] {
                ["created"] => self.created = true,
                ["entry", seq, id] => {
                    let before = self.entries.insert(number(seq), id.to_owned());
                    assert_eq!(before, None, "entry {seq} was promised before");
                }
                ["body", seq, id, seed, length] => {
                    self.bodies.push((number(seq), id.to_owned(), number(seed), number(length) as usize));
                }
                ["plan", id, seed, length] => self.plans.push((id.to_owned(), number(seed), number(length) as usize)),
                _ => unreachable!("a writer told `{line}`"),
            }
        }
    }

    /// What is not there as it was promised.
    fn losses(&self, root: &Path) -> Vec<String> {
        let reader = match JournalReader::open(root) {
            Ok(reader) => reader,
            Err(_) if !self.created && self.entries.is_empty() => return Vec::new(),
            Err(error) => return vec![format!("the journal: {error}")],
        };
        let mut lost = Vec::new();
        let mut found = BTreeMap::new();
        match reader.read(Seq(1)) {
            Ok(entries) => {
                for stored in entries {
                    match stored {
                        Ok(stored) => drop(found.insert(stored.entry.seq.0, stored)),
                        Err(error) => lost.push(format!("the entries after {}: {error}", found.len())),
                    }
                }
            }
            Err(error) => lost.push(format!("all entries: {error}")),
        }
        for (seq, id) in &self.entries {
            if found.get(seq).is_none_or(|stored| stored.id.to_string() != *id) {
                lost.push(format!("entry {seq}, of {}", found.len()));
            }
        }
        for (seq, id, seed, length) in &self.bodies {
            let opened = found.get(seq).and_then(|stored| {
                let (body, sealed) = stored.entry.bodies.iter().find(|(body, _)| body.to_string() == *id)?;
                reader.vault(stored.entry.run).ok()?.open(*body, sealed).ok()
            });
            if opened.is_none_or(|bytes| bytes != Chance::new(*seed).bytes(*length)) {
                lost.push(format!("a body of {length} bytes of entry {seq}"));
            }
        }
        for (id, seed, length) in &self.plans {
            let read = id.parse().ok().and_then(|id| reader.public(id).ok());
            if read.is_none_or(|bytes| bytes != Chance::new(*seed).bytes(*length)) {
                lost.push(format!("the public blob {id}"));
            }
        }
        lost
    }
}

/// A process that is killed and reaped when dropped, so that the disk it works on can be unmounted.
struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a writer, cuts the power after a while, and takes in what the writer was promised. `lies` are the calls that
/// claim to have worked and do nothing.
fn one_life(disk: &mut Disk, promised: &mut Promised, chance: &mut Chance, longest: u64, lies: Option<&'static str>) {
    let root = disk.path().join("journal");
    let mut command = Command::new(env!("CARGO_BIN_EXE_palinode-test-writer"));
    command.arg(&root).arg(chance.number().to_string()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(calls) = lies {
        let lies = Faults { below: disk.path(), calls, at: 1, how: How::Lie, stay: true };
        command.envs(lies.settings());
    }
    let mut victim = Victim(command.spawn().expect("the writer can be started"));
    let mut pipe = victim.0.stdout.take().expect("a pipe");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    let listener = std::thread::spawn(move || {
        let mut bytes = [0; 1 << 14];
        while let Ok(length @ 1..) = pipe.read(&mut bytes) {
            ear.lock().expect("no lock is poisoned").extend_from_slice(&bytes[..length]);
        }
    });
    std::thread::sleep(Duration::from_micros(chance.below(longest * 1000)));
    let early = victim.0.try_wait().expect("a child can be waited for");
    // What is told once the power is gone reaches nobody in a real cut: a sync that the cut overtakes may say that it
    // worked.
    let told = heard.lock().expect("no lock is poisoned").clone();
    disk.cut();
    let mut complaint = victim.0.stderr.take().expect("a pipe");
    drop(victim);
    let mut why = String::new();
    let _ = complaint.read_to_string(&mut why);
    assert_eq!(early, None, "the writer works until the power is cut: {why}");
    listener.join().expect("it listens to the end");
    promised.hear(&String::from_utf8(told).expect("a writer tells text"));
    disk.restart();
}

/// One entry more, as the next owner writes it.
fn goes_on(root: &Path, promised: &mut Promised) {
    let mut journal = DiskJournal::open(root, owner(1), Options::default()).expect("the next owner opens it").journal;
    let step = StepPath::new("host/next").expect("a path");
    let draft = Draft {
        run: RunId([9; 8]),
        time: Micros(2),
        wall: None,
        event: Event::TimerFired { step },
        bodies: BTreeMap::new(),
    };
    for stored in journal.append(vec![draft]).expect("the next append works") {
        promised.entries.insert(stored.entry.seq.0, stored.id.to_string());
    }
    journal.close().expect("it is closed in good order");
}

/// Cuts under a live writer, on one disk; the journal outlives all of them.
fn many_lives(test: &str, system: System, disks: u64, lives: u64) {
    let mut chance = Chance::printed(test);
    let (began, mut promises) = (Instant::now(), 0);
    for _ in 0..disks {
        let Some(mut disk) = Disk::new(test, system, 160) else { return };
        let root = disk.path().join("journal");
        let mut promised = Promised::default();
        for life in 1..=lives {
            one_life(&mut disk, &mut promised, &mut chance, 900, None);
            let lost = promised.losses(&root);
            assert!(lost.is_empty(), "{system:?}, life {life}: {lost:#?}");
            if !root.exists() {
                continue;
            }
            let before = verify(&root).expect("a dead owner's journal is sound");
            goes_on(&root, &mut promised);
            let after = verify(&root).expect("the next owner's journal is sound");
            assert_eq!(after.entries, before.entries + 1);
        }
        assert!(!promised.entries.is_empty(), "the writers wrote");
        promises += promised.entries.len();
    }
    println!("{system:?}: {} cuts, {promises} entries acknowledged, {:?}", disks * lives, began.elapsed());
}

#[test]
fn nothing_acknowledged_is_lost_to_power_cuts_on_ext4() {
    let disks = if skip::long() { 5 } else { 1 };
    many_lives("power cuts on ext4", System::Ext4, disks, if skip::long() { 12 } else { 7 });
}

#[test]
fn nothing_acknowledged_is_lost_to_power_cuts_on_xfs() {
    let disks = if skip::long() { 5 } else { 1 };
    many_lives("power cuts on XFS", System::Xfs, disks, if skip::long() { 12 } else { 7 });
}

/// The trial itself is tried: a writer whose syncs do nothing is caught.
#[test]
fn a_writer_that_acknowledges_too_early_is_caught() {
    let test = "a writer that acknowledges too early";
    let mut chance = Chance::printed(test);
    for (system, lies) in [(System::Ext4, "fdatasync"), (System::Ext4, "fdatasync,fsync"), (System::Xfs, "fdatasync")] {
        // A `sync` of another test, which reaches every disk, may come right before the cut: then nothing is lost.
        let mut tries = 0;
        let (promised, lost) = loop {
            let Some(mut disk) = Disk::new(test, system, 160) else { return };
            let root = disk.path().join("journal");
            palinode_journal::create(&root).expect("a journal can be made");
            let mut promised = Promised { created: true, ..Promised::default() };
            while promised.entries.is_empty() {
                one_life(&mut disk, &mut promised, &mut chance, 600, Some(lies));
            }
            let lost = promised.losses(&root);
            tries += 1;
            if !lost.is_empty() || tries == 5 {
                break (promised, lost);
            }
        };
        assert!(!lost.is_empty(), "{system:?}, {lies}: nothing of {} is lost", promised.entries.len());
        println!("{system:?}, {lies}: {} promises, {} broken", promised.entries.len(), lost.len());
    }
}

/// The real binary, its journal cut off in the middle of a run, ends as the unbroken run did.
#[test]
fn a_run_whose_journal_is_cut_off_is_resumed_to_the_same_end() {
    let test = "power cuts under the binary";
    let run = ["run", "crio-to-docker", "--host", "gluster1.demo", "--lab-state", "lab", "--journal"];
    let mut chance = Chance::printed(test);
    for (system, cuts) in
        [(System::Ext4, if skip::long() { 25 } else { 3 }), (System::Xfs, if skip::long() { 25 } else { 3 })]
    {
        let Some(mut disk) = Disk::new(test, system, 160) else { return };
        let whole = Desk::in_memory();
        let told = whole.run(&[&run[..], &[&disk_journal(&disk, 0)]].concat()).exits(0).stderr.lines().count() as u64;
        let end = worlds::settled(&whole.path().join("lab"));
        let mut open = 0;
        for number in 1..=cuts {
            let desk = Desk::in_memory();
            let journal = disk_journal(&disk, number);
            // Slowed down to about two seconds, so that the cut comes in the middle however busy the machine is.
            let mut live = desk.spawn(&[&run[..], &[&journal, "--pace", "600"]].concat());
            // Anywhere in it: after so many lines of progress, and a moment more.
            let lines = chance.below(told) as usize;
            live.until_it("progress", |text| text.lines().count() >= lines);
            std::thread::sleep(Duration::from_micros(chance.below(20_000)));
            disk.cut();
            live.kill();
            disk.restart();
            let place = ["--journal", &journal];
            // Cut before the run was recorded, there is nothing to resume and nothing was done.
            let recorded =
                Path::new(&journal).exists() && desk.json(&[&["log"][..], &place].concat()) != serde_json::json!([]);
            if recorded {
                let status = desk.json(&[&["status"][..], &place].concat());
                if status["state"] != "done" {
                    assert_eq!(status["state"], "interrupted", "{status}");
                    open += 1;
                    desk.run(&[&["resume"][..], &place].concat()).exits(0);
                }
            } else {
                if desk.path().join("lab/world.json").exists() {
                    assert!(worlds::jobs(&desk.path().join("lab")).0.is_empty(), "nothing was done unrecorded");
                }
                desk.run(&[&run[..], &[&journal]].concat()).exits(0);
            }
            let differs = end.diff(&worlds::settled(&desk.path().join("lab")));
            assert!(differs.is_empty(), "{system:?}, cut {number} ends elsewhere: {differs:#?}");
            desk.run(&[&["verify"][..], &place].concat()).exits(0).says(&["sound"]);
        }
        println!("{system:?}: {cuts} cuts under a run, {open} of them resumed");
        assert!(open > 0, "the power was cut in the middle of a run");
    }
}

fn disk_journal(disk: &Disk, number: u64) -> String {
    disk.path().join(format!("journal{number}")).to_str().expect("a path in UTF-8").to_owned()
}
