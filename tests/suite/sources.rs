//! The sources themselves: no file is forgotten.

use palinode_tests::pages::root;
use palinode_tests::sources::forgotten;

#[test]
fn each_source_and_each_suite_is_compiled() {
    for package in ["core", "journal", "executors", "replay", "cli", "tests", "tests/fuzz"] {
        let lost = forgotten(&root().join(package), &["target", "fuzz", "fixtures"]);
        assert!(lost.is_empty(), "no `mod` leads to {lost:?}: nothing in there is compiled, and no test of it runs");
    }
}
