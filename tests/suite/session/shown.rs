//! Whole sessions as they are typed and shown, in `fixtures/sessions`: every line that is printed, and how each command ends.

use palinode_tests::pages::{play, root};
use std::collections::BTreeSet;

/// A test for each session.
macro_rules! sessions {
    ($($test:ident, $file:literal;)*) => {
        const SESSIONS: &[&str] = &[$($file),*];
        $(
            #[test]
            fn $test() {
                assert_eq!(play(concat!("tests/fixtures/sessions/", $file)), 0, "blocks that no test runs");
            }
        )*
    };
}

sessions! {
    a_failing_step_is_tried_again, "failing-step.md";
    a_killed_run_is_resumed_and_its_doubt_resolved, "killed-and-in-doubt.md";
    a_run_is_taken_back_in_part, "partly-rolled-back.md";
    what_is_wrong_is_refused, "refused.md";
}

#[test]
fn no_session_is_forgotten() {
    let files = std::fs::read_dir(root().join("tests/fixtures/sessions")).expect("the folder is there");
    let there: BTreeSet<String> =
        files.map(|file| file.expect("it can be read").file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(there, SESSIONS.iter().map(|file| (*file).to_owned()).collect());
}
