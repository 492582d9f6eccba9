//! `palinode doctor`: what hosts and the cluster are like, and what the disk under the journal really promises.

mod arguments;
mod cluster;
mod hosts;
mod judge;
mod report;
mod row;
mod words;

use crate::args::{Args, Output};
use crate::error::{Exit, Failure};
use crate::journal;
use crate::render::{print_json, to_stderr, to_stdout};
pub(crate) use arguments::Doctor;
use judge::{Facts, Level};
use palinode_journal::disk_check::{CutError, Device, Habits, Mount, Room, Scratch, Speed, System, cuts};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::signal::unix::{SignalKind, signal};

/// So many cuts make a trial.
const CUTS: u32 = 5;

pub(crate) fn doctor(args: &Args, doctor: &Doctor) -> Result<Exit, Failure> {
    if let Some(file) = &doctor.report {
        return report::report(args, file.as_deref());
    }
    if doctor.cluster {
        return cluster::look(args);
    }
    if doctor.disk.is_none() {
        return hosts::look(args, doctor);
    }
    let given = doctor.disk.as_ref().and_then(Option::as_deref);
    let journal = match given {
        Some(dir) => existing(dir)?,
        None => journal::find_or_new(args.journal.as_deref())?,
    };
    let journal = std::path::absolute(&journal).unwrap_or(journal);
    let folder = working_folder(&journal);
    let cannot = |what: &str, error: &io::Error| {
        let what = format!("cannot {what} {}: {error}", folder.display());
        Failure::usage(what, "name a folder with --disk DIR that you may write to")
    };
    // What is made there is found by its name again.
    let about = folder.metadata().map_err(|error| cannot("look at", &error))?;
    let (uid, mode) = (about.uid(), about.mode() & 0o7777);
    if ![0, rustix::process::geteuid().as_raw()].contains(&uid) || mode & 0o1002 == 0o002 {
        return Err(Failure::usage(
            format!(
                "nothing is written in {}, where others could put something else in its place: it belongs to {} (mode {mode:04o})",
                folder.display(),
                crate::actor::name_of(uid)
            ),
            "name a folder of your own on the same file system with --disk DIR, or type the same as that user",
        ));
    }
    if doctor.power_cut && !rustix::process::geteuid().is_root() {
        return Err(Failure::usage(
            "cutting the power of a throw-away file system takes root: it has to be mounted",
            "type `sudo palinode doctor --disk --power-cut`",
        ));
    }
    let stop = signals();
    let stopped = || stop.load(Ordering::SeqCst);
    let mount = Mount::of(&folder).map_err(|error| cannot("tell the file system of", &error))?;
    let device = Device::of(&mount);
    let room = Room::of(&folder).map_err(|error| cannot("tell the room in", &error))?;
    let leftovers = leftovers(&folder);
    let mut facts = Facts { mount, device, room, leftovers, refused: None, habits: None, speed: None, cuts: None };
    match Scratch::new(&folder) {
        Ok(scratch) => look(&mut facts, &scratch, doctor.power_cut, &stopped)?,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(cannot("write in", &error)),
        Err(error) => facts.refused = Some(error.to_string()),
    }
    if stopped() {
        return Err(halted());
    }
    let findings = judge::judge(&facts);
    match args.output {
        Output::Json => print_json(&words::as_json(&journal, &folder, &facts, &findings)),
        Output::Text => to_stdout(&words::text(&journal, given, &facts, &findings)),
    }
    let sound = findings.iter().all(|finding| finding.level != Level::Broken);
    Ok(if sound { Exit::Done } else { Exit::Failed })
}

fn halted() -> Failure {
    Failure::new(Exit::Failed, "stopped before the end; what was made for it is removed", "type it again")
}

/// Measures; a write that fails is a fact too.
fn look(facts: &mut Facts, scratch: &Scratch, power_cut: bool, stop: &dyn Fn() -> bool) -> Result<(), Failure> {
    facts.habits = Some(Habits::of(scratch.path()));
    match Speed::of(scratch.path(), facts.device.as_ref(), stop) {
        Ok(speed) => facts.speed = Some(speed),
        Err(error) => facts.refused = Some(error.to_string()),
    }
    if !power_cut || stop() {
        return Ok(());
    }
    let system = if facts.mount.kind == "xfs" { System::Xfs } else { System::Ext4 };
    to_stderr(&format!("cutting the power of a throw-away {} file system, {CUTS} times\n", system.name()));
    match cuts(scratch, system, CUTS, stop) {
        Ok(found) => {
            facts.cuts = Some((system, found));
            Ok(())
        }
        Err(CutError::Stopped) => Err(halted()),
        Err(error) => {
            let next = match &error {
                CutError::Missing { package, .. } => format!(
                    "install it (Debian: `apt-get install {package}`; Red Hat: `dnf install {package}`), or leave \
                     --power-cut away"
                ),
                _ => "see that loop devices and free space are there, or leave --power-cut away".to_owned(),
            };
            Err(Failure::from_error(Exit::Usage, error, [next]))
        }
    }
}

fn existing(dir: &Path) -> Result<PathBuf, Failure> {
    if dir.is_dir() {
        return Ok(dir.to_owned());
    }
    Err(Failure::usage(format!("there is no folder {}", dir.display()), "name one that is there with --disk DIR"))
}

/// The folder to measure in: on the journal's file system, but not among its files if that can be helped.
fn working_folder(journal: &Path) -> PathBuf {
    let there = journal.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    let device = |folder: &Path| folder.metadata().map(|metadata| metadata.dev()).ok();
    match there.parent() {
        Some(above) if there.join("format").is_file() && device(above) == device(there) => above.to_owned(),
        _ => there.to_owned(),
    }
}

/// What earlier looks left that were killed. The folder of a living process is its own business.
fn leftovers(folder: &Path) -> Vec<PathBuf> {
    let items = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let dead = |name: &str| {
        let pid = name.strip_prefix(Scratch::PREFIX);
        pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists())
    };
    let mut found: Vec<PathBuf> =
        items.filter(|item| dead(&item.file_name().to_string_lossy())).map(|item| item.path()).collect();
    found.sort_unstable();
    found
}

/// A flag that Ctrl-C, a TERM or a hangup sets, so that everything is put away before the end.
fn signals() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    let (ready, wait) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async move {
            let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
            let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = kinds.map(signal) else { return };
            drop(ready);
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
                set.store(true, Ordering::SeqCst);
            }
        });
    });
    // Returns when the other end is dropped: the handlers are there, or cannot be.
    let _ = wait.recv();
    flag
}
