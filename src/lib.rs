//! The server: what can be done (`domain`), named calls to it (`services`), HTTP (`http`), and how
//! they are put together (`config`, `app`).
#![deny(missing_docs)]

pub mod app;
pub mod config;
mod data_folder;
pub mod domain;
pub mod exit;
pub mod http;
mod listeners;
mod log_output;
pub mod process;
pub mod services;
mod signals;

#[cfg(doctest)]
#[doc = include_str!("../docs/WRITING_A_KIND.md")]
pub struct WritingAKind;
