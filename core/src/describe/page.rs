//! The reference pages, as Markdown that reads well in a terminal too.

use super::keys::Keys;
use super::kind::{KindDoc, Sort, actions, gates};
use super::lookup::topics;
use crate::form::Field;
use std::fmt::Write as _;

const WIDTH: usize = 78;

const HEAD: &str = "\
<!-- Generated from what is read; `PALINODE_TESTS_BLESS=1 cargo test -p palinode-tests --test suite explain::` writes it. -->
";

/// The page of all actions and gates, `cli/docs/actions.md`.
pub fn actions_page() -> String {
    let (actions, gates) = (actions(), gates());
    let mut out = format!("{HEAD}# Actions and gates\n\n");
    paragraph(
        &mut out,
        "An action changes something or looks at something, and a gate waits until something holds. Each step of a runbook has \
         one of them. `palinode explain NAME` shows the same for one name, and `palinode explain NAME.FIELD` for one field.",
    );
    let usable = || actions.iter().filter(|kind| kind.sort == Sort::Action);
    overview(&mut out, "Actions", usable());
    overview(&mut out, "Gates", gates.iter());
    for kind in usable().chain(&gates) {
        section(&mut out, kind);
    }
    out.push_str("\n## What only a rollback does\n\n");
    paragraph(&mut out, "These stand in the plan of a rollback and in the log. No runbook can use them.");
    out.push('\n');
    for kind in actions.iter().filter(|kind| kind.sort == Sort::Inverse) {
        item(&mut out, "", &format!("`{}`: {}.", kind.name, kind.summary));
    }
    out
}

/// The page of the runbook language, `cli/docs/runbook-language.md`.
pub fn runbook_page() -> String {
    let mut out = format!("{HEAD}# The runbook language\n\n");
    paragraph(
        &mut out,
        "`palinode explain runbook` shows the same. `palinode runbook check FILE` tells everything that is wrong in a runbook, \
         and `palinode util schema` prints a JSON schema, with which editors complete and check: many take it from a first line \
         `# yaml-language-server: $schema=FILE`. What a step can do is in \
         [actions](actions.md), and how to begin in [writing a runbook](writing-a-runbook.md).",
    );
    for Keys { name, about, fields: keys, example } in topics() {
        let _ = writeln!(out, "\n## {name}\n");
        paragraphs(&mut out, about);
        if !keys.is_empty() {
            out.push('\n');
            fields(&mut out, "", &keys);
        }
        if !example.is_empty() {
            let _ = write!(out, "\n```yaml\n{example}```\n");
        }
    }
    out
}

fn overview<'a>(out: &mut String, title: &str, kinds: impl Iterator<Item = &'a KindDoc>) {
    let _ = writeln!(out, "\n## {title}\n");
    for kind in kinds {
        item(out, "", &format!("`{}`: {}.", kind.name, kind.summary));
    }
}

fn section(out: &mut String, kind: &KindDoc) {
    let _ = writeln!(out, "\n## {}\n", kind.name);
    for (number, form) in kind.forms.iter().enumerate() {
        if number > 0 {
            out.push('\n');
        }
        paragraphs(out, &form.about);
        if !form.fields.is_empty() {
            out.push('\n');
            fields(out, "", &form.fields);
        }
    }
    out.push('\n');
    for fact in &kind.facts {
        item(out, "", &format!("*{}*: {}", fact.name, fact.is));
    }
    for example in &kind.examples {
        let _ = write!(out, "\n```yaml\n{example}```\n");
    }
}

/// Fields as a list, with what is below them.
fn fields(out: &mut String, indent: &str, all: &[Field]) {
    for field in all {
        item(out, indent, &line(field));
        let deeper = format!("{indent}  ");
        let told = field.choices.iter().any(|choice| !choice.about.is_empty() || !choice.fields.is_empty());
        if told {
            fields(out, &deeper, &field.choices);
        }
        fields(out, &deeper, &field.fields);
    }
}

/// A field in one line: name, type, unit, default, and what it does.
fn line(field: &Field) -> String {
    let mut traits = Vec::new();
    if !field.takes.is_empty() {
        traits.push(field.kind());
    }
    traits.extend(field.unit.clone());
    if field.required {
        traits.push("required".to_owned());
    }
    traits.extend(field.default_text().map(|default| format!("default `{default}`")));
    let traits = if traits.is_empty() { String::new() } else { format!(" ({})", traits.join("; ")) };
    let about = if field.about.is_empty() { String::new() } else { format!(": {}", field.about.replace("\n\n", " ")) };
    format!("`{}`{traits}{about}", field.name)
}

fn paragraphs(out: &mut String, text: &str) {
    for (number, part) in text.split("\n\n").enumerate() {
        if number > 0 {
            out.push('\n');
        }
        paragraph(out, part);
    }
}

fn item(out: &mut String, indent: &str, text: &str) {
    let rest = format!("{indent}  ");
    let mut lines = wrap(text, WIDTH.saturating_sub(rest.len()));
    if lines.is_empty() {
        lines.push(String::new());
    }
    for (number, line) in lines.iter().enumerate() {
        let _ = match number {
            0 => writeln!(out, "{indent}- {line}"),
            _ => writeln!(out, "{rest}{line}"),
        };
    }
}

fn paragraph(out: &mut String, text: &str) {
    for line in wrap(text, WIDTH) {
        let _ = writeln!(out, "{line}");
    }
}

/// Lines of at most so many characters, where words allow it.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
