//! What an action takes away, or changes, that a person needs to log in to its host. `exec` asks before it acts: without
//! that way in, the action could not be taken back.

use palinode_core::action::{Action, Command, FilePermissions, Package, PackageState, Service, ServiceState};

/// Units by which a host is reached, and a person is let in.
const UNITS: [&str; 19] = [
    "sshd",
    "ssh",
    "sshd.socket",
    "ssh.socket",
    "network",
    "networking",
    "NetworkManager",
    "systemd-networkd",
    "wicked",
    "wpa_supplicant",
    "network.target",
    "sssd",
    "nslcd",
    "dbus",
    "dbus.socket",
    "dbus-broker",
    "multi-user.target",
    "root.mount",
    "home.mount",
];

/// Units that filter what comes in: started, stopped or enabled, they may close the port of ssh.
const FILTERS: [&str; 8] =
    ["firewalld", "iptables", "ip6tables", "nftables", "ufw", "shorewall", "ferm", "netfilter-persistent"];

/// Units that end a host's work when they are started.
const ENDS: [&str; 8] = [
    "poweroff.target",
    "halt.target",
    "shutdown.target",
    "rescue.target",
    "emergency.target",
    "rescue",
    "emergency",
    "suspend.target",
];

/// Packages without which nobody is let in, or reaches the host.
const PACKAGES: [&str; 26] = [
    "openssh-server",
    "openssh",
    "openssh-clients",
    "sudo",
    "NetworkManager",
    "network-scripts",
    "initscripts",
    "dhclient",
    "pam",
    "authselect",
    "authconfig",
    "sssd",
    "sssd-client",
    "nss-pam-ldapd",
    "shadow-utils",
    "util-linux",
    "passwd",
    "setup",
    "bash",
    "coreutils",
    "glibc",
    "openssl-libs",
    "systemd",
    "dbus",
    "firewalld",
    "iptables-services",
];

/// Files by which a host is reached and a person is let in; what is below them too.
const FILES: [&str; 40] = [
    "/etc/ssh/sshd_config",
    "/etc/ssh/sshd_config.d",
    "/etc/sysconfig/sshd",
    "/etc/sysconfig/sshd-permitrootlogin",
    "/etc/crypto-policies",
    "/etc/pam.d",
    "/etc/pam.conf",
    "/etc/security",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/passwd",
    "/etc/shadow",
    "/etc/group",
    "/etc/gshadow",
    "/etc/nsswitch.conf",
    "/etc/shells",
    "/etc/nologin",
    "/run/nologin",
    "/var/run/nologin",
    "/etc/hosts.allow",
    "/etc/hosts.deny",
    "/etc/sssd",
    "/etc/nslcd.conf",
    "/etc/selinux",
    "/etc/sysconfig/network",
    "/etc/sysconfig/network-scripts",
    "/etc/NetworkManager",
    "/etc/systemd/network",
    "/etc/netplan",
    "/etc/network",
    "/etc/sysconfig/iptables",
    "/etc/sysconfig/ip6tables",
    "/etc/sysconfig/nftables.conf",
    "/etc/nftables.conf",
    "/etc/nftables",
    "/etc/firewalld",
    "/usr/sbin/sshd",
    "/usr/bin/sudo",
    "/usr/lib64/security",
    "/usr/lib/security",
];

