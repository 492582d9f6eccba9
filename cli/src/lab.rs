//! Simulated labs, each in a folder of its own beside the journal.

use crate::error::{Exit, Failure};
use crate::render::{some, suggest};
use palinode_core::action::{Action, Word};
use palinode_core::id::StepPath;
use palinode_core::run::plan::{Plan, Work};
use palinode_executors::{DiskFiles, FILE_LIMIT, InventoryFiles, read_plain};
use palinode_replay::lab::{
    Failing, Fault, Lab, NODES, Phase, Sleeper, Surroundings, World, knows_command, knows_playbook,
};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

/// How a simulated world is watched and disturbed.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct LabOptions {
    /// Virtual seconds in a real one; by default time passes as fast as it can.
    #[arg(long, value_name = "N", value_parser = pace)]
    pub(crate) pace: Option<u32>,
    /// Cut the link while this step runs.
    #[arg(long, value_name = "STEP")]
    pub(crate) drop: Vec<String>,
    /// Let this step fail once: `STEP`, or `STEP=TIMES`.
    #[arg(long, value_name = "STEP")]
    pub(crate) fail: Vec<String>,
    /// Die at a moment of a step's first attempt: `STEP:not-begun`, `STEP:half` or `STEP:done`.
    #[arg(long, value_name = "STEP:MOMENT", hide = true)]
    pub(crate) die: Vec<String>,
    /// Die right after the entry with this sequence number is recorded.
    #[arg(long, value_name = "SEQ", hide = true)]
    pub(crate) die_after: Option<u64>,
}

impl LabOptions {
    /// Whether any of them is given.
    pub(crate) fn disturbs(&self) -> bool {
        self.pace.is_some() || !self.drop.is_empty() || !self.fail.is_empty() || !self.die.is_empty()
    }
}

/// How many times faster than a real one a lab's clock goes.
fn pace(text: &str) -> Result<u32, &'static str> {
    let found = text.parse().ok().filter(|pace| (1..=1_000_000).contains(pace));
    found.ok_or("write a whole number from 1 to 1000000")
}

/// A number of storage nodes that a lab can have.
pub(crate) fn node_count(text: &str) -> Result<usize, NodeCount> {
    match text.parse() {
        Ok(number) if NODES.contains(&number) => Ok(number),
        Ok(number) if number < *NODES.start() => Err(NodeCount::Few),
        _ => Err(NodeCount::Other),
    }
}

/// Why a lab cannot have a number of storage nodes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NodeCount {
    /// A volume has three replicas.
    #[error(
        "a volume has three replicas, so that a lab needs at least {least} storage nodes; write {least} to {most}",
        least = NODES.start(), most = NODES.end()
    )]
    Few,
    /// It is larger, or no number.
    #[error("a lab has {} to {} storage nodes", NODES.start(), NODES.end())]
    Other,
}

/// Where the labs are that runs make for themselves, beside the journal.
const FOLDER: &str = ".palinode-lab";

/// The folder of a run's own lab.
pub(crate) fn folder_for(journal: &Path, run: palinode_core::id::RunId) -> PathBuf {
    let parent = journal.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    parent.join(FOLDER).join(run.to_string())
}

/// Whether a folder holds a lab.
pub(crate) fn is_there(folder: &Path) -> bool {
    folder.join("world.json").exists()
}

fn around(folder: &Path) -> Result<Surroundings, Failure> {
    let inventory = folder.join("hosts");
    let path = inventory.to_str().ok_or_else(|| {
        Failure::usage(format!("the folder {} has a name that is not UTF-8", folder.display()), "use another folder")
    })?;
    let inventory_path = path.to_owned();
    Ok(Surroundings {
        read_inventory: Box::new(move || read_plain(&inventory, FILE_LIMIT).map_err(std::io::Error::other)),
        inventory_path,
        control: Box::new(InventoryFiles::new(DiskFiles)),
    })
}

fn failed(folder: &Path, what: &str, error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::CannotRecord,
        format!("cannot {what} the lab in {}: {error}", folder.display()),
        "make sure that the folder can be written and the disk has room",
    )
}

/// A lab is written by names in its folder, so nobody else may have put any there.
fn ours(folder: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt as _;
    let above = folder.parent().filter(|above| above.ends_with(FOLDER));
    for dir in above.into_iter().chain([folder]) {
        let Ok(found) = std::fs::metadata(dir) else { continue };
        let (uid, mode) = (found.uid(), found.mode() & 0o7777);
        let why = if ![0, rustix::process::geteuid().as_raw()].contains(&uid) {
            format!("{} belongs to the user with uid {uid}", dir.display())
        } else if mode & 0o002 != 0 {
            format!("all users may write in {} (mode {mode:04o})", dir.display())
        } else {
            continue;
        };
        return Err(Failure::usage(
            format!("the lab in {} is not used: {why}", folder.display()),
            "name a folder of your own with --lab-state DIR, or go to one; or type the same as that user",
        ));
    }
    Ok(())
}

