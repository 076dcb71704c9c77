//! From bars as they come to a dataset: order, duplicates, modes, what is kept beside the bars.

use std::collections::BTreeMap;
use std::fs;

use impresario::operation::ErrorCode;
use impresario_api::text::hex;
use impresario_api::{Bar, DatasetView, QualityReport, QualityWarning, RowCounts};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::super::*;
use super::bar;

const DAY: i64 = 86_400_000;

fn day(number: i64, price: f64) -> Bar {
    bar(number * DAY, [price, price, price, price, 1.0])
}

/// Bars of these days, in this order, all at this price.
fn days(numbers: impl IntoIterator<Item = i64>, price: f64) -> Vec<Bar> {
    numbers
        .into_iter()
        .map(|number| day(number, price))
        .collect()
}

struct Stage {
    folder: TempDir,
    library: Library,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let library = Library::new(folder.path()).open().expect("a folder");
        Self { folder, library }
    }

    /// With the first bar on line 2.
    fn ordered(
        &self,
        bars: &[Bar],
        mode: LoadMode,
        duplicates: Duplicates,
    ) -> Result<Ordered, MarketError> {
        let mut loading = self.library.load("A", "1d", mode, duplicates)?;
        for (line, bar) in (2..).zip(bars) {
            loading.push(bar, line)?;
        }
        loading.order(|_| Ok(()))
    }

    fn load(&self, bars: &[Bar], mode: LoadMode) -> Result<(DatasetView, bool), MarketError> {
        self.ordered(bars, mode, Duplicates::Fail)?
            .publish("a.csv", None)
    }

    fn bars(&self) -> Vec<Bar> {
        self.library.read("A", "1d").expect("it is whole").bars
    }

    /// The names and the checksums of all datasets.
    fn files(&self) -> BTreeMap<String, String> {
        let sum = |name| {
            let bytes = fs::read(self.folder.path().join(&name)).expect("a file");
            (name, hex(&Sha256::digest(bytes)))
        };
        let names = self.names().into_iter();
        let whole = names.filter(|name| !name.ends_with(".partial"));
        whole.map(sum).collect()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("a folder");
        let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
        entries
            .map(|entry| name(entry).to_string_lossy().into_owned())
            .collect()
    }
}

fn report(warnings: usize) -> QualityReport {
    let warning = |number| QualityWarning {
        code: format!("CODE_{number}"),
        message: "Something is remarkable.".to_owned(),
        count: number as u64 + 1,
        places: Vec::new(),
    };
    QualityReport {
        file: "a.csv".to_owned(),
        read_as: Default::default(),
        rows: RowCounts::default(),
        warnings: (0..warnings).map(warning).collect(),
    }
}

#[test]
fn appended_bars_stand_behind_those_that_are_kept() {
    let stage = Stage::new();
    let (view, replaced) = stage
        .load(&days(0..5_000, 1.0), LoadMode::Append)
        .expect("none is kept");
    assert_eq!((view.rows, replaced), (5_000, false));
    let ordered = stage
        .ordered(
            &days((5_000..5_100).rev(), 2.0),
            LoadMode::Append,
            Duplicates::Fail,
        )
        .expect("all are later");
    assert_eq!(
        (ordered.counts().added, ordered.counts().replaced),
        (100, 0)
    );
    let (view, replaced) = ordered.publish("b.csv", None).expect("nobody else");
    assert_eq!(
        (view.rows, replaced, view.source.as_str()),
        (5_100, true, "b.csv")
    );
    let expected = [days(0..5_000, 1.0), days(5_000..5_100, 2.0)].concat();
    assert_eq!(stage.bars(), expected);
}

