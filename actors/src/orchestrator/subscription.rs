//! Subscriptions in process: a snapshot and then everything after it, or exactly what was missed.

use std::collections::VecDeque;
use std::sync::Arc;

use impresario_api::{Event, EventBody, OperationId, OperationView, Progress, Timestamp};
use serde::{Serialize, Serializer};

use super::Orchestrator;
use crate::Error;
use crate::supervision::pubsub::{Interest, Notification, SubscriberCursor};

/// Events read at a time while a listener catches up: they are held until it takes them, and there may be
/// many listeners that take none.
const PAGE: usize = 32;

/// What a subscription gives. As JSON it is `{"type": …, "data": …}`, for example in server-sent events.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Update {
    /// The operation as it is; after a replay: caught up.
    Snapshot(Box<OperationView>),
    /// Of all that match: everything up to this `cursor` has been given; what was missed before it
    /// began, or nothing. The rows themselves are read by [`Orchestrator::list`].
    CaughtUp(u64),
    /// So many events before the next update are no longer kept. Of all that match: events of
    /// whomever, since nobody knows any more whose they were.
    Gap(u64),
    /// The next event.
    #[serde(serialize_with = "shared")]
    Event(Arc<Event>),
    /// How far an operation has come: may be merged, has no number.
    Progress {
        /// The operation that has come so far.
        operation_id: OperationId,
        /// When it was read.
        at: Timestamp,
        /// How far it has come.
        progress: Progress,
    },
}

/// An event as JSON, whoever else holds it.
fn shared<S: Serializer>(event: &Arc<Event>, serializer: S) -> Result<S::Ok, S::Error> {
    event.as_ref().serialize(serializer)
}

/// A subscription to one operation, or to all that match. It loses no event: what its subscriber had
/// to drop, it reads from the store.
///
/// One of a single operation ends when the operation has ended, after the event that says so. One of all
/// that match ends with the orchestrator.
pub struct Subscription {
    orchestrator: Orchestrator,
    interest: Interest,
    subscriber: SubscriberCursor,
    /// The `seq` (of one operation) or `cursor` (of all that match) of what was given last.
    last: u64,
    ready: VecDeque<Update>,
    /// Events that are no longer kept, and of which a gap is still to tell.
    gone: u64,
    /// What was missed before it began is being given; then a snapshot follows.
    snapshot: bool,
    /// There is more to read of what was missed.
    behind: bool,
    /// The `seq` up to which everything is still given, and then nothing more: the operation has ended.
    ends_after: Option<u64>,
    /// It goes on after that.
    until_closed: bool,
    /// The last operation that was asked about, and whether it is meant.
    judged: Option<(OperationId, bool)>,
}

