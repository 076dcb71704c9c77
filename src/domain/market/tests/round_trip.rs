//! Any bars that are written as CSV are read back bit by bit.

use proptest::prelude::*;

use super::*;

/// Any finite number.
fn number() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("finite", |number| number.is_finite())
}

/// Any bars: times ascend by any number of minutes, prices are sorted into their places.
fn bars() -> impl Strategy<Value = Vec<Bar>> {
    let one = (
        1_i64..500_000,
        [number(), number(), number(), number()],
        number(),
        any::<bool>(),
    );
    proptest::collection::vec(one, 1..40).prop_map(|rows| {
        let mut millis = -49_999_980_000_i64;
        let next = |(step, mut prices, volume, falls): (i64, [f64; 4], f64, bool)| {
            millis += step * 60_000;
            prices.sort_by(f64::total_cmp);
            let [low, a, b, high] = prices;
            let (open, close) = if falls { (b, a) } else { (a, b) };
            bar(millis, [open, high, low, close, volume.abs()])
        };
        rows.into_iter().map(next).collect()
    })
}

/// The forms in which a time can be written without a loss.
fn written(time: Timestamp, how: u8) -> String {
    let text = time.to_string();
    let millis = time.as_millis();
    match how {
        0 => text,
        1 => text.replace('T', " ").replace('Z', ""),
        2 => text.replace('Z', "+00:00"),
        _ => {
            let sign = if millis < 0 { "-" } else { "" };
            let millis = millis.unsigned_abs();
            format!("{sign}{}.{:03}", millis / 1_000, millis % 1_000)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bars_come_back_bit_by_bit(bars in bars(), how in 0_u8..4, crlf in any::<bool>(), quoted in any::<bool>()) {
        let (quote, end) = (if quoted { "\"" } else { "" }, if crlf { "\r\n" } else { "\n" });
        let row = |bar: &Bar| {
            let numbers = [bar.open, bar.high, bar.low, bar.close, bar.volume].map(|number| number.to_string());
            format!("{quote}{}{quote},{}{end}", written(bar.timestamp, how), numbers.join(","))
        };
        let text = format!("{}{end}{}", HEADER.trim_end(), bars.iter().map(row).collect::<String>());
        let bits = |bar: &Bar| (bar.timestamp, [bar.open, bar.high, bar.low, bar.close, bar.volume].map(f64::to_bits));
        let world = World::new(text);
        let minutes = DataLoadParams {
            file: Some("A_1d.csv".to_owned()),
            accept_doubts: vec!["SPACING_UNEXPECTED".to_owned()],
            ..DataLoadParams::new("A", "1m".parse().expect("a timeframe"))
        };
        let ended = testing::run(&world.load, minutes).end();
        prop_assert_eq!(ended.status(), Status::Completed, "{:?}", ended.error());
        let back = world.library.read("A", "1m").expect("it was loaded").bars;
        prop_assert_eq!(back.iter().map(bits).collect::<Vec<_>>(), bars.iter().map(bits).collect::<Vec<_>>());
    }
}
