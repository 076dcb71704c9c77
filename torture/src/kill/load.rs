//! What clients do until the server is ended under them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use impresario_api::Timestamp;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{Ending, lock};
use crate::client::{Client, Reply};
use crate::ledger::Ledger;
use crate::server::{GRACE, Server};

const CLIENTS: u64 = 3;
/// Mostly those after which an operation goes on: what is cancelled takes no part any more.
const VERBS: [&str; 10] = [
    "cancel", "pause", "pause", "pause", "resume", "resume", "resume", "resume", "finish", "retry",
];

/// One that nobody stops, and that outlives the time between checkpoints.
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
        // The queue may be full of what was there before the kill.
        Some(reply) if reply.status == 429 => Ok(()),
        other => Err(format!("a start was answered {other:?}")),
    }
}

/// Clients at work, each by a plan of its own, until the server is ended under them.
pub(super) fn until_its_end(
    mut server: Server,
    ending: Ending,
    ledger: &Mutex<Ledger>,
    lives: Duration,
    seed: u64,
) -> Result<(), String> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (client, over) = (Client::new(&server.address), &over);
            let mut random = fastrand::Rng::with_seed(seed.wrapping_add(number));
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    act(&client, ledger, &mut random);
                }
            });
        }
        std::thread::sleep(lives);
        let ended = match ending {
            Ending::Kill => server.kill(),
            Ending::Terminate => leave(&mut server, &[Signal::SIGTERM]),
            Ending::Twice => leave(&mut server, &[Signal::SIGTERM, Signal::SIGINT]),
        };
        over.store(true, Ordering::Relaxed);
        ended
    })
}

/// Asked to go, it goes in order; asked again, it may go at once.
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

/// One thing that a client does.
fn act(client: &Client, ledger: &Mutex<Ledger>, random: &mut fastrand::Rng) {
    let known = lock(ledger).any(random);
    match (random.u8(..10), known) {
        (0..=3, _) | (_, None) => start(client, ledger, random),
        (4..=5, Some(id)) => read(client, ledger, &id),
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
    if let Some(events) = events.filter(|events| events.len() > known.events.len()) {
        known.events = events;
    }
}

/// A start's params and options.
fn any_body(random: &mut fastrand::Rng) -> Value {
    let mut body = json!({"iterations": random.u64(1..50), "step_ms": random.u64(..=20)});
    let mut options = json!({
        "priority": random.i32(-5..6),
        "labels": {"torture": format!("{}", random.u8(..4))},
    });
    if random.bool() {
        // Many rounds are lost before it comes to its end.
        options["max_attempts"] = json!(1_000);
    }
    if random.u8(..5) == 0 {
        let later = Timestamp::now().plus_millis(random.i64(0..500));
        options["not_before"] = json!(later);
    }
    body["options"] = options;
    body
}

fn start(client: &Client, ledger: &Mutex<Ledger>, random: &mut fastrand::Rng) {
    let body = any_body(random);
    let key = (random.u8(..3) == 0).then(|| format!("key-{:016x}", random.u64(..)));
    let floor = lock(ledger).cursors.highest();
    let reply = client.start(&body, key.as_deref());
    let mut ledger = lock(ledger);
    match (reply, key) {
        (Some(reply), key) if reply.is_success() => {
            ledger.started(&reply.id(), &body, floor).key = key;
        }
        (Some(reply), _) => ledger.refused("a start", &reply),
        (None, Some(key)) => ledger.unanswered.push((key, body)),
        (None, None) => {}
    }
}

fn ask(client: &Client, ledger: &Mutex<Ledger>, id: &str, verb: &str, random: &mut fastrand::Rng) {
    let (floor, body) = {
        let mut ledger = lock(ledger);
        let floor = ledger.cursors.highest();
        let known = ledger.touch(id);
        if verb == "resume" {
            // Before it is sent: it may come through unheard.
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
    } else if verb == "retry" {
        ledger.started(&reply.id(), &body, floor).retry_of = Some(id.to_owned());
    } else if reply.data()["durable"] == true {
        ledger.counts.verbs += 1;
        let known = ledger.touch(id);
        known.heard(reply.data());
        known.promised(verb);
    }
}
