//! Which lines of what a job printed tell why it failed.

/// So many of them are told at most.
const LINES: usize = 4;

/// How a line begins that says what went wrong.
const BEGINS: [&str; 17] = [
    "error",
    "fatal",
    "failure",
    "failed to",
    "cannot",
    "can't",
    "could not",
    "couldn't",
    "unable to",
    "another app",
    "no match",
    "no package",
    "there are no",
    "nothing provides",
    "problem",
    "panic",
    "traceback",
];

/// What else such a line holds.
const HOLDS: [&str; 16] = [
    ": cannot ",
    ": can't ",
    ": failed",
    ": error",
    " error: ",
    "errno ",
    "scriptlet failed",
    "scriptlet in rpm package",
    "no space left",
    "permission denied",
    "read-only file system",
    "not permitted",
    "no such file",
    "not signed",
    "conflicts with",
    "is needed by",
];

/// What says that something failed, and not why: told only if nothing else is.
const SILENT: [&str; 7] = [
    "error: transaction failed",
    "exiting with failure status due to previous errors",
    "error is not recoverable",
    "error: nothing to do",
    "error in transaction",
    "error: some problems occurred",
    "failed:",
];

/// The lines that tell why, in order and each once; else the last line. A scriptlet's own words stand before the line that
/// says that it failed.
pub(super) fn reasons(text: &str, most: usize) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let lower: Vec<String> = lines.iter().map(|line| line.to_lowercase()).collect();
    let silent = |line: &str| SILENT.iter().any(|words| line.contains(words));
    let tells = |line: &str| {
        !silent(line)
            && (BEGINS.iter().any(|word| line.starts_with(word)) || HOLDS.iter().any(|words| line.contains(words)))
    };
    let mut told: Vec<usize> = Vec::new();
    for (at, line) in lower.iter().enumerate().filter(|(_, line)| tells(line)) {
        if line.contains("scriptlet failed") {
            let own =
                lower[..at].last().is_some_and(|own| !own.starts_with("running") && !own.starts_with("preparing"));
            told.extend(at.checked_sub(1).filter(|_| own));
        }
        told.push(at);
    }
    // What is last is often the sum of it.
    told.extend(lines.len().checked_sub(1).filter(|last| told.is_empty() || !silent(&lower[*last])));
    let mut seen = Vec::new();
    told.retain(|at| {
        let new = !seen.contains(&lines[*at]);
        seen.push(lines[*at]);
        new
    });
    // The first error is the cause of those behind it.
    let kept = match told.as_slice() {
        [first @ .., last] if first.len() >= LINES => first[..LINES - 1].iter().chain([last]).collect::<Vec<_>>(),
        all => all.iter().collect(),
    };
    let text = kept.into_iter().map(|at| lines[*at]).collect::<Vec<_>>().join("; ");
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_that_tell_why_are_told() {
        let table = [
            ("", ""),
            ("one\ntwo\n\n", "two"),
            (
                "Running transaction\n  Preparing        :   1/1\n  Running scriptlet: bad-1-1.noarch   1/1\nno user is left\n\
                 error: %prein(bad-1-1.noarch) scriptlet failed, exit status 3\n\nError in PREIN scriptlet in rpm package bad\n\
                 \x20 Verifying        : bad-1-1.noarch 1/1\n\nFailed:\n  bad-1-1.noarch\n\nError: Transaction failed\n",
                "no user is left; error: %prein(bad-1-1.noarch) scriptlet failed, exit status 3; \
                 Error in PREIN scriptlet in rpm package bad",
            ),
            (
                "  Running scriptlet: bad-1-1.noarch   1/1\nerror: %prein(bad-1-1.noarch) scriptlet failed, exit status 3\n",
                "error: %prein(bad-1-1.noarch) scriptlet failed, exit status 3",
            ),
            (
                "tar: ./a: Wrote only 2048 of 10240 bytes\ntar: ./b: Cannot write: No space left on device\n\
                 tar: Exiting with failure status due to previous errors\n",
                "tar: ./b: Cannot write: No space left on device",
            ),
            (
                "Loaded plugins: search-disabled-repos\nhttp://r/repodata/repomd.xml: [Errno 14] HTTP Error 404 - Not Found\n\
                 Trying other mirror.\nCannot find a valid baseurl for repo: r\n",
                "http://r/repodata/repomd.xml: [Errno 14] HTTP Error 404 - Not Found; Cannot find a valid baseurl for repo: r",
            ),
            ("Error: first\nmore\nerror: second\ndone, 2 of 3\n", "Error: first; error: second; done, 2 of 3"),
            ("error: 1\nerror: 2\nerror: 3\nerror: 4\nerror: 5\nerror: 6\n", "error: 1; error: 2; error: 3; error: 6"),
            ("Error: Transaction failed\n", "Error: Transaction failed"),
        ];
        for (text, told) in table {
            assert_eq!(reasons(text, 1000), told, "{text}");
        }
        assert_eq!(reasons("é".repeat(9).as_str(), 4), "éééé");
    }
}
