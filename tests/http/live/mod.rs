//! Live sockets, over a client of another make.

pub(crate) mod client;
mod counted;
mod following;
mod gaps;
mod hostile;
mod lossless;
mod manners;
mod python;
mod schema;
