//! The sources themselves: no file is forgotten.

use palinode_tests::pages::root;
use palinode_tests::sources::forgotten;
use std::process::Command;

#[test]
fn each_source_and_each_suite_is_compiled() {
    for package in ["core", "journal", "executors", "replay", "cli", "tests", "tests/fuzz"] {
        let lost = forgotten(&root().join(package), &["target", "fuzz", "fixtures"]);
        assert!(lost.is_empty(), "no `mod` leads to {lost:?}: nothing in there is compiled, and no test of it runs");
    }
}

/// The script says which, and how to see them.
#[test]
fn import_circles_are_few_and_named_and_core_has_few_layers() {
    let out = Command::new(root().join("tests/circles")).arg("--check").output().expect("python3 is there");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}
