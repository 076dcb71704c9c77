//! The grid on which the times of bars lie.

use impresario_api::{QualityWarning, Timestamp};

use super::Found;
use crate::timeframe::{Length, Timeframe};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// How many places on the grid are told apart.
const MOST: usize = 64;

/// Looks for bars that lie elsewhere on the grid of the timeframe than most bars of the dataset: hourly bars
/// may all begin at half past, and daily ones at 21:00.
#[derive(Debug)]
pub(super) struct Grid {
    grid: i64,
    length: i64,
    last: i64,
    /// The bars by their distances from a line of the grid.
    offsets: Vec<Offset>,
    /// The place of the last bar among these.
    current: usize,
    /// Whether its first places are known, so that further bars with it need only be counted; and how many
    /// there were since the last one elsewhere.
    is_common: bool,
    same: u64,
    /// The bars of further distances.
    others: Found,
}

#[derive(Debug)]
struct Offset {
    offset: i64,
    found: Found,
}

impl Grid {
    pub(super) fn new(timeframe: Timeframe) -> Self {
        let (length, grid) = match timeframe.length() {
            Length::Fixed(length) => (length, of(length)),
            Length::Months(_) => (0, DAY),
        };
        Self {
            grid,
            length,
            last: 0,
            offsets: Vec::new(),
            current: 0,
            is_common: false,
            same: 0,
            others: Found::default(),
        }
    }

    #[inline]
    pub(super) fn see(&mut self, time: Timestamp) {
        let millis = time.as_millis();
        let step = millis - self.last;
        self.last = millis;
        // The length is a whole number of distances between lines, so the offset is the one before.
        if step == self.length && self.is_common {
            self.same += 1;
        } else {
            self.look(time);
        }
    }

    fn look(&mut self, time: Timestamp) {
        if let Some(current) = self.offsets.get_mut(self.current) {
            current.found.count += std::mem::take(&mut self.same);
        }
        let offset = time.as_millis().rem_euclid(self.grid);
        let known = self.offsets.iter().position(|one| one.offset == offset);
        if known.is_none() && self.offsets.len() == MOST {
            self.current = MOST;
            self.is_common = false;
            self.others.see(time, String::new());
            return;
        }
        self.current = known.unwrap_or(self.offsets.len());
        if known.is_none() {
            let found = Found::default();
            self.offsets.push(Offset { offset, found });
        }
        let found = &mut self.offsets[self.current].found;
        found.see(time, String::new());
        self.is_common = found.places.len() == super::PLACES;
    }

    /// How many bars have the offset at this place.
    fn count(&self, place: usize) -> u64 {
        let same = if place == self.current { self.same } else { 0 };
        self.offsets[place].found.count + same
    }

    pub(super) fn warning(&self) -> Option<QualityWarning> {
        // Of several, the one that came first.
        let places = (0..self.offsets.len()).rev();
        let common = places.max_by_key(|place| self.count(*place))?;
        let common = self.offsets[common].offset;
        let mut all = self.others.clone();
        for (place, one) in self.offsets.iter().enumerate() {
            let apart = (one.offset - common).rem_euclid(self.grid);
            if !is_near(apart, self.grid) {
                all.count += self.count(place);
                all.places.extend_from_slice(&one.found.places);
            }
        }
        all.places.sort_by_key(|place| place.time);
        all.places.truncate(super::PLACES);
        let (common, grid) = (named(common), named(self.grid));
        for place in &mut all.places {
            let time = place.time.map_or(0, Timestamp::as_millis);
            place.text = format!("{} after a line", named(time.rem_euclid(self.grid)));
        }
        let message = format!(
            "There are bars that do not begin where most do: {common} after a whole {grid} (UTC)."
        );
        all.warning("OFF_GRID", &message)
    }
}

/// The distance of the lines of the grid, in milliseconds, for bars of this length: the longest one that
/// begins anew with each hour or each day.
pub(super) const fn of(length: i64) -> i64 {
    let whole = if length >= DAY || DAY % length == 0 {
        DAY
    } else {
        HOUR
    };
    greatest_common_divisor(length, whole)
}

/// Whether a time so far after a line of the grid is on it. Where the lines are further apart than an hour, an
/// hour more or less is summer time.
pub(super) const fn is_near(apart: i64, grid: i64) -> bool {
    apart == 0 || (grid > HOUR && (apart == HOUR || apart == grid - HOUR))
}

/// A time in the largest unit of which it is a whole number.
pub(super) fn named(millis: i64) -> String {
    let units = [
        (DAY, "d"),
        (HOUR, "h"),
        (60_000, "min"),
        (1_000, "s"),
        (1, "ms"),
    ];
    let fits = |(unit, _): &&(i64, &str)| millis % unit == 0 && millis != 0;
    let (unit, name) = units.iter().find(fits).unwrap_or(&(1, "ms"));
    format!("{} {name}", millis / unit)
}

const fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
