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
/// Peers that are counted one by one. While there are so many, all others are counted as one: to forget a
/// count would let whoever has enough addresses go on for ever.
const MOST_PEERS: usize = 4_096;
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
    /// Those for whom there is no room.
    others: Option<Count>,
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
        let count = seen.peers.get(&peer.group()).or(seen.others.as_ref())?;
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
        let known = seen.peers.get(&group).copied();
        if known.is_none() && !seen.has_room(now) {
            seen.others = Some(Count::more(seen.others, now));
            return;
        }
        seen.peers.insert(group, Count::more(known, now));
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

    /// Whether one more peer can be counted; those whose window is over make room.
    fn has_room(&mut self, now: Instant) -> bool {
        if self.peers.len() >= MOST_PEERS {
            self.peers.retain(|_, count| count.left(now).is_some());
        }
        self.peers.len() < MOST_PEERS
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
    fn no_refusals_of_others_end_a_peers_wait() {
        let (refusals, began) = (Refusals::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        let name = |number: u32| Peer {
            address: IpAddr::from(number.to_be_bytes()),
            exempt: false,
        };
        let most = MOST_PEERS as u32;
        for _ in 0..MOST_REFUSED {
            refusals.note(&name(0), "/", at(0));
        }
        for number in 1..most {
            refusals.note(&name(number), "/", at(1));
        }
        let later = most..2 * most;
        assert_eq!(refusals.wait(&name(most), at(2)), None, "none was too many");
        for number in later.clone() {
            refusals.note(&name(number), "/", at(2));
            assert!(refusals.wait(&name(0), at(2)).is_some(), "{number}");
        }
        assert_eq!(refusals.seen().peers.len(), MOST_PEERS);
        // Those for whom there is no room wait together, and those who are known for themselves.
        assert_eq!(refusals.wait(&name(1), at(3)), None);
        for number in later {
            let left = refusals.wait(&name(number), at(3));
            assert_eq!(left, Some(Duration::from_secs(59)));
        }
        // When the windows are over, there is room again.
        assert_eq!(refusals.wait(&name(most), at(62)), None);
        refusals.note(&name(most), "/", at(62));
        assert_eq!(refusals.seen().peers.len(), 1);
    }
}
