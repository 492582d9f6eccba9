//! What gluster prints, for a cluster that stands nowhere: three members, each with a brick of every volume. By the words
//! behind `gluster`, such as `volume heal v info`.

use std::collections::BTreeMap;

/// Answers by the words that they are asked with.
pub type Printed = BTreeMap<String, String>;

/// So many members there are.
pub const MEMBERS: usize = 3;

/// What a brick's disk is like: bytes, and those that are free; inodes, and those that are free.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// All bytes.
    pub total: u64,
    /// Free bytes.
    pub free: u64,
    /// Inodes, all and free; a 0 is left out, as glusterd does.
    pub inodes: (u64, u64),
}

impl Default for Room {
    fn default() -> Self {
        Self { total: 1 << 40, free: 1 << 39, inodes: (1 << 29, 1 << 28) }
    }
}

/// The id of a member, from 1 on.
pub fn id(member: usize) -> String {
    format!("{member:08x}-0000-4000-8000-{member:012x}")
}

fn xml(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<cliOutput>\n  <opRet>0</opRet>\n  <opErrno>0</opErrno>\n  \
         <opErrstr/>\n{body}</cliOutput>\n"
    )
}

fn brick(member: usize, volume: &str) -> String {
    format!("gluster{member}.demo:/bricks/{volume}/brick")
}

/// What one member says: of healthy volumes, with a disk of its own for each brick.
pub fn healthy(own: usize, volumes: &[String], room: impl Fn(&str, usize) -> Room) -> Printed {
    let mut all = Printed::new();
    let each = |what: &dyn Fn(&str) -> String| volumes.iter().map(|volume| what(volume)).collect::<String>();
    all.insert("pool list".to_owned(), pool(own));
    let info = format!("<volInfo><volumes>{}<count>{}</count></volumes></volInfo>", each(&info), volumes.len());
    all.insert("volume info".to_owned(), xml(&info));
    all.insert("volume list".to_owned(), volumes.iter().map(|volume| format!("{volume}\n")).collect());
    let status = |volumes: &str| xml(&format!("<volStatus><volumes>{volumes}</volumes></volStatus>"));
    all.insert("volume status all".to_owned(), status(&each(&|volume| processes(own, volume))));
    all.insert("volume status all detail".to_owned(), status(&each(&|volume| disks(volume, &room))));
    for volume in volumes {
        all.insert(format!("volume status {volume}"), status(&processes(own, volume)));
        all.insert(format!("volume status {volume} detail"), status(&disks(volume, &room)));
        all.insert(format!("volume heal {volume} info"), heal(volume, [0; MEMBERS]));
    }
    all
}

fn pool(own: usize) -> String {
    let peer = |member: usize| {
        let name = if member == own { "localhost".to_owned() } else { format!("gluster{member}.demo") };
        let state = if member == own { "" } else { "<state>3</state><stateStr>Peer in Cluster</stateStr>" };
        format!(
            "<peer><uuid>{}</uuid><hostname>{name}</hostname><hostnames><hostname>{name}</hostname></hostnames>\
             <connected>1</connected>{state}</peer>",
            id(member)
        )
    };
    xml(&format!("<peerStatus>{}</peerStatus>", (1..=MEMBERS).map(peer).collect::<String>()))
}

fn info(volume: &str) -> String {
    let brick = |member: usize| {
        let (id, name) = (id(member), brick(member, volume));
        format!(
            "<brick uuid=\"{id}\">{name}<name>{name}</name><hostUuid>{id}</hostUuid><isArbiter>0</isArbiter></brick>"
        )
    };
    format!(
        "<volume><name>{volume}</name><id>x</id><status>1</status><statusStr>Started</statusStr><snapshotCount>0</snapshotCount>\
         <brickCount>3</brickCount><distCount>3</distCount><stripeCount>1</stripeCount><replicaCount>3</replicaCount>\
         <arbiterCount>0</arbiterCount><disperseCount>0</disperseCount><redundancyCount>0</redundancyCount><type>2</type>\
         <typeStr>Replicate</typeStr><transport>0</transport><bricks>{}</bricks><optCount>1</optCount><options><option>\
         <name>nfs.disable</name><value>on</value></option></options></volume>\n",
        (1..=MEMBERS).map(brick).collect::<String>()
    )
}

