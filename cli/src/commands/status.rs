//! `palinode status`: one screen that says what happened, what is in doubt, and what to type.

use crate::args::{Args, Output, named};
use crate::clock::wall;
use crate::error::{Exit, Failure, exit_of};
use crate::journal::{self, Reader};
use crate::render::words::Driven;
use crate::render::{escape, hints, json, lanes, moment, span, summary, to_stdout, words};
use palinode_core::id::{Micros, RunId, Seq};
use palinode_core::port::{OwnerState, StoreRead as _};
use palinode_core::record::{Actor, Event, World};
use palinode_core::run::history::History;
use palinode_core::run::state::RunState;

use palinode_replay::driver::{BodyReader, Stopped};
use std::fmt::Write as _;

/// Show where a run stands, what is in doubt, and what to type.
#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    /// The run, by the beginning of its id; by default the latest.
    run: Option<String>,
    /// The same.
    #[arg(long = "run", value_name = "RUN", conflicts_with = "run")]
    of: Option<String>,
    /// End with an exit code that tells how the run stands: 0 done or rolled back, 1 failed, 3 open (running, paused or
    /// interrupted), 4 in doubt, 6 partly rolled back.
    #[arg(long)]
    exit_code: bool,
}

named!(Status);

/// Whatever answers at once has been recorded by then.
const QUIET: Micros = Micros(15_000_000);

/// So many hosts' keys fit on one screen with the rest.
const MOST_KEYS: usize = 4;

pub(crate) fn status(args: &Args, status: &Status) -> Result<Exit, Failure> {
    let (reader, mut history) = journal::read_latest(args.journal.as_deref(), status.named())?;
    let id = journal::run(&history, status.named(), journal::Default::Latest)?.run;
    journal::find_words(&reader, &mut history, id)?;
    let run = journal::run(&history, status.named(), journal::Default::Latest)?;
    let owner = reader.owner()?;
    // The journal has one driver; it drives the run that carries its epoch.
    let alive = matches!(owner, OwnerState::Alive { epoch, .. } if epoch == run.epoch && run.closed.is_none());
    let driven = if alive { Driven::Alive } else { Driven::No };
    let shelf = BodyReader::of(&reader, &history, run.run).ok();
    let others = others(&reader, run.run)?;
    match args.output {
        Output::Json => {
            let mut value = as_json(run, &journal::short(&history, id), driven, &reader.describe(), shelf.as_ref());
            value["other_open_runs"] = others.iter().map(|(run, ..)| run.to_string()).collect();
            json(&value);
        }
        Output::Text => to_stdout(&text(&history, run, driven, &owner, shelf.as_ref(), &others)),
    }
    let exit = if status.exit_code { standing(run, driven) } else { Exit::Done };
    // The process ends here: a long history is not taken apart piece by piece while someone waits for the prompt.
    drop(shelf);
    std::mem::forget(history);
    Ok(exit)
}

/// The exit code that tells how a run stands.
fn standing(run: &RunState, driven: Driven) -> Exit {
    match &run.closed {
        Some(closed) => exit_of(&Stopped::Closed(closed.end)),
        None if driven == Driven::Alive => Exit::Paused,
        None if run.steps_in_doubt().next().is_some() => Exit::InDoubt,
        None => Exit::Paused,
    }
}

/// An open run beside the one that is shown: its name, its runbook, when it was opened and by whom.
type Other = (RunId, String, Micros, Actor);

/// The other open runs of the journal, oldest first.
fn others(reader: &Reader, shown: RunId) -> Result<Vec<Other>, Failure> {
    let open: Vec<(RunId, Seq)> = reader.open_runs()?.into_iter().filter(|(run, _)| *run != shown).collect();
    let firsts: Vec<Seq> = open.iter().map(|(_, first)| *first).collect();
    let opened = reader.entries_at(&firsts)?.into_iter().filter_map(|stored| match stored.entry.event {
        Event::RunOpened(opened) => Some((stored.entry.run, opened.runbook, stored.entry.time, opened.actor)),
        _ => None,
    });
    Ok(opened.collect())
}

/// Since when a driver on real hosts has had nothing to record, if that is for long. What it waits for is not recorded.
fn quiet(run: &RunState) -> String {
    let since = wall().since(run.changed);
    if run.opened.world != World::Real || since <= QUIET {
        return String::new();
    }
    format!("; nothing new for {}: a long step, or a host that does not answer", span(since))
}

