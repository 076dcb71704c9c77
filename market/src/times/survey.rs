//! Finds the reading that fits a column of times.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{Datelike, NaiveDate};
use impresario_api::Timestamp;

use super::asked::Pattern;
use super::form::{self, Form, Layout, Moment, Order, midnight};
use super::number::{self, Unit};
use super::sample::{FEW, Sample, Space, Spacings};
use super::scan::{LONGEST, scan};
use super::zone::{DAY, Placed, Zones};
use super::{Asked, Kept, TimesFault, Zone};
use crate::timeframe::{Length, Timeframe};

/// The first year whose times are taken.
const FIRST_YEAR: i32 = 1900;
/// The most values that a message quotes.
const QUOTED: usize = 3;

/// In what way the times of a column are read.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub(super) form: Form,
    pub(super) said: Option<Zone>,
    pub(super) direction: Option<Direction>,
    /// The years that are taken, first and last.
    pub(super) years: (i32, i32),
    /// The last year that two digits mean.
    pub(super) next_year: i32,
    pub(super) format: String,
    pub(super) zone: String,
}

impl Reading {
    /// The format, in the words of strftime.
    pub fn format(&self) -> &str {
        &self.format
    }

    /// What numbers since 1970 count.
    pub fn unit(&self) -> Option<Unit> {
        match self.form {
            Form::Epoch(unit) => Some(unit),
            _ => None,
        }
    }

    /// The zone, for a report: the one that was said, the one behind the first time, or UTC.
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// Whether the rows are in the order of their times, or in the opposite one.
    pub(super) fn is_newest_first(&self) -> bool {
        self.direction == Some(Direction::Down)
    }
}

/// The order of most rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
}

/// What a survey found.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// One reading fits.
    Fits(Reading),
    /// None fits, or several do.
    Doubt(Doubt),
    /// The format that was said fits not even half of the values.
    Refused(TimesFault),
}

/// Why the times are not taken without a word.
#[derive(Clone, Debug, PartialEq)]
pub struct Doubt {
    /// `TIME_UNREADABLE`, `TIME_AMBIGUOUS`, `TIME_OUT_OF_RANGE`, `EXCEL_SERIAL`, `DATE_MISSING`,
    /// `DAY_MONTH_AMBIGUOUS`, `SPACING_UNEXPECTED` or `ZONE_UNCERTAIN`.
    pub code: &'static str,
    /// What is doubted.
    pub message: String,
    /// What to say instead.
    pub instead: String,
    /// The reading that is taken if the doubt is accepted.
    pub accepted: Option<Reading>,
}

/// Looks at the values of a column, in the order of the file, in bounded memory.
#[derive(Debug)]
pub struct Survey {
    timeframe: Timeframe,
    kept: Option<Kept>,
    asked: Option<Form>,
    unit: Option<Unit>,
    only_numbers: bool,
    said: Option<Zone>,
    next_year: i32,
    candidates: Vec<Candidate>,
    /// How many values of each family could be read.
    families: Vec<(Family, u64)>,
    values: u64,
    first: Vec<String>,
    /// What stands behind a time and is no zone that is known.
    unknown_zone: Option<String>,
    /// How many dotted dates have the month first.
    month_first_dotted: u64,
}

/// What sort of text it is. The values of a column are of one sort, and all forms of it must read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Numbers,
    /// Fields with this between them, with or without the name of a month.
    Fields(u8, bool),
    Asked,
}

/// `01.13.2021`: a dotted date of which the second number is no month.
fn has_month_first_dotted(text: &[u8]) -> bool {
    let mut parts = text.splitn(3, |byte| *byte == b'.');
    let mut number = || -> Option<u32> {
        let part = std::str::from_utf8(parts.next()?).ok()?;
        part.parse().ok().filter(|_| part.len() <= 2)
    };
    let (first, second) = (number(), number());
    let has_year = parts
        .next()
        .is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_digit));
    has_year
        && first.is_some_and(|one| one <= 12)
        && second.is_some_and(|two| (13..=31).contains(&two))
}

