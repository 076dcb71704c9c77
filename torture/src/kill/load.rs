//! What clients do until the server ends.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use impresario_api::Timestamp;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{CLOCK_OFF, Ending, lock, odd, trainings};
use crate::client::{Client, Reply};
use crate::ledger::Ledger;
use crate::server::{GRACE, Server};
use crate::stranger;
use crate::world::World;

const CLIENTS: u64 = 3;
/// Clients of trainings, which are slower, so that a training also comes to something.
const TRAINERS: u64 = 2;
/// Most of these let an operation go on, because nothing more can happen to a cancelled one.
const VERBS: [&str; 10] = [
    "cancel", "pause", "pause", "pause", "resume", "resume", "resume", "resume", "finish", "retry",
];

/// Starts an operation that nobody stops and that runs for longer than the interval between checkpoints.
pub(super) fn leave_one_alone(server: &Server, ledger: &Mutex<Ledger>) -> Result<(), String> {
    let body = json!({"iterations": 600, "step_ms": 10, "options": {"priority": 100}});
    let key = format!("alone-{}", lock(ledger).operations.len());
    let reply = Client::new(&server.address).start(&body, Some(&key));
    let mut ledger = lock(ledger);
    let floor = ledger.cursors.highest();
    match reply {
        Some(reply) if reply.is_success() => {
            let known = ledger.started(&reply.id(), &body, floor);
            known.left_alone = true;
            Ok(())
        }
        // The queue may be full of operations from before the kill.
        Some(reply) if reply.status == 429 => Ok(()),
        other => Err(format!("a start was answered {other:?}")),
    }
}

/// The load on a server, and how the server ends.
pub(super) struct Load<'a> {
    pub(super) ending: Ending,
    pub(super) lives: Duration,
    /// The environment whose clock is set meanwhile.
    pub(super) clocks: Option<&'a World>,
    pub(super) stranger: bool,
    /// Whether the server can train.
    pub(super) trains: bool,
    /// The most memory that the server may use.
    pub(super) most_memory_mib: u64,
    pub(super) seed: u64,
}

/// Runs clients, each with a plan of its own, until the server ends.
pub(super) fn until_its_end(
    mut server: Server,
    ledger: &Mutex<Ledger>,
    load: Load<'_>,
) -> Result<(), String> {
    let over = &AtomicBool::new(false);
    let address = server.address.clone();
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let client = Client::new(&address);
            let mut random = fastrand::Rng::with_seed(load.seed.wrapping_add(number));
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    act(&client, ledger, &mut random);
                }
            });
        }
        for number in 0..if load.trains { TRAINERS } else { 0 } {
            let client = Client::new(&address);
            let mut random = fastrand::Rng::with_seed(load.seed.wrapping_sub(2 + number));
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    trainings::act(&client, ledger, &mut random);
                    rest(Duration::from_millis(random.u64(20..200)), over);
                }
            });
        }
        let random = fastrand::Rng::with_seed(load.seed.wrapping_sub(1));
        if load.stranger {
            let (address, random) = (&address, random.clone());
            scope.spawn(move || attack(address, over, random, ledger));
        }
        if let Some(world) = load.clocks {
            scope.spawn(move || set_clocks(world, over, random, ledger));
        }
        std::thread::sleep(load.lives);
        weigh(&server, ledger, load.most_memory_mib);
        let ended = match load.ending {
            Ending::Kill => server.kill(),
            Ending::Terminate => leave(&mut server, &[Signal::SIGTERM]),
            Ending::Twice => leave(&mut server, &[Signal::SIGTERM, Signal::SIGINT]),
        };
        over.store(true, Ordering::Relaxed);
        ended
    })
}

