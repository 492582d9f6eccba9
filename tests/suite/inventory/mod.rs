//! Inventories, read and edited, and compared with what Ansible makes of them.

mod check;
mod edits;
mod edits_vars;
mod fixtures;
mod oracle;
mod random;
