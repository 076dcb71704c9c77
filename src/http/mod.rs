//! The API over HTTP, and the console's files: one table of routes (`table`, `routes`) and its
//! description (`openapi`), short handlers in their rooms, what they share (`state`), and one place
//! each for who may call (`guards`), what was sent (`extract`, `query`), what is answered (`answers`)
//! and what went wrong (`errors`).

mod answers;
mod body;
mod caller;
mod connection;
mod console;
mod data;
mod dummy;
mod errors;
mod extract;
mod guards;
mod live;
mod metrics;
mod openapi;
mod operations;
mod peer;
mod query;
mod references;
mod routes;
mod state;
mod system;
mod table;
#[cfg(feature = "training")]
mod training;
mod upload;
mod verbs;

pub use connection::{Connections, Counts, TooFewFiles, Track, check_files, serve};
pub use guards::{Gate, Guards};
pub use live::SocketLimits;
pub use openapi::Document;
pub use routes::{configure, describe};
pub use state::{App, OwnKinds};
pub use upload::BodyLimits;
