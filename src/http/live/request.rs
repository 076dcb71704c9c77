//! What a subscribe frame asks for.

use std::time::Duration;

use impresario::Interest;
use impresario_api::{ClientFrame, EventType, Filter};

/// Milliseconds between two progress frames, unless the client says otherwise.
const PROGRESS_EVERY: u64 = 100;

/// What the name of a subscription is expected to be.
pub(super) const EXPECTED_NAME: &str = "sub: expected 1 to 64 characters";

/// The name, if a subscription may have it; others are not repeated to who sent them.
pub(super) fn named(sub: &str) -> Option<&str> {
    let fits = (1..=64).contains(&sub.chars().take(65).count());
    fits.then_some(sub)
}

/// A subscription that a client asked for.
pub(super) struct SubscriptionRequest {
    pub(super) sub: String,
    pub(super) interest: Interest,
    pub(super) since: Option<u64>,
    /// The only types of events that are sent, if the client named some.
    pub(super) types: Option<Vec<EventType>>,
    pub(super) progress_every: Duration,
}

/// What a subscribe frame asks for, or its name and what is wrong with it.
pub(super) fn parse(frame: ClientFrame) -> Result<SubscriptionRequest, (String, String)> {
    let ClientFrame::Subscribe {
        sub,
        operation_id,
        filter,
        since,
        events,
        progress_ms,
    } = frame
    else {
        return Err((String::new(), "expected a subscribe frame".to_owned()));
    };
    let wrong = |message: String| (sub.clone(), message);
    if named(&sub).is_none() {
        return Err(wrong(EXPECTED_NAME.to_owned()));
    }
    let interest = match (operation_id, filter) {
        (Some(id), None) => Interest::Operation(id),
        (None, Some(filter)) => matching(filter).map_err(wrong)?,
        _ => return Err(wrong("expected either operation_id or filter".to_owned())),
    };
    let every = progress_ms.unwrap_or(PROGRESS_EVERY);
    if !(100..=10_000).contains(&every) {
        return Err(wrong(format!(
            "progress_ms: expected 100 to 10000, got {every}"
        )));
    }
    Ok(SubscriptionRequest {
        sub,
        interest,
        since,
        types: events,
        progress_every: Duration::from_millis(every),
    })
}

fn matching(filter: Filter) -> Result<Interest, String> {
    let label = filter.label.map(|label| match label.split_once(':') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("filter.label: expected key:value, got \"{label}\"")),
    });
    Ok(Interest::Matching {
        kinds: filter.kind.unwrap_or_default(),
        label: label.transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<SubscriptionRequest, String> {
        let frame = serde_json::from_str(text).map_err(|error| error.to_string())?;
        parse(frame).map_err(|(_, message)| message)
    }

    #[test]
    fn a_subscription_names_one_operation_or_a_filter() {
        let one = r#"{"type": "subscribe", "sub": "a", "operation_id": "op_0k3j9x7q2m4tz"}"#;
        assert!(matches!(
            parsed(one).map(|request| request.interest),
            Ok(Interest::Operation(_))
        ));
        let all =
            r#"{"type": "subscribe", "sub": "a", "filter": {}, "since": 7, "progress_ms": 500}"#;
        let request = parsed(all).expect("a request");
        assert_eq!(
            (request.since, request.progress_every),
            (Some(7), Duration::from_millis(500))
        );
        let some = r#"{"type": "subscribe", "sub": "a", "filter": {"kind": ["dummy"], "label": "team:a:b"}}"#;
        let Ok(Interest::Matching { kinds, label }) = parsed(some).map(|request| request.interest)
        else {
            panic!("a filter");
        };
        assert_eq!(
            (kinds, label),
            (
                vec!["dummy".to_owned()],
                Some(("team".to_owned(), "a:b".to_owned()))
            )
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (rest, named) in [
            ("", "either operation_id or filter"),
            (
                r#", "filter": {}, "operation_id": "op_0k3j9x7q2m4tz""#,
                "either",
            ),
            (r#", "operation_id": "op_1""#, "expected op_"),
            (r#", "filter": {"label": "team"}"#, "key:value"),
            (r#", "filter": {"colour": "red"}"#, "colour"),
            (r#", "filter": {}, "progress_ms": 10"#, "100 to 10000"),
            (r#", "filter": {}, "events": ["metrics"]"#, "metrics"),
            (r#", "filter": {}, "since": -1"#, "-1"),
        ] {
            let text = format!("{{\"type\": \"subscribe\", \"sub\": \"a\"{rest}}}");
            let message = parsed(&text).err().unwrap_or_default();
            assert!(message.contains(named), "{text}: {message}");
        }
        let empty = parsed(r#"{"type": "subscribe", "sub": "", "filter": {}}"#);
        assert!(empty.is_err_and(|message| message.contains("1 to 64")));
    }
}
