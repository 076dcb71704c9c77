//! What the compiler says of a pool without the feature `rayon`.

use super::{Context, Failure};

/// What nothing implements, so that a call is an error with this message.
#[diagnostic::on_unimplemented(
    message = "`ctx.pool()` needs the feature `rayon` of the crate `impresario`",
    label = "the feature `rayon` is not enabled",
    note = "write `features = [\"rayon\"]` at the dependency on `impresario` in Cargo.toml"
)]
pub trait FeatureRayon {}

/// In place of a pool, so that the missing feature is the only error.
#[derive(Debug)]
pub enum NoPool {}

impl NoPool {
    /// As that of a pool.
    pub fn install<T>(&self, _: impl FnOnce() -> T) -> T {
        match *self {}
    }
}

impl Context {
    /// A pool of rayon, with the feature `rayon`.
    // The bound is over all lifetimes because the compiler refuses one that it sees to be false at once.
    #[doc(hidden)]
    pub fn pool(&self) -> Result<&NoPool, Failure>
    where
        for<'a> &'a Self: FeatureRayon,
    {
        Err(Failure::new(
            "POOL_NOT_STARTED",
            "there is no feature rayon",
        ))
    }
}
