//! Renders a page of `cli/docs` for a terminal: headings, paragraphs, lists, code blocks and tables.
//!
//! It knows what those pages use, not all of Markdown. A page is text of this program, so nothing in it is hostile.

use std::fmt::Write as _;

/// The widest that running text gets, on a terminal of any width. Tables may be wider.
const TEXT_WIDTH: usize = 100;
/// Columns between two columns of a table.
const GAP: usize = 2;

/// A page in lines of at most `width` columns. Code keeps its lines. `styled` adds bold, for terminals only.
pub(crate) fn render(page: &str, width: usize, styled: bool) -> String {
    let mut out = String::new();
    let text_width = width.min(TEXT_WIDTH);
    for block in blocks(page) {
        if !out.is_empty() && !block.is_tight() {
            out.push('\n');
        }
        match block {
            Block::Heading { level, text } => heading(&mut out, level, &text, styled),
            Block::Paragraph { indent, text } => {
                let indent = " ".repeat(indent);
                wrap(&mut out, &inline(&text), &indent, &indent, text_width, styled);
            }
            Block::Item { indent, marker, text, .. } => {
                let first = format!("{}{marker} ", " ".repeat(indent));
                wrap(&mut out, &inline(&text), &first, &" ".repeat(first.len()), text_width, styled);
            }
            Block::Code(lines) => {
                for line in lines {
                    let _ = writeln!(out, "{}", format!("    {line}").trim_end());
                }
            }
            Block::Table(rows) => table(&mut out, &rows, width, styled),
        }
    }
    out
}

/// What a page is made of.
#[derive(Debug, PartialEq, Eq)]
enum Block {
    Heading {
        level: usize,
        text: String,
    },
    Paragraph {
        indent: usize,
        text: String,
    },
    /// `tight`: it follows another item without an empty line.
    Item {
        indent: usize,
        marker: String,
        text: String,
        tight: bool,
    },
    Code(Vec<String>),
    Table(Vec<Vec<String>>),
}

impl Block {
    fn is_tight(&self) -> bool {
        matches!(self, Self::Item { tight: true, .. })
    }
}

fn blocks(page: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut lines = page.lines().peekable();
    // Whether the next line of text goes on with the last block.
    let mut open = false;
    while let Some(line) = lines.next() {
        let text = line.trim();
        let indent = line.len() - line.trim_start().len();
        if text.starts_with("```") {
            let code = lines.by_ref().take_while(|line| !line.trim().starts_with("```"));
            found.push(Block::Code(code.map(|line| line.get(indent..).unwrap_or_default().to_owned()).collect()));
            open = false;
        } else if text.starts_with("<!--") {
            let mut last = text;
            while !last.contains("-->") {
                let Some(line) = lines.next() else { break };
                last = line;
            }
            open = false;
        } else if text.is_empty() || text.chars().all(|c| c == '-') {
            open = false;
        } else if let Some((level, title)) = as_heading(text) {
            found.push(Block::Heading { level, text: title.to_owned() });
            open = false;
        } else if text.starts_with('|') {
            let row = cells(text);
            let is_rule = row.iter().all(|cell| !cell.is_empty() && cell.chars().all(|c| "-:".contains(c)));
            match found.last_mut() {
                Some(Block::Table(_)) if is_rule => {}
                Some(Block::Table(rows)) if open => rows.push(row),
                _ => found.push(Block::Table(vec![row])),
            }
            open = true;
        } else if let Some((marker, rest)) = as_item(text) {
            let tight = open && matches!(found.last(), Some(Block::Item { .. }));
            found.push(Block::Item { indent, marker: marker.to_owned(), text: rest.to_owned(), tight });
            open = true;
        } else {
            let quoted = text.strip_prefix("> ").unwrap_or(text);
            match found.last_mut() {
                Some(Block::Paragraph { text, .. } | Block::Item { text, .. }) if open => {
                    text.push(' ');
                    text.push_str(quoted);
                }
                _ => found.push(Block::Paragraph { indent, text: quoted.to_owned() }),
            }
            open = true;
        }
    }
    found
}

fn as_heading(text: &str) -> Option<(usize, &str)> {
    let level = text.chars().take_while(|c| *c == '#').count();
    let title = text.get(level..)?.strip_prefix(' ')?;
    (1..=6).contains(&level).then_some((level, title.trim()))
}

/// The mark of a list item, `-` or `1.`, and what follows it.
fn as_item(text: &str) -> Option<(&str, &str)> {
    let (marker, rest) = text.split_once(' ')?;
    let number = marker.strip_suffix('.').is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()));
    (number || ["-", "*"].contains(&marker)).then_some((marker, rest.trim()))
}

