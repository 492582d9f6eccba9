//! Words for people: nothing that came from a host, a file or a person reaches the terminal unescaped.

pub(crate) mod hints;
pub(crate) mod lanes;
pub(crate) mod live;
pub(crate) mod markdown;
pub(crate) mod progress;
pub(crate) mod suggest;
pub(crate) mod summary;
pub(crate) mod words;

use palinode_core::id::Micros;
use palinode_core::runbook::Finding;
use palinode_core::shown::is_bidi;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};

/// Escapes what a terminal would act on. Line breaks are escaped too; use [`lines`] for texts of several lines.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_bidi(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// A text of several lines in one, escaped: what others say of an error has lines of its own.
pub(crate) fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    escape(&lines.join(" "))
}

/// The first lines of a text, escaped and indented; says how many it leaves out.
pub(crate) fn lines(text: &str, indent: &str, most: usize) -> String {
    let mut out = String::new();
    let all: Vec<&str> = text.lines().collect();
    for line in all.iter().take(most) {
        let cut: String = line.chars().take(400).collect();
        let _ = writeln!(out, "{indent}{}", escape(&cut));
    }
    if all.len() > most {
        let _ = writeln!(out, "{indent}({} more lines)", all.len() - most);
    }
    out
}

/// Prints to standard error. A terminal that went away does not stop a run.
pub(crate) fn to_stderr(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Prints to standard output. A reader that went away, as `head` does, is no error.
pub(crate) fn to_stdout(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Gives bytes of a host to standard output as they are; a terminal gets them escaped.
pub(crate) fn bytes_to_stdout(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    if out.is_terminal() {
        let text = String::from_utf8_lossy(bytes);
        drop(out);
        text.lines().for_each(|line| to_stdout(&format!("{}\n", escape(line))));
    } else {
        let _ = out.write_all(bytes).and_then(|()| out.flush());
    }
}

/// How many columns the terminal has; 80 where there is none and `COLUMNS` does not say.
pub(crate) fn width() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let own = || rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col));
    told.or_else(own).filter(|columns| *columns >= 20).unwrap_or(80)
}

/// Prints one JSON value to standard output.
pub(crate) fn print_json(value: &serde_json::Value) {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    to_stdout(&text);
}

/// A finding with the line it is about, pointed at.
pub(crate) fn finding(name: &str, source: &str, finding: &Finding) -> String {
    let mut out = String::new();
    if finding.at.line == 0 {
        let _ = writeln!(out, "\n  {}", one_line(&finding.what));
    } else {
        let (line, column) = (finding.at.line as usize, finding.at.column as usize);
        let _ = writeln!(out, "\n  {}:{line}:{column}: {}", escape(name), one_line(&finding.what));
        if let Some(text) = source.lines().nth(line - 1) {
            let shown: String = text.chars().take(160).collect();
            let number = line.to_string();
            let _ = writeln!(out, "    {number} | {}", escape(&shown));
            if column <= 160 {
                let _ = writeln!(out, "    {} | {}^", " ".repeat(number.len()), " ".repeat(column.saturating_sub(1)));
            }
        }
    }
    let _ = writeln!(out, "    next: {}", one_line(&finding.next));
    out
}

/// A time of day in UTC.
pub(crate) fn clock(time: Micros) -> String {
    chrono::DateTime::from_timestamp_micros(time.0)
        .map_or_else(|| "??:??:??".to_owned(), |t| t.format("%H:%M:%S").to_string())
}

/// Date and time in UTC.
pub(crate) fn moment(time: Micros) -> String {
    chrono::DateTime::from_timestamp_micros(time.0)
        .map_or_else(|| "at an unknown time".to_owned(), |t| t.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// A span of time in at most two units.
pub(crate) fn span(span: Micros) -> String {
    let seconds = span.0.max(0) / 1_000_000;
    match seconds {
        0 => format!("{}ms", span.0.max(0) / 1000),
        s if s < 60 => format!("{s}s"),
        s if s < 3600 => format!("{}m {:02}s", s / 60, s % 60),
        s => format!("{}h {:02}m", s / 3600, s % 3600 / 60),
    }
}

/// The first names of a long list, and how many more there are.
pub(crate) fn some(names: &[&str], most: usize) -> String {
    match names.get(..most) {
        Some(first) if names.len() > most + 1 => format!("{} and {} more", first.join(", "), names.len() - most),
        _ => names.join(", "),
    }
}

/// `1 step`, `2 steps`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_terminal_acts_on_passes() {
        let hostile = "a\u{1b}[2Jb\r\n\u{9b}31m\u{202e}c\u{7}";
        let shown = escape(hostile);
        assert!(!shown.chars().any(|c| c.is_control() || is_bidi(c)), "{shown}");
        assert!(!lines(hostile, "  ", 5).chars().any(|c| (c.is_control() && c != '\n') || is_bidi(c)));
        assert_eq!(escape("füße, 日本"), "füße, 日本");
    }

    #[test]
    fn spans_read_well() {
        for (micros, text) in
            [(3_000, "3ms"), (59_000_000, "59s"), (61_000_000, "1m 01s"), (7_500_000_000, "2h 05m"), (-5, "0ms")]
        {
            assert_eq!(span(Micros(micros)), text);
        }
    }
}
