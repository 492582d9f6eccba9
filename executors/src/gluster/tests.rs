//! Answers as gluster gives them, healthy and sick, and what they mean.

use super::answer::{No, Raw};
use super::ask::{Answers, LIMIT, Said, Silent, answers, evidence};
use super::heal::heal;
use super::healed::{Judged, healed};
use super::info::{info, list};
use super::peers::peers;
use super::status::{Process, What, status};
use super::view::View;
use crate::ssh::encoded;

fn raw(out: &str) -> Raw {
    Raw { code: Some(0), out: out.as_bytes().to_vec(), err: String::new(), whole: true }
}

fn complains(err: &str) -> Raw {
    Raw { code: Some(1), err: err.to_owned(), whole: true, ..Raw::default() }
}

fn xml(body: &str) -> Raw {
    raw(&format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<cliOutput>\n<opRet>0</opRet>\n<opErrno>0</opErrno>\n\
         <opErrstr/>\n{body}</cliOutput>\n"
    ))
}

fn fails(words: &str) -> Raw {
    let text = format!(
        "<?xml version=\"1.0\"?>\n<cliOutput>\n  <opRet>-1</opRet>\n  <opErrno>30800</opErrno>\n  <opErrstr>{words}</opErrstr>\n</cliOutput>\n"
    );
    Raw { code: Some(1), ..raw(&text) }
}

const BUSY: &str = "Another transaction is in progress for v. Please try again after some time.";

fn uuid(number: usize) -> String {
    format!("{number:08x}-0000-4000-8000-{number:012x}")
}

/// A cluster of three, as one of them tells of it. What is changed makes it sick.
#[derive(Clone)]
struct Cluster {
    /// Who tells.
    own: usize,
    answers: Answers,
}

fn pool(own: usize, away: &[usize]) -> Raw {
    let peer = |number: usize| {
        let name = if number == own { "localhost".to_owned() } else { format!("g{number}") };
        let state = if number == own { "" } else { "<state>3</state><stateStr>Peer in Cluster</stateStr>" };
        format!(
            "<peer><uuid>{}</uuid><hostname>{name}</hostname><hostnames><hostname>{name}</hostname></hostnames>\
             <connected>{}</connected>{state}</peer>",
            uuid(number),
            u8::from(!away.contains(&number))
        )
    };
    xml(&format!("<peerStatus>{}</peerStatus>", (1..=3).map(peer).collect::<String>()))
}

fn volume(name: &str, copies: usize, status: &str, arbiter: usize) -> String {
    let brick = |number: usize| {
        format!(
            "<brick uuid=\"{0}\">g{number}:/b/{name}<name>g{number}:/b/{name}</name><hostUuid>{0}</hostUuid><isArbiter>{1}</isArbiter></brick>",
            uuid(number),
            u8::from(number == arbiter)
        )
    };
    format!(
        "<volume><name>{name}</name><id>x</id><status>1</status><statusStr>{status}</statusStr><snapshotCount>0</snapshotCount>\
         <brickCount>3</brickCount><distCount>3</distCount><replicaCount>{copies}</replicaCount><arbiterCount>0</arbiterCount>\
         <disperseCount>0</disperseCount><redundancyCount>0</redundancyCount><type>2</type><typeStr>Replicate</typeStr>\
         <transport>0</transport><bricks>{}</bricks><optCount>1</optCount><options><option><name>performance.client-io-threads</name>\
         <value>off</value></option></options></volume>",
        (1..=3).map(brick).collect::<String>()
    )
}

fn volumes(all: &[String]) -> Raw {
    xml(&format!("<volInfo><volumes>{}<count>{}</count></volumes></volInfo>", all.concat(), all.len()))
}

/// Status, or its detail, of bricks that run or not, or that nobody tells of.
fn running(name: &str, own: usize, online: [Option<bool>; 3], disk: &str) -> Raw {
    let mut nodes = String::new();
    let shown = |number: usize| online[number - 1].map(|online| (number, u8::from(online)));
    for (number, online) in (1..=3).filter_map(shown) {
        nodes.push_str(&format!(
            "<node><hostname>g{number}</hostname><path>/b/{name}</path><peerid>{}</peerid><status>{online}</status><port>49152</port>\
             <ports><tcp>49152</tcp><rdma>N/A</rdma></ports><pid>12</pid>{disk}</node>",
            uuid(number)
        ));
    }
    if disk.is_empty() {
        for number in (1..=3).filter(|number| online[number - 1].is_some()) {
            let host = if number == own { "localhost".to_owned() } else { format!("g{number}") };
            nodes.push_str(&format!(
                "<node><hostname>Self-heal Daemon</hostname><path>{host}</path><peerid>{}</peerid><status>1</status><port>N/A</port>\
                 <ports><tcp>N/A</tcp><rdma>N/A</rdma></ports><pid>13</pid></node>",
                uuid(number)
            ));
        }
    }
    xml(&format!(
        "<volStatus><volumes><volume><volName>{name}</volName><nodeCount>6</nodeCount>{nodes}<tasks/></volume></volumes></volStatus>"
    ))
}

