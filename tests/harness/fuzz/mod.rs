//! What must hold for any bytes at all, one function for each thing that is read.
//!
//! Each target takes bytes, has them read by the code that reads them in earnest, and asserts more than the absence
//! of panics: what is accepted is what would be written, what is printed is what was read, what was changed is found.
//! The same functions run under a fuzzer (`tests/fuzz`) and, over the corpus it left and mutations of it, as ordinary
//! tests.
//!
//! A fuzzer guesses no hash. So the targets read `bytes` as they are or, if the first byte says so, with every length
//! and checksum put right; `format` does that from the words of `FORMAT.md` alone, with none of the journal's code.

pub mod corpus;
mod events;
mod folder;
mod format;
mod framing;
mod gluster;
mod inbox;
mod inventory;
mod msgpack;
mod runbook;
pub mod seeds;
mod story;
mod values;

/// A target.
pub struct Target {
    /// Its name; its corpus is in `tests/fuzz/corpus/NAME`.
    pub name: &'static str,
    /// What must not panic.
    pub check: fn(&[u8]),
    /// How many mutations the ordinary tests try.
    pub mutations: usize,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "canon", check: values::canon, mutations: 40_000 },
    Target { name: "entries", check: values::entries, mutations: 20_000 },
    Target { name: "plan", check: values::plan, mutations: 2_000 },
    Target { name: "frames", check: framing::frames, mutations: 20_000 },
    Target { name: "slots", check: framing::slots, mutations: 20_000 },
    Target { name: "inbox", check: inbox::inbox, mutations: 2_000 },
    Target { name: "folder", check: folder::folder, mutations: 500 },
    Target { name: "story", check: story::story, mutations: 200 },
    Target { name: "runbook", check: runbook::runbook, mutations: 1_000 },
    Target { name: "inventory", check: inventory::inventory, mutations: 5_000 },
    Target { name: "gluster", check: gluster::gluster, mutations: 2_000 },
    Target { name: "events", check: events::events, mutations: 10_000 },
];

/// Runs the target of a name.
pub fn check(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("there is such a target");
    (target.check)(bytes);
}
