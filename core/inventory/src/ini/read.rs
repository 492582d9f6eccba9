//! Inventories in INI form, with typed values.

use crate::ini::address::{expand, is_space};
use crate::ini::text::line_spans;
use crate::literal::python::{Literal, literal};
use crate::literal::value::words;
use crate::model::error::{Wrong, shown};
use crate::model::estate::{At, Estate};
use crate::model::value::Value;

/// What the lines below a header are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Hosts,
    Children,
    Vars,
}

/// A group that is spoken of before it is declared.
struct Pending {
    group: String,
    section: Section,
    line: usize,
    parents: Vec<usize>,
}

/// Reads an inventory into the estate. What was read before something wrong stays there.
pub(crate) fn read(bytes: &[u8], file: usize, estate: &mut Estate) -> Result<(), Wrong> {
    let mut reader =
        Reader { estate, file, pending: Vec::new(), group: "ungrouped".to_owned(), section: Section::Hosts };
    let text = String::from_utf8_lossy(bytes);
    let whole = matches!(text, std::borrow::Cow::Borrowed(_));
    for (at, span) in line_spans(&text).iter().enumerate() {
        let line = span.of(&text);
        // Only a comment may be anything.
        if !whole && line.contains(char::REPLACEMENT_CHARACTER) && !is_comment(line) {
            return Err(Wrong::new(at + 1, "this is not UTF-8", "save the file as UTF-8"));
        }
        reader.line(line, at + 1)?;
    }
    reader.end()
}

fn is_comment(line: &str) -> bool {
    line.trim_start_matches(is_space).starts_with(['#', ';'])
}

struct Reader<'a> {
    estate: &'a mut Estate,
    file: usize,
    pending: Vec<Pending>,
    group: String,
    section: Section,
}

impl Reader<'_> {
    fn line(&mut self, line: &str, number: usize) -> Result<(), Wrong> {
        let body = line.trim_matches(is_space);
        if body.is_empty() || body.starts_with(['#', ';']) {
            return Ok(());
        }
        if let Some((group, section)) = header(body) {
            return self.header(group, section, number);
        }
        if body.starts_with('[') && body.ends_with(']') {
            let why = format!("`{}` is no header of a section", shown(body));
            return Err(Wrong::new(number, why, "write [group], [group:vars] or [group:children], without spaces"));
        }
        match self.section {
            Section::Hosts => self.host(body, number),
            Section::Children => self.child(body, number),
            Section::Vars => self.variable(body, number),
        }
    }

    fn header(&mut self, group: &str, section: &str, line: usize) -> Result<(), Wrong> {
        self.section = match section {
            "" | "hosts" => Section::Hosts,
            "children" => Section::Children,
            "vars" => Section::Vars,
            _ => {
                let why = format!("a section [{}:{}] is of no known kind", shown(group), shown(section));
                return Err(Wrong::new(line, why, "write :vars or :children, or nothing behind the group"));
            }
        };
        self.group = group.to_owned();
        let waits = self.pending.iter().position(|pending| pending.group == group);
        if self.estate.find_group(group).is_none() {
            if self.section == Section::Vars && waits.is_none() {
                let group = group.to_owned();
                self.pending.push(Pending { group, section: Section::Vars, line, parents: Vec::new() });
            }
            self.estate.group(group);
        }
        if let Some(waits) = waits
            && self.section != Section::Vars
        {
            if self.pending.get(waits).is_some_and(|pending| pending.section == Section::Children) {
                self.declared(group, line)?;
            } else {
                self.pending.remove(waits);
            }
        }
        Ok(())
    }

    /// A child of others is declared at last; and so may be the parents that waited with it.
    fn declared(&mut self, group: &str, line: usize) -> Result<(), Wrong> {
        let mut open = vec![group.to_owned()];
        while let Some(group) = open.pop() {
            let Some(at) = self.pending.iter().position(|pending| pending.group == group) else { continue };
            let pending = self.pending.remove(at);
            let child = self.estate.group(&group);
            for parent in pending.parents {
                self.estate.add_child(parent, child, line)?;
                let name = self.estate.groups.get(parent).map(|group| group.name.clone()).unwrap_or_default();
                if self.pending.iter().any(|waits| waits.group == name && waits.section == Section::Children) {
                    open.push(name);
                }
            }
        }
        Ok(())
    }

    fn host(&mut self, body: &str, line: usize) -> Result<(), Wrong> {
        let quotes =
            || Wrong::new(line, "a quote or backslash has no end", "close it, or put the value in other quotes");
        let words = words(body, 0).ok_or_else(quotes)?;
        let mut words = words.into_iter().map(|word| word.text);
        let pattern = words.next().unwrap_or_default();
        let (hosts, port) = expand(&pattern, line)?;
        if pattern.trim_matches(is_space).ends_with(':') && port.is_none() {
            let why = format!("`{}` ends in a colon without a port", shown(&pattern));
            return Err(Wrong::new(line, why, "write the port, or take the colon away"));
        }
        if hosts.iter().any(|host| host.trim_matches(is_space) == "---") {
            return Err(Wrong::new(line, "--- begins a YAML file", "name the file .yml, and mend its YAML"));
        }
        let mut vars = Vec::new();
        for word in words {
            let Some((name, value)) = word.split_once('=') else {
                let why = format!("`{}` behind a host is no variable", shown(&word));
                return Err(Wrong::new(line, why, "write name=value, with quotes around a value that has spaces"));
            };
            vars.push((name.to_owned(), typed(value, line)?));
        }
        let group = self.estate.group(&self.group);
        let at = At { file: self.file, line };
        for host in hosts {
            if host.is_empty() {
                return Err(Wrong::new(line, "a host has no name", "write its name first"));
            }
            self.estate.add_host(&host, group, port.as_deref(), at);
            for (name, value) in &vars {
                self.estate.set(&host, name, value.clone(), at)?;
            }
        }
        Ok(())
    }

    fn child(&mut self, body: &str, line: usize) -> Result<(), Wrong> {
        let wrong = || {
            let why = format!("`{}` is no name of a group", shown(body));
            Wrong::new(line, why, "name one group on each line, without variables")
        };
        let child = group_name(body).ok_or_else(wrong)?;
        let parent = self.estate.group(&self.group);
        if let Some(child) = self.estate.find_group(child) {
            return self.estate.add_child(parent, child, line);
        }
        match self.pending.iter_mut().find(|pending| pending.group == child) {
            Some(pending) => pending.parents.push(parent),
            None => {
                let group = child.to_owned();
                self.pending.push(Pending { group, section: Section::Children, line, parents: vec![parent] });
            }
        }
        Ok(())
    }

    fn variable(&mut self, body: &str, line: usize) -> Result<(), Wrong> {
        let Some((name, value)) = body.split_once('=') else {
            let why = format!("`{}` is no variable", shown(body));
            return Err(Wrong::new(line, why, "write name=value, or begin the section of hosts with [group]"));
        };
        let value = typed(value.trim_matches(is_space), line)?;
        let at = At { file: self.file, line };
        let group = self.group.clone();
        self.estate.set(&group, name.trim_matches(is_space), value, at)
    }

    fn end(self) -> Result<(), Wrong> {
        let Some(pending) = self.pending.first() else { return Ok(()) };
        let group = shown(&pending.group);
        let why = match pending.parents.last().and_then(|parent| self.estate.groups.get(*parent)) {
            Some(parent) => format!("[{}:children] names {group}, which is declared nowhere", shown(&parent.name)),
            None => format!("[{group}:vars] is of a group that is declared nowhere"),
        };
        Err(Wrong::new(pending.line, why, "add a section with the name of that group, or correct the name"))
    }
}

