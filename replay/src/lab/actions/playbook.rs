//! The two playbooks that the lab knows, as the phases that change something.

use super::draft::{Draft, Outside, refuse};
use super::in_lab::InLab;
use crate::lab::world::effect::{Effect, UnitVerb};
use crate::lab::world::files::Entry;
use crate::lab::world::job::Finish;
use crate::lab::world::model::{NODE_CONFIG, NODE_NAMESPACE, NODE_SYSCONFIG, NODE_UNIT, World};
use crate::lab::world::node_files::{DOCKER_STORAGE, node_files, own_resolver, sysconfig};
use crate::lab::world::spec;
use palinode_core::action::{Playbook, Target};
use palinode_core::inventory::model::Reading;
use palinode_core::port::Job;
use palinode_core::record::Why;

fn fatal(message: impl Into<String>) -> Finish {
    Finish { why: Some(Why::ExitCode), code: Some(2), message: Some(message.into()), ..Finish::default() }
}

const SCALEUP: &str = "openshift-node/scaleup.yml";
const NODE_GROUP: &str = "openshift-master/openshift_node_group.yml";

/// Whether the lab can run a playbook.
pub(super) fn knows_playbook(path: &str) -> bool {
    path.ends_with(SCALEUP) || path.ends_with(NODE_GROUP)
}

/// A variable as a playbook gets it, printed.
fn said(inventory: &Reading, host: &str, name: &str) -> Option<String> {
    inventory.setting(host, name).map(|said| said.value.shown())
}

/// Whether a variable is true as Ansible's `| bool` reads it.
fn is_true(inventory: &Reading, host: &str, name: &str) -> bool {
    said(inventory, host, name)
        .is_some_and(|value| matches!(value.to_lowercase().as_str(), "true" | "yes" | "1" | "on"))
}

impl InLab for Playbook {
    fn draft(&self, world: &World, job: &Job, outside: &Outside<'_>) -> Result<Draft, Finish> {
        let bytes = (outside.inventory)().map_err(|error| fatal(format!("the inventory cannot be read: {error}")))?;
        // The lab's inventory is one file, and nothing is beside it.
        let inventory = Reading::of_text(&self.inventory, &bytes).map_err(|error| fatal(error.to_string()))?;
        if let Some(why) = self.unready(&inventory) {
            return Err(refuse(why));
        }
        if self.path.ends_with(SCALEUP) {
            world.scaleup(&job.target, &inventory)
        } else if self.path.ends_with(NODE_GROUP) {
            world.node_group(&inventory)
        } else {
            Err(fatal(format!("the lab has no playbook {}", self.path)))
        }
    }
}

impl World {
    /// Applies the groups' definitions on top of what is there: it never removes a key (T2).
    fn node_group(&self, inventory: &Reading) -> Result<Draft, Finish> {
        let new_nodes = inventory.hosts("new_nodes");
        let hosts = if new_nodes.is_empty() { inventory.hosts("nodes") } else { new_nodes };
        let mut draft = Draft::default();
        let mut seen = std::collections::BTreeSet::new();
        for host in hosts {
            let Some(group) = said(inventory, host, "openshift_node_group_name") else {
                return Err(fatal(format!("{host}: openshift_node_group_name is not defined")));
            };
            if seen.insert(group.clone()) {
                self.ensure_group(&group, &mut draft)?;
            }
        }
        draft.finish.output = Some(recap(&["localhost"]));
        Ok(draft.ends(25))
    }

    fn ensure_group(&self, group: &str, draft: &mut Draft) -> Result<(), Finish> {
        let name = format!("{NODE_NAMESPACE}/{group}");
        if self.config_maps.contains_key(&name) {
            return Ok(());
        }
        let Some(content) = spec::default_group(group) else {
            return Err(fatal(format!("there is no definition of the node group {group}")));
        };
        draft.then(35, Effect::PutConfigMap { name, content: content.into() });
        Ok(())
    }

    fn scaleup(&self, target: &Target, inventory: &Reading) -> Result<Draft, Finish> {
        let hosts = inventory.hosts("new_nodes");
        let list = hosts.join(", ");
        if hosts.is_empty() {
            return Err(refuse("[new_nodes] is empty: nothing to scale up"));
        }
        if !inventory.hosts("new_masters").is_empty() {
            return Err(refuse("[new_masters] is not empty: scaling up masters is another playbook"));
        }
        if !inventory.group("OSEv3").is_some_and(|group| group.children.contains(&"new_nodes")) {
            return Err(refuse("new_nodes is no child of OSEv3: its hosts would get none of its variables"));
        }
        if let Some(host) = &target.host
            && hosts != [host.as_str()]
        {
            return Err(refuse(format!("[new_nodes] must hold {host} and nothing else; it holds {list}")));
        }
        let mut draft = Draft::default();
        for host in &hosts {
            self.join(host, inventory, &mut draft)?;
        }
        draft.finish.output = Some(recap(&hosts));
        Ok(draft.ends(20))
    }

