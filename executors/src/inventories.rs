//! The inventories of this machine: files, folders, and scripts, which get so long and may print so much.

use palinode_core::inventory::ansible::{Kind, Sources};
use palinode_core::shown::Shown as _;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// No file and no script says more than this.
const MOST_BYTES: u64 = 64 << 20;
/// How long a script may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Inventories on disk. Scripts are executed.
#[derive(Debug, Clone, Copy)]
pub struct DiskSources {
    patience: Duration,
    scripts: bool,
}

impl Default for DiskSources {
    fn default() -> Self {
        Self { patience: PATIENCE, scripts: true }
    }
}

impl DiskSources {
    /// Inventories of which nothing is executed: a script is a file like any other.
    pub fn without_scripts() -> Self {
        Self { scripts: false, ..Self::default() }
    }
}

impl Sources for DiskSources {
    fn kind(&self, path: &str) -> Kind {
        // `hosts` beside us is found as a name alone; a folder of no name is this one.
        let path = Path::new(if path.is_empty() { "." } else { path });
        let may = |access| rustix::fs::access(path, access).is_ok();
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => Kind::Folder,
            Ok(_) if !may(rustix::fs::Access::READ_OK) => Kind::Missing,
            Ok(found) if self.scripts && found.is_file() && may(rustix::fs::Access::EXEC_OK) => Kind::Executable,
            Ok(_) => Kind::File,
            Err(_) => Kind::Missing,
        }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        crate::read_plain(Path::new(path), MOST_BYTES).map_err(|error| error.to_string())
    }

    fn list(&self, path: &str) -> Result<Vec<String>, String> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path).map_err(|error| error.to_string())? {
            let name = entry.map_err(|error| error.to_string())?.file_name();
            let name = name.into_string().map_err(|name| format!("the name of {} is not UTF-8", name.display()))?;
            names.push(name);
        }
        Ok(names)
    }

    fn run(&self, path: &str, args: &[&str]) -> Result<Vec<u8>, String> {
        // A name alone would be looked for in $PATH.
        let path = std::path::absolute(path).map_err(|error| error.to_string())?;
        let mut child = Command::new(path)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| error.to_string())?;
        let (out, err) = (reader(child.stdout.take()), reader(child.stderr.take()));
        let status = wait(&mut child, self.patience);
        // Whatever it left behind holds the pipes, too.
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let (out, err) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
        let Some(status) = status else {
            let _ = child.wait();
            return Err(format!("it took longer than {} seconds", self.patience.as_secs()));
        };
        if !status.success() {
            let said = String::from_utf8_lossy(&err);
            let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
            let last: String = last.chars().take(200).collect();
            return Err(format!("{status}{}{}", if last.is_empty() { "" } else { ": " }, last.shown()));
        }
        if out.len() as u64 > MOST_BYTES { Err("it prints more than 64 MiB".to_owned()) } else { Ok(out) }
    }
}

/// Reads all of it, and keeps no more than is allowed.
fn reader(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut pipe) = pipe {
            // What breaks off is judged by how the process ended.
            let _ = pipe.by_ref().take(MOST_BYTES + 1).read_to_end(&mut kept);
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        }
        kept
    })
}

fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let end = Instant::now() + patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(5)),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn scripts_are_bounded() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let script = |text: &str| {
            let path = folder.path().join("script");
            // A file that a process writes while another forks cannot be started: it is written aside.
            let aside = folder.path().join("aside");
            std::fs::write(&aside, text).expect("it can be written");
            std::fs::set_permissions(&aside, PermissionsExt::from_mode(0o755)).expect("it is ours");
            std::fs::rename(&aside, &path).expect("it can be renamed");
            path.to_str().expect("a plain name").to_owned()
        };
        for (text, expected) in [
            ("#!/bin/sh\necho \"$@\"\n", Ok("--host h\n")),
            ("#!/bin/sh\necho no >&2; exit 3\n", Err("exit status: 3: no")),
            ("#!/bin/sh\nsleep 1000\n", Err("longer than 1 seconds")),
            // Its child would hold the pipe for long.
            ("#!/bin/sh\nsleep 1000 &\necho x\n", Ok("x\n")),
            ("no script", Err("format")),
        ] {
            let path = script(text);
            assert_eq!(DiskSources::default().kind(&path), Kind::Executable);
            assert_eq!(DiskSources::without_scripts().kind(&path), Kind::File);
            let slow = text.contains("1000\n");
            let sources = DiskSources { patience: if slow { Duration::from_secs(1) } else { PATIENCE }, scripts: true };
            let found = sources.run(&path, &["--host", "h"]);
            match (&found, expected) {
                (Ok(out), Ok(expected)) => assert_eq!(String::from_utf8_lossy(out), expected, "{text}"),
                (Err(why), Err(expected)) => assert!(why.contains(expected), "{text}: {why}"),
                _ => unreachable!("{text}: {found:?}"),
            }
        }
    }
}
