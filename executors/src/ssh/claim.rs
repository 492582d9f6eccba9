//! Claims: who has a host, or an inventory, and why another does not get it. What happens there is in `prelude.sh`.

use super::channel::Reply;
use super::words::{decoded, quoted};
use palinode_core::id::{EntryId, Seq};

/// The exit code where another journal has it.
const CLAIMED: i32 = 73;

/// The exit code where this journal had it, and has it no more.
const TAKEN: i32 = 74;

/// The exit code where a newer state of this journal was seen.
const OLDER: i32 = 75;

/// In whose name a host is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Names the journal, on whatever machine it is: a word of letters, digits and dashes.
    pub journal: String,
    /// Who, which run, since when: what another person is told.
    pub words: String,
    /// Which of the journal's owners asks.
    pub fence: Fence,
}

/// Tells an owner of a journal from those before it, and from those of its copies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fence {
    /// The epoch of the ownership.
    pub epoch: u64,
    /// A word of chance that only this owner has.
    pub owner: String,
}

/// What a host, or this machine for an inventory, knows of a journal's claim.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Whose {
    /// The words of the other journal that has it, and that journal's name.
    pub claimant: Option<(String, String)>,
    /// Whether this journal has it.
    pub ours: bool,
    /// Who took it from this journal, if anyone did.
    pub taken: Option<String>,
    /// The newest intent of this journal that was seen there.
    pub seen: Option<Seen>,
}

/// An intent of a journal that a host was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The epoch of the owner that asked.
    pub epoch: u64,
    /// Its position in the journal.
    pub seq: Seq,
    /// Its id.
    pub entry: EntryId,
}

impl Claim {
    /// Asks who else has it; [`claimant`] finds that in the reply.
    pub(crate) fn asks(&self) -> String {
        format!("p_claimant {}\n", quoted(&self.journal))
    }

    /// Asks for all that is known of it; [`whose`] reads the reply.
    pub(crate) fn asks_whose(&self) -> String {
        format!("p_whose {}\n", quoted(&self.journal))
    }

    /// Tells that this journal is there with an intent, or leaves with a code that [`refusal`] knows: an older state of the
    /// journal, or a copy of it, begins nothing.
    pub(crate) fn fences(&self, seq: Seq, entry: EntryId) -> String {
        let Fence { epoch, owner } = &self.fence;
        format!("p_fence {} {epoch} {} {} {entry} || exit\n", quoted(&self.journal), quoted(owner), seq.0)
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
        let (journal, words, owner) = (quoted(&self.journal), quoted(&self.words), quoted(&self.fence.owner));
        format!(
            "if [ -n \"$(p_claimant {journal})\" ]; then p_take {words}; fi\np_unsee {journal} {owner}\n{}",
            self.makes(false)
        )
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

/// All that is known of a claim.
pub(crate) fn whose(reply: &Reply) -> Whose {
    let field = |name: &str| reply.lines().find_map(|line| line.strip_prefix(name));
    let text = |name: &str| {
        field(name).map(|words| String::from_utf8_lossy(&decoded(words).unwrap_or_default()).trim().to_owned())
    };
    let seen = field("seen ").and_then(|seen| {
        let mut words = seen.split(' ');
        let epoch = words.next()?.parse().ok()?;
        let seq = Seq(words.nth(1)?.parse().ok()?);
        Some(Seen { epoch, seq, entry: words.next()?.parse().ok()? })
    });
    let by = text("by ").unwrap_or_default();
    let claimant = claimant(reply).map(|words| (words, by.trim_start_matches("claims/").to_owned()));
    Whose { claimant, ours: reply.lines().any(|line| line == "ours"), taken: text("taken "), seen }
}

/// Why it was not claimed; none if that is not what went wrong.
pub(crate) fn refusal(reply: &Reply, what: &str) -> Option<String> {
    match reply.code {
        CLAIMED => Some(format!("another journal has {what}: {}", reply.why())),
        OLDER => Some(format!(
            "{what} saw {} of this journal, which is newer: this is an older copy of it, or another copy went on; \
             go on with that one",
            reply.why()
        )),
        TAKEN => Some(format!("another journal took {what} over in the meantime; see what it changed")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::encoded;

    #[test]
    fn what_is_known_of_a_claim_is_read_and_nothing_else() {
        let of = |out: String| whose(&Reply { code: 0, out: out.into_bytes(), complaint: String::new() });
        assert_eq!(of(String::new()), Whose::default());
        let (words, by) = (encoded(b"run 1 of root\n"), encoded(b"claims/abc\n"));
        let id = EntryId([7; 32]);
        let found = of(format!("claimant {words}\nby {by}\ntaken {words}\nseen 3 anna 42 {id}\n"));
        let other = found.claimant.as_ref().map(|(words, by)| (words.trim(), by.as_str()));
        assert_eq!(other, Some(("run 1 of root", "abc")));
        assert_eq!(found.taken.as_deref(), Some("run 1 of root"));
        assert_eq!(found.seen, Some(Seen { epoch: 3, seq: Seq(42), entry: id }));
        assert!(!found.ours && of("ours\n".to_owned()).ours);
        for cut in ["seen 3 anna 42", "seen 3 anna x 07", "seen", "seen 3 anna 42 07"] {
            assert_eq!(of(format!("{cut}\n")).seen, None, "{cut}");
        }
    }
}
