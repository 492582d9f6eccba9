//! Which values may reach a target at all, and how lists of them are told.

use crate::shown::Shown as _;

/// A name that no shell and no option parser could misread.
pub(crate) fn word(what: &str, text: &str, extra: &str) -> Result<(), String> {
    if text.contains("{{") {
        return Ok(());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || extra.contains(c);
    match text.chars().find(|c| !plain(*c)) {
        _ if text.is_empty() => Err(format!("the {what} is empty")),
        _ if text.starts_with('-') => Err(format!("the {what} `{}` begins with a dash", text.shown())),
        _ if text.len() > 253 => {
            Err(format!("the {what} `{}...` is too long", text.chars().take(20).collect::<String>().shown()))
        }
        Some(c) => Err(format!("the {what} `{}` contains `{}`", text.shown(), c.to_string().shown())),
        None => Ok(()),
    }
}

/// An absolute, plain path.
pub(super) fn path(text: &str) -> Result<(), String> {
    if text.contains("{{") {
        return Ok(());
    }
    if !text.starts_with('/') {
        return Err(format!("the path `{}` is not absolute", text.shown()));
    }
    if text.chars().any(|c| c.is_control() || crate::shown::is_bidi(c)) || text.len() > 4000 {
        return Err(format!("the path `{}` contains control characters or is too long", text.shown()));
    }
    if text.split('/').any(|part| part == ".." || part == ".") {
        return Err(format!("the path `{}` contains . or ..", text.shown()));
    }
    Ok(())
}

/// As [`path`], and no directory's.
pub(super) fn file_path(text: &str) -> Result<(), String> {
    path(text)?;
    if text.ends_with('/') { Err(format!("the path `{}` is a directory's", text.shown())) } else { Ok(()) }
}

/// Permission bits in three or four octal digits.
pub(super) fn mode(text: &str) -> Result<(), String> {
    let octal = (3..=4).contains(&text.len()) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    if octal || text.contains("{{") {
        return Ok(());
    }
    Err(format!("the mode `{}` is not three or four octal digits, such as 0644", text.shown()))
}

/// The permission bits that such digits stand for; none while they hold a template.
pub(super) fn bits(mode: &str) -> Option<u32> {
    u32::from_str_radix(mode, 8).ok()
}

/// An owner: `user` or `user:group`.
pub(super) fn owner(text: &str) -> Result<(), String> {
    let names: Vec<&str> = text.split(':').collect();
    if names.len() > 2 {
        return Err("the owner is not `user` or `user:group`".to_owned());
    }
    names.into_iter().try_for_each(|name| word("owner", name, "-._"))
}

/// As [`word`], for all of them.
pub(crate) fn words<'a>(what: &str, all: impl IntoIterator<Item = &'a String>, extra: &str) -> Result<(), String> {
    all.into_iter().try_for_each(|text| word(what, text, extra))
}

/// Refuses a list without items.
pub(super) fn not_empty(what: &str, count: usize) -> Result<(), String> {
    if count == 0 { Err(format!("the list of {what} is empty")) } else { Ok(()) }
}

/// A name that gluster takes for a volume.
pub(crate) fn volume(text: &str) -> Result<(), String> {
    word("volume", text, "-_")
}

/// What names in the API consist of.
pub(crate) fn is_plain(text: &str, more: &str) -> bool {
    !text.is_empty()
        && text != "."
        && text != ".."
        && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
}

/// Signs in the names of packages, beside letters and digits.
pub(crate) const PACKAGE: &str = "-._+:~";

/// Signs in the names of units.
pub(crate) const UNIT: &str = "-._@:\\";

/// Signs in the names of ConfigMaps and namespaces.
pub(crate) const OBJECT: &str = "-.";

/// Three items at most, and how many more there are.
pub(super) fn list(items: &[String], noun: &str) -> String {
    match items {
        [] => format!("no {noun}s"),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more {noun}s", rest.len()),
    }
}
