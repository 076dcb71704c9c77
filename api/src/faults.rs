//! Faults in a request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text;

/// The longest path of a fault, in characters.
const PATH: usize = 200;
/// The longest description of what was expected, in characters.
const EXPECTED: usize = 1_000;
/// The longest part of a value that is repeated, in characters.
const GOT: usize = 200;

/// One fault in a request.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct Fault {
    /// The field's path, with nested names joined by `.`; empty for the whole value.
    pub path: String,
    /// What was expected there.
    pub expected: String,
    /// What came, shortened; `nothing` if it was missing.
    pub got: String,
}

impl Fault {
    /// A fault; each text is shortened.
    pub fn new(path: &str, expected: &str, got: &str) -> Self {
        Self {
            path: text::one_line(path, PATH).into_owned(),
            expected: text::one_line(expected, EXPECTED).into_owned(),
            got: text::one_line(got, GOT).into_owned(),
        }
    }
}

/// The first faults of a request, and how many there are, because a client can make very many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    first: Vec<Fault>,
    total: u64,
}

impl Faults {
    /// How many faults are kept.
    pub const TOLD: usize = 20;

    /// A single fault.
    pub fn one(path: &str, expected: &str, got: &str) -> Self {
        let mut one = Self::default();
        one.push(path, expected, got);
        one
    }

    /// Adds a fault, which is only counted if there are [`Self::TOLD`] already.
    pub fn push(&mut self, path: &str, expected: &str, got: &str) {
        if self.first.len() < Self::TOLD {
            self.first.push(Fault::new(path, expected, got));
        }
        self.total += 1;
    }

    /// Adds to the count of faults that are not kept.
    pub const fn count(&mut self, more: u64) {
        self.total += more;
    }

    /// Whether there is no fault.
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The first faults.
    pub fn first(&self) -> &[Fault] {
        &self.first
    }

    /// How many there are.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The first faults as text for a person; `whole` is the name of what a fault without a path is in.
    pub fn sentence(&self, whole: &str) -> String {
        let one = |fault: &Fault| {
            let path = match fault.path.as_str() {
                "" => whole,
                path => path,
            };
            format!("{path}: expected {}, got {}", fault.expected, fault.got)
        };
        let mut told: Vec<_> = self.first.iter().map(one).collect();
        let more = self.total.saturating_sub(self.first.len() as u64);
        told.extend((more > 0).then(|| format!("and {more} more")));
        told.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_told_and_all_are_counted() {
        let mut faults = Faults::default();
        for n in 0..50 {
            faults.push(&format!("f{n}"), "a number", "\"x\"");
        }
        faults.count(1_000);
        assert_eq!((faults.first().len(), faults.total()), (20, 1_050));
        assert!(faults.sentence("the params").ends_with("; and 1030 more"));
        let one = Faults::one("", "an object", "[]");
        assert_eq!(
            one.sentence("the params"),
            "the params: expected an object, got []"
        );
    }

    #[test]
    fn no_fault_repeats_a_long_text() {
        let long = "\u{202e}x".repeat(10_000);
        let faults = Faults::one(&long, &long, &long);
        let [fault] = faults.first() else {
            panic!("one fault")
        };
        let lengths = [&fault.path, &fault.expected, &fault.got].map(|text| text.chars().count());
        assert_eq!(lengths, [PATH, EXPECTED, GOT]);
        assert!(!fault.path.contains('\u{202e}'));
    }
}
