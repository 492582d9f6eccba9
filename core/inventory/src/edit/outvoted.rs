//! Edits of group variables that a file in `group_vars` would outvote.

use crate::ansible::Sources;
use crate::edit::kinds::Edit;
use crate::edit::refusal::EditError;
use crate::edit::{definitions, pins};
use crate::model::{Layer, Reading, Said};

/// Refuses edits of group variables that a file in `group_vars` would outvote: what such a file says wins over all
/// group variables of the inventory. `sources` have the inventory as it shall be. What cannot be read says nothing.
///
/// # Errors
/// With the file and line that says something else.
pub fn outvoted(sources: &dyn Sources, file: &str, edits: &[Edit]) -> Result<(), EditError> {
    let set: Vec<(&str, Vec<&str>)> = edits.iter().filter_map(sets).collect();
    if set.is_empty() {
        return Ok(());
    }
    let also: Vec<&str> = set.iter().map(|(group, _)| *group).collect();
    let (reading, _) = Reading::as_far_as_it_goes(sources, &[file], &also);
    for (group, names) in set {
        for name in names {
            if let Some(winner) = winner(&reading, group, name) {
                return Err(EditError::Outvoted {
                    file: winner.file.to_owned(),
                    line: winner.line,
                    group: group.to_owned(),
                    name: name.to_owned(),
                });
            }
        }
    }
    Ok(())
}

/// The group whose variables an edit sets, and these.
fn sets(edit: &Edit) -> Option<(&str, Vec<&str>)> {
    match edit {
        Edit::SetGroupVar { group, name, .. } | Edit::LiftHostVar { group, name } => Some((group, vec![name])),
        Edit::PinVersions { group: Some(group), .. } => Some((group, pins::names())),
        Edit::NodeGroup { group: Some(group), .. } => Some((group, vec![definitions::VARIABLE])),
        Edit::SetHostVar { .. }
        | Edit::UnsetHostVar { .. }
        | Edit::StripHostVarSuffix { .. }
        | Edit::MoveHost { .. }
        | Edit::EnsureChild { .. }
        | Edit::UnsetGroupVar { .. }
        | Edit::PinVersions { group: None, .. }
        | Edit::NodeGroup { group: None, .. }
        | Edit::SetVar { .. }
        | Edit::UnsetVar { .. } => None,
    }
}

/// The file that says something else; the group's own counts even while it has no host.
fn winner<'a>(reading: &'a Reading, group: &str, name: &str) -> Option<Said<'a>> {
    let estate = &reading.estate;
    let place = estate.find_group(group)?;
    let (wanted, _) = estate.groups.get(place)?.vars.get(name)?.last()?;
    let in_file = |said: &Said<'_>| matches!(said.layer, Layer::GroupFile(_)) && !said.value.same(wanted);
    let own = reading.of_group_files(place, name);
    let of_hosts = estate.hosts_of(group).into_iter().filter_map(|host| reading.strongest(host, name));
    own.into_iter().chain(of_hosts).find(in_file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ansible::Kind;
    use std::collections::BTreeMap;

    struct Memory(BTreeMap<String, String>);

    impl Sources for Memory {
        fn kind(&self, path: &str) -> Kind {
            match path {
                "group_vars" | "host_vars" => Kind::Folder,
                file if self.0.contains_key(file) => Kind::File,
                _ => Kind::Missing,
            }
        }

        fn read(&self, path: &str) -> Result<Vec<u8>, String> {
            self.0.get(path).map(|text| text.clone().into_bytes()).ok_or_else(|| "it is gone".to_owned())
        }

        fn list(&self, _: &str) -> Result<Vec<String>, String> {
            Err("it may be entered alone".to_owned())
        }

        fn run(&self, _: &str, _: &[&str]) -> Result<Vec<u8>, String> {
            Err("nothing is run".to_owned())
        }
    }

    #[test]
    fn files_win_over_the_inventory() {
        let hosts =
            "[p:children]\ng\n[g]\nh a=inline\n[k]\n[p:vars]\na=1\nb=1\nx=1\n[g:vars]\nc=2\nd=2\n[k:vars]\ne=1\n";
        let files = [
            ("hosts", hosts),
            ("group_vars/all", "b: 3\nd: 3\n"),
            ("group_vars/p.yml", "d: 4\n"),
            ("group_vars/k.yml", "e: '1'\n"),
            ("host_vars/h", "x: file\n"),
        ];
        let files = Memory(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect());
        let edit = |group: &str, name: &str| Edit::LiftHostVar { group: group.to_owned(), name: name.to_owned() };
        for (edit, place) in [
            (edit("g", "c"), None),
            (edit("g", "d"), Some("group_vars/p.yml")),
            // Of `all` the file is stronger than the inventory's lines of any group, too.
            (edit("p", "b"), Some("group_vars/all")),
            (edit("p", "x"), None),
            // A text is no number.
            (edit("k", "e"), Some("group_vars/k.yml")),
        ] {
            let found = match outvoted(&files, "hosts", std::slice::from_ref(&edit)) {
                Err(EditError::Outvoted { file, .. }) => Some(file),
                other => {
                    assert_eq!(other, Ok(()));
                    None
                }
            };
            assert_eq!(found.as_deref(), place, "{edit:?}");
        }
    }
}
