//! The places of `table` on a host, with a local user there who means harm. Palinode logs in as another user, whose
//! sudo makes it root.

use crate::places::table::SECRET;
use palinode_tests::binary::{Live, Out};
use palinode_tests::hosts::Kind;
use palinode_tests::inventory_dir::InventoryDir;
use std::time::{Duration, Instant};

const HOST: &str = "gluster1.demo";
/// Who means harm.
const EVIL: &str = "nosudo@gluster1.demo";

/// No trial takes longer.
const LIMIT: Duration = Duration::from_secs(60);

/// A host that is reached as a user with a sudo that asks nothing.
fn site(test: &str) -> Option<InventoryDir> {
    let site = InventoryDir::new(test, Kind::default(), &[HOST])?;
    let config = std::fs::read_to_string(site.hosts.config()).expect("it can be read");
    site.desk.write("config", config.replace("User root", "User ops"));
    Some(site)
}

fn args<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&["--ssh-config", "config"], args].concat()
}

/// Runs the binary to its end, which comes in time, with little memory and few words.
#[track_caller]
fn run(site: &InventoryDir, typed: &[&str]) -> Out {
    let began = Instant::now();
    let mut live: Live = site.desk.spawn(&args(typed));
    let mut peak = 0;
    while !live.has_ended() {
        peak = peak.max(live.peak());
        assert!(began.elapsed() < LIMIT, "{typed:?} hangs: {}", live.stderr());
        std::thread::sleep(Duration::from_millis(5));
    }
    let out = live.end();
    assert!(peak < 500 << 10, "{typed:?} takes {peak} KiB");
    assert!(out.stdout.len() + out.stderr.len() < 64 << 20, "{typed:?} prints much");
    out
}

#[track_caller]
fn evil(site: &InventoryDir, script: &str) -> String {
    site.hosts.run(EVIL, script).text()
}

/// Nothing that root keeps is where another user can read it.
#[track_caller]
fn is_safe(site: &InventoryDir) {
    let found = evil(
        site,
        &format!(
            "timeout 30 grep -rl --devices=skip {SECRET} /var/lib/palinode /run/palinode /tmp /var/tmp /srv /home/nosudo /etc 2>/dev/null; \
             find /srv/sticky /home/nosudo /tmp -uid 0 -type f -size +0 -readable 2>/dev/null | grep -v '^/tmp/systemd'; true"
        ),
    );
    assert_eq!(found, "", "another user can read it");
    let kept = site.hosts.run(HOST, "cat /root/kept; stat -c '%U %a' /root/kept /root/secret").text();
    assert_eq!(kept, "MINE-ALONE\nroot 600\nroot 600", "what root had is as it was");
}

fn keep(site: &InventoryDir) {
    let make = format!("umask 077; echo {SECRET} >/root/secret; echo MINE-ALONE >/root/kept");
    site.hosts.run(HOST, &make).exits(0);
}

