//! From an action to the parts of its job: what is still to do in this world, or why it must not begin.

use crate::lab::world::effect::Effect;
use crate::lab::world::job::{Finish, Part};
use crate::lab::world::model::{Host, World};
use palinode_core::action::Target;
use palinode_core::id::{BodyId, Micros};
use palinode_core::port::{Bodies, Job};
use palinode_core::record::Why;
use std::io;

/// What a job needs that is not in the world.
pub struct Outside<'a> {
    /// The text of the inventory.
    pub inventory: &'a dyn Fn() -> io::Result<Vec<u8>>,
    /// Recorded bodies.
    pub bodies: &'a dyn Bodies,
}

/// What a job will do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::lab) struct Draft {
    pub(in crate::lab) parts: Vec<Part>,
    pub(in crate::lab) tail: Micros,
    pub(in crate::lab) patience: Option<Micros>,
    pub(in crate::lab) finish: Finish,
}

impl Draft {
    /// A part that is due some seconds after the one before.
    pub(super) fn then(&mut self, seconds: i64, effect: Effect) {
        self.part(seconds, 0, effect);
    }

    /// A part that waits.
    pub(super) fn wait(&mut self, seconds: i64, patience: i64, effect: Effect) {
        self.part(seconds, patience, effect);
    }

    fn part(&mut self, after: i64, patience: i64, effect: Effect) {
        self.parts.push(Part { after: Micros::seconds(after), patience: Micros::seconds(patience), effect });
    }

    /// Ends that many seconds after its last part, with an exit code of zero.
    pub(super) fn ends(mut self, seconds: i64) -> Self {
        self.tail = Micros::seconds(seconds);
        self.finish.code.get_or_insert(0);
        self
    }
}

/// A job that must not begin: nothing was changed.
pub(super) fn refuse(message: impl Into<String>) -> Finish {
    Finish { why: Some(Why::Precondition), message: Some(message.into()), ..Finish::default() }
}

/// A host with its name.
pub(super) type At<'a> = (&'a str, &'a Host);

/// A job that did nothing but fail.
pub(super) fn fails(code: i32, message: impl Into<String>) -> Finish {
    Finish { why: Some(Why::ExitCode), code: Some(code), message: Some(message.into()), ..Finish::default() }
}

/// A recorded body as text; else how the job ends that needs it.
pub(super) fn text_of(bodies: &dyn Bodies, id: BodyId) -> Result<String, Finish> {
    let bytes = bodies.get(id).map_err(|error| refuse(format!("the recorded content cannot be opened: {error}")))?;
    String::from_utf8(bytes).map_err(|_| refuse("the recorded content is not text; the lab keeps text files only"))
}

/// The node that a job acts on.
pub(super) fn node_of(job: &Job) -> Result<&str, Finish> {
    job.target.node.as_deref().ok_or_else(|| refuse("the action needs a node, and the target has none"))
}

/// What the control side does itself, at once.
pub(super) fn control(file: &str) -> Draft {
    let mut draft = Draft::default();
    draft.then(0, Effect::Control { file: file.to_owned() });
    draft.ends(1)
}

impl World {
    /// The target's host, which must be up.
    pub(super) fn reach(&self, target: &Target) -> Result<(&str, &Host), Finish> {
        let Some(name) = &target.host else {
            return Err(refuse("the action needs a host"));
        };
        let found = self.hosts.get_key_value(name.as_str());
        let (name, host) = found.ok_or_else(|| refuse(format!("there is no host {name}")))?;
        Ok((name, host))
    }
}
