//! How much is read of a connection before everybody else of its worker goes.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;
use tokio::task::yield_now;

/// Bytes that are read in a turn. Dozens of requests and hundreds of chunks fit into them.
pub(super) const AT_ONCE: usize = 4 << 10;

/// What has been read in this turn, and the pause after it.
#[derive(Default)]
pub(super) struct Turn {
    read: usize,
    pause: Option<Arc<Pause>>,
}

/// Over when the worker has looked for what has come from others. The task of the connection may be woken
/// before, as often as it likes: actix-http wakes it with every part of a body that is taken.
#[derive(Default)]
struct Pause {
    over: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Pause {
    fn wake(self: Arc<Self>) {
        self.over.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl Turn {
    /// How much may be read now. Pending until the pause is over, where nothing may.
    pub(super) fn poll(&mut self, context: &Context<'_>) -> Poll<usize> {
        if self.read < AT_ONCE {
            return Poll::Ready(AT_ONCE - self.read);
        }
        if let Some(pause) = &self.pause {
            pause.task.register(context.waker());
            if !pause.over.load(Ordering::Acquire) {
                return Poll::Pending;
            }
            *self = Self::default();
            return Poll::Ready(AT_ONCE);
        }
        let pause = Arc::new(Pause::default());
        pause.task.register(context.waker());
        // It has the waker called when the worker has looked, and that is all that is wanted of it.
        let waker = Waker::from(Arc::clone(&pause));
        let _ = pin!(yield_now()).poll(&mut Context::from_waker(&waker));
        self.pause = Some(pause);
        Poll::Pending
    }

    pub(super) const fn read(&mut self, bytes: usize) {
        self.read += bytes;
    }

    /// Nothing more has come: what comes next is a turn of its own.
    pub(super) fn nothing_more(&mut self) {
        *self = Self::default();
    }
}