/// Waits for this time, or until the server has ended.
fn rest(time: Duration, over: &AtomicBool) {
    let began = Instant::now();
    while began.elapsed() < time && !over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Checks that the server has not used too much memory.
fn weigh(server: &Server, ledger: &Mutex<Ledger>, most: u64) {
    let peak = server.status("VmHWM").unwrap_or(0);
    let mut ledger = lock(ledger);
    ledger.counts.peak = ledger.counts.peak.max(peak);
    if peak >> 10 > most {
        let took = format!("it took {} MiB of memory, of {most}", peak >> 10);
        ledger.surprises.push(took);
    }
}

fn attack(address: &str, over: &AtomicBool, random: fastrand::Rng, ledger: &Mutex<Ledger>) {
    let found = stranger::attack(address, over, random);
    let mut ledger = lock(ledger);
    for attack in found.attacks {
        *ledger.counts.attacks.entry(attack).or_default() += 1;
    }
    ledger.surprises.extend(found.violations);
}

/// Sets the clock forward and back repeatedly.
fn set_clocks(world: &World, over: &AtomicBool, mut random: fastrand::Rng, ledger: &Mutex<Ledger>) {
    while !over.load(Ordering::Relaxed) {
        let off = random.i64(-CLOCK_OFF..=CLOCK_OFF);
        match world.set_clock(off) {
            Ok(()) => lock(ledger).counts.clocks += 1,
            Err(error) => lock(ledger).surprises.push(error),
        }
        std::thread::sleep(Duration::from_millis(random.u64(10..100)));
    }
}

/// After one signal the server must end in order; after a second one it may end at once.
fn leave(server: &mut Server, signals: &[Signal]) -> Result<(), String> {
    for signal in signals {
        server.signal(*signal);
    }
    let (status, took) = server.wait(GRACE);
    match status.and_then(|status| status.code()) {
        Some(0) => Ok(()),
        Some(130) if signals.len() > 1 => Ok(()),
        other => Err(format!(
            "asked to go, it ended with {other:?} after {took:?}"
        )),
    }
}

fn act(client: &Client, ledger: &Mutex<Ledger>, random: &mut fastrand::Rng) {
    let known = lock(ledger).any(random);
    match (random.u8(..10), known) {
        (0, _) => odd::ask(client, ledger, random),
        (1..=3, _) | (_, None) => start(client, ledger, &any_body(random), random),
        (4..=5, Some(id)) => read(client, ledger, &id),
        // Only the clients of trainings stop them.
        (_, Some(id)) if lock(ledger).touch(&id).is_training() => read(client, ledger, &id),
        (_, Some(id)) => ask(
            client,
            ledger,
            &id,
            VERBS[random.usize(..VERBS.len())],
            random,
        ),
    }
}

fn read(client: &Client, ledger: &Mutex<Ledger>, id: &str) {
    let view = client.view(id).filter(Reply::is_success);
    let events = client.events(id);
    let mut ledger = lock(ledger);
    let known = ledger.touch(id);
    if let Some(view) = view {
        known.heard(view.data());
    }
    if let Some(events) = events
        && events.len() > known.events.len()
    {
        known.events = events;
    }
}

fn any_body(random: &mut fastrand::Rng) -> Value {
    let mut body = json!({"iterations": random.u64(1..50), "step_ms": random.u64(..=20)});
    let mut options = json!({
        "priority": random.i32(-5..6),
        "labels": {"torture": format!("{}", random.u8(..4))},
    });
    if random.bool() {
        // Many runs are lost before it ends.
        options["max_attempts"] = json!(1_000);
    }
    if random.u8(..5) == 0 {
        let later = Timestamp::now().plus_millis(random.i64(0..500));
        options["not_before"] = json!(later);
    }
    body["options"] = options;
    body
}

pub(super) fn start(
    client: &Client,
    ledger: &Mutex<Ledger>,
    body: &Value,
    random: &mut fastrand::Rng,
) {
    let key = (random.u8(..3) == 0).then(|| format!("key-{:016x}", random.u64(..)));
    let floor = lock(ledger).cursors.highest();
    let reply = client.start(body, key.as_deref());
    let mut ledger = lock(ledger);
    match (reply, key) {
        (Some(reply), key) if reply.is_success() => {
            ledger.started(&reply.id(), body, floor).key = key;
        }
        (Some(reply), _) => ledger.refused("a start", &reply),
        (None, Some(key)) => ledger.unanswered.push((key, body.clone())),
        (None, None) => {}
    }
}

pub(super) fn ask(
    client: &Client,
    ledger: &Mutex<Ledger>,
    id: &str,
    verb: &str,
    random: &mut fastrand::Rng,
) {
    let (floor, body) = {
        let mut ledger = lock(ledger);
        let floor = ledger.cursors.highest();
        let known = ledger.touch(id);
        if verb == "resume" {
            // This is noted before the request is sent, because it may be carried out without an answer.
            (known.resumed, known.promise) = (true, None);
        }
        (floor, known.body.clone())
    };
    let key = (verb == "retry" && random.bool()).then(|| format!("retry-{:016x}", random.u64(..)));
    let path = format!("/api/v1/operations/{id}/{verb}");
    let reply = client.post(&path, &json!({"reason": "torture"}), key.as_deref());
    let mut ledger = lock(ledger);
    let Some(reply) = reply else {
        return;
    };
    if !reply.is_success() {
        ledger.refused(verb, &reply);
        let over = ["NO_CHECKPOINT", "ALREADY_ENDED"].contains(&reply.code());
        ledger.touch(id).settled |= verb == "resume" && over;
    } else if verb == "retry" {
        ledger.started(&reply.id(), &body, floor).retry_of = Some(id.to_owned());
    } else if reply.data()["durable"] == true {
        ledger.counts.verbs += 1;
        let known = ledger.touch(id);
        known.heard(reply.data());
        known.promised(verb);
    }
}
