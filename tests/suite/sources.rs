//! The sources themselves: no file is forgotten.

use palinode_tests::pages::root;
use palinode_tests::sources::forgotten;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn each_source_and_each_suite_is_compiled() {
    for package in ["core", "core/inventory", "journal", "executors", "replay", "cli", "tests", "tests/fuzz"] {
        // The crate within another is looked at by itself.
        let within = if package == "core" { "inventory" } else { "target" };
        let lost = forgotten(&root().join(package), &["target", "fuzz", "fixtures", within]);
        assert!(lost.is_empty(), "no `mod` leads to {lost:?}: nothing in there is compiled, and no test of it runs");
    }
}

/// The script says which, and how to see them.
#[test]
fn import_circles_are_few_and_named_and_core_has_few_layers() {
    let out = Command::new(root().join("tests/circles")).arg("--check").output().expect("python3 is there");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

/// What only those write who read the text of an inventory themselves.
const SIGNS: [&str; 7] = [
    "Inventory::parse(",
    "Inventory::from_bytes(",
    "LineKind::",
    "SectionKind::",
    "\":vars\"",
    "\":children\"",
    "\"hostvars\"",
];

fn of_rust(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            of_rust(&entry, found);
        } else if entry.extension().is_some_and(|end| end == "rs") {
            found.push(entry);
        }
    }
}

/// Of inventories there is one understanding, in a crate of its own; who wants to know something asks its model.
#[test]
fn nobody_but_its_crate_reads_the_text_of_an_inventory() {
    let mut files = Vec::new();
    for package in ["core/src", "journal/src", "executors/src", "replay/src", "cli/src"] {
        of_rust(&root().join(package), &mut files);
    }
    assert!(files.len() > 300, "{}", files.len());
    let readers = |files: &[PathBuf]| -> Vec<String> {
        let signs = files.iter().flat_map(|file| {
            let text = std::fs::read_to_string(file).expect("a source");
            // Tests make texts of inventories as they like.
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            let signs: Vec<String> = SIGNS
                .iter()
                .filter(|sign| code.contains(**sign))
                .map(|sign| format!("{}: {sign}", file.display()))
                .collect();
            signs
        });
        signs.collect()
    };
    assert_eq!(readers(&files), [""; 0], "ask `inventory::model::Reading`, or add the question to it");
    // Within the crate only the text, its edits and the spelling of values have to do with it.
    let (mut own, mut may) = (Vec::new(), Vec::new());
    of_rust(&root().join("core/inventory/src"), &mut own);
    for drawer in ["ini", "edit"] {
        of_rust(&root().join("core/inventory/src").join(drawer), &mut may);
    }
    may.extend(["check/spelled.rs", "diff/meaning.rs"].map(|file| root().join("core/inventory/src").join(file)));
    own.retain(|file| !may.contains(file) && !file.to_string_lossy().ends_with("_tests.rs"));
    let others: Vec<String> = readers(&own).into_iter().filter(|sign| !sign.contains("hostvars")).collect();
    assert_eq!(others, [""; 0]);
    assert!(readers(&may).len() > 5, "the signs are still those of readers");
}

#[test]
fn the_page_of_promises_names_the_rules_that_there_are() {
    let page = std::fs::read_to_string(root().join("cli/docs/promises.md")).expect("the page can be read");
    let known = palinode_core::run::rules::version::RULES_KNOWN;
    let words = format!("this binary has rules {} to {} ", known.start(), known.end());
    assert!(page.contains(&words), "`{words}` is missing in cli/docs/promises.md");
}
