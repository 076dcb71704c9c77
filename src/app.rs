//! How the parts are put together: kinds, store, supervisor, services and HTTP; and how the whole
//! comes up and goes down.

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::rt;
use actix_web::web::Data;
use impresario::operation::Kinds;
use impresario::store::{MemoryStore, sqlite};
use impresario::{Orchestrator, StartupError};
use impresario_api::SystemView;
use tokio::sync::watch;

use crate::config::{Engine, Settings};
use crate::data_folder;
use crate::domain::dummy::Dummy;
use crate::domain::market::DataLoad;
#[cfg(feature = "training")]
use crate::domain::training::{Models, Training};
use crate::http::{self, Connections, Gate, Guards, Limits, Track};
use crate::listeners;
#[cfg(feature = "training")]
use crate::services::TrainingService;
use crate::services::{DataService, DummyService};
use crate::signals::Signals;

/// Answers that are under way get so long when the server goes down.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Why the process ends, and with which code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Exit {
    /// The process's exit code.
    pub code: u8,
    /// For the person at the terminal.
    pub message: String,
}

impl Exit {
    /// A usage or configuration fault.
    pub fn config(error: impl ToString) -> Self {
        Self {
            code: 2,
            message: error.to_string(),
        }
    }

    /// Something that the server needs is taken or out of reach.
    pub(crate) fn unavailable(message: String) -> Self {
        Self { code: 69, message }
    }

    /// A bug.
    pub(crate) fn bug(message: impl ToString) -> Self {
        Self {
            code: 70,
            message: message.to_string(),
        }
    }
}

/// What the handlers share.
pub struct App {
    /// The one handle on the supervisor.
    pub orchestrator: Orchestrator,
    /// The kind `dummy` by its own name.
    pub dummy: DummyService,
    /// Market data.
    pub data: DataService,
    /// Training, and what was trained.
    #[cfg(feature = "training")]
    pub training: TrainingService,
    leaving: AtomicBool,
    /// Turns true when live sockets are to end.
    sockets_leave: watch::Sender<bool>,
    socket_limits: Limits,
    connections: Arc<Connections>,
    /// Held while the process lives: the folder is nobody else's.
    _data_dir: File,
}

/// The project's own kinds. One line here is all that a new one needs.
pub fn kinds(settings: &Settings) -> Kinds {
    let import_dir = &settings.data.import_dir;
    if !import_dir.is_dir() {
        log::info!(
            "there is no folder {} yet, in which data_load looks for files; make it, or set data.import_dir",
            import_dir.display()
        );
    }
    let library = settings.library();
    let kinds = Kinds::new()
        .register(Dummy)
        .register(DataLoad::new(import_dir, library.clone()));
    #[cfg(feature = "training")]
    let kinds = kinds.register(Training::new(library, Models::new(settings.models_dir())));
    kinds
}

impl App {
    /// Starts the supervisor of these kinds.
    pub fn compose(settings: &Settings, kinds: Kinds) -> Result<Self, Exit> {
        let data_dir = data_folder::claim(settings)?;
        // Before anything runs: what it removes is nobody's any more.
        let library = settings
            .library()
            .open()
            .map_err(|error| Exit::unavailable(error.to_string()))?;
        #[cfg(feature = "training")]
        let models = Models::open(settings.models_dir())
            .map_err(|error| Exit::unavailable(error.to_string()))?;
        let orchestrator = orchestrator(settings, kinds)?;
        data_folder::close(settings);
        // After all that keeps files open: it counts them.
        let connections =
            Connections::new(settings).map_err(|error| Exit::unavailable(error.to_string()))?;
        let dummy = DummyService::new(orchestrator.clone());
        let data = DataService::new(orchestrator.clone(), library);
        #[cfg(feature = "training")]
        let training = TrainingService::new(orchestrator.clone(), models);
        Ok(Self {
            orchestrator,
            dummy,
            data,
            #[cfg(feature = "training")]
            training,
            leaving: AtomicBool::new(false),
            sockets_leave: watch::Sender::new(false),
            socket_limits: settings.http.socket_limits(),
            connections,
            _data_dir: data_dir,
        })
    }

    /// When live sockets are to end.
    pub fn leaving(&self) -> watch::Receiver<bool> {
        self.sockets_leave.subscribe()
    }

    /// Every open connection.
    pub const fn connections(&self) -> &Arc<Connections> {
        &self.connections
    }

    /// How live sockets are kept.
    pub const fn socket_limits(&self) -> Limits {
        self.socket_limits
    }