#[test]
pub(crate) fn what_palinode_keeps() {
    let Some(site) = site("places: what palinode keeps on a host") else { return };
    keep(&site);
    // A secret that is restored, one that is printed, and one that a job holds while it works.
    run(&site, &["exec", HOST, "file", "/root/secret", "absent"]).exits(0);
    run(&site, &["undo", "@", "--yes"]).exits(0);
    run(&site, &["exec", HOST, "fetch", "/root/secret"]).exits(0);
    let mut live = site.desk.spawn(&args(&["exec", HOST, "--", "sh", "-c", "cat /root/secret; sleep 8"]));
    site.hosts.until(HOST, "pgrep -f 'sleep [8]' >/dev/null");
    let look = "for d in /var/lib/palinode /run/palinode; do ls -A $d $d/* 2>/dev/null; cat $d/* $d/*/* $d/*/*/* 2>/dev/null; cd $d 2>/dev/null && echo entered; \
        touch $d/mine 2>/dev/null && echo made; mv $d /tmp/theirs 2>/dev/null && echo moved; done; \
        for p in $(pgrep -u root); do cat /proc/$p/environ /proc/$p/fd/* 2>/dev/null; done; true";
    assert_eq!(evil(&site, look), "", "nobody else gets in while a job works");
    is_safe(&site);
    assert!(!live.has_ended(), "it still works");
    live.end().exits(0);
    let modes = "stat -c '%U %a' /var/lib/palinode /var/lib/palinode/jobs /var/lib/palinode/claims /run/palinode";
    assert_eq!(site.hosts.run(HOST, modes).text(), "root 700\nroot 700\nroot 700\nroot 700");
    let left = format!("! grep -rl {SECRET} /var/lib/palinode /run/palinode");
    site.hosts.until(HOST, &left);
    site.hosts.until(HOST, "test -z \"$(ls -A /run/palinode)\"");
    is_safe(&site);

    // It was theirs, or open to them, before palinode came: pipes, devices and links in the place of what is kept.
    let traps = "cd /var/lib/palinode; mkdir -p claims seen jobs; mkfifo claims/evil; ln -s claims/evil claim; ln -s /dev/zero seen/x; \
        ln -s /root/kept claims/kept";
    for (own, mode) in [("nosudo", "700"), ("nosudo", "777"), ("root", "777"), ("root", "1777")] {
        let make = format!(
            "rm -rf /var/lib/palinode; mkdir -m 777 /var/lib/palinode; su nosudo -s /bin/sh -c '{traps}'; chown {own} /var/lib/palinode; chmod {mode} /var/lib/palinode"
        );
        site.hosts.inside(HOST, &make).exits(0);
        let out = run(&site, &["exec", HOST, "--", "sh", "-c", "echo ran >>/root/ran"]);
        assert_ne!(out.code, Some(0), "{own} {mode}: {out}");
        out.tells(&["/var/lib/palinode", "could meddle with what is kept there"]);
        site.hosts.run(HOST, "test ! -e /root/ran").exits(0);
        is_safe(&site);
    }
    site.hosts.inside(HOST, "rm -rf /var/lib/palinode").exits(0);
    let pipes = "rm -rf /run/palinode; mkdir -m 777 /run/palinode; chown nosudo /run/palinode";
    site.hosts.inside(HOST, pipes).exits(0);
    let out = run(&site, &["exec", HOST, "--", "sh", "-c", "echo ran >>/root/ran"]);
    assert_ne!(out.code, Some(0), "{out}");
    out.tells(&["/run/palinode", "could meddle with what is kept there"]);
    site.hosts.run(HOST, "test ! -e /root/ran").exits(0);
    site.hosts.inside(HOST, "rm -rf /run/palinode").exits(0);
    run(&site, &["exec", HOST, "--", "sh", "-c", "echo ran >>/root/ran"]).exits(0);
    site.is_sound();
}

