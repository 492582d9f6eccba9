//! Palinode on real hosts: machines with a systemd, an sshd and an RPM database of their own. The judge of what happened
//! is what the machines themselves have in the end.

use palinode_tests::hosts::Kind;
use palinode_tests::inventory_dir::InventoryDir;
use palinode_tests::skip;
use rustix::process::Signal;
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const DISK: Kind = Kind { rhel7: false, disk: true, gluster: false };
const RHEL7: Kind = Kind { rhel7: true, disk: false, gluster: false };
const FIRST: &str = "gluster1.demo";
const THREE: [&str; 3] = ["gluster1.demo", "gluster2.demo", "gluster3.demo"];

/// One step that takes two seconds and leaves one line at its end, and one that follows it.
const SLOW: &str = "\
runbook: slow
hosts: { group: glusterfs, serial: 3 }
each_host:
  - slow: { command: { run: [/bin/sh, -c, 'sleep 4; echo slow >>/root/count; echo told'], changes: [/root/count] } }
  - next: { command: { run: [/bin/sh, -c, 'echo next >>/root/count'], changes: [/root/count] } }
";

const COUNTED: &str = "slow\nnext";

#[test]
fn what_runs_on_the_hosts_outlives_palinode() {
    let Some(site) = InventoryDir::new("real hosts: Palinode is killed", Kind::default(), &THREE) else { return };
    site.desk.write("slow.yml", SLOW);
    let mut live = site.spawn(&["run", "./slow.yml", "-i", "hosts", "--yes"]);
    live.until("run ");
    for name in THREE {
        site.hosts.until(name, "pgrep -f 'sleep [4]' >/dev/null");
    }
    live.kill();
    let status = site.desk.json(&["status"]);
    assert_eq!(status["state"], "interrupted", "{status}");
    site.run(&["resume"]).exits(0);
    for name in THREE {
        assert_eq!(site.hosts.run(name, "cat /root/count").text(), COUNTED, "{name}");
        // The host is given up.
        site.hosts.run(name, "test ! -L /var/lib/palinode/claim").exits(0);
    }
    let shown = site.desk.run(&["show", "gluster1.demo/slow"]).exits(0);
    assert!(shown.stdout.contains("told"), "the output came along: {shown}");
    site.is_sound();
    site.run(&["rollback", "--yes"]).exits(0);
    for name in THREE {
        site.hosts.run(name, "test ! -e /root/count").exits(0);
    }
    site.is_sound();
}

/// What happens while the job runs.
#[derive(Debug, Clone, Copy)]
enum Drop {
    Link,
    Sessions,
    Listener,
    Killed,
    Reboot,
    Power,
}

#[test]
fn a_job_happens_once_whatever_drops_while_it_runs() {
    let Some(site) = InventoryDir::new("real hosts: drops", DISK, &[FIRST]) else { return };
    site.desk.write("slow.yml", SLOW);
    for drop in [Drop::Link, Drop::Sessions, Drop::Listener, Drop::Killed, Drop::Reboot, Drop::Power] {
        site.hosts.run(FIRST, "rm -f /root/count; sync /root").exits(0);
        let mut live = site.spawn(&["run", "./slow.yml", "-i", "hosts", "--yes"]);
        live.until("run ");
        site.hosts.until(FIRST, "pgrep -f 'sleep [4]' >/dev/null");
        match drop {
            Drop::Link => {
                site.hosts.cut_link(FIRST);
                std::thread::sleep(Duration::from_secs(8));
                site.hosts.mend_link(FIRST);
            }
            Drop::Sessions => site.hosts.kill_sessions(FIRST),
            Drop::Listener => {
                site.hosts.stop_sshd(FIRST);
                site.hosts.kill_sessions(FIRST);
                std::thread::sleep(Duration::from_secs(4));
                site.hosts.start_sshd(FIRST);
            }
            Drop::Killed => {}
            Drop::Reboot => site.hosts.reboot(FIRST),
            Drop::Power => {
                site.hosts.power_off(FIRST);
                site.hosts.power_on(FIRST);
            }
        }
        let interrupted = matches!(drop, Drop::Reboot | Drop::Power);
        let out = if matches!(drop, Drop::Killed) {
            live.kill();
            site.run(&["resume"])
        } else {
            live.end()
        };
        let out = out.exits(0);
        assert_eq!(site.hosts.run(FIRST, "cat /root/count").text(), COUNTED, "{drop:?}: {out}");
        // What was cut short is only done again because the look said that it did not happen.
        let probes: Vec<Value> = site.events().into_iter().filter(|event| event["Probed"].is_object()).collect();
        let last = probes.last().map(|event| &event["Probed"]);
        if interrupted {
            let last = last.unwrap_or_else(|| unreachable!("{drop:?} leaves it in doubt: {out}"));
            assert_eq!(last["decision"], "again", "{drop:?}: {last}");
        }
        site.is_sound();
    }
}

