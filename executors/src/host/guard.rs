//! What a host may not be changed at: a way that leads through links, that others may change, or into a mount. Asked
//! before the intent, and once more by the job itself.

use crate::ssh::{decoded, quoted};
use palinode_core::action::Action;
use palinode_core::id::{HostName, ResourceKey};
use palinode_core::resource::Kind;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The function that looks at a path.
const GUARD: &str = include_str!("guard.sh");

/// The exit code of a job that found its paths refused, and did nothing.
pub(crate) const REFUSED: i32 = 77;

/// What such a job prints, before the reason.
const WORDS: &str = "nothing was changed: ";

/// The words for the function, one list for each path that the action changes.
fn paths(action: &Action) -> Vec<String> {
    let name = |path: &str| format!("name {}", quoted(path));
    let owned = |path: &str| format!("name {} owned", quoted(path));
    match action {
        Action::FileAbsent(file) => {
            // Another's file may go; what comes back has its owner.
            let of = |path: &String| match path.strip_suffix("/*") {
                Some(folder) => format!("all {}", quoted(folder)),
                None => owned(path),
            };
            file.paths.iter().map(of).collect()
        }
        Action::FileCopy(file) => vec![name(&file.to)],
        Action::FileWrite(file) if file.owner.is_none() => vec![name(&file.path)],
        Action::FileWrite(file) => vec![owned(&file.path)],
        Action::FileRestore(file) => vec![owned(&file.path)],
        Action::Command(command) => {
            let of = |path: &String| match command.undo {
                Some(_) => format!("links {}", quoted(path)),
                None => owned(path),
            };
            command.changes.iter().map(of).collect()
        }
        Action::Repository(repository) => {
            let mut all = vec![owned("/etc/yum.repos.d/any.repo")];
            if repository.pinned().is_some() {
                all.push("name \"$(p_release_file)\" owned".to_owned());
            }
            all
        }
        _ => Vec::new(),
    }
}

/// The functions that an action's paths are looked at with.
fn functions(action: &Action) -> String {
    let more = if matches!(action, Action::Repository(_)) { super::REPOS } else { "" };
    format!("{more}{GUARD}")
}

/// The question whether an action may change its paths; nothing if it has none. It ends the script if it may not.
pub(crate) fn asks(action: &Action) -> String {
    questions(&functions(action), &paths(action))
}

/// The same of files that are put back if the action is taken back.
pub(crate) fn asks_of<'a>(keys: impl IntoIterator<Item = &'a ResourceKey>, host: &HostName) -> String {
    let path = |key: &'a ResourceKey| match key.kind() {
        Some(Kind::File(of, path)) if of == host.as_str() => Some(path),
        _ => None,
    };
    let paths: BTreeSet<&str> = keys.into_iter().filter_map(path).collect();
    let paths: Vec<String> = paths.into_iter().map(|path| format!("name {} owned", quoted(path))).collect();
    questions(GUARD, &paths)
}

fn questions(functions: &str, paths: &[String]) -> String {
    let mut script = String::new();
    if !paths.is_empty() {
        script.push_str(functions);
    }
    for words in paths {
        let _ = writeln!(
            script,
            "p_why=$(p_guard {words} 2>&1) || {{ printf 'refused %s\\n' \"$(printf '%s\\n' \"$p_why\" | base64 -w0)\"; exit 0; }}"
        );
    }
    script
}

/// Why it may not.
pub(crate) fn refused(answer: &str) -> Option<String> {
    let words = answer.lines().find_map(|line| line.strip_prefix("refused "))?;
    Some(String::from_utf8_lossy(&decoded(words).unwrap_or_default()).trim().to_owned())
}

/// What a job looks at before it changes anything.
pub(super) fn checks(action: &Action) -> String {
    let paths = paths(action);
    let mut act = if paths.is_empty() { String::new() } else { functions(action) };
    for words in paths {
        let _ =
            writeln!(act, "p_why=$(p_guard {words} 2>&1) || {{ printf '{WORDS}%s\\n' \"$p_why\"; exit {REFUSED}; }}");
    }
    act
}

/// Why a job changed nothing, if that is how it ended.
pub(crate) fn stopped(code: i32, out: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(out).ok().filter(|_| code == REFUSED)?;
    text.strip_prefix(WORDS).map(|why| why.trim().to_owned())
}

/// What has to be on the disk before the job's end is told, as a piece of shell.
pub(super) fn brings(action: &Action) -> String {
    /// Where packages and commands write.
    const ALL: &str = "/ /boot /boot/efi /etc /home /opt /root /srv /usr /usr/local /var /var/lib /var/log";
    let folder = |path: &str| {
        let path = path.trim_end_matches('/');
        quoted(path.rsplit_once('/').map_or("/", |(folder, _)| if folder.is_empty() { "/" } else { folder }))
    };
    let folders = |folders: Vec<String>| format!("p_bring_folders {}\n", folders.join(" "));
    match action {
        Action::FileAbsent(file) => {
            let of = |path: &String| path.strip_suffix("/*").map_or_else(|| folder(path), quoted);
            let all: BTreeSet<String> = file.paths.iter().map(of).collect();
            folders(all.into_iter().collect())
        }
        Action::FileCopy(file) => folders(vec![folder(&file.to)]),
        Action::FileWrite(file) => folders(vec![folder(&file.path)]),
        Action::FileRestore(file) => folders(vec![folder(&file.path)]),
        Action::Service(service) if service.enabled.is_some() => "p_bring /etc\n".to_owned(),
        Action::Repository(_) => "p_bring /etc /var/lib\n".to_owned(),
        Action::Package(_) => format!("p_bring_usual {ALL}\n"),
        Action::Command(command) => {
            let paths: Vec<String> = command.changes.iter().map(|path| quoted(path)).collect();
            let declared = if paths.is_empty() { String::new() } else { format!("p_bring {}\n", paths.join(" ")) };
            format!("p_bring_usual {ALL}\n{declared}")
        }
        _ => String::new(),
    }
}

/// The lines at the end of an output that name what is not known to be on the disk; and what was printed before.
pub(crate) fn unsynced(out: &[u8]) -> (&[u8], Vec<String>) {
    let mut rest = out;
    let mut lines = Vec::new();
    loop {
        let text = rest.strip_suffix(b"\n").unwrap_or(rest);
        let at = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let Some(path) = text.get(at..).and_then(|line| line.strip_prefix(b"not synced: ")) else { break };
        lines.insert(0, String::from_utf8_lossy(path).into_owned());
        rest = &rest[..at];
    }
    (rest, lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_on_the_disk_is_told_behind_what_was_printed() {
        let told = |out: &str| {
            let (rest, lines) = unsynced(out.as_bytes());
            (String::from_utf8_lossy(rest).into_owned(), lines)
        };
        assert_eq!(told("a\nnot synced: /mnt: why\n"), ("a\n".to_owned(), vec!["/mnt: why".to_owned()]));
        assert_eq!(told("not synced: /a: x\nnot synced: /b: y\n").1, ["/a: x", "/b: y"]);
        assert_eq!(told("not synced: /a: x\nb\n").1, Vec::<String>::new());
        assert_eq!(told(""), (String::new(), Vec::new()));
    }

    #[test]
    fn only_a_job_that_found_its_paths_refused_did_nothing() {
        assert_eq!(stopped(REFUSED, b"nothing was changed: /a is a link\n").as_deref(), Some("/a is a link"));
        assert_eq!(stopped(0, b"nothing was changed: /a is a link\n"), None);
        assert_eq!(stopped(REFUSED, b"more\nnothing was changed: /a is a link\n"), None);
    }
}
