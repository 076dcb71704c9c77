//! Reads the times of a column, value by value.

use chrono::NaiveDate;
use impresario_api::Timestamp;

use super::Zone;
use super::form::{self, Form, Moment, Order};
use super::number;
use super::scan::{millis, scan, two};
use super::survey::{Reading, limits};
use super::zone::{DAY, Placed, Zones, local};
use crate::timeframe::Timeframe;

/// Reads times. Most rows of a short timeframe have the date of the row before, so the last date is
/// remembered.
#[derive(Clone, Debug)]
pub struct Clock {
    reading: Reading,
    is_of_dates: bool,
    is_iso: bool,
    limits: (i64, i64),
    date: [u8; 10],
    /// The midnight of that date, in milliseconds since 1970.
    midnight: i64,
    zones: Zones,
    last: Option<i64>,
    seen: Seen,
}

/// What the values had.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    without_zone: bool,
    with_zone: bool,
    is_assumed: bool,
    name: Option<chrono_tz::Tz>,
    /// The least and the greatest offset, in seconds.
    offsets: Option<(i32, i32)>,
    mixed: u64,
    off_date: u64,
}

/// What the times that were read say of themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// No zone was said, and UTC was taken: `ZONE_ASSUMED`.
    pub zone_assumed: bool,
    /// How many times have another zone than those before them: `MIXED_ZONES`. Whoever wants the places
    /// compares the number before and after each [`Clock::read`].
    pub mixed_zones: u64,
    /// How many times of days, weeks or months had a time of day, of which only the date is kept.
    pub off_date: u64,
}

/// A value is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct TimeFault {
    /// What was expected instead.
    pub expected: String,
}

impl Clock {
    /// A clock that reads in this way.
    pub fn new(reading: Reading, timeframe: Timeframe) -> Self {
        let is_iso = matches!(
            reading.form,
            Form::Fields(layout)
                if layout.order == Order::YearMonthDay
                    && layout.separator == b'-'
                    && !layout.is_named
        );
        Self {
            is_of_dates: timeframe.is_of_dates(),
            is_iso,
            limits: limits(reading.years),
            date: [0; 10],
            midnight: 0,
            zones: Zones::new(reading.said),
            last: None,
            seen: Seen::default(),
            reading,
        }
    }

    /// The time that `text` names. Fractions are cut to milliseconds; bars of days, weeks and months keep the
    /// date that is written.
    #[inline]
    pub fn read(&mut self, text: &[u8]) -> Result<Timestamp, TimeFault> {
        let moment = match self.reading.form {
            Form::Epoch(unit) => number::epoch(text, unit).map(Moment::absolute),
            _ if self.is_iso => self.iso(text),
            _ => None,
        };
        let moment = match moment {
            Some(moment) => moment,
            None => self.other(text).ok_or_else(|| self.fault())?,
        };
        let time = if self.is_of_dates {
            self.date_of(&moment)?
        } else {
            self.place(&moment)?
        };
        if time < self.limits.0 || time >= self.limits.1 {
            return Err(self.out_of_range());
        }
        if let Form::Epoch(unit) = self.reading.form
            && number::is_of_larger_unit(text, unit, time)
        {
            return Err(TimeFault {
                expected: "a number in the unit of the rows before".to_owned(),
            });
        }
        Timestamp::in_range(time).ok_or_else(|| self.fault())
    }

    /// What the times that were read say of themselves.
    pub const fn facts(&self) -> Facts {
        Facts {
            zone_assumed: self.seen.is_assumed,
            mixed_zones: self.seen.mixed,
            off_date: self.seen.off_date,
        }
    }

