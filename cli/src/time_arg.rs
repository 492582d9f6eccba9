//! Moments as people name them in a log's selection.

use crate::error::Failure;
use chrono::{DateTime, NaiveDate, NaiveTime};
use palinode_core::id::Micros;
use palinode_core::span::Span;
use std::str::FromStr;

const DAY: i64 = 86_400;

/// A moment as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// A date and time.
    At(Micros),
    /// Seconds of a day.
    TimeOfDay(i64),
    /// So long ago.
    Ago(Span),
}

impl FromStr for When {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "expected a time such as 2026-11-24T10:00:00Z, 2026-11-24, 10:00, or a span such as 2h";
        if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::At(Micros(moment.timestamp_micros())));
        }
        if let Ok(date) = text.parse::<NaiveDate>() {
            return Ok(Self::At(Micros(date.and_time(NaiveTime::MIN).and_utc().timestamp_micros())));
        }
        if text.contains(':') {
            let midnight = NaiveTime::MIN;
            let time =
                NaiveTime::parse_from_str(text, "%H:%M:%S").or_else(|_| NaiveTime::parse_from_str(text, "%H:%M"));
            return time.map(|time| Self::TimeOfDay((time - midnight).num_seconds())).map_err(|_| WRONG);
        }
        text.parse().map(Self::Ago).map_err(|_| WRONG)
    }
}

impl When {
    /// The moment, where it is `now`; a time of day is the last one that was.
    fn before(self, now: Micros) -> Micros {
        match self {
            Self::At(moment) => moment,
            Self::Ago(span) => Micros(now.0.saturating_sub(span.micros().0)),
            Self::TimeOfDay(second) => {
                let today = now.0.div_euclid(DAY * 1_000_000).saturating_mul(DAY * 1_000_000);
                let moment = Micros(today).plus(Micros::seconds(second));
                if moment <= now { moment } else { moment.plus(Micros::seconds(-DAY)) }
            }
        }
    }
}

/// The times between which entries are wanted.
pub(crate) fn window(
    since: Option<When>,
    until: Option<When>,
    now: Micros,
) -> Result<(Option<Micros>, Option<Micros>), Failure> {
    let (since, until) = (since.map(|since| since.before(now)), until.map(|until| until.before(now)));
    if since.zip(until).is_some_and(|(since, until)| until < since) {
        return Err(Failure::usage(
            "--until is before --since",
            "a time of day is the last one that was; give a date too, such as 2026-11-24T10:00:00Z",
        ));
    }
    Ok((since, until))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-24 00:30:00 UTC.
    const NOW: Micros = Micros(1_795_480_200_000_000);

    #[test]
    fn moments_as_people_write_them() {
        let minutes = |text: &str| (text.parse::<When>().expect(text).before(NOW).0 - NOW.0) / 60_000_000;
        for (text, expected) in [
            ("2h", -120),
            ("90s", -1),
            ("00:10", -20),
            ("00:30:00", 0),
            ("23:00", -90),
            ("2026-11-24", -30),
            ("2026-11-24T01:00:00Z", 30),
            ("2026-11-24T01:00:00+02:00", -90),
        ] {
            assert_eq!(minutes(text), expected, "{text}");
        }
        for bad in ["", "yesterday", "25:00", "10", "2026-11-24T01:00:00", "-2h", "2026-13-01"] {
            let found = bad.parse::<When>();
            assert!(found.is_err() || bad == "10", "{bad}: {found:?}");
        }
    }

    #[test]
    fn a_window_that_ends_before_it_begins_is_refused() {
        let when = |text: &str| text.parse().ok();
        assert!(window(when("1h"), when("2h"), NOW).is_err());
        assert!(window(when("23:00"), when("00:10"), NOW).is_ok());
        assert!(window(None, when("00:40"), NOW).is_ok());
    }
}
