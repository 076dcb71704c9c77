//! `kill -9` at random moments under load and, for the part `shutdown`, SIGTERM.

mod damage;
mod examine;
mod last;
mod load;
mod odd;
mod trainings;

use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::{NAME, TOKEN};
use crate::ledger::Ledger;
use crate::server::{Server, integrity};
use crate::world::World;
use crate::{Args, Report, check};

/// A short queue, so that many of the started operations also run.
const SETTINGS: &[&str] = &["lanes.default.queue_limit=60", "supervision.progress_ms=20"];
/// One of this many rounds is longer than the interval between checkpoints, five seconds.
const LONG_EVERY: u32 = 30;
/// One of this many rounds has trainings among its load. They take twice as long, because loading libtorch
/// takes as long as a short round.
const TRAINED_EVERY: u32 = 3;
/// After one of this many kills the database's file is checked.
const LOOK_INTO_EVERY: u32 = 10;
/// After this many rounds everything must have happened at least once.
const ENOUGH_ROUNDS: u32 = 50;
/// After this many violations the rounds end.
const ENOUGH: usize = 20;
/// The most memory that a server may use, and how much more with libtorch and two trainings.
const MOST_MEMORY_MIB: u64 = 256;
const MORE_WITH_TRAININGS_MIB: u64 = 192;
/// How long a recovery takes, and somewhat more.
const RECOVERY: Duration = Duration::from_millis(25);
/// How far the clock may be from the real one, in milliseconds. The distance between any two settings is
/// less than the time for which a key is kept.
const CLOCK_OFF: i64 = 6 * 3_600_000;

/// How a round ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Kill,
    Terminate,
    Twice,
}

impl Ending {
    fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill -9",
            Self::Terminate => "SIGTERM",
            Self::Twice => "SIGTERM and a second signal",
        }
    }
}

pub(crate) fn run(args: &Args, seed: u64) -> Report {
    let mut report = Report::default();
    rounds(args, seed, args.rounds, Ending::Kill, &mut report);
    report
}

/// Runs some of the rounds with a server that can train, if there is one. They have a data folder of their
/// own, because a server that cannot train fails trainings.
pub(crate) fn rounds(args: &Args, seed: u64, count: u32, ending: Ending, report: &mut Report) {
    let Some(server) = args.trainer.clone() else {
        timed(args, false, seed, count, ending, report);
        report.say("TRAININGS WERE LEFT OUT: there is no server with libtorch");
        return;
    };
    let with_trainings = count / TRAINED_EVERY;
    timed(args, false, seed, count - with_trainings, ending, report);
    report.say("with trainings among the load:");
    let args = Args {
        server,
        ..args.clone()
    };
    timed(&args, true, seed, with_trainings, ending, report);
}

fn timed(args: &Args, trains: bool, seed: u64, count: u32, ending: Ending, report: &mut Report) {
    let began = Instant::now();
    let played = play(args, trains, seed, count, ending, report);
    let took = began.elapsed().as_secs();
    report.say(format!("these rounds took {took} s"));
    if let Err(error) = played {
        report.hold(false, format!("{}: {error}", ending.name()));
    }
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

fn play(
    args: &Args,
    trains: bool,
    seed: u64,
    count: u32,
    ending: Ending,
    report: &mut Report,
) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let ledger = Mutex::new(Ledger::default());
    let mut random = fastrand::Rng::with_seed(seed);
    let mut ready = Vec::new();
    let world = World::make()?;
    let tokens = token_file().map_err(|error| format!("no token file: {error}"))?;
    let tokens_key = format!("http.token_file={}", tokens.path().display());
    if trains {
        trainings::undisturbed(args, folder.path(), &ledger, report)?;
    }
    let plan = Plan {
        args,
        folder: folder.path(),
        ending,
        world: world.as_ref(),
        tokens: &tokens_key,
        trains,
    };
    if world.is_none() {
        report.say("clocks that jump: NOT RUN: they need Linux and a C compiler (cc)");
    }
    for round in 0..count {
        let before = ready.last().copied().unwrap_or_default();
        let came_up = plan.one_round(round, before, &ledger, &mut random, report);
        let came_up = came_up.map_err(|error| format!("round {round}: {error}"))?;
        ready.push(came_up);
        if report.violations.len() > ENOUGH {
            report.say(format!("given up after round {round}"));
            return Ok(());
        }
    }
    if ending == Ending::Kill {
        last::look(args, folder.path(), &ledger, report)?;
        summary(&lock(&ledger), &mut ready, count, report);
        return Ok(());
    }
    // Only the part of kills reports in detail. For these rounds one line suffices.
    let mut more = Report::default();
    let looked = last::look(args, folder.path(), &ledger, &mut more);
    report.violations.append(&mut more.violations);
    looked?;
    let ledger = lock(&ledger);
    if ending == Ending::Terminate {
        uncharged(&ledger, report);
    }
    let enough = count >= ENOUGH_ROUNDS;
    trainings::summary(&ledger, enough, report);
    let counts = &ledger.counts;
    report.say(format!(
        "{count} rounds of {} under load: {} starts and {} verbs acknowledged, {} answers held against it",
        ending.name(), counts.starts, counts.verbs, counts.claims
    ));
    Ok(())
}

/// A file with the token of the clients, which only its owner may read.
fn token_file() -> std::io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new()?;
    writeln!(file, "{NAME} {TOKEN}")?;
    Ok(file)
}

/// What is the same in all rounds.
struct Plan<'a> {
    args: &'a Args,
    folder: &'a Path,
    ending: Ending,
    /// The environment in which the clock can be set, if there is one.
    world: Option<&'a World>,
    /// The key of the configuration with which a server needs a token.
    tokens: &'a str,
    /// Whether trainings are among the load.
    trains: bool,
}

