//! Runs every target on every input that was ever found, and on a fixed number of mutations of them. `cargo
//! xtask fuzz NAME` makes a long run with an engine that looks for new code.

use std::fs;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use fastrand::Rng;
use impresario_fuzz::mutation::mutated;
use impresario_fuzz::{TARGETS, corpus, shown, target};

/// Whether anything has panicked on any thread, because the panic of a task is not visible otherwise.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// Each target has a test, with this number of mutations.
macro_rules! targets {
    ($($name:ident: $mutations:expr,)*) => {
        $(#[test]
        fn $name() {
            run(stringify!($name), $mutations);
        })*

        #[test]
        fn every_target_has_a_test_and_a_corpus() {
            let tested = [$(stringify!($name)),*];
            let names: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, tested);
            for name in names {
                assert!(!seeds(name).is_empty(), "{name} has no corpus");
            }
        }
    };
}

targets! {
    config: 2_000,
    csv: 2_000,
    frames: 400,
    manifests: 1_000,
    params: 5_000,
    paths: 10_000,
    queries: 3_000,
    rows: 100,
    times: 100_000,
    tokens: 5_000,
}

fn run(name: &str, mutations: usize) {
    listen_for_panics();
    let mut target = target(name).expect("a target");
    let (seeds, mut rng) = (seeds(name), Rng::with_seed(7));
    let mut give = |bytes: &[u8]| {
        let _told = Told(bytes);
        target(bytes);
        assert!(!PANICKED.load(Ordering::Relaxed), "another thread panicked");
    };
    seeds.iter().for_each(|seed| give(seed));
    for _ in 0..mutations {
        give(&mutated(&mut rng, &seeds));
    }
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let files = fs::read_dir(corpus(name)).into_iter().flatten();
    let mut files: Vec<_> = files.map(|file| file.expect("an entry").path()).collect();
    files.sort();
    let read = |file| fs::read(file).expect("a readable file");
    files.into_iter().map(read).collect()
}

fn listen_for_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICKED.store(true, Ordering::Relaxed);
            before(panic);
        }));
    });
}

/// Shows the input that caused a panic. Saved in the corpus, it is a test.
struct Told<'a>(&'a [u8]);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("with the input b\"{}\"", shown(self.0));
        }
    }
}
