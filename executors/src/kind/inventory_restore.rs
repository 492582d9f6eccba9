//! `inventory.restore`: what was recorded comes back, and what others wrote since stays.

use crate::control::OnFiles;
use crate::control::file::{Stop, listed, read, swap, write};
use crate::files::Files;
use palinode_core::action::InventoryRestore;
use palinode_core::inventory::{difference, merge3, reads};
use palinode_core::port::{Bodies, BodyError};
use palinode_core::record::Why;
use palinode_core::resource::State;

impl OnFiles for InventoryRestore {
    fn act(&self, files: &dyn Files, bodies: &dyn Bodies) -> Result<String, Stop> {
        let file = &self.file;
        let conflict = |words: &str| Stop::Said(Why::Conflict, format!("{file}: {words}"));
        let to = Recorded::of(file, &self.to)?;
        let base = self.base.as_ref().map(|state| Recorded::of(file, state)).transpose()?;
        let now = read(files, file)?;
        let (to, now) = match (to, now) {
            (None, None) => return Ok(format!("{file}: already absent, nothing to take back")),
            (None, Some(now)) => {
                let ours = match base {
                    Some(Some(base)) => base.open(bodies)? == now.bytes,
                    _ => false,
                };
                if !ours {
                    return Err(conflict(
                        "it was not there before, but what is there now is not what the step left; look at it and \
                         remove it by hand, then retry, or skip this step to keep it",
                    ));
                }
                files.remove(file).map_err(|error| Stop::io(file, "removed", &error))?;
                return Ok(format!("{file}: removed, as it was not there before"));
            }
            (Some(to), None) => {
                if matches!(base, Some(Some(_))) {
                    return Err(conflict(
                        "someone removed it since; put it back by hand, then retry, or skip this step to leave it out",
                    ));
                }
                write(files, file, &to.open(bodies)?, to.mode)?;
                return Ok(format!("{file}: created as it was recorded"));
            }
            (Some(to), Some(now)) => (to, now),
        };
        let Some(mode) = merged_mode(base.map(|base| base.map(|base| base.mode)), to.mode, now.mode) else {
            let words = format!(
                "someone changed its mode to {:04o}, but taking the edit back needs {:04o}; set it by hand, then retry",
                now.mode, to.mode
            );
            return Err(conflict(&words));
        };
        let wanted = to.open(bodies)?;
        if wanted == now.bytes && mode == now.mode {
            return Ok(format!("{file}: already as it was before the edit, not written"));
        }
        let base = match base {
            _ if wanted == now.bytes => None,
            None => None,
            Some(Some(base)) => Some(base.open(bodies)?).filter(|base| *base != now.bytes),
            Some(None) => {
                return Err(conflict(
                    "someone created it since; look at it and remove it by hand, then retry, or skip this step",
                ));
            }
        };
        let Some(base) = base else {
            swap(files, file, &now, &wanted, mode)?;
            return Ok(told(format!("{file}: put back as it was recorded"), &now.bytes, &wanted));
        };
        let texts = [&base, &wanted, &now.bytes].map(|bytes| std::str::from_utf8(bytes));
        let [Ok(base), Ok(wanted), Ok(text)] = texts else {
            return Err(conflict(
                "someone edited it since, and it cannot be merged by lines, as not all of it is UTF-8 text; \
                 take the edit back by hand, or skip this step",
            ));
        };
        let merged = merge3(base, wanted, text).map_err(|found| conflict(&found.to_string()))?;
        let meant = difference(base, wanted);
        let beyond = difference(text, &merged).into_iter().find(|change| !meant.contains(change));
        if let Some(beyond) =
            beyond.map(|change| change.to_string()).or(reads(&merged).err().filter(|_| reads(text).is_ok()))
        {
            return Err(conflict(&format!(
                "someone edited it since, and to take the edit back would now also mean: {beyond}; take it back by \
                 hand, then retry, or skip this step"
            )));
        }
        if merged == text && mode == now.mode {
            return Ok(format!("{file}: others took the edit back already; their edits were kept, not written"));
        }
        swap(files, file, &now, merged.as_bytes(), mode)?;
        let head = format!("{file}: the edit was taken back by a merge; edits that others made since were kept");
        Ok(told(head, text.as_bytes(), merged.as_bytes()))
    }
}

/// A recorded file; its content is opened when it is needed.
#[derive(Clone, Copy)]
struct Recorded {
    mode: u32,
    body: palinode_core::id::BodyId,
}

impl Recorded {
    fn of(file: &str, state: &State) -> Result<Option<Self>, Stop> {
        match state {
            State::Absent => Ok(None),
            State::File { mode, body, .. } => Ok(Some(Self { mode: *mode, body: *body })),
            other => Err(Stop::before(format!("{file}: a file is to be put back, but recorded is: {other}"))),
        }
    }

    fn open(&self, bodies: &dyn Bodies) -> Result<Vec<u8>, BodyError> {
        bodies.get(self.body)
    }
}

/// The mode to write: what others set since the edit stays. None if both changed it.
fn merged_mode(base: Option<Option<u32>>, to: u32, now: u32) -> Option<u32> {
    match base.flatten() {
        Some(base) if base == to => Some(now),
        Some(base) if base != now && to != now => None,
        _ => Some(to),
    }
}

/// What was done, and below it one line for each change of meaning.
fn told(head: String, before: &[u8], after: &[u8]) -> String {
    let (Ok(before), Ok(after)) = (std::str::from_utf8(before), std::str::from_utf8(after)) else {
        return head;
    };
    listed(head, &difference(before, after))
}
