//! Playbooks: what is run, what must hold before, and what must hold afterwards whatever its exit code says.

use super::{Target, Word, kube};
use crate::id::ResourceKey;
use crate::inventory::reading::Reading;
use crate::resource::{Fields, Footprint, Kind, State};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Runs a playbook on the control side, with the operator's own Ansible.
///
/// It succeeded if Ansible told how all hosts fared, the host it was run for among them, nothing failed, every host was
/// reached and something was run: its exit code tells too little (T41).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    /// The playbook file.
    pub path: String,
    /// The inventory it runs with: a file, a folder, or a program.
    pub inventory: String,
    /// What must hold afterwards.
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
    /// The hosts that it is limited to, as Ansible's `--limit` has it. Whoever builds groups on a host that is left out
    /// finds them empty (T43).
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

/// A group of the inventory must have exactly these hosts (T5, T6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Require {
    /// The group.
    pub group: String,
    /// Its hosts, in any order; none: it is empty, or not there.
    pub hosts: Vec<String>,
}

/// What must hold after a playbook, whatever its exit code says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Expect {
    /// The target's node is Ready, its UID is new if it had one, and it runs this container runtime.
    NodeReady {
        /// Prefix of `containerRuntimeVersion` before `://`.
        runtime: String,
    },
    /// The ConfigMap exists and no longer carries this runtime's arguments.
    ConfigMapWithout {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
        /// The `runtime` mark that must be gone.
        runtime: String,
    },
}

impl Playbook {
    /// So long may the value of a variable be.
    pub const VALUE: usize = 4 << 10;

    pub(super) fn footprint(&self, target: &Target) -> Vec<Footprint> {
        let mut all = match &self.expect {
            None => Vec::new(),
            Some(Expect::NodeReady { .. }) => kube::node(target, Fields::Membership),
            Some(Expect::ConfigMapWithout { namespace, name, .. }) => kube::object(namespace, name),
        };
        let recorded = |path: &String| Footprint::new(ResourceKey::control_file(path), Fields::Evidence);
        all.extend(self.vars_from.iter().map(recorded));
        all
    }

    pub(super) fn met(&self, key: &ResourceKey, now: &State) -> Option<bool> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Action;
    use crate::inventory::reading::{Kind as SourceKind, Sources};

    fn playbook(more: &str) -> Result<Playbook, serde_json::Error> {
        serde_json::from_str(&format!("{{\"path\":\"/p/a.yml\",\"inventory\":\"/i\"{more}}}"))
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (more, words) in [
            (",\"vars\":{\"a b\":\"x\"}", "cannot name a variable"),
            (",\"vars\":{\"1a\":\"x\"}", "cannot name a variable"),
            (",\"limit\":\"@/tmp/x.retry\"", "contains `@`"),
            (",\"limit\":\"--check\"", "begins with a dash"),
            (",\"tags\":[\"a b\"]", "contains ` `"),
            (",\"vars_from\":[\"vars.yml\"]", "not absolute"),
            (",\"requires\":[{\"group\":\"\",\"hosts\":[]}]", "group is empty"),
        ] {
            let refused = Action::Playbook(Box::new(playbook(more).expect("it can be read"))).check().expect_err(more);
            assert!(refused.contains(words), "{refused}");
        }
        let long = format!(",\"vars\":{{\"a\":\"{}\"}}", "x".repeat(Playbook::VALUE + 1));
        let refused =
            Action::Playbook(Box::new(playbook(&long).expect("it can be read"))).check().expect_err("too long");
        assert!(refused.contains("vars_from"), "{refused}");
        assert_eq!(Action::Playbook(Box::new(playbook(",\"limit\":\"a:&b,!c[0:2]\"").expect("read"))).check(), Ok(()));
    }

    /// An inventory of one file.
    struct One<'a>(&'a str);

    impl Sources for One<'_> {
        fn kind(&self, path: &str) -> SourceKind {
            if path == "/i" { SourceKind::File } else { SourceKind::Missing }
        }

        fn read(&self, _: &str) -> Result<Vec<u8>, String> {
            Ok(self.0.as_bytes().to_vec())
        }

        fn list(&self, _: &str) -> Result<Vec<String>, String> {
            Ok(Vec::new())
        }

        fn run(&self, _: &str, _: &[&str]) -> Result<Vec<u8>, String> {
            Err("nothing is run".to_owned())
        }
    }

    #[test]
    fn requirements_are_about_whole_groups() {
        let more =
            ",\"requires\":[{\"group\":\"new_nodes\",\"hosts\":[\"g1\"]},{\"group\":\"new_masters\",\"hosts\":[]}]";
        let playbook = playbook(more).expect("it can be read");
        for (text, words) in [
            ("[new_nodes]\ng1\n", None),
            ("[new_nodes]\ng1\n[new_masters]\n", None),
            ("[new_nodes]\ng[1:1]\n", None),
            ("[nodes]\ng1\n", Some("the group new_nodes must have g1, and has no host")),
            ("[new_nodes]\ng1\ng2\n", Some("the group new_nodes must have g1, and has g1, g2")),
            ("[new_nodes]\ng1\n[new_masters]\nm1\n", Some("the group new_masters must have no host, and has m1")),
        ] {
            let reading = Reading::of(&One(text), &["/i"]).expect("it can be read");
            assert_eq!(playbook.unready(&reading).as_deref(), words, "{text}");
        }
    }
}
