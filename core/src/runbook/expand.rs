//! From a runbook to a plan: parameters, hosts and `each` are filled in, every action becomes typed.

use super::Finding;
use super::node::{At, Key, Node, Value};
use super::parse::{Kind, Runbook, StepSpec};
use super::template::{Known, fill, names};
use crate::action::{self, Action, Recovery, Target, UndoClass};
use crate::gate::Gate;
use crate::id::{HostName, Label, StepPath};
use crate::inventory::Inventory;
use crate::run::plan::{Lane, LaneKind, Plan, Step, StepIx, When, Work};
use crate::run::rules::version::RULES;
use crate::shown::Shown as _;
use crate::span::Span;
use std::collections::{BTreeMap, BTreeSet};

/// What a runbook is expanded with.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Parameters as given on the command line.
    pub parameters: BTreeMap<String, String>,
    /// Path and text of the inventory.
    pub inventory: Option<(String, String)>,
    /// Only these hosts of the group; empty means all.
    pub only: Vec<String>,
}

impl Runbook {
    /// Makes the plan; every complaint at once.
    pub fn expand(&self, given: &Given) -> Result<Plan, Vec<Finding>> {
        let parameters = self.fill_parameters(given)?;
        let hosts = self.find_hosts(given, &parameters).map_err(|finding| vec![finding])?;
        let serial = serial(&self.hosts.serial, &parameters, hosts.len()).map_err(|finding| vec![finding])?;
        let mut maker = Maker {
            parameters: &parameters,
            inventory: given.inventory.as_ref().map(|(path, _)| Value::Text(path.clone())),
            named: given.inventory.as_ref().map(|(_, text)| Inventory::parse(text)),
            steps: Vec::new(),
            findings: Vec::new(),
        };
        let mut lanes = Vec::new();
        let mut common = BTreeSet::new();
        maker.lane(&mut lanes, LaneKind::First, |maker| {
            for spec in &self.preflight {
                maker.preflight(spec, &hosts, &mut common);
            }
            for spec in &self.before {
                maker.step(spec, None, "before", &mut common);
            }
        });
        for host in &hosts {
            let mut captures = common.clone();
            maker.lane(&mut lanes, LaneKind::Host(host.clone()), |maker| {
                for spec in &self.each_host {
                    maker.step(spec, Some(host), host.as_str(), &mut captures);
                }
            });
        }
        maker.lane(&mut lanes, LaneKind::Last, |maker| {
            for spec in &self.after {
                maker.step(spec, None, "after", &mut common);
            }
        });
        let Maker { steps, mut findings, .. } = maker;
        let mut paths = BTreeSet::new();
        if let Some(step) = steps.iter().find(|step| !paths.insert(&step.path)) {
            let what = format!("two steps would have the path {}", step.path);
            findings.push(Finding::new(
                At::default(),
                what,
                "rename a step, or the host that is called like a section",
            ));
        }
        // Every host repeats the same complaints about the same line.
        let mut seen = Vec::new();
        findings.retain(|finding| {
            let new = !seen.contains(finding);
            seen.push(finding.clone());
            new
        });
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok(Plan {
            runbook: self.name.clone(),
            about: self.about.clone(),
            rules: RULES,
            parameters: parameters.iter().map(|(name, node)| (name.clone(), show(&node.value))).collect(),
            inventory: given.inventory.as_ref().map(|(path, _)| path.clone()),
            serial,
            max_fail: self.hosts.max_fail,
            lanes,
            steps,
            compensates: None,
        })
    }

