//! A three-way merge by lines: takes back one edit while later edits of other lines stay.

use crate::ini::text::{ends_line, line_spans};
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Two sides changed the same place. Lines count from 1; texts are without line ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {theirs_line}: the file has {}, but taking the edit back needs {} there; put the line right by hand, then retry",
    shown(.theirs), shown(.ours)
)]
pub struct Conflict {
    /// The line of the base; for lines inserted at one place, the line that they precede.
    pub base_line: usize,
    /// The line of `ours`.
    pub ours_line: usize,
    /// The line of `theirs`.
    pub theirs_line: usize,
    /// What `ours` has there; empty if it removed the line.
    pub ours: String,
    /// What `theirs` has there; empty if it removed the line.
    pub theirs: String,
}

fn shown(text: &str) -> String {
    if text.is_empty() { "no such line".to_owned() } else { format!("{text:?}") }
}

/// What one side did to one line of the base.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate<'a> {
    Kept,
    Gone,
    Became(&'a str),
}

/// One side as changes of the base.
struct Side<'a> {
    fates: Vec<Fate<'a>>,
    /// The lines inserted before each line of the base, and at its end.
    inserted: Vec<Vec<&'a str>>,
}

/// Applies to `theirs` what leads from `base` to `ours`.
///
/// To take an edit back, `base` is the text after it, `ours` the text before it, and `theirs` what the file is now.
/// Only the same line changed by both, or different lines inserted at one place, is a conflict; changed lines may be
/// neighbours. A line changed in place is known by its first word, which in an inventory is the host or variable.
///
/// # Errors
/// The first conflict, if there is one.
pub fn merge3(base: &str, ours: &str, theirs: &str) -> Result<String, Conflict> {
    if ours == base || ours == theirs {
        return Ok(theirs.to_owned());
    }
    if theirs == base {
        return Ok(ours.to_owned());
    }
    // Whether the last line has an end is merged apart, else appending a line would change the one before.
    let ending = line_end(base).or(line_end(ours).into_iter().chain(line_end(theirs)).min()).unwrap_or(
        "
",
    );
    let closed = [base, ours, theirs].map(|text| {
        let open = text.chars().next_back().is_some_and(|c| !ends_line(c));
        (if open { format!("{text}{ending}") } else { text.to_owned() }, open)
    });
    let [(base_text, base_open), (ours_text, ours_open), (theirs_text, theirs_open)] = &closed;
    let (base, ours, theirs) = (lines(base_text), lines(ours_text), lines(theirs_text));
    let mut merged = merge_lines(&base, &Side::of(&base, &ours), &Side::of(&base, &theirs))?;
    let open = if ours_open == base_open { theirs_open } else { ours_open };
    if *open {
        let body = merged.strip_suffix("\r\n").or_else(|| merged.strip_suffix(ends_line));
        merged = body.unwrap_or(&merged).to_owned();
    }
    Ok(merged)
}

fn merge_lines(base: &[&str], ours: &Side<'_>, theirs: &Side<'_>) -> Result<String, Conflict> {
    let mut merged = String::new();
    let (mut ours_line, mut theirs_line) = (1, 1);
    // What each side inserted since the last line that both kept: there the order of insertions cannot be told.
    let (mut ours_new, mut theirs_new): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let nothing = Vec::new();
    for at in 0..=base.len() {
        let our_insert = ours.inserted.get(at).unwrap_or(&nothing);
        let their_insert = theirs.inserted.get(at).unwrap_or(&nothing);
        ours_new.extend(our_insert);
        theirs_new.extend(their_insert);
        let same = our_insert == their_insert;
        if !same && !ours_new.is_empty() && !theirs_new.is_empty() {
            return Err(Conflict {
                base_line: at + 1,
                ours_line,
                theirs_line,
                ours: trimmed(&ours_new.concat()),
                theirs: trimmed(&theirs_new.concat()),
            });
        }
        merged.extend(our_insert.iter().copied());
        if !same {
            merged.extend(their_insert.iter().copied());
        }
        ours_line += our_insert.len();
        theirs_line += their_insert.len();
        let (Some(line), Some(our), Some(their)) = (base.get(at), ours.fates.get(at), theirs.fates.get(at)) else {
            continue;
        };
        let fate = match (our, their) {
            (Fate::Kept, fate) | (fate, Fate::Kept) => fate,
            (our, their) if our == their => our,
            (our, their) => {
                let text = |fate: &Fate<'_>| {
                    if let Fate::Became(text) = fate { trimmed(text) } else { String::new() }
                };
                let (ours, theirs) = (text(our), text(their));
                return Err(Conflict { base_line: at + 1, ours_line, theirs_line, ours, theirs });
            }
        };
        match fate {
            Fate::Kept => merged.push_str(line),
            Fate::Became(new) => merged.push_str(new),
            Fate::Gone => {}
        }
        if *fate != Fate::Gone {
            ours_new.clear();
            theirs_new.clear();
        }
        ours_line += usize::from(*our != Fate::Gone);
        theirs_line += usize::from(*their != Fate::Gone);
    }
    Ok(merged)
}

impl<'a> Side<'a> {
    fn of(base: &[&'a str], new: &[&'a str]) -> Self {
        let mut side = Self { fates: Vec::new(), inserted: vec![Vec::new()] };
        for op in capture_diff_slices(Algorithm::Myers, base, new) {
            if let DiffOp::Equal { len, .. } = op {
                side.settle(len, Fate::Kept);
                continue;
            }
            let (old_range, new_range) = (op.old_range(), op.new_range());
            let old = base.get(old_range).unwrap_or_default();
            let new = new.get(new_range).unwrap_or_default();
            side.replace(old, new);
        }
        side
    }

    /// Pairs the lines of a changed block: by their first word; else, between these pairs, one by one if as many.
    fn replace(&mut self, old: &[&'a str], new: &[&'a str]) {
        let keys = |lines: &[&'a str]| -> Vec<&'a str> { lines.iter().map(|line| key(line)).collect() };
        for op in capture_diff_slices(Algorithm::Myers, &keys(old), &keys(new)) {
            let (old_range, new_range) = (op.old_range(), op.new_range());
            let old = old.get(old_range).unwrap_or_default();
            let new = new.get(new_range).unwrap_or_default();
            if old.len() == new.len() {
                for (old, new) in old.iter().zip(new) {
                    self.settle(1, if old == new { Fate::Kept } else { Fate::Became(new) });
                }
            } else {
                if let Some(last) = self.inserted.last_mut() {
                    last.extend(new);
                }
                self.settle(old.len(), Fate::Gone);
            }
        }
    }

    fn settle(&mut self, count: usize, fate: Fate<'a>) {
        for _ in 0..count {
            self.fates.push(fate);
            self.inserted.push(Vec::new());
        }
    }
}

fn lines(text: &str) -> Vec<&str> {
    line_spans(text).iter().map(|span| span.of(text)).collect()
}

fn line_end(text: &str) -> Option<&'static str> {
    text.find('\n').map(|at| if text.get(..at).is_some_and(|line| line.ends_with('\r')) { "\r\n" } else { "\n" })
}

fn trimmed(text: &str) -> String {
    text.trim_end_matches(ends_line).to_owned()
}

/// The first word: the host of a host line, the name of a variable.
fn key(line: &str) -> &str {
    let line = line.trim_start();
    line.find(|c: char| c.is_whitespace() || c == '=').and_then(|end| line.get(..end)).unwrap_or(line)
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
