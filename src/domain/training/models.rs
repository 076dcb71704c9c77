//! Trained models on disk: a folder for each, with the weights as safetensors and a card.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use impresario::operation::{open_patiently, open_regular, read_at_most};
use impresario_api::{ModelCard, ModelId, ModelRow, OperationId, Reference, Relation, text};
use safetensors::SafeTensors;
use sha2::{Digest, Sha256};
use tch::Tensor;

use super::device::ComputeDevice;
use super::error::TrainingError;
use super::network::Network;

const WEIGHTS: &str = "model.safetensors";
const CARD: &str = "card.json";
/// The number of classes: up, and not up.
const CLASSES: u32 = 2;
/// No card is longer: each of the most epochs that there can be takes less than 256 bytes of it.
const LONGEST_CARD: u64 = 256 << 20;
/// What a weights' file has beside the weights, at most.
const NAMES_OF_WEIGHTS: u64 = 1 << 20;
/// The beginning of an unfinished folder's name.
const PARTIAL: &str = ".partial-";
/// The beginning of the name of a folder that is being deleted. It begins as an unfinished one's does.
const DELETED: &str = ".partial-deleted-";

/// The folder of all models. It is cheap to clone.
#[derive(Clone, Debug)]
pub struct Models {
    folder: PathBuf,
}

