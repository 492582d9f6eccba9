//! Playbooks that need no machine: the real Ansible, run by the binary, whose hosts are all this machine.

use crate::ansible::{Ansible, Release};
use crate::binary::{Desk, Out};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// See the module.
#[derive(Debug)]
pub struct LocalPlays {
    /// The folder.
    pub desk: Desk,
    ansible: Ansible,
}

impl LocalPlays {
    /// An empty folder with an Ansible beside it; none where that cannot be had.
    pub fn new(test: &str, release: Release) -> Option<Self> {
        let ansible = Ansible::find(test, release)?;
        let plays = Self { desk: Desk::new(), ansible };
        plays.runbook("");
        Some(plays)
    }

    /// Where a file of the folder is.
    pub fn path(&self, name: &str) -> String {
        self.desk.path().join(name).display().to_string()
    }

    /// A runbook with one step that runs `play.yml` with the inventory `hosts`; `more` stands among its values.
    pub fn runbook(&self, more: &str) {
        let text = format!(
            "runbook: play\nhosts: {{ group: glusterfs }}\nafter:\n  - play:\n      ansible.playbook:\n        \
             path: {}\n{more}",
            self.path("play.yml")
        );
        self.desk.write("play-book.yml", text);
    }

    /// What the binary's environment says.
    pub fn settings(&self) -> Vec<(&'static str, PathBuf)> {
        let path = std::env::var("PATH").unwrap_or_default();
        let below = |name: &str| self.desk.path().join(name);
        vec![
            ("PATH", format!("{}:{path}", self.ansible.programs().display()).into()),
            ("XDG_STATE_HOME", below("state")),
            ("ANSIBLE_LOCAL_TEMP", below("tmp")),
            ("ANSIBLE_REMOTE_TEMP", below("tmp")),
            ("ANSIBLE_CONFIG", below("ansible.cfg")),
            ("ANSIBLE_TRANSPORT", "local".into()),
            ("LC_ALL", "C.UTF-8".into()),
            ("ANSIBLE_PYTHON_INTERPRETER", self.ansible.programs().join("python3")),
        ]
    }

    /// Runs the binary to its end.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Out {
        self.desk.run_with(&self.settings(), args)
    }

    /// Types it at a terminal: what is typed next waits for words on the screen. What the screen showed, and the exit code.
    #[track_caller]
    pub fn typed(&self, args: &[&str], turns: &[(&str, &str)]) -> (String, Option<i32>) {
        let python = self.ansible.programs().join("python3");
        let mut command = Command::new(python);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/helpers/terminal.py"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PALINODE_")) {
            command.env_remove(name);
        }
        let turns: Vec<[&str; 2]> = turns.iter().map(|(shown, typed)| [*shown, *typed]).collect();
        let out = command
            .arg(serde_json::to_string(&turns).expect("JSON"))
            .arg(crate::binary::binary())
            .args(args)
            .envs(self.settings())
            .current_dir(self.desk.path())
            .stdin(Stdio::null())
            .output()
            .expect("python can be started");
        assert!(out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
        (String::from_utf8_lossy(&out.stdout).replace('\r', ""), out.status.code())
    }

    /// Writes a file that Ansible's vault encrypted with a password.
    #[track_caller]
    pub fn encrypt(&self, name: &str, text: &str, password: &str) {
        self.desk.write(name, text);
        self.desk.write("password", password);
        let mut command = Command::new(self.ansible.programs().join("ansible-vault"));
        command.args(["encrypt", "--vault-password-file", "password", name]).current_dir(self.desk.path());
        let out = command.env("ANSIBLE_CONFIG", "/dev/null").output().expect("ansible-vault can be started");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        std::fs::remove_file(self.desk.path().join("password")).expect("it is there");
    }

    /// The events of the journal, oldest first.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        self.desk.entries().into_iter().map(|item| item["entry"]["event"].clone()).collect()
    }

    /// The journal is sound, and every decision in it follows from the rules.
    #[track_caller]
    pub fn is_sound(&self) {
        self.desk.run(&["verify"]).exits(0).says(&["sound"]);
        self.desk.run(&["replay", "--strict"]).exits(0);
    }
}