    fn fill_parameters(&self, given: &Given) -> Result<BTreeMap<Label, Node>, Vec<Finding>> {
        let mut findings = Vec::new();
        for name in given.parameters.keys() {
            if !self.parameters.keys().any(|known| known.as_str() == name) {
                let known: Vec<&str> = self.parameters.keys().map(Label::as_str).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                findings.push(Finding::new(
                    At::default(),
                    format!("the runbook {} has no parameter `{}`, known are {known}", self.name, name.shown()),
                    "correct the name after --set",
                ));
            }
        }
        let mut filled = BTreeMap::new();
        for (name, param) in &self.parameters {
            let value = match (given.parameters.get(name.as_str()), &param.default) {
                (Some(text), default) => typed(name, text, default.as_ref()),
                (None, Some(default)) => Ok(default.clone()),
                (None, None) => Err(Finding::new(
                    At::default(),
                    format!("the parameter `{name}` has no default and was not given"),
                    format!("add --set {name}=VALUE"),
                )),
            };
            match value {
                Ok(node) => {
                    filled.insert(name.clone(), node);
                }
                Err(finding) => findings.push(finding),
            }
        }
        // Defaults may use other parameters; each round fills in those that are final by now.
        for _ in 0..=filled.len() {
            let done: BTreeMap<Label, Node> = filled
                .iter()
                .filter(|(_, node)| !open(node))
                .map(|(name, node)| (name.clone(), node.clone()))
                .collect();
            for node in filled.values_mut().filter(|node| open(node)) {
                let result = fill(node, &|name| match done.iter().find(|(known, _)| known.as_str() == name) {
                    Some((_, node)) => Known::Value(&node.value),
                    None if self.parameters.keys().any(|known| known.as_str() == name) => Known::Later,
                    None => Known::No,
                });
                if let Err(finding) = result
                    && !findings.contains(&finding)
                {
                    findings.push(finding);
                }
            }
        }
        if findings.is_empty()
            && let Some((name, node)) = filled.iter().find(|(_, node)| open(node))
        {
            findings.push(Finding::new(
                node.at,
                format!("the parameter `{name}` is defined by itself"),
                "break the circle",
            ));
        }
        if findings.is_empty() { Ok(filled) } else { Err(findings) }
    }

    fn find_hosts(&self, given: &Given, parameters: &BTreeMap<Label, Node>) -> Result<Vec<HostName>, Finding> {
        let at = self.hosts.group.at;
        let mut group = self.hosts.group.clone();
        fill(&mut group, &|name| lookup(parameters, name))?;
        let group = group.text("the name of a group")?;
        let Some((path, text)) = &given.inventory else {
            return Err(Finding::new(at, "there is no inventory to find the hosts in", "give one with -i FILE"));
        };
        let shown = path.shown();
        let inventory = Inventory::parse(text);
        if !inventory.group_exists(&group) {
            let mut known: Vec<String> = inventory.groups().iter().map(|group| group.to_string()).collect();
            known.sort();
            return Err(Finding::new(
                at,
                format!("the inventory {shown} has no group `{}`, known are {}", group.shown(), known.join(", ")),
                "correct the group, or give another one with --set group=NAME",
            ));
        }
        if let Some((line, text)) = inventory.strange_lines(&group).first() {
            return Err(Finding::new(
                at,
                format!(
                    "line {line} of {shown}, in the group `{group}`, is not understood: `{}`",
                    text.shown().chars().take(80).collect::<String>()
                ),
                "correct that line: a host in it would be left out",
            ));
        }
        let names = inventory.every_host(&group).map_err(|why| {
            let what = format!("of the group `{group}` of {shown} not every host can be told: {why}");
            Finding::new(at, what, "correct the range, or write one line for each host")
        })?;
        let mut hosts = Vec::new();
        for name in &names {
            hosts.push(HostName::new(name).map_err(|bad| {
                let what = format!("the inventory {shown} names a host `{}`: {bad}", name.shown());
                Finding::new(at, what, "correct the name in the inventory")
            })?);
        }
        // These begin the paths of what belongs to no host.
        const TAKEN: [&str; 5] = [crate::resource::CONTROL, "preflight", "before", "after", "undo"];
        if let Some(host) = hosts.iter().find(|host: &&HostName| TAKEN.contains(&host.as_str())) {
            let what = format!(
                "the inventory {shown} names a host `{host}`, a word that Palinode uses for what belongs to no host"
            );
            return Err(Finding::new(at, what, "give the host another name in the inventory"));
        }
        if hosts.is_empty() {
            let what = format!("the group `{group}` of {shown} is empty");
            return Err(Finding::new(at, what, "add hosts to it, or choose another group"));
        }
        for only in &given.only {
            if !hosts.iter().any(|host| host.as_str() == only) {
                let known: Vec<&str> = hosts.iter().map(HostName::as_str).collect();
                let what =
                    format!("the group `{group}` has no host `{}`, its hosts are {}", only.shown(), known.join(", "));
                return Err(Finding::new(At::default(), what, "correct the name after --host"));
            }
        }
        if !given.only.is_empty() {
            hosts.retain(|host| given.only.iter().any(|only| only == host.as_str()));
        }
        Ok(hosts)
    }
}

