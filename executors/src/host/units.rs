//! Units beyond those that were named: what systemd stops and starts along with them.

use crate::ssh::quoted;
use palinode_core::action::{Service, ServiceState};
use palinode_core::id::{HostName, ResourceKey};
use palinode_core::resource::{Fields, Footprint};
use std::fmt::Write as _;

/// The functions that follow the dependencies of units.
pub(super) const ALONG: &str = include_str!("along.sh");

/// The question.
pub(crate) fn along_script(service: &Service) -> String {
    let names = service.names().map(quoted).collect::<Vec<_>>().join(" ");
    let mut script = format!("{ALONG}echo '# along'; {{ :");
    let verb = service.state.map(|state| match state {
        ServiceState::Started => "start",
        ServiceState::Stopped => "stop",
    });
    if let Some(verb) = verb {
        let _ = write!(script, " && p_along {verb} {names}");
    }
    if service.enabled.is_some() {
        let _ = write!(script, " && p_also {names}");
    }
    script.push_str("; } 2>&1; echo \"# /along $?\"\n");
    script
}

/// A host that does not tell what depends on its units.
#[derive(Debug, thiserror::Error)]
#[error("it does not tell which units change with those of the step: {0}")]
pub(crate) struct NoAnswer(String);

/// The answer. A unit that would start a stopped one again is evidence: it is told, and stays as it is.
pub(crate) fn along(host: &HostName, answer: &str) -> Result<Vec<Footprint>, NoAnswer> {
    let part = answer.lines().skip_while(|line| *line != "# along").skip(1);
    let lines: Vec<&str> = part.clone().take_while(|line| !line.starts_with("# /along ")).collect();
    if part.clone().find(|line| line.starts_with("# /along ")) != Some("# /along 0") {
        return Err(NoAnswer(lines.last().map_or_else(|| "it gave no answer".to_owned(), |line| (*line).to_owned())));
    }
    let mut more = Vec::new();
    for line in lines {
        let (name, fields) = match line.split_once(' ') {
            Some(("along", name)) => (name, Fields::All),
            Some(("again", name)) => (name, Fields::Evidence),
            _ => continue,
        };
        more.push(Footprint::new(unit_key(host, name), fields));
    }
    Ok(more)
}

/// The key of a unit that systemd calls so.
pub(super) fn unit_key(host: &HostName, name: &str) -> ResourceKey {
    ResourceKey::unit(host, name.strip_suffix(".service").unwrap_or(name))
}

#[cfg(test)]
#[path = "units_tests.rs"]
mod tests;
