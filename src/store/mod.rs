//! What outlives the process: the embedded store. SQL is written here and nowhere else.

mod sqlite;

pub use sqlite::{OpenError, Options, SqliteStore};
