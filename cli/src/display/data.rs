//! Datasets and bars.

use impresario_api::{Bar, DatasetView, QualityWarning};

use super::end::{Fact, render};
use super::numbers::{bytes, counted, date, instants, minute, period, thousands};
use super::quality::warnings;
use super::table::{numbers, table, words};
use super::text::clean;
use super::{Look, Tone};

/// How many bars are shown at each end of a range that is not shown completely.
const AT_AN_END: usize = 5;

pub(crate) fn list(datasets: &[DatasetView], look: Look) -> Vec<String> {
    if datasets.is_empty() {
        let lines = [
            "no data here; it is loaded from a CSV file in the server's import folder by",
            "  impresario data load GOOG --timeframe 1d",
        ];
        return lines.iter().map(|line| look.fit(line)).collect();
    }
    let columns = [
        words("SYMBOL", 0),
        words("TIMEFRAME", 0),
        numbers("BARS", 0),
        numbers("HOLES", 4),
        words("FROM", 2),
        words("TO", 1),
        numbers("SIZE", 4),
        words("LOADED", 3),
        words("SOURCE", 5),
    ];
    let instant = instants(datasets.iter().flat_map(|one| [one.start, one.end]));
    let row = |one: &DatasetView| {
        [
            one.symbol.clone(),
            one.timeframe.clone(),
            thousands(one.rows),
            one.holes.map_or_else(String::new, thousands),
            instant(one.start),
            instant(one.end),
            bytes(one.bytes),
            minute(one.loaded_at),
            one.source.clone(),
        ]
    };
    let rows: Vec<_> = datasets.iter().map(row).collect();
    table(&columns, &rows, look)
}

/// Bars of one dataset.
pub(crate) struct Shown {
    /// The dataset to which the bars belong.
    dataset: DatasetView,
    /// What was remarkable about the bars when they were loaded.
    warnings: Vec<QualityWarning>,
    /// All bars of the range, or the first ones.
    first: Vec<Bar>,
    /// The last bars, if not all are kept.
    last: Vec<Bar>,
    /// The number of bars in the range.
    count: u64,
    /// Whether there are more bars after the range.
    pub(crate) goes_on: bool,
}

impl Shown {
    /// No bars yet.
    pub(crate) const fn new(dataset: DatasetView, warnings: Vec<QualityWarning>) -> Self {
        Self {
            dataset,
            warnings,
            first: Vec::new(),
            last: Vec::new(),
            count: 0,
            goes_on: false,
        }
    }

    /// Adds the next bars of the range. Either all of them are kept, or as many at each end as are shown.
    pub(crate) fn add(&mut self, bars: &[Bar], keeps_all: bool) {
        self.count += bars.len() as u64;
        if keeps_all {
            self.first.extend(bars);
            return;
        }
        let room = AT_AN_END.saturating_sub(self.first.len());
        let (first, rest) = bars.split_at(room.min(bars.len()));
        self.first.extend(first);
        self.last.extend(rest);
        // One more bar than shown is kept, because a note that one bar is left out takes a line as well.
        let surplus = self.last.len().saturating_sub(AT_AN_END + 1);
        self.last.drain(..surplus);
    }

    fn kept(&self) -> u64 {
        (self.first.len() + self.last.len()) as u64
    }

    fn tail(&self) -> &[Bar] {
        &self.last[usize::from(self.count > self.kept())..]
    }

    fn left_out(&self) -> u64 {
        self.count - (self.first.len() + self.tail().len()) as u64
    }
}

