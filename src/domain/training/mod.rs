//! Training: a multi-layer perceptron learns the next bar's direction from features of bars.
//!
//! `prepare` and `scores` are plain arithmetic. The rest uses torch, behind the feature `training`.

pub mod prepare;
pub mod scores;

#[cfg(feature = "training")]
mod adam;
#[cfg(feature = "training")]
mod card;
#[cfg(feature = "training")]
mod checkpoint;
#[cfg(feature = "training")]
mod device;
#[cfg(feature = "training")]
mod error;
#[cfg(feature = "training")]
mod fit;
#[cfg(feature = "training")]
mod loss;
#[cfg(feature = "training")]
mod machine;
#[cfg(feature = "training")]
mod memory;
#[cfg(feature = "training")]
mod models;
#[cfg(feature = "training")]
mod network;
#[cfg(feature = "training")]
mod operation;
#[cfg(feature = "training")]
mod params;
#[cfg(feature = "training")]
mod part;
#[cfg(feature = "training")]
mod predict;
#[cfg(feature = "training")]
mod prepared;
#[cfg(feature = "training")]
mod rng;
#[cfg(feature = "training")]
mod verify;

#[cfg(feature = "training")]
pub use self::{
    adam::Adam,
    device::{ComputeDevice, use_threads},
    error::TrainingError,
    fit::{Ended, Fit, Fitted, Hyper},
    loss::Sum,
    models::Models,
    network::{Batch, Dropout, Network},
    operation::{Training, TrainingOutput},
    params::TrainingParams,
    part::Part,
    predict::predict,
    verify::{ModelVerification, ModelVerify, ModelVerifyParams},
};

#[cfg(all(test, feature = "training"))]
mod tests;
