//! Numbers for people: durations, counts, rates, sizes.

use impresario_api::{StepProgress, Timestamp};

/// `1,204`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `23/50`, or `23` where there is no total.
pub(crate) fn step_count(step: &StepProgress) -> String {
    match step.total {
        Some(total) => format!("{}/{total}", step.current),
        None => step.current.to_string(),
    }
}

/// Whole seconds, neither negative nor infinite.
fn whole(seconds: f64) -> u64 {
    // NaN stays NaN here, and `as` turns it into 0.
    seconds.clamp(0.0, 1e12) as u64
}

/// A clock whose width does not change: `0:01:40`; with days if there are many hours.
pub(crate) fn clock(seconds: f64) -> String {
    let all = whole(seconds);
    if all >= 360_000 {
        return format!("{} d", thousands(all / 86_400));
    }
    format!("{}:{:02}:{:02}", all / 3600, all / 60 % 60, all % 60)
}

/// A duration in a sentence: `3 ms`, `4.2 s`, `1 m 29 s`, `2 h 05 m`, `3 d 04 h`.
pub(crate) fn span(seconds: f64) -> String {
    spell(seconds, " ")
}

/// A duration in a column: `3ms`, `4.2s`, `1m29s`, `2h05m`, `3d04h`.
pub(crate) fn short(seconds: f64) -> String {
    spell(seconds, "")
}

fn spell(seconds: f64, gap: &str) -> String {
    let all = whole(seconds);
    let two =
        |a: u64, unit: &str, b: u64, small: &str| format!("{a}{gap}{unit}{gap}{b:02}{gap}{small}");
    match all {
        0 => format!("{}{gap}ms", (seconds.max(0.0) * 1000.0) as u64),
        1..10 => format!("{:.1}{gap}s", (seconds * 10.0).floor() / 10.0),
        10..60 => format!("{all}{gap}s"),
        60..3_600 => two(all / 60, "m", all % 60, "s"),
        3_600..86_400 => two(all / 3_600, "h", all / 60 % 60, "m"),
        _ => two(all / 86_400, "d", all / 3_600 % 24, "h"),
    }
}

/// An age in one unit, which is exact enough.
pub(crate) fn age(seconds: f64) -> String {
    match whole(seconds) {
        all @ 0..60 => format!("{all}s"),
        all @ 60..3_600 => format!("{}m", all / 60),
        all @ 3_600..86_400 => format!("{}h", all / 3_600),
        all => format!("{}d", all / 86_400),
    }
}

/// ` 46 %`, five columns.
pub(crate) fn percent(percentage: f64) -> String {
    // This is rounded down, because 100 % means complete.
    format!("{:>3} %", percentage.clamp(0.0, 100.0) as u64)
}

/// A rate in about three digits: `8,214`, `53.1`, `0.42`.
pub(crate) fn rate(per_second: f64) -> String {
    match per_second {
        r if r >= 100.0 => thousands(r as u64),
        r if r >= 10.0 => format!("{r:.1}"),
        r => format!("{:.2}", r.max(0.0)),
    }
}

/// A percentile in milliseconds, or a sign for none.
pub(crate) fn millis(ms: Option<f64>) -> String {
    match ms {
        None => "–".to_owned(),
        Some(ms) if ms < 10.0 => format!("{ms:.1} ms"),
        Some(ms) => format!("{} ms", thousands(ms as u64)),
    }
}

/// `12.4 MB`.
pub(crate) fn bytes(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if size < 1000.0 {
            let digits = usize::from(unit != "B" && size < 100.0);
            return format!("{size:.digits$} {unit}");
        }
        size /= 1000.0;
    }
    format!("{size:.1} TB")
}

/// `4th`.
pub(crate) fn ordinal(number: u64) -> String {
    let end = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{}{end}", thousands(number))
}

/// `2026-01-31 12:00:01 UTC`.
pub(crate) fn date(time: Timestamp) -> String {
    let text = time.to_string();
    match text.split_once('T') {
        Some((day, rest)) => format!("{day} {} UTC", rest.get(..8).unwrap_or(rest)),
        None => text,
    }
}

/// `1 bar`, `2,148 bars`.
pub(crate) fn counted(number: u64, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        many => format!("{} {}", thousands(many), plural(one)),
    }
}

