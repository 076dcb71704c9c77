//! Finds the header of a file, which may have a title before it and more lines behind it.

use super::names::normal;
use super::{Columns, Layout, Sample, Time, Wanted, is_same_symbol, text_of};
use crate::dialect::{Field, Separator};
use crate::error::ImportError;
use crate::number::Decimal;
use crate::records;

/// The header is one of the first so many records.
const LAST: usize = 30;

/// The header has at most so many lines below the names: tickers, the name of an index, units.
const MORE_LINES: usize = 3;

type Row = Vec<Vec<u8>>;

/// How many fields of a bar the likeliest header has.
pub(super) fn most_fields(sample: &Sample, wanted: &Wanted<'_>) -> usize {
    let rows = sample.iter().take(LAST);
    rows.map(|row| fields_in(row, wanted)).max().unwrap_or(0)
}

/// Columns that are said by their numbers tell nothing of a header.
fn fields_in(row: &Row, wanted: &Wanted<'_>) -> usize {
    let is_numbered = |field: &Field| {
        let said = wanted.dialect.columns.get(field);
        said.is_some_and(|said| super::headerless::column(said).is_some())
    };
    let found = |field: &&Field| !places_of(row, **field, wanted).is_empty();
    Field::ALL
        .iter()
        .filter(|field| !is_numbered(field))
        .filter(found)
        .count()
}

/// The columns that may be this field, the likeliest ones alone.
fn places_of(row: &Row, field: Field, wanted: &Wanted<'_>) -> Vec<usize> {
    let cells = || row.iter().enumerate();
    if let Some(said) = wanted.dialect.columns.get(&field) {
        let is = |cell: &[u8]| records::decoded(cell).trim() == said.trim();
        let exact: Vec<_> = cells()
            .filter(|(_, cell)| is(cell))
            .map(|(place, _)| place)
            .collect();
        let numbered = super::headerless::column(said).filter(|place| *place < row.len());
        return match exact.is_empty() {
            true => numbered.into_iter().collect(),
            false => exact,
        };
    }
    let symbol = normal(wanted.symbol.as_bytes());
    let rank = |cell: &[u8]| wanted.names.rank(field, &normal(cell), &symbol);
    let ranked: Vec<_> = cells()
        .filter_map(|(place, cell)| rank(cell).map(|rank| (rank, place)))
        .collect();
    let best = ranked.iter().map(|(rank, _)| *rank).min();
    let is_best = |(rank, _): &&(usize, usize)| Some(*rank) == best;
    ranked
        .iter()
        .filter(is_best)
        .map(|(_, place)| *place)
        .collect()
}

/// The layout that the header tells, `None` if there is no header.
pub(super) fn find(sample: &Sample, wanted: &Wanted<'_>) -> Result<Option<Layout>, ImportError> {
    let rows = || sample.iter().enumerate().take(LAST);
    let most = most_fields(sample, wanted);
    let Some((at, header)) = rows().find(|(_, row)| fields_in(row, wanted) == most) else {
        return Ok(None);
    };
    let prices = Field::ALL[1..5].iter();
    let known = prices
        .filter(|field| !places_of(header, **field, wanted).is_empty())
        .count();
    if most == 0 || known == 0 || (known < 3 && most < 3 && !is_said(wanted)) {
        return Ok(None);
    }
    let found = Header {
        at,
        header,
        sample,
        wanted,
    };
    found.layout().map(Some)
}

/// Whether a header is said by name.
fn is_said(wanted: &Wanted<'_>) -> bool {
    let mut said = wanted.dialect.columns.values();
    said.any(|said| super::headerless::column(said).is_none())
}

struct Header<'a> {
    at: usize,
    header: &'a Row,
    sample: &'a Sample,
    wanted: &'a Wanted<'a>,
}

