//! The state of a file, link or directory, out of what its host tells.

use super::LIMIT;
use super::looked::Looked;
use super::tree::{has_holes, listed};
use crate::kind::attribute;
use crate::ssh::decoded;
use palinode_core::port::Bodies;
use palinode_core::record::Class;
use palinode_core::resource::{Above, State};

/// None if the lines are no answer.
pub(super) fn file(path: &str, lines: &[&str], bodies: &dyn Bodies) -> Result<Option<State>, Looked> {
    let Some(line) = lines.first() else { return Ok(None) };
    let words: Vec<&str> = line.split(' ').collect();
    let above = above(path, lines);
    Ok(match words.as_slice() {
        ["absent"] => Some(State::Absent),
        ["special"] => {
            return Err(Looked::Cannot(format!("{path} is neither a file nor a link nor a directory")));
        }
        ["large", size] => {
            return Err(Looked::Cannot(format!("{path} holds {size} bytes, and no more than {LIMIT} are kept")));
        }
        ["link", owner, target] => text(target).filter(|target| !target.is_empty()).map(|target| State::Link {
            target,
            owner: Some((*owner).to_owned()),
            above,
        }),
        ["tree", entries, beside, archive] => {
            let (Ok(entries), Some(beside), Some(archive)) = (entries.parse(), whole(beside), whole(archive)) else {
                return Ok(None);
            };
            let Some(found) = listed(&archive, &beside) else { return Ok(None) };
            let (body, list) =
                (bodies.put(Class::Content, &archive)?, bodies.put(Class::Content, found.list.as_bytes())?);
            Some(State::Tree { entries, body, list: Some(list), apart: found.apart.some(), above })
        }
        ["file", mode, names, numbers, links, inode, blocks, time, attributes, content] => {
            let (Ok(mode), Some(content)) = (u32::from_str_radix(mode, 8), whole(content)) else { return Ok(None) };
            let (Ok(links), Ok(inode), Ok(blocks)) = (links.parse::<u64>(), inode.parse(), blocks.parse()) else {
                return Ok(None);
            };
            let (Some(mtime), Some(attributes)) = (nanoseconds(time), self::attributes(attributes)) else {
                return Ok(None);
            };
            let attributes = match attributes.is_empty() {
                true => None,
                false => Some(bodies.put(Class::Content, attributes.as_bytes())?),
            };
            Some(State::File {
                mode,
                owner: if names.contains("UNKNOWN") { numbers } else { names }.to_string(),
                size: content.len() as u64,
                body: bodies.put(Class::Content, &content)?,
                mtime: Some(mtime),
                attributes,
                inode: (links > 1).then_some(inode),
                holes: has_holes(blocks, content.len() as u64),
                above,
            })
        }
        _ => None,
    })
}

/// The folders above a path, from the root's on.
pub(crate) fn folders_above(path: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut rest = path.trim_end_matches('/');
    while let Some((folder, _)) = rest.rsplit_once('/') {
        rest = folder.trim_end_matches('/');
        if !rest.is_empty() {
            all.push(rest);
        }
    }
    all.reverse();
    all
}

/// Those of them that are not as most are: the lines behind the first say how each is.
fn above(path: &str, lines: &[&str]) -> Option<Box<Above>> {
    let told = lines.iter().skip(1).filter_map(|line| line.strip_prefix("above "));
    let odd = folders_above(path).into_iter().zip(told).filter(|(_, how)| *how != "755 root:root");
    let odd: Above = odd.map(|(folder, how)| (folder.to_owned(), how.to_owned())).collect();
    (!odd.is_empty()).then(|| Box::new(odd))
}

fn text(base64: &str) -> Option<String> {
    String::from_utf8(decoded(base64)?).ok()
}

/// A time as `date` prints it: seconds since 1970, nine digits behind the point, which always count forwards.
fn nanoseconds(text: &str) -> Option<i64> {
    let (seconds, rest) = text.split_once('.')?;
    let rest: i64 = rest.parse().ok().filter(|_| rest.len() == 9 && rest.bytes().all(|byte| byte.is_ascii_digit()))?;
    seconds.parse::<i64>().ok()?.checked_mul(1_000_000_000)?.checked_add(rest)
}

/// So long may the attributes of a file be in words.
const ATTRIBUTES: usize = 256 << 10;

/// The lines that say what a file carries beside its mode.
fn attributes(base64: &str) -> Option<String> {
    if base64 == "-" {
        return Some(String::new());
    }
    let text = text(base64).filter(|text| text.len() < ATTRIBUTES)?;
    text.lines().all(|line| attribute(line).is_some()).then_some(text)
}

/// Content that was read to its end: two letters behind it say so.
fn whole(base64: &str) -> Option<Vec<u8>> {
    let mut bytes = decoded(base64)?;
    bytes.ends_with(b"OK").then(|| bytes.truncate(bytes.len() - 2))?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_as_the_host_tells_of_them() {
        for (path, all) in
            [("/etc/a/b", &["/etc", "/etc/a"][..]), ("/etc//a///b//", &["/etc", "/etc//a"]), ("/etc", &[]), ("/", &[])]
        {
            assert_eq!(folders_above(path), all, "{path}");
        }
    }
}
