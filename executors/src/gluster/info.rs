//! Which volumes there are, and of which bricks: `volume list` and `volume info`.

use super::answer::{No, Raw, anywhere, at, below, count, field, must, number, read};
use roxmltree::Node;

/// A volume as it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Volume {
    /// Its name.
    pub(super) name: String,
    /// Whether it is started, in gluster's own word.
    pub(super) state: String,
    /// Its bricks, in the order in which it was made.
    pub(super) bricks: Vec<Brick>,
    /// What was set of it, by name.
    options: Vec<(String, String)>,
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
    /// The number of the bricks that keep the same files; none if it has the only copy.
    pub(super) set: Option<usize>,
}

impl Brick {
    /// The host in its name.
    pub(super) fn host(&self) -> &str {
        host_of(&self.name)
    }
}

/// The host in the name of a brick.
pub(super) fn host_of(brick: &str) -> &str {
    // An address of IPv6 has colons, a path begins with a slash.
    brick.split_once(":/").map_or(brick, |(host, _)| host)
}

/// What lets a volume choose a copy where copies contradict each other.
const FAVORITE: &str = "cluster.favorite-child-policy";

/// What switches off the daemon that heals: of copies, and of fragments.
const DAEMONS: [&str; 2] = ["cluster.self-heal-daemon", "cluster.disperse-self-heal-daemon"];

/// After so many seconds the daemon that heals looks again at what waits.
const INTERVAL: &str = "cluster.heal-timeout";

/// The same where nothing else was set.
const TEN_MINUTES: u64 = 600;

impl Volume {
    /// Whether it is started.
    pub(super) fn started(&self) -> bool {
        self.state == "Started"
    }

    /// Whether a brick of it can heal from another.
    pub(super) fn heals(&self) -> bool {
        self.bricks.iter().any(|brick| brick.set.is_some())
    }

    /// Whether it decides by itself which copy counts, where copies contradict each other.
    pub(super) fn decides(&self) -> bool {
        self.option(FAVORITE).is_some_and(|value| value != "none")
    }

    /// The option that switched its daemon off.
    pub(super) fn daemon_off(&self) -> Option<&'static str> {
        let off = |name: &&&str| {
            let value = self.option(name).unwrap_or_default().to_ascii_lowercase();
            ["off", "no", "false", "disable", "0"].contains(&value.as_str())
        };
        DAEMONS.iter().find(off).copied()
    }

    /// How many seconds pass from one crawl of its daemon to the next.
    pub(super) fn interval(&self) -> u64 {
        self.option(INTERVAL).and_then(count).filter(|seconds| *seconds > 0).unwrap_or(TEN_MINUTES)
    }

    fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Puts bricks behind the others that keep the same files in so many copies or fragments.
    fn add(&mut self, bricks: Vec<Brick>, copies: u64) -> Result<(), No> {
        let copies = usize::try_from(copies.max(1)).map_err(|_| No::Strange("a volume keeps too many copies"))?;
        if !bricks.len().is_multiple_of(copies) {
            return Err(No::Strange("the bricks of a volume are no whole sets of copies"));
        }
        let first = self.bricks.iter().filter_map(|brick| brick.set).max().map_or(0, |set| set + 1);
        let set = |at: usize| (copies > 1).then_some(first + at / copies);
        self.bricks.extend(bricks.into_iter().enumerate().map(|(at, brick)| Brick { set: set(at), ..brick }));
        Ok(())
    }
}

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

/// A volume that is told of, or its name and why the rest of it cannot be read.
pub(super) type Found = Result<Volume, (String, No)>;

/// All volumes, or the one that was asked about. What is odd about one is said of that one alone.
pub(super) fn info(raw: &Raw) -> Result<Vec<Found>, No> {
    if raw.out.iter().all(u8::is_ascii_whitespace) && raw.err.contains("No volumes present") {
        return Ok(Vec::new());
    }
    read(raw, xml, text)
}

fn xml(root: Node<'_, '_>) -> Result<Vec<Found>, No> {
    // Where gluster cannot print the rest of a volume, it leaves its element open: the next ones stand within.
    let all = anywhere(at(root, &["volInfo", "volumes"])?, "volume");
    let named = all.map(|node| {
        let name = must(node, "name")?.to_owned();
        Ok(volume(node, &name).map_err(|no| (name, no)))
    });
    named.collect()
}

fn volume(node: Node<'_, '_>, name: &str) -> Result<Volume, No> {
    let state = must(node, "statusStr")?.to_owned();
    let mut volume = Volume { name: name.to_owned(), state, ..Volume::default() };
    let options = below(node, "options").flat_map(|all| below(all, "option"));
    let pair = |option| Some((field(option, "name")?.to_owned(), field(option, "value")?.to_owned()));
    volume.options = options.filter_map(pair).collect();
    let all = at(node, &["bricks"])?;
    let (hot, cold) = (below(all, "hotBricks").next(), below(all, "coldBricks").next());
    if hot.is_some() || cold.is_some() {
        // A volume of two tiers: each has its own shape.
        for (tier, copies, spread) in
            [(hot, "hotreplicaCount", "hotdisperseCount"), (cold, "coldreplicaCount", "colddisperseCount")]
        {
            let tier = tier.ok_or(No::Strange("a tier is missing"))?;
            volume.add(bricks(tier)?, shape(tier, copies, spread)?)?;
        }
    } else {
        volume.add(bricks(all)?, shape(node, "replicaCount", "disperseCount")?)?;
    }
    if number(node, "brickCount") != Some(volume.bricks.len() as u64) {
        return Err(No::Strange("a volume counts other bricks"));
    }
    Ok(volume)
}