fn disk(free: u64, inodes: u64) -> String {
    format!(
        "<sizeTotal>1000</sizeTotal><sizeFree>{free}</sizeFree><device>/dev/vdb</device><blockSize>4096</blockSize>\
         <mntOptions>rw</mntOptions><fsName>xfs</fsName><inodesTotal>1000</inodesTotal><inodesFree>{inodes}</inodesFree>"
    )
}

/// Heal info: of each brick how many entries, or that it is away.
fn entries(name: &str, counts: [Option<u64>; 3]) -> Raw {
    let brick = |number: usize| match counts[number - 1] {
        Some(count) => {
            let files: String =
                (0..count).map(|file| format!("<file gfid=\"{}\">/dir/{file}</file>", uuid(file as usize))).collect();
            format!(
                "<brick hostUuid=\"{}\"><name>g{number}:/b/{name}</name>{files}<status>Connected</status><numberOfEntries>{count}</numberOfEntries></brick>",
                uuid(number)
            )
        }
        None => format!(
            "<brick hostUuid=\"-\"><name>g{number}:/b/{name}</name><status>Transport endpoint is not connected</status><numberOfEntries>-</numberOfEntries></brick>"
        ),
    };
    let bricks: String = (1..=3).map(brick).collect();
    raw(&format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<cliOutput><healInfo><bricks>{bricks}</bricks></healInfo>\
         <opRet>0</opRet><opErrno>0</opErrno><opErrstr/></cliOutput>\n"
    ))
}

impl Cluster {
    fn new(own: usize) -> Self {
        let mut cluster = Self { own, answers: Answers::new() };
        cluster.say("roots", raw("Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda1 1 1 1 1% /\n"));
        cluster.say("pool", pool(own, &[]));
        cluster.say("info", volumes(&[volume("v", 3, "Started", 0)]));
        cluster.say("list", raw("v\n"));
        cluster.about("v");
        cluster
    }

    fn say(&mut self, asked: &str, raw: Raw) {
        self.answers.insert(asked.to_owned(), raw);
    }

    fn about(&mut self, name: &str) {
        self.say(&format!("status {name}"), running(name, self.own, [Some(true); 3], ""));
        self.say(&format!("detail {name}"), running(name, self.own, [Some(true); 3], &disk(500, 500)));
        self.say(&format!("heal {name}"), entries(name, [Some(0); 3]));
        self.say(&format!("split {name}"), entries(name, [Some(0); 3]));
    }

    fn view(self) -> View {
        View::new(&format!("g{}.demo", self.own), Ok(self.answers))
    }
}

/// Two members that say the same.
fn both(change: impl Fn(&mut Cluster)) -> Judged {
    judged([1, 2].map(|own| {
        let mut cluster = Cluster::new(own);
        change(&mut cluster);
        cluster.view()
    }))
}

fn judged(views: impl IntoIterator<Item = View>) -> Judged {
    healed(&views.into_iter().collect::<Vec<_>>(), &[], &[], 2)
}

#[track_caller]
fn closed(judged: &Judged, why: &str) {
    let told = judged.facts.get("why").map_or("(none)", String::as_str);
    assert!(!judged.pass && told.contains(why), "{why}: {judged:#?}");
}

#[test]
fn what_is_whole_everywhere_is_healed() {
    let judged = both(|_| {});
    let facts: Vec<(&str, &str)> = judged.facts.iter().map(|(name, value)| (&**name, &**value)).collect();
    let wanted = [
        ("bricks", "3/3"),
        ("peers", "3/3"),
        ("pending", "0"),
        ("split-brain", "0"),
        ("vantage-points", "2"),
        ("volumes", "1"),
    ];
    assert_eq!((judged.pass, judged.hopeless, facts), (true, false, wanted.to_vec()));
}

