//! Tokens that were refused: the log says who sent them, and whoever sends many has to wait.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::http::peer::Peer;

/// Refusals are counted over so long.
const WINDOW: Duration = Duration::from_secs(60);
/// After so many refusals no more tokens of this peer are looked at, until its window ends.
const MOST_REFUSED: u32 = 5;
/// Peers that are remembered; past that the one whose window is the oldest is forgotten.
const MOST_PEERS: usize = 1_024;
/// Lines of the log in a window, whoever they are of.
const MOST_LINES: u32 = 20;
/// Characters of a path in the log.
const MOST_SHOWN: usize = 200;

/// What was refused lately.
#[derive(Default)]
pub(super) struct Refusals(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    peers: HashMap<IpAddr, Count>,
    lines: Option<Count>,
}

/// How many there were since when.
#[derive(Clone, Copy)]
struct Count {
    since: Instant,
    number: u32,
}

impl Count {
    /// One more: in the window that there is, or in a new one.
    fn more(count: Option<Self>, now: Instant) -> Self {
        match count {
            Some(count) if count.left(now).is_some() => Self {
                number: count.number.saturating_add(1),
                ..count
            },
            _ => Self {
                since: now,
                number: 1,
            },
        }
    }

    /// What is left of the window.
    fn left(&self, now: Instant) -> Option<Duration> {
        let left = WINDOW.saturating_sub(now.duration_since(self.since));
        (!left.is_zero()).then_some(left)
    }
}

impl Refusals {
    /// How long this peer has to wait until a token of it is looked at again.
    pub(super) fn wait(&self, peer: &Peer, now: Instant) -> Option<Duration> {
        if peer.exempt {
            return None;
        }
        let seen = self.seen();
        let count = seen.peers.get(&peer.group())?;
        let left = count.left(now)?;
        (count.number >= MOST_REFUSED).then_some(left)
    }

    /// A token of this peer was refused.
    pub(super) fn note(&self, peer: &Peer, path: &str, now: Instant) {
        let mut seen = self.seen();
        seen.tell(peer, path, now);
        if peer.exempt {
            return;
        }
        let group = peer.group();
        let count = Count::more(seen.peers.get(&group).copied(), now);
        if seen.peers.len() >= MOST_PEERS && !seen.peers.contains_key(&group) {
            seen.forget_oldest();
        }
        seen.peers.insert(group, count);
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Counts are whole at every moment, also after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn tell(&mut self, peer: &Peer, path: &str, now: Instant) {
        let lines = Count::more(self.lines, now);
        if let Some(before) = self.lines
            && before.number > MOST_LINES
            && lines.number == 1
        {
            let more = before.number - MOST_LINES;
            log::warn!("{more} more tokens were refused and are not named here");
        }
        self.lines = Some(lines);
        if lines.number <= MOST_LINES {
            let shown: String = path.chars().take(MOST_SHOWN).collect();
            let address = peer.address;
            log::warn!(
                "refused a token from {address} for {}",
                shown.escape_debug()
            );
        }
    }

    fn forget_oldest(&mut self) {
        let oldest = self.peers.iter().min_by_key(|(_, count)| count.since);
        if let Some(oldest) = oldest.map(|(peer, _)| *peer) {
            self.peers.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: [u8; 4], exempt: bool) -> Peer {
        Peer {
            address: IpAddr::from(address),
            exempt,
        }
    }

    #[test]
    fn a_peer_waits_after_five_refusals_until_the_minute_is_over() {
        let (refusals, began) = (Refusals::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        let (one, other) = (peer([192, 0, 2, 1], false), peer([192, 0, 2, 2], false));
        for second in 0..5 {
            assert_eq!(refusals.wait(&one, at(second)), None);
            refusals.note(&one, "/", at(second));
        }
        assert_eq!(refusals.wait(&one, at(5)), Some(Duration::from_secs(55)));
        assert_eq!(refusals.wait(&other, at(5)), None);
        assert_eq!(refusals.wait(&one, at(60)), None);
        refusals.note(&one, "/", at(60));
        assert_eq!(refusals.wait(&one, at(61)), None, "its window began anew");
    }

    #[test]
    fn exempt_peers_never_wait() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let one = peer([127, 0, 0, 1], true);
        for _ in 0..100 {
            refusals.note(&one, "/", now);
        }
        assert_eq!(refusals.wait(&one, now), None);
        assert!(refusals.seen().peers.is_empty());
    }

    #[test]
    fn no_more_peers_are_remembered_than_there_is_room_for() {
        let (refusals, began) = (Refusals::default(), Instant::now());
        let name = |number: u32| Peer {
            address: IpAddr::from(number.to_be_bytes()),
            exempt: false,
        };
        for number in 0..3 * MOST_PEERS as u32 {
            refusals.note(
                &name(number),
                "/",
                began + Duration::from_micros(number.into()),
            );
        }
        let seen = refusals.seen();
        assert_eq!(seen.peers.len(), MOST_PEERS);
        assert!(!seen.peers.contains_key(&name(0).group()));
        let last = name(3 * MOST_PEERS as u32 - 1);
        assert!(seen.peers.contains_key(&last.group()));
    }
}
