//! Damages the newest checkpoint of a training between two servers, and looks for what is left over in the
//! data folder.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::ledger::Ledger;
use crate::server::copied;

/// The newest recorded checkpoint of each training, with the number of the operation's last run. Those of
/// completed ones, which have an output, are about to be removed.
const NEWEST: &str = "
    SELECT about ->> '$.dir', state ->> '$.run'
    FROM checkpoints JOIN operations ON operations.id = checkpoints.operation
    WHERE kind = 'training' AND output IS NULL AND about ->> '$.dir' IS NOT NULL AND number =
        (SELECT MAX(number) FROM checkpoints AS other WHERE other.operation = checkpoints.operation)";

/// Damages the newest checkpoint of one training, if any has one. No server must use the folder.
pub(super) fn newest_checkpoint(
    folder: &Path,
    ledger: &mut Ledger,
    random: &mut fastrand::Rng,
) -> Result<(), String> {
    let all = newest(folder).map_err(|error| format!("checkpoints: {error}"))?;
    let mut all: Vec<_> = all
        .into_iter()
        .filter_map(|(place, run)| {
            let id = place.parent()?.file_name()?.to_str()?.to_owned();
            let known = ledger.operations.get(&id)?;
            // The same one damaged twice might be whole again.
            let new = !ledger.damaged.contains(&place);
            (new && !known.settled && place.is_dir()).then_some((id, place, run))
        })
        .collect();
    if all.is_empty() {
        return Ok(());
    }
    let (id, place, run) = all.swap_remove(random.usize(..all.len()));
    damage(&place, random).map_err(|error| format!("{}: {error}", place.display()))?;
    ledger.touch(&id).damaged.push(run);
    ledger.damaged.insert(place);
    Ok(())
}

/// The folders of the newest checkpoints of trainings, each with the number of the operation's last run.
fn newest(folder: &Path) -> Result<Vec<(PathBuf, u64)>, Box<dyn std::error::Error>> {
    let (_copy, connection) = copied(folder)?;
    let mut statement = connection.prepare(NEWEST)?;
    let rows = statement.query_map((), |row| {
        let run: u32 = row.get(1)?;
        Ok((PathBuf::from(row.get::<_, String>(0)?), u64::from(run)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Changes one bit of a file in a folder, or cuts the file.
fn damage(folder: &Path, random: &mut fastrand::Rng) -> io::Result<()> {
    let mut files = Vec::new();
    walk(folder, &mut |path| files.push(path.to_owned()))?;
    files.retain(|file| fs::metadata(file).is_ok_and(|file| file.is_file() && file.len() > 0));
    // Folders are listed in no particular order.
    files.sort_unstable();
    let path = random
        .choice(&files)
        .ok_or_else(|| io::Error::other("it has no files"))?;
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let place = random.u64(..file.metadata()?.len());
    if random.u8(..3) == 0 {
        return file.set_len(place);
    }
    let mut byte = [0];
    file.read_exact_at(&mut byte, place)?;
    file.write_all_at(&[byte[0] ^ (1 << random.u8(..8))], place)
}

/// Calls `found` with each file below a folder, and with each folder that has nothing in it.
fn walk(folder: &Path, found: &mut dyn FnMut(&Path)) -> io::Result<()> {
    let mut empty = true;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        empty = false;
        if path.is_dir() {
            walk(&path, found)?;
        } else {
            found(&path);
        }
    }
    if empty {
        found(folder);
    }
    Ok(())
}

/// What must not be in a data folder once its server has ended and nothing goes on: temporary files, models that
/// are not as they were written, and checkpoints of operations that have completed. `completed` are the ids of
/// those.
pub(super) fn left_over(folder: &Path, completed: &BTreeSet<&str>) -> io::Result<Vec<String>> {
    let mut left = Vec::new();
    walk(folder, &mut |path| {
        let short = path.strip_prefix(folder).unwrap_or(path);
        let mut names = short.iter().filter_map(|name| name.to_str());
        let temporary = |name: &str| name.starts_with('.') || name.contains("partial");
        if names.clone().any(temporary) {
            left.push(format!("{} is left", short.display()));
        } else if names.next() == Some("checkpoints")
            && names.next().is_some_and(|id| completed.contains(id))
        {
            left.push(format!("{} is left of a completed one", short.display()));
        }
    })?;
    let models = folder.join("models");
    // A server that cannot train has no models.
    let there = models.is_dir().then(|| fs::read_dir(&models)).transpose()?;
    for entry in there.into_iter().flatten() {
        let model = entry?.path();
        if let Err(error) = whole(&model) {
            left.push(format!("{}: {error}", model.display()));
        }
    }
    Ok(left)
}

/// Checks that a model's folder has a card and the weights that the card names, and nothing else.
fn whole(model: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let card: Value = serde_json::from_slice(&fs::read(model.join("card.json"))?)?;
    let weights = fs::read(model.join("model.safetensors"))?;
    let hash = sha256(&weights);
    let files = fs::read_dir(model)?.count();
    if card["weights_sha256"] == hash && files == 2 {
        Ok(())
    } else {
        let told = &card["weights_sha256"];
        Err(format!("{files} files, weights {hash}, and its card says {told}").into())
    }
}

fn sha256(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for path in ["checkpoints/a/000001-000001/files", "models/m"] {
            fs::create_dir_all(folder.path().join(path)).expect("writable");
        }
        let weights = "weights";
        let write = |path: &str, text: &str| fs::write(folder.path().join(path), text);
        let sum = sha256(weights.as_bytes());
        write("models/m/model.safetensors", weights).expect("writable");
        let card = format!(r#"{{"weights_sha256": "{sum}"}}"#);
        write("models/m/card.json", &card).expect("writable");
        write("checkpoints/a/000001-000001/files/state", "state").expect("writable");
        folder
    }

    fn left(folder: &Path, completed: &[&str]) -> Vec<String> {
        let completed = completed.iter().copied().collect();
        left_over(folder, &completed).expect("it can be read")
    }

    #[test]
    fn what_is_left_over_is_found() {
        let folder = folder();
        let place = folder.path();
        assert_eq!(left(place, &[]), Vec::<String>::new());
        assert_eq!(left(place, &["a"]).len(), 1, "of one that has completed");
        fs::create_dir_all(place.join("checkpoints/a/.000001-000002")).expect("writable");
        assert_eq!(left(place, &[]).len(), 1, "of one that was never finished");
        fs::remove_dir(place.join("checkpoints/a/.000001-000002")).expect("removable");
        fs::write(place.join("models/m/model.safetensors"), "others").expect("writable");
        assert!(left(place, &[])[0].contains("its card says"));
    }

    #[test]
    fn damage_changes_exactly_one_file() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20 {
            let folder = folder();
            let place = folder.path().join("checkpoints/a");
            damage(&place, &mut random).expect("it can be damaged");
            let state = fs::read(place.join("000001-000001/files/state")).expect("readable");
            assert_ne!(state, b"state");
        }
    }
}
