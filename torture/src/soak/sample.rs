//! The resources of a server, measured from outside and by its own counts.

use std::fmt;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::Report;
use crate::server::Server;

/// How much growth is ignored, in percent.
const SHARE: f64 = 3.0;

/// One measured number, and how much it may grow in addition to that share.
struct Measured {
    what: &'static str,
    value: u64,
    allowance: u64,
    why: &'static str,
}

pub(super) struct Sample(Vec<Measured>);

impl Sample {
    /// Measures an idle server that has just answered `system`.
    pub(super) fn take(server: &Server, data: &Path, system: &Value) -> Self {
        let count = |what| Measured {
            what,
            value: system[what].as_u64().unwrap_or(0),
            allowance: 0,
            why: "",
        };
        let (log, files) = sizes(data);
        Self(vec![
            Measured {
                what: "KiB of memory",
                value: server.memory() >> 10,
                allowance: 2 << 10,
                why: "caches of SQLite's connections and the allocator's spare pages",
            },
            Measured {
                what: "descriptors",
                value: server.descriptors(),
                allowance: 4,
                why: "connections of the last clients that are being closed",
            },
            Measured {
                what: "threads",
                value: server.status("Threads").unwrap_or(0),
                allowance: 2,
                why: "the pool's two, which end when they are idle",
            },
            Measured {
                what: "KiB on disk",
                value: files >> 10,
                allowance: 1 << 10,
                why: "operations that end while no look is taken what is to go",
            },
            Measured {
                what: "KiB of the store's log",
                value: log >> 10,
                allowance: 64 << 10,
                why: "its file grows to 64 MiB at most, and keeps its size",
            },
            count("topics"),
            count("watches"),
            count("sockets"),
            count("tasks"),
        ])
    }
}

impl Measured {
    /// The greatest value that is allowed later.
    fn most(&self) -> u64 {
        (self.value as f64 * (1.0 + SHARE / 100.0)) as u64 + self.allowance
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.0.iter();
        let all: Vec<_> = all
            .map(|one| format!("{} {}", one.value, one.what))
            .collect();
        to.write_str(&all.join(", "))
    }
}

/// Compares the numbers after the last tenth with those after the second.
pub(super) fn judge(second: &Sample, last: &Sample, report: &mut Report) {
    for (before, after) in second.0.iter().zip(&last.0) {
        let (what, was, is, most) = (before.what, before.value, after.value, before.most());
        report.hold(
            is <= most,
            format!("{what}: {was} after the second tenth, {is} after the last; at most {most}"),
        );
    }
    let allowed = second.0.iter().filter(|one| one.allowance > 0);
    let allowed = allowed.map(|one| format!("{} {} ({})", one.allowance, one.what, one.why));
    let allowed: Vec<_> = allowed.collect();
    report.say(format!(
        "the last tenth may have {SHARE} % more than the second, and: {}",
        allowed.join("; ")
    ));
}

/// The size of the store's log, and of everything else in a folder, in bytes.
fn sizes(folder: &Path) -> (u64, u64) {
    let (mut log, mut files) = (0, 0);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files += sizes(&path).1;
            continue;
        }
        let bytes = entry.metadata().map_or(0, |about| about.len());
        if path.extension().is_some_and(|end| end == "db-wal") {
            log += bytes;
        } else {
            files += bytes;
        }
    }
    (log, files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(value: u64, allowance: u64) -> Sample {
        Sample(vec![Measured {
            what: "KiB of memory",
            value,
            allowance,
            why: "",
        }])
    }

    fn violations(before: &Sample, after: &Sample) -> usize {
        let mut report = Report::default();
        judge(before, after, &mut report);
        report.violations.len()
    }

    #[test]
    fn growth_within_its_bounds_is_none_and_less_is_never_wrong() {
        for (before, after, allowance, wrong) in [
            (1_000, 1_030, 0, 0),
            (1_000, 1_031, 0, 1),
            (1_000, 1_035, 5, 0),
            (1_000, 1_036, 5, 1),
            (1_000, 10, 0, 0),
            (0, 0, 0, 0),
            (0, 1, 0, 1),
        ] {
            let found = violations(&sample(before, allowance), &sample(after, 0));
            assert_eq!(found, wrong, "{before} {after} {allowance}");
        }
    }
}
