//! Keys at a terminal: what each does, and that the terminal is restored however the client ends.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::server::Server;

/// A terminal, and the client in it.
pub(crate) struct Seat {
    person: File,
    terminal: OwnedFd,
    before: LocalModes,
    child: Child,
}

impl Seat {
    pub(crate) fn new(server: &Server, args: &[&str]) -> Self {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&person).expect("it is ours");
        unlockpt(&person).expect("it is ours");
        let name = ptsname(&person, Vec::new()).expect("it has a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let terminal = open(name.as_c_str(), flags, Mode::empty()).expect("its other end");
        let size = Winsize {
            ws_row: 24,
            ws_col: 100,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&terminal, size).expect("a size");
        let before = tcgetattr(&terminal).expect("a mode").local_modes;
        let stdio = || terminal.try_clone().expect("a handle");
        // The client gets a session of its own, so that it owns the terminal, and only it gets Ctrl-C.
        let child = Command::new("setsid")
            .args(["--ctty", env!("CARGO_BIN_EXE_impresario")])
            .args(["--url", &server.url])
            .args(args)
            .env("NO_COLOR", "1")
            .env("TERM", "xterm")
            .env_remove("IMPRESARIO_TOKEN")
            .stdin(stdio())
            .stdout(stdio())
            .stderr(stdio())
            .spawn()
            .expect("the client runs");
        Self {
            person: File::from(person),
            terminal,
            before,
            child,
        }
    }

    /// Reads the screen until it shows these words.
    pub(crate) fn until(&mut self, words: &str) -> String {
        let (mut all, mut part) = (Vec::new(), [0; 4_096]);
        let limit = Timespec {
            tv_sec: 30,
            tv_nsec: 0,
        };
        loop {
            let mut asked = [PollFd::new(&self.person, PollFlags::IN)];
            let ready = poll(&mut asked, Some(&limit)).expect("it is open");
            let shown = String::from_utf8_lossy(&all);
            assert!(ready > 0, "it never showed \"{words}\" but: {shown}");
            let read = self.person.read(&mut part).expect("its end is held open");
            all.extend_from_slice(&part[..read]);
            let text = String::from_utf8_lossy(&all);
            if text.contains(words) {
                return text.into_owned();
            }
        }
    }

    pub(crate) fn press(&mut self, key: &[u8]) {
        self.person.write_all(key).expect("it is open");
    }

    fn mode(&self) -> LocalModes {
        tcgetattr(&self.terminal).expect("a mode").local_modes
    }

    /// The exit code. The terminal must be as before.
    pub(crate) fn ends(mut self) -> Option<i32> {
        let status = self.child.wait().expect("it ends");
        assert_eq!(self.mode(), self.before, "the terminal is given back");
        status.code()
    }
}

const SLEEPER: [&str; 5] = ["dummy", "--iterations", "5", "--step-ms", "3600000"];

#[test]
fn keys_pause_resume_and_detach_and_the_terminal_is_given_back() {
    let server = Server::start();
    let mut seat = Seat::new(&server, &SLEEPER);
    seat.until("^C cancel  p pause  f finish  d detach");
    assert!(
        !seat
            .mode()
            .intersects(LocalModes::ICANON | LocalModes::ECHO),
        "keys come one by one"
    );
    seat.press(b"xp");
    seat.until("^C cancel  r resume  d detach");
    seat.press(b"r");
    seat.until("^C cancel  p pause  f finish  d detach");
    seat.press(b"d");
    seat.until("impresario ops watch");
    assert_eq!(seat.ends(), Some(0));
    let list = server.json(&["ops", "list"]);
    assert_eq!(list["operations"][0]["status"], "running");
}

#[test]
fn finish_completes_it_and_ctrl_c_still_cancels() {
    let server = Server::start();
    let mut seat = Seat::new(&server, &SLEEPER);
    seat.until("f finish");
    seat.press(b"f");
    seat.until("✔ dummy completed");
    assert_eq!(seat.ends(), Some(0));
    let mut seat = Seat::new(&server, &SLEEPER);
    seat.until("f finish");
    seat.press(b"\x03");
    seat.until("■ dummy cancelled");
    assert_eq!(seat.ends(), Some(130));
}

#[test]
fn a_signal_that_ends_the_client_leaves_the_terminal_as_it_was() {
    let server = Server::start();
    let mut seat = Seat::new(&server, &SLEEPER);
    seat.until("d detach");
    assert_ne!(seat.mode(), seat.before);
    let id = seat.child.id().to_string();
    let sent = Command::new("kill").args(["-s", "TERM", &id]).status();
    assert!(sent.expect("there is a kill").success());
    assert_eq!(seat.ends(), None, "ended by the signal");
}
