//! Files that are put into the import folder.

use std::fs::{self, File};
use std::os::unix::fs::symlink;

use super::*;

fn name(name: &str) -> ImportName {
    ImportName::new(name).expect("it is one")
}

#[test]
fn a_name_is_that_of_a_plain_file_and_of_nothing_else() {
    for good in [
        "a",
        "a.csv",
        "a b%.csv",
        "Größe.csv",
        "-",
        "a..b",
        "~",
        &"a".repeat(255),
    ] {
        assert!(ImportName::new(good).is_some(), "{good}");
    }
    for bad in [
        "",
        ".",
        "..",
        ".a",
        "a/b",
        "/a",
        "a\\b",
        "a\0",
        "a\n",
        "\u{7f}",
        "\u{85}",
        &"a".repeat(256),
        &"ä".repeat(128),
    ] {
        assert!(ImportName::new(bad).is_none(), "{bad:?}");
    }
}

#[test]
fn a_file_is_seen_when_it_is_whole_and_not_before() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let imports = Imports::new(folder.path(), 10);
    let mut upload = imports.begin(name("a"), None).expect("a new file");
    upload.write(b"12345").expect("there is room");
    assert_eq!(imports.list().expect("a folder").imports.len(), 0);
    let answer = upload.finish().expect("there is room");
    assert_eq!((answer.bytes, answer.replaced), (5, false));
    assert_eq!(imports.list().expect("a folder").imports[0].bytes, 5);
    // What is dropped, empty or too long leaves what is there.
    drop(imports.begin(name("a"), Some(10)).expect("a new file"));
    let empty = imports.begin(name("a"), None).expect("a new file").finish();
    assert!(matches!(empty, Err(MarketError::ImportEmpty { .. })));
    let mut long = imports.begin(name("a"), None).expect("a new file");
    long.write(&[0; 10]).expect("it fits");
    let error = long.write(&[0]).expect_err("it is too long");
    assert!(matches!(error, MarketError::ImportTooLarge { limit: 10 }));
    drop(long);
    assert!(imports.begin(name("a"), Some(11)).is_err());
    assert_eq!(
        fs::read(folder.path().join("a")).expect("it is there"),
        b"12345"
    );
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[test]
fn a_file_that_becomes_something_else_meanwhile_is_not_replaced() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let imports = Imports::new(folder.path(), 10);
    let mut upload = imports.begin(name("a"), None).expect("a new file");
    upload.write(b"1").expect("there is room");
    symlink("/etc/passwd", folder.path().join("a")).expect("a link");
    let error = upload.finish().expect_err("a link lies there");
    assert!(matches!(error, MarketError::FileNotRegular { .. }));
    let left = fs::symlink_metadata(folder.path().join("a")).expect("it is there");
    assert!(left.is_symlink());
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[test]
fn leftovers_are_removed_unless_somebody_is_at_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let imports = Imports::new(folder.path(), 10);
    let mut upload = imports.begin(name("a"), None).expect("a new file");
    upload.write(b"1").expect("there is room");
    let (left, link) = (
        ".impresario-upload-1-0.partial",
        ".impresario-upload-1-1.partial",
    );
    let target = folder.path().join("b");
    for kept in [
        &target,
        &folder.path().join(left),
        &folder.path().join(".mine.partial"),
    ] {
        File::create(kept).expect("the folder is ours");
    }
    symlink(&target, folder.path().join(link)).expect("a link");
    // As another server does that uses the folder, too.
    Imports::new(folder.path(), 10).remove_leftovers();
    assert!(!folder.path().join(left).exists());
    assert!(target.exists() && folder.path().join(".mine.partial").exists());
    upload.finish().expect("it was left alone");
    Imports::new(folder.path().join("none"), 10).remove_leftovers();
}

#[test]
fn a_list_is_bounded_and_says_how_much_it_left_off() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let imports = Imports::new(folder.path(), 10);
    for one in 0..10_003 {
        File::create(folder.path().join(format!("{one:05}"))).expect("the folder is ours");
    }
    let list = imports.list().expect("a folder");
    assert_eq!((list.imports.len(), list.left_off), (10_000, 3));
    assert!(list.imports.is_sorted_by_key(|one| &one.name));
    assert_eq!(list.imports[9_999].name, "09999");
}