/// Whether templates are left in a value.
fn open(node: &Node) -> bool {
    match &node.value {
        Value::Text(text) => text.contains("{{"),
        Value::List(items) => items.iter().any(open),
        Value::Map(entries) => entries.iter().any(|(_, value)| open(value)),
        _ => false,
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::List(items) => items.iter().map(|item| show(&item.value)).collect::<Vec<_>>().join(","),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| format!("{}={}", key.text, show(&value.value)))
            .collect::<Vec<_>>()
            .join(","),
    }
}

fn lookup<'a>(parameters: &'a BTreeMap<Label, Node>, name: &str) -> Known<'a> {
    parameters.iter().find(|(known, _)| known.as_str() == name).map_or(Known::No, |(_, node)| Known::Value(&node.value))
}

/// A parameter given as text, of the type of its default.
fn typed(name: &Label, text: &str, default: Option<&Node>) -> Result<Node, Finding> {
    let at = At::default();
    let value = match default.map(|node| &node.value) {
        Some(Value::Int(_)) => text.parse().map(Value::Int).map_err(|_| {
            Finding::new(at, format!("the parameter `{name}` takes a number, not `{}`", text.shown()), "give a number")
        })?,
        Some(Value::Bool(_)) => text.parse().map(Value::Bool).map_err(|_| {
            Finding::new(
                at,
                format!("the parameter `{name}` takes true or false, not `{}`", text.shown()),
                "give true or false",
            )
        })?,
        Some(Value::List(_)) => Value::List(
            text.split(',')
                .filter(|item| !item.is_empty())
                .map(|item| Node { at, value: Value::Text(item.trim().to_owned()) })
                .collect(),
        ),
        _ => Value::Text(text.to_owned()),
    };
    if text.chars().any(char::is_control) || text.contains("{{") {
        let what = format!("the parameter `{name}` contains control characters or {{{{");
        return Err(Finding::new(at, what, "give a plain value"));
    }
    Ok(Node { at, value })
}

fn serial(node: &Node, parameters: &BTreeMap<Label, Node>, hosts: usize) -> Result<u32, Finding> {
    let mut node = node.clone();
    fill(&mut node, &|name| lookup(parameters, name))?;
    let text = node.text("a number or a percentage")?;
    let wrong = || {
        Finding::new(
            node.at,
            format!("`serial` takes a number from 1, or a percentage, not `{}`", text.shown()),
            "correct it",
        )
    };
    let number: u64 = match text.strip_suffix('%') {
        // Rounded down, and at least one: never more hosts at once than the percentage says.
        Some(percent) => {
            let percent: u64 = percent.parse().ok().filter(|p| (1..=100).contains(p)).ok_or_else(wrong)?;
            (hosts as u64 * percent / 100).max(1)
        }
        // Some take a number that begins with a zero for an octal one.
        None if text.starts_with('0') || text.starts_with('+') => return Err(wrong()),
        None => text.parse().map_err(|_| wrong())?,
    };
    u32::try_from(number).ok().filter(|number| *number > 0).ok_or_else(wrong)
}

struct Maker<'a> {
    parameters: &'a BTreeMap<Label, Node>,
    inventory: Option<Value>,
    /// What is in it.
    named: Option<Inventory>,
    steps: Vec<Step>,
    findings: Vec<Finding>,
}

