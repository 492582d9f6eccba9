//! Which node a person means: a name may be that of a host of the inventory, of a node, or of one of each.

use super::arguments::Exec;
use super::look::Ask;
use super::node::NodeWork;
use crate::args::Args;
use crate::error::Failure;
use crate::render::{escape, to_stderr};
use crate::run::{self, NodeNames};
use crate::sources;
use palinode_core::id::HostName;
use palinode_core::inventory::model::Reading;
use palinode_core::resource::Node;
use palinode_executors::NodeFound;
use std::collections::BTreeSet;
use std::path::Path;

/// What a step on a node is recorded with.
pub(super) struct Meant {
    /// The host it is done for: that of the inventory, or one that is called as the node.
    pub(super) host: HostName,
    /// The inventory by which the node of the host is found again.
    pub(super) inventory: Option<String>,
    /// The taints that the node has, but for the cluster's own.
    pub(super) taints: BTreeSet<String>,
}

/// A host by its name, or a node by its name.
pub(super) fn named(name: &str) -> Result<HostName, Failure> {
    HostName::new(name)
        .map_err(|bad| Failure::usage(format!("`{name}` is no node: {bad}"), "name it as `kubectl get nodes` does"))
}

/// The name behind `node/`, if that stands there.
pub(super) fn node_alone(on: &str) -> Option<&str> {
    let (kind, name) = on.split_once('/')?;
    ["node", "nodes", "no"].contains(&kind).then_some(name)
}

/// Finds the node in the cluster. What is told on the way goes to the error output: which node it is, where the name alone
/// does not say so.
pub(super) fn node(args: &Args, exec: &Exec, work: &NodeWork) -> Result<Meant, Failure> {
    if let Some(name) = node_alone(&exec.on) {
        if exec.inventory.is_some() {
            let next =
                format!("leave -i away, or name the host of the inventory without `node/`: `palinode exec {name}`");
            return Err(Failure::usage("`node/` names a node of the cluster, and -i says which node a host is", next));
        }
        let ask = Ask::open(args, NodeNames::new())?;
        return of_its_own(&ask, &named(name)?, work);
    }
    if let Some((kind, _)) = exec.on.split_once('/') {
        return Err(Failure::usage(
            format!("`{}` is no node, and this is for nodes; `{kind}` would be another kind", exec.on),
            "write NODE or node/NODE; other objects take `patch` and `delete`",
        ));
    }
    let name = named(&exec.on)?;
    match &exec.inventory {
        Some(path) => in_inventory(args, path, &name, work),
        None => of_its_own(&Ask::open(args, NodeNames::new())?, &name, work),
    }
}

/// A node without an inventory: by its name, or what it says of its host.
fn of_its_own(ask: &Ask, name: &HostName, work: &NodeWork) -> Result<Meant, Failure> {
    let found = there(ask, ask.node_for(name)?, name.as_str(), work)?;
    if found.name != name.as_str() {
        to_stderr(&format!("{name} is the node {} of the cluster\n", escape(&found.name)));
    }
    Ok(Meant { host: name.clone(), inventory: None, taints: taints(found.node) })
}

/// A name that may be a host of the inventory, a node, or both.
fn in_inventory(args: &Args, path: &Path, name: &HostName, work: &NodeWork) -> Result<Meant, Failure> {
    let all = sources::read_inventory(path)?;
    let recorded = sources::recorded_path(path)?;
    let shown = escape(&path.display().to_string());
    if !all.has_host(name.as_str()) {
        return node_of_some_host(args, path, &all, name, work);
    }
    let ask = Ask::open(args, run::ways(path, &all, std::iter::once(name))?.1)?;
    let found = ask.node_for(name)?;
    // A node of that very name is another machine, if the inventory says that the host has another node.
    if found.name != name.as_str().to_lowercase() && ask.node_named(&name.as_str().to_lowercase())?.is_some() {
        let other = escape(&found.name);
        return Err(Failure::usage(
            format!(
                "`{name}` is a host of the inventory {shown}, whose node is {other}, and the name of another node; nothing was touched"
            ),
            format!(
                "type `palinode exec node/{other}` for the host's, or `palinode exec node/{name}` for the other, without -i"
            ),
        ));
    }
    let called = found.name.clone();
    let found = there(&ask, found, &called, work)?;
    to_stderr(&format!(
        "{name}, a host of the inventory {shown}, is the node {} of the cluster\n",
        escape(&found.name)
    ));
    Ok(Meant { host: name.clone(), inventory: Some(recorded), taints: taints(found.node) })
}

/// A node that is no host's name: it may be the node of a host with another name.
fn node_of_some_host(
    args: &Args,
    path: &Path,
    all: &Reading,
    name: &HostName,
    work: &NodeWork,
) -> Result<Meant, Failure> {
    let shown = escape(&path.display().to_string());
    let hosts: Vec<HostName> = all.hosts("all").iter().filter_map(|host| HostName::new(host).ok()).collect();
    let names = run::ways(path, all, hosts.iter())?.1;
    let is = |given: &Option<String>| given.as_deref().is_some_and(|given| given.eq_ignore_ascii_case(name.as_str()));
    let own: Vec<HostName> = names.iter().filter(|(_, given)| is(&given.name)).map(|(host, _)| host.clone()).collect();
    let ask = Ask::open(args, names)?;
    let node = ask.node_named(&name.as_str().to_lowercase())?;
    if node.is_none() && (work.needs_node() || own.is_empty()) {
        let known = hosts.iter().map(HostName::as_str).collect();
        return Err(Failure::usage(
            format!(
                "`{name}` is neither a host of the inventory {shown} nor a node of the cluster; nothing was touched"
            ),
            escape(&crate::render::suggest::meant(name.as_str(), &known)),
        ));
    }
    match own.as_slice() {
        [host] => {
            to_stderr(&format!("{name} is the node of {host}, a host of the inventory {shown}\n"));
            Ok(Meant { host: host.clone(), inventory: Some(sources::recorded_path(path)?), taints: taints(node) })
        }
        _ => {
            to_stderr(&format!("{name} is no host of the inventory {shown}; the node of that name is meant\n"));
            Ok(Meant { host: name.clone(), inventory: None, taints: taints(node) })
        }
    }
}

/// The node, which must be there unless it is about to join.
fn there(ask: &Ask, found: NodeFound, typed: &str, work: &NodeWork) -> Result<NodeFound, Failure> {
    match found.node {
        None if work.needs_node() => Err(ask.no_node(typed)),
        _ => Ok(found),
    }
}

fn taints(node: Option<Node>) -> BTreeSet<String> {
    node.map(|node| node.taints).unwrap_or_default()
}
