//! What is in a report, part by part. What cannot be told is said so: a report is asked for where something is broken.

use super::super::judge::{self, Facts, Level};
use super::events;
use super::part::Part;
use super::redact::{Redactor, Sort};
use crate::error::Failure;
use crate::render::{moment, words};
use palinode_core::chain::chain;
use palinode_core::id::{RunId, Seq};
use palinode_core::record::{FORMAT, World};
use palinode_core::run::history::{History, LoadError};
use palinode_core::run::plan::Work;
use palinode_core::run::state::RunState;
use palinode_journal::disk_check::{Device, Mount, Room};
use palinode_journal::{JournalReader, OpenReadError, OwnerState, diagnostics};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// So many runs are listed, the latest.
const RUNS: usize = 20;

/// So many steps of a run are listed that are not behind.
const STEPS: usize = 40;

/// A journal with more bytes is not verified for a report.
const VERIFIED: u64 = 256 << 20;

/// So many files of a folder are counted.
const FILES: usize = 100_000;

/// A journal with more entries is folded from its latest runs on.
const WHOLE: u64 = 200_000;

/// Variables that change what palinode does.
const VARIABLES: [&str; 30] = [
    "ANSIBLE_CALLBACK_PLUGINS",
    "ANSIBLE_CONFIG",
    "ANSIBLE_INVENTORY",
    "ANSIBLE_REMOTE_USER",
    "ANSIBLE_ROLES_PATH",
    "ANSIBLE_SSH_ARGS",
    "ANSIBLE_VAULT_PASSWORD_FILE",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "KUBECONFIG",
    "LANG",
    "LC_ALL",
    "NO_PROXY",
    "PALINODE_JOURNAL",
    "PALINODE_LOG",
    "PALINODE_SSH_CONFIG",
    "PATH",
    "RUST_BACKTRACE",
    "SSH_AUTH_SOCK",
    "SSH_CONNECTION",
    "SUDO_USER",
    "TERM",
    "TMPDIR",
    "TMUX",
    "USER",
    "VIRTUAL_ENV",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    "https_proxy",
];

/// All parts. What names there are is learnt before anything is shown.
pub(super) fn all(root: &Result<PathBuf, Failure>, names: &mut Redactor) -> Vec<Part> {
    let mut parts = vec![program(), environment()];
    let root = match root {
        Ok(root) => root,
        Err(failure) => {
            parts.push(Part { title: "journal", text: format!("none is read: {}\n", names.text(&failure.what())) });
            return parts;
        }
    };
    let reader = JournalReader::open(root);
    let history = match &reader {
        Ok(reader) => folded(reader).map_err(|error| chain(&error)),
        Err(error) => Err(chain(error)),
    };
    if let Ok(history) = &history {
        learn(history, names);
    }
    let kept = diagnostics::kept(root);
    for (_, bytes) in kept.iter().flatten() {
        events::learn(bytes, names);
    }
    parts.push(disk(root, names));
    parts.push(journal(root, &reader, names));
    match &history {
        Ok(history) => parts.extend([runs(history), steps(history, names)]),
        Err(why) => parts.push(Part { title: "runs", text: format!("cannot be told: {}\n", names.text(why)) }),
    }
    parts.push(last_events(kept, names));
    parts
}

fn program() -> Part {
    let os = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let pretty = os.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("unknown").trim_matches('"');
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let plain = |text: &str| crate::logging::escaped(text.trim());
    let (format, rules) = (FORMAT, palinode_core::run::rules::version::RULES);
    let text = format!(
        "palinode {}, format {}.{}, rules {rules}\nsystem {}\nkernel {} {}\nssh {}\nroot {}\n",
        env!("CARGO_PKG_VERSION"),
        format.0,
        format.1,
        plain(pretty),
        plain(&kernel),
        std::env::consts::ARCH,
        plain(&ssh()),
        rustix::process::geteuid().is_root(),
    );
    Part { title: "program", text }
}

/// The version of ssh, which it tells on standard error.
fn ssh() -> String {
    let asked = Command::new("ssh").arg("-V").stdin(Stdio::null()).stdout(Stdio::null()).output();
    asked.map_or_else(|_| "none".to_owned(), |told| String::from_utf8_lossy(&told.stderr).into_owned())
}

fn environment() -> Part {
    let mut text = String::new();
    for name in VARIABLES {
        if let Some(value) = std::env::var_os(name) {
            let _ = writeln!(text, "{name} is set, {} bytes", value.len());
        }
    }
    Part { title: "environment", text }
}