    /// What the supervisor cannot know of the server that it is in.
    pub fn complete(&self, system: &mut SystemView) {
        env!("CARGO_PKG_VERSION").clone_into(&mut system.version);
        system.sockets = self.connections.count().sockets as u64;
    }

    /// Whether starts are admitted.
    pub fn is_ready(&self) -> bool {
        !self.leaving.load(Ordering::Relaxed) && self.orchestrator.is_admitting()
    }
}

/// The supervisor on the store that is configured.
fn orchestrator(settings: &Settings, kinds: Kinds) -> Result<Orchestrator, Exit> {
    let config = settings.supervisor();
    match settings.store.engine {
        Engine::Memory => Orchestrator::start(config, kinds, MemoryStore::new()),
        Engine::Sqlite => {
            let options = sqlite::Options {
                allow_network_mount: settings.store.allow_network_mount,
                delay: Duration::from_millis(settings.store.commit_delay_ms),
            };
            let store = sqlite::SqliteStore::open(&settings.data_dir, options)
                .map_err(|error| Exit::unavailable(error.to_string()))?;
            Orchestrator::start(config, kinds, store)
        }
    }
    .map_err(startup)
}

/// What the supervisor needs is a matter of configuration, but for the threads themselves.
fn startup(error: StartupError) -> Exit {
    match error {
        StartupError::Thread(_) => Exit::bug(error),
        error => Exit::config(error),
    }
}

/// Comes up, serves until it is asked to go or fails, and goes down.
pub async fn run(settings: &Settings, kinds: Kinds) -> Result<(), Exit> {
    // Before anything else: a signal that comes early must not be lost.
    let mut signals = Signals::new()?;
    let guards = Arc::new(Guards::new(&settings.http).map_err(Exit::config)?);
    http::check_files(settings).map_err(|error| Exit::unavailable(error.to_string()))?;
    let app = Data::new(App::compose(settings, kinds)?);
    let (server, address) = listen(settings, &app, &guards)?;
    let handle = server.handle();
    let server = rt::spawn(server);
    rt::spawn(Arc::clone(&app.connections).watch());
    announce(address)?;
    let failed = app.orchestrator.failed();
    let taken_away = data_folder::taken_away(settings.data_dir.clone());
    tokio::pin!(failed, server);
    tokio::select! {
        () = signals.next() => {}
        why = &mut failed => return Err(Exit::bug(why)),
        why = taken_away => return Err(Exit::bug(why)),
        _ = &mut server => return Err(Exit::bug("the HTTP server ended by itself")),
    }
    log::info!("shutting down; a second signal ends the process at once");
    tokio::select! {
        () = leave(&app, &handle) => Ok(()),
        why = failed => Err(Exit::bug(why)),
        () = signals.next() => Err(Exit { code: 130, message: "ended by a second signal".to_owned() }),
    }
}

/// Starts are refused from the first moment, reads are answered to the last.
async fn leave(app: &App, handle: &ServerHandle) {
    app.leaving.store(true, Ordering::Relaxed);
    app.orchestrator.shutdown().await;
    // They have heard the last events; an open socket would hold the server's end.
    app.sockets_leave.send_replace(true);
    handle.pause().await;
    app.connections.leave(LAST_ANSWERS).await;
    handle.stop(false).await;
}

fn listen(
    settings: &Settings,
    app: &Data<App>,
    guards: &Arc<Guards>,
) -> Result<(Server, SocketAddr), Exit> {
    let listeners = listeners::bind(&settings.http.listen)?;
    let workers = settings.http.worker_threads();
    let connections = Arc::clone(app.connections());
    let (app, guards) = (app.clone(), Data::from(Arc::clone(guards)));
    let document = Data::new(http::describe(&app.orchestrator.kinds()));
    let tracked = Arc::clone(&connections);
    let make = move || {
        actix_web::App::new()
            .app_data(app.clone())
            .app_data(guards.clone())
            .app_data(document.clone())
            .configure(http::configure)
            .wrap(Gate(guards.clone().into_inner()))
            .wrap(Track(Arc::clone(&tracked)))
    };
    let body_limit = settings.http.body_limit_bytes;
    http::serve(listeners, workers, &connections, body_limit, make).map_err(cannot_listen)
}

fn cannot_listen(why: impl std::fmt::Display) -> Exit {
    Exit::unavailable(format!("cannot listen: {why}"))
}

/// The one line on standard output: whoever started the server reads the port from it.
fn announce(address: SocketAddr) -> Result<(), Exit> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening on http://{address}")
        .and_then(|()| out.flush())
        .map_err(|error| Exit::unavailable(format!("cannot write to standard output: {error}")))
}
