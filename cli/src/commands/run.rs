//! `palinode run`.

use crate::acting::{self, Acting};
use crate::args::{self, Args, Run};
use crate::commands::exec::EXEC;
use crate::commands::runbook;
use crate::exit::{Exit, Failure};
use crate::render::{escape, some, to_stderr};
use crate::session::{self, Start};
use crate::{actor, place, world};
use palinode_core::action::UndoClass;
use palinode_core::event::World;
use palinode_core::history::History;
use palinode_core::id::RunId;
use palinode_core::plan::{LaneKind, Plan, Work};
use palinode_core::runbook::{Finding, Given, Runbook};
use palinode_journal::{DiskJournal, create};
use palinode_replay::driver::{Opening, Stopped};
use palinode_replay::lab;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, IsTerminal};
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
fn read_inventory(path: &Path) -> Result<String, Failure> {
    let bytes = std::fs::read(path).map_err(|error| {
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
        let (name, value) = text.split_once('=').ok_or_else(|| {
            Failure::usage(format!("`--set {}` has no =", text.escape_debug()), "write --set NAME=VALUE")
        })?;
        if all.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Failure::usage(format!("the parameter `{}` is set twice", name.escape_debug()), "set it once"));
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
    let disturbance = world::disturbance(&run.lab_options, &plan)?;
    let new = if folder.join("world.json").exists() {
        if run.lab_nodes.is_some() {
            return Err(Failure::usage(
                format!("the lab in {} is there already, with nodes of its own", folder.display()),
                "leave --lab-nodes away, or name a folder that is not there",
            ));
        }
        None
    } else {
        let new = lab::World::of(nodes);
        world::fits(&plan, &new)?;
        Some(new)
    };
    if !root.exists() {
        create(&root)?;
    }
    let mut journal = session::own(&root)?;
    let old = new.is_none();
    let (_, inventory) = given.inventory.unwrap_or_default();
    let (lab, folder) = world::create(&folder, new.map(|world| (world, inventory.as_str())))?;
    if old {
        world::fits(&plan, &lab.snapshot())?;
    }
    disturbance.apply(&lab);
    let history = History::load(&journal)?;
    let hosts: Vec<&str> = plan.hosts().map(|host| host.as_str()).collect();
    to_stderr(&format!(
        "{} on {}, {} at a time, in the lab {}\nrun {id}\n",
        plan.runbook,
        some(&hosts, 6),
        plan.serial,
        folder.display()
    ));
    let opening = Opening {
        world: World::Lab { folder: folder.to_string_lossy().into_owned() },
        actor: actor::actor(),
        reason: run.errand.reason.clone(),
        change: run.errand.change.clone(),
        force: false,
    };
    let start = Start::Begin(Box::new(plan), opening);
    let acting = Acting::lab(lab)?;
    let (stopped, history) =
        session::drive(&mut journal, &acting, history, id, start, &run.lab_options, run.errand.on_hangup)?;
    session::report(&journal, &history, id, &stopped, args.output, began)
}

/// The same on real hosts: the plan is shown, and a person asked.
fn real(args: &Args, run: &Run, name: &str, text: &str) -> Result<Exit, Failure> {
    let began = Instant::now();
    let Some(path) = &run.inventory else {
        return Err(Failure::usage(
            "no inventory is given, and without one there are no hosts",
            format!(
                "name it with -i FILE, or type `palinode run {} --lab` to try the runbook in a simulated cluster",
                run.runbook.escape_debug()
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
    };
    let done = carry_out(args, plan, &how)?;
    session::report(&done.journal, &done.history, done.run, &done.stopped, args.output, began)
}

/// How a plan is carried out on real hosts.
pub(crate) struct How {
    pub(crate) yes: bool,
    pub(crate) take_over: bool,
    pub(crate) errand: args::Errand,
    pub(crate) lab_options: args::Lab,
}

/// A run that stopped.
pub(crate) struct Done {
    pub(crate) journal: DiskJournal,
    pub(crate) history: History,
    pub(crate) run: RunId,
    pub(crate) stopped: Stopped,
}

/// Carries a plan out on real hosts, once they were looked at and a person agreed.
pub(crate) fn carry_out(args: &Args, plan: Plan, how: &How) -> Result<Done, Failure> {
    acting::fits(&plan)?;
    let id = new_id()?;
    let root = place::find_or_new(args.journal.as_deref())?;
    let acting = Acting::real(args.ssh_config.as_deref(), &root, id)?;
    acting.disturb(&how.lab_options, &plan, None)?;
    let claimed = acting.ready(&plan, how.take_over, false)?;
    if !how.yes || plan.runbook != EXEC {
        to_stderr(&outline(&plan));
    }
    if !how.yes {
        agreed()?;
    }
    acting.take(&claimed)?;
    if !root.exists() {
        create(&root)?;
    }
    let mut journal = session::own(&root)?;
    let history = History::load(&journal)?;
    to_stderr(&format!("run {id}\n"));
    let opening = Opening {
        world: World::Real,
        actor: actor::actor(),
        reason: how.errand.reason.clone(),
        change: how.errand.change.clone(),
        force: false,
    };
    let start = Start::Begin(Box::new(plan), opening);
    let (stopped, history) =
        session::drive(&mut journal, &acting, history, id, start, &how.lab_options, how.errand.on_hangup)?;
    Ok(Done { journal, history, run: id, stopped })
}

/// A plan on one screen: the steps of the first host, which are those of the others.
fn outline(plan: &Plan) -> String {
    let hosts: Vec<&str> = plan.hosts().map(|host| host.as_str()).collect();
    let mut out = format!("{} on {}, {} at a time\n", plan.runbook, some(&hosts, 6), plan.serial);
    let mut told = false;
    for lane in &plan.lanes {
        let head = match &lane.kind {
            LaneKind::First => "before all hosts".to_owned(),
            LaneKind::Last => "after all hosts".to_owned(),
            LaneKind::Host(_) if told => continue,
            LaneKind::Host(host) if hosts.len() == 1 => host.to_string(),
            LaneKind::Host(_) => "each host".to_owned(),
        };
        told |= matches!(lane.kind, LaneKind::Host(_));
        let steps: Vec<_> = (lane.start..lane.end).filter_map(|ix| plan.step(ix)).collect();
        if steps.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{head}");
        for step in steps {
            let (work, class) = match &step.work {
                Work::Act(action) => (escape(&action.words()), class_words(step.class)),
                Work::Gate { gate, .. } => (format!("wait until {} holds", gate.name()), ""),
            };
            let _ = writeln!(out, "  {:<16} {work}{class}", step.label.as_str());
        }
    }
    out.push('\n');
    out
}

fn class_words(class: UndoClass) -> &'static str {
    match class {
        UndoClass::Read | UndoClass::Reversible => "",
        UndoClass::NoUndo => "  (nothing takes it back)",
        UndoClass::PointOfNoReturn => "  (no way back from here)",
    }
}

/// Asks at the terminal.
fn agreed() -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "real hosts are changed only after someone agreed, and there is no terminal to ask at",
            "look at the plan above, then type the same with --yes",
        ));
    }
    to_stderr("Type yes to change these hosts: ");
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && answer.trim() == "yes" {
        return Ok(());
    }
    Err(Failure::usage("nothing was changed: the answer was not `yes`", "type the same again when you are ready"))
}
