//! Actions on files: removal, copies, reads, restores, inventory edits, and declared commands.

use super::secret::is_name;
use super::{Accepted, Action, Secret, Shown, Target, Undo, Word};
use crate::id::{Label, ResourceKey};
use crate::inventory::{Edit, Inventory};
use crate::resource::{Fields, Footprint, Image, Kind, State};
use crate::shown::Shown as _;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(super) fn on_host<'a>(target: &Target, paths: impl IntoIterator<Item = &'a str>) -> Vec<Footprint> {
    let Some(host) = &target.host else {
        return Vec::new();
    };
    paths.into_iter().map(|path| Footprint::new(ResourceKey::file(host, path), Fields::All)).collect()
}

pub(super) fn evidence(target: &Target, path: &str) -> Vec<Footprint> {
    let Some(host) = &target.host else {
        return Vec::new();
    };
    vec![Footprint::new(ResourceKey::file(host, path), Fields::Evidence)]
}

pub(super) fn on_control(path: &str) -> Vec<Footprint> {
    vec![Footprint::new(ResourceKey::control_file(path), Fields::All)]
}

/// Puts one file, link or tree back.
pub(super) fn file_back(key: &ResourceKey, state: &State) -> Undo {
    let path = match key.kind() {
        Some(Kind::File(_, path)) => path.to_owned(),
        _ => String::new(),
    };
    Undo::new(Action::FileRestore(FileRestore { path, state: state.clone() })).or(key, Accepted::Absent)
}

/// Puts every file of a before-image back, one action each, so that a rollback can leave out one of them.
pub(super) fn put_back(before: &Image) -> Vec<Undo> {
    let files = before.iter().filter(|(key, _)| matches!(key.kind(), Some(Kind::File(..))));
    files.map(|(key, state)| file_back(key, state)).collect()
}

/// Removes files and trees. `DIR/*` empties a directory and keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileAbsent {
    /// Absolute paths; a trailing `/*` means everything in that directory.
    pub paths: Vec<String>,
    /// Always `absent`: what a runbook writes so that the line says what it does.
    pub state: FileState,
}

/// The one state that `file` knows so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileState {
    /// Not there.
    Absent,
}

impl FileAbsent {
    /// The resource of a path: `DIR/*` is the directory itself, as a tree.
    fn resource(path: &str) -> &str {
        path.strip_suffix("/*").unwrap_or(path)
    }

    /// Whether a path is one that this action can remove: absolute, plain, not the root, no other wildcard.
    pub fn check(path: &str) -> Result<(), &'static str> {
        let plain = Self::resource(path);
        if !plain.starts_with('/') {
            return Err("the path is not absolute");
        }
        if plain.trim_end_matches('/').is_empty() {
            return Err("refusing to remove the root directory");
        }
        if plain.split('/').any(|part| part == ".." || part == ".") {
            return Err("the path contains . or ..");
        }
        if plain.contains(['*', '?', '[', '{']) {
            return Err("the only wildcard that is understood is a trailing /*");
        }
        if plain.chars().any(char::is_control) {
            return Err("the path contains control characters");
        }
        Ok(())
    }

    pub(super) fn footprint(&self, target: &Target) -> Vec<Footprint> {
        on_host(target, self.paths.iter().map(|path| Self::resource(path)))
    }

    pub(super) fn met(&self, key: &ResourceKey, now: &State) -> Option<bool> {
        let Some(Kind::File(_, path)) = key.kind() else {
            return None;
        };
        let wanted = self.paths.iter().find(|item| Self::resource(item) == path)?;
        Some(match now {
            State::Absent => true,
            State::Tree { entries, .. } => wanted.ends_with("/*") && *entries == 0,
            _ => false,
        })
    }
}

/// Copies one file on the host over another, keeping the security context (`cp -Z`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileCopy {
    /// Source, absolute.
    pub from: String,
    /// Destination file, absolute.
    pub to: String,
    /// Refuse unless the source names a `nameserver` other than the host itself (T9).
    #[serde(default)]
    pub resolver: bool,
}

/// Writes a file, as a whole or not at all. Its content is public: it stands in the plan and in the journal's entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileWrite {
    /// The file, absolute. Its directory must be there.
    pub path: String,
    /// What shall be in it.
    pub content: String,
    /// Permission bits in octal digits; without them a file that is there keeps its own, and a new one has 0644.
    #[serde(default)]
    pub mode: Option<String>,
    /// `user` or `user:group`; without it a file that is there keeps its own, and a new one belongs to root.
    #[serde(default)]
    pub owner: Option<String>,
}

impl FileWrite {
    /// So long may a content be: it stands in an entry, and so does what takes it back.
    pub const LIMIT: usize = 16 << 10;

