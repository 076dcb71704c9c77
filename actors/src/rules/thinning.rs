//! Many points of a metric as few, without hiding how high or how low it went.

use std::cmp::Ordering;

use impresario_api::{MetricPoint, MetricSummary};

/// What points come to; `None` of none. They ascend by step.
pub fn summary(points: &[MetricPoint]) -> Option<MetricSummary> {
    Some(MetricSummary {
        count: points.len() as u64,
        first: points.first()?.clone(),
        last: points.last()?.clone(),
        min: lowest(points).cloned(),
        max: highest(points).cloned(),
    })
}

/// At most `most` of the points, and at least the last one. They ascend by step.
///
/// Kept are the first and the last, and between them the lowest and the highest of each of as many
/// ranges of steps, all equally wide, as there is room for. Where points lie closer together, no more
/// of them are taken, so the curve looks neither calmer nor wilder there than it is. From 4 on, the
/// lowest and the highest point of all are among them.
pub fn thinned(points: Vec<MetricPoint>, most: usize) -> Vec<MetricPoint> {
    let [first, inner @ .., last] = points.as_slice() else {
        return points;
    };
    if points.len() <= most {
        return points;
    }
    let mut kept = Vec::with_capacity(most);
    if most > 1 {
        kept.push(first.clone());
    }
    let ranges = most.saturating_sub(2) as u64 / 2;
    if let (Some(from), Some(to)) = (inner.first(), inner.last())
        && ranges > 0
    {
        let width = u128::from(to.step - from.step) + 1;
        let range =
            |point: &MetricPoint| u128::from(point.step - from.step) * u128::from(ranges) / width;
        for group in inner.chunk_by(|one, next| range(one) == range(next)) {
            kept.extend(extremes(group).into_iter().flatten().cloned());
        }
    }
    kept.push(last.clone());
    kept
}

/// The lowest and the highest point in the order of their steps. A point without a number counts only
/// where no point has one.
fn extremes(points: &[MetricPoint]) -> [Option<&MetricPoint>; 2] {
    match (lowest(points), highest(points)) {
        (Some(low), Some(high)) => match low.step.cmp(&high.step) {
            Ordering::Less => [Some(low), Some(high)],
            Ordering::Equal => [Some(low), None],
            Ordering::Greater => [Some(high), Some(low)],
        },
        _ => [points.first(), None],
    }
}

fn lowest(points: &[MetricPoint]) -> Option<&MetricPoint> {
    let numbers = points.iter().filter(|point| point.value.is_some());
    numbers.min_by(|one, other| compare(one, other))
}

/// The first of those that are equally high.
fn highest(points: &[MetricPoint]) -> Option<&MetricPoint> {
    let numbers = points.iter().filter(|point| point.value.is_some());
    numbers.min_by(|one, other| compare(other, one))
}

fn compare(one: &MetricPoint, other: &MetricPoint) -> Ordering {
    let value = |point: &MetricPoint| point.value.unwrap_or(f64::NAN);
    value(one).total_cmp(&value(other))
}
