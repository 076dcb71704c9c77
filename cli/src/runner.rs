//! Starts operations, follows them and shows how they ended. Every start goes through here.

use std::sync::Arc;

use impresario_api::{OperationId, StartAnswer, StartOptions, StartRequest};
use serde_json::{Value, json};

use crate::client::{Client, Post, parse};
use crate::display::text::clean;
use crate::error::{DONE, Error};
use crate::follower;
use crate::handlers::Handler;
use crate::out::Out;

pub(crate) use crate::follower::Role;

/// Starts operations and follows them to their end.
pub(crate) struct OperationRunner<'a> {
    client: &'a Arc<Client>,
    out: &'a Out,
}

pub(crate) struct Start {
    pub(crate) options: StartOptions,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) detach: bool,
}

impl<'a> OperationRunner<'a> {
    /// A runner that talks to `client` and writes to `out`.
    pub(crate) const fn new(client: &'a Arc<Client>, out: &'a Out) -> Self {
        Self { client, out }
    }

    /// Starts an operation of the handler's kind; follows it unless told to detach.
    pub(crate) fn start(
        &self,
        handler: &dyn Handler,
        params: Value,
        start: Start,
    ) -> Result<u8, Error> {
        let request = StartRequest {
            kind: handler.kind().to_owned(),
            params,
            options: start.options,
        };
        let post = Post {
            idempotency_key: start.idempotency_key.as_deref(),
            wait: None,
        };
        let raw = self
            .client
            .post("/api/v1/operations", &json!(request), post)?;
        let answer: StartAnswer = parse(raw.clone())?;
        if !start.detach {
            return self.follow(answer.operation_id, Role::Owner);
        }
        match self.out.json {
            true => self.out.document(&raw)?,
            false => self.started(handler.kind(), &answer)?,
        }
        Ok(DONE)
    }

    /// Says what was started, if it is not followed.
    fn started(&self, kind: &str, answer: &StartAnswer) -> Result<(), Error> {
        let again = if answer.replayed {
            "was started before"
        } else {
            "started"
        };
        let (sign, id) = (
            self.out.look.sign(answer.status),
            answer.operation_id.short(),
        );
        self.out.lines(&[
            format!("{sign} {} {again}  {id}", clean(kind)),
            format!("  next  impresario ops watch {id}"),
        ])
    }

    /// Follows an operation to its end, and returns the exit code.
    pub(crate) fn follow(&self, id: OperationId, role: Role) -> Result<u8, Error> {
        follower::follow(self.client, self.out, id, role)
    }
}
