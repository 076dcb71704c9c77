//! How long a bar lasts.

use chrono::{Datelike, Months, NaiveDate};
use impresario_api::Timestamp;

/// How long a bar lasts: a number and a unit, from `1s` to `12mo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timeframe {
    number: u32,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

/// The length of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So many milliseconds.
    Fixed(i64),
    /// So many months of the calendar.
    Months(u32),
}

const DAY: i64 = 86_400_000;
/// 1970-01-05, a Monday.
const MONDAY: i64 = 4 * DAY;

impl Timeframe {
    /// The timeframe of this name, such as `5m`, `1d` or `1mo`.
    pub fn parse(name: &str) -> Option<Self> {
        let digits = name.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = name.split_at(digits);
        if number.starts_with('0') || digits > 8 {
            return None;
        }
        let unit = match unit {
            "s" => Unit::Second,
            "m" => Unit::Minute,
            "h" => Unit::Hour,
            "d" => Unit::Day,
            "w" => Unit::Week,
            "mo" => Unit::Month,
            _ => return None,
        };
        let number = number.parse().ok()?;
        let found = Self { number, unit };
        let fits = match found.length() {
            Length::Fixed(length) => length <= 366 * DAY,
            Length::Months(months) => months <= 12,
        };
        fits.then_some(found)
    }

    /// Its length.
    pub fn length(self) -> Length {
        let of = |unit: i64| Length::Fixed(i64::from(self.number) * unit);
        match self.unit {
            Unit::Second => of(1_000),
            Unit::Minute => of(60_000),
            Unit::Hour => of(3_600_000),
            Unit::Day => of(DAY),
            Unit::Week => of(7 * DAY),
            Unit::Month => Length::Months(self.number),
        }
    }

    /// Whether its bars are named by dates: days, weeks and months.
    pub fn is_of_dates(self) -> bool {
        matches!(self.unit, Unit::Day | Unit::Week | Unit::Month)
    }

    /// How many bars later `end` is than `start`, if it is a whole number of them. Months count from the same
    /// day of the month.
    pub fn steps_between(self, start: Timestamp, end: Timestamp) -> Option<i64> {
        let (start, end) = (start.as_millis(), end.as_millis());
        match self.length() {
            Length::Fixed(length) => {
                ((end - start) % length == 0).then_some((end - start) / length)
            }
            Length::Months(months) => {
                let (from, to) = (date(start)?, date(end)?);
                let apart =
                    (to.year() - from.year()) * 12 + to.month() as i32 - from.month() as i32;
                let same = from.day() == to.day() && start.rem_euclid(DAY) == end.rem_euclid(DAY);
                let months = months as i32;
                (same && apart % months == 0).then_some(i64::from(apart / months))
            }
        }
    }

    /// The beginning of the bar in which `time` lies. Weeks begin on Mondays, months on their first days.
    pub fn floor(self, time: Timestamp) -> Timestamp {
        let millis = time.as_millis();
        let floored = match self.length() {
            Length::Fixed(length) => {
                let origin = if self.unit == Unit::Week { MONDAY } else { 0 };
                millis - (millis - origin).rem_euclid(length)
            }
            Length::Months(months) => date(millis)
                .and_then(|date| {
                    let month = date.month0() / months * months + 1;
                    NaiveDate::from_ymd_opt(date.year(), month, 1)
                })
                .map_or(millis, midnight),
        };
        Timestamp::from_millis(floored)
    }

    /// The time one bar later.
    pub fn next(self, time: Timestamp) -> Timestamp {
        let millis = time.as_millis();
        let next = match self.length() {
            Length::Fixed(length) => millis.saturating_add(length),
            Length::Months(months) => date(millis)
                .and_then(|date| date.checked_add_months(Months::new(months)))
                .map_or(i64::MAX, |date| midnight(date) + millis.rem_euclid(DAY)),
        };
        Timestamp::from_millis(next)
    }
}

impl std::fmt::Display for Timeframe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = match self.unit {
            Unit::Second => "s",
            Unit::Minute => "m",
            Unit::Hour => "h",
            Unit::Day => "d",
            Unit::Week => "w",
            Unit::Month => "mo",
        };
        write!(f, "{}{unit}", self.number)
    }
}

fn date(millis: i64) -> Option<NaiveDate> {
    let days = i32::try_from(millis.div_euclid(DAY)).ok()?;
    NaiveDate::from_num_days_from_ce_opt(days.checked_add(719_163)?)
}

fn midnight(date: NaiveDate) -> i64 {
    (i64::from(date.num_days_from_ce()) - 719_163) * DAY
}
