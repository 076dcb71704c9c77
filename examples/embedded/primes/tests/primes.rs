//! What a test of a kind looks like: no server, no store, no waiting.

use impresario::api::{Status, Verb};
use impresario::testing;
use primes::{Primes, PrimesParams};

const BELOW_100: PrimesParams = PrimesParams { below: 100 };

#[test]
fn it_counts_primes() {
    let ended = testing::run(&Primes, BELOW_100).end();
    assert_eq!(ended.output(), Some(&25));
}

#[test]
fn a_pause_at_any_call_changes_nothing() {
    let calls = testing::run(&Primes, BELOW_100).end().calls();
    for call in 1..=calls {
        let paused = testing::run(&Primes, BELOW_100).stop_at_call(call, Verb::Pause);
        let paused = paused.end();
        assert_eq!(paused.status(), Status::Paused);
        assert_eq!(paused.resume(&Primes).end().output(), Some(&25));
    }
}
