//! `palinode exec`: one action without a runbook, recorded as a run is.

use crate::args::{Args, Exec, Output};
use crate::commands::carry::{self, Done, How, LabAt};
use crate::commands::run::{new_id, read_inventory};
use crate::exit::{Exit, Failure};
use crate::render::live::Live;
use crate::render::{bytes_to_stdout, to_stdout};
use crate::{consent, place, session};
use palinode_core::action::{
    Action, Command, Fetch, FileAbsent, FileRead, FileState, FileWrite, Package, PackageState, Recovery, Repository,
    Service, ServiceState, Target, Wait,
};
use palinode_core::id::{HostName, Label, Seq, StepPath};
use palinode_core::inventory::Inventory;
use palinode_core::port::JournalRead;
use palinode_core::record::{Ending, Event};
use palinode_core::run::plan::{Lane, LaneKind, Plan, Step, Work};
use palinode_core::run::rules::version::RULES;
use palinode_core::span::Span;
use palinode_replay::driver::ShelfView;
use palinode_replay::lab;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

/// What the plan of such a run is called.
pub(crate) const EXEC: &str = "exec";

/// Carries out the one action, and prints what it printed.
pub(crate) fn exec(args: &Args, exec: &Exec) -> Result<Exit, Failure> {
    let began = Instant::now();
    let actions = actions(exec)?;
    let fetches = matches!(actions.as_slice(), [Action::Fetch(_)]);
    let mut plan = plan(&exec.host, &actions, exec.repeatable)?;
    if let Some(path) = &exec.inventory {
        plan.inventory = Some(known(path, &exec.host)?);
    }
    if exec.lab_state.is_none()
        && !exec.yes
        && let Some(what) = actions.iter().find_map(locks_out)
    {
        consent::ask(
            &format!("warning: {what}.\n"),
            "if there is another way in, such as a console, type it again with --yes: `palinode exec --yes HOST ...`",
        )?;
    }
    let live = Rc::new(Live::new(to_stdout, false));
    let how = How {
        yes: true,
        take_over: exec.take_over,
        errand: exec.errand.clone(),
        lab_options: crate::args::Lab::default(),
        live: (args.output == Output::Text && !fetches).then(|| Rc::clone(&live)),
    };
    let done = match &exec.lab_state {
        Some(folder) => in_lab(args, plan, folder, &how)?,
        None => carry::on_hosts(args, plan, &how)?,
    };
    if args.output == Output::Json {
        return session::report(&done.journal, &done.history, done.run, &done.stopped, args.output, began);
    }
    let shelf = ShelfView::of(&done.journal, &done.history, done.run);
    let first = done.history.runs.get(&done.run).map_or(Seq(1), |run| run.first);
    for stored in done.journal.read(first)? {
        let Event::Outcome(outcome) = stored?.entry.event else { continue };
        let (Ok(shelf), Some(output)) = (&shelf, outcome.output) else { continue };
        let bytes = shelf.open(output)?;
        // What was fetched is meant for a file.
        if fetches && outcome.ending == Ending::Succeeded {
            bytes_to_stdout(&bytes);
            continue;
        }
        // What was not heard while it ran.
        let heard = live.heard(&outcome.step, outcome.attempt);
        live.hear(&outcome.step, outcome.attempt, bytes.get(heard..).unwrap_or_default());
    }
    live.flush();
    let exit = Exit::of(&done.stopped);
    if exit != Exit::Done {
        session::report(&done.journal, &done.history, done.run, &done.stopped, args.output, began)?;
    }
    Ok(exit)
}

/// What an action takes away that a person needs to get in, in words.
fn locks_out(action: &Action) -> Option<String> {
    match action {
        Action::Service(service) => {
            let ends = service.state == Some(ServiceState::Stopped) || service.enabled == Some(false);
            let name = |unit: &str| unit.trim_end_matches(".service").trim_end_matches(".socket").to_owned();
            let mut gone = service
                .names()
                .filter(|unit| ends && ["sshd", "ssh", "network", "NetworkManager"].contains(&name(unit).as_str()));
            gone.next().map(|unit| {
                format!("{unit} is part of the way into this host; without it nobody may get in to take that back")
            })
        }
        Action::Package(package) if package.state == PackageState::Absent => {
            let gone = package.names.iter().map(|item| Package::base_name(item));
            let mut gone = gone.filter(|name| ["openssh-server", "openssh", "sudo", "NetworkManager"].contains(name));
            gone.next().map(|name| {
                format!("{name} is part of the way into this host; without it nobody may get in to take that back")
            })
        }
        _ => None,
    }
}

