//! The files of variables beside an inventory: `group_vars` and `host_vars`.

use crate::ansible::sources::{Kind, Sources, data, extension, is_encrypted, join};
use crate::model::error::{ReadError, Wrong};
use crate::model::estate::{ALL, At, Estate, Vars};
use crate::model::value::Value;
use std::collections::BTreeMap;

/// What may stand behind the name of a group or host, in the order in which it is looked for.
const ENDS: [&str; 4] = ["", ".yml", ".yaml", ".json"];
/// Folders in folders: a link may lead in a circle.
const DEEPEST: usize = 20;

/// The variables of files, for each folder beside which there was an inventory.
#[derive(Debug, Default)]
pub(crate) struct VarsFiles {
    folders: Vec<Folder>,
    /// Files that were left out, since they are encrypted as a whole.
    pub(crate) encrypted: Vec<String>,
}

#[derive(Debug, Default)]
struct Folder {
    groups: BTreeMap<String, Vec<Vars>>,
    hosts: BTreeMap<String, Vec<Vars>>,
}

impl VarsFiles {
    /// Reads the files for every host that is in a group, and for the groups that it is in. Nothing else is looked at.
    pub(crate) fn of(
        sources: &dyn Sources,
        paths: &[&str],
        estate: &Estate,
        files: &mut Vec<String>,
        leave_encrypted: bool,
    ) -> Result<Self, ReadError> {
        let mut all = Self::default();
        for path in paths {
            let beside = match sources.kind(path) {
                Kind::Folder => (*path).to_owned(),
                Kind::Missing => continue,
                _ => match path.rsplit_once('/') {
                    Some(("", _)) => "/".to_owned(),
                    Some((folder, _)) => folder.to_owned(),
                    None => String::new(),
                },
            };
            let mut reader = Reader { sources, files, leave_encrypted, encrypted: &mut all.encrypted };
            let mut folder = Folder::default();
            let (groups, hosts) = (join(&beside, "group_vars"), join(&beside, "host_vars"));
            let has = |path: &str| sources.kind(path) == Kind::Folder;
            let (has_groups, has_hosts) = (has(&groups), has(&hosts));
            for (place, host) in estate.hosts.iter().enumerate().filter(|(_, host)| !host.groups.is_empty()) {
                if has_groups {
                    let mut own = estate.groups_of(place);
                    own.insert(ALL);
                    for group in own.into_iter().filter_map(|group| estate.groups.get(group)) {
                        if !folder.groups.contains_key(&group.name) {
                            folder.groups.insert(group.name.clone(), reader.named(&groups, &group.name)?);
                        }
                    }
                }
                if has_hosts {
                    folder.hosts.insert(host.name.clone(), reader.named(&hosts, &host.name)?);
                }
            }
            all.folders.push(folder);
        }
        Ok(all)
    }

    pub(crate) fn folders(&self) -> usize {
        self.folders.len()
    }

    pub(crate) fn of_group(&self, folder: usize, group: &str) -> &[Vars] {
        self.folders.get(folder).and_then(|folder| folder.groups.get(group)).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn of_host(&self, folder: usize, host: &str) -> &[Vars] {
        self.folders.get(folder).and_then(|folder| folder.hosts.get(host)).map(Vec::as_slice).unwrap_or_default()
    }
}

struct Reader<'a> {
    sources: &'a dyn Sources,
    files: &'a mut Vec<String>,
    leave_encrypted: bool,
    encrypted: &'a mut Vec<String>,
}

impl Reader<'_> {
    /// The files of one group or host: the first name that is there, and all files in it if it is a folder.
    fn named(&mut self, folder: &str, name: &str) -> Result<Vec<Vars>, ReadError> {
        // No name leads out of the folder.
        if name.contains('/') || matches!(name, "." | "..") {
            return Ok(Vec::new());
        }
        let paths = ENDS.iter().map(|end| join(folder, &format!("{name}{end}")));
        let found = paths.map(|path| (self.sources.kind(&path), path)).find(|(kind, _)| *kind != Kind::Missing);
        let mut all = Vec::new();
        match found {
            None => {}
            Some((Kind::Folder, path)) => self.within(&path, 0, &mut all)?,
            Some((_, path)) => all.extend(self.file(&path)?),
        }
        Ok(all)
    }

    fn within(&mut self, folder: &str, depth: usize, all: &mut Vec<Vars>) -> Result<(), ReadError> {
        if depth > DEEPEST {
            return Err(ReadError::new(
                folder,
                None,
                "folders are too deep in each other",
                "see whether a link leads back",
            ));
        }
        let why =
            |why| ReadError::new(folder, None, format!("the folder cannot be read: {why}"), "see to its permissions");
        let mut names = self.sources.list(folder).map_err(why)?;
        names.sort();
        for name in names.iter().filter(|name| !name.starts_with('.') && !name.ends_with('~')) {
            let (path, end) = (join(folder, name), extension(name));
            match self.sources.kind(&path) {
                Kind::Folder if end.is_empty() => self.within(&path, depth + 1, all)?,
                Kind::File | Kind::Executable if ENDS.contains(&end) => all.extend(self.file(&path)?),
                _ => {}
            }
        }
        Ok(())
    }

    /// The variables of a file; none if there is nothing in it.
    fn file(&mut self, path: &str) -> Result<Option<Vars>, ReadError> {
        let why = |why| ReadError::new(path, None, format!("cannot be read: {why}"), "see to its permissions");
        let bytes = self.sources.read(path).map_err(why)?;
        if self.leave_encrypted && is_encrypted(&bytes) {
            self.encrypted.push(path.to_owned());
            return Ok(None);
        }
        let file = self.files.len();
        self.files.push(path.to_owned());
        let data = data(&bytes).map_err(|wrong| wrong.within(path))?;
        let lines = data.lines();
        match data.value {
            Value::Map(ref pairs) => {
                let mut vars = Vars::new();
                for (name, value) in pairs {
                    let name = name.key().unwrap_or_default();
                    let at = At { file, line: lines.of(&name).0.unwrap_or(1) };
                    vars.insert(name, vec![(value.clone(), at)]);
                }
                Ok(Some(vars))
            }
            ref empty if empty.is_false() => Ok(None),
            ref other => {
                let why = format!("this is {}, not a map of variables", other.kind());
                Err(Wrong::new(1, why, "write each variable as `name: value`").within(path))
            }
        }
    }
}
