//! README and the pages of `cli/docs`: what they show is what is printed, what they link to is there, and `palinode help`
//! shows them.

use palinode_tests::binary::{Desk, binary};
use palinode_tests::pages::{blocks, check_running_text, play, read, root};
use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

/// A test for each page, with how many of its blocks no test can run.
macro_rules! pages {
    ($($test:ident, $page:literal, $not_run:literal;)*) => {
        const PAGES: &[&str] = &[$($page),*];
        $(
            #[test]
            fn $test() {
                assert_eq!(play($page), $not_run, "blocks of {} that no test runs", $page);
            }
        )*
    };
}

pages! {
    readme_is_as_it_shows, "README.md", 2;
    actions_is_as_it_shows, "cli/docs/actions.md", 0;
    api_is_as_it_shows, "cli/docs/api.md", 2;
    compared_is_as_it_shows, "cli/docs/compared.md", 0;
    concepts_is_as_it_shows, "cli/docs/concepts.md", 0;
    failing_step_is_as_it_shows, "cli/docs/failing-step.md", 0;
    first_real_host_is_as_it_shows, "cli/docs/first-real-host.md", 4;
    handing_over_is_as_it_shows, "cli/docs/handing-over.md", 0;
    in_doubt_is_as_it_shows, "cli/docs/in-doubt.md", 0;
    inventories_is_as_it_shows, "cli/docs/inventories.md", 0;
    journal_care_is_as_it_shows, "cli/docs/journal-care.md", 1;
    limits_is_as_it_shows, "cli/docs/limits.md", 0;
    logging_is_as_it_shows, "cli/docs/logging.md", 3;
    playbooks_is_as_it_shows, "cli/docs/playbooks.md", 2;
    promises_is_as_it_shows, "cli/docs/promises.md", 0;
    rolling_back_is_as_it_shows, "cli/docs/rolling-back.md", 0;
    runbook_is_as_it_shows, "cli/docs/runbook-language.md", 0;
    secrets_is_as_it_shows, "cli/docs/secrets.md", 0;
    security_is_as_it_shows, "cli/docs/security.md", 0;
    writing_a_runbook_is_as_it_shows, "cli/docs/writing-a-runbook.md", 0;
}

/// All Markdown of the repository that people read, but for what belongs to the fixtures.
const OTHERS: &[&str] = &[
    ".github/CONTRIBUTING.md",
    ".github/SECURITY.md",
    "core/ARCHITECTURE.md",
    "core/docs/traps.md",
    "executors/HOSTS.md",
    "journal/FORMAT.md",
    "tests/README.md",
];

fn pages_of_the_folder() -> BTreeSet<String> {
    let files = fs::read_dir(root().join("cli/docs")).expect("the folder is there");
    files.map(|file| format!("cli/docs/{}", file.expect("it can be read").file_name().to_string_lossy())).collect()
}

#[test]
fn no_page_is_forgotten() {
    let known: BTreeSet<String> = PAGES.iter().map(|page| (*page).to_owned()).collect();
    let there: BTreeSet<String> = pages_of_the_folder().into_iter().chain(["README.md".to_owned()]).collect();
    assert_eq!(known, there);
}

#[test]
fn a_newcomer_gets_through_readme_and_through_each_page() {
    assert!(read("README.md").lines().count() <= 150, "README is for newcomers; what is more goes to cli/docs");
    // Pages that are made from the tables of actions have the length that those need.
    for page in PAGES.iter().filter(|page| !["cli/docs/actions.md", "cli/docs/runbook-language.md"].contains(*page)) {
        let lines = read(page).lines().count();
        assert!((3..=210).contains(&lines), "{page} has {lines} lines");
    }
}

#[test]
fn every_link_leads_somewhere() {
    for page in PAGES.iter().chain(OTHERS) {
        let text = read(page);
        let folder = root().join(page).parent().expect("a page is in a folder").to_path_buf();
        let in_code: BTreeSet<String> = blocks(&text).into_iter().flat_map(|block| block.lines).collect();
        for line in text.lines().filter(|line| !in_code.contains(*line)) {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let file = target.split('#').next().unwrap_or_default();
                let is_there = target.contains("://") || file.is_empty() || folder.join(file).exists();
                assert!(is_there, "{page}: {target} is not there");
            }
        }
    }
}

