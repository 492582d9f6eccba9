//! Where a text stops being YAML.

/// Lists and maps in each other: more than anyone writes, and few enough for the stack.
pub(crate) const DEEPEST: usize = 200;

/// Where a text stops being YAML, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoYaml {
    /// The line, counted from 1.
    pub(crate) line: usize,
    pub(crate) why: &'static str,
}
