//! Inventory files of the control side: looked at, edited, and taken back without losing what others wrote since.

use crate::files::{FileContent, Files};
use palinode_core::action::{Action, InventoryEdit, InventoryRestore};
use palinode_core::event::{Class, Why};
use palinode_core::inventory::{
    Change, EditError, Owner, Source, amend, difference, groups_in, merge3, outvoted, reads,
};
use palinode_core::port::{Bodies, BodyError, Control, Finished, LookError};
use palinode_core::resource::State;
use std::io;

/// Carries out `inventory.edit` and `inventory.restore` on [`Files`].
#[derive(Debug, Clone, Default)]
pub struct InventoryFiles<F> {
    files: F,
}

impl<F: Files> InventoryFiles<F> {
    /// Acts on these files.
    pub fn new(files: F) -> Self {
        Self { files }
    }

    fn edit(&self, action: &InventoryEdit) -> Result<String, Stop> {
        let file = &action.file;
        if let Some(step) = &action.home_of {
            let words = format!("{file}: the places that its hosts had before step {step} were not looked up");
            return Err(Stop::before(words));
        }
        let Some(now) = self.read(file)? else {
            return Err(Stop::before(format!("{file}: there is no such file; name the inventory, or create it")));
        };
        let text = std::str::from_utf8(&now.bytes).map_err(|error| {
            let line = 1 + now.bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count();
            Stop::before(format!("{file}: line {line} is not UTF-8 text; save the inventory as UTF-8, then retry"))
        })?;
        let refused = |error: EditError| Stop::before(format!("{file}: {error}"));
        let (after, changes) = amend(text, &action.edits).map_err(refused)?;
        if after == text {
            return Ok(format!("{file}: already as wanted, not written"));
        }
        outvoted(&after, &self.beside(file, text)?, &action.edits).map_err(refused)?;
        self.swap(file, &now, after.as_bytes(), now.mode)?;
        Ok(listed(format!("{file}: edited"), &changes))
    }

    /// The files in `group_vars` beside an inventory, as far as they go by the names of its groups.
    fn beside(&self, file: &str, text: &str) -> Result<Vec<Source>, Stop> {
        let folder = file.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        let mut found = Vec::new();
        for group in groups_in(text) {
            for ending in ["", ".yml", ".yaml", ".json"] {
                let path = format!("{folder}group_vars/{group}{ending}");
                // A folder of files, and what cannot be read, is for the check of the whole inventory to tell of.
                let Ok(Some(content)) = self.files.read(&path) else { continue };
                if let Ok(text) = String::from_utf8(content.bytes) {
                    found.push(Source { file: path, text, owner: Owner::Group(group.clone()) });
                }
            }
        }
        Ok(found)
    }

    fn restore(&self, action: &InventoryRestore, bodies: &dyn Bodies) -> Result<String, Stop> {
        let file = &action.file;
        let conflict = |words: &str| Stop::Said(Why::Conflict, format!("{file}: {words}"));
        let to = Recorded::of(file, &action.to)?;
        let base = action.base.as_ref().map(|state| Recorded::of(file, state)).transpose()?;
        let now = self.read(file)?;
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
                self.files.remove(file).map_err(|error| Stop::io(file, "removed", &error))?;
                return Ok(format!("{file}: removed, as it was not there before"));
            }
            (Some(to), None) => {
                if matches!(base, Some(Some(_))) {
                    return Err(conflict(
                        "someone removed it since; put it back by hand, then retry, or skip this step to leave it out",
                    ));
                }
                self.write(file, &to.open(bodies)?, to.mode)?;
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
            self.swap(file, &now, &wanted, mode)?;
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
        self.swap(file, &now, merged.as_bytes(), mode)?;
        let head = format!("{file}: the edit was taken back by a merge; edits that others made since were kept");
        Ok(told(head, text.as_bytes(), merged.as_bytes()))
    }

    fn read(&self, file: &str) -> Result<Option<FileContent>, Stop> {
        self.files.read(file).map_err(|error| Stop::before(format!("{file}: cannot be read: {error}")))
    }

    /// Writes what was made of the content that was read; another content that came meanwhile stays.
    fn swap(&self, file: &str, was: &FileContent, bytes: &[u8], mode: u32) -> Result<(), Stop> {
        match self.files.swap(file, &was.bytes, bytes, mode) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let words = format!("{file}: someone wrote it just now, and that was kept; look at it, then retry");
                Err(Stop::Said(Why::Conflict, words))
            }
            Err(error) => Err(Stop::io(file, "written", &error)),
        }
    }

    fn write(&self, file: &str, bytes: &[u8], mode: u32) -> Result<(), Stop> {
        self.files.replace(file, bytes, mode).map_err(|error| Stop::io(file, "written", &error))
    }
}

impl<F: Files> Control for InventoryFiles<F> {
    fn observe(&self, path: &str, bodies: &dyn Bodies) -> Result<State, LookError> {
        let refused = |error: io::Error| LookError::Refused { target: path.to_owned(), why: error.to_string() };
        let Some(FileContent { mode, owner, bytes }) = self.files.read(path).map_err(refused)? else {
            return Ok(State::Absent);
        };
        let body = bodies.put(Class::Content, &bytes)?;
        Ok(State::file(mode, owner, bytes.len() as u64, body))
    }

    fn run(&self, action: &Action, bodies: &dyn Bodies) -> Result<Finished, BodyError> {
        let done = match action {
            Action::InventoryEdit(edit) => self.edit(edit),
            Action::InventoryRestore(restore) => self.restore(restore, bodies),
            other => Err(Stop::before(format!("{} does not act on inventory files", other.name()))),
        };
        match done {
            Ok(message) => Ok(Finished { message: Some(message), ..Finished::default() }),
            Err(Stop::Said(why, message)) => {
                Ok(Finished { why: Some(why), message: Some(message), ..Finished::default() })
            }
            Err(Stop::Body(error)) => Err(error),
        }
    }
}

/// Why an action did not finish well.
enum Stop {
    Said(Why, String),
    Body(BodyError),
}

impl Stop {
    /// A precondition did not hold; nothing was changed.
    fn before(message: String) -> Self {
        Self::Said(Why::Precondition, message)
    }

    fn io(file: &str, done: &str, error: &io::Error) -> Self {
        Self::Said(Why::ExitCode, format!("{file}: cannot be {done}: {error}"))
    }
}

impl From<BodyError> for Stop {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
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

fn listed(head: String, changes: &[Change]) -> String {
    let changes: Vec<String> = changes.iter().map(Change::to_string).collect();
    if changes.is_empty() {
        return format!("{head}; nothing changed in meaning");
    }
    format!("{head}\n{}", changes.join("\n"))
}
