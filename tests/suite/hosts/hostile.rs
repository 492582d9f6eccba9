//! Hosts that make trouble: what they print, what they lack, how slow and how wrong they are.

use palinode_tests::binary::{Out, binary};
use palinode_tests::helper;
use palinode_tests::hosts::Kind;
use palinode_tests::instrumented_host::{Gate, InstrumentedHost};
use palinode_tests::inventory_dir::InventoryDir;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const HOST: &str = "gluster1.demo";

const RUN: [&str; 5] = ["run", "./book.yml", "-i", "hosts", "--yes"];

const BOOK: &str = "\
runbook: book
hosts: { group: glusterfs }
each_host:
  - only: { command: { run: [/bin/sh, -c, 'echo only >>/root/count; echo told'], changes: [/root/count] } }
";

fn site(test: &str) -> Option<InventoryDir> {
    let site = InventoryDir::new(test, Kind::default(), &[HOST])?;
    site.desk.write("book.yml", BOOK);
    Some(site)
}

fn exec(site: &InventoryDir, script: &str) -> Out {
    site.run(&["exec", HOST, "--", "sh", "-c", script])
}

fn count(site: &InventoryDir) -> String {
    site.hosts.inside(HOST, "cat /root/count").text()
}

/// How many bytes of the last step's output are in the journal.
fn kept(site: &InventoryDir) -> u64 {
    let entries = site.desk.entries();
    let outcome = entries.iter().rev().find(|item| item["entry"]["event"]["Outcome"]["output"].is_string());
    let entry = &outcome.expect("there is an output")["entry"];
    let id = entry["event"]["Outcome"]["output"].as_str().expect("it is named");
    entry["bodies"][id]["len"].as_u64().expect("a body has a length")
}

#[test]
fn a_gigabyte_of_output_is_cut_counted_and_costs_no_memory() {
    let Some(site) = site("hostile hosts: a gigabyte") else { return };
    let flood = "head -c 1073741824 /dev/zero | tr '\\0' x; echo whole >/root/count";
    let mut live = site.spawn(&["exec", HOST, "--", "sh", "-c", flood]);
    let mut peak = 0;
    while !live.has_ended() {
        peak = peak.max(live.peak());
        std::thread::sleep(Duration::from_millis(5));
    }
    let out = live.end();
    assert_eq!(out.code, Some(0), "{:.2000}", out.stderr);
    println!("a gigabyte of output: {peak} KiB at most, {} bytes kept", kept(&site));
    assert!(peak > 0 && peak < 200 << 10, "{peak} KiB");
    assert_eq!(count(&site), "whole");
    let kept = kept(&site);
    assert!((1 << 20..64 << 20).contains(&kept), "{kept}");
    // One piece that was on its way when the limit came is not counted.
    let shown = site.desk.run(&["show", &format!("{HOST}/command")]).exits(0).stdout;
    let (before, _) = shown.split_once(" bytes more of its output were not kept").expect("it says how much is missing");
    let dropped: u64 = before.rsplit('(').next().and_then(|count| count.parse().ok()).expect("a number");
    assert!(((1 << 30) - (128 << 10)..=1 << 30).contains(&(kept + dropped)), "{kept} and {dropped}");
    site.is_sound();
}

#[test]
fn bytes_that_are_no_text_are_kept_as_they_are() {
    let Some(site) = site("hostile hosts: bytes") else { return };
    exec(&site, "head -c 200000 /dev/urandom").exits(0);
    assert_eq!(kept(&site), 200_000);
    site.desk.run(&["show", &format!("{HOST}/command")]).exits(0);
    site.desk.run(&["log"]).exits(0);
    // Every byte, a NUL at the end among them, in a file and in a name's neighbour that is put back.
    let make = "i=0; while [ $i -lt 256 ]; do printf \"\\\\$(printf %03o $i)\"; i=$((i + 1)); done >/root/bytes; \
                printf '\\0\\0\\n\\0' >>/root/bytes";
    site.hosts.run(HOST, make).exits(0);
    let sum = site.hosts.run(HOST, "sha256sum /root/bytes").text();
    site.run(&["exec", HOST, "file", "/root/bytes", "absent"]).exits(0);
    site.hosts.run(HOST, "test ! -e /root/bytes").exits(0);
    site.run(&["undo", "@", "--yes"]).exits(0);
    assert_eq!(site.hosts.run(HOST, "sha256sum /root/bytes").text(), sum);
    site.is_sound();
}

