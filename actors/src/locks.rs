//! Locks and panics, read the same way everywhere.

use std::any::Any;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The lock's value, also after a panic of another holder: every value here is valid at every step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The most characters of a panic's message that are kept: a library of another language may put a
/// whole backtrace into it.
const LONGEST: usize = 1_000;

/// What a panic said, for a person.
pub fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    let text = text
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned());
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_says_what_it_said_and_not_a_book() {
        assert_eq!(panic_message(&"the strings broke"), "the strings broke");
        assert_eq!(panic_message(&String::from("ü")), "ü");
        assert_eq!(panic_message(&1), "a panic without a message");
        let long = panic_message(&"ü".repeat(5_000));
        assert_eq!(
            (long.chars().count(), long.chars().last()),
            (1_001, Some('…'))
        );
    }
}
