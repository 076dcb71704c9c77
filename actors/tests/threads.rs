//! No thread outlives the orchestrator: this is the only test of its process, so the threads can be counted.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::time::{Duration, Instant};

use impresario::operation::{Context, Failure, Kinds, Operation, Policy};
use impresario::store::sqlite::{self, SqliteStore};
use impresario::store::{MemoryStore, Store};
use impresario::{Config, Options, Orchestrator};

/// Sleeps until it is asked to go.
struct Sleeper(crossbeam_channel::Sender<()>);

impl Operation for Sleeper {
    const KIND: &'static str = "sleeper";
    type Params = ();
    type Output = ();

    fn policy(&self) -> Policy {
        Policy::lane("default")
    }

    fn run(&self, (): (), ctx: &Context) -> Result<(), Failure> {
        let _ = self.0.send(());
        Ok(ctx.sleep(Duration::from_secs(3_600))?)
    }
}

/// The names of the threads of this process.
fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux says so");
    // One that ends as it is looked at has no name any more.
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).ok();
    let mut names: Vec<_> = tasks.flatten().filter_map(name).collect();
    names.sort();
    names
}

/// An orchestrator whose every thread has been at work: a function that runs, and the pools.
fn busy(folder: &Path, store: impl Store) -> Orchestrator {
    let (begins, begun) = crossbeam_channel::unbounded();
    let config = Config::default().checkpoint_dir(Some(folder.join("checkpoints")));
    let kinds = Kinds::new().register(Sleeper(begins));
    let orchestrator = Orchestrator::start(config, kinds, store).expect("it starts");
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(async {
            let started = orchestrator.start_managed_operation::<Sleeper>((), Options::default());
            started.await.expect("a start");
            orchestrator.blocking(|| ()).await.expect("a thread");
            orchestrator.bulk(|| async {}).await.expect("a thread");
        });
    begun
        .recv_timeout(Duration::from_secs(30))
        .expect("it runs");
    orchestrator
}

#[test]
fn an_orchestrator_that_is_dropped_leaves_no_thread() {
    let before = threads();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = SqliteStore::open(folder.path(), sqlite::Options::default()).expect("a store");
    let in_memory = busy(&folder.path().join("other"), MemoryStore::new());
    let on_disk = busy(folder.path(), store);
    let there = threads().len();
    assert!(there > before.len() + 10, "{:?}", threads());
    drop(in_memory);
    drop(on_disk);
    let began = Instant::now();
    while threads() != before {
        let left = threads();
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{left:?} and not {before:?}"
        );
        std::thread::yield_now();
    }
}