/// A title, a cleared screen, colours, a bell, a step back, a return, and the one-byte form of an escape.
const WILD: &str = "\\033]0;owned\\007\\033[2J\\033[31mred\\010\\r\\233[2Jwild";

/// What the binary sends to a terminal.
fn on_terminal(site: &InventoryDir, args: &[&str]) -> Vec<u8> {
    let quoted = |word: &str| format!("'{}'", word.replace('\'', "'\\''"));
    let words: Vec<String> = site.args(args).iter().map(|word| quoted(word)).collect();
    let line = format!("exec {} {}", quoted(&binary().to_string_lossy()), words.join(" "));
    let mut script = Command::new("script");
    script.args(["-q", "-e", "-c", &line, "/dev/null"]).current_dir(site.desk.path()).stdin(Stdio::null());
    script.output().expect("script can be started").stdout
}

#[track_caller]
fn is_tame(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    // Colours and a line that is drawn again are Palinode's own.
    let wild = ["\u{1b}]", "\u{1b}[2J", "\u{7}", "\u{8}", "\u{9b}", "\u{1b}[31mred", "owned\u{1b}"];
    for sequence in wild {
        assert!(!text.contains(sequence), "{what} prints {sequence:?}: {text:?}");
    }
    assert!(!bytes.windows(2).any(|two| two == b"\x9b["), "{what}: {text:?}");
    assert!(!bytes.is_empty(), "{what} prints something");
}

#[test]
fn what_a_host_prints_never_reaches_the_terminal_raw() {
    let Some(site) = site("hostile hosts: escapes") else { return };
    let step = format!("{HOST}/command");
    let fails = format!("printf '{WILD}\\n'; printf '{WILD}\\n' >&2; exit 3");
    let exec = ["exec", HOST, "--", "sh", "-c", &fails];
    is_tame("exec", &on_terminal(&site, &exec));
    for args in [&["status"][..], &["log"], &["show", &step], &["show", "@"], &["status", "-o", "json"]] {
        is_tame(&args.join(" "), &on_terminal(&site, args));
        site.desk.run(args);
    }
    let shown = site.desk.run(&["show", &step]).exits(0);
    assert!(shown.stdout.contains("owned") && shown.stdout.contains("wild"), "it can be read: {shown}");
    // The words of whoever claims a host are that host's bytes too.
    let claim = format!(
        "mkdir -p /var/lib/palinode/claims && printf '{WILD}\\n' >/var/lib/palinode/claims/evil && \
         ln -sfT claims/evil /var/lib/palinode/claim"
    );
    site.hosts.run(HOST, &claim).exits(0);
    is_tame("a claim", &on_terminal(&site, &exec));
    site.run(&exec).exits(9).complains(&["claimed by another journal", "wild"]);
    site.hosts.run(HOST, "rm -r /var/lib/palinode/claim /var/lib/palinode/claims").exits(0);
    // What a login says before there is a shell, and what it says when there is none.
    let banner = format!(
        "printf '{WILD}\\n' >/etc/issue.wild; echo 'Banner /etc/issue.wild' >/etc/ssh/sshd_config.d/wild.conf; systemctl restart ssh"
    );
    site.hosts.run(HOST, &banner).exits(0);
    is_tame("a banner", &on_terminal(&site, &["exec", HOST, "--", "true"]));
    site.run(&["exec", HOST, "--", "true"]).exits(0);
    site.hosts.inside(HOST, &format!("printf '%s\\n' \"printf '{WILD}\\\\n' >&2; exit 7\" >/root/.bashrc")).exits(0);
    is_tame("no shell", &on_terminal(&site, &["exec", HOST, "--", "true"]));
    site.run(&["exec", HOST, "--", "true"]).exits(1).complains(&["gluster1.demo cannot be acted on"]);
}

