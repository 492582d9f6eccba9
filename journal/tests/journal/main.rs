//! The journal on disk and in memory, through its public face.

mod altered;
mod conform;
mod failing;
mod flips;
mod frozen;
mod group;
mod index;
mod keys;
mod kill;
mod recovery;
mod sharing;
mod story;
mod support;
mod whose;
