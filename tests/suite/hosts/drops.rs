//! Every action of a host, at every moment of its job, with everything that can strike there.

use palinode_tests::drops::{self, Cell, Effects, Fault, Kind, Moment};
use palinode_tests::hosts::{self, Hosts};
use palinode_tests::{skip, tables};

const DISK: hosts::Kind = hosts::Kind { rhel7: false, disk: true, gluster: false };

const PLAIN: Kind = Kind {
    name: "",
    step: "",
    back: false,
    before: ":",
    calls: &[],
    effects: Effects::Once,
    done: ":",
    told: "",
    brief: false,
    blind: false,
};

/// What `step` does: it changes a file, and prints more than fits into a pipe.
const STEP: &str = "\
    printf '%s\\n' '#!/bin/sh' 'echo made >>/srv/rig/made' 'seq -f \"line %.0f\" 9000' 'echo end of it' >/srv/rig/real/step; \
    chmod 755 /srv/rig/real/step; rm -f /srv/rig/made";

/// Two units that nothing else starts.
const TWO: &str = "\
    for u in rigged second; do \
    printf '%s\\n' '[Service]' 'ExecStart=/bin/sleep infinity' '[Install]' 'WantedBy=multi-user.target' >/etc/systemd/system/$u.service; \
    done; systemctl daemon-reload; systemctl -q enable rigged second; systemctl start rigged second";

/// A unit that nothing else starts.
const UNIT: &str = "\
    printf '%s\\n' '[Service]' 'ExecStart=/bin/sleep infinity' '[Install]' 'WantedBy=multi-user.target' >/etc/systemd/system/rigged.service; \
    systemctl daemon-reload; systemctl -q enable rigged; systemctl start rigged";

const KINDS: &[Kind] = &[
    Kind {
        name: "service",
        step: "{ service: { unit: rigged, state: stopped, enabled: false } }",
        before: UNIT,
        calls: &["systemctl stop * rigged.service", "systemctl disable * rigged.service"],
        done: "! systemctl -q is-active rigged && ! systemctl -q is-enabled rigged",
        ..PLAIN
    },
    Kind {
        name: "service, two units",
        step: "{ service: { units: [rigged, second], state: stopped, enabled: false } }",
        before: TWO,
        calls: &[
            "systemctl stop * rigged.service",
            "systemctl stop * second.service",
            "systemctl disable * rigged.service",
            "systemctl disable * second.service",
        ],
        done: "! systemctl -q is-active rigged second && ! systemctl -q is-enabled rigged second",
        ..PLAIN
    },
    Kind {
        name: "package absent",
        step: "{ package: { names: [criu], state: absent } }",
        before: "rpm -q criu >/dev/null || rpm -i /srv/repo/criu-*.rpm",
        calls: &["yum * remove *"],
        done: "! rpm -q criu",
        told: "Complete!",
        ..PLAIN
    },
    Kind {
        name: "package present",
        step: "{ package: { names: [criu], state: present } }",
        before: "if rpm -q criu >/dev/null; then rpm -e criu; fi",
        calls: &["yum *-y * install *"],
        done: "rpm -q criu",
        told: "Complete!",
        ..PLAIN
    },
    Kind {
        name: "file absent",
        step: "{ file: { paths: [/srv/rig/tree], state: absent } }",
        before: "mkdir -p /srv/rig/tree/below; echo a >/srv/rig/tree/below/a",
        calls: &["rm * /srv/rig/tree"],
        done: "[ ! -e /srv/rig/tree ]",
        told: "/srv/rig/tree",
        ..PLAIN
    },
    Kind {
        name: "file with a content",
        step: "{ file: { path: /srv/rig/to, content: \"new\\n\" } }",
        before: "echo new >/srv/rig/from; echo old >/srv/rig/to",
        calls: &["mv * /srv/rig/to"],
        done: "cmp /srv/rig/from /srv/rig/to",
        ..PLAIN
    },
    Kind {
        name: "repository",
        step: "{ repository: { disable: [rig] } }",
        before: "printf '%s\\n' '[rig]' 'name=Rig' 'baseurl=file:///srv/rig' 'enabled=1' >/etc/yum.repos.d/rig.repo; \
                 rm -f /usr/sbin/subscription-manager; find / -xdev -path '*dnf-plugins*' -name 'config_manager*' -delete",
        calls: &["mv * /etc/yum.repos.d/rig.repo"],
        done: "grep -qx enabled=0 /etc/yum.repos.d/rig.repo",
        ..PLAIN
    },
    Kind {
        name: "file.copy",
        step: "{ file.copy: { from: /srv/rig/from, to: /srv/rig/to } }",
        before: "echo new >/srv/rig/from; echo old >/srv/rig/to",
        calls: &["mv * /srv/rig/to"],
        done: "cmp /srv/rig/from /srv/rig/to",
        ..PLAIN
    },
    Kind {
        name: "file.read",
        step: "{ file.read: { path: /etc/sysconfig/atomic-openshift-node, key: BOOTSTRAP_CONFIG_NAME }, capture: group }",
        calls: &["grep * /etc/sysconfig/atomic-openshift-node"],
        effects: Effects::Reads,
        told: "node-config",
        ..PLAIN
    },
    Kind {
        name: "file.restore (rollback)",
        step: "{ file.copy: { from: /srv/rig/from, to: /srv/rig/to } }",
        back: true,
        before: "echo new >/srv/rig/from; echo old >/srv/rig/to",
        calls: &["mv * /srv/rig/to"],
        done: "[ \"$(cat /srv/rig/to)\" = old ]",
        ..PLAIN
    },
    Kind {
        name: "command, with a probe",
        step: "{ command: { run: [step], changes: [/srv/rig/made] } }",
        before: STEP,
        calls: &["step *"],
        done: "[ \"$(cat /srv/rig/made)\" = made ]",
        told: "(8961 more lines)",
        ..PLAIN
    },
    Kind {
        name: "command, without one",
        step: "{ command: { run: [step] } }",
        before: STEP,
        calls: &["step *"],
        done: "[ \"$(cat /srv/rig/made)\" = made ]",
        told: "(8961 more lines)",
        blind: true,
        ..PLAIN
    },
    Kind { name: "reboot", step: "{ reboot: {} }", calls: &["systemctl * reboot"], effects: Effects::Reboot, ..PLAIN },
    Kind {
        name: "dns.check",
        step: "{ dns.check: { names: [gluster1.demo] } }",
        calls: &["getent * gluster1.demo"],
        effects: Effects::Reads,
        brief: true,
        ..PLAIN
    },
    Kind { name: "wait", step: "{ wait: { unit: crio }, timeout: 1m }", effects: Effects::Reads, ..PLAIN },
    Kind {
        name: "fetch",
        step: "{ fetch: { path: /srv/rig/lines } }",
        before: "seq -f 'line %.0f' 9001 >/srv/rig/lines",
        effects: Effects::Reads,
        told: "(8961 more lines)",
        ..PLAIN
    },
    Kind {
        name: "record",
        step: "{ record: { units: [crio], packages: [docker], files: [/etc/yum.conf] } }",
        effects: Effects::Reads,
        ..PLAIN
    },
];

