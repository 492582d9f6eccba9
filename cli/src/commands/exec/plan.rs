//! The plan of what was typed.

use crate::error::Failure;
use palinode_core::action::{Action, Recovery, Target};
use palinode_core::id::{HostName, Label, StepPath};
use palinode_core::run::plan::{Plan, Step, Work};

/// Where a step stands that is done for no host.
const NO_HOST: &str = "cluster";

/// The plan of these actions, one after the other, for a host or for none. `repeatable`: a person says so.
pub(super) fn plan(
    host: Option<HostName>,
    actions: Vec<Action>,
    repeatable: bool,
    inventory: Option<String>,
) -> Result<Plan, Failure> {
    let steps = actions.into_iter().map(|action| step(host.as_ref(), action, repeatable)).collect::<Result<_, _>>()?;
    Ok(Plan::typed(host, steps, inventory))
}

fn step(host: Option<&HostName>, action: Action, repeatable: bool) -> Result<Step, Failure> {
    action.check().map_err(|error| Failure::usage(error.reason, "correct it; nothing was touched"))?;
    if serde_json::to_string(&action).is_ok_and(|text| text.contains("{{")) {
        return Err(Failure::usage(
            "two braces begin a template, and there is nothing here to fill one with",
            "put the command into a script on the host, or write a runbook",
        ));
    }
    let slug = action.slug();
    let place = host.map_or(NO_HOST, HostName::as_str);
    let wrong = |bad: String| Failure::usage(format!("the step cannot be named: {bad}"), "shorten the words");
    Ok(Step {
        path: StepPath::new(format!("{place}/{slug}")).map_err(|bad| wrong(bad.to_string()))?,
        label: Label::new(slug.replace('.', "-")).map_err(|bad| wrong(bad.to_string()))?,
        target: Target { host: host.cloned(), node: None },
        when: None,
        capture: None,
        class: action.class(),
        recovery: if repeatable { Recovery::Repeat } else { action.recovery() },
        undo_after: Vec::new(),
        touches: Vec::new(),
        undoes: None,
        accepts: Vec::new(),
        undo_reason: None,
        work: Work::Act(action),
    })
}