/// A change of what members say, and what is then in the way.
type Sick = (&'static str, fn(&mut Cluster));

const ONE_AWAY: [Option<bool>; 3] = [Some(true), Some(true), None];

#[test]
fn whatever_is_not_told_or_not_well_keeps_the_gate_closed() {
    let table: &[Sick] = &[
        ("the peer g3 is not connected", |c| c.say("pool", pool(c.own, &[3]))),
        ("the brick g3:/b/v of v is offline", |c| {
            c.say("status v", running("v", c.own, [Some(true), Some(true), Some(false)], ""));
        }),
        // A peer that is away is not told of at all.
        ("the brick g3:/b/v of v is offline", |c| c.say("status v", running("v", c.own, ONE_AWAY, ""))),
        ("the brick g3:/b/v of v is offline", |c| c.say("detail v", running("v", c.own, ONE_AWAY, &disk(500, 500)))),
        ("status of v: gluster works on another request", |c| c.say("status v", fails(BUSY))),
        ("status of v: gluster works on another request", |c| c.say("status v", raw(BUSY))),
        ("room of v: gluster works", |c| c.say("detail v", complains(BUSY))),
        ("g3:/b/v of v does not tell its entries", |c| c.say("heal v", entries("v", [Some(0), Some(0), None]))),
        ("2 entries of v wait", |c| c.say("heal v", entries("v", [Some(2), Some(2), Some(0)]))),
        ("g3:/b/v of v does not tell of split-brain", |c| c.say("split v", entries("v", [Some(0), Some(0), None]))),
        ("heal info of v: it is not started", |c| {
            c.say("heal v", raw("Volume v is not started (Or) All the bricks are not running.\n"));
        }),
        ("heal info of v: it is not replicated", |c| {
            c.say("heal v", fails("Volume v is not of type replicate/disperse"));
        }),
        ("heal info of v: there is no such", |c| c.say("heal v", fails("Volume v does not exist"))),
        ("heal info of v: Volume heal failed.", |c| c.say("heal v", raw("Volume heal failed.\n"))),
        ("heal info of v: gluster did not answer in time", |c| c.say("heal v", Raw { code: Some(124), ..raw("") })),
        ("heal info of v: there was no time", |c| c.say("heal v", Raw::default())),
        ("heal info of v: the answer is longer", |c| {
            c.say("heal v", Raw { whole: false, ..entries("v", [Some(0); 3]) });
        }),
        ("heal info of v: it names other bricks", |c| c.say("heal v", entries("w", [Some(0); 3]))),
        ("heal info of v: it names other bricks", |c| {
            c.say("heal v", raw("Brick g1:/b/v\nStatus: Connected\nNumber of entries: 0\n\n"));
        }),
        ("heal info of v: it names other bricks", |c| c.say("heal v", xml("<healInfo><bricks></bricks></healInfo>"))),
        ("heal info of v: nothing was printed", |c| c.say("heal v", raw(""))),
        ("heal info split-brain of v: there is no such", |c| c.say("split v", fails("Volume v does not exist"))),
        ("the volume v is not started", |c| c.say("info", volumes(&[volume("v", 3, "Stopped", 0)]))),
        ("gluster names no volume", |c| {
            c.say("info", volumes(&[]));
            c.say("list", complains("No volumes present in cluster"));
        }),
        ("do not name the same volumes", |c| c.say("list", raw("v\nw\n"))),
        ("do not name the same volumes", |c| c.say("list", complains("No volumes present in cluster"))),
        ("the disk of the brick g1:/b/v of v is full", |c| {
            c.say("detail v", running("v", c.own, [Some(true); 3], &disk(39, 500)));
        }),
        ("g1:/b/v of v has hardly any inodes", |c| {
            c.say("detail v", running("v", c.own, [Some(true); 3], &disk(500, 39)));
        }),
        ("the room of the arbiter brick g3:/b/v of v is not told", |c| {
            c.say("info", volumes(&[volume("v", 3, "Started", 3)]));
            let odd = "<sizeTotal>N/A</sizeTotal><sizeFree>N/A</sizeFree>";
            let third = running("v", c.own, [None, None, Some(true)], odd);
            let others = running("v", c.own, [Some(true), Some(true), None], &disk(40, 40));
            let (third, others) = (String::from_utf8_lossy(&third.out), String::from_utf8_lossy(&others.out));
            let from = third.find("<node>").expect("a node");
            let node = &third[from..third.find("<tasks/>").expect("the end")];
            c.say("detail v", raw(&others.replace("<tasks/>", &format!("{node}<tasks/>"))));
        }),
        ("no self-heal daemon of v runs on g3", |c| {
            let all = running("v", c.own, [Some(true); 3], "");
            let text = String::from_utf8_lossy(&all.out).into_owned();
            let daemon = format!("<path>g3</path><peerid>{}</peerid><status>1", uuid(3));
            assert!(text.contains(&daemon));
            c.say("status v", raw(&text.replace(&daemon, &daemon.replace("<status>1", "<status>0"))));
        }),
        ("pool list: Connection failed.", |c| {
            c.say("pool", complains("Connection failed. Please check if gluster daemon is operational."));
        }),
    ];
    for (why, sick) in table {
        let judged = both(sick);
        assert!(!judged.hopeless, "{why}: {judged:#?}");
        closed(&judged, why);
    }
    // What one brick does not tell may be more.
    let judged = both(|c| c.say("heal v", entries("v", [Some(2), Some(2), None])));
    assert_eq!(judged.facts["pending"], "at least 2");
    let judged = both(|c| c.say("heal v", raw("")));
    assert_eq!(judged.facts["pending"], "unknown");
    // Just enough room is enough.
    let judged = both(|c| c.say("detail v", running("v", c.own, [Some(true); 3], &disk(40, 40))));
    assert!(judged.pass, "{judged:#?}");
}

#[test]
fn split_brain_is_hopeless_unless_a_brick_that_is_away_may_decide() {
    let split = |c: &mut Cluster| {
        c.say("heal v", entries("v", [Some(1), Some(1), Some(0)]));
        c.say("split v", entries("v", [Some(1), Some(1), Some(0)]));
    };
    let judged = both(split);
    closed(&judged, "1 entries of v are in split-brain");
    assert!(judged.hopeless && judged.facts["split-brain"] == "1", "{judged:#?}");
    // One that only one of them sees counts too.
    let mut one = Cluster::new(1);
    split(&mut one);
    assert!(self::judged([one.view(), Cluster::new(2).view()]).hopeless);
    let away = both(|c| {
        split(c);
        c.say("split v", entries("v", [Some(1), Some(1), None]));
    });
    closed(&away, "split-brain");
    assert!(!away.hopeless, "{away:#?}");
    let away = both(|c| {
        split(c);
        c.say("status v", running("v", c.own, ONE_AWAY, ""));
    });
    assert!(!away.hopeless && !away.pass, "{away:#?}");
    // So told, a volume chooses by itself.
    let decides = both(|c| {
        split(c);
        let chosen = volume("v", 3, "Started", 0).replace(
            "</options>",
            "<option><name>cluster.favorite-child-policy</name><value>mtime</value></option></options>",
        );
        c.say("info", volumes(&[chosen]));
    });
    closed(&decides, "split-brain");
    assert!(!decides.hopeless, "{decides:#?}");
}

#[test]
fn vantage_points_are_different_members_that_agree() {
    let one = || Cluster::new(1).view();
    closed(&judged([one()]), "1 different vantage points answer, and 2 have to");
    closed(&judged([one(), one()]), "1 different vantage points");
    closed(&judged(Vec::new()), "0 different vantage points");
    let silent = View::new("g3.demo", Err(Silent::Unreached("no connection".to_owned())));
    let judged_ = judged([one(), Cluster::new(2).view(), silent]);
    closed(&judged_, "g3.demo cannot be asked: no connection");
    assert_eq!(judged_.facts["vantage-points"], "2");
    let mut other = Cluster::new(2);
    other.say("info", volumes(&[volume("v", 3, "Started", 0), volume("w", 3, "Started", 0)]));
    other.say("list", raw("v\nw\n"));
    other.about("w");
    closed(&judged([one(), other.clone().view()]), "g1.demo and g2.demo do not name the same");
    // Of what is asked about they say the same.
    let about = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        healed(&[one(), other.clone().view()], &names, &[], 2)
    };
    assert!(about(&["v"]).pass, "{:#?}", about(&["v"]));
    closed(&about(&["w"]), "there is no volume w (seen from g1.demo)");
    // One of another cluster.
    let mut foreign = Cluster::new(2);
    let text = String::from_utf8_lossy(&foreign.answers["pool"].out).replace(&uuid(3), &uuid(7));
    foreign.say("pool", raw(&text));
    closed(&judged([one(), foreign.view()]), "no self-heal daemon");
    // One that does not say who it is.
    let mut nobody = Cluster::new(2);
    let text = String::from_utf8_lossy(&nobody.answers["pool"].out).replace("localhost", "g2");
    nobody.say("pool", raw(&text));
    closed(&judged([one(), nobody.view()]), "does not tell which member it is");
}

