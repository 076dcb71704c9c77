//! How deeply JSON that is kept may be nested.
//!
//! JSON readers stop at a depth, most of them at 128 levels. What is kept is read back as a part of
//! something else (a stored row, a view in its envelope, a frame), a few levels deeper than it was
//! sent. So it is bounded well below that where it comes in.

use impresario_api::{Faults, MAX_DEPTH};
use serde_json::Value;

/// Whether arrays and objects are nested more deeply than may be kept. It looks no deeper than that.
pub(crate) fn is_too_deep(value: &Value) -> bool {
    exceeds(value, MAX_DEPTH)
}

fn exceeds(value: &Value, levels: usize) -> bool {
    let Some(inner) = levels.checked_sub(1) else {
        return value.is_array() || value.is_object();
    };
    match value {
        Value::Array(items) => items.iter().any(|item| exceeds(item, inner)),
        Value::Object(fields) => fields.values().any(|field| exceeds(field, inner)),
        _ => false,
    }
}

/// The fault of params that are nested too deeply.
pub(crate) fn bounded(params: &Value) -> Result<(), Faults> {
    if !is_too_deep(params) {
        return Ok(());
    }
    let expected = format!("arrays and objects nested at most {MAX_DEPTH} levels deep");
    Err(Faults::one("", &expected, "more levels"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> Value {
        (0..levels).fold(Value::Null, |inner, level| match level % 2 {
            0 => Value::Array(vec![Value::Null, inner]),
            _ => serde_json::json!({"inner": inner}),
        })
    }

    #[test]
    fn the_deepest_is_kept_and_one_more_level_is_not() {
        assert!(!is_too_deep(&nested(MAX_DEPTH)));
        assert!(is_too_deep(&nested(MAX_DEPTH + 1)));
        assert!(bounded(&nested(MAX_DEPTH + 1)).is_err());
    }
}
