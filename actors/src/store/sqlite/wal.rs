//! The write-ahead log: grown before it is needed, so that a commit extends no file, and copied into the
//! database (a *WAL checkpoint*) by a thread with a connection of its own, so that no commit pays for that.
//!
//! The log begins anew only when a commit finds all of it checkpointed, and during one checkpoint the next
//! commits are written. So the last few pages are checkpointed by the writer itself, between two commits:
//! else there would be a checkpoint after every commit of a busy store, and the log would never begin anew.

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::ballast::{ENOUGH, room};

/// The log is this long from the start.
const GROWN: u64 = 16 << 20;
/// Pages in the log at which there is a checkpoint.
const CHECKPOINT_AT: u32 = 3_000;
/// So few pages the writer checkpoints itself, in less time than a commit takes.
const FEW: u32 = 256;
/// Pages in the log at which the writer checkpoints all that is left: then the thread cannot keep up, or each
/// commit brings more than a few, and the log would grow without end.
const WRITER_CHECKPOINT_AT: u32 = 16_384;

/// A longer log is cut while the disk is tight, in bytes.
const CUT_AT: u64 = 1 << 20;
/// With less room than this, there is a checkpoint after each commit: the pages that the database grows by
/// need room themselves, and when there is none left the log could never be cut again.
const LITTLE: u64 = 8 << 20;
/// How soon that is tried again where it could not be done.
const CUT_AGAIN: Duration = Duration::from_secs(1);
/// How long a connection waits for another one's lock (`open.rs`), but for a cut.
const PATIENCE: Duration = Duration::from_secs(5);

/// Watches how long the log has become.
pub(super) struct Wal {
    pages: Arc<AtomicU32>,
    /// How many of them the last checkpoint covered.
    checkpointed: Arc<AtomicU32>,
    /// How many there were after the last commit.
    before: Cell<u32>,
    /// How many there were at the writer's own last checkpoint.
    tried: Cell<u32>,
    database: PathBuf,
    /// When the log should have been cut last and could not be, and the room that there was.
    not_cut: Cell<Option<(Instant, u64)>>,
    /// The log's index. It stays open as long as a connection does, whose locks on it end when this
    /// process closes it.
    index: File,
    /// `None` when it ends.
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Wal {
    /// Begins: `writer` is the connection that commits, `checkpointer` the thread's own.
    pub(super) fn start(
        database: &Path,
        writer: &mut Connection,
        checkpointer: Connection,
    ) -> io::Result<Self> {
        let index = File::open(index_of(database))?;
        let pages = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&pages);
        let hook = move |_: &mut rusqlite::hooks::Wal, count| {
            seen.store(u32::try_from(count).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        };
        writer.wal_hook(Some(hook)).map_err(io::Error::other)?;
        // One wake-up that waits is enough: its checkpoint covers all that there is.
        let (wake, woken) = sync_channel(1);
        let thread = std::thread::Builder::new().name("impresario-wal".to_owned());
        let checkpointed = Arc::new(AtomicU32::new(0));
        let told = Arc::clone(&checkpointed);
        let thread = thread.spawn(move || {
            while woken.recv().is_ok() {
                told.store(passive_checkpoint(&checkpointer), Ordering::Relaxed);
            }
        })?;
        let wal = Self {
            database: database.to_owned(),
            not_cut: Cell::new(None),
            pages,
            checkpointed,
            before: Cell::new(0),
            tried: Cell::new(0),
            index,
            wake: Some(wake),
            thread: Some(thread),
        };
        // What a process that was killed left may be all that the disk lacks.
        wal.cut_if_tight(writer);
        Ok(wal)
    }

    /// After a commit: sees to it that the log does not grow without end.
    pub(super) fn committed(&self, writer: &Connection) {
        self.cut_if_tight(writer);
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.before.replace(pages) {
            // It has begun anew.
            self.checkpointed.store(0, Ordering::Relaxed);
            self.tried.set(0);
        }
        match who_checkpoints(
            pages,
            self.checkpointed.load(Ordering::Relaxed),
            self.tried.get(),
        ) {
            Who::Nobody => {}
            Who::Writer => {
                self.checkpointed
                    .store(passive_checkpoint(writer), Ordering::Relaxed);
                self.tried.set(pages);
            }
            // Full: it is awake already.
            Who::Thread => drop(self.wake.as_ref().map(|wake| wake.try_send(()))),
        }
    }

    /// A long log on a tight disk is checkpointed and cut, so that there is room again: what was removed
    /// leaves free pages in the database, and none on the disk.
    fn cut_if_tight(&self, writer: &Connection) {
        let room = room(&self.database).unwrap_or(u64::MAX);
        let most = if room < LITTLE { 0 } else { CUT_AT };
        let is_long = || {
            let log = file_of(&self.database).metadata();
            log.is_ok_and(|log| log.len() > most)
        };
        let soon = |(at, was): (Instant, u64)| at.elapsed() < CUT_AGAIN && room <= was;
        if room >= ENOUGH || self.not_cut.get().is_some_and(soon) || !is_long() {
            return;
        }
        let cut = self.empty(writer);
        if let Err(error) = writer.busy_timeout(PATIENCE).and(cut) {
            log::warn!("the disk is tight, and the write-ahead log stays: {error}");
        }
        // Or somebody still reads what is in it.
        self.not_cut.set(is_long().then(|| (Instant::now(), room)));
    }

    /// At the end: all of it, unless a reader is still busy with it.
    pub(super) fn checkpoint_all(&mut self, writer: &Connection) {
        self.end();
        if let Err(error) = self.empty(writer) {
            // What is in the log is safe there; the next start finds it.
            log::warn!("the write-ahead log stays: {error}");
        }
    }

    /// Checkpoints all of the log, then cuts it. A power loss may keep the one and not the other, so the
    /// index first says on disk that all is checkpointed (`wal_check.rs`).
    fn empty(&self, writer: &Connection) -> rusqlite::Result<()> {
        let checkpoint = |mode| {
            let sql = format!("PRAGMA wal_checkpoint({mode})");
            writer.query_row(&sql, (), |row| row.get::<_, bool>(0))
        };
        writer.busy_timeout(Duration::from_millis(200))?;
        let busy = checkpoint("FULL")?;
        if let Err(error) = self.index.sync_data() {
            log::warn!("the write-ahead log is not cut: {error}");
        } else if !busy {
            checkpoint("TRUNCATE")?;
        }
        Ok(())
    }

    fn end(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has told of itself; the log is checkpointed at the next start.
            let _ = thread.join();
        }
    }
}

