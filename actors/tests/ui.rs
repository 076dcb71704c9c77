//! What the compiler refuses an author.

#[test]
fn what_an_author_must_not_do_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
