//! The gate on healed storage against stand-ins for gluster, which say what a real one says only of clusters that nobody has
//! at hand: a thousand volumes, terabytes that are gone, locks that come and go.

use super::gluster::{ALL, THREE, Waited, runbook};
use palinode_tests::binary::Desk;
use palinode_tests::hosts::Kind;
use palinode_tests::inventory_dir::InventoryDir;
use palinode_tests::skip;
use palinode_tests::storage::{Printed, Room, heal, healthy, install};
use std::io::Write as _;
use std::process::Stdio;
use std::time::Instant;

/// Three members that answer after a pause.
struct Members(InventoryDir);

impl Members {
    fn new(test: &str, pause: &str, says: impl Fn(usize) -> Printed) -> Option<Self> {
        let members = Self(InventoryDir::new(test, Kind::default(), &THREE)?);
        for (at, name) in THREE.iter().enumerate() {
            members.script(name, &install(pause, &says(at + 1)));
        }
        Some(members)
    }

    /// Runs a script that may be too long for an argument.
    fn script(&self, name: &str, script: &str) {
        let mut ssh = self.0.hosts.ssh(name, "sh -s");
        let mut child = ssh.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("ssh starts");
        child.stdin.take().expect("its input").write_all(script.as_bytes()).expect("it can be sent");
        assert!(child.wait().expect("it ends").success(), "{name}");
    }

    /// What every member says from now on to these words.
    fn say(&self, words: &str, text: &str) {
        for name in THREE {
            self.script(name, &format!("cat >'/stand-in/says/{words}' <<'END-OF-FILE'\n{text}\nEND-OF-FILE\n"));
        }
    }

    fn wait(&self, gate: &str, timeout: &str) -> Waited {
        let run = Desk::new();
        run.write("hosts", format!("[front]\n{}\n\n[glusterfs]\n{}\n", THREE[0], THREE.join("\n")));
        run.write("storage.yml", runbook(gate, timeout));
        let out = run.run(&self.0.args(&["run", "./storage.yml", "-i", "hosts", "--yes"]));
        Waited::new(out, &run)
    }

    /// What a member was asked since this was called last.
    fn asked(&self, name: &str) -> Vec<String> {
        let text = self.0.hosts.run(name, "cat /stand-in/asked; rm -f /stand-in/asked").text();
        text.lines().map(str::to_owned).collect()
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("vol_{at:04}")).collect()
}

#[test]
fn a_look_asks_no_more_than_it_has_to() {
    let volumes = names(20);
    let all = |own: usize| healthy(own, &volumes, |_, _| Room::default());
    let Some(members) = Members::new("storage: what is asked", "0.01", all) else { return };
    let waited = members.wait(ALL, "2m").opened();
    assert_eq!((waited.fact("volumes"), waited.fact("bricks")), ("20", "60/60"), "{:#?}", waited.last());
    for name in THREE {
        let asked = members.asked(name);
        let count = |words: &str| asked.iter().filter(|asked| asked.starts_with(words)).count();
        assert_eq!((count("volume status all detail"), count("volume status all")), (1, 2), "{name}: {asked:#?}");
        let split = asked.iter().filter(|asked| asked.ends_with("split-brain")).count();
        assert_eq!((count("volume heal"), split, asked.len()), (20, 0, 25), "{name}: {asked:#?}");
    }
    // Another request has the locks for a while: the same question again, three times, and the look is good.
    let busy = "for words in 'volume status all' 'volume heal vol_0003 info'; do printf '1\\n2\\n' >\"/stand-in/busy/$words\"; done";
    THREE.iter().for_each(|name| members.script(name, busy));
    let waited = members.wait(ALL, "2m").opened();
    assert_eq!(waited.samples.len(), 1, "{:#?}", waited.samples);
    THREE.iter().for_each(|name| {
        let asked = members.asked(name);
        assert_eq!(asked.iter().filter(|asked| *asked == "volume heal vol_0003 info").count(), 3, "{name}: {asked:#?}");
    });
    // Of what waits more is asked.
    members.say("volume heal vol_0007 info", &heal("vol_0007", [2, 2, 0]));
    members.say("volume heal vol_0007 info split-brain", &heal("vol_0007", [0; 3]));
    let why = [("pending", "2"), ("split-brain", "0"), ("why", "2 entries of vol_0007 wait to be healed (seen from")];
    members.wait(ALL, "1s").stayed_closed(&why);
    let splits = members.asked(THREE[0]);
    assert!(splits.iter().filter(|asked| asked.ends_with("split-brain")).all(|asked| asked.contains("vol_0007")));
    let waited = members.wait(&format!("{ALL}, except: [vol_0007]"), "1m").opened();
    assert_eq!((waited.fact("left-out"), waited.fact("volumes")), ("vol_0007", "19"), "{:#?}", waited.last());
}