#[test]
fn a_volume_of_single_copies_is_named_and_does_not_wait() {
    let judged = both(|c| {
        c.say("info", volumes(&[volume("d", 1, "Started", 0), volume("v", 3, "Started", 0)]));
        c.say("list", raw("d\nv\n"));
        c.about("d");
        c.say("heal d", fails("Volume d is not of type replicate/disperse"));
        c.say("split d", raw("Volume d is not of type replicate/disperse\n"));
    });
    assert!(judged.pass && judged.facts["distribute-only"] == "d", "{judged:#?}");
    assert_eq!((&*judged.facts["bricks"], &*judged.facts["volumes"]), ("6/6", "2"));
}

#[test]
fn a_brick_on_the_disk_of_the_system_is_told() {
    let judged = both(|c| {
        c.say("roots", raw("Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vdb 1 1 1 1% /\n"));
    });
    assert!(judged.pass, "{judged:#?}");
    assert_eq!(judged.facts["on-root-disk"], "g1:/b/v g2:/b/v", "of its own bricks each can tell");
}

#[test]
fn heal_info_is_read_in_both_forms() {
    let text = "Brick 10.1.0.3:/var/lib/heketi/mounts/vg_e68/brick_856/brick\n\
                <gfid:1e2f0000-0000-4000-8000-000000000000> - Is in split-brain\n\n\
                /dir/f - Possibly undergoing heal\n\n/plain/file \nStatus: Connected\nNumber of entries: 3\n\n\
                Brick host2:/path\nStatus: Transport endpoint is not connected\nNumber of entries: -\n\n\
                Brick host3:/path\n/a \nStatus: Failed to process entries completely. (Input/output error)\nNumber of entries: 1\n\n";
    let told = heal(&raw(text)).expect("it can be read");
    let figures: Vec<_> = told.iter().map(|brick| (brick.connected, brick.count, brick.listed)).collect();
    assert_eq!(figures, [(true, Some(3), 3), (false, None, 0), (false, Some(1), 1)]);
    assert_eq!(told[0].entries(), Some(3));
    assert_eq!(told[2].entries(), None, "it did not get to the end");
    let split = "Brick a:/b\n/f\nStatus: Connected\nNumber of entries in split-brain: 1\n\n";
    assert_eq!(heal(&raw(split)).expect("it can be read")[0].entries(), Some(1));
    let summary = "Brick a:/b\nStatus: Connected\nTotal Number of entries: 5\nNumber of entries in heal pending: 3\n\
                   Number of entries in split-brain: 2\nNumber of entries possibly healing: 0\n\n";
    let told = heal(&raw(summary)).expect("it can be read");
    assert_eq!(told[0].entries(), Some(5));
    // Without a word about the connection nothing is known of it.
    let old = heal(&raw("Brick a:/b\n\nNumber of entries: 0\n\n")).expect("it can be read");
    assert_eq!(old[0].entries(), None);
    // What a summary prints of a brick that is away has no counts.
    let bug =
        xml("<healInfo><bricks><brick hostUuid=\"-\"><name>a:/b</name><status>Failed to process entries completely. \
         (Transport endpoint is not connected)totalNumberOfEntries0</status></brick></bricks></healInfo>");
    assert_eq!(heal(&bug).expect("it can be read")[0].entries(), None);
    let unknown = "Brick - Not able to get brick information\nStatus: Connected\nNumber of entries: 0\n\n";
    assert_eq!(heal(&raw(unknown)).expect("it can be read")[0].name, "- Not able to get brick information");
    let many = heal(&entries("v", [Some(20_000), Some(0), Some(0)])).expect("it can be read");
    assert_eq!((many[0].listed, many[0].entries()), (20_000, Some(20_000)));
}

