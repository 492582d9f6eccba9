//! What is done on a host, and how what is there is looked at. Typed values become words of a shell here and nowhere
//! else; what a host answers is checked before it is believed.

pub(crate) mod act;
pub(crate) mod act_error;
pub(crate) mod guard;
mod look;
mod packages;
mod same;

pub(crate) use act::{LIMIT, OnHost, act, bounded};
pub(crate) use guard::{asks, asks_of, refused, stopped, unsynced};
pub(crate) use look::{Looked, is_boot, observe, script_of};
pub(crate) use packages::{
    Beyond, EXACTLY, Known, beyond, beyond_script, known, restorable, restorable_script, restorable_words, units,
    words_script,
};
pub(crate) use same::moved;
