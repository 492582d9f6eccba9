//! `palinode runbook`: the runbooks that come with Palinode.

use crate::args::{Args, Output, Runbook};
use crate::commands::{from_run, runbook_check};
use crate::exit::{Exit, Failure};
use crate::render::{json, to_stdout};
use palinode_core::id::Label;
use palinode_core::runbook;
use palinode_core::suggest::nearest;
use palinode_executors::{FILE_LIMIT, read_plain};
use std::fmt::Write as _;
use std::path::Path;

const SHIPPED: &[(&str, &str)] = &[("crio-to-docker", include_str!("../../runbooks/crio-to-docker.yml"))];

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

/// Name and text of a runbook: one that is shipped, or a file.
pub(crate) fn load(name: &str) -> Result<(String, String), Failure> {
    if let Some((name, text)) = SHIPPED.iter().find(|(known, _)| *known == name) {
        return Ok(((*name).to_owned(), (*text).to_owned()));
    }
    let names: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
    let shown = name;
    let path = Path::new(name);
    if !path.exists() {
        let next = match nearest(shown, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? `palinode runbook list` shows all"),
            None => "type `palinode runbook list`".to_owned(),
        };
        let what = format!("there is no runbook `{shown}`: it is neither a file nor one of {}", names.join(", "));
        return Err(Failure::usage(what, next));
    }
    let unread =
        |why: String| Failure::usage(format!("cannot read the runbook {shown}: {why}"), "give a readable text file");
    let bytes = read_plain(path, FILE_LIMIT).map_err(|error| unread(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| unread(error.to_string()))?;
    Ok((name.to_owned(), text))
}

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
                json(&list.collect());
            } else {
                let mut out = String::new();
                for (name, about) in all {
                    let _ = writeln!(out, "{name:<18} {about}");
                }
                to_stdout(&out);
            }
        }
        Runbook::Show { name } => {
            let (_, text) = load(name)?;
            to_stdout(&text);
        }
        Runbook::Check(wanted) => return runbook_check::check(args, wanted),
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

    #[test]
    fn what_is_shipped_and_what_is_begun_can_be_read() {
        for (name, text) in SHIPPED {
            let runbook = runbook::Runbook::parse(text).expect("a shipped runbook is good");
            assert_eq!(&runbook.name, name);
        }
        let given = runbook::Given {
            inventory: Some(("hosts".to_owned(), palinode_replay::lab::inventory_text())),
            ..runbook::Given::default()
        };
        let new = runbook::Runbook::parse(&NEW.replace("NAME", "mine")).expect("it is good");
        assert!(new.expand(&given).is_ok());
    }
}
