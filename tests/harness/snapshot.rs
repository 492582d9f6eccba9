//! What was recorded of an output, in a file that is kept beside the tests.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the repository.
pub fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().map_or_else(|| tests.to_owned(), Path::to_owned)
}

/// Compares a text with what a file of the repository has recorded of it. With `PALINODE_TESTS_BLESS` it is recorded.
#[track_caller]
pub fn snapshot(path: &str, found: &str) {
    let file = repository().join(path);
    if std::env::var_os("PALINODE_TESTS_BLESS").is_some() {
        fs::create_dir_all(file.parent().expect("a file is in a folder")).expect("the folder can be made");
        fs::write(&file, found).expect("the file can be written");
        return;
    }
    let recorded = fs::read_to_string(&file).unwrap_or_default();
    let first = recorded.lines().zip(found.lines()).position(|(old, new)| old != new);
    let line = first.unwrap_or_else(|| recorded.lines().count().min(found.lines().count()));
    let of = |text: &str| text.lines().nth(line).unwrap_or("(the end)").to_owned();
    assert!(
        recorded == found,
        "{path}, line {}, is not what comes out today\n  recorded: {}\n  today:    {}\nif today's is meant, type: \
         PALINODE_TESTS_BLESS=1 cargo test -p palinode-tests --test suite, with the name of this test, and look at the difference",
        line + 1,
        of(&recorded),
        of(found),
    );
}
