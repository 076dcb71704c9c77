//! Data folders that cannot be used: the server must say what to do, and overwrite nothing.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{Error, Seek, SeekFrom, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::client::Client;
use crate::server::{Server, command};
use crate::{Args, Report};

/// A refusal comes at once. After this time the server counts as running.
const AT_ONCE: Duration = Duration::from_secs(20);
/// The offset of the tables' version in the database's file.
const USER_VERSION_AT: u64 = 60;
const DATABASE: &str = "operations.db";

type Spoil = fn(&Args, &Path) -> Result<(), String>;

const CASES: &[(&str, Spoil)] = &[
    ("a file as the folder", a_file),
    ("a foreign file", foreign_file),
    ("another program's database", foreign_database),
    ("cut to half, without its log", cut),
    ("three pages spoilt", spoilt),
    ("a newer version", newer),
    ("a log without its database", log_alone),
];

pub(crate) fn run(args: &Args, _: u64) -> Report {
    let mut report = Report::default();
    let played = tempfile::tempdir()
        .map_err(|error| error.to_string())
        .and_then(|root| play(args, root.path(), &mut report));
    if let Err(error) = played {
        report.hold(false, error);
    }
    report
}

fn play(args: &Args, root: &Path, report: &mut Report) -> Result<(), String> {
    for (number, (what, spoil)) in CASES.iter().enumerate() {
        let place = root.join(format!("bad{number}"));
        spoil(args, &place).map_err(|error| format!("{what}: {error}"))?;
        refuses(what, command(&args.server, &place, &[]), &place, report);
    }
    let place = root.join("shared");
    let server = Server::start(args, &place, &[])?;
    let second = command(&args.server, &place, &[]);
    refuses("a second server on one folder", second, &place, report);
    let client = Client::new(&server.address);
    let served = client.get("/readyz").map(|reply| reply.status);
    report.hold(
        served == Some(200),
        format!("the first server, after a second: {served:?}"),
    );
    server.kill()?;
    not_writable(args, root, report).map_err(said)
}

fn said(error: impl ToString) -> String {
    error.to_string()
}

/// The checksums of the files whose contents matter.
fn digests(place: &Path) -> BTreeMap<String, Vec<u8>> {
    let hash = |path: &Path| fs::read(path).map(|bytes| Sha256::digest(bytes).to_vec());
    if place.is_file() {
        return hash(place)
            .into_iter()
            .map(|hash| (String::new(), hash))
            .collect();
    }
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let mut found = BTreeMap::new();
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        // The lock is empty, and SQLite makes the index of the log anew at every start.
        let holds = name != "lock" && !name.ends_with("-shm");
        if let (true, Ok(hash)) = (holds, hash(&entry.path())) {
            found.insert(name, hash);
        }
    }
    found
}

/// Checks that the server ends at once by itself, with a message, and leaves every file unchanged.
fn refuses(what: &str, mut command: Command, place: &Path, report: &mut Report) {
    let before = digests(place);
    let output = match output_within(&mut command, AT_ONCE) {
        Ok(output) => output,
        Err(error) => {
            report.hold(false, format!("{what}: {error}"));
            return;
        }
    };
    let text = String::from_utf8_lossy(&output.stderr);
    let message = text.replace('\n', " ").trim().to_owned();
    let code = output.status.code();
    report.hold(
        code == Some(69),
        format!("{what}: exit {code:?}: {message}"),
    );
    let after = digests(place);
    let same = before
        .iter()
        .all(|(name, hash)| after.get(name) == Some(hash));
    report.hold(same, format!("{what}: a file was changed"));
    let helps = message.contains("--data-dir");
    report.hold(
        helps,
        format!("{what}: it does not say what to do: {message}"),
    );
    let root = place.parent().unwrap_or(place).display().to_string();
    report.say(format!("{what}: {}", message.replace(&root, "…")));
}

