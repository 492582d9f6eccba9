//! What PyYAML takes the words of YAML 1.1 for: `yes`, `010`, `1:30` and dates among them.

use crate::literal::number::{in_decimal, signed};
use crate::model::value::Value;

/// The kinds of scalars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Int,
    Float,
    Time,
    Text,
    /// `<<`, the key that merges.
    Merge,
    /// `=`, which no Ansible understands.
    Default,
}

/// The kind of a scalar without quotes and tag.
pub(crate) fn kind_of(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "<<" => return Kind::Merge,
        "=" => return Kind::Default,
        _ if truth(text).is_some() => return Kind::Bool,
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        Kind::Text
    } else if is_int(text) {
        Kind::Int
    } else if is_float(text) {
        Kind::Float
    } else if split_time(text).is_some_and(|time| time.resolves) {
        Kind::Time
    } else {
        Kind::Text
    }
}

/// The value of a scalar of this kind; none if it is none of them.
pub(crate) fn value_of(kind: Kind, text: &str) -> Option<Value> {
    match kind {
        Kind::Null => Some(Value::Null),
        Kind::Bool => truth(&text.to_lowercase()).map(Value::Bool),
        Kind::Int => int(text).map(Value::Int),
        Kind::Float => float(text).map(Value::Float),
        Kind::Time => split_time(text)?.iso().map(Value::Time),
        Kind::Text => Some(Value::text(text)),
        Kind::Merge | Kind::Default => None,
    }
}

fn truth(text: &str) -> Option<bool> {
    let word = |word: &str| {
        let mut chars = word.chars();
        let first = chars.next().map(|c| c.to_ascii_uppercase());
        let title: String = first.into_iter().chain(chars).collect();
        text == word || text == title || text == word.to_ascii_uppercase()
    };
    if ["yes", "true", "on"].into_iter().any(word) {
        Some(true)
    } else if ["no", "false", "off"].into_iter().any(word) {
        Some(false)
    } else {
        None
    }
}

fn unsign(text: &str) -> (bool, &str) {
    let minus = text.starts_with('-');
    (minus, text.strip_prefix(['-', '+']).unwrap_or(text))
}

fn all(text: &str, fits: fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(fits)
}

/// `:30`, one or two digits below sixty.
fn is_sixtieth(part: &str) -> bool {
    part.len() <= 2 && all(part, |c| c.is_ascii_digit()) && part.parse::<u8>().is_ok_and(|part| part < 60)
}

fn is_int(text: &str) -> bool {
    let (_, text) = unsign(text);
    let decimal = |c: char| c.is_ascii_digit() || c == '_';
    if let Some(digits) = text.strip_prefix("0b") {
        return all(digits, |c| matches!(c, '0' | '1' | '_'));
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return all(digits, |c| c.is_ascii_hexdigit() || c == '_');
    }
    if let Some(digits) = text.strip_prefix('0') {
        return digits.is_empty() || all(digits, |c| matches!(c, '0'..='7' | '_'));
    }
    let mut parts = text.split(':');
    let first = parts.next().unwrap_or_default();
    first.starts_with(|c: char| c.is_ascii_digit()) && all(first, decimal) && parts.all(is_sixtieth)
}

fn is_float(text: &str) -> bool {
    let decimal = |c: char| c.is_ascii_digit() || c == '_';
    let starts = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let (_, bare) = unsign(text);
    if matches!(bare, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let Some((whole, rest)) = bare.split_once('.') else { return false };
    let (fraction, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at + 1..)),
        None => (rest, None),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        exponent.strip_prefix(['-', '+']).is_some_and(|digits| all(digits, |c| c.is_ascii_digit()))
    });
    let fraction_fits = fraction.chars().all(decimal);
    if whole.is_empty() {
        return bare.len() == text.len() && starts(fraction) && fraction_fits && exponent_fits;
    }
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let whole_fits = starts(first) && all(first, decimal);
    if whole.contains(':') {
        return whole_fits && parts.all(is_sixtieth) && exponent.is_none() && fraction_fits;
    }
    whole_fits && fraction_fits && exponent_fits
}

/// More digits than Python makes a number of, or prints of one.
const MOST_DIGITS: usize = 4300;

fn int(text: &str) -> Option<String> {
    let text = text.replace('_', "");
    if text.len() > MOST_DIGITS {
        return None;
    }
    let (minus, text) = unsign(&text);
    let digits = if let Some(digits) = text.strip_prefix("0b") {
        in_decimal(digits, 2)?
    } else if let Some(digits) = text.strip_prefix("0x") {
        in_decimal(digits, 16)?
    } else if text.starts_with('0') {
        in_decimal(text, 8)?
    } else if text.contains(':') {
        let mut sum = 0_u128;
        for part in text.split(':') {
            sum = sum.checked_mul(60)?.checked_add(part.parse().ok()?)?;
        }
        sum.to_string()
    } else {
        in_decimal(text, 10)?
    };
    Some(signed(minus, digits))
}

fn float(text: &str) -> Option<f64> {
    let text = text.replace('_', "").to_lowercase();
    let (minus, text) = unsign(&text);
    let number = match text {
        ".inf" => f64::INFINITY,
        ".nan" => f64::NAN,
        _ if text.contains(':') => {
            let mut sum = 0.0;
            let mut base = 1.0;
            for part in text.rsplit(':') {
                sum += part.parse::<f64>().ok()? * base;
                base *= 60.0;
            }
            sum
        }
        // Python takes no words for numbers here that the parser of Rust would take.
        _ if text.starts_with(|c: char| c.is_ascii_digit() || c == '.') => text.parse().ok()?,
        _ => return None,
    };
    Some(if minus { -number } else { number })
}

