//! Harness: runs in memory, with a journal and a lab that can be stopped, copied and looked at; journals on disk, of any
//! size; the real binary.

pub mod ansible;
pub mod binary;
pub mod chance;
pub mod cluster;
pub mod corpus;
pub mod crash;
pub mod drops;
pub mod fake_api;
pub mod fake_api_1_11;
pub mod faults;
pub mod forge;
pub mod fuzz;
pub mod helper;
pub mod hosts;
pub mod instrumented_host;
pub mod invariants;
pub mod inventory_dir;
pub mod judge;
pub mod local_plays;
pub mod memory;
pub mod owner;
pub mod pages;
pub mod playbooks;
pub mod power;
pub mod proxy;
pub mod reference_page;
pub mod skip;
pub mod snapshot;
pub mod sources;
pub mod storage;
pub mod story;
pub mod synthetic;
pub mod tables;
pub mod worlds;
