//! `file.restore`: a file, link or tree is put back as it was recorded.

use super::service::read_anew;
use crate::host::OnHost;
use crate::host::act_error::ActError;
use crate::host::file_state::folders_above;
use crate::host::guard;
use crate::host::tree::flagged;
use crate::ssh::{CARRIED, encoded, quoted};
use palinode_core::action::{FileRestore, Secret};
use palinode_core::port::{Bodies, Job};
use palinode_core::resource::{Apart, State};
use std::fmt::Write as _;

/// What puts files back that carry more than a content and a mode.
const RESTORE: &str = include_str!("file_restore.sh");

impl OnHost for FileRestore {
    /// What is there is replaced in one move; a directory is laid out beside it first.
    fn act(&self, _: &Job, bodies: &dyn Bodies) -> Result<String, ActError> {
        let path = self.path.trim_end_matches('/');
        let head = format!("to={}\n", quoted(path));
        let beside = format!("{CARRIED}{RESTORE}{head}{}p_beside \"$to\"\n", folders(path, &self.state));
        let content = |id| bodies.get(id).map_err(ActError::Content);
        let swap = "p_swap || exit\n";
        let act = match &self.state {
            State::Absent => format!("{head}rm -rf --one-file-system -- \"$to\"\n"),
            State::Link { target, owner, above: _ } => {
                let owner = owner
                    .as_ref()
                    .map_or_else(String::new, |owner| format!("chown -h -- {} \"$new\" || exit\n", quoted(owner)));
                format!("{beside}ln -sT -- {} \"$new\" || exit\n{owner}{swap}", quoted(target))
            }
            State::File { mode, owner, body, mtime, attributes, inode, holes, size: _, above: _ } => {
                let carried = attributes.map(content).transpose()?.unwrap_or_default();
                let carried = carried_back(&String::from_utf8_lossy(&carried))?;
                let time =
                    mtime.map_or_else(String::new, |time| format!("touch -d {} -- \"$1\" || return\n", stamp(time)));
                let label = "if command -v restorecon >/dev/null; then restorecon -- \"$to\"; fi\n";
                let write = match holes {
                    true => {
                        "dd of=\"$new\" bs=4096 iflag=fullblock conv=sparse 2>\"$box/said\" || { cat \"$box/said\"; exit 1; }"
                    }
                    false => "cat >\"$new\"",
                };
                // A file that is still the one that had other names keeps them.
                let swap = inode.map_or_else(
                    || swap.to_owned(),
                    |inode| {
                        format!(
                            "if ! p_within {inode}; then\n{swap}echo \"not put back, its other names: $to\" >\"$p_d/left\"\nfi\n"
                        )
                    },
                );
                let flags = quoted(&carried.flags);
                format!(
                    "{beside}p_dress() {{\n{BARE}chown -h -- {} \"$1\" && chmod {mode:o} \"$1\" || return\n{}{time}}}\n\
                     (umask 077; base64 -d | {write}) <<'palinode' || exit\n{}\npalinode\n\
                     p_dress \"$new\" || exit\np_kept \"$new\" \"$to\"\n{swap}{}p_flagged \"$to\" {flags}\n{TOLD}",
                    quoted(owner),
                    carried.act,
                    encoded(&content(*body)?),
                    if carried.labelled { "" } else { label },
                )
            }
            State::Tree { body, list, apart, entries: _, above: _ } => {
                let list = list.map(content).transpose()?.unwrap_or_default();
                format!(
                    "{beside}mkdir -- \"$new\" || exit\np_flagged \"$new\" ''\n\
                     base64 -d <<'palinode' | tar -xpf - -C \"$new\" --numeric-owner --same-owner --acls --selinux --xattrs --xattrs-include='*' 2>\"$box/said\" || {{ cat -- \"$box/said\" >&2; exit 1; }}\n{}\npalinode\n\
                     {}\
                     p_kept_all \"$new\" || {{ echo \"$to could not be brought to the disk; it is as it was\" >&2; exit 1; }}\n\
                     {swap}{}{TOLD}",
                    encoded(&content(*body)?),
                    holes(apart.as_deref()),
                    behind(&String::from_utf8_lossy(&list), apart.as_deref()),
                )
            }
            other => return Err(ActError::NoFile(other.to_string())),
        };
        // What systemd knows of a unit is what stands in its file again.
        Ok(act + read_anew(path))
    }

    fn secrets(&self) -> Vec<&Secret> {
        Vec::new()
    }

    fn guarded(&self) -> Vec<String> {
        vec![guard::replaced_owned(&self.path)]
    }

    fn brings(&self) -> String {
        guard::folders([guard::folder(&self.path)])
    }
}

/// Name and value of a line about what a file carries: `NAME=0xHEX`.
pub(crate) fn attribute(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.rsplit_once('=')?;
    let hex = value.strip_prefix("0x")?;
    let good = hex.len().is_multiple_of(2) && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    (good && name.contains('.') && !name.contains(char::is_control)).then_some((name, value))
}

