//! An object of any kind, patched or deleted.

use super::arguments::Exec;
use super::incomplete::incomplete;
use super::look::Ask;
use crate::error::{Exit, Failure};
use crate::render::{escape, some};
use palinode_core::action::{Action, PatchObject, RemoveObject};
use palinode_core::chain::chain;
use palinode_core::cluster::{ApiKind, NoKind, kind_called};
use palinode_core::resource::ObjectRef;
use palinode_core::runbook::typed_merge;
use palinode_executors::Kinds;

/// The words that actions on objects begin with.
pub(super) const VERBS: [&str; 2] = ["patch", "delete"];

/// What is done with an object.
#[derive(Debug)]
pub(super) struct ObjectWork {
    /// The kind as it was typed.
    kind: String,
    name: String,
    namespace: Option<String>,
    does: Does,
}

#[derive(Debug)]
enum Does {
    /// Merges these fields, as JSON in its one form.
    Patch(String),
    Delete,
}

/// Reads the words.
pub(super) fn work(exec: &Exec, words: &[&str]) -> Result<ObjectWork, Failure> {
    let verb = words.first().copied().unwrap_or_default();
    let form = |what: String| {
        Failure::usage(
            what,
            format!("write `palinode exec KIND/NAME -n NAMESPACE {verb}`, such as `deployment/web -n shop`"),
        )
    };
    let (kind, name) = match exec.on.split('/').collect::<Vec<_>>().as_slice() {
        [kind, name] if !kind.is_empty() && !name.is_empty() => ((*kind).to_owned(), (*name).to_owned()),
        _ => return Err(form(format!("`{}` does not say which object is meant", exec.on))),
    };
    let does = match words {
        ["delete"] => Does::Delete,
        ["patch", fields] => {
            let merge = typed_merge(fields).map_err(|finding| {
                Failure::usage(
                    format!("`{fields}` is not what can be merged: {}", finding.what),
                    "write a map of the fields that are set, as JSON or YAML: '{\"spec\": {\"replicas\": 2}}'",
                )
            })?;
            Does::Patch(merge)
        }
        ["patch"] => return Err(form("`patch` does not say what is to be merged".to_owned())),
        _ => return Err(incomplete(words)),
    };
    Ok(ObjectWork { kind, name, namespace: exec.namespace.clone(), does })
}

impl ObjectWork {
    /// The action on the object that is meant, which must be there.
    pub(super) fn action(self, ask: &Ask) -> Result<Action, Failure> {
        let kinds = ask.kinds()?;
        let kind = self.kind_of(&kinds)?;
        let object = ObjectRef {
            api: kind.api.clone(),
            kind: kind.kind.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        };
        self.is_allowed(kind)?;
        let plural = kind.plural.clone();
        let action = match self.does {
            Does::Patch(merge) => Action::PatchObject(PatchObject { object: object.clone(), merge, create: false }),
            Does::Delete => Action::RemoveObject(RemoveObject { object: object.clone() }),
        };
        action.check().map_err(|error| Failure::usage(error.reason, "correct it; nothing was touched"))?;
        match ask.has(&object) {
            Ok(true) => Ok(action),
            Ok(false) => Err(ask.none_such(&object, &plural)),
            Err(error) => Err(Failure::new(
                Exit::Failed,
                format!(
                    "{} cannot be looked at: {}; nothing was touched",
                    escape(&object.to_string()),
                    escape(&chain(&error))
                ),
                "see that `kubectl get` shows it with the same --kubeconfig and --context",
            )),
        }
    }

    fn kind_of<'a>(&self, kinds: &'a Kinds) -> Result<&'a ApiKind, Failure> {
        kind_called(&kinds.all, &self.kind).map_err(|why| {
            let typed = escape(&self.kind);
            let quoted = |words: &[String]| {
                let all: Vec<String> = words.iter().map(|word| format!("`{}`", escape(word))).collect();
                all.join(" or ")
            };
            match why {
                NoKind::Many(words) => Failure::usage(
                    format!("several kinds are called `{typed}`; nothing was touched"),
                    format!("say which one is meant: {}", quoted(&words)),
                ),
                NoKind::Unknown(near) => {
                    let silent: Vec<&str> = kinds.silent.iter().map(|(api, _)| api.as_str()).collect();
                    let silent = match silent.as_slice() {
                        [] => String::new(),
                        all => format!(" (it does not tell what it has in {})", escape(&some(all, 4))),
                    };
                    let next = match near.is_empty() {
                        false => format!("did you mean {}?", quoted(&near)),
                        true => {
                            let mut all: Vec<String> = kinds.all.iter().map(ApiKind::word).collect();
                            all.dedup();
                            let all: Vec<&str> = all.iter().map(String::as_str).collect();
                            format!("there are {}; `kubectl api-resources` lists them", escape(&some(&all, 12)))
                        }
                    };
                    Failure::usage(format!("the cluster has no kind `{typed}`{silent}; nothing was touched"), next)
                }
            }
        })
    }

    /// Whether an object of this kind is meant as it was typed, and may be asked for this.
    fn is_allowed(&self, kind: &ApiKind) -> Result<(), Failure> {
        let name = escape(&self.name);
        let (verb, other) = match self.does {
            Does::Patch(_) => ("patch", "cordon|uncordon|label K=V|taint K=V:EFFECT"),
            Does::Delete => ("delete", "delete-node"),
        };
        match (kind.namespaced, &self.namespace) {
            _ if (kind.api.as_str(), kind.kind.as_str()) == ("v1", "Node") => Err(Failure::usage(
                "a Node is claimed and fenced before it is changed, so it has actions of its own; nothing was touched",
                format!("type `palinode exec {name} {other}`"),
            )),
            (true, None) => Err(Failure::usage(
                format!("{} objects are in namespaces, and none is named", kind.kind),
                format!("add -n NAMESPACE: `palinode exec {}/{name} -n NAMESPACE {verb}`", escape(&self.kind)),
            )),
            (false, Some(_)) => Err(Failure::usage(
                format!("a {} belongs to the whole cluster, to no namespace", kind.kind),
                "leave --namespace away",
            )),
            _ if !kind.verbs.iter().any(|known| known == verb) => Err(Failure::usage(
                format!("the cluster does not {verb} a {}; nothing was touched", kind.kind),
                format!("it takes {}", escape(&kind.verbs.join(", "))),
            )),
            _ => Ok(()),
        }
    }
}
