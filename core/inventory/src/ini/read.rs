//! What an inventory in INI form comes to.

use crate::ini::text::{HostLine, Inventory, Line, LineKind, SectionKind};
use crate::model::error::{Wrong, shown};
use crate::model::estate::{At, Estate};
use std::collections::BTreeMap;

/// A group that is spoken of before it is declared.
struct Pending {
    section: SectionKind,
    line: usize,
    parents: Vec<usize>,
    /// The first that waits is the first that is told of.
    order: usize,
}

/// Reads an inventory into the estate. What was read before something wrong stays there.
pub(crate) fn read(bytes: &[u8], file: usize, estate: &mut Estate) -> Result<(), Wrong> {
    let text = String::from_utf8_lossy(bytes);
    let whole = matches!(text, std::borrow::Cow::Borrowed(_));
    let inventory = Inventory::parse(&text);
    let mut at = 0;
    tell(
        &inventory,
        file,
        estate,
        &mut |line| {
            at += 1;
            let bad = !whole && line.span.of(&text).contains(char::REPLACEMENT_CHARACTER);
            // Only a comment may be anything.
            if bad && line.kind != LineKind::Comment {
                return Err(Wrong::new(at, "this is not UTF-8", "save the file as UTF-8"));
            }
            Ok(())
        },
        &mut Err,
    )
}

/// The same from a text that was read. Each line is looked at first; what is wrong is told, and ends it or is passed over.
pub(crate) fn tell(
    inventory: &Inventory,
    file: usize,
    estate: &mut Estate,
    look: &mut dyn FnMut(&Line) -> Result<(), Wrong>,
    wrong: &mut dyn FnMut(Wrong) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    let mut reader = Reader { estate, file, pending: BTreeMap::new(), group: None, count: 0 };
    for (index, line) in inventory.lines().iter().enumerate() {
        look(line)?;
        let number = index + 1;
        let section = inventory.sections().get(line.section);
        let group = section.map_or("ungrouped", |section| section.group.as_str());
        let done = match &line.kind {
            LineKind::Blank | LineKind::Comment => Ok(()),
            LineKind::Wrong(known) => Err(known.clone()),
            LineKind::Header => {
                reader.header(group, section.and_then(|section| section.kind).unwrap_or(SectionKind::Hosts), number)
            }
            LineKind::Host(host) => reader.host(host, group, number),
            LineKind::Child { group: child } => reader.child(child, group, number),
            LineKind::Var { name, value, .. } => {
                let at = At { file, line: number };
                reader.estate.set(group, name, value.value().into_owned(), at)
            }
        };
        if let Err(found) = done {
            wrong(found)?;
        }
    }
    reader.end().into_iter().try_for_each(wrong)
}

struct Reader<'a> {
    estate: &'a mut Estate,
    file: usize,
    pending: BTreeMap<String, Pending>,
    /// The group of the section, once a host is put into it.
    group: Option<usize>,
    count: usize,
}