/// The part of the migration that happens on the hosts themselves.
const NODE: &str = "\
runbook: node-part
parameters:
  packages: { default: [criu, docker, atomic-openshift-excluder, atomic-openshift-docker-excluder, cri-tools,
    atomic-openshift-hyperkube, atomic-openshift-node, docker-client, cri-o, atomic-openshift-clients, dnsmasq] }
hosts: { group: glusterfs, serial: 3 }
preflight:
  - put-back: { package.restorable: { names: \"{{ packages }}\" }, timeout: 2m }
each_host:
  - unexclude: { command: { run: [/sbin/atomic-openshift-excluder, unexclude], changes: [/etc/yum.conf] }, recovery: repeat }
  - unexclude-docker:
      command: { run: [/sbin/atomic-openshift-docker-excluder, unexclude], changes: [/etc/yum.conf] }
      recovery: repeat
  - stop-node: { service: { unit: atomic-openshift-node, state: stopped, enabled: false } }
  - stop-crio: { service: { unit: cri-o, state: stopped, enabled: false } }
  - stop-docker: { service: { unit: docker, state: stopped, enabled: false } }
  - group-name:
      file.read: { path: /etc/sysconfig/atomic-openshift-node, key: BOOTSTRAP_CONFIG_NAME }
      capture: bootstrap_config
  - resolver: { file.copy: { from: /etc/origin/node/resolv.conf, to: /etc/resolv.conf, resolver: true } }
  - stop-dnsmasq: { service: { unit: dnsmasq, state: stopped, enabled: false } }
  - packages: { package: { names: \"{{ packages }}\", state: absent } }
  - purge:
      file: { paths: [/etc/origin, \"/etc/dnsmasq.d/*\", /etc/sysconfig/atomic-openshift-node.rpmsave], state: absent }
      undo_after: packages
  - reboot: { reboot: {}, touches: [purge, resolver] }
";

/// What a host is: packages and what of them changed, files with mode, owner, links and content, units.
const DIGEST: &str = "rpm -qa | sort; rpm -Va;
find /etc -xdev -type f ! -name ld.so.cache -printf '%p %m %U:%G %T@ ' -exec sha256sum {} \\; | sort;
find /etc -xdev -type l -printf '%p %l\\n' | sort; find /etc -xdev -type d -printf '%p %m %U:%G\\n' | sort;
for u in crio docker atomic-openshift-node dnsmasq; do echo $u $(systemctl is-active $u) $(systemctl is-enabled $u); done";

fn node_part(test: &str, kind: Kind) {
    let names: &[&str] = if skip::long() || !kind.rhel7 { &THREE } else { &[FIRST] };
    let Some(site) = InventoryDir::new(test, kind, names) else { return };
    site.desk.write("node.yml", NODE);
    let digest = |name: &str| site.hosts.run(name, DIGEST).exits(0).stdout;
    let before: Vec<String> = names.iter().map(|name| digest(name)).collect();
    let boots: Vec<String> = names.iter().map(|name| site.hosts.boot(name)).collect();
    site.run(&["run", "./node.yml", "-i", "hosts", "--yes"]).exits(0);
    for (name, boot) in names.iter().zip(&boots) {
        let gone = "rpm -q docker cri-o atomic-openshift-node dnsmasq; test ! -e /etc/origin/node/node-config.yaml && test -z \"$(pidof conmon)\"";
        site.hosts
            .run(
                name,
                &format!(
                    "{gone} && test -z \"$(rpm -qa | grep -v ^docker-common | grep -E 'docker|cri-o|openshift')\""
                ),
            )
            .exits(0);
        site.hosts.run(name, "getent ahostsv4 gluster1.demo; grep -qv 10.77.0.11 /etc/resolv.conf").exits(0);
        assert_ne!(site.hosts.boot(name), *boot, "{name} was booted");
    }
    site.is_sound();
    let back = site.run(&["rollback", "--yes"]);
    let back = back.exits(0);
    for (name, before) in names.iter().zip(&before) {
        let after = digest(name);
        let differs: Vec<String> = lines_of(before, &after).chain(lines_of(&after, before)).collect();
        assert!(differs.is_empty(), "{name} is not as it was: {differs:#?}\n{back}");
        if kind.rhel7 {
            site.hosts.run(name, "cat /var/log/too-new 2>/dev/null; test ! -s /var/log/too-new").exits(0);
        }
    }
    site.is_sound();
}

/// The lines that only the first text has.
fn lines_of<'a>(one: &'a str, other: &'a str) -> impl Iterator<Item = String> + 'a {
    one.lines().filter(|line| !other.lines().any(|there| there == *line)).map(str::to_owned)
}

#[test]
fn the_part_of_a_migration_on_the_nodes_is_done_and_taken_back() {
    node_part("real hosts: the nodes' part of the migration", Kind::default());
}

#[test]
fn the_same_on_a_host_whose_tools_are_as_old_as_rhel_7() {
    node_part("real hosts: the same on RHEL 7", RHEL7);
}

#[test]
fn a_host_is_changed_in_one_name_at_a_time() {
    let Some(site) = InventoryDir::new("real hosts: claims", Kind::default(), &[FIRST]) else { return };
    site.desk.write("slow.yml", SLOW);
    site.desk.write("bad.yml", SLOW.replace("sleep 4", "exit 3"));
    // A run that waits for a person still has its hosts.
    site.run(&["run", "./bad.yml", "-i", "hosts", "--yes"]).exits(3);
    let other = ["--journal", "another", "run", "./slow.yml", "-i", "hosts", "--yes"];
    site.run(&other).exits(9).complains(&["gluster1.demo is claimed by another journal: run ", "--take-over"]);
    site.hosts.run(FIRST, "test ! -e /root/count").exits(0);
    // Nobody agreed: the claim stays whose it is.
    let claim = site.hosts.run(FIRST, "readlink /var/lib/palinode/claim").text();
    let asked = ["--journal", "another", "run", "./slow.yml", "-i", "hosts", "--take-over"];
    site.run(&asked).exits(2).complains(&["--yes"]);
    assert_eq!(site.hosts.run(FIRST, "readlink /var/lib/palinode/claim").text(), claim);
    site.run(&[&other[..], &["--take-over"]].concat()).exits(0);
    // What the other did is no change of the first: it does not take it back.
    site.run(&["rollback", "--yes"]).exits(3).says(&["it was changed since"]);
    site.run(&["resume", "--force"]).exits(0);
    site.hosts.run(FIRST, "test -d /var/lib/palinode/jobs && ! test -L /var/lib/palinode/claim").exits(0);
}

#[test]
fn a_host_that_cannot_be_acted_on_is_told_of_before_anything_is_touched() {
    let Some(site) = InventoryDir::new("real hosts: refused before touched", Kind::default(), &[FIRST]) else { return };
    site.desk.write("slow.yml", SLOW);
    let run = ["run", "./slow.yml", "-i", "hosts", "--yes"];
    let config = std::fs::read_to_string(site.hosts.config()).expect("it can be read");
    let as_user = |user: &str| {
        let place = PathBuf::from(format!("ssh-{user}"));
        site.desk.write(place.to_str().expect("a path"), config.replace("User root", &format!("User {user}")));
        site.desk.run(&[&["--ssh-config", place.to_str().expect("a path")][..], &run].concat())
    };
    as_user("asks").exits(1).complains(&["gluster1.demo cannot be acted on", "sudo", "nothing was touched"]);
    as_user("nosudo").exits(1).complains(&["gluster1.demo cannot be acted on", "sudo"]);
    let known = site.hosts.folder().join("known_hosts");
    let keys = std::fs::read_to_string(&known).expect("it can be read");
    std::fs::write(&known, "").expect("it can be written");
    site.run(&run).exits(1).complains(&["Host key verification failed", "nothing was touched"]);
    std::fs::write(&known, keys).expect("it can be written");
    site.hosts.stop_sshd(FIRST);
    site.run(&run).exits(1).complains(&["cannot be acted on: no connection"]);
    site.hosts.start_sshd(FIRST);
    // Without a terminal nobody agreed.
    site.run(&run[..4]).exits(2).complains(&["--yes"]);
    site.hosts.run(FIRST, "test ! -e /root/count && test ! -e /var/lib/palinode/jobs").exits(0);
    assert!(!site.desk.path().join(".palinode").exists(), "no journal was made");
    // A person who may become root.
    as_user("ops").exits(0);
    assert_eq!(site.hosts.run(FIRST, "cat /root/count").text(), COUNTED);
}

#[test]
fn one_action_is_typed_recorded_and_taken_back() {
    let Some(site) = InventoryDir::new("real hosts: exec", Kind::default(), &[FIRST]) else { return };
    site.run(&["exec", FIRST, "--", "printf", "%s|", "a b", "$HOME", "it's", "*"])
        .exits(0)
        .says(&["a b|$HOME|it's|*|"]);
    let out = site.run(&["exec", FIRST, "--", "sh", "-c", "echo oh; echo no >&2; exit 4"]).exits(1);
    assert!(out.stdout.contains("oh\nno") && out.stdout.contains("exit 4"), "{out}");
    site.run(&["exec", FIRST, "service", "docker", "stopped", "disabled"]).exits(0);
    assert_eq!(
        site.hosts.run(FIRST, "systemctl is-active docker; systemctl is-enabled docker; true").text(),
        "inactive\ndisabled"
    );
    // Nobody is there to agree.
    let asked = site.run(&["undo", "@"]).exits(2);
    let asked = asked.complains(&["Taking back run ", "start and enable docker", "then type `palinode rollback "]);
    assert!(asked.stderr.contains("--yes`"), "{asked}");
    assert_eq!(site.hosts.run(FIRST, "systemctl is-active docker; true").text(), "inactive");
    site.run(&["undo", "@", "--yes"]).exits(0);
    assert_eq!(
        site.hosts.run(FIRST, "systemctl is-active docker; systemctl is-enabled docker").text(),
        "active\nenabled"
    );
    // Several units, one of which is not there, are one step; each comes back to what it was.
    let four = "for u in atomic-openshift-node crio docker dnsmasq; do echo $(systemctl is-active $u) $(systemctl is-enabled $u); done";
    site.hosts.run(FIRST, "systemctl disable crio").exits(0);
    let was = site.hosts.run(FIRST, four).text();
    assert_eq!(was, "active enabled\nactive disabled\nactive enabled\nactive enabled");
    site.run(&["exec", FIRST, "service", "atomic-openshift-node", "cri-o", "nothing", "docker", "stopped", "disabled"])
        .exits(0);
    let off = "inactive disabled\ninactive disabled\ninactive disabled\nactive enabled";
    assert_eq!(site.hosts.run(FIRST, four).text(), off);
    site.run(&["undo", "@", "--yes"]).exits(0);
    assert_eq!(site.hosts.run(FIRST, four).text(), was);
    let since = |unit: &str| -> u64 {
        let shown = site.hosts.run(FIRST, &format!("systemctl show -p ActiveEnterTimestampMonotonic {unit}")).text();
        shown.split_once('=').and_then(|(_, time)| time.parse().ok()).expect("a number")
    };
    assert!(since("docker") < since("crio") && since("crio") < since("atomic-openshift-node"), "in the opposite order");
    // A directory comes back with times, links, owners and attributes.
    let make = "mkdir -p /etc/kept/below && cd /etc/kept && echo a >below/a && ln -s below/a link && ln below/a again && \
                chown daemon below/a && chmod 600 below/a && setfacl -m u:ops:r below/a && touch -d '2001-02-03 04:05:06' below/a below .";
    site.hosts.run(FIRST, make).exits(0);
    let look = "cd /etc/kept && find . -printf '%p %y %m %U:%G %l %n %t\\n' | sort && getfacl -c below/a";
    let kept = site.hosts.run(FIRST, look).text();
    site.run(&["exec", FIRST, "file", "/etc/kept", "absent"]).exits(0);
    site.hosts.run(FIRST, "test ! -e /etc/kept").exits(0);
    site.run(&["undo", "@", "--yes"]).exits(0);
    assert_eq!(site.hosts.run(FIRST, look).text(), kept);
    // A single file comes back with time, ACL, attributes, owner and mode; touching it in between is no change.
    let make = "cd /etc && echo a >single && chown daemon:bin single && chmod 640 single && setfacl -m u:ops:r,m::rw single && \
                setfattr -n user.note -v 'a b' single && touch -d '2001-02-03 04:05:06.123456789' single";
    site.hosts.run(FIRST, make).exits(0);
    let look =
        "cd /etc && cat single && find single -printf '%m %U:%G %t\\n' && getfacl -cn single && getfattr -d single";
    let single = site.hosts.run(FIRST, look).text();
    assert!(single.contains("123456789") && single.contains("user:") && single.contains("user.note"), "{single}");
    for twice in 0..2 {
        site.run(&[
            "exec",
            FIRST,
            "--changes",
            "/etc/single",
            "--",
            "sh",
            "-c",
            "rm /etc/single; echo other >/etc/single",
        ])
        .exits(0);
        if twice == 1 {
            site.hosts.run(FIRST, "touch /etc/single").exits(0);
        }
        site.run(&["undo", "@", "--yes"]).exits(0);
        assert_eq!(site.hosts.run(FIRST, look).text(), single);
    }
    site.run(&["exec", FIRST, "--changes", "/etc/single", "--", "sh", "-c", "echo b >>/etc/single"]).exits(0);
    site.hosts.run(FIRST, "setfattr -x user.note /etc/single").exits(0);
    let drift = site.run(&["undo", "@", "--yes"]).exits(3);
    assert!(drift.stdout.contains("it was changed since"), "an attribute counts: {drift}");
    site.run(&["resume", "--force"]).exits(0);
    assert_eq!(site.hosts.run(FIRST, look).text(), single);
    // A file is written as it was typed.
    site.run(&[
        "exec",
        FIRST,
        "file",
        "/etc/typed",
        "content",
        "it's $HOME\n'palinode'\n",
        "mode",
        "0600",
        "owner",
        "ops:bin",
    ])
    .exits(0);
    let look = "cat /etc/typed && stat -c '%a %U:%G' /etc/typed && ls /etc/*.palinode* 2>/dev/null; true";
    assert_eq!(site.hosts.run(FIRST, look).text(), "it's $HOME\n'palinode'\n600 ops:bin");
    site.run(&["undo", "@", "--yes"]).exits(0);
    site.hosts.run(FIRST, "test ! -e /etc/typed").exits(0);
    // What needs a package that goes is named, and nothing goes.
    let refused = site.run(&["exec", FIRST, "package", "docker-client", "absent"]).exits(1);
    assert!(refused.stdout.contains("docker would go too"), "{refused}");
    site.hosts.run(FIRST, "rpm -q docker").exits(0);
    // A terminal's escapes and a flood are kept or counted, and do no harm.
    let flood = "printf '\\033[31mred\\n'; head -c 30000000 /dev/zero | tr '\\0' x";
    site.run(&["exec", FIRST, "--", "sh", "-c", flood]).exits(0);
    let shown = site.desk.run(&["show", &format!("{FIRST}/command")]).exits(0);
    assert!(!shown.stdout.contains('\u{1b}'), "escaped");
    assert!(
        shown.stdout.contains("bytes more of its output were not kept"),
        "{}",
        &shown.stdout[..2000.min(shown.stdout.len())]
    );
    site.is_sound();
}

/// What a step prints is seen before it ends, and once.
#[test]
fn what_is_printed_is_seen_while_it_runs() {
    let Some(site) = InventoryDir::new("real hosts: live", Kind::default(), &[FIRST]) else { return };
    let act = "printf 'first\\n\\033[2Jhalf'; until [ -e /root/gate ]; do sleep 0.1; done; echo; echo last";
    let shown = "first\n\\u{1b}[2Jhalf\nlast\n";
    let live = site.spawn(&["exec", FIRST, "--", "sh", "-c", act]);
    let began = Instant::now();
    while live.stdout() != "first\n" {
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", live.stdout());
        std::thread::sleep(Duration::from_millis(20));
    }
    site.hosts.run(FIRST, "touch /root/gate").exits(0);
    let out = live.end().exits(0);
    assert_eq!(out.stdout, shown);
    site.desk.write(
        "live.yml",
        "runbook: live\nhosts: { group: glusterfs }\neach_host:\n  - tell: { command: { run: [echo, told] } }\n",
    );
    let out = site.run(&["run", "./live.yml", "-i", "hosts", "--yes", "--live"]).exits(0);
    assert!(out.stderr.lines().any(|line| line.contains("tell") && line.ends_with("| told")), "{out}");
    let out = site.run(&["run", "./live.yml", "-i", "hosts", "--yes"]).exits(0);
    assert!(!out.stderr.contains("| told"), "{out}");
}

/// An agent that has the set's key, for as long as it is needed.
struct Agent {
    child: Child,
    socket: PathBuf,
}

impl Agent {
    fn new(site: &InventoryDir) -> Self {
        let socket = site.desk.path().join("agent");
        let mut child = Command::new("ssh-agent");
        let child = child.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn().expect("an agent starts");
        let agent = Self { child, socket };
        let began = Instant::now();
        while !agent.socket.exists() {
            assert!(began.elapsed() < Duration::from_secs(20), "the agent listens");
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut add = Command::new("ssh-add");
        add.arg("-q").arg(site.hosts.folder().join("id")).env("SSH_AUTH_SOCK", &agent.socket);
        assert!(add.status().expect("ssh-add starts").success());
        agent
    }
}

impl std::ops::Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As operators reach their hosts: by another name, through a bastion, as someone who may become root, with a key that
/// only an agent has.
#[test]
fn a_host_behind_a_bastion_is_reached_as_ssh_reaches_it() {
    let Some(site) = InventoryDir::new("real hosts: a bastion", Kind::default(), &THREE[..2]) else { return };
    let agent = Agent::new(&site);
    let config = std::fs::read_to_string(site.hosts.config()).expect("it can be read");
    let address = config
        .lines()
        .skip_while(|line| *line != "Host gluster2.demo")
        .nth(1)
        .and_then(|line| line.split(' ').find(|word| word.starts_with("10.")));
    let own = format!(
        "Host far.demo\n  HostName {}\n  HostKeyAlias gluster2.demo\n  ProxyJump gluster1.demo\n  User ops\n  \
         IdentityAgent \"{}\"\n  UserKnownHostsFile \"{}\"\nHost gluster1.demo\n  Include \"{}\"\n",
        address.expect("the set's configuration says it"),
        agent.socket.display(),
        site.hosts.folder().join("known_hosts").display(),
        site.hosts.config().display()
    );
    site.desk.write("ssh_config", own);
    let exec = ["--ssh-config", "ssh_config", "exec", "far.demo", "--", "sh", "-c", "hostname; id -un"];
    site.desk.run(&exec).exits(0).says(&["gluster2.demo\nroot\n"]);
    drop(agent);
    site.desk.run(&exec).exits(1).complains(&["far.demo", "Permission denied"]);
}

/// A driver that stands still lives, and is not pushed aside; once it is dead, its job is found.
#[test]
fn a_driver_that_was_stopped_is_not_pushed_aside() {
    let Some(site) = InventoryDir::new("real hosts: overtaken", Kind::default(), &[FIRST]) else { return };
    site.desk.write("slow.yml", SLOW);
    let mut live = site.spawn(&["run", "./slow.yml", "-i", "hosts", "--yes"]);
    live.until("run ");
    site.hosts.until(FIRST, "pgrep -f 'sleep [4]' >/dev/null");
    live.signal(Signal::STOP);
    site.run(&["resume"]).exits(9);
    live.kill();
    site.run(&["resume"]).exits(0);
    assert_eq!(site.hosts.run(FIRST, "cat /root/count").text(), COUNTED);
}

/// One is disabled, one says nothing and so is enabled.
const REPO: &str = "[extra]\nname=Extra\nbaseurl=file:///srv/extra\nenabled = no\n\n# kept\n[silent]\nname=Silent\nbaseurl=file:///srv/silent\n";

#[test]
fn repositories_and_the_release_come_back_to_what_they_were() {
    let Some(site) = InventoryDir::new("real hosts: repositories", Kind::default(), &[FIRST]) else { return };
    let repo = "/etc/yum.repos.d/extra.repo";
    site.hosts
        .run(FIRST, &format!("cat >{repo} <<'END'\n{REPO}END\nchmod 640 {repo} && chown root:bin {repo}"))
        .exits(0);
    let known = "dnf -q repolist --all 2>/dev/null | grep -E 'extra|silent' | sed 's/  */ /g'";
    let both = |extra: &str, silent: &str| format!("extra Extra {extra}\nsilent Silent {silent}");
    // With dnf's own program, and then without it.
    site.run(&["exec", FIRST, "repository", "extra", "enabled"]).exits(0);
    assert_eq!(site.hosts.run(FIRST, known).text(), both("enabled", "enabled"));
    site.run(&["undo", "@", "--yes"]).exits(0);
    assert_eq!(site.hosts.run(FIRST, known).text(), both("disabled", "enabled"));
    let without = "find / -xdev -path '*dnf-plugins*' -name 'config_manager*' -delete; ! dnf config-manager --help";
    site.hosts.run(FIRST, &format!("{without} >/dev/null 2>&1; printf '%s' '{REPO}' >{repo}")).exits(0);
    let look = format!("stat -c '%a %U:%G' {repo} && cat {repo} && cat /etc/dnf/vars/releasever");
    let was = site.hosts.run(FIRST, &look).text();
    site.desk.write(
        "repos.yml",
        "runbook: repos\nhosts: { group: glusterfs }\neach_host:\n  - a: { repository: { enable: [extra], disable: [silent], release: '7.6' } }\n",
    );
    site.run(&["run", "./repos.yml", "-i", "hosts", "--yes"]).exits(0);
    let edited = REPO.replace("enabled = no", "enabled=1").replace("[silent]\n", "[silent]\nenabled=0\n");
    assert_eq!(site.hosts.run(FIRST, &look).text(), format!("640 root:bin\n{edited}7.6"));
    assert_eq!(site.hosts.run(FIRST, known).text(), both("enabled", "disabled"), "as dnf reads it");
    site.run(&["rollback", "--yes"]).exits(0);
    let back = was.replace("enabled = no", "enabled=0").replace("[silent]\n", "[silent]\nenabled=1\n");
    assert_eq!(site.hosts.run(FIRST, &look).text(), back);
    let unknown = site.run(&["exec", FIRST, "repository", "extra", "nothing", "enabled"]).exits(1);
    assert!(unknown.stdout.contains("there is no repository nothing"), "{unknown}");
    assert_eq!(site.hosts.run(FIRST, &look).text(), back, "nothing was changed");
    // Where there is a subscription, it is asked for its own, in one call.
    let manager = include_str!("../../machines/subscription-manager");
    let redhat = "[rhel-7-extras]\nname=Extras\nenabled = 0\n[rhel-7-optional]\nname=Optional\nenabled = 1\n";
    let lay = format!(
        "cat >/usr/sbin/subscription-manager <<'END'\n{manager}END\nchmod 755 /usr/sbin/subscription-manager\n\
         cat >/etc/yum.repos.d/redhat.repo <<'END'\n{redhat}END\n"
    );
    site.hosts.run(FIRST, &lay).exits(0);
    site.desk.write(
        "repos.yml",
        "runbook: repos\nhosts: { group: glusterfs }\neach_host:\n  - a: { repository: { enable: [rhel-7-extras, extra], disable: [rhel-7-optional], release: '7.7' } }\n",
    );
    site.run(&["run", "./repos.yml", "-i", "hosts", "--yes"]).exits(0);
    let look = "sed -n 's/^enabled = //p' /etc/yum.repos.d/redhat.repo && subscription-manager release --show";
    assert_eq!(site.hosts.run(FIRST, look).text(), "1\n0\nRelease: 7.7");
    let asked = site.hosts.run(FIRST, "grep ^repos /var/log/subscription-manager").text();
    assert_eq!(asked, "repos --enable=rhel-7-extras --disable=rhel-7-optional");
    site.run(&["rollback", "--yes"]).exits(0);
    assert_eq!(site.hosts.run(FIRST, look).text(), "0\n1\nRelease not set");
    site.is_sound();
}

#[test]
fn what_is_waited_for_is_told_and_what_is_fetched_is_got_out_as_it_is() {
    let Some(site) = InventoryDir::new("real hosts: wait and fetch", Kind::default(), &[FIRST]) else { return };
    for what in [["port", "22"], ["path", "/etc/hostname"], ["unit", "docker"], ["for", "1s"]] {
        site.run(&[&["exec", FIRST, "wait"][..], &what].concat()).exits(0);
    }
    site.desk.write(
        "wait.yml",
        "runbook: wait\nhosts: { group: glusterfs }\npreflight:\n  - docker: { wait: { unit: docker }, timeout: 5s }\neach_host:\n\
         \x20 - later: { wait: { path: /run/later }, timeout: 30s }\n  - never: { wait: { port: 9 }, timeout: 2s }\n",
    );
    let mut live = site.spawn(&["run", "./wait.yml", "-i", "hosts", "--yes"]);
    live.until("run ");
    site.hosts.until(FIRST, "ls /var/lib/palinode/jobs 2>/dev/null | grep -q .");
    site.hosts.inside(FIRST, "touch /run/later");
    let out = live.end().exits(3);
    assert!(out.stdout.contains("timed out: nothing listens on port 9"), "{out}");
    site.desk.run(&["skip", &format!("{FIRST}/never"), "--reason", "of course"]).exits(0);
    site.run(&["resume"]).exits(0);
    site.hosts
        .run(FIRST, "printf 'a\\033[31mb\\n\\ttwo' >/root/log; mkdir /root/logs; cp /root/log /root/logs/one")
        .exits(0);
    let content = "a\u{1b}[31mb\n\ttwo";
    assert_eq!(site.desk.raw(&site.args(&["exec", FIRST, "fetch", "/root/log"])), content.as_bytes());
    let step = format!("{FIRST}/fetch-root-log");
    assert_eq!(site.desk.raw(&["show", &step, "--body"]), content.as_bytes());
    let shown = site.desk.run(&["show", &step]).exits(0);
    assert!(!shown.stdout.contains('\u{1b}') && shown.stdout.contains("[31mb"), "{shown}");
    let packed = site.desk.raw(&site.args(&["exec", FIRST, "fetch", "/root/logs"]));
    assert!(packed.starts_with(b"./") && packed.windows(5).any(|bytes| bytes == b"ustar"), "{} bytes", packed.len());
    site.hosts.run(FIRST, "truncate -s 8388609 /root/log").exits(0);
    let large = site.run(&["exec", FIRST, "fetch", "/root/log"]).exits(1);
    assert!(large.stdout.contains("holds 8388609 bytes, and no more than 8388608 are fetched"), "{large}");
    site.hosts.run(FIRST, "truncate -s 8388608 /root/log").exits(0);
    assert_eq!(site.desk.raw(&site.args(&["exec", FIRST, "fetch", "/root/log"])).len(), 8_388_608);
    site.is_sound();
}

/// What a package manager prints above its table is no package.
#[test]
fn a_transaction_touches_what_its_table_lists() {
    let Some(site) = InventoryDir::new("real hosts: what a transaction brings", Kind::default(), &[FIRST]) else {
        return;
    };
    site.hosts.run(FIRST, "rpm -e criu docker docker-client").exits(0);
    site.run(&["exec", FIRST, "package", "criu", "docker", "present"]).exits(0);
    let events = site.events();
    let intent = events.iter().find_map(|event| event["Intent"]["footprint"].as_array());
    let keys = intent.expect("an intent has a footprint").iter().map(|touched| touched["key"].as_str());
    let keys: Vec<&str> = keys.flatten().collect();
    let package = |name: &str| format!("{FIRST}/package/{name}");
    assert_eq!(keys, ["criu", "docker", "docker-client", "docker-common"].map(package));
    site.run(&["undo", "@", "--yes"]).exits(0);
    site.hosts.run(FIRST, "! rpm -q criu && ! rpm -q docker && ! rpm -q docker-client").exits(0);
    site.is_sound();
}

#[test]
fn a_package_manager_in_use_and_a_locked_version_are_told_before_anything_is_touched() {
    let Some(site) = InventoryDir::new("real hosts: packages refused", Kind::default(), &[FIRST]) else { return };
    let hold = "setsid bash -c 'echo $$ >/var/run/yum.pid; exec -a /usr/bin/yum sleep 1000' >/dev/null 2>&1 </dev/null & sleep 1";
    site.hosts.run(FIRST, hold).exits(0);
    let busy = site.run(&["exec", FIRST, "package", "criu", "absent"]).exits(1);
    assert!(busy.stdout.contains("holds the package manager's lock: /usr/bin/yum 1000; retry"), "{busy}");
    site.hosts.run(FIRST, "rpm -q criu && kill $(cat /var/run/yum.pid)").exits(0);
    let step = format!("{FIRST}/package-remove");
    site.run(&["exec", FIRST, "package", "criu", "absent"]).exits(0);
    site.hosts.run(FIRST, "rpm -q criu").exits(1);
    let told = site.desk.run(&["show", &step]).exits(0);
    let last = site.hosts.run(FIRST, "dnf -q history list | awk -F'|' '$1+0 > 0 { print $1+0; exit }'").text();
    assert!(told.stdout.contains(&format!("transaction {last} in the package manager's history")), "{told}");
    // What is to come back is kept at another version.
    let list = "/etc/dnf/plugins/versionlock.list";
    site.hosts.run(FIRST, &format!("mkdir -p /etc/dnf/plugins && echo 'criu-0:9.9-1.el7.*' >{list}")).exits(0);
    let refused = site.run(&["undo", "@", "--yes"]).exits(3);
    assert!(refused.stdout.contains("versionlock keeps criu at criu-0:9.9-1.el7.*"), "{refused}");
    site.hosts.run(FIRST, "rpm -q criu").exits(1);
    site.hosts.run(FIRST, &format!("echo 'criu-*' >{list}")).exits(0);
    let step = site.desk.run(&["show", "@"]).exits(0).stdout;
    let step = step
        .lines()
        .find_map(|line| line.trim().split(' ').next().filter(|word| word.starts_with("undo/")))
        .expect("a step");
    site.desk.run(&["retry", step, "--reason", "unlocked"]).exits(0);
    site.run(&["resume"]).exits(0);
    site.hosts.run(FIRST, "rpm -q criu").exits(0);
    site.is_sound();
}
