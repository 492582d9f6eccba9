//! `kube.exec`: a command in a pod.

use crate::action::{ActionKind, CheckError, Described, Place, Recovery, Target, Undo, UndoClass, values};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, State};
use crate::span::Span;
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A pod that something is run in: by its name, or the one pod with these labels (on the step's node, if it has a host).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PodRef {
    /// The namespace of the pod.
    pub namespace: String,
    /// The name of the pod; without it `labels` find it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The labels of the one pod that is meant; on the node of the step, if it has a host.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Runs a command in a container of a pod. No shell reads its words, and it gets no input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KubeExec {
    /// The pod, by its name or by its labels.
    pub pod: PodRef,
    /// The container; without it the pod's only or first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The program and its arguments.
    pub run: Vec<String>,
    /// Whether it only looks: then it may be asked again, and nothing is to be taken back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reads: bool,
    /// How long it may take. After that it may go on in the pod, and its end is not known.
    #[serde(default = "five_minutes")]
    pub timeout: Span,
}

fn five_minutes() -> Span {
    Span::seconds(300)
}

// Serde asks with a reference.
fn is_false(value: &bool) -> bool {
    !*value
}

impl Described for KubeExec {
    const EXAMPLES: &'static [&'static str] = &[
        "\
- peers:
    kube.exec:
      pod: { namespace: glusterfs, labels: { glusterfs: storage-pod } }
      run: [gluster, peer, status]
      reads: true
",
        "\
- reload:
    kube.exec:
      pod: { namespace: web, name: front-0 }
      run: [nginx, -s, reload]
      timeout: 1m
",
    ];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for KubeExec {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self {
            pod: PodRef { namespace: dice.word(), name: dice.maybe(Dice::word), labels: dice.pairs() },
            container: dice.maybe(Dice::word),
            run: dice.words(),
            reads: dice.flag(),
            timeout: dice.span(),
        }
    }
}

impl ActionKind for KubeExec {
    fn place(&self) -> Place {
        Place::Cluster
    }

    fn class(&self) -> UndoClass {
        if self.reads { UndoClass::Read } else { UndoClass::UnknownEffect }
    }

    fn recovery(&self) -> Recovery {
        if self.reads { Recovery::Repeat } else { Recovery::Ask }
    }

    fn needs_host(&self) -> bool {
        self.pod.name.is_none()
    }

    fn words(&self) -> String {
        let pod = match &self.pod.name {
            Some(name) => format!("{}/{name}", self.pod.namespace),
            None => format!("the pod in {} with its labels", self.pod.namespace),
        };
        let program = self.run.first().map_or("nothing", String::as_str);
        format!("run {program} in {pod}")
    }

    fn check(&self) -> Result<(), CheckError> {
        if self.run.is_empty() {
            return Err(CheckError::of("run", "`run` names no program"));
        }
        if self.run.iter().any(|word| word.contains('\0')) {
            return Err(CheckError::of("run", "the command contains a NUL byte"));
        }
        for (what, text) in [("namespace", Some(&self.pod.namespace)), ("name", self.pod.name.as_ref())] {
            if let Some(text) = text.filter(|text| !text.contains("{{") && !values::is_plain(text, "-._")) {
                return Err(CheckError::of("pod", format!("the {what} `{text}` is none that a pod has")));
            }
        }
        match (&self.pod.name, self.pod.labels.is_empty()) {
            (Some(_), true) | (None, false) => Ok(()),
            _ => Err(CheckError::of("pod", "`pod` takes either a `name` or `labels`")),
        }
    }

    fn footprint(&self, _: &Target) -> Vec<Footprint> {
        Vec::new()
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, _: &State) -> Option<bool> {
        None
    }

    fn inverse(&self, _: &Target, _: &Image) -> Vec<Undo> {
        Vec::new()
    }
}
