//! Follows one operation to its end: draws what arrives, and reacts to keys and Ctrl-C.

use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread;

use impresario_api::{OperationId, OperationView, Status, Verb};
use serde_json::{Value, json};

use crate::client::{Client, Post};
use crate::display::end;
use crate::display::live::Keys;
use crate::display::metrics::Metrics;
use crate::display::screen::Screen;
use crate::display::text::clean;
use crate::error::{CANCELLED, DONE, Error, FAILED};
use crate::feed::{self, Arrival};
use crate::handlers;
use crate::keys::{self, Action, Standing};
use crate::out::{Out, lost};
use crate::terminal::{Input, Terminal};

/// Whether the client started the operation or only watches it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Owner,
    Watcher,
}

/// What the follower receives, from three sources.
enum Signal {
    Feed(Arrival),
    Input(Input),
    Answered(Verb, Result<(), Error>),
}

/// Follows an operation to its end, and returns the exit code.
pub(crate) fn follow(
    client: &Arc<Client>,
    out: &Out,
    id: OperationId,
    role: Role,
) -> Result<u8, Error> {
    let (tell, hear) = mpsc::channel();
    let screen = Screen::new(out);
    let to_us = tell.clone();
    let terminal = Terminal::listen(screen.is_picture(), move |input| {
        to_us.send(Signal::Input(input)).is_ok()
    });
    let to_us = tell.clone();
    feed::start(Arc::clone(client), id, screen.is_seen(), move |arrival| {
        to_us.send(Signal::Feed(arrival)).is_ok()
    });
    let mut follower = Follower {
        client,
        out,
        screen,
        metrics: Metrics::default(),
        tell,
        id,
        keys: Keys {
            standing: match role {
                Role::Owner => Standing::Owner,
                Role::Watcher => Standing::Watcher,
            },
            are_heard: terminal.hears_keys(),
        },
        last: None,
        asked: None,
        is_cancel_accepted: false,
    };
    // The follower has a sender itself, so only `on` ends this loop.
    for signal in hear {
        match follower.on(signal) {
            Ok(None) => {}
            Ok(Some(code)) => return Ok(code),
            Err(error) => {
                follower.screen.close();
                return Err(error);
            }
        }
    }
    Ok(FAILED)
}

/// The state of following one operation.
struct Follower<'a> {
    client: &'a Arc<Client>,
    out: &'a Out,
    screen: Screen<'a>,
    metrics: Metrics,
    tell: Sender<Signal>,
    id: OperationId,
    keys: Keys,
    last: Option<Box<OperationView>>,
    /// The verb that a key asked for and the server has not answered yet.
    asked: Option<Verb>,
    is_cancel_accepted: bool,
}

