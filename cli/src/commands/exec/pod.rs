//! A command in a pod.

use super::arguments::Exec;
use super::look::Ask;
use crate::error::{Exit, Failure};
use crate::render::escape;
use palinode_core::action::{KubeExec, PodRef};
use palinode_core::chain::chain;
use palinode_core::resource::ObjectRef;
use palinode_core::span::Span;

/// The command, in the pod that `NAMESPACE/POD` names.
pub(super) fn action(exec: &Exec) -> Result<KubeExec, Failure> {
    let form = |what: &str| {
        Failure::usage(
            format!("`{}` {what}", exec.on),
            "write the pod as `palinode exec NAMESPACE/POD -- COMMAND`, or a host without a slash",
        )
    };
    let (namespace, name) = match exec.on.split('/').collect::<Vec<_>>().as_slice() {
        [namespace, name] if !namespace.is_empty() && !name.is_empty() => ((*namespace).to_owned(), (*name).to_owned()),
        _ => return Err(form("is neither a host nor a pod")),
    };
    if !exec.changes.is_empty() {
        return Err(Failure::usage(
            "files in a pod are not recorded, so --changes says nothing there",
            "leave --changes away; what the command changes is not taken back",
        ));
    }
    Ok(KubeExec {
        pod: PodRef { namespace, name: Some(name), labels: Default::default() },
        container: exec.container.clone(),
        run: exec.command.clone(),
        reads: exec.reads,
        timeout: exec.timeout.unwrap_or(Span::seconds(300)),
    })
}

/// Refuses a pod that is not there, with those that there are.
pub(super) fn is_there(ask: &Ask, exec: &KubeExec) -> Result<(), Failure> {
    let (space, name) = (&exec.pod.namespace, exec.pod.name.clone().unwrap_or_default());
    let pod =
        ObjectRef { api: "v1".to_owned(), kind: "Pod".to_owned(), namespace: Some(space.clone()), name: name.clone() };
    match ask.has(&pod) {
        Ok(true) => Ok(()),
        Ok(false) => Err(ask.none_such(&pod, "pods")),
        Err(error) => Err(Failure::new(
            Exit::Failed,
            format!("the pod {space}/{name} cannot be looked at: {}; nothing was touched", escape(&chain(&error))),
            "see that `kubectl get pods` works from here with the same --kubeconfig and --context",
        )),
    }
}
