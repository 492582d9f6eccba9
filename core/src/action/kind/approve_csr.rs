//! `kube.approve-csr`: the certificates that the node's kubelet asks for, approved.

use crate::action::{ActionKind, CheckError, Described, Place, Recovery, Target, Undo, UndoClass};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, State};
use crate::span::Span;
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CertUse {
    /// The kubelet proves to the API server who it is.
    Client,
    /// The kubelet answers the API server.
    Server,
}

impl CertUse {
    /// The usage in a request that only this one has.
    pub fn usage(self) -> &'static str {
        match self {
            Self::Client => "client auth",
            Self::Server => "server auth",
        }
    }
}

// T30.
/// Approves the certificates that the kubelet of the step's node asks for, and no others. A node that joins again needs a
/// certificate for its kubelet as a client and one as a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveCsr {
    /// The certificates that must be approved.
    #[serde(default = "both")]
    pub uses: Vec<CertUse>,
    /// Requests that are older are left alone: a node that was wiped may have asked before.
    #[serde(default = "an_hour")]
    pub newer_than: Span,
    /// How long to wait for the requests; then the step fails.
    #[serde(default = "ten_minutes")]
    pub timeout: Span,
}

fn both() -> Vec<CertUse> {
    vec![CertUse::Client, CertUse::Server]
}

fn an_hour() -> Span {
    Span::seconds(3600)
}

fn ten_minutes() -> Span {
    Span::seconds(600)
}

impl Described for ApproveCsr {
    const EXAMPLES: &'static [&'static str] = &["\
- certificates:
    kube.approve-csr: { uses: [client, server], newer_than: 30m, timeout: 9m }
"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for ApproveCsr {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self {
            uses: dice.list(|dice| dice.pick(&[CertUse::Client, CertUse::Server])),
            newer_than: dice.span(),
            timeout: dice.span(),
        }
    }
}

impl ActionKind for ApproveCsr {
    fn place(&self) -> Place {
        Place::Cluster
    }

    fn class(&self) -> UndoClass {
        UndoClass::NoUndo
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    fn words(&self) -> String {
        "approve the certificates that the node asks for".to_owned()
    }

    fn check(&self) -> Result<(), CheckError> {
        match self.uses.is_empty() {
            true => Err(CheckError::of("uses", "`uses` names no certificate")),
            false => Ok(()),
        }
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
