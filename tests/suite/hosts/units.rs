//! Units of systemd: what stops and starts along with them, and how all of it comes back.

use palinode_tests::binary::Out;
use palinode_tests::hosts::Kind;
use palinode_tests::inventory_dir::InventoryDir;
use serde_json::Value;

const RHEL7: Kind = Kind { rhel7: true, disk: false, gluster: false };
const BOTH: [Kind; 2] = [Kind { rhel7: false, disk: false, gluster: false }, RHEL7];
const HOST: &str = "gluster1.demo";

/// Odd units, made on the spot. `unit NAME LINE...`: a file with these lines, `;` before those of `[Service]`.
const MAKE: &str = r"
unit() {
  n=$1; shift
  { echo '[Unit]'; at=Unit
    for l; do case $l in ';'*) if [ $at = Unit ]; then at=Service; echo '[Service]'; fi; l=${l#;} ;; esac; echo $l; done
    case $n in *.service) if [ $at = Unit ]; then echo '[Service]'; fi; echo ExecStart=/usr/bin/sleep 7777 ;; esac
    echo '[Install]'; echo WantedBy=multi-user.target
  } >/etc/systemd/system/$n
}
unit base.service
unit dep.service Requires=base.service After=base.service
unit part.service PartOf=base.service
unit bound.service BindsTo=base.service After=base.service
unit far.service Requires=dep.service After=dep.service
unit side.service
unit top.service Wants=side.service
unit rival.service Conflicts=base.service
unit sock.service
unit pathed.service
unit left@.service ';KillMode=process'
unit fails.service ';Restart=no'
unit once.service ';Type=oneshot' ';RemainAfterExit=yes' ';ExecStartPre=/bin/true'
unit cloak.service
sed -i 's/^ExecStart=.*/ExecStart=\/bin\/true/' /etc/systemd/system/once.service
sed -i 's/^ExecStart=.*/ExecStart=\/bin\/false/' /etc/systemd/system/fails.service
sed -i 's/^ExecStart=.*/ExecStart=\/bin\/sh -c \x22sleep 6666 \& exec sleep 7777\x22/' /etc/systemd/system/left@.service
printf '[Socket]\nListenStream=/run/sock.sock\n' >/etc/systemd/system/sock.socket
printf '[Path]\nPathExists=/etc/hostname\n' >/etc/systemd/system/pathed.path
systemctl daemon-reload
";

/// A machine of each kind with these units; `up` are started on it.
fn each(test: &str, up: &str, trial: impl Fn(&InventoryDir)) {
    for kind in BOTH {
        let Some(site) = InventoryDir::new(&format!("real hosts: {test}"), kind, &[HOST]) else { return };
        site.hosts.run(HOST, &format!("{MAKE}\nsystemctl start {up}")).exits(0);
        trial(&site);
        site.is_sound();
        site.hosts.run(HOST, "test ! -s /var/log/too-new || ! cat /var/log/too-new").exits(0);
    }
}

/// Which of the units run.
fn running(site: &InventoryDir, units: &[&str]) -> Vec<String> {
    let script = format!("for u in {}; do systemctl -q is-active $u && echo $u; done; true", units.join(" "));
    site.hosts.run(HOST, &script).text().lines().map(str::to_owned).collect()
}

#[track_caller]
fn exec(site: &InventoryDir, words: &[&str]) -> Out {
    site.run(&[&["exec", HOST, "service"], words].concat())
}

#[track_caller]
fn undo(site: &InventoryDir) -> Out {
    site.run(&["undo", "@", "--yes"]).exits(0).says(&["rolled-back"])
}