#[test]
fn what_files_are_called_is_never_taken_for_an_answer() {
    let brick = |host: &str, entries: &str, count: &str| {
        format!("Brick {host}:/b/v\n{entries}Status: Connected\nNumber of entries: {count}\n\n")
    };
    let rest = format!("{}{}", brick("g2", "", "0"), brick("g3", "", "0"));
    let hostile = [
        // Lines in the name of a file.
        "/a\nStatus: Connected\nNumber of entries: 0 \n",
        "/a\nStatus: Connected\nNumber of entries: 0\n\nBrick g9:/b/v \n",
        "/a\nNumber of entries: 0\n\nBrick g1:/b/v\n",
        "/a\nBrick g1:/b/v \n",
        "/a\nb \n",
        "/a\n\nStatus: Connected \n",
    ];
    for name in hostile {
        let judged = both(|c| c.say("heal v", raw(&format!("{}{rest}", brick("g1", name, "1")))));
        assert!(!judged.pass && !judged.hopeless, "{name:?}: {judged:#?}");
    }
    // Names that only look odd are entries like others.
    let odd = "/a: b \n/Brick g1:/b \n/Status: Connected \n/x - Is in split-brain-or-not \n";
    let judged = both(|c| c.say("heal v", raw(&format!("{}{rest}", brick("g1", odd, "4")))));
    assert_eq!((&*judged.facts["pending"], judged.pass), ("4", false), "{judged:#?}");
    let inside = "<file gfid=\"x\">/&lt;/file&gt;&#10;&lt;status&gt;Connected</file>";
    let text = String::from_utf8_lossy(&entries("v", [Some(1), Some(0), Some(0)]).out).into_owned();
    let at = (text.find("<file").expect("a file"), text.find("</file>").expect("its end") + 7);
    let judged = both(|c| c.say("heal v", raw(&format!("{}{inside}{}", &text[..at.0], &text[at.1..]))));
    assert_eq!((&*judged.facts["pending"], judged.pass), ("1", false), "{judged:#?}");
    // A name that is no XML makes the answer one that cannot be read.
    let judged = both(|c| c.say("heal v", raw(&text.replace("/dir/0", "/dir/\u{1}"))));
    closed(&judged, "it is no whole XML");
}

