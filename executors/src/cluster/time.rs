//! Times as the API writes them: seconds, in UTC.

use palinode_core::span::Span;
use serde_json::Value;
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970 of an RFC 3339 time; none if it is none.
pub(crate) fn of(value: &Value) -> Option<i64> {
    let text = value.as_str()?;
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp())
}

/// Seconds since 1970 at some time before now.
pub(crate) fn ago(span: Span) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(now).unwrap_or(i64::MAX).saturating_sub(span.micros().0 / 1_000_000)
}