#[derive(Debug)]
struct Candidate {
    form: Form,
    family: Family,
    count: u64,
    out_of_range: u64,
    /// Numbers that are of January 1970 in this unit because they are of a larger one.
    other_unit: u64,
    sample: Sample,
    first_text: Vec<u8>,
    first: i64,
    least: i64,
    greatest: i64,
    last: Option<i64>,
    ups: u64,
    downs: u64,
    off_grid: u64,
    unpadded: u64,
    /// Numbers of days off midnight in UTC whose date may be the day before.
    late: u64,
    hash: DefaultHasher,
    zones: Zones,
}

impl Candidate {
    fn new(form: Form, family: Family, text: &[u8], said: Option<Zone>) -> Self {
        Self {
            form,
            family,
            count: 0,
            out_of_range: 0,
            other_unit: 0,
            sample: Sample::default(),
            first_text: text.to_vec(),
            first: 0,
            least: i64::MAX,
            greatest: i64::MIN,
            last: None,
            ups: 0,
            downs: 0,
            off_grid: 0,
            unpadded: 0,
            late: 0,
            hash: DefaultHasher::new(),
            zones: Zones::new(said),
        }
    }

    /// Takes one value; false if the zone behind it is not known.
    fn see(
        &mut self,
        text: &[u8],
        moment: &Moment<'_>,
        timeframe: Timeframe,
        limits: (i64, i64),
    ) -> bool {
        let Some(behind) = self.zones.behind(moment) else {
            return false;
        };
        self.count += 1;
        self.unpadded += u64::from(!moment.is_padded);
        let time = if timeframe.is_of_dates() {
            let local = self.zones.local(moment);
            self.late += u64::from(moment.is_absolute && is_late(local.rem_euclid(DAY)));
            local
        } else {
            match self.zones.place(moment, behind) {
                Placed::At(time) => time,
                // What the order of the rows decides says nothing of order and spacing.
                Placed::Twice(..) | Placed::Never => return true,
            }
        };
        self.out_of_range += u64::from(time < limits.0 || time >= limits.1);
        if let Form::Epoch(unit) = self.form {
            self.other_unit += u64::from(number::is_of_larger_unit(text, unit, time));
        }
        let floor = timeframe.floor(Timestamp::from_millis(time)).as_millis();
        self.off_grid += u64::from(floor != time);
        let order = match timeframe.is_of_dates() {
            true => time.div_euclid(DAY) * DAY,
            false => time,
        };
        order.hash(&mut self.hash);
        if let Some(last) = self.last.replace(time) {
            self.ups += u64::from(time > last);
            self.downs += u64::from(time < last);
        } else {
            self.first = time;
        }
        self.least = self.least.min(time);
        self.greatest = self.greatest.max(time);
        self.sample.see(time);
        true
    }

    fn direction(&self) -> Option<Direction> {
        match (self.ups, self.downs) {
            (0, 0) => None,
            (ups, downs) if ups >= downs.saturating_mul(9) => Some(Direction::Up),
            (ups, downs) if downs >= ups.saturating_mul(9) => Some(Direction::Down),
            _ => None,
        }
    }

    /// A unit that is too small by a thousand makes all times since 1900 ones of about January 1970.
    fn is_about_1970(&self) -> bool {
        const MONTH: i64 = 31 * DAY;
        matches!(self.form, Form::Epoch(_)) && self.least > -MONTH && self.greatest < MONTH
    }

    /// A number that is a time of day, or a count, but no time since 1970.
    fn is_one_day(&self) -> bool {
        matches!(self.form, Form::Epoch(_)) && self.least > -DAY && self.greatest < DAY
    }

