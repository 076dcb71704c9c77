//! The commands that start no operation: each calls the API and passes the answer to the display.

use std::sync::Arc;

use crate::args::{Command, Data, Imports, Models, Ops};
use crate::client::Client;
use crate::error::{DONE, Error};
use crate::out::Out;

mod data;
mod delete;
mod imports;
mod info;
mod logs;
mod models;
mod ops;
mod verbs;

/// The context of every command.
pub(crate) struct App {
    pub(crate) client: Arc<Client>,
    pub(crate) out: Out,
}

/// Carries out one command and returns the exit code.
pub(crate) fn run(app: &App, command: Command) -> Result<u8, Error> {
    use impresario_api::Verb;
    match command {
        Command::Kinds => info::kinds(app)?,
        Command::System => info::system(app)?,
        Command::Data(Data::List) => data::list(app)?,
        Command::Data(Data::Show(bars)) => data::show(app, &bars)?,
        Command::Data(Data::Dialects) => imports::dialects(app)?,
        Command::Data(Data::Imports(asked)) => match asked.command {
            None => imports::list(app)?,
            Some(Imports::Delete { name }) => imports::delete(app, &name)?,
        },
        Command::Data(Data::Delete(asked)) => return delete::dataset(app, &asked),
        Command::Models(Models::Delete(asked)) => return delete::model(app, &asked),
        Command::Models(Models::List) => models::list(app)?,
        Command::Models(Models::Show(model)) => models::show(app, &model.id)?,
        Command::Models(Models::Predict(predict)) => models::predict(app, &predict)?,
        Command::Ops(ops) => match ops {
            Ops::List(list) => ops::list(app, &list)?,
            Ops::Show(one) => ops::show(app, &one.id)?,
            Ops::Watch(one) => return ops::watch(app, &one.id),
            Ops::Cancel(asked) => return Ok(verbs::ask_waiting(app, Verb::Cancel, &asked)),
            Ops::Pause(asked) => return Ok(verbs::ask_waiting(app, Verb::Pause, &asked)),
            Ops::Resume(asked) => return Ok(verbs::ask_all(app, Verb::Resume, &asked, None)),
            Ops::StartNow(asked) => return Ok(verbs::ask_all(app, Verb::StartNow, &asked, None)),
            Ops::Finish(asked) => return Ok(verbs::ask_waiting(app, Verb::Finish, &asked)),
            Ops::Retry(asked) => return Ok(verbs::ask_waiting(app, Verb::Retry, &asked)),
            Ops::Fork(fork) => return verbs::fork(app, fork),
            Ops::Logs(logs) => logs::logs(app, &logs)?,
            Ops::Prune(prune) => ops::prune(app, &prune)?,
        },
    }
    Ok(DONE)
}
