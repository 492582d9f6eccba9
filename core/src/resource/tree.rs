//! What is known of a directory beside its archive: a list of what is in it, which says whether two trees are the same, and
//! what no archive holds.
//!
//! A list has a line for each path, sorted: the path, a tabulator, and words `NAME=VALUE` with a space between them. Times are
//! not in it: whoever touches a file changes nothing. Bytes that are no plain text stand escaped in a path.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// What is in a directory and not in its archive, by path below it. The empty path stands for all that are not named.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Apart {
    /// Sockets: the program that listens there makes them again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sockets: BTreeSet<String>,
    /// Files with names (hard links) outside of the directory, from which they are separated when it is put back.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub names: BTreeSet<String>,
    /// Files with holes. Those that are named get them back.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub holes: BTreeSet<String>,
}

impl Apart {
    /// So many paths of each kind are named.
    pub const NAMED: usize = 32;

    /// Adds a path to one of the sets; past the limit, and where a path is no plain text, as one that is not named.
    pub fn add(set: &mut BTreeSet<String>, path: Option<&str>) {
        let plain = path.filter(|path| set.len() < Self::NAMED && !path.chars().any(char::is_control));
        set.insert(plain.unwrap_or_default().to_owned());
    }

    /// Itself, if there is anything in it.
    pub fn some(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

/// The lines of a list by path: what each says.
fn lines(list: &str) -> BTreeMap<&str, &str> {
    list.lines().filter_map(|line| line.split_once('\t')).collect()
}

/// What differs between two trees by their lists: at most so many paths, each with both values, and how many there are.
pub fn differences(was: &str, is: &str, at_most: usize) -> (Vec<String>, usize) {
    let (was, is) = (lines(was), lines(is));
    let paths: BTreeSet<&str> = was.keys().chain(is.keys()).copied().collect();
    let mut told = Vec::new();
    let mut count = 0;
    for path in paths {
        let words = match (was.get(path), is.get(path)) {
            (Some(was), Some(is)) if was == is => continue,
            (Some(was), Some(is)) => changed(was, is),
            (Some(_), None) => "is gone".to_owned(),
            _ => "is new".to_owned(),
        };
        count += 1;
        if told.len() < at_most {
            told.push(format!("{path} {words}"));
        }
    }
    (told, count)
}

/// The words of a line by name.
fn named(line: &str) -> BTreeMap<&str, &str> {
    line.split(' ').filter_map(|word| word.split_once('=')).collect()
}

/// What differs between two lines about a path.
fn changed(was: &str, is: &str) -> String {
    let (was, is) = (named(was), named(is));
    let mut told = String::new();
    let names: BTreeSet<&str> = was.keys().chain(is.keys()).copied().collect();
    for name in names {
        let (old, new) = (was.get(name), is.get(name));
        if old == new {
            continue;
        }
        let _ = write!(told, "{}{name}", if told.is_empty() { "" } else { ", " });
        // A digest says nothing to a reader.
        let short = |value: Option<&&str>| match value {
            None => "none".to_owned(),
            Some(value) if value.len() == 64 => value.chars().take(8).collect(),
            Some(value) => (*value).to_owned(),
        };
        let _ = write!(told, " {} -> {}", short(old), short(new));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named_with_both_values() {
        let was = ".\ttype=directory mode=0755 owner=0:0\na b\ttype=file mode=0644 owner=0:0 size=1\ngone\ttype=fifo mode=0600\n";
        let is = ".\ttype=directory mode=0755 owner=0:0\na b\ttype=file mode=0600 owner=0:0 size=2\nnew\ttype=link target=x\n";
        let told = ["a b mode 0644 -> 0600, size 1 -> 2", "gone is gone", "new is new"].map(str::to_owned);
        assert_eq!(differences(was, is, 9), (told.to_vec(), 3));
        assert_eq!(differences(was, is, 1), (told[..1].to_vec(), 3));
        assert_eq!(differences(was, was, 9), (Vec::new(), 0));
        let (old, new) = ("a".repeat(64), "b".repeat(64));
        let (told, _) = differences(&format!("x\tcontent={old}\n"), &format!("x\tcontent={new} flags=d\n"), 1);
        assert_eq!(told, ["x content aaaaaaaa -> bbbbbbbb, flags none -> d"]);
    }

    #[test]
    fn what_is_not_named_is_counted_as_the_rest() {
        let mut apart = Apart::default();
        for number in 0..Apart::NAMED + 5 {
            Apart::add(&mut apart.sockets, Some(&format!("{number}")));
        }
        Apart::add(&mut apart.holes, Some("a\nb"));
        Apart::add(&mut apart.holes, None);
        assert_eq!((apart.sockets.len(), apart.sockets.contains("")), (Apart::NAMED + 1, true));
        assert_eq!(apart.holes, BTreeSet::from([String::new()]));
        assert!(Apart::default().some().is_none() && apart.some().is_some());
    }
}
