//! What packages bring, what node groups say, and how their texts are read.

use super::files::Entry;
use md5::{Digest, Md5};
use palinode_core::resource::Nevra;
use std::collections::BTreeMap;

/// Units that every host has, whatever packages are installed.
pub(in crate::lab) const BASE_UNITS: &[&str] = &["NetworkManager", "chronyd", "sshd"];

/// The units that listen on a TCP port.
pub(in crate::lab) fn listeners(port: u16) -> &'static [&'static str] {
    match port {
        22 => &["sshd"],
        53 => &["dnsmasq"],
        10250 => &["atomic-openshift-node"],
        _ => &[],
    }
}

/// The name servers outside the cluster.
pub(in crate::lab) const UPSTREAM: [&str; 2] = ["10.42.0.2", "10.42.0.3"];

/// The packages that a CRI-O node carries for OpenShift.
pub const NODE_PACKAGES: &[&str] = &[
    "atomic-openshift-clients",
    "atomic-openshift-docker-excluder",
    "atomic-openshift-excluder",
    "atomic-openshift-hyperkube",
    "atomic-openshift-node",
    "cri-o",
    "cri-tools",
    "criu",
    "dnsmasq",
    "docker",
    "docker-client",
];

/// Packages that every host carries.
pub const BASE_PACKAGES: &[&str] =
    &["NetworkManager", "bash", "container-selinux", "docker-common", "glusterfs-fuse", "runc", "systemd", "yum"];

/// A unit's own name: `cri-o` is an alias.
pub(in crate::lab) fn unit_name(unit: &str) -> &str {
    let unit = unit.strip_suffix(".service").unwrap_or(unit);
    if unit == "cri-o" { "crio" } else { unit }
}

/// The units that a package provides.
pub(in crate::lab) fn units(package: &str) -> &'static [&'static str] {
    match package {
        "atomic-openshift-node" => &["atomic-openshift-node"],
        "cri-o" => &["crio"],
        "docker" => &["docker"],
        "dnsmasq" => &["dnsmasq"],
        _ => &[],
    }
}

/// The units that a unit cannot run without, and that start and stop it with them.
pub(in crate::lab) fn unit_requires(unit: &str) -> &'static [&'static str] {
    match unit {
        "atomic-openshift-node" => &["dnsmasq"],
        _ => &[],
    }
}

/// The units that start with a unit, if they are there.
pub(in crate::lab) fn unit_wants(unit: &str) -> &'static [&'static str] {
    match unit {
        "atomic-openshift-node" => &["docker", "crio"],
        _ => &[],
    }
}

/// The packages that a package needs; removing one of them removes it too.
pub(in crate::lab) fn requires(package: &str) -> &'static [&'static str] {
    match package {
        "atomic-openshift-node" => &["atomic-openshift-hyperkube"],
        "docker" => &["docker-client", "docker-common", "container-selinux"],
        "docker-client" => &["docker-common"],
        "cri-o" => &["runc", "container-selinux"],
        "cockpit-docker" => &["docker"],
        _ => &[],
    }
}

/// The configuration files that a package lays down, with their default content.
pub(in crate::lab) fn configs(package: &str) -> &'static [(&'static str, &'static str)] {
    match package {
        "atomic-openshift-node" => &[(
            "/etc/sysconfig/atomic-openshift-node",
            "OPTIONS=--loglevel=2\nCONFIG_FILE=/etc/origin/node/node-config.yaml\n",
        )],
        "cri-o" => &[
            ("/etc/crio/crio.conf", "[crio]\nstorage_driver = \"overlay\"\n\n[crio.runtime]\npids_limit = 1024\n"),
            ("/etc/sysconfig/crio-network", "# CRIO_NETWORK_OPTIONS=\n"),
        ],
        "cri-tools" => &[("/etc/crictl.yaml", "runtime-endpoint: /var/run/dockershim.sock\n")],
        "docker" => &[
            ("/etc/sysconfig/docker", "OPTIONS='--selinux-enabled --log-driver=journald'\n"),
            ("/etc/sysconfig/docker-storage", "DOCKER_STORAGE_OPTIONS=\n"),
        ],
        "dnsmasq" => &[("/etc/dnsmasq.conf", "conf-dir=/etc/dnsmasq.d,.rpmnew,.rpmsave,.rpmorig\n")],
        _ => &[],
    }
}

