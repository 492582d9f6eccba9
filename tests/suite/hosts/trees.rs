//! What directories and files of hosts carry beside their contents comes back with them, or is named as lost. A script of the
//! host's own tools judges, not Palinode.

use palinode_tests::hosts::Kind;
use palinode_tests::inventory_dir::InventoryDir;

const DISK: Kind = Kind { rhel7: false, disk: true, gluster: false };
const OLD: Kind = Kind { rhel7: true, disk: true, gluster: false };
const HOST: &str = "gluster1.demo";

/// FOLDER: all that can be told of what is in it but sockets: types, modes, owners, times, links, contents, hard links,
/// attributes, flags, holes.
const JUDGE: &str = "judge() { (cd \"$1\" || exit; \
    find . -xdev ! -type s -printf '%P|%y|%m|%U:%G|%l|%T@\\n' | sort; \
    find . -xdev -type f -exec sha256sum -- {} + | sort; \
    find . -xdev -type f -links +1 -printf '%P|%i\\n' | sort | awk -F'|' '{ if (!($2 in first)) first[$2] = $1; print $1 \" is \" first[$2] }'; \
    find . -xdev -type f -printf '%S|%P\\n' | sort | awk -F'|' '$1 < 0.5 { print $2 \" has holes\" }'; \
    find . -xdev ! -type s -print0 | sort -z | xargs -0 getfattr -h -d -m - -e hex --absolute-names -- 2>/dev/null; \
    find . -xdev \\( -type f -o -type d \\) -print0 | sort -z | xargs -0 lsattr -d -- | sed 's/^\\([^ ]*\\) /\\1|/' | awk -F'|' '{ gsub(/[eI-]/, \"\", $1); print }'); }\n";

const MAKE: &str = "set -e; umask 022; mkdir -p /etc/odd/sub/empty /etc/odd/-rf; cd /etc/odd; \
    echo one >file; ln file sub/same; ln file 'sub/same too'; ln -s file link; ln -s /nowhere dangling; ln -s sub here; \
    mkfifo -m 620 fifo; mknod null c 1 3 2>/dev/null || :; truncate -s 2M holes; printf end >>holes; \
    echo x >\"$(printf 'new\\nline')\"; echo y >\"$(printf 'bad \\377 name')\"; echo dash >./-n; echo sp >'a b'; \
    deep=$(printf '%0120d/%0120d/%0120d' 1 2 3); mkdir -p $deep; echo deep >$deep/file; \
    setfattr -n user.note -v words file; setfattr -n trusted.mark -v 1 sub; setfacl -m u:ops:rwx 'a b'; setfacl -d -m g:ops:rx sub; \
    setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 ./-n; \
    chattr +d 'a b'; chattr +A sub; chown -h ops:ops link; chown ops file; chmod 4755 ./-n; chmod 2770 sub/empty; chmod 1777 ./-rf; \
    touch -h -d '2001-02-03 04:05:06.789' link file sub/empty sub";

/// A socket in a folder that nothing listens at any more, as a program leaves it.
const SOCKET: &str = "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"/etc/odd/sub/it is.sock\")' 2>/dev/null || \
    perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => \"/etc/odd/sub/it is.sock\", Listen => 1)'; test -S '/etc/odd/sub/it is.sock'";

