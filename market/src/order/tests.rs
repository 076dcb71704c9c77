use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn numbered(time: i64, line: u64) -> NumberedBar {
    let price = line as f64;
    let bar = Bar {
        timestamp: Timestamp::from_millis(time),
        open: price,
        high: price,
        low: price,
        close: price,
        volume: 0.0,
    };
    NumberedBar { bar, line }
}

struct Got {
    bars: Vec<NumberedBar>,
    duplicates: DuplicateRows,
    order: Order,
    is_straight: bool,
}

fn ordered(bars: &[NumberedBar], chunk: usize, taken: Taken) -> Got {
    let mut orderer = Orderer::with_chunk(Box::new(tempfile::tempfile), chunk);
    let mut straight = Vec::new();
    for one in bars {
        if orderer.push(&one.bar, one.line).expect("a file") {
            straight.push(one.bar);
        }
    }
    let (order, is_straight) = (orderer.order(), orderer.is_straight());
    assert_eq!(orderer.warning().is_some(), order != Order::Ascending);
    let straight = straight.into_iter().map(Ok);
    let mut merged = orderer.merged(straight, taken).expect("a file");
    let bars = merged.by_ref().map(|bar| bar.expect("a file")).collect();
    Got {
        bars,
        duplicates: merged.duplicates(),
        order,
        is_straight,
    }
}

/// The same, as simply as it can be said.
fn expected(bars: &[NumberedBar], taken: Taken) -> (Vec<NumberedBar>, Vec<DuplicateRow>) {
    let mut by_time: BTreeMap<i64, Vec<NumberedBar>> = BTreeMap::new();
    let mut duplicates = Vec::new();
    for one in bars {
        let same = by_time.entry(one.bar.timestamp.as_millis()).or_default();
        if let Some(first) = same.first() {
            duplicates.push(DuplicateRow {
                time: one.bar.timestamp,
                first_line: first.line,
                line: one.line,
            });
        }
        same.push(*one);
    }
    let pick = |same: &Vec<NumberedBar>| match taken {
        Taken::First => same[0],
        Taken::Last => same[same.len() - 1],
    };
    (by_time.values().map(pick).collect(), duplicates)
}

fn order(times: &[i64]) -> Order {
    if times.is_sorted() {
        Order::Ascending
    } else if times.iter().rev().is_sorted() {
        Order::Descending
    } else {
        Order::Unordered
    }
}

/// Times that rise, fall, or go anywhere, and lines with others between them.
fn rows() -> impl Strategy<Value = Vec<NumberedBar>> {
    let rows = proptest::collection::vec((-50_i64..50, 1_u64..4), 0..300);
    (rows, 0..4).prop_map(|(mut rows, how)| {
        match how {
            0 => rows.sort_unstable(),
            1 => rows.sort_unstable_by(|a, b| b.cmp(a)),
            2 => {
                rows.sort_unstable();
                rows.dedup_by_key(|row| row.0);
            }
            _ => {}
        }
        let mut line = 1;
        let row = |(time, further)| {
            line += further;
            numbered(time, line)
        };
        rows.into_iter().map(row).collect()
    })
}

proptest! {
    #[test]
    fn any_order_with_any_duplicates_in_any_chunks_gives_what_a_map_gives(
        rows in rows(), chunk in 1_usize..100, last in any::<bool>(),
    ) {
        let taken = if last { Taken::Last } else { Taken::First };
        let got = ordered(&rows, chunk, taken);
        let (bars, duplicates) = expected(&rows, taken);
        prop_assert_eq!(got.bars, bars);
        prop_assert_eq!(got.duplicates.count, duplicates.len() as u64);
        prop_assert_eq!(&got.duplicates.first[..], &duplicates[..duplicates.len().min(NAMED)]);
        let times: Vec<_> = rows.iter().map(|one| one.bar.timestamp.as_millis()).collect();
        prop_assert_eq!(got.order, order(&times));
        prop_assert_eq!(got.is_straight, times.is_sorted_by(|a, b| a < b));
    }
}

/// More changes of distance than are kept in memory.
#[test]
fn lines_at_changing_distances_are_remembered() {
    let mut line = 0;
    let mut rows = Vec::new();
    for time in 0..200_000 {
        line += 1 + u64::from(time % 2 == 0);
        rows.push(numbered(time, line));
    }
    let again = numbered(199_998, line + 1);
    rows.push(again);
    let got = ordered(&rows, 1_000, Taken::First);
    assert!(got.bars == rows[..200_000]);
    let named = DuplicateRow {
        time: again.bar.timestamp,
        first_line: rows[199_998].line,
        line: line + 1,
    };
    assert_eq!(got.duplicates.first, [named]);
}
