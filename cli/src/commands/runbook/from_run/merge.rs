//! One order of steps from those of several hosts.

use palinode_core::id::HostName;

/// A step of the merged order, and the hosts that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Merged<T> {
    pub(super) step: T,
    pub(super) hosts: Vec<(HostName, T)>,
}

/// Keeps the order of every host. Equal steps fall together where that does not change it.
pub(super) fn merged<T: Clone + PartialEq>(lanes: &[(HostName, Vec<T>)]) -> Vec<Merged<T>> {
    let mut all: Vec<Merged<T>> = Vec::new();
    for (host, steps) in lanes {
        let mut at = 0;
        for (number, step) in steps.iter().enumerate() {
            match all[at..].iter().position(|known| known.step == *step) {
                Some(further) => {
                    at += further;
                    all[at].hosts.push((host.clone(), step.clone()));
                }
                None => {
                    // In front of what this host shares further on, or else behind everything.
                    let shared = |later: &T| all[at..].iter().any(|known| known.step == *later);
                    at = if steps[number..].iter().any(shared) { at } else { all.len() };
                    all.insert(at, Merged { step: step.clone(), hosts: vec![(host.clone(), step.clone())] });
                }
            }
            at += 1;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_every_host_is_kept() {
        let lanes: Vec<(HostName, Vec<char>)> = [("a", "pqr"), ("b", "xqr"), ("c", "pqqz"), ("d", "rp")]
            .map(|(host, steps)| (HostName::new(host).expect("a host name"), steps.chars().collect()))
            .to_vec();
        let found = merged(&lanes);
        for (host, steps) in &lanes {
            let has = |step: &&Merged<char>| step.hosts.iter().any(|(other, _)| other == host);
            let own: Vec<char> = found.iter().filter(has).map(|step| step.step).collect();
            assert_eq!(own, *steps, "{host}: {found:?}");
        }
        let shared = found.iter().find(|step| step.step == 'q').expect("it is there");
        assert_eq!(shared.hosts.len(), 3, "{found:?}");
    }
}