fn odd_trees(test: &str, kind: Kind) {
    let Some(site) = InventoryDir::new(test, kind, &[HOST]) else { return };
    site.hosts.run(HOST, MAKE).exits(0);
    let judged = || site.hosts.run(HOST, &format!("{JUDGE}judge /etc/odd")).text();
    let was = judged();
    for words in [
        "sub/same is file",
        "holes has holes",
        "trusted.mark",
        "security.capability",
        "acl_default",
        "d ./a b",
        "A ./sub",
    ] {
        assert!(was.contains(words), "{words} is in\n{was}");
    }
    // As a whole, and what is in it.
    for typed in ["/etc/odd", "/etc/odd/*"] {
        site.run(&["exec", HOST, "file", typed, "absent"]).exits(0);
        let left = if typed.ends_with('*') { "test -z \"$(ls -A /etc/odd)\"" } else { "test ! -e /etc/odd" };
        site.hosts.run(HOST, left).exits(0);
        site.run(&["undo", "@", "--yes"]).exits(0).tells(&["rolled-back"]);
        assert_eq!(judged(), was, "{typed}");
    }
    // What no archive holds is told before, and counts.
    site.hosts.run(HOST, SOCKET).exits(0);
    site.hosts.run(HOST, "ln '/etc/odd/a b' /srv/beside").exits(0);
    let was = judged();
    site.run(&["exec", HOST, "file", "/etc/odd", "absent"]).exits(0);
    let lost = ["a socket, which only", "/etc/odd/sub/it is.sock", "had other names", "/etc/odd/a b\n"];
    site.run(&["rollback", "--dry-run"]).exits(0).says(&lost);
    site.run(&["undo", "@", "--yes"]).exits(6).tells(&lost);
    site.hosts.run(HOST, "test ! -S '/etc/odd/sub/it is.sock' && ln -f '/etc/odd/a b' /srv/beside").exits(0);
    assert_eq!(judged(), was);
    site.hosts.run(HOST, "rm /srv/beside").exits(0);
    let was = judged();
    // What listens meanwhile goes on.
    site.run(&["exec", HOST, "file", "/etc/odd/*", "absent"]).exits(0);
    site.hosts.run(HOST, "mkdir -p /etc/odd/sub").exits(0);
    site.hosts.run(HOST, SOCKET).exits(0);
    site.run(&["undo", "@", "--yes", "--force"]).exits(0).complains(&["/etc/odd: sub is new"]);
    assert_eq!(judged(), was);
    site.hosts.run(HOST, "test -S '/etc/odd/sub/it is.sock'").exits(0);
    assert_eq!(
        site.hosts
            .run(HOST, "ls -Ad /etc/.palinode* /etc/odd/.palinode* 2>/dev/null; cat /var/log/too-new 2>/dev/null; true")
            .text(),
        ""
    );
    site.is_sound();
}

#[test]
fn a_tree_comes_back_with_all_that_it_had_or_says_what_it_lost() {
    odd_trees("trees: odd ones", DISK);
}

#[test]
fn a_tree_of_an_old_host_comes_back_with_all_that_it_had() {
    odd_trees("trees: odd ones of RHEL 7", OLD);
}

#[test]
fn what_a_flag_keeps_is_refused_before_anything_is_removed() {
    let Some(site) = InventoryDir::new("trees: flags that keep", DISK, &[HOST]) else { return };
    let make = "set -e; mkdir -p /etc/kept/a /etc/fixed; echo x >/etc/kept/a/f; echo y >/etc/kept/b; echo z >/etc/fixed/f; echo w >/etc/log; \
        chattr +i /etc/kept/a/f /etc/fixed; chattr +a /etc/log";
    site.hosts.run(HOST, make).exits(0);
    let cases: [(&[&str], &str); 5] = [
        (&["file", "/etc/kept", "absent"], "/etc/kept/a/f is immutable"),
        (&["file", "/etc/kept/*", "absent"], "/etc/kept/a/f is immutable"),
        (&["file", "/etc/fixed/f", "absent"], "/etc/fixed is immutable"),
        (&["file", "/etc/fixed/new", "content", "x"], "/etc/fixed is immutable"),
        (&["file", "/etc/log", "content", "x"], "/etc/log is append-only"),
    ];
    for (typed, why) in cases {
        let out = site.run(&[&["exec", HOST], typed].concat());
        assert_ne!(out.code, Some(0), "{typed:?}: {out}");
        assert!(format!("{}{}", out.stdout, out.stderr).contains(why), "{typed:?} says `{why}`: {out}");
        assert!(!site.events().iter().any(|event| event["Intent"].is_object()), "{typed:?}: no intent");
        std::fs::remove_dir_all(site.desk.path().join(".palinode")).expect("the journal can be removed");
        site.hosts.run(HOST, "rm -rf /var/lib/palinode/claim*").exits(0);
    }
    assert_eq!(site.hosts.run(HOST, "cat /etc/kept/a/f /etc/kept/b /etc/fixed/f /etc/log").text(), "x\ny\nz\nw");
    // A command that takes such a flag away: it comes back.
    let judged = || site.hosts.run(HOST, &format!("{JUDGE}judge /etc/kept; lsattr -d /etc/log | cut -d' ' -f1")).text();
    let was = judged();
    for (path, script) in [
        ("/etc/kept", "chattr -i /etc/kept/a/f && rm -r /etc/kept"),
        ("/etc/log", "chattr -a /etc/log && echo v >/etc/log"),
    ] {
        site.run(&["exec", HOST, "--changes", path, "--", "sh", "-c", script]).exits(0);
        assert_ne!(site.hosts.run(HOST, "cat /etc/kept/a/f /etc/log 2>/dev/null; true").text(), "x\nw");
        site.run(&["undo", "@", "--yes"]).exits(0);
        assert_eq!(site.hosts.run(HOST, "cat /etc/kept/a/f /etc/log").text(), "x\nw", "{path}");
        assert_eq!(judged(), was, "{path}");
    }
    site.hosts.run(HOST, "chattr -i /etc/kept/a/f /etc/fixed; chattr -a /etc/log").exits(0);
    site.is_sound();
}

