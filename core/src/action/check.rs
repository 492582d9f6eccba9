//! Which values may reach a target at all.

use super::{Action, Expect, FileAbsent, PackageState, Playbook, Word};
use crate::shown::Shown as _;

fn word(what: &str, text: &str, extra: &str) -> Result<(), String> {
    if text.contains("{{") {
        return Ok(());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || extra.contains(c);
    match text.chars().find(|c| !plain(*c)) {
        _ if text.is_empty() => Err(format!("the {what} is empty")),
        _ if text.starts_with('-') => Err(format!("the {what} `{}` begins with a dash", text.shown())),
        _ if text.len() > 253 => {
            Err(format!("the {what} `{}...` is too long", text.chars().take(20).collect::<String>().shown()))
        }
        Some(c) => Err(format!("the {what} `{}` contains `{}`", text.shown(), c.to_string().shown())),
        None => Ok(()),
    }
}

fn path(text: &str) -> Result<(), String> {
    if text.contains("{{") {
        return Ok(());
    }
    if !text.starts_with('/') {
        return Err(format!("the path `{}` is not absolute", text.shown()));
    }
    if text.chars().any(|c| c.is_control() || crate::id::is_bidi(c)) || text.len() > 4000 {
        return Err(format!("the path `{}` contains control characters or is too long", text.shown()));
    }
    if text.split('/').any(|part| part == ".." || part == ".") {
        return Err(format!("the path `{}` contains . or ..", text.shown()));
    }
    Ok(())
}

fn words<'a>(what: &str, all: impl IntoIterator<Item = &'a String>, extra: &str) -> Result<(), String> {
    all.into_iter().try_for_each(|text| word(what, text, extra))
}

fn not_empty(what: &str, count: usize) -> Result<(), String> {
    if count == 0 { Err(format!("the list of {what} is empty")) } else { Ok(()) }
}

/// A name that gluster takes for a volume.
pub(crate) fn volume(text: &str) -> Result<(), String> {
    word("volume", text, "-_")
}

const PACKAGE: &str = "-._+:~";
const UNIT: &str = "-._@:\\";
const OBJECT: &str = "-.";