/// The path of an inventory that has the host.
fn known(path: &Path, host: &str) -> Result<String, Failure> {
    if !Inventory::parse(&read_inventory(path)?).has_host(host) {
        return Err(Failure::usage(
            format!("the inventory {} has no host `{}`", path.display(), host),
            "correct the name, or leave -i away to reach the host as the configuration of ssh says",
        ));
    }
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Failure::usage(format!("the inventory {} has a name that is not UTF-8", path.display()), "give it another name")
    })
}

/// The same in a lab, which is made if it is not there.
fn in_lab(args: &Args, plan: Plan, folder: &Path, how: &How) -> Result<Done, Failure> {
    let root = place::find_or_new(args.journal.as_deref())?;
    let root = std::path::absolute(&root).unwrap_or(root);
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let nodes = lab::DEFAULT_NODES;
    let at = LabAt { folder, nodes, inventory: &lab::inventory_of(nodes) };
    carry::in_lab(&root, new_id()?, plan, at, how)
}

/// The actions that the words name, in their order.
fn actions(exec: &Exec) -> Result<Vec<Action>, Failure> {
    if !exec.command.is_empty() {
        let (run, changes) = (exec.command.clone(), exec.changes.clone());
        return Ok(vec![Action::Command(Command::of(run, changes))]);
    }
    let words: Vec<&str> = exec.typed.iter().map(String::as_str).collect();
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let found = match words.as_slice() {
        ["service", first, rest @ ..] if !rest.is_empty() => Action::Service(service(first, rest)?),
        ["package", names @ .., state] if !names.is_empty() => {
            let state = match *state {
                "present" => PackageState::Present,
                "absent" => PackageState::Absent,
                other => return Err(unknown(other, "present or absent")),
            };
            Action::Package(Package { names: owned(names), state, exact: Vec::new() })
        }
        ["file", path, "content", content, rest @ ..] => {
            let mut file =
                FileWrite { path: (*path).to_owned(), content: (*content).to_owned(), mode: None, owner: None };
            for pair in rest.chunks(2) {
                match pair {
                    ["mode", mode] => file.mode = Some((*mode).to_owned()),
                    ["owner", owner] => file.owner = Some((*owner).to_owned()),
                    other => return Err(unknown(other[0], "mode OCTAL or owner USER:GROUP")),
                }
            }
            Action::FileWrite(file)
        }
        ["file", paths @ .., state] if !paths.is_empty() => {
            if *state != "absent" {
                return Err(unknown(state, "absent"));
            }
            Action::FileAbsent(FileAbsent { paths: owned(paths), state: FileState::Absent })
        }
        ["repository", ids @ .., state] if !ids.is_empty() => {
            let ids = owned(ids);
            let (enable, disable, release) = match *state {
                "enabled" => (ids, Vec::new(), None),
                "disabled" => (Vec::new(), ids, None),
                other => return Err(unknown(other, "enabled or disabled")),
            };
            Action::Repository(Repository { enable, disable, release })
        }
        ["release", version] => Action::Repository(Repository {
            enable: Vec::new(),
            disable: Vec::new(),
            release: Some((*version).to_owned()),
        }),
        ["wait", what, value] => {
            let value = (*value).to_owned();
            let mut wait = Wait { port: None, path: None, unit: None, span: None, timeout: Span::seconds(300) };
            let wrong = |what: &str| Failure::usage(format!("`{value}` is no {what}"), "correct it");
            match *what {
                "port" => wait.port = Some(value.parse().map_err(|_| wrong("port"))?),
                "path" => wait.path = Some(value),
                "unit" => wait.unit = Some(value),
                "for" => wait.span = Some(value.parse().map_err(|_| wrong("span such as `30s`"))?),
                other => return Err(unknown(other, "port, path, unit or for")),
            }
            Action::Wait(wait)
        }
        ["fetch", path] => Action::Fetch(Fetch { path: (*path).to_owned() }),
        ["read", path, key] => Action::FileRead(FileRead { path: (*path).to_owned(), key: (*key).to_owned() }),
        ["reboot"] => Action::Reboot {},
        _ => {
            return Err(Failure::usage(
                format!("`{}` is no typed action", words.join(" ")),
                "type `palinode exec --help` for those there are; a command stands after `--`",
            ));
        }
    };
    Ok(vec![found])
}

