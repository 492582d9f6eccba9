//! What waits to be healed: `volume heal V info`, `info split-brain` and `info summary`; and the query of a person.

use super::answer::{No, Raw, at, below, count, field, must, read};
use crate::ssh::quoted;
use palinode_core::action::GlusterHeal;
use roxmltree::Node;
use std::collections::BTreeSet;

/// So many entries of a brick are known one by one.
const KNOWN: usize = 4096;

/// So much is told of the state of a brick.
const WORDS: usize = 200;

/// What one brick says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// `HOST:PATH`.
    pub(super) name: String,
    /// Whether it answered in full.
    pub(super) connected: bool,
    /// The same in gluster's own words, such as `Transport endpoint is not connected`.
    pub(super) state: String,
    /// How many entries it counts, of what was asked for; none if it does not say.
    pub(super) count: Option<u64>,
    /// How many it lists.
    pub(super) listed: u64,
    /// The first of them: the id of a file where it is told, else what the line says.
    pub(super) entries: BTreeSet<String>,
    /// How many of what a summary counts are in split-brain.
    pub(super) split: Option<u64>,
}

impl Told {
    /// The number of entries, if there is no doubt about it.
    pub(super) fn entries(&self) -> Option<u64> {
        self.count.filter(|_| self.connected)
    }

    /// What a summary says of split-brain, as if that had been asked for.
    pub(super) fn of_split(&self) -> Self {
        Self { count: self.split, listed: 0, entries: BTreeSet::new(), ..self.clone() }
    }

    fn note(&mut self, entry: &str) {
        self.listed += 1;
        if self.entries.len() < KNOWN {
            self.entries.insert(entry.to_owned());
        }
    }

    fn is(&mut self, state: &str) {
        self.connected = state == CONNECTED;
        self.state = state.chars().take(WORDS).collect();
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
    let mut told = Told { name: must(node, "name")?.to_owned(), ..Told::default() };
    told.is(must(node, "status")?);
    for file in below(node, "file") {
        told.note(file.attribute("gfid").or(file.text()).unwrap_or_default());
    }
    let number = field(node, "numberOfEntries").or_else(|| field(node, "totalNumberOfEntries"));
    told.count = number.and_then(count);
    told.split = field(node, "numberOfEntriesInSplitBrain").and_then(count);
    if told.count.is_some_and(|number| number < told.listed) {
        return Err(No::Strange("a brick lists more than it counts"));
    }
    Ok(told)
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
                told.is(word);
            }
            Some(Line::Count(value) | Line::Split(value)) if !counted => {
                counted = true;
                told.count = count(value);
            }
            Some(Line::Split(value)) if counted && told.listed == 0 => told.split = count(value),
            Some(Line::Part) if counted && told.listed == 0 => {}
            _ if status || counted => return Err(ODD),
            _ if text.starts_with('/') || text.starts_with("<gfid:") || is_uuid(text.trim()) => {
                told.note(text.trim_end());
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

/// The query as a piece of shell: prints what gluster says, and fails if it does not answer. It starts no heal. What gluster
/// complains about beside an answer is no part of it: each such line stands behind `gluster complains: `.
pub(crate) fn query(heal: &GlusterHeal) -> String {
    let named: Vec<String> = heal.volumes.iter().map(|name| quoted(name)).collect();
    format!(
        r#"ask() {{ {{ timeout -k 5 120 gluster --mode=script "$@" 2>&1 >&3 3>&- | sed 's/^/gluster complains: /' >&3; }} 3>&1; }}
told() {{ printf '%s\n' "$said" | sed '/^gluster complains: /d'; }}
timeout -k 5 120 gluster --mode=script pool list || {{ echo 'gluster does not answer'; exit 1; }}
set -f
if [ {count} = 0 ]; then
  volumes=$(timeout -k 5 120 gluster --mode=script volume list) || {{ echo 'gluster does not name its volumes'; exit 1; }}
else volumes={named}; fi
bad=
for volume in $volumes; do
  for what in info 'info split-brain'; do
    printf '\n%s: heal %s\n' "$volume" "$what"
    said=$(ask volume heal "$volume" $what)
    printf '%s\n' "$said"
    case $(told) in 'Brick '* | *'is not of type'* | *'is not started'*) continue ;; esac
    # Some words of refusal are printed as a complaint.
    case $said in *'is not of type'* | *'is not started'*) continue ;; esac
    bad="$bad $volume" why=$(printf '%s' "$said" | sed 's/^gluster complains: //' | head -n 1)
    break
  done
done
if [ -n "$bad" ]; then printf '\ngluster does not tell of%s: %s\n' "$bad" "$why"; exit 1; fi
"#,
        count = named.len(),
        named = quoted(&heal.volumes.join(" ")),
    )
}
