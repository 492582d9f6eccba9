//! Where inventories come from: what must be told of files, and the order in which Ansible tries what they are.

use crate::ansible::json::from_json;
use crate::ansible::script;
use crate::ini;
use crate::ini::address::split_port;
use crate::model::error::{ReadError, Wrong, shown};
use crate::model::estate::{At, Estate, UNGROUPED};
use crate::model::value::Value;
use crate::yaml;
use crate::yaml::document::{Document, Lines};

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, or nothing that may be read.
    Missing,
    /// A folder.
    Folder,
    /// A file.
    File,
    /// A file that may be executed.
    Executable,
}

/// Files and programs, as far as inventories need them. This package touches none itself.
pub trait Sources {
    /// What is there.
    fn kind(&self, path: &str) -> Kind;
    /// The content of a file, or why it cannot be had.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
    /// The names in a folder, or why they cannot be had.
    fn list(&self, path: &str) -> Result<Vec<String>, String>;
    /// What a program prints, or why it failed.
    fn run(&self, path: &str, args: &[&str]) -> Result<Vec<u8>, String>;
}

/// Folders in folders: a link may lead in a circle.
const DEEPEST: usize = 20;

const NO_INVENTORIES: [&str; 3] = ["host_vars", "group_vars", "vars_plugins"];
const NO_INVENTORY_ENDS: [&str; 12] =
    [".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry"];
const YAML_ENDS: [&str; 3] = [".yaml", ".yml", ".json"];

/// A path below a folder.
pub(crate) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() || folder.ends_with('/') { format!("{folder}{name}") } else { format!("{folder}/{name}") }
}

/// The last part of a path from its last dot on; the dots at its begin do not count.
pub(crate) fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let bare = name.trim_start_matches('.');
    bare.rfind('.').and_then(|at| bare.get(at..)).unwrap_or_default()
}

/// A file of JSON or YAML.
pub(crate) struct Data {
    pub(crate) value: Value,
    document: Option<Document>,
}

impl Data {
    /// Where its keys are.
    pub(crate) fn lines(&self) -> Lines<'_> {
        self.document.as_ref().map(Document::lines).unwrap_or_default()
    }
}

/// Reads a file of JSON or YAML, as Ansible reads both.
pub(crate) fn data(bytes: &[u8]) -> Result<Data, Wrong> {
    not_encrypted(bytes)?;
    let not_utf8 = |error: std::str::Utf8Error| {
        let line = 1 + bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count();
        Wrong::new(line, "this is not UTF-8", "save the file as UTF-8")
    };
    let text = std::str::from_utf8(bytes).map_err(not_utf8)?;
    let document = Document::parse(text);
    if let Some(value) = from_json(text) {
        return Ok(Data { value, document: document.ok() });
    }
    let document = document?;
    Ok(Data { value: document.value()?, document: Some(document) })
}

/// Whether a vault holds the whole file.
pub(crate) fn is_encrypted(bytes: &[u8]) -> bool {
    bytes.starts_with(b"$ANSIBLE_VAULT")
}

fn not_encrypted(bytes: &[u8]) -> Result<(), Wrong> {
    if is_encrypted(bytes) {
        let mend =
            "decrypt it with `ansible-vault decrypt`, or encrypt single values with `ansible-vault encrypt_string`";
        return Err(Wrong::new(1, "the file is encrypted as a whole", mend));
    }
    Ok(())
}

/// Takes what is wrong with a file, and gives it back if that ends all.
pub(crate) type Refuse<'a> = &'a mut dyn FnMut(ReadError) -> Result<(), ReadError>;

/// What an inventory, or a part of one, turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Folder,
    Ini,
    Yaml,
    Json,
    Script,
    /// Names of hosts between commas.
    Names,
}

/// Reads one inventory after the other into an estate.
pub(crate) struct Walk<'a> {
    pub(crate) sources: &'a dyn Sources,
    pub(crate) files: Vec<String>,
    /// What was found on the way, in order.
    pub(crate) forms: Vec<Form>,
    /// What is done about a part that cannot be read: it ends all, or is passed over.
    pub(crate) wrong: Refuse<'a>,
    pub(crate) estate: Estate,
}