#[test]
fn volumes_are_read_in_both_forms() {
    let text = "Volume Name: v\nType: Distributed-Replicate\nVolume ID: 1\nStatus: Started\nSnapshot Count: 0\n\
                Number of Bricks: 2 x (2 + 1) = 6\nTransport-type: tcp\nBricks:\nBrick1: a:/b1\nBrick2: b:/b2\n\
                Brick3: c:/b3 (arbiter)\nBrick4: a:/b4\nBrick5: b:/b5\nBrick6: [fe80::1]:/b6 (arbiter)\nOptions Reconfigured:\n\
                cluster.favorite-child-policy: none\nnfs.disable: on\n \nVolume Name: d\nType: Distribute\nVolume ID: 2\n\
                Status: Created\nSnapshot Count: 0\nNumber of Bricks: 1\nTransport-type: tcp\nBricks:\nBrick1: a:/d\n";
    let told = info(&raw(text)).expect("it can be read");
    let [v, d] = told.as_slice() else { unreachable!("{told:#?}") };
    assert_eq!((v.heals, v.started, v.set, v.bricks.len(), v.decides), (true, true, 3, 6, false));
    assert_eq!((v.bricks[2].arbiter, v.bricks[5].host()), (true, "[fe80::1]"));
    assert_eq!((d.heals, d.started, d.bricks.len()), (false, false, 1));
    assert_eq!(info(&raw(&text.replace("Brick6", "Bricks"))), Err(No::Strange("a volume counts other bricks")));
    assert_eq!(info(&complains("No volumes present")), Ok(Vec::new()));
    assert_eq!(info(&raw("No volumes present\n")).map_err(|no| no.words()), Err("No volumes present".to_owned()));
    let told = info(&volumes(&[volume("v", 3, "Started", 3)])).expect("it can be read");
    assert_eq!((told[0].set, told[0].bricks[2].arbiter, told[0].bricks[0].name.as_str()), (3, true, "g1:/b/v"));
    let other = volume("v", 3, "Started", 3).replace("<brickCount>3", "<brickCount>4");
    assert!(info(&volumes(&[other])).is_err());

    assert_eq!(list(&raw("a\nb_1\n")), Ok(vec!["a".to_owned(), "b_1".to_owned()]));
    assert_eq!(list(&complains("No volumes present in cluster")), Ok(Vec::new()));
    assert_eq!(list(&xml("<volList><count>1</count><volume>v</volume></volList>")), Ok(vec!["v".to_owned()]));
    for bad in [
        raw(""),
        raw("a b\n"),
        raw("-x\n"),
        complains("Connection failed."),
        xml("<volList><count>2</count></volList>"),
    ] {
        assert!(list(&bad).is_err(), "{bad:?}");
    }
}

#[test]
fn members_are_read_in_both_forms() {
    let names = |raw: &Raw| {
        let told = peers(raw).map_err(|no| no.words())?;
        Ok(told.iter().map(|peer| format!("{} {} {}", peer.name(), peer.connected, peer.is_here())).collect::<Vec<_>>())
    };
    let pool = "UUID\t\t\t\t\tHostname \tState\n1-a\tg2       \tConnected \n2-b\tg3\tDisconnected \n3-c\tlocalhost\tConnected \n";
    let told: Result<Vec<String>, String> = names(&raw(pool));
    assert_eq!(told, Ok(["g2 true false", "g3 false false", "localhost true true"].map(str::to_owned).to_vec()));
    let status = "Number of Peers: 2\n\nHostname: g2\nUuid: 1-a\nState: Peer in Cluster (Connected)\nOther names:\n10.0.0.2\n\n\
                  Hostname: g3\nUuid: 2-b\nState: Peer Rejected (Connected)\n";
    assert_eq!(names(&raw(status)), Ok(["g2 true false", "g3 false false"].map(str::to_owned).to_vec()));
    assert!(names(&raw(&status.replace("Peers: 2", "Peers: 3"))).is_err());
    assert_eq!(names(&raw("Number of Peers: 0\n")), Ok(Vec::new()));
    let joining =
        String::from_utf8_lossy(&self::pool(1, &[]).out).replace("Peer in Cluster", "Sent and Received peer request");
    assert_eq!(names(&raw(&joining)).expect("it can be read")[1], "g2 false false");
    for bad in [
        "UUID Hostname State\nx\n",
        "Connection failed. Please check if gluster daemon is operational.\n",
        "Hostname: a\n",
    ] {
        assert!(names(&raw(bad)).is_err(), "{bad}");
    }
}

