//! Answers as gluster gives them, healthy and sick, and what they mean.

mod copies;
mod forms;
mod inquiry;
mod script;
mod shapes;
mod split;
mod verdict;

use super::answer::Raw;
use super::ask::Answers;
use super::healed::{Judged, Standing, healed};
use super::view::View;
use super::{Asked, Emptied};

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
    judged_of(views, &[], &[])
}

/// The same of some volumes.
fn judged_of(views: impl IntoIterator<Item = View>, volumes: &[String], except: &[String]) -> Judged {
    let views: Vec<View> = views.into_iter().collect();
    healed(&views, &Asked { volumes, except, ..asked() }, &Standing::default())
}

/// What a gate asks unless it says otherwise.
fn asked() -> Asked<'static> {
    let emptied = Emptied { percent: 50, gib: 1 };
    Asked { volumes: &[], except: &[], away: &[], vantage_points: 2, emptied }
}

fn named(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[track_caller]
fn closed(judged: &Judged, why: &str) {
    let told = judged.facts.get("why").map_or("(none)", String::as_str);
    assert!(!judged.pass && told.contains(why), "{why}: {judged:#?}");
}
