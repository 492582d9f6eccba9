//! What `explain` is asked for: a name, and perhaps fields below it.

use super::keys::{self, Keys};
use super::kind::{KindDoc, actions, gates};
use crate::form::Field;
use crate::suggest::did_you_mean;
use serde::Serialize;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Subject {
    /// An action or a gate.
    Kind(KindDoc),
    /// A map of the runbook, or a rule of its language.
    Keys(Keys),
    /// A field of one of them.
    Field {
        /// The names that lead to it, the field's own left out.
        of: String,
        /// The field.
        #[serde(flatten)]
        field: Field,
    },
}

/// Nothing has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing is called `{}`", crate::shown::Shown::shown(.name.as_str()))]
pub struct Unknown {
    /// The name.
    pub name: String,
    /// What to type instead.
    pub next: String,
}

/// The maps and rules of the language, in the order of the reference page.
pub fn topics() -> Vec<Keys> {
    keys::all()
}

/// Everything that a name alone stands for: the maps, the actions, the gates.
pub fn everything() -> Vec<Subject> {
    let kinds = actions().into_iter().chain(gates()).map(Subject::Kind);
    topics().into_iter().map(Subject::Keys).chain(kinds).collect()
}

impl Subject {
    /// What it is called in a runbook; of a field without what it is a field of.
    pub fn name(&self) -> &str {
        match self {
            Self::Kind(kind) => kind.name,
            Self::Keys(keys) => keys.name,
            Self::Field { field, .. } => &field.name,
        }
    }

    /// The fields below it.
    pub fn fields(&self) -> Vec<&Field> {
        match self {
            Self::Kind(kind) => {
                let all = kind.forms.iter().flat_map(|form| &form.fields);
                let mut once: Vec<&Field> = Vec::new();
                for field in all {
                    if !once.iter().any(|other| other.name == field.name) {
                        once.push(field);
                    }
                }
                once
            }
            Self::Keys(keys) => keys.fields.iter().collect(),
            Self::Field { field, .. } => field.fields.iter().chain(&field.choices).collect(),
        }
    }
}

/// What a name stands for: `kube.drain`, `hosts`, or a field such as `kube.drain.timeout`.
pub fn lookup(name: &str) -> Result<Subject, Unknown> {
    let all = everything();
    // The longest name counts: `file.copy` is an action, and no field of `file`.
    let begins = |subject: &&Subject| {
        name.strip_prefix(subject.name()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let Some(found) = all.iter().filter(begins).max_by_key(|subject| subject.name().len()) else {
        return Err(unknown(name, &all));
    };
    let rest = name[found.name().len()..].trim_start_matches('.');
    let mut at = found.clone();
    let mut path = found.name().to_owned();
    if rest.is_empty() {
        return Ok(at);
    }
    for part in rest.split('.') {
        let fields = at.fields();
        let Some(field) = fields.iter().find(|field| field.name == part) else {
            // `package.restorabel` is nearer to a gate than to a field of `package`.
            let near = crate::suggest::nearest(name, all.iter().map(Subject::name));
            let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
            let next = match (near, crate::suggest::nearest(part, names.iter().copied())) {
                (_, Some(field)) => format!("did you mean `{path}.{field}`?"),
                (Some(near), None) if near.len() > found.name().len() => format!("did you mean `{near}`?"),
                _ if names.is_empty() => format!("`{path}` has no fields; type `palinode explain {path}`"),
                _ => did_you_mean(part, &format!("the fields of `{path}`"), names.iter().copied()),
            };
            return Err(Unknown { name: name.to_owned(), next });
        };
        let field = (*field).clone();
        at = Subject::Field { of: path.clone(), field };
        path = format!("{path}.{part}");
    }
    Ok(at)
}

/// A name that begins with no known one. A typo in the first part does not hide a right field.
fn unknown(name: &str, all: &[Subject]) -> Unknown {
    let names = all.iter().map(Subject::name);
    let whole = crate::suggest::nearest(name, names.clone()).map(str::to_owned);
    let next = whole.or_else(|| {
        let mut cut = name;
        while let Some((before, _)) = cut.rsplit_once('.') {
            cut = before;
            if let Some(near) = crate::suggest::nearest(cut, names.clone()) {
                let better = format!("{near}{}", &name[cut.len()..]);
                return Some(if lookup(&better).is_ok() { better } else { near.to_owned() });
            }
        }
        None
    });
    let next = match next {
        Some(name) => format!("did you mean `{name}`?"),
        None => "type `palinode explain` to see every name".to_owned(),
    };
    Unknown { name: name.to_owned(), next }
}
