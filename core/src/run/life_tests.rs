//! The life of a step stated a second time, as a plain table, and what must be true of any such table.

use crate::record::{Answer, Decision, Ending};
use crate::run::life::{Illegal, Move, Stage, next};
use std::collections::BTreeSet;

pub(crate) const STAGES: [Stage; 10] = [
    Stage::Pending,
    Stage::Waiting,
    Stage::Intended,
    Stage::Unknown,
    Stage::Asking,
    Stage::Again,
    Stage::Succeeded,
    Stage::Failed,
    Stage::Skipped,
    Stage::Compensated,
];

/// One row for each move: where it leads from every stage, in the order of [`STAGES`]; a dot where it is illegal.
const TABLE: [(Move, &str); 22] = [
    //                                     Pending Waiting Intended unKnown asKing Again Succ Failed skipped Compensated
    (Move::Intent, /*                        */ "I . . . . I . . . ."),
    (Move::Outcome(Ending::Succeeded), /*    */ ". . S S . . . . . ."),
    (Move::Outcome(Ending::Failed), /*       */ ". . F F . . . . . ."),
    (Move::Outcome(Ending::Unknown), /*      */ ". . U U . . . . . ."),
    (Move::Probed(Decision::Succeeded), /*   */ ". . . S . . . . . ."),
    (Move::Probed(Decision::Failed), /*      */ ". . . F . . . . . ."),
    (Move::Probed(Decision::FailedPartial), /**/ ". . . F . . . . . ."),
    (Move::Probed(Decision::Wait), /*        */ ". . . U . . . . . ."),
    (Move::Probed(Decision::Again), /*       */ ". . . A . . . . . ."),
    (Move::Probed(Decision::Ask), /*         */ ". . . Q . . . . . ."),
    (Move::Answered(Answer::Applied), /*     */ ". . . S S . . S . ."),
    (Move::Answered(Answer::NotApplied), /*  */ ". . . A A . . . . ."),
    (Move::Answered(Answer::Partial), /*     */ ". . . F F . . . . ."),
    (Move::Answered(Answer::Retry), /*       */ ". . . . A . . A . A"),
    (Move::Skip, /*                          */ "X X . . X X . X . ."),
    (Move::Sampled, /*                       */ "W W . . . W . . . ."),
    (Move::Decided(true), /*                 */ ". S . . . . . . . ."),
    (Move::Decided(false), /*                */ ". F . . . . . . . ."),
    (Move::Timer, /*                         */ ". F . . . . . . . ."),
    (Move::OwnerChanged, /*                  */ "P W U U Q A S F X C"),
    (Move::Stale, /*                         */ ". P . . . . P . . ."),
    (Move::Compensated, /*                   */ ". . . . . C C C C ."),
];

fn stage(letter: &str) -> Option<Stage> {
    Some(match letter {
        "P" => Stage::Pending,
        "W" => Stage::Waiting,
        "I" => Stage::Intended,
        "U" => Stage::Unknown,
        "Q" => Stage::Asking,
        "A" => Stage::Again,
        "S" => Stage::Succeeded,
        "F" => Stage::Failed,
        "X" => Stage::Skipped,
        "C" => Stage::Compensated,
        _ => return None,
    })
}

/// What the table above says, without asking the one under test.
pub(crate) fn by_the_table(from: Stage, what: Move) -> Option<Stage> {
    let (_, row) = TABLE.iter().find(|(other, _)| *other == what)?;
    let column = STAGES.iter().position(|other| *other == from)?;
    row.split(' ').nth(column).and_then(stage)
}

/// Every stage that a move leads to from there.
fn ways(from: Stage) -> impl Iterator<Item = (Move, Stage)> {
    TABLE.iter().filter_map(move |(what, _)| Some((*what, next(from, *what).ok()?)))
}

/// Every stage that can be reached from one, itself included, by moves that are allowed here.
fn reach(from: Stage, allowed: fn(Stage, Move) -> bool) -> BTreeSet<Stage> {
    let (mut found, mut open) = (BTreeSet::from([from]), vec![from]);
    while let Some(at) = open.pop() {
        for (what, to) in ways(at) {
            if allowed(at, what) && found.insert(to) {
                open.push(to);
            }
        }
    }
    found
}

