//! Finds the columns of a file without a header from what is in them.

use super::header::{looks_like_date, looks_like_time, looks_like_time_of_day};
use super::{Columns, Layout, Sample, Time, Wanted, text_of};
use crate::dialect::{Field, Separator};
use crate::error::{Doubt, ImportError};
use crate::number::Decimal;
use crate::records::LONGEST_RECORD;

/// Lines without numbers before the first row are at most so many.
const LAST: usize = 30;

type Row = Vec<Vec<u8>>;

/// The column that `column 3` says, from 0.
pub(super) fn column(said: &str) -> Option<usize> {
    let number: usize = said.trim().strip_prefix("column ")?.trim().parse().ok()?;
    number.checked_sub(1)
}

/// The layout of rows without a header.
pub(super) fn find(sample: &Sample, wanted: &Wanted<'_>) -> Result<Layout, ImportError> {
    let first = sample.first().ok_or_else(|| ImportError::NoRows {
        file: wanted.file.to_owned(),
        dropped: 0,
    })?;
    let told = || ImportError::NoHeader {
        file: wanted.file.to_owned(),
        got: match first.iter().map(Vec::len).sum::<usize>() as u64 > LONGEST_RECORD {
            true => format!("a line of more than {LONGEST_RECORD} bytes"),
            false => text_of(&first.join(&b','.clone())),
        },
    };
    // Excel's line about the separator is no row, and neither are lines without numbers where columns are said.
    let skipped = match wanted.dialect.columns.is_empty() {
        true => usize::from(first.iter().any(|cell| cell.starts_with(b"sep="))),
        false => sample
            .iter()
            .take(LAST)
            .take_while(|row| !has_said_numbers(row, wanted))
            .count(),
    };
    let rows: Vec<&Row> = sample.iter().skip(skipped).collect();
    let width = rows.first().map_or(0, |row| row.len());
    let columns = match said(wanted)? {
        Said::All(columns) => columns,
        Said::Part(part) => {
            let found = inferred(&rows, width, wanted, part.volume.is_some())?.ok_or_else(told)?;
            part.over(found)
        }
    };
    let layout = Layout {
        separator: Separator::Comma,
        decimal: Decimal::Point,
        header_records: skipped,
        columns,
        width,
        headers: Vec::new(),
        symbol_of_columns: None,
    };
    match layout.needed() < width {
        true => Ok(layout),
        false => Err(ImportError::OptionDoesNotFit {
            field: "columns".to_owned(),
            expected: format!("columns from 1 to {width}, which the first row has"),
            got: format!("column {}", layout.needed() + 1),
        }),
    }
}

/// Whether a price or the volume that is said is a number in this row.
fn has_said_numbers(row: &Row, wanted: &Wanted<'_>) -> bool {
    let said = wanted
        .dialect
        .columns
        .iter()
        .filter(|(field, _)| **field != Field::Timestamp);
    let mut places = said.filter_map(|(_, said)| column(said)).peekable();
    // Only the times are said.
    places.peek().is_none()
        || places.any(|place| row.get(place).is_some_and(|cell| number(cell).is_some()))
}

/// The columns that the request or its dialect says.
enum Said {
    All(Columns),
    Part(Part),
}

/// Some of the columns; the values tell the others.
struct Part {
    time: Option<Time>,
    prices: [Option<usize>; 4],
    volume: Option<usize>,
}

impl Part {
    fn over(self, found: Columns) -> Columns {
        let mut prices = found.prices;
        for (place, said) in prices.iter_mut().zip(self.prices) {
            *place = said.unwrap_or(*place);
        }
        Columns {
            time: self.time.unwrap_or(found.time),
            prices,
            volume: self.volume.or(found.volume),
            ..found
        }
    }
}

fn said(wanted: &Wanted<'_>) -> Result<Said, ImportError> {
    let columns = &wanted.dialect.columns;
    let fault = |field: Field, said: &str| ImportError::OptionDoesNotFit {
        field: format!("columns.{}", field.name()),
        expected: "column N, as the file has no header with these names".to_owned(),
        got: format!("\"{}\"", text_of(said.as_bytes())),
    };
    let place = |field: Field| match columns.get(&field) {
        None => Ok(None),
        Some(said) => column(said).map(Some).ok_or_else(|| fault(field, said)),
    };
    let time = match columns.get(&Field::Timestamp) {
        None => None,
        Some(said) => Some(match said.split_once(" + ") {
            Some((date, time)) => match (column(date), column(time)) {
                (Some(date), Some(time)) => Time::Two(date, time),
                _ => return Err(fault(Field::Timestamp, said)),
            },
            None => Time::One(column(said).ok_or_else(|| fault(Field::Timestamp, said))?),
        }),
    };
    let prices = [
        place(Field::Open)?,
        place(Field::High)?,
        place(Field::Low)?,
        place(Field::Close)?,
    ];
    let volume = place(Field::Volume)?;
    Ok(match (time, prices) {
        (Some(time), [Some(open), Some(high), Some(low), Some(close)]) => Said::All(Columns {
            time,
            prices: [open, high, low, close],
            volume,
            tick_volume: None,
            symbol: None,
        }),
        _ => Said::Part(Part {
            time,
            prices,
            volume,
        }),
    })
}

