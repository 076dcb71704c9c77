//! The table of what a single key does while an operation is followed.

use impresario_api::Verb;

/// Who follows, and whether a cancel was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The client started the operation.
    Owner,
    /// A cancel was asked for.
    Cancelling,
    /// The client only watches.
    Watcher,
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Sends the verb to the operation.
    Ask(Verb),
    /// Leaves the operation running.
    Detach,
}

/// The keys that send a verb, in the order in which they are shown.
const VERBS: [(u8, Verb); 3] = [
    (b'p', Verb::Pause),
    (b'r', Verb::Resume),
    (b'f', Verb::Finish),
];

/// What `key` does with an operation that allows `verbs`; nothing while it is being cancelled.
pub(crate) fn action(key: u8, standing: Standing, verbs: &[Verb]) -> Option<Action> {
    let key = key.to_ascii_lowercase();
    if key == b'd' {
        return Some(Action::Detach);
    }
    let offered = offered(standing, verbs).find(|(known, _)| *known == key);
    offered.map(|(_, verb)| Action::Ask(verb))
}

/// The line that shows which keys have an effect; without `are_heard` that is only Ctrl-C.
pub(crate) fn line(standing: Standing, are_heard: bool, verbs: &[Verb]) -> String {
    if !are_heard {
        return alone(standing).to_owned();
    }
    let first = match standing {
        Standing::Owner => "^C cancel",
        Standing::Cancelling => return alone(standing).to_owned(),
        Standing::Watcher => "^C leave it running",
    };
    let mut parts = vec![first.to_owned()];
    parts.extend(offered(standing, verbs).map(|(key, verb)| format!("{} {verb}", char::from(key))));
    // For a watcher, Ctrl-C is shown already and does the same.
    if standing == Standing::Owner {
        parts.push("d detach".to_owned());
    }
    parts.join("  ")
}

/// The text for Ctrl-C alone.
const fn alone(standing: Standing) -> &'static str {
    match standing {
        Standing::Owner => "^C cancel   ^C^C cancel, don't wait",
        Standing::Cancelling => "^C leave, don't wait for the end",
        Standing::Watcher => "^C leave it running",
    }
}

/// The keys that have an effect on the operation now.
fn offered(standing: Standing, verbs: &[Verb]) -> impl Iterator<Item = (u8, Verb)> {
    let known = VERBS.into_iter();
    known.filter(move |(_, verb)| standing != Standing::Cancelling && verbs.contains(verb))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[Verb] = &[Verb::Cancel, Verb::Pause, Verb::Finish];

    #[test]
    fn a_key_does_what_the_operation_allows() {
        use Standing::{Cancelling, Owner, Watcher};
        let ask = |verb| Some(Action::Ask(verb));
        for (key, standing, verbs, does) in [
            (b'p', Owner, ALL, ask(Verb::Pause)),
            (b'P', Owner, ALL, ask(Verb::Pause)),
            (b'f', Owner, ALL, ask(Verb::Finish)),
            (b'f', Watcher, ALL, ask(Verb::Finish)),
            (b'r', Owner, ALL, None),
            (
                b'r',
                Owner,
                &[Verb::Cancel, Verb::Resume],
                ask(Verb::Resume),
            ),
            (b'p', Owner, &[Verb::Cancel], None),
            (b'p', Owner, &[], None),
            (b'p', Cancelling, ALL, None),
            (b'd', Owner, &[], Some(Action::Detach)),
            (b'd', Cancelling, ALL, Some(Action::Detach)),
            (b'c', Owner, ALL, None),
            (0x1b, Owner, ALL, None),
        ] {
            let key_of = char::from(key);
            assert_eq!(
                action(key, standing, verbs),
                does,
                "{key_of:?} {standing:?} {verbs:?}"
            );
        }
    }

    #[test]
    fn the_line_shows_what_does_something_and_no_more() {
        use Standing::{Cancelling, Owner, Watcher};
        for (standing, are_heard, verbs, says) in [
            (Owner, true, ALL, "^C cancel  p pause  f finish  d detach"),
            (
                Owner,
                true,
                &[Verb::Cancel, Verb::Resume],
                "^C cancel  r resume  d detach",
            ),
            (Owner, true, &[], "^C cancel  d detach"),
            (Watcher, true, ALL, "^C leave it running  p pause  f finish"),
            (Cancelling, true, ALL, "^C leave, don't wait for the end"),
            (Owner, false, ALL, "^C cancel   ^C^C cancel, don't wait"),
        ] {
            assert_eq!(line(standing, are_heard, verbs), says);
        }
    }

    #[test]
    fn every_key_that_is_shown_does_it() {
        for standing in [Standing::Owner, Standing::Watcher] {
            for (key, verb) in offered(standing, Verb::ALL) {
                assert_eq!(action(key, standing, Verb::ALL), Some(Action::Ask(verb)));
            }
        }
    }
}