/// What `doctor --disk` says without writing anything.
fn disk(root: &Path, names: &mut Redactor) -> Part {
    let text = match Mount::of(root).and_then(|mount| Ok((Device::of(&mount), Room::of(root)?, mount))) {
        Err(error) => format!("cannot be told: {}\n", names.text(&error.to_string())),
        Ok((device, room, mount)) => {
            let mut text =
                format!("file system {}, {} MiB free\n", crate::logging::escaped(&mount.kind), room.bytes >> 20);
            let facts = Facts {
                mount,
                device,
                room,
                leftovers: Vec::new(),
                refused: None,
                habits: None,
                speed: None,
                cuts: None,
            };
            for finding in judge::judge(&facts) {
                let mark = match finding.level {
                    Level::Broken => "BROKEN",
                    Level::Note => "note",
                    Level::Good => "good",
                };
                let _ = writeln!(text, "{mark}: {}", names.text(&finding.what));
            }
            text
        }
    };
    Part { title: "disk", text }
}

fn journal(root: &Path, reader: &Result<JournalReader, OpenReadError>, names: &mut Redactor) -> Part {
    let mut text = String::new();
    match reader {
        Err(why) => {
            let _ = writeln!(text, "cannot be read: {}", names.text(&told(root, &chain(why))));
        }
        Ok(reader) => {
            match reader.head() {
                Ok((Seq(seq), id)) => {
                    let _ = writeln!(text, "last entry {seq}, {}", id.short());
                }
                Err(error) => {
                    let _ = writeln!(text, "head: {}", names.text(&told(root, &chain(&error))));
                }
            }
            let owner = match reader.owner() {
                Ok(OwnerState::None) => "none".to_owned(),
                Ok(OwnerState::Alive { epoch, .. }) => format!("alive, epoch {}", epoch.0),
                Ok(OwnerState::Dead { epoch, .. }) => format!("died, epoch {}", epoch.0),
                Err(error) => names.text(&told(root, &chain(&error))),
            };
            let _ = writeln!(text, "owner {owner}");
        }
    }
    for folder in ["segments", "blobs", "keys", "inbox", "torn", "jobs", "claims", "index", "diagnostics"] {
        let (files, bytes) = size(&root.join(folder), 3);
        let _ = writeln!(text, "{folder}: {files} files, {bytes} bytes");
    }
    let _ = writeln!(text, "verify: {}", verified(root, names));
    Part { title: "journal", text }
}

/// What `verify` says, of a journal that it is soon through with.
fn verified(root: &Path, names: &mut Redactor) -> String {
    let bytes = size(&root.join("segments"), 0).1.saturating_add(size(&root.join("blobs"), 1).1);
    if bytes > VERIFIED {
        return format!("not asked, the journal has more than {} MiB", VERIFIED >> 20);
    }
    match palinode_journal::verify(root) {
        Ok(found) => format!(
            "sound, {} entries in {} batches, {} blobs, {} notices",
            found.entries,
            found.batches,
            found.blobs,
            found.notices.len()
        ),
        Err(error) => names.text(&told(root, &chain(&error))),
    }
}

/// How many files there are in a folder and those below, and how long they are together.
fn size(folder: &Path, depth: u32) -> (u64, u64) {
    let (mut files, mut bytes) = (0, 0);
    for item in std::fs::read_dir(folder).into_iter().flatten().flatten().take(FILES) {
        match item.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => {
                let (more, longer) = size(&item.path(), depth - 1);
                (files, bytes) = (files + more, bytes + longer);
            }
            _ => (files, bytes) = (files + 1, bytes + item.metadata().map_or(0, |about| about.len())),
        }
    }
    (files, bytes)
}

fn folded(reader: &JournalReader) -> Result<History, LoadError> {
    let (Seq(last), _) = reader.head()?;
    if last <= WHOLE {
        return History::load(reader);
    }
    let open = reader.open_runs()?.last().map(|(_, first)| *first);
    let from = match open {
        Some(first) => Some(first),
        None => reader.last_opened()?.map(|(_, first)| first),
    };
    History::load_since(reader, from.unwrap_or(Seq(1)))
}

