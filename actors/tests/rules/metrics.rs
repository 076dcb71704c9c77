//! Which points of metrics hold, and which are sent.

use impresario::rules::thinning::{summary, thinned};
use impresario_api::{
    Curves, EventBody, MetricData, MetricPoint, RestoredData, StepCounts, Timestamp,
};
use proptest::prelude::*;

fn metric(name: &str, step: u64, value: f64, run: u32) -> EventBody {
    EventBody::Metric(MetricData {
        name: name.to_owned(),
        step,
        value: Some(value).filter(|value| value.is_finite()),
        run,
    })
}

fn restored(run: u32, kept: &[(&str, u64)]) -> EventBody {
    let kept = kept.iter().map(|(name, step)| ((*name).to_owned(), *step));
    EventBody::Restored(RestoredData {
        run,
        from_step: StepCounts::new(),
        metrics: kept.collect(),
    })
}

fn heard(events: &[EventBody]) -> Curves {
    let mut curves = Curves::default();
    for event in events {
        curves.hear(event, Timestamp::from_millis(0));
    }
    curves
}

/// Steps and runs of one metric.
fn points(curves: &Curves, name: &str) -> Vec<(u64, u32)> {
    let points = curves.points(name);
    points.map(|point| (point.step, point.run)).collect()
}

/// Each step of a run, `loss` before `gain`.
fn run(run: u32, steps: std::ops::RangeInclusive<u64>) -> Vec<EventBody> {
    steps
        .flat_map(|step| ["loss", "gain"].map(|name| metric(name, step, 1.0, run)))
        .collect()
}

#[test]
fn a_fork_begins_with_the_points_up_to_its_checkpoint_and_its_own_runs_replace_them() {
    let mut events = run(1, 1..=3);
    events.push(restored(2, &[("loss", 2), ("gain", 2)]));
    events.extend(run(2, 3..=5));
    let last_steps = std::collections::BTreeMap::from([("loss".to_owned(), 4)]);
    let mut curves = heard(&events).up_to(&last_steps);
    assert_eq!(points(&curves, "loss"), [(1, 0), (2, 0), (3, 0), (4, 0)]);
    assert_eq!(
        curves.names().collect::<Vec<_>>(),
        ["loss"],
        "gain came later"
    );
    let mut goes_on = curves.clone();
    goes_on.hear(&restored(1, &[("loss", 4)]), Timestamp::from_millis(0));
    goes_on.hear(&metric("loss", 5, 1.0, 1), Timestamp::from_millis(0));
    let joined = [(1, 0), (2, 0), (3, 0), (4, 0), (5, 1)];
    assert_eq!(points(&goes_on, "loss"), joined);
    // Its checkpoint was damaged meanwhile: it starts over.
    curves.hear(&metric("loss", 1, 1.0, 1), Timestamp::from_millis(0));
    assert_eq!(points(&curves, "loss"), [(1, 1)]);
}

#[test]
fn a_run_that_starts_over_voids_all_that_an_earlier_one_reported_after_its_start() {
    let mut events = run(1, 1..=5);
    // Measured at the end alone, and not by the second run.
    events.push(metric("final", 5, 1.0, 1));
    events.extend(run(2, 1..=3));
    let curves = heard(&events);
    for name in ["loss", "gain"] {
        assert_eq!(points(&curves, name), [(1, 2), (2, 2), (3, 2)], "{name}");
    }
    assert_eq!(curves.names().collect::<Vec<_>>(), ["gain", "loss"]);
}

#[test]
fn a_run_that_goes_on_by_its_own_means_keeps_what_came_before_its_first_step() {
    let mut events = run(1, 1..=5);
    events.extend(run(2, 4..=4));
    let curves = heard(&events);
    let kept = [(1, 1), (2, 1), (3, 1), (4, 2)];
    for name in ["loss", "gain"] {
        assert_eq!(points(&curves, name), kept, "{name}");
    }
}

#[test]
fn a_run_that_goes_on_from_a_checkpoint_voids_what_the_checkpoint_does_not_hold() {
    let mut events = run(1, 1..=5);
    events.push(restored(2, &[("loss", 3)]));
    let curves = heard(&events);
    assert_eq!(points(&curves, "loss"), [(1, 1), (2, 1), (3, 1)]);
    assert_eq!(points(&curves, "gain"), []);
    events.push(metric("loss", 4, 1.0, 2));
    assert_eq!(points(&heard(&events), "loss").last(), Some(&(4, 2)));
}

