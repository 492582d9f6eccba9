//! Secrets that a step names: read on this machine when the step begins, and kept nowhere.

use crate::kind::{DoneBy, done_by};
use crate::ssh::quoted;
use palinode_core::action::{Action, Secret, Shown, Source, Word};
use palinode_core::port::LookError;
use palinode_core::shown::Shown as _;
use rustix::fs::OFlags;
use std::fs::OpenOptions;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

/// So many bytes may a secret have.
const LIMIT: u64 = 64 << 10;

/// Permissions that no file with a secret gives: any to its group or to others.
const OTHERS: u32 = 0o077;

/// Why a secret cannot be had, and what to do. None of its bytes are in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    /// The runbook does not say where it is.
    #[error("it is neither `file:` with an absolute path nor `env:` with a name")]
    NoSource,
    /// The variable is not in the environment of this process.
    #[error("the variable is not set; set {0} in the environment of palinode")]
    Unset(String),
    /// The file cannot be opened or read.
    #[error("the file cannot be read: {0}; {WRITE_IT}")]
    Unread(std::io::Error),
    /// A folder, a pipe or a device is in the file's place.
    #[error("it is no plain file; {WRITE_IT}")]
    NotPlain,
    /// Its group or others may read or write it.
    #[error("other users have access to the file, its mode is {mode:04o}; type `chmod 600 {path}`")]
    Shared {
        /// Its permissions.
        mode: u32,
        /// Its path, for a shell and a terminal.
        path: String,
    },
    /// There is nothing in it.
    #[error("it is empty; {0}")]
    Empty(String),
    /// It is longer than the limit.
    #[error("it is longer than {LIMIT} bytes; name a smaller one")]
    Long,
    /// It cannot be a word of a command.
    #[error("it is no text in UTF-8, and can only be given to a command as a file or by `stdin`")]
    NotText,
    /// It cannot be a word of a command.
    #[error("it holds a NUL byte, and can only be given to a command as a file or by `stdin`")]
    Nul,
    /// It cannot be a variable of a playbook.
    #[error("Ansible would read it as a template; write it into a file of `vars_from` as `!unsafe`")]
    Template,
}

/// What to do about a file without a secret.
const WRITE_IT: &str = "write it there with mode 0600";

/// A secret that cannot be had, by its name.
#[derive(Debug, thiserror::Error)]
#[error("cannot look at the secret {}: {why}", name.shown())]
pub(crate) struct NoSecret {
    name: String,
    why: SecretError,
}

impl NoSecret {
    /// Names the secret.
    pub(crate) fn of(secret: &Secret, why: SecretError) -> Self {
        Self { name: secret.secret.clone(), why }
    }
}

/// Refuses a step whose secrets cannot be had now, before anything is asked of its target.
pub(crate) fn ready(action: &Action) -> Result<(), LookError> {
    let of = |secret: &Secret, checked: Result<(), SecretError>| {
        let target = || format!("the secret {}", secret.secret.shown());
        checked.map_err(|why| LookError::Refused { target: target(), why: why.to_string() })
    };
    match done_by(action) {
        DoneBy::Host(kind) => {
            for secret in kind.secrets() {
                let checked = match secret.shown {
                    Some(Shown::Argument | Shown::Environment) => text(secret).map(drop),
                    None => read(secret).map(drop),
                };
                of(secret, checked)?;
            }
        }
        DoneBy::Playbook(playbook) => {
            for secret in playbook.vars.values().filter_map(Word::secret) {
                of(secret, variable(secret).map(drop))?;
            }
        }
        // None of them takes a secret.
        DoneBy::Cluster(_) | DoneBy::Files(_) => {}
    }
    Ok(())
}

/// The bytes of a secret; else why there are none and what to do, without any of them.
pub(crate) fn read(secret: &Secret) -> Result<Vec<u8>, SecretError> {
    let (bytes, next) = match secret.source() {
        None => return Err(SecretError::NoSource),
        Some(Source::Env(variable)) => {
            let next = format!("set {variable} in the environment of palinode");
            match std::env::var_os(variable) {
                Some(value) => (value.as_bytes().to_vec(), next),
                None => return Err(SecretError::Unset(variable.to_owned())),
            }
        }
        Some(Source::File(path)) => {
            // A pipe of that name is not waited for.
            let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or_default();
            let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(SecretError::Unread)?;
            let metadata = file.metadata().map_err(SecretError::Unread)?;
            if !metadata.is_file() {
                return Err(SecretError::NotPlain);
            }
            let mode = metadata.permissions().mode() & 0o7777;
            if mode & OTHERS != 0 {
                return Err(SecretError::Shared { mode, path: quoted(path).shown() });
            }
            let mut bytes = Vec::new();
            file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(SecretError::Unread)?;
            (bytes, WRITE_IT.to_owned())
        }
    };
    match bytes.len() as u64 {
        0 => Err(SecretError::Empty(next)),
        count if count > LIMIT => Err(SecretError::Long),
        _ => Ok(bytes),
    }
}

