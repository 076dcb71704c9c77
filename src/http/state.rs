//! What the handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use impresario::Orchestrator;
use impresario_api::SystemView;
use tokio::sync::watch;

use super::connection::Connections;
use super::live::SocketLimits;
#[cfg(feature = "training")]
use crate::services::TrainingService;
use crate::services::{DataService, DummyService};

/// Which of the project's own kinds the server has: the routes of the others are not served.
#[derive(Clone, Copy, Debug)]
pub struct OwnKinds {
    /// `dummy`.
    pub dummy: bool,
    /// `data_load`, with all of market data.
    pub data_load: bool,
    /// `training`, with the models.
    #[cfg(feature = "training")]
    pub training: bool,
}

/// What the handlers share.
pub struct App {
    /// The one handle on the supervisor.
    pub(crate) orchestrator: Orchestrator,
    own_kinds: OwnKinds,
    /// The kind `dummy` by its own name.
    pub(super) dummy: DummyService,
    /// Market data.
    pub(super) data: DataService,
    /// Training, and what was trained.
    #[cfg(feature = "training")]
    pub(super) training: TrainingService,
    leaving: AtomicBool,
    /// Turns true when live sockets are to end.
    sockets_leave: watch::Sender<bool>,
    socket_limits: SocketLimits,
    connections: Arc<Connections>,
}

impl App {
    /// A server that admits starts.
    pub fn new(
        connections: Arc<Connections>,
        socket_limits: SocketLimits,
        own_kinds: OwnKinds,
        dummy: DummyService,
        data: DataService,
        #[cfg(feature = "training")] training: TrainingService,
        orchestrator: Orchestrator,
    ) -> Self {
        Self {
            orchestrator,
            own_kinds,
            dummy,
            data,
            #[cfg(feature = "training")]
            training,
            leaving: AtomicBool::new(false),
            sockets_leave: watch::Sender::new(false),
            socket_limits,
            connections,
        }
    }

    /// Which of the project's own kinds there are.
    pub const fn own_kinds(&self) -> OwnKinds {
        self.own_kinds
    }

    /// From here on no start is admitted.
    pub fn refuse_starts(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// Whether the server goes down.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    /// Why every start is refused, if it is.
    pub(super) fn readiness(&self) -> Result<(), impresario::Error> {
        if self.is_leaving() {
            return Err(impresario::Error::ShuttingDown);
        }
        self.orchestrator.readiness()
    }

    /// Tells every live socket to end.
    pub fn end_sockets(&self) {
        self.sockets_leave.send_replace(true);
    }

    /// Turns true when live sockets are to end.
    pub(super) fn sockets_leave(&self) -> watch::Receiver<bool> {
        self.sockets_leave.subscribe()
    }

    /// How live sockets are kept.
    pub(super) const fn socket_limits(&self) -> SocketLimits {
        self.socket_limits
    }

    /// Every open connection.
    pub const fn connections(&self) -> &Arc<Connections> {
        &self.connections
    }

    /// Adds what the supervisor cannot know of the server that it is in.
    pub(super) fn complete(&self, system: &mut SystemView) {
        env!("CARGO_PKG_VERSION").clone_into(&mut system.version);
        system.sockets = self.connections.count().sockets as u64;
    }
}