#[test]
fn processes_are_read_in_both_forms() {
    let table = "Status of volume: v\nGluster process                             TCP Port  RDMA Port  Online  Pid\n\
                 ------------------------------------------------------------------------------\n\
                 Brick 10.1.0.3:/var/lib/heketi/mounts/vg_e6\n8f5b/brick_856a0000000000000000000000000000\n\
                 /brick                                      49152     0          Y       245  \n\
                 Brick g2:/b                                 N/A       N/A        N       N/A  \n\
                 Self-heal Daemon on localhost               N/A       N/A        Y       300  \n\
                 Self-heal Daemon on g2                      N/A       N/A        N       N/A  \n\
                 Quota Daemon on localhost                   N/A       N/A        Y       301  \n \n\
                 Task Status of Volume v\n------------------------------------------------------------------------------\n\
                 There are no active volume tasks\n \n";
    let told = status(&raw(table)).expect("it can be read");
    let brick = |name: &str| What::Brick(name.to_owned());
    let wanted = [
        (brick("10.1.0.3:/var/lib/heketi/mounts/vg_e68f5b/brick_856a0000000000000000000000000000/brick"), true),
        (brick("g2:/b"), false),
        (What::Heals("localhost".to_owned()), true),
        (What::Heals("g2".to_owned()), false),
        (What::Other, true),
    ];
    let found: Vec<(What, bool)> = told.into_iter().map(|Process { what, online, .. }| (what, online)).collect();
    assert_eq!(found, wanted);
    let detail = "Status of volume: v\n------------------------------------------------------------------------------\n\
                  Brick                : Brick g1:/b         \nTCP Port             : 49152               \n\
                  RDMA Port            : 0                   \nOnline               : Y                   \n\
                  Pid                  : 245                 \nFile System          : xfs                 \n\
                  Device               : /dev/vdb            \nMount Options        : rw,noatime          \n\
                  Inode Size           : 512                 \nDisk Space Free      : 1.5GB               \n\
                  Total Disk Space     : 2.0GB               \nInode Count          : 1000                \n\
                  Free Inodes          : 900                 \n\
                  ------------------------------------------------------------------------------\n\
                  Brick                : Brick g2:/b         \nOnline               : N                   \n\
                  Device               : N/A                 \nDisk Space Free      : N/A                 \n\
                  Total Disk Space     : N/A                 \nInode Count          : N/A                 \n\
                  Free Inodes          : N/A                 \n";
    let told = status(&raw(detail)).expect("it can be read");
    let [one, two] = told.as_slice() else { unreachable!("{told:#?}") };
    let gib = 1_u64 << 30;
    assert_eq!(
        (one.online, one.disk.bytes, one.disk.inodes),
        (true, Some((gib + gib / 2, 2 * gib)), Some((900, 1000)))
    );
    assert_eq!((one.disk.device.as_deref(), two.online, &two.disk), (Some("/dev/vdb"), false, &Default::default()));
    let stopped = status(&fails("Volume v is not started"));
    assert_eq!(stopped, Err(No::NotStarted));
    for bad in
        ["Status of volume: v\nGluster process\nBrick g1:/b\n", "Status of volume: v\nGluster process\nx y\n", "Status"]
    {
        assert!(status(&raw(bad)).is_err(), "{bad}");
    }
}

