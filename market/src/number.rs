//! Numbers as people write them in files of bars.

use crate::records;

/// What stands before the decimals of a file's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decimal {
    /// `1234.5`, and commas, apostrophes or spaces between thousands.
    #[default]
    Point,
    /// `1234,5`, and points, apostrophes or spaces between thousands.
    Comma,
}

/// The most bytes of a number with its signs.
const LONGEST: usize = 64;
/// The signs of currencies that are written beside prices.
const CURRENCIES: [&str; 16] = [
    "R$", "US$", "HK$", "A$", "C$", "USD", "EUR", "GBP", "CHF", "$", "€", "£", "¥", "₹", "₩", "₽",
];
/// Spaces that cannot be broken, as between thousands in French and Russian files.
const HARD_SPACES: [&str; 3] = ["\u{a0}", "\u{202f}", "\u{2009}"];

impl Decimal {
    /// How a report names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Point => ".",
            Self::Comma => ",",
        }
    }

    /// The number in `text`. `nan` and `inf` are numbers here; the check of the bar refuses them.
    #[inline]
    pub fn parse(self, text: &[u8]) -> Option<f64> {
        let number = match fast_float2::parse(text) {
            Ok(number) if self == Self::Point => number,
            _ => self.parse_dressed(text)?,
        };
        // A number that is too small for all bits would silently be another one.
        match number == 0.0 && has_digit_but_zero(text) {
            true => None,
            false => Some(number),
        }
    }

    /// A number with a currency's sign, thousands or a unit such as `K`, or with a comma before its decimals.
    fn parse_dressed(self, text: &[u8]) -> Option<f64> {
        if text.len() > LONGEST {
            return None;
        }
        let text = records::decoded(text);
        let text = text.trim();
        let (is_negative, text, power) = without_signs(text)?;
        let point = match self {
            Self::Point => '.',
            Self::Comma => ',',
        };
        let (whole, decimals) = match text.split_once(point) {
            Some((whole, decimals)) => (whole, Some(decimals)),
            None => (text, None),
        };
        let mut plain = String::with_capacity(text.len() + 4);
        if is_negative {
            plain.push('-');
        }
        push_without_thousands(&mut plain, whole, self)?;
        if let Some(decimals) = decimals {
            plain.push('.');
            plain.push_str(decimals);
        }
        if power > 0 {
            // As an exponent, so that the number is rounded once.
            plain.push_str(&format!("e{power}"));
        }
        fast_float2::parse(plain.as_bytes()).ok()
    }
}

#[cold]
fn has_digit_but_zero(text: &[u8]) -> bool {
    let mantissa = text.iter().take_while(|byte| !b"eE".contains(byte));
    mantissa
        .into_iter()
        .any(|byte| (b'1'..=b'9').contains(byte))
}

/// Whether the number is negative, the text without its sign, its currency and its unit, and the power of ten
/// of the unit.
fn without_signs(text: &str) -> Option<(bool, &str, u32)> {
    let without_minus = |text| match str::strip_prefix(text, '-') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text),
    };
    let (is_negative, text) = without_minus(text);
    let without = |currency: &str| {
        let rest = text.strip_prefix(currency);
        rest.or_else(|| text.strip_suffix(currency)).map(str::trim)
    };
    let bare = CURRENCIES.into_iter().find_map(without).unwrap_or(text);
    // The minus stands before the currency or behind it, and not twice.
    let (is_negative, bare) = match is_negative || bare.len() == text.len() {
        true => (is_negative, bare),
        false => without_minus(bare),
    };
    if bare.starts_with(['-', '+']) {
        return None;
    }
    let power = match bare.as_bytes().last()? {
        b'K' | b'k' => 3,
        b'M' | b'm' => 6,
        b'B' => 9,
        b'T' => 12,
        _ => return Some((is_negative, bare, 0)),
    };
    Some((is_negative, bare[..bare.len() - 1].trim_end(), power))
}

