//! A token that a file has: whoever renews it writes the file anew, with a line break at its end or not.

use super::bad_config::BadConfig;
use http::HeaderValue;
use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

/// So long what was read is taken for what the file has.
const FRESH: Duration = Duration::from_secs(10);

/// See the module.
pub(super) struct TokenFile {
    path: PathBuf,
    last: RefCell<(HeaderValue, Instant)>,
}

impl TokenFile {
    /// Reads it. `fallback`: the token that is used where the file cannot be read.
    pub(super) fn open(path: &Path, fallback: Option<&str>) -> Result<Self, BadConfig> {
        let header = match (read(path), fallback) {
            (Ok(header), _) => header,
            (Err(_), Some(token)) => header_of(token).map_err(|cause| bad(path, cause))?,
            (Err(cause), None) => return Err(bad(path, cause)),
        };
        Ok(Self { path: path.to_owned(), last: RefCell::new((header, Instant::now())) })
    }

    /// What a request is sent with. A file that is gone meanwhile, or half written, leaves the token that it had.
    pub(super) fn header(&self) -> HeaderValue {
        let mut last = self.last.borrow_mut();
        if last.1.elapsed() >= FRESH {
            last.1 = Instant::now();
            if let Ok(header) = read(&self.path) {
                last.0 = header;
            }
        }
        last.0.clone()
    }

    /// The token alone.
    pub(super) fn token(&self) -> String {
        let header = self.header();
        header.to_str().ok().and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default().to_owned()
    }
}

fn bad(path: &Path, cause: io::Error) -> BadConfig {
    BadConfig::Token { path: path.to_owned(), cause }
}

fn read(path: &Path) -> io::Result<HeaderValue> {
    header_of(&std::fs::read_to_string(path)?)
}

fn header_of(token: &str) -> io::Result<HeaderValue> {
    let token = token.trim();
    if token.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is empty"));
    }
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no token, but more than one line"))?;
    value.set_sensitive(true);
    Ok(value)
}
