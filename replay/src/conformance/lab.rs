//! The simulated lab as a subject.

use super::{Change, Cut, Kept, Meddling, Subject, Trouble};
use crate::lab::{
    Archive, Effect, Entry, Fault, Lab, Line, Phase, Surroundings, UnitVerb, What, World, block_on, nevra,
};
use palinode_core::id::{EntryId, ResourceKey};
use palinode_core::port::{Bodies, Halted, Job, Journal};
use palinode_core::resource::{CONTROL, Kind};
use palinode_core::span::Span;
use std::collections::BTreeMap;

/// The control side of a lab under test: one inventory, in memory or on disk.
pub trait Desk {
    /// What a driver records in.
    type Journal: Journal;
    /// An empty journal.
    fn journal(&self) -> Self::Journal;
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
    type Journal = D::Journal;

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

    fn meddle(&self, key: &ResourceKey, how: Meddling) -> Result<bool, Trouble> {
        let Some(kind) = key.kind() else { return Ok(false) };
        if let (Kind::File(CONTROL, _), Meddling::Edit) = (kind, how) {
            self.desk.write(&format!("{}# someone else was here\n", self.desk.read()));
            return Ok(true);
        }
        let mut world = self.lab.snapshot();
        if let (Kind::Node(name), Meddling::Replace) = (kind, how) {
            let Some(node) = world.node_mut(name) else { return Ok(false) };
            node.uid = "00000000-0000-4000-8000-00000000000e".to_owned();
            self.lab.restore(world);
            return Ok(true);
        }
        let effects = effects_of(&world, kind, how);
        let any = !effects.is_empty();
        effects.into_iter().for_each(|effect| self.lab.change(effect));
        Ok(any)
    }

    fn journal(&self) -> D::Journal {
        self.desk.journal()
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

/// What someone else does to a resource of the world.
fn effects_of(world: &World, kind: Kind<'_>, how: Meddling) -> Vec<Effect> {
    match (kind, how) {
        (Kind::Unit(host, unit), Meddling::Edit) => {
            let Some(runs) = world.host(host).filter(|known| known.unit(unit).is_some()).map(|host| host.active(unit))
            else {
                return Vec::new();
            };
            let verb = if runs { UnitVerb::Stop } else { UnitVerb::Start };
            vec![Effect::Unit { host: host.to_owned(), unit: unit.to_owned(), verb }]
        }
        (Kind::File(host, path), how) => {
            let Some(files) = world.host(host).map(|host| &host.files) else { return Vec::new() };
            let (host, path) = (host.to_owned(), path.to_owned());
            let elsewhere = || Entry::Link { target: "/etc/hostname".to_owned() };
            let entry = match (files.get(&path), how) {
                // What is below a folder is part of its state.
                (Some(Entry::Dir), Meddling::Edit) | (None, Meddling::Edit) if files.is_dir(&path) => {
                    let path = format!("{path}/else");
                    return vec![Effect::Put { host, path, entry: Entry::text("someone else\n") }];
                }
                (Some(Entry::Link { .. }), Meddling::Edit) => elsewhere(),
                (_, Meddling::Edit) => Entry::text("someone else\n"),
                (Some(Entry::Link { .. }), Meddling::Replace) => Entry::text("someone else\n"),
                (None, Meddling::Replace) if !files.exists(&path) => Entry::text("someone else\n"),
                (_, Meddling::Replace) => elsewhere(),
            };
            let (of, at) = (host.clone(), path.clone());
            vec![Effect::Remove { host: of, path: at }, Effect::Put { host, path, entry }]
        }
        (Kind::Node(name), Meddling::Edit) => {
            let Some(node) = world.node(name) else { return Vec::new() };
            vec![Effect::Schedulable { node: name.to_owned(), on: node.unschedulable }]
        }
        (Kind::ConfigMap(namespace, name), how) => {
            let map = world.config_map(namespace, name);
            let name = format!("{namespace}/{name}");
            match (map, how) {
                (_, Meddling::Edit) => {
                    let text = map.map_or("", |map| &map.content);
                    vec![Effect::PutConfigMap { name, content: format!("{text}# someone else\n").into() }]
                }
                (Some(map), Meddling::Replace) => {
                    let content = map.content.clone();
                    vec![Effect::DeleteConfigMap { name: name.clone() }, Effect::PutConfigMap { name, content }]
                }
                (None, Meddling::Replace) => {
                    vec![Effect::PutConfigMap { name, content: "# someone else\n".into() }]
                }
            }
        }
        (Kind::Package(host, name), Meddling::Edit) => {
            let installed = world.host(host).and_then(|known| known.packages.get(name)?.first().cloned());
            installed.map(|package| Effect::Erase { host: host.to_owned(), package }).into_iter().collect()
        }
        _ => Vec::new(),
    }
}