/// Single files: holes, flags, attributes, other names.
#[test]
fn a_file_comes_back_with_all_that_it_had() {
    let Some(site) = InventoryDir::new("trees: odd files", DISK, &[HOST]) else { return };
    let make = "set -e; mkdir /etc/odd /srv/names; cd /etc/odd; truncate -s 3M holes; printf end >>holes; echo plain >plain; \
        setfattr -n trusted.mark -v 1 plain; setfattr -n user.a -v b plain; chattr +d plain; echo n >named; ln named /srv/names/other; \
        ln -s plain link; chown -h ops:ops link";
    site.hosts.run(HOST, make).exits(0);
    let judged = || {
        site.hosts.run(HOST, &format!("{JUDGE}judge /etc/odd | grep -v '^|d|' | sed 's/^\\(link|.*\\)|[0-9.]*$/\\1/'; cat /srv/names/other")).text()
    };
    let was = judged();
    for (typed, code) in [
        (&["file", "/etc/odd/holes", "absent"][..], 0),
        (&["file", "/etc/odd/plain", "absent"], 0),
        (&["file", "/etc/odd/plain", "content", "other"], 0),
        (&["file", "/etc/odd/link", "absent"], 0),
        (
            &[
                "--changes",
                "/etc/odd/plain",
                "--",
                "sh",
                "-c",
                "setfattr -x trusted.mark /etc/odd/plain; chattr -d /etc/odd/plain",
            ],
            0,
        ),
        // It keeps its other name if the command left it that, and else that is said.
        (&["--changes", "/etc/odd/named", "--", "sh", "-c", "echo m >>/etc/odd/named"], 0),
        (
            &[
                "--changes",
                "/etc/odd/named",
                "--",
                "sh",
                "-c",
                "cp /etc/odd/named /etc/odd/x; mv /etc/odd/x /etc/odd/named; echo m >>/etc/odd/named",
            ],
            6,
        ),
    ] {
        site.run(&[&["exec", HOST], typed].concat()).exits(0);
        assert_ne!(judged(), was, "{typed:?}");
        let out = site.run(&["undo", "@", "--yes"]).exits(code);
        assert_eq!(format!("{}{}", out.stdout, out.stderr).contains("had other names"), code == 6, "{out}");
        // What was lost is made here, so that the rest can be judged.
        let same = "test /etc/odd/named -ef /srv/names/other";
        let apart =
            if code == 6 { format!("! {same} && ln -f /etc/odd/named /srv/names/other") } else { same.to_owned() };
        site.hosts.run(HOST, &apart).exits(0);
        assert_eq!(judged(), was, "{typed:?}");
    }
    site.run(&["exec", HOST, "file", "/etc/odd/named", "absent"]).exits(0);
    site.run(&["undo", "@", "--yes"]).exits(6).tells(&["had other names", "/etc/odd/named"]);
    site.is_sound();
}