#[test]
fn a_bar_that_is_not_later_is_not_appended_and_nothing_changes() {
    let stage = Stage::new();
    stage
        .load(&days(0..10, 1.0), LoadMode::Replace)
        .expect("bars");
    let before = stage.files();
    for (bars, count, line) in [
        (vec![12, 9, 8, 11], 2, 4),
        (vec![9], 1, 2),
        (vec![3, 30], 1, 2),
    ] {
        let error = stage
            .load(&days(bars, 2.0), LoadMode::Append)
            .expect_err("not later");
        assert_eq!((error.code(), error.retryable()), ("NOT_LATER", false));
        let details = impresario::operation::Refusal::from(error)
            .details
            .expect("details");
        assert_eq!(
            (&details["count"], &details["line"]),
            (&count.into(), &line.into())
        );
        assert_eq!(details["last"], "1970-01-10T00:00:00.000Z");
    }
    assert_eq!(stage.files(), before);
}

#[test]
fn merged_bars_take_the_places_of_those_with_their_times() {
    let stage = Stage::new();
    stage
        .load(&days((0..20).step_by(2), 1.0), LoadMode::Replace)
        .expect("bars");
    let new = days([7, 4, 30, -5, 8], 2.0);
    let ordered = stage
        .ordered(&new, LoadMode::Merge, Duplicates::Fail)
        .expect("bars");
    assert_eq!((ordered.counts().added, ordered.counts().replaced), (3, 2));
    ordered.publish("b.csv", None).expect("nobody else");
    let mut expected: BTreeMap<_, _> = days((0..20).step_by(2), 1.0)
        .into_iter()
        .chain(new)
        .map(|bar| (bar.timestamp, bar))
        .collect();
    assert_eq!(stage.bars(), expected.values().copied().collect::<Vec<_>>());
    // The times of the kept bars alone.
    let same = days((0..20).step_by(2), 3.0);
    stage.load(&same, LoadMode::Merge).expect("nobody else");
    expected.extend(same.into_iter().map(|bar| (bar.timestamp, bar)));
    assert_eq!(stage.bars(), expected.into_values().collect::<Vec<_>>());
}

#[test]
fn duplicates_are_refused_by_their_lines_or_left_out_as_asked() {
    let stage = Stage::new();
    let mut bars = days(0..40, 1.0);
    bars.extend(days((0..40).rev(), 2.0));
    bars.push(day(5, 3.0));
    let ordered = stage
        .ordered(&bars, LoadMode::Replace, Duplicates::Fail)
        .expect("duplicates are told as data");
    let told = ordered.duplicates().clone();
    assert_eq!((told.count, told.first.len()), (41, 20));
    assert_eq!((told.first[0].line, told.first[0].first_line), (42, 41));
    let error = ordered.publish("a.csv", None).expect_err("they are faults");
    assert_eq!(error.code(), "BAD_ROW");
    assert!(error.to_string().contains("line 42"), "{error}");
    assert!(stage.files().is_empty());
    for (duplicates, price, fifth) in [(Duplicates::First, 1.0, 1.0), (Duplicates::Last, 2.0, 3.0)]
    {
        let ordered = stage
            .ordered(&bars, LoadMode::Replace, duplicates)
            .expect("bars");
        assert_eq!(
            (ordered.duplicates().count, ordered.counts().added),
            (41, 40)
        );
        ordered.publish("a.csv", None).expect("nobody else");
        let mut expected = days(0..40, price);
        expected[5] = day(5, fifth);
        assert_eq!(stage.bars(), expected);
    }
}