/// How many bricks keep the same files, as copies or as fragments.
fn shape(node: Node<'_, '_>, copies: &'static str, spread: &'static str) -> Result<u64, No> {
    let copies = number(node, copies).ok_or(No::Strange("a volume does not say how many copies it keeps"))?;
    Ok(copies.max(number(node, spread).unwrap_or(0)))
}

fn bricks(node: Node<'_, '_>) -> Result<Vec<Brick>, No> {
    below(node, "brick").map(brick).collect()
}

fn brick(node: Node<'_, '_>) -> Result<Brick, No> {
    Ok(Brick {
        name: must(node, "name")?.to_owned(),
        peer: field(node, "hostUuid").filter(|uuid| uuid.len() > 1).map(str::to_owned),
        arbiter: field(node, "isArbiter") == Some("1"),
        set: None,
    })
}

/// A volume as text, line by line. Its bricks stand in one part, or in two tiers with a shape each.
#[derive(Default)]
struct Block {
    volume: Volume,
    /// Whether what `Type` says keeps copies.
    copies: bool,
    /// How many bricks keep the same files, and how many there are, of the part that is read.
    shape: Option<(usize, usize)>,
    /// The bricks of that part.
    part: Vec<Brick>,
    no: Option<No>,
}

impl Block {
    fn line(&mut self, word: &str, value: &str) {
        match word {
            "Type" | "Hot Tier Type" | "Cold Tier Type" => {
                self.close();
                self.copies = value.contains("Replicate") || value.contains("Disperse");
            }
            "Status" => self.volume.state = value.to_owned(),
            "Number of Bricks" => {
                self.shape = bricks_of(value);
                if self.shape.is_none() {
                    self.no = Some(No::Strange("a volume does not count its bricks"));
                }
            }
            word if word.strip_prefix("Brick").and_then(count).is_some() => {
                let (name, arbiter) = value.strip_suffix(" (arbiter)").map_or((value, false), |name| (name, true));
                self.part.push(Brick { name: name.to_owned(), arbiter, ..Brick::default() });
            }
            word => self.volume.options.push((word.to_owned(), value.to_owned())),
        }
    }

    /// The end of a part.
    fn close(&mut self) {
        let part = std::mem::take(&mut self.part);
        let Some((set, all)) = self.shape.take() else {
            if !part.is_empty() {
                self.no = Some(No::Strange("a volume does not count its bricks"));
            }
            return;
        };
        // What a volume of tiers counts first are the bricks of both.
        if part.is_empty() {
            return;
        }
        if part.len() != all {
            self.no = Some(No::Strange("a volume counts other bricks"));
        } else if let Err(no) = self.volume.add(part, if self.copies { set as u64 } else { 1 }) {
            self.no = Some(no);
        }
    }

    fn end(mut self) -> Found {
        self.close();
        if self.volume.bricks.is_empty() {
            self.no.get_or_insert(No::Strange("a volume counts other bricks"));
        }
        match self.no {
            None => Ok(self.volume),
            Some(no) => Err((self.volume.name, no)),
        }
    }
}

fn text(out: &str) -> Result<Vec<Found>, No> {
    let mut all: Vec<Block> = Vec::new();
    for line in out.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some((word, value)) = line.split_once(": ").or_else(|| Some((line.strip_suffix(':')?, ""))) else {
            return Err(if all.is_empty() { No::told(out) } else { No::Strange("a line of no volume") });
        };
        let (word, value) = (word.trim(), value.trim());
        if word == "Volume Name" {
            let volume = Volume { name: value.to_owned(), ..Volume::default() };
            all.push(Block { volume, ..Block::default() });
            continue;
        }
        let Some(block) = all.last_mut() else { return Err(No::told(out)) };
        block.line(word, value);
    }
    Ok(all.into_iter().map(Block::end).collect())
}

/// How many bricks keep the same files, and how many there are: `3`, `1 x 3 = 3`, `2 x (2 + 1) = 6`.
fn bricks_of(text: &str) -> Option<(usize, usize)> {
    let number = |text: &str| count(text).and_then(|number| usize::try_from(number).ok()).filter(|number| *number > 0);
    let Some((product, all)) = text.split_once('=') else {
        return Some((1, number(text)?));
    };
    let set = product.split('x').next_back()?;
    let set = set.trim().trim_start_matches('(').trim_end_matches(')');
    let set = set.split('+').map(number).try_fold(0_usize, |sum, part| sum.checked_add(part?))?;
    Some((set, number(all)?))
}
