//! The folder of a checkpoint as another operation's: copied, and sealed as its own.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::files::open_patiently;
use super::folder::Name;
use super::manifest::{self, Fault, Manifest, Origin};

/// Why a folder was not copied.
#[derive(Debug)]
pub(crate) enum NotCopied {
    /// It is damaged, or was removed meanwhile.
    Source(String),
    /// It is another operation's.
    Foreign(String),
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
    let sealed = manifest::read(folder, from, state)?;
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
    copy_files(&sealed, folder, &manifest::files_in(&unfinished))?;
    let seal = manifest::seal(&unfinished, to, state);
    seal.map_err(NotCopied::Copy)?;
    let rename = || -> io::Result<()> {
        fs::rename(&unfinished, &finished)?;
        open_patiently(|| File::open(root))?.sync_all()
    };
    rename().map_err(NotCopied::Copy)?;
    Ok(finished)
}

/// The files of a manifest.
fn copy_files(sealed: &Manifest, from: &Path, to: &Path) -> Result<(), NotCopied> {
    let mut copy = None;
    sealed.read_files(from, |path, piece| {
        let mut write = || -> io::Result<()> {
            if piece.is_empty() {
                let place = to.join(path);
                fs::create_dir_all(place.parent().unwrap_or(to))?;
                copy = Some(open_patiently(|| File::create(&place))?);
            }
            copy.as_mut().map_or(Ok(()), |copy| copy.write_all(piece))
        };
        write().map_err(NotCopied::Copy)
    })
}

impl From<Fault> for NotCopied {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Damaged(why) => Self::Source(why),
            Fault::Foreign(why) => Self::Foreign(why),
        }
    }
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
        let names = fs::read_dir(&root).expect("it is there").count();
        assert_eq!(names, 1, "nothing unfinished is left");
    }

    #[test]
    fn what_is_damaged_missing_or_anothers_is_not_copied() {
        type Damage = fn(&Path);
        let cases: [(&str, Damage); 5] = [
            ("weights", |folder| {
                // As long as no disk would let it be read to its end.
                let file = fs::File::options()
                    .write(true)
                    .open(manifest::files_in(folder).join("weights"));
                file.expect("it is there")
                    .set_len(1 << 42)
                    .expect("a file with a hole");
            }),
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
                Err(NotCopied::Foreign(fault)) => {
                    assert!(fault.contains("other params"), "{fault}")
                }
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
