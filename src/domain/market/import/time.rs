//! Reads times in CSV files: ISO 8601 dates and date-times, and seconds since 1970.
//!
//! Eight digits may be a date or seconds. The first number without hyphens of a file decides what all of
//! them are, because rows that are read in two ways would be in a wrong order, or in wrong places.

use chrono::{Datelike, NaiveDate};
use impresario_api::Timestamp;

/// The forms that [`Times::parse`] reads, for people.
const EXPECTED: &str = "an ISO date (2004-08-19 or 20040819), an ISO date-time (2004-08-19T13:30:00Z; without offset it is UTC) or seconds since 1970";
/// The years in which eight digits are taken for a date. All of them as seconds are days of 1970.
const YEARS: std::ops::RangeInclusive<i64> = 1_800..=2_200;

const DAY: i64 = 86_400_000;
/// 1970-01-01, counted from 0001-01-01 as day 1.
const EPOCH_DAY: i64 = 719_163;

/// Reads times. Most rows of a short timeframe have the date of the row before, so the last date is
/// remembered.
#[derive(Debug, Default)]
pub(crate) struct Times {
    date: [u8; 10],
    /// The midnight of that date, in milliseconds since 1970.
    midnight: i64,
    /// What the file's first bare number was.
    numbers: Option<Numbers>,
}

/// What the bare numbers of a file are.
#[derive(Clone, Copy, Debug)]
enum Numbers {
    /// `20040819`.
    Dates,
    Seconds,
}

impl Times {
    /// The time that `text` names. Fractions are cut to milliseconds.
    pub(crate) fn parse(&mut self, text: &[u8]) -> Option<Timestamp> {
        let millis = match text.split_first_chunk() {
            Some((date @ [_, _, _, _, b'-', _, _, b'-', _, _], rest)) => {
                if self.date != *date {
                    self.midnight = midnight(date)?;
                    self.date = *date;
                }
                match rest {
                    [] => self.midnight,
                    [b'T' | b't' | b' ', clock @ ..] => self.midnight + of_day(clock)?,
                    _ => return None,
                }
            }
            _ => self.number(text)?,
        };
        Timestamp::in_range(millis)
    }

    /// What the next row may have, for people.
    pub(crate) const fn expected(&self) -> &'static str {
        match self.numbers {
            Some(Numbers::Dates) => "a date such as 20040819, as in the rows before",
            _ => EXPECTED,
        }
    }

    fn number(&mut self, text: &[u8]) -> Option<i64> {
        let date = basic_date(text);
        let first = date.map_or(Numbers::Seconds, |_| Numbers::Dates);
        match self.numbers.get_or_insert(first) {
            Numbers::Dates => date,
            Numbers::Seconds => seconds(text),
        }
    }
}

/// `20040819`, the basic form of ISO 8601, in milliseconds since 1970.
fn basic_date(text: &[u8]) -> Option<i64> {
    let &[y1, y2, y3, y4, m1, m2, d1, d2] = text else {
        return None;
    };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let midnight = midnight(&[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2])?;
    YEARS.contains(&year).then_some(midnight)
}

/// `2004-08-19`, in milliseconds since 1970.
fn midnight(&[y1, y2, y3, y4, _, m1, m2, _, d1, d2]: &[u8; 10]) -> Option<i64> {
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let date = NaiveDate::from_ymd_opt(year as i32, two(m1, m2)? as u32, two(d1, d2)? as u32)?;
    Some((i64::from(date.num_days_from_ce()) - EPOCH_DAY) * DAY)
}

/// `13:30`, `13:30:00`, `13:30:00.250`, each with an offset or without: milliseconds from
/// midnight UTC.
fn of_day(clock: &[u8]) -> Option<i64> {
    let [h1, h2, b':', m1, m2, rest @ ..] = clock else {
        return None;
    };
    let minutes = hours_and_minutes(two(*h1, *h2)?, two(*m1, *m2)?)?;
    let (millis, rest) = match rest {
        [b':', s1, s2, rest @ ..] => {
            let seconds = two(*s1, *s2).filter(|seconds| *seconds < 60)?;
            let (fraction, rest) = match rest {
                [b'.' | b',', rest @ ..] => fraction(rest)?,
                rest => (0, rest),
            };
            (seconds * 1_000 + fraction, rest)
        }
        rest => (0, rest),
    };
    Some((minutes - offset(rest)?) * 60_000 + millis)
}

/// Nothing, `Z`, `+02:00`, `+0200` or `+02`, in minutes.
fn offset(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let minutes = match digits {
        [h1, h2] => hours_and_minutes(two(*h1, *h2)?, 0)?,
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => {
            hours_and_minutes(two(*h1, *h2)?, two(*m1, *m2)?)?
        }
        _ => return None,
    };
    Some(sign * minutes)
}

fn hours_and_minutes(hours: i64, minutes: i64) -> Option<i64> {
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// The milliseconds of the digits at the beginning, and what follows them.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(digits);
    let digit = |place: usize| digits.get(place).map_or(0, |byte| i64::from(byte - b'0'));
    let millis = digit(0) * 100 + digit(1) * 10 + digit(2);
    (!digits.is_empty()).then_some((millis, rest))
}

