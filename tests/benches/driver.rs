//! The driver without a disk: microseconds a step, and whether they grow with the length of the plan.

use crate::rounds::{Figures, goal, ratio, rounds, table};
use crate::still::{Still, plan};
use palinode_core::id::{Micros, RunId};
use palinode_core::port::{Journal, Stored};
use palinode_core::record::{RunEnd, World};
use palinode_core::run::history::History;
use palinode_journal::MemJournal;
use palinode_replay::driver::{Driver, Opening, Stop, Stopped, Surroundings, Targets};
use palinode_tests::owner::{actor, owner};
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// Drives a run of so many steps on a journal; the seconds it took from the first look to the end.
pub(crate) fn drive(journal: &mut impl Journal, steps: usize, serial: u32) -> f64 {
    let plan = plan(steps, serial);
    let still = Still::default();
    let mut watch = |_: &History, _: &Stored| {};
    let stop = Rc::new(Cell::new(Stop::No));
    let around = Surroundings { wall: &|| Micros(0), watch: &mut watch, stop, tick: None };
    let opening = Opening {
        world: World::Real,
        actor: actor(),
        reason: None,
        change: None,
        force: false,
        targets: Targets::default(),
    };
    let run = RunId([9; 8]);
    let mut driver =
        Driver::begin(journal, &still, around, History::default(), run, &plan, opening).expect("the run opens");
    let began = Instant::now();
    let mut work = pin!(driver.drive());
    // The driver gives way before each effect, so that it hears a signal; a still world never waits.
    let mut turns = 0;
    let stopped = loop {
        match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(stopped) => break stopped,
            Poll::Pending => turns += 1,
        }
        assert!(turns <= 10 * steps, "it waits for something");
    };
    let took = began.elapsed().as_secs_f64();
    assert_eq!(stopped.expect("it drives"), Stopped::Closed(RunEnd::Done));
    took
}

pub(crate) fn run() {
    println!("driver without a disk");
    let a_step = |steps: usize| drive(&mut MemJournal::forgetful(owner(1)), steps, 4) * 1e6 / steps as f64;
    let (mut short, mut middle, mut long) = (|| a_step(1_000), || a_step(10_000), || a_step(100_000));
    let all = rounds(&mut [("1,000 steps", &mut short), ("10,000 steps", &mut middle), ("100,000 steps", &mut long)]);
    print!("{}", table("µs a step", &all));
    let most = all.iter().map(Figures::median).fold(0.0, f64::max);
    goal("a step of the slowest", (most, most, most), most <= 10.0, "at most 10 µs");
    let growth = ratio(&all[2], &all[0]);
    goal("100,000 over 1,000", growth, growth.0 <= 1.25, "flat, at most 1.25");
}
