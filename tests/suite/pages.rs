//! README and the pages of `cli/docs`: what they show is what is printed, what they link to is there, and `palinode help`
//! shows them.

use palinode_tests::binary::Desk;
use palinode_tests::pages::{blocks, play, read, root};
use std::collections::BTreeSet;
use std::fs;

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
    api_is_as_it_shows, "cli/docs/api.md", 0;
    compared_is_as_it_shows, "cli/docs/compared.md", 0;
    concepts_is_as_it_shows, "cli/docs/concepts.md", 0;
    failing_step_is_as_it_shows, "cli/docs/failing-step.md", 0;
    first_real_host_is_as_it_shows, "cli/docs/first-real-host.md", 0;
    handing_over_is_as_it_shows, "cli/docs/handing-over.md", 0;
    in_doubt_is_as_it_shows, "cli/docs/in-doubt.md", 0;
    inventories_is_as_it_shows, "cli/docs/inventories.md", 0;
    journal_care_is_as_it_shows, "cli/docs/journal-care.md", 0;
    limits_is_as_it_shows, "cli/docs/limits.md", 0;
    logging_is_as_it_shows, "cli/docs/logging.md", 0;
    playbooks_is_as_it_shows, "cli/docs/playbooks.md", 0;
    promises_is_as_it_shows, "cli/docs/promises.md", 0;
    rolling_back_is_as_it_shows, "cli/docs/rolling-back.md", 0;
    runbook_is_as_it_shows, "cli/docs/runbook.md", 0;
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
    for page in PAGES.iter().filter(|page| !["cli/docs/actions.md", "cli/docs/runbook.md"].contains(*page)) {
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
    for row in rows {
        let tests = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        let names: Vec<&str> = tests.split('`').skip(1).step_by(2).filter(|name| name.contains(['/', '.'])).collect();
        assert!(!names.is_empty(), "a promise without a test: {row}");
        for name in names {
            let places = [name.to_owned(), format!("tests/suite/{name}")];
            assert!(places.iter().any(|place| root().join(place).exists()), "{name} is not there: {row}");
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
        let title = read(&page).lines().next().map(|line| line.trim_start_matches("# ").to_uppercase());
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

#[test]
fn a_page_that_is_not_there_is_refused_with_what_was_meant() {
    let desk = Desk::new();
    desk.run(&["help", "indoubt"]).exits(2).complains(&["no page `indoubt`", "did you mean `in-doubt`?"]);
    desk.run(&["help", "rolback"]).exits(2).complains(&["did you mean `rollback`?"]);
    desk.run(&["help", "inventory", "chekc"]).exits(2).complains(&["`inventory chekc`", "check, diff, graph"]);
    desk.run(&["help", "zebra"]).exits(2).complains(&["no page `zebra`", "type `palinode help` for the list"]);
}
