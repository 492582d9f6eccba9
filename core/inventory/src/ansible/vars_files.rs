//! The files of variables beside an inventory: `group_vars` and `host_vars`.

use crate::ansible::sources::{Kind, Refuse, Sources, data, extension, is_encrypted, join};
use crate::model::error::{ReadError, Wrong};
use crate::model::estate::{ALL, At, Estate, Vars};
use crate::model::layer::Layer;
use crate::model::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What may stand behind the name of a group or host, in the order in which it is looked for.
const ENDS: [&str; 4] = ["", ".yml", ".yaml", ".json"];
/// Folders in folders: a link may lead in a circle.
const DEEPEST: usize = 20;

/// The variables of files, for each folder beside which there was an inventory.
#[derive(Debug, Default)]
pub(crate) struct VarsFiles {
    folders: Vec<Folder>,
    /// Files that were left out, since they are encrypted as a whole.
    pub(crate) encrypted: Vec<Left>,
}

/// A file that cannot be read without a password.
#[derive(Debug, Clone)]
pub(crate) struct Left {
    pub(crate) file: String,
    pub(crate) of: Owner,
}

/// Whose variables a file holds, by its place in the estate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Group(usize),
    Host(usize),
}

#[derive(Debug, Default)]
struct Folder {
    groups: BTreeMap<String, Vec<Vars>>,
    hosts: BTreeMap<String, Vec<Vars>>,
}

impl VarsFiles {
    /// Reads the files for every host that is in a group, for the groups that it is in, and for others that are named.
    /// Nothing else is looked at.
    pub(crate) fn of(
        sources: &dyn Sources,
        (paths, also): (&[&str], &[&str]),
        estate: &Estate,
        files: &mut Vec<String>,
        leave_encrypted: bool,
        wrong: Refuse<'_>,
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
            let mut folder = Folder::default();
            let (groups, hosts) = (join(&beside, "group_vars"), join(&beside, "host_vars"));
            let encrypted = &mut all.encrypted;
            let mut reader = Reader { sources, files, leave_encrypted, encrypted, of: Owner::Group(ALL) };
            if let Some(there) = Names::of(sources, &groups) {
                let mut wanted = estate.groups_with_hosts();
                wanted.extend(also.iter().filter_map(|group| estate.find_group(group)));
                for place in wanted {
                    let Some(group) = estate.groups.get(place).filter(|group| there.may_have(&group.name)) else {
                        continue;
                    };
                    reader.of = Owner::Group(place);
                    match reader.named(&groups, &group.name) {
                        Ok(vars) => drop(folder.groups.insert(group.name.clone(), vars)),
                        Err(found) => wrong(found)?,
                    }
                }
            }
            if let Some(there) = Names::of(sources, &hosts) {
                let known = estate.hosts.iter().enumerate().filter(|(_, host)| !host.groups.is_empty());
                for (place, host) in known.filter(|(_, host)| there.may_have(&host.name)) {
                    reader.of = Owner::Host(place);
                    match reader.named(&hosts, &host.name) {
                        Ok(vars) => drop(folder.hosts.insert(host.name.clone(), vars)),
                        Err(found) => wrong(found)?,
                    }
                }
            }
            all.folders.push(folder);
        }
        Ok(all)
    }

    /// The variables of all files, with who they are for.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Vars, Layer<'_>)> {
        self.folders.iter().flat_map(|folder| {
            let groups = folder
                .groups
                .iter()
                .flat_map(|(group, all)| all.iter().map(move |vars| (group.as_str(), vars, Layer::GroupFile(group))));
            let hosts = folder.hosts.iter();
            groups
                .chain(hosts.flat_map(|(host, all)| all.iter().map(move |vars| (host.as_str(), vars, Layer::HostFile))))
        })
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

/// What is in a folder, so that a file is asked for only if it is there.
struct Names(Option<BTreeSet<String>>);

impl Names {
    /// None if there is no such folder. One that may be entered and not listed is asked for each name.
    fn of(sources: &dyn Sources, folder: &str) -> Option<Self> {
        (sources.kind(folder) == Kind::Folder)
            .then(|| Self(sources.list(folder).ok().map(|names| names.into_iter().collect())))
    }

    fn may_have(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|names| ENDS.iter().any(|end| names.contains(&format!("{name}{end}"))))
    }
}

struct Reader<'a> {
    sources: &'a dyn Sources,
    files: &'a mut Vec<String>,
    leave_encrypted: bool,
    encrypted: &'a mut Vec<Left>,
    of: Owner,
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
            return Err(ReadError::too_deep(folder));
        }
        let why = |why: String| ReadError::no_folder(folder, &why);
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
        let why = |why: String| ReadError::no_file(path, &why);
        let bytes = self.sources.read(path).map_err(why)?;
        if self.leave_encrypted && is_encrypted(&bytes) {
            self.encrypted.push(Left { file: path.to_owned(), of: self.of });
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
