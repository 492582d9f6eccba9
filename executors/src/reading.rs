//! How what others print is read, without asking anybody: for tests that feed it any bytes.

use crate::{ansible, gluster};
use palinode_core::port::Sample;
use palinode_core::record::ProgressKind;
use std::collections::BTreeMap;

/// What `gluster.healed` makes of answers, for each member those that it gave, by the question: `pool`, `info`, `list`,
/// `status all`, `detail all`, `heal VOLUME` and so on. Two members have to agree; there is no evidence.
pub fn healed(members: &[BTreeMap<String, Vec<u8>>]) -> Sample {
    gluster::judged(members)
}

/// How many answers stand in what a member of a storage cluster printed; none if they are not whole.
pub fn printed_by_storage(bytes: &[u8]) -> Option<usize> {
    gluster::printed(bytes)
}

/// What a playbook's plugin told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    /// The events with their numbers.
    pub told: Vec<(u64, ProgressKind)>,
    /// Lines that are no events.
    pub strange: u64,
}

/// The events in what a playbook's plugin wrote, as it comes in pieces.
pub fn events<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Events {
    let (told, strange) = ansible::read(pieces);
    Events { told, strange }
}