    /// What makes a node of one host, as far as it is not there yet.
    fn join(&self, name: &str, inventory: &Reading, draft: &mut Draft) -> Result<(), Finish> {
        let Some(host) = self.hosts.get(name) else {
            return Err(fatal(format!("fatal: [{name}]: UNREACHABLE!")));
        };
        if said(inventory, name, "openshift_kubelet_name_override").is_some() {
            return Err(refuse("openshift_kubelet_name_override is set: scaleup refuses it"));
        }
        let Some(group) = said(inventory, name, "openshift_node_group_name") else {
            return Err(fatal(format!("{name}: openshift_node_group_name is not defined")));
        };
        let crio = is_true(inventory, name, "openshift_use_crio");
        let docker = !crio && !is_true(inventory, name, "openshift_use_crio_only");
        let version = said(inventory, name, "openshift_pkg_version");
        let version = version.as_deref().map(|version| version.trim_start_matches('-'));
        let at = |host: &str| host.to_owned();
        let put = |path: &str, entry: Entry| Effect::Put { host: at(name), path: path.to_owned(), entry };
        let unit = |unit: &str, verb| Effect::Unit { host: at(name), unit: unit.to_owned(), verb };

        draft.then(45, Effect::NeedNames { host: at(name) });
        self.ensure_group(&group, draft)?;
        let config = match self.config_map(NODE_NAMESPACE, &group) {
            Some(map) => map.content.to_string(),
            None => spec::default_group(&group).unwrap_or_default(),
        };
        let install = |draft: &mut Draft, names: &[&str], seconds: i64| -> Result<(), Finish> {
            let mut wanted = Vec::new();
            for package in names.iter().filter(|package| !host.packages.contains_key(**package)) {
                let pinned = version.filter(|_| package.starts_with("atomic-openshift"));
                wanted
                    .push(self.newest(package, pinned).map_err(|refused| fatal(refused.message.unwrap_or_default()))?);
            }
            for nevra in self.with_needs(host, wanted) {
                draft.then(seconds, Effect::Install { host: at(name), package: nevra });
            }
            Ok(())
        };
        let runtime = match (docker, crio) {
            (true, _) => Some(("docker", ["docker-client", "docker"].as_slice())),
            (_, true) => Some(("crio", ["cri-tools", "cri-o"].as_slice())),
            // Neither runtime is installed, and nobody says so (T4).
            _ => None,
        };
        if let Some((_, packages)) = runtime {
            install(draft, packages, 40)?;
        }
        install(draft, &["dnsmasq"], 20)?;
        install(draft, &["atomic-openshift-clients", "atomic-openshift-hyperkube", "atomic-openshift-node"], 50)?;
        let mut files = node_files();
        if docker {
            files.push(("/etc/sysconfig/docker-storage", Entry::text(DOCKER_STORAGE)));
        }
        files.push((NODE_SYSCONFIG, Entry::text(sysconfig(&group))));
        files.push((NODE_CONFIG, Entry::private(config)));
        for (path, entry) in files {
            // Credentials that are there stay (force: no).
            let keep = path.ends_with("bootstrap.kubeconfig") && host.files.exists(path);
            if !keep && host.files.get(path) != Some(&entry) {
                draft.then(4, put(path, entry));
            }
        }
        for service in runtime.map(|(service, _)| service).into_iter().chain(["dnsmasq", NODE_UNIT]) {
            if host.unit(service).is_none_or(|unit| unit.enabled != "enabled") {
                draft.then(3, unit(service, UnitVerb::Enable));
            }
            if service == NODE_UNIT {
                let resolver = own_resolver(&host.ip);
                if host.files.get("/etc/resolv.conf") != Some(&resolver) {
                    draft.then(5, put("/etc/resolv.conf", resolver));
                }
            }
            if !host.active(service) {
                draft.then(10, unit(service, UnitVerb::Start));
            }
        }
        draft.wait(20, 250, Effect::AwaitNode { node: at(name), ready: true });
        draft.then(10, Effect::Schedulable { node: at(name), on: true });
        draft.wait(10, 1800, Effect::AwaitAnnotations {});
        if inventory.hosts("glusterfs").contains(&name) {
            let labels = [("glusterfs".to_owned(), Some("storage-host".to_owned()))].into();
            draft.then(20, Effect::Label { node: at(name), labels });
            draft.wait(15, 600, Effect::AwaitGluster { node: at(name) });
        }
        Ok(())
    }
}

fn recap(hosts: &[&str]) -> String {
    let mut text = String::from("PLAY RECAP *********************************************************************\n");
    for host in hosts {
        text.push_str(&format!("{host:<26} : ok=94   changed=41   unreachable=0    failed=0\n"));
    }
    text
}