    /// `2004-08-19` and `2004-08-19T13:30:05.25Z`, the most common forms.
    #[inline]
    fn iso<'a>(&mut self, text: &'a [u8]) -> Option<Moment<'a>> {
        let (date @ [_, _, _, _, b'-', _, _, b'-', _, _], rest) = text.split_first_chunk()? else {
            return None;
        };
        if self.date != *date {
            self.midnight = midnight(date)?;
            self.date = *date;
        }
        if rest.is_empty() {
            return Some(Moment::local(self.midnight, false));
        }
        let ([b'T' | b't' | b' ', h1, h2, b':', m1, m2], rest) = rest.split_first_chunk()? else {
            return None;
        };
        let (hours, minutes) = (two(*h1, *h2)?, two(*m1, *m2)?);
        if hours > 23 || minutes > 59 {
            return None;
        }
        let (of_minute, zone) = match rest {
            [b':', s1, s2, rest @ ..] => {
                let seconds = two(*s1, *s2).filter(|seconds| *seconds < 60)?;
                let (fraction, rest) = match rest {
                    [b'.' | b',', rest @ ..] => {
                        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                        (
                            millis((digits > 0).then_some(&rest[..digits])?),
                            &rest[digits..],
                        )
                    }
                    rest => (0, rest),
                };
                (seconds * 1_000 + fraction, rest)
            }
            rest => (0, rest),
        };
        // What is not the plain end of a time takes the longer way.
        if !matches!(zone, [] | [b'Z' | b'+' | b'-', ..]) {
            return None;
        }
        let of_day = (hours * 60 + minutes) * 60_000 + of_minute;
        Some(Moment {
            zone,
            ..Moment::local(self.midnight + of_day, true)
        })
    }

    fn other<'a>(&self, text: &'a [u8]) -> Option<Moment<'a>> {
        let text = text.trim_ascii();
        match &self.reading.form {
            Form::Epoch(unit) => number::epoch(text, *unit).map(Moment::absolute),
            Form::Excel => number::excel(text).map(|millis| Moment::local(millis, true)),
            Form::Packed(width) => form::packed(text, *width),
            Form::Asked(pattern) => pattern.read(text, self.reading.next_year),
            Form::Fields(layout) => form::fields(&scan(text)?, *layout, self.reading.next_year),
        }
    }

    /// The midnight of the date that is written.
    #[inline]
    fn date_of(&mut self, moment: &Moment<'_>) -> Result<i64, TimeFault> {
        self.zone_of(moment)?;
        let local = self.zones.local(moment);
        let of_day = local.rem_euclid(DAY);
        if of_day != 0 {
            self.seen.off_date += 1;
            // Midnight is as good as no time of day.
            self.seen.is_assumed |=
                moment.zone.is_empty() && moment.offset.is_none() && self.reading.said.is_none();
        }
        Ok(local - of_day)
    }

    #[inline]
    fn place(&mut self, moment: &Moment<'_>) -> Result<i64, TimeFault> {
        let zone = self.zone_of(moment)?;
        let is_said = moment.is_absolute || zone.is_some() || self.reading.said.is_some();
        self.seen.is_assumed |= !is_said && moment.has_clock;
        let time = match self.zones.place(moment, zone) {
            Placed::At(time) => time,
            placed => self.changed(placed)?,
        };
        self.last = Some(time);
        Ok(time)
    }

    /// The zone behind a time.
    #[inline]
    fn zone_of(&mut self, moment: &Moment<'_>) -> Result<Option<Zone>, TimeFault> {
        if moment.is_absolute {
            return Ok(None);
        }
        let Some(zone) = self.zones.behind(moment) else {
            return Err(TimeFault {
                expected:
                    "a time with a known zone behind it, such as Z, -05:00 or America/New_York"
                        .to_owned(),
            });
        };
        let is_mixed = match zone {
            None => {
                self.seen.without_zone = true;
                self.seen.with_zone
            }
            Some(zone) => {
                self.seen.with_zone = true;
                let is_other = self.seen.is_other(zone, moment.millis);
                self.seen.without_zone || is_other
            }
        };
        self.seen.mixed += u64::from(is_mixed);
        Ok(zone)
    }

    /// A local time at which the clocks are changed.
    #[cold]
    fn changed(&self, placed: Placed) -> Result<i64, TimeFault> {
        let Placed::Twice(early, late) = placed else {
            return Err(TimeFault {
                expected:
                    "a time that exists in its zone: the clocks are put forward over this one"
                        .to_owned(),
            });
        };
        let found = match (self.reading.direction, self.last) {
            (None, _) => None,
            (Some(_), None) if self.reading.is_newest_first() => Some(late),
            (Some(_), None) => Some(early),
            (Some(_), Some(last)) if self.reading.is_newest_first() => {
                [late, early].into_iter().find(|time| *time < last)
            }
            (Some(_), Some(last)) => [early, late].into_iter().find(|time| *time > last),
        };
        found.ok_or_else(|| TimeFault {
            expected: "a time that exists once in its zone, or rows in the order of their times: the clocks \
                       are put back over this one"
                .to_owned(),
        })
    }

    #[cold]
    fn fault(&self) -> TimeFault {
        let expected = match &self.reading.form {
            Form::Epoch(unit) => format!("a number since 1970 in {}", unit.name()),
            Form::Excel => "a number of days since 1899-12-30".to_owned(),
            _ => format!(
                "a time such as {}, as in the rows before",
                self.reading.format()
            ),
        };
        TimeFault { expected }
    }

    #[cold]
    fn out_of_range(&self) -> TimeFault {
        let (first, last) = self.reading.years;
        TimeFault {
            expected: format!("a time from {first} to the end of {last}"),
        }
    }
}

impl Seen {
    /// Whether this zone is another than those before: another name, or an offset that differs by more than an
    /// hour, the step of a daylight saving time.
    #[inline]
    fn is_other(&mut self, zone: Zone, millis: i64) -> bool {
        const HOUR: i32 = 3_600;
        let is_far = |one: i32, other: i32| (one - other).abs() > HOUR;
        match zone {
            Zone::Named(zone) => {
                let name = *self.name.get_or_insert(zone);
                let offset = || offset_at(zone, millis);
                name != zone
                    || self.offsets.is_some_and(|(least, greatest)| {
                        is_far(offset(), least) || is_far(offset(), greatest)
                    })
            }
            Zone::Fixed(offset) => {
                let (least, greatest) = self.offsets.unwrap_or((offset, offset));
                self.offsets = Some((least.min(offset), greatest.max(offset)));
                is_far(offset, least)
                    || is_far(offset, greatest)
                    || self
                        .name
                        .is_some_and(|name| is_far(offset, offset_at(name, millis)))
            }
        }
    }
}

/// The offset of a zone about this time, in seconds.
fn offset_at(zone: chrono_tz::Tz, millis: i64) -> i32 {
    ((local(millis, Zone::Named(zone)) - millis) / 1_000) as i32
}

/// `2004-08-19`, in milliseconds since 1970.
fn midnight(&[y1, y2, y3, y4, _, m1, m2, _, d1, d2]: &[u8; 10]) -> Option<i64> {
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let date = NaiveDate::from_ymd_opt(year as i32, two(m1, m2)? as u32, two(d1, d2)? as u32)?;
    Some(form::of_date(date))
}
