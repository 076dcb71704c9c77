//! The sockets that new connections come to.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};

use tokio::net::TcpSocket;

use crate::config::Listen;
use crate::exit::Exit;

/// Connections that the kernel keeps until they are taken.
const BACKLOG: u32 = 1_024;

/// Listens on every address that is wanted and that this machine has; with port 0 all of them have
/// the port that the first one was given.
pub(crate) fn bind(wanted: &Listen) -> Result<Vec<TcpListener>, Exit> {
    let cannot = |address: SocketAddr, error: &io::Error| {
        Exit::unavailable(format!("cannot listen on {address}: {error}"))
    };
    let mut listeners = Vec::new();
    let mut missing = None;
    for mut address in wanted.addresses().iter().copied() {
        if let Some(first) = listeners.first().map(TcpListener::local_addr) {
            address.set_port(first.map_err(|error| cannot(address, &error))?.port());
        }
        match listen(address) {
            Ok(listener) => listeners.push(listener),
            // A name may have an address of IPv6 where the machine has none.
            Err(error) if error.kind() == ErrorKind::AddrNotAvailable => {
                missing = Some(cannot(address, &error));
            }
            Err(error) => return Err(cannot(address, &error)),
        }
    }
    match missing {
        Some(missing) if listeners.is_empty() => Err(missing),
        _ => Ok(listeners),
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}
