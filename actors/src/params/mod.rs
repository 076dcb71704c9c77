//! What a kind takes: its JSON Schema, and whether given params fit it; and what JSON cannot hold.

pub(crate) mod depth;
pub(crate) mod not_finite;
pub(crate) mod schema;
