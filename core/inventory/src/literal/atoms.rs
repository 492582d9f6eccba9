//! Numbers as Python writes them in a program, and what it prints for the odd ones.

use crate::literal::number::{float_text, in_decimal};
use crate::model::value::Value;

/// Digits of a whole number, as many as Python takes.
const MOST_DIGITS: usize = 4300;

/// A number without a sign.
pub(super) enum Atom {
    Number(Value),
    Imaginary(f64),
}

/// How far a number may reach.
pub(super) fn number_end(text: &str) -> usize {
    let mut end = 0;
    let mut last = ' ';
    let hex = text.starts_with("0x") || text.starts_with("0X");
    for c in text.chars() {
        let sign = matches!(c, '+' | '-') && matches!(last, 'e' | 'E') && !hex;
        if !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_') || sign) {
            break;
        }
        end += 1;
        last = c;
    }
    end
}

pub(super) fn number(word: &str) -> Option<Atom> {
    let lower = word.to_ascii_lowercase();
    for (mark, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(mark) {
            // One underscore may stand before any digit.
            let digits = plain_digits(digits.strip_prefix('_').unwrap_or(digits), base)?;
            if digits.len() > MOST_DIGITS {
                return None;
            }
            return Some(Atom::Number(Value::Int(in_decimal(&digits, base)?)));
        }
    }
    let (body, imaginary) = lower.strip_suffix('j').map_or((lower.as_str(), false), |body| (body, true));
    let (mantissa, exponent) =
        body.split_once('e').map_or((body, None), |(mantissa, exponent)| (mantissa, Some(exponent)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(whole, part)| (whole, Some(part)));
    let part = |text: &str| if text.is_empty() { Some(String::new()) } else { plain_digits(text, 10) };
    let (whole, fraction_digits) = (part(whole)?, part(fraction.unwrap_or_default())?);
    if whole.is_empty() && fraction_digits.is_empty() {
        return None;
    }
    let exponent_digits = match exponent {
        Some(text) => {
            let (sign, digits) =
                text.strip_prefix('-').map_or((text, text.strip_prefix('+').unwrap_or(text)), |d| ("-", d));
            let sign = if sign == "-" { "-" } else { "" };
            Some(format!("{sign}{}", plain_digits(digits, 10)?))
        }
        None => None,
    };
    if fraction.is_none() && exponent_digits.is_none() && !imaginary {
        // Python 3 has no octal numbers of that kind, but as many zeros as one likes.
        let zero = whole.bytes().all(|byte| byte == b'0');
        if (whole.starts_with('0') && !zero) || whole.len() > MOST_DIGITS {
            return None;
        }
        return Some(Atom::Number(Value::Int(in_decimal(&whole, 10)?)));
    }
    let text = format!("{}.{}e{}", pad(&whole), pad(&fraction_digits), exponent_digits.as_deref().unwrap_or("0"));
    let number: f64 = text.parse().ok()?;
    Some(if imaginary { Atom::Imaginary(number) } else { Atom::Number(Value::Float(number)) })
}

fn pad(digits: &str) -> &str {
    if digits.is_empty() { "0" } else { digits }
}

/// Digits without the underscores, each of which stands between two.
fn plain_digits(text: &str, base: u32) -> Option<String> {
    let good = text.split('_').all(|part| !part.is_empty() && part.chars().all(|c| c.is_digit(base)));
    good.then(|| text.replace('_', ""))
}

/// `str` of a complex number.
pub(super) fn complex_text(real: Option<f64>, imaginary: f64) -> String {
    let short = |number: f64| float_text(number).trim_end_matches(".0").to_owned();
    match real {
        Some(real) if real != 0.0 || real.is_sign_negative() => {
            let sign = if imaginary.is_sign_negative() { "" } else { "+" };
            format!("({}{sign}{}j)", short(real), short(imaginary))
        }
        _ => format!("{}j", short(imaginary)),
    }
}