#[test]
fn a_load_of_what_has_changed_meanwhile_is_to_be_tried_again() {
    let stage = Stage::new();
    let join = |mode| {
        stage
            .ordered(&days(20..30, 2.0), mode, Duplicates::Fail)
            .expect("bars")
    };
    for mode in [LoadMode::Append, LoadMode::Merge] {
        fs::remove_file(stage.folder.path().join("A_1d.bars")).ok();
        // One that began when nothing was kept, and one when there was something else.
        for _ in 0..2 {
            let late = join(mode);
            stage
                .load(&days(0..10, 1.0), LoadMode::Replace)
                .expect("bars");
            let before = stage.files();
            let error = late
                .publish("late.csv", None)
                .expect_err("it has not seen those bars");
            assert_eq!((error.code(), error.retryable()), ("DATASET_BUSY", true));
            assert_eq!(stage.files(), before);
        }
        let late = join(mode);
        fs::remove_file(stage.folder.path().join("A_1d.bars")).expect("it is there");
        let error = late.publish("late.csv", None).expect_err("it was removed");
        assert_eq!(error.code(), "DATASET_BUSY");
        assert!(stage.files().is_empty());
        // The next attempt sees what there is.
        stage
            .load(&days(0..10, 1.0), LoadMode::Replace)
            .expect("bars");
        join(mode).publish("late.csv", None).expect("nobody else");
        assert_eq!(stage.bars().len(), 20);
    }
    // What replaces everything looks at nothing.
    let late = stage
        .ordered(&days(0..3, 1.0), LoadMode::Replace, Duplicates::Fail)
        .expect("bars");
    stage
        .load(&days(0..10, 1.0), LoadMode::Replace)
        .expect("bars");
    late.publish("late.csv", None).expect("the last one wins");
    assert_eq!(stage.bars(), days(0..3, 1.0));
}

#[test]
fn damaged_bars_are_not_joined_and_can_be_replaced() {
    let stage = Stage::new();
    stage
        .load(&days(0..10, 1.0), LoadMode::Replace)
        .expect("bars");
    let path = stage.folder.path().join("A_1d.bars");
    let mut bytes = fs::read(&path).expect("a file");
    bytes[4_096 + 8] ^= 1;
    fs::write(&path, bytes).expect("a file");
    for mode in [LoadMode::Append, LoadMode::Merge] {
        let error = stage
            .load(&days(20..30, 2.0), mode)
            .expect_err("it is damaged");
        assert_eq!(error.code(), "DATA_DAMAGED");
    }
    stage
        .load(&days(20..30, 2.0), LoadMode::Replace)
        .expect("bars");
    assert_eq!(stage.bars(), days(20..30, 2.0));
}

#[test]
fn what_is_not_published_is_shown_and_changes_nothing() {
    let stage = Stage::new();
    stage
        .load(&days(0..10, 1.0), LoadMode::Replace)
        .expect("bars");
    let before = stage.files();
    for mode in [LoadMode::Replace, LoadMode::Append, LoadMode::Merge] {
        let new = days([25, 24, 23, 22, 21, 20, 26], 2.0);
        let ordered = stage.ordered(&new, mode, Duplicates::Fail).expect("bars");
        let preview = ordered.preview().expect("it can be read").expect("bars");
        let all = match mode {
            LoadMode::Replace => days(20..27, 2.0),
            _ => [days(0..10, 1.0), days(20..27, 2.0)].concat(),
        };
        assert_eq!(preview.rows, all.len() as u64);
        assert_eq!(
            (preview.first.as_slice(), preview.last.as_slice()),
            (&all[..5], &all[all.len() - 5..])
        );
        assert_eq!(
            (preview.start, preview.end),
            (all[0].timestamp, all[all.len() - 1].timestamp)
        );
        let codes: Vec<_> = ordered
            .warnings()
            .iter()
            .map(|warning| &*warning.code)
            .collect();
        assert!(codes.contains(&"ORDER_CHANGED"), "{codes:?}");
    }
    let few_ordered = stage
        .ordered(&days([3, 1], 1.0), LoadMode::Replace, Duplicates::Fail)
        .expect("bars");
    let few = few_ordered
        .preview()
        .expect("it can be read")
        .expect("bars");
    assert_eq!(
        (few.first, few.last),
        (days([1, 3], 1.0), days([1, 3], 1.0))
    );
    let none = stage
        .ordered(&[], LoadMode::Replace, Duplicates::Fail)
        .expect("no bars");
    assert!(none.preview().expect("nothing to read").is_none());
    drop((few_ordered, none));
    assert_eq!(stage.files(), before);
    assert_eq!(stage.names(), ["A_1d.bars"]);
}

