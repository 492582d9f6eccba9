//! Splices that put values into lists and maps and take them out, in brackets or on lines of their own.

use crate::span::Span;
use crate::yaml::tree::{Entry, Kind, Node, Style};

pub(crate) type Splices = Vec<(Span, String)>;

/// A place that cannot be cut cleanly.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoGraft {
    pub(crate) at: usize,
    pub(crate) reason: &'static str,
}

fn no<T>(at: usize, reason: &'static str) -> Result<T, NoGraft> {
    Err(NoGraft { at, reason })
}

/// Gives an entry of a map another value.
pub(crate) fn replace(entry: &Entry, new: &str) -> Result<Splices, NoGraft> {
    let value = &entry.value;
    if matches!(value.kind, Kind::Alias(_)) {
        return no(value.span.start, "the value stands elsewhere, under an anchor");
    }
    if let Kind::Scalar { quote: Some('!' | '|'), .. } = &value.kind {
        return no(value.span.start, "the value has a tag or is a block of text");
    }
    let start = match &value.kind {
        Kind::List { style: Style::Block, .. } | Kind::Map { style: Style::Block, .. } => entry.colon,
        _ if value.is_empty() => entry.colon,
        _ => return Ok(vec![(value.span, new.to_owned())]),
    };
    Ok(vec![(Span::new(start, value.span.end.max(start)), format!(" {new}"))])
}

/// Takes items out of the list that an entry holds.
pub(crate) fn remove_items(text: &str, entry: &Entry, gone: &[usize]) -> Result<Splices, NoGraft> {
    match &entry.value.kind {
        Kind::List { items, style: Style::Flow } => {
            let spans: Vec<Span> = items.iter().map(|item| item.span).collect();
            remove_flow(text, &spans, gone)
        }
        Kind::List { items, style: Style::Block } => {
            let mut splices = Vec::new();
            for item in gone.iter().filter_map(|at| items.get(*at)) {
                splices.push((item_lines(text, item)?, String::new()));
            }
            if gone.len() == items.len() {
                splices.push((Span::new(entry.colon, entry.colon), " []".to_owned()));
            }
            Ok(splices)
        }
        Kind::Alias(_) => no(entry.value.span.start, "the list stands elsewhere, under an anchor"),
        _ => no(entry.value.span.start, "a list is expected there"),
    }
}

/// Takes an entry out of a map.
pub(crate) fn remove_entry(text: &str, map: &Node, gone: usize) -> Result<Splices, NoGraft> {
    let Kind::Map { entries, style } = &map.kind else {
        return no(map.span.start, "a map is expected there");
    };
    if *style == Style::Flow {
        let spans: Vec<Span> = entries.iter().map(span_of).collect();
        return remove_flow(text, &spans, &[gone]);
    }
    let Some(entry) = entries.get(gone) else { return Ok(Vec::new()) };
    match (entry_lines(text, entry), entries.get(gone + 1)) {
        (Ok(lines), _) => Ok(vec![(lines, String::new())]),
        // Behind the dash of a list: the next entry takes its place.
        (Err(_), Some(next)) => Ok(vec![(Span::new(entry.key.span.start, next.key.span.start), String::new())]),
        (Err(error), None) => Err(error),
    }
}

pub(crate) fn span_of(entry: &Entry) -> Span {
    Span::new(entry.key.span.start, entry.value.span.end.max(entry.colon))
}

fn remove_flow(text: &str, spans: &[Span], gone: &[usize]) -> Result<Splices, NoGraft> {
    let mut splices = Vec::new();
    let last_kept = (0..spans.len()).rev().find(|at| !gone.contains(at));
    for (at, span) in spans.iter().enumerate().filter(|(at, _)| gone.contains(at)) {
        let (next, before) = (spans.get(at + 1), at.checked_sub(1).and_then(|at| spans.get(at)));
        let cut = match (last_kept, next, before) {
            (Some(kept), Some(next), _) if kept > at => Span::new(span.start, next.start),
            (Some(_), _, Some(before)) => Span::new(before.end, span.end),
            (_, Some(next), _) => Span::new(span.start, next.start),
            _ => *span,
        };
        let outside = [Span::new(cut.start, span.start), Span::new(span.end, cut.end)];
        if outside.iter().any(|part| part.of(text).contains('#')) {
            return no(span.start, "a comment stands between the brackets there");
        }
        splices.push((cut, String::new()));
    }
    Ok(splices)
}

