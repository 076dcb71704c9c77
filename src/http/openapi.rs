//! The API's own description, OpenAPI 3.1: made of the table of routes, of the types that the
//! handlers take and answer, and of the schemas of the kinds. Nothing in it is written by hand that
//! a type knows.

mod describe;
mod document;
mod endpoint;
mod responses;
mod schemas;
mod spelled;

pub use document::Document;
pub(super) use endpoint::{DescribeInput, DescribeOutput, Endpoint, Known, Shape};
