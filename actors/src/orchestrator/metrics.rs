//! The metrics of an operation, read from its events.

use std::ops::RangeInclusive;
use std::sync::Arc;

use impresario_api::{Curves, EventBody, MetricPoint, MetricSeries, OperationId};

use super::Orchestrator;
use crate::Error;
use crate::rules::thinning::{summary, thinned};
use crate::store::{ForkOrigin, Reader, StoreError};

/// Events read at a time.
const PAGE: usize = 1_000;
/// How far back the points of a fork go, in forks of forks.
const MOST_ANCESTORS: usize = 16;
/// Events read of each operation that a fork goes back to: those past the checkpoint are of no use, and there
/// may be any number of them.
const MOST_OF_AN_ANCESTOR: usize = 200_000;

/// Which points of an operation's metrics.
#[derive(Clone, Debug)]
pub struct MetricRange {
    /// Those metrics alone; all when empty.
    pub names: Vec<String>,
    /// The only steps that are given.
    pub steps: RangeInclusive<u64>,
    /// At most so many points a metric, at least 1; see [`thinned`].
    pub max_points: usize,
}

impl Orchestrator {
    /// The points that hold (see [`Curves`]), one a (name, step).
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
    /// # fn main() { run(async |orchestrator| {
    /// use impresario::MetricRange;
    ///
    /// let id = orchestrator.start_managed_operation::<Count>(Upto { n: 3 }, Options::default()).await?.id;
    /// # orchestrator.wait_until(id, impresario::Until::Ended, std::time::Duration::from_secs(60)).await?;
    /// let all = MetricRange { names: Vec::new(), steps: 0..=u64::MAX, max_points: 1_000 };
    /// let metrics = orchestrator.metrics(id, all).await?;
    /// assert_eq!(metrics.series["double"][2].value, Some(6.0));
    /// # Ok(())
    /// # }) }
    /// ```
    pub async fn metrics(
        &self,
        id: OperationId,
        asked: MetricRange,
    ) -> Result<MetricSeries, Error> {
        self.operation(id).await?;
        let reader = Arc::clone(&self.0.reader);
        // All of an operation's points may be very many, too many for the caller's thread.
        let read = self.0.blocking.run_future(move || async move {
            let curves = curves(&*reader, id).await?;
            Ok::<_, StoreError>(of_range(&curves, &asked))
        });
        Ok(read.await??)
    }
}

/// Those of an operation. Where it is a fork they begin with those of the operations that it goes back to, as
/// far as these are kept.
async fn curves(reader: &dyn Reader, id: OperationId) -> Result<Curves, StoreError> {
    let mut curves = Curves::default();
    for ancestor in ancestors(reader, id).await?.iter().rev() {
        let ForkOrigin { from, metrics } = ancestor;
        let id = from.operation_id;
        curves = hear(reader, id, from.run, MOST_OF_AN_ANCESTOR, curves).await?;
        curves = curves.up_to(metrics);
    }
    hear(reader, id, u32::MAX, usize::MAX, curves).await
}

/// From where an operation was forked, and from where that one was, and so on: the nearest first.
async fn ancestors(reader: &dyn Reader, id: OperationId) -> Result<Vec<ForkOrigin>, StoreError> {
    let (mut ancestors, mut next) = (Vec::new(), Some(id));
    while let Some(id) = next
        && ancestors.len() < MOST_ANCESTORS
    {
        let operation = reader.operation(id).await?;
        let forked = operation.and_then(|operation| operation.forked.clone());
        next = forked.as_ref().map(|forked| forked.from.operation_id);
        ancestors.extend(forked);
    }
    Ok(ancestors)
}

/// The same curves with what an operation reported in its runs up to one, as far as `most` events tell it.
async fn hear(
    reader: &dyn Reader,
    id: OperationId,
    last_run: u32,
    most: usize,
    mut curves: Curves,
) -> Result<Curves, StoreError> {
    let (mut since, mut heard) = (0, 0);
    while heard < most {
        let events = reader.events(id, since, PAGE, &["metric", "restored"]);
        let events = events.await?;
        let Some(last) = events.last() else {
            break;
        };
        (since, heard) = (last.seq, heard + events.len());
        for event in events
            .iter()
            .filter(|event| run_of(&event.body) <= last_run)
        {
            curves.hear(&event.body, event.at);
        }
    }
    Ok(curves)
}

/// The run that an event of metrics belongs to.
const fn run_of(body: &EventBody) -> u32 {
    match body {
        EventBody::Metric(metric) => metric.run,
        EventBody::Restored(restored) => restored.run,
        _ => 0,
    }
}

fn of_range(curves: &Curves, asked: &MetricRange) -> MetricSeries {
    let mut answer = MetricSeries::default();
    let is_asked =
        |name: &&str| asked.names.is_empty() || asked.names.iter().any(|one| one == name);
    for name in curves.names().filter(is_asked) {
        let points = curves.points(name);
        let points = points.filter(|point| asked.steps.contains(&point.step));
        let points: Vec<MetricPoint> = points.cloned().collect();
        if let Some(summary) = summary(&points) {
            answer.summary.insert(name.to_owned(), summary);
            let points = thinned(points, asked.max_points);
            answer.series.insert(name.to_owned(), points);
        }
    }
    answer
}
