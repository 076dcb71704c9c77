//! How long a bar lasts: `15m`, `1d`, `1mo`.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveDateTime};
use impresario_api::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
const WEEK_MS: i64 = 7 * DAY_MS;
/// The mean length of a month in the Gregorian calendar: 30.436875 days.
const MEAN_MONTH_MS: i64 = 2_629_746 * SECOND_MS;
/// A Monday, 1970-01-05: weeks begin on Mondays (ISO 8601).
const MONDAY_MS: i64 = 4 * DAY_MS;

/// The most characters of a timeframe's name: those of `31536000s`, a year.
const LONGEST_TIMEFRAME_NAME: usize = 9;

/// What a timeframe may be, in words.
const EXPECTED: &str =
    "a number and one of s m h d w mo, from 1s to 12mo, such as 15m, 4h, 1d or 1mo";

/// The unit of a timeframe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

impl Unit {
    const ALL: [Self; 6] = [
        Self::Second,
        Self::Minute,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "m",
            Self::Hour => "h",
            Self::Day => "d",
            Self::Week => "w",
            Self::Month => "mo",
        }
    }

    /// The most of it that a timeframe may have: none is longer than twelve months of any year.
    const fn most(self) -> u32 {
        match self {
            Self::Second => 365 * 24 * 60 * 60,
            Self::Minute => 365 * 24 * 60,
            Self::Hour => 365 * 24,
            Self::Day => 365,
            Self::Week => 52,
            Self::Month => 12,
        }
    }
}

/// How long a bar lasts: a number and a unit, of `s`, `m`, `h`, `d`, `w` and `mo` (months), from `1s` to
/// `12mo`. `60m` and `1h` are two timeframes of the same length: a dataset has the one that it was loaded as.
///
/// Timeframes are ordered by their length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timeframe {
    count: u32,
    unit: Unit,
}

/// The length of a timeframe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Always the same, in milliseconds.
    Fixed(i64),
    /// So many months, each as long as the calendar says.
    Months(u32),
}

/// The text is not a timeframe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {EXPECTED}")]
pub struct ParseTimeframeError;

impl Timeframe {
    /// The timeframe of this name.
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Whether its bars are named by dates: days, weeks and months.
    pub const fn is_of_dates(self) -> bool {
        matches!(self.unit, Unit::Day | Unit::Week | Unit::Month)
    }

    /// The length.
    pub const fn length(self) -> Length {
        let count = self.count as i64;
        match self.unit {
            Unit::Second => Length::Fixed(count * SECOND_MS),
            Unit::Minute => Length::Fixed(count * MINUTE_MS),
            Unit::Hour => Length::Fixed(count * HOUR_MS),
            Unit::Day => Length::Fixed(count * DAY_MS),
            Unit::Week => Length::Fixed(count * WEEK_MS),
            Unit::Month => Length::Months(self.count),
        }
    }

    /// The length in milliseconds, or its mean for months.
    pub const fn mean_millis(self) -> i64 {
        match self.length() {
            Length::Fixed(millis) => millis,
            Length::Months(count) => count as i64 * MEAN_MONTH_MS,
        }
    }

    /// The time at which the bar after the one that opens at `time` opens. A month later is the same day of the
    /// next month at the same time, or its last day where it is too short: one month after 31 January is
    /// 28 or 29 February. The result is never after [`Timestamp::MAX`].
    #[must_use]
    pub fn next(self, time: Timestamp) -> Timestamp {
        match self.length() {
            Length::Fixed(millis) => time.plus_millis(millis),
            Length::Months(count) => civil(time)
                .checked_add_months(Months::new(count))
                .map_or(Timestamp::MAX, timestamp),
        }
    }

    /// The beginning of the period that contains `time`, on the grid of the calendar in UTC: seconds, minutes,
    /// hours and days count from 1970-01-01, weeks begin on Mondays, and months on their first day. Several
    /// months count from a January, so quarters begin in January, April, July and October.
    ///
    /// The result is never before [`Timestamp::MIN`]. A dataset may lie on another grid, such as weeks
    /// that begin on Sundays: [`Timeframe::steps_between`] compares times with each other.
    #[must_use]
    pub fn floor(self, time: Timestamp) -> Timestamp {
        let millis = time.as_millis();
        match self.length() {
            Length::Fixed(length) => {
                let origin = if self.unit == Unit::Week {
                    MONDAY_MS
                } else {
                    0
                };
                Timestamp::from_millis(millis - (millis - origin).rem_euclid(length))
            }
            Length::Months(count) => {
                let month = months(civil(time));
                let first = month - (month - months_of(1970, 0)).rem_euclid(i64::from(count));
                let (year, month) = (first.div_euclid(12), first.rem_euclid(12));
                i32::try_from(year)
                    .ok()
                    .and_then(|year| NaiveDate::from_ymd_opt(year, month as u32 + 1, 1))
                    .and_then(|date| date.and_hms_opt(0, 0, 0))
                    .map_or(Timestamp::MIN, timestamp)
            }
        }
    }