    /// Whether the values lie on the grid of what is kept, but for a few.
    fn is_on(&self, kept: Kept, timeframe: Timeframe) -> bool {
        let times = self.sample.times();
        let on = times.iter().filter(|time| {
            let (time, last) = match timeframe.is_of_dates() {
                true => (
                    time.div_euclid(DAY) * DAY,
                    kept.last.as_millis().div_euclid(DAY) * DAY,
                ),
                false => (**time, kept.last.as_millis()),
            };
            match timeframe.length() {
                Length::Fixed(length) => (time - last) % length == 0,
                Length::Months(_) => true,
            }
        });
        on.count() * 2 > times.len()
    }

    /// How far the times are from what is kept.
    fn distance(&self, kept: Kept) -> i64 {
        let (first, last) = (kept.first.as_millis(), kept.last.as_millis());
        (self.least - last).max(first - self.greatest).max(0)
    }
}

/// Whether at this time of the day in UTC a new day may have begun east of it: from Adelaide's midnight on,
/// but not at the opening of New York's exchanges, and not at the very end of a day.
fn is_late(of_day: i64) -> bool {
    const HOUR: i64 = 3_600_000;
    let is_new_york = of_day == 13 * HOUR + HOUR / 2 || of_day == 14 * HOUR + HOUR / 2;
    of_day >= 13 * HOUR && !is_new_york && of_day < DAY - 60_000
}

impl Survey {
    /// A survey of a column of bars of this timeframe. `today` tells the end of next year, and `of_header` is a
    /// zone that the column's header names, such as `Gmt time`. `kept` is for rows that are added to a dataset;
    /// where they replace it, nothing of it says how they are to be read.
    pub fn new(
        asked: &Asked,
        timeframe: Timeframe,
        kept: Option<Kept>,
        today: NaiveDate,
        of_header: Option<Zone>,
    ) -> Result<Self, TimesFault> {
        let is_of_months = matches!(timeframe.length(), Length::Months(_));
        let format = asked.format.as_deref();
        let unit_of_format = format.and_then(Unit::of_format);
        let is_number = unit_of_format.is_some();
        // `%s` alone leaves the unit open.
        let unit = asked
            .unit
            .or(unit_of_format.filter(|unit| *unit != Unit::Seconds));
        let asked_form = match format {
            Some(format) if !is_number => {
                if asked.unit.is_some() {
                    return Err(TimesFault {
                        field: "time_unit",
                        message:
                            "A unit goes with numbers since 1970 alone: expected the time_format %s"
                                .to_owned(),
                    });
                }
                Some(Form::Asked(Box::new(Pattern::new(format, is_of_months)?)))
            }
            _ => None,
        };
        Ok(Self {
            timeframe,
            kept,
            asked: asked_form,
            unit,
            only_numbers: is_number || unit.is_some(),
            said: asked.zone.or(of_header),
            next_year: today.year().saturating_add(1),
            candidates: Vec::new(),
            families: Vec::new(),
            values: 0,
            first: Vec::new(),
            unknown_zone: None,
            month_first_dotted: 0,
        })
    }

    /// Looks at the next value.
    pub fn see(&mut self, text: &[u8]) {
        let text = text.trim_ascii();
        if text.is_empty() {
            return;
        }
        self.values += 1;
        if self.first.len() < QUOTED {
            let start = &text[..text.len().min(LONGEST)];
            self.first
                .push(format!("{:?}", String::from_utf8_lossy(start)));
        }
        if text.len() > LONGEST {
            return;
        }
        self.month_first_dotted += u64::from(has_month_first_dotted(text));
        let before = self.count();
        let family = if let Some(Form::Asked(pattern)) = self.asked.take() {
            if let Some(moment) = pattern.read(text, self.next_year) {
                self.add(Form::Asked(pattern.clone()), Family::Asked, text, &moment);
            }
            self.asked = Some(Form::Asked(pattern));
            Family::Asked
        } else if number::is_number(text) {
            self.see_number(text);
            Family::Numbers
        } else if self.only_numbers {
            return;
        } else {
            let Some(family) = self.see_fields(text) else {
                return;
            };
            family
        };
        if self.count() == before {
            return;
        }
        match self.families.iter_mut().find(|(known, _)| *known == family) {
            Some((_, count)) => *count += 1,
            None => self.families.push((family, 1)),
        }
    }

