//! The generated reference pages, read back from their Markdown: what `palinode explain` has to say of each name in them.
//!
//! The pages are snapshots. So a text of `explain` is held against them, word by word, and needs no snapshot of its own.

use crate::snapshot::repository;
use palinode_core::describe::{Field, Sort, Subject, sentence};
use std::collections::BTreeMap;

/// The sections of the pages, by name, and what only a rollback does.
pub struct Reference {
    sections: BTreeMap<String, Vec<Block>>,
}

/// A piece of a section.
enum Block {
    Text(String),
    Items(Vec<Item>),
    Facts(Vec<String>),
    Example(String),
}

/// An item of a list, with the items below it: a field, a choice, or a name with what it does.
struct Item {
    name: String,
    traits: Traits,
    about: String,
    below: Vec<Item>,
}

/// What stands in parentheses behind a field: none of a word that is one of several.
#[derive(Default)]
struct Traits {
    kind: Option<String>,
    unit: Option<String>,
    required: bool,
    default: Option<String>,
}

impl Reference {
    /// Reads the pages of the repository, as they are on the disk.
    pub fn read() -> Self {
        let mut sections = BTreeMap::new();
        for page in ["cli/docs/runbook-language.md", "cli/docs/actions.md"] {
            let text = std::fs::read_to_string(repository().join(page)).expect("the page is there");
            for section in text.split("\n## ").skip(1) {
                let (name, body) = section.split_once('\n').unwrap_or((section, ""));
                assert!(sections.insert(name.to_owned(), blocks(body)).is_none(), "{name} has one section");
            }
        }
        Self { sections }
    }

    fn section(&self, name: &str) -> &[Block] {
        self.sections.get(name).unwrap_or_else(|| unreachable!("the pages have a section `{name}`"))
    }

    fn items(&self, name: &str) -> Vec<&Item> {
        let lists = self.section(name).iter().filter_map(|block| match block {
            Block::Items(items) => Some(items),
            Block::Text(_) | Block::Facts(_) | Block::Example(_) => None,
        });
        lists.flatten().collect()
    }

    /// The words that `palinode explain` has to print: every name with its first sentence.
    pub fn overview(&self, topics: &[&str]) -> String {
        let mut said = vec!["The runbook".to_owned()];
        for name in topics {
            let first = self.section(name).iter().find_map(|block| match block {
                Block::Text(text) => Some(sentence(text)),
                Block::Items(_) | Block::Facts(_) | Block::Example(_) => None,
            });
            said.extend([(*name).to_owned(), first.unwrap_or_default().to_owned()]);
        }
        for title in ["Actions", "Gates"] {
            said.push(title.to_owned());
            said.extend(self.items(title).into_iter().flat_map(|item| [item.name.clone(), item.about.clone()]));
        }
        said.push("next: palinode explain NAME, or NAME.FIELD".to_owned());
        words(&said.join(" "))
    }

    /// The words that `palinode explain` has to print of what a name stands for.
    pub fn explained(&self, subject: &Subject) -> String {
        let name = subject.name();
        let title = match subject {
            Subject::Kind(kind) if kind.sort == Sort::Inverse => {
                let all = self.items("What only a rollback does");
                let item = all.into_iter().find(|item| item.name == name);
                let about = &item.unwrap_or_else(|| unreachable!("`{name}` is listed")).about;
                return words(&format!(
                    "{name}: an action of rollbacks {about} done by a rollback only; no runbook can use it"
                ));
            }
            Subject::Kind(kind) if kind.sort == Sort::Gate => ": a gate",
            Subject::Kind(_) => ": an action",
            Subject::Keys(_) | Subject::Field { .. } => "",
        };
        let section = self.section(name);
        let forms = section.iter().filter(|block| matches!(block, Block::Items(_))).count();
        let heading = match subject {
            Subject::Keys(_) => "Keys",
            _ if forms > 1 => "Fields of this form",
            _ => "Fields",
        };
        let mut said = vec![format!("{name}{title}")];
        let mut is_example = false;
        for block in section {
            match block {
                Block::Text(text) => said.push(text.clone()),
                Block::Items(items) => {
                    said.push(heading.to_owned());
                    said.extend(items.iter().map(Item::listed));
                }
                Block::Facts(facts) => said.extend(facts.iter().cloned()),
                Block::Example(text) => {
                    if !std::mem::replace(&mut is_example, true) {
                        said.push("Example".to_owned());
                    }
                    said.push(text.clone());
                }
            }
        }
        if let Some(first) = self.items(name).first() {
            said.push(format!("next: palinode explain {name}.{}", first.name));
        }
        words(&said.join(" "))
    }

