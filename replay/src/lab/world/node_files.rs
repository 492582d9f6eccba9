//! The files that make a host a node: those of the first world, and those that the playbook writes.

use super::files::Entry;
use super::model::NODE_CONFIG;
use super::spec;

/// A local unit file that the playbook writes; no package owns it (T10).
pub(in crate::lab) const UNIT_FILE: &str = "/etc/systemd/system/atomic-openshift-node.service";

/// What the playbook writes there.
pub(in crate::lab) const UNIT_TEXT: &str =
    "[Unit]\nDescription=OpenShift Node\nAfter=dnsmasq.service\n[Service]\nExecStart=/usr/local/bin/openshift-node\n";

/// Docker's storage options, as the playbook writes them.
pub(in crate::lab) const DOCKER_STORAGE: &str = "DOCKER_STORAGE_OPTIONS=\"--storage-driver overlay2\"\n";

/// The file that names a node's group, as the playbook writes it.
pub(in crate::lab) fn sysconfig(group: &str) -> String {
    format!(
        "OPTIONS=--loglevel=2\nCONFIG_FILE={NODE_CONFIG}\nBOOTSTRAP_CONFIG_NAME={group}\nKUBECONFIG=/etc/origin/node/bootstrap.kubeconfig\n"
    )
}

/// Files that the playbook writes beside the group's configuration: below `/etc/origin`, and for the resolver.
pub(in crate::lab) fn node_files() -> Vec<(&'static str, Entry)> {
    let upstream = spec::UPSTREAM.map(|server| format!("server={server}\n")).concat();
    vec![
        ("/etc/dnsmasq.d/origin-dns.conf", Entry::text("no-resolv\ndomain-needed\nserver=/cluster.local/172.30.0.1\n")),
        ("/etc/dnsmasq.d/origin-upstream-dns.conf", Entry::text(upstream)),
        ("/etc/origin/node/resolv.conf", Entry::text(spec::resolv_conf(spec::UPSTREAM, ""))),
        (UNIT_FILE, Entry::text(UNIT_TEXT)),
        (
            "/etc/NetworkManager/dispatcher.d/99-origin-dns.sh",
            Entry::File {
                mode: 0o755,
                owner: "root:root".to_owned(),
                content: "#!/bin/bash -x\n# 99-origin-dns.sh\n".into(),
            },
        ),
        (
            "/etc/origin/node/bootstrap.kubeconfig",
            Entry::private("apiVersion: v1\nkind: Config\nusers: node-bootstrapper\n"),
        ),
        (
            "/etc/origin/node/client-ca.crt",
            Entry::text("-----BEGIN CERTIFICATE-----\nopenshift-signer\n-----END CERTIFICATE-----\n"),
        ),
        ("/etc/origin/cloudprovider/README", Entry::text("no cloud provider\n")),
    ]
}

/// `/etc/resolv.conf` once the host asks its own dnsmasq.
pub(in crate::lab) fn own_resolver(ip: &str) -> Entry {
    Entry::text(spec::resolv_conf([ip], "# nameserver updated by /etc/NetworkManager/dispatcher.d/99-origin-dns.sh\n"))
}
