//! What every store must do, and what each does besides.

#[path = "../../../api/tests/round_trip/arbitrary.rs"]
#[cfg(feature = "sqlite")]
mod arbitrary;

mod acts;
mod batches;
mod list;
mod memory;
mod model;
#[cfg(feature = "sqlite")]
mod sqlite;
