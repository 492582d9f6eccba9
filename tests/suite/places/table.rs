//! Every place that `.github/SECURITY.md` names, with an unprivileged user in it who means harm: nothing is owned, hung,
//! leaked or filled. The page's tables drive the suite: a row without a trial fails, and so does a trial without a row.

use super::{control, host, log};
use palinode_tests::binary::binary;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The user who means harm, and one who only works here.
pub(crate) const EVIL: u32 = 65534;
pub(crate) const WORKER: u32 = 65533;

/// What no other user may ever read.
pub(crate) const SECRET: &str = "CANARY-5f2d9c";

/// No trial of the binary takes longer.
const LIMIT: Duration = Duration::from_secs(45);

/// The first words of a row, as the page has them, and its trials.
type Row = (&'static str, &'static [fn()]);

/// Every row.
pub(crate) fn trials() -> Vec<Row> {
    vec![
        (
            "`.palinode/` (the journal), found upwards",
            &[control::a_journal_that_is_found, control::a_part_of_a_journal_that_is_found],
        ),
        ("`--journal DIR`", &[control::a_journal_that_is_named, control::what_is_no_journal]),
        ("`.palinode/keys/`", &[control::keys_and_jobs_of_a_third_user]),
        ("`.palinode/jobs/`", &[control::keys_and_jobs_of_a_third_user]),
        ("`.palinode/inbox/`", &[control::an_inbox]),
        (
            "sockets and ssh configurations",
            &[control::a_runtime_folder_that_is_named, control::a_runtime_folder_in_tmp],
        ),
        ("`$XDG_STATE_HOME/palinode/inventories`", &[control::a_state_folder]),
        ("the inventory and its `group_vars`", &[control::an_inventory, control::files_beside_an_inventory]),
        ("the runbook, `--ssh-config`", &[control::files_that_are_named]),
        ("`ansible.cfg`", &[control::a_configuration_of_ansible]),
        ("a file that `{ secret: file:PATH }` names", &[control::a_file_with_a_secret]),
        ("kubeconfig", &[control::a_configuration_of_the_cluster]),
        ("`.palinode/diagnostics/`", &[log::last_events]),
        ("`--log-file FILE`", &[log::a_log_file]),
        ("`doctor --report FILE`", &[log::a_report]),
        ("`.palinode-lab/`", &[control::a_lab]),
        ("`doctor --disk DIR`", &[control::a_disk_that_is_measured]),
        ("`/var/lib/palinode/` (jobs, claims)", &[host::what_palinode_keeps]),
        ("`/var/lib/palinode/jobs/ID/job`", &[host::what_palinode_keeps]),
        ("`/run/palinode/`", &[host::what_palinode_keeps]),
        ("the folder of a file", &[host::beside_the_files_of_root]),
        ("mounts at or below", &[host::beside_the_files_of_root]),
        ("the login's profile", &[host::a_profile]),
        ("what a host prints", &[host::what_is_printed]),
    ]
}

/// The first cells of the page's tables.
fn places() -> Vec<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../.github/SECURITY.md");
    let text = fs::read_to_string(page).expect("the page is there");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
    let cells: Vec<Vec<&str>> = rows.map(|row| row.trim_end_matches('|').split('|').map(str::trim).collect()).collect();
    for row in &cells {
        assert_eq!(row.len(), 4, "a place has a mode, a writer and a protection: {row:?}");
        assert!(!row[3].is_empty(), "something protects it: {row:?}");
    }
    cells.iter().map(|row| row[0].to_owned()).filter(|place| place != "place").collect()
}

#[test]
fn each_place_has_its_trials_and_each_trial_its_place() {
    let (places, trials) = (places(), trials());
    assert!(places.len() > 15, "{places:?}");
    for place in &places {
        let known = trials.iter().filter(|(begins, _)| place.starts_with(begins)).count();
        assert_eq!(known, 1, "{place}: no user who means harm was there");
    }
    for (begins, trials) in &trials {
        let known = places.iter().filter(|place| place.starts_with(begins)).count();
        assert_eq!(known, 1, "`{begins}` is tried, and .github/SECURITY.md does not name it");
        assert!(!trials.is_empty(), "{begins}");
    }
}