/// The range, the count, and the bars.
pub(crate) fn bars(shown: &Shown, look: Look) -> Vec<String> {
    let one = &shown.dataset;
    let name = format!("{} {}", clean(&one.symbol), clean(&one.timeframe));
    let title = format!(
        "{}  {}, {}",
        look.paint(Tone::Strong, &name),
        counted(one.rows, "bar"),
        period(one.start, one.end)
    );
    let mut lines = vec![look.fit(&title)];
    let digest = one.sha256.get(..16).unwrap_or(&one.sha256);
    let mut facts = vec![
        Fact::new(
            "source",
            &format!("{}, loaded {}", one.source, date(one.loaded_at)),
        ),
        Fact::new("kept", &format!("{}, sha256 {digest}…", bytes(one.bytes))),
        Fact::new("here", &here(shown)),
    ];
    facts.extend(warnings(&shown.warnings));
    lines.extend(render(&facts, look));
    if shown.first.is_empty() {
        return lines;
    }
    lines.push(String::new());
    let all: Vec<_> = shown.first.iter().chain(shown.tail()).collect();
    let mut rows = rows(&all, look);
    if shown.left_out() > 0 {
        let more = format!("  ⋮  {} more", thousands(shown.left_out()));
        rows.insert(1 + shown.first.len(), look.paint(Tone::Dim, &more));
    }
    lines.extend(rows);
    lines
}

/// The first and the last bars of `count`.
pub(crate) fn ends(first: &[Bar], last: &[Bar], count: u64, look: Look) -> Vec<String> {
    if first.is_empty() {
        return Vec::new();
    }
    // Of few bars, those that are among the first are not shown again.
    let end = first.last().map(|bar| bar.timestamp);
    let last = last.iter().filter(|bar| Some(bar.timestamp) > end);
    let all: Vec<_> = first.iter().chain(last).collect();
    let mut lines = rows(&all, look);
    let left_out = count.saturating_sub(all.len() as u64);
    if left_out > 0 {
        let more = format!("  ⋮  {} more", thousands(left_out));
        lines.insert(1 + first.len(), look.paint(Tone::Dim, &more));
    }
    lines
}

fn here(shown: &Shown) -> String {
    let ends = shown
        .first
        .first()
        .zip(shown.last.last().or(shown.first.last()));
    let Some((first, last)) = ends else {
        return "no bar in this range".to_owned();
    };
    let count = counted(shown.count, "bar");
    let more = if shown.goes_on { ", more follow" } else { "" };
    let times = period(first.timestamp, last.timestamp);
    format!("{count}, {times}{more}")
}

fn rows(bars: &[&Bar], look: Look) -> Vec<String> {
    let columns = [
        words("TIME", 0),
        numbers("OPEN", 2),
        numbers("HIGH", 1),
        numbers("LOW", 1),
        numbers("CLOSE", 0),
        numbers("VOLUME", 3),
    ];
    let prices = bars
        .iter()
        .flat_map(|bar| [bar.open, bar.high, bar.low, bar.close]);
    let decimals = decimals(prices).max(2);
    let volume_decimals = self::decimals(bars.iter().map(|bar| bar.volume));
    let instant = instants(bars.iter().map(|bar| bar.timestamp));
    let row = |bar: &&Bar| {
        let price = |value: f64| grouped(value, decimals);
        [
            instant(bar.timestamp),
            price(bar.open),
            price(bar.high),
            price(bar.low),
            price(bar.close),
            grouped(bar.volume, volume_decimals),
        ]
    };
    let rows: Vec<_> = bars.iter().map(row).collect();
    table(&columns, &rows, look)
}

/// The number of decimals of the value that has the most, at most 8.
fn decimals(values: impl Iterator<Item = f64>) -> usize {
    let of = |value: f64| {
        let text = value.to_string();
        text.split_once('.')
            .map_or(0, |(_, decimals)| decimals.len())
    };
    values.map(of).max().unwrap_or(0).min(8)
}

/// `22,351,900`, `1,204.50`.
fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let sign = if value < 0.0 { "−" } else { "" };
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    match whole.parse() {
        Ok(whole) => format!("{sign}{}{rest}", thousands(whole)),
        Err(_) => format!("{value:e}"),
    }
}

#[cfg(test)]
mod tests {
    use impresario_api::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::display::sample::{look, quality};
    use crate::display::text::width;