/// The parts of a date with or without a time.
#[derive(Debug, Default)]
struct Time<'a> {
    date: [u32; 3],
    clock: Option<[u32; 3]>,
    fraction: &'a str,
    zone: Option<(bool, u32, u32)>,
    /// A date alone has two digits each for month and day.
    resolves: bool,
}

fn split_time(text: &str) -> Option<Time<'_>> {
    let number = |part: &str, least: usize, most: usize| {
        let good = (least..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        good.then(|| part.parse::<u32>().ok()).flatten()
    };
    let (year, rest) = text.split_once('-')?;
    let (month, rest) = rest.split_once('-')?;
    let day_end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (day, rest) = rest.split_at_checked(day_end)?;
    let mut time = Time { date: [number(year, 4, 4)?, number(month, 1, 2)?, number(day, 1, 2)?], ..Time::default() };
    if rest.is_empty() {
        time.resolves = month.len() == 2 && day.len() == 2;
        return Some(time);
    }
    let clock = rest.strip_prefix(['T', 't']).unwrap_or_else(|| rest.trim_start_matches([' ', '\t']));
    if clock.len() == rest.len() {
        return None;
    }
    let clock_end = clock.find(|c: char| !(c.is_ascii_digit() || c == ':')).unwrap_or(clock.len());
    let (clock, rest) = clock.split_at_checked(clock_end)?;
    let mut parts = clock.split(':');
    let mut part = |least| parts.next().and_then(|part| number(part, least, 2));
    time.clock = Some([part(1)?, part(2)?, part(2)?]);
    if parts.next().is_some() {
        return None;
    }
    let rest = match rest.strip_prefix('.') {
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (fraction, rest) = rest.split_at_checked(end)?;
            time.fraction = fraction;
            rest
        }
        None => rest,
    };
    let zone = rest.trim_start_matches([' ', '\t']);
    time.zone = match zone.chars().next() {
        None if rest.is_empty() => None,
        Some('Z') if zone.len() == 1 => Some((false, 0, 0)),
        Some(sign @ ('+' | '-')) => {
            let (hours, minutes) = zone.get(1..)?.split_once(':').map_or((zone.get(1..)?, None), |(h, m)| (h, Some(m)));
            let minutes = minutes.map_or(Some(0), |minutes| number(minutes, 2, 2))?;
            Some((sign == '-', number(hours, 1, 2)?, minutes))
        }
        _ => return None,
    };
    time.resolves = true;
    Some(time)
}

impl Time<'_> {
    /// As Python prints it; none for a day or hour that is none.
    fn iso(&self) -> Option<String> {
        let [year, month, day] = self.date;
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        if year == 0 || day == 0 || day > days {
            return None;
        }
        let mut text = format!("{year:04}-{month:02}-{day:02}");
        let Some([hour, minute, second]) = self.clock else { return Some(text) };
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        text.push_str(&format!("T{hour:02}:{minute:02}:{second:02}"));
        let fraction = format!("{:0<6}", self.fraction);
        let micros = fraction.get(..6)?;
        if micros != "000000" {
            text.push_str(&format!(".{micros}"));
        }
        if let Some((minus, hours, minutes)) = self.zone {
            let all = hours * 60 + minutes;
            if all >= 24 * 60 {
                return None;
            }
            let sign = if minus && all > 0 { '-' } else { '+' };
            text.push_str(&format!("{sign}{:02}:{:02}", all / 60, all % 60));
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_pyyaml_takes_them_for() {
        for (text, json) in [
            ("yes", "true"),
            ("Off", "false"),
            ("yEs", r#""yEs""#),
            ("y", r#""y""#),
            ("~", "null"),
            ("", "null"),
            ("010", "8"),
            ("08", r#""08""#),
            ("0o10", r#""0o10""#),
            ("0x1F", "31"),
            ("-0b11", "-3"),
            ("1_000", "1000"),
            ("1:30", "90"),
            ("22:22:22", "80542"),
            ("1:60", r#""1:60""#),
            ("0:30", r#""0:30""#),
            ("3.10", "3.1"),
            ("3.11.161", r#""3.11.161""#),
            ("1e5", r#""1e5""#),
            ("1.0e5", r#""1.0e5""#),
            ("1.0e+5", "100000.0"),
            (".5", "0.5"),
            ("+.5", r#""+.5""#),
            ("1.", "1.0"),
            ("-.inf", "-Infinity"),
            (".NaN", "NaN"),
            ("1:30.5", "90.5"),
            ("2019-12-24", r#""2019-12-24""#),
            ("2019-1-2", r#""2019-1-2""#),
            ("2019-1-2 3:04:05.1 -5", r#""2019-01-02T03:04:05.100000-05:00""#),
            ("2019-12-24T10:00:00Z", r#""2019-12-24T10:00:00+00:00""#),
            ("-", r#""-""#),
            ("+1", "1"),
            ("-0", "0"),
        ] {
            let mut out = String::new();
            value_of(kind_of(text), text).expect("a value").print(None, &mut out);
            assert_eq!(out, json, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_is_none() {
        for (kind, text) in [
            (Kind::Time, "2019-13-01"),
            (Kind::Time, "2019-02-29"),
            (Kind::Time, "2019-01-01 24:00:00"),
            (Kind::Int, "x"),
            (Kind::Int, ""),
            (Kind::Float, "inf"),
            (Kind::Bool, "y"),
            (Kind::Int, "0b_"),
            (Kind::Int, &"9".repeat(4301)),
            (Kind::Int, &format!("0x{}", "f".repeat(4301))),
        ] {
            assert_eq!(value_of(kind, text), None, "{text}");
        }
    }
}
