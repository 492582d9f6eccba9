//! Random runbooks of random actions, for a machine that was made odd.

use crate::chance::Chance;
use std::fmt::Write as _;

const UNITS: &[&str] = &[
    "odd-base",
    "odd-needs",
    "odd-bound",
    "odd-part",
    "odd-wants",
    "odd-wanted",
    "odd-rival",
    "odd-masked",
    "odd-stopped",
    "odd-many@1",
    "odd-many@2",
    "odd-many@3",
    "odd-awake.socket",
    "odd-awake",
    "odd-tick.timer",
    "odd-look.path",
    "odd-once",
    "odd-fails",
    "odd-leaves",
    "dnsmasq",
    "crio",
    "docker",
    "atomic-openshift-node",
    "odd-plain",
    "odd-old",
    "no-such-unit",
];
const GONE: &[&str] = &[
    "/srv/odd/tree",
    "/srv/odd/tree/deep",
    "/srv/odd/tree/one",
    "/srv/odd/tree/holes",
    "/srv/odd/tree/link",
    "/srv/odd/tree/dangling",
    "/srv/odd/tree/fifo",
    "'/srv/odd/tree/with space'",
    "/srv/odd/tree/-dash",
    "'/srv/odd/tree/*'",
    "/srv/odd/plain/link",
    "/srv/odd/plain/real",
    "/srv/odd/parent",
    "/srv/odd/parent/of/child",
    "/srv/odd/empty",
    "/srv/odd/no-such",
    "/etc/crio",
    "/etc/origin/node",
    "/etc/sysconfig/docker",
    "/etc/odd-packages",
    "/etc/yum.repos.d/odd-silent.repo",
];
const WRITTEN: &[&str] = &[
    "/srv/odd/plain/real",
    "/srv/odd/plain/new",
    "/srv/odd/tree/one",
    "/srv/odd/tree/deep/two",
    "/srv/odd/parent/of/child",
    "/etc/crio/crio.conf",
    "/etc/systemd/system/odd-stopped.service",
    "/etc/motd",
    "/srv/odd/tree/group/new",
    "/etc/cron.d/odd",
    "/etc/odd-packages/odd-plain.conf",
    "/etc/yum.repos.d/odd-packages.repo",
];
const PERMITTED: &[&str] = &[
    "/srv/odd/plain/real",
    "/srv/odd/plain/link",
    "/srv/odd/tree/one",
    "/srv/odd/tree/deep/two",
    "/srv/odd/tree/holes",
    "/srv/odd/tree/deep",
    "'/srv/odd/tree/with space'",
    "/srv/odd/parent/of/child",
    "/etc/crio/crio.conf",
    "/etc/odd-packages/odd-plain.conf",
    "/srv/odd/no-such",
];
const COPIED: &[(&str, &str)] = &[
    ("/srv/odd/tree/one", "/srv/odd/plain/real"),
    ("/srv/odd/tree/holes", "/srv/odd/plain/copy"),
    ("/etc/hostname", "/srv/odd/tree/deep/two"),
];
const PACKAGES: &[&str] = &[
    "docker",
    "docker-client",
    "cri-o",
    "cri-tools",
    "dnsmasq",
    "cockpit-docker",
    "atomic-openshift-excluder",
    "container-selinux",
];
/// Of the repositories that are odd: what is replaced, refused or unsigned.
const ODD_PACKAGES: &[(&str, &str)] = &[
    ("odd-plain", "absent"),
    ("odd-plain-2", "present"),
    ("odd-old", "absent"),
    ("odd-new", "present"),
    ("odd-refuses", "present"),
    ("odd-stays", "absent"),
    ("odd-unsigned", "present"),
    ("odd-plain, odd-old", "absent"),
];
const REPOSITORIES: &[&str] =
    &["odd-packages", "odd-unsigned", "odd-broken", "odd-silent", "rhel-7-server-ose-3.11-rpms", "no-such-repository"];
/// What a command does, and the paths that it says it changes.
const COMMANDS: &[(&str, &[&str])] = &[
    ("echo more >>/srv/odd/plain/real", &["/srv/odd/plain/real"]),
    ("echo through >>/srv/odd/plain/link", &["/srv/odd/plain/link"]),
    ("echo through >>/srv/odd/plain/link-of-link", &["/srv/odd/plain/link-of-link"]),
    ("sed -i s/value/other/ /srv/odd/plain/settings", &["/srv/odd/plain/settings"]),
    ("chmod 600 /srv/odd/plain/real", &["/srv/odd/plain/real"]),
    ("chown 7:7 /srv/odd/tree/deep/two", &["/srv/odd/tree/deep/two"]),
    ("ln -sf real /srv/odd/plain/settings", &["/srv/odd/plain/settings"]),
    ("echo made >/srv/odd/plain/made", &["/srv/odd/plain/made"]),
    ("rm -rf /srv/odd/tree/deep; mkdir /srv/odd/tree/other", &["/srv/odd/tree"]),
    ("echo again >>/srv/odd/tree/one", &["/srv/odd/tree"]),
    ("touch /srv/odd/tree", &["/srv/odd/tree"]),
    ("mv /srv/odd/parent/of/child /srv/odd/parent/moved", &["/srv/odd/parent"]),
    ("true", &["/srv/odd/empty"]),
    ("false", &["/srv/odd/plain/real"]),
];

