//! Points at which a test stops the supervisor, to look, to break something, and to go on.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use crate::store::{Command, StoreError};

/// A point on the way of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// A start is about to be committed.
    Submitted,
    /// It is committed; nobody has heard of it.
    Committed,
    /// A run is committed; its function is about to begin.
    Dispatched,
    /// A function has returned; its end is not committed.
    Returned,
    /// The end is committed; nobody has heard of it.
    EndCommitted,
}

/// What is to happen at a point.
#[derive(Clone, Debug)]
pub enum Then {
    /// It goes on as if there was no breakpoint.
    GoOn,
    /// The store fails; where nothing is about to be written, it goes on.
    Fail(StoreError),
    /// The code there panics.
    Panic,
}

/// The supervisor stands at a point, and waits until it is told how to go on; see the example of
/// [`Breakpoints`].
#[derive(Debug)]
pub struct Halt {
    /// The point at which the supervisor stands.
    pub point: Point,
    then: Sender<Then>,
}

impl Halt {
    /// Says how it goes on.
    pub fn then(self, then: Then) {
        // What waited there may have ended meanwhile.
        let _ = self.then.send(then);
    }
}

/// Given to [`crate::Config`]: the supervisor stops at these points. For tests; a server has none.
///
#[cfg_attr(
    feature = "testing",
    doc = r#"```
# include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
# fn main() -> Result<(), Box<dyn std::error::Error>> {
use impresario::{Breakpoints, Point, Then, Until};
use std::time::Duration;

# let kinds = Kinds::new().register(Count);
let (breakpoints, halts) = Breakpoints::at(&[Point::Returned]);
let config = Config::default().breakpoints(Some(breakpoints));
let orchestrator = Orchestrator::start(config, kinds, MemoryStore::new())?;
# futures_executor::block_on(async {
let started = orchestrator.start_managed_operation::<Count>(Upto { n: 3 }, Options::default());
let id = started.await?.id;
let halt = halts.recv()?; // The function has returned, and the supervisor waits here.
assert_eq!(halt.point, Point::Returned);
halt.then(Then::GoOn);
orchestrator.wait_until(id, Until::Ended, Duration::from_secs(60)).await?;
# orchestrator.shutdown().await;
# Ok(())
# })
# }
```"#
)]
#[derive(Clone, Debug)]
pub struct Breakpoints {
    points: Arc<[Point]>,
    halts: Sender<Halt>,
}

impl Breakpoints {
    /// Breakpoints at these points, and the channel on which each stop is reported.
    pub fn at(points: &[Point]) -> (Self, Receiver<Halt>) {
        let (halts, heard) = unbounded();
        let points = points.into();
        (Self { points, halts }, heard)
    }

    /// Waits at a point, if it is one of these.
    ///
    /// # Panics
    /// If the test says so.
    pub(crate) fn reach(&self, point: Point) -> Result<(), StoreError> {
        if !self.points.contains(&point) {
            return Ok(());
        }
        let (then, told) = bounded(1);
        // A test that has gone wants nothing any more.
        if self.halts.send(Halt { point, then }).is_err() {
            return Ok(());
        }
        match told.recv() {
            Ok(Then::Fail(error)) => Err(error),
            Ok(Then::Panic) => panic!("a planned failure at {point:?}"),
            Ok(Then::GoOn) | Err(_) => Ok(()),
        }
    }

    /// Before a batch is committed.
    pub(crate) fn before(&self, batch: &[Command]) -> Result<(), StoreError> {
        if batch.iter().any(is_start) {
            self.reach(Point::Submitted)
        } else {
            Ok(())
        }
    }

    /// After it: what is committed stays, so only a panic does something.
    pub(crate) fn after(&self, batch: &[Command]) {
        if batch.iter().any(is_start) {
            let _ = self.reach(Point::Committed);
        }
        if batch.iter().any(is_end) {
            let _ = self.reach(Point::EndCommitted);
        }
    }
}

const fn is_start(command: &Command) -> bool {
    matches!(command, Command::Submit(_))
}

const fn is_end(command: &Command) -> bool {
    matches!(command, Command::End(_))
}
