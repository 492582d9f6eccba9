//! The test hosts themselves: what is said to break does break, and nothing is left behind.

use palinode_tests::hosts::{Hosts, Kind, home};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const DISK: Kind = Kind { rhel7: false, disk: true, gluster: false };
const RHEL7: Kind = Kind { rhel7: true, disk: false, gluster: false };

#[test]
fn links_sessions_and_listeners_break_and_come_back() {
    let names = ["gluster1.demo", "gluster2.demo", "gluster3.demo"];
    let Some(hosts) = Hosts::start("test hosts: links and sessions", Kind::default(), &names) else { return };
    for name in names {
        assert_eq!(hosts.run(name, "hostname").text(), name);
        assert_eq!(hosts.run(name, "systemctl is-system-running").text(), "running");
    }
    let [first, second, third] = names;
    // They know each other by name, by the name server of the node itself.
    hosts.run(first, "getent ahostsv4 gluster2.demo && grep -q '^nameserver 10.77.0.11$' /etc/resolv.conf").exits(0);
    // The key of a machine is the one that is known, and no other.
    let known = hosts.folder().join("known_hosts");
    let keys = std::fs::read_to_string(&known).expect("it can be read");
    std::fs::write(&known, keys.replacen("gluster1.demo", "elsewhere.demo", 1)).expect("it can be written");
    hosts.run(first, "true").exits(255);
    std::fs::write(&known, keys).expect("it can be written");
    // Three kinds of people.
    assert_eq!(hosts.run("ops@gluster1.demo", "sudo -n id -u").text(), "0");
    hosts.run("nosudo@gluster1.demo", "id && ! sudo -n true").exits(0);
    hosts.run("asks@gluster1.demo", "! sudo -n true && echo asks | sudo -S true").exits(0);

    // A cut link: the login waits for an answer that does not come, and what runs goes on.
    let lost = hosts.ssh(first, "sleep 60").stderr(Stdio::null()).spawn().expect("ssh can be started");
    hosts.until(first, "pgrep -x sleep -a | grep -q 60");
    hosts.cut_link(first);
    let began = Instant::now();
    hosts.run(first, "true").exits(255);
    assert!(began.elapsed() > Duration::from_secs(3), "nobody refuses: {:?}", began.elapsed());
    hosts.inside(first, "pgrep -x sleep -a | grep -q 60").exits(0);
    let end = lost.wait_with_output().expect("ssh can be waited for");
    assert_eq!(end.status.code(), Some(255), "the client gives up by itself");
    hosts.mend_link(first);
    hosts.run(first, "true").exits(0);

    // Killed sessions, and what they ran.
    let killed = hosts.ssh(second, "sleep 61").stderr(Stdio::null()).spawn().expect("ssh can be started");
    hosts.until(second, "pgrep -x sleep -a | grep -q 61");
    hosts.kill_sessions(second);
    assert_eq!(killed.wait_with_output().expect("ssh can be waited for").status.code(), Some(255));
    hosts.inside(second, "pgrep -x sleep -a | grep -q 61").exits(0);
    hosts.run(second, "true").exits(0);

    // Refused, in two ways; sessions go on.
    let lives = hosts
        .ssh(third, "sleep 3.75; echo lives")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("ssh can be started");
    hosts.until(third, "pgrep -x sleep -a | grep -qF 3.75");
    hosts.refuse(third, true);
    hosts.run(third, "true").exits(255);
    hosts.refuse(third, false);
    hosts.run(third, "true").exits(0);
    hosts.stop_sshd(third);
    hosts.run(third, "true").exits(255);
    hosts.start_sshd(third);
    hosts.run(third, "true").exits(0);
    assert_eq!(lives.wait_with_output().expect("ssh can be waited for").stdout, b"lives\n");
}

