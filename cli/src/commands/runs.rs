//! `palinode runs`: the runs of a journal, on one screen.

use crate::args::{Args, Output};
use crate::error::{Exit, Failure};
use crate::journal;
use crate::render::words::Driven;
use crate::render::{escape, hints, moment, print_json, suggest, to_stdout, words};
use palinode_core::id::{Micros, RunId};
use palinode_core::port::OwnerState;
use palinode_core::record::Actor;
use palinode_core::record::Compensates;
use palinode_core::record::World;
use palinode_core::run::history::History;
use palinode_core::run::state::RunState;
use std::fmt::Write as _;

/// List the runs: the open ones first, then the latest.
#[derive(Debug, clap::Args)]
pub(crate) struct Runs {
    /// Only those that are open.
    #[arg(long)]
    open: bool,
    /// Only those that act on this host.
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
}

/// What is told of a run.
struct Row<'a> {
    run: RunId,
    runbook: &'a str,
    back: Option<&'a Compensates>,
    began: Micros,
    actor: &'a Actor,
    state: &'static str,
    open: bool,
    world: &'a World,
    change: Option<&'a str>,
}

/// Lists the runs, the open ones first and then the latest.
pub(crate) fn runs(args: &Args, runs: &Runs) -> Result<Exit, Failure> {
    let (reader, history) = journal::read(args.journal.as_deref())?;
    let owner = reader.owner()?;
    let mut rows: Vec<Row<'_>> = history.order.iter().rev().filter_map(|run| row(&history, *run, &owner)).collect();
    if let Some(host) = &runs.host {
        let all = history.runs.values().flat_map(|run| run.plan.hosts()).map(|host| host.as_str());
        suggest::known(host, all, "host", "no run of the journal acts on")?;
        rows.retain(|row| {
            history.runs.get(&row.run).is_some_and(|run| run.plan.hosts().any(|known| known.as_str() == host))
        });
    }
    rows.retain(|row| row.open || !runs.open);
    rows.sort_by_key(|row| !row.open);
    match args.output {
        Output::Json => print_json(&rows.iter().map(as_json).collect()),
        Output::Text if rows.is_empty() => to_stdout("no runs\n"),
        Output::Text => to_stdout(&text(&history, &rows)),
    }
    Ok(Exit::Done)
}

fn row<'a>(history: &'a History, id: RunId, owner: &OwnerState) -> Option<Row<'a>> {
    if let Some(foreign) = history.foreign.get(&id) {
        let state = if foreign.closed { "closed" } else { "open" };
        return Some(Row {
            run: id,
            runbook: &foreign.opened.runbook,
            back: foreign.opened.compensates.as_ref(),
            began: foreign.began,
            actor: &foreign.opened.actor,
            state,
            open: !foreign.closed,
            world: &foreign.opened.world,
            change: foreign.opened.change.as_deref(),
        });
    }
    let run = history.runs.get(&id)?;
    Some(Row {
        run: id,
        runbook: &run.opened.runbook,
        back: run.opened.compensates.as_ref(),
        began: run.began,
        actor: &run.opened.actor,
        state: words::state(run, driven(run, owner)),
        open: run.closed.is_none(),
        world: &run.opened.world,
        change: run.opened.change.as_deref(),
    })
}

/// The journal has one driver; it drives the run that carries its epoch.
fn driven(run: &RunState, owner: &OwnerState) -> Driven {
    let alive = matches!(owner, OwnerState::Alive { epoch, .. } if *epoch == run.epoch && run.closed.is_none());
    if alive { Driven::Alive } else { Driven::No }
}

fn as_json(row: &Row<'_>) -> serde_json::Value {
    serde_json::json!({
        "run": row.run.to_string(),
        "runbook": row.runbook,
        "compensates": row.back,
        "opened": row.began.0,
        "actor": row.actor,
        "state": row.state,
        "open": row.open,
        "world": row.world,
        "change": row.change,
    })
}

fn text(history: &History, rows: &[Row<'_>]) -> String {
    let what = |row: &Row<'_>| match row.back {
        Some(back) => format!("takes back {}", words::taken_back(&back.scope, &journal::short(history, back.run))),
        None => row.runbook.to_owned(),
    };
    let cells: Vec<[String; 5]> = rows
        .iter()
        .map(|row| {
            [
                journal::short(history, row.run),
                escape(row.state),
                escape(&what(row)),
                moment(row.began),
                escape(&words::actor(row.actor)),
            ]
        })
        .collect();
    let width = |column: usize| cells.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0).min(48);
    let widths: Vec<usize> = (0..5).map(width).collect();
    let mut out = String::new();
    for [id, state, what, when, who] in &cells {
        let (a, b, c, d) = (widths[0], widths[1], widths[2], widths[3]);
        let _ = writeln!(out, "{id:<a$}  {state:<b$}  {what:<c$}  {when:<d$}  {who}");
    }
    if let Some(first) = rows.first() {
        let status = hints::command(&format!("status {}", journal::short(history, first.run)));
        let _ = writeln!(out, "\nnext\n  {}  where that run stands", escape(&status));
    }
    out
}
