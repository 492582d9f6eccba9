//! Placeholder until the module lands.
use serde::{Deserialize, Serialize};
/// One edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Edit {
    /// Sets a host variable.
    SetHostVar {
        /// Host.
        host: String,
        /// Name.
        name: String,
        /// Value.
        value: String,
    },
}
