//! Names of hosts with ports and ranges, expanded as Ansible expands them.

use crate::model::error::{Wrong, shown};
use std::collections::VecDeque;

/// One line names no more hosts than this: Ansible would go on until memory ends.
pub(crate) const MOST_HOSTS: usize = 100_000;

/// The hosts that a pattern names, and the port behind it.
pub(crate) fn expand(pattern: &str, line: usize) -> Result<(Vec<String>, Option<String>), Wrong> {
    let (name, port) = split_port(pattern).unwrap_or((pattern, None));
    if !name.contains('[') {
        return Ok((vec![name.to_owned()], port));
    }
    Ok((ranges(name, line)?, port))
}

/// Whether a name is one that the network knows: a name, an address, with or without ranges.
pub(crate) fn is_address(name: &str) -> bool {
    is_ipv4(name) || is_ipv6(name) || is_hostname(name)
}

/// The name and its port; none if what is left is no name that the network knows.
pub(crate) fn split_port(pattern: &str) -> Option<(&str, Option<String>)> {
    let (mut name, mut port) = (pattern, None);
    if let Some((inner, digits)) = pattern.rsplit_once("]:").filter(|(_, digits)| is_digits(digits))
        && let Some(inner) = inner.strip_prefix('[').filter(|inner| !inner.is_empty())
    {
        (name, port) = (inner, Some(digits));
    }
    // What was in brackets may have a port, too, and that one counts.
    if let Some((inner, digits)) = name.rsplit_once(':').filter(|(inner, digits)| is_digits(digits) && no_colon(inner))
    {
        (name, port) = (inner, Some(digits));
    }
    let port = port.map(|digits| digits.trim_start_matches('0')).filter(|digits| !digits.is_empty()).map(str::to_owned);
    is_address(name).then_some((name, port))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether colons are in whole brackets only.
fn no_colon(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find([':', '[', ']']) {
        let Some(inner) = rest.get(at..).and_then(|rest| rest.strip_prefix('[')) else { return false };
        let Some((_, after)) = inner.split_once(']') else { return false };
        rest = after;
    }
    true
}

/// `[1:3]` or `[1:9:2]` whose bounds are of this kind, and the rest behind it.
fn after_range(text: &str, fits: fn(&str, &str) -> bool) -> Option<&str> {
    let (inner, rest) = text.strip_prefix('[')?.split_once(']')?;
    let mut parts = inner.split(':');
    let (first, last) = (parts.next()?, parts.next()?);
    let step = parts.next().is_none_or(is_digits);
    (step && parts.next().is_none() && fits(first, last)).then_some(rest)
}

fn numbers(first: &str, last: &str) -> bool {
    is_digits(first) && is_digits(last)
}

fn hex_numbers(first: &str, last: &str) -> bool {
    let hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex(first) && hex(last)
}

fn letters_or_numbers(first: &str, last: &str) -> bool {
    let letter = |text: &str| text.len() == 1 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    numbers(first, last) || (letter(first) && letter(last))
}

fn is_hostname(name: &str) -> bool {
    let mut rest = name;
    // At the begin of a label, and whether it may end here.
    let (mut begin, mut ends) = (true, false);
    while let Some(c) = rest.chars().next() {
        if c == '[' {
            let Some(after) = after_range(rest, letters_or_numbers) else { return false };
            rest = after;
            (begin, ends) = (false, true);
            continue;
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '.' if ends => (begin, ends) = (true, false),
            '-' if !begin => ends = false,
            '_' => (begin, ends) = (false, false),
            _ if c.is_alphanumeric() => (begin, ends) = (false, true),
            _ => return false,
        }
    }
    ends
}

fn is_ipv4(name: &str) -> bool {
    let mut parts = 0;
    let mut rest = name;
    loop {
        if rest.starts_with('[') {
            let Some(after) = after_range(rest, numbers) else { return false };
            rest = after;
        } else {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (digits, after) = rest.split_at_checked(end).unwrap_or_default();
            if !(1..=3).contains(&digits.len()) || digits.parse::<u16>().is_ok_and(|number| number > 255) {
                return false;
            }
            rest = after;
        }
        parts += 1;
        match rest.strip_prefix('.') {
            Some(after) => rest = after,
            None => return parts == 4 && rest.is_empty(),
        }
    }
}

/// The forms of RFC 4291, with ranges for parts, and four dotted parts at the end.
fn is_ipv6(name: &str) -> bool {
    let part = |text: &str| {
        (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
            || after_range(text, hex_numbers) == Some("")
    };
    let Some(tokens) = colon_parts(name) else { return false };
    let dotted = |text: &str| text.split('.').count() == 4 && text.split('.').all(part);
    let parts: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let lower = name.to_ascii_lowercase();
    match parts.as_slice() {
        [zeros @ .., last] if dotted(last) => {
            let head = lower.get(..lower.len() - last.len()).unwrap_or_default();
            let _ = zeros;
            matches!(head, "0:0:0:0:0:0:" | "::" | "::ffff:" | "0:0:0:0:0:ffff:")
        }
        all if all.len() == 8 && all.iter().all(|text| part(text)) => true,
        all => {
            let Some(gap) = all.iter().position(|text| text.is_empty()) else { return false };
            // `::` at an end leaves two empty parts there.
            let (left, right) = if gap == 0 {
                if all.get(1) != Some(&"") {
                    return false;
                }
                (&all[..0], all.get(2..).unwrap_or_default())
            } else {
                (all.get(..gap).unwrap_or_default(), all.get(gap + 1..).unwrap_or_default())
            };
            let right = if right == [""] { &[] } else { right };
            let known = left.iter().chain(right).all(|text| part(text));
            known && left.len() <= 6 && right.len() <= 6 && left.len() + right.len() <= 7
        }
    }
}

/// Split at colons that are not in brackets.
fn colon_parts(text: &str) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut open = false;
    for c in text.chars() {
        match c {
            '[' if !open => open = true,
            ']' if open => open = false,
            '[' | ']' => return None,
            ':' if !open => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut()?.push(c);
    }
    (!open).then_some(parts)
}

/// Every host of a name with ranges, the first range being the slowest to change.
fn ranges(name: &str, line: usize) -> Result<Vec<String>, Wrong> {
    let mut hosts = Vec::new();
    let mut waiting = VecDeque::from([name.to_owned()]);
    let mut made = 0_usize;
    while let Some(name) = waiting.pop_front() {
        if !name.contains('[') {
            hosts.push(name);
            continue;
        }
        let names = first_range(&name, MOST_HOSTS.saturating_sub(made), line)?;
        made += names.len();
        for name in names.into_iter().rev() {
            waiting.push_front(name);
        }
    }
    Ok(hosts)
}

const RANGE: &str = "write a range as [1:9], [01:10], [a:f] or [1:9:2]";

/// The names that the first brackets of a name stand for.
fn first_range(name: &str, room: usize, line: usize) -> Result<Vec<String>, Wrong> {
    let wrong = |why: &str| Wrong::new(line, format!("the range in `{}` {why}", shown(name)), RANGE);
    let marked = name.replacen('[', "|", 1).replacen(']', "|", 1);
    let parts: Vec<&str> = marked.split('|').collect();
    let [head, range, tail] = parts.as_slice() else {
        return Err(wrong("has no end, or there is a | in the name"));
    };
    let bounds: Vec<&str> = range.split(':').collect();
    let (first, last, step) = match bounds.as_slice() {
        [first, last] => (*first, *last, "1"),
        [first, last, step] => (*first, *last, *step),
        _ => return Err(wrong("has not two or three parts")),
    };
    let first = if first.is_empty() { "0" } else { first };
    if last.is_empty() {
        return Err(wrong("has no end"));
    }
    let width = if first.starts_with('0') && first.chars().count() > 1 { first.chars().count() } else { 0 };
    if width > 0 && last.chars().count() != width {
        return Err(wrong("has ends of different length, though the first begins with 0"));
    }
    let step = whole(step);
    let letters: String = ('a'..='z').chain('A'..='Z').collect();
    let names = |items: &mut dyn Iterator<Item = String>| -> Result<Vec<String>, Wrong> {
        let made: Vec<String> = items.take(room + 1).map(|item| format!("{head}{item:0>width$}{tail}")).collect();
        if made.len() > room { Err(wrong(&format!("names more than {MOST_HOSTS} hosts"))) } else { Ok(made) }
    };
    if let (Some(from), Some(to)) = (letters.find(first), letters.find(last)) {
        if from > to {
            return Err(wrong("begins behind its end"));
        }
        return match step {
            Some(step) if step > 0 => {
                let step = usize::try_from(step).unwrap_or(usize::MAX);
                let chosen = letters.get(from..=to).unwrap_or_default().chars().step_by(step);
                names(&mut chosen.map(String::from))
            }
            // Python goes backwards from one end to the other: the way is empty, unless both are one.
            Some(step) if step < 0 => Ok(Vec::new()),
            _ => Err(wrong("has a step that is no number")),
        };
    }
    let (Some(from), Some(to), Some(step)) = (whole(first), whole(last), step) else {
        return Err(wrong("has ends that are neither letters nor numbers"));
    };
    if step == 0 {
        return Err(wrong("has a step of 0"));
    }
    let end = to + 1;
    let mut next = from;
    let mut numbers = std::iter::from_fn(|| {
        let inside = if step > 0 { next < end } else { next > end };
        let number = next;
        next += step;
        inside.then(|| signed_fill(number, width))
    });
    names(&mut numbers)
}

/// Zeros go behind the sign.
fn signed_fill(number: i128, width: usize) -> String {
    if number < 0 { format!("-{:0>1$}", number.unsigned_abs(), width.saturating_sub(1)) } else { number.to_string() }
}

/// A whole number as `int` reads it, if it is of any use in a range.
fn whole(text: &str) -> Option<i128> {
    let text = text.trim_matches(is_space);
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let good = digits.split('_').all(is_digits);
    let number: i128 = good.then(|| text.replace('_', "").parse().ok()).flatten()?;
    (number.unsigned_abs() < 1 << 100).then_some(number)
}

/// What Python strips.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ports() {
        for (pattern, name, port) in [
            ("a.demo", "a.demo", None),
            ("a.demo:2222", "a.demo", Some("2222")),
            ("a:0", "a", None),
            ("a:022", "a", Some("22")),
            ("10.0.0.1:22", "10.0.0.1", Some("22")),
            ("fe80::1", "fe80::1", None),
            ("[fe80::1]:22", "fe80::1", Some("22")),
            ("[::1]:22", "::1", Some("22")),
            ("[a.demo]:22", "a.demo", Some("22")),
            ("[a:1]:22", "a", Some("1")),
            ("a..b:22", "a..b:22", None),
            ("a_:22", "a_:22", None),
            ("-a:22", "-a:22", None),
            ("ü:22", "ü", Some("22")),
            ("::ffff:1.2.3.4", "::ffff:1.2.3.4", None),
        ] {
            assert_eq!(expand(pattern, 1), Ok((vec![name.to_owned()], port.map(str::to_owned))), "{pattern}");
        }
        for (address, fits) in [
            ("::", true),
            ("1::", true),
            ("1:2:3:4:5:6:7:8", true),
            ("1:2:3:4:5:6:7::", false),
            ("1:2:3:4:5:6::", true),
            ("1:2:3:4:5:6::8", true),
            ("1::3::5", false),
            ("1:2", false),
            ("::1:2:3:4:5:6:7", false),
            ("12345::", false),
            (":1", false),
            ("::[1:f]", true),
        ] {
            assert_eq!(is_ipv6(address), fits, "{address}");
        }
    }

    #[test]
    fn ranges_are_expanded() {
        for (pattern, hosts) in [
            ("n[1:3]", "n1 n2 n3"),
            ("n[01:03].demo:22", "n01.demo n02.demo n03.demo"),
            ("n[8:11]", "n8 n9 n10 n11"),
            ("n[a:c]x", "nax nbx ncx"),
            ("n[y:B]", "ny nz nA nB"),
            ("n[1:9:4]", "n1 n5 n9"),
            ("n[:2]", "n0 n1 n2"),
            ("[a:b][1:2]", "a1 a2 b1 b2"),
            ("n[3:1]", ""),
            ("n[-1:1]", "n-1 n0 n1"),
            ("n[a:e:2]", "na nc ne"),
            ("n[1_0:11]", "n10 n11"),
        ] {
            let (found, _) = expand(pattern, 1).expect(pattern);
            assert_eq!(found.join(" "), hosts, "{pattern}");
        }
        for (pattern, why) in [
            ("n[1", "no end"),
            ("n[1:]", "no end"),
            ("n[1]", "two or three"),
            ("n[c:a]", "behind"),
            ("n[01:100]", "different length"),
            ("n[1:3:0]", "step of 0"),
            ("n[a:c:0]", "step"),
            ("n[x:3]", "neither"),
            ("n[1:999999999999]", "more than"),
            ("[1:1000][1:1000][1:1000]", "more than"),
            ("a|b[1:2]", "|"),
        ] {
            let wrong = expand(pattern, 7).expect_err(pattern);
            assert!(wrong.why.contains(why) && wrong.line == Some(7), "{pattern}: {wrong:?}");
        }
    }
}
