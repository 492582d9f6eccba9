//! A YAML inventory that is edited: its text, its values, and the places where its groups stand.

use crate::edit::dialect;
use crate::edit::place::splice;
use crate::edit::refusal::EditError;
use crate::yaml;
use crate::yaml::graft::{self, NoGraft, Target};
use crate::yaml::tree::{Entry, Node};

/// A place where a group stands; a group may stand in several, and all of them count.
#[derive(Clone, Copy)]
pub(crate) struct Spot<'a> {
    pub(crate) group: &'a str,
    pub(crate) parent: Option<&'a str>,
    pub(crate) entry: &'a Entry,
}

impl<'a> Spot<'a> {
    /// `hosts`, `children` or `vars`.
    pub(crate) fn part(&self, name: &str) -> Option<&'a Entry> {
        self.entry.value.entry(name)
    }
}

/// All places of groups, in the order of the file.
pub(crate) fn spots(root: &Node) -> Vec<Spot<'_>> {
    let mut found = Vec::new();
    let mut open: Vec<(Option<&str>, &Entry)> =
        root.entries().unwrap_or_default().iter().rev().map(|entry| (None, entry)).collect();
    while let Some((parent, entry)) = open.pop() {
        let Some(group) = entry.key.scalar() else { continue };
        found.push(Spot { group, parent, entry });
        let children = entry.value.get("children").and_then(Node::entries).unwrap_or_default();
        open.extend(children.iter().rev().map(|child| (Some(group), child)));
    }
    found
}

/// A text that is edited, with its values.
pub(crate) struct Page<'a> {
    pub(crate) text: &'a str,
    pub(crate) root: Node,
    pub(crate) eol: &'a str,
}

impl<'a> Page<'a> {
    pub(crate) fn read(text: &'a str, eol: &'a str) -> Result<Self, EditError> {
        Ok(Self { text, root: yaml::parse(text)?, eol })
    }

    pub(crate) fn refuse(&self, at: usize, reason: &str) -> EditError {
        EditError::Unclear {
            line: yaml::line_of(self.text, at),
            reason: reason.to_owned(),
            next: "edit the file by hand",
        }
    }

    /// The text with the splices made.
    pub(crate) fn with(&self, splices: Result<graft::Splices, NoGraft>) -> Result<String, EditError> {
        match splices {
            Ok(splices) => Ok(splice(self.text, splices)),
            Err(error) => Err(self.refuse(error.at, error.reason)),
        }
    }

    /// Gives the entry a value, unless it has it.
    pub(crate) fn replaced(&self, entry: &Entry, value: &str) -> Result<graft::Splices, NoGraft> {
        if yaml::is_value(&entry.value, value) {
            return Ok(Vec::new());
        }
        graft::replace(self.text, entry, &dialect::value_text(value, yaml::quote_of(&entry.value)))
    }

    /// The map that an entry holds, or the one at the top, as something to add to.
    pub(crate) fn target<'t>(&self, above: Option<&'t Entry>, map: &'t Node) -> Target<'t> {
        let brackets = above.is_some_and(|above| graft::is_in_brackets(&self.root, above.key.span.start));
        Target { above, map, brackets }
    }

    /// Adds an entry below an entry, with the keys on the way there.
    pub(crate) fn add_below(&self, above: &Entry, keys: &[&str], line: &str) -> Result<graft::Splices, NoGraft> {
        let target = self.target(Some(above), &above.value);
        graft::add_entry(self.text, target, None, &graft::nested(keys, line, target.is_flow(), self.eol), self.eol)
    }

    /// Sets a variable in a map, or in the nothing that stands where a map may.
    pub(crate) fn set_in(
        &self,
        above: Option<&Entry>,
        map: &Node,
        name: &str,
        value: &str,
    ) -> Result<graft::Splices, NoGraft> {
        if let Some(entry) = map.entry(name) {
            return self.replaced(entry, value);
        }
        let line = format!("{name}: {}", dialect::value_text(value, None));
        graft::add_entry(self.text, self.target(above, map), None, &line, self.eol)
    }

    /// Refuses to take out of a map what `<<` brings into it.
    pub(crate) fn not_merged(&self, map: &Node, name: &str) -> Result<(), EditError> {
        match map.merged(name) {
            Some(from) => Err(self.refuse(from.span.start, &format!("{name} comes from here by `<<`"))),
            None => Ok(()),
        }
    }
}
