//! A connection's bytes, on their way to actix-http and from there.

use std::io::{Error, ErrorKind, Result};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::turn::Turn;
use super::{Connection, Connections, Ending};

/// A client's stream, which tells its connection what happens, and does what it is told there.
pub(super) struct Stream {
    tcp: TcpStream,
    pub(super) connection: Connection,
    connections: Arc<Connections>,
    turn: Turn,
}

impl Stream {
    pub(super) fn new(
        tcp: TcpStream,
        connection: Connection,
        connections: Arc<Connections>,
    ) -> Self {
        // What is written is whole: an answer, all frames that wait. Nothing is gained by holding it.
        let _ = tcp.set_nodelay(true);
        Self {
            tcp,
            connection,
            connections,
            turn: Turn::default(),
        }
    }

    /// An error when it is to end now.
    fn check(&self) -> Result<()> {
        match self.connection.ending() {
            Ending::Now | Ending::Abort => Err(Error::from(ErrorKind::ConnectionAborted)),
            Ending::None | Ending::AfterAnswer | Ending::AfterWrites => Ok(()),
        }
    }

    /// Whoever ends the connection wakes the task that serves it. It may have been ended just before.
    /// actix-http writes or flushes whenever it has its turn, after it has read, so this need not be done
    /// on reading.
    fn listen(&self, context: &Context<'_>) -> Result<()> {
        self.connection.register(context.waker());
        self.connections.judge(&self.connection);
        self.check()
    }

    /// Reading waits; that the client has left must be seen all the same.
    fn hold(&self, context: &mut Context<'_>) {
        let readable = pin!(self.tcp.ready(Interest::READABLE)).poll(context);
        if let Poll::Ready(Ok(ready)) = readable
            && ready.is_read_closed()
        {
            self.connection.client_left();
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = self.get_mut();
        this.check()?;
        if this.connection.ending() == Ending::AfterWrites {
            // As if the client had closed it.
            return Poll::Ready(Ok(()));
        }
        if this.connection.is_held() {
            this.hold(context);
            return Poll::Pending;
        }
        let most = ready!(this.turn.poll(context)).min(buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most));
        let result = Pin::new(&mut this.tcp).poll_read(context, &mut part);
        let read = part.filled().len();
        buffer.advance(read);
        match &result {
            Poll::Pending => this.turn.nothing_more(),
            Poll::Ready(_) if read == 0 => this.connection.client_left(),
            Poll::Ready(_) => {
                this.turn.read(read);
                this.connection.received(read);
            }
        }
        result
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let this = self.get_mut();
        this.check()?;
        match Pin::new(&mut this.tcp).poll_write(context, bytes) {
            Poll::Pending => {
                this.connection.writes_wait();
                this.listen(context)?;
                Poll::Pending
            }
            Poll::Ready(result) => {
                this.connection.written();
                Poll::Ready(result)
            }
        }
    }

    /// actix-http asks for it whenever it has written all that it had, and once a turn.
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let answered = this.connection.flushed();
        if answered && this.connection.ending() == Ending::AfterAnswer {
            return Poll::Ready(Err(Error::from(ErrorKind::ConnectionAborted)));
        }
        this.listen(context)?;
        Pin::new(&mut this.tcp).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        this.check()?;
        ready!(Pin::new(&mut this.tcp).poll_shutdown(context))?;
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.connection.ending() == Ending::Abort {
            // A connection that is reset keeps nothing in the kernel.
            let _ = self.tcp.set_zero_linger();
        }
        self.connection.client_left();
        self.connections.closed(&self.connection);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;

    use clap::Parser;
    use futures_util::task::{ArcWake, waker};
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use tokio::task::yield_now;

    use super::super::turn::AT_ONCE;
    use super::*;
    use crate::config::{Args, Settings};

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl ArcWake for Woken {
        fn wake_by_ref(woken: &Arc<Self>) {
            woken.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A stream for which more has come than is read at once, and its client.
    async fn flooded() -> (Stream, TcpStream) {
        let settings = Settings::load(&Args::parse_from(["impresariod"])).expect("defaults");
        let all = Connections::new(&settings).expect("there are files to spare");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut client = TcpStream::connect(address).await.expect("it listens");
        let (tcp, from) = listener.accept().await.expect("a client");
        client.write_all(&[b' '; 3 * AT_ONCE]).await.expect("open");
        let mut come = [0; 3 * AT_ONCE];
        while tcp.peek(&mut come).await.expect("open") < come.len() {}
        let connection = all.open(Some(from)).expect("a place");
        (Stream::new(tcp, connection, all), client)
    }

    /// What can be read of it now.
    fn read(stream: &mut Stream, context: &mut Context<'_>) -> usize {
        let (mut bytes, mut read) = ([0; 1_000], 0);
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            if Pin::new(&mut *stream)
                .poll_read(context, &mut buffer)
                .is_pending()
            {
                return read;
            }
            read += buffer.filled().len();
        }
    }

    #[tokio::test]
    async fn whoever_has_sent_much_goes_on_when_others_have_been_looked_for() {
        let (mut stream, _client) = flooded().await;
        let woken = Arc::new(Woken::default());
        let waker: Waker = waker(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        for _ in 0..3 {
            let before = woken.0.load(Ordering::Relaxed);
            assert_eq!(read(&mut stream, &mut context), AT_ONCE);
            // Its task may have its turn for other reasons.
            assert_eq!(read(&mut stream, &mut context), 0);
            assert_eq!(woken.0.load(Ordering::Relaxed), before);
            yield_now().await;
            assert!(woken.0.load(Ordering::Relaxed) > before);
        }
    }
}
