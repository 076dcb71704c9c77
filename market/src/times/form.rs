//! The forms in which times are written, and how a text is read in one of them.

use chrono::{Datelike, NaiveDate};

use super::asked::Pattern;
use super::number::Unit;
use super::scan::{Clock, Field, Scan, hour, packed_clock};
use super::zone::DAY;

/// 1970-01-01, counted from 0001-01-01 as day 1.
const EPOCH_DAY: i64 = 719_163;

/// The order of a date's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    YearMonthDay,
    DayMonthYear,
    MonthDayYear,
    YearMonth,
    MonthYear,
}

impl Order {
    pub(super) const ALL: [Self; 5] = [
        Self::YearMonthDay,
        Self::DayMonthYear,
        Self::MonthDayYear,
        Self::YearMonth,
        Self::MonthYear,
    ];
}

/// What the last digits are of a time of day that has no colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digits {
    Hours,
    Minutes,
    Seconds,
}

impl Digits {
    pub(super) const ALL: [Self; 3] = [Self::Minutes, Self::Seconds, Self::Hours];

    const fn width(self) -> u8 {
        match self {
            Self::Hours => 2,
            Self::Minutes => 4,
            Self::Seconds => 6,
        }
    }
}

/// A form in which times are written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    /// A number of units since 1970.
    Epoch(Unit),
    /// A number of days since 1899-12-30.
    Excel,
    /// Digits alone: `202101`, `20210104`, `202101041000`, …: so many.
    Packed(u8),
    /// Fields of a date, and a time of day.
    Fields(Layout),
    /// As somebody said.
    Asked(Box<Pattern>),
}

/// How the fields of a date and the digits of a time of day stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) order: Order,
    pub(super) digits: Digits,
    /// What stands between the fields; 0 if nothing does.
    pub(super) separator: u8,
    /// The month is a name.
    pub(super) is_named: bool,
}

/// What a text says when it is read in one form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moment<'a> {
    /// Milliseconds since 1970, of a local time as if it were UTC.
    pub(super) millis: i64,
    /// It has a time of day.
    pub(super) has_clock: bool,
    /// It is the same everywhere: a number since 1970.
    pub(super) is_absolute: bool,
    pub(super) zone: &'a [u8],
    /// The offset that stands behind, in seconds, if it was read already.
    pub(super) offset: Option<i32>,
    /// A time of day without colons has all its digits.
    pub(super) is_padded: bool,
}

impl Moment<'_> {
    pub(super) const fn local(millis: i64, has_clock: bool) -> Self {
        Self {
            millis,
            has_clock,
            is_absolute: false,
            zone: b"",
            offset: None,
            is_padded: true,
        }
    }

    pub(super) const fn absolute(millis: i64) -> Self {
        Self {
            millis,
            has_clock: true,
            is_absolute: true,
            zone: b"",
            offset: None,
            is_padded: true,
        }
    }
}

/// Reads digits alone as a date.
pub(super) fn packed(text: &[u8], width: u8) -> Option<Moment<'static>> {
    // pandas writes numbers of a column with holes so.
    let digits = match text.iter().position(|byte| *byte == b'.') {
        Some(point) if text[point + 1..].iter().all(|byte| *byte == b'0') => &text[..point],
        Some(14) if width == 14 => {
            let fraction = &text[15..];
            fraction.iter().all(u8::is_ascii_digit).then_some(())?;
            let whole = packed(&text[..14], width)?;
            return Some(Moment {
                millis: whole.millis + super::scan::millis(fraction),
                ..whole
            });
        }
        Some(_) => return None,
        None => text,
    };
    if digits.len() != usize::from(width) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let part = |from: usize, to: usize| super::scan::number(&digits[from..to]);
    let day = if width == 6 { 1 } else { part(6, 8) };
    let midnight = midnight(part(0, 4), part(4, 6), day)?;
    let Some(clock) = digits.get(8..).filter(|clock| !clock.is_empty()) else {
        return Some(Moment::local(midnight, false));
    };
    match packed_clock(clock)? {
        Clock::Parted(millis) => Some(Moment::local(midnight + millis, true)),
        Clock::Bare { .. } => None,
    }
}

/// Reads a text that was taken apart.
pub(super) fn fields<'a>(scan: &Scan<'a>, layout: Layout, next_year: i32) -> Option<Moment<'a>> {
    let Layout {
        order,
        digits,
        separator,
        is_named,
    } = layout;
    if scan.date.separator != separator || scan.date.has_name() != is_named {
        return None;
    }
    let midnight = date(scan, order, next_year)?;
    let (of_day, is_padded) = match scan.clock {
        None => (0, true),
        Some(Clock::Parted(millis)) => (millis, true),
        Some(Clock::Bare {
            value,
            digits: written,
            millis,
            half,
        }) => {
            let value = i64::from(value);
            if written > digits.width() {
                return None;
            }
            let (hours, minutes, seconds) = match digits {
                Digits::Hours => (value, 0, 0),
                Digits::Minutes => (value / 100, value % 100, 0),
                Digits::Seconds => (value / 10_000, value / 100 % 100, value % 100),
            };
            let hours = hour(hours, half)?;
            (minutes < 60 && seconds < 60).then_some(())?;
            let of_day = ((hours * 60 + minutes) * 60 + seconds) * 1_000 + millis;
            (of_day, written == digits.width())
        }
    };
    Some(Moment {
        millis: midnight + of_day,
        has_clock: scan.clock.is_some(),
        is_absolute: false,
        zone: scan.zone,
        offset: None,
        is_padded,
    })
}

