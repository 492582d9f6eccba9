//! Splices that put values into lists and maps and take them out, in brackets or on lines of their own.

use crate::model::value::Value;
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
pub(crate) fn replace(text: &str, entry: &Entry, new: &str) -> Result<Splices, NoGraft> {
    let value = &entry.value;
    if matches!(value.kind, Kind::Alias(_)) {
        return no(value.span.start, "the value stands elsewhere, under an anchor");
    }
    if let Kind::Scalar { quote: Some('!' | '|'), .. } = &value.kind {
        return no(value.span.start, "the value has a tag or is a block of text");
    }
    let start = match &value.kind {
        Kind::List { style: Style::Block, .. } | Kind::Map { style: Style::Block, .. } => entry.colon,
        // In brackets a key may stand without a colon; on a line of its own it is behind a question mark then.
        _ if value.is_empty() && !has_colon(text, entry) => {
            let line = Span::new(line_start(text, entry.key.span.start), entry.key.span.start).of(text);
            if line.trim() == "?" {
                return no(entry.key.span.start, "the key has no colon");
            }
            let at = entry.key.span.end;
            return Ok(vec![(Span::new(at, at), format!(": {new}"))]);
        }
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
        let whole = |entry: &Entry| Span::new(entry.key.span.start, flow_end(text, entry));
        let spans: Vec<Span> = entries.iter().map(whole).collect();
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

/// Whether a colon stands behind the key.
pub(crate) fn has_colon(text: &str, entry: &Entry) -> bool {
    entry.colon > entry.key.span.end && text.as_bytes().get(entry.colon - 1) == Some(&b':')
}

/// Where an entry in brackets ends, so that what follows cannot become a part of it: `{h: }` needs its blank.
fn flow_end(text: &str, entry: &Entry) -> usize {
    let end = span_of(entry).end;
    let blank = entry.value.is_empty() && text.as_bytes().get(end) == Some(&b' ');
    end + usize::from(blank)
}

/// An entry as it may stand in brackets.
fn in_flow(line: &str) -> String {
    if line.ends_with(':') { format!("{line} ") } else { line.to_owned() }
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

/// A map that gets an entry: what holds it, and whether that stands in brackets.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    /// The entry whose value it is; none at the top of a document.
    pub(crate) above: Option<&'a Entry>,
    pub(crate) map: &'a Node,
    pub(crate) brackets: bool,
}

impl Target<'_> {
    /// Whether what is added goes into brackets, and so onto one line.
    pub(crate) fn is_flow(&self) -> bool {
        self.brackets || matches!(self.map.kind, Kind::Map { style: Style::Flow, .. })
    }
}

/// Adds an entry, written already, to a map, or to the nothing that stands where a map may.
pub(crate) fn add_entry(
    text: &str,
    target: Target<'_>,
    before: Option<usize>,
    line: &str,
    eol: &str,
) -> Result<Splices, NoGraft> {
    let map = target.map;
    if target.is_flow() && line.contains(['\n', '#']) {
        return no(map.span.start, "the entry does not fit into brackets");
    }
    match &map.kind {
        Kind::Map { entries, style: Style::Flow } => {
            let at = before.and_then(|at| entries.get(at));
            Ok(match (at, entries.last()) {
                (Some(next), _) => {
                    let at = next.key.span.start;
                    vec![(Span::new(at, at), format!("{}, ", in_flow(line)))]
                }
                (None, Some(last)) => {
                    let at = flow_end(text, last);
                    // A plain key that ends with its colon needs a blank before the comma.
                    let open = last.value.is_empty() && has_colon(text, last) && at == span_of(last).end;
                    vec![(Span::new(at, at), format!("{}, {}", if open { " " } else { "" }, in_flow(line)))]
                }
                (None, None) => vec![(Span::new(map.span.start + 1, map.span.start + 1), in_flow(line))],
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
        Kind::Alias(_) => no(map.span.start, "the map stands elsewhere, under an anchor"),
        Kind::Scalar { quote: None, typed: Value::Null, .. } => instead_of_nothing(text, target, line, eol),
        Kind::Scalar { .. } | Kind::List { .. } => no(map.span.start, "a map is expected there"),
    }
}

/// Puts an entry where nothing is written, or `null`.
fn instead_of_nothing(text: &str, target: Target<'_>, line: &str, eol: &str) -> Result<Splices, NoGraft> {
    let map = target.map;
    let Some(above) = target.above else {
        // At the top of a document, on a line of its own.
        let alone = line_start(text, map.span.start) == map.span.start;
        return match alone {
            true if map.is_empty() => Ok(vec![(map.span, format!("{line}{eol}"))]),
            true => Ok(vec![(map.span, line.to_owned())]),
            false => no(map.span.start, "there is nothing to add to"),
        };
    };
    if !has_colon(text, above) {
        if !target.brackets {
            return no(above.key.span.start, "the key has no colon");
        }
        let at = above.key.span.end;
        return Ok(vec![(Span::new(at, at), format!(": {{{}}}", in_flow(line)))]);
    }
    if target.brackets || (!map.is_empty() && !line.contains(['\n', '#'])) {
        return Ok(vec![(Span::new(above.colon, map.span.end.max(above.colon)), format!(" {{{}}}", in_flow(line)))]);
    }
    let indent = " ".repeat(column(text, above.key.span.start) + 2);
    let mut splices = vec![below(text, line_end(text, above.colon), &indented(line, &indent, eol), eol)];
    if !map.is_empty() {
        splices.push((Span::new(above.colon, map.span.end), String::new()));
    }
    Ok(splices)
}

/// An entry below keys that are new too, in brackets or on lines.
pub(crate) fn nested(keys: &[&str], entry: &str, flow: bool, eol: &str) -> String {
    keys.iter().rev().fold(entry.to_owned(), |inner, key| {
        if flow {
            format!("{key}: {{{}}}", in_flow(&inner))
        } else {
            format!("{key}:{eol}{}", indented(&inner, "  ", eol))
        }
    })
}

/// Whether a byte stands in brackets.
pub(crate) fn is_in_brackets(root: &Node, at: usize) -> bool {
    let mut node = root;
    loop {
        let holds = |node: &&Node| node.span.start <= at && at <= node.span.end;
        let inner = match &node.kind {
            Kind::List { style: Style::Flow, .. } | Kind::Map { style: Style::Flow, .. } => return true,
            Kind::List { items, .. } => items.iter().find(holds),
            // The key and its colon are a part of the map that holds them.
            Kind::Map { entries, .. } => entries.iter().map(|entry| &entry.value).find(holds),
            Kind::Scalar { .. } | Kind::Alias(_) => None,
        };
        match inner {
            Some(inner) => node = inner,
            None => return false,
        }
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
