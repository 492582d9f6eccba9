//! `palinode explain`: what a runbook can say, from the types that it is read as.

use crate::args::{Args, Output};
use crate::error::{Exit, Failure};
use crate::render::{print_json, to_stdout, width};
use palinode_core::describe::page::wrap;
use palinode_core::describe::{Field, KindDoc, Sort, Subject, actions, gates, lookup, sentence, topics};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Explain what a runbook can say: an action, a gate, a key, or a field of one.
///
/// `explain` lists every name, `explain kube.drain` tells what it does and which fields it takes, and
/// `explain kube.drain.timeout` tells the type, unit and default of one field.
#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// What to explain, such as `kube.drain` or `hosts.serial`; without it every name is listed.
    name: Option<String>,
}

/// No line is longer than this, however wide the terminal is.
const WIDEST: usize = 110;

pub(crate) fn explain(args: &Args, wanted: &Explain) -> Result<Exit, Failure> {
    let Some(name) = &wanted.name else {
        return Ok(overview(args));
    };
    let subject = lookup(name).map_err(|unknown| Failure::usage(unknown.to_string(), unknown.next))?;
    if args.output == Output::Json {
        print_json(&serde_json::to_value(&subject).unwrap_or_default());
    } else {
        let mut page = Page { out: String::new(), width: width().min(WIDEST) };
        page.subject(&subject);
        to_stdout(&page.out);
    }
    Ok(Exit::Done)
}

/// Every name that can be explained.
fn overview(args: &Args) -> Exit {
    let (actions, gates) = (actions(), gates());
    let usable: Vec<&KindDoc> = actions.iter().filter(|kind| kind.sort == Sort::Action).collect();
    if args.output == Output::Json {
        let kinds = |all: &[&KindDoc]| -> Value {
            all.iter().map(|kind| json!({ "name": kind.name, "about": kind.summary })).collect()
        };
        let language: Value =
            topics().iter().map(|keys| json!({ "name": keys.name, "about": sentence(keys.about) })).collect();
        let gates: Vec<&KindDoc> = gates.iter().collect();
        print_json(&json!({ "runbook": language, "actions": kinds(&usable), "gates": kinds(&gates) }));
        return Exit::Done;
    }
    let mut page = Page { out: String::new(), width: width().min(WIDEST) };
    let language: Vec<(&str, String)> =
        topics().iter().map(|keys| (keys.name, sentence(keys.about).to_owned())).collect();
    let actions: Vec<(&str, String)> = usable.iter().map(|kind| (kind.name, format!("{}.", kind.summary))).collect();
    let gates: Vec<(&str, String)> = gates.iter().map(|kind| (kind.name, format!("{}.", kind.summary))).collect();
    page.list("The runbook", &language);
    page.list("Actions", &actions);
    page.list("Gates", &gates);
    page.out.push_str("\nnext: palinode explain NAME, or NAME.FIELD\n");
    to_stdout(&page.out);
    Exit::Done
}

/// A text in the making, no wider than the terminal.
struct Page {
    out: String,
    width: usize,
}

impl Page {
    fn subject(&mut self, subject: &Subject) {
        match subject {
            Subject::Kind(kind) => self.kind(kind),
            Subject::Keys(keys) => {
                let _ = writeln!(self.out, "{}\n", keys.name);
                self.paragraphs(keys.about);
                self.fields("Keys", &keys.fields);
                self.example(keys.example);
                self.hint(keys.name, keys.fields.first());
            }
            Subject::Field { of, field } => self.field(of, field),
        }
    }

    fn kind(&mut self, kind: &KindDoc) {
        let sort = match kind.sort {
            Sort::Action => "an action",
            Sort::Inverse => "an action of rollbacks",
            Sort::Gate => "a gate",
        };
        let _ = writeln!(self.out, "{}: {sort}\n", kind.name);
        if kind.forms.is_empty() {
            self.paragraphs(&format!("{}.", kind.summary));
        }
        let many = kind.forms.len() > 1;
        for (number, form) in kind.forms.iter().enumerate() {
            if number > 0 {
                self.out.push('\n');
            }
            self.paragraphs(&form.about);
            self.fields(if many { "Fields of this form" } else { "Fields" }, &form.fields);
        }
        self.out.push('\n');
        let facts: Vec<(&str, String)> = kind.facts.iter().map(|fact| (fact.name, fact.is.clone())).collect();
        self.rows(&facts);
        if !kind.examples.is_empty() {
            self.example(&kind.examples.join(""));
        }
        self.hint(kind.name, kind.forms.iter().flat_map(|form| &form.fields).next());
    }