fn date(scan: &Scan<'_>, order: Order, next_year: i32) -> Option<i64> {
    let [a, b, c] = scan.date.fields;
    let first_day = Field {
        value: 1,
        digits: 2,
        is_long: false,
    };
    let (count, year, month, day) = match order {
        Order::YearMonthDay => (3, a, b, c),
        Order::DayMonthYear => (3, c, b, a),
        Order::MonthDayYear => (3, c, a, b),
        Order::YearMonth => (2, a, b, first_day),
        Order::MonthYear => (2, b, a, first_day),
    };
    let is_digits = |field: Field| matches!(field.digits, 1 | 2);
    let fits = scan.date.count == count
        && is_digits(day)
        && (is_digits(month) || month.is_name())
        && matches!(year.digits, 2 | 4);
    // Dotted dates lead with the day if not with the year. With a month's name, a year of two digits stands
    // last.
    let is_dotted = scan.date.separator == b'.' && !scan.date.has_name();
    let is_short_name = month.is_name()
        && year.digits == 2
        && matches!(order, Order::YearMonthDay | Order::YearMonth);
    let is_short_month = count == 2 && !month.is_name() && year.digits == 2;
    if !fits || (is_dotted && order == Order::MonthDayYear) || is_short_name || is_short_month {
        return None;
    }
    let value = i32::from(year.value);
    let value = match year.digits {
        4 => value,
        _ if 2_000 + value <= next_year => 2_000 + value,
        _ => 1_900 + value,
    };
    midnight(value as u32, u32::from(month.value), u32::from(day.value))
}

/// The midnight of a date, in milliseconds since 1970.
pub(super) fn midnight(year: u32, month: u32, day: u32) -> Option<i64> {
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day).map(of_date)
}

/// The midnight of a date, in milliseconds since 1970.
pub(super) fn of_date(date: NaiveDate) -> i64 {
    (i64::from(date.num_days_from_ce()) - EPOCH_DAY) * DAY
}

/// How a format says it, by the first text that was read so.
pub(super) fn format(form: &Form, sample: &[u8]) -> String {
    match form {
        Form::Epoch(unit) => unit.format().to_owned(),
        Form::Excel => "days since 1899-12-30".to_owned(),
        Form::Packed(6) => "%Y%m".to_owned(),
        Form::Packed(8) => "%Y%m%d".to_owned(),
        Form::Packed(10) => "%Y%m%d%H".to_owned(),
        Form::Packed(12) => "%Y%m%d%H%M".to_owned(),
        Form::Packed(17) => "%Y%m%d%H%M%S%3f".to_owned(),
        Form::Packed(_) => "%Y%m%d%H%M%S".to_owned(),
        Form::Asked(pattern) => pattern.text().to_owned(),
        Form::Fields(layout) => super::scan::scan(sample)
            .map(|scan| of_fields(&scan, layout.order, layout.digits))
            .unwrap_or_default(),
    }
}

fn of_fields(scan: &Scan<'_>, order: Order, digits: Digits) -> String {
    let [a, b, c] = scan.date.fields;
    let year = |field: Field| if field.digits == 4 { "%Y" } else { "%y" };
    let month = |field: Field| match (field.is_name(), field.is_long) {
        (false, _) => "%m",
        (true, false) => "%b",
        (true, true) => "%B",
    };
    let parts = match order {
        Order::YearMonthDay => [year(a), month(b), "%d"],
        Order::DayMonthYear => ["%d", month(b), year(c)],
        Order::MonthDayYear => [month(a), "%d", year(c)],
        Order::YearMonth => [year(a), month(b), ""],
        Order::MonthYear => [month(a), year(b), ""],
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut format = String::new();
    if !scan.before.is_empty() {
        let word = scan
            .before
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        format += if word > 3 { "%A" } else { "%a" };
        format += &text(&scan.before[word..]);
    }
    format += parts[0];
    format += &text(scan.first_gap);
    format += parts[1];
    format += &text(scan.second_gap);
    format += parts[2];
    format += &text(scan.between);
    let hour = if scan.written.has_half { "%I" } else { "%H" };
    match scan.clock {
        None => {}
        Some(Clock::Parted(_)) if scan.written.is_packed => format += "%H%M%S%3f",
        Some(Clock::Parted(_)) if scan.date.separator == 0 && scan.between.is_empty() => {
            format += if scan.written.has_seconds {
                "%H%M%S"
            } else {
                "%H%M"
            };
        }
        Some(Clock::Parted(_)) => {
            format += hour;
            format += ":%M";
            format += if scan.written.has_seconds { ":%S" } else { "" };
        }
        Some(Clock::Bare { .. }) => {
            format += match digits {
                Digits::Hours => hour,
                Digits::Minutes => "%H%M",
                Digits::Seconds => "%H%M%S",
            };
        }
    }
    if scan.written.has_fraction && !scan.written.is_packed {
        format += "%.f";
    }
    if scan.written.has_half {
        format.extend((scan.written.half_gap != 0).then_some(char::from(scan.written.half_gap)));
        format += "%p";
    }
    if !scan.zone.is_empty() {
        format += if scan.is_zone_apart { " " } else { "" };
        format += match scan.zone {
            [b'+' | b'-', rest @ ..] if rest.len() == 5 => "%:z",
            [b'+' | b'-', rest @ ..] if rest.len() == 4 => "%z",
            [b'+' | b'-', rest @ ..] if rest.len() == 2 => "%#z",
            [b'Z' | b'z'] => "%#z",
            _ => "%Z",
        };
    }
    format
}