/// The same as a word: a text, without the line break that ends a file.
pub(crate) fn text(secret: &Secret) -> Result<String, SecretError> {
    let text = String::from_utf8(read(secret)?).map_err(|_| SecretError::NotText)?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    match text.contains('\0') {
        true => Err(SecretError::Nul),
        false => Ok(text.to_owned()),
    }
}

/// The same as a variable of a playbook.
fn variable(secret: &Secret) -> Result<String, SecretError> {
    let text = text(secret)?;
    match ["{{", "{%", "{#"].iter().any(|open| text.contains(open)) {
        true => Err(SecretError::Template),
        false => Ok(text),
    }
}

/// A value that a playbook gets in a file.
pub(crate) fn value(word: &Word) -> Result<String, NoSecret> {
    match word {
        Word::Text(text) => Ok(text.clone()),
        Word::Secret(secret) => variable(secret).map_err(|why| NoSecret::of(secret, why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_a_plain_file_of_bounded_size() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let of = |name: &str| {
            let secret = format!("file:{}", folder.path().join(name).display());
            Secret { secret, shown: None }
        };
        let mode = |name: &str, mode| {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(folder.path().join(name), mode).expect("it is ours");
        };
        let write = |name: &str, bytes: &[u8]| {
            std::fs::write(folder.path().join(name), bytes).expect("written");
            mode(name, 0o600);
        };
        write("good", b"geheim\n");
        write("bytes", b"\xff\0");
        write("empty", b"");
        write("long", &vec![b'x'; 70_000]);
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("zero")).expect("a link can be made");
        let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status();
        assert!(made.is_ok_and(|made| made.success()));
        assert_eq!(read(&of("good")).expect("it is ours"), b"geheim\n");
        assert_eq!(text(&of("good")).expect("it is a text"), "geheim");
        assert!(read(&of("bytes")).is_ok() && text(&of("bytes")).is_err());
        write("lines", b"a\nb\n\n");
        assert_eq!(text(&of("lines")).expect("it is a text"), "a\nb\n", "one line break ends a file");
        write("template", b"a{{ b }}");
        assert!(text(&of("template")).is_ok() && variable(&of("template")).is_err());
        for open in [0o640, 0o604, 0o644, 0o620, 0o602] {
            mode("good", open);
            let why = read(&of("good")).expect_err("others may read it").to_string();
            assert!(why.contains(&format!("{open:04o}")) && why.contains("chmod 600 "), "{why}");
        }
        for own in [0o400, 0o600, 0o700] {
            mode("good", own);
            assert!(read(&of("good")).is_ok(), "{own:o}");
        }
        for bad in ["empty", "long", "zero", "pipe", "gone", "."] {
            let why = read(&of(bad)).expect_err(bad).to_string();
            assert!(why.contains("; ") && !why.contains("xxx"), "{bad}: {why}");
        }
        let unset = Secret { secret: "env:PALINODE_IS_NOT_SET".to_owned(), shown: None };
        assert!(read(&unset).is_err_and(|why| why.to_string().contains("not set")));
    }

    #[test]
    fn a_step_is_refused_with_the_name_of_the_secret_that_is_missing() {
        let secret = |shown| Secret { secret: "env:PALINODE_IS_NOT_SET".to_owned(), shown };
        let none = || palinode_core::action::Command::of(vec!["/bin/true".to_owned()], Vec::new());
        assert!(ready(&Action::Command(none())).is_ok());
        let mut commands = vec![none(), none(), none()];
        commands[0].run.push(Word::Secret(secret(None)));
        commands[1].stdin = Some(secret(None));
        commands[2].environment.insert("A".to_owned(), secret(Some(Shown::Environment)));
        for command in commands {
            let why = ready(&Action::Command(command)).expect_err("it is not set").to_string();
            assert!(why.contains("env:PALINODE_IS_NOT_SET: the variable is not set; set PALINODE_IS_NOT_SET"), "{why}");
        }
    }
}