#[test]
fn a_login_may_chatter_and_the_answers_are_understood() {
    let Some(site) = site("hostile hosts: chatter") else { return };
    let chatter = "for f in /root/.bashrc /root/.profile /etc/profile /etc/bash.bashrc; do { echo 'echo chatter; echo chatter >&2; printf chatter'; cat $f; } >$f.new 2>/dev/null; mv $f.new $f; done; \
                   mkdir -p /root/.ssh; printf '#!/bin/sh\\necho chatter\\n' >/root/.ssh/rc; \
                   echo 'Authorised people only' >/etc/issue.net; echo 'Banner /etc/issue.net' >/etc/ssh/sshd_config.d/banner.conf; systemctl restart ssh";
    site.hosts.inside(HOST, chatter).exits(0);
    let said = site.hosts.run(HOST, "true");
    assert!(said.stdout.contains("chatter"), "it does chatter: {said}");
    site.run(&RUN).exits(0);
    assert_eq!(count(&site), "only");
    let shown = site.desk.run(&["show", &format!("{HOST}/only")]).exits(0).says(&["told"]);
    assert!(!shown.stdout.contains("chatter"), "{shown}");
    site.run(&["rollback", "--yes"]).exits(0);
    site.is_sound();
    // One that never ends is given up, and says so.
    site.hosts.inside(HOST, "echo 'while :; do echo chatter; done' >/root/.bashrc").exits(0);
    let began = Instant::now();
    site.run(&RUN).exits(1).complains(&[
        "gluster1.demo cannot be acted on",
        "no shell answered",
        "nothing was touched",
    ]);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    site.hosts.inside(HOST, "echo 'echo we are closed >&2; exit 7' >/root/.bashrc").exits(0);
    site.run(&RUN).exits(1).complains(&["gluster1.demo cannot be acted on", "we are closed", "nothing was touched"]);
}

/// A place for jobs that is full, or has room for a little.
fn small(site: &InventoryDir, kibibytes: u32) {
    let mount = format!(
        "mkdir -p /var/lib/palinode && mount -t tmpfs -o mode=700,size={kibibytes}k tmpfs /var/lib/palinode && mkdir /var/lib/palinode/jobs"
    );
    site.hosts.inside(HOST, &mount).exits(0);
}

#[test]
fn a_host_without_room_is_not_changed_and_says_so() {
    let Some(site) = site("hostile hosts: a full disk") else { return };
    small(&site, 256);
    site.hosts.inside(HOST, "! dd if=/dev/zero of=/var/lib/palinode/filler bs=1k count=999 2>/dev/null").exits(0);
    let out = site.run(&RUN).exits(3);
    site.hosts.inside(HOST, "test ! -e /root/count").exits(0);
    out.says(&["No space left on device", "gluster1.demo/only", "palinode retry gluster1.demo/only"]);
    site.hosts.inside(HOST, "rm /var/lib/palinode/filler").exits(0);
    site.run(&["retry", "gluster1.demo/only", "--reason", "there is room now"]).exits(0);
    site.run(&["resume"]).exits(0);
    assert_eq!(count(&site), "only");
    // The room goes while a job prints: the job ends as it would, and what is missing is told.
    let out = exec(&site, "head -c 1000000 /dev/zero | tr '\\0' y; echo after >>/root/count").exits(0);
    assert_eq!(count(&site), "only\nafter", "{out}");
    let kept = kept(&site);
    assert!(kept < 256 << 10, "{kept}");
    let shown = site.desk.run(&["show", &format!("{HOST}/command")]).exits(0);
    assert!(shown.stdout.contains("not kept"), "{:.3000}", shown.stdout);
    site.is_sound();
}

