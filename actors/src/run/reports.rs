//! What a function reports besides its counts: metrics, logs, warnings. Bounded, and it never
//! waits for anyone.

use std::collections::{BTreeMap, VecDeque};

use impresario_api::{LogLevel, Timestamp};

/// Bytes that wait at most, as estimated.
const MOST_BYTES: usize = 256 * 1024;
/// What a report costs besides its text.
const OVERHEAD: usize = 64;

/// One report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    pub(crate) at: Timestamp,
    pub(crate) body: ReportBody,
}

/// What is reported.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ReportBody {
    Metric {
        name: String,
        step: u64,
        value: Option<f64>,
    },
    Log {
        level: LogLevel,
        message: String,
    },
    Warning {
        code: String,
        message: String,
    },
    /// The run goes on from a checkpoint.
    Restored {
        from_step: BTreeMap<String, u64>,
        metrics: BTreeMap<String, u64>,
    },
    Gap {
        logs: u64,
        metrics: u64,
    },
}

impl Report {
    pub(crate) fn now(body: ReportBody) -> Self {
        Self {
            at: Timestamp::now(),
            body,
        }
    }

    fn bytes(&self) -> usize {
        OVERHEAD
            + match &self.body {
                ReportBody::Metric { name, .. } => name.len(),
                ReportBody::Log { message, .. } | ReportBody::Warning { message, .. } => {
                    message.len()
                }
                ReportBody::Restored { .. } | ReportBody::Gap { .. } => 0,
            }
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
        self.bytes += report.bytes();
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
        let gap = (logs + metrics > 0).then(|| Report::now(ReportBody::Gap { logs, metrics }));
        gap.into_iter().chain(self.reports.drain(..)).collect()
    }

    /// Drops logs, oldest first, until three quarters of the room are used.
    fn drop_oldest_logs(&mut self) {
        let mut bytes = self.bytes;
        let mut dropped = 0;
        self.reports.retain(|report| {
            let goes = bytes > MOST_BYTES * 3 / 4 && matches!(report.body, ReportBody::Log { .. });
            if goes {
                bytes -= report.bytes();
                dropped += 1;
            }
            !goes
        });
        self.bytes = bytes;
        self.dropped_logs += dropped;
    }

    fn thin_metrics(&mut self) {
        let (mut nth, mut bytes, mut dropped) = (0_u64, self.bytes, 0);
        self.reports.retain(|report| {
            let is_metric = matches!(report.body, ReportBody::Metric { .. });
            nth += u64::from(is_metric);
            let goes = is_metric && nth % 2 == 1;
            if goes {
                bytes -= report.bytes();
                dropped += 1;
            }
            !goes
        });
        self.bytes = bytes;
        self.dropped_metrics += dropped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(n: usize) -> Report {
        Report::now(ReportBody::Log {
            level: LogLevel::Info,
            message: format!("{n:0>1000}"),
        })
    }

    fn metric(step: u64) -> Report {
        Report::now(ReportBody::Metric {
            name: "loss".to_owned(),
            step,
            value: Some(0.5),
        })
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
        let ReportBody::Gap { logs, metrics: 0 } = reports[0].body else {
            panic!("a gap comes first")
        };
        assert_eq!(logs as usize + reports.len() - 2, 1_000);
        assert!(
            reports
                .iter()
                .any(|report| matches!(report.body, ReportBody::Metric { .. }))
        );
        assert!(
            matches!(&reports[reports.len() - 1].body, ReportBody::Log { message, .. } if message.ends_with("999"))
        );
        assert!(buffer.take().is_empty(), "a gap is told once");
    }

    #[test]
    fn metrics_alone_thin_out_and_the_newest_is_kept() {
        let mut buffer = Buffer::default();
        for step in 0..100_000 {
            buffer.push(metric(step));
        }
        let reports = buffer.take();
        let ReportBody::Gap { logs: 0, metrics } = reports[0].body else {
            panic!("a gap comes first")
        };
        assert_eq!(metrics as usize + reports.len() - 1, 100_000);
        assert!(matches!(
            reports[reports.len() - 1].body,
            ReportBody::Metric { step: 99_999, .. }
        ));
    }
}
