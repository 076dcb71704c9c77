//! The codes of warnings, failures and refusals in the source stand in docs/API.md or docs/DATA.md, where
//! clients look for what a code means.

use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Lit, LitStr};

use crate::source;

/// The rooms that give operations their codes.
const ROOMS: &[&str] = &[
    "src/domain",
    "market/src",
    "actors/src/operation",
    "actors/src/run",
    "actors/src/rules",
    "actors/src/supervision",
];
/// How the names of build variables begin, which are written as codes are.
const VARIABLES: &[&str] = &["CARGO_", "IMPRESARIO_"];

#[test]
fn every_code_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = |name: &str| std::fs::read_to_string(root.join(name)).expect("it is there");
    let docs = text("docs/API.md") + &text("docs/DATA.md");
    let mut found = Vec::new();
    for room in ROOMS {
        crate::files(&root.join(room), &mut found);
    }
    let mut codes = Vec::new();
    for file in found {
        let text = std::fs::read_to_string(file).expect("the source is readable");
        literals(source::parse(&text).into_token_stream(), &mut codes);
    }
    codes.retain(|text| is_code(text));
    for known in ["SPACING_UNEXPECTED", "BAD_ROW", "STOP_IGNORED", "LOST"] {
        assert!(codes.iter().any(|code| code == known), "{known}");
    }
    codes.retain(|code| !docs.contains(&format!("`{code}`")));
    assert!(
        codes.is_empty(),
        "docs/API.md and docs/DATA.md lack {codes:?}"
    );
}

fn is_code(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    let is_variable = VARIABLES.iter().any(|start| text.starts_with(start));
    text.len() >= 4 && text.bytes().all(plain) && !is_variable
}

fn literals(tokens: TokenStream, found: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => literals(group.stream(), found),
            TokenTree::Literal(literal) => {
                if let Lit::Str(text) = Lit::new(literal) {
                    found.push(LitStr::value(&text));
                }
            }
            _ => {}
        }
    }
}
