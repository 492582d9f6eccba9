//! Files of a host: a flat map of paths, in which directories are implied by what is below them.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// A regular file.
    File {
        /// The lower twelve bits: permissions, setuid, setgid, sticky.
        mode: u32,
        /// `user:group`.
        owner: String,
        /// The content.
        content: Arc<str>,
    },
    /// A symbolic link.
    Link {
        /// Where it points.
        target: String,
    },
    /// A directory that stays when it is empty.
    Dir,
}

impl Entry {
    /// A file of root with mode 0644.
    pub fn text(content: impl Into<Arc<str>>) -> Self {
        Self::File { mode: 0o644, owner: "root:root".to_owned(), content: content.into() }
    }

    /// A file of root with mode 0600.
    pub fn private(content: impl Into<Arc<str>>) -> Self {
        Self::File { mode: 0o600, owner: "root:root".to_owned(), content: content.into() }
    }
}

/// A tree as it is kept in a body: paths relative to its root, sorted; empty directories named, others implied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Archive(pub BTreeMap<String, Entry>);

/// The files of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Files(BTreeMap<String, Entry>);

impl Files {
    /// The file or link at a path; a directory only if it is kept when empty.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.0.get(path)
    }

    /// The text of a file.
    pub fn text(&self, path: &str) -> Option<&str> {
        match self.0.get(path) {
            Some(Entry::File { content, .. }) => Some(content),
            _ => None,
        }
    }

    /// The value of a `KEY=value` line of a file.
    pub fn value(&self, path: &str, key: &str) -> Option<String> {
        let text = self.text(path)?;
        let value = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
        Some(value.trim().trim_matches('"').to_owned())
    }

    /// Everything strictly below a directory.
    pub fn below<'a>(&'a self, dir: &'a str) -> impl Iterator<Item = (&'a str, &'a Entry)> {
        let prefix = format!("{}/", dir.trim_end_matches('/'));
        self.0
            .range(prefix.clone()..)
            .take_while(move |(path, _)| path.starts_with(&prefix))
            .map(|(path, entry)| (path.as_str(), entry))
    }

    /// Whether the path is a directory.
    pub fn is_dir(&self, path: &str) -> bool {
        matches!(self.get(path), Some(Entry::Dir)) || (self.get(path).is_none() && self.below(path).next().is_some())
    }

    /// Whether anything is at the path.
    pub fn exists(&self, path: &str) -> bool {
        self.get(path).is_some() || self.is_dir(path)
    }

    /// Puts something at a path. What was below it stays only below a directory.
    pub fn put(&mut self, path: &str, entry: Entry) {
        if entry != Entry::Dir {
            self.remove(path);
        }
        self.0.insert(path.to_owned(), entry);
    }

    /// Removes a path with everything below it.
    pub fn remove(&mut self, path: &str) {
        let doomed: Vec<String> = self.below(path).map(|(path, _)| path.to_owned()).collect();
        for path in doomed {
            self.0.remove(&path);
        }
        self.0.remove(path);
    }

    /// Every path with what is there.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// Whether a kept directory has nothing below it.
    fn is_empty_dir(&self, path: &str) -> bool {
        self.below(path).next().is_none()
    }

    /// The tree at a directory: its archive, and how many files, links and directories are below it.
    pub fn archive(&self, dir: &str) -> (Archive, u64) {
        let cut = dir.trim_end_matches('/').len() + 1;
        let mut kept = BTreeMap::new();
        let mut dirs = BTreeSet::new();
        let mut plain = 0;
        for (path, entry) in self.below(dir) {
            let relative = &path[cut..];
            let parents = relative.match_indices('/').map(|(at, _)| relative[..at].to_owned());
            dirs.extend(parents);
            match entry {
                Entry::Dir => {
                    dirs.insert(relative.to_owned());
                    if self.is_empty_dir(path) {
                        kept.insert(relative.to_owned(), Entry::Dir);
                    }
                }
                other => {
                    plain += 1;
                    kept.insert(relative.to_owned(), other.clone());
                }
            }
        }
        (Archive(kept), plain + dirs.len() as u64)
    }

    /// Whether an entry counts when worlds are compared: a directory only while it is empty.
    pub(in crate::lab) fn counts(&self, path: &str, entry: &Entry) -> bool {
        *entry != Entry::Dir || self.is_empty_dir(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_of_a_name_is_not_a_parent() {
        let mut files = Files::default();
        files.put("/etc/origin/node/a", Entry::text("1"));
        files.put("/etc/origin-extra", Entry::text("2"));
        files.put("/etc/origin.d/x", Entry::text("3"));
        assert_eq!(files.archive("/etc/origin").1, 2);
        files.remove("/etc/origin");
        assert!(!files.exists("/etc/origin"));
        assert!(files.exists("/etc/origin-extra") && files.exists("/etc/origin.d"));
    }
}
