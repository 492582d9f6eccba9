//! Inverses: typed actions with the live states they accept, and the order that puts a host back after a playbook.

use super::{
    Action, ApplyObject, Bare, DeleteObject, Drain, Emptydir, FileRestore, Package, PackageState, on_cluster, on_host,
};
use crate::id::ResourceKey;
use crate::resource::{Image, Kind, Node, State};
use crate::span::Span;
use serde::{Deserialize, Serialize};

/// A live state that an inverse accepts although it is not the last recorded one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Accepted {
    /// The resource does not exist.
    Absent,
    /// A unit that does not run, whatever its file says.
    Stopped,
    /// A Node under a UID that the journal never saw: it registered again.
    NewNode,
    /// Any state: the action itself converges from whatever is there.
    Any,
}

/// An accepted state of one resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// The resource.
    pub key: ResourceKey,
    /// What it may be.
    pub state: Accepted,
}

/// One inverse action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// What to do.
    pub action: Action,
    /// Further live states it may start from.
    pub accepts: Vec<Accept>,
}

impl Undo {
    /// An inverse that starts from the last recorded state only.
    pub fn new(action: Action) -> Self {
        Self { action, accepts: Vec::new() }
    }

    /// Accepts one more live state.
    pub fn or(mut self, key: &ResourceKey, state: Accepted) -> Self {
        self.accepts.push(Accept { key: key.clone(), state });
        self
    }

    /// Whether the live state of a resource is one that this inverse names as acceptable.
    pub fn accepts(&self, key: &ResourceKey, live: &State, seen_uid: impl Fn(&str) -> bool) -> bool {
        self.accepts.iter().filter(|accept| accept.key == *key).any(|accept| match accept.state {
            Accepted::Any => true,
            Accepted::Absent => *live == State::Absent,
            Accepted::Stopped => match live {
                State::Unit { active, .. } => !active.runs(),
                other => *other == State::Absent,
            },
            Accepted::NewNode => matches!(live, State::Node(node) if !seen_uid(&node.uid)),
        })
    }
}

/// Takes back whatever a playbook did to the resources it was declared to touch, from their states before it:
/// the node empties first, then name resolution returns to what it was, units stop, packages leave, files that were
/// not there go, and the Node object goes last. Blind key order would stop the resolver before replacing its users.
pub fn restore_touched(before: &Image) -> Vec<Undo> {
    let mut undos = Vec::new();
    let node_was_absent =
        before.iter().find(|(key, state)| matches!(key.kind(), Some(Kind::Node(_))) && **state == State::Absent);
    if let Some((key, _)) = node_was_absent {
        undos.push(Undo::new(Action::Cordon {}).or(key, Accepted::Any));
        let drain = Drain {
            emptydir: Emptydir::Delete,
            bare: Bare::Delete,
            timeout: Span::seconds(900),
            terminating: None,
            grace: None,
            retry_denied: None,
        };
        let mut drain = Undo::new(Action::Drain(drain));
        if let Some(Kind::Node(name)) = key.kind() {
            drain = drain.or(&ResourceKey::pods(name), Accepted::Any);
        }
        undos.push(drain);
    }
    let of =
        |want: fn(&Kind<'_>) -> bool| before.iter().filter(move |(key, _)| key.kind().is_some_and(|kind| want(&kind)));
    let mut units: Vec<_> = of(|kind| matches!(kind, Kind::Unit(..))).collect();
    // The node service stops before what it would restart.
    units.sort_by_key(|(key, _)| on_host::stop_rank(key));
    let (resolver, others): (Vec<_>, Vec<_>) = units.into_iter().partition(|(key, _)| on_host::is_resolver(key));
    undos.extend(others.into_iter().filter_map(|(key, state)| on_host::unit_back(key, state)));
    undos.extend(
        of(|kind| matches!(kind, Kind::File(..)))
            .filter(|(_, state)| **state != State::Absent)
            .map(|(key, state)| on_host::file_back(key, state)),
    );
    undos.extend(resolver.into_iter().filter_map(|(key, state)| on_host::unit_back(key, state)));
    let (gone, there): (Vec<_>, Vec<_>) =
        of(|kind| matches!(kind, Kind::Package(..))).partition(|(_, state)| **state == State::Absent);
    if !gone.is_empty() {
        let mut names = Vec::new();
        let mut accepts = Vec::new();
        for (key, _) in gone {
            if let Some(Kind::Package(_, name)) = key.kind() {
                names.push(name.to_owned());
                accepts.push(super::Accept { key: key.clone(), state: Accepted::Absent });
            }
        }
        let action = Package::of(names, PackageState::Absent);
        undos.push(Undo { action: Action::Package(action), accepts });
    }
    let exact: Vec<_> = there
        .iter()
        .filter_map(|(_, state)| match state {
            State::Package { installed } => Some(installed.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    if !exact.is_empty() {
        let action = Package::exactly(exact);
        undos.push(Undo::new(Action::Package(action)));
    }
    undos.extend(of(|kind| matches!(kind, Kind::File(..))).filter(|(_, state)| **state == State::Absent).map(
        |(key, state)| {
            let Some(Kind::File(_, path)) = key.kind() else {
                return on_host::file_back(key, state);
            };
            // Removing packages leaves .rpmsave files behind that nobody recorded: any content may go.
            Undo::new(Action::FileRestore(FileRestore { path: path.to_owned(), state: State::Absent }))
                .or(key, Accepted::Any)
        },
    ));
    if let Some((key, _)) = node_was_absent {
        undos.push(Undo::new(Action::DeleteNode {}).or(key, Accepted::Any));
    }
    for (key, state) in of(|kind| matches!(kind, Kind::Node(_))) {
        if let State::Node(node) = state {
            undos.push(node_fields_back(key, node));
        }
    }
    for (key, state) in of(|kind| matches!(kind, Kind::ConfigMap(..))) {
        let Some(Kind::ConfigMap(namespace, name)) = key.kind() else {
            continue;
        };
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        undos.push(match state {
            State::Object { body, marks, .. } => {
                Undo::new(Action::ApplyObject(ApplyObject { namespace, name, body: *body, marks: marks.clone() }))
            }
            _ => Undo::new(Action::DeleteObject(DeleteObject { namespace, name, unless_used: true })),
        });
    }
    for (key, state) in before {
        if let Some(object) = key.kind().and_then(|kind| kind.object()) {
            undos.push(Undo::new(on_cluster::put_or_remove(object, state)));
        }
    }
    undos
}

fn node_fields_back(key: &ResourceKey, node: &Node) -> Undo {
    Undo::new(Action::RestoreNode(on_cluster::membership(node))).or(key, Accepted::NewNode)
}
