//! Playbooks that the real Ansible runs on test hosts.

mod migration;
mod recorded;
