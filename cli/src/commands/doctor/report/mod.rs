//! `palinode doctor --report`: one plain text file for a bug report, that its sender reads first.
//!
//! What is in it is made of words of ours, of numbers and of ids. Names of hosts, users and other things get stable
//! stand-ins (`redact`). No body is opened, so nothing that a host printed or a file holds can be in it.

mod events;
mod part;
mod parts;
mod redact;

use crate::args::{Args, Output};
use crate::error::{Exit, Failure};
use crate::journal;
use crate::logging::{self, NotOurs};
use crate::render::{escape, print_json, to_stderr, to_stdout};
use redact::Redactor;
use rustix::fs::OFlags;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Writes the report and tells what is in it.
pub(super) fn report(args: &Args, given: Option<&Path>) -> Result<Exit, Failure> {
    let now = chrono::Utc::now();
    let path = given
        .map_or_else(|| PathBuf::from(format!("palinode-report-{}.txt", now.format("%Y%m%d-%H%M%S"))), Path::to_owned);
    // A journal that is not trusted is not read; all else can be told without one.
    let root = journal::find(args.journal.as_deref());
    let mut names = Redactor::of_this_machine();
    let parts = parts::all(&root, &mut names);
    let mut text = format!("palinode {} report, {}\n", env!("CARGO_PKG_VERSION"), now.format("%Y-%m-%d %H:%M:%S UTC"));
    text.push_str(RULES);
    for part in &parts {
        let _ = write!(text, "\n== {} ==\n\n{}", part.title, part.text);
    }
    written(&path, text.as_bytes()).map_err(|error| {
        let next = match &error {
            NotOurs::Io(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                "name another file: `palinode doctor --report FILE`"
            }
            _ => "name a file in a folder of your own: `palinode doctor --report FILE`",
        };
        Failure::usage(format!("the report cannot be written to {}: {error}", path.display()), next)
    })?;
    let mut listing = format!("{} bytes, readable by you alone:\n", text.len());
    for part in &parts {
        let _ = writeln!(listing, "  {:<12} {} lines", part.title, part.text.lines().count());
    }
    listing.push_str("names and addresses are replaced; read it before you send it\n");
    to_stderr(&listing);
    let shown = path.to_string_lossy();
    match args.output {
        Output::Json => print_json(&serde_json::json!({
            "file": shown,
            "bytes": text.len(),
            "parts": parts.iter().map(|part| part.title).collect::<Vec<_>>(),
        })),
        Output::Text => to_stdout(&format!("{}\n", escape(&shown))),
    }
    Ok(Exit::Done)
}

/// A new private file. Nothing that is there is replaced, and no link of another user is followed.
fn written(path: &Path, bytes: &[u8]) -> Result<(), NotOurs> {
    if path.symlink_metadata().is_ok() {
        return Err(NotOurs::Io(io::ErrorKind::AlreadyExists.into()));
    }
    let path = logging::place(path)?;
    let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).custom_flags(flags).open(path)?;
    Ok(file.write_all(bytes).and_then(|()| file.sync_all())?)
}

/// What is left out, and what stands for what.
const RULES: &str = "
Read this before you send it. It is plain text: change or remove what you do not want to send.

- Hosts, users, domains, addresses, pods, namespaces and other names that people gave are replaced: host-1, user-1,
  domain-1, address-1, name-1. The same name has the same stand-in in the whole report, and another one in the next.
- Never in here: what hosts printed, contents of files, commands and their arguments, parameters, inventories, reasons
  and change numbers, secrets, keys, tokens, values of environment variables.
- As they are: names of actions, names of steps and runbooks (but for names of hosts and users in them), ids of runs and
  jobs, numbers, times, sizes, versions of programs and of the cluster, kinds of file systems.
";