/// A folder that both users may enter: the harmful one's below it, and files of root beside.
pub(crate) struct Ground {
    _folder: tempfile::TempDir,
    path: PathBuf,
    was: BTreeMap<PathBuf, (u32, u32, u64, Vec<u8>)>,
}

/// What the binary did.
pub(crate) struct Told {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
}

/// In whose name, and where.
#[derive(Default)]
pub(crate) struct Typed<'a> {
    pub(crate) user: u32,
    pub(crate) folder: PathBuf,
    pub(crate) settings: &'a [(&'a str, &'a str)],
    /// A script of the shell that goes before it, in a mount namespace of its own, as root.
    pub(crate) before: &'a str,
}

impl Ground {
    /// None, noted as skipped, where this user cannot be two others.
    pub(crate) fn new(test: &str) -> Option<Self> {
        // Where a mount over /tmp does not hide it.
        let folder = tempfile::Builder::new().prefix("palinode-places-").tempdir_in("/var/tmp").expect("a folder");
        let path = folder.path().to_owned();
        let mut may = as_user(EVIL);
        may.arg(binary()).arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        if !rustix::process::geteuid().is_root() || !may.status().is_ok_and(|done| done.success()) {
            palinode_tests::skip::skip(test, "only root can be another user, who must be able to run the binary");
            return None;
        }
        let mut ground = Self { _folder: folder, path, was: BTreeMap::new() };
        root(&format!(
            "cd '{0}' && chmod 755 . && mkdir -m 700 roots out && mkdir -m 755 ours && mkdir evil && chown {EVIL} evil && \
             mkdir -m 777 open && mkdir -m 1777 sticky && echo {SECRET} >roots/secret && echo kept >roots/kept && \
             echo public >ours/public && chmod 644 ours/public",
            ground.path.display()
        ));
        ground.was = ground.of_root();
        Some(ground)
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.at(name).display().to_string()
    }

    /// The user who means harm types this; what must work there.
    #[track_caller]
    pub(crate) fn evil(&self, script: &str) {
        let mut shell = as_user(EVIL);
        shell.args(["sh", "-ec", script]).current_dir(self.at("evil")).stdin(Stdio::null());
        let out = shell.output().expect("a shell can be started");
        assert!(out.status.success(), "{script}: {}", String::from_utf8_lossy(&out.stderr));
    }

