//! Kinds that only tests need, and the server that knows them: this very test program, started again
//! to run one thing that is no test of its own.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use actix_web::rt::System;
use clap::Parser;
use impresario::LaneConfig;
use impresario::operation::{Context, Failure, Kinds, LogLevel, Operation, OrFail, Policy};
use impresario_server::{app, config::Args, process};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::Server;

/// The server's arguments, as JSON; without them there is nothing to serve.
const ARGUMENTS: &str = "IMPRESARIO_TEST_SERVER";

#[test]
#[ignore = "the server that other tests start"]
fn serves() {
    if let Some(args) = args() {
        process::serve_with(&args, |settings| registered(app::kinds(settings)));
    }
}

/// Without the project's own kinds, and with a lane that is in no configuration.
#[test]
#[ignore = "the server that other tests start"]
fn serves_alone() {
    if let Some(args) = args() {
        let lane = LaneConfig::default().concurrency(3).queue_limit(5);
        let program = process::Program::new().lane("own", lane);
        program.serve_with(&args, |_| registered(Kinds::new()).register(Laned));
    }
}

/// With kinds of which each has a fault.
#[test]
#[ignore = "the server that other tests start"]
fn serves_faults() {
    if let Some(args) = args() {
        let kinds = Kinds::new().register(Plain).register(Plain);
        process::serve_with(&args, |_| kinds.register(Laned));
    }
}

/// As from a main function with `#[tokio::main]` or `#[actix_web::main]`.
#[test]
#[ignore = "the server that other tests start"]
fn serves_within_a_runtime() {
    if let Some(args) = args() {
        System::new().block_on(async { process::serve_with(&args, app::kinds) });
    }
}

fn args() -> Option<Args> {
    let arguments = std::env::var(ARGUMENTS).ok()?;
    let arguments: Vec<String> = serde_json::from_str(&arguments).expect("words");
    let words = std::iter::once("impresariod".to_owned()).chain(arguments);
    Some(Args::parse_from(words))
}

/// What starts it.
pub(crate) fn command(arguments: &[String]) -> Command {
    command_of("serves", arguments)
}

/// What starts one of the servers here.
pub(crate) fn command_of(server: &str, arguments: &[String]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    let test = format!("own::{server}");
    command
        .args(["--exact", &test, "--ignored", "--nocapture"])
        .env(ARGUMENTS, json!(arguments).to_string())
        .env_remove("RUST_LOG")
        .stdin(Stdio::null());
    command
}

/// Where a function of another process waits until the test lets it go.
pub(crate) struct Gate(TcpListener);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("a free port"))
    }

    /// For the params of a kind that waits here.
    pub(crate) fn params(&self) -> Value {
        let address = self.0.local_addr().expect("it has an address");
        json!({"gate": address.to_string()})
    }

    /// Waits until a function waits here: what holds it until it is dropped.
    pub(crate) fn held(&self) -> TcpStream {
        self.0.accept().expect("the function comes").0
    }

    /// Starts one that waits here, and waits until it does: its id, and what holds it until it is
    /// dropped.
    pub(crate) fn holds(
        &self,
        server: &Server,
        kind: &str,
        options: &Value,
    ) -> (String, TcpStream) {
        let id = server.of_kind(kind, &self.params(), options);
        server.until(&id, "running");
        (id, self.held())
    }
}

/// A kind for which the configuration has no lane.
struct Laned;

impl Operation for Laned {
    const KIND: &'static str = "laned";
    type Params = ();
    type Output = ();

    fn policy(&self) -> Policy {
        Policy::lane("own")
    }

    fn run(&self, (): (), _: &Context) -> Result<(), Failure> {
        Ok(())
    }
}

/// The kinds: what each takes and gives, what it does, and how it may be run.
macro_rules! kinds {
    ($($kind:ident = $name:literal: $params:ty => $output:ty, $run:ident, $policy:expr;)*) => {
        $(
            struct $kind;

            impl Operation for $kind {
                const KIND: &'static str = $name;
                type Params = $params;
                type Output = $output;

                fn policy(&self) -> Policy {
                    $policy
                }

                fn run(&self, params: $params, ctx: &Context) -> Result<$output, Failure> {
                    $run(&params, ctx)
                }
            }
        )*

        fn registered(kinds: Kinds) -> Kinds {
            kinds$(.register($kind))*
        }
    };
}

kinds! {
    Stubborn = "stubborn": AtGate => (), ignore_stops, patient();
    Plain = "plain": NoParams => (), sleep, plain();
    Panicker = "panicker": NoParams => (), panic, plain();
    Shouter = "shouter": Shout => (), shout, plain();
    Talker = "talker": Lines => String, talk, plain();
    Hoarder = "hoarder": AtGate => (), hoard, plain();
    Meter = "meter": Runs => (), measure, plain().max_attempts(9).backoff(AT_ONCE, AT_ONCE);
    Saboteur = "saboteur": NoParams => (), sabotage, plain();
    Unit = "unit": () => (), nothing, plain();
}

