//! Actions and gates, described.

use crate::action::{Place, Recovery, TABLE, UndoClass};
use crate::form::{Field, Form, sentence};
use crate::gate::GATE_EXAMPLES;
use crate::inventory::model::Reading;
use crate::run::plan::{Plan, Work};
use crate::runbook::{Given, Kind, Runbook, form_of};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// Whether it acts or waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// An action.
    Action,
    /// An action that only a rollback does.
    Inverse,
    /// A gate.
    Gate,
}

/// Something that a kind says of itself: where it acts, what a rollback does about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What about.
    pub name: &'static str,
    /// What it says.
    pub is: String,
}

/// One form of the values of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FormDoc {
    /// What an action of this form does, in paragraphs.
    pub about: String,
    /// Its fields, those that must be given first.
    pub fields: Vec<Field>,
}

/// An action or a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KindDoc {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub sort: Sort,
    /// What it does, in one sentence.
    pub summary: String,
    /// The forms of its values: usually one.
    pub forms: Vec<FormDoc>,
    /// What it says of itself.
    pub facts: Vec<Fact>,
    /// Steps that use it.
    pub examples: Vec<&'static str>,
    /// The schema of its values, for each form.
    #[serde(skip)]
    pub(super) schemas: Vec<Value>,
}

impl KindDoc {
    fn new(name: &'static str, sort: Sort, forms: Vec<Form>, examples: Vec<&'static str>) -> Self {
        let summary = summary(&forms);
        let (docs, schemas) =
            forms.into_iter().map(|Form { about, fields, schema }| (FormDoc { about, fields }, schema)).unzip();
        let mut doc = Self { name, sort, summary, forms: docs, facts: Vec::new(), examples, schemas };
        doc.facts = doc.find_facts();
        doc
    }

    /// A field of any of its forms.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.forms.iter().flat_map(|form| &form.fields).find(|field| field.name == name)
    }

    /// What its examples become: undo class, recovery and place are those of the actions themselves.
    fn find_facts(&self) -> Vec<Fact> {
        let (mut places, mut classes, mut recoveries) = (Vec::new(), Vec::new(), Vec::new());
        let mut lone = false;
        for (runbook, plan) in self.examples.iter().filter_map(|example| expanded(example).ok()) {
            for step in &plan.steps {
                let spec = runbook.each_host.iter().find(|spec| spec.name == step.label);
                let Some(spec) = spec.filter(|spec| spec.kind == Kind::Action(self.name.to_owned())) else { continue };
                let Work::Act(action) = &step.work else { continue };
                let class = if spec.modifier("undo").is_some() { action.class() } else { step.class };
                push(&mut places, place(action.place()));
                push(&mut classes, undo(class));
                push(&mut recoveries, recovery(action.recovery()));
                lone |= !action.needs_host();
            }
        }
        let row = TABLE.iter().find(|row| row.name == self.name);
        let (reads, one_of) = row.map_or((false, &[][..]), |row| (row.reads, row.one_of));
        match self.sort {
            Sort::Inverse => vec![fact("done by", vec!["a rollback only; no runbook can use it"])],
            Sort::Gate => vec![
                fact("acts", vec!["it only looks"]),
                fact("sections", vec!["preflight, each_host"].into_iter().chain(self.alone()).collect()),
            ],
            Sort::Action => {
                let mut sections = vec!["each_host"];
                if reads {
                    sections.insert(0, "preflight");
                }
                if lone {
                    sections.extend(["before", "after"]);
                }
                let one_of: Vec<String> = one_of.iter().map(|name| format!("`{name}`")).collect();
                let needs =
                    (!one_of.is_empty()).then(|| Fact { name: "needs", is: format!("one of {}", one_of.join(", ")) });
                let facts = [
                    fact("acts", places),
                    Fact { name: "sections", is: sections.join(", ") },
                    fact("rollback", classes),
                    fact("in doubt", recoveries),
                ];
                needs.into_iter().chain(facts).collect()
            }
        }
    }

    fn alone(&self) -> Option<&'static str> {
        (self.name == crate::gate::OF_THE_CLUSTER).then_some("before, after")
    }
}

fn push<T: PartialEq>(all: &mut Vec<T>, one: T) {
    if !all.contains(&one) {
        all.push(one);
    }
}

fn fact(name: &'static str, all: Vec<&str>) -> Fact {
    let joint = if name == "sections" { ", " } else { "; or " };
    Fact { name, is: all.join(joint) }
}

fn place(place: Place) -> &'static str {
    match place {
        Place::Host => "on the host",
        Place::Control => "on the machine that Palinode runs on",
        Place::Cluster => "through the API of the cluster",
    }
}

fn undo(class: UndoClass) -> &'static str {
    match class {
        UndoClass::Read => "nothing to do, it changes nothing (read)",
        UndoClass::Reversible => "puts back what was (reversible)",
        UndoClass::UnknownEffect => "passes it and lists it, its effect is not known (unknown-effect)",
        UndoClass::NoUndo => "passes it and lists it, there is nothing to restore (no-undo)",
        UndoClass::PointOfNoReturn => "refuses to cross it (point-of-no-return)",
    }
}

fn recovery(recovery: Recovery) -> &'static str {
    match recovery {
        Recovery::Repeat => "it is done again (repeat)",
        Recovery::Ask => "an operator is asked (ask)",
    }
}

/// The first sentence of each form, as one.
fn summary(forms: &[Form]) -> String {
    let mut all = String::new();
    for form in forms {
        let one = sentence(&form.about).trim_end_matches('.');
        if all.is_empty() {
            all.push_str(one);
        } else {
            let mut letters = one.chars();
            let first: String = letters.next().into_iter().flat_map(char::to_lowercase).collect();
            all.push_str(&format!("; or {first}{}", letters.as_str()));
        }
    }
    all
}

/// An example as a runbook with one host, and the plan that it becomes.
pub(super) fn expanded(example: &str) -> Result<(Runbook, Plan), Vec<crate::runbook::Finding>> {
    let steps: String = example.lines().map(|line| format!("  {line}\n")).collect();
    let text = format!("runbook: example\nhosts: {{ group: nodes }}\neach_host:\n{steps}");
    const FILE: &str = "/etc/ansible/hosts";
    let inventory = b"[nodes]\nnode1.example.com\nnode2.example.com\nnode3.example.com\n";
    // It is as good as it stands here.
    let inventory = Reading::of_text(FILE, inventory).ok().map(|reading| (FILE.to_owned(), Arc::new(reading)));
    let given = Given { inventory, ..Given::default() };
    let runbook = Runbook::parse(&text)?;
    let plan = runbook.expand(&given)?;
    Ok((runbook, plan))
}

/// Every action, sorted by name; those that only a rollback does among them.
pub fn actions() -> Vec<KindDoc> {
    let doc = |row: &crate::action::Row| match row.runbook {
        true => KindDoc::new(row.name, Sort::Action, (row.forms)(), row.examples.to_vec()),
        false => {
            let about = Form { about: row.about.trim().to_owned(), fields: Vec::new(), schema: Value::Null };
            KindDoc { forms: Vec::new(), ..KindDoc::new(row.name, Sort::Inverse, vec![about], Vec::new()) }
        }
    };
    TABLE.iter().map(doc).collect()
}

/// Every gate, sorted by name.
pub fn gates() -> Vec<KindDoc> {
    let doc = |(name, example): &(&'static str, &'static str)| {
        KindDoc::new(name, Sort::Gate, form_of(name).into_iter().collect(), vec![example])
    };
    GATE_EXAMPLES.iter().map(doc).collect()
}
