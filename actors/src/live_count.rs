//! How many of something there are now.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts what is there, from [`LiveCount::enter`] to the drop of what that gives. A clone is the same
/// count.
#[derive(Clone, Debug, Default)]
pub struct LiveCount(Arc<AtomicU64>);

/// One that is counted as long as this is kept.
#[derive(Debug)]
pub struct Counted(LiveCount);

impl LiveCount {
    /// Counts one more, until what it gives is dropped.
    #[must_use]
    pub fn enter(&self) -> Counted {
        self.0.fetch_add(1, Ordering::Relaxed);
        Counted(self.clone())
    }

    /// A future that is counted until it has ended or is dropped.
    pub fn over<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let counted = self.enter();
        // In a place of its own: an async block has room for what it is given and for what it awaits.
        let future = Box::pin(future);
        async move {
            let _counted = counted;
            future.await
        }
    }

    /// How many there are.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_future_has_room_for_one_of_what_it_counts() {
        let large = async {
            let kept = [0_u8; 4_096];
            std::future::pending::<()>().await;
            std::hint::black_box(&kept);
        };
        assert!(size_of_val(&large) >= 4_096);
        assert!(size_of_val(&LiveCount::default().over(large)) < 100);
    }
}
