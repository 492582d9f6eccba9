//! Claims: who has a host, or an inventory, and why another does not get it. What happens there is in `prelude.sh`.

use super::channel::Reply;
use super::{decoded, quoted};

/// The exit code where another journal has it.
const CLAIMED: i32 = 73;

/// The exit code where this journal had it, and has it no more.
const TAKEN: i32 = 74;

/// In whose name a host is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Names the journal, on whatever machine it is: a word of letters, digits and dashes.
    pub journal: String,
    /// Who, which run, since when: what another person is told.
    pub words: String,
}

impl Claim {
    /// Asks who else has it; [`claimant`] finds that in the reply.
    pub(crate) fn asks(&self) -> String {
        format!("p_claimant {}\n", quoted(&self.journal))
    }

    /// Claims it, or leaves with a code that [`refusal`] knows. What this journal `had` already is not claimed anew after
    /// another one had it in between.
    pub(crate) fn makes(&self, had: bool) -> String {
        let had = if had { " had" } else { "" };
        format!("p_claim {} {}{had} || exit\n", quoted(&self.journal), quoted(&self.words))
    }

    /// Takes it from whoever has it. Not from ourselves: what is at work would take the moment between for the end of its
    /// claim.
    pub(crate) fn takes(&self) -> String {
        format!("if [ -n \"$(p_claimant {})\" ]; then p_take; fi\n{}", quoted(&self.journal), self.makes(false))
    }

    /// Gives it up.
    pub(crate) fn releases(&self) -> String {
        format!("p_release {}\n", quoted(&self.journal))
    }
}

/// Who else has it.
pub(crate) fn claimant(reply: &Reply) -> Option<String> {
    let words = reply.lines().find_map(|line| line.strip_prefix("claimant "))?;
    Some(String::from_utf8_lossy(&decoded(words).unwrap_or_default()).into_owned())
}

/// Why it was not claimed; none if that is not what went wrong.
pub(crate) fn refusal(reply: &Reply, what: &str) -> Option<String> {
    match reply.code {
        CLAIMED => Some(format!("another journal has {what}: {}", reply.why())),
        TAKEN => Some(format!("another journal took {what} over in the meantime; see what it changed")),
        _ => None,
    }
}
