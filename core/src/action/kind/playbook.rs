//! `ansible.playbook`: what is run, what must hold before, and what must hold afterwards.

use crate::action::{
    ActionKind, CheckError, Described, InField as _, Place, Recovery, Target, Undo, UndoClass, Word, on_cluster,
    restore_touched, values,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::inventory::model::Reading;
use crate::resource::{Fields, Footprint, Image, Kind, State};
use crate::shown::Shown as _;
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

// T41.
/// Runs a playbook on the machine that Palinode runs on, with the operator's own Ansible.
///
/// It succeeds if Ansible reports on all hosts, the host of the step among them, nothing failed, every host was reached and
/// something was run. Its exit code tells too little. What it asks is answered by `vars`, or at a terminal by `--ask`; a
/// question without an answer ends it. Without `expect` and without `touches` its effect is unknown: a
/// rollback passes it and lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    /// The playbook file, absolute.
    pub path: String,
    /// The inventory it runs with: a file, a folder, or a program; without it the inventory of the run.
    #[schemars(with = "Option<String>")]
    pub inventory: String,
    /// What must hold afterwards, whatever the exit code says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
    /// The hosts that must be among those it was run on, with something run there and nothing failed; without this it is
    /// the host of the step. Empty: any host will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ran_on: Option<Vec<String>>,
    /// Extra variables, each a text, which is public and stands in the plan, or a secret, of which only where it is does.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vars: BTreeMap<String, Word>,
    /// Files with extra variables, YAML or JSON, perhaps encrypted by Ansible's vault. What is in them when the step
    /// begins is recorded as sealed bodies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vars_from: Vec<String>,
    // T43.
    /// The hosts that it is limited to, as Ansible's `--limit` has it. Groups that a playbook builds on a host that is left
    /// out stay empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// Only tasks with one of these tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// No tasks with one of these tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip_tags: Vec<String>,
    /// What the inventory must say before it is run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Require>,
}

// T5, T6.
/// A group of the inventory that must have exactly these hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Require {
    /// The name of the group.
    pub group: String,
    /// Its hosts, in any order; none: it is empty, or not there.
    pub hosts: Vec<String>,
}

/// What must hold after a playbook, whatever its exit code says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Expect {
    /// The node of the step is Ready, its UID is new if it had one, and it runs this container runtime.
    NodeReady {
        /// The runtime: `containerRuntimeVersion` of the node before its `://`.
        runtime: String,
    },
    /// The ConfigMap exists and no longer carries this runtime's arguments.
    ConfigMapWithout {
        /// The namespace of the ConfigMap.
        namespace: String,
        /// The name of the ConfigMap.
        name: String,
        /// The runtime whose arguments must be gone.
        runtime: String,
    },
}

impl Playbook {
    /// So long may the value of a variable be.
    pub const VALUE: usize = 4 << 10;

    /// Why it must not run with this inventory: the first requirement that does not hold, in words.
    pub fn unready(&self, inventory: &Reading) -> Option<String> {
        self.requires.iter().find_map(|require| {
            let there: BTreeSet<&str> = inventory.hosts(&require.group).into_iter().collect();
            let wanted: BTreeSet<&str> = require.hosts.iter().map(String::as_str).collect();
            let names = |all: &BTreeSet<&str>| match all.is_empty() {
                true => "no host".to_owned(),
                false => all.iter().copied().collect::<Vec<_>>().join(", "),
            };
            (there != wanted)
                .then(|| format!("the group {} must have {}, and has {}", require.group, names(&wanted), names(&there)))
        })
    }
}

