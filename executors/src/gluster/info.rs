//! Which volumes there are, and of which bricks: `volume list` and `volume info`.

use super::answer::{No, Raw, at, below, count, field, must, number, read};
use roxmltree::Node;

/// A volume as it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Volume {
    /// Its name.
    pub(super) name: String,
    /// Whether it keeps more than one copy, so that one can heal from another.
    pub(super) heals: bool,
    /// Whether it is started.
    pub(super) started: bool,
    /// So many bricks in a row keep the same files.
    pub(super) set: usize,
    /// Its bricks, in the order in which it was made.
    pub(super) bricks: Vec<Brick>,
    /// Whether it decides by itself which copy counts, where copies contradict each other.
    pub(super) decides: bool,
}

/// A brick.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Brick {
    /// `HOST:PATH`.
    pub(super) name: String,
    /// The id of the member that has it, as far as that is told.
    pub(super) peer: Option<String>,
    /// Whether it only has names and no contents.
    pub(super) arbiter: bool,
}

impl Brick {
    /// The host in its name.
    pub(super) fn host(&self) -> &str {
        // An address of IPv6 has colons, a path begins with a slash.
        self.name.split_once(":/").map_or(self.name.as_str(), |(host, _)| host)
    }
}

/// What lets a volume choose a copy where copies contradict each other.
const FAVORITE: &str = "cluster.favorite-child-policy";

/// The names of all volumes.
pub(super) fn list(raw: &Raw) -> Result<Vec<String>, No> {
    let none = |words: &str| words.contains("No volumes present");
    if raw.code.is_some() && raw.out.iter().all(u8::is_ascii_whitespace) && none(&raw.err) {
        return Ok(Vec::new());
    }
    read(
        raw,
        |root| {
            let all = at(root, &["volList"])?;
            let names: Vec<String> =
                below(all, "volume").filter_map(|name| name.text()).map(|name| name.trim().to_owned()).collect();
            let told = number(all, "count");
            if told == Some(names.len() as u64) { Ok(names) } else { Err(No::Strange("it counts other volumes")) }
        },
        |out| match out.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>() {
            words if words.iter().any(|line| none(line)) => Ok(Vec::new()),
            names if names.iter().all(|name| is_name(name)) => Ok(names.into_iter().map(str::to_owned).collect()),
            _ => Err(No::told(out)),
        },
    )
}

/// A name as gluster allows it.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !name.is_empty() && !name.starts_with('-') && name.bytes().all(plain)
}

/// All volumes, or the one that was asked about.
pub(super) fn info(raw: &Raw) -> Result<Vec<Volume>, No> {
    if raw.out.iter().all(u8::is_ascii_whitespace) && raw.err.contains("No volumes present") {
        return Ok(Vec::new());
    }
    read(raw, xml, text)
}

fn xml(root: Node<'_, '_>) -> Result<Vec<Volume>, No> {
    below(at(root, &["volInfo", "volumes"])?, "volume").map(volume).collect()
}

fn volume(node: Node<'_, '_>) -> Result<Volume, No> {
    let bricks: Vec<Brick> = below(at(node, &["bricks"])?, "brick").map(brick).collect::<Result<_, No>>()?;
    if number(node, "brickCount") != Some(bricks.len() as u64) {
        return Err(No::Strange("a volume counts other bricks"));
    }
    let (copies, spread) = (number(node, "replicaCount"), number(node, "disperseCount").unwrap_or(0));
    let copies = copies.ok_or(No::Strange("a volume does not say how many copies it keeps"))?;
    let options = below(node, "options").flat_map(|all| below(all, "option"));
    let favorite = |option: &Node<'_, '_>| field(*option, "name") == Some(FAVORITE);
    Ok(Volume {
        name: must(node, "name")?.to_owned(),
        heals: copies > 1 || spread > 0,
        started: must(node, "statusStr")? == "Started",
        set: usize::try_from(copies.max(spread)).unwrap_or(0),
        bricks,
        decides: options.filter(favorite).any(|option| field(option, "value").is_some_and(|value| value != "none")),
    })
}

fn brick(node: Node<'_, '_>) -> Result<Brick, No> {
    Ok(Brick {
        name: must(node, "name")?.to_owned(),
        peer: field(node, "hostUuid").filter(|uuid| uuid.len() > 1).map(str::to_owned),
        arbiter: field(node, "isArbiter") == Some("1"),
    })
}

fn text(out: &str) -> Result<Vec<Volume>, No> {
    let mut all: Vec<Volume> = Vec::new();
    let mut told = Vec::new();
    for line in out.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some((word, value)) = line.split_once(": ").or_else(|| Some((line.strip_suffix(':')?, ""))) else {
            return Err(if all.is_empty() { No::told(out) } else { No::Strange("a line of no volume") });
        };
        let value = value.trim();
        if word == "Volume Name" {
            all.push(Volume { name: value.to_owned(), ..Volume::default() });
            continue;
        }
        let Some(volume) = all.last_mut() else { return Err(No::told(out)) };
        match word {
            "Type" => volume.heals = value.contains("Replicate") || value.contains("Disperse"),
            "Status" => volume.started = value == "Started",
            "Number of Bricks" => {
                let (set, count) = bricks_of(value).ok_or(No::Strange("a volume does not count its bricks"))?;
                volume.set = set;
                told.push(count);
            }
            FAVORITE => volume.decides = value != "none",
            word if word.strip_prefix("Brick").and_then(count).is_some() => {
                let (name, arbiter) = value.strip_suffix(" (arbiter)").map_or((value, false), |name| (name, true));
                volume.bricks.push(Brick { name: name.to_owned(), peer: None, arbiter });
            }
            _ => {}
        }
    }
    let same = all.len() == told.len() && all.iter().zip(&told).all(|(volume, told)| volume.bricks.len() == *told);
    if same { Ok(all) } else { Err(No::Strange("a volume counts other bricks")) }
}

/// How many bricks keep the same files, and how many there are: `3`, `1 x 3 = 3`, `2 x (2 + 1) = 6`.
fn bricks_of(text: &str) -> Option<(usize, usize)> {
    let number = |text: &str| count(text).and_then(|number| usize::try_from(number).ok()).filter(|number| *number > 0);
    let Some((product, all)) = text.split_once('=') else {
        return Some((1, number(text)?));
    };
    let (_, set) = product.split_once('x')?;
    let set = set.trim().trim_start_matches('(').trim_end_matches(')');
    let set = set.split('+').map(number).try_fold(0_usize, |sum, part| sum.checked_add(part?))?;
    Some((set, number(all)?))
}