    /// The lines of the examples of a name, as they stand on the page.
    pub fn examples(&self, name: &str) -> Vec<&str> {
        let code = self.sections.get(name).into_iter().flatten().filter_map(|block| match block {
            Block::Example(text) => Some(text.lines()),
            Block::Text(_) | Block::Items(_) | Block::Facts(_) => None,
        });
        code.flatten().collect()
    }

    /// The words that `palinode explain` has to print of each field and choice below a name, with the name of each.
    pub fn below(&self, subject: &Subject) -> Vec<(String, String)> {
        let mut all = Vec::new();
        if self.sections.contains_key(subject.name()) {
            below(subject.name(), &self.items(subject.name()), &subject.fields(), &mut all);
        }
        all
    }
}

/// What is said of each of these fields. Where one stands twice, the first counts.
fn below(path: &str, items: &[&Item], fields: &[&Field], all: &mut Vec<(String, String)>) {
    for field in fields {
        let path = format!("{path}.{}", field.name);
        if all.iter().any(|(name, _)| *name == path) {
            continue;
        }
        let bare =
            Item { name: field.name.clone(), traits: Traits::default(), about: String::new(), below: Vec::new() };
        let item = match items.iter().find(|item| item.name == field.name) {
            Some(item) => item,
            // Words without a text of their own stand in the line of their field.
            None if field.takes.is_empty() && field.about.is_empty() => &&bare,
            None => unreachable!("{path} is not on the page"),
        };
        all.push((path.clone(), item.explained(&path, field)));
        let deeper: Vec<&Item> = item.below.iter().collect();
        let fields: Vec<&Field> = field.fields.iter().chain(&field.choices).collect();
        below(&path, &deeper, &fields, all);
    }
}

impl Item {
    /// As a line in the list of a name: its type, whether it must be given, its default, and what it does.
    fn listed(&self) -> String {
        let Traits { kind, unit: _, required, default } = &self.traits;
        let mut traits: Vec<String> = kind.iter().cloned().collect();
        traits.extend(required.then(|| "required".to_owned()));
        traits.extend(default.as_ref().map(|default| format!("default {default}")));
        format!("{} {} {}", self.name, traits.join("; "), self.about)
    }

    /// As a text of its own. Which of what is below it are values and which fields, the documentation says.
    fn explained(&self, path: &str, field: &Field) -> String {
        let Traits { kind, unit, required, default } = &self.traits;
        let mut said = vec![path.to_owned(), self.about.clone()];
        match kind {
            None => said.push("type a word, as it stands".to_owned()),
            Some(kind) => {
                said.push(format!("type {kind}"));
                said.extend(unit.as_ref().map(|unit| format!("unit {unit}")));
                said.push(format!("required {}", if *required { "yes" } else { "no" }));
                if !required {
                    said.push(format!("default {}", default.as_deref().unwrap_or("none")));
                }
            }
        }
        let values = if self.below.len() > field.fields.len() { field.choices.len() } else { 0 };
        let (choices, fields) = self.below.split_at(values);
        if !field.choices.is_empty() {
            said.push("Values".to_owned());
            match choices {
                // They stand in the line of the field.
                [] => said.extend(field.choices.iter().map(|choice| choice.name.clone())),
                told => said.extend(told.iter().map(Self::listed)),
            }
        }
        if !fields.is_empty() {
            said.push("Fields".to_owned());
            said.extend(fields.iter().map(Self::listed));
        }
        let more = fields.iter().chain(choices.iter().filter(|choice| choice.traits.kind.is_some())).next();
        said.extend(more.map(|more| format!("next: palinode explain {path}.{}", more.name)));
        words(&said.join(" "))
    }
}