/// Pushes the digits of `whole`; what stands between its thousands must stand there each time.
fn push_without_thousands(plain: &mut String, whole: &str, decimal: Decimal) -> Option<()> {
    let between = match decimal {
        Decimal::Point => [",", "'", "’", " "],
        Decimal::Comma => [".", "'", "’", " "],
    };
    let separator = between
        .iter()
        .chain(&HARD_SPACES)
        .find(|one| whole.contains(**one));
    let Some(separator) = separator else {
        plain.push_str(whole);
        return Some(());
    };
    let is_of_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = whole.split(*separator);
    let first = groups.next()?;
    if !matches!(first.len(), 1..=3) || !is_of_digits(first) {
        return None;
    }
    plain.push_str(first);
    for group in groups {
        // India's lakhs (12,34,567) have groups of two before the last one of three.
        if !matches!(group.len(), 2 | 3) || !is_of_digits(group) {
            return None;
        }
        plain.push_str(group);
    }
    let last = whole.rsplit(*separator).next()?;
    (last.len() == 3).then_some(())
}

/// What the numbers of a column say about what stands before the decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// `1,234.5`, `1,234,567`: surely a point.
    point: bool,
    /// `1.234,5`, `12,5`: surely a comma.
    comma: bool,
    /// `1.234`: a point before three decimals, or between thousands.
    perhaps_point: bool,
    /// `1,234` or `1'234`: between thousands, or before three decimals, or 32nds.
    perhaps_thousands: bool,
}

impl Evidence {
    /// What these numbers say.
    pub fn of<'a>(numbers: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut evidence = Self::default();
        numbers.for_each(|number| evidence.see(number));
        evidence
    }

    fn see(&mut self, number: &[u8]) {
        let last = |wanted: u8| number.iter().rposition(|byte| *byte == wanted);
        let count = |wanted: u8| number.iter().filter(|byte| **byte == wanted).count();
        // A thousand is written with one to three digits before, of which the first is no zero.
        let is_thousand = |place: usize| {
            let behind = number[place + 1..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            let before = number[..place]
                .iter()
                .rev()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            behind == 3 && (1..=3).contains(&before) && number[place - before] != b'0'
        };
        match (last(b'.'), last(b',')) {
            (None, None) => {
                self.perhaps_thousands |= count(b'\'') == 1 && last(b'\'').is_some_and(is_thousand);
            }
            (Some(point), Some(comma)) if point > comma => self.point = true,
            (Some(_), Some(_)) => self.comma = true,
            (Some(_), None) if count(b'.') > 1 => self.comma = true,
            (Some(point), None) if is_thousand(point) => self.perhaps_point = true,
            (Some(_), None) => self.point = true,
            (None, Some(_)) if count(b',') > 1 => self.point = true,
            (None, Some(comma)) if is_thousand(comma) => self.perhaps_thousands = true,
            (None, Some(_)) => self.comma = true,
        }
    }

    const fn clear(self) -> Option<Decimal> {
        match (self.point, self.comma) {
            (true, false) => Some(Decimal::Point),
            (false, true) => Some(Decimal::Comma),
            _ => None,
        }
    }

    const fn is_open(self) -> bool {
        self.perhaps_point || self.perhaps_thousands
    }
}

