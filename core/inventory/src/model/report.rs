//! What was read, in the forms that `ansible-inventory` prints.

use crate::model::estate::{ALL, Group};
use crate::model::reading::Reading;
use crate::model::value::{Value, print_all, quote};
use std::collections::BTreeMap;

/// Groups under several others are drawn under each; a small file can ask for more lines than memory holds.
const MOST_LINES: usize = 200_000;
/// So may a chain: each line is as long as it is deep.
const MOST_BYTES: usize = 64 << 20;

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
        let mut names: Vec<&str> = self.estate.hosts.iter().map(|host| host.name.as_str()).collect();
        names.sort_unstable();
        // One host at a time: all settings of all hosts would be much more than what is printed of them.
        let hosts =
            || names.iter().map(|host| (*host, self.settings(host))).filter(|(_, settings)| !settings.is_empty());
        print_all([true, false].into_iter(), ['{', '}'], indent, out, |first, indent, out| {
            if first {
                out.push_str("\"hostvars\": ");
                print_all(hosts(), ['{', '}'], indent, out, |(host, settings), indent, out| {
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
        let mut open = vec![(self.estate.find_group(group)?, 0, 0)];
        let mut lines = 0;
        // What is open: a group, its depth, and the child that comes next.
        while let Some((at, depth, next)) = open.pop() {
            let Some(group) = self.estate.groups.get(at) else { continue };
            if next == 0 {
                line(depth, &["@", &group.name, ":"], &mut out);
                lines += 1;
            }
            if lines >= MOST_LINES || out.len() >= MOST_BYTES {
                out.push_str("...\n");
                break;
            }
            if let Some(child) = group.children.get(next) {
                open.push((at, depth, next + 1));
                open.push((*child, depth + 1, 0));
            } else if at != ALL {
                for host in group.hosts.iter().filter_map(|host| self.estate.hosts.get(*host)) {
                    line(depth + 1, &[&host.name], &mut out);
                    lines += 1;
                }
            }
        }
        Some(out)
    }
}

fn line(depth: usize, words: &[&str], out: &mut String) {
    out.extend(std::iter::repeat_n("  |", depth));
    out.push_str(if depth > 0 { "--" } else { "" });
    out.extend(words.iter().copied());
    out.push('\n');
}
