//! What the words of a command line want to be done, and on which sort of thing.

use super::arguments::Exec;
use super::incomplete::MORE;
use super::node::{self, NodeWork};
use super::object::{self, ObjectWork};
use super::{host, pod};
use crate::error::Failure;
use palinode_core::action::{Action, Command, KubeExec};
use palinode_core::suggest::nearest;

/// See the module.
#[derive(Debug)]
pub(super) enum Wanted {
    /// On a host.
    Host(Action),
    /// On a node of the cluster.
    Node(NodeWork),
    /// On another object of the cluster.
    Object(ObjectWork),
    /// In a pod.
    Pod(KubeExec),
}

/// Reads the words. Nothing is looked at yet.
pub(super) fn wanted(exec: &Exec) -> Result<Wanted, Failure> {
    let words: Vec<&str> = exec.typed.iter().map(String::as_str).collect();
    let wanted = match words.as_slice() {
        [] if exec.on.contains('/') => Wanted::Pod(pod::action(exec)?),
        [] => {
            let (run, changes) = (exec.command.clone(), exec.changes.clone());
            Wanted::Host(Action::Command(Command::of(run, changes)))
        }
        [verb, ..] if host::VERBS.contains(verb) => Wanted::Host(host::action(&words)?),
        [verb, ..] if node::VERBS.contains(verb) => Wanted::Node(node::work(&words)?),
        [verb, ..] if object::VERBS.contains(verb) => Wanted::Object(object::work(exec, &words)?),
        _ => return Err(unknown(&words)),
    };
    let of_pods =
        [("--reads", exec.reads), ("--container", exec.container.is_some()), ("--timeout", exec.timeout.is_some())];
    if let Some((option, _)) = of_pods.iter().find(|(_, given)| *given && !matches!(wanted, Wanted::Pod(_))) {
        return Err(Failure::usage(
            format!("{option} is for a command in a pod, and `{}` is a host", exec.on),
            format!("leave {option} away, or write the pod as NAMESPACE/POD"),
        ));
    }
    if exec.namespace.is_some() && !matches!(wanted, Wanted::Object(_)) {
        return Err(Failure::usage(
            "--namespace is for objects that are patched or deleted",
            "leave it away; the namespace of a pod stands in front of it, as NAMESPACE/POD",
        ));
    }
    Ok(wanted)
}

fn verbs() -> impl Iterator<Item = &'static str> {
    host::VERBS.into_iter().chain(node::VERBS).chain(object::VERBS)
}

fn unknown(words: &[&str]) -> Failure {
    let verb = words.first().copied().unwrap_or_default();
    let meant = nearest(verb, verbs()).map(|near| format!("did you mean `{near}`? "));
    Failure::usage(format!("`{}` is no typed action", words.join(" ")), format!("{}{MORE}", meant.unwrap_or_default()))
}
