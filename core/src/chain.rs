//! Errors with their causes as people read them.

use std::error::Error;

/// Joins an error and its causes with colons into one line of text.
///
/// A cause whose words the text already ends in is left out: some errors repeat what their source says. Lines of one
/// cause are joined with blanks, since what ssh says may be several. The text is not escaped.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        let lines: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let words = lines.join(" ");
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Level(&'static str, #[source] Option<Box<Level>>);

    fn level(words: &'static str, cause: Option<Level>) -> Level {
        Level(words, cause.map(Box::new))
    }

    #[test]
    fn causes_stand_behind_the_error_each_once_and_in_one_line() {
        let deep = level("ssh: no route\n  to host\n", None);
        let error = level("cannot reach g1", Some(level("the link is lost", Some(deep))));
        assert_eq!(chain(&error), "cannot reach g1: the link is lost: ssh: no route to host");
        let repeated = level("cannot reach g1: no route", Some(level("no route", Some(level("errno 113", None)))));
        assert_eq!(chain(&repeated), "cannot reach g1: no route: errno 113");
        assert_eq!(chain(&level("alone", None)), "alone");
    }
}