/// What stands before the decimals of these prices and volumes, `None` if that cannot be told. Where a comma stands
/// before decimals it usually does not stand between columns, and the day comes first in dotted dates: `is_comma_likely`.
pub fn decimal_of(prices: Evidence, volumes: Evidence, is_comma_likely: bool) -> Option<Decimal> {
    if prices.point && prices.comma {
        return None;
    }
    if let Some(decimal) = prices.clear() {
        return Some(decimal);
    }
    // The prices say nothing for certain, so the volumes may: `1,234,567`.
    if let Some(decimal) = volumes.clear() {
        return Some(decimal);
    }
    if prices.perhaps_thousands || (prices.perhaps_point && volumes.perhaps_thousands) {
        return None;
    }
    match (prices.is_open() || volumes.perhaps_point) && is_comma_likely {
        true => None,
        false => Some(Decimal::Point),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, decimal, wanted) in [
            ("181.03", Decimal::Point, Some(181.03)),
            ("$164.01", Decimal::Point, Some(164.01)),
            ("-37.63", Decimal::Point, Some(-37.63)),
            ("-$37.63", Decimal::Point, Some(-37.63)),
            ("$-37.63", Decimal::Point, Some(-37.63)),
            ("€ 12.5", Decimal::Point, Some(12.5)),
            ("12,50 €", Decimal::Comma, Some(12.5)),
            ("7,089,230", Decimal::Point, Some(7_089_230.0)),
            ("1,234.56", Decimal::Point, Some(1_234.56)),
            ("12,34,567.8", Decimal::Point, Some(1_234_567.8)),
            ("1.234,56", Decimal::Comma, Some(1_234.56)),
            ("1.234.567", Decimal::Comma, Some(1_234_567.0)),
            ("1\u{202f}234,56", Decimal::Comma, Some(1_234.56)),
            ("1'234.56", Decimal::Point, Some(1_234.56)),
            ("1.23M", Decimal::Point, Some(1_230_000.0)),
            ("12.5K", Decimal::Point, Some(12_500.0)),
            ("1.2m", Decimal::Point, Some(1_200_000.0)),
            ("R$ 12,5", Decimal::Comma, Some(12.5)),
            ("USD 12.5", Decimal::Point, Some(12.5)),
            ("1,5B", Decimal::Comma, Some(1.5e9)),
            ("181,03", Decimal::Comma, Some(181.03)),
            ("181", Decimal::Comma, Some(181.0)),
            ("1e5", Decimal::Point, Some(1e5)),
            ("1,23", Decimal::Point, None),
            ("12,3456", Decimal::Point, None),
            ("1,234,5", Decimal::Point, None),
            ("1234,567", Decimal::Point, None),
            (",123", Decimal::Point, None),
            ("1.23", Decimal::Comma, None),
            ("1,2,3", Decimal::Comma, None),
            ("null", Decimal::Point, None),
            ("", Decimal::Point, None),
            ("$", Decimal::Point, None),
            ("K", Decimal::Point, None),
            ("-", Decimal::Point, None),
            ("--1", Decimal::Point, None),
            ("1 2", Decimal::Point, None),
            ("0x2", Decimal::Point, None),
            ("1e5K", Decimal::Point, None),
            ("1e-400", Decimal::Point, None),
            ("0e-400", Decimal::Point, Some(0.0)),
            ("0,000", Decimal::Comma, Some(0.0)),
            ("nanK", Decimal::Point, None),
        ] {
            assert_eq!(decimal.parse(text.as_bytes()), wanted, "{text}");
        }
    }

    #[test]
    fn the_decimals_are_told_or_doubted() {
        let of = |prices: &[&str], volumes: &[&str], is_comma_likely| {
            let [prices, volumes] =
                [prices, volumes].map(|cells| Evidence::of(cells.iter().map(|one| one.as_bytes())));
            decimal_of(prices, volumes, is_comma_likely)
        };
        let (point, comma) = (Some(Decimal::Point), Some(Decimal::Comma));
        for (prices, volumes, is_comma_likely, wanted) in [
            (&["181.03"][..], &["7,089,230"][..], false, point),
            (&["181,03"], &["7.089.230"], true, comma),
            (&["1,234", "1,234.5"], &[], false, point),
            (&["1,234", "12,5"], &[], false, comma),
            (&["181"], &["7089230"], false, point),
            (&["181"], &["1,000"], false, point),
            (&["1,234", "5,678"], &["5"], false, None),
            (&["1,234", "5,678"], &["7,089,230"], false, point),
            (&["1.5", "1,5"], &[], false, None),
            (&["0,123", "0,456"], &[], false, comma),
            (&["150.201"], &["0"], false, point),
            (&["150,201"], &["1.000"], true, None),
            (&["15.251"], &["0"], true, None),
            (&["60.033"], &["561,417"], false, None),
            (&["130'160"], &["50000"], false, None),
            (&["130'160.5"], &["50000"], false, point),
            (&["181"], &["1.000"], true, None),
        ] {
            assert_eq!(
                of(prices, volumes, is_comma_likely),
                wanted,
                "{prices:?} {volumes:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_number_comes_back_with_thousands_and_signs(
            number in -1.0e12_f64..1.0e12, decimal in prop_oneof![Just(Decimal::Point), Just(Decimal::Comma)],
        ) {
            let plain = format!("{number:.4}");
            let (whole, decimals) = plain.split_once('.').expect("four decimals");
            let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |rest| ("-", rest));
            let (point, between) = match decimal {
                Decimal::Point => ('.', ','),
                Decimal::Comma => (',', '.'),
            };
            let mut grouped = String::new();
            for (place, digit) in digits.chars().enumerate() {
                if place > 0 && (digits.len() - place).is_multiple_of(3) {
                    grouped.push(between);
                }
                grouped.push(digit);
            }
            let wanted: f64 = plain.parse().expect("a number");
            let dressed = format!("{sign}${grouped}{point}{decimals}");
            let parsed = decimal.parse(dressed.as_bytes()).expect("a number");
            prop_assert_eq!(parsed.to_bits(), wanted.to_bits());
        }
    }
}