/// The columns that the values tell; `None` if these are no rows of bars.
fn inferred(
    rows: &[&Row],
    width: usize,
    wanted: &Wanted<'_>,
    is_volume_said: bool,
) -> Result<Option<Columns>, ImportError> {
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let numbers = |place: usize| -> Option<Vec<f64>> {
        // A few rows may be bad; a column of numbers has them nearly everywhere.
        let parsed: Vec<_> = rows
            .iter()
            .filter_map(|row| number(row.get(place)?))
            .collect();
        (parsed.len() * 10 >= rows.len() * 9).then_some(parsed)
    };
    let is_counter = |place: usize| numbers(place).is_some_and(|column| counts(&column));
    let Some(date) =
        (0..width).find(|place| looks_like_time(&first[*place]) && !is_counter(*place))
    else {
        return Ok(None);
    };
    let is_two = date + 1 < width
        && looks_like_date(&first[date])
        && looks_like_time_of_day(&first[date + 1]);
    let (time, behind) = match is_two {
        true => (Time::Two(date, date + 1), date + 2),
        false => (Time::One(date), date + 1),
    };
    let symbol = (0..width).find(|place| {
        let is_word = |row: &&Row| {
            row.get(*place)
                .is_some_and(|cell| cell.iter().any(u8::is_ascii_alphabetic))
        };
        *place != date && numbers(*place).is_none() && rows.iter().all(is_word)
    });
    let columns: Vec<_> = (behind..width)
        .filter_map(|place| Some((place, numbers(place)?)))
        .collect();
    let [a, b, c, d, rest @ ..] = &columns[..] else {
        return Ok(None);
    };
    let volume = match is_volume_said {
        true => None,
        false => volume_of([&a.1, &b.1, &c.1, &d.1], rest).or_else(|doubt| {
            match wanted.accepts(&doubt) {
                true => Ok(rest.first().map(|(place, _)| *place)),
                false => Err(wanted.doubtful(doubt)),
            }
        })?,
    };
    let prices = match order_of([&a.1, &b.1, &c.1, &d.1], direction(rows, date)) {
        Some(order) => order.map(|at| columns[at].0),
        None => {
            let doubt = Doubt {
                code: "COLUMNS_UNCERTAIN",
                message: "the file has no header, and which of its columns are open, high, low and close cannot be told".to_owned(),
                instead: "say columns, such as {\"open\": \"column 2\", \"high\": \"column 3\", \"low\": \"column 4\", \"close\": \"column 5\"}".to_owned(),
            };
            match wanted.accepts(&doubt) {
                true => [a.0, b.0, c.0, d.0],
                false => return Err(wanted.doubtful(doubt)),
            }
        }
    };
    Ok(Some(Columns {
        time,
        prices,
        volume,
        tick_volume: None,
        symbol,
    }))
}

fn number(cell: &[u8]) -> Option<f64> {
    Decimal::Point
        .parse(cell)
        .or_else(|| Decimal::Comma.parse(cell))
}

/// Whether these are the numbers of the rows: from 0 or 1 on, one more each time.
fn counts(column: &[f64]) -> bool {
    let starts = column
        .first()
        .is_some_and(|first| *first == 0.0 || *first == 1.0);
    starts && column.windows(2).all(|pair| pair[1] == pair[0] + 1.0)
}

/// Whether a column lies within the range of the four prices beside it, or close to it.
fn is_price(prices: [&Vec<f64>; 4], column: &[f64]) -> bool {
    let rows = prices
        .iter()
        .map(|one| one.len())
        .min()
        .unwrap_or(0)
        .min(column.len());
    let is_near = |row: &usize| {
        let of_row = prices.iter().map(|one| one[*row]);
        let (low, high) = of_row.fold((f64::MAX, f64::MIN), |(low, high), one| {
            (low.min(one), high.max(one))
        });
        low > 0.0 && (low * 0.8..=high * 1.25).contains(&column[*row])
    };
    rows > 0 && (0..rows).filter(is_near).count() * 10 >= rows * 9
}