/// The resources of the last intent of a step that goes forward, with the fields that count.
fn footprint(site: &InventoryDir) -> Vec<(String, String)> {
    let events = site.events();
    let mut intents = events.iter().map(|event| &event["Intent"]).filter(|intent| intent.is_object());
    let last = intents.rfind(|intent| intent["undoes"].is_null()).cloned().unwrap_or_default();
    let places = last["footprint"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().trim_start_matches("gluster1.demo/unit/").to_owned();
    places.iter().map(|place| (text(&place["key"]), text(&place["fields"]))).collect()
}

fn named(site: &InventoryDir, fields: &str) -> Vec<String> {
    footprint(site).into_iter().filter(|(_, of)| of == fields).map(|(key, _)| key).collect()
}

const ALL: [&str; 9] = ["base", "dep", "part", "bound", "far", "side", "top", "rival", "sock.socket"];

#[test]
fn what_stops_along_with_a_unit_is_told_and_comes_back() {
    each("units that stop along", "base dep part bound far side", |site| {
        let before = running(site, &ALL);
        let out = exec(site, &["base", "stopped"]).exits(0);
        assert!(out.stderr.contains("systemd changes along with it: bound, dep, far, part"), "{out}");
        assert_eq!(named(site, "all"), ["base", "bound", "dep", "far", "part"]);
        assert_eq!(running(site, &ALL), ["side"]);
        undo(site);
        assert_eq!(running(site, &ALL), before);
        // Taken back twice, it goes forward again.
        undo(site);
        assert_eq!(running(site, &ALL), ["side"]);
    });
}

#[test]
fn the_node_comes_back_with_its_resolver() {
    each("the node and its resolver", "base", |site| {
        let units = ["atomic-openshift-node", "crio", "dnsmasq", "docker"];
        exec(site, &["dnsmasq", "stopped"]).exits(0);
        assert_eq!(running(site, &units), ["crio", "docker"]);
        undo(site);
        assert_eq!(running(site, &units), units);
    });
}

#[test]
fn what_starts_along_is_stopped_again_and_what_made_room_comes_back() {
    each("units that start along", "base dep part bound far", |site| {
        let before = running(site, &ALL);
        let out = exec(site, &["rival", "started"]).exits(0);
        assert!(out.stderr.contains("along with it: base, bound, dep, far, part"), "{out}");
        assert_eq!(running(site, &ALL), ["rival"]);
        undo(site);
        assert_eq!(running(site, &ALL), before);
        site.hosts.run(HOST, "systemctl stop base").exits(0);
        exec(site, &["far", "started"]).exits(0);
        assert_eq!(named(site, "all"), ["base", "dep", "far"]);
        undo(site);
        assert_eq!(running(site, &ALL), Vec::<String>::new());
    });
}

#[test]
fn the_way_back_starts_nothing_that_was_stopped_before() {
    each("units that are wanted and were stopped", "top", |site| {
        site.hosts.run(HOST, "systemctl stop side").exits(0);
        exec(site, &["top", "stopped"]).exits(0);
        undo(site);
        assert_eq!(running(site, &ALL), ["top"]);
        // Both named, in the order in which each for itself would have started it again.
        site.desk.write(
            "two.yml",
            "runbook: two\nhosts: { group: glusterfs }\neach_host:\n  - stop: { service: { units: [top, side], state: stopped } }\n",
        );
        site.run(&["run", "./two.yml", "-i", "hosts", "--yes"]).exits(0);
        assert_eq!(running(site, &ALL), Vec::<String>::new());
        site.run(&["rollback", "--yes"]).exits(0).says(&["rolled-back"]);
        assert_eq!(running(site, &ALL), ["top"]);
    });
}

#[test]
fn stopped_means_that_nothing_starts_it_again() {
    each("units that are started again", "sock.socket sock", |site| {
        let out = exec(site, &["sock", "stopped"]).exits(0);
        assert!(out.stderr.contains("starts it again while it runs: sock.socket"), "{out}");
        assert_eq!(named(site, "evidence"), ["sock.socket"]);
        undo(site);
        assert_eq!(running(site, &["sock", "sock.socket"]), ["sock", "sock.socket"]);
        // The way back stops one, too: the preview tells it as the run does.
        site.hosts.run(HOST, "systemctl stop sock").exits(0);
        exec(site, &["sock", "started"]).exits(0);
        let told = "starts it again while it runs: sock.socket";
        site.run(&["undo", "@", "--dry-run"]).exits(0).says(&[told]);
        site.run(&["undo", "@", "--yes"]).exits(0).complains(&[told]);
        // Its path holds all the time: systemd starts it as soon as it stopped.
        site.hosts.run(HOST, "systemctl start pathed.path").exits(0);
        site.hosts.until(HOST, "systemctl -q is-active pathed");
        let out = exec(site, &["pathed", "stopped"]);
        assert_ne!(out.code, Some(0), "{out}");
        let told = format!("{}{}", out.stdout, out.stderr);
        assert!(told.contains("pathed.service runs again") && told.contains("pathed.path"), "{out}");
        site.run(&["rollback", "@", "--yes"]).exits(0);
        assert_eq!(running(site, &["pathed", "pathed.path"]), ["pathed", "pathed.path"]);
    });
}

/// Whoever stops what the way in hangs on is asked, and in a script refused.
#[test]
fn a_unit_that_takes_ssh_along_is_asked_about_first() {
    let Some(site) = InventoryDir::new("real hosts: a way in that stops along", BOTH[0], &[HOST]) else { return };
    let part = "mkdir -p /etc/systemd/system/ssh.service.d; printf '[Unit]\\nPartOf=base.service\\n' >/etc/systemd/system/ssh.service.d/odd.conf";
    site.hosts.run(HOST, &format!("{MAKE}\n{part}; systemctl daemon-reload; systemctl start base side")).exits(0);
    for words in [&["base", "stopped"][..], &["rival", "started"], &["side", "base", "stopped"]] {
        exec(&site, words).exits(2).complains(&["systemd stops ssh along with it", "--yes"]);
        assert_eq!(running(&site, &["base", "ssh"]), ["base", "ssh"], "{words:?}");
    }
    exec(&site, &["ssh", "stopped"]).exits(2).complains(&["is part of the way into this host"]);
    exec(&site, &["side", "stopped"]).exits(0);
    site.run(&["exec", HOST, "file", "/etc/ssh/sshd_config.d/10-machines.conf", "absent"])
        .exits(2)
        .complains(&["has a part in who gets into this host"]);
}

const REWRITTEN: &str = "\
runbook: rewritten
hosts: { group: glusterfs }
each_host:
  - stop: { service: { unit: base, state: stopped } }
  - unit: { file: { path: /etc/systemd/system/base.service, content: \"[Service]\\nExecStart=/usr/bin/sleep 8888\\n\" } }
  - start: { service: { unit: base, state: started } }
";

#[test]
fn what_runs_is_the_definition_on_the_disk() {
    each("units changed on the disk", "base dep", |site| {
        let runs = |seconds: &str| {
            let script = "tr '\\0' ' ' </proc/$(systemctl show -p MainPID base | cut -d= -f2)/cmdline; systemctl show -p NeedDaemonReload base";
            let told = site.hosts.run(HOST, script).text();
            assert_eq!(told, format!("/usr/bin/sleep {seconds} NeedDaemonReload=no"), "{told}");
        };
        runs("7777");
        site.desk.write("rewritten.yml", REWRITTEN);
        site.run(&["run", "./rewritten.yml", "-i", "hosts", "--yes"]).exits(0);
        runs("8888");
        site.run(&["rollback", "--yes"]).exits(0).says(&["rolled-back"]);
        runs("7777");
        assert_eq!(running(site, &["base", "dep"]), ["base", "dep"]);
        // The file alone: systemd knows what stands in it again.
        site.hosts.run(HOST, "sed -i s/7777/5555/ /etc/systemd/system/dep.service && systemctl stop dep").exits(0);
        exec(site, &["far", "started"]).exits(0);
        let told = site.hosts.run(HOST, "tr '\\0' ' ' </proc/$(systemctl show -p MainPID dep | cut -d= -f2)/cmdline");
        assert_eq!(told.text(), "/usr/bin/sleep 5555");
        // One that is made and has never been heard of.
        site.hosts.run(HOST, "systemctl cat new.service; printf '[Service]\\nExecStart=/usr/bin/sleep 1\\n' >/etc/systemd/system/new.service").exits(0);
        exec(site, &["new", "started"]).exits(0);
    });
}

#[test]
fn processes_that_are_left_start_nothing_and_a_failed_unit_comes_back_stopped() {
    each("units with leftovers", "left@a", |site| {
        site.hosts.run(HOST, "systemctl stop left@a; pgrep -f 'sleep 666[6]'").exits(0);
        let out = exec(site, &["left@a", "stopped"]).exits(0);
        assert!(out.stderr.contains("had left processes behind"), "{out}");
        site.hosts.run(HOST, "pgrep -f 'sleep 666[6]'").exits(1);
        let out = site.run(&["undo", "@", "--yes"]);
        assert_eq!(out.code, Some(6), "what was ended is gone, and is said: {out}");
        assert_eq!(running(site, &["left@a"]), Vec::<String>::new());
        site.hosts.run(HOST, "systemctl start left@a; systemctl stop left@a; pgrep -f 'sleep 666[6]'").exits(0);
        exec(site, &["left@a", "enabled"]).exits(0);
        undo(site);
        site.hosts.run(HOST, "pgrep -f 'sleep 666[6]'").exits(0);
        assert_eq!(running(site, &["left@a"]), Vec::<String>::new());

        site.hosts.run(HOST, "systemctl start fails; sleep 0.5; systemctl is-failed fails").exits(0);
        site.hosts
            .run(
                HOST,
                "sed -i 's/^ExecStart=.*/ExecStart=\\/usr\\/bin\\/sleep 4444/' /etc/systemd/system/fails.service",
            )
            .exits(0);
        exec(site, &["fails", "started"]).exits(0);
        assert_eq!(running(site, &["fails"]), ["fails"]);
        let out = undo(site);
        let told = format!("{}{}", out.stdout, out.stderr);
        assert!(told.contains("was failed, disabled, and is inactive, disabled"), "{out}");
    });
}

#[test]
fn what_cannot_be_taken_back_is_told_before() {
    each("units that stay stopped", "cloak once", |site| {
        let lost = "stays stopped: masked or transient";
        site.hosts.run(HOST, "rm /etc/systemd/system/cloak.service; mkdir -p /usr/lib/systemd/system; printf '[Service]\\nExecStart=/usr/bin/sleep 7777\\n' >/usr/lib/systemd/system/cloak.service; systemctl mask cloak; systemctl is-active cloak").exits(0);
        for (unit, make) in [("cloak", "true"), ("gone", "systemd-run --unit=gone sleep 3333")] {
            site.hosts.run(HOST, make).exits(0);
            assert_eq!(running(site, &[unit]), [unit]);
            let out = exec(site, &[unit, "stopped"]).exits(0);
            assert!(out.stderr.contains(lost), "{out}");
            let out = site.run(&["undo", "@", "--yes"]);
            assert_eq!(out.code, Some(6), "{out}");
            let told = format!("{}{}", out.stdout, out.stderr);
            assert!(told.contains(lost), "{out}");
        }
        exec(site, &["once", "stopped"]).exits(0);
        undo(site);
        assert_eq!(running(site, &["once"]), ["once"]);
    });
}

#[test]
fn what_is_enabled_along_comes_back_as_it_was() {
    each("units that are enabled along", "base", |site| {
        let make = "printf '[Service]\\nExecStart=/usr/bin/sleep 7777\\n[Install]\\nWantedBy=multi-user.target\\nAlso=also.socket\\n' >/etc/systemd/system/also.service; \
            printf '[Socket]\\nListenStream=/run/also.sock\\n[Install]\\nWantedBy=sockets.target\\n' >/etc/systemd/system/also.socket; \
            systemctl daemon-reload; systemctl enable --quiet also.socket; systemctl start also.socket";
        site.hosts.run(HOST, make).exits(0);
        let enabled = || site.hosts.run(HOST, "systemctl is-enabled also.service also.socket; true").text();
        assert_eq!(enabled(), "disabled\nenabled");
        for words in [&["also", "enabled"][..], &["also", "started", "enabled"]] {
            let out = exec(site, words).exits(0);
            assert!(out.stderr.contains("along with it: also.socket"), "{out}");
            assert_eq!(enabled(), "enabled\nenabled");
            undo(site);
            assert_eq!(enabled(), "disabled\nenabled", "{words:?}");
            assert_eq!(running(site, &["also", "also.socket"]), ["also.socket"]);
        }
        // What is disabled along is enabled again.
        site.hosts.run(HOST, "systemctl enable --quiet also").exits(0);
        exec(site, &["also", "disabled"]).exits(0);
        assert_eq!(enabled(), "disabled\ndisabled");
        undo(site);
        assert_eq!(enabled(), "enabled\nenabled");
    });
}

#[test]
fn a_unit_is_known_by_the_suffix_of_its_kind() {
    each("units of every kind", "base", |site| {
        site.hosts.run(HOST, "mkdir -p /srv/auto; printf '[Mount]\\nWhat=none\\nWhere=/srv/auto\\nType=tmpfs\\n' >/etc/systemd/system/srv-auto.mount; \
            printf '[Automount]\\nWhere=/srv/auto\\n' >/etc/systemd/system/srv-auto.automount; printf '[Timer]\\nOnActiveSec=1h\\n' >/etc/systemd/system/base.timer; \
            printf '[Unit]\\nDescription=t\\n' >/etc/systemd/system/own.target; printf '[Slice]\\n' >/etc/systemd/system/own.slice; \
            systemctl daemon-reload; systemctl start srv-auto.mount base.timer own.target own.slice").exits(0);
        let units = ["srv-auto.mount", "base.timer", "own.target", "own.slice"];
        for unit in units {
            exec(site, &[unit, "stopped"]).exits(0);
            assert_eq!(running(site, &[unit]), Vec::<String>::new(), "{unit}");
            undo(site);
            assert_eq!(running(site, &[unit]), [unit], "{unit}");
        }
        // Not a service of that name, which would not be there.
        for unit in ["srv-auto.automount", "nothing.swap", "nothing.device", "nothing.scope"] {
            let out = exec(site, &[unit, "stopped"]).exits(0);
            let told = format!("{}{}", out.stdout, out.stderr);
            assert!(!told.contains(".service"), "{unit}: {out}");
        }
    });
}
