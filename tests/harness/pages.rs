//! README and the pages of `cli/docs` as tests: what a page says is typed, in order, in a fresh folder.
//!
//! - A block `console` is run: each line after `$ ` by a shell, with the lines below it held against what is printed. In
//!   those, a line `...` stands for any lines and `...` within one for any text; an id stands for any other. A command
//!   whose output is not shown must still end as told: with 0, or as a comment `# exit N` says.
//! - A block `console WHERE` is for a place that a test has not: [`NOT_RUN`] lists them. Its command lines must be ones that
//!   the binary understands.
//! - Any other block with a name behind its language is that file.

use crate::binary::{Desk, binary};
use palinode_core::runbook::Runbook;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the blocks belong that no test runs.
pub const NOT_RUN: &[&str] = &["on real hosts", "in a checkout", "on a local disk", "with a cluster"];

/// The folder that the pages pretend to be typed in.
const SHOWN_FOLDER: &str = "/home/ops/night";

/// A fenced block of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The line of its fence, from 1.
    pub line: usize,
    /// The first word behind the fence.
    pub language: String,
    /// The words behind it.
    pub info: String,
    /// What it holds.
    pub lines: Vec<String>,
}

/// The repository's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).expect("tests are in the repository")
}

/// A page's text.
pub fn read(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap_or_else(|error| unreachable!("{page}: {error}"))
}

/// The fenced blocks of a page, in order.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open = None;
    for (at, line) in text.lines().enumerate() {
        match (open, line.trim_start().strip_prefix("```")) {
            (None, Some(info)) => {
                let (language, info) = info.split_once(' ').unwrap_or((info, ""));
                open = Some(line.len() - line.trim_start().len());
                let (language, info) = (language.to_owned(), info.trim().to_owned());
                found.push(Block { line: at + 1, language, info, lines: Vec::new() });
            }
            (Some(_), Some(_)) => open = None,
            (Some(indent), None) => {
                let text = line.get(indent..).unwrap_or_default().to_owned();
                if let Some(block) = found.last_mut() {
                    block.lines.push(text);
                }
            }
            (None, None) => {}
        }
    }
    assert_eq!(open, None, "a block is not closed");
    found
}

/// A command of a block, and what is shown below it.
#[derive(Debug, PartialEq, Eq)]
struct Typed {
    line: usize,
    command: String,
    exit: i32,
    shown: Vec<String>,
}

fn typed(block: &Block) -> Vec<Typed> {
    let mut all: Vec<Typed> = Vec::new();
    for (at, line) in block.lines.iter().enumerate() {
        if let Some(command) = line.strip_prefix("$ ") {
            let told = command.rsplit_once(" # ").and_then(|(_, comment)| comment.split_once("exit ")).map(|(_, n)| n);
            let digits = told.map(|text| text.chars().take_while(char::is_ascii_digit).collect::<String>());
            let exit = digits.and_then(|digits| digits.parse().ok()).unwrap_or(0);
            let (line, command) = (block.line + at + 1, command.to_owned());
            all.push(Typed { line, command, exit, shown: Vec::new() });
        } else if let Some(last) = all.last_mut() {
            last.shown.push(line.trim_end().to_owned());
        } else {
            assert!(line.is_empty(), "line {}: a block begins with a command: {line}", block.line + at + 1);
        }
    }
    for one in &mut all {
        while one.shown.last().is_some_and(String::is_empty) {
            one.shown.pop();
        }
    }
    assert!(!all.is_empty(), "line {}: a block without a command", block.line);
    all
}

