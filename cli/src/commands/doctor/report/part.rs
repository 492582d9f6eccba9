//! A part of a report.

/// A part of the report.
pub(super) struct Part {
    pub(crate) title: &'static str,
    pub(crate) text: String,
}
