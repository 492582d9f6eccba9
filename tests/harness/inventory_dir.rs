//! A folder with an inventory of test machines, and the ssh that reaches them.

use crate::binary::{Desk, Live, Out};
use crate::hosts::{Hosts, Kind};
use serde_json::Value;

/// See the module.
#[derive(Debug)]
pub struct InventoryDir {
    /// The folder.
    pub desk: Desk,
    /// The machines; their group is `glusterfs`.
    pub hosts: Hosts,
}

impl InventoryDir {
    /// Machines of one kind, up and settled; none where they cannot be had.
    pub fn new(test: &str, kind: Kind, names: &[&str]) -> Option<Self> {
        let hosts = Hosts::start(test, kind, names)?;
        let desk = Desk::new();
        desk.write("hosts", format!("[glusterfs]\n{}\n", names.join("\n")));
        Some(Self { desk, hosts })
    }

    /// A machine whose disk is an XFS.
    pub fn on_xfs(test: &str, name: &str) -> Option<Self> {
        let hosts = Hosts::start_xfs(test, &[name])?;
        let desk = Desk::new();
        desk.write("hosts", format!("[glusterfs]\n{name}\n"));
        Some(Self { desk, hosts })
    }

    /// Arguments, behind those that name the configuration of ssh.
    pub fn args<'a>(&'a self, args: &[&'a str]) -> Vec<&'a str> {
        let config = self.hosts.config().to_str().expect("a path in UTF-8");
        [&["--ssh-config", config], args].concat()
    }

    /// Runs the binary to its end.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Out {
        self.desk.run(&self.args(args))
    }

    /// Starts the binary and lets it work.
    pub fn spawn(&self, args: &[&str]) -> Live {
        self.desk.spawn(&self.args(args))
    }

    /// The journal is sound, and every decision in it follows from the rules.
    #[track_caller]
    pub fn is_sound(&self) {
        self.desk.run(&["verify"]).exits(0).says(&["sound"]);
        self.desk.run(&["replay", "--strict"]).exits(0);
    }

    /// The events of the journal, oldest first.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        self.desk.entries().into_iter().map(|item| item["entry"]["event"].clone()).collect()
    }
}
