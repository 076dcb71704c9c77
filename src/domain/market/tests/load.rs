//! The operation: only a complete load changes anything.

use impresario_api::Verb;

use super::*;

fn many(rows: i64) -> String {
    let row = |day: i64| format!("{},10,12.5,9,{},100\n", day * 86_400, 10 + day % 2);
    std::iter::once(HEADER.to_owned())
        .chain((0..rows).map(row))
        .collect()
}

#[test]
fn progress_and_output_count_the_bars() {
    let world = World::new(many(10_000));
    let ended = world.ended();
    let progress = ended.progress();
    assert_eq!(
        (
            progress.items_processed,
            progress.items_total,
            progress.percentage
        ),
        (10_000, Some(10_000), 100.0)
    );
    assert_eq!(progress.message, "Loading A 1d: 10,000 bars");
    assert_eq!(
        (
            &*progress.context["symbol"],
            &*progress.context["timeframe"]
        ),
        ("A", "1d")
    );
    let output = ended.output().expect("it completed").clone();
    let view = world.library.find("A", "1d").expect("it was loaded");
    assert_eq!(
        (output.rows, output.replaced, &output.sha256),
        (10_000, Some(false), &Some(view.sha256))
    );
    assert_eq!(
        (output.start, output.end, output.bytes),
        (view.start, view.end, Some(view.bytes))
    );
    assert_eq!(view.source, "A_1d.csv");
    let again = world.ended();
    let again = again.output().expect("it completed");
    assert!(again.replaced == Some(true) && again.sha256 == output.sha256);
}

#[test]
fn half_way_the_percentage_follows_the_bytes() {
    let world = World::new(many(10_240));
    let ended = testing::run(&world.load, params(None))
        .stop_at_call(6, Verb::Cancel)
        .end();
    assert_eq!(ended.status(), Status::Cancelled);
    let progress = ended.progress();
    assert_eq!(progress.items_processed, 5_119);
    assert!((45.0..55.0).contains(&progress.percentage), "{progress:?}");
    assert!(
        progress
            .items_total
            .is_some_and(|total| (9_500..11_500).contains(&total)),
        "{progress:?}"
    );
}

#[test]
fn a_cancel_at_any_call_leaves_what_was_there_whole() {
    let world = World::new(format!("{HEADER}2004-08-19,2,3,1,2,5\n"));
    world.ended();
    let before = world.bars();
    fs::write(world.folder.path().join("import/A_1d.csv"), many(5_000)).expect("it can be written");
    let other = World::new(many(5_000));
    let calls = other.ended().calls();
    assert!(
        calls >= 5_000 / 1_024 + 2,
        "{calls} calls are too few to be stopped in"
    );
    for call in 1..=calls {
        let ended = testing::run(&world.load, params(None))
            .stop_at_call(call, Verb::Cancel)
            .end();
        assert_eq!(ended.status(), Status::Cancelled, "at call {call}");
        assert_eq!(world.bars(), before, "at call {call}");
        assert_eq!(world.kept(), 1, "at call {call}");
    }
    assert!(
        world
            .ended()
            .output()
            .is_some_and(|output| output.replaced == Some(true))
    );
    assert_eq!(world.bars().len(), 5_000);
}

#[test]
fn a_failure_leaves_what_was_there_whole() {
    let world = World::new(many(3));
    world.ended();
    let before = world.bars();
    let broken = format!("{}end\n", many(9_000));
    fs::write(world.folder.path().join("import/A_1d.csv"), broken).expect("it can be written");
    let ended = world.ended();
    assert_eq!(ended.error().expect("it failed").code, "BAD_ROW");
    assert_eq!((world.bars(), world.kept()), (before, 1));
}

#[test]
fn a_library_that_cannot_be_written_is_worth_another_attempt() {
    let world = World::new(many(3));
    let bars = world.folder.path().join("bars");
    fs::remove_dir(&bars).expect("it is empty");
    fs::write(&bars, "in the way").expect("it can be written");
    let ended = world.ended();
    assert_eq!(ended.status(), Status::Pending);
    let error = ended.error().expect("it failed");
    assert_eq!(
        (error.code.as_str(), error.retryable),
        ("STORAGE_FAILED", true)
    );
    assert!(error.message.contains("bars"), "{}", error.message);
}

#[test]
fn hourly_bars_are_no_daily_ones_unless_the_doubt_is_accepted() {
    let row = |hour: i64| format!("{},10,12.5,9,11,100\n", 1_600_000_000 + hour * 3_600);
    let text: String = std::iter::once(HEADER.to_owned())
        .chain((0..100).map(row))
        .collect();
    let world = World::new(&text);
    let (code, message) = world.fails();
    assert_eq!(code, "DATA_DOUBTFUL");
    assert!(message.contains("SPACING_UNEXPECTED"), "{message}");
    let ended = world.ended();
    let details = ended.error().and_then(|error| error.details.clone());
    let doubt = &details.expect("it says which")["doubts"][0];
    assert_eq!(doubt["code"], "SPACING_UNEXPECTED");
    assert!(doubt["instead"].is_string(), "{doubt}");
    let accepted = DataLoadParams {
        accept_doubts: ["SPACING_UNEXPECTED", "MOSTLY_DUPLICATES"]
            .map(str::to_owned)
            .to_vec(),
        duplicates: Duplicates::First,
        ..params(None)
    };
    let ended = testing::run(&world.load, accepted).end();
    let warnings = ended.warnings();
    let is_told = warnings
        .iter()
        .any(|warning| warning.0 == "SPACING_UNEXPECTED");
    assert!(is_told, "{warnings:?} {:?}", ended.error());
    assert!(World::new(many(100)).ended().warnings().is_empty());
}

#[test]
fn what_is_no_regular_file_is_damage_and_holds_nobody_up() {
    let world = World::new(format!("{HEADER}2004-08-19,2,3,1,2,5\n"));
    world.ended();
    let bars = world.folder.path().join("bars");
    let (whole, pipe) = (bars.join("A_1d.bars"), bars.join("B_1d.bars"));
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).expect("a pipe");
    std::os::unix::fs::symlink(&whole, bars.join("C_1d.bars")).expect("a link");
    for symbol in ["B", "C"] {
        let error = world.library.find(symbol, "1d").expect_err("it is no file");
        assert!(matches!(error, MarketError::Damaged { .. }), "{error}");
    }
    assert_eq!(world.library.list().expect("a list").len(), 1);
}

#[test]
fn a_file_that_somebody_writes_to_meanwhile_is_not_taken() {
    let world = World::new(many(5_000));
    let file = world.folder.path().join("import/A_1d.csv");
    let opened = fs::File::open(&file).expect("it is there");
    let state = import::state(&opened, "A_1d.csv").expect("it is readable");
    assert_eq!(import::state(&opened, "A_1d.csv").ok(), Some(state));
    fs::write(&file, many(5_001)).expect("it can be written");
    assert_ne!(import::state(&opened, "A_1d.csv").ok(), Some(state));
}