impl Maker<'_> {
    fn lane(&mut self, lanes: &mut Vec<Lane>, kind: LaneKind, make: impl FnOnce(&mut Self)) {
        let at = |steps: &Vec<Step>| StepIx::try_from(steps.len()).unwrap_or(StepIx::MAX);
        let start = at(&self.steps);
        make(self);
        lanes.push(Lane { kind, start, end: at(&self.steps) });
    }

    /// Preflight looks and changes nothing; what needs a host is done for every one of them.
    fn preflight(&mut self, spec: &StepSpec, hosts: &[HostName], captures: &mut BTreeSet<Label>) {
        let needs_host = match &spec.kind {
            Kind::Gate(name) => name != "gluster.healed",
            Kind::Action(name) => {
                if !action::is_read_only(name) {
                    let what = format!("`{name}` changes something, and preflight only looks");
                    self.findings.push(Finding::new(spec.at, what, "move the step to `before` or `each_host`"));
                    return;
                }
                true
            }
        };
        if needs_host {
            for host in hosts {
                self.step(spec, Some(host), &format!("preflight/{host}"), captures);
            }
        } else {
            self.step(spec, None, "preflight", captures);
        }
    }

    fn step(&mut self, spec: &StepSpec, host: Option<&HostName>, prefix: &str, captures: &mut BTreeSet<Label>) {
        if let Err(finding) = self.try_step(spec, host, prefix, captures) {
            self.findings.push(finding);
        }
    }

    fn try_step(
        &mut self,
        spec: &StepSpec,
        host: Option<&HostName>,
        prefix: &str,
        captures: &mut BTreeSet<Label>,
    ) -> Result<(), Finding> {
        let host_value = host.map(|host| Value::Text(host.to_string()));
        let inventory = self.inventory.clone();
        let parameters = self.parameters;
        let known = |item: Option<&Value>, node: &mut Node| {
            fill(node, &|name| match (name, &host_value, &inventory, item) {
                ("host", Some(value), ..) | ("inventory", _, Some(value), _) => Known::Value(value),
                ("item", _, _, Some(value)) => Known::Value(value),
                _ => match lookup(parameters, name) {
                    Known::No if captures.iter().any(|capture| capture.as_str() == name) => Known::Later,
                    found => found,
                },
            })
        };
        // Each item of `each` becomes a step of its own.
        let mut items: Vec<Option<Node>> = vec![None];
        if let Some(each) = spec.modifier("each") {
            let mut each = each.clone();
            known(None, &mut each)?;
            items = each.list("a list of items")?.iter().cloned().map(Some).collect();
        }
        if items.is_empty() {
            return Err(Finding::new(
                spec.at,
                format!("the step `{}` has nothing to do: its list is empty", spec.name),
                "add an item or remove the step",
            ));
        }
        for item in items {
            let mut params = spec.params.clone();
            let item_value = item.as_ref().map(|node| &node.value);
            known(item_value, &mut params)?;
            let sub = item.as_ref().map(|node| node.text("text").map(|text| slug(&text))).transpose()?;
            let path = match &sub {
                Some(sub) => format!("{prefix}/{}/{sub}", spec.name),
                None => format!("{prefix}/{}", spec.name),
            };
            let path = StepPath::new(&path).map_err(|bad| {
                Finding::new(
                    spec.at,
                    format!("cannot use `{}` as a step's path: {bad}", path.shown()),
                    "rename the step",
                )
            })?;
            let mut modifiers = spec.modifiers.clone();
            for node in modifiers.values_mut() {
                known(item_value, node)?;
            }
            let step = self.make(spec, &modifiers, params, path, host, captures)?;
            self.steps.push(step);
        }
        if let Some(capture) = spec.modifier("capture") {
            captures.insert(capture.read()?);
        }
        Ok(())
    }

    fn make(
        &self,
        spec: &StepSpec,
        modifiers: &BTreeMap<String, Node>,
        params: Node,
        path: StepPath,
        host: Option<&HostName>,
        captures: &BTreeSet<Label>,
    ) -> Result<Step, Finding> {
        let get = |name: &str| modifiers.get(name);
        let refuse = |name: &str, why: &str| match get(name) {
            Some(node) => Err(Finding::new(node.at, format!("`{name}` does not fit here: {why}"), "remove it")),
            None => Ok(()),
        };
        let mut undo_reason = None;
        let (work, class, recovery) = match &spec.kind {
            Kind::Gate(name) => {
                for modifier in ["capture", "undo_after", "touches", "recovery", "undo"] {
                    refuse(modifier, "a gate changes nothing")?;
                }
                let work = gate(spec.at, name, params, get("timeout"))?;
                self.known_to_inventory(spec.at, &work)?;
                (work, UndoClass::Read, Recovery::Repeat)
            }
            Kind::Action(name) => {
                let mut params = params;
                match (get("timeout"), &mut params.value) {
                    (Some(timeout), Value::Map(entries)) if name == "wait" => {
                        entries.push((Key { at: timeout.at, text: "timeout".to_owned() }, timeout.clone()));
                    }
                    _ => refuse("timeout", "only `wait` and gates have one; a drain has it among its own values")?,
                }
                let action = self.action(spec, name, params, host)?;
                // What a playbook changed that nobody looked at, nobody knows.
                let blind = matches!(&action, Action::Playbook(playbook) if playbook.expect.is_none());
                let touches =
                    get("touches").is_some_and(|node| !matches!(&node.value, Value::List(all) if all.is_empty()));
                let own = match blind && !touches {
                    true => UndoClass::UnknownEffect,
                    false => action.class(),
                };
                let (class, reason) = match get("undo") {
                    Some(node) => declared(node, &action, own)?,
                    None => (own, None),
                };
                undo_reason = reason;
                let recovery = get("recovery").map(Node::read).transpose()?.unwrap_or_else(|| action.recovery());
                if get("capture").is_some() && !matches!(action, Action::FileRead(_)) {
                    refuse("capture", "only `file.read` brings a value")?;
                }
                (Work::Act(action), class, recovery)
            }
        };
        let lane_steps = |node: &Node| -> Result<Vec<StepPath>, Finding> {
            let mut found = Vec::new();
            let list = match &node.value {
                Value::List(items) => items.clone(),
                _ => vec![node.clone()],
            };
            for item in &list {
                let name = item.text("the name of a step")?;
                let before = found.len();
                let same =
                    self.steps.iter().filter(|step| step.label.as_str() == name && step.target.host.as_ref() == host);
                found.extend(same.map(|step| step.path.clone()));
                if found.len() == before {
                    let what = format!("no step `{}` stands before this one", name.shown());
                    return Err(Finding::new(item.at, what, "name an earlier step of the same section"));
                }
            }
            Ok(found)
        };
        // Only earlier steps can be named, so the order of undoing has no circles.
        let undo_after = match get("undo_after") {
            Some(node) => lane_steps(node)?,
            None => Vec::new(),
        };
        let touches = get("touches").map(lane_steps).transpose()?.unwrap_or_default();
        let when = get("when").map(|node| when(node, captures)).transpose()?;
        Ok(Step {
            path,
            label: spec.name.clone(),
            target: Target { host: host.cloned(), node: None },
            work,
            when,
            capture: get("capture").map(Node::read).transpose()?,
            class,
            recovery,
            undo_after,
            touches,
            undoes: None,
            accepts: Vec::new(),
            undo_reason,
        })
    }

    /// The hosts that a gate asks are of the inventory, which says how they are reached.
    fn known_to_inventory(&self, at: At, work: &Work) -> Result<(), Finding> {
        let (Work::Gate { gate, .. }, Some(inventory)) = (work, &self.named) else { return Ok(()) };
        match gate.asks().iter().find(|host| !inventory.has_host(host.as_str())) {
            Some(host) => {
                let what = format!("`{}` asks {host}, which the inventory does not name", gate.name());
                Err(Finding::new(at, what, "correct the name, or add the host to the inventory"))
            }
            None => Ok(()),
        }
    }

    fn action(&self, spec: &StepSpec, name: &str, params: Node, host: Option<&HostName>) -> Result<Action, Finding> {
        // `file` is about paths that go, or about one that is written.
        let has =
            |key: &str| matches!(&params.value, Value::Map(entries) if entries.iter().any(|(k, _)| k.text == key));
        let name = if name == "file" && has("content") { "file.write" } else { name };
        let (meant, mut params) = super::objects::meant(name, params)?;
        if meant == "file.write" {
            octal_mode(&mut params)?;
        }
        let name = meant.as_str();
        // The inventory of the run is what these act on, unless they say otherwise.
        let default = match name {
            "inventory.edit" => Some("file"),
            "ansible.playbook" => Some("inventory"),
            _ => None,
        };
        if let (Some(default), Value::Map(entries), Some(inventory)) = (default, &mut params.value, &self.inventory)
            && !entries.iter().any(|(key, _)| key.text == default)
        {
            let key = Key { at: spec.at, text: default.to_owned() };
            entries.push((key, Node { at: spec.at, value: inventory.clone() }));
        }
        let at = params.at;
        let whole = Node { at, value: Value::Map(vec![(Key { at: spec.at, text: name.to_owned() }, params)]) };
        let action: Action = whole.read()?;
        if action.needs_host() && host.is_none() {
            return Err(Finding::new(
                spec.at,
                format!("`{name}` needs a host, and this section has none"),
                "move the step to `each_host`",
            ));
        }
        action.check().map_err(|why| Finding::new(at, why, "correct the value"))?;
        let earlier =
            |label: &Label| self.steps.iter().any(|step| step.label == *label && step.target.host.as_ref() == host);
        let named = match &action {
            Action::Restore(restore) => Some(&restore.step),
            Action::InventoryEdit(edit) => edit.home_of.as_ref(),
            _ => None,
        };
        if let Some(label) = named
            && !earlier(label)
        {
            return Err(Finding::new(
                at,
                format!("no step `{label}` stands before this one"),
                "name an earlier step of the same section",
            ));
        }
        Ok(action)
    }
}

