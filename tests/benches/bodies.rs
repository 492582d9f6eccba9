//! Bodies: put one durably, against the same steps one after the other in a bare loop.

use crate::place;
use crate::rounds::{goal, ratio, rounds, table};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use palinode_core::id::RunId;
use palinode_core::port::Journal;
use palinode_core::record::Class;
use palinode_journal::{DiskJournal, Options, create};
use palinode_tests::owner::owner;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// So many bodies in a round: the first ones of a journal make the folders they stand in, too.
const COUNT: usize = 600;

/// What a playbook prints: lines that repeat in part.
fn output(number: usize) -> Vec<u8> {
    let mut text = Vec::new();
    for line in 0..1200 {
        let noise = blake3::hash(format!("{number} {line}").as_bytes());
        let _ = writeln!(text, "ok: [node{}.demo] => (item={}) changed={}", line % 3, &noise.to_hex()[..24], line % 2);
    }
    text
}

fn bare(dir: &Path, key: &[u8; 32], bytes: &[u8]) {
    let id = blake3::keyed_hash(key, bytes);
    let packed = zstd::bulk::compress(bytes, 3).expect("packs");
    let mut nonce = [0; 24];
    getrandom::fill(&mut nonce).expect("random bytes");
    let cipher = XChaCha20Poly1305::new(key.into());
    let payload = Payload { msg: &packed, aad: id.as_bytes() };
    let sealed = [&nonce[..], &cipher.encrypt(&XNonce::from(nonce), payload).expect("encrypts")].concat();
    let name = blake3::hash(&sealed).to_hex();
    let temp = dir.join(".tmp");
    let mut file = File::create(&temp).expect("a file");
    file.write_all(&sealed).expect("writes");
    file.sync_all().expect("syncs");
    fs::rename(&temp, dir.join(name.as_str())).expect("renames");
    File::open(dir).and_then(|dir| dir.sync_all()).expect("syncs the folder");
}

pub(crate) fn run() {
    println!("a body of 80 KB: digest, pack, seal, name, write, sync, rename, sync the folder");
    let dir = place::folder("bodies");
    let all: Vec<Vec<u8>> = (0..COUNT).map(output).collect();
    let mut round = 0u64;
    let mut ours = || {
        let root = dir.path().join("journal");
        let _ = fs::remove_dir_all(&root);
        create(&root).expect("a journal can be made");
        let mut journal = DiskJournal::open(&root, owner(1), Options::default()).expect("opens").journal;
        let vault = journal.create_keys(RunId([5; 8])).expect("keys");
        let began = Instant::now();
        for bytes in &all {
            vault.seal(Class::Output, bytes).expect("seals");
        }
        COUNT as f64 / began.elapsed().as_secs_f64()
    };
    let mut loops = || {
        round += 1;
        let folder = dir.path().join(format!("bare-{round}"));
        fs::create_dir(&folder).expect("a folder");
        let began = Instant::now();
        all.iter().for_each(|bytes| bare(&folder, &[7; 32], bytes));
        COUNT as f64 / began.elapsed().as_secs_f64()
    };
    let figures = rounds(&mut [("the journal", &mut ours), ("the same steps in a row", &mut loops)]);
    print!("{}", table("bodies/s", &figures));
    let found = ratio(&figures[0], &figures[1]);
    goal("the journal over the bare loop", found, found.0 >= 0.8, "at least 0.8");
}
