//! What refers to something that is to be deleted, or was.

use impresario_api::Reference;

use super::numbers::{minute, thousands};
use super::table::{table, words};
use super::text::{clean, wrap};
use super::{Look, Tone};

/// The question before something is deleted.
pub(crate) fn asked(name: &str, references: &[Reference], total: u64, look: Look) -> Vec<String> {
    let name = clean(name);
    let mut lines = referring(&name, "refer to", references, total, look);
    let all_the_same = if total > 0 { " all the same" } else { "" };
    let question = format!("Delete {name} for good{all_the_same}? [y/N]");
    lines.extend(wrap("", &question, look.width));
    lines
}

/// What was deleted, and what referred to it.
pub(crate) fn done(name: &str, references: &[Reference], total: u64, look: Look) -> Vec<String> {
    let name = clean(name);
    let sign = look.paint(Tone::Good, "✔");
    let mut lines = vec![look.fit(&format!("{sign} {name} deleted"))];
    lines.extend(referring(&name, "referred to", references, total, look));
    lines
}

fn referring(
    name: &str,
    refer: &str,
    references: &[Reference],
    total: u64,
    look: Look,
) -> Vec<String> {
    if total == 0 {
        return Vec::new();
    }
    let mut lines = vec![look.fit(&format!("these {refer} {name}:"))];
    let columns = [
        words("", 0),
        words("ID", 0),
        words("", 0),
        words("STATUS", 1),
        words("SINCE", 2),
    ];
    let row = |one: &Reference| {
        let (what, id) = match (one.model_id, one.operation_id) {
            (Some(id), _) => ("model", id.short()),
            (None, Some(id)) => ("operation", id.short()),
            (None, None) => ("", String::new()),
        };
        [
            what.to_owned(),
            id,
            format!("{} it", one.relation.words()),
            one.status
                .map_or_else(String::new, |status| status.to_string()),
            minute(one.at),
        ]
    };
    let rows: Vec<_> = references.iter().map(row).collect();
    lines.extend(table(&columns, &rows, look));
    let more = total.saturating_sub(references.len() as u64);
    lines.extend((more > 0).then(|| look.fit(&format!("  and {} more", thousands(more)))));
    lines
}

#[cfg(test)]
mod tests {
    use impresario_api::Relation;

    use super::*;
    use crate::display::sample::look;
    use crate::display::text::width;

    fn references() -> Vec<Reference> {
        let at = "2026-01-31T12:00:01.000Z".parse().expect("a time");
        vec![
            Reference {
                model_id: Some("mdl_0cpf9ad1qpyx7".parse().expect("an id")),
                operation_id: None,
                relation: Relation::TrainedOn,
                status: None,
                at,
            },
            Reference {
                model_id: None,
                operation_id: Some("op_0cpf9ac6r0076".parse().expect("an id")),
                relation: Relation::Loads,
                status: Some(impresario_api::Status::Running),
                at,
            },
        ]
    }

    #[test]
    fn what_refers_is_listed_before_it_is_asked_and_after_it_is_done() {
        for columns in [80, 40] {
            let mut lines = asked("BTC/USDT 1h", &references(), 25, look(columns));
            lines.extend(asked("GOOG 1d", &[], 0, look(columns)));
            lines.extend(done("GOOG 1d", &references(), 2, look(columns)));
            lines.extend(done("model qpyx7\u{1b}[2J", &[], 0, look(columns)));
            assert!(
                lines.iter().all(|line| width(line) <= columns),
                "{lines:#?}"
            );
            insta::assert_snapshot!(format!("deleting_{columns}"), lines.join("\n"));
        }
    }
}
