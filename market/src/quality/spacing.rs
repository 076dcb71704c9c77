//! Compares the distances between bars with their timeframe.

use chrono::Datelike;
use impresario_api::{QualityPlace, QualityWarning, Timestamp};

use crate::timeframe::{Length, Timeframe};

const DAY: i64 = 86_400_000;
/// A weekend and a holiday next to it: from Friday's bar to Tuesday's.
const LONGEST_REST: i64 = 4 * DAY;

/// Counts the places where bars are missing.
#[derive(Debug)]
pub(super) struct Holes {
    /// The longest that a bar lasts, in milliseconds.
    length: i64,
    /// The time of the last bar, or later than any.
    last: i64,
    count: u64,
}

impl Holes {
    pub(super) fn new(timeframe: Timeframe) -> Self {
        let length = match timeframe.length() {
            Length::Fixed(length) => length,
            Length::Months(months) => i64::from(months) * 31 * DAY,
        };
        Self {
            length,
            last: i64::MAX,
            count: 0,
        }
    }

    #[inline]
    pub(super) fn see(&mut self, time: Timestamp) {
        let (last, time) = (self.last, time.as_millis());
        self.last = time;
        self.count +=
            u64::from(time.saturating_sub(last) > self.length && self.is_hole(last, time));
    }

    /// Whether bars are missing between two that lie further apart than one lasts. A market rests: bars shorter
    /// than a day are missed within a day (UTC) alone, daily ones past a weekend with a holiday, longer ones
    /// past as many days more.
    fn is_hole(&self, last: i64, time: i64) -> bool {
        if self.length < DAY {
            return last.div_euclid(DAY) == time.div_euclid(DAY);
        }
        time - last > self.length - DAY + LONGEST_REST
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }
}

/// How many different spacings are told apart.
const MOST: usize = 64;
/// With fewer spacings than these, none is the most common one.
const FEW: u64 = 3;

/// Counts the spacings between new bars, for the doubt whether they are of the timeframe.
#[derive(Debug)]
pub struct Spacings {
    timeframe: Timeframe,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    /// How many spacings there are, and how many are that of the timeframe.
    count: u64,
    regular: u64,
    /// How many are whole numbers of bars.
    whole: u64,
    /// The other ones, in milliseconds or, if the timeframe is of months, in months. How many of each there
    /// are, and the first bars after one.
    others: Vec<Other>,
    /// The regular spacing, if it is a fixed time.
    fixed: i64,
}

#[derive(Debug)]
struct Other {
    spacing: i64,
    count: u64,
    places: Vec<Timestamp>,
}

impl Spacings {
    /// A count for bars of this timeframe.
    pub fn new(timeframe: Timeframe) -> Self {
        let fixed = match timeframe.length() {
            Length::Fixed(length) => length,
            Length::Months(_) => 0,
        };
        Self {
            timeframe,
            first: None,
            last: None,
            count: 0,
            regular: 0,
            whole: 0,
            others: Vec::new(),
            fixed,
        }
    }

    /// Counts the next bar, which is later than the one before.
    #[inline]
    pub fn see(&mut self, time: Timestamp) {
        let Some(last) = self.last.replace(time) else {
            self.first = Some(time);
            return;
        };
        self.count += 1;
        if time.as_millis() - last.as_millis() == self.fixed {
            self.regular += 1;
        } else {
            self.irregular(last, time);
        }
    }

    fn irregular(&mut self, last: Timestamp, time: Timestamp) {
        let (spacing, length) = match self.timeframe.length() {
            Length::Fixed(length) => (time.as_millis() - last.as_millis(), length),
            Length::Months(months) => (month(time) - month(last), i64::from(months)),
        };
        if spacing == length {
            self.regular += 1;
            return;
        }
        self.whole += u64::from(spacing > 0 && spacing % length == 0);
        let known = self.others.iter_mut().find(|one| one.spacing == spacing);
        if let Some(one) = known {
            one.count += 1;
            if one.places.len() < super::PLACES {
                one.places.push(time);
            }
        } else if self.others.len() < MOST {
            self.others.push(Other {
                spacing,
                count: 1,
                places: vec![time],
            });
        }
    }

    /// Why the bars seem to be of another timeframe.
    ///
    /// The most common spacing should be that of the timeframe. With fewer than three spacings, or if the bars
    /// are joined with kept ones of which the first begins at `kept`, whole numbers of bars suffice, which are
    /// on the grid of the kept ones.
    pub fn doubt(&self, kept: Option<Timestamp>) -> Option<QualityWarning> {
        let common = self.others.iter().max_by_key(|one| one.count);
        if self.count < FEW || kept.is_some() {
            let whole = self.regular + self.whole;
            let fits = if self.count < FEW {
                whole == self.count
            } else {
                whole * 2 >= self.count
            };
            let on_grid = match (kept, self.first) {
                (Some(kept), Some(first)) => self.is_on_grid(kept, first),
                _ => true,
            };
            if fits && on_grid {
                return None;
            }
            let message = format!(
                "The bars are not whole numbers of {} apart{}.",
                self.timeframe,
                if on_grid {
                    ""
                } else {
                    " from those that are kept"
                }
            );
            return Some(self.warning(message, common));
        }
        let common = common.filter(|common| common.count > self.regular)?;
        let message = format!(
            "The most common spacing of the bars is {}, that of {} of {} bars; bars of {} were expected.",
            self.named(common.spacing),
            common.count,
            self.count,
            self.timeframe
        );
        Some(self.warning(message, Some(common)))
    }

    /// Two bars of one dataset are whole numbers of bars apart, whatever the clocks of the market have done.
    fn is_on_grid(&self, kept: Timestamp, time: Timestamp) -> bool {
        match self.timeframe.length() {
            Length::Fixed(length) => {
                let grid = super::grid::of(length);
                let apart = (time.as_millis() - kept.as_millis()).rem_euclid(grid);
                super::grid::is_near(apart, grid)
            }
            Length::Months(_) => true,
        }
    }

    fn warning(&self, message: String, common: Option<&Other>) -> QualityWarning {
        let places = common.map_or(&[][..], |common| &common.places);
        let text = common.map_or(String::new(), |common| {
            format!("{} after the bar before it", self.named(common.spacing))
        });
        let place = |time: &Timestamp| QualityPlace {
            line: None,
            time: Some(*time),
            text: text.clone(),
        };
        QualityWarning {
            code: "SPACING_UNEXPECTED".to_owned(),
            message,
            count: common.map_or(self.count.max(1), |common| common.count),
            places: places.iter().map(place).collect(),
        }
    }

    fn named(&self, spacing: i64) -> String {
        if matches!(self.timeframe.length(), Length::Months(_)) {
            return format!("{spacing} months");
        }
        super::grid::named(spacing)
    }
}

/// The number of the month in which a time lies.
fn month(time: Timestamp) -> i64 {
    let date = chrono::DateTime::from_timestamp_millis(time.as_millis()).unwrap_or_default();
    i64::from(date.year()) * 12 + i64::from(date.month0())
}
