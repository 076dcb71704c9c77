//! The supervisor with gated fake operations: nothing here waits for time to pass, only for gates
//! and events.

mod checkpointing;
mod clocks;
mod ends;
mod forgetting;
mod forking;
mod gaps;
mod kit;
mod lanes;
mod leaving;
mod listening;
mod neighbours;
mod outages;
mod planned;
mod recovering;
mod registered;
mod scripted;
mod stops;
mod storing;
mod system_metrics;
mod verbs;
mod waiting;
