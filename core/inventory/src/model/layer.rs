//! The layers of variables, from which Ansible takes the strongest.

/// Who says something about a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer<'a> {
    /// A group, in the inventory itself.
    Group(&'a str),
    /// A file or folder of `group_vars`.
    GroupFile(&'a str),
    /// The host, in the inventory itself.
    Host,
    /// A file or folder of `host_vars`.
    HostFile,
}
