//! Shared by the tests of this module: an import folder, a library, and bars.

mod files;
mod imports;
mod library;
mod load;
mod loading;
mod names;
mod round_trip;
mod rows;

use std::fs;

use impresario::testing::{self, Ended};
use impresario_api::{Bar, Status, Timestamp};
use tempfile::TempDir;

use super::*;

const HEADER: &str = "timestamp,open,high,low,close,volume\n";

/// An import folder with one file, and a library beside it.
struct World {
    folder: TempDir,
    library: Library,
    load: DataLoad,
}

impl World {
    fn new(text: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let import = folder.path().join("import");
        fs::create_dir(&import).expect("a new folder");
        fs::write(import.join("A_1d.csv"), text).expect("it can be written");
        let library = Library::new(folder.path().join("bars"))
            .open()
            .expect("a new folder");
        Self {
            load: DataLoad::new(import, library.clone()),
            library,
            folder,
        }
    }

    fn ended(&self) -> Ended<DataLoad> {
        testing::run(&self.load, params(None)).end()
    }

    fn bars(&self) -> Vec<Bar> {
        self.library.read("A", "1d").expect("it was loaded").bars
    }

    /// The code and the message of the failure. Checks that nothing of the load stayed.
    fn fails(&self) -> (String, String) {
        let ended = self.ended();
        assert_eq!(ended.status(), Status::Failed, "{:?}", ended.output());
        assert_eq!(self.kept(), 0, "something half written stayed");
        let error = ended.error().expect("it failed");
        (error.code.clone(), error.message.clone())
    }

    /// The number of all files in the library.
    fn kept(&self) -> usize {
        let entries = fs::read_dir(self.folder.path().join("bars"));
        entries.expect("the library").count()
    }
}

fn params(file: Option<&str>) -> DataLoadParams {
    DataLoadParams {
        file: file.map(str::to_owned),
        ..DataLoadParams::new("A", "1d".parse().expect("a timeframe"))
    }
}

fn loaded(text: impl AsRef<[u8]>) -> Vec<Bar> {
    let world = World::new(text);
    let ended = world.ended();
    assert_eq!(ended.status(), Status::Completed, "{:?}", ended.error());
    world.bars()
}

fn bar(millis: i64, [open, high, low, close, volume]: [f64; 5]) -> Bar {
    Bar {
        timestamp: Timestamp::from_millis(millis),
        open,
        high,
        low,
        close,
        volume,
    }
}
