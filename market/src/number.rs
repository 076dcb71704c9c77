//! Numbers as people write them in files of bars.

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
const CURRENCIES: [&str; 8] = ["$", "€", "£", "¥", "₹", "₩", "₽", "₺"];
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
        if self == Self::Point
            && let Ok(number) = fast_float2::parse(text)
        {
            return Some(number);
        }
        self.parse_dressed(text)
    }

    /// A number with a currency's sign, thousands or a unit such as `K`, or with a comma before its decimals.
    fn parse_dressed(self, text: &[u8]) -> Option<f64> {
        if text.len() > LONGEST {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?.trim();
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

/// Whether the number is negative, the text without its sign, its currency and its unit, and the power of ten
/// of the unit.
fn without_signs(text: &str) -> Option<(bool, &str, u32)> {
    let without_minus = |text| match str::strip_prefix(text, '-') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text),
    };
    let (is_negative, text) = without_minus(text);
    let mut bare = text;
    for currency in CURRENCIES {
        if let Some(rest) = text
            .strip_prefix(currency)
            .or_else(|| text.strip_suffix(currency))
        {
            bare = rest.trim();
        }
    }
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
        b'M' => 6,
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

/// What the numbers of a column say about the decimals of the file.
enum Evidence {
    /// Digits alone.
    Nothing,
    /// `1,234`: a thousand or one and a bit.
    Unclear,
    Point,
    Comma,
}

/// Which of `.` and `,` stands before the decimals of these numbers, `None` if that cannot be told.
pub fn decimal_of<'a>(numbers: impl Iterator<Item = &'a [u8]>) -> Option<Decimal> {
    let (mut unclear, mut points, mut commas) = (false, false, false);
    for number in numbers {
        match evidence(number) {
            Evidence::Nothing => {}
            Evidence::Unclear => unclear = true,
            Evidence::Point => points = true,
            Evidence::Comma => commas = true,
        }
    }
    match (points, commas) {
        (true, true) => None,
        (_, true) => Some(Decimal::Comma),
        (true, _) => Some(Decimal::Point),
        (false, false) if unclear => None,
        (false, false) => Some(Decimal::Point),
    }
}

fn evidence(number: &[u8]) -> Evidence {
    let last = |wanted: u8| number.iter().rposition(|byte| *byte == wanted);
    let count = |wanted: u8| number.iter().filter(|byte| **byte == wanted).count();
    let behind = |place: usize| {
        let rest = &number[place + 1..];
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    match (last(b'.'), last(b',')) {
        (None, None) => Evidence::Nothing,
        (Some(point), Some(comma)) if point > comma => Evidence::Point,
        (Some(_), Some(_)) => Evidence::Comma,
        (Some(_), None) if count(b'.') > 1 => Evidence::Comma,
        (Some(_), None) => Evidence::Point,
        (None, Some(_)) if count(b',') > 1 => Evidence::Point,
        (None, Some(comma)) => match behind(comma) {
            // `0,123` has no thousands.
            3 if comma <= 3 && !number.starts_with(b"0") => Evidence::Unclear,
            _ => Evidence::Comma,
        },
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
            ("nanK", Decimal::Point, None),
        ] {
            assert_eq!(decimal.parse(text.as_bytes()), wanted, "{text}");
        }
    }

    #[test]
    fn the_decimals_are_told_or_doubted() {
        let of = |numbers: &[&str]| decimal_of(numbers.iter().map(|one| one.as_bytes()));
        assert_eq!(of(&["181.03", "7,089,230"]), Some(Decimal::Point));
        assert_eq!(of(&["181,03", "7.089.230"]), Some(Decimal::Comma));
        assert_eq!(of(&["1,234", "1,234.5"]), Some(Decimal::Point));
        assert_eq!(of(&["1,234", "12,5"]), Some(Decimal::Comma));
        assert_eq!(of(&["181", "7089230"]), Some(Decimal::Point));
        assert_eq!(of(&["1,234", "5,678"]), None);
        assert_eq!(of(&["1.5", "1,5"]), None);
        assert_eq!(of(&["0,123", "0,456"]), Some(Decimal::Comma));
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
