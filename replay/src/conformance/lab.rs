//! The simulated lab as a subject.

use super::{Change, Cut, Kept, Subject, Trouble};
use crate::lab::{Archive, Effect, Entry, Fault, Lab, Line, Phase, Surroundings, What, World, block_on, nevra};
use palinode_core::id::EntryId;
use palinode_core::port::{Bodies, Halted, Job};
use palinode_core::span::Span;
use std::collections::BTreeMap;

/// The control side of a lab under test: one inventory, in memory or on disk.
pub trait Desk {
    /// What the lab shall be surrounded with.
    fn around(&self) -> Surroundings;
    /// The inventory's text.
    fn read(&self) -> String;
    /// Writes the inventory.
    fn write(&self, text: &str);
}

/// The default lab, made anew for every case.
pub struct LabSubject<D> {
    desk: D,
    inventory: String,
    world: World,
    /// The world in which the present ledger began.
    base: World,
    lab: Lab,
    bodies: Kept,
}

impl<D: Desk> LabSubject<D> {
    /// A subject whose fresh world is the default lab with this inventory.
    pub fn new(desk: D, inventory: String) -> Self {
        let world = World::demo();
        let lab = Lab::in_memory(world.clone(), desk.around());
        Self { desk, inventory, base: world.clone(), world, lab, bodies: Kept::default() }
    }

    /// The lab as it is now.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    fn with_world(&mut self, change: impl FnOnce(&mut World)) {
        let mut world = self.lab.snapshot();
        change(&mut world);
        self.base = world.clone();
        self.lab = Lab::in_memory(world, self.desk.around());
    }
}

impl<D: Desk> Subject for LabSubject<D> {
    type Executor = Lab;

    fn executor(&self) -> &Lab {
        &self.lab
    }

    fn bodies(&self) -> &dyn Bodies {
        &self.bodies
    }

    fn fresh(&mut self) -> Result<(), Trouble> {
        self.desk.write(&self.inventory);
        self.base = self.world.clone();
        self.lab = Lab::in_memory(self.base.clone(), self.desk.around());
        self.bodies = Kept::default();
        Ok(())
    }

    fn change(&mut self, change: &Change) -> Result<(), Trouble> {
        match change {
            Change::BarePod { namespace, name, node } => {
                self.with_world(|world| world.add_bare_pod(namespace, name, node));
            }
            Change::WriteFile { host, path, text } => {
                let entry = Entry::text(text.as_str());
                self.lab.change(Effect::Put { host: host.clone(), path: path.clone(), entry });
            }
            Change::Installed { host, package } => {
                self.lab.change(Effect::Install { host: host.clone(), package: nevra(package) });
            }
            Change::EditInventory { from, to } => {
                let text = self.desk.read();
                if !text.contains(from.as_str()) {
                    return Err(Trouble(format!("the inventory has no {from:?} to replace")));
                }
                self.desk.write(&text.replacen(from.as_str(), to, 1));
            }
        }
        Ok(())
    }

    fn drive<T>(&self, future: impl Future<Output = T>) -> Result<T, Halted> {
        block_on(&self.lab, future)
    }

    fn arm(&mut self, job: &Job, cut: Cut) -> Result<(), Trouble> {
        let phase = match cut {
            Cut::BeforeStart => Phase::NotBegun,
            Cut::Half => Phase::Half,
            Cut::Silent => Phase::Silent,
            Cut::AfterEnd => Phase::Done,
            Cut::Link => Phase::LinkCut,
        };
        self.lab.fault(Fault { step: job.step.clone(), attempt: job.attempt, phase });
        Ok(())
    }

    fn revive(&mut self) -> Result<(), Trouble> {
        self.lab.revive();
        Ok(())
    }

    fn settle(&mut self, span: Span) -> Result<(), Trouble> {
        self.lab.advance(span.micros());
        Ok(())
    }

    fn fingerprint(&mut self) -> Result<BTreeMap<String, String>, Trouble> {
        Ok(self.lab.digest().lines)
    }

    fn effects(&self, job: EntryId) -> Option<usize> {
        // Marking an implied directory as one is an effect in the lab's files, but no change that anyone could see.
        let mut world = self.base.clone();
        let mut count = 0;
        for line in self.lab.lines() {
            let (control, mine) = match &line.what {
                What::Applied { job: by, effect } => (matches!(effect, Effect::Control { .. }), *by == job),
                _ => (false, false),
            };
            if mine && !control {
                world.replay(&Line { at: line.at, what: What::Advanced {} });
                let before = world.digest();
                world.replay(&line);
                count += usize::from(world.digest() != before);
            } else {
                count += usize::from(mine);
                world.replay(&line);
            }
        }
        Some(count)
    }

    fn tree(&self, archive: &[u8]) -> Result<BTreeMap<String, String>, Trouble> {
        let Archive(entries) =
            serde_json::from_slice(archive).map_err(|error| Trouble(format!("not an archive of the lab: {error}")))?;
        let words = |entry: &Entry| match entry {
            Entry::File { mode, owner, content } => {
                format!("file {mode:04o} {owner} {}", &blake3::hash(content.as_bytes()).to_hex()[..16])
            }
            Entry::Link { target } => format!("link to {target}"),
            Entry::Dir => "empty directory".to_owned(),
        };
        Ok(entries.iter().map(|(path, entry)| (path.clone(), words(entry))).collect())
    }
}