/// `1092873600`, `1092873600.25`, `-86400`, `1.0928736e9`: milliseconds since 1970.
fn seconds(text: &[u8]) -> Option<i64> {
    let (sign, number) = match text {
        [b'-', number @ ..] => (-1, number),
        number => (1, number),
    };
    let whole = number
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (digits, rest) = number.split_at(whole);
    // Twelve digits reach beyond the year 9999 and do not overflow.
    if digits.is_empty() || digits.len() > 12 {
        return None;
    }
    let seconds = digits
        .iter()
        .fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0'));
    let millis = match rest {
        [] => 0,
        [b'.', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => fraction(rest)?.0,
        // There is an exponent, as spreadsheets write it.
        _ => return float_seconds(text),
    };
    Some(sign * (seconds * 1_000 + millis))
}

fn float_seconds(text: &[u8]) -> Option<i64> {
    let seconds: f64 = fast_float2::parse(text).ok()?;
    seconds.is_finite().then_some((seconds * 1_000.0) as i64)
}

/// The number that two digits make.
fn two(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Option<Timestamp> {
        Times::default().parse(text)
    }

    #[test]
    fn the_date_of_the_row_before_serves_the_same_date_alone() {
        let mut times = Times::default();
        let mut read = |text: &str| times.parse(text.as_bytes()).map(Timestamp::as_millis);
        assert_eq!(read("1970-01-02 00:00"), Some(86_400_000));
        assert_eq!(read("1970-01-02 00:01"), Some(86_460_000));
        assert_eq!(read("1970-01-32"), None);
        assert_eq!(read("1970-01-02"), Some(86_400_000));
        assert_eq!(read("1970-01-03"), Some(172_800_000));
    }

    #[test]
    fn the_first_bare_number_of_a_file_says_what_all_are() {
        let read = |rows: &[&str]| -> Vec<Option<i64>> {
            let mut times = Times::default();
            let rows = rows.iter().map(|row| times.parse(row.as_bytes()));
            rows.map(|time| time.map(Timestamp::as_millis)).collect()
        };
        let (first, second) = (Some(1_092_873_600_000), Some(1_092_960_000_000));
        assert_eq!(read(&["20040819", "20040820"]), [first, second]);
        // What is no date in a file of dates is a bad row, and not a moment of 1970.
        for odd in ["20040832", "17991231", "22010101", "1092960000", "0", "-1"] {
            assert_eq!(read(&["20040819", odd]), [first, None], "{odd}");
        }
        assert_eq!(
            read(&["20040800", "20040819"]),
            [Some(20_040_800_000), Some(20_040_819_000)]
        );
        assert_eq!(
            read(&["86400", "20040819"]),
            [Some(86_400_000), Some(20_040_819_000)]
        );
        let mut times = Times::default();
        assert!(times.expected().contains("seconds"));
        times.parse(b"20040819").expect("a date");
        assert!(!times.expected().contains("seconds"));
    }

    #[test]
    fn dates_date_times_and_seconds_are_understood() {
        for (text, wanted) in [
            ("1970-01-01", 0),
            ("2004-08-19", 1_092_873_600_000),
            ("2004-08-19T13:30", 1_092_922_200_000),
            ("2004-08-19 13:30:05", 1_092_922_205_000),
            ("2004-08-19t13:30:05.25z", 1_092_922_205_250),
            ("2004-08-19T13:30:05.123999999Z", 1_092_922_205_123),
            ("2004-08-19T13:30:05,5+00:00", 1_092_922_205_500),
            ("2004-08-19 13:30:05+02:00", 1_092_915_005_000),
            ("2004-08-19 13:30:05-0330", 1_092_934_805_000),
            ("2004-08-19 00:30+01", 1_092_871_800_000),
            ("20040819", 1_092_873_600_000),
            ("18000101", -5_364_662_400_000),
            ("22001231", 7_289_568_000_000),
            ("17991231", 17_991_231_000),
            ("22010101", 22_010_101_000),
            ("20050229", 20_050_229_000),
            ("20040819.0", 20_040_819_000),
            ("1092873600", 1_092_873_600_000),
            ("1092873600.0", 1_092_873_600_000),
            ("1092873600.2509", 1_092_873_600_250),
            ("1.0928736e9", 1_092_873_600_000),
            ("0", 0),
            ("-86400", -86_400_000),
            ("-0.5", -500),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
            ("0001-01-01", -62_135_596_800_000),
            ("0000-12-31T23:00-01:00", -62_135_596_800_000),
        ] {
            let parsed = parse(text.as_bytes()).map(Timestamp::as_millis);
            assert_eq!(parsed, Some(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            " ",
            "-",
            "--1",
            "+1",
            ".5",
            "1.",
            "1.5x",
            "1e",
            "1e400",
            "nan",
            "inf",
            "today",
            "2004-8-19",
            "2004-13-01",
            "2004-02-30",
            "2005-02-29",
            "2004/08/19",
            "19-08-2004",
            "2004-08-19T",
            "2004-08-19T13",
            "2004-08-19T24:00",
            "2004-08-19T13:60",
            "2004-08-19T13:30:60",
            "2004-08-19T13:30:00.",
            "2004-08-19T13:30:00 UTC",
            "2004-08-19T13:30:00+24",
            "2004-08-19T13:30:00+1",
            "2004-08-19Z",
            "2004-08-19x",
            "1092873600000",
            "99999999999999999999999",
            "253402300800",
            "9999-12-31T23:59:59-01:00",
            "0000-01-01",
            "0001-01-01T00:00+00:01",
            "２００４-08-19",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
