//! How far bars are apart, from a bounded part of their times.

use chrono::{DateTime, Datelike};

use super::zone::DAY;
use crate::timeframe::{Length, Timeframe};

const LIMIT: usize = 8_192;
/// Fewer spacings say little.
pub(super) const FEW: usize = 3;

/// The times that lie nearest to the first one. All that lie so near are in it, so that their spacings are
/// true in whatever order they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    times: Vec<i64>,
    anchor: i64,
    /// Times that are farther from the anchor are left out.
    radius: u64,
}

impl Sample {
    pub(super) fn see(&mut self, time: i64) {
        if self.times.is_empty() {
            (self.anchor, self.radius) = (time, u64::MAX);
        }
        if time.abs_diff(self.anchor) > self.radius {
            return;
        }
        self.times.push(time);
        if self.times.len() > LIMIT {
            self.shrink();
        }
    }

    /// Leaves out the farther half.
    fn shrink(&mut self) {
        let anchor = self.anchor;
        let distance = |time: &i64| time.abs_diff(anchor);
        let half = self.times.len() / 2;
        let (_, middle, _) = self.times.select_nth_unstable_by_key(half, distance);
        let middle = distance(middle);
        self.radius = middle;
        self.times.retain(|time| distance(time) <= middle);
        // Many equal times, as a file of many symbols has them: one of each says as much.
        if self.times.len() > LIMIT {
            self.times.sort_unstable();
            self.times.dedup();
        }
        if self.times.len() > LIMIT {
            self.radius = middle.saturating_sub(1);
            let radius = self.radius;
            self.times.retain(|time| distance(time) <= radius);
        }
    }

    /// The spacings of the times in their order.
    pub(super) fn spacings(&self, timeframe: Timeframe) -> Spacings {
        let mut times = self.times.clone();
        times.sort_unstable();
        times.dedup();
        let spaces = times
            .windows(2)
            .map(|pair| Space::between(pair[0], pair[1], timeframe));
        let mut all: Vec<Space> = spaces.filter(|space| *space != Space::Time(0)).collect();
        all.sort_unstable();
        Spacings { all }
    }

    pub(super) fn times(&self) -> &[i64] {
        &self.times
    }
}

/// How far two bars are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Space {
    /// Milliseconds.
    Time(i64),
    /// Months of the calendar.
    Months(i64),
}

impl Space {
    /// Bars of days and weeks are as far apart as their dates, and bars of months as their months: a close at
    /// another time of day or on another day makes no other spacing.
    fn between(one: i64, other: i64, timeframe: Timeframe) -> Self {
        const SAME_MONTH: i64 = 20 * DAY;
        let apart = other - one;
        let month = |time: i64| {
            let date = DateTime::from_timestamp_millis(time).unwrap_or_default();
            i64::from(date.year()) * 12 + i64::from(date.month0())
        };
        match timeframe.length() {
            Length::Months(_) if apart >= SAME_MONTH => Self::Months(month(other) - month(one)),
            _ if timeframe.is_of_dates() && apart > DAY / 2 => {
                Self::Time((other.div_euclid(DAY) - one.div_euclid(DAY)) * DAY)
            }
            _ => Self::Time(apart),
        }
    }

    fn of(timeframe: Timeframe) -> Self {
        match timeframe.length() {
            Length::Fixed(length) => Self::Time(length),
            Length::Months(months) => Self::Months(i64::from(months)),
        }
    }

    fn is_multiple_of(self, step: Self) -> bool {
        match (self, step) {
            (Self::Time(space), Self::Time(step)) | (Self::Months(space), Self::Months(step)) => {
                space % step == 0
            }
            _ => false,
        }
    }

    /// The timeframe that is so long, for people.
    pub(super) fn name(self) -> String {
        let units = [
            (604_800_000, "w"),
            (DAY, "d"),
            (3_600_000, "h"),
            (60_000, "m"),
            (1_000, "s"),
        ];
        match self {
            Self::Months(months) => format!("{months}mo"),
            Self::Time(space) if (28 * DAY..=31 * DAY).contains(&space) => "1mo".to_owned(),
            Self::Time(space) => units
                .into_iter()
                .find(|(unit, _)| space % unit == 0)
                .map_or_else(
                    || format!("{space} ms"),
                    |(unit, name)| format!("{}{name}", space / unit),
                ),
        }
    }
}

/// The spacings of a sample, sorted.
#[derive(Clone, Debug)]
pub(super) struct Spacings {
    all: Vec<Space>,
}

impl Spacings {
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    fn counts(&self) -> impl Iterator<Item = (Space, usize)> {
        self.all
            .chunk_by(|a, b| a == b)
            .map(|equal| (equal[0], equal.len()))
    }

    /// The most common one; of several the shortest.
    pub(super) fn most_common(&self) -> Option<Space> {
        self.counts()
            .min_by_key(|(space, count)| (std::cmp::Reverse(*count), *space))
            .map(|(space, _)| space)
    }

    /// Whether none is more common than that of the timeframe.
    pub(super) fn are_of(&self, timeframe: Timeframe) -> bool {
        let most = self.counts().map(|(_, count)| count).max().unwrap_or(0);
        self.counts()
            .any(|(space, count)| count == most && space == Space::of(timeframe))
    }

    /// Whether they are whole numbers of bars: all of a few, more than half of many.
    pub(super) fn are_whole(&self, timeframe: Timeframe) -> bool {
        let step = Space::of(timeframe);
        let whole = self
            .all
            .iter()
            .filter(|space| space.is_multiple_of(step))
            .count();
        if self.all.len() < FEW {
            whole == self.all.len()
        } else {
            whole * 2 > self.all.len()
        }
    }
}
