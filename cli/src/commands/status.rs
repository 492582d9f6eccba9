//! `palinode status`: one screen that says what happened, what is in doubt, and what to type.

use crate::args::{Args, Output, Status};
use crate::exit::{Exit, Failure};
use crate::place;
use crate::render::words::Driven;
use crate::render::{escape, json, lanes, moment, span, summary, to_stdout, words};
use crate::session::wall;
use palinode_core::event::World;
use palinode_core::history::History;
use palinode_core::id::Micros;
use palinode_core::state::RunState;
use palinode_journal::OwnerState;
use palinode_replay::driver::ShelfView;
use std::fmt::Write as _;

/// Whatever answers at once has been recorded by then.
const QUIET: Micros = Micros(15_000_000);

/// So many hosts' keys fit on one screen with the rest.
const MOST_KEYS: usize = 4;

pub(crate) fn status(args: &Args, status: &Status) -> Result<Exit, Failure> {
    let (reader, mut history) = place::read_latest(args.journal.as_deref(), status.run.as_deref())?;
    let id = place::run(&history, status.run.as_deref(), place::Default::Latest)?.run;
    place::find_words(&reader, &mut history, id)?;
    let run = place::run(&history, status.run.as_deref(), place::Default::Latest)?;
    let owner = reader.owner()?;
    // The journal has one driver; it drives the run that carries its epoch.
    let alive = matches!(owner, OwnerState::Alive { epoch, .. } if epoch == run.epoch && run.closed.is_none());
    let driven = if alive { Driven::Alive } else { Driven::No };
    let shelf = ShelfView::of(&reader, &history, run.run).ok();
    match args.output {
        Output::Json => json(&as_json(run, driven, reader.root(), shelf.as_ref())),
        Output::Text => to_stdout(&text(&history, run, driven, &owner, shelf.as_ref())),
    }
    // The process ends here: a long history is not taken apart piece by piece while someone waits for the prompt.
    drop(shelf);
    std::mem::forget(history);
    Ok(Exit::Done)
}

/// Since when a driver on real hosts has had nothing to record, if that is for long. What it waits for is not recorded.
fn quiet(run: &RunState) -> String {
    let since = wall().since(run.changed);
    if run.opened.world != World::Real || since <= QUIET {
        return String::new();
    }
    format!("; nothing new for {}: a long step, or a host that does not answer", span(since))
}

fn as_json(run: &RunState, driven: Driven, journal: &std::path::Path, shelf: Option<&ShelfView>) -> serde_json::Value {
    let mut value = summary::as_json(run, journal);
    value["state"] = words::state(run, driven).into();
    value["runbook"] = run.opened.runbook.clone().into();
    value["opened"] = run.began.0.into();
    value["changed"] = run.changed.0.into();
    value["entries"] = serde_json::json!({ "first": run.first, "last": run.last });
    value["paused"] = serde_json::to_value(&run.paused).unwrap_or_default();
    value["compensates"] = serde_json::to_value(&run.opened.compensates).unwrap_or_default();
    value["host_keys"] = serde_json::to_value(&run.host_keys).unwrap_or_default();
    value["lanes"] = lanes::lanes(run)
        .into_iter()
        .map(|row| serde_json::json!({ "name": row.name, "done": row.done, "steps": row.all, "at": row.at, "state": row.state }))
        .collect();
    let overruled = run.steps().filter(|(_, _, known)| known.overruled);
    value["overruled"] = overruled.map(|(_, step, _)| step.path.to_string()).collect();
    value["waiting"] = summary::open_steps(run, shelf)
        .into_iter()
        .map(|open| serde_json::json!({ "step": open.step, "what": open.what, "message": open.message, "next": open.next }))
        .collect();
    value
}

