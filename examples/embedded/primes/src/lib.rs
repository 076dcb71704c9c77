//! A kind of operation, which both services run.
use impresario::prelude::*;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct PrimesParams {
    /// Count the primes below this number.
    #[schemars(range(min = 2, max = 100_000_000))]
    pub below: u64,
}

pub struct Primes;

impl Operation for Primes {
    const KIND: &'static str = "primes";
    type Params = PrimesParams;
    type Output = u64;

    fn policy(&self) -> Policy {
        Policy::lane("default").pausable()
    }

    fn run(&self, params: PrimesParams, ctx: &Context) -> Result<u64, Failure> {
        let (next, mut primes) = ctx.restored()?.unwrap_or((2, 0));
        for number in ctx.steps("number", next..params.below) {
            let number = number?; // Err when the function is asked to stop: `?` is enough.
            let mut divisors = (2..).take_while(|divisor| divisor * divisor <= number);
            primes += u64::from(divisors.all(|divisor| number % divisor != 0));
            ctx.checkpoint(&(number + 1, primes))?; // A later run goes on from here.
        }
        Ok(primes)
    }
}
