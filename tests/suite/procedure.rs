//! The shipped procedure in the lab: there, and back again.

use palinode_core::event::{Event, RunEnd, Scope};
use palinode_replay::driver::Stopped;
use palinode_tests::memory::{BACK, CRIO_TO_DOCKER, RUN, Stage};

#[test]
fn three_nodes_migrate_and_come_back() {
    let mut stage = Stage::new();
    let first = stage.lab.digest();
    let plan = stage.plan(CRIO_TO_DOCKER, &[]);
    let stopped = stage.run(RUN, &plan, &mut |_, _, _| {}).expect("it drives");
    let history = stage.history();
    for (_, step, known) in history.runs[&RUN].steps() {
        println!("{:50} {} {:?} {:?}", step.path, known.stage, known.why, known.facts);
    }
    for stored in stage.journal.entries() {
        if let Event::DriftFound { step, key, expected, found, .. } = &stored.entry.event {
            println!("drift {step} {key}: {expected} -> {found}");
        }
    }
    println!("{} entries", stage.journal.len());
    assert_eq!(stopped, Stopped::Closed(RunEnd::Done));
    let stopped = stage.roll_back(RUN, &Scope::Run, BACK);
    let history = stage.history();
    if let Some(back) = history.runs.get(&BACK) {
        for (_, step, known) in back.steps() {
            println!("{:50} {} {:?} {:?} {:?}", step.path, known.stage, known.why, known.facts, known.skipped);
        }
        if let Some(closed) = &back.closed {
            println!("{:#?}", closed.residues);
            println!("{:#?}", closed.differences);
        }
        println!("{:?}", back.paused);
    }
    for stored in stage.journal.entries() {
        if let Event::DriftFound { step, key, expected, found, .. } = &stored.entry.event {
            println!("drift {step} {key}: {expected} -> {found}");
        }
    }
    println!("{stopped:?}");
    println!("{:#?}", first.diff(&stage.lab.digest()));
}