/// The names of everything that runs are about.
fn learn(history: &History, names: &mut Redactor) {
    for state in history.order.iter().filter_map(|run| history.runs.get(run)) {
        let opened = &state.opened;
        for host in state.plan.reached() {
            names.learn(Sort::Host, host.as_str());
        }
        for step in &state.plan.steps {
            if let Some(host) = &step.target.host {
                names.learn(Sort::Host, host.as_str());
            }
            if let Some(node) = &step.target.node {
                names.learn(Sort::Host, node);
            }
        }
        for (_, _, known) in state.steps() {
            for footprint in known.intent.iter().flat_map(|intent| &intent.footprint) {
                events::learn_resource(footprint.key.as_str(), names);
            }
        }
        let actor = &opened.actor;
        for user in [Some(&actor.user), actor.sudo_user.as_ref()].into_iter().flatten() {
            names.learn(Sort::User, user);
        }
        names.learn(Sort::Host, &actor.host);
        names.learn(Sort::Host, &opened.owner.host);
        if let Some(cluster) = &opened.cluster {
            let server = cluster.server.split("://").last().unwrap_or_default();
            let server = server.split(['/', ':']).next().unwrap_or_default();
            let sort = if server.parse::<std::net::IpAddr>().is_ok() { Sort::Address } else { Sort::Host };
            names.learn(sort, server);
            names.learn(Sort::Name, &cluster.context);
        }
    }
}

fn id(run: RunId) -> String {
    run.to_string()
}

fn latest(history: &History) -> impl Iterator<Item = &RunState> {
    history.order.iter().rev().filter_map(|run| history.runs.get(run)).take(RUNS)
}

fn runs(history: &History) -> Part {
    let mut text = format!("{} runs, the latest {RUNS} first\n", history.order.len());
    for state in latest(history) {
        let opened = &state.opened;
        let world = match opened.world {
            World::Real => "real",
            World::Lab { .. } => "lab",
        };
        let back = opened.compensates.as_ref().map(|back| format!(", takes back {}", id(back.run))).unwrap_or_default();
        let counts: Vec<String> = state.counts().iter().map(|(stage, count)| format!("{count} {stage}")).collect();
        let _ = writeln!(
            text,
            "{} {} began {}, {world}, rules {}, entries {} to {}, {} other owners{back}: {}",
            id(state.run),
            words::state(state, words::Driven::No),
            moment(state.began),
            opened.rules,
            state.first.0,
            state.last.0,
            state.owners,
            counts.join(", "),
        );
        if let Some(cluster) = &opened.cluster {
            let _ = writeln!(text, "  cluster version {}", crate::logging::escaped(&cluster.version));
        }
    }
    for (run, foreign) in &history.foreign {
        let _ =
            writeln!(text, "{} follows rules {}, which this palinode does not have", id(*run), foreign.opened.rules);
    }
    Part { title: "runs", text }
}

/// The steps that went wrong or wait.
fn steps(history: &History, names: &mut Redactor) -> Part {
    let mut text = String::new();
    for state in latest(history) {
        let wrong = state.steps().filter(|(_, _, known)| {
            known.why.is_some() || (known.intent.is_some() && !known.stage.is_behind()) || known.stage.is_doubtful()
        });
        for (_, step, known) in wrong.take(STEPS) {
            let what = match &step.work {
                Work::Act(action) => action.name(),
                Work::Gate { gate, .. } => gate.name(),
            };
            let why = known.why.map(|why| format!(", {}", words::why(why))).unwrap_or_default();
            let code = known.code.map(|code| format!(", exit code {code}")).unwrap_or_default();
            let path = names.text(step.path.as_str());
            let _ = writeln!(
                text,
                "{} {path} {what}: {}, attempt {}{why}{code}",
                state.run.short(),
                known.stage,
                known.attempt
            );
        }
    }
    if text.is_empty() {
        text.push_str("none that went wrong or waits\n");
    }
    Part { title: "steps", text }
}

fn last_events(kept: std::io::Result<Vec<(RunId, Vec<u8>)>>, names: &mut Redactor) -> Part {
    let text = match kept {
        Err(error) => format!("cannot be read: {}\n", names.text(&error.to_string())),
        Ok(kept) if kept.is_empty() => "none: no run of this journal ended badly since they are kept\n".to_owned(),
        Ok(kept) => {
            let of = |(run, bytes): &(RunId, Vec<u8>)| format!("run {}\n{}", id(*run), events::text(bytes, names));
            kept.iter().map(of).collect::<Vec<_>>().join("\n")
        }
    };
    Part { title: "last events", text }
}

/// An error without the path of the journal.
fn told(root: &Path, why: &str) -> String {
    why.replace(&*root.to_string_lossy(), "JOURNAL")
}
