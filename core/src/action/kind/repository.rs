//! `repository`: where packages come from: enabled repositories, and the release that is pinned.

use crate::action::{
    Action, ActionKind, CheckError, Described, InField as _, Place, Recovery, Target, Undo, UndoClass, values,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Fields, Footprint, Image, Kind, State};
use crate::shown::Shown as _;
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The word for no pinned release.
pub const UNSET: &str = "unset";

/// Enables and disables package repositories of the host, and pins its release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    /// The ids of repositories that shall be enabled.
    #[serde(default)]
    pub enable: Vec<String>,
    /// The ids of repositories that shall be disabled.
    #[serde(default)]
    pub disable: Vec<String>,
    /// The release that is pinned, such as `7.6`, or `unset` for none.
    #[serde(default)]
    pub release: Option<String>,
}

impl Repository {
    /// Every id with whether it shall be enabled.
    pub fn wanted(&self) -> impl Iterator<Item = (&str, bool)> {
        self.enable.iter().map(|id| (id.as_str(), true)).chain(self.disable.iter().map(|id| (id.as_str(), false)))
    }

    /// The release that shall be pinned: none if it is left alone, and none in it if none shall be.
    pub fn pinned(&self) -> Option<Option<&str>> {
        self.release.as_deref().map(|release| Some(release).filter(|release| *release != UNSET))
    }
}

impl Described for Repository {
    const EXAMPLES: &'static [&'static str] = &["\
- updates:
    repository:
      enable: [rhel-7-server-ose-3.11-rpms]
      disable: [epel]
      release: \"7.6\"
"];
    const ONE_OF: &'static [&'static str] = &["enable", "disable", "release"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for Repository {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self { enable: dice.words(), disable: dice.words(), release: dice.maybe(Dice::word) }
    }
}

impl ActionKind for Repository {
    fn place(&self) -> Place {
        Place::Host
    }

    fn class(&self) -> UndoClass {
        UndoClass::Reversible
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    fn words(&self) -> String {
        let mut parts = Vec::new();
        for (verb, ids) in [("enable", &self.enable), ("disable", &self.disable)] {
            if !ids.is_empty() {
                parts
                    .push(format!("{verb} {}", values::list(ids, "repository").replace("repositorys", "repositories")));
            }
        }
        match self.pinned() {
            Some(Some(release)) => parts.push(format!("pin the release {release}")),
            Some(None) => parts.push("pin no release".to_owned()),
            None => {}
        }
        parts.join(", ")
    }

    fn check(&self) -> Result<(), CheckError> {
        if self.enable.is_empty() && self.disable.is_empty() && self.release.is_none() {
            return Err(CheckError::whole("`repository` says neither `enable` nor `disable` nor `release`"));
        }
        if let Some(id) = self.enable.iter().find(|id| self.disable.contains(id)) {
            return Err(CheckError::of("enable", format!("`{}` shall be enabled and disabled", id.shown())));
        }
        values::words("repository", &self.enable, "-._:").within("enable")?;
        values::words("repository", &self.disable, "-._:").within("disable")?;
        values::words("release", &self.release, "-._").within("release")
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        let Some(host) = &target.host else {
            return Vec::new();
        };
        let ids = self.wanted().map(|(id, _)| ResourceKey::repository(host, id));
        let release = self.release.iter().map(|_| ResourceKey::release(host));
        ids.chain(release).map(|key| Footprint::new(key, Fields::All)).collect()
    }

    fn met(&self, key: &ResourceKey, _: Option<&State>, now: &State) -> Option<bool> {
        match key.kind() {
            Some(Kind::Repository(_, id)) => {
                let (_, on) = self.wanted().find(|(wanted, _)| *wanted == id)?;
                Some(matches!(now, State::Repository { enabled } if *enabled == on))
            }
            Some(Kind::Release(_)) => {
                let pinned = self.pinned()?;
                Some(match now {
                    State::Release { version } => pinned == Some(version),
                    _ => pinned.is_none(),
                })
            }
            _ => None,
        }
    }

    /// What was enabled is enabled again, what was not is not, and the release is what it was.
    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        let nothing = Self { enable: Vec::new(), disable: Vec::new(), release: None };
        let mut back = nothing.clone();
        for (key, state) in before {
            match (key.kind(), state) {
                (Some(Kind::Repository(_, id)), State::Repository { enabled: true }) => back.enable.push(id.to_owned()),
                (Some(Kind::Repository(_, id)), State::Repository { .. }) => back.disable.push(id.to_owned()),
                (Some(Kind::Release(_)), State::Release { version }) => back.release = Some(version.clone()),
                (Some(Kind::Release(_)), _) => back.release = Some(UNSET.to_owned()),
                _ => {}
            }
        }
        // Of repositories that are not there nothing was changed.
        if back == nothing { Vec::new() } else { vec![Undo::new(Action::Repository(back))] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::HostName;

    #[test]
    fn what_was_enabled_comes_back_and_not_the_opposite_of_what_was_done() {
        let host = HostName::new("gluster1.demo").expect("a host name");
        let target = Target { host: Some(host.clone()), node: None };
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let repository = |enable: &[&str], disable: &[&str], release: Option<&str>| {
            let release = release.map(str::to_owned);
            Action::Repository(Repository { enable: ids(enable), disable: ids(disable), release })
        };
        let change = repository(&["a", "b"], &["c", "gone"], Some("7.6"));
        assert_eq!(change.check(), Ok(()));
        let key = |id: &str| ResourceKey::repository(&host, id);
        let release = ResourceKey::release(&host);
        assert_eq!(change.footprint(&target).len(), 5);
        let mut image = Image::from([
            (key("a"), State::Repository { enabled: true }),
            (key("b"), State::Repository { enabled: false }),
            (key("c"), State::Repository { enabled: true }),
            (key("gone"), State::Absent),
            (release.clone(), State::Absent),
        ]);
        let undo: Vec<Action> = change.inverse(&target, &image).into_iter().map(|undo| undo.action).collect();
        assert_eq!(undo, [repository(&["a", "c"], &["b"], Some(UNSET))]);
        let met = |key: &ResourceKey, image: &Image| change.met(key, None, &image[key]);
        assert_eq!((met(&key("a"), &image), met(&key("b"), &image)), (Some(true), Some(false)));
        assert_eq!((met(&key("gone"), &image), met(&release, &image)), (Some(false), Some(false)));
        image.insert(release.clone(), State::Release { version: "7.6".to_owned() });
        assert_eq!((met(&release, &image), undo[0].met(&release, None, &image[&release])), (Some(true), Some(false)));
        let undo: Vec<Action> = change.inverse(&target, &image).into_iter().map(|undo| undo.action).collect();
        assert_eq!(undo, [repository(&["a", "c"], &["b"], Some("7.6"))]);
        let bad = [repository(&[], &[], None), repository(&["a"], &["a"], None), repository(&["-x"], &[], None)];
        assert!(bad.iter().all(|action| action.check().is_err()));
    }
}
