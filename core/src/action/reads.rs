//! Actions that wait for something on a host, or bring something from it. They change nothing.

use crate::span::Span;
use serde::{Deserialize, Serialize};

/// Waits until one thing holds on a host, or some time has passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// Until something listens on this TCP port of the host.
    #[serde(default)]
    pub port: Option<u16>,
    /// Until something is at this path.
    #[serde(default)]
    pub path: Option<String>,
    /// Until this unit runs.
    #[serde(default)]
    pub unit: Option<String>,
    /// So long, whatever holds.
    #[serde(default, rename = "for")]
    pub span: Option<Span>,
    /// How long at most; then the step fails with what was last seen.
    #[serde(default = "five_minutes")]
    pub timeout: Span,
}

fn five_minutes() -> Span {
    Span::seconds(300)
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited<'a> {
    /// A TCP port on which something listens.
    Port(u16),
    /// A path at which something is.
    Path(&'a str),
    /// A unit that runs.
    Unit(&'a str),
    /// Time.
    Time(Span),
}

impl Wait {
    /// What is waited for; none unless it is exactly one thing.
    pub fn what(&self) -> Option<Awaited<'_>> {
        match (self.port, &self.path, &self.unit, self.span) {
            (Some(port), None, None, None) => Some(Awaited::Port(port)),
            (None, Some(path), None, None) => Some(Awaited::Path(path)),
            (None, None, Some(unit), None) => Some(Awaited::Unit(unit)),
            (None, None, None, Some(span)) => Some(Awaited::Time(span)),
            _ => None,
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        match self.what() {
            None => Err("`wait` takes one of `port`, `path`, `unit` and `for`".to_owned()),
            Some(Awaited::Port(0)) => Err("nothing listens on port 0".to_owned()),
            Some(_) => Ok(()),
        }
    }

    pub(super) fn words(&self) -> String {
        match self.what() {
            Some(Awaited::Port(port)) => format!("wait until something listens on port {port}"),
            Some(Awaited::Path(path)) => format!("wait until {path} is there"),
            Some(Awaited::Unit(unit)) => format!("wait until {unit} runs"),
            Some(Awaited::Time(span)) => format!("wait for {span}"),
            None => "wait".to_owned(),
        }
    }
}

/// Brings a file, or a directory as an archive, into the journal as the step's output, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetch {
    /// The file or directory, absolute.
    pub path: String,
}

impl Fetch {
    /// So many bytes are brought at most: what a job prints beyond that is not kept.
    pub const LIMIT: u64 = 8 << 20;
}

/// Asks a host of a storage cluster how the healing of volumes goes; what it prints is the step's output, sealed. It starts
/// no heal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlusterHeal {
    /// Only these volumes; without them all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use crate::action::Action;

    #[test]
    fn one_thing_is_waited_for() {
        let wait = |text: &str| serde_json::from_str::<Action>(&format!("{{\"wait\": {text}}}"));
        for good in
            ["{\"port\": 22}", "{\"path\": \"/x\"}", "{\"unit\": \"a\"}", "{\"for\": \"30s\", \"timeout\": \"1m\"}"]
        {
            assert_eq!(wait(good).expect(good).check(), Ok(()), "{good}");
        }
        for bad in ["{}", "{\"port\": 22, \"unit\": \"a\"}", "{\"port\": 0}", "{\"path\": \"x\"}", "{\"unit\": \"-a\"}"]
        {
            assert!(wait(bad).expect(bad).check().is_err(), "{bad}");
        }
        assert!(wait("{\"port\": 70000}").is_err());
    }

    #[test]
    fn volumes_are_names_that_no_shell_misreads() {
        let heal = |text: &str| serde_json::from_str::<Action>(&format!("{{\"gluster.heal\": {text}}}"));
        for good in ["{}", "{\"volumes\": [\"heketidbstorage\", \"vol_5a\", \"v-1\"]}"] {
            assert_eq!(heal(good).expect(good).check(), Ok(()), "{good}");
        }
        for bad in ["[\"\"]", "[\"-v\"]", "[\"a b\"]", "[\"a;b\"]", "[\"$(x)\"]", "[\"a/b\"]", "[\"help\\n\"]"] {
            let text = format!("{{\"volumes\": {bad}}}");
            assert!(heal(&text).expect(bad).check().is_err(), "{bad}");
        }
        assert!(heal("{\"volume\": \"a\"}").is_err());
    }
}