    /// Runs the binary within limits of time, memory and disk.
    #[track_caller]
    pub(crate) fn run(&self, typed: &Typed<'_>, args: &[&str]) -> Told {
        let (out, uid) = (self.at("out").join("text"), typed.user.to_string());
        let file = File::create(&out).expect("a file can be made");
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", &format!("{}\ncd \"$0\" && exec \"$@\"", typed.before)]).arg(&typed.folder);
        // Started first, so that what it starts has the same limits.
        command.args(["prlimit", "--as=3000000000", "--fsize=100000000", "--"]);
        command.args(["setpriv", "--reuid", &uid, "--regid", &uid, "--clear-groups", "--"]).arg(binary()).args(args);
        for name in ["PALINODE_JOURNAL", "PALINODE_SSH_CONFIG", "KUBECONFIG", "XDG_RUNTIME_DIR"] {
            command.env_remove(name);
        }
        command.envs(typed.settings.iter().copied()).stdin(Stdio::null());
        command.stdout(file.try_clone().expect("a file")).stderr(file);
        let mut child = command.spawn().expect("unshare can be started");
        let began = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                break status;
            }
            if began.elapsed() > LIMIT {
                let _ = child.kill();
                let _ = child.wait();
                unreachable!("{args:?} hangs: {}", fs::read_to_string(&out).unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let text = String::from_utf8_lossy(&fs::read(&out).expect("it can be read")).into_owned();
        assert!(text.len() < 1 << 20, "{args:?} prints {} bytes", text.len());
        assert!(!text.contains("panicked"), "{args:?}: {text}");
        assert!(status.code().is_some(), "{args:?}: {status}: {text}");
        assert!(!text.contains(SECRET), "{args:?} prints what root keeps: {text}");
        Told { code: status.code(), text }
    }

    /// As root, in the folder of that name.
    #[track_caller]
    pub(crate) fn root(&self, folder: &str, args: &[&str]) -> Told {
        self.run(&Typed { folder: self.at(folder), ..Typed::default() }, args)
    }

    fn of_root(&self) -> BTreeMap<PathBuf, (u32, u32, u64, Vec<u8>)> {
        let mut all = BTreeMap::new();
        for folder in ["roots", "ours"] {
            for item in fs::read_dir(self.at(folder)).expect("a folder").flatten() {
                let about = item.metadata().expect("it is there");
                if about.is_file() {
                    let bytes = fs::read(item.path()).expect("it can be read");
                    all.insert(item.path(), (about.uid(), about.mode(), about.ino(), bytes));
                }
            }
        }
        all
    }

    /// What root had is as it was, and nothing that root keeps is where the other user can read it.
    #[track_caller]
    pub(crate) fn is_safe(&self) {
        let now = self.of_root();
        for (path, was) in &self.was {
            assert_eq!(now.get(path), Some(was), "{} is as it was", path.display());
        }
        let mut shell = as_user(EVIL);
        let look = format!(
            "grep -rl --devices=skip --exclude='sparse*' {SECRET} '{0}' 2>/dev/null; find '{0}/evil' -uid 0 -size +0 -type f -readable 2>/dev/null",
            self.path.display()
        );
        let out = shell.args(["timeout", "20", "sh", "-c", &look]).output().expect("a shell can be started");
        assert_eq!(String::from_utf8_lossy(&out.stdout), "", "nothing of root's went there");
        let used = Command::new("du").arg("-sm").arg(&self.path).output().expect("du can be started");
        let used = String::from_utf8_lossy(&used.stdout).split_whitespace().next().and_then(|size| size.parse().ok());
        assert!(used.is_some_and(|mebibytes: u64| mebibytes < 200), "the disk fills: {used:?}");
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        // Folders that another user closed are removed too: this is root.
        let _ = fs::remove_dir_all(&self.path);
    }
}

impl Told {
    /// It ended as a refusal does, and told so.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.text);
        self.tells(words);
    }

    #[track_caller]
    pub(crate) fn tells(&self, words: &[&str]) {
        for word in words {
            assert!(self.text.contains(word), "`{word}` in {}", self.text);
        }
    }
}

/// A process of another user.
pub(crate) fn as_user(uid: u32) -> Command {
    let mut command = Command::new("setpriv");
    let uid = uid.to_string();
    command.args(["--reuid", &uid, "--regid", &uid, "--clear-groups", "--"]);
    command
}

#[track_caller]
pub(crate) fn root(script: &str) {
    let out = Command::new("sh").args(["-ec", script]).stdin(Stdio::null()).output().expect("a shell can be started");
    assert!(out.status.success(), "{script}: {}", String::from_utf8_lossy(&out.stderr));
}

/// What a user puts where a file is looked for: a name, and the shell that makes it at `$at`.
pub(crate) fn traps(secret: &Path) -> Vec<(&'static str, String)> {
    vec![
        ("a pipe", "mkfifo \"$at\"".to_owned()),
        ("a device behind a link", "ln -s /dev/zero \"$at\"".to_owned()),
        ("a file without an end", "truncate -s 900G \"$at\"".to_owned()),
        ("a link to what root keeps", format!("ln -s '{}' \"$at\"", secret.display())),
        ("a link to a pipe", "mkfifo \"$at.p\"; ln -s \"$at.p\" \"$at\"".to_owned()),
        ("a link to itself", "ln -s \"$at\" \"$at\"".to_owned()),
        ("a folder", "mkdir \"$at\"".to_owned()),
    ]
}

#[test]
fn rows_are_told_apart_by_their_first_words() {
    let names: BTreeSet<&str> = trials().into_iter().map(|(begins, _)| begins).collect();
    assert_eq!(names.len(), trials().len());
}