pub(super) fn action(action: &Action) -> Result<(), String> {
    match action {
        Action::Record(record) => {
            words("unit", &record.units, UNIT)?;
            words("package", &record.packages, PACKAGE)?;
            record.files.iter().try_for_each(|text| path(text))
        }
        Action::Service(service) => {
            match (service.unit.is_empty(), service.units.is_empty()) {
                (false, false) => return Err("`service` takes `unit` or `units`, not both".to_owned()),
                (true, true) => return Err("`service` names no unit: its list is empty".to_owned()),
                (false, true) => word("unit", &service.unit, UNIT)?,
                (true, false) => words("unit", &service.units, UNIT)?,
            }
            let twice = |unit: &&String| service.units.iter().filter(|other| other == unit).count() > 1;
            if let Some(unit) = service.units.iter().find(twice) {
                return Err(format!("the unit `{}` stands twice", unit.shown()));
            }
            if service.state.is_none() && service.enabled.is_none() {
                return Err("`service` says neither `state` nor `enabled`".to_owned());
            }
            Ok(())
        }
        Action::Package(package) => {
            not_empty("packages", package.names.len() + package.exact.len())?;
            if package.state == PackageState::Absent && !package.exact.is_empty() {
                return Err("`exact` goes with `state: present`".to_owned());
            }
            words("package", &package.names, PACKAGE)
        }
        Action::FileAbsent(file) => {
            not_empty("paths", file.paths.len())?;
            file.paths.iter().try_for_each(|text| {
                FileAbsent::check(text).map_err(|why| format!("cannot remove `{}`: {why}", text.shown()))
            })
        }
        Action::FileCopy(copy) => path(&copy.from).and_then(|()| path(&copy.to)),
        Action::FileWrite(file) => {
            path(&file.path).and_then(|()| file.check())?;
            let names: Vec<&str> = file.owner.iter().flat_map(|owner| owner.split(':')).collect();
            if names.len() > 2 {
                return Err("the owner is not `user` or `user:group`".to_owned());
            }
            names.into_iter().try_for_each(|name| word("owner", name, "-._"))
        }
        Action::FileRead(read) => path(&read.path).and_then(|()| word("key", &read.key, "_-.")),
        Action::FileRestore(file) => path(&file.path),
        Action::Wait(wait) => {
            wait.check()?;
            wait.path.iter().try_for_each(|text| path(text))?;
            words("unit", &wait.unit, UNIT)
        }
        Action::Fetch(fetch) => path(&fetch.path),
        Action::GlusterHeal(heal) => heal.volumes.iter().try_for_each(|name| volume(name)),
        Action::PatchObject(patch) => patch.check(),
        Action::RemoveObject(remove) => remove.check(),
        Action::PutObject(put) => put.object.check(),
        Action::PatchNode(patch) => patch.check(),
        Action::KubeWait(wait) => wait.check(),
        Action::KubeExec(exec) => exec.check(),
        Action::ApproveCsr(approve) => approve.check(),
        Action::Repository(repository) => {
            repository.check()?;
            words("repository", repository.enable.iter().chain(&repository.disable), "-._:")?;
            words("release", &repository.release, "-._")
        }
        Action::DnsCheck(dns) => not_empty("names", dns.names.len()).and_then(|()| words("name", &dns.names, "-._")),
        Action::DeleteObject(object) => {
            word("namespace", &object.namespace, OBJECT).and_then(|()| word("name", &object.name, OBJECT))
        }
        Action::ApplyObject(object) => {
            word("namespace", &object.namespace, OBJECT).and_then(|()| word("name", &object.name, OBJECT))
        }
        Action::InventoryEdit(edit) => not_empty("edits", edit.edits.len()),
        Action::Playbook(book) => playbook(book),
        Action::Command(command) => {
            not_empty("words of the command", command.run.len())?;
            command.changes.iter().try_for_each(|text| path(text))?;
            command.check()
        }
        Action::Restore(restore) => not_empty("fields", restore.fields.len()),
        Action::Cordon {}
        | Action::Uncordon {}
        | Action::Drain(_)
        | Action::DeleteNode {}
        | Action::RestoreNode(_)
        | Action::Reboot {}
        | Action::InventoryRestore(_) => Ok(()),
    }
}

fn playbook(playbook: &Playbook) -> Result<(), String> {
    path(&playbook.path)?;
    playbook.vars_from.iter().try_for_each(|text| path(text))?;
    for (name, value) in &playbook.vars {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.chars().all(plain) || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(format!("`{}` cannot name a variable of Ansible", name.shown()));
        }
        let value = match value {
            Word::Text(text) => text,
            Word::Secret(secret) => {
                secret.check(None, false)?;
                continue;
            }
        };
        if value.len() > Playbook::VALUE {
            return Err(format!(
                "the variable `{name}` has {} bytes, and at most {} fit; put it into a file and name that in \
                 `vars_from`",
                value.len(),
                Playbook::VALUE
            ));
        }
    }
    words("tag", playbook.tags.iter().chain(&playbook.skip_tags), "-_.:")?;
    // What Ansible takes for a pattern of hosts.
    words("limit", &playbook.limit, "-_.:,!&*[]~")?;
    words("host", playbook.ran_on.iter().flatten(), "-_.:")?;
    for require in &playbook.requires {
        word("group", &require.group, "-_.")?;
        words("host", &require.hosts, "-_.:")?;
    }
    match &playbook.expect {
        None => Ok(()),
        Some(Expect::NodeReady { runtime }) => word("runtime", runtime, "-."),
        Some(Expect::ConfigMapWithout { namespace, name, runtime }) => word("namespace", namespace, OBJECT)
            .and_then(|()| word("name", name, OBJECT))
            .and_then(|()| word("runtime", runtime, "-.")),
    }
}