/// The default content of a configuration file, if a package lays it down.
pub(in crate::lab) fn default_config(package: &str, path: &str) -> Option<Entry> {
    configs(package).iter().find(|(at, _)| *at == path).map(|(_, content)| Entry::text(*content))
}

/// The exact version in which a package is installed when the cluster is made.
pub fn nevra(name: &str) -> Nevra {
    let (epoch, version, release, arch) = match name {
        "atomic-openshift-clients" | "atomic-openshift-hyperkube" | "atomic-openshift-node" => {
            (0, "3.11.161", "1.git.0.cb0e48d.el7", "x86_64")
        }
        "atomic-openshift-docker-excluder" | "atomic-openshift-excluder" => {
            (0, "3.11.161", "1.git.0.cb0e48d.el7", "noarch")
        }
        "cri-o" => (0, "1.11.16", "0.9.dev.rhaos3.11.git6d43aae.el7", "x86_64"),
        "cri-tools" => (0, "1.11.1", "1.rhaos3.11.gitedabfb5.el7_5", "x86_64"),
        "criu" => (0, "3.12", "2.el7", "x86_64"),
        "dnsmasq" => (0, "2.76", "10.el7_7.1", "x86_64"),
        "docker" | "docker-client" | "docker-common" => (2, "1.13.1", "108.git4ef4b30.el7", "x86_64"),
        "NetworkManager" => (1, "1.18.0", "5.el7_7.1", "x86_64"),
        "bash" => (0, "4.2.46", "33.el7", "x86_64"),
        "cockpit-docker" => (0, "195", "2.el7", "x86_64"),
        "container-selinux" => (2, "2.107", "3.el7", "noarch"),
        "glusterfs-fuse" => (0, "6.0", "21.el7", "x86_64"),
        "runc" => (0, "1.0.0", "65.rc8.el7_7", "x86_64"),
        "systemd" => (0, "219", "67.el7_7.2", "x86_64"),
        "yum" => (0, "3.4.3", "163.el7", "noarch"),
        _ => (0, "1.0", "1.el7", "x86_64"),
    };
    Nevra {
        name: name.to_owned(),
        epoch,
        version: version.to_owned(),
        release: release.to_owned(),
        arch: arch.to_owned(),
    }
}

/// The name servers in a resolver configuration.
pub(in crate::lab) fn nameservers(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next()).flatten()
    })
}

/// A resolver configuration that asks these servers.
pub(in crate::lab) fn resolv_conf<'a>(servers: impl IntoIterator<Item = &'a str>, note: &str) -> String {
    let mut text = format!("{note}search demo\n");
    for server in servers {
        text.push_str(&format!("nameserver {server}\n"));
    }
    text
}

/// The container runtime that a kubelet configuration asks for.
pub(in crate::lab) fn runtime_of(config: &str) -> &'static str {
    if config.contains("crio.sock") { "cri-o" } else { "docker" }
}

/// The node labels that a kubelet configuration gives.
pub(in crate::lab) fn labels_of(config: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let mut inside = false;
    for line in config.lines().map(str::trim) {
        match line.strip_prefix("- ") {
            Some(label) if inside => {
                if let Some((key, value)) = label.split_once('=') {
                    labels.insert(key.to_owned(), value.to_owned());
                }
            }
            Some(_) => {}
            None => inside = line == "node-labels:",
        }
    }
    labels
}

