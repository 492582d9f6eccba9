//! Names of hosts that no network knows, and ports that are none: each is most often something else that was meant.

use crate::check::finding::{At, Finding};
use crate::model::value::Value;
use crate::model::{Layer, Reading, Said};
use std::collections::BTreeMap;

pub(crate) fn findings(reading: &Reading, findings: &mut Vec<Finding>) {
    let mut first: BTreeMap<usize, crate::model::estate::At> = BTreeMap::new();
    for (host, at) in reading.estate.groups.iter().flat_map(|group| &group.named) {
        let known = first.entry(*host).or_insert(*at);
        *known = (*known).min(*at);
    }
    for (place, at) in &first {
        let Some(host) = reading.estate.hosts.get(*place).map(|host| host.name.as_str()) else { continue };
        if let Some((kind, what, next)) = odd(host) {
            findings.push(Finding::new(&reading.at(*at), kind, what, next));
        }
    }
    ports(reading, findings);
}

/// What is odd about the name of a host.
fn odd(host: &str) -> Option<(&'static str, String, &'static str)> {
    // A user stands before an `@`, a zone behind a `%` of an address.
    let name = host.rsplit_once('@').map_or(host, |(_, name)| name);
    let address = name.split_once('%').map_or(name, |(address, _)| address);
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.chars().all(plain) || address.parse::<std::net::Ipv6Addr>().is_ok() || name.contains("{{") {
        return None;
    }
    let one = |what: &str| format!("ansible takes `{host}` for the name of one host{what}");
    Some(if name.contains(|c: char| c.is_whitespace() || c == ',') {
        let next = "write each host on a line of its own, in YAML with a colon behind it";
        ("one-host", one(", and not for several"), next)
    } else if let Some((_, port)) = name.rsplit_once(':') {
        let next = "write the port as a number, or say `ansible_port=`";
        ("port", one(&format!(": `{port}` behind the colon is no port")), next)
    } else if name.contains(SMART) {
        ("smart-quotes", one(", with its quotes"), "write plain quotes, or none")
    } else {
        ("odd-name", one(", and no network knows such a name"), "correct the name")
    })
}

/// Quotes that are none to a computer.
pub(crate) const SMART: [char; 8] =
    ['\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];

/// Variables that hold a port.
const PORTS: [&str; 2] = ["ansible_port", "ansible_ssh_port"];

fn ports(reading: &Reading, findings: &mut Vec<Finding>) {
    for (owner, name, said) in reading.all_said() {
        if PORTS.contains(&name) && !may_be_port(said.value) {
            let what = format!("{owner} has {name}={}, which is no port", said.value.shown());
            findings.push(Finding::new(&At::of(&said), "port", what, "write a number from 1 to 65535"));
        }
    }
}

fn may_be_port(value: &Value) -> bool {
    let number = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
    match value {
        Value::Int(digits) => number(digits),
        Value::Text(text) | Value::Unsafe(text) => {
            text.is_empty() || text.contains("{{") || text.bytes().all(|byte| byte.is_ascii_digit()) && number(text)
        }
        Value::Null | Value::Vault(_) => true,
        Value::Bool(_) | Value::Float(_) | Value::Time(_) | Value::List(_) | Value::Map(_) => false,
    }
}

impl Reading {
    /// Where something stands, for people.
    pub(crate) fn at(&self, at: crate::model::estate::At) -> At {
        At::new(self.files().get(at.file).map(String::as_str).unwrap_or_default(), at.line)
    }

    /// All that anything says, with who it is said of.
    pub(crate) fn all_said(&self) -> impl Iterator<Item = (&str, &str, Said<'_>)> {
        let hosts = self.estate.hosts.iter().map(|host| (host.name.as_str(), &host.vars, Layer::Host));
        let groups = self
            .estate
            .groups
            .iter()
            .map(|group| (group.name.as_str(), &group.vars, Layer::Group(group.name.as_str())));
        let files = self.vars_files.all();
        hosts.chain(groups).chain(files).flat_map(move |(owner, vars, layer)| {
            vars.iter().flat_map(move |(name, given)| {
                given.iter().map(move |(value, at)| (owner, name.as_str(), self.said(value, *at, layer)))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::odd;

    #[test]
    fn what_no_network_knows_is_told_by_what_was_meant() {
        for (host, kind) in [
            ("a.demo", None),
            ("node_1", None),
            ("ü.demo", None),
            ("2001:db8::1", None),
            ("fe80::1%eth0", None),
            ("root@h", None),
            ("h1 h2", Some("one-host")),
            ("h1,h2", Some("one-host")),
            ("h:22x", Some("port")),
            ("h:", Some("port")),
            ("\u{201c}h\u{201d}", Some("smart-quotes")),
            ("h/1", Some("odd-name")),
            ("h=1", Some("odd-name")),
        ] {
            assert_eq!(odd(host).map(|(kind, ..)| kind), kind, "{host}");
        }
    }
}
