//! What is said of ends and stops that the store never took.

use impresario_api::Verb;

use crate::rules::lifecycle::Input;
use crate::store::{Command, StoreError};

/// Says of ends and stops that nobody will try to write again what that means.
pub(crate) fn not_recorded(commands: &[Command], error: &StoreError) {
    for command in commands {
        let (id, what) = match command {
            Command::End(end) => (end.id, "the end of its run"),
            Command::Apply {
                id,
                input: Input::Asked {
                    verb: Verb::Cancel, ..
                },
                ..
            } => (*id, "the cancel that was asked"),
            Command::Apply {
                id,
                input: Input::Asked {
                    verb: Verb::Pause, ..
                },
                ..
            } => (*id, "the pause that was asked"),
            Command::Apply {
                id,
                input: Input::TimedOut { .. },
                ..
            } => (*id, "its timeout"),
            _ => continue,
        };
        log::error!(
            "{id}: {what} could not be recorded ({error}): the next start of the server takes its run for lost, and may run it again"
        );
    }
}
