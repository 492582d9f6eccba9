//! Tests that cannot run on this machine say so, and are counted.

use std::io::Write;

/// Notes that a test is left out, and why. `tests/run` prints and counts it.
pub fn skip(test: &str, why: &str) {
    let line = format!("{test}: {why}\n");
    eprint!("skipped: {line}");
    if let Some(path) = std::env::var_os("PALINODE_TESTS_SKIPS")
        && let Ok(mut file) = std::fs::OpenOptions::new().append(true).create(true).open(path)
    {
        let _ = file.write_all(line.as_bytes());
    }
}

/// Whether the long campaigns are asked for.
pub fn long() -> bool {
    std::env::var_os("PALINODE_TESTS_LONG").is_some()
}
