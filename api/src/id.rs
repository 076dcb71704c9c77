//! Ids: a prefix and 13 characters of a time-ordered 63-bit integer.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Crockford's base32, lower case: no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const DIGITS: usize = 13;

/// The text is not the id's prefix and 13 characters of Crockford's base32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseIdError {
    prefix: &'static str,
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = self.prefix;
        write!(
            f,
            "expected {prefix} and {DIGITS} characters of 0-9 and a-z without i, l, o, u"
        )
    }
}

impl std::error::Error for ParseIdError {}

fn digits(value: u64) -> [u8; DIGITS] {
    std::array::from_fn(|at| ALPHABET[(value >> (5 * (DIGITS - 1 - at))) as usize & 31])
}

/// The digits as text; they are characters of [`ALPHABET`].
fn text(digits: &[u8]) -> &str {
    str::from_utf8(digits).unwrap_or_default()
}

fn parse(text: &str, prefix: &'static str) -> Result<u64, ParseIdError> {
    let wrong = ParseIdError { prefix };
    let digits = text.strip_prefix(prefix).ok_or(wrong)?.as_bytes();
    if digits.len() != DIGITS {
        return Err(wrong);
    }
    let value = digits.iter().try_fold(0_u128, |value, digit| {
        let place = ALPHABET.iter().position(|letter| letter == digit);
        Ok(value << 5 | place.ok_or(wrong)? as u128)
    })?;
    u64::try_from(value)
        .ok()
        .filter(|value| value >> 63 == 0)
        .ok_or(wrong)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// Milliseconds between 1970 and 2020, the zero of the ids' clock.
            pub const EPOCH_MILLIS: i64 = 1_577_836_800_000;
            /// The low bits, below the time: they tell apart what was made within one millisecond.
            pub const BELOW_TIME_BITS: u32 = 21;

            /// The id of an integer; the top bit is dropped.
            pub const fn from_u64(value: u64) -> Self {
                Self(value & (u64::MAX >> 1))
            }

            /// The id as an integer, less than 2^63.
            pub const fn as_u64(self) -> u64 {
                self.0
            }

            /// The 13 characters after the prefix.
            pub fn digits(self) -> String {
                text(&digits(self.0)).to_owned()
            }

            /// The last 8 characters, which people see and type.
            pub fn short(self) -> String {
                text(&digits(self.0)[DIGITS - 8..]).to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                f.write_str(text(&digits(self.0)))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse(text, $prefix).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "pattern": $pattern, "maxLength": $prefix.len() + DIGITS})
            }
        }
    };
}

id! {
    /// The id of one operation. Ids are ordered by the time at which they were made.
    OperationId, "op_", "^op_[0-7][0-9a-hjkmnp-tv-z]{12}$"
}

#[cfg(feature = "services")]
id! {
    /// The id of one trained model. Ids are ordered by the time at which they were made.
    ModelId, "mdl_", "^mdl_[0-7][0-9a-hjkmnp-tv-z]{12}$"
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
            "mdl_0k3j9x7q2m4tz",
        ] {
            assert!(text.parse::<OperationId>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_id_of_another_type_says_what_was_expected() {
        let error = "op_0k3j9x7q2m4tz"
            .parse::<ModelId>()
            .expect_err("an operation's id");
        assert!(
            error.to_string().starts_with("expected mdl_ and 13"),
            "{error}"
        );
        let id = ModelId::from_u64(7);
        assert_eq!(id.to_string().parse(), Ok(id));
    }
}
