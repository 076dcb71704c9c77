//! The metrics worth watching, on one line: the last value, where it goes, the best so far.
//!
//! What a metric is, is told by the words of its name: a loss is better the lower it is, an
//! accuracy is a share, and what was measured on the validation part counts most.

use impresario_api::{EventBody, OperationRow};

use super::Look;
use super::numbers::{share, thousands};
use super::text::{clean, right, width};

/// Every series of one operation, in the order in which they came.
#[derive(Default)]
pub(crate) struct Metrics {
    series: Vec<Series>,
}

struct Series {
    name: String,
    /// Ascending by step.
    points: Vec<(u64, Option<f64>)>,
    /// The lowest.
    best: Option<(u64, f64)>,
}

impl Metrics {
    /// Takes what an event says of metrics.
    pub(crate) fn hear(&mut self, event: &EventBody) {
        match event {
            EventBody::Metric(point) => {
                let known = self
                    .series
                    .iter_mut()
                    .find(|series| series.name == point.name);
                match known {
                    Some(series) => series.add(point.step, point.value),
                    None => {
                        let mut series = Series::new(&point.name);
                        series.add(point.step, point.value);
                        self.series.push(series);
                    }
                }
            }
            EventBody::Restored(restored) => {
                for series in &mut self.series {
                    match restored.metrics.get(&series.name) {
                        Some(&last) => series.cut(|step| step <= last),
                        None => series.cut(|_| false),
                    }
                }
                self.series.retain(|series| !series.points.is_empty());
            }
            _ => {}
        }
    }

    /// `train loss 0.6814 ↓   val loss 0.6872 ↓ (best 0.6869 @ 21)   val acc 53.1 %`, as far as
    /// there is room.
    pub(crate) fn line(&self, row: &OperationRow, look: Look) -> Option<String> {
        let mut sorted: Vec<_> = self.series.iter().collect();
        sorted.sort_by_key(|series| series.rank());
        let total = row
            .progress
            .as_ref()
            .and_then(|progress| progress.steps.first())
            .map_or(0, |step| step.total);
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
}

impl Series {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            points: Vec::new(),
            best: None,
        }
    }

    fn add(&mut self, step: u64, value: Option<f64>) {
        // A run that began anew counts from the start again.
        if self.points.last().is_some_and(|(last, _)| *last >= step) {
            self.cut(|kept| kept < step);
        }
        self.points.push((step, value));
        self.judge(step, value);
    }

    fn cut(&mut self, keeps: impl Fn(u64) -> bool) {
        self.points.retain(|(step, _)| keeps(*step));
        self.best = None;
        for (step, value) in std::mem::take(&mut self.points) {
            self.judge(step, value);
            self.points.push((step, value));
        }
    }

    fn judge(&mut self, step: u64, value: Option<f64>) {
        if let Some(value) = value
            && self.best.is_none_or(|(_, best)| value < best)
        {
            self.best = Some((step, value));
        }
    }

    fn has(&self, word: &str) -> bool {
        self.name.split('_').any(|one| one == word)
    }

    fn is_on_validation(&self) -> bool {
        self.has("validation") || self.has("val")
    }

    /// Losses first, then what was measured on the validation part, then the rest.
    fn rank(&self) -> u8 {
        match (self.has("loss"), self.is_on_validation()) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        }
    }

    /// `val loss 0.6872 ↓ (best 0.6869 @ 21)`, and without the best.
    fn texts(&self, total: u64) -> [String; 2] {
        let value = |value| match value {
            None => "–".to_owned(),
            Some(value) if self.has("accuracy") => share(value),
            Some(value) => figures(value),
        };
        let last = self.points.last().and_then(|(_, value)| *value);
        let short = format!("{} {} {}", self.label(), value(last), self.trend());
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

    /// Where it went with the last point.
    fn trend(&self) -> char {
        let mut values = self.points.iter().rev().map(|(_, value)| *value);
        match (values.next().flatten(), values.next().flatten()) {
            (Some(last), Some(before)) if last < before => '↓',
            (Some(last), Some(before)) if last > before => '↑',
            (Some(_), Some(_)) => '→',
            _ => ' ',
        }
    }
}

/// Four decimals where they say something.
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

    use impresario_api::{MetricData, RestoredData};

    use super::*;
    use crate::display::sample::{self, look};

    fn point(metrics: &mut Metrics, name: &str, step: u64, value: f64) {
        metrics.hear(&EventBody::Metric(MetricData {
            name: name.to_owned(),
            step,
            value: Some(value).filter(|value| value.is_finite()),
            run: 1,
        }));
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
        point(&mut metrics, "val_loss", 1, 0.5);
        point(&mut metrics, "val_loss", 2, f64::NAN);
        assert_eq!(said(&metrics, 80), "  val loss –   (best 0.5000 @  1)");
        point(&mut metrics, "a\u{1b}[2J", 1, 1e9);
        assert!(said(&metrics, 80).ends_with("a\u{fffd}[2J 1.000e9"));
        assert_eq!(said(&Metrics::default(), 80), "");
    }

    #[test]
    fn a_run_that_goes_on_cuts_what_no_longer_holds() {
        let mut metrics = Metrics::default();
        for (step, value) in [(1, 0.7), (2, 0.5), (3, 0.4)] {
            point(&mut metrics, "validation_loss", step, value);
        }
        let kept = BTreeMap::from([("validation_loss".to_owned(), 2)]);
        metrics.hear(&EventBody::Restored(RestoredData {
            run: 2,
            from_step: BTreeMap::new(),
            metrics: kept,
        }));
        assert_eq!(said(&metrics, 80), "  val loss 0.5000 ↓ (best 0.5000 @  2)");
        point(&mut metrics, "validation_loss", 1, 0.9);
        assert_eq!(said(&metrics, 80), "  val loss 0.9000   (best 0.9000 @  1)");
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