/// A runbook, and its steps as they stand in it.
#[derive(Debug, Clone)]
pub struct Book {
    /// The text of the file.
    pub text: String,
    /// A line for each step.
    pub steps: Vec<String>,
}

fn pick<'a, T>(chance: &mut Chance, of: &'a [T]) -> &'a T {
    let at = usize::try_from(chance.below(u64::try_from(of.len()).expect("a length"))).expect("it is small");
    &of[at]
}

fn service(chance: &mut Chance) -> String {
    let mut units = vec![*pick(chance, UNITS)];
    while chance.below(3) == 0 {
        let another = *pick(chance, UNITS);
        if !units.contains(&another) {
            units.push(another);
        }
    }
    let state = *pick(chance, &["started", "stopped", "stopped", ""]);
    let enabled = *pick(chance, if state.is_empty() { &["true", "false"] } else { &["", "", "true", "false"] });
    let mut step = format!("service: {{ units: ['{}']", units.join("', '"));
    if !state.is_empty() {
        let _ = write!(step, ", state: {state}");
    }
    if !enabled.is_empty() {
        let _ = write!(step, ", enabled: {enabled}");
    }
    step + " }"
}

fn written(chance: &mut Chance) -> String {
    let path = pick(chance, WRITTEN);
    let mode = *pick(chance, &["", "", ", mode: '0600'", ", mode: '0755'"]);
    let owner = *pick(chance, &["", "", ", owner: 'root:root'", ", owner: '12345:54321'"]);
    format!("file.write: {{ path: {path}, content: 'written {}'{mode}{owner} }}", chance.below(100))
}

fn permitted(chance: &mut Chance) -> String {
    let path = pick(chance, PERMITTED);
    let mode = *pick(chance, &["", ", mode: '0600'", ", mode: '4755'", ", mode: '640'"]);
    let owner = *pick(
        chance,
        if mode.is_empty() { &[", owner: '12345:54321'"] } else { &["", ", owner: ops", ", owner: '7:7'"] },
    );
    format!("file.permissions: {{ path: {path}{mode}{owner} }}")
}

fn repository(chance: &mut Chance) -> String {
    let verb = *pick(chance, &["enable", "disable"]);
    let mut ids = vec![*pick(chance, REPOSITORIES)];
    let another = *pick(chance, REPOSITORIES);
    if chance.below(3) == 0 && !ids.contains(&another) {
        ids.push(another);
    }
    format!("repository: {{ {verb}: [{}] }}", ids.join(", "))
}

fn step(chance: &mut Chance) -> String {
    match chance.below(42) {
        32..=33 => permitted(chance),
        34..=36 => repository(chance),
        37..=40 => {
            let (names, state) = pick(chance, ODD_PACKAGES);
            format!("package: {{ names: [{names}], state: {state} }}")
        }
        41 => "reboot: {}".to_owned(),
        other => usual(chance, other / 2),
    }
}

/// `which`: a number below 16.
fn usual(chance: &mut Chance, which: u64) -> String {
    match which {
        0..=5 => service(chance),
        6..=8 => format!("file: {{ paths: [{}], state: absent }}", pick(chance, GONE)),
        9..=10 => written(chance),
        11 => {
            let (from, to) = pick(chance, COPIED);
            format!("file.copy: {{ from: {from}, to: {to} }}")
        }
        12..=13 => {
            let (run, changes) = pick(chance, COMMANDS);
            format!("command: {{ run: [/bin/sh, -c, '{run}'], changes: ['{}'] }}", changes.join("', '"))
        }
        _ => {
            let state = *pick(chance, &["absent", "absent", "present"]);
            format!("package: {{ names: [{}], state: {state} }}", pick(chance, PACKAGES))
        }
    }
}

/// A runbook of one to five steps.
pub fn book(chance: &mut Chance) -> Book {
    let count = 1 + chance.below(5);
    let steps: Vec<String> = (0..count).map(|_| step(chance)).collect();
    let mut text = "runbook: random\nhosts: { group: glusterfs }\neach_host:\n".to_owned();
    for (number, step) in steps.iter().enumerate() {
        let undo = if step.starts_with("reboot") { ", undo: no-undo" } else { "" };
        let _ = writeln!(text, "  - s{number}: {{ {step}{undo} }}");
    }
    Book { text, steps }
}
