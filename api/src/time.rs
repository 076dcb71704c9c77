//! Points in time in JSON.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Milliseconds since 1970-01-01T00:00:00Z; in JSON RFC 3339 in UTC with milliseconds.
///
/// Every value is in the years 1 to 9999 UTC, so that what was written can always be read back:
/// RFC 3339 has four digits for a year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The text is not a time that can be written in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseTimeError;

impl fmt::Display for ParseTimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "expected an RFC 3339 time in the years 1 to 9999 UTC, without a leap second, such as 2026-01-31T12:00:00.000Z",
        )
    }
}

impl std::error::Error for ParseTimeError {}

impl Timestamp {
    /// 0001-01-01T00:00:00.000Z.
    pub const MIN: Self = Self(-62_135_596_800_000);
    /// 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// The system clock's time.
    pub fn now() -> Self {
        // chrono would make a date first, which is slower. A clock before 1970 is taken as 1970.
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let millis = since.map_or(0, |since| since.as_millis());
        Self::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }

    /// From milliseconds since 1970; a value outside the range becomes the nearest end of it.
    pub const fn from_millis(millis: i64) -> Self {
        match Self::in_range(millis) {
            Some(time) => time,
            None if millis < 0 => Self::MIN,
            None => Self::MAX,
        }
    }

    /// From milliseconds since 1970; `None` outside the range.
    pub const fn in_range(millis: i64) -> Option<Self> {
        if millis < Self::MIN.0 || millis > Self::MAX.0 {
            return None;
        }
        Some(Self(millis))
    }

    /// Milliseconds since 1970.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The number of the minute since 1970.
    pub const fn minute(self) -> i64 {
        self.0.div_euclid(60_000)
    }

    /// This time plus `millis`, clamped to the range.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// Seconds from `earlier` to this time, never negative, because a clock may have been set back.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        self.0.saturating_sub(earlier.0).max(0) as f64 / 1000.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // chrono's own range holds every value of this type.
        let time = DateTime::<Utc>::from_timestamp_millis(self.0).unwrap_or(DateTime::UNIX_EPOCH);
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // chrono accepts minus signs other than the hyphen, which RFC 3339 does not allow.
        if !text.is_ascii() {
            return Err(ParseTimeError);
        }
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| ParseTimeError)?;
        // A second 60 has no milliseconds since 1970 of its own, so it could not be read back as it was.
        let is_leap = time.timestamp_subsec_nanos() >= 1_000_000_000;
        if is_leap {
            return Err(ParseTimeError);
        }
        // The range is checked in UTC, because an offset may lead out of the years that the text names.
        Self::in_range(time.timestamp_millis()).ok_or(ParseTimeError)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse()
            .map_err(|error| de::Error::custom(format_args!("{error}, got \"{text}\"")))
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time",
            "description": "RFC 3339, UTC, with milliseconds"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_rfc3339_with_milliseconds_and_comes_back() {
        let time = Timestamp::from_millis(1_735_689_600_007);
        let json = serde_json::to_string(&time).expect("a timestamp is a string");
        assert_eq!(json, "\"2025-01-01T00:00:00.007Z\"");
        assert_eq!(
            serde_json::from_str::<Timestamp>(&json).expect("own output parses"),
            time
        );
    }

    #[test]
    fn a_time_that_could_not_be_read_back_is_refused() {
        for text in [
            "0000-01-01T00:00:00+14:00",
            "0000-12-31T23:59:59.999Z",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59.9999999-05:00",
            "9999-12-31T23:59:00-00:01",
            "9999-12-31T23:59:60Z",
            "+10000-01-01T00:00:00Z",
            "-0001-12-31T10:00:00.000Z",
            "2026-01-31T12:00:00\u{2212}05:00",
            "2026-01-31T12:30:60Z",
            "2026-01-31T22:59:60Z",
            "2016-12-31T23:59:60+05:00",
            "2016-12-31T23:59:60Z",
            "2016-12-31T18:59:60.500-05:00",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(ParseTimeError), "{text}");
        }
        for (text, time) in [
            ("0000-12-31T23:00:00-01:00", Timestamp::MIN),
            ("9999-12-31T23:59:59.9999999Z", Timestamp::MAX),
        ] {
            assert_eq!(text.parse(), Ok(time), "{text}");
        }
    }

    #[test]
    fn every_value_is_written_and_read_back() {
        let far = [
            i64::MIN,
            i64::MAX,
            Timestamp::MIN.0 - 1,
            Timestamp::MAX.0 + 1,
        ];
        let near = [Timestamp::MIN.0, Timestamp::MAX.0, -1, 0];
        for millis in far.into_iter().chain(near) {
            for time in [
                Timestamp::from_millis(millis),
                Timestamp::MIN.plus_millis(millis),
                Timestamp::MAX.plus_millis(millis),
            ] {
                assert_eq!(time.to_string().parse(), Ok(time), "{millis}");
            }
        }
    }

    #[test]
    fn other_text_is_refused_with_an_example() {
        let error = serde_json::from_str::<Timestamp>("\"tomorrow\"").expect_err("not a time");
        assert!(error.to_string().contains("RFC 3339"), "{error}");
    }
}