    fn dataset(symbol: &str) -> DatasetView {
        serde_json::from_value(json!({
            "symbol": symbol, "timeframe": "1d", "rows": 2148, "holes": 3,
            "start": "2004-08-19T00:00:00.000Z", "end": "2013-03-01T00:00:00.000Z",
            "bytes": 103_240, "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "source": "GOOG_1d.csv", "loaded_at": "2026-01-31T12:00:01.000Z"
        }))
        .expect("the sample is a dataset")
    }

    fn sample(count: i64, every: i64) -> Vec<Bar> {
        let bar = |at: i64| Bar {
            timestamp: Timestamp::from_millis(1_092_873_600_000 + at * every),
            open: 100.0 + at as f64,
            high: 104.06 + at as f64,
            low: 95.96,
            close: 100.34,
            volume: 22_351_900.0,
        };
        (0..count).map(bar).collect()
    }

    fn shown(count: i64, every: i64, keeps_all: bool) -> Shown {
        let warnings = match keeps_all {
            true => quality().warnings,
            false => Vec::new(),
        };
        let mut shown = Shown::new(dataset("GOOG"), warnings);
        for page in sample(count, every).chunks(7) {
            shown.add(page, keeps_all);
        }
        shown
    }

    #[test]
    fn a_list_at_every_width() {
        let mut intraday = dataset("BTC-USD.\u{1b}[2J");
        intraday.timeframe = "5m".to_owned();
        intraday.rows = 1_000_000;
        let all = [dataset("GOOG"), intraday];
        for columns in [100, 60, 40] {
            let lines = list(&all, look(columns));
            assert!(
                lines.iter().all(|line| width(line) <= columns),
                "{lines:#?}"
            );
            insta::assert_snapshot!(format!("data_list_{columns}"), lines.join("\n"));
        }
        insta::assert_snapshot!("data_list_empty", list(&[], look(80)).join("\n"));
    }

    #[test]
    fn bars_at_every_width() {
        let day = 86_400_000;
        for columns in [80, 40] {
            let mut lines = bars(&shown(20, day, false), look(columns));
            lines.extend(bars(&shown(8, 300_000, true), look(columns)));
            lines.extend(bars(&shown(0, day, false), look(columns)));
            assert!(
                lines.iter().all(|line| width(line) <= columns),
                "{lines:#?}"
            );
            insta::assert_snapshot!(format!("data_show_{columns}"), lines.join("\n"));
        }
    }

    #[test]
    fn a_dataset_that_begins_in_the_evening_is_not_shown_by_its_dates() {
        let mut evening = dataset("EURUSD");
        evening.start = "2024-01-31T23:00:00.000Z".parse().expect("a time");
        let listed = list(&[evening.clone(), dataset("GOOG")], look(140)).join("\n");
        for time in ["2024-01-31 23:00", "2013-03-01 00:00", "2004-08-19 00:00"] {
            assert!(listed.contains(time), "{time}: {listed}");
        }
        let title = bars(&Shown::new(evening, Vec::new()), look(140)).remove(0);
        let period = "2024-01-31 23:00 to 2013-03-01 00:00 UTC";
        assert!(title.ends_with(period), "{title}");
    }

    #[test]
    fn none_is_left_out_alone() {
        for count in 0..40 {
            let shown = shown(count, 1_000, false);
            let left_out = shown.left_out();
            assert_eq!(shown.count, count as u64);
            assert!(left_out != 1, "{count}");
            assert_eq!(left_out > 0, count > 11, "{count}");
            let ends = (
                shown.first.first(),
                shown.last.last().or(shown.first.last()),
            );
            let all = sample(count, 1_000);
            assert_eq!(ends, (all.first(), all.last()), "{count}");
        }
    }

    #[test]
    fn numbers_line_up_by_their_decimals() {
        assert_eq!(decimals([1.0, 1.5, 2.25].into_iter()), 2);
        assert_eq!(decimals([1e-12].into_iter()), 8);
        assert_eq!(grouped(1_204.5, 2), "1,204.50");
        assert_eq!(grouped(-1_204.5, 0), "−1,204");
        assert_eq!(grouped(1e30, 0), "1e30");
    }
}
