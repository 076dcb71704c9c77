//! `data list` and `data show`. (`data load` starts an operation: `handlers/data_load.rs`.)

use impresario_api::{
    Bar, BarPage, DatasetList, DatasetView, QualityReport, QualityWarning, Timestamp,
    symbol_to_path,
};
use serde_json::Value;

use super::App;
use crate::args::Bars;
use crate::client::{Client, Object, onward, parse, take_list};
use crate::display;
use crate::display::data::Shown;
use crate::error::Error;

/// The most bars that one answer may have.
const PAGE: u64 = 10_000;

pub(super) fn list(app: &App) -> Result<(), Error> {
    let raw = app.client.get("/api/v1/data", &[])?;
    if app.out.json {
        return app.out.document(&raw);
    }
    let list: DatasetList = parse(raw)?;
    app.out
        .lines(&display::data::list(&list.datasets, app.out.look))
}

/// Bars of one dataset: the first ones up to a limit, or the whole range.
pub(super) fn show(app: &App, asked: &Bars) -> Result<(), Error> {
    if app.out.json {
        return app.out.document(&raw(&app.client, asked)?);
    }
    let mut shown: Option<Shown> = None;
    pages(&app.client, asked, asked.limit, |page| {
        let warned = page
            .get("dataset")
            .map(|dataset| dataset["warnings"].clone());
        let page: BarPage = parse(page.into())?;
        let shown = shown.get_or_insert_with(|| {
            let warnings = warnings(&app.client, asked, &warned.unwrap_or_default());
            Shown::new(page.dataset, warnings)
        });
        shown.goes_on = page.next_start.is_some();
        shown.add(&page.bars, asked.limit.is_some());
        Ok(())
    })?;
    match shown {
        Some(shown) => app.out.lines(&display::data::bars(&shown, app.out.look)),
        None => Ok(()),
    }
}

/// What was remarkable about the bars when they were loaded. The dataset says how often there is what, and the
/// report of its load where; where that cannot be had, the numbers are told alone.
fn warnings(client: &Client, asked: &Bars, warned: &Value) -> Vec<QualityWarning> {
    let counts = warned.as_array().map(Vec::as_slice).unwrap_or_default();
    if counts.is_empty() {
        return Vec::new();
    }
    let answer = client.get(
        &format!("{}/report", path(&asked.symbol, &asked.timeframe)),
        &[],
    );
    let report = answer.map(|answer| answer["report"].clone()).ok();
    match report.and_then(|report| serde_json::from_value::<QualityReport>(report).ok()) {
        Some(report) => report.warnings,
        None => counts.iter().map(bare).collect(),
    }
}

/// A warning of which only the number is known.
fn bare(count: &Value) -> QualityWarning {
    QualityWarning {
        code: count["code"].as_str().unwrap_or_default().to_owned(),
        message: String::new(),
        count: count["count"].as_u64().unwrap_or(0),
        places: Vec::new(),
    }
}

/// All pages as one up to a limit; without a limit the first page.
fn raw(client: &Client, asked: &Bars) -> Result<Value, Error> {
    if asked.limit.is_none() {
        return client.get(&path(&asked.symbol, &asked.timeframe), &range(asked));
    }
    let mut whole: Option<Object> = None;
    let mut all = Vec::new();
    pages(client, asked, asked.limit, |mut page| {
        all.append(&mut take_list(&mut page, "bars")?);
        let next = page.remove("next_start").unwrap_or_default();
        let whole = whole.get_or_insert(page);
        whole.insert("next_start".to_owned(), next);
        Ok(())
    })?;
    let mut whole = whole.unwrap_or_default();
    whole.insert("bars".to_owned(), all.into());
    Ok(Value::Object(whole))
}

/// Reads the range page by page, up to `limit` bars.
fn pages(
    client: &Client,
    asked: &Bars,
    limit: Option<u64>,
    mut each: impl FnMut(Object) -> Result<(), Error>,
) -> Result<(), Error> {
    let path = path(&asked.symbol, &asked.timeframe);
    let mut query = range(asked);
    let mut missing = limit.unwrap_or(u64::MAX);
    let mut last = None;
    loop {
        query.push(("limit", missing.min(PAGE).to_string()));
        let page = client.get_object(&path, &query)?;
        let bars = page.get("bars").and_then(Value::as_array);
        let count = bars.map_or(0, Vec::len) as u64;
        let next = onward(&page, "next_start", |next| Some(*next) > last)?;
        each(page)?;
        missing = missing.saturating_sub(count);
        let next: Timestamp = match next {
            Some(next) if missing > 0 && count > 0 => next,
            _ => return Ok(()),
        };
        last = Some(next);
        query.retain(|(name, _)| *name == "end");
        query.push(("start", next.to_string()));
    }
}

fn range(asked: &Bars) -> Vec<(&'static str, String)> {
    let ends = [("start", &asked.start), ("end", &asked.end)];
    let given = |(name, time): (_, &Option<String>)| Some((name, time.clone()?));
    ends.into_iter().filter_map(given).collect()
}

pub(super) fn path(symbol: &str, timeframe: &str) -> String {
    // Whatever was typed, each is one part of the path.
    let (symbol, timeframe) = (symbol_to_path(symbol), symbol_to_path(timeframe));
    format!("/api/v1/data/{symbol}/{timeframe}")
}

/// The newest bars of a dataset, at most `most` of them, ascending.
pub(super) fn newest(
    client: &Client,
    symbol: &str,
    timeframe: &str,
    most: usize,
) -> Result<Vec<Bar>, Error> {
    let first: BarPage = client.get_as(&path(symbol, timeframe), &[("limit", "1".to_owned())])?;
    let mut back = spacing(&first.dataset).saturating_mul(most as i64);
    loop {
        let start = first.dataset.end.plus_millis(back.saturating_neg());
        let start = start.max(first.dataset.start);
        let asked = Bars {
            symbol: symbol.to_owned(),
            timeframe: timeframe.to_owned(),
            start: Some(start.to_string()),
            end: None,
            limit: None,
        };
        let mut bars: Vec<Bar> = Vec::new();
        pages(client, &asked, None, |page| {
            let page: BarPage = parse(page.into())?;
            bars.extend(page.bars);
            Ok(())
        })?;
        if bars.len() >= most || start <= first.dataset.start {
            bars.drain(..bars.len().saturating_sub(most));
            return Ok(bars);
        }
        // The last bars are further apart than the mean, so this looks back further.
        back = back.saturating_mul(2);
    }
}

/// The mean milliseconds between two bars.
fn spacing(dataset: &DatasetView) -> i64 {
    let length = |from: Timestamp, to: Timestamp| to.as_millis().saturating_sub(from.as_millis());
    let gaps = i64::try_from(dataset.rows.saturating_sub(1)).unwrap_or(i64::MAX);
    (length(dataset.start, dataset.end) / gaps.max(1)).max(1)
}
