//! Harness: runs in memory, with a journal and a lab that can be stopped, copied and looked at; journals on disk, of any
//! size; the real binary.

pub mod ansible;
pub mod binary;
pub mod chance;
pub mod cluster;
pub mod corpus;
pub mod crash;
pub mod drops;
pub mod fake_api_1_11;
pub mod faults;
pub mod forge;
pub mod fuzz;
pub mod helper;
pub mod hosts;
pub mod judge;
pub mod memory;
pub mod owner;
pub mod pages;
pub mod plays;
pub mod power;
pub mod rig;
pub mod site;
pub mod skip;
pub mod synthetic;
pub mod tables;
pub mod tale;
pub mod tape;
pub mod worlds;