/// The undo class that a runbook declares: a class, stricter than the action's own, or `no-undo` with a reason. Of what
/// only the runbook knows, `no-undo` is the one class that makes less of it than it is, so it takes a reason.
fn declared(node: &Node, action: &Action, own: UndoClass) -> Result<(UndoClass, Option<String>), Finding> {
    const KEY: &str = "no-undo";
    const HOW: &str = "write `undo: { no-undo: \"why nothing has to be taken back\" }`";
    if let Value::Map(entries) = &node.value {
        let [(key, reason)] = entries.as_slice() else {
            return Err(Finding::new(node.at, "one class is declared", HOW));
        };
        if key.text != KEY {
            let what = format!("`{}` takes no reason, only `{KEY}` does", key.text.escape_debug());
            return Err(Finding::new(key.at, what, HOW));
        }
        let words = reason.text("a reason")?;
        if words.trim().is_empty() || words.chars().any(char::is_control) || words.chars().count() > REASON {
            let what = format!("the reason is one line of at most {REASON} characters, and not empty");
            return Err(Finding::new(reason.at, what, HOW));
        }
        if own > UndoClass::NoUndo {
            return Err(Finding::new(key.at, LAXER, "remove it"));
        }
        return Ok((UndoClass::NoUndo, Some(words.trim().to_owned())));
    }
    let class: UndoClass = node.read()?;
    let free = matches!(action, Action::Command(_) | Action::KubeExec(_) | Action::Playbook(_));
    if class == UndoClass::NoUndo && free && own != UndoClass::Read {
        let what = format!("`{KEY}` takes a reason here: only you know why nothing of `{}` stays", action.name());
        return Err(Finding::new(node.at, what, HOW));
    }
    if class < own {
        return Err(Finding::new(node.at, LAXER, "remove it"));
    }
    Ok((class, None))
}