impl Orchestrator {
    /// Hears of one operation, until it has ended: see [`Subscription::until_closed`]. Without `since` (a
    /// `seq`): its snapshot, then every event after it. With it: every event after it, a snapshot, then
    /// live. One that is ahead of all that there is, as that of another store, is as none.
    ///
    /// ```
    /// use impresario::operation::{Context, Failure, Kinds, Operation, Policy};
    /// use impresario::store::MemoryStore;
    /// use impresario::{Config, Options, Orchestrator, Update};
    ///
    /// struct Hello;
    ///
    /// impl Operation for Hello {
    ///     const KIND: &'static str = "hello";
    ///     type Params = ();
    ///     type Output = String;
    ///
    ///     fn policy(&self) -> Policy {
    ///         Policy::lane("default")
    ///     }
    ///
    ///     fn run(&self, (): (), _: &Context) -> Result<String, Failure> {
    ///         Ok("hello".to_owned())
    ///     }
    /// }
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// let kinds = Kinds::new().register(Hello);
    /// let orchestrator = Orchestrator::start(Config::default(), kinds, MemoryStore::new())?;
    /// let started = orchestrator.start_managed_operation::<Hello>((), Options::default()).await?;
    /// let mut subscription = orchestrator.subscribe(started.id, None).await?;
    /// while let Some(update) = subscription.next().await? {
    ///     if let Update::Event(event) = update {
    ///         println!("{} {:?}", event.seq, event.body);
    ///     }
    /// }
    /// assert_eq!(orchestrator.result(started.id).await?, "hello");
    /// orchestrator.shutdown().await;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub async fn subscribe(
        &self,
        id: OperationId,
        since: Option<u64>,
    ) -> Result<Subscription, Error> {
        let interest = Interest::Operation(id);
        // Listening begins before the read, so that nothing falls between them.
        let subscriber = self.0.hub.listen(&interest, since.is_some());
        let view = self.view(id).await?;
        // A client may bring the number of another store, which is ahead of all that there is.
        let since = since.filter(|since| *since <= view.row.seq);
        let mut subscription =
            Subscription::new(self, interest, subscriber, since.unwrap_or(view.row.seq));
        subscription.snapshot = since.is_some();
        if since.is_none() {
            let snapshot = Update::Snapshot(Box::new(view));
            subscription.ready.push_back(snapshot);
        }
        Ok(subscription)
    }

    /// Hears of all operations that match. Without `since` (a `cursor`): where the store is, then
    /// every event after it. With it: every event after it (with a gap wherever some are no longer
    /// kept), then where that led, then live. [`Interest::Operation`] is as
    /// [`Orchestrator::subscribe`].
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// use impresario::{Interest, Update};
    ///
    /// let counts = Interest::Matching { kinds: vec!["count".to_owned()], label: None };
    /// let mut subscription = orchestrator.subscribe_matching(counts, None).await?;
    /// assert!(matches!(subscription.next().await?, Some(Update::CaughtUp(_))));
    /// let id = orchestrator.start_managed_operation::<Count>(Upto { n: 3 }, Options::default()).await?.id;
    /// let Some(Update::Event(event)) = subscription.next().await? else {
    ///     panic!("an event comes next");
    /// };
    /// assert_eq!(event.operation_id, id);
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn subscribe_matching(
        &self,
        interest: Interest,
        since: Option<u64>,
    ) -> Result<Subscription, Error> {
        if let Interest::Operation(id) = interest {
            return Box::pin(self.subscribe(id, since)).await;
        }
        let subscriber = self.0.hub.listen(&interest, since.is_some());
        let cursor = self.0.reader.cursor().await?;
        let since = since.filter(|since| *since <= cursor);
        let mut subscription =
            Subscription::new(self, interest, subscriber, since.unwrap_or(cursor));
        subscription.snapshot = since.is_some();
        if since.is_none() {
            subscription.ready.push_back(Update::CaughtUp(cursor));
        }
        Ok(subscription)
    }
}

impl Subscription {
    fn new(
        orchestrator: &Orchestrator,
        interest: Interest,
        subscriber: SubscriberCursor,
        last: u64,
    ) -> Self {
        Self {
            orchestrator: orchestrator.clone(),
            interest,
            subscriber,
            last,
            ready: VecDeque::new(),
            gone: 0,
            snapshot: false,
            behind: false,
            ends_after: None,
            until_closed: false,
            judged: None,
        }
    }

    /// Goes on when the operation has ended, until it is removed or the orchestrator ends: a failed or cancelled
    /// operation may be resumed.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// let id = orchestrator.start_managed_operation::<Count>(Upto { n: 3 }, Options::default()).await?.id;
    /// let mut updates = orchestrator.subscribe(id, None).await?.until_closed();
    /// # orchestrator.wait_until(id, impresario::Until::Ended, std::time::Duration::from_secs(60)).await?;
    /// orchestrator.drain().await; // Without it the last call of `next` would wait.
    /// while let Some(update) = updates.next().await? {
    ///     println!("{update:?}");
    /// }
    /// # Ok(())
    /// # }) }
    /// ```
    #[must_use]
    pub fn until_closed(self) -> Self {
        Self {
            until_closed: true,
            ..self
        }
    }

    /// What comes next; `None` when the operation, or the orchestrator, has ended.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// use impresario::Update;
    ///
    /// let id = orchestrator.start_managed_operation::<Count>(Upto { n: 3 }, Options::default()).await?.id;
    /// let mut subscription = orchestrator.subscribe(id, None).await?;
    /// assert!(matches!(subscription.next().await?, Some(Update::Snapshot(_))));
    /// while subscription.next().await?.is_some() {}
    /// assert!(orchestrator.view(id).await?.row.status.is_ended());
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn next(&mut self) -> Result<Option<Update>, Error> {
        let next = self.read_next().await;
        if let Ok(Some(update)) = &next {
            self.note_end(update);
        }
        next
    }

    async fn read_next(&mut self) -> Result<Option<Update>, Error> {
        loop {
            if let Some(update) = self.ready.pop_front() {
                return Ok(Some(update));
            }
            if self.behind {
                self.catch_up().await?;
                continue;
            }
            if !self.until_closed && self.ends_after.is_some_and(|last| self.last >= last) {
                return Ok(None);
            }
            match self.subscriber.next().await {
                Notification::Event(event) => {
                    if self.is_news(&event) {
                        return Ok(Some(Update::Event(event)));
                    }
                }
                Notification::Progress(operation_id, at, progress) => {
                    return Ok(Some(Update::Progress {
                        operation_id,
                        at,
                        progress,
                    }));
                }
                Notification::Lagging(first_missed) => {
                    self.pass_over_what_was_not_meant(first_missed);
                    self.catch_up().await?;
                }
                Notification::Closed => return Ok(None),
            }
        }
    }

