//! The journal on disk and in memory, through its public face.

mod conform;
mod flips;
mod keys;
mod kill;
mod recovery;
mod sharing;
mod support;
