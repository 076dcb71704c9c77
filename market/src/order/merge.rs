//! Merges sorted runs of bars, and leaves one bar for each time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io;

use impresario_api::Bar;

use super::lines::LinesAgain;
use super::runs::{Run, Runs};
use super::{DuplicateRows, Duplicated, NumberedBar, Taken};

/// All bars in order, one for each time.
pub struct Merged<S> {
    straight: S,
    lines: LinesAgain,
    runs: Vec<Run>,
    /// The next bar of each source: the straight one, then the runs. That is their order in the file, too.
    heads: Vec<Option<NumberedBar>>,
    /// The time of the next bar of each source, and its number, the earliest first.
    queue: BinaryHeap<Reverse<(i64, usize)>>,
    taken: Taken,
    waiting: Option<NumberedBar>,
    duplicated: Duplicated,
}

impl<S> std::fmt::Debug for Merged<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Merged").finish_non_exhaustive()
    }
}

impl<S: Iterator<Item = io::Result<Bar>>> Merged<S> {
    pub(super) fn new(
        straight: S,
        lines: LinesAgain,
        runs: Option<Runs>,
        taken: Taken,
    ) -> io::Result<Self> {
        let runs = runs.map(Runs::again).transpose()?.unwrap_or_default();
        let mut merged = Self {
            straight,
            lines,
            heads: vec![None; runs.len() + 1],
            queue: BinaryHeap::with_capacity(runs.len() + 1),
            runs,
            taken,
            waiting: None,
            duplicated: Duplicated::default(),
        };
        for source in 0..merged.heads.len() {
            merged.heads[source] = merged.read(source)?;
            let time = merged.heads[source].map(|head| head.bar.timestamp.as_millis());
            merged
                .queue
                .extend(time.map(|time| Reverse((time, source))));
        }
        merged.waiting = merged.earliest()?;
        Ok(merged)
    }

    fn read(&mut self, source: usize) -> io::Result<Option<NumberedBar>> {
        let Some(run) = source.checked_sub(1) else {
            let Some(bar) = self.straight.next().transpose()? else {
                return Ok(None);
            };
            let line = self.lines.next()?;
            return Ok(Some(NumberedBar { bar, line }));
        };
        self.runs[run].next()
    }

    /// Takes the earliest bar of all sources; of several, the one of the lowest line.
    fn earliest(&mut self) -> io::Result<Option<NumberedBar>> {
        let Some(Reverse((_, source))) = self.queue.peek().copied() else {
            return Ok(None);
        };
        let next = self.read(source)?;
        let earliest = std::mem::replace(&mut self.heads[source], next);
        if let Some(mut top) = self.queue.peek_mut() {
            match next {
                Some(next) => top.0.0 = next.bar.timestamp.as_millis(),
                None => {
                    PeekMut::pop(top);
                }
            }
        }
        Ok(earliest)
    }

    fn unique(&mut self) -> io::Result<Option<NumberedBar>> {
        let Some(first) = self.waiting.take() else {
            return Ok(None);
        };
        let mut taken = first;
        loop {
            self.waiting = self.earliest()?;
            let again = |next: &&NumberedBar| next.bar.timestamp == first.bar.timestamp;
            let Some(again) = self.waiting.as_ref().filter(again) else {
                return Ok(Some(taken));
            };
            self.duplicated.see(&first, again);
            if self.taken == Taken::Last {
                taken = *again;
            }
        }
    }

    /// The rows that were left out. Call it after the last bar.
    pub fn duplicates(self) -> DuplicateRows {
        self.duplicated.rows()
    }
}

impl<S: Iterator<Item = io::Result<Bar>>> Iterator for Merged<S> {
    type Item = io::Result<NumberedBar>;

    fn next(&mut self) -> Option<Self::Item> {
        self.unique().transpose()
    }
}
