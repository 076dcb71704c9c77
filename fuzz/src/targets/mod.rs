//! The targets, each with the rules for the answers.

pub(crate) mod config;
pub(crate) mod csv;
pub(crate) mod frames;
pub(crate) mod manifests;
pub(crate) mod params;
pub(crate) mod paths;
pub(crate) mod queries;
pub(crate) mod rows;
pub(crate) mod times;
pub(crate) mod tokens;
