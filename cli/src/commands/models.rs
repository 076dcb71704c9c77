//! `models list`, `show` and `predict`.

use impresario_api::{ModelCard, ModelList, PredictRequest, Prediction};
use serde_json::json;

use super::{App, data};
use crate::args::Predict;
use crate::bars_file::BarsFile;
use crate::client::{Post, parse};
use crate::display;
use crate::display::model::Given;
use crate::error::Error;
use crate::ids;

/// How many bars are sent: more than any feature needs, and far fewer than the largest body may have.
const NEWEST: usize = 1_000;

pub(super) fn list(app: &App) -> Result<(), Error> {
    let raw = app.client.get("/api/v1/models", &[])?;
    if app.out.json {
        return app.out.document(&raw);
    }
    let list: ModelList = parse(raw)?;
    app.out
        .lines(&display::model::list(&list.models, app.out.look))
}

pub(super) fn show(app: &App, id: &str) -> Result<(), Error> {
    let id = ids::resolve_model(&app.client, id)?;
    let raw = app.client.get(&format!("/api/v1/models/{id}"), &[])?;
    if app.out.json {
        return app.out.document(&raw);
    }
    let card: ModelCard = parse(raw)?;
    app.out.lines(&display::model::card(&card, app.out.look))
}

/// A prediction after the last bar of a file, or of a dataset of the server.
pub(super) fn predict(app: &App, asked: &Predict) -> Result<(), Error> {
    let file = asked.bars.as_deref().map(BarsFile::open).transpose()?;
    let id = ids::resolve_model(&app.client, &asked.id)?;
    let path = format!("/api/v1/models/{id}");
    let card: ModelCard = app.client.get_as(&path, &[])?;
    let (source, bars) = match (&asked.bars, file) {
        (Some(path), Some(file)) => {
            let mut bars = file.bars(&card.data.symbol, &card.data.timeframe)?;
            // The features need far fewer bars, and a body has a limit.
            let older = bars.len().saturating_sub(NEWEST);
            (path.display().to_string(), bars.split_off(older))
        }
        _ => {
            let symbol = asked.symbol.as_ref().unwrap_or(&card.data.symbol);
            let timeframe = asked.timeframe.as_ref().unwrap_or(&card.data.timeframe);
            let bars = data::newest(&app.client, symbol, timeframe, NEWEST)?;
            (format!("{symbol} {timeframe}"), bars)
        }
    };
    let request = PredictRequest { bars };
    let raw = app
        .client
        .post(&format!("{path}/predict"), &json!(request), Post::default())?;
    if app.out.json {
        return app.out.document(&raw);
    }
    let answer: Prediction = parse(raw)?;
    let given = Given {
        source,
        bars: &request.bars,
    };
    let lines = display::model::prediction(&answer, &given, &card, app.out.look);
    app.out.lines(&lines)
}
