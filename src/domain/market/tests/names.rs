//! Which files may be imported.

use std::os::unix::fs::symlink;
use std::path::Path;

use impresario::operation::Refusal;

use super::*;

#[test]
fn a_name_that_leads_out_of_the_folder_is_refused_before_the_run() {
    let world = World::new(HEADER);
    let import = world.folder.path().join("import");
    fs::write(world.folder.path().join("secret.csv"), HEADER).expect("it can be written");
    fs::create_dir_all(import.join("folder/deep")).expect("a new folder");
    fs::write(import.join("folder/deep/b.csv"), HEADER).expect("it can be written");
    symlink("../secret.csv", import.join("leak.csv")).expect("a link");
    symlink("..", import.join("up")).expect("a link");
    symlink("loop.csv", import.join("loop.csv")).expect("a link");
    symlink("folder/deep/b.csv", import.join("within.csv")).expect("a link");
    let absolute = import.join("A_1d.csv").display().to_string();
    let long = "x".repeat(255);
    for (name, code) in [
        ("../secret.csv", "FILE_OUTSIDE"),
        ("folder/../../secret.csv", "FILE_OUTSIDE"),
        ("folder/../A_1d.csv", "FILE_OUTSIDE"),
        ("..", "FILE_OUTSIDE"),
        ("/etc/passwd", "FILE_OUTSIDE"),
        (&absolute, "FILE_OUTSIDE"),
        ("leak.csv", "FILE_OUTSIDE"),
        ("up/secret.csv", "FILE_OUTSIDE"),
        ("up", "FILE_OUTSIDE"),
        ("loop.csv", "FILE_UNREADABLE"),
        ("folder", "FILE_NOT_REGULAR"),
        (".", "FILE_NOT_REGULAR"),
        ("missing.csv", "FILE_NOT_FOUND"),
        ("A_1d.csv/x", "FILE_NOT_FOUND"),
        ("a\0b", "FILE_NOT_FOUND"),
        (&long, "FILE_NOT_FOUND"),
    ] {
        let Refusal {
            code: refused,
            message,
            ..
        } = world.load.admit(&params(Some(name))).expect_err(name);
        assert_eq!(refused, code, "{name}: {message}");
        assert!(
            message.contains("file") || message.contains(name),
            "{message}"
        );
    }
    for name in ["A_1d.csv", "./A_1d.csv", "folder/deep/b.csv", "within.csv"] {
        assert_eq!(world.load.admit(&params(Some(name))), Ok(()), "{name}");
    }
    let gone = DataLoad::new(world.folder.path().join("gone"), world.library.clone());
    let refusal = gone.admit(&params(None)).expect_err("there is no folder");
    assert_eq!(refusal.code, "FILE_NOT_FOUND");
    assert!(refusal.message.contains("gone"), "{}", refusal.message);
}

#[test]
fn a_name_that_leads_out_of_the_folder_since_the_start_is_refused_in_the_run() {
    let world = World::new(HEADER);
    let import = world.folder.path().join("import");
    fs::write(world.folder.path().join("secret.csv"), HEADER).expect("it can be written");
    fs::create_dir(import.join("folder")).expect("a new folder");
    type Change = fn(&Path);
    let changes: [(Change, &str); 4] = [
        (
            |file| symlink("../secret.csv", file).expect("a link"),
            "FILE_OUTSIDE",
        ),
        (
            |file| symlink("b.csv", file).expect("a link"),
            "FILE_UNREADABLE",
        ),
        (
            |file| symlink("folder", file).expect("a link"),
            "FILE_NOT_REGULAR",
        ),
        (|_| {}, "FILE_NOT_FOUND"),
    ];
    for (change, code) in changes {
        let file = import.join("b.csv");
        fs::write(&file, HEADER).expect("it can be written");
        let admitted = testing::run(&world.load, params(Some("b.csv")));
        fs::remove_file(&file).expect("it is there");
        change(&file);
        let ended = admitted.end();
        assert_eq!(ended.error().expect("it failed").code, code);
        let _ = fs::remove_file(&file);
    }
    assert_eq!(world.kept(), 0);
}