fn typed(text: &str, line: usize) -> Result<Value, Wrong> {
    match literal(text) {
        Literal::Value(value) => Ok(value),
        Literal::Plain => Ok(Value::text(text)),
        Literal::Refused(why) => {
            Err(Wrong::new(line, format!("the value `{}` {why}", shown(text)), "write it in another way"))
        }
    }
}

/// `[group]` or `[group:kind]`, perhaps with a comment behind it.
fn header(body: &str) -> Option<(&str, &str)> {
    let inner = body.strip_prefix('[')?;
    let end = inner.find(|c: char| matches!(c, ':' | ']') || is_space(c))?;
    let (group, rest) = inner.split_at_checked(end).filter(|(group, _)| !group.is_empty())?;
    let (kind, rest) = match rest.strip_prefix(':') {
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
            rest.split_at_checked(end).filter(|(kind, _)| !kind.is_empty())?
        }
        None => ("", rest),
    };
    let rest = rest.strip_prefix(']')?.trim_start_matches(is_space);
    (rest.is_empty() || rest.starts_with('#')).then_some((group, kind))
}

/// The name of a group, perhaps with a comment behind it. A `#` in a word belongs to the name if nothing but the name is there.
fn group_name(body: &str) -> Option<&str> {
    let end = body.find(|c: char| matches!(c, ':' | ']') || is_space(c)).unwrap_or(body.len());
    let (name, rest) = body.split_at_checked(end).filter(|(name, _)| !name.is_empty())?;
    let rest = rest.trim_start_matches(is_space);
    if rest.is_empty() || rest.starts_with('#') {
        return Some(name);
    }
    name.rfind('#').and_then(|at| name.get(..at)).filter(|name| !name.is_empty())
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

    #[test]
    fn a_hash_in_the_name_of_a_group() {
        for (body, name) in [
            ("b", Some("b")),
            ("b # c", Some("b")),
            ("b#c", Some("b#c")),
            ("b# c", Some("b")),
            ("b c", None),
            ("b:c", None),
        ] {
            assert_eq!(group_name(body), name, "{body}");
        }
    }
}
