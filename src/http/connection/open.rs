//! What is open: every connection, and whose it is.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::rules::{ConnectionReading, Phase, expendable};
use super::{Connection, Ending};

#[derive(Default)]
pub(super) struct OpenConnections {
    pub(super) connections: HashMap<u64, Connection>,
    /// What each peer has that is not exempt.
    pub(super) by_peer: HashMap<IpAddr, PeerConnections>,
    pub(super) next: u64,
    /// How many uploads are under way.
    pub(super) uploads: usize,
    /// What has been said of those that had to make room, and when.
    pub(super) told: (u64, u64),
}

/// What one peer has.
#[derive(Default)]
pub(super) struct PeerConnections {
    pub(super) connections: HashSet<u64>,
    /// Requests that proxies sent on for it.
    pub(super) requests: usize,
    /// Its uploads that are under way.
    pub(super) uploads: usize,
}

impl PeerConnections {
    pub(super) fn count(&self) -> usize {
        self.connections.len() + self.requests
    }
}

impl OpenConnections {
    pub(super) fn forget(&mut self, connection: &Connection) {
        let id = connection.0.id;
        if self.connections.remove(&id).is_some() && !connection.0.peer.exempt {
            self.leave(connection.group(), |of_peer| {
                of_peer.connections.remove(&id);
            });
        }
    }

    pub(super) fn leave(&mut self, group: IpAddr, one: impl FnOnce(&mut PeerConnections)) {
        if let Some(of_peer) = self.by_peer.get_mut(&group) {
            one(of_peer);
            if of_peer.count() == 0 && of_peer.uploads == 0 {
                self.by_peer.remove(&group);
            }
        }
    }
}

/// How one ends that is not waited for. What a client has not taken is not kept for it.
pub(super) fn immediate_ending(reading: &ConnectionReading) -> Ending {
    if reading.blocked_since.is_some() || reading.phase == Phase::Closing {
        Ending::Abort
    } else {
        Ending::Now
    }
}

/// Of these, the few that can be spared most.
pub(super) fn most_expendable<'a>(
    among: impl Iterator<Item = &'a Connection>,
    few: usize,
) -> Vec<Connection> {
    let goes_on = among.filter(|one| one.ending() == Ending::None);
    let mut ranked: Vec<_> = goes_on
        .filter_map(|one| Some((expendable(&one.reading())?, one.0.id, one)))
        .collect();
    let key = |&(rank, id, _): &((u8, u64), u64, &Connection)| (rank, id);
    if ranked.len() > few {
        ranked.select_nth_unstable_by_key(few, key);
        ranked.truncate(few);
    }
    ranked.into_iter().map(|(.., one)| one.clone()).collect()
}