#[test]
fn terabytes_that_are_gone_keep_the_gate_closed() {
    let volumes = names(2);
    let gib = 1_u64 << 30;
    let room = |free: u64, inodes: (u64, u64)| Room { total: 1024 * gib, free, inodes };
    let full = move |volume: &str, member: usize| match (volume, member) {
        ("vol_0001", 2) => room(1024 * gib - gib / 10, (0, 0)),
        _ => room(384 * gib, (0, 0)),
    };
    let all = |own: usize| healthy(own, &volumes, full);
    let Some(members) = Members::new("storage: an emptied brick", "0", all) else { return };
    members.wait(ALL, "1s").stayed_closed(&[
        ("pending", "0"),
        ("bricks", "6/6"),
        ("emptied-below", "50 % of the median of its copies, and 1 GiB less"),
        ("emptied", "gluster2.demo:/bricks/vol_0001/brick (0.0 GiB of 640.0 GiB)"),
        ("why", "the brick gluster2.demo:/bricks/vol_0001/brick of vol_0001 uses 0.0 GiB, and the median of its copies is 640"),
    ]);
    let waited = members.wait(&format!("{ALL}, emptied_percent: 0"), "1m").opened();
    assert_eq!(waited.fact("emptied-below"), "not compared");
    members.wait(&format!("{ALL}, volumes: [vol_0000]"), "1m").opened();
    // What gluster complains about beside its answer is told apart.
    let desk = Desk::new();
    desk.write("hosts", format!("[front]\n{}\n", THREE[0]));
    desk.write(
        "look.yml",
        "runbook: look\nhosts: { group: front }\neach_host:\n  - look: { gluster.heal: { volumes: [vol_0000] } }\n",
    );
    let text = "Brick gluster1.demo:/b\nStatus: Connected\nNumber of entries: 0\n";
    members.say("volume heal vol_0000 info", text);
    members.say("volume heal vol_0000 info split-brain", text);
    desk.run(&members.0.args(&["run", "./look.yml", "-i", "hosts", "--yes"])).exits(0);
    let shown = desk.raw(&["show", "gluster1.demo/look", "--body"]);
    let told = String::from_utf8_lossy(&shown).into_owned();
    assert!(
        told.contains("gluster complains: W [socket.c:1]") && told.contains("\nBrick gluster1.demo:/b\n"),
        "{told}"
    );
}

#[test]
fn a_thousand_volumes_pass_within_ten_minutes() {
    if !skip::long() {
        return;
    }
    let volumes = names(1000);
    let all = |own: usize| healthy(own, &volumes, |_, _| Room::default());
    let Some(members) = Members::new("storage: a thousand volumes", "0.4", all) else { return };
    let began = Instant::now();
    let waited = members.wait(ALL, "10m").opened();
    let took = began.elapsed();
    println!("1,000 volumes on three members of 0.4 s an answer: {took:.1?}");
    assert_eq!((waited.fact("volumes"), waited.fact("bricks")), ("1000", "3000/3000"), "{:#?}", waited.last());
    assert!(took.as_secs() < 600, "{took:?}");
}