/// The cells of a row. A `|` that is escaped or stands in code separates nothing.
fn cells(row: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let (mut code, mut escaped) = (false, false);
    for c in row.trim().trim_start_matches('|').chars() {
        match c {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            '|' if !escaped && !code => {
                all.push(String::new());
                continue;
            }
            '`' => code = !code,
            _ => {}
        }
        if let Some(cell) = all.last_mut() {
            if escaped && c != '|' {
                cell.push('\\');
            }
            cell.push(c);
        }
        escaped = false;
    }
    if all.last().is_some_and(|cell| cell.trim().is_empty()) {
        all.pop();
    }
    all.iter().map(|cell| cell.trim().to_owned()).collect()
}

/// A character, and whether it is bold.
type Styled = (char, bool);

/// Text without the marks for bold and links. Code keeps its backquotes, so that it can be told from words.
fn inline(text: &str) -> Vec<Styled> {
    let mut out = Vec::new();
    let (mut code, mut bold) = (false, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if !code && rest.starts_with("**") {
            bold = !bold;
            rest = &rest[2..];
        } else if !code
            && c == '['
            && let Some((words, target, behind)) = as_link(rest)
        {
            out.extend(inline(words).into_iter().map(|(c, strong)| (c, strong || bold)));
            out.extend(format!(" ({})", place(target)).chars().map(|c| (c, bold)));
            rest = behind;
        } else {
            code ^= c == '`';
            out.push((c, bold));
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// Words, target and what follows a link that the text begins with.
fn as_link(text: &str) -> Option<(&str, &str, &str)> {
    let (words, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (target, behind) = rest.split_once(')')?;
    (!words.contains(']')).then_some((words, target, behind))
}

/// What a reader at a terminal does with the target of a link: another page is a command, a file has its place in the sources.
fn place(target: &str) -> String {
    let file = target.split('#').next().unwrap_or_default();
    match file.strip_suffix(".md") {
        _ if target.contains("://") => target.to_owned(),
        Some(page) if !page.contains('/') => format!("`palinode help {page}`"),
        _ => file.trim_start_matches("../").to_owned(),
    }
}

fn heading(out: &mut String, level: usize, text: &str, styled: bool) {
    let plain: String = inline(text).into_iter().map(|(c, _)| c).collect();
    let shown = if level == 1 { plain.to_uppercase() } else { plain };
    let _ = if styled { writeln!(out, "\u{1b}[1m{shown}\u{1b}[0m") } else { writeln!(out, "{shown}") };
}

/// Words in lines of at most `width` columns; a longer word has a line of its own.
fn fold(text: &[Styled], width: usize) -> Vec<Vec<Styled>> {
    let mut lines: Vec<Vec<Styled>> = vec![Vec::new()];
    for word in text.split(|(c, _)| c.is_whitespace()).filter(|word| !word.is_empty()) {
        let line = lines.last().map_or(0, Vec::len);
        if line > 0 && line + 1 + word.len() > width {
            lines.push(Vec::new());
        }
        if let Some(line) = lines.last_mut() {
            if let Some((_, bold)) = line.last().copied() {
                line.push((' ', bold && word[0].1));
            }
            line.extend_from_slice(word);
        }
    }
    lines
}

fn print(text: &[Styled], styled: bool) -> String {
    let mut out = String::new();
    let mut bold = false;
    for (c, strong) in text {
        if styled && *strong != bold {
            bold = *strong;
            out.push_str(if bold { "\u{1b}[1m" } else { "\u{1b}[0m" });
        }
        out.push(*c);
    }
    if bold {
        out.push_str("\u{1b}[0m");
    }
    out
}

fn wrap(out: &mut String, text: &[Styled], first: &str, next: &str, width: usize, styled: bool) {
    let room = width.saturating_sub(first.len()).max(20);
    for (number, line) in fold(text, room).iter().enumerate() {
        let _ = writeln!(out, "{}{}", if number == 0 { first } else { next }, print(line, styled));
    }
}

/// A table in columns; where its longest words do not fit, a row is a paragraph that begins with its first cell.
fn table(out: &mut String, rows: &[Vec<String>], width: usize, styled: bool) {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let rows: Vec<Vec<Vec<Styled>>> = rows
        .iter()
        .map(|row| (0..count).map(|at| row.get(at).map(|cell| inline(cell)).unwrap_or_default()).collect())
        .collect();
    match column_widths(&rows, count, width) {
        Some(widths) => columns(out, &rows, &widths, styled),
        None => records(out, &rows, width.min(TEXT_WIDTH), styled),
    }
}

/// How wide each column is: as wide as its longest cell, else the widest are narrowed, down to their longest word.
fn column_widths(rows: &[Vec<Vec<Styled>>], count: usize, width: usize) -> Option<Vec<usize>> {
    let longest = |at: usize, of: fn(&[Styled]) -> usize| rows.iter().map(|row| of(&row[at])).max().unwrap_or(0);
    let word = |cell: &[Styled]| cell.split(|(c, _)| c.is_whitespace()).map(<[Styled]>::len).max().unwrap_or(0);
    let least: Vec<usize> = (0..count).map(|at| longest(at, word)).collect();
    let mut widths: Vec<usize> = (0..count).map(|at| longest(at, <[Styled]>::len)).collect();
    let room = width.saturating_sub(GAP * count.saturating_sub(1));
    while widths.iter().sum::<usize>() > room {
        let widest = (0..count).filter(|at| widths[*at] > least[*at]).max_by_key(|at| widths[*at])?;
        widths[widest] -= 1;
    }
    Some(widths)
}

fn columns(out: &mut String, rows: &[Vec<Vec<Styled>>], widths: &[usize], styled: bool) {
    let folded: Vec<Vec<Vec<Vec<Styled>>>> = rows
        .iter()
        .map(|row| row.iter().zip(widths).map(|(cell, width)| fold(cell, (*width).max(1))).collect())
        .collect();
    let roomy = folded.iter().skip(1).any(|row| row.iter().any(|cell| cell.len() > 1));
    for (number, row) in folded.iter().enumerate() {
        if roomy && number > 1 {
            out.push('\n');
        }
        for at in 0..row.iter().map(Vec::len).max().unwrap_or(0) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                let text = cell.get(at).map(Vec::as_slice).unwrap_or_default();
                let fill = " ".repeat(width.saturating_sub(text.len()) + GAP);
                let _ = write!(line, "{}{fill}", print(text, styled));
            }
            let _ = writeln!(out, "{}", line.trim_end());
        }
        if number == 0 {
            let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            let _ = writeln!(out, "{}", rule.join("  "));
        }
    }
}

fn records(out: &mut String, rows: &[Vec<Vec<Styled>>], width: usize, styled: bool) {
    let Some((names, rows)) = rows.split_first() else { return };
    for (number, row) in rows.iter().enumerate() {
        if number > 0 {
            out.push('\n');
        }
        for (at, cell) in row.iter().enumerate() {
            let mut text = Vec::new();
            if at > 0 {
                text.extend_from_slice(&names[at]);
                text.extend([(':', false), (' ', false)]);
            }
            text.extend_from_slice(cell);
            let indent = if at == 0 { "" } else { "    " };
            wrap(out, &text, indent, if at == 0 { "  " } else { "      " }, width, styled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# In doubt

The link went **while a
step** ran. See [the log](log.md#top), [the format](../../journal/FORMAT.md).

<!-- for
authors -->
- one `a b`
  goes on
- two

1. first

```console
$ palinode status   | cat

  deep
```

| word | meaning |
|---|---|
| `a\\|b` | one of two, told at length in a cell that does not fit |
| c | d |
";

    #[test]
    fn a_page_is_folded_into_lines_and_its_marks_are_gone() {
        assert_eq!(
            render(PAGE, 44, false),
            "\
IN DOUBT

The link went while a step ran. See the log
(`palinode help log`), the format
(journal/FORMAT.md).

- one `a b` goes on
- two

1. first

    $ palinode status   | cat

      deep

word   meaning
-----  -------------------------------------
`a|b`  one of two, told at length in a cell
       that does not fit

c      d
"
        );
    }

    #[test]
    fn only_a_terminal_gets_bold() {
        let plain = render(PAGE, 80, false);
        let styled = render(PAGE, 80, true);
        assert!(!plain.contains('\u{1b}') && styled.contains("\u{1b}[1mwhile a step\u{1b}[0m"), "{styled}");
        assert_eq!(styled.replace("\u{1b}[1m", "").replace("\u{1b}[0m", ""), plain);
    }

    #[test]
    fn a_table_whose_words_do_not_fit_is_told_row_by_row() {
        let page = "| file | what |\n|---|---|\n| /a/very/long/path/to/it | /another/long/path |\n";
        assert_eq!(render(page, 30, false), "/a/very/long/path/to/it\n    what: /another/long/path\n");
    }
}
