//! Whether what lies in the data folder can be used. Nothing here writes to the database.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::ballast::Ballast;
use super::error::OpenError;
use super::schema::{APPLICATION_ID, VERSION};
use super::wal;
use super::wal_check::{FRAME_HEADER, Index, LOG_HEADER};

/// A database's first bytes.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// Up to this size the whole file is looked through at the start: it takes a moment.
pub(super) const CHECKED_WHOLE: u64 = 64 << 20;

/// Refuses a folder whose locks and syncs may not be what they say.
#[cfg(target_os = "linux")]
pub(super) fn local(folder: &Path) -> Result<(), OpenError> {
    // The magic numbers of statfs(2), as Linux lists them.
    const NETWORK: &[(u64, &str)] = &[
        (0x6969, "NFS"),
        (0x517b, "SMB"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB 2"),
        (0x0102_1997, "9P"),
        (0x00c3_6400, "Ceph"),
        (0x0bd0_0bd0, "Lustre"),
        (0x5346_414f, "AFS"),
        (0x0116_1970, "GFS2"),
    ];
    let disk = rustix::fs::statfs(folder).map_err(|error| OpenError::io(folder, &error.into()))?;
    let kind = disk.f_type as u64 & 0xffff_ffff;
    match NETWORK.iter().find(|(magic, _)| *magic == kind) {
        Some((_, name)) => Err(OpenError::Network {
            folder: folder.to_owned(),
            kind: (*name).to_owned(),
        }),
        None => Ok(()),
    }
}

/// Elsewhere the kind of a mount is not known.
#[cfg(not(target_os = "linux"))]
pub(super) fn local(_: &Path) -> Result<(), OpenError> {
    Ok(())
}

/// Refuses a database that is foreign, newer, damaged, emptied or cut short, a log without its
/// database, and one that does not hold what was committed to it.
pub(super) fn usable(database: &Path) -> Result<(), OpenError> {
    let found = match fs::metadata(database) {
        Ok(file) if file.is_file() => Some(file.len()),
        Ok(_) => return Err(OpenError::Foreign(database.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(OpenError::io(database, &error)),
    };
    let length = found.unwrap_or(0);
    let log = wal::file_of(database);
    if length == 0 {
        // A start that was killed leaves an empty file, but no log of it.
        let pages = fs::metadata(&log).is_ok_and(|log| log.len() > 0);
        if pages {
            let database = database.to_owned();
            return Err(OpenError::LogAlone { database, log });
        }
        // The ballast is made once there are tables, so a file beside it has been emptied.
        if found.is_some() && Ballast::is_beside(database) {
            return Err(OpenError::damaged(database, "it is empty".to_owned()));
        }
        return Ok(());
    }
    let pages = header(database)?;
    // Before SQLite opens the file, which makes the index anew.
    let lacks = logged(database, &log).map_err(|error| OpenError::io(&log, &error))?;
    if let Some(why) = lacks {
        return Err(OpenError::LogDamaged { log, why });
    }
    let short =
        missing_pages(&log, length, pages).map_err(|error| OpenError::io(database, &error))?;
    if short > 0 {
        let why = format!("it is cut short: {short} pages are missing");
        return Err(OpenError::damaged(database, why));
    }
    content(database, length)
}

/// Why a log does not hold what its index says.
fn logged(database: &Path, log: &Path) -> io::Result<Option<String>> {
    let index = wal::open_if_there(&wal::index_of(database))?;
    let index = index.map(Index::read).transpose()?.flatten();
    let log = wal::open_if_there(log)?;
    index.map_or(Ok(None), |index| index.lacks(log.map(BufReader::new)))
}

/// The database's header: how long it is meant to be, in bytes a page and pages.
fn header(database: &Path) -> Result<(u64, u64), OpenError> {
    let mut header = [0; 100];
    let read = File::open(database).and_then(|mut file| file.read_exact(&mut header));
    match read {
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            return Err(OpenError::io(database, &error));
        }
        Ok(()) if header.starts_with(MAGIC) => {}
        _ => return Err(OpenError::Foreign(database.to_owned())),
    }
    let size = u64::from(u16::from_be_bytes([header[16], header[17]]));
    let pages = u32::from_be_bytes([header[28], header[29], header[30], header[31]]);
    Ok((
        if size == 1 { 1 << 16 } else { size.max(512) },
        u64::from(pages),
    ))
}

/// Pages that the header names and that neither the file nor the log has.
fn missing_pages(log: &Path, length: u64, (size, pages): (u64, u64)) -> io::Result<u64> {
    let there = length / size;
    if there >= pages {
        return Ok(0);
    }
    let logged = logged_pages(log, size)?;
    Ok((there + 1..=pages)
        .filter(|page| !logged.contains(page))
        .count() as u64)
}

/// The pages of a log, by their numbers. The format: <https://www.sqlite.org/fileformat2.html#walformat>.
fn logged_pages(log: &Path, size: u64) -> io::Result<HashSet<u64>> {
    let mut pages = HashSet::new();
    let Some(file) = wal::open_if_there(log)? else {
        return Ok(pages);
    };
    let mut file = BufReader::new(file);
    let mut header = [0; LOG_HEADER];
    let mut frame = [0; FRAME_HEADER];
    if file.read_exact(&mut header).is_err() {
        return Ok(pages);
    }
    let salt = &header[16..24];
    // A frame of an earlier round has another salt: the log ends there.
    while file.read_exact(&mut frame).is_ok() && &frame[8..16] == salt {
        let page = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]);
        pages.insert(u64::from(page));
        file.seek(SeekFrom::Current(i64::try_from(size).unwrap_or(i64::MAX)))?;
    }
    Ok(pages)
}

/// What SQLite itself says, through a connection that cannot write.
fn content(database: &Path, length: u64) -> Result<(), OpenError> {
    let cannot = |error: rusqlite::Error| OpenError::sqlite(database, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags).map_err(cannot)?;
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (id, version) = (
        number("application_id").map_err(cannot)?,
        number("user_version").map_err(cannot)?,
    );
    let tables: i64 = connection
        .query_row("SELECT COUNT(*) FROM sqlite_schema", (), |row| row.get(0))
        .map_err(cannot)?;
    if id != APPLICATION_ID && (id != 0 || tables > 0) {
        return Err(OpenError::Foreign(database.to_owned()));
    }
    if version > VERSION {
        return Err(OpenError::Newer {
            database: database.to_owned(),
            version,
            known: VERSION,
        });
    }
    if length <= CHECKED_WHOLE {
        let mut check = connection.prepare("PRAGMA quick_check").map_err(cannot)?;
        let verdicts = check.query_map((), |row| row.get(0)).map_err(cannot)?;
        for verdict in verdicts {
            let verdict: String = verdict.map_err(cannot)?;
            if verdict != "ok" && !is_of_a_value(&verdict) {
                return Err(OpenError::damaged(database, verdict));
            }
        }
    }
    Ok(())
}

/// Whether a verdict is of one value in a row: then the row is set aside when it is met. What is wrong
/// with pages is told before it.
fn is_of_a_value(verdict: &str) -> bool {
    let value = verdict.contains(" value in ") && !verdict.contains("Tree");
    value || verdict.starts_with("CHECK constraint failed in ")
}