    fn count(&self) -> u64 {
        self.candidates
            .iter()
            .map(|candidate| candidate.count)
            .sum()
    }

    fn see_number(&mut self, text: &[u8]) {
        for unit in Unit::ALL {
            if self.unit.is_none_or(|asked| asked == unit)
                && let Some(millis) = number::epoch(text, unit)
            {
                self.add(
                    Form::Epoch(unit),
                    Family::Numbers,
                    text,
                    &Moment::absolute(millis),
                );
            }
        }
        if self.only_numbers {
            return;
        }
        let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_of_months = matches!(self.timeframe.length(), Length::Months(_));
        if matches!(digits, 8 | 10 | 12 | 14 | 17) || (digits == 6 && is_of_months) {
            let width = digits as u8;
            if let Some(moment) = form::packed(text, width) {
                self.add(Form::Packed(width), Family::Numbers, text, &moment);
            }
        }
        if let Some(millis) = number::excel(text) {
            self.add(
                Form::Excel,
                Family::Numbers,
                text,
                &Moment::local(millis, true),
            );
        }
    }

    fn see_fields(&mut self, text: &[u8]) -> Option<Family> {
        let scan = scan(text)?;
        let family = Family::Fields(scan.date.separator, scan.date.has_name());
        let is_of_months = matches!(self.timeframe.length(), Length::Months(_));
        if scan.date.count == 2 && !is_of_months {
            return None;
        }
        let is_bare = matches!(scan.clock, Some(super::scan::Clock::Bare { .. }));
        for order in Order::ALL {
            for digits in form::Digits::ALL {
                let Family::Fields(separator, is_named) = family else {
                    continue;
                };
                let layout = Layout {
                    order,
                    digits,
                    separator,
                    is_named,
                };
                // Without bare digits all are the same.
                if !is_bare && digits != form::Digits::ALL[0] && !self.knows(layout) {
                    continue;
                }
                if let Some(moment) = form::fields(&scan, layout, self.next_year) {
                    self.add(Form::Fields(layout), family, text, &moment);
                }
            }
        }
        Some(family)
    }

    fn knows(&self, layout: Layout) -> bool {
        self.candidates
            .iter()
            .any(|candidate| candidate.form == Form::Fields(layout))
    }

    fn limits(&self) -> (i64, i64) {
        limits((FIRST_YEAR, self.next_year))
    }

    fn add(&mut self, form: Form, family: Family, text: &[u8], moment: &Moment<'_>) {
        /// More than there are forms for one family.
        const MOST: usize = 64;
        let limits = self.limits();
        let is = |known: &&mut Candidate| known.family == family && known.form == form;
        let is_known = if let Some(known) = self.candidates.iter_mut().find(is) {
            known.see(text, moment, self.timeframe, limits)
        } else if self.candidates.len() < MOST {
            let mut new = Candidate::new(form, family, text, self.said);
            let is_known = new.see(text, moment, self.timeframe, limits);
            self.candidates.extend(is_known.then_some(new));
            is_known
        } else {
            true
        };
        if !is_known && self.unknown_zone.is_none() {
            self.unknown_zone = Some(String::from_utf8_lossy(moment.zone).into_owned());
        }
    }

    /// Whether more values could change nothing: one reading is left and its spacing is right. It costs about a
    /// thousand values, so it is asked every few ten thousand.
    pub fn is_decided(&self) -> bool {
        let alive = self.alive();
        let is_strict = |candidate: &&Candidate| self.is_strict(candidate);
        let is_ambiguous = day_and_month(&alive).is_some();
        !is_ambiguous && alive.iter().copied().filter(is_strict).count() == 1
    }