/// Makes the lab of a folder from a world with its inventory, or opens the one that is there.
pub(crate) fn create(folder: &Path, new: Option<(World, &str)>) -> Result<(Lab, PathBuf), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, "make", &error))?;
    let folder = folder.canonicalize().map_err(|error| failed(folder, "find", &error))?;
    ours(&folder)?;
    let lab = match new {
        None => Lab::open(&folder, around(&folder)?).map_err(|error| failed(&folder, "open", &error))?,
        Some((world, inventory)) => {
            let hosts = folder.join("hosts");
            if !hosts.exists() {
                std::fs::write(hosts, inventory).map_err(|error| failed(&folder, "write the inventory of", &error))?;
            }
            Lab::create(&folder, world, around(&folder)?).map_err(|error| failed(&folder, "make", &error))?
        }
    };
    Ok((lab, folder))
}

/// Opens the lab of a folder.
pub(crate) fn open(folder: &Path) -> Result<Lab, Failure> {
    ours(folder)?;
    Lab::open(folder, around(folder)?).map_err(|error| failed(folder, "open", &error))
}

/// A copy in memory of the lab of a folder, whose own files are not touched.
pub(crate) fn copy(folder: &Path) -> Result<Lab, Failure> {
    ours(folder)?;
    Lab::copy(folder, around(folder)?).map_err(|error| failed(folder, "read", &error))
}

/// The options with which a lab is watched and disturbed, checked against a plan.
pub(crate) struct Disturbance {
    faults: Vec<Fault>,
    failures: Vec<(StepPath, u32)>,
    dies: bool,
    pace: Option<u32>,
}

/// Checks the options; nothing is done yet.
pub(crate) fn disturbance(options: &LabOptions, plan: &Plan) -> Result<Disturbance, Failure> {
    let step = |text: &str| -> Result<StepPath, Failure> {
        match StepPath::new(text) {
            Ok(path) if plan.steps.iter().any(|step| step.path == path) => Ok(path),
            _ => {
                let all = plan.steps.iter().map(|step| step.path.as_str()).collect();
                Err(Failure::usage(
                    format!("the plan has no step `{text}`"),
                    format!("{}; `palinode runbook show NAME` shows those of a runbook", suggest::meant(text, &all)),
                ))
            }
        }
    };
    let mut found =
        Disturbance { faults: Vec::new(), failures: Vec::new(), dies: !options.die.is_empty(), pace: options.pace };
    for text in &options.drop {
        found.faults.push(Fault { step: step(text)?, attempt: 1, phase: Phase::LinkCut });
    }
    for text in &options.fail {
        let (path, times) = match text.split_once('=') {
            Some((path, times)) => (path, times.parse().ok()),
            None => (text.as_str(), Some(1)),
        };
        let times =
            times.ok_or_else(|| Failure::usage(format!("`{text}` does not end in a number"), "write STEP=TIMES"))?;
        found.failures.push((step(path)?, times));
    }
    for text in &options.die {
        let (path, moment) = text.rsplit_once(':').unwrap_or((text, ""));
        let phase = match moment {
            "not-begun" => Phase::NotBegun,
            "half" => Phase::Half,
            "done" => Phase::Done,
            _ => {
                return Err(Failure::usage(
                    format!("`{text}` names no moment"),
                    "write STEP:not-begun, STEP:half or STEP:done",
                ));
            }
        };
        found.faults.push(Fault { step: step(path)?, attempt: 1, phase });
    }
    Ok(found)
}

impl Disturbance {
    /// Applies them.
    pub(crate) fn apply(self, lab: &Lab) {
        for fault in self.faults {
            lab.fault(fault);
        }
        for (step, times) in self.failures {
            lab.make_fail(step, times, "failed because --fail said so", Failing::Half);
        }
        if self.dies {
            lab.on_halt(die);
        }
        if let Some(pace) = self.pace {
            let sleeper: Sleeper = Rc::new(|span: Duration| Box::pin(tokio::time::sleep(span)));
            lab.set_pace(pace, sleeper);
        }
    }
}

/// Refuses a plan that the lab cannot carry out: hosts it does not have, commands and playbooks it does not know.
pub(crate) fn fits(plan: &Plan, world: &World) -> Result<(), Failure> {
    if let Some(host) = plan.hosts().find(|host| world.host(host.as_str()).is_none()) {
        let hosts: Vec<&str> = world.host_names().collect();
        return Err(Failure::usage(
            format!("the lab has no host {host}, its hosts are {}", some(&hosts, 12)),
            "leave the host out of the group, or use the lab's own inventory, without -i",
        ));
    }
    for step in &plan.steps {
        let (what, name) = match &step.work {
            Work::Act(Action::Command(command)) if !knows_command(&command.run) => {
                ("run the command", Word::join(&command.run))
            }
            Work::Act(Action::Playbook(playbook)) if !knows_playbook(&playbook.path) => ("play", playbook.path.clone()),
            Work::Act(
                action @ (Action::KubeWait(_)
                | Action::KubeExec(_)
                | Action::PatchObject(_)
                | Action::RemoveObject(_)
                | Action::PutObject(_)),
            ) => ("do", action.words()),
            _ => continue,
        };
        return Err(Failure::usage(
            format!("the lab cannot {what} `{}` of the step {}", name, step.path),
            "leave the step out to try the rest in the lab",
        ));
    }
    Ok(())
}

/// Ends this process as `kill -9` would: nothing is flushed, nothing is said.
pub(crate) fn die() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}
