//! The power is cut at every sync of a journal's life, and of the recovery that follows: whatever mixture of what was
//! not synced is left, nothing acknowledged is lost and the next owner goes on.

use crate::story::{Told, empty, tell};
use palinode_journal::sim::{Bound, SimDisk};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

const BOUND: Bound = Bound { all: 128, sample: 12, seed: 7 };
const FEW: Bound = Bound { all: 8, sample: 3, seed: 11 };

/// Calls with each number from the first to the last, on as many threads as there are processors; fails with all that is wrong.
fn for_each(first: u64, last: u64, check: impl Fn(u64) -> Vec<String> + Sync) {
    let next = AtomicU64::new(first);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number > last {
                        break;
                    }
                    let found = check(number);
                    wrong.lock().expect("no panic").extend(found);
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    let shown: Vec<_> = wrong.iter().take(12).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} of them went wrong:\n{}", wrong.len(), shown.join("\n"));
}

/// The story with the power cut at a sync; behind the last one it is told to its end.
fn cut(sync: u64) -> (SimDisk, Told) {
    let disk = empty();
    disk.freeze_at_sync(sync);
    let (told, _) = tell(&disk);
    disk.freeze();
    (disk, told)
}

fn whole() -> SimDisk {
    let disk = empty();
    let (told, end) = tell(&disk);
    assert!(end.is_ok() && told.whole && told.torn == 1 && told.hitches == 0);
    disk
}

#[test]
fn every_sync_of_a_life_and_every_mixture() {
    let (began, syncs) = (Instant::now(), whole().syncs());
    let (images, complete) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for_each(empty().syncs() + 1, syncs + 1, |sync| {
        let (disk, told) = cut(sync);
        let left = disk.images(BOUND);
        images.fetch_add(left.len(), Ordering::Relaxed);
        complete.fetch_add(usize::from(left.is_whole()), Ordering::Relaxed);
        let checked = left.iter().enumerate().map(|(index, image)| (index, told.check(&image)));
        let wrong = checked.filter_map(|(index, checked)| checked.err().map(|wrong| (index, wrong)));
        wrong.map(|(index, wrong)| format!("sync {sync}, image {index} of {}: {wrong}", left.len())).collect()
    });
    let (images, complete) = (images.into_inner(), complete.into_inner());
    println!("{syncs} syncs, {images} images, all of them at {complete}, {:.1?}", began.elapsed());
    assert!(complete > 0 && images > 10 * complete);
}

#[test]
fn every_sync_of_the_recovery_too() {
    let (began, syncs) = (Instant::now(), whole().syncs());
    let (seconds, images) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for_each(empty().syncs() + 1, syncs + 1, |sync| {
        let (disk, told) = cut(sync);
        let left = disk.images(FEW);
        // Some of the mixtures, other ones at each sync, and always the one where everything was written.
        let step = left.len().div_ceil(2).max(1);
        let picked = (sync as usize % step..left.len()).step_by(step).chain([left.len() - 1]);
        let mut wrong = Vec::new();
        for index in picked {
            for second in 1.. {
                let image = left.get(index).expect("an image");
                let mut told = told.clone();
                image.freeze_at_sync(second);
                let there = image.layer().kind(crate::story::root()).is_ok_and(|kind| kind.is_some());
                let taken = if there { told.take_over(&image).map(drop) } else { Ok(()) };
                if !image.is_frozen() {
                    wrong.extend(taken.err().map(|error| format!("sync {sync}, image {index}: {error}")));
                    break;
                }
                seconds.fetch_add(1, Ordering::Relaxed);
                for left in image.images(FEW).iter() {
                    images.fetch_add(1, Ordering::Relaxed);
                    if let Err(error) = told.check(&left) {
                        wrong.push(format!("sync {sync}, image {index}, second cut at {second}: {error}"));
                    }
                }
            }
        }
        wrong
    });
    let (seconds, images) = (seconds.into_inner(), images.into_inner());
    println!("{syncs} syncs, {seconds} second cuts, {images} images, {:.1?}", began.elapsed());
    assert!(seconds as u64 > 5 * syncs);
}

/// A killed process leaves everything it wrote to the next one, and not all of it is durable: what the next one relies
/// on must survive a power cut all the same.
#[test]
fn what_a_killed_process_left_is_made_durable_before_it_is_relied_on() {
    let (began, operations) = (Instant::now(), whole().operations());
    let images = AtomicUsize::new(0);
    for_each(empty().operations() + 1, operations, |operation| {
        let disk = empty();
        disk.freeze_at_operation(operation);
        let (told, _) = tell(&disk);
        let next = disk.killed();
        let mut taken = told.clone();
        if let Ok(None) = next.layer().kind(crate::story::root()) {
            return Vec::from_iter(told.created.then(|| format!("operation {operation}: it is gone")));
        }
        if let Err(wrong) = taken.take_over(&next) {
            return vec![format!("killed at operation {operation}: {wrong}")];
        }
        let left = next.images(FEW);
        images.fetch_add(left.len(), Ordering::Relaxed);
        let checked = left.iter().filter_map(|image| taken.check(&image).err());
        checked.map(|wrong| format!("killed at operation {operation}, then a power cut: {wrong}")).collect()
    });
    println!("{operations} operations, {} images, {:.1?}", images.into_inner(), began.elapsed());
}