/// Everything but what is in memory can only be read.
const FROZEN: &str =
    "for d in /etc /home /opt /root /srv /usr /var; do mount --bind $d $d && mount -o remount,bind,ro $d || exit; done";
const THAWED: &str = "for d in /etc /home /opt /root /srv /usr /var; do umount -l $d || exit; done";

#[test]
fn a_host_that_cannot_be_written_is_not_changed_and_says_so() {
    let Some(site) = site("hostile hosts: read-only") else { return };
    site.hosts.inside(HOST, &format!("{FROZEN}; ! touch /root/x 2>/dev/null")).exits(0);
    site.run(&RUN).exits(3).says(&["Read-only file system", "palinode retry gluster1.demo/only"]);
    site.hosts.inside(HOST, &format!("{THAWED}; test ! -e /root/count")).exits(0);
    site.run(&["retry", "gluster1.demo/only", "--reason", "the disk was changed"]).exits(0);
    site.run(&["resume"]).exits(0);
    assert_eq!(count(&site), "only");
    site.run(&["rollback", "--yes"]).exits(0);
    // It turns while a job works: the job cannot say how it ended, so the host is looked at.
    let machine = InstrumentedHost::new(&site.hosts, HOST);
    machine.watch(&[], Some(Gate::End));
    let live = site.spawn(&RUN);
    machine.reached(Gate::End);
    let jobs = "mount --bind /var/lib/palinode /var/lib/palinode && mount -o remount,bind,ro /var/lib/palinode";
    site.hosts.inside(HOST, jobs).exits(0);
    machine.open(Gate::End);
    live.end().exits(0);
    assert_eq!(count(&site), "only");
    let probed = site.events().into_iter().rev().find(|event| event["Probed"].is_object()).expect("it was looked at");
    assert_eq!(
        (&probed["Probed"]["rule"], &probed["Probed"]["verdict"]),
        (&"probe".into(), &"applied".into()),
        "{probed}"
    );
    site.is_sound();
}

#[test]
fn who_may_not_act_there_is_told_what_is_missing() {
    let Some(site) = site("hostile hosts: not allowed") else { return };
    let config = std::fs::read_to_string(site.hosts.config()).expect("it can be read");
    for user in ["asks", "nosudo"] {
        site.desk.write("config", config.replace("User root", &format!("User {user}")));
        let out = site.desk.run(&[&["--ssh-config", "config"][..], &RUN].concat()).exits(1);
        out.complains(&["gluster1.demo cannot be acted on", "sudo -n", "nothing was touched", "ssh gluster1.demo"]);
    }
    // Another machine answers in its place.
    let known = site.hosts.folder().join("known_hosts");
    let keys = std::fs::read_to_string(&known).expect("it can be read");
    let pair = site.desk.path().join("other");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&pair).status();
    assert!(made.expect("ssh-keygen can be started").success());
    let other = std::fs::read_to_string(pair.with_extension("pub")).expect("it can be read");
    std::fs::write(&known, format!("{HOST} {other}")).expect("it can be written");
    let out = site.run(&RUN).exits(1);
    out.complains(&["gluster1.demo cannot be acted on", "Host key verification failed", "nothing was touched"]);
    std::fs::write(&known, keys).expect("it can be written");
    site.hosts.inside(HOST, "test ! -e /root/count && test ! -e /var/lib/palinode/jobs").exits(0);
    assert!(!site.desk.path().join(".palinode").exists(), "no journal was made");
    site.run(&RUN).exits(0);
}

