//! Harness: runs in memory, with a journal and a lab that can be stopped, copied and looked at; and journals on disk.

pub mod binary;
pub mod corpus;
pub mod crash;
pub mod judge;
pub mod memory;
pub mod owner;
pub mod skip;
pub mod tale;
