//! `palinode exec`: one action without a runbook, recorded as a run is.

use crate::args::{Args, Output};
use crate::error::{Exit, Failure};
use crate::render::live::Live;
use crate::render::{bytes_to_stdout, to_stdout};
use crate::run::{Consent, InLab, RunMetadata, Settings, Stopped, What, World};
use crate::{confirm, sources};
use palinode_core::action::{
    Action, Command, Fetch, FileAbsent, FileRead, FileState, FileWrite, Package, PackageState, Recovery, Repository,
    Service, ServiceState, Target, Wait,
};
use palinode_core::id::{HostName, Label, Seq, StepPath};
use palinode_core::inventory::Inventory;
use palinode_core::port::JournalRead as _;
use palinode_core::record::{Ending, Event};
use palinode_core::run::plan::{Plan, Step, Work};
use palinode_core::span::Span;
use palinode_replay::driver::BodyReader;
use palinode_replay::lab::{DEFAULT_NODES, inventory_of};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

/// Carry out one action on a host, recorded as a run is.
///
/// `exec HOST -- COMMAND` runs a command; nothing but the words after `--` reaches it, and no shell reads them.
/// Typed actions are known and can be taken back with `undo`:
/// `exec HOST service UNIT... started|stopped|enabled|disabled...`, `exec HOST package NAME... present|absent`,
/// `exec HOST file PATH... absent`, `exec HOST file PATH content TEXT [mode OCTAL] [owner USER:GROUP]` (the text as
/// it is, and public in the journal), `exec HOST repository ID... enabled|disabled`, `exec HOST release VERSION|unset`,
/// `exec HOST wait port|path|unit|for VALUE`, `exec HOST fetch PATH > FILE`, `exec HOST read PATH KEY`, `exec HOST reboot`.
#[derive(Debug, clap::Args)]
pub(crate) struct Exec {
    /// The host, as ssh knows it.
    host: String,
    /// A typed action.
    #[arg(value_name = "ACTION", required_unless_present = "command")]
    typed: Vec<String>,
    /// A command and its arguments.
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "typed")]
    command: Vec<String>,
    /// A file that the command changes: it is recorded before and after, and put back by `undo`.
    #[arg(long, value_name = "PATH", requires = "command")]
    changes: Vec<String>,
    /// The command may be repeated when nobody knows whether it ran.
    #[arg(long, requires = "command")]
    repeatable: bool,
    /// The inventory that says how the host is reached.
    #[arg(short, long, value_name = "FILE", conflicts_with = "lab_state")]
    inventory: Option<PathBuf>,
    /// Act in the simulated cluster of this folder; made if it is not there.
    #[arg(long, value_name = "DIR")]
    lab_state: Option<PathBuf>,
    /// Do it without asking, where it may lock you out.
    #[arg(short, long)]
    yes: bool,
    /// Take the host over although another journal claims it.
    #[arg(long, conflicts_with = "lab_state")]
    take_over: bool,
    #[command(flatten)]
    metadata: RunMetadata,
}

/// Carries out the one action, and prints what it printed.
pub(crate) fn exec(args: &Args, exec: &Exec) -> Result<Exit, Failure> {
    let began = Instant::now();
    let action = action(exec)?;
    let fetches = matches!(action, Action::Fetch(_));
    let locks_out = locks_out(&action);
    let mut plan = plan(&exec.host, action, exec.repeatable)?;
    if let Some(path) = &exec.inventory {
        plan.inventory = Some(known(path, &exec.host)?);
    }
    if exec.lab_state.is_none()
        && !exec.yes
        && let Some(what) = locks_out
    {
        confirm::ask(
            &format!("warning: {what}.\n"),
            "if there is another way in, such as a console, type it again with --yes: `palinode exec --yes HOST ...`",
        )?;
    }
    let live = Rc::new(Live::new(to_stdout, false));
    let heard = (args.output == Output::Text && !fetches).then(|| Rc::clone(&live));
    let settings = Settings { take_over: exec.take_over, live: heard, ..Settings::new(exec.metadata.clone()) };
    let what = match &exec.lab_state {
        Some(folder) => {
            let plan = Box::new(move |_: &Path| Ok((plan, inventory_of(DEFAULT_NODES))));
            What::InLab(InLab { folder: Some(folder.clone()), nodes: None, plan })
        }
        None => What::OnHosts(plan),
    };
    let done = World::open(args, what, settings)?.check()?.claim(Consent::given())?.drive()?;
    if args.output == Output::Json {
        return done.report(args.output, began);
    }
    tell(&done, &live, fetches)?;
    let exit = done.exit();
    if exit != Exit::Done {
        done.report(args.output, began)?;
    }
    Ok(exit)
}

/// Prints what the action printed and was not heard while it ran. What was fetched is meant for a file.
fn tell(done: &Stopped, live: &Live, fetches: bool) -> Result<(), Failure> {
    let bodies = BodyReader::of(&done.journal, &done.history, done.run);
    let first = done.history.runs.get(&done.run).map_or(Seq(1), |run| run.first);
    for stored in done.journal.read(first)? {
        let Event::Outcome(outcome) = stored?.entry.event else { continue };
        let (Ok(bodies), Some(output)) = (&bodies, outcome.output) else { continue };
        let bytes = bodies.open(output)?;
        if fetches && outcome.ending == Ending::Succeeded {
            bytes_to_stdout(&bytes);
            continue;
        }
        let heard = live.heard(&outcome.step, outcome.attempt);
        live.hear(&outcome.step, outcome.attempt, bytes.get(heard..).unwrap_or_default());
    }
    live.flush();
    Ok(())
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
    if !Inventory::parse(&sources::read_inventory(path)?).has_host(host) {
        return Err(Failure::usage(
            format!("the inventory {} has no host `{}`", path.display(), host),
            "correct the name, or leave -i away to reach the host as the configuration of ssh says",
        ));
    }
    sources::recorded_path(path)
}

/// The action that the words name.
fn action(exec: &Exec) -> Result<Action, Failure> {
    if !exec.command.is_empty() {
        let (run, changes) = (exec.command.clone(), exec.changes.clone());
        return Ok(Action::Command(Command::of(run, changes)));
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
    Ok(found)
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

/// The plan of the action on its host.
fn plan(host: &str, action: Action, repeatable: bool) -> Result<Plan, Failure> {
    let host = HostName::new(host)
        .map_err(|bad| Failure::usage(format!("`{host}` is no host: {bad}"), "name it as ssh does"))?;
    action.check().map_err(|error| Failure::usage(error.reason, "correct it; nothing was touched"))?;
    if serde_json::to_string(&action).is_ok_and(|text| text.contains("{{")) {
        return Err(Failure::usage(
            "two braces begin a template, and there is nothing here to fill one with",
            "put the command into a script on the host, or write a runbook",
        ));
    }
    let slug = action.slug();
    let wrong = |bad: String| Failure::usage(format!("the step cannot be named: {bad}"), "shorten the words");
    let step = Step {
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
    };
    Ok(Plan::typed(host, step, None))
}
