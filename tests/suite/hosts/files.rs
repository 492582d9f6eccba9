//! What is done to files of real hosts is what was looked at, in nobody's reach, on one file system, and on the disk.

use palinode_tests::binary::Out;
use palinode_tests::hosts::Kind;
use palinode_tests::inventory_dir::InventoryDir;

const DISK: Kind = Kind { rhel7: false, disk: true, gluster: false };
const OLD: Kind = Kind { rhel7: true, disk: true, gluster: false };
const HOST: &str = "gluster1.demo";

/// Does what is typed; what `exec` has no words for needs a runbook.
fn acts(site: &InventoryDir, typed: &[&str]) -> Out {
    let step = match typed {
        ["file.copy", from, to] => format!("{{ file.copy: {{ from: {from}, to: {to} }} }}"),
        ["file.permissions", path, mode] => format!("{{ file.permissions: {{ path: {path}, mode: \"{mode}\" }} }}"),
        _ => return site.run(&[&["exec", HOST], typed].concat()),
    };
    site.desk
        .write("file.yml", format!("runbook: file\nhosts: {{ group: glusterfs }}\neach_host:\n  - file: {step}\n"));
    site.run(&["run", "./file.yml", "-i", "hosts", "--yes"])
}

impl Case {
    /// Types it, and requires that it is refused with these words before anything is recorded of it.
    #[track_caller]
    fn is_refused(&self, site: &InventoryDir) {
        let out = acts(site, self.typed);
        assert_ne!(out.code, Some(0), "{:?}: {out}", self.typed);
        let told = format!("{}{}", out.stdout, out.stderr);
        assert!(told.contains(self.why), "{:?} says `{}`: {out}", self.typed, self.why);
        assert!(!site.events().iter().any(|event| event["Intent"].is_object()), "{:?}: no intent", self.typed);
        site.is_sound();
        std::fs::remove_dir_all(site.desk.path().join(".palinode")).expect("the journal can be removed");
        site.hosts.run(HOST, "rm -rf /var/lib/palinode/claim*").exits(0);
    }
}

/// An action that may not be done.
struct Case {
    typed: &'static [&'static str],
    why: &'static str,
}

