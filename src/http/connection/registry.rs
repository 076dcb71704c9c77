//! All connections.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::dev::RequestHead;
use actix_web::rt::time::sleep;

use super::held::{Memory, Share};
use super::limits::{
    ConnectionLimits, PhaseDeadlines, SUBSCRIPTIONS, TooFewFiles, UPLOADS, UPLOADS_OF_PEER,
};
use super::open::{OpenConnections, PeerConnections, immediate_ending, most_expendable};
use super::rules::{ConnectionReading, Phase, is_overdue};
use super::{Clock, Connection, Ending};
use crate::config::Settings;
use crate::http::peer::TrustedProxies;

/// How often all connections are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The same while the server goes.
const LOOK_LEAVING: Duration = Duration::from_millis(10);
/// How often at most it is said that connections had to make room.
const SAY_EVERY_MS: u64 = 10_000;

/// Every open connection.
pub struct Connections {
    limits: ConnectionLimits,
    times: PhaseDeadlines,
    proxies: TrustedProxies,
    clock: Arc<Clock>,
    open: Mutex<OpenConnections>,
    sockets: AtomicUsize,
    subscriptions: AtomicUsize,
    /// Closed for a newcomer, or not taken for want of room.
    refused: AtomicU64,
    bodies: Memory,
    answers: Memory,
    leaving: AtomicBool,
}

/// How many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Connections, live sockets among them.
    pub connections: usize,
    /// Live sockets.
    pub sockets: usize,
    /// Since the process began: connections that had to make room for others, or were not taken.
    pub refused: u64,
}

impl Connections {
    /// None yet. Everything else that the process keeps open should be open already.
    pub fn new(settings: &Settings) -> Result<Arc<Self>, TooFewFiles> {
        Ok(Arc::new(Self {
            limits: ConnectionLimits::of(settings)?,
            times: PhaseDeadlines::of(settings),
            proxies: TrustedProxies::new(&settings.http.trusted_proxies),
            clock: Arc::new(Clock::new()),
            open: Mutex::default(),
            sockets: AtomicUsize::new(0),
            subscriptions: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            bodies: Memory::new(),
            answers: Memory::new(),
            leaving: AtomicBool::new(false),
        }))
    }

