//! The shipped migration in the lab with its journal on the disk, as someone types it.

use crate::cold;
use crate::place;
use crate::rounds::{goal, rounds, table};

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
