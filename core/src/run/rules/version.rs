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
//! | 4 | `Rules::only_not_started_is_harmless` | a job that ended with a precondition that did not hold counted as one that changed nothing, and a lost one as one that did | only an attempt that did not start certainly changed nothing; of a lost one it is told by what is found out |
//! | 4 | `Rules::refusals_leave_no_image` | what was there after a refused attempt, or one that never started, was its own work | it is nobody's last recorded state |
//! | 4 | `Rules::retries_extend_the_original` | a resource that only a retry found had no before-image and no inverse | it has those of that retry |
//! | 4 | `Rules::what_is_left_is_a_residue` | effects that nobody knows, undos that were passed over, resources without before-image, and what earlier rollbacks of the same steps lost did not count at the end of a rollback | each is a residue |
//! | 4 | `Rules::hosts_at_work_count` | a host was taken back whatever else of its run stood half done, and its gates stood at its end only | its gates hold before it begins, a host that stands half done counts against `serial` and goes first |
//! | 4 | `Rules::passed_gates_stay_away` | a gate whose `when` did not hold was waited for on the way back | it is left out |
//! | 4 | `Rules::again_has_a_limit` | a step whose job did nothing, as a look at it found, was begun anew without end and at once | at most five times in a row for one owner, with pauses that grow; then it is failed |
//! | 4 | `Rules::gates_count_what_was_waited` | a gate's time was the clock's, from its first answer on, and began anew with each owner | it is what was waited for it, whatever the clock was set to |
//! | 4 | `Rules::untouched_steps_begin_anew` | a retry kept the before-image of attempts that never began | it takes what is there now |
//! | 4 | `Rules::untouched_steps_have_no_undo` | a step of which no attempt began was taken back like any other | it owns nothing: there is nothing to take back, and what is there is not held against what it found |
//! | 4 | `Rules::another_object_is_drift` | an undo acted on whatever had the name of what was recorded, if its fields agreed | an object under a UID that was never recorded stops it, unless it names such a state |
//! | 4 | `Rules::moved_steps_look_again` | a step whose resource changed between its look and its effect failed, or wrote over it | it looks again |
//! | 4 | `Rules::overruling_is_told` | a person's word that a failed step was applied stood like one about a step in doubt | it says that a failure was overruled |
//! | 4 | `Rules::people_close_runs` | only its own driver ended a run, or the rollback that took it back | a person may end one that nobody goes on with |
//! | 5 | `Rules::only_what_is_gone_is_lost` | a drain that failed lost all pods that it had set out to evict, also those that are still there; the end of a run and a rollback of it told different losses | what is gone is lost, and what its job accepted the eviction of |
//! | 5 | `Rules::units_come_back_together` | each unit of a step was taken back for itself, in the opposite order | what ran is started first, then the others are stopped; what nothing starts again is named as a loss |
//! | 5 | `Rules::stopped_is_as_failed` | a unit that had failed, and was stopped after a rollback, was a residue | it is told, and is none |
//! | 6 | `Rules::first_in_time_counts` | of hosts side by side that changed one object, the one that stands first in the plan counted as the first: each put back what it had found, in any order | the first in time counts, and its undo alone puts the object back |
//! | 6 | `Rules::units_come_back_with_packages` | the units of packages that went were started one by one, and those that had stopped along with them stayed down | all of them come back together, as with a `service` step |
//! | 6 | `Rules::boots_come_before_starts` | a unit was started, then enabled, where others changed along; with another name that it got, systemd might forget that it ran | it is enabled first |
//! | 6 | `Rules::first_look_at_what_overlaps_counts` | what a step found was held against the end of a rollback, also where an earlier step of the run had changed it by changing something else: a tree after a file in it, a unit after its package | it is held against what was there before both, or not at all |

use std::ops::RangeInclusive;

/// Version of the rules that new plans and runs are made under.
pub const RULES: u32 = *RULES_KNOWN.end();

