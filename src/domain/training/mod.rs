//! Training: bars in, a classifier of the next bar's direction out.

pub mod prepare;
pub mod scores;