impl Walk<'_> {
    pub(crate) fn source(&mut self, path: &str, depth: usize) -> Result<(), ReadError> {
        match self.sources.kind(path) {
            Kind::Folder => self.folder(path, depth),
            Kind::Missing if path.contains(',') && depth == 0 => self.names(path),
            Kind::Missing => {
                Err(ReadError::new(path, None, "there is no such inventory, or it may not be read", "correct its name"))
            }
            kind => self.file(path, kind == Kind::Executable),
        }
    }

    fn folder(&mut self, path: &str, depth: usize) -> Result<(), ReadError> {
        if depth > DEEPEST {
            return Err(ReadError::too_deep(path));
        }
        let why = |why: String| ReadError::no_folder(path, &why);
        let mut names = self.sources.list(path).map_err(why)?;
        names.sort();
        names.retain(|name| {
            !name.starts_with('.')
                && !NO_INVENTORIES.contains(&name.as_str())
                && !NO_INVENTORY_ENDS.iter().any(|end| name.ends_with(end))
        });
        if names.is_empty() {
            return Err(ReadError::new(path, None, "there is no inventory in this folder", "name another one"));
        }
        self.forms.push(Form::Folder);
        names.iter().try_for_each(|name| self.source(&join(path, name), depth + 1).or_else(&mut *self.wrong))
    }

    /// Names of hosts between commas.
    fn names(&mut self, list: &str) -> Result<(), ReadError> {
        let file = self.files.len();
        self.files.push(list.to_owned());
        self.forms.push(Form::Names);
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let plain = split_port(name).filter(|(name, _)| !name.contains('['));
            let (host, port) = plain.unwrap_or((name, None));
            if self.estate.find_host(host).is_none() {
                self.estate.add_host(host, UNGROUPED, port.as_deref(), At { file, line: 1 });
            }
        }
        Ok(())
    }

    /// A file is tried as each thing that it may be. Ansible keeps what it understood before it failed, and so do we.
    fn file(&mut self, path: &str, executable: bool) -> Result<(), ReadError> {
        let file = self.files.len();
        self.files.push(path.to_owned());
        let mut first: Option<Wrong> = None;
        if executable {
            match self.script(path, file) {
                Ok(()) => {
                    self.forms.push(Form::Script);
                    return Ok(());
                }
                Err(wrong) => first = Some(wrong),
            }
        }
        let why = |why: String| ReadError::no_file(path, &why);
        let bytes = self.sources.read(path).map_err(why)?;
        let extension = extension(path);
        if extension == ".toml" {
            let mend = "write it as YAML: `ansible-inventory --list --yaml` prints it so";
            return Err(Wrong::anywhere("inventories in TOML are not understood", mend).within(path));
        }
        if first.is_some() && !bytes.starts_with(b"#!") {
            // An ordinary file with a bit too many.
            first = None;
        }
        if extension.is_empty() || YAML_ENDS.contains(&extension) {
            let (wrong, means_yaml) = match self.yaml(&bytes, file) {
                Ok(()) => {
                    let json = std::str::from_utf8(&bytes).is_ok_and(|text| from_json(text).is_some());
                    self.forms.push(if json { Form::Json } else { Form::Yaml });
                    return Ok(());
                }
                Err(wrong) => wrong,
            };
            if (means_yaml || !extension.is_empty()) && first.is_none() {
                first = Some(wrong);
            }
        }
        match not_encrypted(&bytes).and_then(|()| ini::read::read(&bytes, file, &mut self.estate)) {
            Ok(()) => {
                self.forms.push(Form::Ini);
                Ok(())
            }
            Err(wrong) => Err(first.unwrap_or(wrong).within(path)),
        }
    }

    fn script(&mut self, path: &str, file: usize) -> Result<(), Wrong> {
        let mend = "run it by hand with --list; if it is no program, take its permission to be executed";
        let output = self.sources.run(path, &["--list"]);
        let output = output.map_err(|why| Wrong::anywhere(format!("as a script it failed: {why}"), mend))?;
        let sources = self.sources;
        script::read(&output, file, &mut self.estate, &|host| sources.run(path, &["--host", host]))
    }

    /// With what is wrong, whether it is YAML that is meant.
    fn yaml(&mut self, bytes: &[u8], file: usize) -> Result<(), (Wrong, bool)> {
        let data = data(bytes).map_err(|wrong| (wrong, false))?;
        if data.value.is_false() {
            return Err((Wrong::new(1, "there is nothing in it", "begin with `all:`"), false));
        }
        if let Value::Map(pairs) = &data.value
            && let Some((_, plugin)) = pairs.iter().find(|(key, _)| key.as_text() == Some("plugin"))
            && !plugin.is_false()
        {
            let name = shown(plugin.as_text().unwrap_or_default());
            let why = format!("this is for the inventory plugin {name}, and plugins are not run here");
            let mend = "save what it finds: `ansible-inventory --list --export --yaml`";
            return Err((Wrong::new(data.lines().of("plugin").0.unwrap_or(1), why, mend), true));
        }
        let is_map = matches!(data.value, Value::Map(_));
        yaml::read::read(&data.value, data.lines(), file, &mut self.estate).map_err(|wrong| (wrong, is_map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_pythons() {
        for (path, found) in [
            ("a/hosts", ""),
            ("a.b/hosts", ""),
            ("hosts.yml", ".yml"),
            (".hosts", ""),
            (".a.b", ".b"),
            ("a.3.11", ".11"),
            ("a.", "."),
        ] {
            assert_eq!(extension(path), found, "{path}");
        }
    }
}