#[test]
fn a_power_cut_loses_what_was_not_synced_and_a_reboot_nothing() {
    let name = "gluster1.demo";
    let Some(hosts) = Hosts::start("test hosts: power", DISK, &[name]) else { return };
    let first = hosts.boot(name);
    hosts.run(name, "echo synced >/root/kept; dd if=/root/kept of=/root/kept.synced conv=fsync; echo lost >/root/lost");
    let cut = hosts.ssh(name, "sleep 60").stderr(Stdio::null()).spawn().expect("ssh can be started");
    hosts.until(name, "pgrep -x sleep -a | grep -q 60");
    hosts.power_off(name);
    assert_eq!(cut.wait_with_output().expect("ssh can be waited for").status.code(), Some(255));
    hosts.power_on(name);
    assert_eq!(hosts.run(name, "cat /root/kept.synced").text(), "synced");
    hosts.run(name, "cat /root/lost").exits(1);
    let second = hosts.boot(name);
    assert_ne!(first, second);

    hosts.run(name, "echo kept >/root/unsynced").exits(0);
    hosts.reboot(name);
    let third = hosts.boot(name);
    assert_ne!(second, third);
    assert_eq!(hosts.run(name, "cat /root/unsynced").text(), "kept");

    // One that asks for it itself, and stays away.
    hosts.hold(name);
    hosts.run(name, "systemctl reboot");
    let deadline = Instant::now() + Duration::from_secs(30);
    // On its way down it may answer with anything.
    while hosts.inside(name, "true").code != Some(125) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    hosts.inside(name, "true").exits(125);
    hosts.release(name);
    assert_ne!(hosts.boot(name), third);

    let write = "for i in 1 2; do dd if=/dev/zero of=/root/z$i bs=64k count=4 conv=fsync; done";
    let took = || {
        let began = Instant::now();
        hosts.run(name, write).exits(0);
        began.elapsed()
    };
    let usual = took();
    hosts.slow_disk(name, true);
    let slow = took();
    hosts.slow_disk(name, false);
    assert!(slow > usual + Duration::from_millis(400), "{slow:?} with a slow disk, else {usual:?}");
}

#[test]
fn a_node_has_the_packages_units_and_files_of_the_procedure() {
    let name = "gluster1.demo";
    let Some(hosts) = Hosts::start("test hosts: packages", Kind::default(), &[name]) else { return };
    let names = "criu docker atomic-openshift-excluder atomic-openshift-docker-excluder cri-tools \
                 atomic-openshift-hyperkube atomic-openshift-node docker-client cri-o atomic-openshift-clients dnsmasq";
    hosts.inside(name, &format!("rpm -q {names}")).exits(0);
    // The two files of packages that the playbooks wrote.
    let changed = hosts.inside(name, "rpm -Va").exits(1).stdout;
    let changed: Vec<&str> = changed.lines().filter_map(|line| line.split_whitespace().last()).collect();
    assert_eq!(changed, ["/etc/sysconfig/atomic-openshift-node", "/etc/crio/crio.conf"]);
    for unit in ["NetworkManager", "dnsmasq", "docker", "crio", "cri-o", "atomic-openshift-node"] {
        hosts.inside(name, &format!("systemctl is-active {unit} && systemctl is-enabled {unit}")).exits(0);
    }
    // Containers outlive their runtime.
    hosts
        .inside(name, "systemctl stop atomic-openshift-node crio docker && pgrep -x conmon && ! pgrep -x crio")
        .exits(0);
    // What else goes with docker.
    hosts.inside(name, "yum -y -q install cockpit-docker").exits(0);
    let would = hosts.inside(name, "yum --assumeno remove docker").exits(1).stdout;
    assert!(would.contains("cockpit-docker"), "{would}");
    hosts.inside(name, "yum -y -q remove cockpit-docker").exits(0);

    // The procedure itself.
    hosts.inside(name, "cp -f /etc/origin/node/resolv.conf /etc/ && systemctl disable --now dnsmasq").exits(0);
    hosts.inside(name, &format!("yum -y -q --disableexcludes=all remove {names}")).exits(0);
    hosts
        .run(name, "ls /etc/sysconfig/atomic-openshift-node.rpmsave /etc/systemd/system/atomic-openshift-node.service")
        .exits(0);
    hosts.inside(name, "rm -fr /etc/origin /etc/dnsmasq.d/*").exits(0);
    hosts.reboot(name);
    hosts.inside(name, &format!("rpm -q {names}")).exits(11);
    hosts.inside(name, "getent ahostsv4 gluster1.demo && ! pgrep -x conmon").exits(0);
    // And back, by exact versions.
    let back = "yum -y -q --disableexcludes=all install docker-2:1.13.1-109.gitcccb291.el7_7.x86_64 \
                docker-client-2:1.13.1-109.gitcccb291.el7_7.x86_64 >&2 && rpm -q docker";
    assert_eq!(hosts.inside(name, back).text(), "docker-1.13.1-109.gitcccb291.el7_7.x86_64");
}