#[test]
fn every_suite_that_a_promise_names_is_there() {
    let text = read("cli/docs/promises.md");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| **")).collect();
    assert!(rows.len() >= 15, "{rows:?}");
    let sources = sources(".rs");
    for row in rows {
        let tests = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        let names: Vec<&str> = tests.split('`').skip(1).step_by(2).filter(|name| name.contains(['/', '.'])).collect();
        assert!(!names.is_empty(), "a promise without a test: {row}");
        for name in names {
            let is_file = sources.iter().any(|(path, _)| path.ends_with(&format!("/{name}")));
            assert!(is_file || root().join(name).is_dir(), "{name} is not there: {row}");
        }
    }
}

#[test]
fn help_lists_verbs_and_pages_and_shows_both() {
    let desk = Desk::new();
    let list = desk.run(&["help"]).exits(0).says(&["rollback", "in-doubt", "Pages, shown by `palinode help PAGE`"]);
    for page in pages_of_the_folder() {
        let name = page.trim_start_matches("cli/docs/").trim_end_matches(".md").to_owned();
        let topic = if name == "runbook" { "runbook-language".to_owned() } else { name };
        assert!(list.stdout.lines().any(|line| line.trim_start().starts_with(&topic)), "{topic}: {list}");
        let out = desk.run(&["help", &topic]).exits(0);
        let title = read(&page)
            .lines()
            .find(|line| !line.starts_with("<!--"))
            .map(|line| line.trim_start_matches("# ").to_uppercase());
        assert_eq!(out.stdout.lines().next(), title.as_deref(), "{topic}");
        assert!(!out.stdout.contains("```") && !out.stdout.contains("]("), "{topic}: marks are left: {out}");
        assert!(!out.stdout.contains('\u{1b}'), "colours are for terminals");
    }
    for words in [&["run"][..], &["inventory", "check"], &["rollback"]] {
        let by_help = desk.run(&[&["help"], words].concat()).exits(0).stdout;
        assert_eq!(by_help, desk.run(&[words, &["--help"]].concat()).exits(0).stdout);
    }
    assert!(!desk.path().join(".palinode").exists(), "help needs no journal");
}

/// What a terminal of so many columns gets.
fn on_a_terminal(columns: usize, settings: &str, page: &str) -> String {
    let line = format!("stty cols {columns}; {settings} '{}' help {page}", binary().display());
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env_remove("NO_COLOR").stdin(Stdio::null());
    let out = script.output().expect("`script` of util-linux can be started");
    String::from_utf8(out.stdout).expect("it prints UTF-8").replace('\r', "")
}

#[test]
fn a_terminal_gets_bold_headings_and_its_whole_width_unless_it_asks_for_less() {
    let bold = on_a_terminal(80, "", "concepts");
    assert!(bold.starts_with("\u{1b}[1mCONCEPTS\u{1b}[0m\n"), "{bold}");
    for settings in ["NO_COLOR=1", "TERM=dumb"] {
        let plain = on_a_terminal(80, settings, "concepts");
        assert!(plain.starts_with("CONCEPTS\n") && !plain.contains('\u{1b}'), "{settings}: {plain}");
    }
    let widest = |text: &str| {
        let folded = text.lines().filter(|line| !line.starts_with("    "));
        folded.map(|line| line.chars().count()).max().unwrap_or(0)
    };
    let (narrow, wide) = (on_a_terminal(80, "NO_COLOR=1", "promises"), on_a_terminal(200, "NO_COLOR=1", "promises"));
    assert!((60..=80).contains(&widest(&narrow)), "{narrow}");
    assert!((120..=200).contains(&widest(&wide)), "a table has all of the room: {wide}");
    let text = wide.lines().find(|line| line.starts_with("Each line has a test")).expect("a paragraph");
    assert!(text.chars().count() <= 100, "long lines of text are hard to read: {text}");
}

#[test]
fn a_page_that_is_not_there_is_refused_with_what_was_meant() {
    let desk = Desk::new();
    desk.run(&["help", "indoubt"]).exits(2).complains(&["no page `indoubt`", "did you mean `in-doubt`?"]);
    desk.run(&["help", "rolback"]).exits(2).complains(&["did you mean `rollback`?"]);
    desk.run(&["help", "inventory", "chekc"]).exits(2).complains(&["`inventory chekc`", "did you mean `check`?"]);
    desk.run(&["help", "inventory", "zebra"]).exits(2).complains(&["`inventory zebra`", "check, diff, graph"]);
    desk.run(&["help", "zebra"]).exits(2).complains(&["no page `zebra`", "type `palinode help` for the list"]);
}

