//! One model: its data, its scores and its training.

use impresario_api::{EpochView, ModelCard, ModelData, Scores, Span, TestReport};
use serde_json::Value;

use super::origin::{origin, param};
use super::{comparison, ended};
use crate::display::end::{Fact, render};
use crate::display::metrics::figures;
use crate::display::numbers::{counted, date, period, share, thousands};
use crate::display::table::{numbers, table, words};
use crate::display::text::{clean, wrap};
use crate::display::{Look, Tone};

/// The most points of a curve. If there are more, neighbours are drawn as one.
const LONGEST_CURVE: usize = 40;
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

pub(crate) fn card(card: &ModelCard, look: Look) -> Vec<String> {
    let data = &card.data;
    let name = look.paint(Tone::Strong, "model");
    let id = look.paint(Tone::Dim, &card.model_id.short());
    let (symbol, timeframe) = (clean(&data.symbol), clean(&data.timeframe));
    let title = format!("{name}  {id}  MLP on {symbol} {timeframe}");
    let mut lines = vec![look.fit(&title)];
    lines.extend(render(&facts(card), look));
    lines.push(String::new());
    lines.extend(scores(&card.test, look));
    lines.push(String::new());
    lines.extend(confusion(&card.test, look));
    lines.extend(curves(card, look));
    let id = card.model_id.short();
    let next = [
        Fact::new(
            "next",
            &format!("impresario models predict {id}   of the newest bar"),
        ),
        Fact::new(
            "",
            &format!("impresario models verify {id}   trains it again, compares bits"),
        ),
    ];
    lines.push(String::new());
    lines.extend(render(&next, look));
    lines
}

fn facts(card: &ModelCard) -> Vec<Fact> {
    let data = &card.data;
    let digest = data.sha256.get(..16).unwrap_or(&data.sha256);
    let layers: Vec<_> = card.layers.iter().map(u32::to_string).collect();
    let features: Vec<_> = card.features.iter().map(|one| one.name.as_str()).collect();
    let versions = card
        .versions
        .iter()
        .map(|(name, one)| format!("{name} {one}"));
    let patience = card.params["patience"].as_u64();
    let run = card
        .history
        .last()
        .map_or(0, |epoch| u64::from(epoch.epoch));
    let (layers, weights) = (layers.join(" → "), thousands(card.weights));
    let (bars, times) = (counted(data.bars, "bar"), period(data.start, data.end));
    let best = ended(u64::from(card.best_epoch), run, &card.ended_by, patience);
    let mut facts = vec![
        Fact::new("id", &card.model_id.to_string()),
        Fact::new(
            "made",
            &format!("{}, on {}", date(card.created_at), card.device),
        ),
    ];
    facts.extend(origin(card));
    facts.push(Fact::new(
        "data",
        &format!("{bars}, {times}, sha256 {digest}…"),
    ));
    facts.extend(parts(data));
    facts.extend([
        Fact::new("layers", &format!("{layers}, {weights} weights")),
        Fact::new(
            "features",
            &format!("{}: {}", features.len(), features.join(", ")),
        ),
        Fact::new("params", &params(&card.params)),
        Fact::new("best epoch", &best),
        Fact::new("versions", &versions.collect::<Vec<_>>().join(", ")),
    ]);
    facts
}

/// The rows of each part, and its days if the card has them.
fn parts(data: &ModelData) -> Vec<Fact> {
    let names = ["train", "validation", "test"];
    let Some(dates) = &data.part_dates else {
        let [train, validation, test] = data.parts.map(thousands);
        let all = format!("train {train}, validation {validation}, test {test} rows");
        return vec![Fact::new("parts", &all)];
    };
    let each = names.into_iter().zip(data.parts).zip(dates);
    let fact = |((name, rows), days): ((&str, u64), &Span)| {
        let (rows, days) = (counted(rows, "row"), period(days.start, days.end));
        Fact::new(name, &format!("{rows}, {days}"))
    };
    each.map(fact).collect()
}

/// `epochs 50, batch size 32, …`, without the dataset, which is shown elsewhere.
fn params(params: &Value) -> String {
    let Some(params) = params.as_object() else {
        return String::new();
    };
    let known = ["symbol", "timeframe"];
    let told = params
        .iter()
        .filter(|(name, _)| !known.contains(&name.as_str()));
    let said = told.map(|(name, one)| param(name, one));
    said.collect::<Vec<_>>().join(", ")
}

fn scores(test: &TestReport, look: Look) -> Vec<String> {
    let columns = [
        words("TEST PART", 0),
        numbers("ACCURACY", 0),
        numbers("BALANCED", 1),
        numbers("LOG-LOSS", 2),
    ];
    let row = |name: &str, scores: &Scores| {
        [
            name.to_owned(),
            share(scores.accuracy),
            share(scores.balanced_accuracy),
            scores.log_loss.map_or("–".to_owned(), figures),
        ]
    };
    let rows = [
        row("the model", &test.model),
        row("majority class", &test.baselines.majority_class),
        row("last direction", &test.baselines.last_direction),
    ];
    let mut lines = table(&columns, &rows, look);
    let tone = match test.beats_baselines {
        true => Tone::Good,
        false => Tone::Warn,
    };
    let rows = format!("  {} rows: ", thousands(test.rows));
    let said = look.paint(tone, &comparison(test));
    lines.extend(wrap(&rows, &said, look.width));
    lines
}