impl Follower<'_> {
    /// Handles a signal. Returns the exit code when the operation has ended.
    fn on(&mut self, signal: Signal) -> Result<Option<u8>, Error> {
        match signal {
            Signal::Feed(Arrival::View(view, raw)) => {
                if view.row.status.is_ended() {
                    self.screen.close();
                    return self.end(&view, &raw).map(Some);
                }
                self.last = Some(view);
                self.draw();
            }
            Signal::Feed(Arrival::Event(event)) => self.metrics.hear(&event.body, event.at),
            Signal::Feed(Arrival::Metrics(series)) => self.metrics.begin_with(*series),
            Signal::Feed(Arrival::Lost(error)) => {
                self.screen.note(&lost(&error, feed::PATIENCE));
            }
            Signal::Feed(Arrival::Back) => self.back(),
            Signal::Feed(Arrival::Over(error)) => {
                if error.may_pass() {
                    self.screen.close();
                    let id = self.id.short();
                    self.screen
                        .note(&format!("gave up following {id}; it may well go on"));
                    self.screen
                        .note(&format!("  next  impresario ops watch {id}"));
                }
                return Err(error);
            }
            Signal::Input(Input::CtrlC) => return self.interrupted(),
            Signal::Input(Input::Key(key)) => return self.pressed(key),
            Signal::Answered(verb, answer) => self.answered(verb, answer),
        }
        Ok(None)
    }

    /// The first Ctrl-C cancels the operation and waits for its end; the next one leaves. A watcher leaves at
    /// once.
    fn interrupted(&mut self) -> Result<Option<u8>, Error> {
        if self.keys.standing == Standing::Owner {
            self.keys.standing = Standing::Cancelling;
            self.screen
                .note("cancel asked, waiting for the end (^C again leaves at once)");
            self.draw();
            self.ask(Verb::Cancel);
            return Ok(None);
        }
        self.leave(CANCELLED)
    }

    /// A key does what the operation allows now. Before the first view the client can only leave.
    fn pressed(&mut self, key: u8) -> Result<Option<u8>, Error> {
        let verbs = self.last.as_ref().map(|view| view.row.verbs.as_slice());
        match keys::action(key, self.keys.standing, verbs.unwrap_or_default()) {
            // The operation was cancelled, so the client does not say that it goes on.
            Some(Action::Detach) if self.keys.standing == Standing::Cancelling => {
                self.leave(CANCELLED)
            }
            Some(Action::Detach) => self.leave(DONE),
            Some(Action::Ask(verb)) if self.asked.is_none() => {
                self.asked = Some(verb);
                self.ask(verb);
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn answered(&mut self, verb: Verb, answer: Result<(), Error>) {
        if self.asked == Some(verb) {
            self.asked = None;
        }
        match answer {
            Ok(()) if verb == Verb::Cancel => self.is_cancel_accepted = true,
            Ok(()) => self.screen.note(&format!("{verb} asked")),
            Err(error) => {
                let why = clean(&error.to_string());
                let again = match verb {
                    Verb::Cancel => " (^C again leaves at once)",
                    _ => "",
                };
                self.screen.note(&format!("could not {verb}: {why}{again}"));
            }
        }
    }

    /// Stops following. The operation goes on.
    fn leave(&self, code: u8) -> Result<Option<u8>, Error> {
        self.screen.close();
        let state = match (self.keys.standing, self.is_cancel_accepted) {
            (Standing::Cancelling, true) => {
                "it was asked to cancel and goes on until it has stopped"
            }
            (Standing::Cancelling, false) => "it goes on: the server has not confirmed the cancel",
            _ => "it goes on",
        };
        let left = Error::Left { id: self.id, state };
        if self.out.json {
            return Err(left);
        }
        self.screen.note(&left.to_string());
        self.screen
            .note(&format!("  next  impresario ops watch {}", self.id.short()));
        Ok(Some(code))
    }

    /// Sends a verb again that was asked for while the server did not answer.
    fn back(&self) {
        self.screen.note("the server answers again");
        if self.keys.standing == Standing::Cancelling && !self.is_cancel_accepted {
            self.ask(Verb::Cancel);
        }
    }

    /// Sends a verb on a thread of its own, so that the next Ctrl-C works even if the server does not answer.
    fn ask(&self, verb: Verb) {
        let (client, tell, id) = (Arc::clone(self.client), self.tell.clone(), self.id);
        thread::spawn(move || {
            let path = format!("/api/v1/operations/{id}/{verb}");
            let reason = match verb {
                Verb::Cancel => json!({"reason": "Ctrl-C"}),
                _ => json!({}),
            };
            let answer = match client.post(&path, &reason, Post::default()) {
                // The operation has already ended, and its end will arrive.
                Err(Error::Api { body }) if body.code == "ALREADY_ENDED" => Ok(()),
                other => other.map(|_| ()),
            };
            // If the follower has ended, nobody needs the answer.
            let _ = tell.send(Signal::Answered(verb, answer));
        });
    }

    fn draw(&mut self) {
        if let Some(view) = &self.last {
            let handler = handlers::of(&view.row.kind);
            self.screen
                .show(view, &self.metrics, handler.items(), self.keys);
        }
    }

    fn end(&self, view: &OperationView, raw: &Value) -> Result<u8, Error> {
        let handler = handlers::of(&view.row.kind);
        let said = if self.out.json {
            self.out.document(raw)
        } else {
            let (outcome, next) = (handler.outcome(view), handler.next(view));
            let mut lines = end::end(view, outcome, next, self.out.look);
            lines.extend(handler.details(view, self.out.look));
            self.out.lines(&lines)
        };
        match said {
            // The exit code should reflect the end even if the output is closed.
            Err(error) if !error.is_broken_pipe() => Err(error),
            _ => Ok(code_of(view.row.status, handler.is_success(view))),
        }
    }
}

/// The exit code for a status at the end, and for what a completed operation found.
fn code_of(status: Status, is_success: bool) -> u8 {
    match status {
        Status::Completed if is_success => DONE,
        Status::Cancelled => CANCELLED,
        _ => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_decides_the_exit_code() {
        for (status, is_success, code) in [
            (Status::Completed, true, 0),
            (Status::Completed, false, 1),
            (Status::Failed, true, 1),
            (Status::Cancelled, true, 130),
        ] {
            assert_eq!(code_of(status, is_success), code);
        }
    }
}
