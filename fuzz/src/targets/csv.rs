//! CSV files that are imported.

use std::fs;
use std::path::Path;

use impresario::testing;
use impresario_api::{Bar, Status};
use impresario_server::domain::market::{DataLoad, DataLoadParams, Library, check_bars};

use crate::Target;

/// Accepted bars obey the rules of bars, and written as CSV they are read back bit by bit. A refused file
/// leaves nothing behind, and the message is short.
pub(crate) fn target() -> Target {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (import, kept) = (folder.path().join("import"), folder.path().join("bars"));
    for folder in [&import, &kept] {
        fs::create_dir(folder).expect("a new folder");
    }
    let library = Library::new(&kept);
    let load = DataLoad::new(&import, library.clone());
    Box::new(move |bytes| {
        let read = |bytes: &[u8]| {
            let file = folder.path().join("import").join("A_1d.csv");
            fs::write(file, bytes).expect("a writable folder");
            let ended = testing::run(&load, params()).end();
            if ended.status() == Status::Completed {
                return Ok(library.read("A", "1d").expect("it was loaded").bars);
            }
            let error = ended.error().expect("it failed");
            Err((error.code.clone(), error.message.clone()))
        };
        match read(bytes) {
            Ok(bars) => {
                assert!(!bars.is_empty());
                assert_eq!(check_bars(&bars), Ok(()));
                let back = read(text(&bars).as_bytes()).expect("it was taken before");
                assert_eq!(
                    back.iter().map(bits).collect::<Vec<_>>(),
                    bars.iter().map(bits).collect::<Vec<_>>()
                );
                fs::remove_file(kept.join("A_1d.bars")).expect("a dataset");
            }
            Err((code, message)) => {
                assert!(
                    code != "PANICKED" && message.len() < 2_000,
                    "{code}: {message}"
                );
                assert_eq!(files(&kept), 0, "something half written stayed");
            }
        }
    })
}

fn params() -> DataLoadParams {
    DataLoadParams::new("A", "1d".parse().expect("a timeframe"))
}

fn text(bars: &[Bar]) -> String {
    let row = |bar: &Bar| {
        let Bar {
            timestamp,
            open,
            high,
            low,
            close,
            volume,
        } = bar;
        format!("{timestamp},{open},{high},{low},{close},{volume}\n")
    };
    "timestamp,open,high,low,close,volume\n".to_owned() + &bars.iter().map(row).collect::<String>()
}

fn bits(bar: &Bar) -> (i64, [u64; 5]) {
    let numbers = [bar.open, bar.high, bar.low, bar.close, bar.volume];
    (bar.timestamp.as_millis(), numbers.map(f64::to_bits))
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).expect("a folder").count()
}
