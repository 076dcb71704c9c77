//! Manifests of checkpoints.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use impresario::testing::{self, Ask, Ended};
use impresario_api::{Status, Verb};
use serde_json::Value;

use crate::Target;
use crate::kind::{Rich, RichParams};

/// In an input, this is replaced by the manifest that belongs to the folder.
const TRUE: &[u8] = b"TRUE";

/// If a manifest belongs to the folder, the run goes on from it. Otherwise the checkpoint is skipped with a
/// short warning. The run never fails.
pub(crate) fn target() -> Target {
    Box::new(|bytes| {
        let paused = testing::run(&Rich, RichParams::default())
            .stop_at("step", 1, Ask::from(Verb::Pause))
            .end();
        assert_eq!(paused.status(), Status::Paused, "{:?}", paused.error());
        let folder = folder(&paused);
        let file = folder.join("manifest.json");
        let sealed = fs::read(&file).expect("a manifest");
        let given = if bytes.starts_with(TRUE) {
            changed(&sealed, &bytes[TRUE.len()..])
        } else {
            bytes.to_vec()
        };
        fs::write(&file, &given).expect("a writable folder");
        let ended = paused.resume(&Rich).end();
        assert_eq!(ended.status(), Status::Completed, "{:?}", ended.error());
        let skipped = ended
            .warnings()
            .into_iter()
            .find(|(code, _)| *code == "CHECKPOINT_DAMAGED");
        match skipped {
            Some((_, why)) => assert!(why.len() < 4_096, "a warning of {} bytes", why.len()),
            None => same(&sealed, &given),
        }
    })
}

fn folder(ended: &Ended<Rich>) -> PathBuf {
    let checkpoint = ended.checkpoint().expect("a checkpoint");
    checkpoint.dir.clone().expect("a folder")
}

/// The true manifest with some bytes overwritten: the place (two bytes), then the new bytes.
fn changed(sealed: &[u8], change: &[u8]) -> Vec<u8> {
    let mut bytes = sealed.to_vec();
    if let [high, low, with @ ..] = change {
        let at = usize::from(u16::from_be_bytes([*high, *low])) % (bytes.len() + 1);
        let end = (at + with.len()).min(bytes.len());
        bytes.splice(at..end, with.iter().copied());
    }
    bytes
}

/// Checks that an accepted manifest says the same as the true one about each file.
fn same(sealed: &[u8], given: &[u8]) {
    let read = |bytes| serde_json::from_slice::<Value>(bytes).expect("it was taken");
    let (sealed, given) = (read(sealed), read(given));
    for field in ["format", "kind", "params_sha256", "state_sha256"] {
        assert_eq!(given[field], sealed[field], "{field}");
    }
    let files = |manifest: &Value| {
        let files = manifest["files"].as_array().expect("a list");
        let entry = |file: &Value| (file["path"].to_string(), file.to_string());
        files.iter().map(entry).collect::<BTreeMap<_, _>>()
    };
    let (sealed, given) = (files(&sealed), files(&given));
    for path in given.keys() {
        assert!(sealed.contains_key(path), "{path} is no file of the folder");
    }
}