    fn field(&mut self, of: &str, field: &Field) {
        let name = format!("{of}.{}", field.name);
        let _ = writeln!(self.out, "{name}\n");
        if !field.about.is_empty() {
            self.paragraphs(&field.about);
            self.out.push('\n');
        }
        let mut traits = Vec::new();
        if field.takes.is_empty() {
            traits.push(("type", "a word, as it stands".to_owned()));
        } else {
            traits.push(("type", field.kind()));
            traits.extend(field.unit.clone().map(|unit| ("unit", unit)));
            traits.push(("required", if field.required { "yes" } else { "no" }.to_owned()));
            if !field.required {
                traits.push(("default", field.default_text().unwrap_or_else(|| "none".to_owned())));
            }
        }
        self.rows(&traits);
        self.fields("Values", &field.choices);
        self.fields("Fields", &field.fields);
        let below = field.fields.first().or_else(|| field.choices.iter().find(|choice| !choice.takes.is_empty()));
        self.hint(&name, below);
    }

    /// What to type to see more.
    fn hint(&mut self, name: &str, below: Option<&Field>) {
        if let Some(field) = below {
            let _ = writeln!(self.out, "\nnext: palinode explain {name}.{}", field.name);
        }
    }

    fn paragraphs(&mut self, text: &str) {
        for (number, part) in text.split("\n\n").enumerate() {
            if number > 0 {
                self.out.push('\n');
            }
            self.indented("  ", part);
        }
    }

    fn indented(&mut self, indent: &str, text: &str) {
        for line in wrap(text, self.width.saturating_sub(indent.len())) {
            let _ = writeln!(self.out, "{indent}{line}");
        }
    }

    fn example(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.out.push_str("\nExample\n");
        for line in text.lines() {
            let _ = writeln!(self.out, "  {line}");
        }
    }

    /// Fields, each with its type and what it does.
    fn fields(&mut self, title: &str, fields: &[Field]) {
        if fields.is_empty() {
            return;
        }
        let _ = writeln!(self.out, "\n{title}");
        let column = fields.iter().map(|field| field.name.len()).max().unwrap_or(0).min(22) + 4;
        for field in fields {
            let mut traits = Vec::new();
            if !field.takes.is_empty() {
                traits.push(field.kind());
            }
            if field.required {
                traits.push("required".to_owned());
            }
            traits.extend(field.default_text().map(|default| format!("default {default}")));
            let traits = traits.join("; ");
            let mut parts: Vec<&str> = vec![&traits, &field.about];
            parts.retain(|part| !part.is_empty());
            self.entry(&field.name, column, &parts);
        }
    }

    /// A name, and texts beside it in a column.
    fn entry(&mut self, name: &str, column: usize, parts: &[&str]) {
        let space = " ".repeat(column);
        let room = self.width.saturating_sub(column).max(20);
        let mut lines: Vec<String> = parts.iter().flat_map(|part| wrap(part, room)).collect();
        if name.len() + 3 > column {
            let _ = writeln!(self.out, "  {name}");
        } else {
            let first = if lines.is_empty() { String::new() } else { lines.remove(0) };
            let line = format!("  {name:<width$}{first}", width = column - 2);
            let _ = writeln!(self.out, "{}", line.trim_end());
        }
        for line in lines {
            let _ = writeln!(self.out, "{space}{line}");
        }
    }

    fn rows(&mut self, rows: &[(&str, String)]) {
        let column = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 4;
        for (name, text) in rows {
            self.entry(name, column, &[text]);
        }
    }

    fn list(&mut self, title: &str, rows: &[(&str, String)]) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        let _ = writeln!(self.out, "{title}");
        self.rows(rows);
    }
}
