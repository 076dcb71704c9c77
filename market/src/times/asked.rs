//! Formats of times that people say, in the words of
//! [strftime](https://docs.rs/chrono/latest/chrono/format/strftime/index.html).

use chrono::format::{Fixed, Item, Numeric, Parsed, StrftimeItems, parse};

use super::TimesFault;
use super::form::{Moment, of_date};
use super::scan::LONGEST;

/// A format, taken apart once.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern {
    text: String,
    items: Vec<Item<'static>>,
    has_short_year: bool,
    has_clock: bool,
    /// Ends with `%Z`, the name of a zone.
    has_zone_name: bool,
    /// Ends with a `Z`, which means UTC.
    is_utc: bool,
}

impl Pattern {
    /// The format that `text` says. Months may be without a day where bars last months.
    pub(super) fn new(text: &str, is_of_months: bool) -> Result<Self, TimesFault> {
        let fault = |what: &str| TimesFault {
            field: "time_format",
            message: format!(
                "{:?} {what}: expected a format of strftime such as %Y-%m-%d %H:%M:%S, %d/%m/%Y or %s",
                text.chars().take(LONGEST).collect::<String>()
            ),
        };
        if text.len() > LONGEST {
            return Err(fault("is too long"));
        }
        let named = text.strip_suffix("%Z");
        let items: Vec<_> = StrftimeItems::new(named.unwrap_or(text))
            .map(Item::to_owned)
            .collect();
        if items.contains(&Item::Error) {
            return Err(fault("is no format"));
        }
        if items.contains(&Item::Fixed(Fixed::TimezoneName)) {
            return Err(fault("has a %Z that is not at its end"));
        }
        let any = |wanted: &[Numeric]| {
            items
                .iter()
                .any(|item| matches!(item, Item::Numeric(numeric, _) if wanted.contains(numeric)))
        };
        let has_month = any(&[Numeric::Month])
            || items.iter().any(|item| {
                matches!(
                    item,
                    Item::Fixed(Fixed::ShortMonthName | Fixed::LongMonthName)
                )
            });
        let has_day = any(&[Numeric::Day]) || is_of_months;
        let is_standard = items
            .iter()
            .any(|item| matches!(item, Item::Fixed(Fixed::RFC2822 | Fixed::RFC3339)));
        let has_date = any(&[Numeric::Year, Numeric::YearMod100])
            && ((has_month && has_day) || any(&[Numeric::Ordinal]));
        if !has_date && !is_standard {
            return Err(fault("does not name the year, the month and the day"));
        }
        Ok(Self {
            has_short_year: any(&[Numeric::YearMod100]),
            has_clock: any(&[Numeric::Hour, Numeric::Hour12]) || is_standard,
            has_zone_name: named.is_some(),
            is_utc: text.ends_with('Z') && named.is_none(),
            text: text.to_owned(),
            items,
        })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The time that `text` names.
    pub(super) fn read<'a>(&self, text: &'a [u8], next_year: i32) -> Option<Moment<'a>> {
        if text.len() > LONGEST {
            return None;
        }
        let mut text = std::str::from_utf8(text).ok()?.trim();
        let mut zone = &b""[..];
        if self.has_zone_name {
            let start = text.rfind(' ').map_or(0, |space| space + 1);
            let (time, name) = text.split_at(start);
            (text, zone) = (time, name.as_bytes());
        }
        let mut parsed = Parsed::new();
        parse(&mut parsed, text, self.items.iter()).ok()?;
        if parsed.day().is_none() && parsed.ordinal().is_none() {
            parsed.set_day(1).ok()?;
        }
        let mut date = parsed.to_naive_date().ok()?;
        if self.has_short_year && chrono::Datelike::year(&date) > next_year {
            date = chrono::Datelike::with_year(&date, chrono::Datelike::year(&date) - 100)?;
        }
        let of_day = if self.has_clock {
            if parsed.minute().is_none() {
                parsed.set_minute(0).ok()?;
            }
            let time = parsed.to_naive_time().ok()?;
            let nanos = i64::from(chrono::Timelike::nanosecond(&time));
            // A leap second has no time of its own.
            (nanos < 1_000_000_000).then_some(())?;
            i64::from(chrono::Timelike::num_seconds_from_midnight(&time)) * 1_000
                + nanos / 1_000_000
        } else {
            0
        };
        let mut moment = Moment::local(of_date(date) + of_day, self.has_clock);
        moment.zone = if self.is_utc { b"Z" } else { zone };
        moment.offset = parsed.offset();
        Some(moment)
    }
}
