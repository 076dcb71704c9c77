//! What lies in the data folder is for its owner alone, and nothing there leads anywhere else.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use crate::support::{BARS, Server, comes, command, import};

/// A mask that takes nothing away, so that all that is kept from others is the server's own doing.
const OPEN: &str = "umask 000; exec \"$0\" \"$@\"";

/// A folder to work in, and the data folder in it.
fn empty() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    fs::create_dir(&data).expect("writable");
    (folder, data)
}

/// A folder to work in that has a file to import.
fn importing() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    import(&folder, &[("GOOG_1d.csv", BARS)]);
    folder
}

/// A server under an open mask that has loaded a dataset and run something.
fn busy(folder: &TempDir, share: &str) -> Server {
    let data = format!("data_dir={}/data", folder.path().display());
    let import = format!("data.import_dir={}/import", folder.path().display());
    let share = format!("data.share={share}");
    let args = ["--set", &data, "--set", &import, "--set", &share];
    let server = Server::by_shell(OPEN, &args);
    let load = json!({"symbol": "GOOG", "timeframe": "1d"});
    server.post("/api/v1/data/load?wait=60", &load).data(200);
    server.ended(1, &json!({}));
    server
}

/// Everything below a folder, itself included, with its permissions.
fn modes(folder: &Path) -> Vec<(PathBuf, u32)> {
    let mode = fs::metadata(folder)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o777;
    let mut found = vec![(folder.to_owned(), mode)];
    if folder.is_dir() {
        for entry in fs::read_dir(folder).expect("a folder") {
            found.extend(modes(&entry.expect("an entry").path()));
        }
    }
    found
}

fn mode(path: &Path) -> u32 {
    modes(path)[0].1
}

fn assert_own(data: &Path) {
    let found = modes(data);
    for name in [
        "operations.db",
        "operations.db-wal",
        "ballast",
        "lock",
        "bars/GOOG_1d.bars",
    ] {
        assert!(
            found.iter().any(|(path, _)| path.ends_with(name)),
            "{name}: {found:?}"
        );
    }
    for (path, mode) in found {
        assert_eq!(mode & 0o077, 0, "{} is {mode:03o}", path.display());
    }
}

#[test]
fn everything_is_its_owners_alone_under_an_open_mask() {
    let folder = importing();
    let _server = busy(&folder, "none");
    assert_own(&folder.path().join("data"));
}

#[test]
fn sharing_opens_the_bars_to_the_group_and_nothing_else() {
    let folder = importing();
    let data = folder.path().join("data");
    drop(busy(&folder, "group"));
    for (path, mode) in modes(&data) {
        let wanted = match path.strip_prefix(&data).expect("below it").to_str() {
            Some("") => 0o710,
            Some("bars") => 0o750,
            Some("bars/GOOG_1d.bars") => 0o640,
            _ if path.is_dir() => 0o700,
            _ => 0o600,
        };
        assert_eq!(mode, wanted, "{} is {mode:03o}", path.display());
    }
    // And no more, once it is not shared.
    let _server = busy(&folder, "none");
    assert_own(&data);
}

#[test]
fn what_an_earlier_version_left_for_everybody_is_closed() {
    let folder = importing();
    let data = folder.path().join("data");
    drop(busy(&folder, "none"));
    let theirs = folder.path().join("theirs");
    fs::write(&theirs, "").expect("writable");
    // A checkpoint of an operation that is not there is removed.
    fs::create_dir_all(data.join("checkpoints/op_0000000000001")).expect("writable");
    let model = data.join("models/mdl_0000000000001");
    fs::create_dir_all(&model).expect("writable");
    fs::write(model.join("card.json"), "").expect("writable");
    std::os::unix::fs::symlink(&theirs, model.join("link")).expect("writable");
    fs::hard_link(&theirs, model.join("hard")).expect("writable");
    for (path, _) in modes(&data) {
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("it is ours");
    }
    let _server = busy(&folder, "none");
    assert_eq!(mode(&data), 0o700);
    for name in ["bars", "checkpoints", "models"] {
        assert_eq!(mode(&data.join(name)), 0o700, "{name}");
    }
    assert_eq!(mode(&model), 0o700);
    assert_eq!(mode(&model.join("card.json")), 0o600);
    assert_eq!(mode(&theirs), 0o644, "it is not the server's");
    for name in ["operations.db", "ballast", "lock", "bars/GOOG_1d.bars"] {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
}

/// What a server says on a data folder that it does not take.
fn refused(folder: &TempDir) -> String {
    let output = command(folder, &[]).output().expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(69), "{text}");
    text
}

/// Whether it says this of a file.
fn refused_for(folder: &TempDir, path: &Path, why: &str) {
    let text = refused(folder);
    let wanted = format!("{} {why}", path.display());
    assert!(text.contains(&wanted), "{text}");
}

