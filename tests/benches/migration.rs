//! The shipped migration in the lab with its journal on the disk, as someone types it.

use crate::cold;
use crate::place;
use crate::rounds::{goal, rounds, rounds_of, table};

pub(crate) fn eleven() {
    println!("the eleven-node migration in the lab, journal on the disk");
    let mut memory: f64 = 0.0;
    let mut ours = || {
        let dir = place::folder("migration");
        let cost = cold::run(dir.path(), &["run", "crio-to-docker", "--lab"], 0);
        memory = memory.max(cost.mebibytes);
        cost.seconds
    };
    let figures = rounds(&mut [("palinode run crio-to-docker --lab", &mut ours)]).remove(0);
    print!("{}", table("s", std::slice::from_ref(&figures)));
    let (least, most) = figures.spread();
    goal("seconds", (figures.median(), least, most), figures.median() <= 2.0, "at most 2 s");
    println!("  {memory:.0} MiB at most");
}

pub(crate) fn thousand() {
    println!("the same with 1,000 storage nodes, three times");
    let mut memory: f64 = 0.0;
    let mut ours = || {
        let dir = place::folder("migration");
        let cost = cold::run(dir.path(), &["run", "crio-to-docker", "--lab", "--lab-nodes", "1000"], 0);
        memory = memory.max(cost.mebibytes);
        cost.seconds
    };
    let figures = rounds_of(3, &mut [("palinode run crio-to-docker --lab-nodes 1000", &mut ours)]).remove(0);
    print!("{}", table("s", std::slice::from_ref(&figures)));
    let (least, most) = figures.spread();
    goal("seconds", (figures.median(), least, most), figures.median() <= 120.0, "at most 120 s");
    goal("MiB at most", (memory, memory, memory), memory <= 500.0, "at most 500 MiB");
}
