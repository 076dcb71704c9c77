//! Takes a text apart into the fields of a date, a time of day and a zone, without deciding which field is
//! which.

/// The longest text that is looked at.
pub(super) const LONGEST: usize = 64;

/// A number of a date, or the name of a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) value: u16,
    /// 0 for the name of a month.
    pub(super) digits: u8,
    /// Of a name: whether it is written out.
    pub(super) is_long: bool,
}

impl Field {
    pub(super) const fn is_name(self) -> bool {
        self.digits == 0
    }
}

/// The fields of a date in the order of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) fields: [Field; 3],
    /// 2 for a month of a year, otherwise 3.
    pub(super) count: u8,
    /// What stands between the fields; 0 if nothing does.
    pub(super) separator: u8,
}

impl Fields {
    pub(super) fn has_name(&self) -> bool {
        self.fields[..usize::from(self.count)]
            .iter()
            .any(|field| field.is_name())
    }
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// `13:30:05.25`, in milliseconds from midnight.
    Parted(i64),
    /// `133005` or `930`: how many of the digits are hours is not known yet.
    Bare {
        value: u32,
        digits: u8,
        millis: i64,
        /// `AM` or `PM` came behind.
        half: Option<bool>,
    },
}

/// How a time of day was written, for the format that a report names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) has_seconds: bool,
    pub(super) has_fraction: bool,
    pub(super) has_half: bool,
    /// What stands before `AM`; 0 if nothing does.
    pub(super) half_gap: u8,
    /// There are no colons, and all digits of the fraction follow without a point.
    pub(super) is_packed: bool,
}

/// A text that was taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan<'a> {
    pub(super) date: Fields,
    pub(super) clock: Option<Clock>,
    pub(super) written: Written,
    /// What stands behind, such as `Z`, `+02:00` or `US/Eastern`.
    pub(super) zone: &'a [u8],
    /// What stands before the date, between it and the time of day, and before the zone.
    pub(super) before: &'a [u8],
    pub(super) between: &'a [u8],
    pub(super) is_zone_apart: bool,
    /// What stands between the second and the third field.
    pub(super) second_gap: &'a [u8],
    pub(super) first_gap: &'a [u8],
}

