//! Who is in the storage cluster: `pool list`, or `peer status`, which leaves the one that is asked out.

use super::answer::{No, Raw, at, below, field, must, read};
use roxmltree::Node;

/// A member.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Peer {
    /// Its id.
    pub(super) uuid: String,
    /// Its names; `localhost` for the one that is asked.
    pub(super) names: Vec<String>,
    /// Whether it is in the cluster for good, and connected.
    pub(super) connected: bool,
    /// The same in gluster's own words, such as `Peer Rejected (Connected)`.
    pub(super) state: String,
}

impl Peer {
    /// Whether it is the one that is asked.
    pub(super) fn is_here(&self) -> bool {
        self.names.iter().any(|name| name == HERE)
    }

    /// The name that a person knows it by.
    pub(super) fn name(&self) -> &str {
        self.names.first().map_or(self.uuid.as_str(), String::as_str)
    }
}

/// What gluster calls the one that is asked.
pub(super) const HERE: &str = "localhost";

/// What a member is that has joined for good.
const JOINED: &str = "Peer in Cluster";

/// The state of one that has joined, and answers.
const WHOLE: &str = "Peer in Cluster (Connected)";

/// The members that an answer names.
pub(super) fn peers(raw: &Raw) -> Result<Vec<Peer>, No> {
    read(raw, xml, text)
}

fn xml(root: Node<'_, '_>) -> Result<Vec<Peer>, No> {
    below(at(root, &["peerStatus"])?, "peer")
        .map(|peer| {
            let first = must(peer, "hostname")?;
            let mut names = vec![first.to_owned()];
            for more in below(peer, "hostnames").flat_map(|all| below(all, "hostname")) {
                names.extend(more.text().map(str::trim).filter(|name| *name != first).map(str::to_owned));
            }
            let joined = field(peer, "stateStr").unwrap_or(JOINED);
            let linked = must(peer, "connected")? == "1";
            let state = format!("{joined} ({})", if linked { "Connected" } else { "Disconnected" });
            Ok(Peer { uuid: must(peer, "uuid")?.to_owned(), names, connected: state == WHOLE, state })
        })
        .collect()
}

fn text(out: &str) -> Result<Vec<Peer>, No> {
    let mut lines = out.lines();
    let first = lines.next().unwrap_or_default();
    if first.contains("No peers present") {
        return Ok(Vec::new());
    }
    if first.split_whitespace().eq(["UUID", "Hostname", "State"]) {
        return lines.filter(|line| !line.trim().is_empty()).map(row).collect();
    }
    let Some(told) = first.strip_prefix("Number of Peers:").and_then(super::answer::count) else {
        return Err(No::told(out));
    };
    let found = blocks(lines)?;
    if found.len() as u64 == told { Ok(found) } else { Err(No::Strange("it names another number of peers")) }
}

fn row(line: &str) -> Result<Peer, No> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [uuid, name, state] = words.as_slice() else { return Err(No::Strange("a row has not three words")) };
    let (uuid, names) = ((*uuid).to_owned(), vec![(*name).to_owned()]);
    Ok(Peer { uuid, names, connected: *state == "Connected", state: (*state).to_owned() })
}

fn blocks<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Vec<Peer>, No> {
    let mut all: Vec<Peer> = Vec::new();
    for line in lines.map(str::trim).filter(|line| !line.is_empty()) {
        let (word, value) = line.split_once(':').map_or((line, ""), |(word, value)| (word, value.trim()));
        match (word, all.last_mut()) {
            ("Hostname", _) => all.push(Peer { names: vec![value.to_owned()], ..Peer::default() }),
            ("Uuid", Some(peer)) => peer.uuid = value.to_owned(),
            ("State", Some(peer)) => (peer.connected, peer.state) = (value == WHOLE, value.to_owned()),
            ("Other names", Some(_)) => {}
            // Names stand below `Other names:`, one a line.
            (name, Some(peer)) if value.is_empty() => peer.names.push(name.to_owned()),
            _ => return Err(No::Strange("a line of no peer")),
        }
    }
    if all.iter().any(|peer| peer.uuid.is_empty()) {
        return Err(No::Strange("a peer without its id"));
    }
    Ok(all)
}