/// The content of one of the default node groups; none for a custom one.
pub(in crate::lab) fn default_group(name: &str) -> Option<String> {
    let (plain, crio) = match name.strip_suffix("-crio") {
        Some(plain) => (plain, true),
        None => (name, false),
    };
    let roles: &[&str] = match plain.strip_prefix("node-config-")? {
        "master" => &["master"],
        "infra" => &["infra"],
        "compute" => &["compute"],
        "master-infra" => &["infra", "master"],
        "all-in-one" => &["compute", "infra", "master"],
        _ => return None,
    };
    let mut text = String::from("kind: NodeConfig\napiVersion: v1\nkubeletArguments:\n");
    if crio {
        text.push_str(
            "  container-runtime:\n  - remote\n  container-runtime-endpoint:\n  - /var/run/crio/crio.sock\n  \
             image-service-endpoint:\n  - /var/run/crio/crio.sock\n  runtime-request-timeout:\n  - 10m\n",
        );
    }
    text.push_str("  node-labels:\n");
    for role in roles {
        text.push_str(&format!("  - node-role.kubernetes.io/{role}=true\n"));
    }
    if crio {
        text.push_str("  - runtime=cri-o\n");
    }
    text.push_str("networkConfig:\n  mtu: 1450\n  networkPluginName: redhat/openshift-ovs-multitenant\n");
    Some(text)
}

/// What the configuration's digest in the node's annotation is.
pub(in crate::lab) fn md5(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// The text of `/etc/yum.conf` after the excluder ran. Without `installonly_limit=` it changes nothing (T20).
pub(in crate::lab) fn excluded(text: &str, package: &str, on: bool) -> String {
    let names: Vec<&str> = exclude_list(package).split_whitespace().collect();
    if !text.lines().any(|line| line.starts_with("installonly_limit=")) {
        return text.to_owned();
    }
    let old = text.lines().find_map(|line| line.strip_prefix("exclude=")).unwrap_or_default();
    let mut list: Vec<&str> = old.split_whitespace().filter(|name| !names.contains(name)).collect();
    if on {
        let at = if package == "atomic-openshift-excluder" { 0 } else { list.len() };
        list.splice(at..at, names);
    }
    let mut out = String::new();
    for line in text.lines().filter(|line| !line.starts_with("exclude=")) {
        out.push_str(line);
        out.push('\n');
        if line.starts_with("installonly_limit=") && !list.is_empty() {
            out.push_str(&format!("exclude={}\n", list.join(" ")));
        }
    }
    out
}

/// Whether the package is one of the two excluders.
pub(in crate::lab) fn is_excluder(package: &str) -> bool {
    !exclude_list(package).is_empty()
}

fn exclude_list(package: &str) -> &'static str {
    match package {
        "atomic-openshift-excluder" => {
            "atomic-openshift atomic-openshift-clients atomic-openshift-clients-redistributable \
             atomic-openshift-master atomic-openshift-node atomic-openshift-pod atomic-openshift-recycle \
             atomic-openshift-hyperkube atomic-openshift-tests"
        }
        "atomic-openshift-docker-excluder" => "docker*1.20* docker*1.19* docker*1.18* docker*1.17* docker*1.16*",
        _ => "",
    }
}

/// Whether `exclude=` hides a package from a plain install.
pub(in crate::lab) fn hidden(yum_conf: &str, name: &str) -> bool {
    let list = yum_conf.lines().find_map(|line| line.strip_prefix("exclude=")).unwrap_or_default();
    list.split_whitespace().any(|item| item == name)
}

/// `kubeletVersion` of every node.
pub(in crate::lab) const KUBELET: &str = "v1.11.0+d4cacc0";

/// The files that a kubelet keeps once the cluster has signed its certificates.
pub(in crate::lab) fn credentials(node: &str) -> [(&'static str, String); 3] {
    let pem =
        |what: &str| format!("-----BEGIN CERTIFICATE-----\n{what} system:node:{node}\n-----END CERTIFICATE-----\n");
    [
        ("/etc/origin/node/certificates/kubelet-client-current.pem", pem("client")),
        ("/etc/origin/node/certificates/kubelet-server-current.pem", pem("server")),
        (
            "/etc/origin/node/node.kubeconfig",
            format!("apiVersion: v1\nkind: Config\ncurrent-context: system:node:{node}\n"),
        ),
    ]
}
