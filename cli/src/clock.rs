//! Wall time.

use palinode_core::id::Micros;
use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since 1970 in UTC, by this machine's clock.
pub(crate) fn wall() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
