//! Tables that suites make for people.

use std::io::Write;

/// Prints a table; `tests/run` prints it again at its end.
pub fn tell(title: &str, table: &str) {
    println!("{title}\n{table}");
    if let Some(path) = std::env::var_os("PALINODE_TESTS_TABLES")
        && let Ok(mut file) = std::fs::OpenOptions::new().append(true).create(true).open(path)
    {
        let _ = writeln!(file, "{title}\n{table}");
    }
}
