//! The actor system on a thread of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use actix::Addr;
use actix_rt::System;
use crossbeam_channel::bounded;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

use super::failure::Failure;
use super::lane::LaneGauge;
use super::manager::{Manager, Setup};
use super::metrics::CheckpointCosts;
use super::pubsub::Hub;
use super::sweeper::Sweeper;
use super::watched;
use super::writer::{Entry, Listeners, StoreLink, Writer};
use crate::folder_lock::FolderLock;
use crate::live_count::LiveCount;
use crate::operation::Kinds;
use crate::store::{LastNumbers, Owner, Store};
use crate::{Config, StartupError};

/// What the handle holds of a running system.
pub(crate) struct Running {
    pub(crate) manager: Addr<Manager>,
    pub(crate) runtime: tokio::runtime::Handle,
    /// Turns true just before the system ends.
    pub(crate) over: watch::Receiver<bool>,
    pub(crate) gauges: BTreeMap<String, Arc<LaneGauge>>,
    pub(crate) thread: JoinHandle<()>,
    pub(crate) store_thread: Option<JoinHandle<()>>,
}

/// What the system is made of.
pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) owner: Owner,
    pub(crate) last_numbers: LastNumbers,
    pub(crate) kinds: Arc<Kinds>,
    pub(crate) store: Box<dyn Store>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) link: StoreLink,
    pub(crate) queue: UnboundedReceiver<Vec<Entry>>,
    pub(crate) admitting: Arc<AtomicBool>,
    pub(crate) failure: Failure,
    pub(crate) sweeper: Sweeper,
    pub(crate) folders_lock: Option<FolderLock>,
    pub(crate) tasks: LiveCount,
    pub(crate) waiting: LiveCount,
    /// What the checkpoints of runs have cost.
    pub(crate) checkpoint_costs: CheckpointCosts,
}

/// Starts the system and waits until its manager lives.
pub(crate) fn start(parts: Parts) -> Result<Running, StartupError> {
    let (ready, born) = bounded(1);
    let thread = std::thread::Builder::new()
        .name("impresario-control".to_owned())
        .spawn(move || {
            let system = System::new();
            let (failure, hub) = (parts.failure.clone(), Arc::clone(&parts.hub));
            let ended = Arc::new(AtomicBool::new(false));
            let tells = Arc::clone(&ended);
            let made = system.block_on(async move { assemble(parts, tells) });
            let alive = made.is_ok();
            let _ = ready.send(made);
            if !alive {
                return;
            }
            let how = system.run().err().map(|error| format!(": {error}"));
            // It ends with its manager; whatever else ends it must be heard of.
            if !ended.load(Ordering::Acquire) {
                let how = how.unwrap_or_default();
                failure.report(format!("the actor system was stopped from outside{how}"));
                hub.close();
            }
        })
        .map_err(StartupError::Thread)?;
    let (manager, runtime, over, gauges, store_thread) = born
        .recv()
        .map_err(|_| StartupError::Thread(std::io::Error::other("it panicked at its start")))??;
    Ok(Running {
        manager,
        runtime,
        over,
        gauges,
        thread,
        store_thread,
    })
}

type Assembled = (
    Addr<Manager>,
    tokio::runtime::Handle,
    watch::Receiver<bool>,
    BTreeMap<String, Arc<LaneGauge>>,
    Option<JoinHandle<()>>,
);

/// Makes the manager and the store's writer, on the control arbiter. `ended` is set when the manager
/// has ended.
fn assemble(parts: Parts, ended: Arc<AtomicBool>) -> Result<Assembled, StartupError> {
    let Parts {
        config,
        owner,
        last_numbers,
        kinds,
        store,
        hub,
        link,
        queue,
        admitting,
        failure,
        sweeper,
        folders_lock,
        tasks,
        waiting,
        checkpoint_costs,
    } = parts;
    let (reader, hub_of_end) = (store.reader(), Arc::clone(&hub));
    let breakpoints = config.breakpoints.clone();
    let setup = Setup {
        config,
        owner,
        last_numbers,
        kinds,
        hub,
        link: link.clone(),
        reader,
        admitting: Arc::clone(&admitting),
        sweeper,
        _folders_lock: folders_lock,
        tasks: tasks.clone(),
        waiting,
        checkpoint_costs,
    };
    let manager = Manager::new(setup).map_err(StartupError::Thread)?;
    let gauges = manager.gauges();
    let (told, hub) = (failure.clone(), hub_of_end);
    let (ends, over) = watch::channel(false);
    let manager = watched::start(manager, &tasks, move |panic| {
        ended.store(true, Ordering::Release);
        // An orderly end has no panic; whatever else ends the manager ends the orchestrator.
        admitting.store(false, Ordering::Release);
        if let Some(panic) = panic {
            told.report(format!("the manager panicked: {panic}"));
        }
        // Who listens hears that nothing will come any more.
        hub.close();
        ends.send_replace(true);
        System::current().stop();
    });
    let listeners = Listeners {
        committed: manager.clone().recipient(),
        not_committed: manager.clone().recipient(),
        failure,
    };
    let gauge = Arc::clone(link.gauge());
    let writer = Writer {
        store,
        queue,
        gauge,
        listeners,
        breakpoints,
    };
    let store_thread = writer.start(&tasks).map_err(StartupError::Thread)?;
    Ok((
        manager,
        tokio::runtime::Handle::current(),
        over,
        gauges,
        store_thread,
    ))
}
