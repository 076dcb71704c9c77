//! A server with a kind of its own, with HTTP, progress and every verb:
//! `cargo run --no-default-features --example custom_operation`
use impresario::operation::{Context, Failure, Operation, Policy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

struct Primes;

#[derive(Serialize, Deserialize, JsonSchema)]
struct PrimesParams {
    /// Count the primes below this number.
    #[schemars(range(max = 100_000_000))]
    below: u64,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct PrimesOutput {
    /// How many there are.
    primes: u64,
}

const TRY: &str = r#"when it listens, try:
  curl -H 'Content-Type: application/json' -d '{"kind": "primes", "params": {"below": 3000000}}' \
    'http://127.0.0.1:7979/api/v1/operations?wait=60'"#;

impl Operation for Primes {
    const KIND: &'static str = "primes";
    type Params = PrimesParams;
    type Output = PrimesOutput;

    fn policy(&self) -> Policy {
        Policy::lane("default").pausable()
    }

    fn run(&self, params: PrimesParams, ctx: &Context) -> Result<PrimesOutput, Failure> {
        let (next, mut primes) = ctx.restored::<(u64, u64)>()?.unwrap_or((2, 0));
        ctx.title(format!("Counting primes below {}", params.below));
        let found = ctx.items(None);
        found.set(primes);
        for number in ctx.steps("number", next..params.below.max(2)) {
            let number = number?; // Err when the function is asked to stop: `?` is enough.
            let mut divisors = (2..).take_while(|divisor| divisor * divisor <= number);
            primes += u64::from(divisors.all(|divisor| number % divisor != 0));
            found.set(primes);
            ctx.checkpoint(&(number + 1, primes))?; // After a pause, a deploy or a crash it goes on here.
        }
        Ok(PrimesOutput { primes })
    }
}

#[expect(clippy::print_stderr, reason = "a hint for the person at the terminal")]
fn main() {
    eprintln!("{TRY}");
    impresario_server::process::serve(|settings| {
        impresario_server::app::kinds(settings).register(Primes)
    });
}
