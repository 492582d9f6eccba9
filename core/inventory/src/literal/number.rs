//! Numbers as Python writes them: of any size, and floats in their shortest form.

/// A whole number written in some base, in decimal digits without leading zeros; none for a digit that the base has not.
pub(crate) fn in_decimal(digits: &str, base: u32) -> Option<String> {
    // Little end first, nine decimal digits in each.
    let mut parts: Vec<u64> = vec![0];
    for c in digits.chars() {
        let mut carry = u64::from(c.to_digit(base)?);
        for part in &mut parts {
            let sum = *part * u64::from(base) + carry;
            *part = sum % 1_000_000_000;
            carry = sum / 1_000_000_000;
        }
        if carry > 0 {
            parts.push(carry);
        }
    }
    let mut text = String::new();
    for (at, part) in parts.iter().rev().enumerate() {
        text.push_str(&if at == 0 { part.to_string() } else { format!("{part:09}") });
    }
    (!digits.is_empty()).then_some(text)
}

/// With a sign; nothing is minus zero.
pub(crate) fn signed(minus: bool, digits: String) -> String {
    if minus && digits != "0" { format!("-{digits}") } else { digits }
}

/// A float as `repr` writes it.
pub(crate) fn float_text(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf".to_owned() } else { "-inf".to_owned() };
    }
    let shortest = format!("{number:e}");
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{number}");
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_base_and_any_size() {
        for (digits, base, decimal) in [
            ("0", 10, Some("0")),
            ("000", 8, Some("0")),
            ("010", 8, Some("8")),
            ("ff", 16, Some("255")),
            ("123456789012345678901234567890", 10, Some("123456789012345678901234567890")),
            ("100000000000000000000", 16, Some("1208925819614629174706176")),
            ("8", 8, None),
            ("", 10, None),
        ] {
            assert_eq!(in_decimal(digits, base).as_deref(), decimal, "{digits} {base}");
        }
    }

    #[test]
    fn floats_are_as_short_as_pythons() {
        for (number, text) in [
            (3.10, "3.1"),
            (5.0, "5.0"),
            (-0.0, "-0.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (5e-324, "5e-324"),
            (1e22, "1e+22"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(float_text(number), text);
        }
    }
}