/// What it takes away that a person needs to get in, in words.
pub(super) fn locks_out(action: &Action) -> Option<String> {
    match action {
        Action::Service(service) => service.names().find_map(|unit| by_unit(service, unit)),
        Action::Package(package) => match package.state {
            PackageState::Absent => {
                let mut gone = package.names.iter().map(|item| Package::base_name(item));
                gone.find(|name| PACKAGES.contains(name)).map(part)
            }
            // What comes is there beside what lets a person in, or in place of an older one of it.
            PackageState::Present => None,
        },
        Action::FileWrite(file) => by_file(&file.path, "changed"),
        Action::FileAbsent(file) => file.paths.iter().find_map(|path| by_file(path, "gone")),
        Action::FileCopy(file) => by_file(&file.to, "changed"),
        Action::FileRestore(file) => by_file(&file.path, "changed"),
        Action::FilePermissions(FilePermissions { path, .. }) => by_file(path, "with another owner or mode"),
        Action::Command(Command { changes, .. }) => changes.iter().find_map(|path| by_file(path, "changed")),
        // A playbook does what it does: Ansible gets in by the same way, and says where it does not.
        Action::Playbook(_) => None,
        // A host that reboots comes back, and is waited for.
        Action::Reboot {} => None,
        // Packages stay as they are.
        Action::Repository(_) => None,
        // These only look.
        Action::DnsCheck(_)
        | Action::Fetch(_)
        | Action::FileRead(_)
        | Action::GlusterHeal(_)
        | Action::KubeWait(_)
        | Action::Record(_)
        | Action::Wait(_) => None,
        // These change a file on this machine, or objects of the API.
        Action::InventoryEdit(_)
        | Action::InventoryRestore(_)
        | Action::ApplyObject(_)
        | Action::ApproveCsr(_)
        | Action::Cordon {}
        | Action::DeleteObject(_)
        | Action::DeleteNode {}
        | Action::Drain(_)
        | Action::KubeExec(_)
        | Action::PatchObject(_)
        | Action::PatchNode(_)
        | Action::PutObject(_)
        | Action::RemoveObject(_)
        | Action::RestoreNode(_)
        | Action::Restore(_)
        | Action::Uncordon {} => None,
    }
}

/// The same of a unit that systemd stops along with those of the step: `stopped` says whether it would.
pub(super) fn stopped_along(unit: &str) -> Option<String> {
    is_way_in(unit).then(|| {
        format!(
            "systemd stops {unit} along with it, which is part of the way into this host; without it you may not get in to \
             take that back"
        )
    })
}

/// Whether a host is reached by this unit, or a person let in.
pub(super) fn is_way_in(unit: &str) -> bool {
    let unit = unit.strip_suffix(".service").unwrap_or(unit);
    // One of these for each connection or interface.
    let template = unit.split_once('@').map(|(name, _)| name);
    UNITS.contains(&unit) || template.is_some_and(|name| ["sshd", "ssh", "ifup", "dhclient", "user"].contains(&name))
}

fn part(name: &str) -> String {
    format!("{name} is part of the way into this host; without it you may not get in to take that back")
}

fn by_unit(service: &Service, unit: &str) -> Option<String> {
    let ends = service.state == Some(ServiceState::Stopped) || service.enabled == Some(false);
    let begins = service.state == Some(ServiceState::Started) || service.enabled == Some(true);
    let plain = unit.strip_suffix(".service").unwrap_or(unit);
    if ends && is_way_in(plain) {
        return Some(part(unit));
    }
    if FILTERS.contains(&plain) {
        return Some(format!(
            "{unit} says who gets through to this host; with other rules you may not get in to take that back"
        ));
    }
    (begins && ENDS.contains(&plain)).then(|| {
        format!("{unit} ends what this host does, ssh included; you cannot get in to take that back until it is booted again")
    })
}

/// `how`: what becomes of the file, or of the folder that holds it.
fn by_file(path: &str, how: &str) -> Option<String> {
    let path = path.trim_end_matches('/');
    // The last part may be a pattern: whatever it is, it is in this folder.
    let (folder, last) = path.rsplit_once('/').unwrap_or(("", path));
    let held = match last.contains(['*', '?', '[']) {
        true => holds(folder) || opens(path) || is_below(folder),
        false => holds(path) || opens(path) || is_below(path),
    };
    held.then(|| {
        let path = if path.is_empty() { "/" } else { path };
        format!(
            "{path} has a part in who gets into this host; {how}, it may keep you out, and you could not take that back"
        )
    })
}

