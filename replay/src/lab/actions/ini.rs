//! As much of an INI inventory as the simulated playbooks read: groups, children, host and group variables.

use std::collections::BTreeMap;

/// A read inventory.
#[derive(Debug, Default)]
pub(in crate::lab) struct Ini {
    groups: BTreeMap<String, Vec<String>>,
    children: BTreeMap<String, Vec<String>>,
    /// The lines of a host, after its name; split into variables when somebody asks.
    host_lines: BTreeMap<String, Vec<String>>,
    group_vars: BTreeMap<String, BTreeMap<String, String>>,
}

impl Ini {
    /// Reads what it understands and passes over the rest.
    pub(in crate::lab) fn read(text: &str) -> Self {
        let mut ini = Self::default();
        let mut section = String::from("ungrouped");
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';'])) {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                name.clone_into(&mut section);
                if let Some(parent) = name.strip_suffix(":children") {
                    ini.children.entry(parent.to_owned()).or_default();
                } else if !name.contains(':') {
                    ini.groups.entry(name.to_owned()).or_default();
                }
                continue;
            }
            if let Some(group) = section.strip_suffix(":vars") {
                if let Some((key, value)) = line.split_once('=') {
                    let vars = ini.group_vars.entry(group.to_owned()).or_default();
                    vars.insert(key.trim().to_owned(), unquoted(value));
                }
            } else if let Some(parent) = section.strip_suffix(":children") {
                ini.children.entry(parent.to_owned()).or_default().push(line.to_owned());
            } else {
                let (host, vars) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
                let members = ini.groups.entry(section.clone()).or_default();
                for name in expand(host) {
                    members.push(name.clone());
                    ini.host_lines.entry(name).or_default().push(vars.to_owned());
                }
            }
        }
        ini
    }

    /// The hosts of a group and of its children.
    pub(in crate::lab) fn hosts(&self, group: &str) -> Vec<String> {
        let mut hosts = self.groups.get(group).cloned().unwrap_or_default();
        for child in self.children.get(group).into_iter().flatten() {
            hosts.extend(self.groups.get(child).into_iter().flatten().cloned());
        }
        hosts
    }

    /// Whether one group is a child of another.
    pub(in crate::lab) fn is_child(&self, group: &str, parent: &str) -> bool {
        self.children.get(parent).is_some_and(|children| children.iter().any(|child| child == group))
    }

    /// A variable of a host: its own, else that of OSEv3 if the host is in it.
    pub(in crate::lab) fn var(&self, host: &str, name: &str) -> Option<String> {
        let words = self.host_lines.get(host).into_iter().flatten().flat_map(|line| words(line));
        let own = words.filter_map(|word| word.strip_prefix(name)?.strip_prefix('=').map(unquoted)).next_back();
        let common = || {
            let inside = self.hosts("OSEv3").iter().any(|member| member == host);
            self.group_vars.get("OSEv3").filter(|_| inside).and_then(|vars| vars.get(name)).cloned()
        };
        own.or_else(common)
    }

    /// Whether a variable is true as Ansible's `| bool` reads it.
    pub(in crate::lab) fn is_true(&self, host: &str, name: &str) -> bool {
        self.var(host, name).is_some_and(|value| matches!(value.to_lowercase().as_str(), "true" | "yes" | "1" | "on"))
    }
}

fn unquoted(value: &str) -> String {
    value.trim().trim_matches(['"', '\'']).to_owned()
}

/// Words of a host line; quotes keep blanks, an unquoted `#` ends the line.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (None, '#') => break,
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            (None, _) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            _ => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// `gluster[1:3].demo` as three names.
fn expand(name: &str) -> Vec<String> {
    let range = || {
        let (head, rest) = name.split_once('[')?;
        let (range, tail) = rest.split_once(']')?;
        let (from, to) = range.split_once(':')?;
        let (first, last): (u32, u32) = (from.parse().ok()?, to.parse().ok()?);
        let width = from.len();
        (last.saturating_sub(first) < 1000)
            .then(|| (first..=last).map(|n| format!("{head}{n:0width$}{tail}")).collect())
    };
    range().unwrap_or_else(|| vec![name.to_owned()])
}

#[cfg(test)]
mod tests {
    use super::Ini;

    #[test]
    fn reads_what_playbooks_ask_for() {
        let ini = Ini::read(
            "[OSEv3:children]\nnodes\nnew_nodes\n[OSEv3:vars]\nopenshift_use_crio=True\n\
             [nodes]\ngluster[1:3].demo a='x y' # no\n[new_nodes]\nc.demo openshift_use_crio=False\n",
        );
        assert_eq!(ini.hosts("nodes"), ["gluster1.demo", "gluster2.demo", "gluster3.demo"]);
        assert_eq!(ini.var("gluster2.demo", "a").as_deref(), Some("x y"));
        assert!(ini.is_true("gluster2.demo", "openshift_use_crio") && !ini.is_true("c.demo", "openshift_use_crio"));
        assert!(ini.is_child("new_nodes", "OSEv3"));
    }
}
