//! What is measured, as Prometheus reads it: OpenMetrics text, of one report.

use std::fmt;

use impresario::{Histogram, Report};
use impresario_api::LaneView;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

/// What the text is.
pub(super) const MEDIA: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The text.
pub(super) fn text(report: Report) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("impresario");
    registry.register_collector(Box::new(Measured(report)));
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Measured(Report);

impl Collector for Measured {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        server(&mut page, &self.0)?;
        operations(&mut page, &self.0)?;
        lanes(&mut page, &self.0.system.lanes)?;
        store(&mut page, &self.0)
    }
}

fn server(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    let system = &report.system;
    let version = ("version", env!("CARGO_PKG_VERSION"));
    let mut info =
        page.0
            .encode_descriptor("build", "The server's version", None, MetricType::Info)?;
    info.encode_info(&[version])?;
    let up = system.uptime_seconds;
    page.seconds("uptime", "Since the supervisor started", [([], up)])?;
    let admitting = f64::from(u8::from(system.admitting));
    page.gauge(
        "admitting",
        "1 while starts are admitted",
        [([], admitting)],
    )?;
    page.count("subscribers", "Open subscriptions", system.subscribers)?;
    page.counter(
        "starts_admitted",
        "Starts that were admitted",
        system.admitted,
    )?;
    let refused = "Starts refused by a full queue or a live one like it";
    page.counter("starts_refused", refused, system.refused)?;
    page.counter("panics", "Functions that panicked", system.panics)?;
    let restarts = "Operation actors and slots that were replaced";
    page.counter("restarts", restarts, system.restarts)
}

fn operations(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    let counts = report.operations.iter().map(|((kind, status), count)| {
        let labels = [("kind", kind.as_str()), ("status", status.as_str())];
        (labels, *count as f64)
    });
    page.gauge("operations", "Operations kept, by shown status", counts)?;
    let runs = report.runs.iter();
    let runs = runs.map(|(kind, runs)| ([("kind", kind.as_str())], runs));
    page.histogram("run_duration", "How long runs took", runs)?;
    let cancels = "From a running one's cancel to its end on record";
    page.histogram("cancel_duration", cancels, [([], &report.cancels)])
}

fn lanes(page: &mut Page<'_>, lanes: &[LaneView]) -> fmt::Result {
    let each = |value: fn(&LaneView) -> f64| {
        lanes
            .iter()
            .map(move |lane| ([("lane", lane.name.as_str())], value(lane)))
    };
    let slots = |lane: &LaneView| lane.slots.len() as f64;
    page.gauge("lane_slots", "Slots of a lane", each(slots))?;
    let busy = |lane: &LaneView| {
        let busy = lane.slots.iter().filter(|slot| slot.operation_id.is_some());
        busy.count() as f64
    };
    page.gauge("lane_slots_busy", "Slots that run something", each(busy))?;
    let queued = |lane: &LaneView| lane.queued as f64;
    page.gauge("lane_queued", "Operations that wait", each(queued))?;
    let limit = |lane: &LaneView| lane.queue_limit as f64;
    page.gauge("lane_queue_limit", "How many may wait", each(limit))?;
    let oldest = |lane: &LaneView| lane.oldest_wait_seconds.unwrap_or(0.0);
    let what = "How long the oldest that waits has waited; 0 when none waits";
    page.seconds("lane_oldest_wait", what, each(oldest))
}

fn store(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    let store = &report.system.store;
    page.count("store_operations", "Operations kept", store.operations)?;
    page.count("store_queue", "Writes that wait", store.queue)?;
    let size = store.size_bytes as f64;
    let what = "What the store takes, on disk or as estimated in memory";
    page.family("store_size", what, Some(&Unit::Bytes), [([], size)])?;
    let commits = [([], &report.commits)];
    page.histogram("store_commit_duration", "Commits of the store", commits)
}

/// Labels of one sample.
type Labels<'a, const N: usize> = [(&'a str, &'a str); N];

/// The text that is being written.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn family<'a, const N: usize>(
        &mut self,
        name: &str,
        what: &str,
        unit: Option<&Unit>,
        samples: impl IntoIterator<Item = (Labels<'a, N>, f64)>,
    ) -> fmt::Result {
        let mut family = self
            .0
            .encode_descriptor(name, what, unit, MetricType::Gauge)?;
        for (labels, value) in samples {
            // Without labels it would write "{}".
            if labels.is_empty() {
                family.encode_gauge(&value)?;
            } else {
                family.encode_family(&labels)?.encode_gauge(&value)?;
            }
        }
        Ok(())
    }

    fn gauge<'a, const N: usize>(
        &mut self,
        name: &str,
        what: &str,
        samples: impl IntoIterator<Item = (Labels<'a, N>, f64)>,
    ) -> fmt::Result {
        self.family(name, what, None, samples)
    }

    fn seconds<'a, const N: usize>(
        &mut self,
        name: &str,
        what: &str,
        samples: impl IntoIterator<Item = (Labels<'a, N>, f64)>,
    ) -> fmt::Result {
        self.family(name, what, Some(&Unit::Seconds), samples)
    }

    fn count(&mut self, name: &str, what: &str, value: u64) -> fmt::Result {
        self.gauge(name, what, [([], value as f64)])
    }

    /// One that only grows, since the server started.
    fn counter(&mut self, name: &str, what: &str, value: u64) -> fmt::Result {
        let mut counter = self
            .0
            .encode_descriptor(name, what, None, MetricType::Counter)?;
        counter.encode_counter::<NoLabelSet, _, f64>(&value, None)
    }

    fn histogram<'a, const N: usize>(
        &mut self,
        name: &str,
        what: &str,
        samples: impl IntoIterator<Item = (Labels<'a, N>, &'a Histogram)>,
    ) -> fmt::Result {
        let seconds = Some(&Unit::Seconds);
        let mut family = self
            .0
            .encode_descriptor(name, what, seconds, MetricType::Histogram)?;
        for (labels, of) in samples {
            let ranges: Vec<_> = of.ranges().collect();
            let (sum, count) = (of.sum().as_secs_f64(), of.count());
            let write = |one: &mut MetricEncoder<'_>| {
                one.encode_histogram::<NoLabelSet>(sum, count, &ranges, None)
            };
            if labels.is_empty() {
                write(&mut family)?;
            } else {
                write(&mut family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
