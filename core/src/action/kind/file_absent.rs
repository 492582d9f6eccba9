//! `file`: files and trees, removed.

use crate::action::{
    ActionKind, CheckError, Described, FileWrite, InField as _, Place, Recovery, Target, Undo, UndoClass, on_host,
    values,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, Kind, Residue, State};
use crate::shown::Shown as _;
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Removes files and trees. `DIR/*` empties a directory and keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileAbsent {
    /// Absolute paths; a trailing `/*` means everything in that directory.
    pub paths: Vec<String>,
    /// Always `absent`: what a runbook writes so that the line says what it does.
    pub state: FileState,
}

/// The one state that `file` knows so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileState {
    /// Not there.
    Absent,
}

impl FileAbsent {
    /// The resource of a path: `DIR/*` is the directory itself, as a tree.
    fn resource(path: &str) -> &str {
        path.strip_suffix("/*").unwrap_or(path)
    }

    /// Whether a path is one that this action can remove: absolute, plain, not the root, no other wildcard.
    fn removable(path: &str) -> Result<(), &'static str> {
        let plain = Self::resource(path);
        if !plain.starts_with('/') {
            return Err("the path is not absolute");
        }
        if plain.trim_end_matches('/').is_empty() {
            return Err("refusing to remove the root directory");
        }
        if plain.split('/').any(|part| part == ".." || part == ".") {
            return Err("the path contains . or ..");
        }
        if plain.contains(['*', '?', '[', '{']) {
            return Err("the only wildcard that is understood is a trailing /*");
        }
        if plain.chars().any(char::is_control) {
            return Err("the path contains control characters");
        }
        Ok(())
    }
}

impl Described for FileAbsent {
    const EXAMPLES: &'static [&'static str] = &[
        "\
- purge:
    file:
      paths: [/etc/origin, \"/etc/dnsmasq.d/*\"]
      state: absent
",
        "\
- motd:
    file: { path: /etc/motd, content: \"In migration.\\n\", mode: \"0644\" }
",
    ];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>(), Form::of::<FileWrite>()]
    }
}

#[cfg(test)]
impl Arbitrary for FileAbsent {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self { paths: dice.words(), state: FileState::Absent }
    }
}

impl ActionKind for FileAbsent {
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

    fn words(&self) -> String {
        format!("remove {}", values::list(&self.paths, "path"))
    }

    fn check(&self) -> Result<(), CheckError> {
        values::not_empty("paths", self.paths.len()).within("paths")?;
        let paths = self.paths.iter().try_for_each(|text| {
            Self::removable(text).map_err(|why| format!("cannot remove `{}`: {why}", text.shown()))
        });
        paths.within("paths")
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        on_host::files(target, self.paths.iter().map(|path| Self::resource(path)))
    }

    fn met(&self, key: &ResourceKey, _: Option<&State>, now: &State) -> Option<bool> {
        let Some(Kind::File(_, path)) = key.kind() else {
            return None;
        };
        let wanted = self.paths.iter().find(|item| Self::resource(item) == path)?;
        Some(match now {
            State::Absent => true,
            State::Tree { entries, .. } => wanted.ends_with("/*") && *entries == 0,
            _ => false,
        })
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

    #[test]
    fn dangerous_paths_are_refused() {
        for bad in ["/", "/*", "etc", "", "/etc/../*", "/a*b", "//", "/x/\u{1b}[2J", "/etc/*/x"] {
            assert!(FileAbsent::removable(bad).is_err(), "{bad:?}");
        }
        for good in ["/etc/origin", "/etc/dnsmasq.d/*", "/etc/sysconfig/atomic-openshift-node.rpmsave"] {
            assert_eq!(FileAbsent::removable(good), Ok(()), "{good}");
        }
    }
}
