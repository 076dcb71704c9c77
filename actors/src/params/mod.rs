//! What a kind takes: its JSON Schema, and whether given params fit it.

pub(crate) mod depth;
pub(crate) mod schema;
