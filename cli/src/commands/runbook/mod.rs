//! `palinode runbook`: the runbooks that come with Palinode.

mod check;
mod from_run;

use crate::args::{Args, Output};
use crate::error::{Exit, Failure};
use crate::render::{print_json, to_stdout};
use crate::sources::{SHIPPED, load_runbook};
use clap::Subcommand;
use palinode_core::id::Label;
use palinode_core::runbook;
use std::fmt::Write as _;

/// List, show and check runbooks, begin a new one, or make one of what was done.
#[derive(Debug, Subcommand)]
pub(crate) enum Runbook {
    /// List the runbooks that come with Palinode.
    List,
    /// Print a runbook.
    Show {
        /// Its name.
        name: String,
    },
    /// Print a small runbook to begin from.
    New {
        /// Its name.
        name: String,
    },
    /// Look for everything that is wrong in runbooks, without a host.
    ///
    /// Exit 2 if anything is found. With an inventory the group and the hosts are checked too.
    Check(check::Check),
    /// Print a runbook of what runs did, to be looked over.
    ///
    /// Several runs, as those of `exec`, become one. Steps that failed, were passed over or were taken back since
    /// are left out and named.
    FromRun(from_run::FromRun),
}

const NEW: &str = "\
runbook: NAME
about: One line that says what it is for

parameters:
  group: { default: glusterfs, about: the inventory group to act on }

hosts: { group: \"{{ group }}\", serial: 1 }

preflight:
  - storage: { gluster.healed: { samples: 2 }, timeout: 10m }

each_host:
  - cordon: { kube.cordon: {} }
  - drain: { kube.drain: { emptydir: delete, timeout: 15m } }
  - healed: { gate: { gluster.healed: { samples: 2 } }, timeout: 2h }
  - schedulable: { restore: { step: cordon, fields: [unschedulable] } }
";

pub(crate) fn runbook(args: &Args, command: &Runbook) -> Result<Exit, Failure> {
    match command {
        Runbook::List => {
            let all: Vec<(&str, String)> = SHIPPED
                .iter()
                .map(|(name, text)| {
                    (*name, runbook::Runbook::parse(text).map(|runbook| runbook.about).unwrap_or_default())
                })
                .collect();
            if args.output == Output::Json {
                let list = all.iter().map(|(name, about)| serde_json::json!({ "name": name, "about": about }));
                print_json(&list.collect());
            } else {
                let mut out = String::new();
                for (name, about) in all {
                    let _ = writeln!(out, "{name:<18} {about}");
                }
                to_stdout(&out);
            }
        }
        Runbook::Show { name } => {
            let (_, text) = load_runbook(name)?;
            to_stdout(&text);
        }
        Runbook::Check(wanted) => return check::check(args, wanted),
        Runbook::FromRun(wanted) => return from_run::from_run(args, wanted),
        Runbook::New { name } => {
            let label = Label::new(name).map_err(|bad| {
                Failure::usage(format!("cannot use `{name}` as a runbook's name: {bad}"), "choose another name")
            })?;
            to_stdout(&NEW.replace("NAME", label.as_str()));
        }
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use palinode_core::inventory::model::Reading;
    use std::sync::Arc;

    #[test]
    fn what_is_shipped_and_what_is_begun_can_be_read() {
        for (name, text) in SHIPPED {
            let runbook = runbook::Runbook::parse(text).expect("a shipped runbook is good");
            assert_eq!(&runbook.name, name);
        }
        let text = palinode_replay::lab::inventory_text();
        let reading = Reading::of_text("hosts", text.as_bytes()).expect("it is good");
        let given =
            runbook::Given { inventory: Some(("hosts".to_owned(), Arc::new(reading))), ..runbook::Given::default() };
        let new = runbook::Runbook::parse(&NEW.replace("NAME", "mine")).expect("it is good");
        assert!(new.expand(&given).is_ok());
    }
}