    /// The permission bits.
    pub fn bits(&self) -> Option<u32> {
        self.mode.as_ref().and_then(|mode| u32::from_str_radix(mode, 8).ok())
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.path.ends_with('/') {
            return Err(format!("the path `{}` is a directory's", self.path.shown()));
        }
        let octal = |mode: &String| (3..=4).contains(&mode.len()) && mode.bytes().all(|b| (b'0'..=b'7').contains(&b));
        if let Some(mode) = self.mode.as_ref().filter(|mode| !octal(mode) && !mode.contains("{{")) {
            return Err(format!("the mode `{}` is not three or four octal digits, such as 0644", mode.shown()));
        }
        if self.content.len() > Self::LIMIT {
            return Err(format!(
                "the content has {} bytes, and no more than {} fit into an entry; copy a file that is on the host",
                self.content.len(),
                Self::LIMIT
            ));
        }
        if self.content.contains('\0') {
            return Err("the content contains a NUL byte".to_owned());
        }
        Ok(())
    }

    /// An image names contents by keyed digests, so only what is certainly another file can be told from it.
    pub(super) fn met(&self, now: &State) -> Option<bool> {
        let State::File { mode, owner, size, .. } = now else { return Some(false) };
        // Numbers may be shown by name.
        let named = self.owner.as_ref().filter(|owner| !owner.split(':').any(|name| name.parse::<u32>().is_ok()));
        let owned = named.is_none_or(|want| owner == want || owner.split(':').next() == Some(want));
        let fits = *size == self.content.len() as u64 && self.bits().is_none_or(|bits| bits == *mode) && owned;
        if fits { None } else { Some(false) }
    }
}

/// Reads `KEY=value` from a file; the value is public and can be captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRead {
    /// The file, absolute.
    pub path: String,
    /// The key.
    pub key: String,
}

/// Puts a recorded state back at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRestore {
    /// The path.
    pub path: String,
    /// What shall be there.
    pub state: State,
}

/// Edits the inventory text in place, by the smallest splices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryEdit {
    /// The inventory file on the control side.
    pub file: String,
    /// What to change.
    pub edits: Vec<Edit>,
    /// A step before which the moved hosts stood where they are to return to: the places are taken from its
    /// before-image when this step's turn comes.
    #[serde(default)]
    pub home_of: Option<Label>,
}

impl InventoryEdit {
    /// Gives every move of a host the place that the host had in an earlier text.
    pub fn resolve(&self, earlier: &str) -> Self {
        let inventory = Inventory::parse(earlier);
        let edits = self.edits.iter().cloned().map(|edit| match edit {
            Edit::MoveHost { host, from, to, place } => {
                let place = inventory.place_of(&host, &to).unwrap_or(place);
                Edit::MoveHost { host, from, to, place }
            }
            other => other,
        });
        Self { file: self.file.clone(), edits: edits.collect(), home_of: None }
    }

    pub(super) fn inverse(&self, before: &Image) -> Vec<Undo> {
        before
            .iter()
            .map(|(key, state)| {
                let restore = InventoryRestore { file: self.file.clone(), to: state.clone(), base: None };
                Undo::new(Action::InventoryRestore(restore)).or(key, Accepted::Any)
            })
            .collect()
    }
}

/// Takes an inventory edit back. If the file is as the edit left it, the recorded bytes return; if someone edited it
/// since, a three-way merge takes out this edit and keeps theirs, or refuses with both texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryRestore {
    /// The inventory file on the control side.
    pub file: String,
    /// What it was before the edit.
    pub to: State,
    /// What the edit left: the base of the merge. Filled in when the rollback is planned.
    #[serde(default)]
    pub base: Option<Box<State>>,
}

impl InventoryRestore {
    pub(super) fn inverse(&self, before: &Image) -> Vec<Undo> {
        before
            .iter()
            .map(|(key, state)| {
                let restore = Self { file: self.file.clone(), to: state.clone(), base: None };
                Undo::new(Action::InventoryRestore(restore)).or(key, Accepted::Any)
            })
            .collect()
    }
}

/// A command on the host. What it changes is declared, so that a probe can tell whether it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Program and arguments; no shell reads them. A secret among them is the name of a file that holds it while the
    /// command runs, or with `as: argument` the secret itself.
    pub run: Vec<Word>,
    /// Files that it changes: recorded before and after; changed means that it ran.
    #[serde(default)]
    pub changes: Vec<String>,
    /// The command that takes it back; without it the changed files are put back.
    #[serde(default)]
    pub undo: Option<Vec<Word>>,
    /// What it reads from standard input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<Secret>,
    /// Secrets in its environment, each with `as: environment`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, Secret>,
}

impl Command {
    /// A command of public words.
    pub fn of(run: Vec<String>, changes: Vec<String>) -> Self {
        let run = run.into_iter().map(Word::Text).collect();
        Self { run, changes, undo: None, stdin: None, environment: BTreeMap::new() }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        for words in std::iter::once(&self.run).chain(&self.undo) {
            if words.first().is_some_and(|program| program.text().is_none()) {
                return Err("the first word of a command is the name of a program, and no secret".to_owned());
            }
            for word in words {
                match word {
                    Word::Text(text) if text.contains('\0') => return Err("the command contains a NUL byte".to_owned()),
                    Word::Text(_) => {}
                    Word::Secret(secret) => secret.check(Some(Shown::Argument), false)?,
                }
            }
        }
        self.stdin.iter().try_for_each(|secret| secret.check(None, false))?;
        self.environment.iter().try_for_each(|(name, secret)| {
            if !is_name(name) {
                return Err(format!("`{}` cannot name a variable of an environment", name.shown()));
            }
            secret.check(Some(Shown::Environment), true)
        })
    }

