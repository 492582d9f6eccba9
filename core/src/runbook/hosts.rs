//! The hosts of a runbook, found in the inventory, and how many of them are worked on side by side.

use super::expand::Given;
use super::finding::Finding;
use super::node::At;
use super::parse::Runbook;
use super::template::fill;
use super::values::Values;
use crate::id::HostName;
use crate::inventory::model::Reading;
use crate::shown::Shown as _;
use crate::suggest::correct;

impl Runbook {
    /// The hosts of the group; none if the group is not known yet.
    pub(super) fn find_hosts(&self, given: &Given, values: &Values) -> Result<Option<Vec<HostName>>, Vec<Finding>> {
        let at = self.hosts.group.at;
        let mut group = self.hosts.group.clone();
        let findings = fill(&mut group, &|name| values.lookup(name));
        if !findings.is_empty() {
            return Err(findings);
        }
        let group = group.text("the name of a group").map_err(|finding| vec![finding])?;
        if values.waits(&group) {
            return Ok(None);
        }
        let Some((path, inventory)) = &given.inventory else { return Ok(None) };
        found(at, &group, path, inventory, given).map(Some).map_err(|finding| vec![finding])
    }

    /// How many hosts are worked on side by side.
    pub(super) fn find_serial(&self, values: &Values, hosts: usize) -> Result<u32, Vec<Finding>> {
        let mut node = self.hosts.serial.clone();
        let findings = fill(&mut node, &|name| values.lookup(name));
        if !findings.is_empty() {
            return Err(findings);
        }
        let text = node.text("a number or a percentage").map_err(|finding| vec![finding])?;
        if values.waits(&text) {
            return Ok(1);
        }
        serial(node.at, &text, hosts).map_err(|finding| vec![finding])
    }
}

fn found(at: At, group: &str, path: &str, inventory: &Reading, given: &Given) -> Result<Vec<HostName>, Finding> {
    let shown = path.shown();
    if inventory.group(group).is_none() {
        let mut known: Vec<&str> = inventory.groups().map(|group| group.name).collect();
        known.retain(|group| !matches!(*group, "all" | "ungrouped"));
        known.sort_unstable();
        let next = match crate::suggest::nearest(group, known.iter().copied()) {
            Some(near) => format!("did you mean `{}`?", near.shown()),
            None => "correct the group, or give another one with --set group=NAME".to_owned(),
        };
        let known = if known.is_empty() { "none but all and ungrouped".to_owned() } else { known.join(", ") };
        return Err(Finding::new(
            at,
            format!("the inventory {shown} has no group `{}`, known are {}", group.shown(), known.shown()),
            next,
        ));
    }
    let mut hosts = Vec::new();
    for name in inventory.hosts(group) {
        hosts.push(HostName::new(name).map_err(|bad| {
            let what = format!("the inventory {shown} names a host `{}`: {bad}", name.shown());
            Finding::new(at, what, "correct the name in the inventory")
        })?);
    }
    // These begin the paths of what belongs to no host.
    const TAKEN: [&str; 5] = [crate::resource::CONTROL, "preflight", "before", "after", "undo"];
    if let Some(host) = hosts.iter().find(|host: &&HostName| TAKEN.contains(&host.as_str())) {
        let what = format!(
            "the inventory {shown} names a host `{host}`, a word that Palinode uses for what belongs to no host"
        );
        return Err(Finding::new(at, what, "give the host another name in the inventory"));
    }
    if hosts.is_empty() {
        let what = format!("the group `{group}` of {shown} is empty");
        return Err(Finding::new(at, what, "add hosts to it, or choose another group"));
    }
    for only in &given.only {
        if !hosts.iter().any(|host| host.as_str() == only) {
            let known: Vec<&str> = hosts.iter().map(HostName::as_str).collect();
            let what =
                format!("the group `{group}` has no host `{}`, its hosts are {}", only.shown(), known.join(", "));
            let next = correct("the name after --host", only, known.iter().copied());
            return Err(Finding::new(At::default(), what, next));
        }
    }
    if !given.only.is_empty() {
        hosts.retain(|host| given.only.iter().any(|only| only == host.as_str()));
    }
    Ok(hosts)
}

fn serial(at: At, text: &str, hosts: usize) -> Result<u32, Finding> {
    let wrong = || {
        let what = format!("`serial` takes a number from 1, or a percentage, not `{}`", text.shown());
        Finding::new(at, what, "correct it")
    };
    let number: u64 = match text.strip_suffix('%') {
        // Rounded down, and at least one: never more hosts at once than the percentage says.
        Some(percent) => {
            let percent: u64 = percent.parse().ok().filter(|p| (1..=100).contains(p)).ok_or_else(wrong)?;
            (hosts as u64 * percent / 100).max(1)
        }
        // Some take a number that begins with a zero for an octal one.
        None if text.starts_with('0') || text.starts_with('+') => return Err(wrong()),
        None => text.parse().map_err(|_| wrong())?,
    };
    u32::try_from(number).ok().filter(|number| *number > 0).ok_or_else(wrong)
}
