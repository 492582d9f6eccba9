//! `palinode log`: what happened, entry by entry.

use crate::args::{Args, Output, named};
use crate::clock::wall;
use crate::entries::{Found, describe};
use crate::error::{Exit, Failure};
use crate::journal::{self, Reader};
use crate::render::progress::split;
use crate::render::{clock, escape, hints, moment, print_json, suggest, to_stderr, to_stdout};
use crate::time_arg::{self, When};
use clap::builder::PossibleValuesParser;
use palinode_core::id::RunId;
use palinode_core::run::history::History;
use palinode_core::run::plan::Work;
use palinode_core::run::state::RunState;
use palinode_journal::index::{Catalog, Query};
use palinode_replay::driver::BodyReader;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Show what happened, entry by entry.
///
/// Every selection that is given must fit. Large journals are searched with an index, which needs no care;
/// whatever it is short of is read from the journal.
///
/// TIME is `2026-11-24T10:00:00Z`, `2026-11-24`, a time of day such as `10:00`, or a span such as `2h`. It is
/// compared with the times that the log shows, in UTC. A time of day is the last one that was, and a span is
/// counted back: from now, or in a lab, whose time is virtual, from the last entry of the run (without a run, of
/// the journal).
#[derive(Debug, clap::Args)]
pub(crate) struct Log {
    /// The run, by the beginning of its id, or @ for the latest; by default all.
    run: Option<String>,
    /// The same.
    #[arg(long = "run", value_name = "RUN", conflicts_with = "run")]
    of: Option<String>,
    /// Only the last N entries.
    #[arg(short = 'n', long, value_name = "N", value_parser = number)]
    last: Option<usize>,
    /// Only entries about steps whose path begins like this.
    #[arg(long, value_name = "PATH")]
    step: Option<String>,
    /// Only entries about this host.
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Only entries about steps that carry out this action, such as `kube.drain`.
    #[arg(long, value_name = "NAME")]
    action: Option<String>,
    /// Only entries that name a resource whose key begins like this, such as `gluster1.demo/unit/crio`.
    #[arg(long, value_name = "KEY")]
    resource: Option<String>,
    /// Only entries of this kind.
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(palinode_core::record::KINDS))]
    kind: Option<String>,
    /// Only entries from this time on.
    #[arg(long, value_name = "TIME")]
    since: Option<When>,
    /// Only entries up to this time.
    #[arg(long, value_name = "TIME")]
    until: Option<When>,
}

named!(Log);

fn number(text: &str) -> Result<usize, &'static str> {
    text.parse().map_err(|_| "write a whole number")
}

/// The entries that were asked for.
fn find(reader: &Reader, log: &Log) -> Result<(Found, Option<RunId>), Failure> {
    let named = log.named();
    let query = Query {
        runs: BTreeSet::new(),
        step: log.step.clone(),
        host: log.host.clone(),
        action: log.action.clone(),
        resource: log.resource.clone(),
        kind: log.kind.clone(),
        since: None,
        until: None,
    };
    let all =
        named.is_none() && query == Query::default() && (&log.since, &log.until, &log.last) == (&None, &None, &None);
    // Where everything is read anyway, there is nothing to search.
    let mut catalog = if all { Catalog::scan(reader)? } else { Catalog::open(reader)? };
    let only = named.map(|named| journal::row(catalog.runs(), Some(named)).cloned()).transpose()?;
    let latest = catalog.runs().iter().max_by_key(|run| run.last);
    let now = match only.as_ref().or(latest) {
        Some(run) if run.is_virtual => run.changed,
        _ => wall(),
    };
    let (since, until) = time_arg::window(log.since, log.until, now)?;
    let only = only.map(|run| run.run);
    let query = Query { runs: only.into_iter().collect(), since, until, ..query };
    let entries = catalog.select(&query, log.last)?;
    Ok((Found::new(&mut catalog, entries)?, only))
}

/// Nothing was found: because of a name that is not there, or because nothing is like that?
fn filters_are_known(reader: &Reader, log: &Log, only: Option<RunId>) -> Result<(), Failure> {
    if (&log.host, &log.action, &log.step, &log.resource) == (&None, &None, &None, &None) {
        return Ok(());
    }
    let history = History::load(reader)?;
    let runs: Vec<&RunState> = history.runs.values().filter(|run| only.is_none_or(|only| run.run == only)).collect();
    let steps = || runs.iter().flat_map(|run| run.plan.steps.iter());
    let missing = match only {
        Some(run) => format!("run {} has no", journal::short(&history, run)),
        None => "the journal has no".to_owned(),
    };
    if let Some(host) = &log.host {
        suggest::known(host, runs.iter().flat_map(|run| run.plan.hosts()).map(|host| host.as_str()), "host", &missing)?;
    }
    if let Some(action) = &log.action {
        let acted = steps().filter_map(|step| match &step.work {
            Work::Act(action) => Some(action.name()),
            Work::Gate { .. } => None,
        });
        suggest::known(action, acted.chain(palinode_core::action::runbook_names()), "action", "there is no")?;
    }
    if let Some(step) = &log.step
        && !steps().any(|known| known.path.as_str().starts_with(step.as_str()))
    {
        suggest::known(step, steps().map(|step| step.path.as_str()), "step", &missing)?;
    }
    if let Some(key) = &log.resource {
        let intents = runs.iter().flat_map(|run| run.steps()).filter_map(|(_, _, known)| known.intent.as_ref());
        let keys: BTreeSet<&str> =
            intents.flat_map(|intent| &intent.footprint).map(|place| place.key.as_str()).collect();
        if !keys.iter().any(|known| known.starts_with(key.as_str())) {
            suggest::known(key, keys, "resource", &missing)?;
        }
    }
    Ok(())
}

pub(crate) fn log(args: &Args, log: &Log) -> Result<Exit, Failure> {
    let reader = journal::reader(args.journal.as_deref())?;
    let (found, only) = find(&reader, log)?;
    if found.entries.is_empty() {
        filters_are_known(&reader, log, only)?;
    }
    if found.entries.is_empty() && !found.runs.is_empty() {
        let log = escape(&hints::command("log -n 20"));
        to_stderr(&format!("no entry is like that; `{log}` shows what there is\n"));
    }
    if args.output == Output::Json {
        let list = found
            .entries
            .iter()
            .map(|stored| serde_json::json!({ "id": stored.id.to_string(), "entry": stored.entry }));
        print_json(&list.collect());
        return Ok(Exit::Done);
    }
    let mut readers: BTreeMap<RunId, Option<BodyReader>> = BTreeMap::new();
    let mut names: BTreeMap<RunId, String> = BTreeMap::new();
    let several = only.is_none() && found.runs.len() > 1;
    let mut out = String::new();
    let mut day = String::new();
    for stored in &found.entries {
        let entry = &stored.entry;
        let date = moment(entry.time)[..10].to_owned();
        if date != day {
            let _ = writeln!(out, "{date} (UTC)");
            day = date;
        }
        let bodies = readers.entry(entry.run).or_insert_with(|| found.bodies(&reader, entry.run));
        let name = names.entry(entry.run).or_insert_with(|| found.short(entry.run));
        let run = if several { format!("{name}  ") } else { String::new() };
        let step = entry.event.step().map(|step| {
            let (place, step) = split(step);
            format!("{place} {step}")
        });
        let what = describe(&entry.event, bodies.as_ref(), &|run| found.short(run));
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