#[test]
fn what_leads_through_a_link_a_foreign_folder_or_into_a_mount_is_refused() {
    let Some(site) = InventoryDir::new("claims: files that are refused", Kind::default(), &[HOST]) else { return };
    let make = "set -e; mkdir -p /etc/real/below; echo r >/etc/real/f; echo b >/etc/real/below/b; ln -s real /etc/lnk; ln -s nothing /etc/dangling; \
        mkdir -m 775 /srv/group; mkdir -m 1777 /srv/sticky; mkdir /srv/theirs; chown ops /srv/theirs; mkdir -m 1777 /srv/theirs/sticky; chown ops /srv/theirs/sticky; \
        echo t >/srv/sticky/theirs; chown ops /srv/sticky/theirs; \
        mkdir -p /var/lib/kub/v '/var/lib/kub/a b' /srv/data; echo x >/srv/data/x; mount --bind /srv/data /var/lib/kub/v; \
        mkdir -p '/var/lib/mem/a b'; mount -t tmpfs none '/var/lib/mem/a b'; echo y >'/var/lib/mem/a b/y'; \
        echo z >/etc/bound; mount --bind /etc/bound /etc/bound";
    site.hosts.run(HOST, make).exits(0);
    let link = "/etc/lnk is a symbolic link to /etc/real";
    let cases = [
        Case { typed: &["file", "/etc/lnk/*", "absent"], why: "write /etc/real/* instead" },
        Case { typed: &["file", "/etc/lnk/", "absent"], why: link },
        Case { typed: &["file", "/etc/lnk//f", "absent"], why: "write /etc/real/f instead" },
        Case { typed: &["file", "/etc/lnk/below/*", "absent"], why: "write /etc/real/below/* instead" },
        Case { typed: &["file", "/etc/lnk/new", "content", "x"], why: link },
        Case { typed: &["file.copy", "/etc/hostname", "/etc/lnk/f"], why: link },
        Case { typed: &["file.permissions", "/etc/lnk/f", "0600"], why: link },
        Case { typed: &["file.permissions", "/srv/sticky/theirs", "0600"], why: "chown -h root '/srv/sticky/theirs'" },
        Case { typed: &["--changes", "/etc/lnk/f", "--", "touch", "/etc/lnk/f"], why: link },
        Case { typed: &["file", "/var/run/x", "content", "x"], why: "write /run/x instead" },
        Case { typed: &["file", "/etc/dangling/x", "absent"], why: "leads to nothing" },
        Case { typed: &["file", "/srv/group/x", "content", "x"], why: "others than root may write in /srv/group" },
        Case { typed: &["file", "/srv/theirs/x", "content", "x"], why: "/srv/theirs belongs to ops" },
        Case { typed: &["file", "/srv/theirs/sticky/x", "content", "x"], why: "/srv/theirs belongs to ops" },
        Case { typed: &["file", "/srv/theirs/x", "absent"], why: "/srv/theirs belongs to ops" },
        Case { typed: &["file", "/srv/sticky/theirs", "content", "x"], why: "/srv/sticky/theirs belongs to ops" },
        Case { typed: &["file", "/var/lib/kub", "absent"], why: "mounted on /var/lib/kub/v" },
        Case { typed: &["file", "/var/lib/kub/*", "absent"], why: "mounted on /var/lib/kub/v" },
        Case { typed: &["file", "/var/lib/kub/v", "absent"], why: "mounted on /var/lib/kub/v" },
        Case { typed: &["file", "/var/lib/mem", "absent"], why: "mounted on /var/lib/mem/a b" },
        Case { typed: &["file", "/etc/bound", "content", "x"], why: "mounted on /etc/bound" },
        Case { typed: &["--changes", "/var/lib/kub", "--", "true"], why: "mounted on /var/lib/kub/v" },
    ];
    for case in cases {
        case.is_refused(&site);
    }
    let all = "cat /etc/real/f /etc/real/below/b /srv/data/x '/var/lib/mem/a b/y' /srv/sticky/theirs /etc/bound; ls -A /srv/group /srv/theirs/sticky";
    assert_eq!(site.hosts.run(HOST, all).text(), "r\nb\nx\ny\nt\nz\n/srv/group:\n\n/srv/theirs/sticky:");
    // A link itself may go, what is below a mount too, and a sticky folder of root is safe.
    let last = [
        (&["file", "/etc/lnk", "absent"][..], "! test -L /etc/lnk"),
        (&["file", "/var/lib/kub/v/x", "absent"], "! test -e /srv/data/x"),
        (&["file", "/srv/sticky/new", "content", "x"], "test -f /srv/sticky/new"),
        (
            &["file", "/srv/sticky/theirs", "content", "x", "owner", "root"],
            "test \"$(stat -c %U /srv/sticky/theirs)\" = root",
        ),
    ];
    let look = "readlink /etc/lnk; cat /srv/data/x; stat -c '%U' /srv/sticky/theirs; ls -A /srv/sticky";
    let was = site.hosts.run(HOST, look).text();
    for (typed, done) in last {
        acts(&site, typed).exits(0);
        site.hosts.run(HOST, done).exits(0);
        site.run(&["undo", "@", "--yes"]).exits(0);
    }
    assert_eq!(site.hosts.run(HOST, look).text(), was);
    site.is_sound();
}

