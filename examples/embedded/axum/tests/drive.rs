//! The service does what it promises, and is short.

#[path = "../../driver.rs"]
mod driver;

#[test]
fn it_works_and_has_everything_back_after_a_kill() {
    driver::drive(env!("CARGO_BIN_EXE_axum-service"));
}

#[test]
fn it_has_at_most_120_lines_with_its_kind() {
    let lines = include_str!("../src/main.rs")
        .lines()
        .chain(include_str!("../../primes/src/lib.rs").lines());
    assert!(lines.count() <= 120);
}
