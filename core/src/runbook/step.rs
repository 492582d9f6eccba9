//! The steps of a plan: each step of the runbook for each host, with its values filled in.

use super::finding::Finding;
use super::gather::{Gathered, gather};
use super::keys;
use super::node::{At, Node, Value};
use super::parse::{Kind, Lost, Runbook, StepSpec};
use super::template::{Known, fill};
use super::values::Values;
use crate::action::{self, Action, Recovery, Target, UndoClass};
use crate::id::{HostName, Label, StepPath};
use crate::inventory::model::Reading;
use crate::run::plan::{Lane, LaneKind, Step, StepIx, Work};
use crate::shown::Shown as _;
use crate::suggest::nearest;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Makes the steps, and notes all that is wrong with them.
pub(super) struct Maker<'a> {
    pub(super) values: &'a Values,
    pub(super) inventory: Value,
    /// What is in it.
    pub(super) named: Option<Arc<Reading>>,
    lost: &'a Lost,
    pub(super) steps: Vec<Step>,
    pub(super) lanes: Vec<Lane>,
    pub(super) findings: Vec<Finding>,
    /// The names of the steps of the section at hand, with what they capture.
    section: Vec<(Label, Option<Label>)>,
    /// Those that stand before the step at hand.
    pub(super) earlier: Vec<Label>,
    /// What was captured before it.
    captured: BTreeSet<Label>,
}

/// Where a step is made.
#[derive(Clone, Copy)]
struct Spot<'a> {
    host: Option<&'a HostName>,
    prefix: &'a str,
}