const FAULTS: [Fault; 7] =
    [Fault::Link, Fault::Sessions, Fault::Listener, Fault::Killed, Fault::Reboot, Fault::Power, Fault::Claim];

const MOMENTS: [Moment; 4] = [Moment::Before, Moment::Running, Moment::Worked, Moment::Ended];

/// Those whose number in the whole has this form, so that each kind, fault and moment is among them.
fn cells(long: bool) -> Vec<Cell> {
    let all = KINDS.iter().flat_map(|kind| {
        MOMENTS.into_iter().flat_map(move |moment| FAULTS.into_iter().map(move |fault| Cell { kind, fault, moment }))
    });
    let all: Vec<Cell> = all.filter(Cell::is_there).collect();
    if let Some(only) = std::env::var_os("PALINODE_TESTS_DROPS") {
        let only = only.to_string_lossy().into_owned();
        return all.into_iter().filter(|cell| only.split(',').all(|word| cell.to_string().contains(word))).collect();
    }
    if long {
        return all;
    }
    let few = |(number, kind): (usize, &'static Kind)| {
        [(number, number), (number + 3, number + 2)].map(|(fault, moment)| Cell {
            kind,
            fault: FAULTS[fault % FAULTS.len()],
            moment: MOMENTS[moment % MOMENTS.len()],
        })
    };
    KINDS.iter().enumerate().flat_map(few).filter(Cell::is_there).collect()
}

#[test]
fn an_action_happens_once_whatever_strikes_it_and_when() {
    let names = ["gluster1.demo", "gluster2.demo", "gluster3.demo", "gluster4.demo", "infra1.demo", "infra2.demo"];
    let names = &names[..if skip::long() { 6 } else { 4 }];
    let Some(hosts) = Hosts::start("the drop matrix", DISK, names) else { return };
    let (table, wrong) = drops::table(&drops::run(&hosts, names, cells(skip::long())));
    tables::tell("the drop matrix", &table);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_short_form_of_the_matrix_has_every_action_fault_and_moment() {
    let cells = cells(false);
    for kind in KINDS {
        assert!(cells.iter().any(|cell| cell.kind.name == kind.name), "{}", kind.name);
    }
    assert!(FAULTS.iter().all(|fault| cells.iter().any(|cell| cell.fault == *fault)));
    assert!(MOMENTS.iter().all(|moment| cells.iter().any(|cell| cell.moment == *moment)));
}
