//! What an archive of a directory holds, as a list that has no times; and what is found beside it.
//!
//! The archives are GNU tar's in the form of POSIX (pax), with sorted names. A list says of each path all that is put back,
//! so that two trees with equal lists are the same.

use palinode_core::resource::Apart;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The size of a block of an archive.
const BLOCK: usize = 512;

/// A list, and what is in the directory and not in the archive.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) list: String,
    pub(crate) apart: Apart,
}

/// One path of an archive.
struct Member<'a> {
    path: String,
    kind: u8,
    words: String,
    /// Of a further name of a file: the name that has the content.
    first: Option<String>,
    content: &'a [u8],
}

/// What a tree is, by its archive and the records of `p_apart`. None if either is not one.
pub(crate) fn listed(archive: &[u8], beside: &[u8]) -> Option<Listed> {
    let mut lines: BTreeMap<String, String> = BTreeMap::new();
    // How many names of a file are in the archive, by the first of them.
    let mut names: BTreeMap<String, u64> = BTreeMap::new();
    for member in members(archive)? {
        let Member { path, kind, mut words, first, content } = member;
        let name = first.unwrap_or_else(|| path.clone());
        if kind == b'0' {
            let _ = write!(words, " size={} content={}", content.len(), sum(content));
        }
        if matches!(kind, b'0' | b'1') {
            *names.entry(name).or_default() += 1;
        }
        lines.insert(path, words);
    }
    let mut apart = Apart::default();
    for record in beside.split(|byte| *byte == 0).filter(|record| !record.is_empty()) {
        let mut words = record.splitn(2, |byte| *byte == b' ');
        let (kind, rest) = (words.next()?, words.next()?);
        match kind {
            b"s" => Apart::add(&mut apart.sockets, plain(rest)),
            b"f" => {
                let mut words = rest.splitn(2, |byte| *byte == b' ');
                let flags = settable(std::str::from_utf8(words.next()?).ok()?);
                if let Some(line) = lines.get_mut(&shown(words.next()?)).filter(|_| !flags.is_empty()) {
                    let _ = write!(line, " flags={flags}");
                }
            }
            b"n" => {
                let mut words = rest.splitn(4, |byte| *byte == b' ');
                let mut number = || words.next().and_then(|word| std::str::from_utf8(word).ok()?.parse::<u64>().ok());
                let (blocks, size, all) = (number()?, number()?, number()?);
                let path = words.next()?;
                // Of several names the first speaks for all.
                let Some(here) = names.get(&shown(path)) else { continue };
                if all > *here {
                    Apart::add(&mut apart.names, plain(path));
                }
                if has_holes(blocks, size) {
                    Apart::add(&mut apart.holes, plain(path));
                }
            }
            _ => return None,
        }
    }
    let list = lines.into_iter().fold(String::new(), |list, (path, words)| list + &path + "\t" + &words + "\n");
    Some(Listed { list, apart })
}

/// Whether a file takes less room than its length, by more than what file systems keep elsewhere of a small one.
pub(crate) fn has_holes(blocks: u64, size: u64) -> bool {
    blocks.saturating_mul(512).saturating_add(4096) <= size
}

/// The flags among what `lsattr` prints that `chattr` sets.
fn settable(flags: &str) -> String {
    flags.chars().filter(|flag| "aAcCdDijmPsStTux".contains(*flag)).collect()
}

/// The paths of a list that have flags, with them. Those that are no plain text are left out.
pub(crate) fn flagged(list: &str) -> impl Iterator<Item = (&str, &str)> {
    list.lines().filter_map(|line| {
        let (path, words) = line.split_once('\t')?;
        let flags = words.split(' ').find_map(|word| word.strip_prefix("flags="))?;
        (!path.contains('\\')).then_some((path, flags))
    })
}

fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A path as text that a key can name, without the leading `./`.
fn plain(path: &[u8]) -> Option<&str> {
    std::str::from_utf8(path).ok().map(|path| path.strip_prefix("./").unwrap_or(path))
}