/// Adds items, each written already, at the end of a list.
pub(crate) fn add_items(text: &str, list: &Node, new: &[String], eol: &str) -> Result<Splices, NoGraft> {
    match &list.kind {
        Kind::List { items, style: Style::Flow } => Ok(match items.last() {
            Some(last) => vec![(Span::new(last.span.end, last.span.end), format!(", {}", new.join(", ")))],
            None => vec![(Span::new(list.span.start + 1, list.span.start + 1), new.join(", "))],
        }),
        Kind::List { items, style: Style::Block } => {
            let Some(last) = items.last() else { return no(list.span.start, "the list has no items") };
            let lines = item_lines(text, last)?;
            let dash = Span::new(lines.start, last.span.start).of(text);
            let head: String = dash.chars().take_while(|c| *c == ' ').collect();
            let lines_text = new.iter().map(|item| format!("{head}- {item}")).collect::<Vec<_>>();
            Ok(vec![below(text, lines.end, &lines_text.join(eol), eol)])
        }
        Kind::Alias(_) => no(list.span.start, "the list stands elsewhere, under an anchor"),
        _ => no(list.span.start, "a list is expected there"),
    }
}

/// Adds an entry, written already, to the map that an entry holds, or at the top of a document.
pub(crate) fn add_entry(
    text: &str,
    (above, map): (Option<&Entry>, &Node),
    before: Option<usize>,
    line: &str,
    eol: &str,
) -> Result<Splices, NoGraft> {
    match &map.kind {
        Kind::Map { entries, style: Style::Flow } => {
            let at = before.and_then(|at| entries.get(at));
            Ok(match (at, entries.last()) {
                (Some(next), _) => {
                    let at = next.key.span.start;
                    vec![(Span::new(at, at), format!("{line}, "))]
                }
                (None, Some(last)) => {
                    let at = span_of(last).end;
                    vec![(Span::new(at, at), format!(", {line}"))]
                }
                (None, None) => vec![(Span::new(map.span.start + 1, map.span.start + 1), line.to_owned())],
            })
        }
        Kind::Map { entries, style: Style::Block } => {
            let Some(first) = entries.first() else { return no(map.span.start, "the map has no entries") };
            let indent = " ".repeat(column(text, first.key.span.start));
            let body = indented(line, &indent, eol);
            if let Some(next) = before.and_then(|at| entries.get(at)) {
                let at = entry_lines(text, next)?.start;
                return Ok(vec![(Span::new(at, at), format!("{body}{eol}"))]);
            }
            let end = entries.last().map_or(map.span.end, |last| span_of(last).end);
            Ok(vec![below(text, line_end(text, end), &body, eol)])
        }
        _ if map.is_empty() => {
            let Some(above) = above else { return no(map.span.start, "there is nothing to add to") };
            let indent = " ".repeat(column(text, above.key.span.start) + 2);
            Ok(vec![below(text, line_end(text, above.colon), &indented(line, &indent, eol), eol)])
        }
        Kind::Scalar { quote: None, value } if value == "None" => {
            let Some(above) = above else { return no(map.span.start, "there is nothing to add to") };
            Ok(vec![(Span::new(above.colon, map.span.end), format!(" {{{line}}}"))])
        }
        Kind::Alias(_) => no(map.span.start, "the map stands elsewhere, under an anchor"),
        _ => no(map.span.start, "a map is expected there"),
    }
}

/// Lines further to the right; those with nothing on them stay so.
pub(crate) fn indented(lines: &str, indent: &str, eol: &str) -> String {
    let right = |line: &str| if line.is_empty() { String::new() } else { format!("{indent}{line}") };
    let lines: Vec<String> = lines.split(eol).map(right).collect();
    lines.join(eol)
}

/// A line more after the one that ends here; the last line of a file may lack its end, and the new one then does.
fn below(text: &str, at: usize, line: &str, eol: &str) -> (Span, String) {
    let open = at == text.len() && !text.is_empty() && !text.ends_with('\n');
    (Span::new(at, at), if open { format!("{eol}{line}") } else { format!("{line}{eol}") })
}

/// The lines of an item, from before its dash.
pub(crate) fn item_lines(text: &str, item: &Node) -> Result<Span, NoGraft> {
    let start = line_start(text, item.span.start);
    let head = Span::new(start, item.span.start).of(text);
    if head.trim() != "-" || matches!(item.kind, Kind::Alias(_)) && item.is_empty() {
        return no(item.span.start, "the item is not on lines of its own");
    }
    Ok(Span::new(start, line_end(text, item.span.end)))
}

/// The lines of an entry.
pub(crate) fn entry_lines(text: &str, entry: &Entry) -> Result<Span, NoGraft> {
    let start = line_start(text, entry.key.span.start);
    if !Span::new(start, entry.key.span.start).of(text).trim().is_empty() {
        return no(entry.key.span.start, "the key is not on a line of its own");
    }
    Ok(Span::new(start, line_end(text, span_of(entry).end)))
}

/// Where the line of a byte begins.
pub(crate) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|head| head.rfind('\n')).map_or(0, |found| found + 1)
}

/// After the line end that follows; a place right behind one is taken for it, if something stands before.
pub(crate) fn line_end(text: &str, at: usize) -> usize {
    if at > 0 && text.as_bytes().get(at - 1) == Some(&b'\n') {
        return at;
    }
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |found| at + found + 1)
}

/// How far a byte is from the begin of its line, in characters.
pub(crate) fn column(text: &str, at: usize) -> usize {
    Span::new(line_start(text, at), at).of(text).chars().count()
}
