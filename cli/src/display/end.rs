//! The end of an operation: how it ended, the outcome, and what to do next.

use impresario_api::{CheckpointView, OperationRow, OperationView, Status, StepCounts, Verb};

use super::numbers::{plural, span, step_count};
use super::text::{clean, left, width, wrap};
use super::{Look, Tone};

/// One line of the end: a label and a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    /// A word or two.
    pub(crate) label: String,
    /// The text after the label.
    pub(crate) text: String,
}

impl Fact {
    /// A label and its text, both made safe for a terminal.
    pub(crate) fn new(label: &str, text: &str) -> Self {
        Self {
            label: clean(label),
            text: clean(text),
        }
    }
}

/// The end of `view`; `outcome` and `next` are the kind's own facts and advice. A fact with the code of the
/// error, or of a warning, stands for its message.
pub(crate) fn end(
    view: &OperationView,
    outcome: Vec<Fact>,
    next: Option<Fact>,
    look: Look,
) -> Vec<String> {
    let row = &view.row;
    let mut facts = outcome;
    if let Some(error) = &row.error {
        let told = Fact::new(&error.code, &error.message);
        if facts.iter().all(|fact| fact.label != told.label) {
            facts.insert(0, told);
        }
        facts.extend(error.step.as_ref().map(|step| Fact::new("in", step)));
    }
    if row.status != Status::Completed {
        facts.extend(
            row.checkpoint
                .as_ref()
                .map(|point| Fact::new("checkpoint", &reached(point))),
        );
    }
    // What the kind has told of in more words is not told again.
    let told: Vec<_> = facts.iter().map(|fact| fact.label.clone()).collect();
    let warnings = view.warnings.iter().filter(|one| !told.contains(&one.code));
    let warnings: Vec<_> = warnings.collect();
    for warning in warnings.into_iter().rev().take(3).rev() {
        facts.push(Fact::new(
            "warning",
            &format!("{}  {}", warning.code, warning.message),
        ));
    }
    facts.push(next.unwrap_or_else(|| Fact::new("next", &advice(row))));
    if row.status != Status::Completed && row.checkpoint.is_some() {
        let id = row.operation_id.short();
        let fork = format!("impresario ops fork {id} --param KEY=VALUE   with other params");
        facts.push(Fact::new("or", &fork));
    }
    let mut lines = wrap(
        &format!("{} ", look.sign(row.status)),
        &title(row, look),
        look.width,
    );
    lines.extend(render(&facts, look));
    lines
}

/// Facts, one per line, with their texts in one column.
pub(crate) fn render(facts: &[Fact], look: Look) -> Vec<String> {
    let labels = facts
        .iter()
        .map(|fact| width(&fact.label))
        .max()
        .unwrap_or(0);
    let labels = labels.min(look.width / 3);
    let mut lines = Vec::new();
    for fact in facts {
        let label = look.paint(Tone::Dim, &fact.label);
        lines.extend(wrap(
            &format!("  {}  ", left(&label, labels)),
            &fact.text,
            look.width,
        ));
    }
    lines
}

fn title(row: &OperationRow, look: Look) -> String {
    let kind = look.paint(Tone::Strong, &clean(&row.kind));
    let id = row.operation_id.short();
    let took = span(row.elapsed_seconds);
    match row.status {
        Status::Completed if row.stopped_early => {
            format!(
                "{kind} completed early{}, in {took}  {id}{}",
                after(row),
                asked(row)
            )
        }
        Status::Completed => format!("{kind} completed in {took}  {id}"),
        Status::Failed => format!("{kind} failed after {took}  {id}"),
        Status::Cancelled if row.started_at.is_none() => {
            format!("{kind} cancelled before it began  {id}{}", asked(row))
        }
        Status::Cancelled => format!("{kind} cancelled{}, {took}  {id}{}", after(row), asked(row)),
        other => format!("{kind} {other}  {id}"),
    }
}

/// ` after 23/50 epochs`
fn after(row: &OperationRow) -> String {
    let step = row
        .progress
        .as_ref()
        .and_then(|progress| progress.steps.first());
    step.map(|step| format!(" after {} {}", step_count(step), plural(&clean(&step.name))))
        .unwrap_or_default()
}

/// `   (reacted in 3 ms: "wrong symbol")`
fn asked(row: &OperationRow) -> String {
    let Some(stop) = &row.stop else {
        return String::new();
    };
    let reason = stop
        .reason
        .as_ref()
        .map(|reason| format!(": \"{}\"", clean(reason)));
    let reacted = match row.completed_at {
        Some(end) => format!("reacted in {}", span(end.seconds_since(stop.requested_at))),
        None => format!("asked by {}", clean(&stop.requested_by)),
    };
    format!("   ({reacted}{})", reason.unwrap_or_default())
}

/// `epoch 23, batch 38`.
pub(crate) fn reached(point: &CheckpointView) -> String {
    steps_of(&point.step).unwrap_or_else(|| format!("of {}", super::numbers::date(point.at)))
}

/// `epoch 23, batch 38`, or `None` outside of any step.
pub(crate) fn steps_of(step: &StepCounts) -> Option<String> {
    let counts: Vec<_> = step
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    (!counts.is_empty()).then(|| counts.join(", "))
}

/// The command for what one can do with the operation now.
fn advice(row: &OperationRow) -> String {
    let id = row.operation_id.short();
    let can = |verb| row.verbs.contains(&verb);
    match row.status {
        Status::Completed => format!("impresario ops show {id}"),
        _ if row.checkpoint.is_some() && can(Verb::Resume) => {
            format!("impresario ops resume {id}   goes on from the checkpoint")
        }
        // Not the log: there may be none, and the view has the error.
        Status::Failed => format!("impresario ops show {id}"),
        _ if can(Verb::Retry) => format!("impresario ops retry {id}   starts it again"),
        _ => format!("impresario ops show {id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::sample::{self, look};
    use crate::handlers;

    #[test]
    fn ends_of_every_status() {
        for columns in [80, 40] {
            let mut all = Vec::new();
            for status in Status::ALL.iter().filter(|status| status.is_ended()) {
                let view = sample::view(status.as_str());
                let handler = handlers::of(&view.row.kind);
                all.extend(end(
                    &view,
                    handler.outcome(&view),
                    handler.next(&view),
                    look(columns),
                ));
                all.push(String::new());
            }
            insta::assert_snapshot!(format!("end_{columns}"), all.join("\n"));
        }
    }

    #[test]
    fn ends_of_loads_and_trainings() {
        for columns in [100, 40] {
            let mut all = Vec::new();
            for view in sample::ends() {
                let handler = handlers::of(&view.row.kind);
                let (outcome, next) = (handler.outcome(&view), handler.next(&view));
                all.extend(end(&view, outcome, next, look(columns)));
                all.extend(handler.details(&view, look(columns)));
                all.push(String::new());
            }
            insta::assert_snapshot!(format!("ends_{columns}"), all.join("\n"));
        }
    }

    #[test]
    fn ends_that_came_otherwise() {
        let mut never = sample::view("cancelled");
        never.row.started_at = None;
        never.row.checkpoint = None;
        let mut early = sample::view("completed");
        early.row.stopped_early = true;
        early.row.stop = sample::view("cancelled").row.stop;
        early.result_summary = Some(serde_json::json!({"iterations_completed": 51}));
        let mut all = Vec::new();
        for view in [never, early, sample::hostile()] {
            let handler = handlers::of(&view.row.kind);
            all.extend(end(&view, handler.outcome(&view), None, look(80)));
            all.push(String::new());
        }
        insta::assert_snapshot!("end_otherwise", all.join("\n"));
    }
}