    fn is_strict(&self, candidate: &Candidate) -> bool {
        let spacings = candidate.sample.spacings(self.timeframe);
        spacings.count() >= FEW && spacings.are_of(self.timeframe)
    }

    /// The candidates that read all values of the most common family.
    fn members(&self) -> Vec<&Candidate> {
        let all: u64 = self.families.iter().map(|(_, count)| count).sum();
        let most = self.families.iter().max_by_key(|(_, count)| *count);
        let Some((family, count)) = most.filter(|(_, count)| count * 2 > all) else {
            return Vec::new();
        };
        let is_member =
            |candidate: &&Candidate| candidate.family == *family && candidate.count == *count;
        self.candidates.iter().filter(is_member).collect()
    }

    /// Those whose values all lie in the years that are taken, each with other times.
    fn alive(&self) -> Vec<&Candidate> {
        let mut alive: Vec<&Candidate> = Vec::new();
        for candidate in self.members() {
            let is_same = |other: &&Candidate| {
                other.hash.finish() == candidate.hash.finish() && other.first == candidate.first
            };
            let is_date = candidate.form != Form::Excel;
            let is_one_unit = candidate.other_unit == 0;
            if candidate.out_of_range == 0 && is_one_unit && is_date && !alive.iter().any(is_same) {
                alive.push(candidate);
            }
        }
        alive
    }

    /// The reading, or why there is none.
    pub fn decide(self) -> Decision {
        if let Some(Form::Asked(pattern)) = &self.asked {
            let read = self.count();
            if read * 2 <= self.values {
                return Decision::Refused(TimesFault {
                    field: "time_format",
                    message: format!(
                        "time_format {:?} fits {read} of {} values: expected one that fits {}",
                        pattern.text(),
                        self.values,
                        self.quoted()
                    ),
                });
            }
        }
        if self.asked.is_none() && self.month_first_dotted > 0 {
            return Decision::Doubt(self.month_first_dotted());
        }
        let alive = self.alive();
        let spaced: Vec<(&Candidate, Spacings)> = alive
            .iter()
            .map(|candidate| (*candidate, candidate.sample.spacings(self.timeframe)))
            .collect();
        // In a unit that is too small, several times become one.
        let most = spaced
            .iter()
            .map(|(_, spacings)| spacings.count())
            .max()
            .unwrap_or(0);
        let mut fits: Vec<&Candidate> = spaced
            .iter()
            .filter(|(candidate, spacings)| {
                spacings.count() == most && self.fits(candidate, spacings)
            })
            .map(|(candidate, _)| *candidate)
            .collect();
        // Nobody has bars of one day of 1970 where the digits can be those of dates.
        if alive
            .iter()
            .any(|candidate| !matches!(candidate.form, Form::Epoch(_)))
        {
            fits.retain(|fit| !fit.is_one_day());
        }
        if let Some(pair) = day_and_month(&alive)
            && (fits.is_empty()
                || fits
                    .iter()
                    .any(|fit| pair.iter().any(|one| std::ptr::eq(*one, *fit))))
        {
            return Decision::Doubt(self.day_month(pair, &fits));
        }
        let is_lenient = self.kept.is_some() || most < FEW;
        if is_lenient {
            self.narrow(&mut fits);
        }
        match fits.as_slice() {
            [] => Decision::Doubt(self.none_fits(&alive)),
            [one] => self.one_fits(one),
            several => Decision::Doubt(self.ambiguous(several)),
        }
    }

    fn fits(&self, candidate: &Candidate, spacings: &Spacings) -> bool {
        if let Some(kept) = self.kept {
            return spacings.are_whole(self.timeframe) && candidate.is_on(kept, self.timeframe);
        }
        if spacings.count() < FEW {
            return spacings.are_whole(self.timeframe);
        }
        spacings.are_of(self.timeframe)
    }

