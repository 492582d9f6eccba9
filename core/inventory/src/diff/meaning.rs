//! What a text means by itself: the model of an inventory, or the variables of a file.

use crate::ansible::sources::{Kind, Sources, data, extension};
use crate::ini::read::tell;
use crate::ini::text::Inventory;
use crate::model::error::{ReadError, Wrong};
use crate::model::estate::Estate;
use crate::model::reading::Reading;
use crate::model::value::Value;
use crate::yaml;
use std::collections::BTreeMap;

/// A text that was read. What Ansible would refuse is kept beside what it would have understood.
#[derive(Debug)]
pub(crate) struct Meaning {
    pub(crate) estate: Estate,
    /// Of a file in `group_vars` or `host_vars`.
    pub(crate) vars: BTreeMap<String, Value>,
    /// What is wrong, with the line as it is written where it is one.
    pub(crate) wrong: Vec<String>,
}

impl Meaning {
    /// Reads any text; what is no YAML is read as INI, line by line.
    pub(crate) fn of(text: &str) -> Self {
        if yaml::is_yaml(text)
            && let Ok(data) = data(text.as_bytes())
            && let Value::Map(pairs) = &data.value
        {
            return if are_groups(pairs) {
                let mut wrong = Vec::new();
                let mut estate = Estate::new();
                if let Err(found) = yaml::read::read(&data.value, data.lines(), 0, &mut estate) {
                    wrong.push(found.why);
                }
                Self::settled(estate, wrong)
            } else {
                Self::of_pairs(pairs)
            };
        }
        Self::of_ini(&Inventory::parse(text))
    }

    /// Reads whatever Ansible reads. A folder has the files of variables in it, too; a file stands for itself.
    pub(crate) fn read(sources: &dyn Sources, path: &str) -> Result<Self, ReadError> {
        if sources.kind(path) != Kind::File {
            return Reading::without_encrypted(sources, &[path]).map(|reading| {
                let own_files = sources.kind(path) == Kind::Folder;
                Self { estate: reading.into_estate(own_files), vars: BTreeMap::new(), wrong: Vec::new() }
            });
        }
        let why = |why: String| ReadError::no_file(path, &why);
        let bytes = sources.read(path).map_err(why)?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| ReadError::new(path, None, "it is not UTF-8 text", "save the file as UTF-8"))?;
        let mut folders = path.rsplit('/').skip(1);
        if folders.any(|folder| matches!(folder, "group_vars" | "host_vars")) {
            return data(&bytes).map(|_| Self::of_vars(text)).map_err(|wrong| wrong.within(path));
        }
        if [".yml", ".yaml", ".json"].contains(&extension(path))
            && let Err(wrong) = data(&bytes)
        {
            return Err(wrong.within(path));
        }
        Ok(Self::of(text))
    }

    /// The meaning of an inventory in INI form.
    pub(crate) fn of_ini(inventory: &Inventory) -> Self {
        let mut estate = Estate::new();
        let mut wrong = Vec::new();
        let mut note = |found: Wrong| {
            let line = found.line.and_then(|line| inventory.lines().get(line.checked_sub(1)?));
            wrong.push(line.map_or(found.why, |line| line.content.of(inventory.text()).to_owned()));
            Ok(())
        };
        // Nothing ends it: all that is wrong was noted.
        let _ = tell(inventory, 0, &mut estate, &mut |_| Ok(()), &mut note);
        Self::settled(estate, wrong)
    }

    /// The meaning of a file of variables; one that cannot be read says nothing.
    pub(crate) fn of_vars(text: &str) -> Self {
        match data(text.as_bytes()).map(|data| data.value) {
            Ok(Value::Map(pairs)) => Self::of_pairs(&pairs),
            Ok(_) => Self::of_pairs(&[]),
            Err(wrong) => Self { wrong: vec![wrong.why], ..Self::of_pairs(&[]) },
        }
    }

    fn settled(mut estate: Estate, mut wrong: Vec<String>) -> Self {
        if let Err(found) = estate.settle() {
            wrong.push(found.why);
        }
        wrong.sort();
        Self { estate, vars: BTreeMap::new(), wrong }
    }

    fn of_pairs(pairs: &[(Value, Value)]) -> Self {
        let vars = pairs.iter().map(|(name, value)| (name.key().unwrap_or_default(), value.clone())).collect();
        Self { estate: Estate::new(), vars, wrong: Vec::new() }
    }
}

/// Whether the entries at the top are groups, and not variables.
fn are_groups(pairs: &[(Value, Value)]) -> bool {
    let has_parts = |value: &Value| match value {
        Value::Map(parts) => {
            parts.iter().any(|(key, _)| matches!(key.as_text(), Some("hosts" | "children" | "vars")))
                || parts.is_empty()
        }
        _ => false,
    };
    let fits = |value: &Value| *value == Value::Null || has_parts(value);
    pairs.iter().all(|(_, value)| fits(value))
        && pairs.iter().any(|(key, value)| has_parts(value) || key.as_text() == Some("all"))
}
