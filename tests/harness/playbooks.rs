//! Playbooks on test machines: the real Ansible, run by the binary, and what is seen of both from outside.

use crate::ansible::{Ansible, Release};
use crate::binary::{Live, Out};
use crate::hosts::Kind;
use crate::inventory_dir::InventoryDir;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// So long may a playbook take to get somewhere.
const PATIENCE: Duration = Duration::from_secs(120);

/// See the module.
#[derive(Debug)]
pub struct Playbooks {
    /// The machines, and the folder with their inventory.
    pub site: InventoryDir,
    ansible: Ansible,
}

impl Playbooks {
    /// Machines with an Ansible beside them; none where either cannot be had.
    pub fn new(test: &str, release: Release, names: &[&str]) -> Option<Self> {
        let ansible = Ansible::find(test, release)?;
        let site = InventoryDir::new(test, Kind::default(), names)?;
        let text = "[glusterfs:vars]\nansible_python_interpreter=/usr/bin/python3\n";
        site.desk.write("hosts", format!("[glusterfs]\n{}\n{text}", names.join("\n")));
        Some(Self { site, ansible })
    }

    /// The absolute path of a file in the folder.
    pub fn path(&self, name: &str) -> String {
        self.site.desk.path().join(name).display().to_string()
    }

    /// A runbook with one step that runs `play.yml`, after all hosts; `more` stands among its values, `beside` beside them.
    pub fn runbook(&self, more: &str, beside: &str) {
        let text = format!(
            "runbook: play\nhosts: {{ group: glusterfs }}\nafter:\n  - play:\n      ansible.playbook:\n        path: {}\n{more}{beside}",
            self.path("play.yml")
        );
        self.site.desk.write("play-book.yml", text);
    }

    /// What the binary's environment says.
    pub fn settings(&self) -> Vec<(&'static str, PathBuf)> {
        let path = std::env::var("PATH").unwrap_or_default();
        let state = self.site.desk.path().join("state");
        vec![
            ("PATH", format!("{}:{path}", self.ansible.programs().display()).into()),
            ("XDG_STATE_HOME", state),
            ("ANSIBLE_LOCAL_TEMP", self.site.desk.path().join("tmp")),
            // Machines of other sets have the same names, and connections are kept by name.
            ("ANSIBLE_SSH_CONTROL_PATH_DIR", self.site.desk.path().join("cp")),
            // Ten seconds, as is usual, are short where eight machines start beside it.
            ("ANSIBLE_TIMEOUT", "30".into()),
        ]
    }

    /// The same with a shell script in the place of `ansible-playbook`, which does this first.
    pub fn wrapped(&self, first: &str) -> Vec<(&'static str, PathBuf)> {
        let bin = self.site.desk.path().join("bin");
        std::fs::create_dir_all(&bin).expect("a folder can be made");
        let real = self.ansible.programs().join("ansible-playbook");
        let script = format!("#!/bin/sh\n{first}\nexec '{}' \"$@\"\n", real.display());
        self.site.desk.write("bin/ansible-playbook", script);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(bin.join("ansible-playbook"), mode).expect("the mode can be set");
        let mut settings = self.settings();
        settings[0].1 = format!("{}:{}", bin.display(), settings[0].1.display()).into();
        settings
    }

    /// Runs the binary to its end.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Out {
        self.site.desk.run_with(&self.settings(), &self.site.args(args))
    }

    /// Starts the binary and lets it work.
    pub fn spawn(&self, args: &[&str]) -> Live {
        self.site.desk.spawn_with(&self.settings(), &self.site.args(args))
    }

    /// What jobs told so far, all of them.
    pub fn events(&self) -> Vec<Value> {
        let Ok(jobs) = std::fs::read_dir(self.site.desk.path().join(".palinode/jobs")) else { return Vec::new() };
        let texts = jobs.flatten().filter_map(|job| std::fs::read_to_string(job.path().join("events")).ok());
        texts
            .flat_map(|text| text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect::<Vec<_>>())
            .collect()
    }

    /// Waits until jobs told so much.
    #[track_caller]
    pub fn until(&self, what: &str, wanted: impl Fn(&[Value]) -> bool) {
        let began = Instant::now();
        while !wanted(&self.events()) {
            assert!(began.elapsed() < PATIENCE, "{what}: {:?}", self.events());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The process of the playbook that runs now.
    pub fn process(&self) -> Option<Pid> {
        let below = format!("PALINODE_EVENTS={}", self.site.desk.path().display());
        std::fs::read_dir("/proc").expect("there is /proc").flatten().find_map(|entry| {
            let id: i32 = entry.file_name().to_str()?.parse().ok()?;
            let environ = std::fs::read(entry.path().join("environ")).ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let session: i32 = stat.rsplit_once(") ")?.1.split(' ').nth(3)?.parse().ok()?;
            let ours = environ.split(|byte| *byte == 0).any(|word| word.starts_with(below.as_bytes()));
            (ours && session == id).then(|| Pid::from_raw(id))?
        })
    }

    /// Kills the playbook, if it runs.
    pub fn kill(&self) {
        if let Some(process) = self.process() {
            let _ = kill_process(process, Signal::KILL);
        }
    }

    /// Kills the shell whose job the playbook is, and nothing else.
    #[track_caller]
    pub fn kill_shell(&self) {
        let jobs = std::fs::read_dir(self.site.desk.path().join(".palinode/jobs")).expect("there are jobs");
        let shell = jobs.flatten().find_map(|job| {
            let fate = std::fs::read_link(job.path().join("fate")).ok()?;
            // began BOOT PID START
            Pid::from_raw(fate.to_str()?.split(' ').nth(2)?.parse().ok()?)
        });
        kill_process(shell.expect("a job began"), Signal::KILL).expect("its shell is there");
    }

    /// Waits until no playbook runs.
    #[track_caller]
    pub fn until_gone(&self) {
        let began = Instant::now();
        while self.process().is_some() {
            assert!(began.elapsed() < PATIENCE, "the playbook runs on");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What is recorded of what playbooks told: the public half, in order.
    pub fn recorded(&self) -> Vec<Value> {
        let told = |event: Value| match &event["Progress"] {
            Value::Null => None,
            progress => Some(progress.clone()),
        };
        self.site.events().into_iter().filter_map(told).collect()
    }
}

impl Drop for Playbooks {
    fn drop(&mut self) {
        self.kill();
    }
}