fn confusion(test: &TestReport, look: Look) -> Vec<String> {
    let columns = [
        words("TRUE CLASS", 0),
        numbers("SAID NOT UP", 0),
        numbers("SAID UP", 0),
        numbers("RIGHT", 1),
    ];
    // The order of `classes` is not assumed.
    let at = |name: &str| test.classes.iter().position(|class| class == name);
    let (down, up) = (at("not_up").unwrap_or(0), at("up").unwrap_or(1));
    let row = |name: &str, class: usize| {
        let answers = test.confusion[class];
        let all = answers[0].saturating_add(answers[1]);
        let right = match all {
            0 => "–".to_owned(),
            all => share(answers[class] as f64 / all as f64),
        };
        let [down, up] = [down, up].map(|answer| thousands(answers[answer]));
        [name.to_owned(), down, up, right]
    };
    table(&columns, &[row("not up", down), row("up", up)], look)
}

/// The curves of the losses on one scale, so that they can be compared.
fn curves(card: &ModelCard, look: Look) -> Vec<String> {
    let history = &card.history;
    let (Some(first), Some(last)) = (history.first(), history.last()) else {
        return Vec::new();
    };
    let all = |loss: fn(&EpochView) -> f64| history.iter().map(loss).collect::<Vec<_>>();
    let [train, validation] = [all(|one| one.train_loss), all(|one| one.validation_loss)];
    let scale = Scale::of(train.iter().chain(&validation).copied());
    let columns = look.width.saturating_sub(16).clamp(1, LONGEST_CURVE);
    let from_to =
        |loss: fn(&EpochView) -> f64| format!("{} → {}", figures(loss(first)), figures(loss(last)));
    let best = history.iter().find(|one| one.epoch == card.best_epoch);
    let best = best.map(|one| format!(", best {} @ {}", figures(one.validation_loss), one.epoch));
    let facts = [
        Fact::new(
            "train loss",
            &format!(
                "{}  {}",
                scale.curve(&train, columns),
                from_to(|one| one.train_loss)
            ),
        ),
        Fact::new(
            "val loss",
            &format!(
                "{}  {}{}",
                scale.curve(&validation, columns),
                from_to(|one| one.validation_loss),
                best.unwrap_or_default()
            ),
        ),
    ];
    let mut lines = vec![String::new()];
    lines.extend(render(&facts, look));
    lines
}

/// The range from the least to the greatest value.
struct Scale {
    least: f64,
    most: f64,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let start = Self {
            least: f64::INFINITY,
            most: f64::NEG_INFINITY,
        };
        values.fold(start, |scale, value| Self {
            least: scale.least.min(value),
            most: scale.most.max(value),
        })
    }

    /// A line of small bars; each is the mean of neighbours if there are more values than `columns`.
    fn curve(&self, values: &[f64], columns: usize) -> String {
        let span = self.most - self.least;
        let height = |mean: f64| match (mean - self.least) / span {
            // If all values are equal, the height is undefined.
            part if part.is_finite() => (part * 7.0).round().clamp(0.0, 7.0) as usize,
            _ => 0,
        };
        let columns = columns.min(values.len());
        let group = |at: usize| {
            let place = |at: usize| at * values.len() / columns;
            let group = &values[place(at)..place(at + 1)];
            group.iter().sum::<f64>() / group.len() as f64
        };
        (0..columns).map(|at| HEIGHTS[height(group(at))]).collect()
    }
}

#[cfg(test)]
mod tests {
    use impresario_api::ModelAncestor;

    use super::*;
    use crate::display::sample::{self, look};

    #[test]
    fn a_card_at_two_widths() {
        for columns in [80, 40] {
            let lines = card(&sample::card(), look(columns));
            insta::assert_snapshot!(format!("models_show_{columns}"), lines.join("\n"));
        }
        let lines = card(&sample::resumed_card(), look(80));
        insta::assert_snapshot!("models_show_resumed", lines.join("\n"));
    }

    #[test]
    fn of_what_an_old_card_does_not_have_nothing_is_shown() {
        let lines = card(&sample::card(), look(80)).join("\n");
        for label in [
            "operation",
            "labels",
            "began",
            "went on",
            "machine",
            "revision",
        ] {
            assert!(!lines.contains(label), "{label}: {lines}");
        }
    }

    #[test]
    fn of_many_places_the_first_and_the_last_are_shown() {
        let mut often = sample::resumed_card();
        let last = often.ancestry[1].clone();
        often.ancestry.extend((0..996).map(|at| ModelAncestor {
            run: 3 + at,
            ..last.clone()
        }));
        let lines = card(&often, look(100));
        let shown = lines.iter().filter(|line| line.contains(" run ")).count();
        assert_eq!(shown, 6, "{lines:?}");
        let text = lines.join("\n");
        assert!(
            text.contains("993 times more") && text.contains("run 998,"),
            "{text}"
        );
    }

    #[test]
    fn a_curve_falls_and_fits() {
        let falling: Vec<_> = (0..100).rev().map(f64::from).collect();
        let scale = Scale::of(falling.iter().copied());
        assert_eq!(scale.curve(&falling, 8), "█▇▆▅▄▃▂▁");
        assert_eq!(Scale::of([3.0].into_iter()).curve(&[3.0], 8), "▁");
        assert_eq!(
            Scale::of([0.0, 7.0].into_iter()).curve(&[0.0, 7.0], 8),
            "▁█"
        );
        assert_eq!(scale.curve(&[], 8), "");
    }
}
