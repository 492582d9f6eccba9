//! What the command line says of how a run is begun and watched.

use crate::asking::Terminal;
use crate::confirm;
use crate::error::Failure;
use crate::lab::LabOptions;
use crate::render::live::Live;
use crate::render::to_stderr;
use clap::ValueEnum;
use palinode_core::span::Span;
use std::rc::Rc;

/// Why a run is begun, and what becomes of it without its terminal.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RunMetadata {
    /// Why it is done, for the record.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Number of the change request.
    #[arg(long, value_name = "ID")]
    pub(crate) change: Option<String>,
    /// What to do when the terminal goes away.
    #[arg(long, value_enum, default_value_t = OnHangup::GoOn)]
    pub(crate) on_hangup: OnHangup,
}

/// What to do when the terminal goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnHangup {
    /// Go on without it.
    GoOn,
    /// Finish what runs, then pause.
    Pause,
}

/// How a run is begun or gone on with, whichever verb does it.
pub(crate) struct Settings {
    /// Who wants it and why, and what a hangup does.
    pub(crate) metadata: RunMetadata,
    /// Whether targets may be taken that another journal claims.
    pub(crate) take_over: bool,
    /// Hosts that are acted on although they are other machines than recorded.
    pub(crate) host_changed: Vec<String>,
    /// How much time passed in a lab since its run stopped.
    pub(crate) gap: Span,
    /// Hears what steps print on real hosts.
    pub(crate) live: Option<Rc<Live>>,
    /// Answers what playbooks ask.
    pub(crate) asks: Option<Rc<Terminal>>,
    /// How a lab is watched and disturbed.
    pub(crate) lab: LabOptions,
}

impl Settings {
    /// Those of a run that takes nothing over and is not watched.
    pub(crate) fn new(metadata: RunMetadata) -> Self {
        Self {
            metadata,
            take_over: false,
            host_changed: Vec::new(),
            gap: Span::seconds(0),
            live: None,
            asks: None,
            lab: LabOptions::default(),
        }
    }
}

/// How a person agrees before targets are claimed.
pub(crate) struct Consent {
    /// What is shown first.
    pub(crate) shown: String,
    /// The question, and what answers it beforehand; none if the answer was given on the command line.
    pub(crate) question: Option<(&'static str, String)>,
}

impl Consent {
    /// Nothing is shown or asked: the verb itself says that it is wanted.
    pub(crate) fn given() -> Self {
        Self { shown: String::new(), question: None }
    }

    /// Shows and asks.
    pub(super) fn obtain(self) -> Result<(), Failure> {
        if !self.shown.is_empty() {
            to_stderr(&self.shown);
        }
        match self.question {
            Some((question, again)) => confirm::ask(question, &again),
            None => Ok(()),
        }
    }
}
