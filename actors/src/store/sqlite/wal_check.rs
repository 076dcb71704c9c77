//! Whether a write-ahead log still holds what was committed to it.
//!
//! SQLite reads a log up to the first frame whose checksum is wrong, and takes that for its end: a log
//! that was damaged or cut loses commits without a word. But beside it lies the log's index, which a
//! process that was killed leaves as it was, and which says how many frames were committed. It is
//! written after the frames were synced, so it never names one that is not on disk: not after a kill
//! at any moment, nor after a power loss, which may only leave an older index. A log that has begun
//! anew since then has other salts, and is taken as it is.
//!
//! The formats: <https://www.sqlite.org/fileformat2.html#walformat> and
//! <https://www.sqlite.org/walformat.html#the_wal_index_file_format>.

use std::io::{self, ErrorKind, Read};

/// The log's header, and the header of each page in it.
pub(super) const LOG_HEADER: usize = 32;
pub(super) const FRAME_HEADER: usize = 24;
/// The log's first four bytes; the last bit says that checksums are of big-endian numbers.
const MAGIC: u32 = 0x377f_0682;
/// Twice the same header, then the number of frames that checkpoints have covered.
const INDEX_HEADER: usize = 48;
const INDEX: usize = 2 * INDEX_HEADER + 4;
/// The one version of the index that there is.
const INDEX_VERSION: u32 = 3_007_000;

/// What an index says of its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Index {
    /// Frames that were committed.
    committed: u32,
    /// Frames of which the database has a copy.
    copied: u32,
    salts: [u8; 8],
}

impl Index {
    /// Reads the head of an index. `None`: it says nothing, because the process was killed while it
    /// made the index or wrote its head.
    pub(super) fn read(mut from: impl Read) -> io::Result<Option<Self>> {
        let mut head = [0; INDEX];
        if !fill(&mut from, &mut head)? {
            return Ok(None);
        }
        let (first, rest) = head.split_at(INDEX_HEADER);
        let (second, copied) = rest.split_at(INDEX_HEADER);
        // It is in the byte order of the machine, and belongs to no other.
        let number = |at| native(&first[at..]);
        let sums = sum(native, &first[..40], (0, 0));
        let whole = first == second
            && number(0) == INDEX_VERSION
            && first[12] == 1
            && sums == (number(40), number(44));
        let mut salts = [0; 8];
        salts.copy_from_slice(&first[32..40]);
        Ok(whole.then(|| Self {
            committed: number(16),
            copied: native(copied),
            salts,
        }))
    }

    /// Why a log, if there is one, cannot be the one that this is the index of.
    pub(super) fn lacks(self, log: Option<impl Read>) -> io::Result<Option<String>> {
        let frames = match log {
            None => 0,
            Some(log) => match self.frames(log)? {
                Some(frames) => frames,
                None => return Ok(None),
            },
        };
        // A log without any commit hides nothing of a database that has all of it; a shorter one
        // would put older pages before newer ones.
        let whole = frames >= self.committed || frames == 0 && self.copied >= self.committed;
        let committed = self.committed;
        Ok((!whole)
            .then(|| format!("{committed} pages were committed to it, and {frames} can be read")))
    }

    /// How many frames SQLite would read, up to those that were committed; `None` for another log.
    fn frames(self, mut log: impl Read) -> io::Result<Option<u32>> {
        let mut header = [0; LOG_HEADER];
        if !fill(&mut log, &mut header)? {
            return Ok(Some(0));
        }
        let magic = big(&header);
        let size = big(&header[8..]);
        let order = if magic & 1 == 1 { big } else { little };
        let mut sums = sum(order, &header[..24], (0, 0));
        let valid = magic & !1 == MAGIC
            && size.is_power_of_two()
            && (512..=1 << 16).contains(&size)
            && sums == (big(&header[24..]), big(&header[28..]));
        if !valid {
            return Ok(Some(0));
        }
        if header[16..24] != self.salts {
            return Ok(None);
        }
        let mut frame = vec![0; FRAME_HEADER + size as usize];
        let mut last = 0;
        for number in 1..=self.committed {
            if !fill(&mut log, &mut frame)? {
                break;
            }
            let (head, page) = frame.split_at(FRAME_HEADER);
            sums = sum(order, page, sum(order, &head[..8], sums));
            let valid = big(head) != 0
                && head[8..16] == self.salts
                && sums == (big(&head[16..]), big(&head[20..]));
            if !valid {
                break;
            }
            // A commit's last frame says how long the database is then.
            if big(&head[4..]) != 0 {
                last = number;
            }
        }
        Ok(Some(last))
    }
}