fn text(history: &History, run: &RunState, driven: Driven, owner: &OwnerState, shelf: Option<&ShelfView>) -> String {
    let mut out = String::new();
    let id = place::short(history, run.run);
    let _ = writeln!(out, "{} {id}: {}", escape(&run.opened.runbook), words::state(run, driven));
    let opened = &run.opened;
    let mut row = |label: &str, value: String| {
        let _ = writeln!(out, "  {label:<9} {value}");
    };
    if let Some(why) = &run.paused {
        row("because", escape(&words::pause(why)));
    }
    if let Some(words) = summary::paused_words(run, shelf) {
        row("", words);
    }
    if let Some(back) = &opened.compensates {
        row("undoes", words::taken_back(&back.scope, &place::short(history, back.run)));
    }
    row("opened", format!("{} by {}", moment(run.began), escape(&words::actor(&opened.actor))));
    if let Some(change) = &opened.change {
        row("change", escape(change));
    }
    if let Some(reason) = opened.reason {
        let reason = shelf
            .and_then(|shelf| shelf.open(reason).ok())
            .map_or_else(|| "(cannot be opened)".to_owned(), |bytes| escape(String::from_utf8_lossy(&bytes).trim()));
        row("reason", reason);
    }
    row(
        "lasted",
        format!("{}, {} entries up to {}", span(run.changed.since(run.began)), run.last.0 + 1 - run.first.0, run.last),
    );
    row(
        "driver",
        match (run.closed.is_some(), owner) {
            (true, _) => "none needed: the run is closed".to_owned(),
            (false, OwnerState::Alive { owner: Some(owner), epoch }) => {
                format!("process {} on {}, epoch {epoch}{}", owner.pid, escape(&owner.host), quiet(run))
            }
            (false, OwnerState::Alive { owner: None, .. }) => "a process that is just starting".to_owned(),
            (false, OwnerState::Dead { owner, .. }) => format!("none: process {} died", owner.pid),
            (false, OwnerState::None) => "none".to_owned(),
        },
    );
    if let World::Lab { folder } = &opened.world {
        row("lab", escape(folder));
    }
    for (host, key) in run.host_keys.iter().take(MOST_KEYS) {
        row("host key", format!("{host} {}", escape(key)));
    }
    if run.host_keys.len() > MOST_KEYS {
        row("", format!("and {} more (palinode show {id})", run.host_keys.len() - MOST_KEYS));
    }

    out.push('\n');
    out.push_str(&lanes::table(&lanes::lanes(run)));

    let overruled: Vec<_> = run.steps().filter(|(_, _, known)| known.overruled).collect();
    if !overruled.is_empty() {
        out.push_str("\nfailures that a person overruled\n");
        for (_, step, known) in overruled.iter().take(summary::MOST) {
            let _ = writeln!(out, "  {}: {}", step.path, escape(&words::step(known)));
        }
        if overruled.len() > summary::MOST {
            let _ = writeln!(out, "  and {} more (palinode show {id})", overruled.len() - summary::MOST);
        }
    }
    out.push_str(&summary::open_lines(&summary::open_steps(run, shelf)));
    let lost = summary::residues(run);
    if !lost.is_empty() {
        out.push_str("\ncannot be restored\n");
        out.push_str(&summary::residue_lines(&lost, "  ", 4));
    }
    if let Some(closed) = &run.closed
        && !closed.differences.is_empty()
    {
        out.push_str("\nnot as it was\n");
        for difference in closed.differences.iter().take(summary::MOST) {
            let (was, is) = (difference.was.to_string(), difference.is.to_string());
            let _ = writeln!(out, "  {}: was {}, is {}", escape(difference.key.as_str()), escape(&was), escape(&is));
        }
        if closed.differences.len() > summary::MOST {
            let _ = writeln!(out, "  and {} more (palinode show @)", closed.differences.len() - summary::MOST);
        }
    }
    out.push_str("\nnext\n");
    if driven == Driven::Alive {
        let _ = writeln!(out, "  palinode log -n 20               what it did last");
        let _ = writeln!(out, "  palinode pause                   finish what runs, then pause");
        for line in summary::open_steps(run, None)
            .into_iter()
            .take(summary::MOST)
            .flat_map(|open| open.next)
            .filter(|line| line != "palinode resume")
        {
            let _ = writeln!(out, "  {}", escape(&line));
        }
    } else {
        for line in summary::next(run, &id) {
            let _ = writeln!(out, "  {}", escape(&line));
        }
    }
    out
}
