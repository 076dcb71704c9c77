//! The service does what it promises, and is short.

#[path = "../../driver.rs"]
mod driver;

#[test]
fn it_works_and_has_everything_back_after_a_kill() {
    driver::drive(env!("CARGO_BIN_EXE_actix-web-service"));
}

#[test]
fn it_has_at_most_100_lines() {
    assert!(include_str!("../src/main.rs").lines().count() <= 100);
}
