//! Inventories as text, and edits of them.

use palinode_core::canon;
use palinode_core::inventory::ansible::{Kind, Sources};
use palinode_core::inventory::model::Reading;
use palinode_core::inventory::{Edit, Inventory, apply, check, difference, merge3};

/// Between an inventory and the edits, and between an inventory and a second one.
const BETWEEN: char = '\0';

/// Printing gives back what was read; an edit is idempotent, says what it changed, and can be taken back; merging
/// nothing changes nothing.
pub(super) fn inventory(bytes: &[u8]) {
    let cut = bytes.iter().position(|byte| *byte == BETWEEN as u8).unwrap_or(bytes.len());
    let (head, tail) = bytes.split_at(cut);
    let Ok(text) = str::from_utf8(head) else { return };
    reads(text);
    let tail = tail.get(1..).unwrap_or_default();
    if let Ok(edits) = canon::decode::<Vec<Edit>>(tail) {
        edited(text, &edits);
    } else if let Ok(other) = str::from_utf8(tail) {
        merged(text, other);
    }
}

fn reads(text: &str) {
    let inventory = Inventory::parse(text);
    assert_eq!(inventory.to_string(), text);
    let mut at = 0;
    for line in inventory.lines() {
        assert!(line.span.start == at && line.span.end > at, "the lines tile the text");
        assert!(line.content.start >= line.span.start && line.content.end <= line.span.end);
        assert!(text.is_char_boundary(line.content.start) && text.is_char_boundary(line.content.end));
        at = line.span.end;
    }
    assert_eq!(at, text.len());
    assert_eq!(difference(text, text), Vec::new());
    let Ok(reading) = Reading::of_text("hosts", text.as_bytes()) else { return };
    assert!(check(&Memory(text), &["hosts"]).is_ok(), "what can be read can be checked");
    for group in reading.groups() {
        for host in reading.hosts(group.name) {
            assert!(reading.has_host(host), "{host:?}");
            let known = reading.groups_of(host);
            assert!(known.contains(&group.name) || group.name == "all", "{host:?} in {group:?}, not {known:?}");
            inventory.place_of(host, group.name);
            reading.settings(host);
        }
    }
}

/// One file.
struct Memory<'a>(&'a str);

impl Sources for Memory<'_> {
    fn kind(&self, path: &str) -> Kind {
        if path == "hosts" { Kind::File } else { Kind::Missing }
    }

    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(self.0.as_bytes().to_vec())
    }

    fn list(&self, _: &str) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    fn run(&self, path: &str, _: &[&str]) -> Result<Vec<u8>, String> {
        Err(format!("{path} is not run"))
    }
}

fn edited(text: &str, edits: &[Edit]) {
    let Ok(after) = apply(text, edits) else { return };
    for edit in edits {
        // Alone, so that none undoes another.
        if let Ok(once) = apply(text, std::slice::from_ref(edit)) {
            assert_eq!(apply(&once, std::slice::from_ref(edit)).as_deref(), Ok(once.as_str()), "{edit:?}");
        }
    }
    reads(&after);
    assert_eq!(merge3(&after, text, &after).as_deref(), Ok(text), "it can be taken back");
    if after == text {
        assert_eq!(difference(text, &after), Vec::new());
    }
}

fn merged(base: &str, other: &str) {
    assert_eq!(merge3(base, base, other).as_deref(), Ok(other), "nothing to take back");
    assert_eq!(merge3(base, other, base).as_deref(), Ok(other), "nothing came later");
    assert_eq!(merge3(base, other, other).as_deref(), Ok(other), "both did the same");
    assert_eq!(difference(base, other).is_empty(), difference(other, base).is_empty());
    // A note of one's own at the end stays, unless the other side changed the end too.
    if let Ok(merged) = merge3(base, other, &format!("{base}# a note\n")) {
        assert!(merged.contains("# a note") || !base.ends_with('\n'), "{merged:?}");
    }
}
