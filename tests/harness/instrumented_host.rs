//! A test machine whose programs note what they change and stop at gates, so that a fault strikes at a known moment and
//! the machine itself tells how often something happened.

use crate::hosts::{Answer, Hosts};
use std::time::Duration;

const PROGRAM: &str = include_str!("instrumented_host.sh");

/// The programs that stand behind it: those that actions call, and two that every job does.
const PROGRAMS: &[&str] = &["mkdir", "mv", "rm", "systemctl", "yum", "grep", "getent", "step"];

/// A moment at which a machine can be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// A job is about to be claimed.
    Claim,
    /// A call that is watched is about to be made.
    Effect,
    /// A job did all that it has to do, and is about to say so.
    End,
}

impl Gate {
    fn name(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Effect => "effect",
            Self::End => "end",
        }
    }
}

/// One machine of a set.
#[derive(Debug, Clone, Copy)]
pub struct InstrumentedHost<'a> {
    /// The set.
    pub hosts: &'a Hosts,
    /// The machine.
    pub name: &'a str,
}

impl<'a> InstrumentedHost<'a> {
    /// Lays the programs out, on a machine that is up.
    #[track_caller]
    pub fn new(hosts: &'a Hosts, name: &'a str) -> Self {
        let machine = Self { hosts, name };
        let links: String = PROGRAMS.iter().map(|name| format!("ln -sf /srv/rig/program /usr/sbin/{name}\n")).collect();
        let boots = "[Service]\nType=oneshot\nExecStart=/bin/sh -c \"cat /proc/sys/kernel/random/boot_id >>/srv/rig/boots; sync /srv/rig/boots\"\n";
        machine
            .inside(&format!(
                "mkdir -p /srv/rig/real\nprintf %s {} >/srv/rig/program\nchmod 755 /srv/rig/program\n{links}\
             printf %s {} >/etc/systemd/system/rig.service\n\
             ln -sf ../rig.service /etc/systemd/system/multi-user.target.wants/\nsync -f /srv",
                word(PROGRAM),
                word(boots)
            ))
            .exits(0);
        machine
    }

    /// Runs a piece of shell as root, without the network.
    pub fn inside(&self, script: &str) -> Answer {
        self.hosts.inside(self.name, script)
    }

    /// Forgets what was noted, watches calls that fit one of these patterns of the shell, and closes a gate.
    #[track_caller]
    pub fn watch(&self, patterns: &[&str], closed: Option<Gate>) {
        let close = closed.map_or_else(String::new, |gate| format!(">/run/rig/{}", gate.name()));
        self.inside(&format!(
            "rm -rf /run/rig; mkdir /run/rig; >/srv/rig/count; >/srv/rig/boots; printf '%s\\n' {} >/srv/rig/watch\n\
             {close}\nsync -f /srv",
            word(&patterns.join("\n"))
        ))
        .exits(0);
    }

    /// Watches nothing, and has no gate closed.
    #[track_caller]
    pub fn rest(&self) {
        self.inside("rm -rf /run/rig; >/srv/rig/watch").exits(0);
    }

    /// Waits until something stands at a gate.
    #[track_caller]
    pub fn reached(&self, gate: Gate) {
        self.waits(&format!("[ -d /run/rig/{}.reached ]", gate.name()));
    }

    /// Opens a gate.
    #[track_caller]
    pub fn open(&self, gate: Gate) {
        self.inside(&format!(">/run/rig/{}.open", gate.name())).exits(0);
    }

    /// Opens a gate, and waits until what stood there is through with its call.
    #[track_caller]
    pub fn pass(&self, gate: Gate) {
        self.open(gate);
        self.waits(&format!("[ -d /run/rig/{}.passed ]", gate.name()));
    }

    /// Waits until a condition of the shell holds.
    #[track_caller]
    pub fn waits(&self, condition: &str) {
        let wait = format!("n=0; until {condition}; do [ $n -lt 600 ] || exit 1; n=$((n + 1)); sleep 0.04; done");
        let answer = self.inside(&wait);
        assert_eq!(answer.code, Some(0), "{}: `{condition}` comes true: {answer}", self.name);
    }

    /// Waits until the machine is down.
    #[track_caller]
    pub fn is_down(&self) {
        for _ in 0..600 {
            if self.inside("true").code != Some(0) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        unreachable!("{} goes down", self.name);
    }

    /// The calls that were noted.
    #[track_caller]
    pub fn noted(&self) -> Vec<String> {
        self.inside("cat /srv/rig/count").text().lines().map(str::to_owned).collect()
    }

    /// How often it booted since it was last watched.
    #[track_caller]
    pub fn boots(&self) -> usize {
        self.inside("systemctl is-active -q rig.service; cat /srv/rig/boots").text().lines().count()
    }
}

/// A word as a shell reads it back.
fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