fn node(host: &str, path: &str, member: usize, more: &str) -> String {
    format!(
        "<node><hostname>{host}</hostname><path>{path}</path><peerid>{}</peerid><status>1</status><port>49152</port><ports>\
         <tcp>49152</tcp><rdma>N/A</rdma></ports><pid>12</pid>{more}</node>",
        id(member)
    )
}

fn volume(name: &str, nodes: &str) -> String {
    format!("<volume><volName>{name}</volName><nodeCount>6</nodeCount>{nodes}<tasks/></volume>\n")
}

fn processes(own: usize, name: &str) -> String {
    let bricks = (1..=MEMBERS).map(|member| served(name, member, ""));
    let daemon = |member: usize| {
        let host = if member == own { "localhost".to_owned() } else { format!("gluster{member}.demo") };
        node("Self-heal Daemon", &host, member, "")
    };
    volume(name, &bricks.chain((1..=MEMBERS).map(daemon)).collect::<String>())
}

fn served(volume: &str, member: usize, more: &str) -> String {
    node(&format!("gluster{member}.demo"), &format!("/bricks/{volume}/brick"), member, more)
}

fn disks(name: &str, room: &impl Fn(&str, usize) -> Room) -> String {
    let disk = |member: usize| {
        let Room { total, free, inodes } = room(name, member);
        let inode = |what: &str, count: u64| match count {
            0 => String::new(),
            count => format!("<{what}>{count}</{what}>"),
        };
        let more = format!(
            "<sizeTotal>{total}</sizeTotal><sizeFree>{free}</sizeFree><device>/dev/mapper/vg-{name}</device><blockSize>4096</blockSize>\
             <mntOptions>rw,noatime</mntOptions><fsName>xfs</fsName><inodeSize>xfs</inodeSize>{}{}",
            inode("inodesTotal", inodes.0),
            inode("inodesFree", inodes.1)
        );
        served(name, member, &more)
    };
    volume(name, &(1..=MEMBERS).map(disk).collect::<String>())
}

/// Heal info: how many entries each brick lists.
pub fn heal(volume: &str, entries: [usize; MEMBERS]) -> String {
    let one = |member: usize| {
        let count = entries[member - 1];
        let files: String = (0..count).map(|file| format!("<file gfid=\"{}\">/dir/{file}</file>", id(file))).collect();
        format!(
            "<brick hostUuid=\"{}\"><name>{}</name>{files}<status>Connected</status><numberOfEntries>{count}</numberOfEntries></brick>",
            id(member),
            brick(member, volume)
        )
    };
    xml(&format!("<healInfo><bricks>{}</bricks></healInfo>", (1..=MEMBERS).map(one).collect::<String>()))
}

/// A stand-in for `gluster`: it takes `pause` seconds, notes what it was asked in `/stand-in/asked`, and prints what stands
/// in `/stand-in/says/WORDS`. As long as `/stand-in/busy/WORDS` has a line, it takes one off and says that it is busy.
pub fn stand_in(pause: &str) -> String {
    format!(
        r#"#!/bin/sh
for word; do case $word in --mode=script | --xml) shift ;; esac; done
echo "$*" >>/stand-in/asked
sleep {pause}
if [ -s "/stand-in/busy/$*" ]; then
  sed -i 1d "/stand-in/busy/$*"
  echo "Another transaction is in progress for $3. Please try again after some time."
  exit 1
fi
if [ -e "/stand-in/says/$*" ]; then exec cat "/stand-in/says/$*"; fi
echo "unrecognized word: $1" >&2
exit 1
"#
    )
}

/// The script that puts a stand-in and its answers on a machine.
pub fn install(pause: &str, says: &Printed) -> String {
    let mut script = String::from("set -e\nmkdir -p /stand-in/says /stand-in/busy\n");
    let mut file = |path: &str, text: &str| {
        script.push_str(&format!("cat >'{path}' <<'END-OF-FILE'\n{}\nEND-OF-FILE\n", text.trim_end_matches('\n')));
    };
    file("/usr/sbin/gluster", &stand_in(pause));
    for (words, text) in says {
        file(&format!("/stand-in/says/{words}"), text);
    }
    script.push_str("chmod 755 /usr/sbin/gluster\n");
    script
}