impl Header<'_> {
    fn layout(&self) -> Result<Layout, ImportError> {
        let places: Vec<Vec<usize>> = Field::ALL
            .iter()
            .map(|field| places_of(self.header, *field, self.wanted))
            .collect();
        self.said_columns_exist(&places)?;
        self.prices_exist(&places)?;
        let body = self.body(&places);
        let symbols = self.symbols_of_columns(&places, body);
        let (symbol_of_columns, allowed) = self.chosen(&places, &symbols)?;
        let allowed = |place: &usize| allowed.as_ref().is_none_or(|list| list.contains(place));
        let mut prices = [0; 4];
        for (at, field) in Field::ALL[1..5].iter().enumerate() {
            let found: Vec<_> = places[at + 1].iter().copied().filter(allowed).collect();
            prices[at] = self.only(*field, &found)?;
        }
        let volumes = self.volumes(allowed);
        let shift = self.shift(&places[0], body);
        let time = self.time(&places[0], &prices, body, shift)?;
        let symbol = self.symbol_column(body, shift);
        let moved = |place: usize| place + shift;
        let columns = Columns {
            time,
            prices: prices.map(moved),
            volume: volumes.0.map(moved),
            tick_volume: volumes.1.map(moved),
            symbol: symbol.map(moved),
        };
        let mut headers: Vec<_> = vec![String::new(); shift];
        headers.extend(self.header.iter().map(|cell| text_of(cell)));
        Ok(Layout {
            separator: Separator::Comma,
            decimal: Decimal::Point,
            header_records: body,
            width: headers.len(),
            columns,
            headers,
            symbol_of_columns,
        })
    }

    /// A header that was said and is not there is an error of the request.
    fn said_columns_exist(&self, places: &[Vec<usize>]) -> Result<(), ImportError> {
        for (field, found) in Field::ALL.iter().zip(places) {
            let Some(said) = self.wanted.dialect.columns.get(field) else {
                continue;
            };
            if found.is_empty() && !said.contains(" + ") {
                return Err(ImportError::OptionDoesNotFit {
                    field: format!("columns.{}", field.name()),
                    expected: format!("one of the headers {}", self.told()),
                    got: format!("\"{}\"", text_of(said.as_bytes())),
                });
            }
        }
        Ok(())
    }

    fn told(&self) -> String {
        let cells = self.header.iter().take(20).map(|cell| text_of(cell));
        cells.collect::<Vec<_>>().join(", ")
    }

    fn prices_exist(&self, places: &[Vec<usize>]) -> Result<(), ImportError> {
        let fields = Field::ALL.iter().zip(places).take(5);
        let missing: Vec<_> = fields
            .filter(|(field, found)| found.is_empty() && **field != Field::Timestamp)
            .map(|(field, _)| field.name())
            .collect();
        match missing.is_empty() {
            true => Ok(()),
            false => Err(self.missing(missing)),
        }
    }

    fn missing(&self, missing: Vec<&'static str>) -> ImportError {
        let got = self.header.join(&b','.clone());
        ImportError::ColumnMissing {
            file: self.wanted.file.to_owned(),
            missing,
            got: text_of(&got),
        }
    }

    /// The first record with numbers in the columns of the prices.
    fn body(&self, places: &[Vec<usize>]) -> usize {
        let columns: Vec<_> = places[1..5]
            .iter()
            .filter_map(|found| found.first())
            .collect();
        let is_number = |cell: &Vec<u8>| {
            Decimal::Point.parse(cell).is_some() || Decimal::Comma.parse(cell).is_some()
        };
        // The cells of a row may lie one further to the right than the header says.
        let is_row = |row: &&Row| {
            let numbers = columns
                .iter()
                .filter(|place| row.get(***place).is_some_and(is_number));
            numbers.count() >= 3
        };
        let behind = self.sample.iter().skip(self.at + 1).take(MORE_LINES);
        let titles = behind
            .take_while(|row| !is_row(row) && self.is_header_line(row, &columns))
            .count();
        self.at + 1 + titles
    }

    /// A line below the names is one of the header if it has words, or nothing, below the prices.
    fn is_header_line(&self, row: &Row, prices: &[&usize]) -> bool {
        let below = prices
            .iter()
            .map(|place| row.get(**place).map_or(&[][..], Vec::as_slice));
        let mut below = below.peekable();
        let is_first = row.first().is_some_and(|cell| !looks_like_time(cell));
        let is_word = |cell: &[u8]| {
            let is_rule = !cell.is_empty() && cell.iter().all(|byte| b"-=+".contains(byte));
            cell.is_empty() || is_rule || cell.iter().any(u8::is_ascii_alphabetic)
        };
        let is_wide = row.len() + 1 >= self.header.len();
        is_wide && is_first && below.all(is_word) && row.iter().all(|cell| is_word(cell))
    }

    /// The symbol above or below each column's name, where there is one.
    fn symbols_of_columns(&self, places: &[Vec<usize>], body: usize) -> Vec<Option<String>> {
        let prices: Vec<_> = places[1..5].iter().flatten().copied().collect();
        let volumes = &places[5];
        let lines = self.sample.iter().take(body).enumerate();
        for (at, row) in lines {
            let is_other = at != self.at && row.len() == self.header.len();
            let is_word = |place: &usize| row.get(*place).is_some_and(|cell| !cell.is_empty());
            if is_other && prices.iter().all(is_word) && Self::is_of_symbols(row, &prices, volumes)
            {
                return row.iter().map(|cell| Some(text_of(cell))).collect();
            }
        }
        vec![None; self.header.len()]
    }

    /// Whether a line has symbols, and not units or types: those of the volumes are others than those of the prices.
    fn is_of_symbols(row: &Row, prices: &[usize], volumes: &[usize]) -> bool {
        const TYPES: [&str; 12] = [
            "float", "double", "real", "numeric", "decimal", "number", "float64", "f64", "usd",
            "eur", "gbp", "jpy",
        ];
        let word = |place: &usize| row.get(*place).map(|cell| normal(cell)).unwrap_or_default();
        let of_prices: Vec<_> = prices.iter().map(word).collect();
        let is_type = |word: &String| {
            let bare = word.trim_matches(['(', ')']);
            TYPES.contains(&bare) || bare.is_empty()
        };
        volumes.iter().all(|place| of_prices.contains(&word(place)))
            && !of_prices.iter().any(is_type)
            && row
                .iter()
                .all(|cell| !cell.iter().all(|byte| b"-=+".contains(byte)) || cell.is_empty())
    }

    /// The symbol of the columns that are read, and the columns of this symbol; `None` if they have none.
    fn chosen(
        &self,
        places: &[Vec<usize>],
        symbols: &[Option<String>],
    ) -> Result<(Option<String>, Option<Vec<usize>>), ImportError> {
        let mut known: Vec<&String> = Vec::new();
        for place in places[1..5].iter().flatten() {
            if let Some(Some(symbol)) = symbols.get(*place)
                && !known.contains(&symbol)
            {
                known.push(symbol);
            }
        }
        let exact = known
            .iter()
            .find(|symbol| symbol.as_str() == self.wanted.symbol);
        let similar = known
            .iter()
            .filter(|symbol| is_same_symbol(symbol, self.wanted.symbol));
        let similar: Vec<_> = similar.collect();
        let same = exact.or(match similar[..] {
            [one] => Some(one),
            _ => None,
        });
        let chosen = match (same, &known[..]) {
            (Some(symbol), _) => *symbol,
            (None, []) => return Ok((None, None)),
            (None, [only]) => *only,
            (None, several) => {
                let found = several.iter().take(10).map(|symbol| (*symbol).clone());
                return Err(ImportError::SymbolNotFound {
                    file: self.wanted.file.to_owned(),
                    symbol: self.wanted.symbol.to_owned(),
                    found: found.collect(),
                });
            }
        };
        let of_it = symbols
            .iter()
            .enumerate()
            .filter(|(_, one)| one.as_ref() == Some(chosen));
        Ok((
            Some(chosen.clone()),
            Some(of_it.map(|(place, _)| place).collect()),
        ))
    }

    fn only(&self, field: Field, found: &[usize]) -> Result<usize, ImportError> {
        match found {
            [one] => Ok(*one),
            [] => Err(self.missing(vec![field.name()])),
            [first, second, ..] => Err(ImportError::ColumnTwice {
                file: self.wanted.file.to_owned(),
                field: field.name(),
                first: text_of(&self.header[*first]),
                second: text_of(&self.header[*second]),
            }),
        }
    }

    /// The column of the volume, and the one that counts changes of the price.
    fn volumes(&self, allowed: impl Fn(&usize) -> bool) -> (Option<usize>, Option<usize>) {
        let named = places_of(self.header, Field::Volume, self.wanted);
        if self.wanted.dialect.columns.contains_key(&Field::Volume) {
            return (named.first().copied(), None);
        }
        let cells = || {
            let cells = self.header.iter().enumerate();
            cells
                .filter(|(_, cell)| !is_turnover_or_scaled(cell))
                .map(|(place, cell)| (place, normal(cell)))
        };
        let is_plain =
            |place: &usize| allowed(place) && !is_turnover_or_scaled(&self.header[*place]);
        let real = named.into_iter().find(is_plain).or_else(|| {
            // `Volume BTC` beside `Volume USDT`: the one that counts what was traded, not its price.
            let of_asset = |name: &str| name.strip_prefix("volume ").is_some_and(is_asset);
            let mut assets = cells().filter(|(place, name)| allowed(place) && of_asset(name));
            assets.next().map(|(place, _)| place)
        });
        let tick =
            cells().find(|(place, name)| allowed(place) && self.wanted.names.is_tick_volume(name));
        let tick = tick.map(|(place, _)| place);
        (real, tick.filter(|place| Some(*place) != real))
    }

    fn symbol_column(&self, body: usize, shift: usize) -> Option<usize> {
        let rank = |cell: &Vec<u8>| self.wanted.names.symbol_rank(&normal(cell));
        // A flag or a stock of goods is no symbol.
        let is_symbol = |place: &usize| {
            let cell = self.sample.get(body).and_then(|row| row.get(place + shift));
            let cell = cell.map_or(&[][..], Vec::as_slice);
            let digits = cell.iter().filter(|byte| byte.is_ascii_digit()).count();
            cell.iter()
                .any(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii())
                || (digits >= 3 && digits == cell.len())
        };
        let ranked = self.header.iter().enumerate();
        let ranked = ranked.filter_map(|(place, cell)| rank(cell).map(|rank| (rank, place)));
        let ranked = ranked.filter(|(_, place)| is_symbol(place));
        ranked.min().map(|(_, place)| place)
    }

    /// How many cells stand before those that the header names: R writes the names of rows without a header.
    fn shift(&self, times: &[usize], body: usize) -> usize {
        let mut rows = self.sample.iter().skip(body).take(50).peekable();
        let is_wider = |row: &Row| {
            row.len() == self.header.len() + 1 && row.last().is_some_and(|cell| !cell.is_empty())
        };
        let are_wider = rows.peek().is_some() && rows.all(is_wider);
        // Where the times have a name, they must be where this says; otherwise the rows are too wide.
        let is_time = |place: &usize| {
            let cell = self.sample.get(body).and_then(|row| row.get(place + 1));
            cell.is_some_and(|cell| looks_like_time(cell))
        };
        usize::from(are_wider && (times.is_empty() || times.iter().any(is_time)))
    }

    fn time(
        &self,
        named: &[usize],
        prices: &[usize; 4],
        body: usize,
        shift: usize,
    ) -> Result<Time, ImportError> {
        let first_row = self.sample.get(body);
        let cell = |place: usize| {
            let cell = first_row.and_then(|row| row.get(place + shift));
            cell.map_or(&[][..], Vec::as_slice)
        };
        let place_of = |name: &str| {
            self.header
                .iter()
                .position(|cell| text_of(cell) == name.trim())
        };
        if let Some(said) = self.wanted.dialect.columns.get(&Field::Timestamp)
            && let Some((date, time)) = said.split_once(" + ")
        {
            let fault = || ImportError::OptionDoesNotFit {
                field: "columns.timestamp".to_owned(),
                expected: format!("two of the headers {}", self.told()),
                got: format!("\"{}\"", text_of(said.as_bytes())),
            };
            let (date, time) = (
                place_of(date).ok_or_else(fault)?,
                place_of(time).ok_or_else(fault)?,
            );
            return Ok(Time::Two(date + shift, time + shift));
        }
        let usable: Vec<_> = named
            .iter()
            .copied()
            .filter(|place| !prices.contains(place))
            .collect();
        if self.wanted.dialect.columns.contains_key(&Field::Timestamp) {
            return self
                .only(Field::Timestamp, &usable)
                .map(|place| Time::One(place + shift));
        }
        if let Some((date, time)) = self.date_and_time(cell) {
            return Ok(Time::Two(date + shift, time + shift));
        }
        match usable[..] {
            // R's names of rows are the times, if nothing else is.
            [] if shift == 1 => Ok(Time::One(0)),
            [] => self.nameless(cell).map(|place| Time::One(place + shift)),
            _ => self
                .only(Field::Timestamp, &usable)
                .map(|place| Time::One(place + shift)),
        }
    }

    /// A column of dates beside one of times of day.
    fn date_and_time<'c>(&self, cell: impl Fn(usize) -> &'c [u8]) -> Option<(usize, usize)> {
        let names: Vec<_> = self.header.iter().map(|cell| normal(cell)).collect();
        let is_date = |name: &String| self.wanted.names.rank(Field::Timestamp, name, "").is_some();
        let time = names.iter().enumerate().find(|(place, name)| {
            let cell = cell(*place);
            let is_short = (1..=6).contains(&cell.len()) && cell.iter().all(u8::is_ascii_digit);
            self.wanted.names.is_time_of_day(name) && (looks_like_time_of_day(cell) || is_short)
        });
        let (time, _) = time?;
        let date = names
            .iter()
            .enumerate()
            .find(|(place, name)| *place != time && is_date(name) && looks_like_date(cell(*place)));
        date.map(|(date, _)| (date, time))
    }

    /// The column of times that has no name, or another one: pandas writes an index so.
    fn nameless<'c>(&self, cell: impl Fn(usize) -> &'c [u8]) -> Result<usize, ImportError> {
        let empty = self
            .header
            .iter()
            .position(|name| name.is_empty() || normal(name).starts_with("unnamed"));
        let first = Some(0)
            .filter(|_| looks_like_time(cell(0)) && fields_of_none(&self.header[0], self.wanted));
        empty
            .or(first)
            .ok_or_else(|| self.missing(vec!["timestamp"]))
    }
}