/// The way changes between the look and the job, and between a step and its undo.
#[test]
fn a_link_or_a_mount_that_comes_in_between_is_refused_by_the_job() {
    let Some(site) = InventoryDir::new("claims: a link in between", Kind::default(), &[HOST]) else { return };
    let make = "set -e; mkdir -p /etc/meant /etc/real /var/lib/kub/v /srv/data; echo m >/etc/meant/f; echo r >/etc/real/f; echo x >/srv/data/x; \
        printf '%s\\n' '#!/bin/sh' 'case \"$*\" in */var/lib/palinode/jobs/?*) [ ! -x /root/between ] || /root/between ;; esac; exec /usr/bin/mkdir \"$@\"' \
        >/usr/sbin/mkdir; chmod 755 /usr/sbin/mkdir";
    site.hosts.run(HOST, make).exits(0);
    let between = |script: &str| {
        let put =
            format!("printf '%s\\n' '#!/bin/sh' 'rm /root/between' '{script}' >/root/between; chmod 755 /root/between");
        site.hosts.run(HOST, &put).exits(0);
    };
    between("mv /etc/meant /etc/was && ln -s real /etc/meant");
    let out = site.run(&["exec", HOST, "file", "/etc/meant/*", "absent"]).exits(1);
    assert!(out.stdout.contains("/etc/meant is a symbolic link to /etc/real"), "{out}");
    let outcome = site.events().into_iter().find(|event| event["Outcome"].is_object()).expect("it ended");
    assert_eq!(outcome["Outcome"]["why"], "not-started", "{outcome}");
    site.hosts.run(HOST, "rm /etc/meant && mv /etc/was /etc/meant").exits(0);
    between("mount --bind /srv/data /var/lib/kub/v");
    let out = site.run(&["exec", HOST, "file", "/var/lib/kub", "absent"]).exits(1);
    assert!(out.stdout.contains("mounted on /var/lib/kub/v"), "{out}");
    assert_eq!(site.hosts.run(HOST, "cat /etc/meant/f /etc/real/f /srv/data/x").text(), "m\nr\nx");
    // What was there before goes on: a restore does not go through a link either.
    site.hosts.run(HOST, "umount /var/lib/kub/v").exits(0);
    site.run(&["exec", HOST, "file", "/etc/meant/f", "absent"]).exits(0);
    site.hosts.run(HOST, "rmdir /etc/meant && ln -s real /etc/meant").exits(0);
    let out = site.run(&["undo", "@", "--yes"]);
    assert_ne!(out.code, Some(0), "{out}");
    assert_eq!(site.hosts.run(HOST, "cat /etc/real/f").text(), "r");
    site.hosts.run(HOST, "rm /etc/meant && mkdir /etc/meant").exits(0);
    site.run(&["resume"]).exits(0);
    assert_eq!(site.hosts.run(HOST, "cat /etc/meant/f; ls -A /etc/meant").text(), "m\nf");
    site.is_sound();
}

/// What somebody writes between the look and the job is what the step then finds, and what its undo brings back.
#[test]
fn what_is_written_between_the_look_and_the_job_is_not_lost() {
    let Some(site) = InventoryDir::new("claims: written in between", Kind::default(), &[HOST]) else { return };
    let make = "set -e; mkdir -p /etc/tree; echo a >/etc/file; echo from >/etc/from; echo t >/etc/tree/f; ln -s file /etc/lnk; \
        printf '%s\\n' '#!/bin/sh' 'case \"$*\" in */var/lib/palinode/jobs/?*) [ ! -x /root/between ] || /root/between ;; esac; exec /usr/bin/mkdir \"$@\"' \
        >/usr/sbin/mkdir; chmod 755 /usr/sbin/mkdir";
    site.hosts.run(HOST, make).exits(0);
    let cases: [(&[&str], &str, &str, &str); 8] = [
        (&["file", "/etc/file", "absent"], "echo b >/etc/file", "cat /etc/file", "b"),
        (
            &["file", "/etc/file", "content", "mine"],
            "chmod 640 /etc/file",
            "cat /etc/file; stat -c %a /etc/file",
            "b\n640",
        ),
        (&["file.copy", "/etc/from", "/etc/file"], "echo c >/etc/file", "cat /etc/file", "c"),
        (&["file.permissions", "/etc/file", "0600"], "chmod 604 /etc/file", "stat -c %a /etc/file", "604"),
        (&["file", "/etc/new", "content", "mine"], "echo theirs >/etc/new", "cat /etc/new", "theirs"),
        (&["file", "/etc/tree", "absent"], "echo more >/etc/tree/more", "cat /etc/tree/*", "t\nmore"),
        (&["file", "/etc/tree/*", "absent"], "echo u >/etc/tree/f", "cat /etc/tree/*", "u\nmore"),
        (&["file", "/etc/lnk", "absent"], "ln -sfn from /etc/lnk", "readlink /etc/lnk", "from"),
    ];
    for (typed, between, look, theirs) in cases {
        let put = format!(
            "printf '%s\\n' '#!/bin/sh' 'rm /root/between' '{between}' >/root/between; chmod 755 /root/between"
        );
        site.hosts.run(HOST, &put).exits(0);
        acts(&site, typed).exits(0);
        site.hosts.run(HOST, "test ! -e /root/between").exits(0);
        let outcome = site.events().into_iter().find(|event| event["Outcome"].is_object()).expect("it ended");
        assert_eq!(outcome["Outcome"]["why"], "conflict", "{typed:?}: {outcome}");
        assert_ne!(site.hosts.run(HOST, &format!("{look} 2>&1 || true")).text(), theirs, "{typed:?}: it is done");
        site.run(&["undo", "@", "--yes"]).exits(0);
        assert_eq!(site.hosts.run(HOST, look).text(), theirs, "{typed:?}");
        site.is_sound();
        std::fs::remove_dir_all(site.desk.path().join(".palinode")).expect("the journal can be removed");
        site.hosts.run(HOST, "rm -rf /var/lib/palinode/claim*").exits(0);
    }
}

