//! The list of models.

use impresario_api::ModelRow;

use super::lead;
use crate::display::numbers::{minute, share, thousands};
use crate::display::table::{numbers, table, words};
use crate::display::text::wrap;
use crate::display::{Look, Tone};

pub(crate) fn list(models: &[ModelRow], look: Look) -> Vec<String> {
    if models.is_empty() {
        let lines = [
            "no models here; one is made from loaded bars by",
            "  impresario data load GOOG --timeframe 1d",
            "  impresario train GOOG --timeframe 1d",
        ];
        return lines.iter().map(|line| look.fit(line)).collect();
    }
    let columns = [
        words("ID", 0),
        words("DATA", 1),
        numbers("ACCURACY", 0),
        numbers("BASELINE", 3),
        numbers("POINTS", 0),
        words("", 2),
        numbers("BEST", 4),
        numbers("ROWS", 6),
        words("MADE", 5),
    ];
    let row = |one: &ModelRow| {
        let lead = lead(&one.test);
        [
            one.model_id.short(),
            format!("{} {}", one.symbol, one.timeframe),
            share(one.test.model.accuracy),
            share(one.test.model.accuracy - lead),
            points(lead),
            if lead > 0.0 { "above" } else { "not above" }.to_owned(),
            format!("{}/{}", one.best_epoch, one.epochs_run),
            thousands(one.test.rows),
            minute(one.created_at),
        ]
    };
    let rows: Vec<_> = models.iter().map(row).collect();
    let mut lines = table(&columns, &rows, look);
    let foot = "accuracy on the test part, beside the better baseline of the same rows";
    let foot = wrap("  ", foot, look.width);
    lines.extend(foot.iter().map(|line| look.paint(Tone::Dim, line)));
    lines
}

/// `+0.7`, `−2.1`: always with a sign.
fn points(lead: f64) -> String {
    let sign = if lead < 0.0 { '−' } else { '+' };
    format!("{sign}{:.1}", lead.abs() * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::sample::{self, look};
    use crate::display::text::width;

    #[test]
    fn a_list_at_every_width() {
        for columns in [120, 80, 40] {
            let lines = list(&sample::models(), look(columns));
            assert!(
                lines.iter().all(|line| width(line) <= columns),
                "{lines:#?}"
            );
            insta::assert_snapshot!(format!("models_list_{columns}"), lines.join("\n"));
        }
        insta::assert_snapshot!("models_list_empty", list(&[], look(80)).join("\n"));
    }
}
