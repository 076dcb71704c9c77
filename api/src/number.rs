//! Numbers as JSON has them.

use serde_json::Value;

/// The largest integer that every JSON client can hold: 2^53 − 1.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// 5.0 as 5: to a schema they are the same, to an integer's parser they are not.
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
