//! The spelling of numbers in a table: plain decimal.
//!
//! `str::parse` also accepts `+5`, `.5`, `5.`, `inf` and `NaN`, and the `csv` crate reads `0x10` as a hexadecimal
//! integer. In a table these are more likely mistakes than numbers, and other readers of the same file reject them.

use std::str::FromStr;

/// Parses a number in plain decimal: an optional minus sign, digits, optionally a point with digits, and optionally an
/// exponent with digits. `T` decides about fractions and exponents: integers have neither.
pub(super) fn parse_decimal<T: FromStr>(text: &str) -> Option<T> {
    if is_decimal(text) { text.parse().ok() } else { None }
}

/// What a field must hold when its text is not a number of the column's type.
pub(super) fn expected_number(text: &str) -> &'static str {
    if is_decimal(text) {
        // A float accepts every plain decimal, so the type is an integer.
        "a whole number in range"
    } else if text.contains(|character: char| character.is_ascii_digit()) {
        "a plain decimal number"
    } else {
        "a number"
    }
}

fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let is_mantissa = match unsigned.split_once('.') {
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => is_digits(unsigned),
    };
    // Tools write small fractions with a signed exponent (`1e-05`), so a sign is allowed here.
    is_mantissa
        && exponent.is_none_or(|exponent| is_digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
