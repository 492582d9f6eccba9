//! Where declared files lead that are symbolic links: a program that is told their names writes there.

use super::LIMIT;
use crate::ssh::{decoded, quoted};
use palinode_core::id::{HostName, ResourceKey};
use palinode_core::resource::{Fields, Footprint};
use std::fmt::Write as _;

/// The question where these paths lead.
pub(crate) fn behind_script(paths: &[String]) -> String {
    let mut script = String::new();
    for path in paths {
        let _ = writeln!(script, "p_behind {} {LIMIT} 2>&1", quoted(path));
    }
    script
}

/// What is behind links, and what of it is too large to be kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Behind {
    pub(crate) more: Vec<Footprint>,
    /// Folders that are not kept, with their length in bytes.
    pub(crate) large: Vec<(String, u64)>,
}

/// What the host says of it. A name that is no text cannot be a resource, and is told as one that is too large.
pub(crate) fn behind(host: &HostName, answer: &str) -> Behind {
    let mut found = Behind { more: Vec::new(), large: Vec::new() };
    let path = |word: &str| decoded(word).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    for line in answer.lines() {
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["behind", word] => {
                let key = path(word).map(|path| ResourceKey::file(host, &path));
                found.more.extend(key.map(|key| Footprint::new(key, Fields::All)));
            }
            ["large", size, word] => {
                found.large.extend(path(word).zip(size.parse().ok()));
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::PRELUDE;
    use std::os::unix::fs::symlink;
    use std::process::Command;

    /// What `p_behind` says of a path, in the words of the place.
    fn led(place: &std::path::Path, name: &str, limit: usize) -> Vec<String> {
        let at = place.join(name);
        let mut said = Vec::new();
        for shell in ["sh", "bash", "dash"] {
            let script = format!("{PRELUDE}\np_behind {} {limit}", quoted(at.to_str().expect("text")));
            let Ok(out) = Command::new(shell).arg("-c").arg(script).output() else { continue };
            assert_eq!(String::from_utf8_lossy(&out.stderr), "", "{name}");
            let host = HostName::new("h").expect("a name");
            let Behind { more, large } = behind(&host, &String::from_utf8_lossy(&out.stdout));
            let short = |path: &str| path.replace(place.to_str().expect("text"), "");
            let mut all: Vec<String> = more.iter().map(|found| short(found.key.as_str())).collect();
            all.extend(large.iter().map(|(path, _)| format!("large {}", short(path))));
            said.push(all);
        }
        assert!(said.windows(2).all(|two| two[0] == two[1]), "{said:?}");
        said.pop().expect("there is a shell")
    }

    #[test]
    fn each_link_on_the_way_and_its_end_are_named_without_links() {
        let place = tempfile::tempdir().expect("a folder can be made");
        let root = place.path().canonicalize().expect("it is there");
        let at = |name: &str| root.join(name);
        std::fs::create_dir_all(at("real/sub")).expect("it can be made");
        for name in ["file", "real/file", "real/sub/odd \n name"] {
            std::fs::write(at(name), "x").expect("it can be written");
        }
        for (target, name) in [
            ("file", "one"),
            ("one", "two"),
            ("real", "folder"),
            ("folder/file", "through"),
            ("nothing/at/all", "dangling"),
            ("/dev/null", "masked"),
            ("loop", "loop"),
            ("real/sub/..", "up"),
            ("real/", "slash"),
            ("real/sub/odd \n name", "odd"),
        ] {
            symlink(target, at(name)).expect("it can be made");
        }
        let is = |name: &str, all: &[&str]| assert_eq!(led(&root, name, 1 << 20), all, "{name}");
        is("file", &[]);
        is("none", &[]);
        is("one", &["h/file:/file"]);
        is("two", &["h/file:/one", "h/file:/file"]);
        is("folder", &["h/file:/real"]);
        is("through", &["h/file:/real/file"]);
        is("dangling", &["h/file:/nothing/at/all"]);
        is("masked", &[]);
        is("up", &["h/file:/real"]);
        is("slash", &["h/file:/real"]);
        assert_eq!(led(&root, "odd", 1 << 20).len(), 1);
        assert!(led(&root, "loop", 1 << 20).iter().all(|key| key == "h/file:/loop"));
        assert_eq!(led(&root, "folder", 10), ["large /real"]);
    }
}
