//! A second reader and writer of MessagePack, so that the walker is not judged by itself.

use palinode_core::span::Span;
use std::str::FromStr;

/// Values nested deeper are not canonical.
const DEPTH: usize = 32;

/// A MessagePack value that has a canonical form.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    /// Nothing.
    Nil,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Tree>),
    /// A map in the order of its bytes.
    Map(Vec<(Tree, Tree)>),
}

/// Reads one value, in whatever form; none for what has no canonical form.
pub(super) fn read(bytes: &[u8]) -> Option<Tree> {
    let mut rest = bytes;
    let tree = value(&mut rest, DEPTH)?;
    rest.is_empty().then_some(tree)
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn natural(rest: &mut &[u8], width: usize) -> Option<i128> {
    Some(take(rest, width)?.iter().fold(0, |sum, byte| sum << 8 | i128::from(*byte)))
}

fn value(rest: &mut &[u8], depth: usize) -> Option<Tree> {
    let depth = depth.checked_sub(1)?;
    let marker = take(rest, 1)?[0];
    let width = |least: u8| 1usize << (marker - least);
    let mut length = |low: u8, first: u8| -> Option<usize> {
        let length = if marker < 0xc0 { i128::from(marker & low) } else { natural(rest, width(first))? };
        usize::try_from(length).ok()
    };
    Some(match marker {
        0x00..=0x7f => Tree::Int(i128::from(marker)),
        0xe0..=0xff => Tree::Int(i128::from(marker) - 256),
        0xc0 => Tree::Nil,
        0xc2 | 0xc3 => Tree::Bool(marker == 0xc3),
        0xcc..=0xcf => Tree::Int(natural(rest, width(0xcc))?),
        0xd0..=0xd3 => {
            let bits = 8 * width(0xd0);
            let number = natural(rest, width(0xd0))?;
            Tree::Int(if number >> (bits - 1) == 0 { number } else { number - (1 << bits) })
        }
        0xa0..=0xbf | 0xd9..=0xdb => {
            let count = length(0x1f, 0xd9)?;
            Tree::Text(String::from_utf8(take(rest, count)?.to_vec()).ok()?)
        }
        0xc4..=0xc6 => {
            let count = length(0, 0xc4)?;
            Tree::Bytes(take(rest, count)?.to_vec())
        }
        0x90..=0x9f | 0xdc | 0xdd => {
            let count = if marker < 0xc0 { usize::from(marker & 0x0f) } else { length(0, 0xdb)? };
            // Whatever the length claims, no value is shorter than a byte.
            if count > rest.len() {
                return None;
            }
            Tree::List((0..count).map(|_| value(rest, depth)).collect::<Option<_>>()?)
        }
        0x80..=0x8f | 0xde | 0xdf => {
            let count = if marker < 0xc0 { usize::from(marker & 0x0f) } else { length(0, 0xdd)? };
            if count > rest.len() {
                return None;
            }
            let pair = |_| Some((value(rest, 1)?, value(rest, depth)?));
            Tree::Map((0..count).map(pair).collect::<Option<_>>()?)
        }
        0xc1 | 0xc7..=0xcb | 0xd4..=0xd8 => return None,
    })
}

/// The canonical bytes; none if there are none.
pub(super) fn write(tree: &Tree) -> Option<Vec<u8>> {
    let mut to = Vec::new();
    put(tree, &mut to)?;
    Some(to)
}

/// The shortest of up to four forms: the last `size` bytes of the number behind the marker.
fn number(to: &mut Vec<u8>, markers: [(u8, u32); 4], number: i128) -> Option<()> {
    let fits = |bits: u32| if number < 0 { number >= -(1 << (bits - 1)) } else { number < 1 << bits };
    let (marker, bits) = markers.into_iter().find(|(marker, bits)| *marker != 0 && fits(*bits))?;
    to.push(marker);
    to.extend_from_slice(&number.to_be_bytes()[16 - bits as usize / 8..]);
    Some(())
}

/// A length: in the marker if it is short enough, behind it otherwise.
fn length(to: &mut Vec<u8>, short: Option<(u8, usize)>, markers: [u8; 3], length: usize) -> Option<()> {
    match short {
        Some((marker, below)) if length < below => to.push(marker | u8::try_from(length).ok()?),
        _ => {
            let [one, two, four] = markers;
            number(to, [(one, 8), (two, 16), (four, 32), (0, 64)], i128::try_from(length).ok()?)?;
        }
    }
    Some(())
}

fn put(tree: &Tree, to: &mut Vec<u8>) -> Option<()> {
    match tree {
        Tree::Nil => to.push(0xc0),
        Tree::Bool(truth) => to.push(0xc2 + u8::from(*truth)),
        Tree::Int(small @ -32..=127) => to.push(small.to_be_bytes()[15]),
        Tree::Int(below @ ..0) => number(to, [(0xd0, 8), (0xd1, 16), (0xd2, 32), (0xd3, 64)], *below)?,
        Tree::Int(above) => number(to, [(0xcc, 8), (0xcd, 16), (0xce, 32), (0xcf, 64)], *above)?,
        Tree::Text(text) => {
            length(to, Some((0xa0, 32)), [0xd9, 0xda, 0xdb], text.len())?;
            to.extend_from_slice(text.as_bytes());
        }
        Tree::Bytes(bytes) => {
            length(to, None, [0xc4, 0xc5, 0xc6], bytes.len())?;
            to.extend_from_slice(bytes);
        }
        Tree::List(items) => {
            length(to, Some((0x90, 16)), [0, 0xdc, 0xdd], items.len())?;
            items.iter().try_for_each(|item| put(item, to))?;
        }
        Tree::Map(pairs) => {
            length(to, Some((0x80, 16)), [0, 0xde, 0xdf], pairs.len())?;
            let mut seen = std::collections::BTreeSet::new();
            for (key, value) in pairs {
                // A key is short, and no two are alike, also not one of text and one of bytes.
                let fresh = match key {
                    Tree::Text(text) if text.len() < 1 << 16 => seen.insert(text.as_bytes()),
                    Tree::Bytes(bytes) if bytes.len() < 1 << 8 => seen.insert(bytes),
                    _ => false,
                };
                fresh.then_some(())?;
                put(key, to)?;
                put(value, to)?;
            }
        }
    }
    Some(())
}

/// Whether two values say the same, as far as both say anything: what one lacks in a map is the other's default.
pub(super) fn agree(one: &Tree, other: &Tree) -> bool {
    match (one, other) {
        (Tree::Map(one), Tree::Map(other)) => one.iter().all(|(key, value)| {
            let found = other.iter().find(|(known, _)| known == key);
            found.is_none_or(|(_, found)| agree(value, found))
        }),
        (Tree::List(one), Tree::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| agree(one, other))
        }
        // Spans of time are text, and `05m` is `5m`.
        (Tree::Text(one), Tree::Text(other)) => one == other || Span::from_str(one) == Span::from_str(other),
        (one, other) => one == other,
    }
}
