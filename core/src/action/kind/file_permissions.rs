//! `file.permissions`: mode and owner of a file, and nothing else of it.

use crate::action::{
    Action, ActionKind, CheckError, Described, InField as _, JudgedBy, Place, Recovery, Target, Undo, UndoClass,
    on_host, values,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, Kind, State};
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Changes the mode and the owner of a file that is there, one of them or both. Its content and all else stay.
///
/// It changes files only. A symbolic link, a directory and a path where nothing is are refused: what is recorded of a
/// directory is an archive, which says nothing of its owner. So is a new owner of a file that has capabilities, which
/// would be lost with the old one. As of every file, the content is recorded too: it has at most 32 MiB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilePermissions {
    /// The file, absolute.
    pub path: String,
    /// Permission bits in three or four octal digits; without them it keeps its own.
    #[serde(default)]
    pub mode: Option<String>,
    /// `user` or `user:group`; without it, and of a group that is not named, it keeps its own.
    #[serde(default)]
    pub owner: Option<String>,
}

impl FilePermissions {
    /// The permission bits.
    pub fn bits(&self) -> Option<u32> {
        self.mode.as_deref().and_then(values::bits)
    }
}

impl Described for FilePermissions {
    const EXAMPLES: &'static [&'static str] = &["\
- key-is-private:
    file.permissions:
      path: /etc/pki/tls/private/web.key
      mode: \"0640\"
      owner: \"root:apache\"
"];
    const ONE_OF: &'static [&'static str] = &["mode", "owner"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for FilePermissions {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self { path: dice.word(), mode: dice.maybe(Dice::word), owner: dice.maybe(Dice::word) }
    }
}

impl ActionKind for FilePermissions {
    fn place(&self) -> Place {
        Place::Host
    }

    fn class(&self) -> UndoClass {
        UndoClass::Reversible
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    /// A mode that someone sets after the look would be lost, and the way back would bring an older one.
    fn replaces_files(&self) -> bool {
        true
    }

    /// An owner that is given by number may be shown by name: then only a change tells.
    fn judged_by(&self) -> JudgedBy {
        JudgedBy::Change
    }

    fn words(&self) -> String {
        let mode = self.mode.as_ref().map(|mode| format!("the mode {mode}"));
        let owner = self.owner.as_ref().map(|owner| format!("the owner {owner}"));
        let both: Vec<String> = mode.into_iter().chain(owner).collect();
        format!("give {} {}", self.path, both.join(" and "))
    }

    fn subject(&self) -> String {
        self.path.clone()
    }

    fn check(&self) -> Result<(), CheckError> {
        values::file_path(&self.path).within("path")?;
        if self.mode.is_none() && self.owner.is_none() {
            return Err(CheckError::whole("neither `mode` nor `owner` is given"));
        }
        self.mode.as_deref().map_or(Ok(()), values::mode).within("mode")?;
        self.owner.as_deref().map_or(Ok(()), values::owner).within("owner")
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        on_host::permissions(target, &self.path)
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, now: &State) -> Option<bool> {
        let State::File { mode, owner, .. } = now else { return Some(false) };
        if self.bits().is_some_and(|bits| bits != *mode) {
            return Some(false);
        }
        self.owner.as_ref().map_or(Some(true), |wanted| on_host::is_owner(wanted, owner))
    }

    /// The old ones. Of what is no file nothing was changed.
    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        let back = |(key, state): (&ResourceKey, &State)| match (key.kind(), state) {
            (Some(Kind::File(_, path)), State::File { mode, owner, .. }) => {
                let (path, owner) = (path.to_owned(), Some(owner.clone()));
                Some(Undo::new(Action::FilePermissions(Self { path, mode: Some(format!("{mode:04o}")), owner })))
            }
            _ => None,
        };
        before.iter().filter_map(back).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Verdict;
    use crate::id::{BodyId, HostName};

    fn given(path: &str, mode: Option<&str>, owner: Option<&str>) -> Action {
        let (mode, owner) = (mode.map(str::to_owned), owner.map(str::to_owned));
        Action::FilePermissions(FilePermissions { path: path.to_owned(), mode, owner })
    }

    #[test]
    fn it_is_judged_by_mode_and_owner_and_taken_back_to_those_of_before() {
        let host = HostName::new("gluster1.demo").expect("a host name");
        let target = Target { host: Some(host.clone()), node: None };
        let key = ResourceKey::file(&host, "/etc/x");
        let file = |mode, owner: &str| State::file(mode, owner, 3, BodyId([1; 32]));
        let image = |state: &State| Image::from([(key.clone(), state.clone())]);
        let was = file(0o4755, "root:root");
        let judge = |action: &Action, now: &State| action.judge(&action.footprint(&target), &image(&was), &image(now));
        let both = given("/etc/x", Some("0640"), Some("root:bin"));
        let rows = [
            (&both, was.clone(), Verdict::NotApplied),
            (&both, file(0o640, "root:bin"), Verdict::Applied),
            (&both, file(0o640, "root:root"), Verdict::Partial),
            (&both, file(0o755, "root:bin"), Verdict::Partial),
            (&both, State::Absent, Verdict::Partial),
            (&given("/etc/x", None, Some("bin")), file(0o4755, "bin:root"), Verdict::Applied),
            (&given("/etc/x", None, Some("bin")), file(0o755, "root:root"), Verdict::Partial),
            (&given("/etc/x", Some("755"), None), file(0o755, "any:one"), Verdict::Applied),
            // A number may be shown by name.
            (&given("/etc/x", None, Some("1:1")), file(0o4755, "bin:bin"), Verdict::Applied),
            (&given("/etc/x", None, Some("1:1")), was.clone(), Verdict::NotApplied),
        ];
        for (action, now, verdict) in rows {
            assert_eq!(judge(action, &now), verdict, "{}: {now}", action.words());
        }
        let back = both.inverse(&target, &image(&was));
        assert_eq!(
            back.iter().map(|undo| undo.action.words()).collect::<Vec<_>>(),
            ["give /etc/x the mode 4755 and the owner root:root"]
        );
        assert!(back[0].action.unmet(&image(&was), &image(&was)).is_none());
        for state in [State::Absent, State::link("y")] {
            assert_eq!(both.inverse(&target, &image(&state)), Vec::new(), "{state}");
        }
    }

    /// 420 is what 0644 becomes where a program reads it as a number.
    #[test]
    fn a_mode_that_may_be_decimal_is_told() {
        let found = |mode: &str| {
            let text = format!(
                "runbook: x\nhosts: {{ group: a }}\neach_host:\n  - x: {{ file.permissions: {{ path: /x, mode: {mode} }} }}\n"
            );
            crate::runbook::Runbook::check(&text, &crate::runbook::Given::default()).findings
        };
        assert_eq!(found("0644"), Vec::new());
        assert!(found("420").iter().any(|finding| finding.next.contains("0644")), "{:?}", found("420"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let bad = [
            given("etc/x", Some("0644"), None),
            given("/etc/x/", Some("0644"), None),
            given("/etc/x", None, None),
            given("/etc/x", Some("9"), None),
            given("/etc/x", Some("u+x"), None),
            given("/etc/x", None, Some("root:")),
            given("/etc/x", None, Some("a:b:c")),
            given("/etc/x", None, Some("-R")),
        ];
        for action in bad {
            assert!(action.check().is_err(), "{action:?}");
        }
        for good in [given("/etc/x", Some("{{ m }}"), None), given("/etc/x", Some("4755"), Some("0:0"))] {
            assert_eq!(good.check(), Ok(()), "{good:?}");
        }
    }
}
