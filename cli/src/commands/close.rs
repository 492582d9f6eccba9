//! `palinode close`: the end of a run that nobody goes on with.

use crate::actor;
use crate::args::{Args, Output, named};
use crate::error::{Exit, Failure};
use crate::journal::{self, Journal, Store};
use crate::render::words::Driven;
use crate::render::{count, escape, hints, json, summary, to_stderr, to_stdout, words};
use crate::run::{self, Mandate, World};
use palinode_core::port::{ClaimNotes as _, Store as _};
use palinode_core::record;
use palinode_core::run::history::History;
use palinode_core::run::state::RunState;
use palinode_replay::driver::{BodyReader, DriveError, TakeOver, Targets};
use std::fmt::Write as _;

/// Close an open run that nobody goes on with: it ends as failed, and its hosts are given back.
///
/// Nothing is done on any host. What the run did stays, and can be taken back by `rollback`.
#[derive(Debug, clap::Args)]
pub(crate) struct Close {
    /// The run, by the beginning of its id.
    #[arg(required_unless_present = "of")]
    run: Option<String>,
    /// The same.
    #[arg(long = "run", value_name = "RUN", conflicts_with = "run")]
    of: Option<String>,
    /// Why nobody goes on with it, for the record.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Close it although steps are in doubt: each is recorded as done in part, and a rollback looks at what is there.
    #[arg(long)]
    force: bool,
}

named!(Close);

/// Records the end of an open run. Nothing is done on any host, but that its claims are given back.
pub(crate) fn close(args: &Args, close: &Close) -> Result<Exit, Failure> {
    if close.reason.trim().is_empty() {
        return Err(Failure::usage("closing a run needs a reason", "say why after --reason"));
    }
    let store = journal::store(args.journal.as_deref())?;
    let mut journal = journal::own(&store)?;
    let history = History::load(&journal)?;
    let state = journal::run(&history, close.named(), journal::Default::Open)?;
    refused(&history, state, close)?;
    let run = state.run;
    // Only a record is made: neither a lab that is gone nor hosts that do not answer keep a run open.
    let world = World::unreached(state, store.root()).or_else(|_| World::nowhere(store.root()))?;
    let by = TakeOver { actor: actor::actor(), gap: None, force: false, targets: Targets::default() };
    let (_, history) = run::close(&mut journal, &world, history, run, close.reason.trim(), Some(by))?;
    drop(world);
    let state = history.runs.get(&run).ok_or(DriveError::NoRun(run))?;
    release(args, &history, state, (&store, &journal));
    let shelf = BodyReader::of(&journal, &history, run).ok();
    match args.output {
        Output::Json => json(&summary::as_json(state, Driven::No, &store.describe(), shelf.as_ref())),
        Output::Text => to_stdout(&text(&history, state, shelf.as_ref())),
    }
    Ok(Exit::Done)
}

/// Why a run is not closed.
fn refused(history: &History, state: &RunState, close: &Close) -> Result<(), Failure> {
    let id = journal::short(history, state.run);
    if state.closed.is_some() {
        return Err(Failure::usage(
            format!("run {id} is closed already"),
            format!("type `{}` to see how it ended", hints::command(&format!("status {id}"))),
        ));
    }
    let back = history.runs.values().find(|other| {
        other.closed.is_none() && other.opened.compensates.as_ref().is_some_and(|back| back.run == state.run)
    });
    if let Some(back) = back {
        let back = journal::short(history, back.run);
        return Err(Failure::usage(
            format!("run {id} is being taken back by run {back}, which must come to its end first"),
            format!(
                "type `{}` to go on with that, or `{}` to end it",
                hints::command(&format!("resume {back}")),
                hints::command(&format!("close {back} --reason TEXT"))
            ),
        ));
    }
    let doubts: Vec<String> = state.steps_in_doubt().map(|(step, _)| step.path.to_string()).collect();
    if let Some(first) = doubts.first().filter(|_| !close.force) {
        let names: Vec<&str> = doubts.iter().map(String::as_str).collect();
        let verb = if doubts.len() == 1 { "is" } else { "are" };
        return Err(Failure::new(
            Exit::InDoubt,
            format!("{} {verb} in doubt, and may be at work; run {id} stays open", crate::render::some(&names, 6)),
            format!(
                "type `{}` to look, or `{}` (or --not-applied, --partial) to say what became of it; with --force it is \
                 closed all the same, and each counts as done in part",
                hints::command(&format!("resume {id}")),
                hints::of_step("resolve", first, "--applied --reason TEXT", &id)
            ),
        ));
    }
    Ok(())
}

/// Gives the hosts of the run back. What cannot be reached is told, and changes nothing about the end of the run.
fn release(args: &Args, history: &History, state: &RunState, (store, journal): (&Store, &Journal)) {
    if state.opened.world != record::World::Real {
        return;
    }
    match World::reopen(state, args, &Mandate::of(store, journal)) {
        Ok(world) if world.release(history, state.run) => {
            // A note that stays leads to one more look.
            let _ = journal.forget_claims(state.run);
        }
        // It told which hosts stay claimed.
        Ok(_) => {}
        Err(failure) => to_stderr(&format!(
            "notice: its hosts could not be reached to give them up, and stay claimed by this journal: {}\n",
            failure.what()
        )),
    }
}

fn text(history: &History, state: &RunState, shelf: Option<&BodyReader>) -> String {
    let id = journal::short(history, state.run);
    let mut out = String::new();
    let _ = writeln!(out, "{} {id}: closed as {}", escape(&state.opened.runbook), words::state(state, Driven::No));
    let left: Vec<_> = state.steps().filter(|(_, _, known)| !known.stage.is_behind()).collect();
    if !left.is_empty() {
        let _ = writeln!(out, "\n{} not done", count(left.len(), "step"));
        for (_, step, known) in left.iter().take(summary::MOST) {
            let _ = writeln!(out, "  {:<50} {}", escape(step.path.as_str()), words::step(known, Driven::No));
        }
        if left.len() > summary::MOST {
            let _ = writeln!(out, "  and {} more", left.len() - summary::MOST);
        }
    }
    let lost = summary::residues(state, shelf);
    if !lost.is_empty() {
        out.push_str("\ncannot be restored\n");
        out.push_str(&summary::residue_lines(&lost, "  ", 4, &id));
    }
    out.push_str(&summary::next_lines(&summary::next(state, &id)));
    out
}
