//! What belongs to a checkpoint's folder, so that a damaged or foreign one is found out.
//!
//! A checkpoint's folder holds `files/`, which the function filled, and `manifest.json`, written
//! last: every file with its size and SHA-256, and whose the folder is.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use impresario_api::text::hex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::files::{open_patiently, open_regular, read_at_most};

/// Where the function's files lie in a checkpoint's folder.
const FILES: &str = "files";
const MANIFEST: &str = "manifest.json";
/// No manifest is longer: that is more than a million files.
const LONGEST: u64 = 256 << 20;
/// The manifest's own version.
const FORMAT: u32 = 1;

/// Whose checkpoints these are: another kind's, or those of other params, are of no use.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) kind: String,
    pub(crate) params: Arc<Value>,
}

impl Origin {
    /// SHA-256 of the params as JSON, whose fields are in order.
    fn params_hash(&self) -> String {
        hex(&Sha256::digest(self.params.to_string().as_bytes()))
    }
}

/// A checkpoint's manifest. A field of another name is damage: a name that the disk has changed would
/// otherwise pass for a field that an earlier version did not have.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    format: u32,
    kind: String,
    params_sha256: String,
    /// Of the state that belongs to the folder.
    state_sha256: String,
    /// The files in the order of their paths.
    files: Vec<Entry>,
    /// Of the manifest itself without this field, so that one which a disk has changed does not pass for
    /// another operation's. Those of earlier versions have none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    manifest_sha256: String,
}

/// Why a folder cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// It is not as it was written, or not with this state.
    #[error("{0}")]
    Damaged(String),
    /// It is whole, and of another kind or other params.
    #[error("{0}")]
    Foreign(String),
}

/// What is wrong with a folder that nobody is in a hurry to check.
#[cfg(test)]
pub(super) fn fault(folder: &Path, origin: &Origin, state: &[u8]) -> Option<Fault> {
    match check(folder, origin, state, || false) {
        Ok(()) => None,
        Err(Unusable::Fault(fault)) => Some(fault),
        Err(Unusable::NotRead) => panic!("nothing was asked"),
    }
}

/// What a check of a folder has found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// It cannot be used.
    Fault(Fault),
    /// Nobody knows: the run was asked to stop before all of it was read.
    NotRead,
}

impl From<Fault> for Unusable {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// One file of a checkpoint.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: String,
    bytes: u64,
    sha256: String,
}

/// The folder that the function fills, inside a checkpoint's.
pub(crate) fn files_in(folder: &Path) -> PathBuf {
    folder.join(FILES)
}

/// Writes the manifest and syncs everything; answers how many bytes the files hold.
pub(crate) fn seal(folder: &Path, origin: &Origin, state: &[u8]) -> io::Result<u64> {
    let mut manifest = describe(folder, origin, state)?;
    manifest.manifest_sha256 = manifest.own_sha256()?;
    let bytes = manifest.files.iter().map(|file| file.bytes).sum();
    let mut file = open_patiently(|| File::create(folder.join(MANIFEST)))?;
    file.write_all(&serde_json::to_vec_pretty(&manifest)?)?;
    file.sync_all()?;
    open_patiently(|| File::open(folder))?.sync_all()?;
    Ok(bytes)
}

/// Checks whether the folder can be used. It reads all of it, unless `is_asked_to_stop` says so meanwhile.
pub(crate) fn check(
    folder: &Path,
    origin: &Origin,
    state: &[u8],
    is_asked_to_stop: impl Fn() -> bool,
) -> Result<(), Unusable> {
    let sealed = read(folder, origin, state)?;
    sealed.read_files(folder, |_, _| match is_asked_to_stop() {
        true => Err(Unusable::NotRead),
        false => Ok(()),
    })
}

