//! A person's word before real hosts are changed.

use crate::error::Failure;
use crate::render::to_stderr;
use std::io::{BufRead, IsTerminal};

/// Asks at the terminal. `again` is what answers beforehand, for those who have none.
pub(crate) fn ask(question: &str, again: &str) -> Result<(), Failure> {
    to_stderr(&format!("{question} "));
    if !std::io::stdin().is_terminal() {
        to_stderr("\n");
        return Err(Failure::usage(
            "nobody agreed to it, as there is no terminal to ask at; nothing was changed",
            again,
        ));
    }
    to_stderr("Type yes to go on: ");
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && answer.trim() == "yes" {
        return Ok(());
    }
    Err(Failure::usage("nothing was changed: the answer was not `yes`", "type the same again when you are ready"))
}