const LAXER: &str = "an undo class can be declared stricter than the action's own, not laxer";

/// So many characters may the reason of `no-undo` have.
const REASON: usize = 300;

/// A mode is octal, and a number without a zero before it may be either: 420 is what 0644 becomes where a program reads
/// it as a number.
fn octal_mode(params: &mut Node) -> Result<(), Finding> {
    let Value::Map(entries) = &mut params.value else { return Ok(()) };
    let Some((_, mode)) = entries.iter_mut().find(|(key, _)| key.text == "mode") else { return Ok(()) };
    let at = mode.at;
    match &mut mode.value {
        Value::Text(text) => {
            if let Some(digits) = text.strip_prefix("0o") {
                *text = format!("{digits:0>4}");
            }
            Ok(())
        }
        Value::Int(number) => {
            let decimal = u32::try_from(*number).ok().filter(|bits| *bits <= 0o7777).map(|bits| format!("{bits:04o}"));
            let digits = number.to_string();
            let octal = digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit)) && digits.len() <= 4;
            let octal = octal.then(|| format!("{digits:0>4}"));
            let (reads, next) = match (octal, decimal) {
                (Some(octal), Some(decimal)) if octal != decimal => (
                    format!("it may mean {octal}, or be the decimal number that {decimal} is"),
                    format!("write `mode: {octal}` or `mode: {decimal}`, whichever is meant"),
                ),
                (Some(one), _) | (None, Some(one)) => {
                    (format!("modes are octal, and it is {one}"), format!("write `mode: {one}`"))
                }
                (None, None) => ("modes are octal".to_owned(), "write a mode such as `mode: 0644`".to_owned()),
            };
            Err(Finding::new(at, format!("the mode {number} is a number without a zero before it: {reads}"), next))
        }
        _ => Ok(()),
    }
}