    /// Of several that fit where few spacings say little, those that are likelier: the one that continues what
    /// is kept, those on the grid of the calendar, those with all their digits, those not about January 1970.
    fn narrow(&self, fits: &mut Vec<&Candidate>) {
        if let Some(kept) = self.kept {
            let nearest = fits.iter().map(|fit| fit.distance(kept)).min();
            fits.retain(|fit| Some(fit.distance(kept)) == nearest);
        }
        let is_likelier: [fn(&Candidate) -> bool; 3] = [
            |fit| fit.off_grid == 0,
            |fit| fit.unpadded == 0,
            |fit| !fit.is_about_1970(),
        ];
        for is_likelier in is_likelier {
            if fits.len() > 1 && fits.iter().any(|fit| is_likelier(fit)) {
                fits.retain(|fit| is_likelier(fit));
            }
        }
    }

    fn one_fits(&self, fit: &Candidate) -> Decision {
        let reading = self.reading(fit);
        if fit.is_one_day() {
            if let Some(doubt) = self.excel() {
                return Decision::Doubt(doubt);
            }
            return Decision::Doubt(Doubt {
                code: "DATE_MISSING",
                message: format!(
                    "The numbers ({}) would all be times of 1970-01-01: they seem to be times of day, or a count",
                    self.quoted()
                ),
                instead: "add the date to each row, or name the column of the times in columns"
                    .to_owned(),
                accepted: Some(reading),
            });
        }
        if self.said.is_none() && fit.late * 2 > fit.count {
            return Decision::Doubt(Doubt {
                code: "ZONE_UNCERTAIN",
                message: format!(
                    "The numbers ({}) are times such as {}: where they come from that may be the day after",
                    self.quoted(),
                    time(fit.first)
                ),
                instead:
                    "say time_zone, such as Asia/Tokyo or Europe/Berlin; UTC takes the dates in UTC"
                        .to_owned(),
                accepted: Some(reading),
            });
        }
        Decision::Fits(reading)
    }

    fn day_month(&self, [day_first, month_first]: [&Candidate; 2], fits: &[&Candidate]) -> Doubt {
        let [one, other] = [day_first, month_first].map(|candidate| self.reading(candidate));
        let fitting: Vec<&Candidate> = [day_first, month_first]
            .into_iter()
            .filter(|candidate| fits.iter().any(|fit| std::ptr::eq(*fit, *candidate)))
            .collect();
        let accepted = match fitting.as_slice() {
            [fit] => Some(self.reading(fit)),
            _ => None,
        };
        Doubt {
            code: "DAY_MONTH_AMBIGUOUS",
            message: format!(
                "Day and month cannot be told apart: no number of the dates ({}) is over 12",
                self.quoted()
            ),
            instead: format!(
                "say time_format {:?} (day first) or {:?} (month first)",
                one.format, other.format
            ),
            accepted,
        }
    }

    fn ambiguous(&self, several: &[&Candidate]) -> Doubt {
        let named = several.iter().map(|candidate| {
            format!(
                "{:?} (the first is {})",
                self.reading(candidate).format,
                time(candidate.first)
            )
        });
        let named = named.collect::<Vec<_>>().join(" or ");
        Doubt {
            code: "TIME_AMBIGUOUS",
            message: format!("The times ({}) can be read as {named}", self.quoted()),
            instead: "say time_format".to_owned(),
            accepted: None,
        }
    }

