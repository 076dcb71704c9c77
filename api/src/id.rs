//! Ids of operations: `op_` and 13 characters of a time-ordered 63-bit integer.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Crockford's base32, lower case: no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const PREFIX: &str = "op_";
const DIGITS: usize = 13;

/// The id of one operation. Ids order by the time of their making.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(u64);

/// The text is not `op_` and 13 characters of Crockford's base32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseIdError;

impl OperationId {
    /// Milliseconds between 1970 and 2020, the zero of the ids' clock.
    pub const EPOCH_MILLIS: i64 = 1_577_836_800_000;
    /// The low bits that count within one millisecond.
    pub const COUNTER_BITS: u32 = 21;

    /// From its integer; the top bit is dropped.
    pub const fn from_u64(value: u64) -> Self {
        Self(value & (u64::MAX >> 1))
    }

    /// Its integer, less than 2^63.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The 13 characters after the prefix.
    pub fn digits(self) -> String {
        (0..DIGITS)
            .rev()
            .map(|place| ALPHABET[(self.0 >> (5 * place)) as usize & 31] as char)
            .collect()
    }

    /// The last 8 characters: what people see and type.
    pub fn short(self) -> String {
        self.digits().split_off(DIGITS - 8)
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.digits())
    }
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "expected {PREFIX} and {DIGITS} characters of 0-9 and a-z without i, l, o, u"
        )
    }
}

impl std::error::Error for ParseIdError {}

impl FromStr for OperationId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let digits = text.strip_prefix(PREFIX).ok_or(ParseIdError)?.as_bytes();
        if digits.len() != DIGITS {
            return Err(ParseIdError);
        }
        let value = digits.iter().try_fold(0_u128, |value, digit| {
            let place = ALPHABET.iter().position(|letter| letter == digit);
            Ok(value << 5 | place.ok_or(ParseIdError)? as u128)
        })?;
        match u64::try_from(value) {
            Ok(value) if value >> 63 == 0 => Ok(Self(value)),
            _ => Err(ParseIdError),
        }
    }
}

impl Serialize for OperationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OperationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for OperationId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OperationId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^op_[0-7][0-9a-hjkmnp-tv-z]{12}$"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_integer_are_the_same_id() {
        for value in [0, 1, 31, 32, 0x0123_4567_89ab_cdef, u64::MAX >> 1] {
            let id = OperationId::from_u64(value);
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(id.as_u64(), value);
            assert!(id.to_string().ends_with(&id.short()));
        }
    }

    #[test]
    fn text_orders_as_the_integer_does() {
        let (a, b) = (
            OperationId::from_u64(7 << 40),
            OperationId::from_u64(8 << 40),
        );
        assert!(a < b && a.to_string() < b.to_string());
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in [
            "",
            "op_",
            "0k3j9x7q2m4tz",
            "op_0k3j9x7q2m4t",
            "op_0k3j9x7q2m4tzz",
            "op_0K3J9X7Q2M4TZ",
            "op_0k3j9x7q2m4ti",
            "op_8000000000000",
            "op_zzzzzzzzzzzzz",
            "op_0k3j9x7q2m4t\u{e9}",
        ] {
            assert_eq!(text.parse::<OperationId>(), Err(ParseIdError), "{text}");
        }
    }
}