fn fields_of_none(name: &[u8], wanted: &Wanted<'_>) -> bool {
    let name = normal(name);
    Field::ALL
        .iter()
        .all(|field| wanted.names.rank(*field, &name, "").is_none())
}

/// Whether `Volume X` counts X: a short word that is no currency in which prices are told and no statistic.
fn is_asset(name: &str) -> bool {
    const OTHERS: [&str; 40] = [
        "usd", "usdt", "usdc", "busd", "tusd", "fdusd", "dai", "eur", "gbp", "jpy", "krw", "try",
        "brl", "quote", "notional", "money", "ma", "sma", "ema", "avg", "average", "mean",
        "change", "chg", "weighted", "ratio", "delta", "relative", "prev", "previous", "dollar",
        "taker", "maker", "buy", "sell", "ask", "bid", "pct", "profile", "k",
    ];
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && (2..=10).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !OTHERS.contains(&name)
}

/// `Volume ($)`, `Volume (USD)`, `Volume (000s)`: what was paid, or in another unit.
fn is_turnover_or_scaled(header: &[u8]) -> bool {
    let header = records::decoded(header).to_lowercase();
    // AmiBroker writes `$VOLUME`.
    let header = header.trim_start_matches('$');
    let Some((_, inside)) = header.split_once(['(', '[']) else {
        return header.contains('%') || header.contains('$');
    };
    let inside = inside.trim_end_matches([')', ']']);
    !is_asset(inside) && !inside.starts_with("share") && !inside.starts_with("contract")
}

/// Whether a cell begins as a time or an epoch does.
pub(super) fn looks_like_time(cell: &[u8]) -> bool {
    let digits = cell.iter().filter(|byte| byte.is_ascii_digit()).count();
    digits >= 5 || (digits >= 3 && cell.iter().any(|byte| b"-/.: ".contains(byte)))
}

/// `10:00`, `9:30:00`, `1000`, `100000`, `0`.
pub(super) fn looks_like_time_of_day(cell: &[u8]) -> bool {
    let digits = cell.iter().filter(|byte| byte.is_ascii_digit()).count();
    match cell.iter().position(|byte| *byte == b':') {
        Some(1..=2) => digits <= 15,
        Some(_) => false,
        None => digits == cell.len() && (matches!(digits, 4 | 6) || cell == b"0"),
    }
}

/// A date alone: no time of day, and no number of seconds.
pub(super) fn looks_like_date(cell: &[u8]) -> bool {
    let digits = cell.iter().filter(|byte| byte.is_ascii_digit()).count();
    !cell.contains(&b':')
        && (digits == 8 && digits == cell.len() || (3..=8).contains(&digits) && digits < cell.len())
}
