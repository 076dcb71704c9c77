//! The folder of a checkpoint as another operation's: copied, and sealed as its own.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::files::{open_patiently, open_regular};
use super::folder::Name;
use super::manifest::{self, Origin};

/// Why a folder was not copied.
#[derive(Debug)]
pub(crate) enum NotCopied {
    /// It is damaged, is another's, or was removed meanwhile.
    Source(String),
    /// The copy cannot be written.
    Copy(io::Error),
}

/// Copies the folder that belongs to a state, which is of `from`, into `root`, the folder of a new operation of
/// origin `to`: as the checkpoint of its run 0. What stands in the manifest is what was copied.
///
/// It is written beside its place, synced and renamed, so that half of one is never seen.
pub(crate) fn copy_folder(
    folder: &Path,
    from: &Origin,
    root: &Path,
    to: &Origin,
    state: &[u8],
) -> Result<PathBuf, NotCopied> {
    let sealed = manifest::read(folder, from, state);
    let sealed = sealed.map_err(|fault| NotCopied::Source(fault.to_string()))?;
    let name = Name { run: 0, number: 1 };
    let (unfinished, finished) = (root.join(name.unfinished()), root.join(name.finished()));
    let begin = || -> io::Result<()> {
        // A copy that turned out damaged may lie there.
        match fs::remove_dir_all(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::create_dir_all(manifest::files_in(&unfinished))?;
        // Also for the entry of the new operation's own folder.
        let parent = root.parent().unwrap_or(root);
        open_patiently(|| File::open(parent))?.sync_all()
    };
    begin().map_err(NotCopied::Copy)?;
    copy_files(
        &manifest::files_in(folder),
        &manifest::files_in(&unfinished),
    )?;
    let seal = manifest::seal(&unfinished, to, state);
    seal.map_err(NotCopied::Copy)?;
    let copied = manifest::read(&unfinished, to, state);
    let copied = copied.map_err(|fault| NotCopied::Copy(io::Error::other(fault.to_string())))?;
    if let Some(path) = sealed.differs_from(&copied) {
        let place = folder.display();
        let fault = format!("{path} in {place} is damaged or missing");
        return Err(NotCopied::Source(fault));
    }
    let rename = || -> io::Result<()> {
        fs::rename(&unfinished, &finished)?;
        open_patiently(|| File::open(root))?.sync_all()
    };
    rename().map_err(NotCopied::Copy)?;
    Ok(finished)
}

/// Every folder and regular file below a folder.
fn copy_files(from: &Path, to: &Path) -> Result<(), NotCopied> {
    let unreadable = |path: &Path, error: &io::Error| {
        NotCopied::Source(format!("{} cannot be read: {error}", path.display()))
    };
    let entries =
        open_patiently(|| fs::read_dir(from)).map_err(|error| unreadable(from, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| unreadable(from, &error))?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        let kind = entry
            .file_type()
            .map_err(|error| unreadable(&path, &error))?;
        if kind.is_dir() {
            fs::create_dir(&copy).map_err(NotCopied::Copy)?;
            copy_files(&path, &copy)?;
            continue;
        }
        let file = open_regular(from, Path::new(&entry.file_name()));
        // What is no regular file belongs to no checkpoint.
        let Some(mut file) = file.map_err(|error| unreadable(&path, &error))? else {
            continue;
        };
        let mut copy = open_patiently(|| File::create(&copy)).map_err(NotCopied::Copy)?;
        let mut piece = vec![0; 1 << 16];
        loop {
            let read = file
                .read(&mut piece)
                .map_err(|error| unreadable(&path, &error))?;
            if read == 0 {
                break;
            }
            copy.write_all(&piece[..read]).map_err(NotCopied::Copy)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;

    fn origin(params: Value) -> Origin {
        Origin {
            kind: "sum".to_owned(),
            params: Arc::new(params),
        }
    }

    /// A sealed folder of two files and an empty folder, and where the copy goes.
    fn sealed(home: &Path) -> (PathBuf, PathBuf) {
        let folder = home.join("source/000003-000002");
        let files = manifest::files_in(&folder);
        fs::create_dir_all(files.join("deep/empty")).expect("writable");
        fs::write(files.join("weights"), [7; 100_000]).expect("writable");
        fs::write(files.join("deep/note"), "twelve bytes").expect("writable");
        manifest::seal(&folder, &origin(json!(1)), b"state").expect("sealed");
        (folder, home.join("copy"))
    }

    fn copy(folder: &Path, root: &Path) -> Result<PathBuf, NotCopied> {
        let (from, to) = (origin(json!(1)), origin(json!(2)));
        copy_folder(folder, &from, root, &to, b"state")
    }

    #[test]
    fn a_copy_is_whole_and_of_its_own_origin_and_shares_no_file_with_the_original() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let (folder, root) = sealed(home.path());
        let copied = copy(&folder, &root).expect("it is whole");
        assert_eq!(copied, root.join("000000-000001"));
        assert_eq!(manifest::fault(&copied, &origin(json!(2)), b"state"), None);
        assert!(manifest::fault(&copied, &origin(json!(1)), b"state").is_some());
        fs::write(manifest::files_in(&folder).join("weights"), "other").expect("writable");
        assert_eq!(manifest::fault(&copied, &origin(json!(2)), b"state"), None);
        assert!(manifest::files_in(&copied).join("deep/empty").is_dir());
        let names = fs::read_dir(&root).expect("it is there").count();
        assert_eq!(names, 1, "nothing unfinished is left");
    }

    #[test]
    fn what_is_damaged_missing_or_anothers_is_not_copied() {
        type Damage = fn(&Path);
        let cases: [(&str, Damage); 4] = [
            ("weights", |folder| {
                let mut bytes = vec![7; 100_000];
                bytes[99_999] = 8;
                fs::write(manifest::files_in(folder).join("weights"), bytes).expect("writable");
            }),
            ("deep/note", |folder| {
                fs::remove_file(manifest::files_in(folder).join("deep/note")).expect("removable");
            }),
            ("manifest", |folder| {
                fs::remove_dir_all(folder).expect("removable")
            }),
            ("other params", |folder| {
                manifest::seal(folder, &origin(json!(3)), b"state").expect("sealed");
            }),
        ];
        for (named, damage) in cases {
            let home = tempfile::tempdir().expect("a temporary folder");
            let (folder, root) = sealed(home.path());
            damage(&folder);
            match copy(&folder, &root) {
                Err(NotCopied::Source(fault)) => assert!(fault.contains(named), "{fault}"),
                other => panic!("{named}: {other:?}"),
            }
            assert!(!root.join("000000-000001").exists());
        }
    }

    #[test]
    fn a_copy_that_cannot_be_written_says_so() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let (folder, root) = sealed(home.path());
        fs::write(&root, "no folder").expect("writable");
        let copied = copy(&folder, &root);
        assert!(matches!(copied, Err(NotCopied::Copy(_))), "{copied:?}");
    }
}
