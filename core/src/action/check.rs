//! Why values may not reach a target, and in which field of an action they stand.

/// A value that may not reach a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct CheckError {
    /// The field of the action that it stands in, as a runbook names it; none if it is about several together.
    pub field: Option<&'static str>,
    /// What is wrong with it. Values in it are escaped.
    pub reason: String,
}

impl CheckError {
    /// Something wrong in one field.
    pub(crate) fn of(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field: Some(field), reason: reason.into() }
    }

    /// Something wrong about several fields together.
    pub(crate) fn whole(reason: impl Into<String>) -> Self {
        Self { field: None, reason: reason.into() }
    }
}

/// Says in which field a check of a value failed.
pub(crate) trait InField {
    /// The same, in that field.
    fn within(self, field: &'static str) -> Result<(), CheckError>;
}

impl InField for Result<(), String> {
    fn within(self, field: &'static str) -> Result<(), CheckError> {
        self.map_err(|reason| CheckError::of(field, reason))
    }
}
