//! Verbs: asked of an operation, whatever its status.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use impresario_api::{OperationId, OperationView, Verb};

use super::options::{Predecessor, kept_reason};
use super::outcome_waiter::OutcomeWaiter;
use super::refusals::unexpected;
use super::{Options, Orchestrator, Started, Until};
use crate::Error;
use crate::store::{Done, Outcome, StoreError};
use crate::supervision::messages::Ask;

/// What a verb did.
#[derive(Clone, Debug)]
pub enum Asked {
    /// It was asked of the operation.
    Done {
        /// The operation after it.
        view: Box<OperationView>,
        /// False when it was so already, and nothing was recorded.
        changed: bool,
        /// False when the stop took effect but could not be recorded.
        durable: bool,
    },
    /// `retry` made a new operation.
    New(Started),
}

impl Orchestrator {
    /// Asks something of an operation. A stop takes effect before it is recorded, and the answer
    /// comes when it is recorded. `options` says who asks; a `retry` uses all of it.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// use impresario::api::{Status, Verb};
    /// use std::time::Duration;
    ///
    /// let endless = Upto { n: u32::MAX };
    /// let id = orchestrator.start_managed_operation::<Count>(endless, Options::default()).await?.id;
    /// let patient = Options::default().wait(Duration::from_secs(60));
    /// let reason = Some("it takes too long".to_owned());
    /// orchestrator.ask(id, Verb::Cancel, reason, patient).await?;
    /// assert_eq!(orchestrator.view(id).await?.row.status, Status::Cancelled);
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn ask(
        &self,
        id: OperationId,
        verb: Verb,
        reason: Option<String>,
        options: Options,
    ) -> Result<Asked, Error> {
        let reason = kept_reason(reason)?;
        let waiter = OutcomeWaiter::new(self, id, Until::of(verb), &options);
        let (reply, answer) = waiter.reply();
        let (by, signalled) = (options.caller(), Arc::<AtomicBool>::default());
        log::info!("{id} {verb} asked by {by}");
        let _waits = self.0.waiting.enter();
        self.0.manager.do_send(Ask {
            id,
            verb,
            by,
            reason: reason.clone(),
            signalled: Arc::clone(&signalled),
            reply,
        });
        let outcome = match waiter.hear(answer).await {
            Ok(outcome) => outcome,
            Err(Error::Store(error)) => {
                let changed = signalled.load(Ordering::Acquire);
                return self.not_recorded(id, verb, changed, error).await;
            }
            Err(error) => return Err(error),
        };
        match outcome {
            Outcome::Done(done) if done.new_operation => self.retry(&done, reason, options).await,
            Outcome::Done(done) => {
                let view = Box::new(self.view_of(&done.operation).await?);
                Ok(Asked::Done {
                    view,
                    changed: !done.events.is_empty(),
                    durable: true,
                })
            }
            Outcome::Refused(refused) => Err(self.refused(refused, "")),
            other => Err(unexpected(&other)),
        }
    }

    /// A stop that was signalled takes effect although the store could not write it: now, or when it
    /// was asked before.
    async fn not_recorded(
        &self,
        id: OperationId,
        verb: Verb,
        changed: bool,
        error: StoreError,
    ) -> Result<Asked, Error> {
        let view = self.view(id).await?;
        let stop = view.row.stop.as_ref().map(|stop| stop.verb.as_str());
        let takes_effect = view.row.status.is_dispatched() && stop == Some(verb.as_str());
        if !changed && !takes_effect {
            return Err(error.into());
        }
        Ok(Asked::Done {
            view: Box::new(view),
            changed,
            durable: false,
        })
    }

    /// A new operation with the params, labels, priority and terms of one that has ended.
    async fn retry(
        &self,
        done: &Done,
        reason: Option<String>,
        options: Options,
    ) -> Result<Asked, Error> {
        let first = &done.operation;
        let kind = Arc::clone(self.kind(&first.kind)?);
        let params = self.checked(&kind, (*first.params).clone()).await?;
        let options = options.like(first);
        let of = Predecessor::Retried {
            of: first.id,
            reason,
        };
        let started = self.submit(&kind, params, options, Some(of)).await?;
        Ok(Asked::New(started))
    }
}
