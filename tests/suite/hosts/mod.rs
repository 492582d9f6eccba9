//! On the test hosts: machines with a systemd, an sshd and an RPM database of their own.

mod channel;
mod conformance;
mod drops;
mod fence;
mod files;
mod gluster;
mod hostile;
mod judge;
mod machines;
mod runs;
mod signals;
mod soak;
mod words;