fn slug(text: &str) -> String {
    let kept: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@') { c } else { '-' })
        .collect();
    kept.trim_start_matches('-').to_owned()
}

fn gate(at: At, name: &str, mut params: Node, timeout: Option<&Node>) -> Result<Work, Finding> {
    let mut samples = 1;
    let mut every = None;
    if let Value::Map(entries) = &mut params.value {
        if let Some(position) = entries.iter().position(|(key, _)| key.text == "samples") {
            let (key, node) = entries.remove(position);
            samples = node.read()?;
            if !(1..=100).contains(&samples) {
                return Err(Finding::new(key.at, "`samples` takes a number from 1 to 100", "correct it"));
            }
        }
        if let Some(position) = entries.iter().position(|(key, _)| key.text == "every") {
            every = Some(entries.remove(position).1.read()?);
        }
    }
    let place = params.at;
    let whole = Node { at: place, value: Value::Map(vec![(Key { at, text: name.to_owned() }, params)]) };
    let gate: Gate = whole.read()?;
    if matches!(&gate, Gate::GlusterHealed { without, .. } if !without.is_empty()) {
        return Err(Finding::new(place, "`without` is what a rollback says of its own host", "remove it"));
    }
    gate.check().map_err(|why| Finding::new(place, why, "correct the value"))?;
    let timeout: Span = timeout.map(Node::read).transpose()?.unwrap_or(Span::seconds(3600));
    Ok(Work::Gate { every: every.unwrap_or(gate.every()), gate, samples, timeout: Some(timeout) })
}

fn when(node: &Node, captures: &BTreeSet<Label>) -> Result<When, Finding> {
    let text = node.text("a comparison such as `{{ name }} == value`")?;
    let wrong = |what: String| Finding::new(node.at, what, "write `LEFT == RIGHT` or `LEFT != RIGHT`");
    let (left, equal, right) = match (text.split_once("=="), text.split_once("!=")) {
        (Some((left, right)), None) => (left, true, right),
        (None, Some((left, right))) => (left, false, right),
        _ => return Err(wrong(format!("`{}` is not one comparison", text.shown()))),
    };
    let side = |side: &str| {
        let side = side.trim();
        let bare = side
            .strip_prefix('\'')
            .and_then(|s| s.strip_suffix('\''))
            .or_else(|| side.strip_prefix('"').and_then(|s| s.strip_suffix('"')));
        bare.unwrap_or(side).to_owned()
    };
    if let Some(name) = names(&text).into_iter().find(|name| !captures.iter().any(|capture| capture.as_str() == name)) {
        return Err(wrong(format!("`{name}` is not captured by an earlier step")));
    }
    Ok(When { left: side(left), equal, right: side(right) })
}
