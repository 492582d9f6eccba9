//! `palinode resume`.

use crate::acting::Acting;
use crate::args::{Args, Resume};
use crate::exit::{Exit, Failure};
use crate::render::hints;
use crate::render::live::Live;
use crate::session::{self, Start};
use crate::targets::{self, Against, Mandate};
use crate::{actor, place};
use palinode_core::run::history::History;
use palinode_replay::driver::TakeOver;
use std::time::Instant;

/// Takes an open run over and goes on with it, in the world it was opened in.
pub(crate) fn resume(args: &Args, resume: &Resume) -> Result<Exit, Failure> {
    let began = Instant::now();
    let root = place::find(args.journal.as_deref())?;
    let mut journal = session::own(&root)?;
    let history = History::load(&journal)?;
    targets::give_up_left(args, &journal, &history);
    let state = place::run(&history, resume.named(), place::Default::Open)?;
    if state.closed.is_some() {
        return Err(Failure::usage(
            format!("run {} is closed", place::short(&history, state.run)),
            format!("type `{}` to see how it ended", hints::of_run("status")),
        ));
    }
    let run = state.run;
    let plan = state.plan.clone();
    let changed = targets::changed(&resume.host_changed, plan.reached().into_iter())?;
    let mut machines = targets::machines(&history, state);
    let mut acting = Acting::reopen(state, args, &Mandate::of(&journal))?;
    acting.listen(Live::beside(resume.live));
    let gap = acting.gap(resume.gap);
    acting.disturb(&resume.lab_options, &plan, gap)?;
    let recorded = machines.clone();
    machines.retain(|host, _| !changed.contains(host));
    acting.expect(&machines);
    let taking = acting.ready(&plan, Some(resume.take_over), true, Against::resumed(&journal, &history, state))?;
    let decided = targets::decided(&taking, changed, &recorded, &acting);
    let by = TakeOver { actor: actor::actor(), gap, force: resume.force, targets: decided };
    let start = Start::TakeOver(by);
    let (stopped, history) =
        session::drive(&mut journal, &acting, history, run, (start, &taking), &resume.lab_options, resume.on_hangup)?;
    session::report(&journal, &history, run, &stopped, args.output, began)
}