    /// As people read it, with the secrets that it gets and where they can be seen.
    pub(super) fn words(&self) -> String {
        let mut text = format!("run {}", Word::join(&self.run));
        if let Some(secret) = &self.stdin {
            text.push_str(&format!(" with {secret} on its standard input"));
        }
        for (name, secret) in &self.environment {
            text.push_str(&format!(" with {name}={secret}"));
        }
        text
    }

    pub(super) fn inverse(&self, before: &Image) -> Vec<Undo> {
        match &self.undo {
            Some(undo) => {
                let (run, undo) = (undo.clone(), Some(self.run.clone()));
                let action = Self { run, undo, ..self.clone() };
                vec![Undo::new(Action::Command(action))]
            }
            None => put_back(before),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Verdict;
    use crate::id::{BodyId, HostName};

    #[test]
    fn a_written_file_is_judged_by_what_can_be_seen_of_it() {
        let host = HostName::new("gluster1.demo").expect("a host name");
        let target = Target { host: Some(host.clone()), node: None };
        let key = ResourceKey::file(&host, "/etc/x");
        let text = |word: &str| Some(word.to_owned());
        let content = "abc".to_owned();
        let write = FileWrite { path: "/etc/x".to_owned(), content, mode: text("0640"), owner: text("root:wheel") };
        let write = Action::FileWrite(write);
        assert_eq!(write.check(), Ok(()));
        let image = |state: State| Image::from([(key.clone(), state)]);
        let wanted = State::file(0o640, "root:wheel", 3, BodyId([1; 32]));
        let footprint = write.footprint(&target);
        let judge = |before: &State, now: &State| write.judge(&footprint, &image(before.clone()), &image(now.clone()));
        let other = State::file(0o640, "root:wheel", 3, BodyId([2; 32]));
        let longer = State::file(0o640, "root:wheel", 4, BodyId([3; 32]));
        assert_eq!(judge(&State::Absent, &State::Absent), Verdict::NotApplied);
        assert_eq!(judge(&State::Absent, &wanted), Verdict::Applied);
        assert_eq!(judge(&other, &other), Verdict::NotApplied, "the size alone says nothing of the content");
        assert_eq!(judge(&other, &wanted), Verdict::Applied);
        assert_eq!(judge(&other, &longer), Verdict::Partial, "someone else wrote there");
        let bad = [
            State::Absent,
            longer,
            State::file(0o600, "root:wheel", 3, BodyId([1; 32])),
            State::file(0o640, "root:bin", 3, BodyId([1; 32])),
            State::Link { target: "y".to_owned() },
        ];
        for state in bad {
            assert_eq!(write.unmet(&image(other.clone()), &image(state.clone())), Some(&key), "{state}");
        }
        assert_eq!(write.unmet(&image(other.clone()), &image(wanted)), None);
        let undo = write.inverse(&target, &image(other.clone()));
        assert!(matches!(&undo[0].action, Action::FileRestore(back) if back.state == other), "{undo:?}");
    }

    #[test]
    fn a_file_that_cannot_be_meant_is_not_written() {
        let write = |path: &str, content: String, mode: Option<&str>, owner: Option<&str>| {
            let (mode, owner) = (mode.map(str::to_owned), owner.map(str::to_owned));
            Action::FileWrite(FileWrite { path: path.to_owned(), content, mode, owner })
        };
        let text = || "x".to_owned();
        let bad = [
            write("etc/x", text(), None, None),
            write("/etc/x/", text(), None, None),
            write("/etc/../x", text(), None, None),
            write("/etc/x", "\0".to_owned(), None, None),
            write("/etc/x", "x".repeat(FileWrite::LIMIT + 1), None, None),
            write("/etc/x", text(), Some("9"), None),
            write("/etc/x", text(), Some("u+x"), None),
            write("/etc/x", text(), None, Some("root:")),
            write("/etc/x", text(), None, Some("a:b:c")),
            write("/etc/x", text(), None, Some("-R")),
        ];
        for action in bad {
            assert!(action.check().is_err(), "{action:?}");
        }
        assert_eq!(write("/etc/x", String::new(), Some("4755"), Some("0:0")).check(), Ok(()));
    }

    #[test]
    fn dangerous_paths_are_refused() {
        for bad in ["/", "/*", "etc", "", "/etc/../*", "/a*b", "//", "/x/\u{1b}[2J", "/etc/*/x"] {
            assert!(FileAbsent::check(bad).is_err(), "{bad:?}");
        }
        for good in ["/etc/origin", "/etc/dnsmasq.d/*", "/etc/sysconfig/atomic-openshift-node.rpmsave"] {
            assert_eq!(FileAbsent::check(good), Ok(()), "{good}");
        }
    }
}
