//! What was read, in the forms that `ansible-inventory` prints.

use crate::model::estate::{ALL, Group};
use crate::model::reading::Reading;
use crate::model::reading::Setting;
use crate::model::value::{Value, print_all, quote};
use std::collections::BTreeMap;

/// Groups under several others are drawn under each; a small file can ask for more lines than memory holds.
const MOST_LINES: usize = 200_000;

enum Entry<'a> {
    Meta,
    Group(&'a Group),
}

impl Reading {
    /// What `ansible-inventory --list` prints, with a line end.
    pub fn list(&self) -> String {
        let mut entries: BTreeMap<&str, Entry<'_>> = self
            .estate
            .groups
            .iter()
            .enumerate()
            .filter(|(at, group)| !group.children.is_empty() || (*at != ALL && !group.hosts.is_empty()))
            .map(|(_, group)| (group.name.as_str(), Entry::Group(group)))
            .collect();
        entries.insert("_meta", Entry::Meta);
        let mut out = String::new();
        print_all(entries.into_iter(), ['{', '}'], Some(0), &mut out, |(name, entry), indent, out| {
            quote(name, out);
            out.push_str(": ");
            match entry {
                Entry::Meta => self.print_meta(indent, out),
                Entry::Group(group) => self.print_group(group, indent, out),
            }
        });
        out.push('\n');
        out
    }

    fn print_meta(&self, indent: Option<usize>, out: &mut String) {
        let hosts: BTreeMap<&str, Vec<Setting<'_>>> = self
            .estate
            .hosts
            .iter()
            .map(|host| (host.name.as_str(), self.settings(&host.name)))
            .filter(|(_, settings)| !settings.is_empty())
            .collect();
        print_all([true, false].into_iter(), ['{', '}'], indent, out, |first, indent, out| {
            if first {
                out.push_str("\"hostvars\": ");
                print_all(hosts.iter(), ['{', '}'], indent, out, |(host, settings), indent, out| {
                    quote(host, out);
                    out.push_str(": ");
                    print_all(settings.iter(), ['{', '}'], indent, out, |setting, indent, out| {
                        quote(setting.name, out);
                        out.push_str(": ");
                        setting.said.value.print(indent, out);
                    });
                });
            } else {
                out.push_str("\"profile\": \"inventory_legacy\"");
            }
        });
    }

    fn print_group(&self, group: &Group, indent: Option<usize>, out: &mut String) {
        let names = |of: &[usize], name: &dyn Fn(usize) -> Option<String>| {
            Value::List(of.iter().filter_map(|at| name(*at)).map(Value::Text).collect())
        };
        let children = names(&group.children, &|at| self.estate.groups.get(at).map(|group| group.name.clone()));
        let hosts = names(&group.hosts, &|at| self.estate.hosts.get(at).map(|host| host.name.clone()));
        let parts = [("children", children), ("hosts", hosts)].into_iter();
        let parts = parts.filter(|(kind, names)| !names.is_false() && (*kind != "hosts" || group.name != "all"));
        print_all(parts, ['{', '}'], indent, out, |(kind, names), indent, out| {
            quote(kind, out);
            out.push_str(": ");
            names.print(indent, out);
        });
    }

    /// What `ansible-inventory --graph GROUP` prints, with a line end; none if there is no such group.
    pub fn graph(&self, group: &str) -> Option<String> {
        let mut out = String::new();
        let mut lines = 0;
        self.draw(self.estate.find_group(group)?, 0, &mut lines, &mut out);
        Some(out)
    }

    fn draw(&self, at: usize, depth: usize, lines: &mut usize, out: &mut String) {
        let Some(group) = self.estate.groups.get(at) else { return };
        line(depth, &format!("@{}:", group.name), lines, out);
        for child in &group.children {
            self.draw(*child, depth + 1, lines, out);
        }
        if at != ALL {
            for host in group.hosts.iter().filter_map(|host| self.estate.hosts.get(*host)) {
                line(depth + 1, &host.name, lines, out);
            }
        }
    }
}

fn line(depth: usize, text: &str, lines: &mut usize, out: &mut String) {
    *lines += 1;
    if *lines < MOST_LINES {
        out.extend(std::iter::repeat_n("  |", depth));
        out.push_str(if depth > 0 { "--" } else { "" });
        out.push_str(text);
        out.push('\n');
    } else if *lines == MOST_LINES {
        out.push_str("...\n");
    }
}
