//! Which processes of a volume run, and how much room its bricks have: `volume status V` and `volume status V detail`.

use super::answer::{No, Raw, at, below, count, field, must, number, read};
use roxmltree::Node;

/// One process of a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Process {
    /// What it is.
    pub(super) what: What,
    /// The id of the member it runs on, as far as that is told.
    pub(super) peer: Option<String>,
    /// Whether it runs.
    pub(super) online: bool,
    /// What its disk is like, where that was asked for and told.
    pub(super) disk: Disk,
}

/// What a process is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum What {
    /// It serves this brick, `HOST:PATH`.
    Brick(String),
    /// It heals, on this host.
    Heals(String),
    /// Anything else.
    #[default]
    Other,
}

/// The file system that a brick is on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Disk {
    /// Its device.
    pub(super) device: Option<String>,
    /// Bytes that are free, and all.
    pub(super) bytes: Option<(u64, u64)>,
    /// Inodes that are free, and all. Some file systems have no fixed number: 0.
    pub(super) inodes: Option<(u64, u64)>,
}

const HEALS: &str = "Self-heal Daemon";

/// The processes of a volume.
pub(super) fn status(raw: &Raw) -> Result<Vec<Process>, No> {
    read(raw, xml, text)
}

fn xml(root: Node<'_, '_>) -> Result<Vec<Process>, No> {
    let volume = at(root, &["volStatus", "volumes", "volume"])?;
    // Processes stand in `node`. Some releases put further ones into a `node` of their own.
    let nodes = below(volume, "node").flat_map(|node| {
        let inner: Vec<Node<'_, '_>> = below(node, "node").collect();
        if inner.is_empty() { vec![node] } else { inner }
    });
    nodes.map(process).collect()
}

fn process(node: Node<'_, '_>) -> Result<Process, No> {
    let (host, path) = (must(node, "hostname")?, must(node, "path")?);
    let what = match host {
        HEALS => What::Heals(path.to_owned()),
        _ if path.starts_with('/') => What::Brick(format!("{host}:{path}")),
        _ => What::Other,
    };
    let pair = |free, all| Some((number(node, free)?, number(node, all)?));
    Ok(Process {
        what,
        peer: field(node, "peerid").filter(|uuid| !uuid.is_empty()).map(str::to_owned),
        online: must(node, "status")? == "1",
        disk: Disk {
            device: field(node, "device").filter(|name| !name.is_empty() && *name != "N/A").map(str::to_owned),
            bytes: pair("sizeFree", "sizeTotal"),
            inodes: pair("inodesFree", "inodesTotal"),
        },
    })
}

fn text(out: &str) -> Result<Vec<Process>, No> {
    let mut lines = out.lines().filter(|line| !line.trim().is_empty());
    if !lines.next().is_some_and(|line| line.starts_with("Status of volume:")) {
        return Err(No::told(out));
    }
    let lines: Vec<&str> = lines.filter(|line| !line.starts_with("---")).collect();
    if lines.first().is_some_and(|line| line.starts_with("Gluster process")) {
        table(&lines[1..])
    } else {
        parts(&lines)
    }
}

/// What begins a row of the table.
const ROWS: [&str; 2] = ["Brick ", "Self-heal Daemon on "];

/// The table of `volume status`. A long name is wrapped: a row ends where its four last columns stand.
fn table(lines: &[&str]) -> Result<Vec<Process>, No> {
    let mut all = Vec::new();
    let mut row = String::new();
    for line in lines {
        if line.starts_with("Task Status of Volume") || line.starts_with("There are no active volume tasks") {
            break;
        }
        if row.is_empty() && !ROWS.iter().any(|word| line.starts_with(word)) {
            let other = line.contains(" on ");
            if !other {
                return Err(No::Strange("a row of no process"));
            }
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let columns = words.len().checked_sub(4).map(|at| words.split_at(at));
        let Some((name, [_, _, online, _])) = columns.filter(|(_, columns)| are_columns(columns)) else {
            row.push_str(if row.is_empty() { line.trim_end() } else { line.trim() });
            if row.len() > 8192 {
                return Err(No::Strange("a row without an end"));
            }
            continue;
        };
        row.push_str(&name.join(" "));
        let what = match (row.strip_prefix(ROWS[0]), row.strip_prefix(ROWS[1])) {
            (Some(brick), _) => What::Brick(brick.to_owned()),
            (_, Some(host)) => What::Heals(host.to_owned()),
            _ => What::Other,
        };
        all.push(Process { what, online: *online == "Y", ..Process::default() });
        row.clear();
    }
    if row.is_empty() { Ok(all) } else { Err(No::Strange("a row without an end")) }
}

/// Two ports, whether it runs, and the process.
fn are_columns(words: &[&str]) -> bool {
    let number = |word: &str| word == "N/A" || count(word).is_some();
    matches!(words, [tcp, rdma, "Y" | "N", pid] if number(tcp) && number(rdma) && number(pid))
}

/// The parts of `volume status V detail`: a word, a colon, a value.
fn parts(lines: &[&str]) -> Result<Vec<Process>, No> {
    let mut all: Vec<Process> = Vec::new();
    let (mut free, mut inodes) = (None, None);
    for line in lines {
        let Some((word, value)) = line.split_once(" : ").map(|(word, value)| (word.trim(), value.trim())) else {
            return Err(No::Strange("a line without a value"));
        };
        if word == "Brick" {
            let name = value.strip_prefix("Brick ").unwrap_or(value);
            all.push(Process { what: What::Brick(name.to_owned()), ..Process::default() });
            (free, inodes) = (None, None);
            continue;
        }
        let Some(process) = all.last_mut() else { return Err(No::Strange("a line of no brick")) };
        match word {
            "Online" => process.online = value == "Y",
            "Device" => process.disk.device = Some(value).filter(|name| *name != "N/A").map(str::to_owned),
            "Disk Space Free" => free = bytes(value),
            "Total Disk Space" => process.disk.bytes = free.zip(bytes(value)),
            "Inode Count" => inodes = count(value),
            "Free Inodes" => process.disk.inodes = count(value).zip(inodes),
            _ => {}
        }
    }
    Ok(all)
}

/// A size for people, such as `973.4MB`.
fn bytes(text: &str) -> Option<u64> {
    const UNITS: [(&str, u32); 7] =
        [("PB", 50), ("TB", 40), ("GB", 30), ("MB", 20), ("KB", 10), ("Bytes", 0), ("B", 0)];
    let (number, shift) = UNITS.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?.trim(), *shift)))?;
    let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
    let tenths = tenths.get(..1).and_then(count)?;
    let whole = count(whole)?;
    let all = u128::from(whole) * 10 + u128::from(tenths);
    u64::try_from((all << shift) / 10).ok()
}