#[test]
fn a_folder_that_others_may_change_is_refused_or_warned_of() {
    let (folder, data) = empty();
    let permit = |mode| fs::set_permissions(&data, Permissions::from_mode(mode)).expect("ours");
    permit(0o777);
    let text = refused(&folder);
    let shown = data.display().to_string();
    assert!(
        text.contains("writable by everyone") && text.contains(&shown),
        "{text}"
    );
    assert!(
        fs::read_dir(&data).expect("a folder").next().is_none(),
        "nothing was put there"
    );
    permit(0o770);
    let log = folder.path().join("log");
    let script = format!("exec \"$0\" \"$@\" 2>{}", log.display());
    let set = format!("data_dir={shown}");
    let _server = Server::by_shell(&script, &["--set", &set]);
    let read = || fs::read_to_string(&log).expect("a log");
    comes("a line", || read().contains("was writable by its group"));
    assert_eq!(mode(&data), 0o700);
}

#[test]
fn a_folder_of_somebody_else_is_refused() {
    let (folder, data) = empty();
    let own = fs::metadata(&data).expect("it is there").uid();
    if chown(&data, Some(own + 1), None).is_err() {
        return not_tested();
    }
    let text = refused(&folder);
    assert!(text.contains("belongs to another user"), "{text}");
    assert!(
        fs::read_dir(&data).expect("a folder").next().is_none(),
        "nothing was put there"
    );
}

#[expect(clippy::print_stderr, reason = "who runs the tests must see it")]
fn not_tested() {
    eprintln!("NOT TESTED: only root can give a folder away");
}

#[test]
fn links_in_place_of_the_servers_files_are_named_and_lead_nowhere() {
    for name in WRITTEN {
        let (folder, data) = empty();
        let (victim, absent) = (folder.path().join("victim"), folder.path().join("absent"));
        fs::write(&victim, "what is precious").expect("writable");
        for target in [&victim, &absent] {
            symlink(target, data.join(name)).expect("writable");
            refused_for(&folder, &data.join(name), "is a symbolic link");
            fs::remove_file(data.join(name)).expect("the link");
        }
        assert_eq!(fs::read(&victim).expect("it is there"), b"what is precious");
        assert!(!absent.exists(), "{name}");
    }
}

/// Every file that the server itself writes in its folder.
const WRITTEN: [&str; 6] = [
    "lock",
    "ballast",
    "operations.db",
    "operations.db-wal",
    "operations.db-shm",
    "operations.db-journal",
];

#[test]
fn a_file_with_another_name_is_not_written_to_and_keeps_its_mode() {
    for name in WRITTEN {
        let (folder, data) = empty();
        let victim = folder.path().join("victim");
        fs::write(&victim, "what is precious").expect("writable");
        fs::set_permissions(&victim, Permissions::from_mode(0o644)).expect("ours");
        fs::hard_link(&victim, data.join(name)).expect("one disk");
        refused_for(&folder, &data.join(name), "has another name");
        assert_eq!(fs::read(&victim).expect("it is there"), b"what is precious");
        assert_eq!(mode(&victim), 0o644, "{name}");
    }
}

#[test]
fn what_is_no_regular_file_is_refused_in_place_of_one() {
    for name in WRITTEN {
        let (folder, data) = empty();
        let path = data.join(name);
        fs::create_dir(&path).expect("writable");
        refused_for(&folder, &path, "is no regular file");
        fs::remove_dir(&path).expect("a folder");
        let made = Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("there is a mkfifo").success());
        refused_for(&folder, &path, "is no regular file");
    }
}

#[test]
fn a_file_that_is_refused_keeps_its_mode() {
    let (folder, data) = empty();
    let foreign = data.join("operations.db");
    fs::write(&foreign, "a,b\n1,2\n").expect("writable");
    fs::set_permissions(&foreign, Permissions::from_mode(0o644)).expect("ours");
    let text = refused(&folder);
    assert!(text.contains("not a database of Impresario"), "{text}");
    assert_eq!(mode(&foreign), 0o644);
}

#[test]
fn a_lock_that_is_held_is_not_emptied() {
    let server = Server::start();
    let lock = server.folder.path().join("data/lock");
    fs::write(&lock, "a note").expect("writable");
    let text = refused(&server.folder);
    assert!(text.contains("in use by another server"), "{text}");
    assert_eq!(fs::read(&lock).expect("it is there"), b"a note");
    server.ended(1, &json!({}));
}

#[test]
fn a_file_that_is_taken_away_under_the_server_ends_it() {
    for name in ["lock", "operations.db", "operations.db-wal"] {
        let mut server = Server::start();
        server.ended(1, &json!({}));
        let file = server.folder.path().join("data").join(name);
        std::fs::rename(&file, file.with_extension("away")).expect("the test may");
        assert_eq!(server.join().code(), Some(70), "{name}");
    }
}