/// Types what a page says, and returns how many of its blocks no test runs.
pub fn play(page: &str) -> usize {
    let desk = Desk::new();
    let checker = checker(&desk);
    let (mut exit, mut left) = (0, 0);
    for block in blocks(&read(page)) {
        let place = format!("{page}:{}", block.line);
        match (block.language.as_str(), block.info.as_str()) {
            ("console", "") => {
                for one in typed(&block) {
                    let script = format!("(exit {exit}); {}", one.command);
                    let (code, said) = shell(&desk, binary().parent().expect("it is in a folder"), &script);
                    let place = format!("{page}:{}: $ {}", one.line, one.command);
                    assert_eq!(code, one.exit, "{place}\n{said}");
                    let said = said.replace(&desk.path().display().to_string(), SHOWN_FOLDER);
                    let said: Vec<&str> = said.trim_end().lines().map(str::trim_end).collect();
                    let fits = one.shown.is_empty() || (!said.is_empty() && lines_fit(&one.shown, &said));
                    assert!(fits, "{place}\n--- the page\n{}\n--- printed\n{}", one.shown.join("\n"), said.join("\n"));
                    exit = code;
                }
            }
            ("console", place_of) => {
                assert!(NOT_RUN.contains(&place_of), "{place}: `{place_of}` is none of {NOT_RUN:?}");
                left += 1;
                for one in typed(&block).iter().filter(|one| one.command.starts_with("palinode ")) {
                    let (code, said) = shell(&desk, &checker, &one.command);
                    assert_eq!(code, 0, "{page}:{}: $ {}\n{said}", one.line, one.command);
                }
            }
            ("yaml", name) => {
                let text = block.lines.join("\n") + "\n";
                if let Err(error) = Runbook::parse(&as_runbook(&text)) {
                    unreachable!("{place}: {error:?}\n{text}");
                }
                if !name.is_empty() {
                    desk.write(name, text);
                }
            }
            (_, "") => {}
            (_, name) => desk.write(name, block.lines.join("\n") + "\n"),
        }
    }
    left
}

/// Every command line of `palinode` in the running text of a page must be one that the binary understands.
pub fn check_running_text(page: &str) -> usize {
    let desk = Desk::new();
    let checker = checker(&desk);
    let (mut paragraphs, mut in_block) = (vec![String::new()], false);
    for line in read(page).lines() {
        let is_fence = line.trim_start().starts_with("```");
        in_block ^= is_fence;
        if is_fence || in_block || line.trim().is_empty() || line.starts_with('|') {
            paragraphs.push(String::new());
        }
        if !is_fence
            && !in_block
            && let Some(text) = paragraphs.last_mut()
        {
            text.push_str(line.trim());
            text.push(' ');
        }
    }
    let quoted = paragraphs.iter().flat_map(|text| text.split('`').skip(1).step_by(2));
    let lines: Vec<&str> = quoted.filter(|text| text.starts_with("palinode ")).collect();
    for line in &lines {
        let (code, said) = shell(&desk, &checker, line);
        assert_eq!(code, 0, "{page}: `{line}`\n{said}");
    }
    lines.len()
}

/// Steps that a page shows, as a whole runbook.
fn as_runbook(text: &str) -> String {
    if text.starts_with("runbook:") {
        return text.to_owned();
    }
    // What is no list of steps is another key of a runbook.
    if !text.trim_start().starts_with('-') && !text.trim_start().starts_with('#') {
        let hosts = if text.starts_with("hosts:") { "" } else { "hosts: { group: nodes }\n" };
        return format!("runbook: example\n{hosts}{text}each_host:\n  - it: {{ kube.cordon: {{}} }}\n");
    }
    let steps = if text.starts_with("  - ") { text.to_owned() } else { format!("  {}", text.replace('\n', "\n  ")) };
    format!("runbook: example\nabout: Steps of a page\nhosts: {{ group: nodes }}\neach_host:\n{}\n", steps.trim_end())
}

/// Runs a line in the desk's folder; both outputs in one, as a terminal shows them.
fn shell(desk: &Desk, programs: &Path, line: &str) -> (i32, String) {
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("/bin/sh");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PALINODE_")) {
        command.env_remove(name);
    }
    command.arg("-c").arg(format!("exec 2>&1\n{line}")).env("PATH", path).env("HOME", desk.path());
    let out = command.current_dir(desk.path()).stdin(Stdio::null()).output().expect("a shell can be started");
    (out.status.code().unwrap_or(-1), String::from_utf8(out.stdout).expect("the binary prints UTF-8"))
}

