//! Ranges taken apart around one host: `gluster[1:3].demo` around `gluster2.demo` is one host on each side.
//!
//! Hosts keep their order, and each side is written with the fewest ranges that give it: a side that lies in one
//! row of the range is one pattern, and each further bracket adds at most one.

use crate::ini::text::{Inventory, LineKind};
use crate::span::Span;

/// The patterns before a host of a range, and those after it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Split {
    before: Vec<String>,
    own: String,
    after: Vec<String>,
}

impl Split {
    /// All pieces in order.
    pub(crate) fn pieces(self) -> Vec<String> {
        self.before.into_iter().chain([self.own]).chain(self.after).collect()
    }
}

/// A text, or the values of one bracket.
enum Part<'a> {
    Text(&'a str),
    Row(Row),
}

/// The values of one bracket, counted from 0.
#[derive(Clone, Copy)]
struct Row {
    first: u64,
    step: u64,
    /// How many values there are.
    count: u64,
    /// Digits of a number; none for letters.
    width: Option<usize>,
}

/// The letters in the order in which Ansible counts them.
const LETTERS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

impl Row {
    fn read(range: &str) -> Option<Self> {
        let mut words = range.split(':');
        let (first, last, step) = (words.next()?, words.next()?, words.next().unwrap_or("1"));
        let step: u64 = step.parse().ok().filter(|step| *step > 0)?;
        let letter = |text: &str| match text.as_bytes() {
            [one] => LETTERS.iter().position(|letter| letter == one).map(|at| at as u64),
            _ => None,
        };
        let (first, last, width): (u64, u64, Option<usize>) = match (letter(first), letter(last)) {
            (Some(first), Some(last)) => (first, last, None),
            _ => {
                let first = if first.is_empty() { "0" } else { first };
                let width = if first.starts_with('0') { first.len() } else { 1 };
                (first.parse().ok()?, last.parse().ok()?, Some(width))
            }
        };
        let count = (last.checked_sub(first)? / step).checked_add(1)?;
        words.next().is_none().then_some(Self { first, step, count, width })
    }

    fn value(&self, at: u64) -> String {
        let number = at.saturating_mul(self.step).saturating_add(self.first);
        match self.width {
            Some(width) => format!("{number:0width$}"),
            None => usize::try_from(number)
                .ok()
                .and_then(|at| LETTERS.get(at))
                .map(|c| char::from(*c))
                .into_iter()
                .collect(),
        }
    }

    /// The values from one to before another, as a bracket, or bare if it is only one.
    fn bracket(&self, from: u64, to: u64) -> String {
        let (first, last) = (self.value(from), self.value(to.saturating_sub(1)));
        match self.step {
            _ if to.saturating_sub(from) == 1 => first,
            1 => format!("[{first}:{last}]"),
            step => format!("[{first}:{last}:{step}]"),
        }
    }

    fn whole(&self) -> String {
        self.bracket(0, self.count)
    }

    /// Which of the values stand at the head of a text, each with its length.
    fn heads(&self, text: &str) -> Vec<(u64, usize)> {
        let longest = match self.width {
            Some(_) => text.bytes().take_while(u8::is_ascii_digit).count().min(20),
            None => usize::from(!text.is_empty()),
        };
        let lengths = 1..=longest;
        lengths
            .filter_map(|length| {
                let head = text.get(..length)?;
                let number = match self.width {
                    Some(_) => head.parse().ok()?,
                    None => LETTERS.iter().position(|letter| head.as_bytes() == [*letter])? as u64,
                };
                let at = u64::checked_sub(number, self.first)?;
                (at % self.step == 0 && at / self.step < self.count && self.value(at / self.step) == head)
                    .then_some((at / self.step, length))
            })
            .collect()
    }
}

/// How many names a pattern gives; `None` if it cannot be taken apart.
#[cfg(test)]
pub(crate) fn count(pattern: &str) -> Option<u64> {
    let (body, _) = without_port(pattern)?;
    let rows = parts(body)?.into_iter().map(|part| if let Part::Row(row) = part { row.count } else { 1 });
    Some(rows.fold(1, u64::saturating_mul))
}

/// The names that a pattern gives, in order; `None` if it cannot be taken apart. Ask [`count`] first.
#[cfg(test)]
pub(crate) fn names(pattern: &str) -> Option<Vec<String>> {
    let (body, _) = without_port(pattern)?;
    Some(parts(body)?.iter().fold(vec![String::new()], |names, part| {
        let words: Vec<String> = match part {
            Part::Text(text) => vec![(*text).to_owned()],
            Part::Row(row) => (0..row.count).map(|at| row.value(at)).collect(),
        };
        names.iter().flat_map(|name| words.iter().map(move |word| format!("{name}{word}"))).collect()
    }))
}