impl Manifest {
    /// Reads each of the files in the folder that this is the manifest of, and gives its pieces with its path
    /// to `take`. What else lies there belongs to no checkpoint.
    pub(super) fn read_files<E: From<Fault>>(
        &self,
        folder: &Path,
        mut take: impl FnMut(&Path, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let root = files_in(folder);
        for entry in &self.files {
            let path = Path::new(&entry.path);
            let damaged = |why: &dyn Display| {
                let (path, place) = (&entry.path, folder.display());
                Fault::Damaged(format!("{path} in {place} is damaged or missing: {why}"))
            };
            let file = open_regular(&root, path).and_then(regular);
            let mut file = file.map_err(|error| damaged(&error))?;
            // Before it is read, because it may be of any length by now.
            let bytes = file.metadata().map_err(|error| damaged(&error))?.len();
            if bytes != entry.bytes {
                return Err(
                    damaged(&format_args!("it has {bytes} bytes, not {}", entry.bytes)).into(),
                );
            }
            take(path, &[])?;
            let mut hash = Sha256::new();
            let mut piece = vec![0; 1 << 16];
            loop {
                let read = file.read(&mut piece).map_err(|error| damaged(&error))?;
                if read == 0 {
                    break;
                }
                hash.update(&piece[..read]);
                take(path, &piece[..read])?;
            }
            if hex(&hash.finalize()) != entry.sha256 {
                return Err(damaged(&"it has another checksum").into());
            }
        }
        Ok(())
    }

    /// Of the manifest without the field that holds it.
    fn own_sha256(&mut self) -> serde_json::Result<String> {
        let known = std::mem::take(&mut self.manifest_sha256);
        let bytes = serde_json::to_vec(self)?;
        self.manifest_sha256 = known;
        Ok(hex(&Sha256::digest(bytes)))
    }
}

/// The manifest of a folder, if it is that of this origin and this state.
pub(super) fn read(folder: &Path, origin: &Origin, state: &[u8]) -> Result<Manifest, Fault> {
    let place = folder.display();
    let damaged = |error: &dyn Display| {
        Fault::Damaged(format!("the manifest of {place} is damaged: {error}"))
    };
    let text = open_regular(folder, Path::new(MANIFEST))
        .and_then(|file| read_at_most(&regular(file)?, LONGEST));
    let text =
        text.map_err(|error| Fault::Damaged(format!("{place} has no readable manifest: {error}")))?;
    let mut sealed: Manifest = serde_json::from_slice(&text).map_err(|error| damaged(&error))?;
    if sealed.format != FORMAT {
        let format = sealed.format;
        return Err(Fault::Damaged(format!(
            "the manifest of {place} has format {format}, not {FORMAT}"
        )));
    }
    let own = sealed.own_sha256().map_err(|error| damaged(&error))?;
    let is_sealed = !sealed.manifest_sha256.is_empty();
    if is_sealed && sealed.manifest_sha256 != own {
        return Err(damaged(&"it has another checksum than it says"));
    }
    if sealed.kind != origin.kind || sealed.params_sha256 != origin.params_hash() {
        let fault = format!("{place} belongs to another kind or other params");
        return Err(match is_sealed {
            true => Fault::Foreign(fault),
            // Nobody can say whether it was so from the beginning.
            false => Fault::Damaged(fault),
        });
    }
    if sealed.state_sha256 != hex(&Sha256::digest(state)) {
        return Err(Fault::Damaged(format!("{place} belongs to another state")));
    }
    Ok(sealed)
}

fn describe(folder: &Path, origin: &Origin, state: &[u8]) -> io::Result<Manifest> {
    let root = files_in(folder);
    let mut files = Vec::new();
    list(&root, &root, &mut files)?;
    files.sort();
    Ok(Manifest {
        format: FORMAT,
        kind: origin.kind.clone(),
        params_sha256: origin.params_hash(),
        state_sha256: hex(&Sha256::digest(state)),
        files,
        manifest_sha256: String::new(),
    })
}

/// Every file below a folder. Each is on the disk afterwards, and the folder too.
fn list(root: &Path, folder: &Path, files: &mut Vec<Entry>) -> io::Result<()> {
    for entry in open_patiently(|| fs::read_dir(folder))? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            list(root, &path, files)?;
        } else if kind.is_file() {
            let mut file = regular(open_regular(folder, Path::new(&entry.file_name()))?)?;
            file.sync_all()?;
            let (bytes, sha256) = digest(&mut file)?;
            let path = path.strip_prefix(root).unwrap_or(&path);
            let path = path.to_string_lossy().into_owned();
            files.push(Entry {
                path,
                bytes,
                sha256,
            });
        }
    }
    open_patiently(|| File::open(folder))?.sync_all()
}

fn regular(file: Option<File>) -> io::Result<File> {
    file.ok_or_else(|| io::Error::other("it is no regular file"))
}

