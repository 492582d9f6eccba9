//! What is done on a host, and how what is there is looked at. Typed values become words of a shell here and nowhere
//! else; what a host answers is checked before it is believed.

pub(crate) mod act;
pub(crate) mod act_error;
mod behind;
pub(crate) mod file_state;
pub(crate) mod guard;
mod look;
mod looked;
mod packages;
mod same;
pub(crate) mod tree;
mod units;

pub(crate) use act::{LIMIT, OnHost, Special, act, bounded};
pub(crate) use behind::{Behind, behind, behind_script};
pub(crate) use guard::{LeftOut, asks, asks_of, left_out, refused, stopped};
pub(crate) use look::{is_boot, observe, script_of};
pub(crate) use looked::Looked;
pub(crate) use packages::{
    Beyond, EXACTLY, Known, beyond, beyond_script, known, restorable, restorable_script, restorable_words, units,
    words_script,
};
pub(crate) use same::moved;
pub(crate) use units::{along, along_script};
