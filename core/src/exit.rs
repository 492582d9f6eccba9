//! The exit codes of `palinode`, on which scripts may rely.

use std::process::ExitCode;

/// How a command ended, for whoever started it. A code keeps its meaning in all releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// It did what was asked; a complete rollback is one of these.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// The command line, the runbook or the inventory is wrong. Nothing was touched.
    Usage = 2,
    /// The run is open and waits for a person.
    Paused = 3,
    /// Steps are in doubt and only a person can say what became of them.
    InDoubt = 4,
    /// Everything is taken back but for the residues, which are listed.
    PartlyRolledBack = 6,
    /// The journal is damaged, or its entries do not follow from the rules.
    Damaged = 7,
    /// Nothing more can be recorded, so nothing more was done.
    CannotRecord = 8,
    /// Another process owns the journal, or another journal claims the target.
    Owned = 9,
}

impl Exit {
    /// All exit codes, in ascending order.
    pub const ALL: [Self; 9] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Paused,
        Self::InDoubt,
        Self::PartlyRolledBack,
        Self::Damaged,
        Self::CannotRecord,
        Self::Owned,
    ];

    /// The number that a shell sees in `$?`.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The meaning in a few words, as `--help` lists it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Paused => "paused",
            Self::InDoubt => "in doubt",
            Self::PartlyRolledBack => "partly rolled back",
            Self::Damaged => "journal damaged or not what the rules lead to",
            Self::CannotRecord => "cannot record",
            Self::Owned => "owned by another process",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_every_code_once_and_in_order() {
        // Exhaustive on purpose: a new code does not compile before it has a place here, and is then missed in the list.
        let place = |exit: Exit| match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Paused => 3,
            Exit::InDoubt => 4,
            Exit::PartlyRolledBack => 5,
            Exit::Damaged => 6,
            Exit::CannotRecord => 7,
            Exit::Owned => 8,
        };
        for (at, exit) in Exit::ALL.into_iter().enumerate() {
            assert_eq!(place(exit), at);
        }
        assert!(Exit::ALL.windows(2).all(|pair| pair[0].code() < pair[1].code()));
    }
}
