//! Errors: what went wrong, one line for each fault, and what to do next.

use impresario_api::Fault;

use super::numbers::thousands;
use super::text::{clean, cut, left, width, wrap};
use super::{Look, Tone};
use crate::error::Error;

/// More of what was typed for an id is not repeated.
const LONGEST_ID: usize = 40;

/// An error for a person; `of` is the one of several ids that it is about.
pub(crate) fn error(error: &Error, of: Option<&str>, look: Look) -> Vec<String> {
    let sign = look.paint(Tone::Bad, "✘");
    let faults = error.faults();
    let of = of.map(|id| format!("{}: ", cut(&clean(id), LONGEST_ID)));
    let headline = of.unwrap_or_default() + &headline(error, &faults);
    let mut lines = wrap(&format!("{sign} "), &headline, look.width);
    let paths = faults.iter().map(|fault| width(&clean(&fault.path)));
    let paths = paths.max().unwrap_or(0).min(look.width / 3);
    for fault in &faults {
        let path = look.paint(Tone::Strong, &left(&clean(&fault.path), paths));
        let gap = if paths == 0 { "" } else { "  " };
        let text = format!(
            "expected {}, got {}",
            clean(&fault.expected),
            clean(&fault.got)
        );
        lines.extend(wrap(&format!("  {path}{gap}"), &text, look.width));
    }
    let more = error.more_faults();
    lines.extend((more > 0).then(|| look.fit(&format!("  and {} more", thousands(more)))));
    if let Error::AmbiguousId { candidates, .. } = error {
        lines.extend(
            candidates
                .iter()
                .map(|one| look.fit(&format!("  {}", clean(one)))),
        );
    }
    let next = error.next();
    let labels = next
        .iter()
        .map(|(label, _)| width(label))
        .max()
        .unwrap_or(0);
    for (label, command) in &next {
        lines.extend(wrap(
            &format!("  {}  ", left(label, labels)),
            &clean(command),
            look.width,
        ));
    }
    lines
}

/// The error in one line, without a message that only repeats the faults below.
fn headline(error: &Error, faults: &[Fault]) -> String {
    let text = clean(&error.to_string());
    let repeats = |fault: &Fault| text.contains(&clean(&fault.expected));
    match error {
        Error::Api { body } if !faults.is_empty() && faults.iter().all(repeats) => {
            let what = match body.code.as_str() {
                "INVALID_PARAMS" => "these params cannot be taken",
                _ => "the request cannot be taken",
            };
            format!("{what} ({})", clean(&body.code))
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use impresario_api::ErrorBody;
    use serde_json::json;

    use super::*;
    use crate::display::sample::look;
    use crate::error::Thing;

    fn refusals() -> [Error; 3] {
        let invalid = ErrorBody {
            code: "INVALID_PARAMS".to_owned(),
            message: "dummy does not take these params".to_owned(),
            details: Some(json!([
                {"path": "iterations", "expected": "an integer of 0 to 1,000,000,000", "got": "-1"},
                {"path": "step", "expected": "no such field (did you mean step_ms?)", "got": "5\u{1b}[2J"}
            ])),
            details_total: None,
            retryable: false,
        };
        let mut repeated = invalid.clone();
        repeated.message = "iterations: expected an integer of 0 to 1,000,000,000, got -1; step: \
            expected no such field (did you mean step_ms?), got 5"
            .to_owned();
        let full = ErrorBody {
            code: "QUEUE_FULL".to_owned(),
            message: "lane default has 1,000 waiting, and that is its limit".to_owned(),
            details: None,
            details_total: None,
            retryable: true,
        };
        [invalid, repeated, full].map(|body| Error::Api { body })
    }

    fn others() -> [Error; 6] {
        let url = || "http://127.0.0.1:7979".to_owned();
        [
            Error::Unreachable {
                url: url(),
                why: "connection refused".to_owned(),
            },
            Error::Stranger {
                url: url(),
                why: "HTTP 404, and the body is no envelope".to_owned(),
            },
            Error::BadId {
                thing: Thing::Operation,
                text: "nope!".to_owned(),
            },
            Error::UnknownId {
                thing: Thing::Model,
                text: "m4tz".to_owned(),
            },
            Error::AmbiguousId {
                thing: Thing::Operation,
                text: "m4tz".to_owned(),
                candidates: vec![
                    "op_0k3j9x7q2m4tz  training  running".to_owned(),
                    "op_0k3j9x8q2m4tz  dummy  completed".to_owned(),
                ],
            },
            Error::usage("--params-json: expected a JSON object, got [1]"),
        ]
    }

    #[test]
    fn every_error_says_what_to_do() {
        for columns in [80, 40] {
            let lines: Vec<_> = refusals()
                .iter()
                .chain(&others())
                .flat_map(|one| error(one, None, look(columns)))
                .collect();
            insta::assert_snapshot!(format!("errors_{columns}"), lines.join("\n"));
        }
    }
}
