//! `palinode resume`.

use crate::acting::Acting;
use crate::args::{Args, Resume};
use crate::exit::{Exit, Failure};
use crate::render::hints;
use crate::render::live::Live;
use crate::session::{self, Start};
use crate::{actor, place};
use palinode_core::history::History;
use palinode_replay::driver::TakeOver;
use std::time::Instant;

/// Takes an open run over and goes on with it, in the world it was opened in.
pub(crate) fn resume(args: &Args, resume: &Resume) -> Result<Exit, Failure> {
    let began = Instant::now();
    let root = place::find(args.journal.as_deref())?;
    let mut journal = session::own(&root)?;
    let history = History::load(&journal)?;
    let state = place::run(&history, resume.named(), place::Default::Open)?;
    if state.closed.is_some() {
        return Err(Failure::usage(
            format!("run {} is closed", place::short(&history, state.run)),
            format!("type `{}` to see how it ended", hints::of_run("status")),
        ));
    }
    let run = state.run;
    let plan = state.plan.clone();
    let mut acting = Acting::reopen(state, args, journal.root())?;
    acting.listen(Live::beside(resume.live));
    let gap = acting.gap(resume.gap);
    acting.disturb(&resume.lab_options, &plan, gap)?;
    let claimed = acting.ready(&plan, Some(resume.take_over), true)?;
    acting.take(&claimed, resume.take_over.then_some(&*plan))?;
    let by = TakeOver { actor: actor::actor(), gap, force: resume.force };
    let start = Start::TakeOver(by);
    let (stopped, history) =
        session::drive(&mut journal, &acting, history, run, start, &resume.lab_options, resume.on_hangup)?;
    session::report(&journal, &history, run, &stopped, args.output, began)
}