/// A range without its port, and the port with its colon.
fn without_port(pattern: &str) -> Option<(&str, String)> {
    let (head, tail) = pattern.rsplit_once(']')?;
    Some(match tail.rsplit_once(':') {
        Some((rest, port)) => (pattern.get(..head.len() + 1 + rest.len())?, format!(":{port}")),
        None => (pattern, String::new()),
    })
}

/// Takes a pattern apart around a host; `None` if it does not name the host in just one way.
pub(crate) fn around(pattern: &str, name: &str) -> Option<Split> {
    let (body, port) = without_port(pattern)?;
    let parts = parts(body)?;
    let [at] = ways(&parts, name).try_into().ok()?;
    let at: Vec<u64> = at;
    let rows: Vec<Row> =
        parts.iter().filter_map(|part| if let Part::Row(row) = part { Some(*row) } else { None }).collect();
    let mut before = Vec::new();
    let mut after = Vec::new();
    for depth in 0..rows.len() {
        let (row, here) = (rows.get(depth)?, *at.get(depth)?);
        for (from, to, side) in [(0, here, &mut before), (here + 1, row.count, &mut after)] {
            if from < to {
                let mut brackets = rows.iter().zip(&at).enumerate().map(|(level, (row, at))| match level.cmp(&depth) {
                    std::cmp::Ordering::Less => row.value(*at),
                    std::cmp::Ordering::Equal => row.bracket(from, to),
                    std::cmp::Ordering::Greater => row.whole(),
                });
                let text = parts.iter().map(|part| match part {
                    Part::Text(text) => (*text).to_owned(),
                    Part::Row(_) => brackets.next().unwrap_or_default(),
                });
                side.push(text.collect::<String>() + &port);
            }
        }
    }
    after.reverse();
    Some(Split { before, own: format!("{name}{port}"), after })
}

fn parts(mut rest: &str) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    while let Some((head, tail)) = rest.split_once('[') {
        let (range, tail) = tail.split_once(']')?;
        parts.extend([Part::Text(head), Part::Row(Row::read(range)?)]);
        rest = tail;
    }
    parts.push(Part::Text(rest));
    Some(parts)
}