    fn none_fits(&self, alive: &[&Candidate]) -> Doubt {
        let is_of = |candidate: &&&Candidate| {
            candidate.out_of_range > 0
                && (self.asked.is_some()
                    || !matches!(candidate.form, Form::Epoch(_) | Form::Excel)
                        && self.fits(candidate, &candidate.sample.spacings(self.timeframe)))
        };
        let members = self.members();
        let is_mixed = |one: &&&Candidate| (1..one.count).contains(&one.other_unit);
        if alive.is_empty() && members.iter().any(|one| is_mixed(&one)) {
            return self.units_change();
        }
        if let [one] = members.iter().filter(is_of).collect::<Vec<_>>().as_slice() {
            return self.out_of_range(one);
        }
        let likely: Vec<&Candidate> = alive
            .iter()
            .copied()
            .filter(|candidate| !candidate.is_about_1970())
            .collect();
        let packed = likely
            .iter()
            .find(|candidate| matches!(candidate.form, Form::Packed(_)));
        if likely.is_empty()
            && let Some(doubt) = self.excel()
        {
            return doubt;
        }
        match (packed, likely.as_slice(), alive) {
            (Some(one), ..) | (None, [one], _) | (None, [], [one]) => self.unexpected(one),
            (None, [], []) => self.unreadable(&members),
            (None, [], several) | (None, several, _) => self.ambiguous_spacing(several),
        }
    }

    fn ambiguous_spacing(&self, several: &[&Candidate]) -> Doubt {
        let doubt = self.ambiguous(several);
        let message = format!(
            "{}, but in none of them they are {} apart",
            doubt.message, self.timeframe
        );
        Doubt { message, ..doubt }
    }

    fn out_of_range(&self, one: &Candidate) -> Doubt {
        let reading = self.reading(one);
        Doubt {
            code: "TIME_OUT_OF_RANGE",
            message: format!(
                "Read as {:?} the times ({}) reach from {} to {}: expected times from {FIRST_YEAR} to the end of {}",
                reading.format,
                self.quoted(),
                time(one.least),
                time(one.greatest),
                self.next_year
            ),
            instead: "say another time_format, or mend the file".to_owned(),
            accepted: Some(Reading {
                years: (1, 9_999),
                ..reading
            }),
        }
    }

    fn units_change(&self) -> Doubt {
        Doubt {
            code: "TIME_UNREADABLE",
            message: format!(
                "The numbers ({}) change their unit within the file: some are of January 1970 in the unit of the others",
                self.quoted()
            ),
            instead: "load the rows of each unit from a file of their own, with mode append"
                .to_owned(),
            accepted: None,
        }
    }

    /// Dotted dates of which the second number can only be a day.
    fn month_first_dotted(&self) -> Doubt {
        Doubt {
            code: "DAY_MONTH_AMBIGUOUS",
            message: format!(
                "Dotted dates ({}) have the day first, but {} of them have a number over 12 in second place",
                self.quoted(),
                self.month_first_dotted
            ),
            instead: "say time_format \"%m.%d.%Y\", with the time of day behind it if there is one"
                .to_owned(),
            accepted: None,
        }
    }

    /// The doubt that these are dates of Excel, if they can be.
    fn excel(&self) -> Option<Doubt> {
        let members = self.members();
        let excel = members
            .into_iter()
            .find(|candidate| candidate.form == Form::Excel)?;
        (excel.out_of_range == 0).then(|| Doubt {
            code: "EXCEL_SERIAL",
            message: format!(
                "The times ({}) seem to be dates of Excel, days since 1899-12-30: the first would be {}",
                self.quoted(),
                time(excel.first)
            ),
            instead: "write them as dates, such as 2021-01-04, or accept this doubt".to_owned(),
            accepted: Some(self.reading(excel)),
        })
    }

