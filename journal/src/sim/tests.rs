//! The simulated disk keeps its word, and no more than its word.

use super::{Bound, Operation, SimDisk};
use crate::file::layer::FileLayer;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

const ALL: Bound = Bound { all: 4096, sample: 0, seed: 1 };

fn path(name: &str) -> &Path {
    Path::new(name)
}

/// What a file holds on every disk that a power cut now may leave; none where it is not there.
fn left(disk: &SimDisk, name: &str) -> BTreeSet<Option<Vec<u8>>> {
    let images = disk.images(ALL);
    assert!(images.is_whole());
    images.iter().map(|image| image.read(path(name)).ok()).collect()
}

fn set<const N: usize>(all: [Option<Vec<u8>>; N]) -> BTreeSet<Option<Vec<u8>>> {
    all.into_iter().collect()
}

#[test]
fn contents_and_names_are_durable_each_by_its_own_sync() {
    let disk = SimDisk::new();
    let file = disk.make_file(path("/a")).expect("makes");
    file.write_all_at(b"one", 0).expect("writes");
    let (zeros, one) = (Some(vec![0; 3]), Some(b"one".to_vec()));
    assert_eq!(left(&disk, "/a"), set([None, Some(Vec::new()), zeros.clone(), one.clone()]));
    disk.sync_dir(path("/")).expect("syncs");
    assert_eq!(left(&disk, "/a"), set([Some(Vec::new()), zeros, one.clone()]));
    file.sync_data().expect("syncs");
    assert_eq!(left(&disk, "/a"), set([one.clone()]));
    disk.rename(path("/a"), path("/b")).expect("renames");
    assert_eq!(left(&disk, "/b"), set([None, one.clone()]));
    assert!(disk.images(ALL).iter().all(|image| image.read(path("/a")).is_ok() != image.read(path("/b")).is_ok()));
    disk.sync_dir(path("/")).expect("syncs");
    disk.remove(path("/b")).expect("removes");
    assert_eq!(left(&disk, "/b"), set([None, one]));
}

#[test]
fn sectors_come_each_by_itself_and_a_rename_between_folders_in_halves() {
    let disk = SimDisk::new();
    disk.make_dir(path("/d")).expect("makes");
    let file = disk.make_file(path("/a")).expect("makes");
    file.write_all_at(&[1; 1024], 0).and_then(|()| file.sync_all()).expect("writes");
    disk.sync_dir(path("/")).expect("syncs");
    file.write_all_at(&[2; 600], 200).expect("writes");
    let part = |first: u8, second: u8| {
        let mut bytes = vec![1; 1024];
        bytes[200..512].fill(first);
        bytes[512..800].fill(second);
        Some(bytes)
    };
    assert_eq!(left(&disk, "/a"), set([part(1, 1), part(1, 2), part(2, 1), part(2, 2)]));
    file.sync_data().expect("syncs");
    disk.rename(path("/a"), path("/d/b")).expect("renames");
    let there = |image: &SimDisk| (image.read(path("/a")).is_ok(), image.read(path("/d/b")).is_ok());
    let seen: BTreeSet<_> = disk.images(ALL).iter().map(|image| there(&image)).collect();
    assert_eq!(seen.len(), 4, "neither, either, both");
}

#[test]
fn a_cut_file_is_long_or_short_and_a_failed_sync_keeps_nothing() {
    let disk = SimDisk::new();
    let file = disk.make_file(path("/a")).expect("makes");
    file.write_all_at(&[7; 600], 0).and_then(|()| file.sync_all()).expect("writes");
    disk.sync_dir(path("/")).expect("syncs");
    disk.fail(Operation::Sync, disk.count(Operation::Sync) + 1);
    file.write_all_at(&[8; 10], 0).expect("writes");
    let error = file.sync_data().expect_err("fails");
    assert_eq!(error.raw_os_error(), Some(5));
    file.sync_data().expect("the next one says that all is well");
    assert_eq!(left(&disk, "/a"), set([Some(vec![7; 600])]));
    assert_eq!(disk.killed().read(path("/a")).expect("reads")[0], 8, "but programs see it");
    file.set_len(512).expect("cuts");
    let half = [vec![7; 512], vec![0; 88]].concat();
    assert_eq!(left(&disk, "/a"), set([Some(vec![7; 600]), Some(half), Some(vec![7; 512])]));
}

#[test]
fn a_full_disk_takes_what_fits_and_a_frozen_one_nothing() {
    let disk = SimDisk::new();
    let file = disk.make_file(path("/a")).expect("makes");
    disk.set_capacity(Some(5));
    let error = file.write_all_at(b"too long", 0).expect_err("it is full");
    assert_eq!((error.kind(), disk.used()), (io::ErrorKind::StorageFull, 5));
    file.write_all_at(b"in place", 0).expect_err("it is longer, too");
    file.write_all_at(b"fits", 0).expect("what is there can be overwritten");
    assert!(disk.make_file(path("/b")).is_err());
    disk.set_capacity(None);
    disk.fail_short(disk.count(Operation::Write) + 1, 3);
    assert!(file.write_all_at(b"again", 0).is_err());
    assert_eq!(
        disk.read(path("/a")).expect("reads"),
        b"aga".iter().chain(b"sl").copied().collect::<Vec<_>>()[..].to_vec()
    );
    disk.freeze_at_sync(disk.syncs() + 1);
    assert!(file.sync_all().is_err() && disk.is_frozen());
    assert!(disk.read(path("/a")).is_err() && file.write_all_at(b"x", 0).is_err());
    assert_eq!(disk.killed().read(path("/a")).expect("reads").len(), 5);
}

#[test]
fn many_changes_are_sampled_and_no_image_comes_twice() {
    let disk = SimDisk::new();
    let file = disk.make_file(path("/a")).expect("makes");
    disk.sync_dir(path("/")).expect("syncs");
    file.write_all_at(&[1; 512 * 40], 0).expect("writes");
    let images = disk.images(Bound { all: 100, sample: 30, seed: 5 });
    assert!(!images.is_whole() && images.changes() == 41);
    let all: Vec<_> = images.iter().map(|image| image.read(path("/a")).expect("reads")).collect();
    assert_eq!(all.len(), images.len());
    assert!(all.first().is_some_and(Vec::is_empty) && all.last().is_some_and(|bytes| *bytes == [1; 512 * 40]));
    // None, all, the prefixes between them, each alone but the first, all without one but the last, and chance.
    assert!((41 * 3 - 10..=41 * 3 + 30).contains(&images.len()), "{}", images.len());
}
