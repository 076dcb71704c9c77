//! Which connections are overdue, and which one makes room: decided here, carried out elsewhere.

use super::limits::Times;

/// What a connection is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// A request's head is due, since the connection began or the head's first byte came.
    Head,
    /// The last request is answered, and nothing of the next one has come.
    Idle,
    /// A body's next bytes are due.
    Body,
    /// A handler works or waits.
    Working,
    /// The answer is being written.
    Answering,
    /// A live socket whose client has not said who it is.
    Authenticating,
    /// A live socket.
    Socket,
    /// The last bytes are on their way.
    Closing,
}

impl Phase {
    pub(super) const fn of(number: u8) -> Self {
        match number {
            0 => Self::Head,
            1 => Self::Idle,
            2 => Self::Body,
            3 => Self::Working,
            4 => Self::Answering,
            5 => Self::Authenticating,
            6 => Self::Socket,
            _ => Self::Closing,
        }
    }
}

/// A connection as it is now; times are milliseconds of the same clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) phase: Phase,
    /// When the phase began; in a body, when its last bytes came.
    pub(super) since: u64,
    /// Since when the client takes nothing of what is to be written.
    pub(super) blocked_since: Option<u64>,
    /// Its handler has begun to wait for something.
    pub(super) waits: bool,
}

/// Whether a connection has kept the server waiting for too long. A live socket has an eye on its
/// client itself.
pub(super) fn is_overdue(reading: &Reading, now: u64, times: &Times, leaving: bool) -> bool {
    let limit = |normal: u64, leaving_ms: u64| if leaving { leaving_ms } else { normal };
    let past = |since: u64, limit: u64| now.saturating_sub(since) >= limit;
    let phase = match reading.phase {
        Phase::Head => Some(limit(times.head, 0)),
        Phase::Idle => Some(limit(times.keep_alive, 0)),
        Phase::Body => Some(limit(times.body_idle, times.closing)),
        Phase::Closing => Some(times.closing),
        Phase::Working | Phase::Answering | Phase::Authenticating | Phase::Socket => None,
    };
    let writes = match reading.phase {
        Phase::Authenticating | Phase::Socket => None,
        _ => reading.blocked_since,
    };
    phase.is_some_and(|limit| past(reading.since, limit))
        || writes.is_some_and(|since| past(since, limit(times.write_stall, times.closing)))
}

/// How soon a connection goes when its place is needed, the lowest first; `None`: never. First those
/// from whose client something is due, then slow bodies and slow readers, then handlers that wait.
pub(super) fn expendable(reading: &Reading) -> Option<(u8, u64)> {
    match (reading.phase, reading.blocked_since) {
        (Phase::Head | Phase::Idle | Phase::Authenticating | Phase::Closing, _) => {
            Some((0, reading.since))
        }
        (Phase::Body, _) => Some((1, reading.since)),
        (Phase::Answering, Some(since)) => Some((1, since)),
        (Phase::Working, _) if reading.waits => Some((2, reading.since)),
        (Phase::Working | Phase::Answering | Phase::Socket, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times {
        head: 100,
        keep_alive: 1_000,
        body_idle: 200,
        write_stall: 300,
        closing: 50,
    };

    fn reading(phase: Phase, since: u64, blocked_since: Option<u64>, waits: bool) -> Reading {
        Reading {
            phase,
            since,
            blocked_since,
            waits,
        }
    }

    #[test]
    fn each_phase_has_its_deadline() {
        for (phase, limit, leaving) in [
            (Phase::Head, Some(100), Some(0)),
            (Phase::Idle, Some(1_000), Some(0)),
            (Phase::Body, Some(200), Some(50)),
            (Phase::Working, None, None),
            (Phase::Answering, None, None),
            (Phase::Authenticating, None, None),
            (Phase::Socket, None, None),
            (Phase::Closing, Some(50), Some(50)),
        ] {
            let over = |after: u64, leaving| {
                let reading = reading(phase, 7, None, false);
                is_overdue(&reading, 7 + after, &TIMES, leaving)
            };
            assert_eq!(over(1 << 40, false), limit.is_some(), "{phase:?}");
            assert_eq!(over(1 << 40, true), leaving.is_some(), "{phase:?}");
            for (limit, leaving) in [(limit, false), (leaving, true)] {
                let Some(limit) = limit else { continue };
                assert!(over(limit, leaving), "{phase:?}");
                assert!(limit == 0 || !over(limit - 1, leaving), "{phase:?}");
            }
            assert_eq!(Phase::of(phase as u8), phase);
        }
    }

    #[test]
    fn whoever_takes_nothing_of_an_answer_is_overdue() {
        for (phase, after, leaving, over) in [
            (Phase::Answering, 299, false, false),
            (Phase::Answering, 300, false, true),
            (Phase::Answering, 50, true, true),
            (Phase::Working, 300, false, true),
            (Phase::Socket, 1 << 40, false, false),
        ] {
            let reading = reading(phase, 1 << 30, Some(7), false);
            assert_eq!(
                is_overdue(&reading, 7 + after, &TIMES, leaving),
                over,
                "{phase:?}"
            );
        }
    }

    #[test]
    fn room_is_made_by_those_who_keep_the_server_waiting_longest() {
        let order = [
            reading(Phase::Head, 5, None, false),
            reading(Phase::Idle, 6, None, true),
            reading(Phase::Authenticating, 7, None, false),
            reading(Phase::Body, 1, None, false),
            reading(Phase::Answering, 0, Some(2), false),
            reading(Phase::Working, 0, None, true),
        ];
        let ranks: Vec<_> = order.iter().map(expendable).collect();
        assert!(ranks.is_sorted(), "{ranks:?}");
        assert!(ranks.iter().all(Option::is_some), "{ranks:?}");
        for spared in [
            reading(Phase::Working, 0, None, false),
            reading(Phase::Answering, 0, None, true),
            reading(Phase::Socket, 0, Some(1), true),
        ] {
            assert_eq!(expendable(&spared), None, "{spared:?}");
        }
    }
}
