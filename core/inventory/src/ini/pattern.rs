//! Host patterns: a name, a name with a port, or a range such as `gluster[1:3].demo`.

use std::collections::BTreeSet;

/// The first word of a host line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    text: String,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Name(String),
    Range(Vec<Piece>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Letters { first: char, last: char, step: u64 },
    Numbers { first: u64, last: u64, step: u64, width: Option<usize> },
}

impl HostPattern {
    /// Reads a pattern; `None` if its brackets make neither a range nor an IPv6 address.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bare = without_port(text);
        let form = if let Some(address) = bracketed_address(bare) {
            Form::Name(address.to_owned())
        } else if bare.contains(['[', ']']) {
            Form::Range(pieces(bare)?)
        } else if bare.is_empty() {
            return None;
        } else {
            Form::Name(bare.to_owned())
        };
        Some(Self { text: text.to_owned(), form })
    }

    /// The pattern as it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The one host it names, without a port; `None` for a range.
    pub fn name(&self) -> Option<&str> {
        match &self.form {
            Form::Name(name) => Some(name),
            Form::Range(_) => None,
        }
    }

    /// The port after the name, if there is one.
    pub fn port(&self) -> Option<&str> {
        self.text.get(without_port(&self.text).len() + 1..)
    }

    /// Whether it names several hosts by a range.
    pub(crate) fn is_range(&self) -> bool {
        matches!(self.form, Form::Range(_))
    }

    /// Whether it names this host, alone or within a range.
    pub fn names(&self, host: &str) -> bool {
        match &self.form {
            Form::Name(name) => name == host,
            Form::Range(pieces) => matches(pieces, host),
        }
    }
}

/// `name:22` and `[::1]:22` lose their port; a bare IPv6 address has none.
fn without_port(text: &str) -> &str {
    match text.rsplit_once(':') {
        Some((name, port))
            if !port.is_empty()
                && port.bytes().all(|b| b.is_ascii_digit())
                && name.matches('[').count() == name.matches(']').count()
                && (!outside_brackets(name).contains(':')) =>
        {
            name
        }
        _ => text,
    }
}

fn outside_brackets(text: &str) -> String {
    let mut depth = 0_usize;
    text.chars()
        .filter(|c| {
            match c {
                '[' => depth += 1,
                ']' => depth = depth.saturating_sub(1),
                _ => return depth == 0,
            }
            false
        })
        .collect()
}

fn bracketed_address(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let hex = inner.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
    (hex && inner.matches(':').count() >= 2 && (inner.contains("::") || inner.matches(':').count() == 7))
        .then_some(inner)
}

fn pieces(mut rest: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    while let Some((head, tail)) = rest.split_once('[') {
        let (range, tail) = tail.split_once(']')?;
        if head.contains(']') {
            return None;
        }
        pieces.push(Piece::Text(head.to_owned()));
        pieces.push(range_piece(range)?);
        rest = tail;
    }
    if rest.contains(']') {
        return None;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    Some(pieces)
}

fn range_piece(range: &str) -> Option<Piece> {
    let mut bounds = range.split(':');
    let (first, last) = (bounds.next()?, bounds.next()?);
    let step = bounds.next().map_or(Some(1), |step| step.parse().ok()).filter(|step| *step > 0)?;
    if bounds.next().is_some() {
        return None;
    }
    let letter = |text: &str| {
        let mut chars = text.chars();
        chars.next().filter(|c| c.is_ascii_alphabetic() && chars.next().is_none())
    };
    if let (Some(first), Some(last)) = (letter(first), letter(last)) {
        return (first <= last).then_some(Piece::Letters { first, last, step });
    }
    let first = if first.is_empty() { "0" } else { first };
    if !first.bytes().chain(last.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let width = (first.len() > 1 && first.starts_with('0')).then_some(first.len());
    if width.is_some_and(|width| width != last.len()) {
        return None;
    }
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(Piece::Numbers { first, last, step, width })
}

/// Follows all readings of the host side by side, so that the work stays bounded for any pattern.
fn matches(pieces: &[Piece], host: &str) -> bool {
    let mut places = BTreeSet::from([0_usize]);
    for piece in pieces {
        let mut next = BTreeSet::new();
        for place in places {
            let rest = host.get(place..).unwrap_or_default();
            match piece {
                Piece::Text(text) => {
                    if rest.starts_with(text.as_str()) {
                        next.insert(place + text.len());
                    }
                }
                Piece::Letters { first, last, step } => {
                    let found = rest.chars().next().filter(|c| first <= c && c <= last);
                    if found.is_some_and(|c| (u64::from(c) - u64::from(*first)) % step == 0) {
                        next.insert(place + 1);
                    }
                }
                Piece::Numbers { first, last, step, width } => {
                    let digits = rest.bytes().take_while(u8::is_ascii_digit).count().min(20);
                    for length in 1..=digits {
                        let text = rest.get(..length).unwrap_or_default();
                        let padded = length > 1 && text.starts_with('0');
                        let fits = width.map_or(!padded, |width| width == length);
                        let value = text.parse::<u64>().ok().filter(|value| first <= value && value <= last);
                        if fits && value.is_some_and(|value| (value - first) % step == 0) {
                            next.insert(place + length);
                        }
                    }
                }
            }
        }
        places = next;
    }
    places.contains(&host.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> HostPattern {
        HostPattern::parse(text).expect("a pattern")
    }

    #[test]
    fn names_and_ports() {
        for (text, name) in
            [("a.demo", "a.demo"), ("a.demo:2222", "a.demo"), ("[::1]:22", "::1"), ("fe80::1", "fe80::1")]
        {
            assert_eq!(pattern(text).name(), Some(name), "{text}");
        }
    }

    #[test]
    fn ranges_name_their_hosts_and_no_others() {
        for (text, inside, outside) in [
            ("gluster[1:3].demo", "gluster2.demo", "gluster4.demo"),
            ("n[01:10]", "n07", "n7"),
            ("n[a:c]-[1:9:2]", "n\u{62}-3", "nb-4"),
            ("n[1:20][1:20]", "n1111", "n0"),
            ("n[:2]:22", "n0", "n3"),
        ] {
            let pattern = pattern(text);
            assert!(pattern.is_range(), "{text}");
            assert!(pattern.names(inside), "{text}");
            assert!(!pattern.names(outside), "{text}");
        }
        for text in ["n[1", "n]1[", "n[x]", "n[3:1]", "n[1:2:0]", "[nodes", "n[01:100]"] {
            assert_eq!(HostPattern::parse(text), None, "{text}");
        }
    }
}
