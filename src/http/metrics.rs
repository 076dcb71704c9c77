//! `/metrics`: what a monitor reads, in the OpenMetrics text format.

use std::fmt::Error;

use actix_web::HttpResponse;
use actix_web::web::Data;
use impresario::metrics::{Histogram, SystemMetrics};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet, text,
};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::Registry;

use super::body;
use super::errors::ApiError;
use super::query::NoQuery;
use super::state::App;

/// The media type of the text.
pub(super) const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) async fn metrics(app: Data<App>, _: NoQuery) -> Result<HttpResponse, ApiError> {
    let mut metrics = app.orchestrator.system_metrics().await?;
    app.complete(&mut metrics.system);
    let text = written(metrics).map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(body::plain(TEXT, text))
}

fn written(metrics: SystemMetrics) -> Result<String, Error> {
    let mut registry = Registry::with_prefix("impresario");
    registry.register_collector(Box::new(Scrape(metrics)));
    let mut out = String::new();
    text::encode(&mut out, &registry)?;
    Ok(out)
}

/// One reading of everything.
#[derive(Debug)]
struct Scrape(SystemMetrics);

impl Collector for Scrape {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Result<(), Error> {
        self.operations(&mut to)?;
        self.lanes(&mut to)?;
        self.store(&mut to)?;
        self.counters(&mut to)?;
        self.times(&mut to)
    }
}

impl Scrape {
    fn operations(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let counts = self.0.operations.iter();
        let counts = counts.map(|((kind, status), count)| {
            (
                [("kind", kind.as_str()), ("status", status.as_str())],
                *count as f64,
            )
        });
        gauges(
            to,
            "operations",
            "Operations that are kept, by kind and status",
            counts,
        )
    }

    fn lanes(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let lanes = &self.0.system.lanes;
        let label = |name: &'_ str| [("lane", name.to_owned())];
        let each = |value: fn(&impresario_api::LaneView) -> f64| {
            lanes
                .iter()
                .map(move |lane| (label(&lane.name), value(lane)))
        };
        gauges(
            to,
            "lane_slots",
            "Functions that a lane runs at a time",
            each(|lane| lane.concurrency as f64),
        )?;
        let busy = |lane: &impresario_api::LaneView| {
            lane.slots
                .iter()
                .filter(|slot| slot.operation_id.is_some())
                .count() as f64
        };
        gauges(
            to,
            "lane_slots_busy",
            "Slots that run a function",
            each(busy),
        )?;
        gauges(
            to,
            "lane_queued",
            "Operations that wait in a lane and could run",
            each(|lane| lane.queued as f64),
        )?;
        gauges(
            to,
            "lane_scheduled",
            "Operations that wait for their time",
            each(|lane| lane.scheduled as f64),
        )?;
        let oldest = each(|lane| lane.oldest_wait_seconds.unwrap_or(0.0));
        gauges(
            to,
            "lane_oldest_wait_seconds",
            "How long the oldest of them has waited; 0 without one",
            oldest,
        )
    }

    fn store(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let store = &self.0.system.store;
        gauge(
            to,
            "store_operations",
            "Operations that the store keeps",
            store.operations as f64,
        )?;
        gauge(
            to,
            "store_bytes",
            "Bytes that the store takes",
            store.size_bytes as f64,
        )?;
        gauge(
            to,
            "store_rows_set_aside",
            "Rows of the store that could not be read, as far as they were met",
            store.set_aside as f64,
        )?;
        gauge(
            to,
            "store_queue",
            "Commands that wait to be committed",
            store.queue as f64,
        )
    }

    fn counters(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let system = &self.0.system;
        gauge(
            to,
            "uptime_seconds",
            "Since the supervisor started",
            system.uptime_seconds,
        )?;
        gauge(
            to,
            "ready",
            "1 while starts are admitted",
            f64::from(u8::from(system.admitting)),
        )?;
        for (name, help, value) in [
            (
                "subscribers",
                "Open subscriptions, and callers that wait",
                system.subscribers,
            ),
            ("topics", "What they listen to", system.topics),
            ("watches", "Callers that wait", system.watches),
            ("sockets", "Live sockets", system.sockets),
            ("tasks", "Tasks of the server", system.tasks),
        ] {
            gauge(to, name, help, value as f64)?;
        }
        counter(
            to,
            "starts_admitted",
            "Starts that were admitted",
            system.admitted,
        )?;
        counter(
            to,
            "starts_refused",
            "Starts refused by a full queue, a live one like it or a full disk",
            system.refused,
        )?;
        counter(to, "panics", "Functions that panicked", system.panics)?;
        counter(
            to,
            "restarts",
            "Operation actors and slots that were replaced",
            system.restarts,
        )
    }

    fn times(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let kinds = self.0.runs.iter();
        let kinds = kinds.map(|(kind, times)| ([("kind", kind.as_str())], HistogramMetric(times)));
        family(to, "run_seconds", "How long runs took", kinds)?;
        let kinds = self.0.checkpoints.iter();
        let kinds = kinds.map(|(kind, times)| ([("kind", kind.as_str())], HistogramMetric(times)));
        family(
            to,
            "checkpoint_seconds",
            "How long runs took to write their checkpoints",
            kinds,
        )?;
        single(
            to,
            "cancel_seconds",
            "From a running one's cancel to its end recorded",
            &HistogramMetric(&self.0.cancels),
        )?;
        single(
            to,
            "commit_seconds",
            "How long the store's commits took",
            &HistogramMetric(&self.0.commits),
        )
    }
}

/// One metric with the values of some labels each.
fn family<S: EncodeLabelSet, M: EncodeMetric + TypedMetric>(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (S, M)>,
) -> Result<(), Error> {
    let mut encoder = to.encode_descriptor(name, help, None, M::TYPE)?;
    for (labels, value) in values {
        value.encode(encoder.encode_family(&labels)?)?;
    }
    Ok(())
}

/// One metric without labels.
fn single<M: EncodeMetric + TypedMetric>(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: &M,
) -> Result<(), Error> {
    value.encode(to.encode_descriptor(name, help, None, M::TYPE)?)
}

fn gauges<S: EncodeLabelSet>(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (S, f64)>,
) -> Result<(), Error> {
    let values = values.map(|(labels, value)| (labels, ConstGauge::new(value)));
    family(to, name, help, values)
}

fn gauge(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: f64) -> Result<(), Error> {
    single(to, name, help, &ConstGauge::new(value))
}

fn counter(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: u64,
) -> Result<(), Error> {
    single(to, name, help, &ConstCounter::new(value))
}

/// A histogram as the supervisor keeps it.
struct HistogramMetric<'a>(&'a Histogram);

impl TypedMetric for HistogramMetric<'_> {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for HistogramMetric<'_> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), Error> {
        let ranges: Vec<_> = self.0.ranges().collect();
        let (sum, count) = (self.0.sum().as_secs_f64(), self.0.count());
        encoder.encode_histogram::<NoLabelSet>(sum, count, &ranges, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}
