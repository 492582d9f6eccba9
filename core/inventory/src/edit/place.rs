//! Where in a group a host line goes, so that a line that was moved away can come back to where it was.

use crate::ini::pattern::HostPattern;
use crate::ini::text::{Inventory, LineKind, SectionKind};
use crate::span::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A place among the host lines of a group.
///
/// A host to go by (`after`, `before`) is a host name, or a range as it is written; a range that holds the host counts
/// where no line is its own. If the group no longer has it, the end is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Place {
    /// After the last host line and the comments that directly follow it, unless these stand right above a header.
    #[default]
    End,
    /// Before the first host line.
    First,
    /// Directly after this host.
    After(String),
    /// Directly before this host.
    Before(String),
}

/// Whether a pattern is this host alone, or written so.
fn is(pattern: &HostPattern, host: &str) -> bool {
    pattern.text() == host || pattern.name() == Some(host)
}

impl Inventory {
    /// The place of a host in a group's own lines, such that moving it away and then here restores the file.
    ///
    /// A range is taken as split around the host. `None` if no line of the group names it. Ask before it is moved away.
    pub fn place_of(&self, host: &str, group: &str) -> Option<Place> {
        let lines = self.own_host_lines(group);
        let Some(found) = lines.iter().position(|(_, pattern)| is(pattern, host)) else {
            let (at, _) = lines.iter().find(|(at, _)| self.range_names(*at, host))?;
            let mut cut = self.clone();
            cut.splice(vec![self.split_at(*at, host)?]);
            return cut.place_of(host, group);
        };
        let (at, _) = *lines.get(found)?;
        let section = self.lines().get(at)?.section;
        let beside = |index: Option<usize>| {
            let (line, pattern) = lines.get(index?)?;
            (self.lines().get(*line)?.section == section).then(|| pattern.text().to_owned())
        };
        let mut places: Vec<Place> = Vec::new();
        places.extend(beside(found.checked_sub(1)).map(Place::After));
        places.extend(beside(found.checked_add(1)).map(Place::Before));
        places.extend([Place::First, Place::End]);
        let mut rest = self.clone();
        crate::edit::sections::remove_lines(&mut rest, &[at]);
        let next = lines.get(found + 1).map_or(usize::MAX, |(line, _)| line - 1);
        let previous = found.checked_sub(1).and_then(|index| lines.get(index));
        let from = previous.map_or(0, |(line, _)| line + 1);
        // Exactly where it was; else, where comments are in the way, between the same hosts.
        let between = |place: &&Place| rest.insertion(group, place).is_some_and(|to| from <= to && to <= next);
        let exact = places.iter().find(|place| rest.insertion(group, place) == Some(at));
        exact.or_else(|| places.iter().find(between)).or(places.first()).cloned()
    }

    fn range_names(&self, line: usize, host: &str) -> bool {
        let kind = self.lines().get(line).map(|line| &line.kind);
        matches!(kind, Some(LineKind::Host(line)) if line.pattern.is_range() && line.pattern.names(host))
    }

    /// The index of the line before which a host line goes; `None` if the group has no section for hosts.
    pub(crate) fn insertion(&self, group: &str, place: &Place) -> Option<usize> {
        let lines = self.own_host_lines(group);
        let within = |host: &str| lines.iter().find(|(at, _)| self.range_names(*at, host));
        let at = match place {
            Place::After(host) => {
                let line = lines.iter().rev().find(|(_, pattern)| is(pattern, host));
                line.or_else(|| within(host)).map(|(at, _)| at + 1)
            }
            Place::Before(host) => {
                let line = lines.iter().find(|(_, pattern)| is(pattern, host));
                line.or_else(|| within(host)).map(|(at, _)| *at)
            }
            Place::First => lines.first().map(|(at, _)| *at),
            Place::End => None,
        };
        let section = self.sections_of(group, SectionKind::Hosts).next_back();
        at.or_else(|| {
            let start = lines.last().map(|(at, _)| at + 1).or(section.map(|section| section.first))?;
            let rest = self.lines().get(start..).unwrap_or_default();
            let comments = rest.iter().take_while(|line| line.kind == LineKind::Comment).count();
            let loose = rest.get(comments).is_none_or(|line| line.kind == LineKind::Blank);
            Some(if loose { start + comments } else { start })
        })
    }

    fn own_host_lines(&self, group: &str) -> Vec<(usize, &HostPattern)> {
        self.sections_of(group, SectionKind::Hosts)
            .flat_map(|section| self.lines_in(section))
            .filter_map(|(at, line)| match &line.kind {
                LineKind::Host(host) => Some((at, &host.pattern)),
                _ => None,
            })
            .collect()
    }

    /// Where a new line before this one begins, in bytes.
    pub(crate) fn start_of_line(&self, at: usize) -> usize {
        self.lines().get(at).map_or(self.text().len(), |line| line.span.start)
    }
}

/// Replaces stretches of a text; those that overlap an earlier one are left out.
pub(crate) fn splice(text: &str, mut splices: Vec<(Span, String)>) -> String {
    splices.sort_by_key(|(span, _)| (span.start, span.end));
    let mut result = String::with_capacity(text.len() + 64);
    let mut done = 0;
    for (span, new) in splices {
        if span.start >= done {
            result.push_str(Span::new(done, span.start).of(text));
            result.push_str(&new);
            done = span.end;
        }
    }
    result.push_str(Span::new(done, text.len()).of(text));
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
[nodes]
# masters
m1:22
m2
# gluster
g1 x=1

# loose
g2
# the last
g3
# tail

# of lb
[lb]
lb1
[empty]
# about
[one]
# about
o1
";

    #[test]
    fn a_place_is_where_the_line_was() {
        let inventory = Inventory::parse(TEXT);
        for (host, group, place) in [
            ("m1", "nodes", Some(Place::Before("m2".to_owned()))),
            ("m2", "nodes", Some(Place::After("m1:22".to_owned()))),
            ("g3", "nodes", Some(Place::After("g2".to_owned()))),
            ("lb1", "lb", Some(Place::First)),
            ("o1", "one", Some(Place::First)),
            ("o1", "nodes", None),
        ] {
            assert_eq!(inventory.place_of(host, group), place, "{host}");
        }
    }

    #[test]
    fn insertions_stand_where_the_place_says() {
        let inventory = Inventory::parse(TEXT);
        for (group, place, line) in [
            ("nodes", Place::End, 12),
            ("nodes", Place::First, 2),
            ("nodes", Place::After("m1".to_owned()), 3),
            ("nodes", Place::Before("g2".to_owned()), 8),
            ("nodes", Place::After("gone".to_owned()), 12),
            ("lb", Place::End, 16),
            ("empty", Place::First, 17),
            ("one", Place::End, 21),
        ] {
            assert_eq!(inventory.insertion(group, &place), Some(line), "{group} {place:?}");
        }
        assert_eq!(inventory.insertion("new_nodes", &Place::End), None);
    }
}