/// A move more in the type is a row more here: this match does not compile without it.
fn is_listed(what: Move) -> bool {
    match what {
        Move::Outcome(Ending::Succeeded | Ending::Failed | Ending::Unknown)
        | Move::Probed(
            Decision::Succeeded
            | Decision::Failed
            | Decision::Wait
            | Decision::Again
            | Decision::FailedPartial
            | Decision::Ask,
        )
        | Move::Answered(Answer::Applied | Answer::NotApplied | Answer::Partial | Answer::Retry)
        | Move::Decided(true | false)
        | Move::Intent
        | Move::Skip
        | Move::Sampled
        | Move::Timer
        | Move::OwnerChanged
        | Move::Stale
        | Move::Compensated => TABLE.iter().filter(|(other, _)| *other == what).count() == 1,
    }
}

#[test]
fn every_move_from_every_stage_is_as_the_table_says() {
    for (what, row) in TABLE {
        assert!(is_listed(what) && row.split(' ').count() == STAGES.len(), "{what:?}");
        for from in STAGES {
            let want = by_the_table(from, what).ok_or(Illegal { from, what });
            assert_eq!(next(from, what), want, "{from:?} {what:?}");
        }
    }
}

#[test]
fn every_stage_is_reached_and_left() {
    assert_eq!(reach(Stage::Pending, |_, _| true), BTreeSet::from(STAGES));
    for from in STAGES {
        let found = reach(from, |_, _| true);
        assert!(found.contains(&Stage::Succeeded) || from == Stage::Skipped, "{from:?} can never succeed: {found:?}");
        assert!(found.iter().any(|to| to.is_behind()), "{from:?} holds its lane for ever");
        let left = ways(from).any(|(_, to)| to != from);
        assert!(left, "{from:?} is never left");
    }
    // A step that was passed over is behind for good, unless a rollback dealt with it.
    let ways: Vec<Stage> = ways(Stage::Skipped).map(|(_, to)| to).collect();
    assert_eq!(ways, [Stage::Skipped, Stage::Compensated]);
}

/// Nothing is intended again unless a look or a person's word said so, whatever else happens meanwhile.
#[test]
fn between_two_intents_stands_a_decision() {
    let undecided = |_: Stage, what: Move| {
        !matches!(what, Move::Probed(Decision::Again) | Move::Answered(Answer::NotApplied | Answer::Retry))
    };
    for from in STAGES {
        let into = ways(from).any(|(what, _)| what == Move::Intent);
        assert_eq!(into, matches!(from, Stage::Pending | Stage::Again), "{from:?}");
    }
    // A gate's answer grows stale, and gates have no intents: an action that succeeded never takes that move.
    let acted = reach(Stage::Intended, undecided_and_not_stale);
    assert!(!acted.contains(&Stage::Pending) && !acted.contains(&Stage::Again), "{acted:?}");
    assert!(reach(Stage::Intended, undecided).contains(&Stage::Pending), "but for the stale ones");

    fn undecided_and_not_stale(_: Stage, what: Move) -> bool {
        let decided =
            matches!(what, Move::Probed(Decision::Again) | Move::Answered(Answer::NotApplied | Answer::Retry));
        !decided && what != Move::Stale
    }
}

/// An attempt without outcome is in doubt and stays so until it is looked at or someone says: no move of time, of the
/// owner or of another run settles it.
#[test]
fn doubt_is_settled_by_a_look_or_a_word_only() {
    for from in [Stage::Intended, Stage::Unknown, Stage::Asking] {
        for (what, to) in ways(from) {
            let settles = !matches!(to, Stage::Intended | Stage::Unknown | Stage::Asking);
            let by_evidence = matches!(what, Move::Outcome(_) | Move::Probed(_) | Move::Answered(_));
            assert!(!settles || by_evidence || (from, what) == (Stage::Asking, Move::Skip), "{from:?} {what:?}");
        }
    }
}

#[test]
fn the_words_for_people() {
    let words = STAGES.map(|stage| (stage.word(), stage.is_behind()));
    let want = [
        ("pending", false),
        ("waiting", false),
        ("running", false),
        ("in-doubt", false),
        ("in-doubt", false),
        ("to-retry", false),
        ("succeeded", true),
        ("failed", false),
        ("skipped", true),
        ("compensated", true),
    ];
    assert_eq!(words, want);
    assert_eq!(format!("{:>8}|{:<8}|", Stage::Again, Stage::Failed), "to-retry|failed  |");
    let error = next(Stage::Skipped, Move::Intent).expect_err("it is behind");
    assert_eq!(error.to_string(), "a step that is skipped cannot take the move Intent");
}