impl Models {
    /// The models in a folder, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The models in a folder that nobody else uses. Removes what a crash left unfinished.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, TrainingError> {
        let models = Self::new(folder);
        let folder = &models.folder;
        fs::create_dir_all(folder).map_err(TrainingError::storage("create", folder))?;
        let entries = fs::read_dir(folder).map_err(TrainingError::storage("read", folder))?;
        for entry in entries {
            let entry = entry.map_err(TrainingError::storage("read", folder))?;
            if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
                let path = entry.path();
                fs::remove_dir_all(&path).map_err(TrainingError::storage("remove", &path))?;
            }
        }
        Ok(models)
    }

    /// Stores a network under a new id, completely or not at all: all is written when `go_on` is asked, and
    /// nothing is left if it answers with an error. Returns the card with id and checksum filled in.
    pub fn save<E: From<TrainingError>>(
        &self,
        network: &Network,
        card: ModelCard,
        go_on: impl Fn() -> Result<(), E>,
    ) -> Result<ModelCard, E> {
        fs::create_dir_all(&self.folder).map_err(TrainingError::storage("create", &self.folder))?;
        let (model_id, partial) = self.begin(&card)?;
        let written = self
            .write(&partial, network, ModelCard { model_id, ..card })
            .map_err(E::from)
            .and_then(|card| {
                go_on()?;
                self.publish(&partial, model_id)?;
                Ok(card)
            });
        if written.is_err() {
            // The first error is returned, so an error of the removal is ignored.
            let _ = fs::remove_dir_all(&partial);
        }
        written
    }

    /// Writes the files of a model into its unfinished folder.
    fn write(
        &self,
        partial: &Path,
        network: &Network,
        mut card: ModelCard,
    ) -> Result<ModelCard, TrainingError> {
        let place = || TrainingError::storage("write", partial);
        let weights = partial.join(WEIGHTS);
        let saved = Tensor::write_safetensors(&network.named(), &weights);
        saved.map_err(|error| place()(io::Error::other(error)))?;
        card.weights_sha256 = checksum(&open_patiently(|| fs::read(&weights)).map_err(place())?);
        let json = serde_json::to_vec_pretty(&card).map_err(|error| place()(error.into()))?;
        let mut file = open_patiently(|| File::create_new(partial.join(CARD))).map_err(place())?;
        file.write_all(&json).map_err(place())?;
        let settled = file
            .sync_all()
            .and_then(|()| synced(&weights))
            .and_then(|()| synced(partial));
        settled.map_err(place())?;
        Ok(card)
    }

    /// Gives an unfinished folder its name.
    fn publish(&self, partial: &Path, id: ModelId) -> Result<(), TrainingError> {
        let named = fs::rename(partial, self.path(id)).and_then(|()| synced(&self.folder));
        named.map_err(TrainingError::storage("write", partial))
    }

    /// Makes an unfinished folder under an id that no model has: the time, and a number that depends on the
    /// params.
    fn begin(&self, card: &ModelCard) -> Result<(ModelId, PathBuf), TrainingError> {
        let since = card.created_at.as_millis() - ModelId::EPOCH_MILLIS;
        let mixed = Sha256::digest(card.params.to_string());
        let salt = u64::from(u32::from_be_bytes([mixed[0], mixed[1], mixed[2], mixed[3]]));
        let salt = salt & ((1 << ModelId::BELOW_TIME_BITS) - 1);
        let mut value = ((since.max(0) as u64) << ModelId::BELOW_TIME_BITS) | salt;
        loop {
            let id = ModelId::from_u64(value);
            let partial = self.folder.join(format!("{PARTIAL}{id}"));
            value += 1;
            if self.path(id).exists() {
                continue;
            }
            match fs::create_dir(&partial) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => {
                    made.map_err(TrainingError::storage("write", &partial))?;
                    return Ok((id, partial));
                }
            }
        }
    }

    /// All models that can be read, newest first.
    pub fn list(&self) -> Result<Vec<ModelRow>, TrainingError> {
        let mut rows = self.each(|card| Some(row(card)))?;
        rows.sort_by_key(|row| std::cmp::Reverse(row.model_id));
        Ok(rows)
    }

    /// The models that were trained on a dataset, newest first.
    pub fn trained_on(
        &self,
        symbol: &str,
        timeframe: &str,
    ) -> Result<Vec<Reference>, TrainingError> {
        self.referring(Relation::TrainedOn, |card| {
            card.data.symbol == symbol && card.data.timeframe == timeframe
        })
    }

    /// The models whose training went on from a checkpoint of this operation, newest first.
    pub fn forked_from(&self, operation: OperationId) -> Result<Vec<Reference>, TrainingError> {
        self.referring(Relation::ForkedFrom, |card| {
            let mut ancestry = card.ancestry.iter();
            let forked = card.forked_from.as_ref();
            card.operation_id != Some(operation)
                && (forked.is_some_and(|from| from.operation_id == operation)
                    || ancestry.any(|one| one.operation_id == operation))
        })
    }

    fn referring(
        &self,
        relation: Relation,
        refers: impl Fn(&ModelCard) -> bool,
    ) -> Result<Vec<Reference>, TrainingError> {
        let mut found = self.each(|card| {
            refers(&card).then_some(Reference {
                model_id: Some(card.model_id),
                operation_id: None,
                relation,
                status: None,
                at: card.created_at,
            })
        })?;
        found.sort_by_key(|one| std::cmp::Reverse(one.model_id));
        Ok(found)
    }

    /// What `take` makes of each card that can be read.
    fn each<T>(&self, take: impl Fn(ModelCard) -> Option<T>) -> Result<Vec<T>, TrainingError> {
        let entries = match open_patiently(|| fs::read_dir(&self.folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(TrainingError::storage("read", &self.folder))?,
        };
        let mut taken = Vec::new();
        for entry in entries {
            let entry = entry.map_err(TrainingError::storage("read", &self.folder))?;
            let Ok(id) = entry.file_name().to_string_lossy().parse::<ModelId>() else {
                continue;
            };
            match self.card(id) {
                Ok(card) => taken.extend(take(card)),
                // It was deleted since the folder was read.
                Err(TrainingError::NotFound(_)) => {}
                Err(error) => log::warn!("left out of the list: {error}"),
            }
        }
        Ok(taken)
    }

    /// An error if there is no such model. One that is damaged is there.
    pub fn exists(&self, id: ModelId) -> Result<(), TrainingError> {
        match fs::symlink_metadata(self.path(id)) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(TrainingError::NotFound(id.to_string()))
            }
            Err(error) => Err(TrainingError::storage("read", self.path(id))(error)),
        }
    }

    /// Deletes a model, also one that is damaged: it is gone at once, and its files are removed then. What a
    /// crash leaves of them is removed when the server starts.
    pub fn delete(&self, id: ModelId) -> Result<(), TrainingError> {
        let (path, gone) = (self.path(id), self.folder.join(format!("{DELETED}{id}")));
        let renamed = fs::rename(&path, &gone).and_then(|()| synced(&self.folder));
        match renamed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(TrainingError::NotFound(id.to_string()));
            }
            renamed => renamed.map_err(TrainingError::storage("delete", &path))?,
        }
        fs::remove_dir_all(&gone)
            .and_then(|()| synced(&self.folder))
            .map_err(TrainingError::storage("delete", &gone))
    }

    /// A model's card.
    pub fn card(&self, id: ModelId) -> Result<ModelCard, TrainingError> {
        let path = self.path(id).join(CARD);
        let damaged = |why: String| TrainingError::Damaged { id, why };
        let text = match read(&path, LONGEST_CARD) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.path(id).exists() => {
                return Err(TrainingError::NotFound(id.to_string()));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(damaged("its card is gone".to_owned()));
            }
            Err(error) if is_other(&error) => return Err(damaged(format!("its card: {error}"))),
            text => text.map_err(TrainingError::storage("read", &path))?,
        };
        let card: ModelCard =
            serde_json::from_slice(&text).map_err(|error| damaged(format!("its card: {error}")))?;
        if card.model_id != id {
            return Err(damaged(format!("its card is that of {}", card.model_id)));
        }
        check(&card).map_err(|why| damaged(format!("its card: {why}")))?;
        Ok(card)
    }

    /// The network of a model.
    pub fn network(&self, card: &ModelCard) -> Result<Network, TrainingError> {
        let path = self.path(card.model_id).join(WEIGHTS);
        let damaged = |why: String| TrainingError::Damaged {
            id: card.model_id,
            why,
        };
        let most = card
            .weights
            .saturating_mul(4)
            .saturating_add(NAMES_OF_WEIGHTS);
        let bytes = match read(&path, most) {
            // It may have been deleted since its card was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.exists(card.model_id)?;
                return Err(damaged("its weights are gone".to_owned()));
            }
            Err(error) if is_other(&error) => return Err(damaged(format!("its weights: {error}"))),
            bytes => bytes.map_err(TrainingError::storage("read", &path))?,
        };
        if checksum(&bytes) != card.weights_sha256 {
            return Err(damaged(
                "its weights do not have the card's checksum".to_owned(),
            ));
        }
        // From the bytes that were checked, not from the file once more.
        let tensors =
            SafeTensors::deserialize(&bytes).map_err(|error| damaged(error.to_string()))?;
        let mut weights = Vec::new();
        for (layer, pair) in card.layers.windows(2).enumerate() {
            let (inputs, outputs) = (i64::from(pair[0]), i64::from(pair[1]));
            for (part, shape) in [("weight", &[outputs, inputs][..]), ("bias", &[outputs])] {
                let name = format!("layers.{layer}.{part}");
                let found = tensors.tensor(&name);
                let found = found.map_err(|_| damaged(format!("it has no {name}")))?;
                let tensor = Tensor::try_from(found).map_err(|error| damaged(error.to_string()))?;
                weights.extend(
                    values(&tensor, shape).map_err(|why| damaged(format!("{name}: {why}")))?,
                );
            }
        }
        Ok(Network::with_weights(
            ComputeDevice::host(),
            &card.layers,
            &weights,
        ))
    }

    /// The folder of a model.
    pub fn path(&self, id: ModelId) -> PathBuf {
        self.folder.join(id.to_string())
    }
}