/// Takes `text` apart, if it has the look of a time.
pub(super) fn scan(text: &[u8]) -> Option<Scan<'_>> {
    if text.len() > LONGEST || !text.is_ascii() {
        return None;
    }
    let mut cursor = Cursor { text, at: 0 };
    let before = cursor.weekday();
    let (date, first_gap, second_gap, packed) = cursor.date()?;
    let start = cursor.at;
    let (mut clock, mut written) = (packed.map(|(clock, _)| clock), Written::default());
    if let Some((_, has_seconds)) = packed {
        written.has_seconds = has_seconds;
    } else if cursor.separator(date.separator) {
        (clock, written) = cursor.clock()?;
    }
    let between = if clock.is_some() && packed.is_none() {
        let digit = text[start..].iter().position(u8::is_ascii_digit)?;
        &text[start..start + digit]
    } else {
        &[]
    };
    let rest = &text[cursor.at..];
    let zone = rest.trim_ascii();
    let starts_well = matches!(zone.first(), None | Some(b'+' | b'-' | b'A'..=b'Z' | b'a'..=b'z'));
    // A hyphen behind a date alone is no sign: `2021-01-04-05:00` may be anything.
    if !starts_well
        || (clock.is_none() && zone.starts_with(b"-"))
        || (date.count == 2 && !zone.is_empty())
    {
        return None;
    }
    Some(Scan {
        date,
        clock,
        written,
        zone,
        before,
        between,
        is_zone_apart: zone.len() < rest.len(),
        second_gap,
        first_gap,
    })
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take_while(&mut self, is: impl Fn(u8) -> bool) -> &'a [u8] {
        let count = self.rest().iter().take_while(|byte| is(**byte)).count();
        let (taken, _) = self.rest().split_at(count);
        self.at += count;
        taken
    }

    fn digits(&mut self) -> &'a [u8] {
        self.take_while(|byte| byte.is_ascii_digit())
    }

    fn spaces(&mut self) -> usize {
        self.take_while(|byte| byte == b' ').len()
    }

    /// Skips `Mon, ` and `Monday `.
    fn weekday(&mut self) -> &'a [u8] {
        const DAYS: [&[u8]; 7] = [
            b"monday",
            b"tuesday",
            b"wednesday",
            b"thursday",
            b"friday",
            b"saturday",
            b"sunday",
        ];
        let word = self.take_while(|byte| byte.is_ascii_alphabetic());
        let is_day = word.len() >= 3
            && DAYS
                .iter()
                .any(|day| day.len() >= word.len() && day[..word.len()].eq_ignore_ascii_case(word));
        if is_day {
            self.take_while(|byte| matches!(byte, b'.' | b',' | b' '));
        } else {
            self.at = 0;
        }
        &self.text[..self.at]
    }

    /// The fields of a date, what stands between them, and the time of day that follows without a gap.
    #[expect(clippy::type_complexity, reason = "it is used in one place")]
    fn date(&mut self) -> Option<(Fields, &'a [u8], &'a [u8], Option<(Clock, bool)>)> {
        let mut fields = [Field::default(); 3];
        let mut gaps: [&[u8]; 2] = [b"", b""];
        for place in 0..3 {
            let field = self.field(place)?;
            let Some(field) = field else {
                return self.packed();
            };
            fields[place] = field;
            if place == 2 {
                break;
            }
            if place == 1 && self.rest().is_empty() {
                return Some((
                    Fields {
                        fields,
                        count: 2,
                        separator: first(gaps[0]),
                    },
                    gaps[0],
                    b"",
                    None,
                ));
            }
            gaps[place] = self.take_while(|byte| matches!(byte, b'-' | b'/' | b'.' | b' ' | b','));
        }
        let has_name = fields.iter().any(|field| field.is_name());
        let fits = match (gaps[0], gaps[1]) {
            ([a], [b]) if a == b && *a != b',' => true,
            (a, b) if has_name => {
                let spaced = |gap: &[u8]| gap.ends_with(b" ") && gap.trim_ascii_end().len() <= 1;
                let (a_open, b_open) = (spaced(a), spaced(b) || b == b",");
                (a_open && b_open) || (a.is_empty() && b.is_empty())
            }
            // `4. 1. 2021`, as some countries write it.
            (b". ", b". ") => true,
            _ => false,
        };
        let fields = Fields {
            fields,
            count: 3,
            separator: first(gaps[0]),
        };
        fits.then_some((fields, gaps[0], gaps[1], None))
    }

    /// One field; the inner `None` is for eight digits and more, which are a date by themselves.
    #[expect(
        clippy::option_option,
        reason = "the outer one refuses, the inner one asks for another way"
    )]
    fn field(&mut self, place: usize) -> Option<Option<Field>> {
        let start = self.at;
        let digits = self.digits();
        if digits.is_empty() {
            let word = self.take_while(|byte| byte.is_ascii_alphabetic());
            let (value, is_long) = month(word)?;
            return (place < 2).then_some(Some(Field {
                value,
                digits: 0,
                is_long,
            }));
        }
        if place == 0 && matches!(digits.len(), 8 | 10 | 12 | 14 | 17) {
            self.at = start;
            return Some(None);
        }
        if !matches!(digits.len(), 1 | 2 | 4) {
            return None;
        }
        let value = digits
            .iter()
            .fold(0, |sum, byte| sum * 10 + u16::from(byte - b'0'));
        let rest = self.rest();
        let suffix = [b"st", b"nd", b"rd", b"th"].iter().any(|suffix| {
            rest.len() > 2
                && rest[..2].eq_ignore_ascii_case(*suffix)
                && !rest[2].is_ascii_alphabetic()
        });
        if suffix && digits.len() <= 2 {
            self.at += 2;
        }
        Some(Some(Field {
            value,
            digits: digits.len() as u8,
            is_long: false,
        }))
    }

    /// `20210104`, and `20210104100000` with a time of day.
    #[expect(clippy::type_complexity, reason = "it is what `date` returns")]
    fn packed(&mut self) -> Option<(Fields, &'a [u8], &'a [u8], Option<(Clock, bool)>)> {
        let digits = self.digits();
        let (date, clock) = digits.split_at(8);
        let field = |digits: &[u8]| Field {
            value: number(digits) as u16,
            digits: digits.len() as u8,
            is_long: false,
        };
        let fields = [field(&date[..4]), field(&date[4..6]), field(&date[6..])];
        let fields = Fields {
            fields,
            count: 3,
            separator: 0,
        };
        let clock = match clock.len() {
            0 => None,
            digits => Some((packed_clock(clock)?, digits > 4)),
        };
        Some((fields, b"", b"", clock))
    }

    /// Skips what stands between a date and a time of day. Without it there is no time of day.
    fn separator(&mut self, of_date: u8) -> bool {
        let start = self.at;
        let is_apart = self.spaces() > 0;
        match self.peek() {
            Some(b'T' | b't' | b'D' | b'_') if !is_apart => self.at += 1,
            Some(b',') if !is_apart => {
                self.at += 1;
                self.spaces();
            }
            // As web servers write it: 04/Jan/2021:10:00:00.
            Some(b':') if !is_apart && of_date == b'/' => self.at += 1,
            Some(b'-') if !is_apart && of_date == 0 => self.at += 1,
            _ if is_apart => {}
            _ => return false,
        }
        let is_clock = self.peek().is_some_and(|byte| byte.is_ascii_digit());
        if !is_clock {
            self.at = start;
        }
        is_clock
    }

    fn clock(&mut self) -> Option<(Option<Clock>, Written)> {
        let digits = self.digits();
        let mut written = Written::default();
        if self.peek() == Some(b':') && digits.len() <= 2 {
            let hours = number(digits);
            let minutes = self.two_after_colon()?;
            let mut millis = 0;
            if self.peek() == Some(b':') {
                written.has_seconds = true;
                millis = self.two_after_colon()? * 1_000;
                millis += self.fraction(&mut written)?;
            }
            let half = self.half(&mut written);
            let hours = hour(i64::from(hours), half)?;
            return Some((
                Some(Clock::Parted((hours * 60 + minutes) * 60_000 + millis)),
                written,
            ));
        }
        if digits.len() == 9 {
            written.has_seconds = true;
            written.has_fraction = true;
            written.is_packed = true;
            return Some((Some(packed_clock(digits)?), written));
        }
        if digits.len() > 6 {
            return None;
        }
        let value = number(digits);
        let millis = if digits.len() >= 5 {
            self.fraction(&mut written)?
        } else {
            0
        };
        // As some exchanges write it: 09-AM.
        let is_hyphen = self.rest().starts_with(b"-") && digits.len() <= 2;
        self.at += usize::from(is_hyphen);
        let half = self.half(&mut written);
        match half {
            Some(_) if is_hyphen => written.half_gap = b'-',
            Some(_) => {}
            None => self.at -= usize::from(is_hyphen),
        }
        let digits = digits.len() as u8;
        Some((
            Some(Clock::Bare {
                value,
                digits,
                millis,
                half,
            }),
            written,
        ))
    }

    fn two_after_colon(&mut self) -> Option<i64> {
        let &[b':', tens, ones, ..] = self.rest() else {
            return None;
        };
        self.at += 3;
        two(tens, ones).filter(|value| *value < 60)
    }

    fn fraction(&mut self, written: &mut Written) -> Option<i64> {
        if !matches!(self.rest(), [b'.' | b',', digit, ..] if digit.is_ascii_digit()) {
            let is_bare = matches!(self.peek(), Some(b'.' | b','));
            return (!is_bare).then_some(0);
        }
        self.at += 1;
        let digits = self.digits();
        written.has_fraction = true;
        Some(millis(digits))
    }

    /// `AM`, ` p.m.`: whether it is the second half of the day.
    fn half(&mut self, written: &mut Written) -> Option<bool> {
        let start = self.at;
        let is_apart = self.spaces() > 0;
        let half = match self.peek()?.to_ascii_lowercase() {
            b'a' => false,
            b'p' => true,
            _ => {
                self.at = start;
                return None;
            }
        };
        let rest = &self.rest()[1..];
        let length = match rest.to_ascii_lowercase().as_slice() {
            [b'm'] | [b'm', b' ', ..] => 1,
            [b'.', b'm', b'.', ..] => 3,
            [b'.', b'm'] => 2,
            _ => {
                self.at = start;
                return None;
            }
        };
        self.at += 1 + length;
        written.has_half = true;
        written.half_gap = if is_apart { b' ' } else { 0 };
        Some(half)
    }
}