/// A path as a list has it: what is no plain text is escaped.
fn shown(path: &[u8]) -> String {
    let path = path.strip_prefix(b"./").unwrap_or(path);
    let path = path.strip_suffix(b"/").unwrap_or(path);
    if path.is_empty() { ".".to_owned() } else { escaped(path) }
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\\' => text.push_str("\\\\"),
                letter if letter.is_control() => text.extend(letter.escape_default()),
                letter => text.push(letter),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// The value of a word: spaces would end it.
fn word(bytes: &[u8]) -> String {
    escaped(bytes).replace(' ', "\\x20")
}

/// What is in an archive; none if it is cut, or not in that form.
fn members(archive: &[u8]) -> Option<Vec<Member<'_>>> {
    let mut all = Vec::new();
    let mut rest = archive;
    let mut pax: BTreeMap<&[u8], &[u8]> = BTreeMap::new();
    loop {
        let (head, behind) = rest.split_at_checked(BLOCK)?;
        if head.iter().all(|byte| *byte == 0) {
            return Some(all);
        }
        let field = |from: usize, to: usize| head.get(from..to).unwrap_or_default();
        if field(257, 262) != b"ustar" {
            return None;
        }
        let kind = *head.get(156)?;
        let number = |name: &[u8], from, to| match pax.get(name) {
            Some(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            None => octal(field(from, to)),
        };
        // A further name of a file has no content, whatever its size says.
        let stored = match kind {
            b'1' => 0,
            b'x' | b'g' => octal(field(124, 136))?,
            _ => number(b"size", 124, 136)?,
        };
        let length = usize::try_from(stored).ok()?;
        let (content, behind) = behind.split_at_checked(length)?;
        let (_, behind) = behind.split_at_checked(length.next_multiple_of(BLOCK) - length)?;
        rest = behind;
        if kind == b'x' {
            pax = records(content)?;
            continue;
        }
        if !(b'0'..=b'6').contains(&kind) {
            return None;
        }
        let (name, prefix) = (text(field(0, 100)), text(field(345, 500)));
        let path = match pax.get(b"path".as_slice()) {
            Some(path) => shown(path),
            None if prefix.is_empty() => shown(name),
            None => shown(&[prefix, b"/", name].concat()),
        };
        let target = pax.get(b"linkpath".as_slice()).copied().unwrap_or_else(|| text(field(157, 257)));
        let what = match kind {
            b'1' => "hard-link",
            b'2' => "link",
            b'3' => "character-device",
            b'4' => "block-device",
            b'5' => "directory",
            b'6' => "fifo",
            _ => "file",
        };
        let (owner, group) = (number(b"uid", 108, 116)?, number(b"gid", 116, 124)?);
        let mut words = format!("type={what} mode={:04o} owner={owner}:{group}", octal(field(100, 108))? & 0o7777);
        let first = (kind == b'1').then(|| shown(target));
        match kind {
            b'1' => {
                let _ = write!(words, " target={}", word(first.as_deref().unwrap_or_default().as_bytes()));
            }
            b'2' => {
                let _ = write!(words, " target={}", word(target));
            }
            b'3' | b'4' => {
                let _ = write!(words, " device={}:{}", octal(field(329, 337))?, octal(field(337, 345))?);
            }
            _ => {}
        }
        for (name, value) in pax.iter().filter(|(name, _)| name.starts_with(b"SCHILY.") || name.starts_with(b"RHT.")) {
            let _ = write!(words, " {}={}", word(name), sum(value));
        }
        pax.clear();
        all.push(Member { path, kind, words, first, content });
    }
}

/// Up to the first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number of a header; a large one is in the record before it.
fn octal(field: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(text(field)).ok()?.trim_matches(' ');
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// Records of an extended header: `LENGTH NAME=VALUE\n`, the length in bytes of all of it.
fn records(mut rest: &[u8]) -> Option<BTreeMap<&[u8], &[u8]>> {
    let mut all = BTreeMap::new();
    while !rest.is_empty() {
        let space = rest.iter().position(|byte| *byte == b' ')?;
        let length: usize = std::str::from_utf8(rest.get(..space)?).ok()?.parse().ok()?;
        let (record, behind) = rest.split_at_checked(length)?;
        let record = record.get(space + 1..)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|byte| *byte == b'=')?;
        all.insert(record.get(..equals)?, record.get(equals + 1..)?);
        rest = behind;
    }
    Some(all)
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
