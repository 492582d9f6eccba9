//! `wait`: until one thing holds on the host.

use crate::action::{
    ActionKind, CheckError, Described, InField as _, Place, Recovery, Target, Undo, UndoClass, values,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, State};
use crate::span::Span;
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Waits until one thing holds on the host: one of `port`, `path` and `unit`; or waits `for` some time.
///
/// The `timeout` may stand here or beside `wait:`, as for gates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Wait for this long, whatever holds.
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
}

impl Described for Wait {
    const EXAMPLES: &'static [&'static str] = &[
        "\
- listens: { wait: { port: 10250, timeout: 2m } }
",
        "\
- settle: { wait: { for: 30s } }
",
    ];
    const ONE_OF: &'static [&'static str] = &["port", "path", "unit", "for"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for Wait {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self {
            port: dice.maybe(|dice| dice.pick(&[0, 22, u16::MAX])),
            path: dice.maybe(Dice::word),
            unit: dice.maybe(Dice::word),
            span: dice.maybe(Dice::span),
            timeout: dice.span(),
        }
    }
}

impl ActionKind for Wait {
    fn place(&self) -> Place {
        Place::Host
    }

    fn class(&self) -> UndoClass {
        UndoClass::Read
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    fn words(&self) -> String {
        match self.what() {
            Some(Awaited::Port(port)) => format!("wait until something listens on port {port}"),
            Some(Awaited::Path(path)) => format!("wait until {path} is there"),
            Some(Awaited::Unit(unit)) => format!("wait until {unit} runs"),
            Some(Awaited::Time(span)) => format!("wait for {span}"),
            None => "wait".to_owned(),
        }
    }

    fn check(&self) -> Result<(), CheckError> {
        match self.what() {
            None => return Err(CheckError::whole("`wait` takes one of `port`, `path`, `unit` and `for`")),
            Some(Awaited::Port(0)) => return Err(CheckError::of("port", "nothing listens on port 0")),
            Some(_) => {}
        }
        self.path.iter().try_for_each(|text| values::path(text)).within("path")?;
        values::words("unit", &self.unit, values::UNIT).within("unit")
    }

    fn footprint(&self, _: &Target) -> Vec<Footprint> {
        Vec::new()
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, _: &State) -> Option<bool> {
        None
    }

    fn inverse(&self, _: &Target, _: &Image) -> Vec<Undo> {
        Vec::new()
    }
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
}
