//! Times that are numbers: seconds since 1970 and their parts, and the days of spreadsheets.

use super::scan::{LONGEST, millis};

/// What a number since 1970 counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Thousandths of a second.
    Milliseconds,
    /// Millionths of a second.
    Microseconds,
    /// Billionths of a second.
    Nanoseconds,
}

impl Unit {
    pub(super) const ALL: [Self; 4] = [
        Self::Seconds,
        Self::Milliseconds,
        Self::Microseconds,
        Self::Nanoseconds,
    ];

    /// The unit of this name: `s`, `ms`, `us` or `ns`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.name() == name)
    }

    /// `s`, `ms`, `us` or `ns`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Milliseconds => "ms",
            Self::Microseconds => "us",
            Self::Nanoseconds => "ns",
        }
    }

    /// How a format says it, as chrono and GNU `date` do: the digits of the fraction follow without a point.
    pub(super) const fn format(self) -> &'static str {
        match self {
            Self::Seconds => "%s",
            Self::Milliseconds => "%s%3f",
            Self::Microseconds => "%s%6f",
            Self::Nanoseconds => "%s%9f",
        }
    }

    pub(super) fn of_format(format: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.format() == format)
    }
}

/// Whether `text` is a number, with a fraction and an exponent or without.
pub(super) fn is_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if text.len() > LONGEST || !digits.first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let whole = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    match digits[whole..] {
        [] => true,
        [b'.', ref fraction @ ..] | [b'e' | b'E', ref fraction @ ..] => {
            fraction.last().is_some_and(u8::is_ascii_digit)
                && fast_float2::parse::<f64, _>(text).is_ok()
        }
        _ => false,
    }
}

/// Whether a number of ten digits or more, taken for this unit, is of January 1970: then it counts a larger unit.
pub(super) fn is_of_larger_unit(text: &[u8], unit: Unit, millis: i64) -> bool {
    const MONTH: i64 = 31 * 86_400_000;
    let digits = || {
        text.iter()
            .take_while(|byte| **byte != b'.')
            .filter(|byte| byte.is_ascii_digit())
            .count()
    };
    unit != Unit::Seconds && millis.abs() < MONTH && digits() >= 10
}

/// The milliseconds since 1970 of so many units, cut to whole ones.
pub(super) fn epoch(text: &[u8], unit: Unit) -> Option<i64> {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        digits => (1, digits),
    };
    let mut value: u64 = 0;
    let mut whole = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        // Nineteen digits do not overflow.
        if whole == 19 {
            return None;
        }
        value = value * 10 + u64::from(digit);
        whole += 1;
    }
    let rest = digits.get(whole..).filter(|_| whole > 0)?;
    let fraction = match rest {
        [] => 0,
        [b'.', rest @ ..] if !rest.is_empty() && rest.iter().all(u8::is_ascii_digit) => {
            millis(rest)
        }
        // There is an exponent, as spreadsheets and pandas write it.
        _ => return float(text, unit),
    };
    let value = i64::try_from(value).ok()?;
    let millis = match unit {
        Unit::Seconds => value.checked_mul(1_000)?.checked_add(fraction)?,
        Unit::Milliseconds => value,
        Unit::Microseconds => value / 1_000,
        Unit::Nanoseconds => value / 1_000_000,
    };
    Some(sign * millis)
}

fn float(text: &[u8], unit: Unit) -> Option<i64> {
    if !is_number(text) {
        return None;
    }
    let value: f64 = fast_float2::parse(text).ok()?;
    let millis = match unit {
        Unit::Seconds => value * 1e3,
        Unit::Milliseconds => value,
        Unit::Microseconds => value / 1e3,
        Unit::Nanoseconds => value / 1e6,
    };
    // Far beyond every time, and far within what an integer holds.
    (millis.abs() < 1e16).then_some(millis.trunc() as i64)
}

/// The milliseconds since 1970 of a date of Excel: days since 1899-12-30, to whole seconds, because few digits
/// are written.
pub(super) fn excel(text: &[u8]) -> Option<i64> {
    /// 1927 to 2119. Smaller numbers are more often counts than dates.
    const DAYS: std::ops::Range<f64> = 10_000.0..80_000.0;
    /// 1970-01-01.
    const EPOCH: f64 = 25_569.0;
    if !is_number(text) {
        return None;
    }
    let days: f64 = fast_float2::parse(text).ok()?;
    DAYS.contains(&days)
        .then(|| ((days - EPOCH) * 86_400.0).round() as i64 * 1_000)
}
