//! Words of the shell: quoted, and bytes as base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// What a host sent as base64.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.trim()).ok()
}

/// Bytes on the way to a host.
pub(crate) fn encoded(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// A word as a shell reads it back. Actions were checked for NUL bytes, which nothing can quote.
pub(crate) fn quoted(text: &str) -> String {
    shlex::try_quote(text).map_or_else(|_| "''".to_owned(), |word| word.into_owned())
}
