//! `palinode run`.

use crate::args::{Args, Run};
use crate::commands::carry::{self, How, LabAt};
use crate::commands::runbook;
use crate::exit::{Exit, Failure};
use crate::render::live::Live;
use crate::{place, session, world};
use palinode_core::id::RunId;
use palinode_core::run::plan::Plan;
use palinode_core::runbook::{Finding, Given, Runbook};
use palinode_executors::{FILE_LIMIT, read_plain};
use palinode_replay::lab;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

/// Chooses a run's id.
pub(crate) fn new_id() -> Result<RunId, Failure> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::new(
            Exit::Failed,
            format!("the system gives no random numbers: {error}"),
            "see that /dev/urandom can be read",
        )
    })?;
    Ok(RunId(bytes))
}

/// Reads an inventory given on the command line.
pub(crate) fn read_inventory(path: &Path) -> Result<String, Failure> {
    let bytes = read_plain(path, FILE_LIMIT).map_err(|error| {
        Failure::usage(format!("cannot read the inventory {}: {error}", path.display()), "correct the path after -i")
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::usage(format!("the inventory {} is not UTF-8 from byte {at} on", path.display()), "save it as UTF-8")
    })
}

/// The parameters after `--set`.
fn parameters(set: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut all = BTreeMap::new();
    for text in set {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("`--set {text}` has no ="), "write --set NAME=VALUE"))?;
        if all.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Failure::usage(format!("the parameter `{name}` is set twice"), "set it once"));
        }
    }
    Ok(all)
}

fn expand(name: &str, text: &str, given: &Given) -> Result<Plan, Failure> {
    let failure = |findings: Vec<Finding>| Failure::findings(name, text, findings);
    Runbook::parse(text).and_then(|runbook| runbook.expand(given)).map_err(failure)
}

/// Opens a run and drives it. Everything that can be wrong is found before a lab or a journal is made.
pub(crate) fn run(args: &Args, run: &Run) -> Result<Exit, Failure> {
    let began = Instant::now();
    let (name, text) = runbook::load(&run.runbook)?;
    if !run.lab && run.lab_state.is_none() {
        return real(args, run, &name, &text);
    }
    let own = run.inventory.as_deref().map(read_inventory).transpose()?;
    let there = run.lab_state.as_deref().map(|dir| dir.join("hosts")).filter(|hosts| hosts.exists());
    if let (Some(_), Some(hosts)) = (&own, &there) {
        return Err(Failure::usage(
            format!("the lab already has an inventory, {}", hosts.display()),
            "leave -i away, or edit that file",
        ));
    }
    let nodes = run.lab_nodes.unwrap_or(lab::DEFAULT_NODES);
    let inventory = match (&own, &there) {
        (Some(text), _) => text.clone(),
        (None, Some(hosts)) => read_inventory(hosts)?,
        (None, None) => lab::inventory_of(nodes),
    };
    let id = new_id()?;
    let root = place::find_or_new(args.journal.as_deref())?;
    let root = std::path::absolute(&root).unwrap_or(root);
    let folder = run.lab_state.clone().unwrap_or_else(|| world::folder_for(&root, id));
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    // The canonical folder is what the plan names, and it is known before it is made.
    let shown = folder.join("hosts").to_string_lossy().into_owned();
    let mut given =
        Given { parameters: parameters(&run.set)?, inventory: Some((shown, inventory)), only: run.host.clone() };
    let plan = match expand(&name, &text, &given) {
        Ok(plan) => plan,
        Err(failure) => {
            // A complaint about the inventory names the file that the person gave.
            let shown = match (&run.inventory, &there) {
                (Some(path), _) | (None, Some(path)) => path.display().to_string(),
                (None, None) => "the lab's inventory".to_owned(),
            };
            given.inventory = given.inventory.map(|(_, text)| (shown, text));
            return Err(expand(&name, &text, &given).err().unwrap_or(failure));
        }
    };
    if run.lab_nodes.is_some() && world::is_there(&folder) {
        return Err(Failure::usage(
            format!("the lab in {} is there already, with nodes of its own", folder.display()),
            "leave --lab-nodes away, or name a folder that is not there",
        ));
    }
    let (_, inventory) = given.inventory.unwrap_or_default();
    let how = How {
        yes: true,
        take_over: false,
        errand: run.errand.clone(),
        lab_options: run.lab_options.clone(),
        live: None,
    };
    let done = carry::in_lab(&root, id, plan, LabAt { folder, nodes, inventory: &inventory }, &how)?;
    session::report(&done.journal, &done.history, id, &done.stopped, args.output, began)
}

/// The same on real hosts: the plan is shown, and a person asked.
fn real(args: &Args, run: &Run, name: &str, text: &str) -> Result<Exit, Failure> {
    let began = Instant::now();
    let Some(path) = &run.inventory else {
        return Err(Failure::usage(
            "no inventory is given, and without one there are no hosts",
            format!(
                "name it with -i FILE, or type `palinode run {} --lab` to try the runbook in a simulated cluster",
                run.runbook
            ),
        ));
    };
    let inventory = read_inventory(path)?;
    let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
    let shown = path.to_str().ok_or_else(|| {
        Failure::usage(format!("the inventory {} has a name that is not UTF-8", path.display()), "give it another name")
    })?;
    let given = Given {
        parameters: parameters(&run.set)?,
        inventory: Some((shown.to_owned(), inventory)),
        only: run.host.clone(),
    };
    let plan = expand(name, text, &given)?;
    let how = How {
        yes: run.yes,
        take_over: run.take_over,
        errand: run.errand.clone(),
        lab_options: run.lab_options.clone(),
        live: Live::beside(run.live),
    };
    let done = carry::on_hosts(args, plan, &how)?;
    session::report(&done.journal, &done.history, done.run, &done.stopped, args.output, began)
}
