//! Resources of a host that several kinds of actions share: their footprint, and how they are put back.

use crate::action::{Accepted, Action, FileRestore, Service, ServiceState, Target, Undo};
use crate::id::{HostName, ResourceKey};
use crate::resource::{Fields, Footprint, Image, Kind, Loss, Residue, State};

/// Files as resources that are owned.
pub(super) fn files<'a>(target: &Target, paths: impl IntoIterator<Item = &'a str>) -> Vec<Footprint> {
    let Some(host) = &target.host else {
        return Vec::new();
    };
    paths.into_iter().map(|path| Footprint::new(ResourceKey::file(host, path), Fields::All)).collect()
}

/// A file of which only mode and owner are owned.
pub(super) fn permissions(target: &Target, path: &str) -> Vec<Footprint> {
    let host = target.host.iter();
    host.map(|host| Footprint::new(ResourceKey::file(host, path), Fields::Permissions)).collect()
}

/// A file that is only looked at.
pub(super) fn evidence(target: &Target, path: &str) -> Vec<Footprint> {
    let Some(host) = &target.host else {
        return Vec::new();
    };
    vec![Footprint::new(ResourceKey::file(host, path), Fields::Evidence)]
}

/// Whether a file is `wanted`'s, a `user` or `user:group`; none where that cannot be told: a number may be shown by name.
pub(super) fn is_owner(wanted: &str, owner: &str) -> Option<bool> {
    if owner == wanted || owner.split(':').next() == Some(wanted) {
        return Some(true);
    }
    let is_number = |name: &str| name.parse::<u32>().is_ok();
    if wanted.split(':').any(is_number) { None } else { Some(false) }
}

/// Puts one file, link or tree back.
pub(super) fn file_back(key: &ResourceKey, state: &State) -> Undo {
    let path = match key.kind() {
        Some(Kind::File(_, path)) => path.to_owned(),
        _ => String::new(),
    };
    Undo::new(Action::FileRestore(FileRestore { path, state: state.clone() })).or(key, Accepted::Absent)
}

/// Puts every file of a before-image back, one action each, so that a rollback can leave out one of them.
pub(super) fn put_back(before: &Image) -> Vec<Undo> {
    let files = before.iter().filter(|(key, _)| matches!(key.kind(), Some(Kind::File(..))));
    files.map(|(key, state)| file_back(key, state)).collect()
}

/// What putting these files back does not bring, where they are removed or replaced as a whole.
pub(super) fn losses(before: &Image) -> Vec<Residue> {
    let mut losses = Vec::new();
    for (key, state) in before {
        match state {
            State::File { inode: Some(_), .. } => losses.push(Residue { key: key.clone(), loss: Loss::OtherNames }),
            State::Tree { apart: Some(apart), .. } => {
                let all = [(&apart.sockets, Loss::Socket), (&apart.names, Loss::OtherNames)];
                for (paths, loss) in all {
                    losses.extend(paths.iter().map(|path| Residue { key: below(key, path), loss }));
                }
                if apart.holes.contains("") {
                    losses.push(Residue { key: key.clone(), loss: Loss::Holes });
                }
            }
            _ => {}
        }
    }
    losses
}

/// The key of a path below a directory; the directory's own for those that are not named.
pub(crate) fn below(key: &ResourceKey, path: &str) -> ResourceKey {
    match key.kind() {
        Some(Kind::File(host, dir)) if !path.is_empty() => HostName::new(host).map_or_else(
            |_| key.clone(),
            |host| ResourceKey::file(&host, &format!("{}/{path}", dir.trim_end_matches('/'))),
        ),
        _ => key.clone(),
    }
}

/// Puts a unit back into a recorded state. Of a unit that was not there, only what could have been changed is undone:
/// it is stopped and disabled; its file belongs to a package or file step.
pub(super) fn unit_back(key: &ResourceKey, state: &State) -> Option<Undo> {
    let Some(Kind::Unit(_, unit)) = key.kind() else {
        return None;
    };
    let (run, enabled) = match state {
        State::Unit { active, enabled } => (
            if active.runs() { ServiceState::Started } else { ServiceState::Stopped },
            match enabled.as_str() {
                "enabled" => Some(true),
                "disabled" => Some(false),
                _ => None,
            },
        ),
        _ => (ServiceState::Stopped, Some(false)),
    };
    let action = Service { unit: unit.to_owned(), units: Vec::new(), state: Some(run), enabled };
    Some(Undo::new(Action::Service(action)).or(key, Accepted::Stopped))
}

/// The order in which units stop: whatever restarts others goes first.
pub(super) fn stop_rank(key: &ResourceKey) -> u8 {
    match key.kind() {
        Some(Kind::Unit(_, unit)) if unit.ends_with("-node") || unit == "kubelet" => 0,
        Some(Kind::Unit(_, "crio" | "cri-o" | "docker" | "containerd")) => 1,
        _ => 2,
    }
}

/// Whether the unit answers the host's own name look-ups.
pub(super) fn is_resolver(key: &ResourceKey) -> bool {
    matches!(key.kind(), Some(Kind::Unit(_, "dnsmasq" | "unbound" | "systemd-resolved")))
}