    fn unexpected(&self, one: &Candidate) -> Doubt {
        let reading = self.reading(one);
        let spacings = one.sample.spacings(self.timeframe);
        let found = spacings
            .most_common()
            .map_or_else(|| "none".to_owned(), Space::name);
        let kept = match self.kept {
            Some(kept) if spacings.are_whole(self.timeframe) => {
                format!(
                    ", and they do not lie on the grid of what is kept up to {}",
                    kept.last
                )
            }
            _ => String::new(),
        };
        Doubt {
            code: "SPACING_UNEXPECTED",
            message: format!(
                "Read as {:?} the most common spacing of the times ({}) is {found}, and the timeframe is {}{kept}",
                reading.format,
                self.quoted(),
                self.timeframe
            ),
            instead: format!("say the timeframe of the bars, perhaps {found}, or time_format"),
            accepted: Some(reading),
        }
    }

    fn unreadable(&self, members: &[&Candidate]) -> Doubt {
        let tried = members
            .iter()
            .filter(|candidate| candidate.out_of_range > 0)
            .take(QUOTED);
        let tried: Vec<String> = tried
            .map(|candidate| {
                format!(
                    "as {:?} {}",
                    self.reading(candidate).format,
                    time(candidate.first)
                )
            })
            .collect();
        let tried = match tried.as_slice() {
            [] => String::new(),
            tried => format!("; the first would be {}", tried.join(", ")),
        };
        if let Some(zone) = &self.unknown_zone {
            return Doubt {
                code: "TIME_UNREADABLE",
                message: format!(
                    "What stands behind the times ({}) is no zone that is known, or means several: {zone:?}",
                    self.quoted()
                ),
                instead: format!(
                    "say time_zone, and time_format with this text in it, such as \"%Y-%m-%d %H:%M:%S {zone}\""
                ),
                accepted: None,
            };
        }
        let quoted = if self.first.is_empty() {
            "none".to_owned()
        } else {
            self.quoted()
        };
        Doubt {
            code: "TIME_UNREADABLE",
            message: format!(
                "No reading fits the times ({quoted}), all from {FIRST_YEAR} to the end of {}{tried}",
                self.next_year
            ),
            instead: "say time_format, such as %Y-%m-%d %H:%M:%S".to_owned(),
            accepted: None,
        }
    }

    fn quoted(&self) -> String {
        let more = if self.values > self.first.len() as u64 {
            ", …"
        } else {
            ""
        };
        format!("{}{more}", self.first.join(", "))
    }

    fn reading(&self, candidate: &Candidate) -> Reading {
        let scanned = scan(&candidate.first_text);
        let behind = match (&candidate.form, &scanned) {
            (Form::Fields(_), Some(scan)) if !scan.zone.is_empty() => {
                Some(String::from_utf8_lossy(scan.zone).into_owned())
            }
            _ => None,
        };
        let said = || self.said.unwrap_or(Zone::UTC).to_string();
        Reading {
            form: candidate.form.clone(),
            said: self.said,
            direction: candidate.direction(),
            years: (FIRST_YEAR, self.next_year),
            next_year: self.next_year,
            format: form::format(&candidate.form, &candidate.first_text),
            zone: behind.unwrap_or_else(said),
        }
    }
}

/// The first moment of the first year, and the first one after the last.
pub(super) fn limits((first, last): (i32, i32)) -> (i64, i64) {
    let start = |year: i32| {
        u32::try_from(year)
            .ok()
            .and_then(|year| midnight(year, 1, 1))
    };
    (
        start(first).unwrap_or(i64::MIN),
        start(last + 1).unwrap_or(i64::MAX),
    )
}

/// Two that differ only in which of two numbers is the day: the day first, and the month first.
fn day_and_month<'a>(alive: &[&'a Candidate]) -> Option<[&'a Candidate; 2]> {
    let of = |wanted: Order| {
        let is = |candidate: &&&Candidate| matches!(candidate.form, Form::Fields(layout) if layout.order == wanted);
        alive.iter().find(is).copied()
    };
    Some([of(Order::DayMonthYear)?, of(Order::MonthDayYear)?])
}

fn time(millis: i64) -> String {
    Timestamp::in_range(millis)
        .map_or_else(|| "beyond all years".to_owned(), |time| time.to_string())
}
