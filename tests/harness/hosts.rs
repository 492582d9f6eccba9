//! Test hosts: sets of machines with a systemd, an sshd and an RPM database of their own, and what can happen to them.
//! `tests/hosts` makes them.

use crate::odd;
use crate::skip;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// So many machines run at once, of all test processes together.
const MACHINES: usize = 8;

/// What kind of machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kind {
    /// Its tools refuse what is younger than RHEL 7.
    pub rhel7: bool,
    /// It has a disk of its own: a power cut loses what was not synced.
    pub disk: bool,
    /// It has a GlusterFS, whose daemon does not run yet.
    pub gluster: bool,
}

/// A set of machines. They see each other and no other set. Taken down when dropped, and when this process dies.
#[derive(Debug)]
pub struct Hosts {
    set: String,
    config: PathBuf,
    // Held as long as the machines are up.
    _places: Vec<File>,
}

/// What a command on a machine, or ssh itself, left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The exit code: that of the command, 255 if the connection was lost, none if ssh was killed.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Answer {
    fn new(out: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: out.status.code(), stdout: text(&out.stdout), stderr: text(&out.stderr) }
    }

    /// Requires an exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Standard output of a command that worked, without the space around it.
    #[track_caller]
    pub fn text(self) -> String {
        self.exits(0).stdout.trim().to_owned()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {:?}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

impl Hosts {
    /// A set of machines of one kind, up and settled. None where this user or machine cannot have it: that is noted as
    /// a skipped test. Nothing is installed or built for it, which is up to `tests/run` and `tests/hosts build`.
    pub fn start(test: &str, kind: Kind, names: &[&str]) -> Option<Self> {
        Self::started(test, kind, names, &[])
    }

    fn started(test: &str, kind: Kind, names: &[&str], more: &[&str]) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut built = script();
        built.arg("built");
        if kind.gluster {
            built.arg("--gluster");
        }
        if let Err(why) = told(&mut built) {
            skip::skip(test, &why);
            return None;
        }
        let set = format!("t{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let config = home().join("sets").join(&set).join("ssh_config");
        let hosts = Self { set, config, _places: places(names.len()) };
        hosts.up(kind, names, more);
        Some(hosts)
    }

    /// The same with machines whose disk is an XFS. None, too, where nobody can make one.
    pub fn start_xfs(test: &str, names: &[&str]) -> Option<Self> {
        if Command::new("mkfs.xfs").arg("-V").output().is_err() {
            skip::skip(test, "there is no mkfs.xfs");
            return None;
        }
        Self::started(test, Kind { disk: true, ..Kind::default() }, names, &["--xfs"])
    }

    /// More machines in the same set. They are not counted against what may run at once.
    #[track_caller]
    pub fn add(&self, kind: Kind, names: &[&str]) {
        self.up(kind, names, &[]);
    }

    #[track_caller]
    fn up(&self, kind: Kind, names: &[&str], more: &[&str]) {
        let mut up = vec!["up", "--owner"];
        let owner = std::process::id().to_string();
        up.push(&owner);
        if kind.rhel7 {
            up.push("--rhel7");
        }
        if kind.disk {
            up.push("--disk");
        }
        if kind.gluster {
            up.push("--gluster");
        }
        up.extend(more);
        up.extend(names);
        self.told(&up);
        names.iter().for_each(|name| odd::make(self, name, &odd::asked()));
    }

    /// The ssh_config that knows every machine of the set by name: `ssh -F` it.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// Where the set's keys and `known_hosts` are.
    pub fn folder(&self) -> &Path {
        self.config.parent().expect("a file is in a folder")
    }

    /// A login, as root if the name is not `user@name`, that runs a command.
    pub fn ssh(&self, name: &str, command: &str) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.arg("-F").arg(&self.config).args([name, "--", command]).stdin(Stdio::null());
        ssh
    }

    /// Logs in, as root if the name is not `user@name`, and runs a command.
    pub fn run(&self, name: &str, command: &str) -> Answer {
        Answer::new(&self.ssh(name, command).output().expect("ssh can be started"))
    }

    /// Runs a command as root without the network, whatever was cut or stopped.
    pub fn inside(&self, name: &str, command: &str) -> Answer {
        let out = script().args(["inside", "--set", &self.set, name, "sh", "-c", command]).output();
        Answer::new(&out.expect("the script can be started"))
    }

    /// Waits until a command, asked for without the network, works.
    #[track_caller]
    pub fn until(&self, name: &str, command: &str) {
        for _ in 0..300 {
            if self.inside(name, command).code == Some(0) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        assert_eq!(self.inside(name, command).code, Some(0), "`{command}` on {name} works in the end");
    }

    /// The id of this boot.
    #[track_caller]
    pub fn boot(&self, name: &str) -> String {
        self.inside(name, "cat /proc/sys/kernel/random/boot_id").text()
    }

    /// Cuts the link: nothing passes, and nobody is told.
    #[track_caller]
    pub fn cut_link(&self, name: &str) {
        self.told(&["link", "down", name]);
    }

    /// The link is back.
    #[track_caller]
    pub fn mend_link(&self, name: &str) {
        self.told(&["link", "up", name]);
    }

    /// New connections to its sshd are refused, or no longer.
    #[track_caller]
    pub fn refuse(&self, name: &str, refuse: bool) {
        self.told(&["refuse", if refuse { "on" } else { "off" }, name]);
    }

    /// Kills every session of its sshd. The listener stays.
    #[track_caller]
    pub fn kill_sessions(&self, name: &str) {
        self.told(&["sessions", "kill", name]);
    }

    /// Stops its sshd. Sessions stay.
    #[track_caller]
    pub fn stop_sshd(&self, name: &str) {
        self.told(&["sshd", "stop", name]);
    }

    /// Starts its sshd.
    #[track_caller]
    pub fn start_sshd(&self, name: &str) {
        self.told(&["sshd", "start", name]);
    }

    /// Reboots it in good order, and waits until it is back.
    #[track_caller]
    pub fn reboot(&self, name: &str) {
        self.told(&["reboot", name]);
    }

    /// Lets a reboot, whoever asks for it, take until [`Hosts::release`].
    #[track_caller]
    pub fn hold(&self, name: &str) {
        self.told(&["hold", name]);
    }

    /// Lets it come back, and waits until it has.
    #[track_caller]
    pub fn release(&self, name: &str) {
        self.told(&["release", name]);
    }

    /// Cuts its power: everything in it dies at once, no connection is closed, and what its disk does not hold is lost.
    #[track_caller]
    pub fn power_off(&self, name: &str) {
        self.told(&["power", "off", name]);
    }

    /// Boots it, and waits until it is up.
    #[track_caller]
    pub fn power_on(&self, name: &str) {
        self.told(&["power", "on", name]);
    }

    /// Its disk takes some ten writes a second, or as many as it can.
    #[track_caller]
    pub fn slow_disk(&self, name: &str, slow: bool) {
        self.told(&["disk", "slow", name, if slow { "on" } else { "off" }]);
    }

    #[track_caller]
    fn told(&self, words: &[&str]) {
        assert_eq!(told(script().args(["--set", &self.set]).args(words)), Ok(()), "tests/hosts {}", words.join(" "));
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        if let Err(why) = told(script().args(["down", "--set", &self.set])) {
            eprintln!("the set {} could not be taken down: {why}", self.set);
        }
    }
}

/// The folder of what machines are made of, and of the sets.
pub fn home() -> PathBuf {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/hosts");
    std::env::var_os("PALINODE_HOSTS").map_or_else(usual, PathBuf::from)
}

fn script() -> Command {
    let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/hosts"));
    script.stdin(Stdio::null());
    script
}

/// Waits until so many machines more may run. Who waits first is served first.
fn places(count: usize) -> Vec<File> {
    let folder = home().join("places");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let file = |name: &str| File::create(folder.join(name)).expect("a file can be made");
    let gate = file("gate");
    gate.lock().expect("a file can be locked");
    let mut held = Vec::new();
    loop {
        for number in 0..MACHINES {
            if held.len() == count.min(MACHINES) {
                return held;
            }
            let place = file(&number.to_string());
            if place.try_lock().is_ok() {
                held.push(place);
            }
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Runs the script; what it says if it fails.
fn told(command: &mut Command) -> Result<(), String> {
    match command.output() {
        Ok(out) if out.status.success() => Ok(()),
        Ok(out) => Err(String::from_utf8_lossy(&out.stderr).trim().to_owned()),
        Err(error) => Err(format!("tests/hosts cannot be started: {error}")),
    }
}
