//! The store in memory.
/// Keeps everything in memory.
pub struct MemoryStore;
impl MemoryStore { /// Empty.
 pub fn new() -> Self { Self } }
impl super::Store for MemoryStore { fn engine(&self)->&'static str {""} fn commit(&mut self,_:&[super::Command])->Result<Vec<super::Outcome>,super::StoreError>{Ok(vec![])} fn reader(&self)->std::sync::Arc<dyn super::Reader>{loop{}} }
