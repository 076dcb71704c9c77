//! Numbers in JSON.

use serde_json::Value;

/// The largest integer that every JSON client can hold: 2^53 − 1.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Turns 5.0 into 5: a schema takes both as the same integer, but a parser of integers does not.
pub fn whole_numbers(value: &mut Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(whole_numbers),
        Value::Object(all) => all.values_mut().for_each(whole_numbers),
        Value::Number(number) if number.is_f64() => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() <= MAX_INTEGER as f64 => {
                *number = (float as i64).into();
            }
            _ => {}
        },
        _ => {}
    }
}