impl<'a> Maker<'a> {
    pub(super) fn new(values: &'a Values, inventory: Value, named: Option<Arc<Reading>>, lost: &'a Lost) -> Self {
        let (steps, lanes, findings) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            values,
            inventory,
            named,
            lost,
            steps,
            lanes,
            findings,
            section: Vec::new(),
            earlier: Vec::new(),
            captured: BTreeSet::new(),
        }
    }

    /// Makes every step of a runbook.
    pub(super) fn all(&mut self, runbook: &Runbook, hosts: &[HostName]) {
        let mut common = self.lost.captures.clone();
        self.lane(LaneKind::First, |maker| {
            maker.begin(&runbook.preflight);
            for spec in &runbook.preflight {
                maker.preflight(spec, hosts, &mut common);
                maker.earlier.push(spec.name.clone());
            }
            maker.begin(&runbook.before);
            for spec in &runbook.before {
                maker.step(spec, Spot { host: None, prefix: "before" }, &mut common);
            }
        });
        for host in hosts {
            let mut captures = common.clone();
            self.lane(LaneKind::Host(host.clone()), |maker| {
                maker.begin(&runbook.each_host);
                for spec in &runbook.each_host {
                    maker.step(spec, Spot { host: Some(host), prefix: host.as_str() }, &mut captures);
                }
            });
        }
        self.lane(LaneKind::Last, |maker| {
            maker.begin(&runbook.after);
            for spec in &runbook.after {
                maker.step(spec, Spot { host: None, prefix: "after" }, &mut common);
            }
        });
    }

    fn begin(&mut self, section: &[StepSpec]) {
        let capture = |spec: &StepSpec| spec.modifier("capture").and_then(|node| node.read().ok());
        self.section = section.iter().map(|spec| (spec.name.clone(), capture(spec))).collect();
        self.earlier = Vec::new();
    }

    fn lane(&mut self, kind: LaneKind, make: impl FnOnce(&mut Self)) {
        let at = |steps: &Vec<Step>| StepIx::try_from(steps.len()).unwrap_or(StepIx::MAX);
        let start = at(&self.steps);
        make(self);
        self.lanes.push(Lane { kind, start, end: at(&self.steps) });
    }

    /// Notes what is wrong; the value, if nothing is.
    pub(super) fn note<T>(&mut self, result: Result<T, Finding>) -> Option<T> {
        result.map_err(|finding| self.findings.push(finding)).ok()
    }

    /// Preflight looks and changes nothing; what needs a host is done for every one of them.
    fn preflight(&mut self, spec: &StepSpec, hosts: &[HostName], captures: &mut BTreeSet<Label>) {
        let needs_host = match &spec.kind {
            Kind::Gate(name) => name != crate::gate::OF_THE_CLUSTER,
            Kind::Action(name) => {
                if !action::is_read_only(name) {
                    let what = format!("`{name}` changes something, and preflight only looks");
                    self.findings.push(Finding::new(spec.at, what, "move the step to `before` or `each_host`"));
                }
                true
            }
        };
        if needs_host {
            for host in hosts {
                self.step(spec, Spot { host: Some(host), prefix: &format!("preflight/{host}") }, captures);
            }
        } else {
            self.step(spec, Spot { host: None, prefix: "preflight" }, captures);
        }
    }

    /// The step of the section that captures a name.
    fn captured_later(&self, name: &str) -> Option<&Label> {
        let captures = |own: &Option<Label>| own.as_ref().is_some_and(|own| own.as_str() == name);
        self.section.iter().find(|(_, own)| captures(own)).map(|(step, _)| step)
    }

    /// Whether a text holds a name that could not be filled in: it is not known, which was noted, or not known yet.
    pub(super) fn unfilled(&self, text: &str) -> bool {
        super::template::names(text).iter().any(|name| !self.captured.iter().any(|own| own.as_str() == name))
    }

    /// Fills in the names of a value; false if something is wrong.
    fn fill(
        &mut self,
        node: &mut Node,
        host: Option<&HostName>,
        item: Option<&Value>,
        captures: &BTreeSet<Label>,
    ) -> bool {
        let host = host.map(|host| Value::Text(host.to_string()));
        let own = ["host", "inventory", "item"];
        let found = fill(node, &|name| match (name, &host, item) {
            ("host", Some(value), _) => Known::Value(value),
            ("inventory", ..) => Known::Value(&self.inventory),
            ("item", _, Some(value)) => Known::Value(value),
            _ => match self.values.lookup(name) {
                Known::No(_) if captures.iter().any(|capture| capture.as_str() == name) => Known::Later,
                Known::No(_) if self.captured_later(name).is_some() => {
                    let step = self.captured_later(name).map_or("", Label::as_str);
                    Known::No(format!("the step `{step}` captures it after this one: move that step up"))
                }
                Known::No(_) => {
                    let known = self.values.names().chain(captures.iter().map(Label::as_str));
                    let known = known.chain(own.iter().copied().filter(|own| *own != "host" || host.is_some()));
                    Known::No(Known::meant(nearest(name, known).filter(|near| *near != name)))
                }
                found => found,
            },
        });
        let good = found.is_empty();
        self.findings.extend(found);
        good
    }

    /// Makes a step, or one for each of its items.
    fn step(&mut self, spec: &StepSpec, spot: Spot<'_>, captures: &mut BTreeSet<Label>) {
        let mut items: Vec<Option<Node>> = vec![None];
        if let Some(each) = spec.modifier("each") {
            let mut each = each.clone();
            if self.fill(&mut each, spot.host, None, captures) {
                items = match &each.value {
                    Value::Text(text) if self.values.waits(text) => vec![Some(each.clone())],
                    _ => {
                        let list = each.list("a list of items").map(<[Node]>::to_vec);
                        self.note(list).unwrap_or_default().into_iter().map(Some).collect()
                    }
                };
                if items.is_empty() && matches!(each.value, Value::List(_)) {
                    let what = format!("the step `{}` has nothing to do: its list is empty", spec.name);
                    self.findings.push(Finding::new(spec.at, what, "add an item or remove the step"));
                }
            } else {
                items = Vec::new();
            }
        }
        for item in items {
            if let Some(step) = self.make(spec, item.as_ref(), spot, captures) {
                self.steps.push(step);
            }
        }
        if let Some(capture) = spec.modifier("capture") {
            let label: Result<Label, Finding> = capture.read();
            captures.extend(self.note(label));
        }
        self.earlier.push(spec.name.clone());
    }

    /// A path of the step that no other has.
    fn path(&mut self, spec: &StepSpec, item: Option<&Node>, prefix: &str) -> Option<StepPath> {
        let path = match item.map(|node| node.text("text")) {
            Some(text) => format!("{prefix}/{}/{}", spec.name, slug(&self.note(text)?)),
            None => format!("{prefix}/{}", spec.name),
        };
        let path = StepPath::new(&path).map_err(|bad| {
            let what = format!("cannot use `{}` as a step's path: {bad}", path.shown());
            Finding::new(spec.at, what, "rename the step")
        });
        self.note(path)
    }

    fn make(
        &mut self,
        spec: &StepSpec,
        item: Option<&Node>,
        spot: Spot<'_>,
        captures: &BTreeSet<Label>,
    ) -> Option<Step> {
        let before = self.findings.len();
        self.captured.clone_from(captures);
        let value = item.map(|node| &node.value);
        let mut params = spec.params.clone();
        self.fill(&mut params, spot.host, value, captures);
        let path = self.path(spec, item, spot.prefix);
        let mut modifiers = spec.modifiers.clone();
        for (name, node) in &mut modifiers {
            // What is captured has a name of its own, and items were filled in already.
            if name != "each" {
                self.fill(node, spot.host, value, captures);
            }
        }
        let modifiers = Modifiers(modifiers);
        let work = match &spec.kind {
            Kind::Gate(name) => {
                for modifier in ["capture", "undo_after", "touches", "recovery", "undo"] {
                    self.refuse(&modifiers, modifier, "a gate changes nothing");
                }
                self.gate(spec.at, name, params, modifiers.get("timeout"))
            }
            Kind::Action(name) => self.act(spec, name, params, &modifiers, spot.host),
        };
        // Only earlier steps can be named, so the order of undoing has no circles.
        let undo_after = self.steps_named(modifiers.get("undo_after"), spot.host, &spec.name);
        let touches = self.steps_named(modifiers.get("touches"), spot.host, &spec.name);
        let when = modifiers.get("when").map(|node| self.note(super::declared::when(node)));
        let class = match &work {
            Some(Work::Act(action)) => self.class(action, &modifiers),
            Some(Work::Gate { .. }) | None => Some((UndoClass::Read, None)),
        };
        let recovery = match (modifiers.get("recovery"), &work) {
            (Some(node), Some(Work::Act(_)) | None) => self.read(node),
            (_, Some(Work::Act(action))) => Some(action.recovery()),
            (_, Some(Work::Gate { .. }) | None) => Some(Recovery::Repeat),
        };
        let capture = match modifiers.get("capture") {
            Some(node) => Some(node.read().ok()?),
            None => None,
        };
        let (class, undo_reason) = class?;
        (self.findings.len() == before).then_some(())?;
        Some(Step {
            path: path?,
            label: spec.name.clone(),
            target: Target { host: spot.host.cloned(), node: None },
            work: work?,
            when: when.flatten(),
            capture,
            class,
            recovery: recovery?,
            undo_after,
            touches,
            undoes: None,
            accepts: Vec::new(),
            undo_reason,
        })
    }

    /// A value of its own kind, such as a span of time.
    pub(super) fn read<T: serde::de::DeserializeOwned>(&mut self, node: &Node) -> Option<T> {
        match gather(node, Node::read_as, |text| self.unfilled(text)) {
            Gathered::Good(value) => Some(value),
            Gathered::Bad { findings, .. } => {
                self.findings.extend(findings);
                None
            }
        }
    }

    /// Refuses a key that does not fit the action or gate.
    pub(super) fn refuse(&mut self, modifiers: &Modifiers, name: &str, why: &str) {
        if let Some(node) = modifiers.get(name) {
            self.findings.push(Finding::new(node.at, format!("`{name}` does not fit here: {why}"), "remove it"));
        }
    }

    fn act(
        &mut self,
        spec: &StepSpec,
        name: &str,
        mut params: Node,
        modifiers: &Modifiers,
        host: Option<&HostName>,
    ) -> Option<Work> {
        match (modifiers.get("timeout"), &mut params.value) {
            (Some(timeout), Value::Map(entries)) if name == "wait" => {
                let key = super::node::Key { at: timeout.at, text: "timeout".to_owned() };
                entries.push((key, timeout.clone()));
            }
            _ => {
                self.refuse(
                    modifiers,
                    "timeout",
                    "only `wait` and gates have one; a drain has it among its own values",
                );
            }
        }
        if name != "file.read" {
            self.refuse(modifiers, "capture", "only `file.read` brings a value");
        }
        self.action(spec, name, params, host).map(Work::Act)
    }

    /// The undo class, as the runbook declares it or as the action has it.
    fn class(&mut self, action: &Action, modifiers: &Modifiers) -> Option<(UndoClass, Option<String>)> {
        // What a playbook changed that nobody looked at, nobody knows.
        let blind = matches!(action, Action::Playbook(playbook) if playbook.expect.is_none());
        let touches =
            modifiers.get("touches").is_some_and(|node| !matches!(&node.value, Value::List(all) if all.is_empty()));
        let own = match blind && !touches {
            true => UndoClass::UnknownEffect,
            false => action.class(),
        };
        match modifiers.get("undo") {
            Some(node) => {
                let declared = super::declared::class(node, action, own);
                self.note(declared)
            }
            None => Some((own, None)),
        }
    }

    /// The steps that a key names, all of them earlier ones of the same section.
    fn steps_named(&mut self, node: Option<&Node>, host: Option<&HostName>, own: &Label) -> Vec<StepPath> {
        let list = match node.map(|node| (&node.value, node)) {
            Some((Value::List(items), _)) => items.clone(),
            Some((_, node)) => vec![node.clone()],
            None => Vec::new(),
        };
        let mut found = Vec::new();
        for item in &list {
            let name = item.text("the name of a step");
            let Some(name) = self.note(name) else { continue };
            let same =
                self.steps.iter().filter(|step| step.label.as_str() == name && step.target.host.as_ref() == host);
            let paths: Vec<StepPath> = same.map(|step| step.path.clone()).collect();
            if paths.is_empty() {
                self.earlier_step(item.at, &name, own);
            }
            found.extend(paths);
        }
        found
    }

    /// Notes that no step of a name stands before the one at hand, unless one does that something is wrong with.
    pub(super) fn earlier_step(&mut self, at: At, name: &str, own: &Label) {
        let lost = self.lost.steps.iter().any(|lost| lost.as_str() == name);
        if lost || self.values.waits(name) || self.earlier.iter().any(|step| step.as_str() == name) {
            return;
        }
        let what = format!("no step `{}` stands before this one", name.shown());
        let next = if name == own.as_str() {
            "a step cannot name itself; name an earlier one of the same section".to_owned()
        } else if self.section.iter().any(|(step, _)| step.as_str() == name) {
            format!("`{}` stands after it: move it up, or name an earlier step", name.shown())
        } else {
            match nearest(name, self.earlier.iter().map(Label::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None if self.earlier.is_empty() => "remove it: no step stands before this one".to_owned(),
                None => {
                    let all: Vec<&str> = self.earlier.iter().map(Label::as_str).collect();
                    format!("name an earlier step of the same section: {}", all.join(", "))
                }
            }
        };
        self.findings.push(Finding::new(at, what, next));
    }
}

/// The keys of a step beside its action, filled in.
pub(super) struct Modifiers(BTreeMap<String, Node>);

impl Modifiers {
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        debug_assert!(keys::has(keys::STEP, name), "{name} is a key of a step");
        self.0.get(name)
    }
}

fn slug(text: &str) -> String {
    let kept: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@') { c } else { '-' })
        .collect();
    kept.trim_start_matches('-').to_owned()
}
