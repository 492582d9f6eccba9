//! `palinode run`.

use crate::args::Args;
use crate::asking::Terminal;
use crate::error::{Exit, Failure};
use crate::lab::{self, LabOptions};
use crate::render::live::Live;
use crate::render::to_stderr;
use crate::run::{Consent, InLab, RunMetadata, Settings, What, World, outline};
use crate::sources;
use palinode_core::inventory::model::Reading;
use palinode_core::run::plan::Plan;
use palinode_core::runbook::{Given, Runbook};
use palinode_replay::lab::{DEFAULT_NODES, inventory_of};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Run a runbook.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// A runbook's name, or a file.
    runbook: String,
    /// Act in a simulated cluster, made for this run.
    #[arg(long)]
    lab: bool,
    /// Act in the simulated cluster of this folder; made if it is not there.
    #[arg(long, value_name = "DIR", conflicts_with = "lab")]
    lab_state: Option<PathBuf>,
    /// How many storage nodes a new simulated cluster has; other nodes, pods and volumes grow with them [default: 3].
    #[arg(long, value_name = "N", value_parser = lab::node_count, allow_negative_numbers = true)]
    lab_nodes: Option<usize>,
    /// The inventory, with the hosts to act on; the lab has one of its own.
    #[arg(short, long, value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// Act on real hosts without asking.
    #[arg(short, long)]
    yes: bool,
    /// Take hosts over that another journal claims. Only if you know that nobody works on them any more.
    #[arg(long)]
    take_over: bool,
    /// Set a parameter of the runbook.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Only this host of the group; may be given several times.
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    /// Show what steps print on real hosts, while they run.
    #[arg(long)]
    live: bool,
    /// Hand questions of playbooks to this terminal: variables, passwords, pauses. Without it a playbook that asks is
    /// refused, or ended.
    #[arg(long)]
    ask: bool,
    #[command(flatten)]
    metadata: RunMetadata,
    #[command(flatten)]
    lab_options: LabOptions,
}

fn expand(name: &str, text: &str, given: &Given) -> Result<Plan, Failure> {
    Runbook::plan(text, given).map_err(|findings| Failure::findings(name, text, findings))
}

/// Opens a run and drives it.
pub(crate) fn run(args: &Args, run: &Run) -> Result<Exit, Failure> {
    let began = Instant::now();
    let (name, text) = sources::load_runbook(&run.runbook)?;
    let settings = Settings {
        take_over: run.take_over,
        live: Live::beside(run.live),
        asks: Terminal::if_asked(run.ask)?,
        lab: run.lab_options.clone(),
        ..Settings::new(run.metadata.clone())
    };
    let (what, consent) = match run.lab || run.lab_state.is_some() {
        true => (in_lab(run, &name, &text)?, Consent::given()),
        false => on_hosts(run, &name, &text)?,
    };
    let ready = World::open(args, what, settings)?.check()?;
    for lost in ready.lost_packages() {
        to_stderr(&format!("warning: what a step removes could not be put back: {lost}\n"));
    }
    ready.claim(consent)?.drive()?.report(args.output, began)
}

/// On real hosts the plan is shown, and a person asked.
fn on_hosts(run: &Run, name: &str, text: &str) -> Result<(What<'static>, Consent), Failure> {
    let Some(path) = &run.inventory else {
        return Err(Failure::usage(
            "no inventory is given, and without one there are no hosts",
            format!(
                "name it with -i FILE, or type `palinode run {} --lab` to try the runbook in a simulated cluster",
                run.runbook
            ),
        ));
    };
    let inventory = sources::read_inventory(path)?;
    let editable = inventory.can_be_edited();
    let given = Given {
        inventory: Some((sources::recorded_path(path)?, Arc::new(inventory))),
        parameters: sources::parameters(&run.set)?,
        only: run.host.clone(),
    };
    let plan = expand(name, text, &given)?;
    if !editable {
        sources::no_edits(&plan)?;
    }
    let asked = ("These hosts are changed.", "look at the plan above, then type the same with --yes".to_owned());
    let consent = Consent { shown: outline(&plan), question: (!run.yes).then_some(asked) };
    Ok((What::OnHosts(plan), consent))
}

/// Everything that can be wrong is found before a lab or a journal is made.
fn in_lab<'a>(run: &'a Run, name: &'a str, text: &'a str) -> Result<What<'a>, Failure> {
    let own = run.inventory.as_deref().map(sources::inventory_text).transpose()?;
    let there = run.lab_state.as_deref().map(|dir| dir.join("hosts")).filter(|hosts| hosts.exists());
    if let (Some(_), Some(hosts)) = (&own, &there) {
        return Err(Failure::usage(
            format!("the lab already has an inventory, {}", hosts.display()),
            "leave -i away, or edit that file",
        ));
    }
    let nodes = run.lab_nodes.unwrap_or(DEFAULT_NODES);
    let inventory = match (&own, &there) {
        (Some(text), _) => text.clone(),
        (None, Some(hosts)) => sources::inventory_text(hosts)?,
        (None, None) => inventory_of(nodes),
    };
    let expand = move |folder: &Path| {
        // The canonical folder is what the plan names, and it is known before it is made.
        let shown = folder.join("hosts").to_string_lossy().into_owned();
        // A complaint about the inventory names the file that the person gave.
        let known_as = match (&run.inventory, &there) {
            (Some(path), _) | (None, Some(path)) => path.display().to_string(),
            (None, None) => "the lab's inventory".to_owned(),
        };
        let reading = Reading::of_text(&known_as, inventory.as_bytes()).map_err(|error| sources::unread(&error))?;
        let mut given = Given {
            parameters: sources::parameters(&run.set)?,
            inventory: Some((shown, Arc::new(reading))),
            only: run.host.clone(),
        };
        let plan = expand(name, text, &given).map_err(|failure| {
            given.inventory = given.inventory.take().map(|(_, reading)| (known_as, reading));
            expand(name, text, &given).err().unwrap_or(failure)
        })?;
        Ok((plan, inventory))
    };
    Ok(What::InLab(InLab { folder: run.lab_state.clone(), nodes: run.lab_nodes, plan: Box::new(expand) }))
}
