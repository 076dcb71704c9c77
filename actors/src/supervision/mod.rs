//! Who runs where: the manager, an actor for each run that is going on, the lanes' slots, the
//! store's writer, and the hub that tells who listens.
//!
//! No handler on the control arbiter computes, blocks, or waits for a lock that a domain thread
//! may hold.

pub(crate) mod blocking;
pub(crate) mod breakpoints;
pub(crate) mod failure;
pub(crate) mod lane;
pub(crate) mod manager;
pub(crate) mod messages;
pub(crate) mod metrics;
pub(crate) mod operation_actor;
pub(crate) mod pubsub;
pub(crate) mod reply;
pub(crate) mod sweeper;
pub(crate) mod system;
pub(crate) mod unrecorded;
pub(crate) mod watched;
pub(crate) mod writer;
