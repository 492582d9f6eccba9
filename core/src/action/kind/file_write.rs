//! `file` with a content: a file, written as a whole or not at all.

use crate::action::{
    ActionKind, CheckError, Described, InField as _, JudgedBy, Place, Recovery, Target, Undo, UndoClass, on_host,
    values,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, Residue, State};
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Writes a file, as a whole or not at all. Its content is public: it stands in the plan and in the journal's entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileWrite {
    /// The file, absolute. Its directory must be there.
    pub path: String,
    /// The text of the file, at most 16 KiB.
    pub content: String,
    /// Permission bits in octal digits; without them a file that is there keeps its own, and a new one has 0644.
    #[serde(default)]
    pub mode: Option<String>,
    /// `user` or `user:group`; without it a file that is there keeps its own, and a new one belongs to root.
    #[serde(default)]
    pub owner: Option<String>,
}

impl FileWrite {
    /// So long may a content be: it stands in an entry, and so does what takes it back.
    pub const LIMIT: usize = 16 << 10;

    /// The permission bits.
    pub fn bits(&self) -> Option<u32> {
        self.mode.as_deref().and_then(values::bits)
    }
}

impl Described for FileWrite {
    const EXAMPLES: &'static [&'static str] = &["\
- motd:
    file.write: { path: /etc/motd, content: \"This host is being migrated.\\n\" }
"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for FileWrite {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self { path: dice.word(), content: dice.word(), mode: dice.maybe(Dice::word), owner: dice.maybe(Dice::word) }
    }
}

impl ActionKind for FileWrite {
    fn place(&self) -> Place {
        Place::Host
    }

    fn class(&self) -> UndoClass {
        UndoClass::Reversible
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    fn replaces_files(&self) -> bool {
        true
    }

    fn judged_by(&self) -> JudgedBy {
        JudgedBy::Change
    }

    fn words(&self) -> String {
        format!("write {}", self.path)
    }

    fn subject(&self) -> String {
        self.path.clone()
    }

    fn check(&self) -> Result<(), CheckError> {
        values::file_path(&self.path).within("path")?;
        self.mode.as_deref().map_or(Ok(()), values::mode).within("mode")?;
        if self.content.len() > Self::LIMIT {
            let why = format!(
                "the content has {} bytes, and no more than {} fit into an entry; copy a file that is on the host",
                self.content.len(),
                Self::LIMIT
            );
            return Err(CheckError::of("content", why));
        }
        if self.content.contains('\0') {
            return Err(CheckError::of("content", "the content contains a NUL byte"));
        }
        self.owner.as_deref().map_or(Ok(()), values::owner).within("owner")
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        on_host::files(target, [self.path.as_str()])
    }

    /// An image names contents by keyed digests, so only what is certainly another file can be told from it.
    fn met(&self, _: &ResourceKey, _: Option<&State>, now: &State) -> Option<bool> {
        let State::File { mode, owner, size, .. } = now else { return Some(false) };
        let owned = self.owner.as_ref().is_none_or(|wanted| on_host::is_owner(wanted, owner) != Some(false));
        let fits = *size == self.content.len() as u64 && self.bits().is_none_or(|bits| bits == *mode) && owned;
        if fits { None } else { Some(false) }
    }

    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        on_host::put_back(before)
    }

    fn losses(&self, before: &Image) -> Vec<Residue> {
        on_host::losses(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{Action, Verdict};
    use crate::id::{BodyId, HostName};

    #[test]
    fn a_written_file_is_judged_by_what_can_be_seen_of_it() {
        let host = HostName::new("gluster1.demo").expect("a host name");
        let target = Target { host: Some(host.clone()), node: None };
        let key = ResourceKey::file(&host, "/etc/x");
        let text = |word: &str| Some(word.to_owned());
        let content = "abc".to_owned();
        let write = FileWrite { path: "/etc/x".to_owned(), content, mode: text("0640"), owner: text("root:wheel") };
        let write = Action::FileWrite(write);
        assert_eq!(write.check(), Ok(()));
        let image = |state: State| Image::from([(key.clone(), state)]);
        let wanted = State::file(0o640, "root:wheel", 3, BodyId([1; 32]));
        let footprint = write.footprint(&target);
        let judge = |before: &State, now: &State| write.judge(&footprint, &image(before.clone()), &image(now.clone()));
        let other = State::file(0o640, "root:wheel", 3, BodyId([2; 32]));
        let longer = State::file(0o640, "root:wheel", 4, BodyId([3; 32]));
        assert_eq!(judge(&State::Absent, &State::Absent), Verdict::NotApplied);
        assert_eq!(judge(&State::Absent, &wanted), Verdict::Applied);
        assert_eq!(judge(&other, &other), Verdict::NotApplied, "the size alone says nothing of the content");
        assert_eq!(judge(&other, &wanted), Verdict::Applied);
        assert_eq!(judge(&other, &longer), Verdict::Partial, "someone else wrote there");
        let bad = [
            State::Absent,
            longer,
            State::file(0o600, "root:wheel", 3, BodyId([1; 32])),
            State::file(0o640, "root:bin", 3, BodyId([1; 32])),
            State::link("y"),
        ];
        for state in bad {
            assert_eq!(write.unmet(&image(other.clone()), &image(state.clone())), Some(&key), "{state}");
        }
        assert_eq!(write.unmet(&image(other.clone()), &image(wanted)), None);
        let undo = write.inverse(&target, &image(other.clone()));
        assert!(matches!(&undo[0].action, Action::FileRestore(back) if back.state == other), "{undo:?}");
    }

    #[test]
    fn a_file_that_cannot_be_meant_is_not_written() {
        let write = |path: &str, content: String, mode: Option<&str>, owner: Option<&str>| {
            let (mode, owner) = (mode.map(str::to_owned), owner.map(str::to_owned));
            Action::FileWrite(FileWrite { path: path.to_owned(), content, mode, owner })
        };
        let text = || "x".to_owned();
        let bad = [
            write("etc/x", text(), None, None),
            write("/etc/x/", text(), None, None),
            write("/etc/../x", text(), None, None),
            write("/etc/x", "\0".to_owned(), None, None),
            write("/etc/x", "x".repeat(FileWrite::LIMIT + 1), None, None),
            write("/etc/x", text(), Some("9"), None),
            write("/etc/x", text(), Some("u+x"), None),
            write("/etc/x", text(), None, Some("root:")),
            write("/etc/x", text(), None, Some("a:b:c")),
            write("/etc/x", text(), None, Some("-R")),
        ];
        for action in bad {
            assert!(action.check().is_err(), "{action:?}");
        }
        assert_eq!(write("/etc/x", String::new(), Some("4755"), Some("0:0")).check(), Ok(()));
    }
}
