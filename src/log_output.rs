//! Where the log goes: to standard error, over a queue that is never waited for. Standard error may be a
//! pipe that nobody reads. Whoever logs must not wait for that: not a worker, not the writer, not what
//! hears the signals.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// So many lines may wait; those that come on top are dropped, and counted.
const WAITING: usize = 4_096;
/// At the end so long is waited until the last lines are written.
const LAST_LINES: Duration = Duration::from_millis(500);

/// The way to standard error; a clone is the same one.
#[derive(Clone)]
pub(crate) struct LogOutput {
    queue: SyncSender<Vec<u8>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    /// Taken into the queue, and not written yet.
    waiting: AtomicU64,
    /// Dropped since this was last said.
    dropped: AtomicU64,
}

impl LogOutput {
    /// Starts the thread that writes to standard error.
    pub(crate) fn start() -> io::Result<Self> {
        Self::to(io::stderr())
    }

    fn to(output: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, lines) = sync_channel(WAITING);
        let counts = Arc::<Counts>::default();
        let counted = Arc::clone(&counts);
        let writer = thread::Builder::new().name("impresario-log".to_owned());
        // It ends with the process: nobody can be waited for who waits for a reader.
        writer.spawn(move || write_all(&lines, &counted, output))?;
        Ok(Self { queue, counts })
    }

    /// Waits until everything is written, but only for a moment.
    pub(crate) fn flush_briefly(&self) {
        let until = Instant::now() + LAST_LINES;
        while self.counts.waiting.load(Ordering::Acquire) > 0 && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// A call writes one line, or several that belong together.
impl Write for LogOutput {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.counts.waiting.fetch_add(1, Ordering::AcqRel);
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.queue.try_send(line.to_owned())
        {
            self.counts.waiting.fetch_sub(1, Ordering::AcqRel);
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_all(lines: &Receiver<Vec<u8>>, counts: &Counts, mut output: impl Write) {
    while let Ok(line) = lines.recv() {
        let dropped = counts.dropped.swap(0, Ordering::Relaxed);
        // What cannot be written (a pipe that is closed, a full disk) is lost: there is no other place
        // to say so.
        if dropped > 0 {
            let _ = writeln!(
                output,
                "{dropped} lines of the log were dropped before this one: it is not read fast enough"
            );
        }
        let _ = output.write_all(&line);
        counts.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};

    use super::*;

    #[test]
    fn nobody_waits_for_who_does_not_read_and_what_was_dropped_is_said() {
        let (reader, pipe) = io::pipe().expect("a pipe");
        let mut output = LogOutput::to(pipe).expect("a thread");
        let line = [vec![b'x'; 1_000], b"\n".to_vec()].concat();
        // More than the queue and the pipe hold.
        for _ in 0..2 * WAITING {
            output.write_all(&line).expect("it never fails");
        }
        let dropped = output.counts.dropped.load(Ordering::Relaxed);
        assert!(dropped > 0, "the pipe holds less");
        output.flush_briefly();
        let said = format!("{dropped} lines of the log were dropped before");
        let lines = BufReader::new(reader).lines().map_while(Result::ok);
        assert!(lines.take(2 * WAITING).any(|line| line.starts_with(&said)));
    }
}
