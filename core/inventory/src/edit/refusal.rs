//! Why an edit is refused, and what names and values an edit may write.

use crate::ini::text::ends_line;

/// Why an edit was refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// No line names the host.
    #[error("no line of the inventory names host {host}; add it to a group first, or correct the name")]
    UnknownHost {
        /// The host.
        host: String,
    },
    /// A host and a group of one name.
    #[error("{host} is a host and a group, and ansible gives the variables of such a host to the group; rename one")]
    TwoThings {
        /// The name.
        host: String,
    },
    /// The host is not in the group it shall leave.
    #[error("host {host} is not in [{group}] but in: {}; name the group whose line is to move", .found.join(", "))]
    NotInGroup {
        /// The host.
        host: String,
        /// The group it was said to be in.
        group: String,
        /// The groups it is in.
        found: Vec<String>,
    },
    /// The host is named by a range that cannot be split.
    #[error(
        "line {line}: host {host} is part of the range {pattern}, which cannot be split around it without doubt; \
         write the hosts of the range on lines of their own first"
    )]
    InRange {
        /// The line, counted from 1.
        line: usize,
        /// The host.
        host: String,
        /// The range as it is written.
        pattern: String,
    },
    /// Variables of a group that nothing declares.
    #[error("group {group} is declared nowhere, so ansible would refuse its variables; add a section [{group}] first")]
    UndeclaredGroup {
        /// The group.
        group: String,
    },
    /// A group would be its own descendant.
    #[error("line {line}: {parent} is {child} or below it, so {child} cannot be its child; remove that relation first")]
    Cycle {
        /// The line of the child's header, counted from 1; 0 if it has none.
        line: usize,
        /// The group above.
        parent: String,
        /// The group below.
        child: String,
    },
    /// Moving the line would let another line's value win.
    #[error("line {line}: moving host {host} would change its variable {name}, which several lines set; set it once")]
    ChangesVar {
        /// The line that was to move, counted from 1.
        line: usize,
        /// The host.
        host: String,
        /// The variable.
        name: String,
    },
    /// A variable that the hosts of a group do not have alike.
    #[error("line {line}: {name} cannot move to [{group}:vars]: {reason}; make the hosts alike first")]
    NotAlike {
        /// The line, counted from 1; 0 if it is none.
        line: usize,
        /// The group.
        group: String,
        /// The variable.
        name: String,
        /// What is in the way.
        reason: String,
    },
    /// An edit of a file of variables in an inventory.
    #[error("the edit is for a file of variables, and this is an inventory; name the group, or the file in group_vars")]
    NoGroup,
    /// An edit of an inventory in a file of variables.
    #[error("edits of an inventory and of a file of variables do not mix; give each file a step of its own")]
    OnlyVars,
    /// A file of variables wins over what would be set.
    #[error("{file}:{line} sets {name} to something else, and wins over [{group}:vars]; edit that file instead")]
    Outvoted {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// The group.
        group: String,
        /// The variable.
        name: String,
    },
    /// No image to pin.
    #[error("no image of GlusterFS or heketi is set there, so no tag can be pinned; set {} first", .names.join(", or "))]
    NoImages {
        /// The variables that may name one.
        names: Vec<&'static str>,
    },
    /// A definition that is not there.
    #[error("line {line}: openshift_node_groups has no definition {definition:?}, but: {}; correct the name", .found.join(", "))]
    NoDefinition {
        /// The line of the list, counted from 1; 0 if there is none.
        line: usize,
        /// The name.
        definition: String,
        /// The names that are there.
        found: Vec<String>,
    },
    /// A text that is not what an edit takes it for.
    #[error("line {line}: {reason}; {next}")]
    Unclear {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
        /// What to do about it.
        next: &'static str,
    },
    /// The edit would change more than it says.
    #[error("the edit would change more than was meant: {change}; mend the inventory there first, or edit it by hand")]
    Beyond {
        /// The change that was not meant.
        change: String,
    },
    /// Ansible would still read another value.
    #[error("ansible would not read {value:?} as {name} from what the edit writes; write the value by hand")]
    NotReached {
        /// The variable.
        name: String,
        /// The value that was wanted.
        value: String,
    },
    /// A name that an inventory cannot hold.
    #[error("{name:?} is not a valid {what}; {rule}")]
    InvalidName {
        /// What it should name.
        what: &'static str,
        /// The name.
        name: String,
        /// What is allowed.
        rule: &'static str,
    },
    /// A value that an inventory cannot hold.
    #[error("the value of {name} {reason}; give a value on one line")]
    InvalidValue {
        /// The variable.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// Whether the name can stand in an inventory without being read as something else.
pub(crate) fn check_name(what: &'static str, name: &str) -> Result<(), EditError> {
    let (valid, rule): (fn(char) -> bool, _) = if what == "variable name" {
        (|c| c.is_ascii_alphanumeric() || c == '_', "use letters, digits and underscores, no digit first")
    } else {
        (|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'), "use letters, digits, underscores, dots and dashes")
    };
    let first = name.chars().next();
    let starts = first.is_some_and(|c| c == '_' || c.is_alphabetic() || (what != "variable name" && c.is_numeric()));
    if starts && name.chars().all(valid) {
        return Ok(());
    }
    Err(EditError::InvalidName { what, name: name.to_owned(), rule })
}

/// Whether the value fits on a line.
pub(crate) fn check_value(name: &str, value: &str) -> Result<(), EditError> {
    if value.chars().any(|c| c.is_control() || ends_line(c)) {
        return Err(EditError::InvalidValue { name: name.to_owned(), reason: "has a line end or control character" });
    }
    Ok(())
}