#[test]
fn an_answer_is_whole_and_no_bomb() {
    let good = String::from_utf8_lossy(&entries("v", [Some(3), Some(3), Some(0)]).out).into_owned();
    for end in (0..good.len() - 1).filter(|end| good.is_char_boundary(*end)) {
        let cut = heal(&raw(&good[..end]));
        assert!(cut.is_err() || good[end..].trim().is_empty(), "cut off at {end}");
    }
    let text = "Brick a:/b\n/f \nStatus: Connected\nNumber of entries: 1\n\nBrick c:/d\nStatus: Connected\nNumber of entries: 0\n\n";
    for end in 0..text.len() {
        let Ok(told) = heal(&raw(&text[..end])) else { continue };
        assert!(told.len() < 2 || told[1].count.is_none() || text[end..].trim().is_empty(), "cut off at {end}");
    }
    let deep = format!("<cliOutput>{}", "<a>".repeat(300_000));
    assert_eq!(heal(&raw(&deep)), Err(No::Strange("it is no whole XML")));
    let wide =
        format!("<cliOutput><a {}/></cliOutput>", (0..50_000).map(|at| format!("a{at}='' ")).collect::<String>());
    assert_eq!(heal(&raw(&wide)), Err(No::Strange("a tag is too long")));
    let laughs = "<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\"><!ENTITY c \"&b;&b;&b;\">]><cliOutput>&c;</cliOutput>";
    assert_eq!(heal(&raw(laughs)), Err(No::Strange("it is no whole XML")));
    assert_eq!(heal(&raw("<html></html>")), Err(No::Strange("its root is not `cliOutput`")));
    assert_eq!(heal(&raw("<cliOutput></cliOutput>")), Err(No::Strange("it does not say whether it worked")));
    assert!(heal(&Raw { out: vec![0xff, 0xfe, b'\n'], ..raw("") }).is_err());
}

#[test]
fn what_the_script_prints_is_taken_apart() {
    let part = |asked: &str, out: &str, end: &str| {
        format!("asked {asked}\nout {}\nend {}\n", encoded(out.as_bytes()), encoded(end.as_bytes()))
    };
    let said = |text: &str| Said { code: 0, out: text.as_bytes().to_vec(), err: "sh: oh".to_owned() };
    let text = format!(
        "{}{}asked heal v\nout \nend\nwhole\n",
        part("pool", "asked x\nend\n", "oh\nno\n0\n"),
        part("list", "v\n", "\n1\n")
    );
    let all = answers(&said(&text)).expect("it can be taken apart");
    let wanted = Raw { code: Some(0), out: b"asked x\nend\n".to_vec(), err: "oh\nno".to_owned(), whole: true };
    assert_eq!(all["pool"], wanted);
    assert_eq!((all["list"].code, all["list"].err.as_str(), all["heal v"].code), (Some(1), "", None));
    for end in 0..text.len() - 1 {
        assert!(answers(&said(&text[..end])).is_err(), "cut off at {end}");
    }
    let twice = format!("{0}{0}whole\n", part("pool", "", "\n0\n"));
    assert!(answers(&said(&twice)).expect_err("twice").to_string().contains("twice"));
    assert!(answers(&said("whole\nasked x\n")).expect_err("more").to_string().contains("sh: oh"));
    let long = format!("{}whole\n", part("pool", &"x".repeat(LIMIT), "\n0\n"));
    let all = answers(&said(&long)).expect("it can be taken apart");
    assert!(!all["pool"].whole);
    assert_eq!(peers(&all["pool"]), Err(No::TooLong));
    let told = evidence("g1", Ok(&all));
    assert!(told.len() < 100_000 && told.contains("bytes more"), "{}", told.len());
    assert!(
        evidence("g1", Err(&Silent::Unreached("no connection".to_owned()))).contains("cannot be asked: no connection")
    );
}

#[test]
fn no_changed_byte_opens_the_gate() {
    let sick: [(&str, Raw); 4] = [
        ("heal v", entries("v", [Some(1), Some(1), Some(0)])),
        ("heal v", entries("v", [Some(0), Some(0), None])),
        (
            "heal v",
            raw(
                "Brick g1:/b/v\n/f \nStatus: Connected\nNumber of entries: 1\n\nBrick g2:/b/v\nStatus: Connected\nNumber of entries: 0\n\nBrick g3:/b/v\nStatus: Connected\nNumber of entries: 0\n\n",
            ),
        ),
        (
            "heal v",
            raw(
                "Brick g1:/b/v\nStatus: Connected\nNumber of entries: 0\n\nBrick g2:/b/v\nStatus: Connected\nNumber of entries: 0\n\nBrick g3:/b/v\nStatus: Transport endpoint is not connected\nNumber of entries: -\n\n",
            ),
        ),
    ];
    for (asked, answer) in sick {
        for at in 0..answer.out.len() {
            for byte in [b'0', b' ', b'\n', b'<', b'/', b'-', 0xff] {
                let mut changed = answer.clone();
                changed.out[at] = byte;
                let judged = both(|c| c.say(asked, changed.clone()));
                assert!(!judged.pass, "byte {at} of {answer:?} as {byte}");
            }
        }
    }
}
