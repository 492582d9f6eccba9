//! What is left to look at: hosts and nodes that changed or wait for a time. The rest stands still, and looking at it
//! would find nothing to do. Everything, in a world that was just read; no part of a world's state.

use std::collections::BTreeSet;

/// Names of hosts and nodes.
#[derive(Debug, Clone, Default)]
pub(in crate::lab) enum Names {
    /// Every one there is.
    #[default]
    All,
    /// These.
    Only(BTreeSet<String>),
}

impl Names {
    /// Adds one.
    pub(in crate::lab) fn add(&mut self, name: &str) {
        if let Self::Only(names) = self
            && !names.contains(name)
        {
            names.insert(name.to_owned());
        }
    }

    /// Takes them all away.
    pub(in crate::lab) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Only(BTreeSet::new()))
    }

    /// Whether one is among them.
    pub(in crate::lab) fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(name),
        }
    }
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub(in crate::lab) struct Attention {
    /// What the controllers look at in their next round.
    pub(in crate::lab) round: Names,
    /// Where bricks may have come or gone, or the gluster pod.
    pub(in crate::lab) storage: Names,
}

impl Attention {
    /// A host, a node or one of its pods changed.
    pub(in crate::lab) fn touch(&mut self, name: &str) {
        self.round.add(name);
        self.storage.add(name);
    }
}

/// Hosts on which the gluster commands can be asked.
#[derive(Debug, Clone, Default)]
pub(in crate::lab) struct Vantage(pub(in crate::lab) BTreeSet<String>);

impl PartialEq for Vantage {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Vantage {}

/// Worlds are equal whatever is left to look at in them.
impl PartialEq for Attention {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Attention {}
