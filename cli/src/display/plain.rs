//! Following an operation on a stream that cannot be redrawn: a line when something important changes.

use impresario_api::{OperationRow, OperationView, Status};

use super::Look;
use super::bars::shown_steps;
use super::live::doing_without_status;
use super::metrics::Metrics;
use super::numbers::{percent, step_count};
use super::text::clean;

/// The least time between two lines of progress, in seconds.
const AT_LEAST: f64 = 1.0;
/// How many percentage points of growth cause a line.
const GROWTH: f64 = 10.0;
/// After this time without such growth, in seconds, a line says that the operation still runs.
const SILENCE: f64 = 30.0;

/// What the last line said.
#[derive(Default)]
pub(crate) struct Plain {
    status: Option<(Status, u32)>,
    percentage: f64,
    at: f64,
}

impl Plain {
    /// The line to write at `now` (in seconds of any clock), if there is one.
    pub(crate) fn line(
        &mut self,
        view: &OperationView,
        metrics: &Metrics,
        now: f64,
    ) -> Option<String> {
        let row = &view.row;
        let percentage = row
            .progress
            .as_ref()
            .map_or(0.0, |progress| progress.percentage);
        let status = (row.status, row.run);
        let passed = now - self.at;
        let has_grown = percentage - self.percentage >= GROWTH && passed >= AT_LEAST;
        let is_due = row.status.is_dispatched() && (has_grown || passed >= SILENCE);
        // The end is shown separately.
        let has_changed = self.status != Some(status) && !row.status.is_ended();
        if !has_changed && !is_due {
            return None;
        }
        *self = Self {
            status: Some(status),
            percentage,
            at: now,
        };
        Some(line(row, metrics))
    }
}

/// `▸ dummy  x7r8d0bh  running   50 %  iteration 50/100  Working hard on iteration 51!`
fn line(row: &OperationRow, metrics: &Metrics) -> String {
    let mut parts = vec![
        format!("{} {}", row.status.sign(), clean(&row.kind)),
        row.operation_id.short(),
        row.status.to_string(),
    ];
    if let Some(progress) = &row.progress {
        parts.push(percent(progress.percentage));
        let steps = shown_steps(row).iter();
        parts.extend(steps.map(|step| format!("{} {}", clean(&step.name), step_count(step))));
    }
    parts.push(doing_without_status(row));
    let metrics = metrics.line(row, Look::PLAIN);
    parts.extend(metrics.map(|line| line.trim().to_owned()));
    parts.join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::sample;

    #[test]
    fn a_level_in_which_nothing_is_complete_is_left_out_once_the_outermost_is_over() {
        let mut view = sample::view("running");
        let progress = view.row.progress.as_mut().expect("the sample has it");
        progress.steps.push(impresario_api::StepProgress {
            name: "batch".to_owned(),
            current: 0,
            total: Some(45),
        });
        assert!(line(&view.row, &Metrics::default()).contains("batch 0/45"));
        let progress = view.row.progress.as_mut().expect("the sample has it");
        progress.steps[0].current = 100;
        assert!(!line(&view.row, &Metrics::default()).contains("batch"));
    }

    #[test]
    fn a_line_for_each_status_and_few_for_progress() {
        let mut plain = Plain::default();
        let none = Metrics::default();
        let mut said = Vec::new();
        said.extend(plain.line(&sample::view("pending"), &none, 0.0));
        said.extend(plain.line(&sample::view("pending"), &none, 0.1));
        for tick in 0..=1_000_u32 {
            let mut view = sample::view("running");
            let progress = view.row.progress.as_mut().expect("the sample has it");
            progress.percentage = f64::from(tick) / 10.0;
            progress.steps[0].current = u64::from(tick / 10);
            said.extend(plain.line(&view, &none, 1.0 + f64::from(tick) / 100.0));
        }
        said.extend(plain.line(&sample::view("cancelling"), &none, 11.1));
        said.extend(plain.line(&sample::view("cancelled"), &none, 11.2));
        said.extend(Plain::default().line(&sample::nested(), &sample::metrics(), 0.0));
        insta::assert_snapshot!("plain", said.join("\n"));
    }
}
