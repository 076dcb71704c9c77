//! What is measured, and when it counts.

use impresario::Subscription;
use impresario::metrics::{Histogram, SystemMetrics};
use impresario_api::{EventBody, OperationId, Status, Verb};

use crate::kit::{Move, Stage, next, now, stage};

fn system_metrics(stage: &Stage) -> SystemMetrics {
    now(stage.orchestrator.system_metrics()).expect("it lives")
}

/// Waits until the manager tells of this status.
fn told(listener: &mut Subscription, id: OperationId, status: Status) {
    loop {
        let event = next(listener);
        let is_it = matches!(&event.body, EventBody::Status(data) if data.status == status);
        if is_it && event.operation_id == id {
            return;
        }
    }
}

fn in_ranges(histogram: &Histogram) -> u64 {
    histogram.ranges().map(|(_, count)| count).sum()
}

#[test]
fn every_run_counts_whatever_its_end_and_only_a_cancel_of_a_run_is_a_cancel() {
    let stage = stage();
    let fresh = system_metrics(&stage);
    assert_eq!(
        fresh.runs["puppet"].count(),
        0,
        "a kind is there before its first run"
    );
    let mut listener = stage.listen();
    let tried = stage.running();
    stage.command(Move::Retry);
    assert_eq!(stage.ready(), 2);
    let waiting = stage.start();
    stage.ask(waiting, Verb::Cancel).expect("it waits");
    told(&mut listener, waiting, Status::Cancelled);
    stage.command(Move::Return);
    told(&mut listener, tried, Status::Completed);
    let between = system_metrics(&stage);
    assert_eq!(between.runs["puppet"].count(), 2);
    assert_eq!(between.cancels.count(), 0, "nothing ran that was cancelled");
    let stopped = stage.running();
    stage.command(Move::Sleep);
    stage.ask(stopped, Verb::Cancel).expect("it runs");
    told(&mut listener, stopped, Status::Cancelled);
    let last = system_metrics(&stage);
    assert_eq!((last.runs["puppet"].count(), last.cancels.count()), (3, 1));
    assert!(last.runs["puppet"].sum() >= between.runs["puppet"].sum());
    assert!(!last.cancels.sum().is_zero());
    assert!(last.commits.count() > fresh.commits.count());
    for histogram in [&last.runs["puppet"], &last.cancels, &last.commits] {
        assert_eq!(in_ranges(histogram), histogram.count());
    }
}
