//! What an action does, in the words of a procedure.

use super::{Action, Package, PackageState, ServiceState};
use crate::resource::State;

pub(super) fn list(items: &[String], noun: &str) -> String {
    match items {
        [] => format!("no {noun}s"),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more {noun}s", rest.len()),
    }
}

impl Action {
    /// What it does to what, in one line. Values stand as they are: escape before printing.
    pub fn words(&self) -> String {
        match self {
            Self::Record(_) => "record what is there".to_owned(),
            Self::Cordon {} => "cordon the node".to_owned(),
            Self::Uncordon {} => "make the node schedulable".to_owned(),
            Self::Drain(drain) => format!("drain the node, for at most {}", drain.timeout),
            Self::DeleteNode {} => "delete the Node object".to_owned(),
            Self::RestoreNode(_) => "wait for the node to register, give it back labels, taints, scheduling".to_owned(),
            Self::PatchNode(patch) => {
                let mut parts = Vec::new();
                match patch.unschedulable {
                    Some(true) => parts.push("cordon the node".to_owned()),
                    Some(false) => parts.push("make the node schedulable".to_owned()),
                    None => {}
                }
                let labels = |set: bool| -> Vec<String> {
                    let these = patch.labels.iter().filter(|(_, value)| value.is_some() == set);
                    these
                        .map(|(label, value)| value.as_ref().map_or(label.clone(), |value| format!("{label}={value}")))
                        .collect()
                };
                let taints = |set: bool| -> Vec<String> {
                    patch.taints.iter().filter(|(_, want)| **want == set).map(|(taint, _)| taint.clone()).collect()
                };
                for (does, names, noun) in [
                    ("label the node", labels(true), "label"),
                    ("remove the label", labels(false), "label"),
                    ("taint the node", taints(true), "taint"),
                    ("remove the taint", taints(false), "taint"),
                ] {
                    if !names.is_empty() {
                        parts.push(format!("{does} {}", list(&names, noun)));
                    }
                }
                if parts.is_empty() { "leave the node as it is".to_owned() } else { parts.join(", ") }
            }
            Self::Restore(restore) => format!("put fields of the node back as `{}` found them", restore.step),
            Self::DeleteObject(object) => format!("delete ConfigMap {}/{}", object.namespace, object.name),
            Self::ApplyObject(object) => format!("put ConfigMap {}/{} back", object.namespace, object.name),
            Self::PatchObject(patch) => patch.words(),
            Self::RemoveObject(remove) => format!("delete {}", remove.object),
            Self::PutObject(put) => format!("put {} back", put.object),
            Self::Service(service) => {
                let run = service.state.map(|state| match state {
                    ServiceState::Started => "start",
                    ServiceState::Stopped => "stop",
                });
                let boot = service.enabled.map(|enabled| if enabled { "enable" } else { "disable" });
                let verbs: Vec<&str> = run.into_iter().chain(boot).collect();
                let units: Vec<String> = service.names().map(str::to_owned).collect();
                format!("{} {}", verbs.join(" and "), list(&units, "unit"))
            }
            Self::Package(package) => package_words(package),
            Self::Repository(repository) => {
                let mut parts = Vec::new();
                for (verb, ids) in [("enable", &repository.enable), ("disable", &repository.disable)] {
                    if !ids.is_empty() {
                        parts
                            .push(format!("{verb} {}", list(ids, "repository").replace("repositorys", "repositories")));
                    }
                }
                match repository.pinned() {
                    Some(Some(release)) => parts.push(format!("pin the release {release}")),
                    Some(None) => parts.push("pin no release".to_owned()),
                    None => {}
                }
                parts.join(", ")
            }
            Self::Wait(wait) => wait.words(),
            Self::KubeWait(wait) => wait.words(),
            Self::KubeExec(exec) => exec.words(),
            Self::ApproveCsr(_) => "approve the certificates that the node asks for".to_owned(),
            Self::Fetch(fetch) => format!("fetch {}", fetch.path),
            Self::GlusterHeal(heal) if heal.volumes.is_empty() => "ask how the healing of all volumes goes".to_owned(),
            Self::GlusterHeal(heal) => format!("ask how the healing of {} goes", list(&heal.volumes, "volume")),
            Self::FileAbsent(file) => format!("remove {}", list(&file.paths, "path")),
            Self::FileCopy(copy) => format!("copy {} to {}", copy.from, copy.to),
            Self::FileWrite(file) => format!("write {}", file.path),
            Self::FileRead(read) => format!("read {} from {}", read.key, read.path),
            Self::FileRestore(file) => match file.state {
                State::Absent => format!("remove {}", file.path),
                _ => format!("put {} back", file.path),
            },
            Self::Reboot {} => "reboot".to_owned(),
            Self::DnsCheck(dns) => format!("resolve {}", list(&dns.names, "name")),
            Self::InventoryEdit(edit) => match edit.edits.len() {
                1 => "edit the inventory in one place".to_owned(),
                number => format!("edit the inventory in {number} places"),
            },
            Self::InventoryRestore(_) => "take the inventory edit back".to_owned(),
            Self::Playbook(playbook) => {
                let name = playbook.path.rsplit('/').take(2).collect::<Vec<_>>();
                format!("run {}", name.into_iter().rev().collect::<Vec<_>>().join("/"))
            }
            Self::Command(command) => command.words(),
        }
    }
}

fn package_words(package: &Package) -> String {
    let mut names = package.names.clone();
    names.extend(package.exact.iter().map(ToString::to_string));
    match package.state {
        PackageState::Absent => format!("remove {}", list(&names, "package")),
        PackageState::Present if package.exact.len() > 2 => {
            format!("install {} packages in the versions that were there", package.exact.len())
        }
        PackageState::Present => format!("install {}", list(&names, "package")),
    }
}