fn as_json(run: &RunState, id: &str, driven: Driven, journal: &str, shelf: Option<&BodyReader>) -> serde_json::Value {
    let mut value = summary::as_json(run, driven, journal, shelf);
    value["runbook"] = run.opened.runbook.clone().into();
    value["opened"] = run.began.0.into();
    value["changed"] = run.changed.0.into();
    value["entries"] = serde_json::json!({ "first": run.first, "last": run.last });
    value["paused"] = serde_json::to_value(&run.paused).unwrap_or_default();
    value["compensates"] = serde_json::to_value(&run.opened.compensates).unwrap_or_default();
    value["host_keys"] = serde_json::to_value(&run.host_keys).unwrap_or_default();
    value["lanes"] = lanes::lanes(run, driven)
        .into_iter()
        .map(|row| serde_json::json!({ "name": row.name, "done": row.done, "steps": row.all, "at": row.at, "state": row.state, "since": row.since }))
        .collect();
    let overruled = run.steps().filter(|(_, _, known)| known.overruled);
    value["overruled"] = overruled.map(|(_, step, _)| step.path.to_string()).collect();
    value["waiting"] = summary::open_steps(run, id, shelf)
        .into_iter()
        .map(|open| serde_json::json!({ "step": open.step, "what": open.what, "message": open.message, "next": open.next }))
        .collect();
    value
}

fn text(
    history: &History,
    run: &RunState,
    driven: Driven,
    owner: &OwnerState,
    shelf: Option<&BodyReader>,
    others: &[Other],
) -> String {
    let mut out = String::new();
    let id = journal::short(history, run.run);
    let show = || format!("`{}`", escape(&hints::command(&format!("show {id}"))));
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
        row("undoes", words::taken_back(&back.scope, &journal::short(history, back.run)));
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
        row("", format!("and {} more ({})", run.host_keys.len() - MOST_KEYS, show()));
    }

    out.push('\n');
    out.push_str(&lanes::table(&lanes::lanes(run, driven)));

    let overruled: Vec<_> = run.steps().filter(|(_, _, known)| known.overruled).collect();
    if !overruled.is_empty() {
        out.push_str("\nfailures that a person overruled\n");
        for (_, step, known) in overruled.iter().take(summary::MOST) {
            let _ = writeln!(out, "  {}: {}", step.path, escape(&words::step(known, driven)));
        }
        if overruled.len() > summary::MOST {
            let _ = writeln!(
                out,
                "  and {} more ({})",
                overruled.len() - summary::MOST,
                hints::command(&format!("show {id}"))
            );
        }
    }
    out.push_str(&summary::open_lines(&waiting(run, &id, driven, shelf), &id));
    let lost = summary::residues(run, shelf);
    if !lost.is_empty() {
        out.push_str("\ncannot be restored\n");
        out.push_str(&summary::residue_lines(&lost, "  ", 4, &id));
    }
    if let Some(closed) = &run.closed
        && !closed.differences.is_empty()
    {
        out.push_str("\nnot as it was\n");
        for difference in closed.differences.iter().take(summary::MOST) {
            let what = words::differs(&difference.was, &difference.is);
            let _ = writeln!(out, "  {}: {}", escape(difference.key.as_str()), escape(&what));
        }
        if closed.differences.len() > summary::MOST {
            let _ = writeln!(out, "  and {} more ({})", closed.differences.len() - summary::MOST, show());
        }
    }
    if !others.is_empty() {
        out.push_str("\nother open runs\n");
        for (run, runbook, began, actor) in others.iter().take(summary::MOST) {
            let id = journal::short(history, *run);
            let status = hints::command(&format!("status {id}"));
            let by = escape(&words::actor(actor));
            let _ = writeln!(out, "  {}, opened {} by {by}: `{}`", escape(runbook), moment(*began), escape(&status));
        }
        if others.len() > summary::MOST {
            let all = hints::command("runs --open");
            let _ = writeln!(out, "  and {} more (`{}`)", others.len() - summary::MOST, escape(&all));
        }
    }
    let next = match driven {
        Driven::No => summary::next(run, &id),
        Driven::Alive => {
            let line = |words: &str, what: &str| (hints::command(words), what.to_owned());
            let mut next = vec![
                line(&format!("log {id} -n 20"), "what it did last"),
                line(&format!("pause {id}"), "finish what runs, then pause"),
            ];
            let decisions = waiting(run, &id, driven, None).into_iter().take(summary::MOST).flat_map(|open| open.next);
            next.extend(decisions.map(|line| (line, String::new())));
            next
        }
    };
    out.push_str(&summary::next_lines(&next));
    out
}

/// The steps that wait for a person. What a living driver has under way waits for nobody.
fn waiting(run: &RunState, id: &str, driven: Driven, shelf: Option<&BodyReader>) -> Vec<summary::Open> {
    let resume = hints::command(&format!("resume {id}"));
    let mut all = summary::open_steps(run, id, shelf);
    all.retain(|open| driven == Driven::No || open.next.iter().all(|line| *line != resume));
    all
}
