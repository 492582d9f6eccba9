//! On the test hosts: machines with a systemd, an sshd and an RPM database of their own.

mod channel;
mod conformance;
mod drift;
mod drops;
mod fence;
mod files;
mod foresee;
mod gluster;
mod hostile;
mod inventories;
mod judge;
mod links;
mod machines;
mod overlaps;
mod packages;
mod runs;
mod signals;
mod soak;
mod storage;
mod trees;
mod units;
mod words;
