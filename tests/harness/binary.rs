//! The real binary, in a folder of its own.

use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// No test waits longer for the binary.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The built binary. It is built first, once, unless `PALINODE_TESTS_NO_BUILD` says that it is fresh.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let me = std::env::current_exe().expect("a test has a path");
        let profile = me.parent().and_then(Path::parent).expect("tests are in target/PROFILE/deps");
        let path = profile.join("palinode");
        if std::env::var_os("PALINODE_TESTS_NO_BUILD").is_none() || !path.exists() {
            build(profile);
        }
        assert!(path.exists(), "{} is there", path.display());
        path
    })
}

fn build(profile: &Path) {
    let name = profile.file_name().and_then(OsStr::to_str).expect("a profile has a name");
    let name = if name == "debug" { "dev" } else { name };
    let target = profile.parent().expect("the profile's folder is in the target folder");
    let done = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "-p", "palinode", "--profile", name, "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .status()
        .expect("cargo can be started");
    assert!(done.success(), "the binary builds");
}

/// What a finished process left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Out {
    /// The exit code, if it ended by itself.
    pub code: Option<i32>,
    /// The signal, if it was killed.
    pub signal: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Out {
    fn new(status: ExitStatus, stdout: &[u8], stderr: &[u8]) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the binary prints UTF-8");
        let out = Self { code: status.code(), signal: status.signal(), stdout: text(stdout), stderr: text(stderr) };
        for stream in [&out.stdout, &out.stderr] {
            let wild = stream.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(wild, None, "nothing a terminal acts on is printed: {out}");
            assert!(!stream.contains("panicked at"), "no panic: {out}");
        }
        out
    }

    /// Requires an exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Requires death by SIGKILL.
    #[track_caller]
    pub fn killed(self) -> Self {
        assert_eq!(self.signal, Some(9), "{self}");
        self
    }

    /// Requires these words on standard output.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stdout.contains(word), "`{word}` is missing on standard output: {self}");
        }
        self
    }

    /// Requires these words on standard error.
    #[track_caller]
    pub fn complains(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is missing on standard error: {self}");
        }
        self
    }

    /// Requires these words on either.
    #[track_caller]
    pub fn tells(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stdout.contains(word) || self.stderr.contains(word), "`{word}` is missing: {self}");
        }
        self
    }

    /// Standard output as the one JSON value it must be.
    #[track_caller]
    pub fn value(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| unreachable!("{error}: {self}"))
    }
}

impl std::fmt::Display for Out {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "exit {:?}, signal {:?}", self.code, self.signal)?;
        writeln!(f, "--- standard output\n{}--- standard error\n{}---", self.stdout, self.stderr)
    }
}

/// An empty folder that the binary works in.
#[derive(Debug)]
pub struct Desk {
    work: TempDir,
    aside: TempDir,
    count: AtomicU32,
}

impl Default for Desk {
    fn default() -> Self {
        Self::new()
    }
}

impl Desk {
    /// An empty folder.
    pub fn new() -> Self {
        Self::under(&std::env::temp_dir())
    }

