//! Live sockets, over a client of another make.

mod client;
mod following;
mod lossless;
mod manners;
mod python;
mod schema;
