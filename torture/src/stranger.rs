//! Attacks that anybody can make who reaches the port. The server must go on working and reveal nothing. It
//! may be killed at any moment of an attack.

mod requests;
mod sockets;

use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::client::Client;

/// How many attacks are made at a time.
const AT_ONCE: usize = 3;
/// How many connections one attack keeps open.
const CONNECTIONS: usize = 48;
/// The time between two actions of a patient attack.
const PAUSE: Duration = Duration::from_millis(20);
/// How long an answer to `/healthz` may take meanwhile.
const ALIVE_WITHIN: Duration = Duration::from_secs(5);

/// What an attack needs to know.
struct Target<'a> {
    address: &'a str,
    over: &'a AtomicBool,
    random: fastrand::Rng,
}

impl Target<'_> {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Keeps connections busy until the round is over, or the server has ended all of them.
    fn hold(&self, mut open: Vec<TcpStream>, act: impl Fn(&mut TcpStream) -> std::io::Result<()>) {
        while !self.is_over() && !open.is_empty() {
            open.retain_mut(|stream| act(stream).is_ok());
            std::thread::sleep(PAUSE);
        }
    }
}

/// Makes an attack once. An error is something that the server must not do.
type Attack = fn(&mut Target<'_>) -> Result<(), String>;

const ATTACKS: &[(&str, Attack)] = &[
    ("sockets of a foreign page", sockets::of_a_foreign_page),
    ("frames without end", sockets::frame_without_end),
    ("empty frames", sockets::empty_frames),
    ("sockets that read nothing", sockets::read_nothing),
    ("heads that drip", requests::heads_that_drip),
    ("bodies that never come", requests::bodies_that_never_come),
    (
        "answers that nobody reads",
        requests::answers_that_nobody_reads,
    ),
    ("thousands of faults", requests::thousands_of_faults),
    ("garbage", requests::garbage),
];

/// The attacks that were made, and the violations.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) attacks: Vec<&'static str>,
    pub(crate) violations: Vec<String>,
}

/// Makes some of the attacks repeatedly until the round is over, while another client asks for `/healthz`.
pub(crate) fn attack(address: &str, over: &AtomicBool, mut random: fastrand::Rng) -> Found {
    let mut found = Found::default();
    let chosen = random.choose_multiple(ATTACKS, AT_ONCE);
    std::thread::scope(|scope| {
        let attacks = chosen.into_iter().map(|(name, attack)| {
            let mut target = Target {
                address,
                over,
                random: random.fork(),
            };
            let attack = scope.spawn(move || {
                while !target.is_over() {
                    attack(&mut target)?;
                }
                Ok(())
            });
            (*name, attack)
        });
        let attacks: Vec<_> = attacks.collect();
        if let Err(error) = signs_of_life(address, over) {
            found.violations.push(format!(
                "under {:?}: {error}",
                attacks.iter().map(|(name, _)| name).collect::<Vec<_>>()
            ));
        }
        for (name, attack) in attacks {
            found.attacks.push(name);
            let done = attack
                .join()
                .unwrap_or_else(|_| Err("it panicked".to_owned()));
            found
                .violations
                .extend(done.err().map(|error: String| format!("{name}: {error}")));
        }
    });
    found
}

fn signs_of_life(address: &str, over: &AtomicBool) -> Result<(), String> {
    let client = Client::new(address);
    while !over.load(Ordering::Relaxed) {
        let asked = Instant::now();
        let answered = client.get("/healthz").is_some();
        let took = asked.elapsed();
        if answered && took > ALIVE_WITHIN {
            return Err(format!("/healthz is answered after {took:?}"));
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}
