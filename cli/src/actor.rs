//! Who runs this process, as far as the system tells.

use palinode_core::record::{Actor, Owner};
use std::fs;

fn line(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn host() -> String {
    line("/proc/sys/kernel/hostname").unwrap_or_else(|| "unknown".to_owned())
}

fn boot() -> String {
    line("/proc/sys/kernel/random/boot_id").unwrap_or_else(|| "unknown".to_owned())
}

/// The person behind this process. The login uid survives su and sudo; an unset one is left out, not guessed.
pub(crate) fn actor() -> Actor {
    let uid = rustix::process::getuid().as_raw();
    let login_uid = line("/proc/self/loginuid").and_then(|text| text.parse().ok()).filter(|uid| *uid != u32::MAX);
    let sudo_user = std::env::var("SUDO_USER").ok().filter(|name| !name.is_empty());
    Actor { user: name_of(uid), sudo_user, login_uid, host: host(), boot: boot() }
}

/// A user's name, or the number where there is none.
pub(crate) fn name_of(uid: u32) -> String {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    found.unwrap_or_else(|| format!("uid {uid}"))
}

/// This process.
pub(crate) fn owner() -> Owner {
    // The fields of /proc/self/stat follow the command's name in parentheses; the start time is the 20th after it
    // (proc(5)). The name may contain anything, so the last parenthesis counts.
    let started = line("/proc/self/stat")
        .and_then(|stat| stat.rsplit_once(')').map(|(_, rest)| rest.to_owned()))
        .and_then(|rest| rest.split_whitespace().nth(19).and_then(|field| field.parse().ok()));
    Owner { host: host(), boot: boot(), pid: std::process::id(), started: started.unwrap_or(0) }
}
