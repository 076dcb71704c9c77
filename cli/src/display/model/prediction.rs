//! The prediction of a model.

use impresario_api::{Bar, ModelCard, Prediction};

use super::comparison;
use crate::display::end::{Fact, render};
use crate::display::numbers::{counted, date, share};
use crate::display::text::{clean, left, right, width, wrap};
use crate::display::{Look, Tone};

/// The longest bar. A longer one would not show more.
const LONGEST_BAR: usize = 24;

/// The input of a prediction.
pub(crate) struct Given<'a> {
    /// The source of the bars: a file or a dataset.
    pub(crate) source: String,
    pub(crate) bars: &'a [Bar],
}

/// The probabilities by class, with the model's scores.
pub(crate) fn prediction(
    answer: &Prediction,
    given: &Given,
    card: &ModelCard,
    look: Look,
) -> Vec<String> {
    let mut classes: Vec<_> = answer.probabilities.iter().collect();
    classes.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let named = |class: &str| clean(class).replace('_', " ");
    let likelier = classes.first().map(|(class, _)| named(class));
    let id = look.paint(Tone::Dim, &card.model_id.short());
    let likelier = look.paint(Tone::Strong, &likelier.unwrap_or_default());
    let mut lines = wrap(
        &format!("model  {id}  "),
        &format!("expects of the next bar: {likelier}"),
        look.width,
    );
    let names = classes.iter().map(|(class, _)| width(&named(class)));
    let names = names.max().unwrap_or(0);
    let columns = look.width.saturating_sub(names + 12).min(LONGEST_BAR);
    for (class, probability) in classes {
        let (name, bar) = (left(&named(class), names), bar(*probability, columns, look));
        let percent = right(&share(*probability), 7);
        lines.push(look.fit(&format!("  {name}  {bar} {percent}")));
    }
    lines.extend(render(&facts(given, card), look));
    lines
}

fn bar(probability: f64, columns: usize, look: Look) -> String {
    let done = (probability.clamp(0.0, 1.0) * columns as f64).round() as usize;
    let (done, rest) = ("━".repeat(done), "─".repeat(columns - done));
    format!(
        "{}{}",
        look.paint(Tone::Active, &done),
        look.paint(Tone::Dim, &rest)
    )
}

fn facts(given: &Given, card: &ModelCard) -> Vec<Fact> {
    let count = counted(given.bars.len() as u64, "bar");
    let last = given.bars.last().map(|bar| date(bar.timestamp));
    let data = &card.data;
    vec![
        Fact::new("after", &last.unwrap_or_default()),
        Fact::new("from", &format!("{count} of {}", given.source)),
        Fact::new(
            "worth",
            &format!(
                "test accuracy {} on {} {}, {}",
                share(card.test.model.accuracy),
                data.symbol,
                data.timeframe,
                comparison(&card.test)
            ),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use impresario_api::Timestamp;

    use super::*;
    use crate::display::sample::{self, look};

    #[test]
    fn a_prediction_at_two_widths() {
        let bar = Bar {
            timestamp: Timestamp::from_millis(1_362_096_000_000),
            open: 1.0,
            high: 1.0,
            low: 1.0,
            close: 1.0,
            volume: 0.0,
        };
        let bars = vec![bar; 1_000];
        let given = Given {
            source: "GOOG 1d".to_owned(),
            bars: &bars,
        };
        let probabilities = [("not_up", 0.4583), ("up", 0.5417)];
        let probabilities = probabilities.map(|(name, share)| (name.to_owned(), share));
        let answer = Prediction {
            probabilities: BTreeMap::from(probabilities),
        };
        for columns in [80, 40] {
            let lines = prediction(&answer, &given, &sample::card(), look(columns));
            insta::assert_snapshot!(format!("models_predict_{columns}"), lines.join("\n"));
        }
    }
}