/// The words that say what units shall be. They stand behind the units.
const STATES: [&str; 4] = ["started", "stopped", "enabled", "disabled"];

fn service(first: &str, rest: &[&str]) -> Result<Service, Failure> {
    const WANTED: &str = "started, stopped, enabled or disabled";
    let units = rest.iter().take_while(|word| !STATES.contains(word)).count();
    let (more, states) = rest.split_at(units);
    // A unit that is not there counts as stopped, so a misspelt state would be taken for a unit and pass.
    let misspelt = |word: &&&str| {
        let near = |state: &&str| state[..3] == word[..word.len().min(3)] && state.len().abs_diff(word.len()) < 3;
        word.is_ascii() && STATES.iter().any(near)
    };
    if let Some(word) = more.iter().find(misspelt) {
        return Err(Failure::usage(
            format!("`{word}` is no state"),
            format!("write {WANTED}; if it is a unit, write `{word}.service`"),
        ));
    }
    if states.is_empty() {
        return Err(unknown(more.last().unwrap_or(&first), WANTED));
    }
    let mut service = match more {
        [] => Service { unit: first.to_owned(), units: Vec::new(), state: None, enabled: None },
        _ => {
            let units = [&[first], more].concat().iter().map(|unit| (*unit).to_owned()).collect();
            Service { unit: String::new(), units, state: None, enabled: None }
        }
    };
    for word in states {
        match *word {
            "started" => service.state = Some(ServiceState::Started),
            "stopped" => service.state = Some(ServiceState::Stopped),
            "enabled" => service.enabled = Some(true),
            "disabled" => service.enabled = Some(false),
            other => return Err(unknown(other, WANTED)),
        }
    }
    Ok(service)
}

fn unknown(word: &str, wanted: &str) -> Failure {
    Failure::usage(format!("`{word}` is no state"), format!("write {wanted}"))
}

/// A plan of one host.
fn plan(host: &str, actions: &[Action], repeatable: bool) -> Result<Plan, Failure> {
    let host = HostName::new(host)
        .map_err(|bad| Failure::usage(format!("`{host}` is no host: {bad}"), "name it as ssh does"))?;
    let mut steps = Vec::new();
    for action in actions.iter().cloned() {
        action.check().map_err(|why| Failure::usage(why, "correct it; nothing was touched"))?;
        if serde_json::to_string(&action).is_ok_and(|text| text.contains("{{")) {
            return Err(Failure::usage(
                "two braces begin a template, and there is nothing here to fill one with",
                "put the command into a script on the host, or write a runbook",
            ));
        }
        let slug = action.slug();
        let wrong = |bad: String| Failure::usage(format!("the step cannot be named: {bad}"), "shorten the words");
        steps.push(Step {
            path: StepPath::new(format!("{host}/{slug}")).map_err(|bad| wrong(bad.to_string()))?,
            label: Label::new(slug.replace('.', "-")).map_err(|bad| wrong(bad.to_string()))?,
            target: Target { host: Some(host.clone()), node: None },
            when: None,
            capture: None,
            class: action.class(),
            recovery: if repeatable { Recovery::Repeat } else { action.recovery() },
            undo_after: Vec::new(),
            touches: Vec::new(),
            undoes: None,
            accepts: Vec::new(),
            undo_reason: None,
            work: Work::Act(action),
        });
    }
    let end = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    Ok(Plan {
        runbook: EXEC.to_owned(),
        about: "one action, typed by a person".to_owned(),
        rules: RULES,
        parameters: BTreeMap::new(),
        inventory: None,
        serial: 1,
        // A failure ends the run: there is nothing to go on with, and typing it again is a retry.
        max_fail: 1,
        lanes: vec![
            Lane { kind: LaneKind::First, start: 0, end: 0 },
            Lane { kind: LaneKind::Host(host), start: 0, end },
            Lane { kind: LaneKind::Last, start: end, end },
        ],
        steps,
        compensates: None,
    })
}