const AT_ONCE: Duration = Duration::from_millis(1);

fn plain() -> Policy {
    Policy::lane("default")
}

fn patient() -> Policy {
    // No warning of it comes between what a test compares.
    let hour = Duration::from_secs(3_600);
    plain().pausable().finishable().grace(hour)
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct AtGate {
    /// Where it waits, whatever it is asked.
    gate: String,
}

impl AtGate {
    fn wait(&self) -> Result<(), Failure> {
        let mut gate = TcpStream::connect(&self.gate).or_fail("NO_GATE")?;
        // It opens when the other side goes.
        gate.read(&mut [0]).or_fail("NO_GATE").map(|_| ())
    }
}

/// Hears of stops only when its gate has opened.
fn ignore_stops(params: &AtGate, ctx: &Context) -> Result<(), Failure> {
    params.wait()?;
    Ok(ctx.check()?)
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct NoParams {}

/// It can only be cancelled.
fn sleep(_: &NoParams, ctx: &Context) -> Result<(), Failure> {
    Ok(ctx.sleep(Duration::from_secs(3_600))?)
}

/// It takes nothing, and does nothing.
fn nothing((): &(), ctx: &Context) -> Result<(), Failure> {
    Ok(ctx.check()?)
}

fn panic(_: &NoParams, _: &Context) -> Result<(), Failure> {
    panic!("the strings broke")
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Shout {
    /// How often it repeats itself.
    times: usize,
    /// Whether it panics in the end.
    #[serde(default)]
    panics: bool,
    /// Nothing that it reads; its author sets no limits.
    #[serde(default)]
    list: Vec<u8>,
    /// The same.
    #[serde(default)]
    map: std::collections::BTreeMap<String, u8>,
}

/// Says everything that a function can say in long, odd texts, and fails.
fn shout(params: &Shout, ctx: &Context) -> Result<(), Failure> {
    let odd = "\u{202e}\u{1b}[31m\"é\0".repeat(params.times);
    ctx.message(format_args!("{odd}"));
    ctx.title(&*odd);
    (0..100).for_each(|n| ctx.context(format!("{n}{odd}"), &*odd));
    ctx.metric(&odd, 1, 0.5);
    ctx.log(LogLevel::Info, &odd);
    ctx.warn(&odd, &odd);
    if params.panics {
        panic!("{odd}");
    }
    let failure = Failure::new(odd.clone(), odd.clone());
    Err(failure.details(json!({"all": odd})))
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Lines {
    /// How many.
    #[serde(default)]
    lines: u32,
    /// Bytes of its output.
    #[serde(default)]
    output: usize,
}

/// Logs, and gives an output.
fn talk(params: &Lines, ctx: &Context) -> Result<String, Failure> {
    (0..params.lines).for_each(|line| ctx.log(LogLevel::Info, line));
    Ok("x".repeat(params.output))
}

/// Opens every file that the process may still open, and keeps them until its gate opens.
fn hoard(params: &AtGate, ctx: &Context) -> Result<(), Failure> {
    let mut gate = TcpStream::connect(&params.gate).or_fail("NO_GATE")?;
    let open = || std::fs::File::open("/dev/null").ok();
    let hoard: Vec<_> = std::iter::from_fn(open).collect();
    ctx.log(LogLevel::Info, format_args!("{} files", hoard.len()));
    gate.read(&mut [0]).or_fail("NO_GATE").map(|_| ())
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Runs {
    /// Up to which step each run measures; every run but the last fails then, and is tried again.
    steps: Vec<u64>,
}

/// Measures, each run from the start: `loss` is 1 over the step, and less by the run; only the first
/// run measures `extra`.
fn measure(params: &Runs, ctx: &Context) -> Result<(), Failure> {
    let run = ctx.run();
    let last = params.steps.get(run as usize - 1).copied().unwrap_or(0);
    for step in 1..=last {
        ctx.metric("loss", step, 1.0 / step as f64 - f64::from(run));
        if run == 1 {
            ctx.metric("extra", step, 1.0);
        }
    }
    let is_last = run as usize >= params.steps.len();
    is_last
        .then_some(())
        .ok_or_else(|| Failure::new("POWER", "the power went").retryable())
}

/// Does what no function may: reaches for the actor system of its own thread, and stops it.
fn sabotage(_: &NoParams, _: &Context) -> Result<(), Failure> {
    System::current().stop();
    Ok(())
}