fn first(gap: &[u8]) -> u8 {
    gap.first().copied().unwrap_or(0)
}

/// The hour of the day from one with or without a half.
pub(super) fn hour(hour: i64, half: Option<bool>) -> Option<i64> {
    match half {
        None => (0..24).contains(&hour).then_some(hour),
        Some(is_second) => (1..=12)
            .contains(&hour)
            .then_some(hour % 12 + if is_second { 12 } else { 0 }),
    }
}

/// `10`, `1000`, `100000` or `100000000`, directly behind a date.
pub(super) fn packed_clock(digits: &[u8]) -> Option<Clock> {
    let part = |from: usize| {
        digits
            .get(from..from + 2)
            .map_or(0, |digits| i64::from(number(digits)))
    };
    let (hours, minutes, seconds) = (part(0), part(2), part(4));
    let is_one = hours < 24 && minutes < 60 && seconds < 60;
    let millis = digits
        .get(6..)
        .map_or(0, |digits| i64::from(number(digits)));
    is_one.then_some(Clock::Parted(
        ((hours * 60 + minutes) * 60 + seconds) * 1_000 + millis,
    ))
}

/// The number that at most nine digits make.
pub(super) fn number(digits: &[u8]) -> u32 {
    digits
        .iter()
        .fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0'))
}

/// The milliseconds of the digits of a fraction of a second; what follows is cut.
pub(super) fn millis(digits: &[u8]) -> i64 {
    let digit = |place: usize| digits.get(place).map_or(0, |byte| i64::from(byte - b'0'));
    digit(0) * 100 + digit(1) * 10 + digit(2)
}

/// The number that two digits make.
pub(super) fn two(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
}

/// The number of the month of this English name, and whether it is written out.
fn month(word: &[u8]) -> Option<(u16, bool)> {
    const MONTHS: [&[u8]; 12] = [
        b"january",
        b"february",
        b"march",
        b"april",
        b"may",
        b"june",
        b"july",
        b"august",
        b"september",
        b"october",
        b"november",
        b"december",
    ];
    let is = |name: &[u8]| {
        name.eq_ignore_ascii_case(word)
            || name[..3].eq_ignore_ascii_case(word)
            || (name.len() == 9 && name[..4].eq_ignore_ascii_case(word))
    };
    let place = MONTHS.iter().position(|name| is(name))?;
    Some((
        place as u16 + 1,
        word.len() > 4 || (word.len() == 4 && place != 8),
    ))
}
