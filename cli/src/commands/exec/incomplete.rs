//! What is told of words that are no typed action.

use crate::error::Failure;

/// What to type then.
pub(super) const MORE: &str = "type `palinode exec --help` for those there are; a command stands after `--`";

/// An action that is known, with words behind it that it does not take.
pub(super) fn incomplete(words: &[&str]) -> Failure {
    Failure::usage(format!("`{}` is no typed action", words.join(" ")), MORE)
}
