//! Waiting for the answer to a start or a verb and, when the caller has the time, for what comes of
//! it. A caller that waits for the end is woken once, by the end: being woken for the record of the
//! start as well would cost the machine another change of threads.

use std::time::Duration;

use impresario_api::OperationId;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::watch::{Until, Watch};
use super::{Options, Orchestrator};
use crate::Error;
use crate::store::{Outcome, StoreError};
use crate::supervision::reply::Reply;

/// What a caller waits for, and how long.
pub(super) struct OutcomeWaiter<'a> {
    orchestrator: &'a Orchestrator,
    watch: Option<(Watch, Until, Duration)>,
    /// Cancelled when the caller is gone.
    gone: CancellationToken,
}

impl<'a> OutcomeWaiter<'a> {
    /// Begins to watch before anything is asked, so that nothing is missed.
    pub(super) fn new(
        orchestrator: &'a Orchestrator,
        id: OperationId,
        until: Option<Until>,
        options: &Options,
    ) -> Self {
        let limit = options.wait;
        let watch = match until {
            Some(until) if !limit.is_zero() => Some((Watch::new(orchestrator, id), until, limit)),
            _ => None,
        };
        Self {
            orchestrator,
            watch,
            gone: options.gone.clone(),
        }
    }

    /// The way back: it also wakes the watch where no event of the operation will.
    pub(super) fn reply(&self) -> (Reply, oneshot::Receiver<Result<Outcome, StoreError>>) {
        let (sender, answer) = oneshot::channel();
        let position = self.watch.as_ref().map(|(watch, ..)| watch.position());
        (Reply::new(sender, position), answer)
    }

    /// What was recorded; not before it came about, or time is up.
    pub(super) async fn hear(
        self,
        answer: oneshot::Receiver<Result<Outcome, StoreError>>,
    ) -> Result<Outcome, Error> {
        if let Some((mut watch, until, limit)) = self.watch {
            let met = watch.status_met(until);
            let met = self.gone.run_until_cancelled(met);
            // Whether it came about, time is up or the caller gone: the answer says what was recorded.
            let _ = self.orchestrator.0.blocking.within(limit, met).await;
        }
        let outcome = answer.await.map_err(|_| self.orchestrator.gone())?;
        Ok(outcome?)
    }
}
