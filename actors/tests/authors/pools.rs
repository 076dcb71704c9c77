//! The pool of a run.

use crossbeam_channel::bounded;
use impresario::operation::{SyncError, SyncOptions, run_sync_operation};
use rayon::prelude::*;
use serde_json::json;

use crate::common::{Nothing, does};

fn threads(threads: usize) -> SyncOptions<'static> {
    SyncOptions::default().threads(threads)
}

#[test]
fn a_pool_has_the_threads_that_the_function_may_use() {
    let kind = does(|ctx| {
        let pool = ctx.pool()?;
        assert!(std::ptr::eq(pool, ctx.pool()?), "there is one for each run");
        let sum: u64 = pool.install(|| (0..1_000_u64).into_par_iter().sum());
        Ok(json!([ctx.threads(), pool.current_num_threads(), sum]))
    });
    for many in [1, 3] {
        let end = run_sync_operation(&kind, Nothing {}, threads(many));
        assert_eq!(end.expect("it completes"), json!([many, many, 499_500]));
    }
}

#[test]
fn a_panic_within_the_pool_is_the_functions_and_one_that_nobody_waits_for_is_logged() {
    let kind = does(|ctx| {
        let (tell, told) = bounded::<()>(1);
        ctx.pool()?.spawn(move || {
            let _tells_when_it_is_dropped = tell;
            panic!("nobody waits for this one");
        });
        assert_eq!(told.recv(), Err(crossbeam_channel::RecvError));
        ctx.pool()?
            .install(|| -> () { panic!("the strings broke") });
        Ok(json!(null))
    });
    let end = run_sync_operation(&kind, Nothing {}, threads(2));
    let Err(SyncError::Panicked(failure)) = end else {
        panic!("{end:?}")
    };
    assert_eq!(failure.message, "the strings broke");
}
