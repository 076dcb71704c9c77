//! What a function reports besides its counts: metrics, logs, warnings. Bounded, and it never
//! waits for anyone.

use std::collections::VecDeque;

use impresario_api::{EventBody, GapData, Timestamp};

/// Bytes that wait at most, as estimated.
const MOST_BYTES: usize = 256 * 1024;
/// What a report costs besides its text.
const OVERHEAD: usize = 64;

/// A durable event of the run that its function caused, and when.
pub(crate) type Report = (Timestamp, EventBody);

fn bytes((_, body): &Report) -> usize {
    OVERHEAD
        + match body {
            EventBody::Metric(metric) => metric.name.len(),
            EventBody::Log(log) => log.message.len(),
            EventBody::Warning(warning) => warning.message.len(),
            _ => 0,
        }
}

/// The reports that wait.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    reports: VecDeque<Report>,
    bytes: usize,
    dropped_logs: u64,
    dropped_metrics: u64,
}

impl Buffer {
    /// One more. Past the limit the oldest logs go first, then every second metric point.
    pub(crate) fn push(&mut self, report: Report) {
        self.bytes += bytes(&report);
        self.reports.push_back(report);
        if self.bytes > MOST_BYTES {
            self.drop_oldest_logs();
        }
        if self.bytes > MOST_BYTES {
            self.thin_metrics();
        }
    }

    /// Everything, and what was dropped before it.
    pub(crate) fn take(&mut self) -> Vec<Report> {
        self.bytes = 0;
        let (logs, metrics) = (self.dropped_logs, self.dropped_metrics);
        (self.dropped_logs, self.dropped_metrics) = (0, 0);
        let gap = EventBody::Gap(GapData {
            logs,
            metrics,
            events: 0,
        });
        let gap = (logs + metrics > 0).then(|| (Timestamp::now(), gap));
        gap.into_iter().chain(self.reports.drain(..)).collect()
    }

    /// Drops logs, oldest first, until three quarters of the room are used.
    fn drop_oldest_logs(&mut self) {
        self.dropped_logs += self.drop_reports(|body, used| {
            used > MOST_BYTES * 3 / 4 && matches!(body, EventBody::Log(_))
        });
    }

    fn thin_metrics(&mut self) {
        let mut nth = 0_u64;
        self.dropped_metrics += self.drop_reports(|body, _| {
            let is_metric = matches!(body, EventBody::Metric(_));
            nth += u64::from(is_metric);
            is_metric && nth % 2 == 1
        });
    }

    /// Drops what `goes`, which is asked with the bytes that are still used: how many reports.
    fn drop_reports(&mut self, mut goes: impl FnMut(&EventBody, usize) -> bool) -> u64 {
        let (mut used, mut dropped) = (self.bytes, 0);
        self.reports.retain(|report| {
            let goes = goes(&report.1, used);
            if goes {
                used -= bytes(report);
                dropped += 1;
            }
            !goes
        });
        self.bytes = used;
        dropped
    }
}

#[cfg(test)]
mod tests {
    use impresario_api::{LogData, LogLevel, MetricData};

    use super::*;

    fn log(n: usize) -> Report {
        let log = LogData {
            level: LogLevel::Info,
            message: format!("{n:0>1000}"),
            run: 1,
        };
        (Timestamp::now(), EventBody::Log(log))
    }

    fn metric(step: u64) -> Report {
        let metric = MetricData {
            name: "loss".to_owned(),
            step,
            value: Some(0.5),
            run: 1,
        };
        (Timestamp::now(), EventBody::Metric(metric))
    }

    fn gap(reports: &[Report]) -> &GapData {
        match &reports[0].1 {
            EventBody::Gap(gap) => gap,
            other => panic!("a gap comes first, not {other:?}"),
        }
    }

    #[test]
    fn past_the_limit_the_oldest_logs_go_and_metrics_stay_and_the_gap_counts_them() {
        let mut buffer = Buffer::default();
        buffer.push(metric(1));
        for n in 0..1_000 {
            buffer.push(log(n));
        }
        assert!(buffer.bytes <= MOST_BYTES);
        let reports = buffer.take();
        let gap = gap(&reports);
        assert_eq!(gap.metrics, 0);
        assert_eq!(gap.logs as usize + reports.len() - 2, 1_000);
        let is_metric = |(_, body): &Report| matches!(body, EventBody::Metric(_));
        assert!(reports.iter().any(is_metric));
        let last = &reports[reports.len() - 1].1;
        assert!(matches!(last, EventBody::Log(log) if log.message.ends_with("999")));
        assert!(buffer.take().is_empty(), "a gap is told once");
    }

    #[test]
    fn metrics_alone_thin_out_and_the_newest_is_kept() {
        let mut buffer = Buffer::default();
        for step in 0..100_000 {
            buffer.push(metric(step));
        }
        let reports = buffer.take();
        let gap = gap(&reports);
        assert_eq!(gap.logs, 0);
        assert_eq!(gap.metrics as usize + reports.len() - 1, 100_000);
        let last = &reports[reports.len() - 1].1;
        assert!(matches!(last, EventBody::Metric(metric) if metric.step == 99_999));
    }
}
