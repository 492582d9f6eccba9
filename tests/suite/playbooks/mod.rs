//! Playbooks that the real Ansible runs: on test hosts, and, to see how they end, on this machine.

mod asked;
mod migration;
mod recorded;
mod shapes;