    /// How many there are now.
    pub fn count(&self) -> Counts {
        Counts {
            connections: self.lock().connections.len(),
            sockets: self.sockets.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    /// The most there may be.
    pub(super) const fn most(&self) -> usize {
        self.limits.total
    }

    /// Memory for so many more bytes of a body; `None` when all bodies together have too much.
    pub(in crate::http) fn body(&self, held: Option<Share>, more: usize) -> Option<Share> {
        self.bodies.take(held, more)
    }

    /// The same for an answer.
    pub(super) fn answer(&self, bytes: usize) -> Option<Share> {
        self.answers.take(None, bytes)
    }

    /// Looks at all of them again and again, and ends those that are overdue.
    pub async fn watch(self: Arc<Self>) {
        loop {
            self.look();
            let leaving = self.leaving.load(Ordering::Relaxed);
            sleep(if leaving { LOOK_LEAVING } else { LOOK_EVERY }).await;
        }
    }

    /// Ends them all: idle ones at once, the others when they have answered; until there are none, or
    /// `limit` has passed.
    pub async fn leave(&self, limit: Duration) {
        self.leaving.store(true, Ordering::Relaxed);
        let until = Instant::now() + limit;
        while self.count().connections > 0 && Instant::now() < until {
            self.look();
            sleep(LOOK_LEAVING).await;
        }
    }

    /// A newcomer, if there is room for it or some can be made.
    pub(super) fn open(&self, address: Option<SocketAddr>) -> Option<Connection> {
        let peer = self.proxies.of_connection(address);
        let group = peer.group();
        let mut open = self.lock();
        let fits = peer.exempt || self.fits_peer(&mut open, group);
        if !fits || !self.fits_all(&mut open) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        open.next += 1;
        let id = open.next;
        if !peer.exempt {
            open.by_peer
                .entry(group)
                .or_default()
                .connections
                .insert(id);
        }
        let connection = Connection::new(id, peer, &self.clock);
        open.connections.insert(id, connection.clone());
        Some(connection)
    }

    /// It is no more.
    pub(super) fn closed(&self, connection: &Connection) {
        self.lock().forget(connection);
    }

    /// Counts a request with those of its client, where a proxy sent it on: its connection is the
    /// proxy's. `None` when the client has too many under way.
    pub(super) fn enter(self: &Arc<Self>, head: &RequestHead) -> Option<Option<Permit>> {
        if self.proxies.is_empty() {
            return Some(None);
        }
        let peer = self.proxies.of_request(head);
        if peer.exempt || peer == self.proxies.of_connection(head.peer_addr) {
            return Some(None);
        }
        let group = peer.group();
        let mut open = self.lock();
        let of_peer = open.by_peer.entry(group).or_default();
        if of_peer.count() >= self.limits.per_peer {
            return None;
        }
        of_peer.requests += 1;
        Some(Some(Permit(Arc::clone(self), PermitKind::Request(group))))
    }

    /// A permit for a live socket; `None` when there are as many as there may be.
    pub(in crate::http) fn socket(self: &Arc<Self>) -> Option<Permit> {
        self.permit(&self.sockets, self.limits.sockets, PermitKind::Socket)
    }

    /// A permit for a subscription beyond those that each socket may have anyway; `None` when there are
    /// as many as there may be.
    pub(in crate::http) fn subscription(self: &Arc<Self>) -> Option<Permit> {
        self.permit(&self.subscriptions, SUBSCRIPTIONS, PermitKind::Subscription)
    }

    /// A permit for an upload; `None` when its client has as many under way as it may have, or all
    /// together have.
    pub(in crate::http) fn upload(self: &Arc<Self>, head: &RequestHead) -> Option<Permit> {
        let peer = self.proxies.of_request(head);
        let group = (!peer.exempt).then(|| peer.group());
        let mut open = self.lock();
        if open.uploads >= UPLOADS {
            return None;
        }
        if let Some(group) = group {
            let of_peer = open.by_peer.entry(group).or_default();
            if of_peer.uploads >= UPLOADS_OF_PEER {
                return None;
            }
            of_peer.uploads += 1;
        }
        open.uploads += 1;
        Some(Permit(Arc::clone(self), PermitKind::Upload(group)))
    }

    fn permit(
        self: &Arc<Self>,
        taken: &AtomicUsize,
        most: usize,
        what: PermitKind,
    ) -> Option<Permit> {
        let one_more = |count| (count < most).then_some(count + 1);
        let counted = taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        counted.ok().map(|_| Permit(Arc::clone(self), what))
    }

    /// What is overdue is woken, and ended by `judge` if it still is when it has had its turn.
    fn look(&self) {
        let now = self.clock.look();
        let mut open = self.lock();
        for connection in open.connections.values() {
            if self.is_overdue(&connection.reading(), now) {
                connection.0.overdue.store(true, Ordering::Relaxed);
                connection.0.task.wake();
            } else if connection.0.held.load(Ordering::Relaxed) {
                // Whether its client has left shows only to those who look.
                connection.0.task.wake();
            }
        }
        self.tell(&mut open, now);
    }

    fn is_overdue(&self, reading: &ConnectionReading, now: u64) -> bool {
        let leaving = self.leaving.load(Ordering::Relaxed);
        is_overdue(reading, now, &self.times, leaving)
    }

    /// Ends a connection that was found overdue and still is, when everything that its client had sent
    /// has been read: the client is not charged for the time that the worker was busy.
    pub(super) fn judge(&self, connection: &Connection) {
        if connection.0.overdue.load(Ordering::Relaxed) {
            connection.0.overdue.store(false, Ordering::Relaxed);
            let reading = connection.reading();
            if self.is_overdue(&reading, self.clock.now()) {
                connection.end(immediate_ending(&reading));
            }
        }
    }

    /// Whether there is room for one more of a peer, made by itself if need be.
    fn fits_peer(&self, open: &mut OpenConnections, group: IpAddr) -> bool {
        let Some(of_peer) = open.by_peer.get(&group) else {
            return true;
        };
        if of_peer.count() < self.limits.per_peer {
            return true;
        }
        let its = of_peer.connections.iter();
        let its = its.filter_map(|id| open.connections.get(id));
        let spared = most_expendable(its, 1);
        self.make_room(open, spared)
    }

    /// The same for one more of anybody's. To look at all of them for each newcomer would help those
    /// who come in crowds, so a few go at a time.
    fn fits_all(&self, open: &mut OpenConnections) -> bool {
        if open.connections.len() < self.limits.total {
            return true;
        }
        let spared = most_expendable(open.connections.values(), 1 + self.limits.total / 64);
        self.make_room(open, spared)
    }

    /// Ends these; whether there were any.
    fn make_room(&self, open: &mut OpenConnections, spared: Vec<Connection>) -> bool {
        let count = spared.len();
        self.refused.fetch_add(count as u64, Ordering::Relaxed);
        for connection in spared {
            let reading = connection.reading();
            if reading.phase == Phase::Working {
                // It answers with what has come about, and counts until then.
                connection.end(Ending::AfterAnswer);
            } else {
                connection.end(immediate_ending(&reading));
                open.forget(&connection);
            }
        }
        count > 0
    }

    fn tell(&self, open: &mut OpenConnections, now: u64) {
        let refused = self.refused.load(Ordering::Relaxed);
        let (told, at) = open.told;
        if refused == told || (told > 0 && now < at + SAY_EVERY_MS) {
            return;
        }
        open.told = (refused, now);
        log::warn!(
            "{} connections had to make room for others or were not taken: {} are served at a time, {} of one peer; a higher limit of open files (ulimit -n) allows more, http.connections_per_peer more of one peer",
            refused - told,
            self.limits.total,
            self.limits.per_peer
        );
    }

    /// Whole whatever panicked beside it.
    fn lock(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets a request, a live socket, a subscription or an upload be one of the limited number there may be, until
/// it is dropped.
pub(in crate::http) struct Permit(Arc<Connections>, PermitKind);

enum PermitKind {
    Request(IpAddr),
    Socket,
    Subscription,
    /// Of this peer, unless it is exempt.
    Upload(Option<IpAddr>),
}

impl Drop for Permit {
    fn drop(&mut self) {
        match self.1 {
            PermitKind::Request(group) => {
                let one = |of_peer: &mut PeerConnections| of_peer.requests -= 1;
                self.0.lock().leave(group, one);
            }
            PermitKind::Upload(group) => {
                let mut open = self.0.lock();
                open.uploads -= 1;
                if let Some(group) = group {
                    open.leave(group, |of_peer| of_peer.uploads -= 1);
                }
            }
            PermitKind::Socket => {
                self.0.sockets.fetch_sub(1, Ordering::Relaxed);
            }
            PermitKind::Subscription => {
                self.0.subscriptions.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests;
