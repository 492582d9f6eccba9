//! `palinode exec`: one action without a runbook, recorded as a run is.

mod arguments;
mod host;
mod incomplete;
mod lockout;
mod look;
mod meant;
mod node;
mod object;
mod plan;
mod pod;
mod wanted;

use crate::args::{Args, Output};
use crate::confirm;
use crate::error::{Exit, Failure};
use crate::lab;
use crate::render::live::Live;
use crate::render::{bytes_to_stdout, escape, to_stderr, to_stdout};
use crate::run::{Consent, InLab, NodeNames, Settings, Stopped, What, World};
use crate::sources;
pub(crate) use arguments::Exec;
use look::Ask;
use palinode_core::action::Action;
use palinode_core::id::{HostName, Seq};
use palinode_core::port::JournalRead as _;
use palinode_core::record::{Ending, Event};
use palinode_core::run::plan::Plan;
use palinode_replay::driver::BodyReader;
use palinode_replay::lab::{DEFAULT_NODES, inventory_of};
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;
use wanted::Wanted;

/// Carries out the one action, and prints what it printed.
pub(crate) fn exec(args: &Args, exec: &Exec) -> Result<Exit, Failure> {
    let began = Instant::now();
    let plan = planned(args, exec)?;
    let fetches = plan.actions().any(|(_, action)| matches!(action, Action::Fetch(_)));
    // Of what is only in the lab nobody is locked out.
    let asks = exec.lab_state.is_none() && !exec.yes;
    let locks_out = plan.actions().find_map(|(_, action)| lockout::locks_out(action)).filter(|_| asks);
    if let Some(what) = &locks_out {
        ask_for_another_way_in(what)?;
    }
    let live = Rc::new(Live::new(to_stdout, false));
    let heard = (args.output == Output::Text && !fetches).then(|| Rc::clone(&live));
    let settings = Settings { take_over: exec.take_over, live: heard, ..Settings::new(exec.metadata.clone()) };
    let what = match &exec.lab_state {
        Some(folder) => {
            let plan = Box::new(move |_: &Path| Ok((plan, inventory_of(DEFAULT_NODES))));
            What::InLab(InLab { folder: Some(folder.clone()), nodes: None, plan })
        }
        None => What::OnHosts(plan),
    };
    let ready = World::open(args, what, settings)?.check()?;
    if asks && locks_out.is_none() {
        let stops = |unit: &String| lockout::stopped_along(unit);
        if let Some(what) = ready.stopped_along(lockout::is_way_in)?.iter().find_map(stops) {
            ask_for_another_way_in(&what)?;
        }
    }
    let lost = ready.lost_packages();
    if !lost.is_empty() {
        let warning = format!("warning: what this removes could not be put back:\n  {}\n", lost.join("\n  "));
        match exec.yes {
            true => to_stderr(&warning),
            false => confirm::ask(
                &warning,
                "mend that first, or type it again with --yes to go on without a way back: `palinode exec --yes HOST ...`",
            )?,
        }
    }
    let done = ready.claim(Consent::given())?.drive()?;
    if args.output == Output::Json {
        return done.report(args.output, began);
    }
    tell(&done, &live, fetches)?;
    let exit = done.exit();
    if exit != Exit::Done {
        done.report(args.output, began)?;
    }
    Ok(exit)
}

fn ask_for_another_way_in(what: &str) -> Result<(), Failure> {
    confirm::ask(
        &format!("warning: {}.\n", escape(what)),
        "if there is another way in, such as a console, type it again with --yes: `palinode exec --yes HOST ...`",
    )
}

/// The plan of what was typed, where it is known what that means.
fn planned(args: &Args, exec: &Exec) -> Result<Plan, Failure> {
    match wanted::wanted(exec)? {
        Wanted::Host(action) => {
            let host = HostName::new(&exec.on)
                .map_err(|bad| Failure::usage(format!("`{}` is no host: {bad}", exec.on), "name it as ssh does"))?;
            let inventory = exec.inventory.as_deref().map(|path| known(path, &exec.on)).transpose()?;
            plan::plan(Some(host), vec![action], exec.repeatable, inventory)
        }
        Wanted::Node(work) => match &exec.lab_state {
            Some(folder) => {
                let host = meant::named(meant::node_alone(&exec.on).unwrap_or(&exec.on))?;
                let world = match lab::is_there(folder) {
                    true => lab::open(folder)?.snapshot(),
                    false => palinode_replay::lab::World::of(DEFAULT_NODES),
                };
                let taints = world.node(host.as_str()).map(|node| node.taints.clone()).unwrap_or_default();
                let actions = work.actions(host.as_str(), &taints)?;
                plan::plan(Some(host), actions, false, None)
            }
            None => {
                let meant = meant::node(args, exec, &work)?;
                let actions = work.actions(meant.host.as_str(), &meant.taints)?;
                plan::plan(Some(meant.host), actions, false, meant.inventory)
            }
        },
        Wanted::Object(work) => {
            on_the_api(exec, "objects of the API")?;
            let action = work.action(&Ask::open(args, NodeNames::new())?)?;
            plan::plan(None, vec![action], false, None)
        }
        Wanted::Pod(command) => {
            on_the_api(exec, "commands in pods")?;
            let action = Action::KubeExec(command.clone());
            let plan = plan::plan(None, vec![action], exec.repeatable, None)?;
            pod::is_there(&Ask::open(args, NodeNames::new())?, &command)?;
            Ok(plan)
        }
    }
}

/// Refuses what only the API of a real cluster has.
fn on_the_api(exec: &Exec, what: &str) -> Result<(), Failure> {
    if exec.lab_state.is_some() {
        let next = "leave --lab-state away to act on a cluster, or name a node of the lab";
        return Err(Failure::usage(format!("the lab has no {what}, its nodes alone"), next));
    }
    if exec.inventory.is_some() {
        return Err(Failure::usage(format!("{what} are reached without an inventory"), "leave -i away"));
    }
    Ok(())
}

/// Prints what the action printed and was not heard while it ran. What was fetched is meant for a file.
fn tell(done: &Stopped, live: &Live, fetches: bool) -> Result<(), Failure> {
    let bodies = BodyReader::of(&done.journal, &done.history, done.run);
    let first = done.history.runs.get(&done.run).map_or(Seq(1), |run| run.first);
    for stored in done.journal.read(first)? {
        let Event::Outcome(outcome) = stored?.entry.event else { continue };
        let (Ok(bodies), Some(output)) = (&bodies, outcome.output) else { continue };
        let bytes = bodies.open(output)?;
        if fetches && outcome.ending == Ending::Succeeded {
            bytes_to_stdout(&bytes);
            continue;
        }
        let heard = live.heard(&outcome.step, outcome.attempt);
        live.hear(&outcome.step, outcome.attempt, bytes.get(heard..).unwrap_or_default());
    }
    live.flush();
    Ok(())
}

/// The path of an inventory that has the host.
fn known(path: &Path, host: &str) -> Result<String, Failure> {
    if !sources::read_inventory(path)?.has_host(host) {
        return Err(Failure::usage(
            format!("the inventory {} has no host `{}`", path.display(), host),
            "correct the name, or leave -i away to reach the host as the configuration of ssh says",
        ));
    }
    sources::recorded_path(path)
}
