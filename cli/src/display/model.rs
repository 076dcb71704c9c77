//! Trained models. A score is always shown beside the baselines of the same rows.

mod card;
mod list;
mod origin;
mod prediction;

pub(crate) use card::card;
pub(crate) use list::list;
pub(crate) use prediction::{Given, prediction};

use impresario_api::TestReport;

use super::numbers::{share, thousands};
use super::text::clean;

/// `52.8 %  (majority class 52.1 %, last direction 49.7 %): 0.7 points above the better baseline`
pub(crate) fn verdict(test: &TestReport) -> String {
    format!(
        "{}  (majority class {}, last direction {}): {}",
        share(test.model.accuracy),
        share(test.baselines.majority_class.accuracy),
        share(test.baselines.last_direction.accuracy),
        comparison(test)
    )
}

/// The difference between the model's accuracy and that of the better baseline.
pub(crate) fn lead(test: &TestReport) -> f64 {
    let (majority, last) = (
        test.baselines.majority_class.accuracy,
        test.baselines.last_direction.accuracy,
    );
    test.model.accuracy - majority.max(last)
}

/// The comparison with the better baseline, in words.
pub(crate) fn comparison(test: &TestReport) -> String {
    let lead = lead(test);
    // A difference that is rounded to 0 would look like no difference.
    let points = match lead.abs() * 100.0 {
        small if small < 0.05 => format!("{small:.2}"),
        points => format!("{points:.1}"),
    };
    if lead > 0.0 {
        format!("{points} points above the better baseline")
    } else if lead < 0.0 {
        format!("is not above the better baseline, {points} points below it")
    } else {
        "is not above the better baseline, level with it".to_owned()
    }
}

/// `21 of 31, stopped early after 10 without improvement`
pub(crate) fn ended(best: u64, run: u64, why: &str, patience: Option<u64>) -> String {
    let why = match (why, patience) {
        ("epochs", _) => "every epoch was run".to_owned(),
        ("patience", Some(patience)) => {
            format!(
                "stopped early after {} without improvement",
                thousands(patience)
            )
        }
        ("patience", None) => "stopped early without improvement".to_owned(),
        ("finish", _) => "finished early because somebody asked".to_owned(),
        (other, _) => format!("ended by {}", clean(other)),
    };
    format!("{} of {}, {why}", thousands(best), thousands(run))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::sample;

    #[test]
    fn one_that_is_not_above_the_better_baseline_is_told_so() {
        let mut test = sample::test_report();
        for (accuracy, said) in [
            (0.528, "0.7 points above the better baseline"),
            (0.5212, "0.02 points above the better baseline"),
            (0.521, "is not above the better baseline, level with it"),
            (0.5, "is not above the better baseline, 2.1 points below it"),
        ] {
            test.model.accuracy = accuracy;
            assert_eq!(comparison(&test), said);
        }
        assert_eq!(
            verdict(&sample::test_report()),
            "52.8 %  (majority class 52.1 %, last direction 49.7 %): 0.7 points above the better baseline"
        );
    }

    #[test]
    fn why_it_ended() {
        for (why, patience, said) in [
            (
                "patience",
                Some(10),
                "21 of 31, stopped early after 10 without improvement",
            ),
            (
                "patience",
                None,
                "21 of 31, stopped early without improvement",
            ),
            ("epochs", Some(10), "21 of 31, every epoch was run"),
            (
                "finish",
                Some(10),
                "21 of 31, finished early because somebody asked",
            ),
            ("x\u{1b}", None, "21 of 31, ended by x\u{fffd}"),
        ] {
            assert_eq!(ended(21, 31, why, patience), said);
        }
    }
}