/// What is there, and what a user could get at of it.
const LEFT: &str = "cd /srv/sticky; stat -c '%n %a %U' new old 2>/dev/null; cat old new 2>/dev/null | tr -d '\\n'; \
    ls -Ad .p* moved /home/ops/stolen 2>/dev/null; cat /tmp/seen 2>/dev/null; true";

/// A user of the host lays files and links in the place of whatever is made there.
#[test]
fn a_user_who_writes_beside_the_target_gets_nothing() {
    let Some(site) = InventoryDir::new("claims: a hostile user", Kind::default(), &[HOST]) else { return };
    site.hosts
        .run(HOST, "mkdir -m 1777 /srv/sticky; echo keep >/srv/sticky/old; chmod 600 /srv/sticky/old; echo s >/root/secret; chmod 600 /root/secret")
        .exits(0);
    let user = "for n in new old; do touch /srv/sticky/$n.palinode-new 2>/dev/null; ln -s /home/ops/stolen /srv/sticky/$n.palinode-old; done; \
        chmod 666 /srv/sticky/*.palinode-new; while :; do for f in /srv/sticky/.palinode-*; do \
        if [ -d \"$f\" ]; then ls \"$f\" >>/tmp/seen 2>/dev/null; mv \"$f\" /srv/sticky/moved 2>/dev/null; rmdir \"$f\" 2>/dev/null; fi; done; done";
    let mut evil = site.hosts.ssh(&format!("ops@{HOST}"), user).spawn().expect("ssh can be started");
    site.hosts.until(HOST, "test -L /srv/sticky/old.palinode-old");
    acts(&site, &["file", "/srv/sticky/new", "content", "secret", "mode", "0600"]).exits(0);
    let first = site.hosts.run(HOST, LEFT).text();
    site.run(&["undo", "@", "--yes"]).exits(0);
    acts(&site, &["file.copy", "/root/secret", "/srv/sticky/old"]).exits(0);
    let second = site.hosts.run(HOST, LEFT).text();
    site.run(&["undo", "@", "--yes"]).exits(0);
    assert_eq!(first, "new 600 root\nold 600 root\nkeepsecret");
    assert_eq!(second, "old 600 root\ns");
    let look =
        "cat /srv/sticky/old; stat -c %U:%a /srv/sticky/old; ls -A /srv/sticky /home/ops/stolen 2>/dev/null; true";
    assert_eq!(
        site.hosts.run(HOST, look).text(),
        "keep\nroot:600\n/srv/sticky:\nnew.palinode-new\nnew.palinode-old\nold\nold.palinode-new\nold.palinode-old"
    );
    let _ = evil.kill();
    let _ = evil.wait();
    site.is_sound();
}

