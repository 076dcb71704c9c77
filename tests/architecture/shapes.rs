//! The rules about the shape of functions: how long, and what they call.

use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Block, Expr, ExprCall, ExprMethodCall, ImplItem, Item, Visibility};

use crate::rules::{Violation, in_services, violation};
use crate::source::parse;

/// Where handlers are.
const ROOMS: &[&str] = &[
    "operations",
    "verbs",
    "dummy",
    "data",
    "training",
    "models",
    "system",
    "metrics",
    "live",
    "console",
];

pub(crate) fn short_handlers(path: &str, text: &str) -> Vec<Violation> {
    const MOST: usize = 10;
    if !ROOMS
        .iter()
        .any(|room| path == format!("src/http/{room}.rs"))
    {
        return Vec::new();
    }
    let mut found = Vec::new();
    for item in parse(text).items {
        if let Item::Fn(function) = item {
            let lines = inner_lines(&function.block);
            if lines > MOST {
                let what = format!(
                    "{} has {lines} lines, at most {MOST} will do",
                    function.sig.ident
                );
                found.push(violation(function.sig.ident.span().start().line, what));
            }
        }
        // What a macro makes cannot be measured.
        else if let Item::Macro(item) = item {
            found.push(violation(
                item.span().start().line,
                "handlers are written out, not made by a macro",
            ));
        }
    }
    found
}

fn inner_lines(block: &Block) -> usize {
    let span = block.brace_token.span;
    (span.close().start().line - span.open().start().line).saturating_sub(1)
}

pub(crate) fn routes_lead_to_rooms(path: &str, text: &str) -> Vec<Violation> {
    struct Targets(Vec<Violation>);
    impl<'ast> Visit<'ast> for Targets {
        fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
            if call.method == "to" && !call.args.iter().all(leads_to_a_room) {
                let what = format!(
                    "a route leads to room::handler, the room one of {}",
                    ROOMS.join(", ")
                );
                self.0
                    .push(violation(call.method.span().start().line, what));
            }
            syn::visit::visit_expr_method_call(self, call);
        }
    }
    if path != "src/http/routes.rs" {
        return Vec::new();
    }
    let mut targets = Targets(Vec::new());
    targets.visit_file(&parse(text));
    targets.0
}

fn leads_to_a_room(target: &Expr) -> bool {
    let Expr::Path(target) = target else {
        return false;
    };
    let segments = &target.path.segments;
    segments.len() >= 2
        && ROOMS
            .iter()
            .any(|room| segments[segments.len() - 2].ident == room)
}

pub(crate) fn one_call_services(path: &str, text: &str) -> Vec<Violation> {
    if !in_services(path) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for item in parse(text).items {
        let Item::Impl(item) = item else { continue };
        for part in item.items {
            let ImplItem::Fn(method) = part else { continue };
            let public = matches!(method.vis, Visibility::Public(_));
            let builds = method.sig.receiver().is_none();
            if public && !builds && !is_one_call(&method.block) {
                let what = format!("{} must be one call to the orchestrator", method.sig.ident);
                found.push(violation(method.sig.ident.span().start().line, what));
            }
        }
    }
    found
}

fn is_one_call(block: &Block) -> bool {
    #[derive(Default)]
    struct Calls(usize);
    impl<'ast> Visit<'ast> for Calls {
        fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
            if let Expr::Field(field) = &*call.receiver
                && matches!(&field.member, syn::Member::Named(name) if name == "orchestrator")
            {
                self.0 += 1;
            }
            syn::visit::visit_expr_method_call(self, call);
        }

        fn visit_expr_call(&mut self, call: &'ast ExprCall) {
            if let Expr::Path(function) = &*call.func
                && function
                    .path
                    .segments
                    .last()
                    .is_some_and(|last| last.ident == "run_sync_operation")
            {
                self.0 += 1;
            }
            syn::visit::visit_expr_call(self, call);
        }
    }
    let mut calls = Calls::default();
    calls.visit_block(block);
    calls.0 == 1 && block.stmts.len() == 1
}