#[test]
fn what_running_text_says_to_type_is_understood() {
    let count: usize = PAGES.iter().map(|page| check_running_text(page)).sum();
    assert!(count > 40, "the pages say what to type: {count}");
}

/// Rows of `core/docs/traps.md`: code, places, tests.
fn traps() -> Vec<(String, Vec<String>, Vec<String>)> {
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let text = read("core/docs/traps.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")).map(|row| row.split('|').collect::<Vec<_>>());
    rows.filter(|cells| cells.len() == 6)
        .map(|cells| (cells[0].trim().to_owned(), quoted(cells[3]), quoted(cells[4])))
        .filter(|(code, _, _)| code != "code" && !code.starts_with('-'))
        .collect()
}

/// Paths and texts of all files with this end, in the folders of the crates.
fn sources(end: &str) -> Vec<(String, String)> {
    fn walk(dir: &std::path::Path, end: &str, found: &mut Vec<(String, String)>) {
        for item in fs::read_dir(dir).expect("a folder can be read").map(|item| item.expect("it can be read")) {
            let (path, name) = (item.path(), item.file_name());
            if path.is_dir() && name != "target" && name != "fixtures" {
                walk(&path, end, found);
            } else if path.is_file() && name.to_string_lossy().ends_with(end) {
                let text = fs::read_to_string(&path).expect("a source can be read");
                found.push((path.to_string_lossy().into_owned(), text));
            }
        }
    }
    let mut found = Vec::new();
    for folder in ["core", "journal", "executors", "replay", "cli", "tests"] {
        walk(&root().join(folder), end, &mut found);
    }
    found
}

/// Codes of traps in a text, such as T24; a word of its own.
fn codes(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_code = |word: &&str| {
        word.strip_prefix(['T', 'A'])
            .is_some_and(|n| (1..=2).contains(&n.len()) && n.bytes().all(|c| c.is_ascii_digit()))
    };
    words.filter(is_code).map(str::to_owned).collect()
}

#[test]
fn each_trap_of_a_comment_is_in_the_table() {
    let known: BTreeSet<String> = traps().into_iter().map(|(code, _, _)| code).collect();
    let mut seen = 0;
    for (path, text) in sources(".rs") {
        let comments = text.lines().filter_map(|line| line.split_once("//").map(|(_, comment)| comment));
        for code in comments.flat_map(codes).filter(|_| !path.ends_with("suite/session/pages.rs")) {
            seen += 1;
            assert!(known.contains(&code), "{path} names {code}, which core/docs/traps.md has not");
        }
    }
    assert!(seen > 20, "the comments are read: {seen}");
}

#[test]
fn each_place_and_test_of_a_trap_is_there() {
    let sources: Vec<(String, String)> = [sources(".rs"), sources(".yml")].concat();
    let traps = traps();
    assert!(traps.len() >= 59, "{}", traps.len());
    for (code, places, tests) in traps {
        for place in places {
            let count = sources.iter().filter(|(path, _)| path.ends_with(&format!("/{place}"))).count();
            assert_eq!(count, 1, "{code}: {place} is one file");
        }
        for test in tests {
            let here = format!("fn {test}()");
            let is_test = |text: &str| {
                let before = text.find(&here).map(|at| text[..at].lines().rev().take(4).collect::<Vec<_>>());
                before.is_some_and(|lines| lines.iter().any(|line| line.contains("#[test]") || line.contains("::test")))
            };
            assert!(sources.iter().any(|(_, text)| is_test(text)), "{code}: there is no test {test}");
        }
    }
}

#[test]
fn each_place_that_the_architecture_names_is_there() {
    let text = read("core/ARCHITECTURE.md");
    let crates = ["core/", "journal/", "executors/", "replay/", "cli/", "tests/"];
    let quoted =
        text.lines().filter(|line| !line.starts_with("    ")).flat_map(|line| line.split('`').skip(1).step_by(2));
    let places: Vec<&str> = quoted.filter(|word| crates.iter().any(|of| word.starts_with(of))).collect();
    assert!(places.len() > 15, "{places:?}");
    for place in places.iter().filter(|place| !place.contains("NAME")) {
        assert!(root().join(place).exists(), "core/ARCHITECTURE.md names {place}, which is not there");
    }
}
