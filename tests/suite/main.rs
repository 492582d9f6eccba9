//! The suites: a folder for each place where things happen.

mod hosts;
mod inventory;
mod journal;
mod kube;
mod lab;
mod places;
mod playbooks;
mod session;
mod sources;
