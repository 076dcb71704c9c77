//! A few megabytes set aside: when the disk is full they are given up, so that the ends of what runs
//! can be written. Starts are refused until there is room again.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What is set aside.
const SIZE: u64 = 4 << 20;
/// Room at which starts are taken again, the ballast included: well over what was given up, so that
/// starts are not taken and refused by turns.
pub(super) const ENOUGH: u64 = 3 * SIZE;
/// What is left beside it for the log, which is cut after each commit then.
const LOG: u64 = 256 << 10;
/// How often it is looked whether there is room again.
const EVERY: Duration = Duration::from_millis(250);

/// The file, or why it is gone.
pub(super) struct Ballast {
    file: PathBuf,
    tight: Option<String>,
    /// The database, once it was looked at. It stays open: if this process closed it, SQLite's locks on it
    /// would end.
    database: Option<File>,
    /// When it was last looked whether there is room.
    looked: Option<Instant>,
}

impl Ballast {
    /// Where it lies in a data folder.
    pub(super) fn file_in(folder: &Path) -> PathBuf {
        folder.join("ballast")
    }

    /// Whether there is a whole one beside a database.
    pub(super) fn is_beside(database: &Path) -> bool {
        database
            .parent()
            .is_some_and(|folder| is_whole(&Self::file_in(folder)))
    }

    /// Removes it before there is a database.
    pub(super) fn remove_in(folder: &Path) -> io::Result<()> {
        remove(&Self::file_in(folder))
    }

    /// Sets it aside, if there is room for it.
    pub(super) fn new(folder: &Path) -> Self {
        let file = Self::file_in(folder);
        let mut ballast = Self {
            file,
            tight: None,
            database: None,
            looked: None,
        };
        if let Err(error) = ballast.set_aside() {
            let folder = folder.display();
            ballast.give_up(&format!(
                "no room to set {SIZE} bytes aside in {folder}: {error}"
            ));
            // The log that was left here may be cut before the first start.
            ballast.looked = None;
        }
        ballast
    }

    /// Why no start is taken.
    pub(super) fn tight(&self) -> Option<&str> {
        self.tight.as_deref()
    }

    /// Gives it up: the disk is full.
    pub(super) fn give_up(&mut self, why: &str) {
        if self.tight.is_none() {
            log::error!("the disk is full ({why}); starts are refused until there is room again");
        }
        self.tight = Some(why.to_owned());
        self.looked = Some(Instant::now());
        if let Err(error) = remove(&self.file) {
            log::warn!("{} could not be given up: {error}", self.file.display());
        }
    }

    /// Sees whether there is room again, now and then.
    pub(super) fn look(&mut self) {
        if self.tight.is_none() || self.looked.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        self.looked = Some(Instant::now());
        // What was removed is free within the database, which keeps its length.
        let within = self.free_pages().unwrap_or(0);
        let enough = |room: u64| room >= SIZE + LOG && room.saturating_add(within) >= ENOUGH;
        if room(&self.file).is_ok_and(enough) && self.set_aside().is_ok() {
            self.tight = None;
            log::info!("there is room on the disk again; starts are taken");
        }
    }

    /// Bytes of the pages that are free within the database, as its header says: there since it was last
    /// copied from the log by a checkpoint. <https://www.sqlite.org/fileformat2.html#the_database_header>
    fn free_pages(&mut self) -> io::Result<u64> {
        let database = match &mut self.database {
            Some(database) => database,
            none => none.insert(File::open(self.file.with_file_name(super::FILE))?),
        };
        let mut header = [0; 40];
        database.read_exact_at(&mut header, 0)?;
        let size = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 1 << 16,
            size => u64::from(size),
        };
        let [.., a, b, c, d] = header;
        Ok(size * u64::from(u32::from_be_bytes([a, b, c, d])))
    }

    fn set_aside(&self) -> io::Result<()> {
        if is_whole(&self.file) {
            return Ok(());
        }
        // What has the name is removed and never written to: it could be a link to something else.
        remove(&self.file)?;
        let mut file = File::create_new(&self.file)?;
        // Real zeros: a file with holes sets nothing aside.
        let zeros = vec![0; 1 << 20];
        for _ in 0..SIZE >> 20 {
            file.write_all(&zeros)?;
        }
        file.sync_all()
    }
}

fn is_whole(file: &Path) -> bool {
    fs::symlink_metadata(file).is_ok_and(|found| found.is_file() && found.len() == SIZE)
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Bytes that this process may still write beside a file.
pub(super) fn room(file: &Path) -> io::Result<u64> {
    let folder = file.parent().unwrap_or(file);
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}