    /// An empty folder in memory, where there is such a place: a killed process loses nothing there either.
    pub fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::under(memory) } else { Self::new() }
    }

    /// An empty folder in another one.
    pub fn under(dir: &Path) -> Self {
        let make = || tempfile::Builder::new().prefix("palinode-desk-").tempdir_in(dir).expect("a folder can be made");
        Self { work: make(), aside: make(), count: AtomicU32::new(0) }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.work.path()
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), content).expect("the folder can be written");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PALINODE_")) {
            command.env_remove(name);
        }
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Out {
        let out = self.command(args).output().expect("the binary can be started");
        Out::new(out.status, &out.stdout, &out.stderr)
    }

    /// What it hands to a file, as it is; it must end well.
    #[track_caller]
    pub fn raw(&self, args: &[&str]) -> Vec<u8> {
        let out = self.command(args).output().expect("the binary can be started");
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        out.stdout
    }

    /// Runs it with these settings in its environment.
    #[track_caller]
    pub fn run_with(&self, settings: &[(&str, PathBuf)], args: &[&str]) -> Out {
        let mut command = self.command(args);
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        let out = command.output().expect("the binary can be started");
        Out::new(out.status, &out.stdout, &out.stderr)
    }

    /// Runs it where no file may grow beyond a size: writing more fails, as on a full disk.
    #[track_caller]
    pub fn run_limited(&self, kibibytes: u32, args: &[&str]) -> Out {
        let blocks = 2 * kibibytes;
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script).arg(binary()).args(args).current_dir(self.path()).stdin(Stdio::null());
        let out = command.output().expect("a shell can be started");
        Out::new(out.status, &out.stdout, &out.stderr)
    }

    /// Runs it with `-o json` and reads the one value that it prints.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        self.run(&[args, &["-o", "json"]].concat()).value()
    }

    /// Starts the binary and lets it work.
    pub fn spawn(&self, args: &[&str]) -> Live {
        self.spawn_with(&[], args)
    }

    /// The same, with these settings in its environment.
    pub fn spawn_with(&self, settings: &[(&str, PathBuf)], args: &[&str]) -> Live {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let place = |name: &str| self.aside.path().join(format!("{number}.{name}"));
        let (out, err) = (place("out"), place("err"));
        let make = |path: &Path| File::create(path).expect("a file can be made");
        let mut command = self.command(args);
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        let child = command.stdout(make(&out)).stderr(make(&err)).spawn();
        Live { child: child.expect("the binary can be started"), out, err }
    }

    /// Every file below a folder of the desk, with length and hash of its bytes; zeros, of what is no file.
    pub fn files(&self, below: &str) -> BTreeMap<PathBuf, (usize, u64)> {
        let mut found = BTreeMap::new();
        collect(&self.path().join(below), &mut found);
        found
    }

    /// The folder of the one lab.
    #[track_caller]
    pub fn lab(&self) -> PathBuf {
        let all: Vec<PathBuf> = fs::read_dir(self.path().join(".palinode-lab"))
            .expect("there are labs")
            .map(|item| item.expect("the folder can be read").path())
            .collect();
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].clone()
    }

    /// The inventory of the one lab.
    #[track_caller]
    pub fn inventory(&self) -> String {
        fs::read_to_string(self.lab().join("hosts")).expect("a lab has an inventory")
    }

    /// The journal's entries, oldest first.
    #[track_caller]
    pub fn entries(&self) -> Vec<serde_json::Value> {
        match self.json(&["log"]) {
            serde_json::Value::Array(all) => all,
            other => unreachable!("a log is a list: {other}"),
        }
    }
}

fn collect(dir: &Path, found: &mut BTreeMap<PathBuf, (usize, u64)>) {
    for item in fs::read_dir(dir).expect("the folder can be read") {
        let item = item.expect("the folder can be read");
        let (path, kind) = (item.path(), item.file_type().expect("a file has a type"));
        if kind.is_dir() {
            found.insert(path.clone(), (0, 0));
            collect(&path, found);
        } else {
            let bytes = fs::read(&path).expect("the file can be read");
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            found.insert(path, (bytes.len(), hasher.finish()));
        }
    }
}

/// A process at work. It is killed and reaped when dropped.
#[derive(Debug)]
pub struct Live {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Live {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// What it printed to standard error so far.
    pub fn stderr(&self) -> String {
        fs::read_to_string(&self.err).unwrap_or_default()
    }

    /// What it printed to standard output so far.
    pub fn stdout(&self) -> String {
        fs::read_to_string(&self.out).unwrap_or_default()
    }

    /// Waits until its standard error contains these words.
    #[track_caller]
    pub fn until(&mut self, words: &str) {
        self.until_it(words, |text| text.contains(words));
    }

    /// Waits until its standard error is as wanted.
    #[track_caller]
    pub fn until_it(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
        let began = Instant::now();
        while !wanted(&self.stderr()) {
            let ended = self.child.try_wait().expect("a child can be waited for");
            assert!(ended.is_none() || wanted(&self.stderr()), "ended before `{what}`: {}", self.stderr());
            assert!(began.elapsed() < PATIENCE, "no `{what}` in time: {}", self.stderr());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether it stands still. False once it ended.
    pub fn is_stopped(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
    }

    /// The most memory that it had so far, in KiB. Zero once it ended.
    pub fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }

    /// Whether it ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_some()
    }

    /// Kills it with SIGKILL.
    #[track_caller]
    pub fn kill(mut self) -> Out {
        self.child.kill().expect("a child can be killed");
        self.end()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(mut self) -> Out {
        let began = Instant::now();
        let status = loop {
            match self.child.try_wait().expect("a child can be waited for") {
                Some(status) => break status,
                None => assert!(began.elapsed() < PATIENCE, "it ends in time: {}", self.stderr()),
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let read = |path: &Path| fs::read(path).expect("what it printed can be read");
        Out::new(status, &read(&self.out), &read(&self.err))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
