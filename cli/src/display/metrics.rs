//! The most important metrics on one line: the last value, its direction, the best so far.
//!
//! The meaning of a metric is derived from the words of its name: a loss is better if it is lower, an
//! accuracy is a share, and values of the validation part matter most.

use impresario_api::{
    Curves, EventBody, MetricData, MetricPoint, MetricSeries, OperationRow, Timestamp,
};

use super::Look;
use super::numbers::{share, thousands};
use super::text::{clean, right, width};

/// The metrics of one operation, from its events.
#[derive(Default)]
pub(crate) struct Metrics {
    curves: Curves,
}

struct Series<'a> {
    name: &'a str,
    /// The last two values, the last one first.
    last: [Option<f64>; 2],
    /// The step and the value of the lowest point.
    best: Option<(u64, f64)>,
}

impl Metrics {
    pub(crate) fn hear(&mut self, event: &EventBody, at: Timestamp) {
        self.curves.hear(event, at);
    }

    /// Takes in the points of the operations from which it was forked, those of run 0. Those of its own are heard
    /// as events.
    pub(crate) fn begin_with(&mut self, metrics: MetricSeries) {
        for (name, points) in metrics.series {
            for point in points.into_iter().filter(|point| point.run == 0) {
                let metric = MetricData {
                    name: name.clone(),
                    step: point.step,
                    value: point.value,
                    run: point.run,
                };
                self.curves.hear(&EventBody::Metric(metric), point.at);
            }
        }
    }

    /// `train loss 0.6814 ↓   val loss 0.6872 ↓ (best 0.6869 @ 21)   val acc 53.1 %`, as many as fit.
    pub(crate) fn line(&self, row: &OperationRow, look: Look) -> Option<String> {
        let series = self.curves.names().map(|name| self.series(name));
        let mut sorted: Vec<_> = series.collect();
        sorted.sort_by_key(Series::rank);
        let total = row
            .progress
            .as_ref()
            .and_then(|progress| progress.steps.first())
            .and_then(|step| step.total)
            .unwrap_or(0);
        let mut line = String::new();
        for series in sorted {
            let gap = if line.is_empty() { "  " } else { "   " };
            let room = look.width.saturating_sub(width(&line) + width(gap));
            let [whole, short] = series.texts(total);
            let fitting = [whole, short].into_iter().find(|text| width(text) <= room);
            let Some(text) = fitting else {
                break;
            };
            line.push_str(gap);
            line.push_str(&text);
        }
        Some(line.trim_end().to_owned()).filter(|line| !line.is_empty())
    }

    fn series<'a>(&'a self, name: &'a str) -> Series<'a> {
        let mut newest = self.curves.points(name).rev().map(|point| point.value);
        let last = [newest.next().flatten(), newest.next().flatten()];
        let numbers = |point: &MetricPoint| Some((point.step, point.value?));
        let numbers = self.curves.points(name).filter_map(numbers);
        Series {
            name,
            last,
            best: numbers.min_by(|(_, one), (_, other)| one.total_cmp(other)),
        }
    }
}

impl Series<'_> {
    fn has(&self, word: &str) -> bool {
        self.name.split('_').any(|one| one == word)
    }

    fn is_on_validation(&self) -> bool {
        self.has("validation") || self.has("val")
    }

    /// The order of metrics: losses, then those of the validation part, then the rest.
    fn rank(&self) -> u8 {
        match (self.has("loss"), self.is_on_validation()) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        }
    }

    /// `val loss 0.6872 ↓ (best 0.6869 @ 21)`, with and without the best.
    fn texts(&self, total: u64) -> [String; 2] {
        let value = |value| match value {
            None => "–".to_owned(),
            Some(value) if self.has("accuracy") => share(value),
            Some(value) => figures(value),
        };
        let short = format!("{} {} {}", self.label(), value(self.last[0]), self.trend());
        let whole = match self.best {
            Some((step, best)) if self.has("loss") && self.is_on_validation() => {
                let step = right(&thousands(step), thousands(total).len());
                format!("{short} (best {} @ {step})", figures(best))
            }
            _ => short.clone(),
        };
        [whole, short]
    }

    fn label(&self) -> String {
        let words = self.name.split('_').map(|word| match word {
            "validation" => "val",
            "accuracy" => "acc",
            other => other,
        });
        clean(&words.collect::<Vec<_>>().join(" "))
    }

    /// The direction of the last point.
    fn trend(&self) -> char {
        match self.last {
            [Some(last), Some(before)] if last < before => '↓',
            [Some(last), Some(before)] if last > before => '↑',
            [Some(_), Some(_)] => '→',
            _ => ' ',
        }
    }
}

