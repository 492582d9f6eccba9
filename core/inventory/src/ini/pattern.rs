//! Host patterns: a name, a name with a port, or a range such as `gluster[1:3].demo`.

use crate::ini::address::{expand, is_space, split_port};
use crate::model::error::{Wrong, shown};

/// The first word of a host line, with the hosts that Ansible takes it for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    text: String,
    port: Option<String>,
    names: Names,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Names {
    One(String),
    /// All of a range, in order.
    Range(Vec<String>),
}

impl HostPattern {
    /// Reads a pattern; `None` if Ansible refuses it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::read(text, 1).ok()
    }

    /// Reads a pattern that stands on a line.
    pub(crate) fn read(text: &str, line: usize) -> Result<Self, Wrong> {
        let bare = split_port(text).map_or(text, |(name, _)| name);
        let (mut hosts, port) = expand(text, line)?;
        if text.trim_matches(is_space).ends_with(':') && port.is_none() {
            let why = format!("`{}` ends in a colon without a port", shown(text));
            return Err(Wrong::new(line, why, "write the port, or take the colon away"));
        }
        if hosts.iter().any(|host| host.trim_matches(is_space) == "---") {
            return Err(Wrong::new(line, "--- begins a YAML file", "name the file .yml, and mend its YAML"));
        }
        if hosts.iter().any(String::is_empty) {
            return Err(Wrong::new(line, "a host has no name", "write its name first"));
        }
        let names = if bare.contains('[') { Names::Range(hosts) } else { Names::One(hosts.pop().unwrap_or_default()) };
        Ok(Self { text: text.to_owned(), port, names })
    }

    /// The pattern as it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The one host it names, without a port; `None` for a range.
    pub fn name(&self) -> Option<&str> {
        match &self.names {
            Names::One(name) => Some(name),
            Names::Range(_) => None,
        }
    }

    /// The hosts that it names, in order, for who keeps them.
    pub(crate) fn hosts(&self) -> Vec<String> {
        self.each().to_vec()
    }

    /// The hosts that it names, in order.
    pub fn each(&self) -> &[String] {
        match &self.names {
            Names::One(name) => std::slice::from_ref(name),
            Names::Range(names) => names,
        }
    }

    /// The port after the name, if there is one.
    pub fn port(&self) -> Option<&str> {
        self.port.as_deref()
    }

    /// Whether it names several hosts by a range.
    pub(crate) fn is_range(&self) -> bool {
        matches!(self.names, Names::Range(_))
    }

    /// Whether it names this host, alone or within a range.
    pub fn names(&self, host: &str) -> bool {
        match &self.names {
            Names::One(name) => name == host,
            Names::Range(names) => {
                let head = self.text.split('[').next().unwrap_or_default();
                host.starts_with(head) && names.iter().any(|name| name == host)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> HostPattern {
        HostPattern::parse(text).expect("a pattern")
    }

    #[test]
    fn names_and_ports() {
        for (text, name) in
            [("a.demo", "a.demo"), ("a.demo:2222", "a.demo"), ("[::1]:22", "::1"), ("fe80::1", "fe80::1")]
        {
            assert_eq!(pattern(text).name(), Some(name), "{text}");
        }
    }

    #[test]
    fn ranges_name_their_hosts_and_no_others() {
        for (text, inside, outside) in [
            ("gluster[1:3].demo", "gluster2.demo", "gluster4.demo"),
            ("n[01:10]", "n07", "n7"),
            ("n[a:c]-[1:9:2]", "n\u{62}-3", "nb-4"),
            ("n[1:20][1:20]", "n1111", "n0"),
            ("n[0:2]:22", "n0", "n3"),
            ("n[y:B]", "nA", "nC"),
        ] {
            let pattern = pattern(text);
            assert!(pattern.is_range(), "{text}");
            assert!(pattern.names(inside), "{text}");
            assert!(!pattern.names(outside), "{text}");
        }
        for text in ["n[1", "n[x]", "n[1:2:0]", "[nodes", "n[01:100]", "a:", "---"] {
            assert_eq!(HostPattern::parse(text), None, "{text}");
        }
    }
}