impl Plan<'_> {
    /// Starts a server, checks it, puts it under load and kills it. Returns how long it took until it listened;
    /// `before` is how long the one before took.
    fn one_round(
        &self,
        round: u32,
        before: Duration,
        ledger: &Mutex<Ledger>,
        random: &mut fastrand::Rng,
        report: &mut Report,
    ) -> Result<Duration, String> {
        if self.trains && random.u8(..3) == 0 {
            damage::newest_checkpoint(self.folder, &mut lock(ledger), random)?;
        }
        if self.ending == Ending::Kill && random.u8(..4) == 0 {
            // Most of a start is loading libtorch, where it is linked: what comes after that is meant.
            let lives = before.saturating_sub(RECOVERY) + RECOVERY.mul_f64(random.f64());
            Server::start_and_kill(self.args, self.folder, SETTINGS, lives)?;
            lock(ledger).counts.in_recovery += 1;
        }
        let clocks = self.world.filter(|_| random.u8(..3) == 0);
        lock(ledger).round(clocks.is_some());
        let surroundings = clocks.map_or(Vec::new(), World::surroundings);
        // A stranger has no token, whether one is needed or not.
        let tokens = random.bool().then_some(self.tokens);
        let settings: Vec<_> = SETTINGS.iter().copied().chain(tokens).collect();
        let server = Server::start_in(self.args, self.folder, &settings, &surroundings)?;
        let ready = server.ready;
        examine::after_a_kill(&server, ledger, random, report);
        let long = round % LONG_EVERY == LONG_EVERY - 1;
        // After SIGTERM the server must end in order, so no stranger attacks it then.
        let stranger = self.ending == Ending::Kill && (long || random.bool());
        let lives = if long {
            load::leave_one_alone(&server, ledger)?;
            random.u64(7_000..8_000)
        } else if stranger {
            random.u64(..1_500)
        } else {
            random.u64(..400)
        };
        let load = load::Load {
            ending: self.ending,
            lives: Duration::from_millis(lives),
            clocks,
            stranger,
            trains: self.trains,
            most_memory_mib: if self.trains {
                MOST_MEMORY_MIB + MORE_WITH_TRAININGS_MIB
            } else {
                MOST_MEMORY_MIB
            },
            seed: random.u64(..),
        };
        load::until_its_end(server, ledger, load)?;
        if round.is_multiple_of(LOOK_INTO_EVERY) {
            let verdict = integrity(self.folder);
            report.hold(
                verdict == "ok",
                format!("round {round}: integrity_check: {verdict}"),
            );
            lock(ledger).counts.looked_into += 1;
        }
        Ok(ready)
    }
}

/// A server that is asked to end must not count an attempt for any operation.
fn uncharged(ledger: &Ledger, report: &mut Report) {
    for (id, known) in &ledger.operations {
        if let Some(event) = check::charged(&known.events) {
            report.hold(false, format!("{id}: charged for a shutdown: {event}"));
        }
    }
}

fn summary(ledger: &Ledger, ready: &mut [Duration], rounds: u32, report: &mut Report) {
    ready.sort_unstable();
    let at = |share: f64| ready[((ready.len() - 1) as f64 * share) as usize];
    let counts = &ledger.counts;
    report.say(format!(
        "{rounds} rounds of kill -9 and {} more as it came up: {} starts and {} verbs acknowledged, {} refused",
        counts.in_recovery, counts.starts, counts.verbs, counts.refused
    ));
    happened(ledger, rounds, report);
    trainings::summary(ledger, rounds >= ENOUGH_ROUNDS, report);
    let attacks = counts.attacks.iter();
    let attacks: Vec<_> = attacks
        .map(|(what, count)| format!("{count} {what}"))
        .collect();
    report.say(format!(
        "meanwhile: {} nearly valid requests refused, the clock set {} times, a stranger in rounds with {}; at most {} MiB of memory",
        counts.odd,
        counts.clocks,
        attacks.join(", "),
        counts.peak >> 10
    ));
    report.say(format!(
        "held against it: {} answers, {} promises of verbs, {} keys sent again ({} of them unheard)",
        counts.claims,
        counts.promises,
        counts.replayed + counts.resent,
        counts.resent
    ));
    if !ready.is_empty() {
        let (half, most) = (at(0.5).as_millis(), at(1.0).as_millis());
        report.say(format!("ready after a kill: p50 {half} ms, max {most} ms"));
    }
}

/// Checks that everything has happened, because what never happened was never checked.
fn happened(ledger: &Ledger, rounds: u32, report: &mut Report) {
    let events = || ledger.operations.values().flat_map(|known| &known.events);
    let count = |is: &dyn Fn(&&Value) -> bool| events().filter(is).count();
    let of = |name: &str| count(&|event| event["type"] == name);
    let to = |status: &str| count(&|event| event["data"]["status"] == status);
    let later =
        |event: &&Value| event["type"] == "submitted" && !event["data"]["not_before"].is_null();
    let seen = [
        ("checkpoints", of("checkpoint")),
        ("runs that went on from one", of("restored")),
        ("completed", to("completed")),
        ("cancelled", to("cancelled")),
        ("paused", to("paused")),
        ("started for later", count(&later)),
    ];
    for (what, count) in seen {
        let tested = count > 0 || rounds < ENOUGH_ROUNDS;
        report.hold(tested, format!("no {what}: nothing was tested"));
    }
    let said = seen.map(|(what, count)| format!("{count} {what}"));
    report.say(format!("{} events: {}", events().count(), said.join(", ")));
}
