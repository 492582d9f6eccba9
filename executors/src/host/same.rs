//! Files that a step replaces or removes as a whole are compared with what its attempt found: what somebody wrote in between
//! would be lost, and the way back would not bring it.

use super::act_error::ActError;
use crate::ssh::{CARRIED, encoded, quoted};
use palinode_core::port::{Bodies, Job};
use palinode_core::resource::{Fields, Kind, State};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// The function that compares a path.
const SAME: &str = include_str!("same.sh");

/// The exit code of a job that found a file changed, and did nothing.
const MOVED: i32 = 78;

/// What such a job prints, before the path.
const WORDS: &str = "changed since the step looked at it: ";

/// What a job compares before it changes anything; empty if its attempt found nothing. Errors say what of it cannot be
/// opened.
pub(crate) fn checks(job: &Job, bodies: &dyn Bodies) -> Result<String, ActError> {
    let mut act = String::new();
    let Some(seen) = &job.seen else { return Ok(act) };
    for item in job.action.footprint(&job.target) {
        let (Some(Kind::File(_, path)), Some(state)) = (item.key.kind(), seen.get(&item.key)) else { continue };
        if item.fields == Fields::Evidence {
            continue;
        }
        let path = quoted(path);
        let words = words(state, bodies)?;
        let _ = writeln!(act, "p_same {path} {words} || {{ printf '{WORDS}%s\\n' {path}; exit {MOVED}; }}");
    }
    match act.is_empty() {
        true => Ok(act),
        false => Ok(format!("{CARRIED}{SAME}{act}")),
    }
}

/// The words of a state, as `p_same` takes them.
fn words(state: &State, bodies: &dyn Bodies) -> Result<String, ActError> {
    let sum = |id| bodies.get(id).map(|bytes| sum(&bytes)).map_err(ActError::Found);
    Ok(match state {
        State::Link { target, .. } => format!("link {}", encoded(target.as_bytes())),
        State::File { mode, owner, body, attributes, .. } => {
            let carried = attributes.map_or_else(|| Ok(self::sum(b"")), sum)?;
            format!("file {mode:o} {} {} {carried}", quoted(owner), sum(*body)?)
        }
        State::Tree { body, .. } => format!("tree {}", sum(*body)?),
        _ => "absent".to_owned(),
    })
}

fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Which path a job found changed, if that is how it ended.
pub(crate) fn moved(code: i32, out: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(out).ok().filter(|_| code == MOVED)?;
    let path = text.strip_prefix(WORDS)?.trim_end();
    Some(format!("{path} was changed since the step looked at it; nothing was changed here"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use palinode_core::id::BodyId;
    use palinode_core::port::BodyError;
    use palinode_core::record::Class;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    use std::path::Path;
    use std::process::Command;

    /// Two bodies: a content, and no other.
    struct Content(&'static [u8]);

    impl Bodies for Content {
        fn put(&self, _: Class, _: &[u8]) -> Result<BodyId, BodyError> {
            Ok(BodyId([1; 32]))
        }

        fn get(&self, id: BodyId) -> Result<Vec<u8>, BodyError> {
            if id == BodyId([1; 32]) { Ok(self.0.to_vec()) } else { Err(BodyError::Missing(id)) }
        }
    }

    fn is_same(path: &Path, state: &State) -> bool {
        let words = words(state, &Content(b"content\n")).expect("it is there");
        let path = quoted(path.to_str().expect("text"));
        let mut said = Vec::new();
        for shell in ["/bin/sh", "bash", "dash"] {
            let script = format!("{CARRIED}{SAME}p_same {path} {words}");
            if let Ok(out) = Command::new(shell).arg("-c").arg(script).output() {
                assert_eq!(String::from_utf8_lossy(&out.stderr), "", "{state}");
                said.push(out.status.success());
            }
        }
        assert!(said.windows(2).all(|two| two[0] == two[1]), "{said:?}");
        said.pop().expect("there is a shell")
    }

    #[test]
    fn what_is_no_more_as_it_was_found_is_told_from_what_is() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let at = folder.path().join("it's");
        let owner =
            std::fs::metadata(folder.path()).map(|meta| format!("{}:{}", meta.uid(), meta.gid())).expect("it is");
        let file = |mode, owner: &str| State::File {
            mode,
            owner: owner.to_owned(),
            size: 8,
            body: BodyId([1; 32]),
            mtime: None,
            attributes: None,
            inode: None,
            holes: false,
            above: None,
        };
        let link = |target: &str| State::link(target);
        let mode = |mode| std::fs::set_permissions(&at, std::fs::Permissions::from_mode(mode)).expect("it is ours");
        assert!(is_same(&at, &State::Absent) && !is_same(&at, &file(0o640, &owner)) && !is_same(&at, &link("x")));
        std::fs::write(&at, "content\n").expect("written");
        mode(0o640);
        assert!(is_same(&at, &file(0o640, &owner)));
        assert!(!is_same(&at, &file(0o600, &owner)) && !is_same(&at, &file(0o640, "7:7")));
        assert!(!is_same(&at, &State::Absent) && !is_same(&at, &link("x")));
        std::fs::write(&at, "Content\n").expect("written");
        assert!(!is_same(&at, &file(0o640, &owner)), "of the same length");
        std::fs::remove_file(&at).expect("gone");
        symlink("a b", &at).expect("a link");
        assert!(is_same(&at, &link("a b")) && !is_same(&at, &link("a")) && !is_same(&at, &State::Absent));
        assert!(!is_same(&at, &file(0o777, &owner)), "what is behind a link is not looked at");
    }

    #[test]
    fn only_a_job_that_found_a_file_changed_did_nothing() {
        let out = b"changed since the step looked at it: /a b\n";
        assert!(moved(MOVED, out).is_some_and(|why| why.starts_with("/a b was changed since")));
        assert_eq!((moved(0, out), moved(MOVED, b"more\nchanged")), (None, None));
    }
}
