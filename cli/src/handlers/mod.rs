//! What differs from kind to kind: the command, the params, and how the outcome is shown. A new kind is a
//! file here and a line in [`ALL`].

use std::sync::Arc;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use impresario_api::OperationView;
use serde_json::Value;

use crate::client::Client;
use crate::display::Look;
use crate::display::end::Fact;
use crate::error::Error;
use crate::out::Out;

mod data_load;
mod dummy;
mod generic;
mod model_verify;
mod train;

pub(crate) use generic::Generic;

/// The kinds that have a command of their own.
const ALL: &[&dyn Handler] = &[
    &dummy::Dummy,
    &data_load::DataLoad,
    &train::Train,
    &model_verify::ModelVerify,
];

/// What the client knows about one kind.
pub(crate) trait Handler: Sync {
    /// The kind's name in the API.
    fn kind(&self) -> &str;

    /// The command with the kind's own arguments; those of every start are added to it.
    fn command(&self) -> Command;

    /// The parent command, such as `data` for `load`; `None` if there is none.
    fn group(&self) -> Option<&str> {
        None
    }

    /// The params of a start, from the kind's own arguments; the server fills in defaults.
    fn params(&self, arguments: &ArgMatches) -> Result<Value, Error>;

    /// The params as the server takes them, if what people type has to be looked up, such as a short id.
    fn resolve(&self, _client: &Client, params: Value) -> Result<Value, Error> {
        Ok(params)
    }

    /// What has to be done before the start, such as sending a file.
    fn prepare(
        &self,
        _client: &Arc<Client>,
        _out: &Out,
        _arguments: &ArgMatches,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// What the kind's items are: `rows`, `bars`.
    fn items(&self) -> &str {
        "items"
    }

    /// The outcome, one line for each fact; also of a failed operation.
    fn outcome(&self, view: &OperationView) -> Vec<Fact>;

    /// What is shown below the facts, such as a table.
    fn details(&self, _view: &OperationView, _look: Look) -> Vec<String> {
        Vec::new()
    }

    /// What to do next, if the kind knows more than the verbs say.
    fn next(&self, _view: &OperationView) -> Option<Fact> {
        None
    }

    /// Whether a completed operation found what it was started to find; otherwise the exit code is 1.
    fn is_success(&self, _view: &OperationView) -> bool {
        true
    }
}

/// The handlers with a command of their own.
pub(crate) fn all() -> impl Iterator<Item = &'static dyn Handler> {
    ALL.iter().copied()
}

/// The handler of a kind; the generic one for a kind that has none of its own.
pub(crate) fn of(kind: &str) -> Box<dyn Handler> {
    match all().find(|handler| handler.kind() == kind) {
        Some(known) => Box::new(Known(known)),
        None => Box::new(Generic::new(kind)),
    }
}

/// What was typed for an argument. The defaults here are only shown in the help; the server has its own.
fn typed<T: Clone + Send + Sync + 'static>(arguments: &ArgMatches, name: &str) -> Option<T> {
    let is_typed = arguments.value_source(name) == Some(ValueSource::CommandLine);
    is_typed.then(|| arguments.get_one(name).cloned()).flatten()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// A handler of [`ALL`] that can be owned.
struct Known(&'static dyn Handler);

impl Handler for Known {
    fn kind(&self) -> &str {
        self.0.kind()
    }

    fn command(&self) -> Command {
        self.0.command()
    }

    fn group(&self) -> Option<&str> {
        self.0.group()
    }

    fn params(&self, arguments: &ArgMatches) -> Result<Value, Error> {
        self.0.params(arguments)
    }

    fn resolve(&self, client: &Client, params: Value) -> Result<Value, Error> {
        self.0.resolve(client, params)
    }

    fn prepare(
        &self,
        client: &Arc<Client>,
        out: &Out,
        arguments: &ArgMatches,
    ) -> Result<(), Error> {
        self.0.prepare(client, out, arguments)
    }

    fn details(&self, view: &OperationView, look: Look) -> Vec<String> {
        self.0.details(view, look)
    }

    fn items(&self) -> &str {
        self.0.items()
    }

    fn outcome(&self, view: &OperationView) -> Vec<Fact> {
        self.0.outcome(view)
    }

    fn next(&self, view: &OperationView) -> Option<Fact> {
        self.0.next(view)
    }

    fn is_success(&self, view: &OperationView) -> bool {
        self.0.is_success(view)
    }
}