/// The versions that this binary has: it drives such runs, and refuses to drive others.
pub const RULES_KNOWN: RangeInclusive<u32> = 1..=6;

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

    /// The number that a run is recorded with.
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

    /// Whether only an attempt that did not start counts as one that changed nothing.
    pub(crate) fn only_not_started_is_harmless(self) -> bool {
        self.0 >= 4
    }

    /// Whether the image after an attempt that was refused or never started is recorded as nobody's work.
    pub fn refusals_leave_no_image(self) -> bool {
        self.0 >= 4
    }

    /// Whether a retry adds the resources that only it found to the before-image and the inverse of the first attempt.
    pub(crate) fn retries_extend_the_original(self) -> bool {
        self.0 >= 4
    }

    /// Whether all that a rollback leaves is a residue, not only what its actions announced.
    pub(crate) fn what_is_left_is_a_residue(self) -> bool {
        self.0 >= 4
    }

    /// Whether a rollback respects the hosts of its run that stand half done, and the gates before it begins with a host.
    pub(crate) fn hosts_at_work_count(self) -> bool {
        self.0 >= 4
    }

    /// Whether a rollback leaves out gates whose `when` did not hold.
    pub(crate) fn passed_gates_stay_away(self) -> bool {
        self.0 >= 4
    }

    /// Whether a lane stays with a step in flight or in doubt, also when it has gone back to an earlier one.
    pub(crate) fn doubt_comes_first(self) -> bool {
        self.0 >= 3
    }

    /// Whether a step in doubt is begun anew only so many times in a row.
    pub(crate) fn again_has_a_limit(self) -> bool {
        self.0 >= 4
    }

    /// Whether a gate's timeout counts what was waited for it, not what the clock shows.
    pub fn gates_count_what_was_waited(self) -> bool {
        self.0 >= 4
    }

    /// Whether an attempt after others that changed nothing takes its before-image anew.
    pub(crate) fn untouched_steps_begin_anew(self) -> bool {
        self.0 >= 4
    }

    /// Whether a step of which no attempt began is passed over when its run is taken back.
    pub(crate) fn untouched_steps_have_no_undo(self) -> bool {
        self.0 >= 4
    }

    /// Whether an undo stops at an object under a UID that was never recorded, also if its fields are as recorded.
    pub(crate) fn another_object_is_drift(self) -> bool {
        self.0 >= 4
    }

    /// Whether a step whose resource changed between its look and its effect looks again.
    pub fn moved_steps_look_again(self) -> bool {
        self.0 >= 4
    }

    /// Whether a person's word against a recorded failure is told from one about a step in doubt.
    pub fn overruling_is_told(self) -> bool {
        self.0 >= 4
    }

    /// Whether the units of a step are taken back in the order that brings all of them back, and what nothing starts
    /// again is named as a loss.
    pub fn units_come_back_together(self) -> bool {
        self.0 >= 5
    }

    /// Whether a unit that had failed, or had left processes behind, is back when it is stopped.
    pub(crate) fn stopped_is_as_failed(self) -> bool {
        self.0 >= 5
    }

    /// Whether a person may end a run that nobody goes on with.
    pub fn people_close_runs(self) -> bool {
        self.0 >= 4
    }

    /// Whether what the first of several steps in time found is what a resource goes back to, wherever they stand in the plan.
    pub(crate) fn first_in_time_counts(self) -> bool {
        self.0 >= 6
    }

    /// Whether only what is gone counts as lost of what a step announced, wherever losses are told.
    pub(crate) fn only_what_is_gone_is_lost(self) -> bool {
        self.0 >= 5
    }

    /// Whether the units of packages, and those that stop along with them, are put back together.
    pub(crate) fn units_come_back_with_packages(self) -> bool {
        self.0 >= 6
    }

    /// Whether units are enabled and disabled before they are started and stopped, on the way back.
    pub(crate) fn boots_come_before_starts(self) -> bool {
        self.0 >= 6
    }

    /// Whether a resource that an earlier step of the run changed by changing another one is held against what was there
    /// before that step, at the end of a rollback.
    pub(crate) fn first_look_at_what_overlaps_counts(self) -> bool {
        self.0 >= 6
    }
}
