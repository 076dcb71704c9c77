//! `kinds` and `system`.

use impresario_api::{KindView, SystemView, Timestamp};
use serde_json::Value;

use super::App;
use crate::client::{parse, take_list};
use crate::display;
use crate::error::Error;

pub(super) fn kinds(app: &App) -> Result<(), Error> {
    let raw = app.client.get("/api/v1/kinds", &[])?;
    if app.out.json {
        return app.out.document(&raw);
    }
    // The answer is a list, or an object with the list as a field.
    let list = match raw {
        Value::Object(mut object) => take_list(&mut object, "kinds")?,
        Value::Array(list) => list,
        _ => return Err(Error::Garbled("it has no list of kinds".to_owned())),
    };
    let kinds: Result<Vec<KindView>, Error> = list.into_iter().map(parse).collect();
    let kinds = kinds?;
    app.out.lines(&display::kinds::kinds(&kinds, app.out.look))
}

pub(super) fn system(app: &App) -> Result<(), Error> {
    let raw = app.client.get("/api/v1/system", &[])?;
    if app.out.json {
        return app.out.document(&raw);
    }
    let view: SystemView = parse(raw)?;
    app.out.lines(&display::system::system(
        &view,
        Timestamp::now(),
        app.out.look,
    ))
}