/// A value with four decimals, if these are significant.
pub(crate) fn figures(value: f64) -> String {
    match value.abs() {
        size if size >= 100_000.0 => format!("{value:.3e}"),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 10.0 => format!("{value:.2}"),
        size if size >= 0.001 || size == 0.0 => format!("{value:.4}"),
        _ => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use impresario_api::{RestoredData, StepCounts};

    use super::*;
    use crate::display::sample::{self, look};

    fn heard(metrics: &mut Metrics, event: &EventBody) {
        metrics.hear(event, Timestamp::from_millis(0));
    }

    fn point(metrics: &mut Metrics, run: u32, name: &str, step: u64, value: f64) {
        let point = MetricData {
            name: name.to_owned(),
            step,
            value: Some(value).filter(|value| value.is_finite()),
            run,
        };
        heard(metrics, &EventBody::Metric(point));
    }

    fn said(metrics: &Metrics, columns: usize) -> String {
        let row = sample::nested().row;
        metrics.line(&row, look(columns)).unwrap_or_default()
    }

    #[test]
    fn losses_come_first_and_what_has_no_room_is_left_out() {
        let metrics = sample::metrics();
        for (columns, line) in [
            (
                100,
                "  train loss 0.6814 ↓   val loss 0.6872 ↑ (best 0.6869 @ 21)   val acc 53.1 % ↓   train acc 55.0 % ↑",
            ),
            (
                80,
                "  train loss 0.6814 ↓   val loss 0.6872 ↑ (best 0.6869 @ 21)   val acc 53.1 % ↓",
            ),
            (50, "  train loss 0.6814 ↓   val loss 0.6872 ↑"),
            (30, "  train loss 0.6814 ↓"),
            (20, ""),
        ] {
            assert_eq!(said(&metrics, columns), line, "{columns}");
        }
    }

    #[test]
    fn what_is_not_finite_is_no_best() {
        let mut metrics = Metrics::default();
        point(&mut metrics, 1, "val_loss", 1, 0.5);
        point(&mut metrics, 1, "val_loss", 2, f64::NAN);
        assert_eq!(said(&metrics, 80), "  val loss –   (best 0.5000 @  1)");
        point(&mut metrics, 1, "a\u{1b}[2J", 1, 1e9);
        assert!(said(&metrics, 80).ends_with("a\u{fffd}[2J 1.000e9"));
        assert_eq!(said(&Metrics::default(), 80), "");
    }

    #[test]
    fn a_run_that_goes_on_cuts_what_no_longer_holds() {
        let mut metrics = Metrics::default();
        for (step, value) in [(1, 0.7), (2, 0.5), (3, 0.4)] {
            point(&mut metrics, 1, "validation_loss", step, value);
        }
        let kept = BTreeMap::from([("validation_loss".to_owned(), 2)]);
        let restored = RestoredData {
            run: 2,
            from_step: StepCounts::new(),
            metrics: kept,
        };
        heard(&mut metrics, &EventBody::Restored(restored));
        assert_eq!(said(&metrics, 80), "  val loss 0.5000 ↓ (best 0.5000 @  2)");
        point(&mut metrics, 2, "validation_loss", 1, 0.9);
        assert_eq!(said(&metrics, 80), "  val loss 0.9000   (best 0.9000 @  1)");
    }

    #[test]
    fn a_fork_goes_on_from_the_best_of_its_ancestors() {
        let at = |(step, value, run)| MetricPoint {
            step,
            value: Some(value),
            run,
            at: Timestamp::from_millis(0),
        };
        // Its own first point has been recorded since, and comes as an event as well.
        let points = [(1, 0.7, 0), (2, 0.4, 0), (3, 0.6, 1)].map(at);
        let mut metrics = Metrics::default();
        metrics.begin_with(MetricSeries {
            series: BTreeMap::from([("validation_loss".to_owned(), points.to_vec())]),
            ..MetricSeries::default()
        });
        let restored = RestoredData {
            run: 1,
            from_step: StepCounts::new(),
            metrics: BTreeMap::from([("validation_loss".to_owned(), 2)]),
        };
        heard(&mut metrics, &EventBody::Restored(restored));
        point(&mut metrics, 1, "validation_loss", 3, 0.6);
        assert_eq!(said(&metrics, 80), "  val loss 0.6000 ↑ (best 0.4000 @  2)");
    }

    #[test]
    fn a_run_that_starts_over_leaves_nothing_of_the_one_before() {
        let mut metrics = Metrics::default();
        for step in 1..=3 {
            point(
                &mut metrics,
                1,
                "train_loss",
                step,
                0.7 - step as f64 / 10.0,
            );
            point(&mut metrics, 1, "validation_loss", step, 0.1);
        }
        point(&mut metrics, 2, "train_loss", 1, 0.65);
        assert_eq!(said(&metrics, 80), "  train loss 0.6500");
    }

    #[test]
    fn figures_fit_the_size() {
        for (value, text) in [
            (0.68141, "0.6814"),
            (0.0, "0.0000"),
            (-12.345, "-12.35"),
            (0.00001, "1.00e-5"),
            (123_456.0, "1.235e5"),
        ] {
            assert_eq!(figures(value), text);
        }
    }
}
