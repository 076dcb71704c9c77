//! How the parts are put together: kinds, store, supervisor, services and HTTP; and how the whole
//! comes up and goes down.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::rt;
use actix_web::web::Data;
use impresario::operation::Kinds;
use impresario::store::{FolderLock, MemoryStore, sqlite};
use impresario::{Orchestrator, StartupError};

use crate::config::{Engine, Settings, Share};
use crate::data_folder;
use crate::domain::dummy::Dummy;
use crate::domain::market::{DataLoad, DialectFolder, Imports, Library};
#[cfg(feature = "training")]
use crate::domain::training::{ModelVerify, Models, Training};
use crate::exit::Exit;
use crate::http::{
    self, App, BodyLimits, Connections, Gate, Guards, OwnKinds, SocketLimits, Track,
};
use crate::listeners;
#[cfg(feature = "training")]
use crate::services::TrainingService;
use crate::services::{DataService, DummyService};
use crate::signals::Signals;

/// Answers that are under way get so long when the server goes down.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// The project's own kinds. One line here is all that a new one needs.
pub fn kinds(settings: &Settings) -> Kinds {
    let import_dir = &settings.data.import_dir;
    if !import_dir.is_dir() {
        log::info!(
            "there is no folder {} yet, in which data_load looks for files; make it, or set data.import_dir",
            import_dir.display()
        );
    }
    let library = library(settings);
    let kinds = Kinds::new()
        .register(Dummy)
        .register(DataLoad::new(import_dir, library.clone()).dialects(dialects(settings)));
    #[cfg(feature = "training")]
    let models = Models::new(settings.models_dir());
    #[cfg(feature = "training")]
    let kinds = kinds
        .register(Training::new(library.clone(), models.clone()))
        .register(ModelVerify::new(library, models));
    kinds
}

/// Which of the project's own kinds are there: what belongs to the others is neither opened nor shown.
fn own_kinds(kinds: &Kinds) -> OwnKinds {
    OwnKinds {
        dummy: kinds.contains::<Dummy>(),
        data_load: kinds.contains::<DataLoad>(),
        #[cfg(feature = "training")]
        training: kinds.contains::<Training>(),
    }
}

/// Starts the supervisor of these kinds, and what the handlers share. As long as the lock is kept, the data
/// folder belongs to this process.
fn compose(settings: &Settings, kinds: Kinds) -> Result<(App, FolderLock), Exit> {
    let lock = data_folder::claim(settings)?;
    let own = own_kinds(&kinds);
    // Before anything runs: what it removes is nobody's any more.
    let mut library = library(settings);
    let imports = Imports::new(&settings.data.import_dir, settings.data.upload_limit());
    if own.data_load {
        library = library.open().map_err(Exit::unavailable)?;
        imports.remove_leftovers();
    }
    #[cfg(feature = "training")]
    let mut models = Models::new(settings.models_dir());
    #[cfg(feature = "training")]
    if own.training {
        models = Models::open(settings.models_dir()).map_err(Exit::unavailable)?;
    }
    let orchestrator = orchestrator(settings, kinds, &lock)?;
    data_folder::close(settings);
    // After all that keeps files open: it counts them.
    let connections = Connections::new(settings).map_err(Exit::unavailable)?;
    let app = App::new(
        connections,
        SocketLimits::of(&settings.http),
        own,
        DummyService::new(orchestrator.clone()),
        DataService::new(orchestrator.clone(), library, imports, dialects(settings)),
        #[cfg(feature = "training")]
        TrainingService::new(orchestrator.clone(), models),
        orchestrator,
    );
    Ok((app, lock))
}

/// The dialects that ship with the program, and those of a folder if one is configured.
fn dialects(settings: &Settings) -> DialectFolder {
    DialectFolder::new(settings.data.dialects_dir.clone())
}

/// What has been loaded, in a folder that need not exist yet.
fn library(settings: &Settings) -> Library {
    let shared = settings.data.share == Share::Group;
    Library::new(settings.bars_dir()).readable_by_group(shared)
}

/// The supervisor on the store that is configured.
fn orchestrator(
    settings: &Settings,
    kinds: Kinds,
    lock: &FolderLock,
) -> Result<Orchestrator, Exit> {
    let config = settings.supervisor();
    match settings.store.engine {
        Engine::Memory => Orchestrator::start(config, kinds, MemoryStore::new()),
        Engine::Sqlite => {
            let options = sqlite::Options::default()
                .allow_network_mount(settings.store.allow_network_mount)
                .delay(Duration::from_millis(settings.store.commit_delay_ms));
            let store = sqlite::SqliteStore::open_locked(lock.clone(), options)
                .map_err(Exit::unavailable)?;
            Orchestrator::start(config, kinds, store)
        }
    }
    .map_err(startup)
}

/// What the supervisor needs is a matter of configuration, but for the threads themselves.
fn startup(error: StartupError) -> Exit {
    match error {
        StartupError::Thread(_) => Exit::bug(error),
        StartupError::CheckpointFolder(_) => Exit::unavailable(error),
        error => Exit::config(error),
    }
}

/// Comes up, serves until it is asked to go or fails, and goes down.
pub async fn run(settings: &Settings, kinds: Kinds) -> Result<(), Exit> {
    // Before anything else: a signal that comes early must not be lost.
    let mut signals = Signals::new()?;
    let guards = Arc::new(Guards::new(&settings.http).map_err(Exit::config)?);
    http::check_files(settings).map_err(Exit::unavailable)?;
    let (app, _lock) = compose(settings, kinds)?;
    let app = Data::new(app);
    let (server, address) = listen(settings, &app, &guards)?;
    let handle = server.handle();
    let server = rt::spawn(server);
    rt::spawn(Arc::clone(app.connections()).watch());
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

/// Starts are refused from the first moment; reads and stops are answered to the last, so the
/// supervisor ends after the HTTP server.
async fn leave(app: &App, handle: &ServerHandle) {
    app.refuse_starts();
    app.orchestrator.drain().await;
    // They have heard the last events; an open socket would hold the server's end.
    app.end_sockets();
    handle.pause().await;
    app.connections().leave(LAST_ANSWERS).await;
    handle.stop(false).await;
    app.orchestrator.shutdown().await;
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
    let own = app.own_kinds();
    let document = Data::new(http::describe(&app.orchestrator.kinds(), own));
    let tracked = Arc::clone(&connections);
    let make = move || {
        actix_web::App::new()
            .app_data(app.clone())
            .app_data(guards.clone())
            .app_data(document.clone())
            .configure(|config| http::configure(config, own))
            .wrap(Gate(guards.clone().into_inner()))
            .wrap(Track(Arc::clone(&tracked)))
    };
    let limits = BodyLimits {
        whole: settings.http.body_limit_bytes,
        upload: settings.data.upload_limit(),
    };
    http::serve(listeners, workers, &connections, limits, make).map_err(cannot_listen)
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