impl Drop for Wal {
    fn drop(&mut self) {
        self.end();
    }
}

/// Who makes the next checkpoint.
#[derive(Debug, PartialEq, Eq)]
enum Who {
    Nobody,
    Writer,
    Thread,
}

/// Of `pages` in the log, the last checkpoint covered `checkpointed`; the writer's own last one was at
/// `tried`. Where it could not cover all, because someone reads what is old, it is not asked again at every commit.
const fn who_checkpoints(pages: u32, checkpointed: u32, tried: u32) -> Who {
    if pages < CHECKPOINT_AT || pages < tried + FEW && tried > 0 {
        return Who::Nobody;
    }
    if pages.saturating_sub(checkpointed) <= FEW || pages >= WRITER_CHECKPOINT_AT {
        Who::Writer
    } else {
        Who::Thread
    }
}

/// A checkpoint of what no reader needs in the log, which waits for nobody: how many pages it covered.
fn passive_checkpoint(connection: &Connection) -> u32 {
    let checkpointed = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |row| {
        row.get::<_, i64>(2)
    });
    let checkpointed = checkpointed.unwrap_or_else(|error| {
        // What is in the log is safe there; the next try comes with the next commit.
        log::warn!("the write-ahead log could not be checkpointed: {error}");
        0
    });
    // Below zero: the other one is at it.
    u32::try_from(checkpointed).unwrap_or(0)
}

/// The log's file beside its database.
pub(super) fn file_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// The log's index beside its database.
pub(super) fn index_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-shm");
    name.into()
}

/// A file, if it is there.
pub(super) fn open_if_there(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Grows the log with zeros, which SQLite takes for its end. Not where the disk is small.
pub(super) fn grow(database: &Path) -> io::Result<()> {
    let path = file_of(database);
    if room(database)? < 20 * GROWN {
        return Ok(());
    }
    let mut file = OpenOptions::new().write(true).open(&path)?;
    let length = file.metadata()?.len();
    if length >= GROWN {
        return Ok(());
    }
    file.seek(SeekFrom::Start(length))?;
    let zeros = vec![0; 1 << 20];
    let mut left = GROWN - length;
    while left > 0 {
        let part = zeros.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        file.write_all(&zeros[..part])?;
        left -= part as u64;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_checkpoints_much_and_the_writer_the_few_pages_that_came_meanwhile() {
        for (pages, checkpointed, tried, who) in [
            // Short: checkpointed later, with more.
            (CHECKPOINT_AT - 1, 0, 0, Who::Nobody),
            (CHECKPOINT_AT, 0, 0, Who::Thread),
            // What came while the thread was at it: few pages, and the log begins anew.
            (CHECKPOINT_AT + 40, CHECKPOINT_AT, 0, Who::Writer),
            (CHECKPOINT_AT + FEW + 1, CHECKPOINT_AT, 0, Who::Thread),
            // A reader held some of them back: not at every commit again.
            (
                CHECKPOINT_AT + 41,
                CHECKPOINT_AT + 40,
                CHECKPOINT_AT + 40,
                Who::Nobody,
            ),
            (
                CHECKPOINT_AT + 40 + FEW,
                CHECKPOINT_AT + 40,
                CHECKPOINT_AT + 40,
                Who::Writer,
            ),
            // The thread does not keep up.
            (WRITER_CHECKPOINT_AT, 0, 0, Who::Writer),
            // It does, but each commit brings more than a few pages.
            (
                WRITER_CHECKPOINT_AT - 1,
                WRITER_CHECKPOINT_AT - 2 * FEW,
                0,
                Who::Thread,
            ),
            (
                WRITER_CHECKPOINT_AT,
                WRITER_CHECKPOINT_AT - 2 * FEW,
                0,
                Who::Writer,
            ),
        ] {
            assert_eq!(
                who_checkpoints(pages, checkpointed, tried),
                who,
                "{pages} {checkpointed} {tried}"
            );
        }
    }
}
