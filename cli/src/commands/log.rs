//! `palinode log`: what happened, entry by entry.

use crate::args::{Args, Log, Output};
use crate::exit::{Exit, Failure};
use crate::place;
use crate::render::progress::split;
use crate::render::{clock, escape, json, moment, to_stdout, words};
use palinode_core::event::{Answer, Decision, Ending, Event, Rule};
use palinode_core::history::History;
use palinode_core::id::{RunId, Seq};
use palinode_core::port::{JournalRead, Stored};
use palinode_replay::driver::ShelfView;
use std::collections::BTreeMap;
use std::fmt::Write as _;

pub(crate) fn log(args: &Args, log: &Log) -> Result<Exit, Failure> {
    let (reader, history) = place::read(args.journal.as_deref())?;
    let only = log.run.as_deref().map(|run| place::run(&history, Some(run), place::Default::Latest)).transpose()?;
    let wanted = |stored: &Stored| {
        only.is_none_or(|run| run.run == stored.entry.run)
            && log
                .step
                .as_deref()
                .is_none_or(|prefix| stored.entry.event.step().is_some_and(|step| step.as_str().starts_with(prefix)))
    };
    let from = only.map_or(Seq(1), |run| run.first);
    let mut all = std::collections::VecDeque::new();
    for stored in reader.read(from)? {
        let stored = stored?;
        if wanted(&stored) {
            all.push_back(stored);
            if log.last.is_some_and(|last| all.len() > last) {
                all.pop_front();
            }
        }
    }
    if args.output == Output::Json {
        let list = all.iter().map(|stored| serde_json::json!({ "id": stored.id.to_string(), "entry": stored.entry }));
        json(&list.collect());
        return Ok(Exit::Done);
    }
    let mut shelves: BTreeMap<RunId, Option<ShelfView>> = BTreeMap::new();
    let several = only.is_none() && history.runs.len() > 1;
    let mut out = String::new();
    let mut day = String::new();
    for stored in &all {
        let entry = &stored.entry;
        let date = moment(entry.time)[..10].to_owned();
        if date != day {
            let _ = writeln!(out, "{date} (UTC)");
            day = date;
        }
        let shelf = shelves.entry(entry.run).or_insert_with(|| ShelfView::of(&reader, &history, entry.run).ok());
        let run = if several { format!("{}  ", place::short(&history, entry.run)) } else { String::new() };
        let step = entry.event.step().map(|step| {
            let (place, step) = split(step);
            format!("{place} {step}")
        });
        let what = describe(&entry.event, shelf.as_ref(), &history);
        let subject = step.map(|step| format!("{step}: ")).unwrap_or_default();
        let _ = writeln!(
            out,
            "{:>5}  {}  {run}{:<13}  {}{}",
            entry.seq.0,
            clock(entry.time),
            entry.event.kind(),
            subject,
            escape(&what)
        );
    }
    to_stdout(&out);
    Ok(Exit::Done)
}

/// An entry in a few words.
pub(crate) fn describe(event: &Event, shelf: Option<&ShelfView>, history: &History) -> String {
    let open = |id: palinode_core::id::BodyId| match shelf.map(|shelf| shelf.open(id)) {
        Some(Ok(bytes)) => {
            let text = String::from_utf8_lossy(&bytes).trim().to_owned();
            text.lines().next().unwrap_or_default().to_owned()
        }
        Some(Err(error)) => format!("({error})"),
        None => "(cannot be opened)".to_owned(),
    };
    let said =
        |reason: Option<palinode_core::id::BodyId>| reason.map(|id| format!(": {}", open(id))).unwrap_or_default();
    match event {
        Event::RunOpened(opened) => {
            let back = opened.compensates.as_ref().map(|back| {
                format!(", takes back {} of run {}", words::scope(&back.scope), place::short(history, back.run))
            });
            let change = opened.change.as_ref().map(|change| format!(", change {change}")).unwrap_or_default();
            format!(
                "{} by {}{change}{}{}",
                opened.runbook,
                words::actor(&opened.actor),
                back.unwrap_or_default(),
                said(opened.reason)
            )
        }
        Event::OwnerChanged { owner, actor, force, .. } => {
            let force = if *force { ", may overwrite drift" } else { "" };
            format!("process {} on {}, by {}{force}", owner.pid, owner.host, words::actor(actor))
        }
        Event::Intent(intent) => match intent.attempt {
            1 => intent.action.words(),
            attempt => format!("{}, attempt {attempt}", intent.action.words()),
        },
        Event::Outcome(outcome) => {
            let ending = match outcome.ending {
                Ending::Succeeded => "succeeded",
                Ending::Failed => "failed",
                Ending::Unknown => "in doubt",
            };
            let why = outcome.why.map(|why| format!(", {}", words::why(why))).unwrap_or_default();
            let captures: Vec<String> =
                outcome.captures.iter().map(|(name, value)| format!(", {name} = {value}")).collect();
            format!("{ending}{why}{}{}", captures.concat(), said(outcome.message))
        }
        Event::Probed(probed) => {
            let rule = match probed.rule {
                Rule::Job => "the job's own word",
                Rule::Probe => "a look at the target",
                Rule::Repeat => "safe to repeat",
                Rule::Ask => "nothing decides",
            };
            let decision = match probed.decision {
                Decision::Succeeded => "it happened",
                Decision::Failed => "it failed",
                Decision::Wait => "it is still running",
                Decision::Again => "again",
                Decision::FailedPartial => "a part of it happened: failed",
                Decision::Ask => "ask the operator",
            };
            format!("{decision} ({rule}){}", said(probed.evidence))
        }
        Event::Resolved { answer, by, reason, .. } => {
            let answer = match answer {
                Answer::Applied => "it happened",
                Answer::NotApplied => "it did not happen",
                Answer::Partial => "a part of it happened",
                Answer::Retry => "try again",
            };
            format!("{answer}, says {}{}", words::actor(by), said(*reason))
        }
        Event::Skipped { why, by, reason, .. } => {
            let by = by.as_ref().map(|by| format!(", {}", words::actor(by))).unwrap_or_default();
            format!("{}{by}{}", words::skip(why), said(*reason))
        }
        Event::GateSampled { pass, facts, .. } => {
            format!("{}; {}", if *pass { "holds" } else { "does not hold" }, words::facts(facts))
        }
        Event::GateDecided { passed, .. } => if *passed { "open" } else { "failed for good" }.to_owned(),
        Event::TimerFired { .. } => "its time was up".to_owned(),
        Event::Paused { why, by, reason } => {
            let by = by.as_ref().map(|by| format!(", {}", words::actor(by))).unwrap_or_default();
            format!("{}{by}{}", words::pause(why), said(*reason))
        }
        Event::DriftFound { key, expected, found, .. } => format!("{key} was {expected}, is {found}"),
        Event::RunClosed(closed) => {
            let residues = if closed.lists.is_some() {
                ", many residues".to_owned()
            } else if closed.residues.is_empty() {
                String::new()
            } else {
                format!(", {} residues", closed.residues.len())
            };
            format!("{}{residues}", words::end(closed.end))
        }
    }
}
