//! The keys of runbooks, described: whatever is no action and no gate.

use crate::form::Field;
use crate::runbook::keys::{self, Key};
use serde::Serialize;

/// A map of a runbook, or a rule of its language, with what there is to say of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Keys {
    /// The name under which it is explained.
    pub name: &'static str,
    /// What it is, in paragraphs.
    pub about: &'static str,
    /// Its keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// How it looks.
    pub example: &'static str,
}

/// All of them, in the order of the reference page.
pub(super) fn all() -> Vec<Keys> {
    vec![
        Keys { name: "runbook", about: RUNBOOK, fields: fields(keys::TOP), example: WHOLE },
        Keys {
            name: "hosts",
            about: "The hosts that a runbook acts on.",
            fields: fields(keys::HOSTS),
            example: "hosts: { group: glusterfs, serial: 1, max_fail: 0 }\n",
        },
        Keys {
            name: "parameters",
            about: "The parameters of a runbook: a map from their names to maps with these keys.\n\nThe names `host`, `item` and \
                    `inventory` are Palinode's own.",
            fields: fields(keys::PARAMETER),
            example: "parameters:\n  group: { default: glusterfs, about: whose nodes are migrated }\n",
        },
        Keys {
            name: "step",
            about: "A step: `- NAME: { ACTION: { ... } }`, or a gate in the place of the action. Its name is told in the log, and \
                    other steps refer to it. Beside the action it may have these keys.",
            fields: fields(keys::STEP),
            example: "- packages:\n    package: { names: [docker], state: absent }\n    recovery: repeat\n    undo_after: stop\n",
        },
        Keys { name: "templates", about: TEMPLATES, fields: Vec::new(), example: "" },
    ]
}

/// Keys as fields, in the order in which they are usually written.
pub(super) fn fields(keys: &[Key]) -> Vec<Field> {
    let field = |key: &Key| {
        let field = Field::of(key.name, &key.schema(), key.required);
        // Without a default of its own a key is as if it did not exist.
        Field { default: field.default.filter(|_| key.default.is_some()), ..field }
    };
    keys.iter().map(field).collect()
}

const RUNBOOK: &str = "A runbook is a YAML map with these keys. Each step does one thing, and the steps of a host are done in \
                       their order.\n\nA number with a point is refused, since `3.10` would become 3.1: put it in quotes.";

const WHOLE: &str = "\
runbook: reboot-nodes
about: Reboot the storage nodes, one at a time, with storage healed in between

parameters:
  group: { default: glusterfs, about: the group that is rebooted }

hosts: { group: \"{{ group }}\", serial: 1 }

preflight:
  - storage: { gluster.healed: { samples: 2 }, timeout: 10m }

each_host:
  - cordon: { kube.cordon: {} }
  - drain: { kube.drain: { emptydir: delete, timeout: 15m } }
  - reboot: { reboot: {}, undo: no-undo }
  - healed: { gate: { gluster.healed: { samples: 2 } }, timeout: 2h }
  - schedulable: { restore: { step: cordon, fields: [unschedulable] } }
";

const TEMPLATES: &str = "`{{ NAME }}` in a text is filled in: a parameter when the plan is made, a captured value when the turn of the \
                         step comes. `{{ host }}` is the host of the step, `{{ inventory }}` the path of the inventory, and `{{ \
                         item }}` the item of `each`. There are no expressions.\n\nA text that is one template and nothing else takes \
                         the value as it is: `names: \"{{ packages }}\"` takes a list. Where a number, a list or a span of time \
                         stands, such a text may stand too. In YAML a text that begins with `{` needs quotes.\n\nA captured value \
                         fits only where text is taken, and not into what is merged into an object of the cluster.";