/// Every kind of action that leaves something on a host, its disk cut off as soon as it is said to be done.
fn cut_after_done(site: &InventoryDir, kinds: &[&str]) {
    let make = "set -e; mkdir -p /etc/kept/below; for n in 1 2 3 4 5; do head -c 20000 /dev/urandom >/etc/kept/below/$n; done; echo old >/etc/old; \
        printf '%s\\n' '[Service]' 'ExecStart=/bin/sleep infinity' '[Install]' 'WantedBy=multi-user.target' >/etc/systemd/system/ours.service; \
        printf '%s\\n' '[ours]' 'name=Ours' 'baseurl=file:///srv/repo' 'enabled=0' >/etc/yum.repos.d/ours.repo; \
        systemctl daemon-reload; sha256sum /etc/kept/below/* >/root/sums";
    site.hosts.run(HOST, make).exits(0);
    let yes = |typed: &[&str]| acts(site, typed).exits(0);
    for kind in kinds {
        site.hosts.inside(HOST, "sync").exits(0);
        let is_there = match *kind {
            "write" => {
                yes(&["file", "/etc/new", "content", "new\n"]);
                "[ \"$(cat /etc/new)\" = new ]"
            }
            "copy" => {
                yes(&["file.copy", "/etc/os-release", "/etc/old"]);
                "cmp /etc/os-release /etc/old"
            }
            "write back" => {
                site.run(&["undo", "@", "--yes"]).exits(0);
                "[ \"$(cat /etc/old)\" = old ]"
            }
            "permissions" => {
                yes(&["file.permissions", "/etc/old", "0600"]);
                "[ \"$(stat -c %a /etc/old)\" = 600 ]"
            }
            "absent" => {
                yes(&["file", "/etc/kept", "absent"]);
                "[ ! -e /etc/kept ]"
            }
            "tree back" => {
                site.run(&["undo", "@", "--yes"]).exits(0);
                "sha256sum -c /root/sums"
            }
            "empty" => {
                yes(&["file", "/etc/kept/below/*", "absent"]);
                "[ -z \"$(ls -A /etc/kept/below)\" ]"
            }
            "service" => {
                yes(&["service", "ours", "enabled"]);
                "systemctl is-enabled ours"
            }
            "repository" => {
                yes(&["repository", "ours", "enabled"]);
                "grep -qx enabled=1 /etc/yum.repos.d/ours.repo"
            }
            "package" => {
                yes(&["package", "criu", "present"]);
                "rpm -q criu && rpm -V criu"
            }
            "package absent" => {
                site.hosts.run(HOST, "rpm -ql criu >/root/criu; [ -s /root/criu ] && sync").exits(0);
                yes(&["package", "criu", "absent"]);
                "! rpm -q criu && rpm -qa >/dev/null && while read -r f; do [ ! -f \"$f\" ] || exit 1; done </root/criu"
            }
            "package back" => {
                site.run(&["undo", "@", "--yes"]).exits(0);
                "rpm -q criu && rpm -V criu && while read -r f; do [ -e \"$f\" ] || exit 1; done </root/criu"
            }
            "command" => {
                yes(&["--", "sh", "-c", "echo made >/usr/made; mkdir /var/made; echo made >/var/made/it"]);
                "[ \"$(cat /usr/made /var/made/it)\" = \"$(printf 'made\\nmade')\" ]"
            }
            other => unreachable!("{other}"),
        };
        site.hosts.power_off(HOST);
        site.hosts.power_on(HOST);
        let found = site.hosts.run(HOST, is_there);
        assert_eq!(found.code, Some(0), "{kind}: {is_there}: {found}");
        let left = site.hosts.run(HOST, "find /etc /srv /var/lib/kub -name '.palinode-*' 2>/dev/null; true").text();
        assert_eq!(left, "", "{kind} leaves nothing beside what it changed");
    }
    site.is_sound();
}

const KINDS: [&str; 13] = [
    "write",
    "copy",
    "write back",
    "permissions",
    "absent",
    "tree back",
    "empty",
    "service",
    "repository",
    "package",
    "package absent",
    "package back",
    "command",
];

#[test]
fn what_is_done_is_on_the_disk_on_ext4() {
    let Some(site) = InventoryDir::new("claims: power after done, ext4", DISK, &[HOST]) else { return };
    cut_after_done(&site, &KINDS);
}

#[test]
fn what_is_done_is_on_the_disk_on_xfs() {
    let Some(site) = InventoryDir::on_xfs("claims: power after done, XFS", HOST) else { return };
    cut_after_done(&site, &KINDS);
}

/// `sync` knows no files there.
#[test]
fn what_is_done_is_on_the_disk_of_a_host_as_old_as_rhel_7() {
    let Some(site) = InventoryDir::new("claims: power after done, RHEL 7", OLD, &[HOST]) else { return };
    cut_after_done(
        &site,
        &["write", "permissions", "absent", "tree back", "package", "package absent", "package back", "command"],
    );
    // Without a Python nothing brings a whole file system to the disk, and that is said; single files are.
    site.hosts
        .run(HOST, "for p in /usr/bin/python* /usr/libexec/platform-python; do [ ! -e $p ] || mv $p $p.away; done")
        .exits(0);
    cut_after_done(&site, &["write", "copy", "write back", "absent", "tree back"]);
    let out = site.run(&["exec", HOST, "--", "true"]).exits(0);
    let shown = site.desk.run(&["show", &format!("{HOST}/command")]).exits(0);
    assert!(shown.stdout.contains("not known to be on the disk: /"), "{shown}{out}");
    assert_eq!(site.hosts.run(HOST, "cat /var/log/too-new").text(), "");
}