/// A text as its words, however it is folded.
pub fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn blocks(body: &str) -> Vec<Block> {
    let mut all = Vec::new();
    let mut lines = body.lines().peekable();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        if line == "```yaml" {
            let code: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            all.push(Block::Example(code.join("\n")));
            continue;
        }
        let mut part = vec![line];
        while let Some(next) = lines.next_if(|next| !next.is_empty()) {
            part.push(next);
        }
        all.push(match line {
            _ if line.starts_with("- `") => Block::Items(items(&part, 0)),
            _ if line.starts_with("- *") => Block::Facts(facts(&part)),
            _ => Block::Text(part.join(" ")),
        });
    }
    all
}

/// The items of a list that begins at this indent. Each takes the lines that are indented deeper.
fn items(lines: &[&str], indent: usize) -> Vec<Item> {
    let bullet = format!("{}- `", " ".repeat(indent));
    let deeper = format!("{}- `", " ".repeat(indent + 2));
    let mut all = Vec::new();
    let mut rest = lines;
    while let Some((first, more)) = rest.split_first() {
        assert!(first.starts_with(&bullet), "an item at {indent}: {first}");
        let end = more.iter().position(|line| line.starts_with(&bullet)).unwrap_or(more.len());
        let (own, next) = more.split_at(end);
        let at = own.iter().position(|line| line.starts_with(&deeper)).unwrap_or(own.len());
        let text = words(&format!("{first} {}", own[..at].join(" ")));
        all.push(item(&text, items(&own[at..], indent + 2)));
        rest = next;
    }
    all
}

/// ``- `NAME` (TRAITS): ABOUT``, of which traits and text may be left out.
fn item(text: &str, below: Vec<Item>) -> Item {
    let (name, rest) = text.strip_prefix("- `").and_then(|text| text.split_once('`')).expect("an item has a name");
    let (traits, about) = match rest.strip_prefix(" (") {
        Some(rest) => {
            let mut depth = 1;
            let end = rest.find(|sign| {
                depth += i32::from(sign == '(') - i32::from(sign == ')');
                depth == 0
            });
            let (traits, about) = rest.split_at(end.expect("the parenthesis is closed"));
            (Some(traits), &about[1..])
        }
        None => (None, rest),
    };
    let about = about.strip_prefix(": ").unwrap_or(about).to_owned();
    Item { name: name.to_owned(), traits: traits.map(Traits::read).unwrap_or_default(), about, below }
}

impl Traits {
    /// `TYPE; UNIT; required; default VALUE`, of which all but the first may be left out.
    fn read(text: &str) -> Self {
        let mut all = Self::default();
        for part in text.split("; ") {
            if let Some(default) = part.strip_prefix("default `") {
                all.default = Some(default.trim_end_matches('`').to_owned());
            } else if part == "required" {
                all.required = true;
            } else if all.kind.is_none() {
                all.kind = Some(part.to_owned());
            } else {
                all.unit = Some(all.unit.map_or_else(|| part.to_owned(), |unit| format!("{unit}; {part}")));
            }
        }
        all
    }
}

/// `- *NAME*: TEXT`, as `NAME TEXT`.
fn facts(lines: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for line in lines {
        match (line.strip_prefix("- *").and_then(|line| line.split_once("*: ")), all.last_mut()) {
            (Some((name, text)), _) => all.push(format!("{name} {text}")),
            (None, Some(last)) => last.push_str(line),
            (None, None) => unreachable!("a list begins with an item: {line}"),
        }
    }
    all
}
