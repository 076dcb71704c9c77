//! The store in memory.
/// Keeps everything in memory.
pub struct MemoryStore;
