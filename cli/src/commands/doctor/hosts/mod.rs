//! `palinode doctor HOST...`: whether hosts have what a run needs. All are looked at side by side; nothing is changed.

mod found;
mod judge;
mod words;

use super::arguments::Doctor;
use super::row::Look;
use crate::args::{Args, Output};
use crate::error::{Exit, Failure};
use crate::journal;
use crate::render::{print_json, to_stdout};
use crate::run;
use crate::sources::read_inventory;
use found::Found;
use palinode_core::chain::chain;
use palinode_core::id::HostName;
use palinode_core::inventory::model::Reading;
use palinode_core::port::Store as _;
use palinode_executors::LinkError;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Looks at the hosts that are named.
pub(crate) fn look(args: &Args, doctor: &Doctor) -> Result<Exit, Failure> {
    let inventory = match doctor.inventory.as_deref() {
        Some(path) => Some((path, read_inventory(path)?)),
        None => None,
    };
    let hosts = match &inventory {
        Some((path, reading)) => in_inventory(path, reading, &doctor.hosts)?,
        None => named(doctor.hosts.iter().map(String::as_str))?,
    };
    let ways = match &inventory {
        Some((path, reading)) => run::ways(path, reading, hosts.iter())?.0,
        None => BTreeMap::new(),
    };
    let fleet = run::fleet(args.ssh_config.as_deref(), ways)?;
    let runtime = run::runtime()?;
    let own = journal::store_or_new(args.journal.as_deref()).ok().map(|store| name_of(&store));
    let looks = runtime.block_on(fleet.checkups(&hosts)).into_iter().map(|found| match found {
        Ok(found) => Look::Seen(Box::new(found)),
        Err(error @ LinkError::Refused(_)) => Look::Refused(chain(&error)),
        Err(error) => Look::Unreached(chain(&error)),
    });
    let found: Vec<Found> = hosts
        .into_iter()
        .zip(looks)
        .map(|(host, look)| {
            let rows = judge::judge(&host, &look, own.as_deref());
            Found { host, look, rows }
        })
        .collect();
    match args.output {
        Output::Json => print_json(&words::as_json(&found)),
        Output::Text => to_stdout(&words::text(&found)),
    }
    Ok(verdict(&found))
}

/// 2 where a host could not be looked at, 1 where something keeps a run from working.
fn verdict(found: &[Found]) -> Exit {
    let broken = |found: &Found| found.rows.iter().any(|row| row.level == super::judge::Level::Broken);
    if found.iter().any(|found| matches!(found.look, Look::Unreached(_))) {
        Exit::Usage
    } else if found.iter().any(broken) {
        Exit::Failed
    } else {
        Exit::Done
    }
}

/// Hosts by their names, each once.
fn named<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<HostName>, Failure> {
    let mut seen = BTreeSet::new();
    let mut hosts = Vec::new();
    for name in names {
        let host = HostName::new(name)
            .map_err(|bad| Failure::usage(format!("`{name}` is no host: {bad}"), "name it as ssh does"))?;
        if seen.insert(host.clone()) {
            hosts.push(host);
        }
    }
    Ok(hosts)
}

/// The hosts of an inventory: all, or those that are named and those of groups that are.
fn in_inventory(path: &Path, inventory: &Reading, words: &[String]) -> Result<Vec<HostName>, Failure> {
    let everything = ["all".to_owned()];
    let words = if words.is_empty() { &everything } else { words };
    let mut names = Vec::new();
    for word in words {
        if inventory.group(word).is_some() {
            names.extend(inventory.hosts(word));
        } else if inventory.has_host(word) {
            names.push(word);
        } else {
            return Err(Failure::usage(
                format!("{} has no group or host `{}`", path.display(), word),
                "correct the name, or leave it away to look at all hosts",
            ));
        }
    }
    if names.is_empty() {
        return Err(Failure::usage(format!("{} names no hosts there", path.display()), "name another group"));
    }
    named(names.into_iter())
}

/// How hosts know the journal.
fn name_of(store: &journal::Store) -> String {
    let id = store.id().ok().flatten();
    id.map_or_else(|| run::former_name(store.root()), |id| id.to_string())
}