    /// Whether nothing more is to come, as what is given now says.
    fn note_end(&mut self, update: &Update) {
        if !matches!(self.interest, Interest::Operation(_)) {
            return;
        }
        match update {
            // It may be newer than the events that were given before it, and end what they go on with.
            Update::Snapshot(view) => {
                self.ends_after = view.row.status.is_ended().then_some(view.row.seq);
            }
            Update::Event(event) => match &event.body {
                EventBody::Status(it) => {
                    self.ends_after = it.status.is_ended().then_some(event.seq);
                }
                EventBody::Resumed(_) => self.ends_after = None,
                _ => {}
            },
            Update::CaughtUp(_) | Update::Gap(_) | Update::Progress { .. } => {}
        }
    }

    /// A subscriber of some has been given nothing of what the others did, and misses nothing of it
    /// when it is no longer kept: it was up to date until the first event that was dropped.
    fn pass_over_what_was_not_meant(&mut self, first_missed: Option<u64>) {
        if let (Interest::Matching { .. }, Some(cursor)) = (&self.interest, first_missed) {
            self.last = self.last.max(cursor.saturating_sub(1));
        }
    }

    fn number(&self, event: &Event) -> u64 {
        if matches!(self.interest, Interest::Operation(_)) {
            event.seq
        } else {
            event.cursor
        }
    }

    /// Whether an event was not given yet; then it counts as given.
    fn is_news(&mut self, event: &Event) -> bool {
        let number = self.number(event);
        let news = number > self.last;
        self.last = self.last.max(number);
        news
    }

    /// Reads what was missed, a page at a time; what is committed meanwhile waits in the subscriber.
    async fn catch_up(&mut self) -> Result<(), Error> {
        let reader = &self.orchestrator.0.reader;
        // Until it is read, it is missed: an error here loses nothing.
        self.behind = true;
        let (end, missed) = match &self.interest {
            Interest::Operation(id) => (0, reader.events(*id, self.last, PAGE, &[]).await?),
            Interest::Matching { .. } => {
                // Read before the events: whatever it counts and they lack has been removed.
                let end = reader.cursor().await?;
                (end, reader.events_since_cursor(self.last, PAGE).await?)
            }
        };
        let more = missed.len() == PAGE;
        if missed.is_empty()
            && let Some(id) = self.removed().await?
        {
            // It had ended, and its events are gone with it.
            (self.behind, self.ends_after) = (false, Some(self.last));
            return match std::mem::take(&mut self.snapshot) {
                true => Err(Error::NotFound(id)),
                false => Ok(()),
            };
        }
        for event in missed {
            // Asked first: one that could not be judged must not count as given.
            let concerns = self.concerns(&event).await?;
            let progress = match concerns {
                Some(true) => self.last_progress(&event).await?,
                _ => None,
            };
            self.count_gone(self.number(&event).saturating_sub(1));
            if !self.is_news(&event) {
                continue;
            }
            match concerns {
                Some(true) => {
                    self.tell_gone();
                    self.ready.extend(progress);
                    self.ready.push_back(Update::Event(event));
                }
                Some(false) => {}
                None => self.gone += 1,
            }
        }
        if more {
            return Ok(());
        }
        self.count_gone(end);
        self.tell_gone();
        if self.snapshot {
            let snapshot = match &self.interest {
                Interest::Operation(id) => {
                    // Boxed, as it is seldom: a subscription would have room for it all its life.
                    let view = Box::pin(self.orchestrator.view(*id)).await?;
                    Update::Snapshot(Box::new(view))
                }
                Interest::Matching { .. } => Update::CaughtUp(self.last),
            };
            self.ready.push_back(snapshot);
            self.snapshot = false;
        }
        self.behind = false;
        Ok(())
    }

    /// The operation, when it is no longer kept.
    async fn removed(&self) -> Result<Option<OperationId>, Error> {
        let Interest::Operation(id) = self.interest else {
            return Ok(None);
        };
        let operation = self.orchestrator.0.reader.operation(id).await?;
        Ok(operation.is_none().then_some(id))
    }