fn is_at_or_below(path: &str, other: &str) -> bool {
    path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether it is one of the files, or below one of them.
fn is_below(path: &str) -> bool {
    FILES.iter().any(|file| is_at_or_below(path, file))
}

/// Whether it is a folder that one of the files, or somebody's keys, are below.
fn holds(path: &str) -> bool {
    // A person's home is right below these.
    let above = path.rsplit_once('/').map(|(folder, _)| folder);
    let homes = ["/home", "/var/home"];
    let of_home = path == "/root" || homes.iter().any(|home| path == *home || above == Some(home));
    FILES.iter().any(|file| is_at_or_below(file, path)) || of_home || path == "/etc/ssh"
}

/// Whether it is a key of the host, somebody's keys, or the unit or program of sshd.
fn opens(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let in_keys = folder.ends_with("/.ssh") || name == ".ssh";
    let is_unit = folder.contains("/systemd/system") && (name.starts_with("ssh") || folder.contains("/ssh"));
    (folder == "/etc/ssh" && name.starts_with("ssh_host_")) || in_keys || name.starts_with("authorized_keys") || is_unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lets_a_person_in_is_known_by_unit() {
        let of = |unit: &str, state, enabled| {
            let service = Service { unit: unit.to_owned(), units: Vec::new(), state, enabled };
            locks_out(&Action::Service(service)).is_some()
        };
        let stops = |unit: &str| of(unit, Some(ServiceState::Stopped), None);
        for unit in ["sshd", "ssh.service", "sshd.socket", "NetworkManager", "network", "firewalld", "sshd@1", "dbus"] {
            assert!(stops(unit) && of(unit, None, Some(false)), "{unit}");
        }
        for unit in ["crio", "docker.service", "sshguard", "chronyd", "networkx"] {
            assert!(!stops(unit), "{unit}");
        }
        let starts = |unit: &str| of(unit, Some(ServiceState::Started), None);
        assert!(starts("firewalld") && starts("nftables.service") && starts("poweroff.target") && starts("emergency"));
        assert!(!starts("sshd") && !starts("NetworkManager") && !starts("multi-user.target"));
        assert!(stopped_along("sshd").is_some() && stopped_along("crio").is_none());
    }

    #[test]
    fn what_lets_a_person_in_is_known_by_file() {
        let told = |path: &str| by_file(path, "changed").is_some();
        for path in [
            "/etc/ssh/sshd_config",
            "/etc/ssh/sshd_config.d/50-own.conf",
            "/etc/ssh/ssh_host_ed25519_key",
            "/etc/ssh",
            "/etc/ssh/*",
            "/etc",
            "/",
            "/root",
            "/root/.ssh",
            "/root/.ssh/authorized_keys",
            "/home/ops",
            "/home/ops/.ssh/authorized_keys2",
            "/home/ops/.ssh/*",
            "/srv/users/ops/.ssh/authorized_keys",
            "/etc/pam.d/sshd",
            "/etc/pam.d/*",
            "/etc/sudoers.d/ops",
            "/etc/nologin",
            "/etc/sysconfig/network-scripts/ifcfg-eth0",
            "/etc/sysconfig/network-scripts/ifcfg-*",
            "/etc/systemd/system/sshd.service",
            "/etc/systemd/system/sshd.service.d/own.conf",
            "/etc/firewalld/zones/public.xml",
        ] {
            assert!(told(path), "{path}");
        }
        for path in [
            "/etc/motd",
            "/etc/ssh/ssh_config",
            "/etc/ssh/moduli",
            "/etc/origin/node/*",
            "/etc/crio",
            "/root/notes.txt",
            "/root/backup/*",
            "/home/ops/work/a",
            "/var/lib/docker",
            "/etc/passwdqc.conf",
            "/etc/systemd/system/crio.service",
        ] {
            assert!(!told(path), "{path}");
        }
    }

    #[test]
    fn what_lets_a_person_in_is_known_by_package() {
        let of = |name: &str, state| locks_out(&Action::Package(Package::of(vec![name.to_owned()], state))).is_some();
        for name in ["openssh-server", "openssh-server-7.4p1-21.el7", "sudo", "pam", "NetworkManager"] {
            assert!(of(name, PackageState::Absent), "{name}");
            assert!(!of(name, PackageState::Present), "{name}");
        }
        assert!(!of("docker", PackageState::Absent));
    }
}