/// A job that is killed leaves what it laid beside the file; its next attempt, on the same connection, takes that away.
#[test]
fn what_a_killed_job_left_beside_a_file_goes_with_its_next_attempt() {
    let Some(site) = InventoryDir::new("trees: a killed job", DISK, &[HOST]) else { return };
    let make = "set -e; mkdir -p /etc/odd/conf.d; echo a >/etc/odd/conf.d/a.conf; cat >/usr/sbin/mv <<'end'
#!/bin/sh
if [ -e /root/kill ]; then
  rm /root/kill
  job=$(readlink /var/lib/palinode/jobs/*/fate | cut -d' ' -f3) all= p=$PPID
  while [ \"$p\" -gt 1 ]; do
    all=\"$p $all\"
    case \" $(echo $job) \" in *\" $p \"*) break ;; esac
    p=$(($(ps -o ppid= -p \"$p\")))
  done
  kill -9 $all
  ls -Ad /etc/odd/conf.d/.palinode-* >/root/left
  exit 1
fi
exec /usr/bin/mv \"$@\"
end
chmod 755 /usr/sbin/mv";
    site.hosts.run(HOST, make).exits(0);
    site.run(&["exec", HOST, "file", "/etc/odd/conf.d/a.conf", "absent"]).exits(0);
    site.hosts.run(HOST, "touch /root/kill").exits(0);
    site.run(&["undo", "@", "--yes"]).exits(0).complains(&["undo file", "  again ("]);
    site.hosts.run(HOST, "test ! -e /root/kill && grep -q palinode /root/left").exits(0);
    assert_eq!(site.hosts.run(HOST, "ls -A /etc/odd/conf.d; cat /etc/odd/conf.d/a.conf").text(), "a.conf\na");
    site.is_sound();
}

/// A command that is told a link writes where it leads.
#[test]
fn what_a_command_wrote_through_a_declared_link_is_put_back() {
    let Some(site) = InventoryDir::new("trees: links that are written through", DISK, &[HOST]) else { return };
    let make = "set -e; mkdir -p /etc/lk/real /etc/lk/nowhere; cd /etc/lk; echo t >target; ln -s target one; ln -s one two; \
        ln -s ../lk/real dir; echo r >real/f; ln -s nowhere/x dangle; ln -s /dev/null masked; mkdir -m 777 /srv/open; ln -s /srv/open/f open";
    site.hosts.run(HOST, make).exits(0);
    let judged = || site.hosts.run(HOST, &format!("{JUDGE}judge /etc/lk | sed 's/|[0-9.]*$//'")).text();
    let was = judged();
    for (declared, script) in [
        ("one", "echo x >one"),
        ("two", "echo x >>two"),
        ("two", "rm two; echo own >two"),
        ("two", "ln -sfn real one; echo z >>target"),
        ("two", "rm target"),
        ("dir", "echo x >dir/g; chmod 600 dir/f"),
        ("dir", "rm dir; mkdir dir; echo new >dir/f"),
        ("dangle", "echo new >dangle"),
        ("masked", "rm masked; echo unit >masked"),
    ] {
        let (declared, script) = (format!("/etc/lk/{declared}"), format!("cd /etc/lk && {script}"));
        site.run(&["exec", HOST, "--changes", &declared, "--", "sh", "-c", &script]).exits(0);
        assert_ne!(judged(), was, "{script}");
        site.run(&["undo", "@", "--yes"]).exits(0).tells(&["rolled-back"]);
        assert_eq!(judged(), was, "{script}");
    }
    // What could not be put back is told before.
    site.hosts.run(HOST, "head -c 34000000 /dev/zero >/etc/lk/real/big").exits(0);
    for (declared, why) in [
        ("/etc/lk/dir", "leads to /etc/lk/real, which holds"),
        ("/etc/lk/open", "others than root may write in /srv/open"),
    ] {
        let out = site.run(&["exec", HOST, "--changes", declared, "--", "true"]);
        assert!(out.code != Some(0) && format!("{}{}", out.stdout, out.stderr).contains(why), "{declared}: {out}");
    }
    site.is_sound();
}

/// A folder that is gone comes back as it was, not as root's with mode 0755.
#[test]
fn folders_above_a_file_come_back_as_they_were() {
    let Some(site) = InventoryDir::new("trees: folders above", DISK, &[HOST]) else { return };
    let make = "set -e; mkdir -p /etc/up/per/mid; chmod 750 /etc/up; chmod 700 /etc/up/per; chgrp ops /etc/up/per; chmod 2751 /etc/up/per; \
        echo f >/etc/up/per/mid/f; ln -s f /etc/up/per/mid/l; mkdir /etc/up/per/mid/d; echo x >/etc/up/per/mid/d/x";
    site.hosts.run(HOST, make).exits(0);
    let judged = || site.hosts.run(HOST, "cd /etc; find up | sort | xargs stat -c '%n %a %U:%G'").text();
    let was = judged();
    for name in ["f", "l", "d"] {
        let path = format!("/etc/up/per/mid/{name}");
        site.run(&["exec", HOST, "file", &path, "absent"]).exits(0);
        site.hosts.run(HOST, "cp -a /etc/up /srv/kept; rm -rf /etc/up").exits(0);
        site.run(&["undo", "@", "--yes"]).exits(0);
        site.hosts
            .run(
                HOST,
                &format!("test -L {path} -o -e {path} && cp -an /srv/kept/. /etc/up/ 2>/dev/null; rm -rf /srv/kept"),
            )
            .exits(0);
        assert_eq!(judged(), was, "{name}");
    }
    site.is_sound();
}
