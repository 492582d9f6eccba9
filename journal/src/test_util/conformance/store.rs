//! What every place of a journal must do, checked through the port alone.

use super::{Checked, all, draft, hold, must};
use palinode_core::id::{Epoch, RunId, Seq};
use palinode_core::port::{
    ClaimNotes as _, HandedDecision, Journal as _, Opened, OwnError, OwnerState, Previous, Store, StoreRead as _, Verb,
};
use palinode_core::record::{Actor, Owner};

const RUN: RunId = RunId([7; 8]);

/// Checks a place where no journal is yet. `id` is the one to make it with, `die` drops an owner as a kill would.
pub fn check_store<S: Store>(store: &S, id: &S::Id, die: impl FnOnce(S::Journal)) -> Checked {
    let [first, second, third, fourth] = [1, 2, 3, 4].map(process);
    hold("a place is described before a journal is made", !store.describe().is_empty(), store.describe())?;
    hold("what was not made is not there", !store.exists() && store.reader().is_err() && store.id().is_err(), ())?;
    let own = store.own(first.clone());
    hold("what was not made has no owner", matches!(&own, Err(OwnError::Failed(_))), own.is_ok())?;
    must("a journal is made", store.create(id))?;
    hold("it is made once", store.exists() && store.create(id).is_err(), ())?;
    let kept = must("its id is read", store.id())?.map(|id| id.to_string());
    hold("it keeps its id", kept == Some(id.to_string()), kept)?;
    let reader = must("it is read", store.reader())?;
    hold("a reader describes the same place", reader.describe() == store.describe(), reader.describe())?;
    hold("a new one has no owner", must("its owner is told", reader.owner())? == OwnerState::None, ())?;

    let Opened { mut journal, previous, torn } = must("it is owned", store.own(first.clone()))?;
    hold("the first owner is the first", previous.is_none() && torn.is_none() && journal.epoch() == Epoch(1), ())?;
    let alive = OwnerState::Alive { owner: Some(first.clone()), epoch: Epoch(1) };
    hold("a reader sees who owns it", must("its owner is told", reader.owner())? == alive, ())?;
    let other = store.own(second.clone());
    let named = matches!(&other, Err(OwnError::Owned(by)) if by.owner.as_ref() == Some(&first) && by.epoch == Epoch(1));
    hold("a living owner is left alone, and named", named, other.is_ok())?;

    let appended = must("append", journal.append(vec![draft("a")?, draft("b")?]))?;
    let posted = must("post", journal.post(vec![draft("c")?]))?;
    hold("a reader sees what is durable", all(&reader, 1)? == appended, ())?;
    hold("the owner sees what it posted", all(&journal, 3)? == posted, ())?;
    let picked = must("entries are picked", reader.entries_at(&[Seq(2), Seq(9)]))?;
    hold("only what is there is picked", picked == appended[1..], picked.len())?;
    let none = must("the open runs are told", reader.open_runs())?;
    hold("no run was opened", none.is_empty() && must("the last is told", reader.last_opened())?.is_none(), none)?;

    let decision =
        HandedDecision { run: RUN, verb: Verb::Pause, by: Actor::default(), reason: None, seen: Some(Seq(2)) };
    let name = must("a decision is handed in", store.hand_in(&decision))?;
    let inbox = must("the inbox is read", journal.inbox())?;
    let arrived = matches!(inbox.as_slice(), [handed] if handed.name == name && handed.decision == decision);
    hold("the owner gets it under its name", arrived, inbox.len())?;
    must("it is taken", journal.take(&name))?;
    hold("what was taken is gone", must("the inbox is read", journal.inbox())?.is_empty(), ())?;
    must("claims are noted", journal.note_claims(RUN))?;

    die(journal);
    let Opened { journal, previous, .. } = must("a dead owner is taken over", store.own(second.clone()))?;
    let died = Previous { owner: first, epoch: Epoch(1), released: false };
    hold("the next owner is told of the dead one", previous.as_ref() == Some(&died), previous)?;
    hold("and has a later epoch", journal.epoch() > Epoch(1), journal.epoch())?;
    hold("what was appended survives", all(&journal, 1)?.starts_with(&appended), ())?;
    let notes = must("notes are read", journal.noted_claims())?;
    hold("so do the notes of claims", notes == [RUN], notes)?;
    must("a note is forgotten", journal.forget_claims(RUN))?;
    must("twice does no harm", journal.forget_claims(RUN))?;
    let epoch = journal.epoch();
    drop(journal);
    hold("who let go owns it no more", must("its owner is told", reader.owner())? == OwnerState::None, ())?;
    let Opened { journal, previous, .. } = must("it is owned again", store.own(third))?;
    let let_go = Previous { owner: second, epoch, released: true };
    hold("the next owner is told that the last let go", previous.as_ref() == Some(&let_go), previous)?;
    hold("a forgotten note is gone", must("notes are read", journal.noted_claims())?.is_empty(), ())?;
    let other = store.own(fourth);
    hold("it has one owner again", matches!(other, Err(OwnError::Owned(_))), ())
}

fn process(pid: u32) -> Owner {
    Owner { host: "bastion".to_owned(), boot: "boot".to_owned(), pid, started: 17 }
}
