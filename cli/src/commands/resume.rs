//! `palinode resume`.

use crate::args::{Args, named};
use crate::asking::Terminal;
use crate::error::{Exit, Failure};
use crate::journal;
use crate::lab::LabOptions;
use crate::render::hints;
use crate::render::live::Live;
use crate::run::{Consent, OnHangup, Owned, RunMetadata, Settings, What, World};
use palinode_core::span::Span;
use palinode_replay::driver::Ahead;
use std::time::Instant;

/// Go on with a run that was interrupted or paused.
#[derive(Debug, clap::Args)]
pub(crate) struct Resume {
    /// The run, by the beginning of its id; by default the latest open one.
    run: Option<String>,
    /// The same.
    #[arg(long = "run", value_name = "RUN", conflicts_with = "run")]
    of: Option<String>,
    /// Take hosts over that another journal claims, as after a journal was moved. Only if you know that nobody works on
    /// them any more.
    #[arg(long)]
    take_over: bool,
    /// Go on with this host although it is another machine than the one recorded: installed anew, or replaced. Recorded.
    #[arg(long, value_name = "HOST")]
    host_changed: Vec<String>,
    /// Go on although someone changed what a rollback is about to change back: all that is found and shown before it goes on,
    /// and nothing that changes later.
    #[arg(long)]
    force: bool,
    /// Change this resource back although someone has changed it since, from the state that is found and shown before it goes on.
    /// May be given several times.
    #[arg(long, value_name = "KEY")]
    force_resource: Vec<String>,
    /// In the lab: how much time passed since the run stopped.
    #[arg(long, value_name = "SPAN", default_value = "5m")]
    gap: Span,
    /// What to do when the terminal goes away.
    #[arg(long, value_enum, default_value_t = OnHangup::GoOn)]
    on_hangup: OnHangup,
    /// Show what steps print on real hosts, while they run.
    #[arg(long)]
    live: bool,
    /// Hand questions of playbooks to this terminal: variables, passwords, pauses. Without it a playbook that asks is
    /// refused, or ended.
    #[arg(long)]
    ask: bool,
    #[command(flatten)]
    lab_options: LabOptions,
}

named!(Resume);

/// Takes an open run over and goes on with it, in the world it was opened in.
pub(crate) fn resume(args: &Args, resume: &Resume) -> Result<Exit, Failure> {
    let began = Instant::now();
    let owned = Owned::open(args)?;
    let state = journal::run(&owned.history, resume.named(), journal::Default::Open)?;
    if state.closed.is_some() {
        return Err(Failure::usage(
            format!("run {} is closed", journal::short(&owned.history, state.run)),
            format!("type `{}` to see how it ended", hints::of_run("status")),
        ));
    }
    let run = state.run;
    let settings = Settings {
        take_over: resume.take_over,
        host_changed: resume.host_changed.clone(),
        gap: resume.gap,
        live: Live::beside(resume.live),
        asks: Terminal::if_asked(resume.ask)?,
        lab: resume.lab_options.clone(),
        // The record has who began it and why.
        ..Settings::new(RunMetadata { reason: None, change: None, on_hangup: resume.on_hangup })
    };
    let ready = World::open(args, What::GoOn { owned, run }, settings)?.check()?;
    let ready = ready.consenting(Ahead::Open(run), resume.force, &resume.force_resource)?;
    ready.claim(Consent::given())?.drive()?.report(args.output, began)
}