    /// All up to this number has been read: what was not there is no longer kept.
    fn count_gone(&mut self, up_to: u64) {
        self.gone += up_to.saturating_sub(self.last);
        self.last = self.last.max(up_to);
    }

    fn tell_gone(&mut self) {
        let gone = std::mem::take(&mut self.gone);
        self.ready.extend((gone > 0).then_some(Update::Gap(gone)));
    }

    /// Progress frames may be merged, but a run's last one comes before the event that ends it. Who
    /// was away (`since`) gets none: the snapshot has it.
    async fn last_progress(&self, event: &Event) -> Result<Option<Update>, Error> {
        let EventBody::Status(status) = &event.body else {
            return Ok(None);
        };
        if self.snapshot || status.status.is_dispatched() {
            return Ok(None);
        }
        let operation = self
            .orchestrator
            .0
            .reader
            .operation(event.operation_id)
            .await?;
        let progress = match operation {
            Some(operation) if operation.state.run == status.run => operation.progress.clone(),
            _ => None,
        };
        Ok(progress.map(|progress| Update::Progress {
            operation_id: event.operation_id,
            at: event.at,
            progress,
        }))
    }

    /// Whether an event is meant; `None` when its operation has been removed since it was read.
    async fn concerns(&mut self, event: &Event) -> Result<Option<bool>, Error> {
        if self.interest.is_of_all() {
            return Ok(Some(true));
        }
        let id = event.operation_id;
        // Events of one operation are often neighbours, and it matches for life.
        if let Some((judged, concerns)) = self.judged
            && judged == id
        {
            return Ok(Some(concerns));
        }
        let operation = self.orchestrator.0.reader.operation(id).await?;
        let concerns = operation.map(|operation| self.interest.includes(&operation));
        self.judged = concerns.map(|concerns| (id, concerns));
        Ok(concerns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Context, Failure, Kinds, Operation, Policy};
    use crate::store::MemoryStore;
    use crate::{Config, Options, Until};

    /// Tells more than a page holds.
    struct Talks;

    impl Operation for Talks {
        const KIND: &'static str = "talks";
        type Params = ();
        type Output = ();

        fn policy(&self) -> Policy {
            Policy::lane("default")
        }

        fn run(&self, (): (), ctx: &Context) -> Result<(), Failure> {
            for line in 0..10 * PAGE {
                ctx.log(impresario_api::LogLevel::Info, line);
            }
            Ok(())
        }
    }

    #[test]
    fn a_listener_that_catches_up_holds_a_page_of_events_and_is_given_all() {
        let kinds = Kinds::new().register(Talks);
        let started = Orchestrator::start(Config::default(), kinds, MemoryStore::new());
        let orchestrator = started.expect("its lane is there");
        futures_executor::block_on(async {
            let started = orchestrator.start_managed_operation::<Talks>((), Options::default());
            let id = started.await.expect("there is room").id;
            let minute = std::time::Duration::from_secs(60);
            let ended = orchestrator.wait_until(id, Until::Ended, minute).await;
            let last = ended.expect("it is kept").row.seq;
            let subscribed = orchestrator.subscribe(id, Some(0)).await;
            let mut subscription = subscribed.expect("it is kept");
            let mut given = Vec::new();
            while let Some(update) = subscription.next().await.expect("the store answers") {
                assert!(subscription.ready.len() <= 2 * PAGE);
                if let Update::Event(event) = update {
                    given.push(event.seq);
                }
            }
            assert_eq!(given, (1..=last).collect::<Vec<_>>());

            // The number of another store, ahead of all that there is, is as none.
            let ahead = orchestrator.subscribe(id, Some(last + 500)).await;
            let mut ahead = ahead.expect("it is kept");
            let first = ahead.next().await.expect("the store answers");
            assert!(matches!(first, Some(Update::Snapshot(_))), "{first:?}");
            let cursor = orchestrator.cursor().await.expect("the store answers");
            let all = Interest::Matching {
                kinds: Vec::new(),
                label: None,
            };
            let ahead = orchestrator.subscribe_matching(all, Some(cursor + 500));
            let mut ahead = ahead.await.expect("the store answers");
            let first = ahead.next().await.expect("the store answers");
            assert!(matches!(first, Some(Update::CaughtUp(at)) if at == cursor));
            let again = orchestrator.start_managed_operation::<Talks>((), Options::default());
            let again = again.await.expect("there is room").id;
            let next = ahead.next().await.expect("the store answers");
            let heard = matches!(&next, Some(Update::Event(event)) if event.operation_id == again);
            assert!(heard, "{next:?}");
            orchestrator.shutdown().await;
        });
    }
}