    /// Whether `time` is the beginning of a period, as [`Timeframe::floor`] has it.
    pub fn is_on_grid(self, time: Timestamp) -> bool {
        self.floor(time) == time
    }

    /// How many bars of this length lie from `a` to `b`, if it is a whole number of them; negative if `b` is
    /// the earlier one.
    ///
    /// Months are counted between the same times of the same days of two months. Where one of the days is
    /// the last one of its month, the other may be a later day, as months have different lengths: from
    /// 28 February to 31 March is one month.
    pub fn steps_between(self, a: Timestamp, b: Timestamp) -> Option<i64> {
        let (steps, length) = match self.length() {
            Length::Fixed(length) => (b.as_millis() - a.as_millis(), length),
            Length::Months(count) => {
                let (a, b) = (civil(a), civil(b));
                let shorter = if a.day() < b.day() { a } else { b };
                let is_same_day = a.day() == b.day() || is_last_of_month(shorter);
                if !is_same_day || a.time() != b.time() {
                    return None;
                }
                (months(b) - months(a), i64::from(count))
            }
        };
        (steps % length == 0).then(|| steps / length)
    }

    /// The regular expression of all timeframes, and of nothing else.
    pub fn pattern() -> String {
        let each = Unit::ALL.map(|unit| format!("({}){}", up_to(unit.most()), unit.name()));
        format!("^({})$", each.join("|"))
    }
}

/// A regular expression of the integers from 1 to `most`.
fn up_to(most: u32) -> String {
    let digits = most.to_string();
    let mut all = Vec::new();
    if digits.len() > 1 {
        all.push(format!("[1-9][0-9]{{0,{}}}", digits.len() - 2));
    }
    for (place, digit) in digits.char_indices() {
        let (least, rest) = (if place == 0 { '1' } else { '0' }, digits.len() - place - 1);
        // The numbers of as many digits that are smaller from this digit on.
        if digit > least {
            let below = char::from(digit as u8 - 1);
            all.push(format!(
                "{}[{least}-{below}][0-9]{{{rest}}}",
                &digits[..place]
            ));
        }
    }
    all.push(digits);
    all.join("|")
}

/// The date and time of day in UTC.
fn civil(time: Timestamp) -> NaiveDateTime {
    // chrono's range holds every timestamp.
    DateTime::from_timestamp_millis(time.as_millis())
        .unwrap_or(DateTime::UNIX_EPOCH)
        .naive_utc()
}

fn timestamp(civil: NaiveDateTime) -> Timestamp {
    Timestamp::from_millis(civil.and_utc().timestamp_millis())
}

/// The number of months since the year 0.
fn months(civil: NaiveDateTime) -> i64 {
    months_of(civil.year(), civil.month0())
}

fn months_of(year: i32, month0: u32) -> i64 {
    i64::from(year) * 12 + i64::from(month0)
}

fn is_last_of_month(civil: NaiveDateTime) -> bool {
    civil
        .date()
        .succ_opt()
        .is_none_or(|next| next.month() != civil.month())
}

impl FromStr for Timeframe {
    type Err = ParseTimeframeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (count, unit) = text.split_at(end);
        let unit = Unit::ALL.into_iter().find(|known| known.name() == unit);
        let (Some(unit), false) = (unit, count.starts_with('0')) else {
            return Err(ParseTimeframeError);
        };
        match count.parse() {
            Ok(count) if (1..=unit.most()).contains(&count) => Ok(Self { count, unit }),
            _ => Err(ParseTimeframeError),
        }
    }
}

impl fmt::Display for Timeframe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Through `pad`, so that a width aligns it.
        f.pad(&format!("{}{}", self.count, self.unit.name()))
    }
}