impl Reader<'_> {
    fn at(&self, line: usize) -> At {
        At { file: self.file, line }
    }

    fn wait(&mut self, group: &str, section: SectionKind, line: usize, parents: Vec<usize>) {
        self.count += 1;
        self.pending.insert(group.to_owned(), Pending { section, line, parents, order: self.count });
    }

    fn header(&mut self, group: &str, section: SectionKind, line: usize) -> Result<(), Wrong> {
        self.group = None;
        let waits = self.pending.get(group).map(|pending| pending.section);
        if self.estate.find_group(group).is_none() {
            if section == SectionKind::Vars && waits.is_none() {
                self.wait(group, SectionKind::Vars, line, Vec::new());
            }
            self.estate.group_at(group, self.at(line));
        }
        match waits {
            Some(SectionKind::Children) if section != SectionKind::Vars => self.declared(group, line)?,
            Some(_) if section != SectionKind::Vars => {
                self.pending.remove(group);
            }
            _ => {}
        }
        Ok(())
    }

    /// A child of others is declared at last; and so may be the parents that waited with it.
    fn declared(&mut self, group: &str, line: usize) -> Result<(), Wrong> {
        let mut open = vec![group.to_owned()];
        while let Some(group) = open.pop() {
            let Some(pending) = self.pending.remove(&group) else { continue };
            let child = self.estate.group(&group);
            for parent in pending.parents {
                self.estate.add_child(parent, child, line)?;
                let name = self.estate.groups.get(parent).map(|group| group.name.clone()).unwrap_or_default();
                if self.pending.get(&name).is_some_and(|waits| waits.section == SectionKind::Children) {
                    open.push(name);
                }
            }
        }
        Ok(())
    }

    fn host(&mut self, host: &HostLine, group: &str, line: usize) -> Result<(), Wrong> {
        let at = self.at(line);
        let group = match self.group {
            Some(group) => group,
            None => *self.group.insert(self.estate.group_at(group, at)),
        };
        for name in host.pattern.each() {
            self.estate.add_host(name, group, host.pattern.port(), at);
            for var in &host.vars {
                self.estate.set(name, &var.name, var.value.value().into_owned(), at)?;
            }
        }
        Ok(())
    }

    fn child(&mut self, child: &str, group: &str, line: usize) -> Result<(), Wrong> {
        let parent = self.estate.group_at(group, self.at(line));
        if let Some(child) = self.estate.find_group(child) {
            return self.estate.add_child(parent, child, line);
        }
        match self.pending.get_mut(child) {
            Some(pending) => pending.parents.push(parent),
            None => self.wait(child, SectionKind::Children, line, vec![parent]),
        }
        Ok(())
    }

    /// What waits to the end is declared nowhere.
    fn end(self) -> Vec<Wrong> {
        let mut waiting: Vec<(String, Pending)> = self.pending.into_iter().collect();
        waiting.sort_by_key(|(_, pending)| pending.order);
        let estate = self.estate;
        let wrong = waiting.into_iter().map(|(group, pending)| {
            let group = shown(&group);
            let why = match pending.parents.last().and_then(|parent| estate.groups.get(*parent)) {
                Some(parent) => format!("[{}:children] names {group}, which is declared nowhere", shown(&parent.name)),
                None => format!("[{group}:vars] is of a group that is declared nowhere"),
            };
            Wrong::new(pending.line, why, "add a section with the name of that group, or correct the name")
        });
        wrong.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, line, why) in [
            ("[a b]\n", 1, "header"),
            ("[a:strange]\n", 1, "no known kind"),
            ("\n[a:vars]\nx=1\n", 2, "declared nowhere"),
            ("[a:children]\nb\n", 2, "declared nowhere"),
            ("a b\n", 1, "no variable"),
            ("a b='c\n", 1, "no end"),
            ("[a]\n[a:vars]\nx\n", 3, "no variable"),
            ("[a:children]\nb c\n[b]\n", 2, "no name"),
            ("[a:children]\na\n", 2, "own child"),
            ("[a:children]\nb\n[b:children]\na\n", 4, "below it"),
            ("a:\n", 1, "colon"),
            ("---\n", 1, "YAML"),
            ("[a]\n[a:vars]\nansible_group_priority=x\n", 3, "whole number"),
            ("a x='{[]: 1}'\n", 1, "plain value"),
            ("n[1:3\n", 1, "range"),
        ] {
            let wrong = read(text.as_bytes(), 0, &mut Estate::new()).expect_err(text);
            assert_eq!(wrong.line, Some(line), "{text} {wrong:?}");
            assert!(wrong.why.contains(why), "{text} {wrong:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_may_stand_in_comments() {
        assert_eq!(read(b"# \xff\r\na\r; \xfe\n", 0, &mut Estate::new()), Ok(()));
        let wrong = read(b"a\r\nb x=\xff\n", 0, &mut Estate::new()).expect_err("it is not UTF-8");
        assert_eq!(wrong.line, Some(2));
    }
}