/// `2026-01-31`.
fn day(time: Timestamp) -> String {
    let text = time.to_string();
    text.split_once('T')
        .map_or(text.clone(), |(day, _)| day.to_owned())
}

/// `2026-01-31 12:00`.
pub(crate) fn minute(time: Timestamp) -> String {
    let text = date(time);
    text.get(..text.len().saturating_sub(7))
        .map_or(text.clone(), str::to_owned)
}

/// How times of market data are written: as dates if all of them are whole days of UTC, otherwise with
/// minutes, because a dataset may begin at 23:00.
pub(crate) fn instants(times: impl IntoIterator<Item = Timestamp>) -> fn(Timestamp) -> String {
    match times.into_iter().all(is_day) {
        true => day,
        false => minute,
    }
}

fn is_day(time: Timestamp) -> bool {
    time.as_millis() % 86_400_000 == 0
}

/// `2004-08-19 to 2013-03-01`, or both with minutes and the zone.
pub(crate) fn period(first: Timestamp, last: Timestamp) -> String {
    let instant = instants([first, last]);
    let zone = match [first, last].into_iter().all(is_day) {
        true => "",
        false => " UTC",
    };
    format!("{} to {}{zone}", instant(first), instant(last))
}

/// 0.531 as `53.1 %`.
pub(crate) fn share(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// `iteration` → `iterations`.
pub(crate) fn plural(word: &str) -> String {
    let hisses = ["s", "x", "ch", "sh"].iter().any(|end| word.ends_with(end));
    // In "epoch", "ch" is pronounced as k.
    let hisses = hisses && !word.ends_with("poch");
    format!("{word}{}", if hisses { "es" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_of_steps_has_its_total_if_that_is_known() {
        for (total, text) in [(Some(50), "23/50"), (None, "23")] {
            let step = StepProgress {
                name: "epoch".to_owned(),
                current: 23,
                total,
            };
            assert_eq!(step_count(&step), text);
        }
    }

    #[test]
    fn spans_take_the_unit_that_fits() {
        for (seconds, text) in [
            (-1.0, "0 ms"),
            (0.0034, "3 ms"),
            (2.19, "2.1 s"),
            (9.99, "9.9 s"),
            (41.9, "41 s"),
            (89.0, "1 m 29 s"),
            (7_500.0, "2 h 05 m"),
            (273_600.0, "3 d 04 h"),
            (f64::NAN, "0 ms"),
        ] {
            assert_eq!(span(seconds), text, "{seconds}");
            assert_eq!(short(seconds), text.replace(' ', ""), "{seconds}");
        }
        assert!(span(f64::INFINITY).contains('d'));
    }

    #[test]
    fn counts_rates_sizes_and_places() {
        assert_eq!(thousands(0), "0");
        assert_eq!(
            (counted(1, "bar"), counted(0, "bar")),
            ("1 bar".into(), "0 bars".into())
        );
        assert_eq!(thousands(1_204), "1,204");
        assert_eq!(thousands(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(clock(100.9), "0:01:40");
        assert_eq!(clock(-3.0), "0:00:00");
        assert_eq!(clock(1e6), "11 d");
        assert_eq!(percent(99.99), " 99 %");
        assert_eq!(percent(f64::NAN), "  0 %");
        assert_eq!(rate(8_214.7), "8,214");
        assert_eq!(rate(0.421), "0.42");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(12_400_000), "12.4 MB");
        assert_eq!(ordinal(1), "1st");
        assert_eq!(ordinal(12), "12th");
        assert_eq!(ordinal(23), "23rd");
        assert_eq!(age(3_700.0), "1h");
        assert_eq!(millis(None), "–");
        let zero = Timestamp::from_millis(0);
        assert_eq!(date(zero), "1970-01-01 00:00:00 UTC");
        assert_eq!(minute(zero), "1970-01-01 00:00");
        assert_eq!(day(zero), "1970-01-01");
        let evening = Timestamp::from_millis(23 * 3_600_000);
        assert_eq!(period(zero, zero), "1970-01-01 to 1970-01-01");
        assert_eq!(
            period(zero, evening),
            "1970-01-01 00:00 to 1970-01-01 23:00 UTC"
        );
        assert_eq!(share(0.5312), "53.1 %");
    }
}
