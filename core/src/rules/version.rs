//! The versions of the rules that this binary has, and what differs between them. There is no other place where versions
//! are told apart.
//!
//! A run names the version it was made under, and is folded, driven, taken back and replayed under that one for good. Any
//! change of a decision is a new version: a row here, a question of [`Rules`], and a folder in the tests' corpus.
//!
//! | since | question | before | since then |
//! |---|---|---|---|
//! | 1 | | the first rules | |
//! | 2 | `Rules::gates_beyond_grow_stale` | a lane that went back to an earlier step took the old answer of a gate beyond it | the gate is sampled again, unless a step beyond it acted |
//! | 2 | `Rules::captures_reach_all_lanes` | what the first lane captured anew reached a lane's `when` with that lane's next entry, or another owner | at once |
//! | 2 | `Rules::host_comes_back_whole` | a host taken back as a whole began with the step that was retried | it begins with its first step that is not behind |
//! | 3 | `Rules::doubt_comes_first` | a lane that went back to an earlier step acted there beside a later one in flight or in doubt; if that failed, its host lost its place to another | it stays with the later step until it is known what became of it |
//! | 4 | `Rules::people_close_runs` | only its own driver ended a run, or the rollback that took it back | a person may end one that nobody goes on with |

use std::ops::RangeInclusive;

/// Version of the rules that new plans and runs are made under.
pub const RULES: u32 = *RULES_KNOWN.end();

/// The versions that this binary has: it drives such runs, and refuses to drive others.
pub const RULES_KNOWN: RangeInclusive<u32> = 1..=4;

/// Rules that this binary has. See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules(u32);

impl Rules {
    /// The rules that new plans and runs are made under.
    pub const NOW: Self = Self(RULES);

    /// The rules of a version; none if this binary does not have them.
    pub fn of(version: u32) -> Option<Self> {
        RULES_KNOWN.contains(&version).then_some(Self(version))
    }

    /// All that this binary has, oldest first.
    pub fn all() -> impl Iterator<Item = Self> {
        RULES_KNOWN.map(Self)
    }

    /// The version.
    pub fn version(self) -> u32 {
        self.0
    }

    /// The versions that this binary has, in words.
    pub fn known() -> String {
        let older: Vec<String> = (*RULES_KNOWN.start()..RULES).map(|version| version.to_string()).collect();
        format!("{} and {RULES}", older.join(", "))
    }

    /// Whether a gate beyond the place that its lane went back to is asked again, unless a step beyond it acted.
    pub(crate) fn gates_beyond_grow_stale(self) -> bool {
        self.0 >= 2
    }

    /// Whether what the first lane captures reaches the conditions of all lanes at once.
    pub(crate) fn captures_reach_all_lanes(self) -> bool {
        self.0 >= 2
    }

    /// Whether a host that was taken back as a whole begins with its first step that is not behind, whichever is retried.
    pub(crate) fn host_comes_back_whole(self) -> bool {
        self.0 >= 2
    }

    /// Whether a lane stays with a step in flight or in doubt, also when it has gone back to an earlier one.
    pub(crate) fn doubt_comes_first(self) -> bool {
        self.0 >= 3
    }

    /// Whether a person may end a run that nobody goes on with.
    pub fn people_close_runs(self) -> bool {
        self.0 >= 4
    }
}
