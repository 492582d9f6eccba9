//! What a run left in its lab: the settled world, and the jobs that its targets saw.

use palinode_core::id::Micros;
use palinode_executors::{DiskFiles, InventoryFiles};
use palinode_replay::lab::{Digest, Lab, Surroundings, What};
use std::collections::BTreeSet;
use std::path::Path;

/// The lab of a folder, as it is now.
pub fn lab(folder: &Path) -> Lab {
    let hosts = folder.join("hosts");
    let around = Surroundings {
        read_inventory: Box::new(move || std::fs::read(&hosts)),
        inventory_path: "hosts".to_owned(),
        control: Box::new(InventoryFiles::new(DiskFiles)),
    };
    Lab::open(folder, around).expect("the lab is sound")
}

/// The world of a folder half an hour later, when everything that heals has healed; the inventory beside.
pub fn settled(folder: &Path) -> Digest {
    let lab = lab(folder);
    lab.advance(Micros::seconds(1800));
    lab.digest()
}

/// The names of all jobs that a lab's targets ever saw, and of those that changed something.
pub fn jobs(folder: &Path) -> (BTreeSet<String>, BTreeSet<String>) {
    let lab = lab(folder);
    let claimed = lab.lines().into_iter().filter_map(|line| match line.what {
        What::Claimed { job, .. } => Some(job.to_string()),
        _ => None,
    });
    (claimed.collect(), lab.effects().into_iter().map(|effect| effect.job.to_string()).collect())
}