#[test]
fn bars_of_another_timeframe_are_doubted() {
    let stage = Stage::new();
    let doubts = |numbers: Vec<i64>, mode| {
        let ordered = stage
            .ordered(&days(numbers, 1.0), mode, Duplicates::Fail)
            .expect("bars");
        ordered
            .doubts()
            .iter()
            .map(|doubt| doubt.code.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        doubts((0..100).step_by(7).collect(), LoadMode::Replace),
        ["SPACING_UNEXPECTED"]
    );
    assert_eq!(
        doubts(
            (0..15).rev().map(|week| week * 7).collect(),
            LoadMode::Replace
        ),
        ["SPACING_UNEXPECTED"]
    );
    assert!(doubts((0..100).collect(), LoadMode::Merge).is_empty());
    stage
        .load(&days(0..10, 1.0), LoadMode::Replace)
        .expect("bars");
    assert!(doubts((10..100).step_by(7).collect(), LoadMode::Merge).is_empty());
}

#[test]
fn the_report_is_kept_beside_the_bars_and_damage_of_it_is_told() {
    let stage = Stage::new();
    let ordered = stage
        .ordered(&days(0..10, 1.0), LoadMode::Replace, Duplicates::Fail)
        .expect("bars");
    let (view, _) = ordered.publish("a.csv", Some(&report(3))).expect("bars");
    let path = stage.folder.path().join("A_1d.bars");
    assert_eq!(view.bytes, fs::metadata(&path).expect("a file").len());
    assert_eq!(view, stage.library.find("A", "1d").expect("it is there"));
    let counts: Vec<_> = view
        .warnings
        .iter()
        .map(|one| (one.code.as_str(), one.count))
        .collect();
    assert_eq!(counts, [("CODE_0", 1), ("CODE_1", 2), ("CODE_2", 3)]);
    assert_eq!(
        stage.library.report("A", "1d").expect("it is whole"),
        Some(report(3))
    );
    assert_eq!(stage.bars(), days(0..10, 1.0));
    let whole = fs::read(&path).expect("a file");
    let mut flipped = whole.clone();
    flipped[4_096 + 480 + 20] ^= 1;
    fs::write(&path, flipped).expect("a file");
    let error = stage.library.report("A", "1d").expect_err("it is damaged");
    assert_eq!(error.code(), "DATA_DAMAGED");
    assert_eq!(stage.bars(), days(0..10, 1.0), "the bars are whole");
    fs::write(&path, &whole[..whole.len() - 1]).expect("a file");
    assert_eq!(
        stage.library.find("A", "1d").expect_err("it is cut").code(),
        "DATA_DAMAGED"
    );
    // A later load has a report of its own.
    stage
        .load(&days(20..30, 1.0), LoadMode::Replace)
        .expect("bars");
    assert_eq!(stage.library.report("A", "1d").expect("it is whole"), None);
    let missing = stage.library.report("B", "1d").expect_err("there is none");
    assert_eq!(missing.code(), "DATA_NOT_FOUND");
}

#[test]
fn a_report_longer_than_any_is_refused_before_anything_changes() {
    let stage = Stage::new();
    let ordered = stage
        .ordered(&days(0..10, 1.0), LoadMode::Replace, Duplicates::Fail)
        .expect("bars");
    let mut long = report(1);
    long.file = "a".repeat(1 << 21);
    let error = ordered
        .publish("a.csv", Some(&long))
        .expect_err("it is too long");
    assert_eq!(error.code(), "STORAGE_FAILED");
    assert!(stage.files().is_empty());
}

/// A file as version 0.2 wrote it.
#[test]
fn files_of_the_first_version_are_read_and_have_no_report() {
    let stage = Stage::new();
    stage
        .load(&days(0..10, 1.0), LoadMode::Replace)
        .expect("bars");
    let path = stage.folder.path().join("A_1d.bars");
    let bytes = fs::read(&path).expect("a file");
    let records = &bytes[4_096..];
    let json = format!(
        r#"{{"symbol":"A","timeframe":"1d","rows":10,"start":"1970-01-01T00:00:00.000Z","end":"1970-01-10T00:00:00.000Z","bytes":4576,"sha256":"{}","source":"a.csv","loaded_at":"2026-01-01T00:00:00.000Z"}}"#,
        hex(&Sha256::digest(records))
    );
    let mut old = format!(
        "impresario-bars 1 {}\n{json}\n",
        hex(&Sha256::digest(&json))
    )
    .into_bytes();
    old.resize(4_096, 0);
    old.extend_from_slice(records);
    fs::write(&path, old).expect("a file");
    assert_eq!(stage.bars(), days(0..10, 1.0));
    let view = stage.library.find("A", "1d").expect("it is whole");
    assert_eq!((view.holes, view.warnings), (None, Vec::new()));
    assert_eq!(stage.library.report("A", "1d").expect("none"), None);
    stage
        .load(&days(10..20, 1.0), LoadMode::Append)
        .expect("all are later");
    assert_eq!(stage.bars(), days(0..20, 1.0));
}

#[test]
fn an_error_while_bars_are_joined_ends_the_work() {
    #[derive(Debug)]
    enum Ended {
        Market(#[expect(dead_code, reason = "shown if the test fails")] MarketError),
        Told(u64),
    }
    impl From<MarketError> for Ended {
        fn from(error: MarketError) -> Self {
            Self::Market(error)
        }
    }
    let stage = Stage::new();
    stage
        .load(&days(0..20_000, 1.0), LoadMode::Replace)
        .expect("bars");
    let before = stage.files();
    let mut loading = stage
        .library
        .load("A", "1d", LoadMode::Merge, Duplicates::Fail)
        .expect("a name");
    loading.push(&day(5, 2.0), 2).expect("it can be written");
    let ended = loading.order(|done| Err(Ended::Told(done)));
    assert!(matches!(ended, Err(Ended::Told(4_096))), "{ended:?}");
    drop(ended);
    assert_eq!(stage.files(), before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_loads_in_any_modes_give_what_a_map_gives(
        loads in proptest::collection::vec((proptest::collection::vec(0_i64..60, 1..40), 0_usize..3, any::<bool>()), 1..5),
    ) {
        let stage = Stage::new();
        let mut expected: BTreeMap<i64, f64> = BTreeMap::new();
        let mut price = 0.0;
        for (numbers, mode, last) in loads {
            let mode = [LoadMode::Replace, LoadMode::Append, LoadMode::Merge][mode];
            let duplicates = if last { Duplicates::Last } else { Duplicates::First };
            let mut new = BTreeMap::new();
            let mut bars = Vec::new();
            for number in numbers {
                price += 1.0;
                bars.push(day(number, price));
                if last || !new.contains_key(&number) {
                    new.insert(number, price);
                }
            }
            let kept_end = expected.keys().next_back().copied();
            let is_late = kept_end.is_none_or(|end| new.keys().all(|number| *number > end));
            let ordered = stage.ordered(&bars, mode, duplicates);
            if mode == LoadMode::Append && !is_late {
                prop_assert_eq!(ordered.expect_err("not later").code(), "NOT_LATER");
                continue;
            }
            let ordered = ordered.expect("bars");
            prop_assert_eq!(ordered.duplicates().count as usize, bars.len() - new.len());
            if mode == LoadMode::Replace {
                expected.clear();
            }
            let replaced = new.keys().filter(|number| expected.contains_key(number)).count() as u64;
            prop_assert_eq!(ordered.counts(), LoadCounts { added: new.len() as u64 - replaced, replaced });
            expected.extend(new);
            let (view, _) = ordered.publish("a.csv", None).expect("nobody else");
            prop_assert_eq!(view.rows as usize, expected.len());
            let bars: Vec<_> = expected.iter().map(|(number, price)| day(*number, *price)).collect();
            prop_assert_eq!(stage.bars(), bars);
            prop_assert_eq!(stage.names(), ["A_1d.bars"]);
        }
    }
}
