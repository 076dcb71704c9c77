//! What a source file names, as the compiler sees it: comments and strings are gone, macros'
//! bodies are there, and a `use … as …` is followed back to what it stands for.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::Visit;
use syn::{Attribute, File, Item, ItemExternCrate, ItemUse, UseTree};

/// One name in the source.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    /// `["std", "thread", "spawn"]`; a glob ends in `*`.
    pub(crate) path: Vec<String>,
    /// Whether it stands behind a dot.
    pub(crate) method: bool,
    /// Whether arguments follow.
    pub(crate) called: bool,
    /// Where.
    pub(crate) line: usize,
}

impl Name {
    /// Whether the path begins so.
    pub(crate) fn starts(&self, prefix: &[&str]) -> bool {
        !self.method
            && self.path.len() >= prefix.len()
            && prefix.iter().zip(&self.path).all(|(a, b)| a == b)
    }

    /// Whether these stand in it, one behind the other.
    pub(crate) fn has(&self, part: &[&str]) -> bool {
        self.path
            .windows(part.len())
            .any(|window| window.iter().zip(part).all(|(a, b)| a == b))
    }

    /// As it would be written.
    pub(crate) fn text(&self) -> String {
        self.path.join("::")
    }
}

/// A file without what is compiled for tests alone.
pub(crate) fn parse(text: &str) -> File {
    let mut file = syn::parse_file(text).expect("the source parses");
    drop_tests(&mut file.items);
    file
}

fn drop_tests(items: &mut Vec<Item>) {
    items.retain(|item| !attributes(item).iter().any(is_test));
    for item in items {
        if let Item::Mod(module) = item
            && let Some((_, inner)) = &mut module.content
        {
            drop_tests(inner);
        }
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Mod(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        _ => &[],
    }
}

fn is_test(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .meta
            .to_token_stream()
            .to_string()
            .replace(' ', "")
            == "cfg(test)"
}

/// Every name in a file, with what it stands for.
pub(crate) fn names(text: &str) -> Vec<Name> {
    let file = parse(text);
    let mut uses = Uses::default();
    uses.visit_file(&file);
    let mut found = Vec::new();
    walk(file.to_token_stream(), &mut found);
    for name in &mut found {
        if !name.method {
            uses.resolve(&mut name.path);
        }
    }
    let mut imported = uses.imported.clone();
    for name in &mut imported {
        uses.resolve(&mut name.path);
    }
    found.extend(imported);
    found
}

#[derive(Default)]
struct Uses {
    /// What a name stands for.
    aliases: BTreeMap<String, Vec<String>>,
    imported: Vec<Name>,
}

impl Uses {
    fn add(&mut self, path: Vec<String>, alias: String, line: usize) {
        if path.len() > 1 || path.first() != Some(&alias) {
            self.aliases.insert(alias, path.clone());
        }
        self.imported.push(Name {
            path,
            method: false,
            called: false,
            line,
        });
    }

    fn tree(&mut self, prefix: &[String], tree: &UseTree) {
        let with = |last: String| prefix.iter().cloned().chain([last]).collect::<Vec<_>>();
        match tree {
            UseTree::Path(path) => self.tree(&with(plain(&path.ident)), &path.tree),
            UseTree::Name(name) if name.ident == "self" => {
                let alias = prefix.last().cloned().unwrap_or_default();
                self.add(prefix.to_vec(), alias, line(&name.ident));
            }
            UseTree::Name(name) => self.add(
                with(plain(&name.ident)),
                plain(&name.ident),
                line(&name.ident),
            ),
            UseTree::Rename(name) if name.ident == "self" => {
                self.add(prefix.to_vec(), plain(&name.rename), line(&name.ident));
            }
            UseTree::Rename(name) => self.add(
                with(plain(&name.ident)),
                plain(&name.rename),
                line(&name.ident),
            ),
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                self.imported.push(Name {
                    path: with("*".to_owned()),
                    method: false,
                    called: false,
                    line,
                });
            }
            UseTree::Group(group) => group.items.iter().for_each(|one| self.tree(prefix, one)),
        }
    }

    fn resolve(&self, path: &mut Vec<String>) {
        // An alias of an alias of an alias is as far as anybody goes.
        for _ in 0..3 {
            let Some(full) = path.first().and_then(|first| self.aliases.get(first)) else {
                return;
            };
            if path.starts_with(full) {
                return;
            }
            path.splice(0..1, full.iter().cloned());
        }
    }
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast ItemExternCrate) {
        let alias = item.rename.as_ref().map_or(&item.ident, |(_, alias)| alias);
        self.add(vec![plain(&item.ident)], plain(alias), line(&item.ident));
    }
}

fn plain(ident: &proc_macro2::Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}

fn line(ident: &proc_macro2::Ident) -> usize {
    ident.span().start().line
}

/// Paths in a run of tokens: identifiers joined by `::`. `use` items are left out, as `Uses`
/// knows them whole.
fn walk(tokens: TokenStream, found: &mut Vec<Name>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Ident(ident) if ident == "use" && !is_punct(tokens.get(at + 1), '<') => {
                while tokens
                    .get(at)
                    .is_some_and(|_| !is_punct(tokens.get(at), ';'))
                {
                    at += 1;
                }
            }
            TokenTree::Ident(ident) => {
                let method = at > 0
                    && is_punct(tokens.get(at - 1), '.')
                    && (at < 2 || !is_punct(tokens.get(at - 2), '.'));
                let mut name = Name {
                    path: vec![plain(ident)],
                    method,
                    called: false,
                    line: line(ident),
                };
                while let Some(TokenTree::Ident(next)) = behind_colons(&tokens, at) {
                    name.path.push(plain(next));
                    at += 3;
                }
                name.called = is_call(&tokens, at + 1);
                found.push(name);
            }
            TokenTree::Group(group) => walk(group.stream(), found),
            _ => {}
        }
        at += 1;
    }
}

fn behind_colons(tokens: &[TokenTree], at: usize) -> Option<&TokenTree> {
    let joint = matches!(tokens.get(at + 1), Some(TokenTree::Punct(one)) if one.as_char() == ':' && one.spacing() == Spacing::Joint);
    if joint && is_punct(tokens.get(at + 2), ':') {
        tokens.get(at + 3)
    } else {
        None
    }
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(one)) if one.as_char() == wanted)
}

/// `(…)`, or `::<…>(…)`, which counts as soon as the turbofish is seen.
fn is_call(tokens: &[TokenTree], at: usize) -> bool {
    match tokens.get(at) {
        Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Parenthesis,
        Some(TokenTree::Punct(one)) => one.as_char() == ':' && is_punct(tokens.get(at + 2), '<'),
        _ => false,
    }
}