/// The column of the volume among those behind the prices.
fn volume_of(prices: [&Vec<f64>; 4], rest: &[(usize, Vec<f64>)]) -> Result<Option<usize>, Doubt> {
    let [(place, first), (next_place, second), ..] = rest else {
        return Ok(rest.first().map(|(place, _)| *place));
    };
    let are_whole = |column: &[f64]| column.iter().all(|number| number.fract() == 0.0);
    let is_zero = |column: &[f64]| column.iter().all(|number| *number == 0.0);
    // What was paid is what was traded times its price.
    let pays = |volume: &[f64], paid: &[f64]| {
        let rows = volume.iter().zip(paid).zip(prices[3]);
        let near = rows.clone().filter(|((volume, paid), price)| {
            let product = *volume * *price;
            product > 0.0 && (0.8..1.25).contains(&(*paid / product))
        });
        near.count() * 10 >= volume.len() * 9 && !volume.is_empty()
    };
    let is_price = is_price(prices, first);
    let is_number_of_trades = !are_whole(first) && are_whole(second);
    // Times of closing, as Binance has them.
    let is_time = second.iter().all(|number| *number > 1e9)
        && second.windows(2).all(|pair| pair[0] != pair[1]);
    if pays(first, second) {
        return Ok(Some(*place));
    }
    if pays(second, first) {
        return Ok(Some(*next_place));
    }
    if !is_price && !is_zero(first) && (is_zero(second) || is_number_of_trades || is_time) {
        return Ok(Some(*place));
    }
    Err(Doubt {
        code: "VOLUME_UNCERTAIN",
        message: format!(
            "the file has no header, and which of the columns from {} on is the volume cannot be told",
            place + 1
        ),
        instead: format!(
            "say columns, such as {{\"volume\": \"column {}\"}}",
            place + 1
        ),
    })
}

/// In which direction the times go from row to row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
    Unknown,
}

/// The direction in which the texts of a column go, which is that of its times where it is clear.
fn direction(rows: &[&Row], place: usize) -> Direction {
    let texts: Vec<_> = rows.iter().filter_map(|row| row.get(place)).collect();
    let length = texts.first().map_or(0, |text| text.len());
    let is_even = texts.iter().all(|text| text.len() == length);
    let pairs = || texts.windows(2);
    match () {
        () if is_even && pairs().all(|pair| pair[0] <= pair[1]) => Direction::Up,
        () if is_even && pairs().all(|pair| pair[0] >= pair[1]) => Direction::Down,
        () => Direction::Unknown,
    }
}

/// Which of four columns are open, high, low and close: the highest is the high, the lowest the low, and of
/// the other two the open comes first. `None` if they do not look like prices.
fn order_of(columns: [&Vec<f64>; 4], direction: Direction) -> Option<[usize; 4]> {
    let rows = columns.iter().map(|column| column.len()).min()?;
    let at = |column: usize, row: usize| columns[column][row];
    let share =
        |is: &dyn Fn(usize) -> bool| (0..rows).filter(|row| is(*row)).count() * 20 >= rows * 19;
    let all = 0..4;
    let is_high =
        |high: usize| share(&|row| all.clone().all(|other| at(high, row) >= at(other, row)));
    let is_low = |low: usize| share(&|row| all.clone().all(|other| at(low, row) <= at(other, row)));
    // The usual order first, so that bars without any movement have it.
    let high = [1, 2, 3, 0].into_iter().find(|place| is_high(*place))?;
    let low = [2, 1, 3, 0]
        .into_iter()
        .find(|place| *place != high && is_low(*place))?;
    let mut others = (0..4).filter(|place| *place != high && *place != low);
    let (open, close) = (others.next()?, others.next()?);
    // A column of volumes is far from the prices beside it.
    let is_near =
        |row: usize| at(high, row).abs() <= 2.0 * at(low, row).abs() || at(low, row) <= 0.0;
    if !share(&is_near) {
        return None;
    }
    // A bar mostly opens near where the one before closed: the other way round must not be much nearer.
    let apart = |earlier: usize, later: usize| {
        (1..rows)
            .map(|row| (at(earlier, row - 1) - at(later, row)).abs())
            .sum::<f64>()
    };
    let (forwards, swapped) = match direction {
        Direction::Up => (apart(close, open), apart(open, close)),
        Direction::Down => (apart(open, close), apart(close, open)),
        Direction::Unknown => (0.0, 0.0),
    };
    let order = [open, high, low, close];
    // The usual orders are taken unless the rows say otherwise; any other one only if they say so.
    let is_clear = match order == [0, 1, 2, 3] || order == [2, 1, 0, 3] {
        true if rows >= 10 => swapped * 2.0 >= forwards,
        // Few rows decide only if they are very clear.
        true => swapped * 10.0 >= forwards,
        false => rows >= 10 && forwards * 2.0 <= swapped,
    };
    is_clear.then_some(order)
}
