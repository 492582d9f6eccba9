//! Carrying a new plan out: on real hosts or in a lab.

use crate::acting::Acting;
use crate::args::{self, Args};
use crate::commands::exec::EXEC;
use crate::commands::run::new_id;
use crate::exit::Failure;
use crate::render::live::Live;
use crate::render::{escape, some, to_stderr};
use crate::session::{self, Start};
use crate::targets::{self, Against, Mandate, Taking};
use crate::{actor, consent, place, world};
use palinode_core::action::UndoClass;
use palinode_core::id::RunId;
use palinode_core::record::World;
use palinode_core::run::effect::effect_unknown;
use palinode_core::run::history::History;
use palinode_core::run::plan::{LaneKind, Plan, Step, Work};
use palinode_journal::{DiskJournal, create, create_as};
use palinode_replay::driver::{Opening, Stopped, Targets};
use palinode_replay::lab;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// How a plan is carried out.
pub(crate) struct How {
    pub(crate) yes: bool,
    pub(crate) take_over: bool,
    pub(crate) errand: args::Errand,
    pub(crate) lab_options: args::Lab,
    /// Hears what steps print on real hosts.
    pub(crate) live: Option<Rc<Live>>,
}

/// A run that stopped.
pub(crate) struct Done {
    pub(crate) journal: DiskJournal,
    pub(crate) history: History,
    pub(crate) run: RunId,
    pub(crate) stopped: Stopped,
}

/// Carries a plan out on real hosts, once they were looked at and a person agreed.
pub(crate) fn on_hosts(args: &Args, plan: Plan, how: &How) -> Result<Done, Failure> {
    let id = new_id()?;
    let root = place::find_or_new(args.journal.as_deref())?;
    // What is there is locked before anything is asked: nobody else goes on with this journal meanwhile.
    let there = root.exists().then(|| session::own(&root)).transpose()?;
    let history = there.as_ref().map(History::load).transpose()?.unwrap_or_default();
    let mandate = match &there {
        Some(journal) => {
            targets::give_up_left(args, journal, &history);
            targets::undisturbed(&history, &World::Real, plan.hosts(), None)?;
            Mandate::of(journal)
        }
        None => Mandate::fresh(&root)?,
    };
    let mut acting = Acting::real(args, &mandate, id, &plan)?;
    acting.listen(how.live.clone());
    acting.disturb(&how.lab_options, &plan, None)?;
    let against = Against::new(there.as_ref(), &history);
    let taking = acting.ready(&plan, Some(how.take_over), false, against)?;
    if !how.yes || plan.runbook != EXEC {
        to_stderr(&outline(&plan));
    }
    if !how.yes {
        consent::ask("These hosts are changed.", "look at the plan above, then type the same with --yes")?;
    }
    let mut journal = match there {
        Some(journal) => journal,
        None => {
            create_as(&root, &mandate.id)?;
            session::own(&root)?
        }
    };
    to_stderr(&format!("run {id}\n"));
    let mut opening = opening(World::Real, how);
    opening.targets.taken = taking.words.clone();
    let start = Start::Begin(Box::new(plan), opening);
    let (stopped, history) =
        session::drive(&mut journal, &acting, history, id, (start, &taking), &how.lab_options, how.errand.on_hangup)?;
    Ok(Done { journal, history, run: id, stopped })
}

/// The lab that a plan is carried out in.
pub(crate) struct LabAt<'a> {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// How many storage nodes it gets, if it is not there.
    pub(crate) nodes: usize,
    /// The inventory that it gets then.
    pub(crate) inventory: &'a str,
}

/// Carries a plan out in a lab. What can be wrong is found before a lab or a journal is made.
pub(crate) fn in_lab(root: &Path, id: RunId, plan: Plan, at: LabAt<'_>, how: &How) -> Result<Done, Failure> {
    let disturbance = world::disturbance(&how.lab_options, &plan)?;
    let new = (!world::is_there(&at.folder)).then(|| lab::World::of(at.nodes));
    if let Some(new) = &new {
        world::fits(&plan, new)?;
    }
    if !root.exists() {
        create(root)?;
    }
    let mut journal = session::own(root)?;
    let old = new.is_none();
    let (lab, folder) = world::create(&at.folder, new.map(|world| (world, at.inventory)))?;
    if old {
        world::fits(&plan, &lab.snapshot())?;
    }
    disturbance.apply(&lab);
    let history = History::load(&journal)?;
    let place = World::Lab { folder: folder.to_string_lossy().into_owned() };
    targets::undisturbed(&history, &place, plan.hosts(), None)?;
    let hosts: Vec<&str> = plan.hosts().map(|host| host.as_str()).collect();
    to_stderr(&format!(
        "{} on {}, {} at a time, in the lab {}\nrun {id}\n",
        plan.runbook,
        some(&hosts, 6),
        plan.serial,
        escape(&folder.to_string_lossy())
    ));
    let opening = opening(place, how);
    let start = Start::Begin(Box::new(plan), opening);
    let acting = Acting::lab(lab)?;
    let none = Taking::default();
    let (stopped, history) =
        session::drive(&mut journal, &acting, history, id, (start, &none), &how.lab_options, how.errand.on_hangup)?;
    Ok(Done { journal, history, run: id, stopped })
}

fn opening(world: World, how: &How) -> Opening {
    Opening {
        world,
        actor: actor::actor(),
        reason: how.errand.reason.clone(),
        change: how.errand.change.clone(),
        force: false,
        targets: Targets::default(),
    }
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
                Work::Act(action) => (escape(&action.words()), class_words(step)),
                Work::Gate { gate, .. } => (format!("wait until {} holds", gate.name()), String::new()),
            };
            let _ = writeln!(out, "  {:<16} {work}{class}", step.label.as_str());
        }
    }
    out.push('\n');
    out
}

fn class_words(step: &Step) -> String {
    let words = match (step.class, &step.undo_reason) {
        (UndoClass::NoUndo, Some(reason)) => return format!("  (nothing takes it back: {})", escape(reason)),
        _ if effect_unknown(step, None) => "  (not known what it changes)",
        (UndoClass::NoUndo, None) => "  (nothing takes it back)",
        (UndoClass::PointOfNoReturn, _) => "  (no way back from here)",
        (UndoClass::Read | UndoClass::Reversible | UndoClass::UnknownEffect, _) => "",
    };
    words.to_owned()
}