#[test]
pub(crate) fn beside_the_files_of_root() {
    let Some(site) = site("places: beside the files of root") else { return };
    keep(&site);
    let make = "mkdir -m 1777 /srv/sticky; mkdir -m 775 /srv/group; chgrp nosudo /srv/group; mkdir /srv/theirs; chown nosudo /srv/theirs";
    site.hosts.run(HOST, make).exits(0);
    let traps = [
        ("pipe", "mkfifo \"$at\""),
        ("zero", "ln -s /dev/zero \"$at\""),
        ("sparse", "truncate -s 900G \"$at\""),
        ("link", "ln -s /root/kept \"$at\""),
        ("dir", "mkdir \"$at\"; mkfifo \"$at/p\"; ln -s /dev/zero \"$at/z\"; truncate -s 900G \"$at/s\""),
        ("deep", "i=0; mkdir \"$at\"; cd \"$at\"; while [ $i -lt 300 ]; do mkdir d; cd d; i=$((i+1)); done"),
        ("many", "mkdir \"$at\"; cd \"$at\"; seq 20000 | xargs touch"),
    ];
    for folder in ["/srv/sticky", "/srv/group", "/srv/theirs", "/tmp"] {
        // One folder sees all of them, the others those that could be waited for.
        let all = if folder == "/srv/sticky" { &traps[..] } else { &traps[..2] };
        for &(name, make) in all {
            let at = format!("{folder}/{name}");
            evil(&site, &format!("at={at}; {make}"));
            for typed in
                [&["fetch", &at][..], &["read", &at, "key"], &["file", &at, "content", "x"], &["file", &at, "absent"]]
            {
                // What is fetched is no text there.
                if typed[0] == "fetch" && ["deep", "many"].contains(&name) {
                    continue;
                }
                let out = run(&site, &[&["exec", HOST], typed].concat());
                assert!(
                    !out.stdout.contains("MINE-ALONE") || typed[0] == "fetch" || typed[0] == "read",
                    "{at}: {typed:?}: {out}"
                );
                if out.code != Some(0) {
                    assert!(!out.stderr.is_empty() || !out.stdout.is_empty(), "{at}: {typed:?}");
                }
            }
            run(&site, &["exec", "--changes", &at, HOST, "--", "true"]);
            let step = format!("{{ file.copy: {{ from: {at}, to: /etc/copied }} }}");
            site.desk.write(
                "copy.yml",
                format!("runbook: copy\nhosts: {{ group: glusterfs }}\neach_host:\n  - file: {step}\n"),
            );
            run(&site, &["run", "./copy.yml", "-i", "hosts", "--yes"]);
            let copied = site.hosts.run(HOST, "stat -c %s /etc/copied 2>/dev/null || echo 0; rm -f /etc/copied").text();
            assert!(copied.parse::<u64>().is_ok_and(|size| size < 1 << 20), "{at}: {copied}");
            is_safe(&site);
            site.hosts.inside(HOST, &format!("rm -rf {at}")).exits(0);
        }
    }
    // In a folder of theirs nothing is written, in a sticky one nothing of theirs is taken for root's.
    for folder in ["/srv/group", "/srv/theirs"] {
        let at = format!("{folder}/new");
        let out = run(&site, &["exec", HOST, "file", &at, "content", SECRET]);
        assert_ne!(out.code, Some(0), "{out}");
        out.tells(&[folder]);
    }
    // Something of root's is mounted below what goes.
    let mounted = "mkdir -p /srv/kub/v /srv/data; echo x >/srv/data/x; mount --bind /srv/data /srv/kub/v; chown nosudo /srv/kub/v";
    site.hosts.run(HOST, mounted).exits(0);
    let out = run(&site, &["exec", HOST, "file", "/srv/kub", "absent"]);
    assert_ne!(out.code, Some(0), "{out}");
    out.tells(&["mounted on /srv/kub/v"]);
    assert_eq!(site.hosts.run(HOST, "cat /srv/data/x").text(), "x");
    is_safe(&site);
    site.is_sound();
}

