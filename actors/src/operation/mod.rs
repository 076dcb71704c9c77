//! What the author of a kind touches.
mod run_end;
pub use run_end::{RunEnd, RunFailure};
/// A kind's own refusal of a start.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// SCREAMING_SNAKE_CASE.
    pub code: String,
    /// For a person.
    pub message: String,
    /// More.
    pub details: Option<serde_json::Value>,
}
/// A kind.
pub trait Operation: Send + Sync + 'static {
    /// Its name.
    const KIND: &'static str;
    /// What it takes.
    type Params: serde::Serialize + serde::de::DeserializeOwned + schemars::JsonSchema + garde::Validate<Context = ()> + Send;
}
/// The registry.
pub struct Kinds;
impl Kinds {
    /// Empty.
    pub fn new() -> Self { Self }
    /// One more.
    pub fn register<K: Operation>(self, _: K) -> Self { self }
}