impl Described for Playbook {
    const EXAMPLES: &'static [&'static str] = &[
        "\
- scaleup:
    ansible.playbook:
      path: /usr/share/ansible/playbooks/openshift-node/scaleup.yml
      requires: [ { group: new_nodes, hosts: [\"{{ host }}\"] } ]
      expect: { node-ready: { runtime: docker } }
",
        "\
- facts:
    ansible.playbook:
      path: /srv/facts.yml
      limit: \"{{ host }}\"
      tags: [network]
",
    ];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for Playbook {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self {
            path: dice.word(),
            inventory: dice.word(),
            expect: dice.maybe(|dice| match dice.flag() {
                true => Expect::NodeReady { runtime: dice.word() },
                false => Expect::ConfigMapWithout { namespace: dice.word(), name: dice.word(), runtime: dice.word() },
            }),
            ran_on: dice.maybe(Dice::words),
            vars: dice.list(|dice| (dice.word(), dice.text_or_secret(None))),
            vars_from: dice.words(),
            limit: dice.maybe(Dice::word),
            tags: dice.words(),
            skip_tags: dice.words(),
            requires: dice.list(|dice| Require { group: dice.word(), hosts: dice.words() }),
        }
    }
}

impl ActionKind for Playbook {
    fn place(&self) -> Place {
        Place::Control
    }

    fn class(&self) -> UndoClass {
        UndoClass::Reversible
    }

    fn recovery(&self) -> Recovery {
        Recovery::Ask
    }

    fn is_job(&self) -> bool {
        true
    }

    fn says_unmet(&self) -> bool {
        true
    }

    fn words(&self) -> String {
        let name = self.path.rsplit('/').take(2).collect::<Vec<_>>();
        format!("run {}", name.into_iter().rev().collect::<Vec<_>>().join("/"))
    }

    fn check(&self) -> Result<(), CheckError> {
        values::path(&self.path).within("path")?;
        self.vars_from.iter().try_for_each(|text| values::path(text)).within("vars_from")?;
        for (name, value) in &self.vars {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if !name.chars().all(plain) || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(CheckError::of("vars", format!("`{}` cannot name a variable of Ansible", name.shown())));
            }
            let value = match value {
                Word::Text(text) => text,
                Word::Secret(secret) => {
                    secret.check(None, false).within("vars")?;
                    continue;
                }
            };
            if value.len() > Self::VALUE {
                let why = format!(
                    "the variable `{name}` has {} bytes, and at most {} fit; put it into a file and name that in \
                     `vars_from`",
                    value.len(),
                    Self::VALUE
                );
                return Err(CheckError::of("vars", why));
            }
        }
        values::words("tag", &self.tags, "-_.:").within("tags")?;
        values::words("tag", &self.skip_tags, "-_.:").within("skip_tags")?;
        // What Ansible takes for a pattern of hosts.
        values::words("limit", &self.limit, "-_.:,!&*[]~").within("limit")?;
        values::words("host", self.ran_on.iter().flatten(), "-_.:").within("ran_on")?;
        for require in &self.requires {
            values::word("group", &require.group, "-_.").within("requires")?;
            values::words("host", &require.hosts, "-_.:").within("requires")?;
        }
        let expect = match &self.expect {
            None => Ok(()),
            Some(Expect::NodeReady { runtime }) => values::word("runtime", runtime, "-."),
            Some(Expect::ConfigMapWithout { namespace, name, runtime }) => {
                values::word("namespace", namespace, values::OBJECT)
                    .and_then(|()| values::word("name", name, values::OBJECT))
                    .and_then(|()| values::word("runtime", runtime, "-."))
            }
        };
        expect.within("expect")
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        let mut all = match &self.expect {
            None => Vec::new(),
            Some(Expect::NodeReady { .. }) => on_cluster::node(target, Fields::Membership),
            Some(Expect::ConfigMapWithout { namespace, name, .. }) => on_cluster::config_map(namespace, name),
        };
        let recorded = |path: &String| Footprint::new(ResourceKey::control_file(path), Fields::Evidence);
        all.extend(self.vars_from.iter().map(recorded));
        all
    }

    fn met(&self, key: &ResourceKey, _: Option<&State>, now: &State) -> Option<bool> {
        match (self.expect.as_ref()?, key.kind()?) {
            (Expect::NodeReady { runtime }, Kind::Node(_)) => Some(matches!(now, State::Node(node)
                if node.ready && node.runtime.split("://").next() == Some(runtime))),
            (Expect::ConfigMapWithout { namespace, name, runtime }, Kind::ConfigMap(space, object))
                if namespace == space && name == object =>
            {
                Some(matches!(now, State::Object { marks, .. } if marks.get("runtime") != Some(runtime)))
            }
            _ => None,
        }
    }

    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        restore_touched(before)
    }
}