#[test]
pub(crate) fn a_profile() {
    let Some(site) = site("places: the login's profile") else { return };
    keep(&site);
    let was = site.hosts.run(HOST, "systemctl enable --now docker; systemctl is-active docker").text();
    assert_eq!(was, "active");
    let fakes = "mkdir -p /home/ops/bin; for p in rpm systemctl stat awk find sha256sum id; do printf '#!/bin/sh\\necho lies\\n' >/home/ops/bin/$p; done; chmod 755 /home/ops/bin/*";
    site.hosts.run(HOST, fakes).exits(0);
    let profiles = [
        "export POSIXLY_CORRECT=1 LC_ALL=de_DE.UTF-8 TAR_OPTIONS=--no-recursion GREP_OPTIONS=-v IFS=x CDPATH=/tmp BASH_ENV=/dev/zero ENV=/dev/zero",
        "export PATH=/home/ops/bin:$PATH; alias sh=false; set -u; set -e; set -f",
        "umask 000; cd /tmp; exec 3</dev/zero",
        "stat() { echo lies; }; rpm() { echo lies; }; export -f stat rpm 2>/dev/null; trap 'echo lies' EXIT DEBUG",
    ];
    for profile in profiles {
        let lay = format!(
            "for f in .bashrc .profile .bash_profile; do cat >/home/ops/$f <<'END'\n{profile}\nEND\ndone; chown ops /home/ops/.*rc"
        );
        site.hosts.inside(HOST, &lay).exits(0);
        run(&site, &["exec", HOST, "service", "docker", "stopped"]).exits(0);
        assert_eq!(site.hosts.run(HOST, "systemctl is-active docker; true").text(), "inactive", "{profile}");
        run(&site, &["undo", "@", "--yes"]).exits(0);
        assert_eq!(site.hosts.run(HOST, "systemctl is-active docker; true").text(), "active", "{profile}");
        run(&site, &["exec", HOST, "file", "/root/secret", "absent"]).exits(0);
        run(&site, &["undo", "@", "--yes"]).exits(0);
        assert_eq!(
            site.hosts.run(HOST, "cat /root/secret; stat -c %a:%U /root/secret").text(),
            format!("{SECRET}\n600:root"),
            "{profile}"
        );
        is_safe(&site);
    }
    // One that says nothing more, and one that never stops.
    for profile in ["sleep 1000", "cat /dev/zero", "exec cat /tmp/pipe"] {
        site.hosts
            .inside(HOST, &format!("rm -f /tmp/pipe; mkfifo /tmp/pipe; echo '{profile}' >/home/ops/.bashrc"))
            .exits(0);
        let out = run(&site, &["exec", HOST, "--", "true"]);
        out.exits(1).complains(&["gluster1.demo cannot be acted on", "nothing was touched"]);
    }
    site.hosts.inside(HOST, "rm /home/ops/.bashrc").exits(0);
    site.is_sound();
}

#[test]
pub(crate) fn what_is_printed() {
    let Some(site) = site("places: what a host prints") else { return };
    keep(&site);
    // What another user may make a tool of root's print: a process's words, a file's name, a line in a log.
    evil(
        &site,
        "cd /srv 2>/dev/null; mkdir -p /tmp/n; cd /tmp/n; i=0; while [ $i -lt 200 ]; do touch \"$(printf 'a\\033]0;owned\\007\\nstate finished\\nrc 0\\n%s' $i)\"; i=$((i+1)); done",
    );
    let out = run(&site, &["exec", HOST, "--", "find", "/tmp/n"]).exits(0);
    assert!(!out.stdout.contains('\u{1b}') && !out.stderr.contains('\u{1b}'), "{out}");
    run(&site, &["exec", HOST, "--", "sh", "-c", "cat /tmp/n/* /tmp/n; exit 3"]).exits(1);
    run(&site, &["exec", HOST, "file", "/tmp/n/*", "absent"]);
    // Much of it, on both outputs, in one line and in many.
    for much in
        ["head -c 300000000 /dev/zero", "head -c 300000000 /dev/zero | tr '\\0' '\\n'", "yes | head -c 300000000 >&2"]
    {
        run(&site, &["exec", HOST, "--", "sh", "-c", much]).exits(0);
        run(&site, &["show", &format!("{HOST}/command")]).exits(0);
    }
    let kept: usize = site.desk.files(".palinode").values().map(|(size, _)| size).sum();
    assert!(kept < 150 << 20, "the journal holds {kept} bytes");
    let there = site.hosts.run(HOST, "du -sm /var/lib/palinode | cut -f1").text();
    assert!(there.parse::<u32>().is_ok_and(|mebibytes| mebibytes < 100), "{there}");
    is_safe(&site);
    site.is_sound();
}
