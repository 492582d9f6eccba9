//! A plan as a person sees it before agreeing.

use crate::render::{escape, some};
use palinode_core::action::UndoClass;
use palinode_core::run::effect::effect_unknown;
use palinode_core::run::plan::{LaneKind, Plan, Step, Work};
use std::fmt::Write as _;

/// A plan on one screen: the steps of the first host, which are those of the others.
pub(crate) fn outline(plan: &Plan) -> String {
    let hosts: Vec<&str> = plan.hosts().map(|host| host.as_str()).collect();
    let mut out = format!("{} on {}, {} at a time\n", plan.runbook, some(&hosts, 6), plan.serial);
    let mut told = false;
    for lane in &plan.lanes {
        let head = match &lane.kind {
            LaneKind::First => "before all hosts".to_owned(),
            LaneKind::Last => "after all hosts".to_owned(),
            LaneKind::Host(_) if told => continue,
            LaneKind::Host(host) if hosts.len() == 1 => host.to_string(),
            LaneKind::Host(_) => "each host".to_owned(),
        };
        told |= matches!(lane.kind, LaneKind::Host(_));
        let steps: Vec<_> = (lane.start..lane.end).filter_map(|ix| plan.step(ix)).collect();
        if steps.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{head}");
        for step in steps {
            let (work, class) = match &step.work {
                Work::Act(action) => (escape(&action.words()), class_words(step)),
                Work::Gate { gate, .. } => (format!("wait until {} holds", gate.name()), String::new()),
            };
            let _ = writeln!(out, "  {:<16} {work}{class}", step.label.as_str());
        }
    }
    out.push('\n');
    out
}

fn class_words(step: &Step) -> String {
    let words = match (step.class, &step.undo_reason) {
        (UndoClass::NoUndo, Some(reason)) => return format!("  (nothing takes it back: {})", escape(reason)),
        _ if effect_unknown(step, None) => "  (not known what it changes)",
        (UndoClass::NoUndo, None) => "  (nothing takes it back)",
        (UndoClass::PointOfNoReturn, _) => "  (no way back from here)",
        (UndoClass::Read | UndoClass::Reversible | UndoClass::UnknownEffect, _) => "",
    };
    words.to_owned()
}
