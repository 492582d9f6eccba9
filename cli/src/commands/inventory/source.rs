//! What the verbs about inventories look at: one that a person gave, read as Ansible reads it.

use crate::error::Failure;
use crate::render::escape;
use palinode_core::inventory::model::{Layer, Reading, Said, Value};
use palinode_executors::DiskSources;

/// An inventory to look at.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Source {
    /// The inventory: a file, a folder of files, an executable, or names of hosts with a comma behind each. May be given
    /// several times; of what several say the last counts.
    #[arg(short, long, value_name = "FILE", required = true)]
    inventory: Vec<String>,
}

/// Reads the inventories that were named.
pub(crate) fn read(source: &Source) -> Result<Reading, Failure> {
    let paths: Vec<&str> = source.inventory.iter().map(String::as_str).collect();
    Reading::of(&DiskSources::default(), &paths).map_err(|error| {
        let place = error.line.map_or_else(String::new, |line| format!(":{line}"));
        Failure::usage(format!("{}{place}: {}", error.file, error.why), error.mend)
    })
}

/// A value on one line, short enough to be looked at.
pub(crate) fn shown(value: &Value, most: usize) -> String {
    let text = match value {
        // What else it could be taken for has quotes.
        Value::Text(text) | Value::Unsafe(text) => {
            let number = text.bytes().all(|byte| byte.is_ascii_digit());
            let other = number || serde_json::from_str::<serde_json::Value>(text).is_ok();
            let word = ["True", "False", "None", "yes", "no"].contains(&text.as_str());
            if other || word { format!("'{text}'") } else { text.clone() }
        }
        Value::Time(text) => text.clone(),
        Value::Vault(_) => "(encrypted)".to_owned(),
        other => {
            let mut out = String::new();
            other.print(None, &mut out);
            out
        }
    };
    let short: String = text.chars().take(most).collect();
    if short.len() < text.len() { format!("{}...", escape(&short)) } else { escape(&short) }
}

/// The file and line that say something.
pub(crate) fn place(said: &Said<'_>) -> String {
    match said.line {
        0 => format!("{} (a script)", escape(said.file)),
        line => format!("{}:{line}", escape(said.file)),
    }
}

/// Who says it.
pub(crate) fn layer(layer: Layer<'_>) -> String {
    match layer {
        Layer::Group(group) => format!("group {}", escape(group)),
        Layer::GroupFile(group) => format!("group_vars of {}", escape(group)),
        Layer::Host => "the host".to_owned(),
        Layer::HostFile => "host_vars".to_owned(),
    }
}

/// A failure for a name that an inventory has not.
pub(crate) fn unknown(what: &str, name: &str, source: &Source) -> Failure {
    Failure::usage(
        format!("{} has no {what} `{}`", source.inventory.join(", "), name),
        "type `palinode inventory graph -i FILE` to see what there is",
    )
}
