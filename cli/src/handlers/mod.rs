//! What is particular to a kind: its command, its params, how it came out. A new kind is a file
//! here and a line in [`ALL`].

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use impresario_api::OperationView;
use serde_json::Value;

use crate::display::end::Fact;
use crate::error::Error;

mod data_load;
mod dummy;
mod generic;
mod train;

pub(crate) use generic::Generic;

/// The kinds that have a command of their own.
const ALL: &[&dyn Handler] = &[&dummy::Dummy, &data_load::DataLoad, &train::Train];

/// One kind, as the client knows it.
pub(crate) trait Handler: Sync {
    /// The kind's name at the server.
    fn kind(&self) -> &str;

    /// Its command with its own arguments; those of every start are added to it.
    fn command(&self) -> Command;

    /// The command that its own stands under, as `load` under `data`; else it stands alone.
    fn group(&self) -> Option<&str> {
        None
    }

    /// The params of a start, from its own arguments; what was left out is the server's default.
    fn params(&self, arguments: &ArgMatches) -> Result<Value, Error>;

    /// What it counts beside steps: `rows`, `bars`.
    fn items(&self) -> &str {
        "items"
    }

    /// How it came out, a line each; the end of a failed one too.
    fn outcome(&self, view: &OperationView) -> Vec<Fact>;

    /// What to do next, where the kind knows better than the verbs do, under a label of its own.
    fn next(&self, _view: &OperationView) -> Option<Fact> {
        None
    }
}

/// The handlers with a command of their own.
pub(crate) fn all() -> impl Iterator<Item = &'static dyn Handler> {
    ALL.iter().copied()
}

/// The handler of a kind; one that nobody wrote is handled by what its view says.
pub(crate) fn of(kind: &str) -> Box<dyn Handler> {
    match all().find(|handler| handler.kind() == kind) {
        Some(known) => Box::new(Known(known)),
        None => Box::new(Generic::new(kind)),
    }
}

/// What was typed for an argument. Its default is the server's: here it only stands in the help.
fn typed<T: Clone + Send + Sync + 'static>(arguments: &ArgMatches, name: &str) -> Option<T> {
    let is_typed = arguments.value_source(name) == Some(ValueSource::CommandLine);
    is_typed.then(|| arguments.get_one(name).cloned()).flatten()
}

/// A param that stands in an output as text.
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

    fn items(&self) -> &str {
        self.0.items()
    }

    fn outcome(&self, view: &OperationView) -> Vec<Fact> {
        self.0.outcome(view)
    }

    fn next(&self, view: &OperationView) -> Option<Fact> {
        self.0.next(view)
    }
}
