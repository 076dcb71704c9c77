//! What the compiler refuses an author.

#[test]
fn what_an_author_must_not_do_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

#[test]
fn a_context_on_another_thread_is_one_short_error_that_names_the_handle() {
    for text in [
        include_str!("ui/context_shared.stderr"),
        include_str!("ui/context_sent.stderr"),
    ] {
        assert_eq!(text.matches("error[E").count(), 1, "{text}");
        assert!(text.contains("UseCtxHandleOnOtherThreads"), "{text}");
        assert!(text.lines().count() <= 22, "{text}");
    }
}