/// SQLite's checksum of pairs of numbers.
fn sum(order: fn(&[u8]) -> u32, bytes: &[u8], from: (u32, u32)) -> (u32, u32) {
    bytes.chunks_exact(8).fold(from, |(first, second), pair| {
        let first = first.wrapping_add(order(pair)).wrapping_add(second);
        let second = second.wrapping_add(order(&pair[4..])).wrapping_add(first);
        (first, second)
    })
}

fn four(bytes: &[u8]) -> [u8; 4] {
    [bytes[0], bytes[1], bytes[2], bytes[3]]
}

fn big(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(four(bytes))
}

fn little(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(four(bytes))
}

fn native(bytes: &[u8]) -> u32 {
    u32::from_ne_bytes(four(bytes))
}

/// Whether there was as much to read.
fn fill(from: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(bytes) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::path::Path;
    use std::process::Command;
    use std::time::Duration;

    use rusqlite::Connection;
    use tempfile::TempDir;

    use super::*;

    /// More than fits into the cache, so that some of it is written before the commit.
    const COMMIT: &str = "INSERT INTO t WITH RECURSIVE n (i) AS
        (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9) SELECT i, randomblob(200) FROM n";
    const WRITER: &str = "IMPRESARIO_TEST_WAL_WRITER";
    const ROUNDS: u64 = 45;

    fn connect(folder: &Path) -> Connection {
        let connection = Connection::open(folder.join("db")).expect("it opens");
        let sql =
            "PRAGMA page_size = 512; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
            PRAGMA cache_size = 10; CREATE TABLE IF NOT EXISTS t (a, b);";
        connection.execute_batch(sql).expect("a table");
        connection
    }

    /// A database with small pages, and what a process that is killed now would leave.
    struct Place {
        folder: TempDir,
        connection: Connection,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let connection = connect(folder.path());
            Self { folder, connection }
        }

        fn run(&self, sql: &str) {
            self.connection.execute_batch(sql).expect("it runs");
        }

        fn commit(&self) {
            self.run(COMMIT);
        }

        fn log(&self) -> Vec<u8> {
            fs::read(self.folder.path().join("db-wal")).expect("a log")
        }

        fn index(&self) -> Vec<u8> {
            fs::read(self.folder.path().join("db-shm")).expect("an index")
        }
    }

    fn lacks(index: &[u8], log: Option<&[u8]>) -> Option<String> {
        let index = Index::read(index).expect("bytes").expect("it is whole");
        index.lacks(log).expect("bytes")
    }

    fn copy(place: &Place) {
        place.run("PRAGMA wal_checkpoint(PASSIVE)");
    }

    #[test]
    fn a_log_that_was_left_at_any_moment_holds_what_its_index_says() {
        let place = Place::new();
        let mut indexes = vec![];
        let rolled_back = |place: &Place| {
            place.run("BEGIN");
            place.commit();
            place.run("UPDATE t SET b = randomblob(300)");
            assert_eq!(lacks(&place.index(), Some(&place.log())), None);
            place.run("ROLLBACK");
        };
        let steps: &[&dyn Fn(&Place)] = &[
            &Place::commit,
            &copy,
            // It begins anew.
            &Place::commit,
            &Place::commit,
            &rolled_back,
            &Place::commit,
            &copy,
            &rolled_back,
            &Place::commit,
            &|place| place.run("PRAGMA wal_checkpoint(TRUNCATE)"),
            &Place::commit,
            &|place| place.run("PRAGMA wal_checkpoint(RESTART)"),
            &Place::commit,
            &|place| place.run("BEGIN; UPDATE t SET b = 1; UPDATE t SET b = 2; COMMIT"),
        ];
        for step in steps {
            step(&place);
            let (index, log) = (place.index(), place.log());
            assert_eq!(lacks(&index, Some(&log)), None);
            indexes.push((index, log));
        }
        // A power loss may leave an older index, with the log as it is or after it has begun anew.
        let (_, last) = &indexes[indexes.len() - 1];
        for (index, _) in &indexes {
            assert_eq!(lacks(index, Some(last)), None);
        }
        let (_, log) = &indexes[3];
        assert_eq!(lacks(&indexes[2].0, Some(log)), None);
    }

    #[test]
    fn every_byte_that_is_wrong_and_every_one_that_is_missing_is_found() {
        let place = Place::new();
        place.commit();
        copy(&place);
        place.commit();
        place.commit();
        let (index, log) = (place.index(), place.log());
        let frames = Index::read(&*index).expect("bytes").expect("whole");
        assert!(frames.committed > 10 && frames.copied == 0, "{frames:?}");
        let used = LOG_HEADER + frames.committed as usize * (FRAME_HEADER + 512);
        for at in 0..used {
            let mut log = log.clone();
            log[at] ^= 1 << (at % 8);
            assert!(lacks(&index, Some(&log)).is_some(), "byte {at}");
        }
        for length in 0..used {
            assert!(lacks(&index, Some(&log[..length])).is_some(), "{length}");
        }
        assert!(lacks(&index, None).is_some());
        // All of it is in the database: then it need not be there, but must not hide what is newer.
        copy(&place);
        let index = place.index();
        assert_eq!(lacks(&index, Some(&log)), None);
        assert_eq!(lacks(&index, Some(&log[..100])), None);
        assert_eq!(lacks(&index, None), None);
        let mut half = log;
        half[used - 1] ^= 1;
        assert!(lacks(&index, Some(&half)).is_some());
    }

    /// The process that [`a_kill_at_any_moment_leaves_a_log_that_holds_what_its_index_says`] kills: it
    /// comes up, commits, copies back, cuts and leaves in order, again and again.
    #[test]
    fn writer() {
        let Some(folder) = std::env::var_os(WRITER) else {
            return;
        };
        loop {
            let connection = connect(Path::new(&folder));
            for sql in [
                COMMIT,
                COMMIT,
                "PRAGMA wal_checkpoint(PASSIVE)",
                COMMIT,
                "PRAGMA wal_checkpoint(RESTART)",
                COMMIT,
                "PRAGMA wal_checkpoint(FULL); PRAGMA wal_checkpoint(TRUNCATE)",
                COMMIT,
                "DELETE FROM t WHERE random() % 2",
            ] {
                // Not by `print!`, which the test's harness would keep.
                std::io::stdout().write_all(b"!").expect("it is read");
                connection.execute_batch(sql).expect("it runs");
            }
        }
    }

    #[test]
    fn a_kill_at_any_moment_leaves_a_log_that_holds_what_its_index_says() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (mut whole, mut frames) = (0, 0);
        for round in 0..ROUNDS {
            let mut child = Command::new(std::env::current_exe().expect("it runs"))
                .args(["--exact", "store::sqlite::wal_check::tests::writer"])
                .env(WRITER, folder.path())
                .stdout(std::process::Stdio::piped())
                .spawn()
                .expect("it starts");
            // Each round one statement later, and a little later within it.
            let said = std::io::BufReader::new(child.stdout.take().expect("a pipe")).bytes();
            let begun = said.map(|byte| byte.expect("it writes"));
            let begun = begun
                .filter(|byte| *byte == b'!')
                .take(1 + round as usize % 9);
            assert_eq!(begun.count(), 1 + round as usize % 9, "it goes on");
            std::thread::sleep(Duration::from_micros(round * 7_919 % 1_000));
            child.kill().expect("it lives");
            child.wait().expect("it is ours");
            let index = fs::read(folder.path().join("db-shm")).unwrap_or_default();
            let log = fs::read(folder.path().join("db-wal")).ok();
            if let Some(index) = Index::read(&*index).expect("bytes") {
                whole += 1;
                frames += index.committed;
                assert_eq!(
                    index.lacks(log.as_deref()).expect("bytes"),
                    None,
                    "{index:?}"
                );
            }
        }
        assert!(whole > ROUNDS / 4 && frames > 0, "{whole}, {frames}");
    }

    #[test]
    fn an_index_that_was_being_made_or_written_says_nothing() {
        let place = Place::new();
        place.commit();
        let index = place.index();
        for length in [0, 3, INDEX - 1] {
            assert_eq!(Index::read(&index[..length]).expect("bytes"), None);
        }
        assert_eq!(Index::read(&[0; 32_768][..]).expect("bytes"), None);
        for at in 0..2 * INDEX_HEADER {
            let mut index = index.clone();
            index[at] ^= 1;
            assert_eq!(Index::read(&*index).expect("bytes"), None, "byte {at}");
        }
    }
}
