//! Repository files as yum reads them: which repositories there are and which are enabled, and the smallest edit.

use super::files::{Entry, Files};
use std::collections::BTreeMap;

const FOLDER: &str = "/etc/yum.repos.d";

/// The release that yum takes for the host's own.
pub(in crate::lab) const RELEASE: &str = "/etc/yum/vars/releasever";

/// The id in a section's first line.
fn section(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix('[')?.split_once(']').map(|(id, _)| id)
}

/// The word of an `enabled=` line.
fn enabled(line: &str) -> Option<bool> {
    let (name, value) = line.split_once('=')?;
    let on = |word: &str| ["1", "yes", "true", "on"].contains(&word.to_lowercase().as_str());
    (name.trim() == "enabled").then(|| on(value.trim()))
}

/// Repositories of a file, with whether they are enabled. Without a word of its own one is.
pub(in crate::lab) fn listed(text: &str) -> BTreeMap<&str, bool> {
    let mut all = BTreeMap::new();
    let mut id = None;
    for line in text.lines() {
        if let Some(found) = section(line) {
            all.insert(found, true);
            id = Some(found);
        } else if let (Some(id), Some(on)) = (id, enabled(line)) {
            all.insert(id, on);
        }
    }
    all
}

/// The file with one of its repositories enabled or not.
pub(in crate::lab) fn edited(text: &str, id: &str, on: bool) -> String {
    let line = format!("enabled={}\n", u8::from(on));
    let has = {
        let mut inside = false;
        text.lines().any(|line| {
            inside = section(line).map_or(inside, |found| found == id);
            inside && enabled(line).is_some()
        })
    };
    let mut out = String::new();
    let mut inside = false;
    for old in text.lines() {
        let head = section(old);
        inside = head.map_or(inside, |found| found == id);
        if inside && enabled(old).is_some() {
            out.push_str(&line);
            continue;
        }
        out.push_str(old);
        out.push('\n');
        if inside && head.is_some() && !has {
            out.push_str(&line);
        }
    }
    out
}

/// The files with repositories, and their texts.
pub(in crate::lab) fn files(files: &Files) -> impl Iterator<Item = (&str, &str)> {
    let is_repo = |(path, _): &(&str, &Entry)| path.ends_with(".repo");
    files.below(FOLDER).filter(is_repo).filter_map(|(path, _)| Some((path, files.text(path)?)))
}

/// Whether a repository is enabled; none if there is no such repository.
pub(in crate::lab) fn is_enabled(all: &Files, id: &str) -> Option<bool> {
    files(all).find_map(|(_, text)| listed(text).get(id).copied())
}

/// The pinned release.
pub(in crate::lab) fn release(all: &Files) -> Option<&str> {
    all.text(RELEASE).map(str::trim).filter(|release| !release.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_enabled_by_the_smallest_edit() {
        let text = "[a]\nname=A\nenabled = 0\n\n# kept\n[b]\nname=B\n";
        assert_eq!(listed(text), BTreeMap::from([("a", false), ("b", true)]));
        assert_eq!(edited(text, "a", true), "[a]\nname=A\nenabled=1\n\n# kept\n[b]\nname=B\n");
        assert_eq!(edited(text, "b", false), "[a]\nname=A\nenabled = 0\n\n# kept\n[b]\nenabled=0\nname=B\n");
    }
}