/// A clock that is a day off, to either side: on the host, and here.
#[test]
fn a_clock_that_is_a_day_off_changes_nothing() {
    let Some(site) = site("hostile hosts: clocks") else { return };
    let book = "  - again: { reboot: {} }\n  - last: { command: { run: [/bin/sh, -c, 'echo last >>/root/count'], changes: [/root/count] } }\n";
    site.desk.write("book.yml", format!("{BOOK}{book}"));
    let library = std::fs::read(helper::clock()).expect("it can be read");
    let library: String = library.iter().map(|byte| format!("\\{byte:03o}")).collect();
    // What the shell takes in one word is limited.
    for part in library.as_bytes().chunks(80_000) {
        let part = std::str::from_utf8(part).expect("octal digits");
        site.hosts.inside(HOST, &format!("printf '{part}' >>/usr/lib/clock.so")).exits(0);
    }
    site.hosts.inside(HOST, "echo /usr/lib/clock.so >/etc/ld.so.preload").exits(0);
    for off in [86_400i64, -86_400] {
        site.hosts.inside(HOST, &format!("echo {off} >/etc/clock-off")).exits(0);
        let there: i64 = site.hosts.run(HOST, "date +%s").text().parse().expect("seconds");
        let here = std::time::UNIX_EPOCH.elapsed().expect("it is later than 1970").as_secs();
        let differs = there - i64::try_from(here).expect("it fits");
        assert!((differs - off).abs() < 60, "the clock is off by {differs}");
        site.run(&RUN).exits(0);
        assert_eq!(count(&site), "only\nlast");
        site.run(&["rollback", "--yes"]).exits(0);
        site.hosts.inside(HOST, "test ! -e /root/count").exits(0);
        site.is_sound();
    }
    site.hosts.inside(HOST, "rm /etc/ld.so.preload").exits(0);
    site.desk.write("book.yml", format!("{BOOK}  - bad: {{ command: {{ run: ['false'] }} }}\n"));
    for off in ["86400", "-86400"] {
        let [library, folder] = helper::preloaded(helper::clock());
        let clock = [library, folder, ("CLOCK_OFF", off.into())];
        site.desk.run_with(&clock, &site.args(&RUN)).exits(3);
        site.desk.run(&["skip", "gluster1.demo/bad", "--reason", "enough"]).exits(0);
        site.desk.run_with(&clock, &["status"]).exits(0);
        site.run(&["resume"]).exits(0);
        site.desk.run(&["log", "--since", "1h"]).exits(0);
        site.desk.run_with(&clock, &site.args(&["rollback", "--yes"])).exits(6);
        site.is_sound();
    }
}

#[test]
fn a_link_on_which_answers_take_seconds_is_slow_and_nothing_else() {
    let Some(site) = site("hostile hosts: a slow link") else { return };
    let config = std::fs::read_to_string(site.hosts.config()).expect("it can be read");
    let proxy = config.lines().find_map(|line| line.trim().strip_prefix("ProxyCommand ")).expect("it has one");
    let delay = format!("'{}' 700", helper::delay().display());
    let slow = format!(
        "Host {HOST}\n  ProxyUseFdpass no\n  ProxyCommand {delay} | {} | {delay}\n{config}",
        proxy.replace("-F -w 5 ", "")
    );
    site.desk.write("slow", slow);
    let run = |args: &[&str]| site.desk.run(&[&["--ssh-config", "slow"], args].concat());
    let began = Instant::now();
    run(&RUN).exits(0);
    let took = began.elapsed();
    println!("a slow link: a run of one step took {took:?}");
    assert!(took > Duration::from_secs(5), "it is slow: {took:?}");
    assert_eq!(count(&site), "only");
    let outcomes = site.events().into_iter().filter(|event| event["Outcome"].is_object()).count();
    assert_eq!(outcomes, 1);
    run(&["rollback", "--yes"]).exits(0);
    site.hosts.inside(HOST, "test ! -e /root/count").exits(0);
    site.is_sound();
}
