//! Which points of metrics are valid when an operation has had several runs.
//!
//! A run that goes on from a checkpoint begins with the event `restored`, and every later point of an
//! earlier run becomes invalid. A run that starts over has no such event: when it reports a metric at or
//! below a step that an earlier run had reached, that report of the earlier run and everything that the
//! earlier run reported afterwards become invalid, in every metric.

use std::collections::BTreeMap;

use crate::{EventBody, MetricData, MetricPoint, RestoredData, Timestamp};

/// The metrics of one operation, from its events in order.
#[derive(Clone, Debug, Default)]
pub struct Curves {
    curves: BTreeMap<String, Curve>,
    /// The number of points so far.
    heard: u64,
    /// The number of the latest run that went on from a checkpoint.
    restored: u32,
}

/// One metric.
#[derive(Clone, Debug, Default)]
struct Curve {
    points: BTreeMap<u64, Held>,
    /// The number of the latest run that reported the metric.
    run: u32,
    /// The lowest step that this run reported.
    lowest: u64,
}

#[derive(Clone, Debug)]
struct Held {
    /// The point's place among all points so far.
    place: u64,
    point: MetricPoint,
}

impl Curves {
    /// Takes in an event. Events that do not concern metrics change nothing.
    pub fn hear(&mut self, event: &EventBody, at: Timestamp) {
        match event {
            EventBody::Metric(metric) => self.add(metric, at),
            EventBody::Restored(restored) => self.cut(restored),
            _ => {}
        }
    }

    /// The points up to a checkpoint, by the last step of each metric then: with them begins an operation
    /// that was forked from it. They are those of run 0, so that every run of its own replaces them.
    #[must_use]
    pub fn up_to(mut self, last_steps: &BTreeMap<String, u64>) -> Self {
        self.keep(|name, held| {
            let last = last_steps.get(name);
            last.is_some_and(|last| held.point.step <= *last)
        });
        for curve in self.curves.values_mut() {
            (curve.run, curve.lowest) = (0, 0);
            let points = curve.points.values_mut();
            points.for_each(|held| held.point.run = 0);
        }
        self.restored = 0;
        self
    }

    /// The names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.curves.keys().map(String::as_str)
    }

    /// The valid points of one metric, ascending by step.
    pub fn points(&self, name: &str) -> impl DoubleEndedIterator<Item = &MetricPoint> {
        let curve = self.curves.get(name).into_iter();
        curve.flat_map(|curve| curve.points.values().map(|held| &held.point))
    }

    fn add(&mut self, metric: &MetricData, at: Timestamp) {
        self.heard += 1;
        let held = Held {
            place: self.heard,
            point: MetricPoint {
                step: metric.step,
                value: metric.value,
                run: metric.run,
                at,
            },
        };
        if !self.curves.contains_key(&metric.name) {
            self.curves.insert(metric.name.clone(), Curve::default());
        }
        let Some(curve) = self.curves.get_mut(&metric.name) else {
            return;
        };
        if metric.run < curve.run {
            return;
        }
        let void_from = curve.overtaken(metric.run, metric.step);
        curve.points.insert(metric.step, held);
        // The event `restored` has already removed the invalid points of every other metric.
        let starts_over = metric.run != self.restored;
        if let Some(place) = void_from {
            self.keep(|name, held| {
                let is_void = held.place >= place && (starts_over || name == metric.name);
                held.point.run >= metric.run || !is_void
            });
        }
    }

    fn cut(&mut self, restored: &RestoredData) {
        self.restored = restored.run;
        let last = |name: &str| restored.metrics.get(name);
        self.keep(|name, held| {
            held.point.run >= restored.run
                || last(name).is_some_and(|last| held.point.step <= *last)
        });
    }

    fn keep(&mut self, holds: impl Fn(&str, &Held) -> bool) {
        for (name, curve) in &mut self.curves {
            curve.points.retain(|_, held| holds(name, held));
        }
        self.curves.retain(|_, curve| !curve.points.is_empty());
    }
}

impl Curve {
    /// The place of the first point of an earlier run that a report of `run` at `step` makes invalid.
    fn overtaken(&mut self, run: u32, step: u64) -> Option<u64> {
        let is_first = run > self.run;
        if !is_first && step >= self.lowest {
            return None;
        }
        // An earlier report of this run has already made everything above it invalid.
        let until = if is_first { u64::MAX } else { self.lowest };
        (self.run, self.lowest) = (run, step);
        let above = self.points.range(step..=until).map(|(_, held)| held);
        let earlier = above.filter(|held| held.point.run < run);
        earlier.map(|held| held.place).min()
    }
}