/// The places in the rows that give this name. Two are enough to know that there is more than one.
fn ways(parts: &[Part<'_>], name: &str) -> Vec<Vec<u64>> {
    let mut open: Vec<(Vec<u64>, usize)> = vec![(Vec::new(), 0)];
    for part in parts {
        let mut next: Vec<(Vec<u64>, usize)> = Vec::new();
        for (at, used) in open {
            let rest = name.get(used..).unwrap_or_default();
            match part {
                Part::Text(text) if rest.starts_with(text) => next.push((at, used + text.len())),
                Part::Text(_) => {}
                Part::Row(row) => next.extend(row.heads(rest).into_iter().map(|(value, length)| {
                    let mut at = at.clone();
                    at.push(value);
                    (at, used + length)
                })),
            }
        }
        // Per length used two ways are as good as many, and so the work stays bounded for any pattern.
        next.sort_by_key(|(_, used)| *used);
        let mut same = 0;
        let mut last = None;
        next.retain(|(_, used)| {
            same = if last == Some(*used) { same + 1 } else { 1 };
            last = Some(*used);
            same <= 2
        });
        open = next;
    }
    open.into_iter().filter(|(_, used)| *used == name.len()).map(|(at, _)| at).take(2).collect()
}

impl Inventory {
    /// What cuts a line of hosts in pieces, so that the host has a line of its own; each piece keeps the variables and
    /// the comment. `None` if that line is no range of the host, or is written in a way that cannot be cut.
    pub(crate) fn split_at(&self, line: usize, host: &str) -> Option<(Span, String)> {
        let whole = self.lines().get(line)?;
        let LineKind::Host(found) = &whole.kind else { return None };
        let pattern = found.pattern.text();
        let span = Span::new(found.span.start, found.span.start + pattern.len());
        if !found.pattern.is_range() || span.of(self.text()) != pattern {
            return None;
        }
        let split = around(pattern, host)?;
        let (head, tail) = (Span::new(whole.span.start, span.start), Span::new(span.end, whole.span.end));
        let mut text = String::new();
        for piece in split.pieces() {
            text += head.of(self.text());
            text += &piece;
            text += tail.of(self.text());
        }
        Some((whole.span, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_side_is_written_with_the_fewest_ranges() {
        for (pattern, host, pieces) in [
            ("gluster[1:3].demo", "gluster1.demo", "gluster1.demo gluster[2:3].demo"),
            ("gluster[1:3].demo", "gluster2.demo", "gluster1.demo gluster2.demo gluster3.demo"),
            ("gluster[1:3].demo", "gluster3.demo", "gluster[1:2].demo gluster3.demo"),
            ("n[1:1]", "n1", "n1"),
            ("n[008:012]", "n009", "n008 n009 n[010:012]"),
            ("n[01:99]", "n50", "n[01:49] n50 n[51:99]"),
            ("n[a:f]", "nc", "n[a:b] nc n[d:f]"),
            ("n[y:B]", "nA", "n[y:z] nA nB"),
            ("n[1:10:3]", "n4", "n1 n4 n[7:10:3]"),
            ("n[1:9:3]", "n7", "n[1:4:3] n7"),
            ("n[:3]:22", "n2:22", ""),
            ("n[:3]:22", "n2", "n[0:1]:22 n2:22 n3:22"),
            ("n[1:3]-[a:c].d", "n2-b.d", "n1-[a:c].d n2-a.d n2-b.d n2-c.d n3-[a:c].d"),
            ("n[1:3]-[a:c].d", "n1-a.d", "n1-a.d n1-[b:c].d n[2:3]-[a:c].d"),
            ("n[1:20][1:20]", "n1111", "n[1:10][1:20] n11[1:10] n1111 n11[12:20] n[12:20][1:20]"),
            ("n[1:20][1:20]", "n111", ""),
            ("n[1:3]", "n4", ""),
            ("n[1:3]", "n01", ""),
            ("n[3:1]", "n2", ""),
            ("n[1:x]", "n1", ""),
            ("n1", "n1", ""),
            ("[1:3]", "2", "1 2 3"),
        ] {
            let found = around(pattern, host).map_or_else(String::new, |split| {
                let all: Vec<String> = split.before.into_iter().chain([split.own]).chain(split.after).collect();
                all.join(" ")
            });
            assert_eq!(found, pieces, "{pattern} around {host}");
        }
    }

    #[test]
    fn every_piece_keeps_what_stands_beside_the_pattern() {
        let text = "[a]\n  n[1:3]\tx='1 2'  # c\nz";
        let mut inventory = Inventory::parse(text);
        let cut = inventory.split_at(1, "n3").expect("it can be cut");
        inventory.splice(vec![cut]);
        assert_eq!(inventory.text(), "[a]\n  n[1:2]\tx='1 2'  # c\n  n3\tx='1 2'  # c\nz");
        for (text, line) in [("[a]\n'n[1:3]' x=1\n", 1), ("[a]\nn1\n", 1), ("[a]\n# n\n", 1), ("[a]\n", 7)] {
            assert_eq!(Inventory::parse(text).split_at(line, "n1"), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn hosts_and_their_order_stay(
            rows in proptest::collection::vec((0..30_u64, 0..12_u64, 1..4_u64, 0..3_usize), 1..4),
            pick in any::<proptest::sample::Index>(),
        ) {
            let bracket = |&(first, more, step, pad): &(u64, u64, u64, usize)| {
                let last = first + more;
                let width = if pad > 0 { last.to_string().len() + pad } else { 0 };
                format!("-[{first:0width$}:{last:0width$}:{step}]")
            };
            let pattern: String = rows.iter().map(bracket).collect();
            let all = names(&pattern).expect("names");
            prop_assert_eq!(count(&pattern), Some(all.len() as u64));
            let host = pick.get(&all);
            let split = around(&pattern, host).expect("a split");
            let pieces: Vec<&String> = split.before.iter().chain([&split.own]).chain(&split.after).collect();
            prop_assert_eq!(pieces.iter().flat_map(|piece| names(piece).unwrap_or_else(|| vec![(*piece).clone()])).collect::<Vec<_>>(), all.clone());
            prop_assert!(pieces.len() <= 1 + 2 * rows.len());
        }

        #[test]
        fn no_pattern_panics(pattern in "[n1-9a\\[\\]:é]{0,14}", host in "[n1-9aé]{0,6}") {
            let _ = around(&pattern, &host);
        }
    }
}
