//! The journal's id: chosen by chance when it is made, the same wherever the journal is moved to, and how targets tell
//! one journal from another. Two machines may share a machine id and a path; they do not share this.

use crate::file::atomic_file::{self, damaged, hex, random, unread};
use crate::file::layer::Root;
use crate::format::layout::SEGMENTS;
use crate::format::record::Wrong;
use palinode_core::port::ReadError;
use std::fmt;
use std::io;

pub(crate) const ID_FILE: &str = "id";

const CONTEXT: &str = "palinode 2026-11 journal id v1";
const WORD: &str = "palinode-journal-id ";

/// See the module: 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalId(String);

impl JournalId {
    /// A new one.
    pub fn random() -> io::Result<Self> {
        Ok(Self(hex(&random::<16>()?)))
    }

    /// 32 hexadecimal digits, as claims carry them.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The content of its file: a changed digit does not go unnoticed.
    pub(crate) fn text(&self) -> String {
        format!("{WORD}{} {}\n", self.0, self.check())
    }

    fn check(&self) -> String {
        hex(&blake3::derive_key(CONTEXT, self.0.as_bytes())[..8])
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let text = str::from_utf8(text).ok()?;
        let digits = text.strip_prefix(WORD)?.get(..32)?;
        let id = Self(digits.to_owned());
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (digits.bytes().all(is_hex) && id.text() == text).then_some(id)
    }
}

impl fmt::Display for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a journal of this minor version. None in one of before 1.5 that was not opened for writing since.
pub(crate) fn read(root: &Root, minor: u32) -> Result<Option<JournalId>, ReadError> {
    let bytes = match root.read(ID_FILE) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound && minor < 5 => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(damaged(ID_FILE, Wrong::at(0, "it is missing; every journal has one since format 1.5")));
        }
        Err(error) => return Err(unread(ID_FILE)(error)),
    };
    let id = JournalId::parse(&bytes);
    id.map(Some).ok_or_else(|| damaged(ID_FILE, Wrong::at(0, "it is not the id of a journal with its checksum")))
}

/// Gives a journal that has none an id, durable on return.
pub(crate) fn give(root: &Root) -> io::Result<JournalId> {
    let id = JournalId::random()?;
    atomic_file::place(root, SEGMENTS, ".", ID_FILE, id.text().as_bytes())?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_form() {
        let id = JournalId::random().expect("random bytes");
        assert_eq!(JournalId::parse(id.text().as_bytes()), Some(id.clone()));
        assert_ne!(JournalId::random().expect("random bytes"), id);
        let text = id.text();
        for wrong in ["", WORD, &text[1..], text.trim_end(), &format!("{text}\n"), &text.to_uppercase()] {
            assert_eq!(JournalId::parse(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(JournalId::parse(format!("{WORD}{}", "é".repeat(30)).as_bytes()), None);
    }
}
