//! The rules that every action keeps.

use std::fmt;

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The case's world can be prepared.
    Prepared,
    /// Looking changes nothing, and two looks see the same.
    ReadOnly,
    /// A good run leaves no goal unmet.
    Promise,
    /// What is there afterwards is judged as applied, what was there before as not applied.
    Judged,
    /// The same job never runs twice; a further attempt ends well and leaves the same image.
    Twice,
    /// A new step with the same action ends well and leaves the same image.
    Afresh,
    /// Cut before the start: not begun, can be revoked, never starts afterwards, nothing changed.
    CutBefore,
    /// Cut halfway: what is found is judged rightly, and a repetition completes it.
    CutHalf,
    /// Cut when all is done but nothing was said: what is found is judged rightly, never as not applied.
    CutSilent,
    /// Cut after the end: the job knows how it ended.
    CutAfter,
    /// The link is cut: unknown at first, then the one effect in full.
    LinkCut,
    /// The inverse brings back every owned resource, and no residue is left but the declared.
    Undone,
    /// The inverse again changes nothing more.
    UndoneTwice,
    /// The inverse brings a half-done action back too.
    UndoneFromHalf,
    /// The inverse itself, cut halfway and repeated, brings everything back.
    UndoCut,
    /// A retry that finds a resource which the first attempt did not look at takes that one back too.
    RetryMore,
    /// A refusal or failure says why and changes nothing; taking it back changes nothing either.
    Refused,
    /// What others did to the resources of a refused attempt is not its work, and stays when it is taken back.
    RefusedNoImage,
    /// An undo that a person passed over is a residue, and so is what nobody knows.
    SkippedUndo,
    /// A host is not taken back while too many others stand half done, and what another one's step did to a shared
    /// resource stays.
    OthersAtWork,
    /// Neither a step nor its undo acts on what took the place of its target.
    ReplacedTarget,
}

/// All rules, in the order in which they are checked.
pub const RULES: [Rule; 20] = [
    Rule::ReadOnly,
    Rule::Promise,
    Rule::Judged,
    Rule::Twice,
    Rule::Afresh,
    Rule::CutBefore,
    Rule::CutHalf,
    Rule::CutSilent,
    Rule::CutAfter,
    Rule::LinkCut,
    Rule::Undone,
    Rule::UndoneTwice,
    Rule::UndoneFromHalf,
    Rule::UndoCut,
    Rule::RetryMore,
    Rule::Refused,
    Rule::RefusedNoImage,
    Rule::SkippedUndo,
    Rule::OthersAtWork,
    Rule::ReplacedTarget,
];

impl Rule {
    /// The word in tables and messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::ReadOnly => "read-only",
            Self::Promise => "promise",
            Self::Judged => "judged",
            Self::Twice => "twice",
            Self::Afresh => "afresh",
            Self::CutBefore => "cut-before",
            Self::CutHalf => "cut-half",
            Self::CutSilent => "cut-silent",
            Self::CutAfter => "cut-after",
            Self::LinkCut => "link-cut",
            Self::Undone => "undone",
            Self::UndoneTwice => "undone-twice",
            Self::UndoneFromHalf => "undone-from-half",
            Self::UndoCut => "undo-cut",
            Self::RetryMore => "retry-more",
            Self::Refused => "refused",
            Self::RefusedNoImage => "refused-no-image",
            Self::SkippedUndo => "skipped-undo",
            Self::OthersAtWork => "others-at-work",
            Self::ReplacedTarget => "replaced-target",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What a rule comes to: whether there was something to check, or what was found.
pub(crate) type Checked = Result<bool, String>;
