//! The metrics of an operation, read from its events.

use std::ops::RangeInclusive;
use std::sync::Arc;

use impresario_api::{Curves, MetricPoint, MetricSeries, OperationId};

use super::Orchestrator;
use crate::Error;
use crate::rules::thinning::{summary, thinned};
use crate::store::{Reader, StoreError};

/// Events read at a time.
const PAGE: usize = 1_000;

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

async fn curves(reader: &dyn Reader, id: OperationId) -> Result<Curves, StoreError> {
    let mut curves = Curves::default();
    let mut since = 0;
    loop {
        let events = reader.events(id, since, PAGE, &["metric", "restored"]);
        let events = events.await?;
        let Some(last) = events.last() else {
            return Ok(curves);
        };
        since = last.seq;
        for event in &events {
            curves.hear(&event.body, event.at);
        }
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