#[test]
fn a_run_that_goes_on_may_report_again_what_it_reports_at_its_start() {
    let mut events = vec![metric("baseline", 0, 1.0, 1)];
    events.extend(run(1, 1..=5));
    events.push(restored(2, &[("baseline", 0), ("loss", 3), ("gain", 3)]));
    events.push(metric("baseline", 0, 2.0, 2));
    events.extend(run(2, 4..=4));
    let curves = heard(&events);
    assert_eq!(points(&curves, "baseline"), [(0, 2)]);
    assert_eq!(points(&curves, "loss"), [(1, 1), (2, 1), (3, 1), (4, 2)]);
}

#[test]
fn the_same_step_again_in_one_run_replaces_the_point_alone() {
    let mut events = run(1, 1..=3);
    events.push(metric("loss", 1, 7.0, 1));
    let curves = heard(&events);
    assert_eq!(points(&curves, "loss"), [(1, 1), (2, 1), (3, 1)]);
    let first = curves.points("loss").next().and_then(|point| point.value);
    assert_eq!(first, Some(7.0));
}

fn some_events() -> impl Strategy<Value = Vec<EventBody>> {
    let step = (
        0..3_u8,
        prop::sample::select(vec!["a", "b"]),
        0..12_u64,
        any::<bool>(),
    );
    prop::collection::vec(step, 0..60).prop_map(|steps| {
        let mut run = 1;
        let mut events = Vec::new();
        for (what, name, at, begins) in steps {
            run += u32::from(what == 0);
            match (what, begins) {
                (0, true) => events.push(restored(run, &[(name, at)])),
                _ => events.push(metric(name, at, at as f64, run)),
            }
        }
        events
    })
}

fn some_points() -> impl Strategy<Value = Vec<MetricPoint>> {
    let value = prop_oneof![4 => (-50..50_i32).prop_map(|n| Some(f64::from(n))), 1 => Just(None)];
    // Dense in places: steps of 1 and of thousands.
    let gap = prop_oneof![4 => 1..3_u64, 1 => 1_000..1_000_000_u64];
    prop::collection::vec((gap, value), 0..300).prop_map(|steps| {
        let mut step = 0;
        let point = |(gap, value)| {
            step += gap;
            MetricPoint {
                step,
                value,
                run: 1,
                at: Timestamp::from_millis(0),
            }
        };
        steps.into_iter().map(point).collect()
    })
}

proptest! {
    #[test]
    fn above_a_step_of_a_later_run_there_is_no_point_of_an_earlier_one(events in some_events()) {
        let curves = heard(&events);
        for name in ["a", "b"] {
            let points = points(&curves, name);
            prop_assert!(points.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1), "{points:?}");
        }
    }

    #[test]
    fn what_the_newest_run_reported_holds(events in some_events()) {
        let curves = heard(&events);
        let newest = events.iter().rev().find_map(|event| match event {
            EventBody::Metric(metric) => Some(metric.run),
            EventBody::Restored(restored) => Some(restored.run),
            _ => None,
        });
        for event in &events {
            let EventBody::Metric(metric) = event else { continue };
            if Some(metric.run) == newest {
                let mut steps = curves.points(&metric.name).map(|point| (point.step, point.run));
                prop_assert!(steps.any(|held| held == (metric.step, metric.run)));
            }
        }
    }

    #[test]
    fn few_points_tell_how_high_and_how_low_many_went(points in some_points(), most in 1..40_usize) {
        let kept = thinned(points.clone(), most);
        prop_assert!(kept.len() <= most);
        prop_assert!(kept.iter().all(|point| points.contains(point)), "every point exists");
        prop_assert!(kept.is_sorted_by(|one, next| one.step < next.step));
        prop_assert_eq!(kept.last(), points.last());
        if most > 1 {
            prop_assert_eq!(kept.first(), points.first());
        }
        if most >= 4 {
            let (all, some) = (summary(&points), summary(&kept));
            let ends = |summary: Option<impresario_api::MetricSummary>| summary.map(|one| (one.min, one.max));
            prop_assert_eq!(ends(all), ends(some));
        }
    }

    #[test]
    fn no_range_of_steps_gets_more_points_than_another(points in some_points(), most in 4..40_usize) {
        let kept = thinned(points.clone(), most);
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return Ok(()) };
        if kept.len() < points.len() {
            let ranges = (most as u64 - 2) / 2;
            let width = (last.step - first.step) / ranges + 1;
            for range in 0..ranges {
                let from = first.step + range * width;
                let within = kept.iter().filter(|point| (from..from + width).contains(&point.step));
                // Two of each of at most two ranges that lie in it, and an end.
                prop_assert!(within.count() <= 6);
            }
        }
    }
}