/// The output of the process, if it ends by itself in time.
fn output_within(command: &mut Command, limit: Duration) -> std::io::Result<Output> {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let began = Instant::now();
    while child.try_wait()?.is_none() {
        if began.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Err(Error::other("it serves"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output()
}

fn a_file(_: &Args, place: &Path) -> Result<(), String> {
    fs::write(place, "a file").map_err(said)
}

fn foreign_file(_: &Args, place: &Path) -> Result<(), String> {
    fs::create_dir(place).map_err(said)?;
    fs::write(place.join(DATABASE), "a,b\n1,2\n".repeat(1_000)).map_err(said)
}

fn foreign_database(_: &Args, place: &Path) -> Result<(), String> {
    fs::create_dir(place).map_err(said)?;
    let connection = rusqlite::Connection::open(place.join(DATABASE)).map_err(said)?;
    let made =
        connection.execute_batch("CREATE TABLE theirs (a, b); INSERT INTO theirs VALUES (1, 2)");
    made.map_err(said)
}

/// Makes a folder that a server has used and closed in order.
fn used(args: &Args, place: &Path) -> Result<(), String> {
    let mut server = worked(args, place)?;
    let (status, _) = server.terminate();
    let orderly = status.is_some_and(|status| status.success());
    orderly
        .then_some(())
        .ok_or_else(|| format!("it ends with {status:?}"))
}

/// A server that has run an operation.
fn worked(args: &Args, place: &Path) -> Result<Server, String> {
    let server = Server::start(args, place, &[])?;
    let client = Client::new(&server.address);
    for _ in 0..200 {
        client.start(&json!({"iterations": 1, "step_ms": 0}), None);
    }
    Ok(server)
}

fn overwrite(place: &Path, at: u64, bytes: &[u8]) -> Result<(), String> {
    let mut file = OpenOptions::new()
        .write(true)
        .open(place.join(DATABASE))
        .map_err(said)?;
    file.seek(SeekFrom::Start(at)).map_err(said)?;
    file.write_all(bytes).map_err(said)
}

fn cut(args: &Args, place: &Path) -> Result<(), String> {
    used(args, place)?;
    let database = place.join(DATABASE);
    let length = fs::metadata(&database).map_err(said)?.len();
    let _ = fs::remove_file(place.join("operations.db-wal"));
    let file = OpenOptions::new().write(true).open(database);
    file.and_then(|file| file.set_len(length / 2)).map_err(said)
}

fn spoilt(args: &Args, place: &Path) -> Result<(), String> {
    used(args, place)?;
    overwrite(place, 8_192, &[0x5a; 12_288])
}

fn newer(args: &Args, place: &Path) -> Result<(), String> {
    used(args, place)?;
    overwrite(place, USER_VERSION_AT, &999_u32.to_be_bytes())
}

fn log_alone(args: &Args, place: &Path) -> Result<(), String> {
    worked(args, place)?.kill()?;
    fs::remove_file(place.join(DATABASE)).map_err(said)
}

/// Runs the server as another user, from a copy of the binary that everybody may run.
fn not_writable(args: &Args, root: &Path, report: &mut Report) -> std::io::Result<()> {
    if !nix::unistd::Uid::effective().is_root() {
        report.say("a folder that is not writable: SKIPPED, NOTHING WAS TESTED: it needs root");
        return Ok(());
    }
    let (binary, place) = (root.join("impresariod"), root.join("readonly"));
    fs::copy(&args.server, &binary)?;
    fs::create_dir(&place)?;
    for (path, mode) in [(root, 0o755), (&*binary, 0o755), (&*place, 0o555)] {
        fs::set_permissions(path, Permissions::from_mode(mode))?;
    }
    // The folder must belong to that user, or it would be refused for another reason.
    chown(&place, Some(65_534), Some(65_534))?;
    let mut command = command(&binary, &place, &[]);
    command.uid(65_534).gid(65_534).current_dir("/");
    refuses("a folder that is not writable", command, &place, report);
    Ok(())
}
