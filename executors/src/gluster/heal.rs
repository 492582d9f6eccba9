//! What waits to be healed: `volume heal V info`, `info split-brain` and `info summary`; and the query of a person.

use super::answer::{No, Raw, at, below, count, field, must, read};
use crate::ssh::quoted;
use palinode_core::action::GlusterHeal;
use roxmltree::Node;

/// What one brick says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// `HOST:PATH`.
    pub(super) name: String,
    /// Whether it answered in full.
    pub(super) connected: bool,
    /// How many entries it counts, of what was asked for; none if it does not say.
    pub(super) count: Option<u64>,
    /// How many it lists.
    pub(super) listed: u64,
}

impl Told {
    /// The number of entries, if there is no doubt about it.
    pub(super) fn entries(&self) -> Option<u64> {
        self.count.filter(|_| self.connected)
    }
}

/// The word of a brick that answered in full.
const CONNECTED: &str = "Connected";

/// What each brick of a volume says.
pub(super) fn heal(raw: &Raw) -> Result<Vec<Told>, No> {
    read(raw, xml, text)
}

fn xml(root: Node<'_, '_>) -> Result<Vec<Told>, No> {
    below(at(root, &["healInfo", "bricks"])?, "brick").map(brick).collect()
}

fn brick(node: Node<'_, '_>) -> Result<Told, No> {
    let status = must(node, "status")?;
    let listed = below(node, "file").count() as u64;
    let told = field(node, "numberOfEntries").or_else(|| field(node, "totalNumberOfEntries"));
    let told = told.and_then(count);
    if told.is_some_and(|told| told < listed) {
        return Err(No::Strange("a brick lists more than it counts"));
    }
    Ok(Told { name: must(node, "name")?.to_owned(), connected: status == CONNECTED, count: told, listed })
}

/// The lines behind the entries of a brick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line<'a> {
    Status(&'a str),
    /// The count that was asked for.
    Count(&'a str),
    /// The count where only split-brain was asked for; one of several in a summary.
    Split(&'a str),
    /// Another one of a summary.
    Part,
}

fn line(text: &str) -> Option<Line<'_>> {
    let (word, value) = text.split_once(": ").map(|(word, value)| (word, value.trim()))?;
    Some(match word {
        "Status" => Line::Status(value),
        "Number of entries" | "Total Number of entries" => Line::Count(value),
        "Number of entries in split-brain" => Line::Split(value),
        "Number of entries in heal pending" | "Number of entries possibly healing" => Line::Part,
        _ => return None,
    })
}

/// A block is a line with the brick, its entries, its status and its counts. The names of entries are the users' own,
/// and may have line breaks: what looks like the end of a block is one only where the next block, or nothing, follows.
fn text(out: &str) -> Result<Vec<Told>, No> {
    const ODD: No = No::Strange("a line that is in no place for it");
    let mut all: Vec<Told> = Vec::new();
    // Whether the last brick has its status, and its count.
    let (mut status, mut counted) = (true, true);
    for text in out.lines() {
        if text.trim().is_empty() {
            continue;
        }
        let brick = text.strip_prefix("Brick ").filter(|_| counted);
        let Some(told) = all.last_mut().filter(|_| brick.is_none()) else {
            let Some(name) = brick.map(str::trim) else { return Err(No::told(out)) };
            all.push(Told { name: name.to_owned(), ..Told::default() });
            (status, counted) = (false, false);
            continue;
        };
        match line(text) {
            Some(Line::Status(word)) if !status => {
                status = true;
                told.connected = word == CONNECTED;
            }
            Some(Line::Count(value) | Line::Split(value)) if !counted => {
                counted = true;
                told.count = count(value);
            }
            Some(Line::Split(_) | Line::Part) if counted && told.listed == 0 => {}
            _ if status || counted => return Err(ODD),
            _ if text.starts_with('/') || text.starts_with("<gfid:") || is_uuid(text.trim()) => {
                told.listed += 1;
            }
            _ => return Err(ODD),
        }
        if counted && told.count.is_some_and(|count| count != told.listed && told.listed > 0) {
            return Err(No::Strange("a brick lists others than it counts"));
        }
    }
    if counted { Ok(all) } else { Err(No::Strange("it is cut off")) }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// The query as a piece of shell: prints what gluster says, and fails if it does not answer. It starts no heal.
pub(crate) fn query(heal: &GlusterHeal) -> String {
    let named: Vec<String> = heal.volumes.iter().map(|name| quoted(name)).collect();
    format!(
        r#"ask() {{ timeout -k 5 120 gluster --mode=script "$@"; }}
ask pool list || {{ echo 'gluster does not answer'; exit 1; }}
set -f
if [ {count} = 0 ]; then volumes=$(ask volume list) || {{ echo 'gluster does not name its volumes'; exit 1; }}
else volumes={named}; fi
bad=
for volume in $volumes; do
  for what in info 'info split-brain'; do
    printf '\n%s: heal %s\n' "$volume" "$what"
    said=$(ask volume heal "$volume" $what 2>&1)
    printf '%s\n' "$said"
    case $said in 'Brick '* | *'is not of type'* | *'is not started'*) ;; *) bad="$bad $volume" why=$(printf '%s' "$said" | head -n 1); break ;; esac
  done
done
if [ -n "$bad" ]; then printf '\ngluster does not tell of%s: %s\n' "$bad" "$why"; exit 1; fi
"#,
        count = named.len(),
        named = quoted(&heal.volumes.join(" ")),
    )
}
