//! Secrets that a step names: read on this machine when the step begins, and kept nowhere.

use palinode_core::action::{Secret, Source, Word};
use rustix::fs::OFlags;
use std::fs::OpenOptions;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;

/// So many bytes may a secret have.
const LIMIT: u64 = 64 << 10;

/// The bytes of a secret; else why there are none, without any of them.
pub(crate) fn read(secret: &Secret) -> Result<Vec<u8>, String> {
    let name = &secret.secret;
    let bytes = match secret.source() {
        None => return Err(format!("`{name}` names no secret: it is neither a file nor a variable")),
        Some(Source::Env(variable)) => match std::env::var_os(variable) {
            Some(value) => value.as_bytes().to_vec(),
            None => return Err(format!("the secret {name} is not set in the environment that palinode runs in")),
        },
        Some(Source::File(path)) => {
            let cannot = |error: std::io::Error| format!("the secret {name} cannot be read: {error}");
            // A pipe of that name is not waited for.
            let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or_default();
            let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(cannot)?;
            if !file.metadata().map_err(cannot)?.is_file() {
                return Err(format!("the secret {name} cannot be read: it is no plain file"));
            }
            let mut bytes = Vec::new();
            file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(cannot)?;
            bytes
        }
    };
    match bytes.len() as u64 {
        0 => Err(format!("the secret {name} is empty")),
        count if count > LIMIT => Err(format!("the secret {name} is longer than {LIMIT} bytes")),
        _ => Ok(bytes),
    }
}

/// The same as a word: a text, without the line break that ends a file.
pub(crate) fn text(secret: &Secret) -> Result<String, String> {
    let text = String::from_utf8(read(secret)?)
        .map_err(|_| format!("the secret {} is no text in UTF-8, and can only be a file", secret.secret))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    match text.contains('\0') {
        true => Err(format!("the secret {} holds a NUL byte, and can only be a file", secret.secret)),
        false => Ok(text.to_owned()),
    }
}

/// A value that a playbook gets in a file.
pub(crate) fn value(word: &Word) -> Result<String, String> {
    match word {
        Word::Text(text) => Ok(text.clone()),
        Word::Secret(secret) => self::text(secret),
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
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("written");
        write("good", b"geheim\n");
        write("bytes", b"\xff\0");
        write("empty", b"");
        write("long", &vec![b'x'; 70_000]);
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("zero")).expect("a link can be made");
        let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status();
        assert!(made.is_ok_and(|made| made.success()));
        assert_eq!(read(&of("good")).as_deref(), Ok(&b"geheim\n"[..]));
        assert_eq!(text(&of("good")).as_deref(), Ok("geheim"));
        assert!(read(&of("bytes")).is_ok() && text(&of("bytes")).is_err());
        for bad in ["empty", "long", "zero", "pipe", "gone", "."] {
            assert!(read(&of(bad)).is_err(), "{bad}");
        }
        let unset = Secret { secret: "env:PALINODE_IS_NOT_SET".to_owned(), shown: None };
        assert!(read(&unset).is_err_and(|why| why.contains("not set")));
    }
}