#[test]
fn a_machine_of_rhel_7_refuses_what_is_younger() {
    let name = "gluster1.demo";
    let Some(hosts) = Hosts::start("test hosts: RHEL 7", RHEL7, &[name]) else { return };
    // Nothing of its own asks for too much.
    hosts.inside(name, "! test -s /var/log/too-new").exits(0);
    for fine in [
        "systemd-run --unit=one -r true",
        "systemctl show one -p Result,ExecMainStatus",
        "sync",
        "date -u +%s",
        "journalctl -u one --no-pager -o short-iso",
        "yum -q list installed docker",
        "repoquery docker",
        "f=$(mktemp /tmp/x.XXXXXX) && dd if=/dev/null of=$f conv=fsync && mv -T $f /tmp/y && stat -c %a /tmp/y",
    ] {
        hosts.inside(name, fine).exits(0);
    }
    hosts.inside(name, "! test -s /var/log/too-new").exits(0);
    let refused = [
        "systemd-run --wait true",
        "systemd-run -P true",
        "systemd-run --unit=two --working-directory=/ true",
        "systemd-run -p StandardOutput=file:/tmp/x true",
        "systemctl show -p MainPID --value docker",
        "sync /etc/hosts",
        "sync -f /",
        "date --debug",
        "dd if=/dev/null of=/dev/null status=progress",
        "dnf --version",
        "yum --nobest list",
        "yum repoquery docker",
    ];
    for line in refused {
        let answer = hosts.inside(name, line);
        assert!(!matches!(answer.code, Some(0 | 255) | None), "`{line}` is refused: {answer}");
    }
    let noted = hosts.inside(name, "cat /var/log/too-new").text();
    assert!(noted.lines().count() + 1 >= refused.len(), "each of them is noted: {noted}");
}

#[test]
fn sets_stand_side_by_side_and_leave_nothing() {
    let name = "gluster1.demo";
    let Some(one) = Hosts::start("test hosts: side by side", DISK, &[name]) else { return };
    let Some(other) = Hosts::start("test hosts: side by side", Kind::default(), &[name]) else { return };
    one.run(name, "echo one >/root/mine").exits(0);
    other.run(name, "cat /root/mine").exits(1);
    other.cut_link(name);
    one.run(name, "true").exits(0);
    let folders = [&one, &other].map(|hosts| hosts.folder().to_owned());
    assert!(!traces(&folders[0]).is_empty(), "what would be left is found");
    drop(one);
    other.inside(name, "true").exits(0);
    drop(other);
    for folder in folders {
        assert_eq!(traces(&folder), [""; 0]);
    }
}

#[test]
fn a_set_goes_with_the_process_that_started_it() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/hosts");
    // One that skips by the same rule.
    let Some(hosts) = Hosts::start("test hosts: owners", Kind::default(), &["gluster1.demo"]) else { return };
    let mut owner = Command::new("sleep").arg("600").spawn().expect("sleep can be started");
    let set = format!("owned-{}", owner.id());
    let up = Command::new(script)
        .args(["up", "--set", &set, "--owner", &owner.id().to_string(), "gluster1.demo"])
        .output()
        .expect("the script can be started");
    let folder = home().join("sets").join(&set);
    let stood = up.status.success() && folder.exists();
    owner.kill().expect("a child can be killed");
    owner.wait().expect("a child can be waited for");
    let deadline = Instant::now() + Duration::from_secs(20);
    while (folder.exists() || !traces(&folder).is_empty()) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
    }
    let left = traces(&folder);
    if folder.exists() || !left.is_empty() {
        let _ = Command::new(script).args(["down", "--set", &set]).status();
    }
    assert!(stood, "{up:?}");
    assert_eq!(left, [""; 0]);
    hosts.run("gluster1.demo", "true").exits(0);
}

/// What is left of a set, by its folder: files, mounts, loop devices, networks, processes, groups of them.
fn traces(folder: &Path) -> Vec<String> {
    let set = folder.file_name().expect("a set has a name").to_str().expect("a name in UTF-8");
    let mut found = Vec::new();
    if folder.exists() {
        found.push(format!("folder {}", folder.display()));
    }
    let out = |program: &str, arguments: &[&str]| {
        let out = Command::new(program).args(arguments).output().expect("a tool can be started");
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    let part = format!("/sets/{set}/");
    for (kind, text) in [
        ("mount", std::fs::read_to_string("/proc/self/mountinfo").expect("it can be read")),
        ("loop device", out("losetup", &["-a"])),
        ("process", out("ps", &["-eww", "-o", "args"])),
    ] {
        let lines = text.lines().filter(|line| line.contains(&part) && !line.contains("tests/hosts"));
        found.extend(lines.map(|line| format!("{kind} {line}")));
    }
    let inner = format!(".{set}");
    let networks = out("ls", &["/run/netns"]);
    found.extend(networks.lines().filter(|name| name.contains(&inner)).map(|name| format!("network {name}")));
    let groups = out("find", &["/sys/fs/cgroup", "-type", "d", "-path", &format!("*/palinode-*/{set}")]);
    found.extend(groups.lines().map(|group| format!("group {group}")));
    found
}