/// The folders that it is in, where they are gone: as they were.
fn folders(path: &str, state: &State) -> String {
    let above = match state {
        State::File { above, .. } | State::Link { above, .. } | State::Tree { above, .. } => above.as_deref(),
        _ => None,
    };
    let Some(above) = above else { return "mkdir -p -- \"${to%/*}/\" || exit\n".to_owned() };
    let mut act = String::new();
    for folder in folders_above(path) {
        let how = above.get(folder).and_then(|how| how.split_once(' '));
        let (mode, owner) = how.unwrap_or(("755", "root:root"));
        let _ = writeln!(act, "p_folder_back {} {} {} || exit", quoted(folder), quoted(mode), quoted(owner));
    }
    act
}

/// The holes of files of a tree, by their paths, before it is moved to its place.
fn holes(apart: Option<&Apart>) -> String {
    let mut act = String::new();
    for path in apart.iter().flat_map(|apart| &apart.holes).filter(|path| !path.is_empty()) {
        let _ = writeln!(act, "p_hole \"$new\"/{} || exit", quoted(path));
    }
    act
}

/// What is seen to when a tree is in its place: flags, which would keep it from being moved, and what is not there.
fn behind(list: &str, apart: Option<&Apart>) -> String {
    let mut act = String::new();
    for (path, flags) in flagged(list) {
        let _ = writeln!(act, "p_flagged \"$to\"/{} {flags}", quoted(path));
    }
    let Some(Apart { sockets, names, holes: _ }) = apart else { return act };
    for path in sockets.iter().filter(|path| !path.is_empty()) {
        let path = quoted(path);
        let _ = writeln!(
            act,
            "if ! [ -S \"$to\"/{path} ]; then printf 'not put back, a socket: %s/%s\\n' \"$to\" {path} >>\"$p_d/left\"; fi"
        );
    }
    for path in names.iter().filter(|path| !path.is_empty()) {
        let _ =
            writeln!(act, "printf 'not put back, its other names: %s/%s\\n' \"$to\" {} >>\"$p_d/left\"", quoted(path));
    }
    act
}

/// What was not put back is told at the very end.
const TOLD: &str = "if [ -s \"$p_d/left\" ]; then cat -- \"$p_d/left\"; rm -f -- \"$p_d/left\"; fi\n";

/// What a directory hands down to new files is none of this one's.
const BARE: &str =
    "if command -v setfattr >/dev/null; then setfattr -x system.posix_acl_access -- \"$1\" 2>/dev/null; fi\n";

/// How a file gets what it carried.
#[derive(Debug)]
struct Carried {
    /// What is done to `$1`.
    act: String,
    /// Whether a security context is among it.
    labelled: bool,
    /// The flags, which it gets when it is in its place.
    flags: String,
}

fn carried_back(lines: &str) -> Result<Carried, ActError> {
    let mut carried = Carried { act: String::new(), labelled: false, flags: String::new() };
    for line in lines.lines() {
        let (name, value) = attribute(line).ok_or(ActError::Attributes)?;
        if name == "chattr.flags" {
            carried.flags = flags(value).ok_or(ActError::Attributes)?;
            continue;
        }
        carried.labelled |= name == "security.selinux";
        let _ = writeln!(carried.act, "setfattr -n {} -v {value} -- \"$1\" || return", quoted(name));
    }
    Ok(carried)
}

/// The letters that a value in hexadecimal digits stands for.
fn flags(value: &str) -> Option<String> {
    let digits = value.strip_prefix("0x")?.as_bytes();
    let letter = |two: &[u8]| {
        let byte = u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok()?;
        byte.is_ascii_alphabetic().then_some(char::from(byte))
    };
    digits.chunks(2).map(letter).collect()
}

/// A time as `touch -d` reads it.
fn stamp(nanoseconds: i64) -> String {
    const SECOND: u64 = 1_000_000_000;
    let (sign, all) = (if nanoseconds < 0 { "-" } else { "" }, nanoseconds.unsigned_abs());
    format!("@{sign}{}.{:09}", all / SECOND, all % SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_touch_reads_them() {
        let table =
            [(0, "@0.000000000"), (-1_500_000_000, "@-1.500000000"), (981_173_106_000_000_001, "@981173106.000000001")];
        for (time, text) in table {
            assert_eq!(stamp(time), text);
        }
    }

    #[test]
    fn what_a_file_carried_reaches_the_shell_as_words() {
        let lines = "chattr.flags=0x6441\nuser.it's; rm=0x00ff\nsecurity.selinux=0x61\n";
        let Carried { act, labelled, flags } = carried_back(lines).expect("three lines");
        assert_eq!((act.lines().count(), flags.as_str()), (2, "dA"), "{act}");
        assert!(labelled && act.contains(&quoted("user.it's; rm")), "{act}");
        for bad in ["chattr.flags=0x3b", "user.a=0x0", "user.a=1", "user.a=0x00; rm", "a=0x00", "user.a"] {
            assert!(carried_back(bad).is_err(), "{bad}");
        }
    }
}