fn digest(file: &mut File) -> io::Result<(u64, String)> {
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut piece = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok((bytes, hex(&hash.finalize())));
        }
        bytes += read as u64;
        hash.update(&piece[..read]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn origin(kind: &str, params: Value) -> Origin {
        Origin {
            kind: kind.to_owned(),
            params: Arc::new(params),
        }
    }

    /// A sealed folder of two files, gone with the guard.
    fn sealed() -> (tempfile::TempDir, Origin) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let files = files_in(folder.path());
        fs::create_dir_all(files.join("deep")).expect("writable");
        fs::write(files.join("weights"), [7; 100_000]).expect("writable");
        fs::write(files.join("deep").join("note"), "twelve bytes").expect("writable");
        let of = origin("sum", json!({"to": 3}));
        let bytes = seal(folder.path(), &of, b"state").expect("sealed");
        assert_eq!(bytes, 100_012);
        assert_eq!(fault(folder.path(), &of, b"state"), None);
        (folder, of)
    }

    #[test]
    fn nothing_more_is_read_once_a_stop_is_asked() {
        let (folder, of) = sealed();
        let asked = std::cell::Cell::new(0);
        // The note, which comes first, is looked at twice.
        let at_the_second_piece_of_the_weights = || asked.replace(asked.get() + 1) == 3;
        let checked = check(
            folder.path(),
            &of,
            b"state",
            at_the_second_piece_of_the_weights,
        );
        assert_eq!((checked, asked.get()), (Err(Unusable::NotRead), 4));
    }

    #[test]
    fn every_kind_of_damage_is_named() {
        type Damage = fn(&Path);
        let cases: [(&str, Damage); 5] = [
            ("weights", |folder| {
                let mut bytes = vec![7; 100_000];
                bytes[99_999] = 8;
                fs::write(files_in(folder).join("weights"), bytes).expect("writable");
            }),
            ("weights", |folder| {
                fs::write(files_in(folder).join("weights"), [7; 50_000]).expect("writable");
            }),
            ("deep/note", |folder| {
                fs::remove_file(files_in(folder).join("deep/note")).expect("removable");
            }),
            ("manifest", |folder| {
                fs::remove_file(folder.join(MANIFEST)).expect("removable");
            }),
            ("manifest", |folder| {
                fs::write(folder.join(MANIFEST), "{\"format\": 1").expect("writable");
            }),
        ];
        for (named, damage) in cases {
            let (folder, of) = sealed();
            damage(folder.path());
            match fault(folder.path(), &of, b"state") {
                Some(Fault::Damaged(fault)) => assert!(fault.contains(named), "{fault}"),
                other => panic!("{named}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_folder_of_another_is_foreign() {
        let (folder, _) = sealed();
        for other in [
            origin("sum", json!({"to": 4})),
            origin("product", json!({"to": 3})),
        ] {
            match fault(folder.path(), &other, b"state") {
                Some(Fault::Foreign(fault)) => {
                    assert!(fault.contains("another kind or other params"), "{fault}");
                }
                other => panic!("{other:?}"),
            }
        }
        let of = origin("sum", json!({"to": 3}));
        match fault(folder.path(), &of, b"another") {
            Some(Fault::Damaged(fault)) => assert!(fault.contains("another state"), "{fault}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn whichever_bit_of_a_manifest_the_disk_changes_it_is_damage() {
        let (folder, of) = sealed();
        let manifest = folder.path().join(MANIFEST);
        let whole = fs::read(&manifest).expect("it was sealed");
        for bit in 0..whole.len() * 8 {
            let mut changed = whole.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            fs::write(&manifest, &changed).expect("writable");
            match fault(folder.path(), &of, b"state") {
                Some(Fault::Damaged(_)) => {}
                // A space between two fields may become another one.
                None => assert!(whole[bit / 8].is_ascii_whitespace(), "bit {bit}"),
                other => panic!("bit {bit}: {other:?}"),
            }
        }
    }

    /// The manifest of a sealed folder, with `from` replaced by `to`.
    fn altered(folder: &Path, from: &str, to: &str) {
        let manifest = folder.join(MANIFEST);
        let text = fs::read_to_string(&manifest).expect("it was sealed");
        assert!(text.contains(from), "{text}");
        fs::write(&manifest, text.replace(from, to)).expect("writable");
    }

    #[test]
    fn a_manifest_that_the_disk_has_changed_does_not_pass_for_anothers() {
        let (folder, of) = sealed();
        let hash = of.params_hash();
        for (from, to) in [("\"sum\"", "\"sun\""), (&hash[..8], "00000000")] {
            let (folder, of) = sealed();
            altered(folder.path(), from, to);
            match fault(folder.path(), &of, b"state") {
                Some(Fault::Damaged(fault)) => assert!(fault.contains("checksum"), "{fault}"),
                other => panic!("{other:?}"),
            }
        }
        // Earlier versions wrote none.
        let seal = |folder: &Path| {
            let text = fs::read_to_string(folder.join(MANIFEST)).expect("it was sealed");
            let (_, seal) = text.split_once("],").expect("after the files");
            seal.trim_end_matches('}').trim_end().to_owned()
        };
        let seal = seal(folder.path());
        altered(folder.path(), &format!(",{seal}"), "");
        assert_eq!(fault(folder.path(), &of, b"state"), None);
        altered(folder.path(), "\"sum\"", "\"sun\"");
        let damaged = fault(folder.path(), &of, b"state");
        assert!(matches!(damaged, Some(Fault::Damaged(_))), "{damaged:?}");
    }
}
