//! What a kind of action says that is done through the API.

use super::draining::Draining;
use super::job::{ApiJob, Stop};
use super::rights::Right;
use futures_util::future::LocalBoxFuture;
use palinode_core::resource::ObjectRef;
use tokio::time::Instant;

/// What came of a round: an end, or none if there is something to tell or it was waited, and it goes on.
pub(crate) type Round<'a> = LocalBoxFuture<'a, Result<Option<Stop>, Stop>>;

/// A kind of action that is done through the API.
pub(crate) trait OnCluster {
    /// Does as much as is told in one batch.
    fn round<'a>(&'a self, job: &'a mut ApiJob<'_>, memory: &'a mut Memory) -> Round<'a>;

    /// What the credentials must allow, for it and for taking it back.
    fn needs(&self) -> Needs<'_>;

    /// What the cluster deletes along with the node, so that it is recorded.
    fn goes_along(&self, _node: &str) -> Option<ObjectRef> {
        None
    }
}

/// What a job remembers from one round to the next.
#[derive(Debug)]
pub(crate) struct Memory {
    /// When it began.
    pub(crate) began: Instant,
    /// What a drain remembers.
    pub(crate) drain: Draining,
    /// Why the last request was not done, where it is made again.
    pub(crate) why: Option<String>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), drain: Draining::new(), why: None }
    }
}

/// What the credentials must allow.
pub(crate) enum Needs<'a> {
    /// These.
    Rights(Vec<Right>),
    /// To do this with an object. The server is asked what its kind is called there.
    Object(&'a ObjectRef, &'static [&'static str]),
}
