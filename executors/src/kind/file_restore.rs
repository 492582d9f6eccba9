//! `file.restore`: a file, link or tree is put back as it was recorded.

use super::service::read_anew;
use crate::host::act_error::ActError;
use crate::host::guard;
use crate::host::{OnHost, Special};
use crate::ssh::{encoded, quoted};
use palinode_core::action::{FileRestore, Secret};
use palinode_core::port::{Bodies, Job};
use palinode_core::resource::State;
use std::fmt::Write as _;

impl OnHost for FileRestore {
    /// What is there is replaced in one move; a directory is laid out beside it first.
    fn act(&self, _: &Job, bodies: &dyn Bodies) -> Result<String, ActError> {
        let path = self.path.trim_end_matches('/');
        let head = format!("to={}\n", quoted(path));
        let beside = format!("{head}mkdir -p -- \"${{to%/*}}/\" || exit\np_beside \"$to\"\n");
        let content = |id| bodies.get(id).map_err(ActError::Content);
        // What another process put in the way is moved aside, not into; it returns if nothing takes its place.
        let swap = "if [ -d \"$to\" ] && [ ! -L \"$to\" ]; then mv -T -- \"$to\" \"$old\" || exit; fi\n\
                    if ! mv -fT -- \"$new\" \"$to\"; then if [ -d \"$old\" ]; then mv -T -- \"$old\" \"$to\"; fi; exit 1; fi\n";
        let act = match &self.state {
            State::Absent => format!("{head}rm -rf --one-file-system -- \"$to\"\n"),
            State::Link { target } => {
                format!("{beside}ln -sT -- {} \"$new\" || exit\n{swap}", quoted(target))
            }
            State::File { mode, owner, body, mtime, attributes, .. } => {
                let carried = attributes.map(content).transpose()?.unwrap_or_default();
                let (carried, labelled) = carried_back(&String::from_utf8_lossy(&carried))?;
                let time =
                    mtime.map_or_else(String::new, |time| format!("touch -d {} -- \"$new\" || exit\n", stamp(time)));
                // What a directory hands down to new files is none of this one's.
                let bare = "if command -v setfattr >/dev/null; then setfattr -x system.posix_acl_access -- \"$new\" 2>/dev/null; fi\n";
                let label = "if command -v restorecon >/dev/null; then restorecon -- \"$to\"; fi\n";
                format!(
                    "{beside}(umask 077; base64 -d >\"$new\") <<'palinode' || exit\n{}\npalinode\n\
                     {bare}chown -h -- {} \"$new\" && chmod {mode:o} \"$new\" || exit\n{carried}{time}\
                     p_kept \"$new\" \"$to\"\n{swap}{}",
                    encoded(&content(*body)?),
                    quoted(owner),
                    if labelled { "" } else { label },
                )
            }
            State::Tree { body, .. } => format!(
                "{beside}mkdir -- \"$new\" || exit\n\
                 base64 -d <<'palinode' | tar -xpf - -C \"$new\" --numeric-owner --same-owner --acls --selinux --xattrs --xattrs-include='*' 2>/dev/null || exit\n{}\npalinode\n\
                 p_kept_all \"$new\" || {{ echo \"$to could not be brought to the disk; it is as it was\" >&2; exit 1; }}\n\
                 {swap}",
                encoded(&content(*body)?)
            ),
            other => return Err(ActError::NoFile(other.to_string())),
        };
        // What systemd knows of a unit is what stands in its file again.
        Ok(act + read_anew(path))
    }

    fn secrets(&self) -> Vec<&Secret> {
        Vec::new()
    }

    fn guarded(&self) -> Vec<String> {
        vec![guard::owned(&self.path)]
    }

    fn special(&self) -> Special<'_> {
        Special::Plain
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

/// Gives a file what it carried; and whether a security context is among it.
fn carried_back(lines: &str) -> Result<(String, bool), ActError> {
    let mut act = String::new();
    let mut labelled = false;
    for line in lines.lines() {
        let (name, value) = attribute(line).ok_or(ActError::Attributes)?;
        labelled |= name == "security.selinux";
        let _ = writeln!(act, "setfattr -n {} -v {value} -- \"$new\" || exit", quoted(name));
    }
    Ok((act, labelled))
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
        let (act, labelled) = carried_back("user.it's; rm=0x00ff\nsecurity.selinux=0x61\n").expect("two lines");
        assert_eq!(act.lines().count(), 2, "{act}");
        assert!(labelled && act.contains(&quoted("user.it's; rm")), "{act}");
        for bad in ["user.a=0x0", "user.a=1", "user.a=0x00; rm", "a=0x00", "user.a"] {
            assert!(carried_back(bad).is_err(), "{bad}");
        }
    }
}
