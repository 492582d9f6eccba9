//! Actions on a host, as they are typed.

use crate::error::Failure;
use palinode_core::action::{
    Action, Fetch, FileAbsent, FileRead, FileState, FileWrite, Package, PackageState, Repository, Service,
    ServiceState, Wait,
};
use palinode_core::span::Span;

/// The words that actions on a host begin with.
pub(super) const VERBS: [&str; 9] =
    ["service", "package", "file", "repository", "release", "wait", "fetch", "read", "reboot"];

/// The action that the words name.
pub(super) fn action(words: &[&str]) -> Result<Action, Failure> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let found = match words {
        ["service", first, rest @ ..] if !rest.is_empty() => Action::Service(service(first, rest)?),
        ["package", names @ .., state] if !names.is_empty() => {
            let state = match *state {
                "present" => PackageState::Present,
                "absent" => PackageState::Absent,
                other => return Err(unknown(other, "present or absent")),
            };
            Action::Package(Package::of(owned(names), state))
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
        _ => return Err(super::incomplete::incomplete(words)),
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
