//! Zones: what they are called, and what time in UTC a local time is.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::TimesFault;
use super::form::Moment;
use super::scan::two;

const HOUR: i64 = 3_600_000;
pub(super) const DAY: i64 = 24 * HOUR;

/// The zone of local times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// A zone of the [IANA database](https://www.iana.org/time-zones), such as `America/New_York`.
    Named(Tz),
    /// The same offset all the year, in seconds east of UTC.
    Fixed(i32),
}

impl Zone {
    /// UTC.
    pub const UTC: Self = Self::Fixed(0);

    /// The zone that `text` names: `America/New_York`, `UTC`, `UTC-5`, `-05:00`, `EST`.
    pub fn parse(text: &str) -> Result<Self, TimesFault> {
        let said = text.trim();
        let short = said.len() <= super::scan::LONGEST;
        let zone = short.then(|| zone(said.as_bytes())).flatten();
        zone.ok_or_else(|| TimesFault {
            field: "time_zone",
            message: format!(
                "{:?} is no zone: expected a name of the IANA database such as America/New_York, or a \
                 fixed offset such as UTC, UTC-5 or +05:30",
                text.chars().take(super::scan::LONGEST).collect::<String>()
            ),
        })
    }
}

impl std::fmt::Display for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(zone) => f.write_str(zone.name()),
            Self::Fixed(0) => f.write_str("UTC"),
            Self::Fixed(offset) => {
                let sign = if *offset < 0 { '-' } else { '+' };
                let minutes = offset.abs() / 60;
                write!(f, "UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

/// The zone that stands behind a time, or that somebody asked for.
pub(super) fn zone(text: &[u8]) -> Option<Zone> {
    // Java: `+01:00[Europe/Berlin]`; JavaScript: `GMT-0500 (Eastern Standard Time)`; Go: `+0000 UTC`.
    let end = text
        .iter()
        .position(|byte| matches!(byte, b'[' | b'('))
        .unwrap_or(text.len());
    let text = text[..end].trim_ascii_end();
    let (text, behind) = match text.iter().position(|byte| *byte == b' ') {
        Some(space) => (&text[..space], text[space..].trim_ascii()),
        None => (text, &b""[..]),
    };
    let is_word = behind.iter().all(u8::is_ascii_alphabetic);
    let is_after_offset = is_word && matches!(text, [b'+' | b'-', ..]);
    if !behind.is_empty() && !is_after_offset {
        return None;
    }
    if let Some(offset) = offset(text) {
        return Some(Zone::Fixed(offset));
    }
    let is_utc = |text: &[u8]| {
        [&b"Z"[..], b"UTC", b"GMT", b"UT"]
            .iter()
            .any(|name| name.eq_ignore_ascii_case(text))
    };
    if is_utc(text) {
        return Some(Zone::UTC);
    }
    if text.len() > 3 && is_utc(&text[..3]) && matches!(text[3], b'+' | b'-') {
        let digits = &text[3..];
        let short = [digits[0], b'0', *digits.get(1)?];
        return offset(if digits.len() == 2 { &short } else { digits }).map(Zone::Fixed);
    }
    if let Some(hours) = abbreviation(text) {
        return Some(Zone::Fixed(hours * 3_600));
    }
    let name = std::str::from_utf8(text).ok()?;
    name.parse().ok().map(Zone::Named)
}

/// Abbreviations that mean one thing. Not among them: `CST`, `IST` and `BST`, which mean several.
fn abbreviation(text: &[u8]) -> Option<i32> {
    let known: [(&[u8], i32); 15] = [
        (b"EST", -5),
        (b"EDT", -4),
        (b"MST", -7),
        (b"MDT", -6),
        (b"PST", -8),
        (b"PDT", -7),
        (b"CEST", 2),
        (b"EEST", 3),
        (b"WEST", 1),
        (b"MSK", 3),
        (b"HKT", 8),
        (b"JST", 9),
        (b"KST", 9),
        (b"AEST", 10),
        (b"AEDT", 11),
    ];
    let mut known = known.iter();
    known
        .find(|(name, _)| name.eq_ignore_ascii_case(text))
        .map(|(_, hours)| *hours)
}

/// `+02:00`, `+0200` or `+02`, in seconds.
pub(super) fn offset(text: &[u8]) -> Option<i32> {
    let (sign, digits) = match text {
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match *digits {
        [h1, h2] => (two(h1, h2)?, 0),
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => (two(h1, h2)?, two(m1, m2)?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60) as i32)
}

/// Which time in UTC a local time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    At(i64),
    /// The clocks are put back, so there are two.
    Twice(i64, i64),
    /// The clocks are put forward over it.
    Never,
}

/// Places local times of named zones. On most days the clocks are not changed, so the offset of the last such
/// day is remembered.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    day: Option<(Tz, i64)>,
    offset: i64,
}

impl Places {
    /// The time in UTC of `local`, both in milliseconds.
    pub(super) fn place(&mut self, local: i64, zone: Zone) -> Placed {
        let zone = match zone {
            Zone::Fixed(offset) => return Placed::At(local - i64::from(offset) * 1_000),
            Zone::Named(zone) => zone,
        };
        let day = local.div_euclid(DAY);
        if self.day == Some((zone, day)) {
            return Placed::At(local - self.offset);
        }
        let found = place(local, zone);
        let at = |local: i64| match place(local, zone) {
            Placed::At(time) => Some(local - time),
            _ => None,
        };
        // No zone changes its clocks twice within a day and an hour.
        let (start, end) = (at(day * DAY), at((day + 1) * DAY + HOUR));
        if let (Some(start), Some(end)) = (start, end)
            && start == end
            && matches!(found, Placed::At(time) if local - time == start)
        {
            (self.day, self.offset) = (Some((zone, day)), start);
        }
        found
    }
}

fn place(local: i64, zone: Tz) -> Placed {
    let Some(naive) = naive(local) else {
        return Placed::Never;
    };
    let time = |offset: i32| local - i64::from(offset) * 1_000;
    match zone.offset_from_local_datetime(&naive) {
        MappedLocalTime::Single(offset) => Placed::At(time(offset.fix().local_minus_utc())),
        MappedLocalTime::Ambiguous(one, other) => {
            let (one, other) = (
                time(one.fix().local_minus_utc()),
                time(other.fix().local_minus_utc()),
            );
            Placed::Twice(one.min(other), one.max(other))
        }
        MappedLocalTime::None => Placed::Never,
    }
}

/// The local time of `time`.
pub(super) fn local(time: i64, zone: Zone) -> i64 {
    let offset = match zone {
        Zone::Fixed(offset) => offset,
        Zone::Named(zone) => naive(time).map_or(0, |naive| {
            zone.offset_from_utc_datetime(&naive)
                .fix()
                .local_minus_utc()
        }),
    };
    time + i64::from(offset) * 1_000
}

fn naive(millis: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_millis(millis).map(|time| time.naive_utc())
}

/// The zones of a column: what stands behind its times, and what was said of those without one.
#[derive(Clone, Debug)]
pub(super) struct Zones {
    said: Option<Zone>,
    last: Vec<u8>,
    last_zone: Option<Zone>,
    places: Places,
}

impl Zones {
    pub(super) fn new(said: Option<Zone>) -> Self {
        Self {
            said,
            last: Vec::new(),
            last_zone: None,
            places: Places::default(),
        }
    }

    /// The zone that stands behind a time. The inner `None` is for no zone, the outer one for an unknown one.
    #[expect(
        clippy::option_option,
        reason = "no zone and no known zone are two things"
    )]
    pub(super) fn behind(&mut self, moment: &Moment<'_>) -> Option<Option<Zone>> {
        if let Some(offset) = moment.offset {
            return Some(Some(Zone::Fixed(offset)));
        }
        if moment.zone.is_empty() {
            return Some(None);
        }
        if self.last != moment.zone {
            self.last_zone = Some(zone(moment.zone)?);
            self.last.clear();
            self.last.extend_from_slice(moment.zone);
        }
        Some(self.last_zone)
    }

    /// The local time that its source means: as it was written, or that of a number since 1970.
    pub(super) fn local(&self, moment: &Moment<'_>) -> i64 {
        match self.said {
            Some(zone) if moment.is_absolute => local(moment.millis, zone),
            _ => moment.millis,
        }
    }

    /// The time in UTC.
    pub(super) fn place(&mut self, moment: &Moment<'_>, behind: Option<Zone>) -> Placed {
        if moment.is_absolute {
            return Placed::At(moment.millis);
        }
        let zone = behind.or(self.said).unwrap_or(Zone::UTC);
        self.places.place(moment.millis, zone)
    }
}
