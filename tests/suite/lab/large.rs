//! A lab of sixty storage nodes: cut in the middle, resumed and taken back, under the same judges as the small one.

use palinode_core::id::StepPath;
use palinode_core::port::Stored;
use palinode_core::record::{RunEnd, Scope};
use palinode_journal::MemJournal;
use palinode_replay::driver::{DriveError, Stopped};
use palinode_replay::lab::{Fault, Phase, World, inventory_of};
use palinode_tests::crash::{Death, GAP, rested, resume};
use palinode_tests::invariants::{effects, misjudged, twice, unexplained};
use palinode_tests::memory::{BACK, CRIO_TO_DOCKER, Moment, RUN, Stage};
use palinode_tests::owner::owner;

const NODES: usize = 60;

fn large() -> Stage {
    let journal = MemJournal::with_fixed_keys(owner(1));
    Stage::at(&Moment { journal, world: World::of(NODES), inventory: inventory_of(NODES) })
}

#[test]
fn sixty_nodes_are_moved_cut_resumed_and_taken_back() {
    let mut whole = large();
    let plan = whole.plan(CRIO_TO_DOCKER, &[]);
    assert_eq!(plan.hosts().count(), NODES);
    let first = rested(&whole);
    let stopped = whole.run(RUN, &plan, &mut |_, _, _| {}).expect("it drives");
    assert_eq!(stopped, Stopped::Closed(RunEnd::Done));
    let last = rested(&whole);

    let mut cut = large();
    let step = StepPath::new("gluster31.demo/packages").expect("a path");
    cut.lab.fault(Fault { step: step.clone(), attempt: 1, phase: Phase::Half });
    let died = cut.run(RUN, &plan, &mut |_, _, _| {});
    assert!(matches!(died, Err(DriveError::Halted(_))), "{died:?}");
    let (moment, dying) = (cut.moment(), cut.lab.lines());
    let count = moment.journal.len();
    let life = resume(moment, RUN, 2, GAP);
    assert_eq!(life.stopped.expect("it drives"), Stopped::Closed(RunEnd::Done));
    assert_eq!(rested(&life.stage).diff(&last), []);
    let history = life.stage.history();
    let resumed = life.stage.lab.lines();
    let all = effects(&[&dying, &resumed]);
    let since: Vec<&Stored> = life.stage.journal.entries().skip(count).collect();
    let mut wrong = twice(&history, &all);
    wrong.extend(misjudged(&history.runs[&RUN], since.into_iter(), &all, Some((&step, Death::Half))));

    let mut moment = life.stage.moment();
    moment.journal = moment.journal.taken_over(owner(3));
    let mut stage = Stage::at(&moment);
    let stopped = stage.roll_back(RUN, &Scope::Run, BACK).expect("it drives");
    assert_eq!(stopped, Stopped::Closed(RunEnd::PartlyRolledBack));
    let history = stage.history();
    let all = effects(&[&dying, &resumed, &stage.lab.lines()]);
    wrong.extend(twice(&history, &all));
    wrong.extend(unexplained(&history, &all, &first, &rested(&stage)));
    crate::lab::crash::report(&wrong);
    assert_eq!(stage.inventory(), inventory_of(NODES));
}