/// A folder with a `palinode` that only looks whether the real one understands its words: it asks for help at their end.
fn checker(desk: &Desk) -> PathBuf {
    let folder = desk.path().join(".checker");
    fs::create_dir(&folder).expect("a folder can be made");
    let script = format!(
        "#!/bin/sh\nasked=\nfor word; do\n  shift\n  if [ \"$word\" = -- ] && [ -z \"$asked\" ]; then set -- \"$@\" --help; asked=1; fi\n\
           set -- \"$@\" \"$word\"\ndone\n[ -n \"$asked\" ] || set -- \"$@\" --help\nexec '{}' \"$@\" >/dev/null\n",
        binary().display()
    );
    let program = folder.join("palinode");
    fs::write(&program, script).expect("a file can be written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("its mode can be set");
    folder
}

/// Whether printed lines are as shown.
fn lines_fit(shown: &[String], said: &[&str]) -> bool {
    match shown.split_first() {
        None => said.is_empty(),
        Some((first, rest)) if first == "..." => (0..=said.len()).any(|skip| lines_fit(rest, &said[skip..])),
        Some((first, rest)) => {
            said.split_first().is_some_and(|(line, said)| line_fits(first, line) && lines_fit(rest, said))
        }
    }
}

/// What a shown line is made of.
enum Piece<'a> {
    /// `...`: anything.
    Any,
    /// A word such as `d437`: an id, which is another one each time.
    Id,
    /// A word, or what stands between words.
    Text(&'a str),
}

/// Whether a printed line is as shown. `...` stands for any text, an id for any other.
fn line_fits(shown: &str, said: &str) -> bool {
    let mut pieces = Vec::new();
    for (number, part) in shown.split("...").enumerate() {
        pieces.extend((number > 0).then_some(Piece::Any));
        pieces
            .extend(words(part).into_iter().map(|word| if is_shown_id(word) { Piece::Id } else { Piece::Text(word) }));
    }
    pieces_fit(&pieces, &words(said))
}

fn pieces_fit(pieces: &[Piece<'_>], said: &[&str]) -> bool {
    let Some((first, rest)) = pieces.split_first() else { return said.is_empty() };
    match first {
        Piece::Any => (0..=said.len()).any(|skip| pieces_fit(rest, &said[skip..])),
        Piece::Id => said.split_first().is_some_and(|(word, said)| is_id(word) && pieces_fit(rest, said)),
        Piece::Text(text) => said.split_first().is_some_and(|(word, said)| word == text && pieces_fit(rest, said)),
    }
}

/// Words of letters and digits, and every other character by itself.
fn words(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let letters = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(letters.max(first.len_utf8()));
        found.push(word);
        rest = behind;
    }
    found
}

/// Whether a printed word can be an id, or the beginning of one.
fn is_id(word: &str) -> bool {
    (4..=64).contains(&word.len()) && word.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
}

/// Whether a word of a page is an id: it has letters and digits, so that no number and no word is taken for one.
fn is_shown_id(word: &str) -> bool {
    is_id(word) && word.contains(|c: char| c.is_ascii_digit()) && word.contains(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_line_stands_for_its_like_and_for_no_other() {
        for (shown, said) in [
            ("run       d437", "run       9a1f"),
            ("run       d437", "run       1234"),
            ("segments/0001.seg at byte ...", "segments/0001.seg at byte 12: gone"),
            ("time      54m in the lab, ... here", "time      54m in the lab, 744ms here"),
            ("...done in 2s", "08:00:02  cordon  done in 2s"),
            ("a ... b ... c", "a 1 b 2 c"),
        ] {
            assert!(line_fits(shown, said), "{shown}\n{said}");
        }
        for (shown, said) in [
            ("run       d437", "run       none"),
            ("opened 2020", "opened 2021"),
            ("paused", "paused: a step failed"),
            ("a ... b ... c", "a 1 c 2 b"),
        ] {
            assert!(!line_fits(shown, said), "{shown}\n{said}");
        }
    }

    #[test]
    fn left_out_lines_are_any_and_others_are_not() {
        let shown = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        assert!(lines_fit(&shown("a\n...\nd"), &["a", "b", "c", "d"]));
        assert!(lines_fit(&shown("a\n...\nd"), &["a", "d"]));
        assert!(!lines_fit(&shown("a\n...\nd"), &["a", "b"]));
        assert!(!lines_fit(&shown("a"), &["a", "b"]));
    }

    #[test]
    fn commands_their_exit_codes_and_what_is_shown_are_told_apart() {
        let text = "x\n```console\n$ palinode run x   # exit 3: paused\nsaid\n\nmore\n\n$ true\n```\n";
        let all = typed(&blocks(text)[0]);
        assert_eq!((all[0].line, all[0].exit, all[0].shown.len()), (3, 3, 3));
        assert_eq!((all[1].command.as_str(), all[1].exit, all[1].shown.len()), ("true", 0, 0));
    }
}