/// Checks that a card is consistent: its widths with each other and with the features, whose scaler must be
/// one that can be divided by. The file of the weights is checked when it is read.
fn check(card: &ModelCard) -> Result<(), String> {
    let (layers, inputs) = (&card.layers, card.features.len());
    let ends = layers.first().map(|width| *width as usize) == Some(inputs)
        && layers.last() == Some(&CLASSES);
    if layers.len() < 2 || layers.contains(&0) || !ends {
        return Err(format!(
            "layers: expected widths above 0, from its {inputs} features to {CLASSES} classes"
        ));
    }
    let pairs = layers.windows(2);
    let counted = pairs.map(|pair| (u128::from(pair[0]) + 1) * u128::from(pair[1]));
    let counted: u128 = counted.sum();
    if counted != u128::from(card.weights) {
        let said = card.weights;
        return Err(format!(
            "weights: expected {counted} for its layers, got {said}"
        ));
    }
    let epochs = card.history.iter().map(|epoch| epoch.epoch);
    if !epochs.eq(1..=card.history.len() as u32) {
        return Err("history: expected the epochs from 1 on".to_owned());
    }
    let (best, run) = (card.best_epoch, card.history.len());
    if best == 0 || best as usize > run {
        return Err(format!(
            "best_epoch: expected one of its {run} epochs, got {best}"
        ));
    }
    let rows = card.data.parts[0];
    if let Some(batches) = card.cut_after_batches
        && (run != 1 || batches == 0 || u64::from(batches) > rows)
    {
        return Err(format!(
            "cut_after_batches: got {batches} with {run} epochs of {rows} rows"
        ));
    }
    for feature in &card.features {
        let (name, mean, deviation) = (&feature.name, feature.mean, feature.deviation);
        if !(mean.is_finite() && deviation.is_finite() && deviation > 0.0) {
            return Err(format!(
                "{name}: expected a mean and a deviation above 0, got {mean} and {deviation}"
            ));
        }
    }
    Ok(())
}

/// The values of a tensor in the file of the weights, if it has this shape and they are finite numbers.
fn values(tensor: &Tensor, shape: &[i64]) -> Result<Vec<f32>, String> {
    let size = tensor.size();
    if size != shape {
        return Err(format!("expected the shape {shape:?}, got {size:?}"));
    }
    let flat: Result<Vec<f32>, _> = tensor.flatten(0, -1).try_into();
    let flat = flat.map_err(|error| error.to_string())?;
    match flat.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(format!("expected finite numbers, got {value}")),
        None => Ok(flat),
    }
}

fn row(card: ModelCard) -> ModelRow {
    ModelRow {
        model_id: card.model_id,
        created_at: card.created_at,
        symbol: card.data.symbol,
        timeframe: card.data.timeframe,
        best_epoch: card.best_epoch,
        epochs_run: card.history.len() as u32,
        test: card.test,
    }
}

/// All of a file of a model's folder, which may be a link, as the file may not.
fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = Path::new(path.file_name().unwrap_or_default());
    let file = open_regular(folder, name)?
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is no regular file"))?;
    read_at_most(&file, most)
}

/// Whether a file is no regular one, or longer than any that was written.
fn is_other(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, InvalidData};
    matches!(error.kind(), InvalidData | FileTooLarge)
}

fn checksum(bytes: &[u8]) -> String {
    text::hex(&Sha256::digest(bytes))
}

/// Flushes a file or folder to the disk.
fn synced(path: &Path) -> io::Result<()> {
    open_patiently(|| File::open(path))?.sync_all()
}