impl Ord for Timeframe {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |one: &Self| (one.mean_millis(), one.unit, one.count);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Timeframe {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Timeframe {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timeframe {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Timeframe {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Timeframe".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": Self::pattern(),
            "maxLength": LONGEST_TIMEFRAME_NAME,
            "x-expected": EXPECTED,
            "examples": ["1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w", "1mo"],
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn timeframe(text: &str) -> Timeframe {
        text.parse().expect(text)
    }

    fn time(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    /// Every unit, and counts up to the most of each.
    fn any_timeframe() -> impl Strategy<Value = Timeframe> {
        let unit = proptest::sample::select(Unit::ALL.to_vec());
        unit.prop_flat_map(|unit| {
            (1..=unit.most()).prop_map(move |count| Timeframe { count, unit })
        })
    }

    /// Times of the years 1900 to 2100: around dates, at their ends, and anywhere.
    fn any_time() -> impl Strategy<Value = Timestamp> {
        let days = -25_567_i64..47_482;
        let within = prop_oneof![Just(0_i64), Just(DAY_MS - 1), 0..DAY_MS];
        (days, within).prop_map(|(day, within)| Timestamp::from_millis(day * DAY_MS + within))
    }

    #[test]
    fn a_timeframe_is_a_number_and_a_unit_from_a_second_to_a_year() {
        for text in [
            "1s",
            "90s",
            "31536000s",
            "1m",
            "5m",
            "525600m",
            "1h",
            "8760h",
            "1d",
            "365d",
            "1w",
            "52w",
            "1mo",
            "12mo",
        ] {
            assert_eq!(timeframe(text).to_string(), text);
            assert!(text.len() <= LONGEST_TIMEFRAME_NAME);
        }
        for text in [
            "",
            "1",
            "s",
            "0s",
            "01m",
            "1M",
            "1D",
            "1 d",
            " 1d",
            "1d ",
            "1d\n",
            "-1d",
            "+1d",
            "1.5h",
            "31536001s",
            "525601m",
            "8761h",
            "366d",
            "53w",
            "13mo",
            "1y",
            "1mon",
            "1min",
            "1d1h",
            "१d",
            "99999999999999999999s",
            "4294967297s",
        ] {
            assert_eq!(
                text.parse::<Timeframe>(),
                Err(ParseTimeframeError),
                "{text:?}"
            );
        }
        let told = ParseTimeframeError.to_string();
        assert!(told.contains("1s to 12mo"), "{told}");
    }

    #[test]
    fn timeframes_are_ordered_by_their_length() {
        let sorted = [
            "1s", "15s", "60s", "1m", "5m", "15m", "60m", "1h", "4h", "24h", "1d", "6d", "7d",
            "1w", "4w", "30d", "1mo", "31d", "3mo", "52w", "365d", "12mo",
        ];
        let mut all: Vec<Timeframe> = sorted.iter().rev().map(|one| timeframe(one)).collect();
        all.sort();
        let names: Vec<_> = all.iter().map(ToString::to_string).collect();
        assert_eq!(names, sorted);
        assert_eq!(format!("{:<5}|", timeframe("1mo")), "1mo  |");
    }

    #[test]
    fn months_have_the_lengths_of_the_calendar() {
        let day = |text: &str| time(&format!("{text}T00:00:00Z"));
        for (name, from, next) in [
            ("1mo", "2024-01-01", "2024-02-01"),
            ("1mo", "2024-01-31", "2024-02-29"),
            ("1mo", "2023-01-31", "2023-02-28"),
            ("1mo", "2023-12-15", "2024-01-15"),
            ("3mo", "2023-11-30", "2024-02-29"),
            ("12mo", "2024-02-29", "2025-02-28"),
            ("1w", "2024-02-26", "2024-03-04"),
        ] {
            assert_eq!(timeframe(name).next(day(from)), day(next), "{name} {from}");
        }
        for (name, of, floor) in [
            ("1mo", "2024-02-29", "2024-02-01"),
            ("3mo", "2024-03-31", "2024-01-01"),
            ("12mo", "1969-12-31", "1969-01-01"),
            ("1w", "2024-01-07", "2024-01-01"),
            ("1w", "2024-01-08", "2024-01-08"),
            ("1w", "1969-12-28", "1969-12-22"),
        ] {
            assert_eq!(timeframe(name).floor(day(of)), day(floor), "{name} {of}");
        }
        for (name, from, to, steps) in [
            ("1mo", "2024-01-31", "2024-02-29", Some(1)),
            ("1mo", "2023-02-28", "2023-03-31", Some(1)),
            ("1mo", "2023-03-31", "2023-02-28", Some(-1)),
            ("1mo", "2023-02-28", "2024-02-29", Some(12)),
            ("1mo", "2024-01-01", "2024-02-29", None),
            ("1mo", "2024-01-30", "2024-03-31", None),
            ("3mo", "2024-01-01", "2024-07-01", Some(2)),
            ("3mo", "2024-01-01", "2024-06-01", None),
            ("1w", "2024-01-03", "2024-01-17", Some(2)),
            ("1w", "2024-01-03", "2024-01-18", None),
        ] {
            let found = timeframe(name).steps_between(day(from), day(to));
            assert_eq!(found, steps, "{name} {from} {to}");
        }
        let hour = timeframe("1mo").steps_between(day("2024-01-01"), time("2024-02-01T01:00:00Z"));
        assert_eq!(hour, None);
    }

    #[test]
    fn the_ends_of_time_are_no_trouble() {
        for unit in Unit::ALL {
            for count in [1, unit.most()] {
                let timeframe = Timeframe { count, unit };
                for time in [Timestamp::MIN, Timestamp::MAX] {
                    assert!(timeframe.floor(time) <= time && timeframe.next(time) >= time);
                    assert_eq!(timeframe.steps_between(time, time), Some(0));
                }
                timeframe.steps_between(Timestamp::MIN, Timestamp::MAX);
            }
        }
    }

    #[test]
    fn the_pattern_is_that_of_the_timeframes() {
        let schema = serde_json::json!({"type": "string", "pattern": Timeframe::pattern()});
        let validator = jsonschema::validator_for(&schema).expect("it is a pattern");
        let fits = |text: &str| validator.is_valid(&text.into());
        for unit in Unit::ALL {
            let most = unit.most();
            let near = (0..=most.min(2_000)).chain(most.saturating_sub(2_000)..=most + 2_000);
            let far = (0..9)
                .map(|zeros| 10_u32.pow(zeros))
                .flat_map(|ten| [ten - 1, ten, ten + 1]);
            for count in near.chain(far) {
                let text = format!("{count}{}", unit.name());
                assert_eq!(fits(&text), text.parse::<Timeframe>().is_ok(), "{text}");
            }
        }
        for text in ["", "d", "01d", "1d ", " 1d", "1D", "1d\n1d"] {
            assert!(!fits(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_name_is_read_back(timeframe in any_timeframe()) {
            prop_assert_eq!(timeframe.to_string().parse(), Ok(timeframe));
            let json = serde_json::to_value(timeframe).expect("a text");
            prop_assert_eq!(serde_json::from_value::<Timeframe>(json).expect("its own"), timeframe);
        }

        #[test]
        fn any_text_is_a_timeframe_that_is_written_so_or_none(text in "[0-9smhdwo]{0,10}") {
            if let Ok(timeframe) = text.parse::<Timeframe>() {
                prop_assert_eq!(timeframe.to_string(), text);
            }
        }

        #[test]
        fn a_period_contains_its_times(timeframe in any_timeframe(), time in any_time()) {
            let floor = timeframe.floor(time);
            let next = timeframe.next(floor);
            prop_assert!(floor <= time && time < next, "{} {} {}", floor, time, next);
            prop_assert_eq!(timeframe.floor(floor), floor);
            prop_assert!(timeframe.is_on_grid(floor) && timeframe.is_on_grid(next));
            prop_assert_eq!(timeframe.floor(next.plus_millis(-1)), floor);
        }

        #[test]
        fn the_next_bar_is_one_step_away(timeframe in any_timeframe(), time in any_time()) {
            let next = timeframe.next(time);
            prop_assert_eq!(timeframe.steps_between(time, next), Some(1));
            prop_assert_eq!(timeframe.steps_between(next, time), Some(-1));
            prop_assert_eq!(timeframe.steps_between(time, next.plus_millis(1)), None);
        }

        #[test]
        fn steps_add_up(timeframe in any_timeframe(), time in any_time(), steps in 0_i64..40) {
            // From the beginning of a period, where no day is cut off.
            let first = timeframe.floor(time);
            let mut last = first;
            for _ in 0..steps {
                last = timeframe.next(last);
            }
            prop_assert_eq!(timeframe.steps_between(first, last), Some(steps));
        }

        #[test]
        fn a_longer_timeframe_is_a_later_one(a in any_timeframe(), b in any_timeframe()) {
            prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
            if a.mean_millis() < b.mean_millis() {
                prop_assert!(a < b);
            }
        }
    }
}
