//! What the library says: every error has a hint, and none speaks of a flag of the command line or of a file of the
//! repository, which a caller in C or Python has never seen.

#![allow(clippy::wildcard_enum_match_arm, reason = "syntax of other kinds says nothing")]

use std::fs;
use std::path::Path;

use otls::Error;
use otls::error::KeyError;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprLit, Lit};

/// What callers of every language are told by.
const PACKAGES: [&str; 4] = ["src", "capi/src", "stores/src", "bindings/python/src"];

/// Files that are of the tests alone.
const OF_TESTS: [&str; 3] = ["tests.rs", "testing.rs", "undefined.rs"];

#[test]
fn nothing_that_the_library_says_has_a_flag_or_a_path_of_the_repository() {
    let mut read = 0;
    for package in PACKAGES {
        for (file, source) in sources(package) {
            let said = said(&source);
            read += said.texts.len();
            for text in &said.texts {
                assert!(!has_flag(text), "{file}: a flag of the command line in {text:?}");
                assert!(!has_repository_path(text), "{file}: a path of the repository in {text:?}");
            }
        }
    }
    assert!(read > 2000, "only {read} texts were found");
}

#[test]
fn every_misuse_and_every_finding_has_a_hint() {
    let mut read = 0;
    for package in PACKAGES {
        for (file, source) in sources(package) {
            let said = said(&source);
            read += said.hints.len();
            for hint in &said.hints {
                assert!(!hint.trim().is_empty(), "{file}: an error without a hint");
            }
        }
    }
    assert!(read > 150, "only {read} hints were found");
}

#[test]
fn the_hint_of_each_kind_of_error_is_there() {
    // The match arms of `hint` and `alert_hint` in the one file that has them: each is a text, or leads to one.
    let (_, source) = sources("src/error").into_iter().find(|(file, _)| file.ends_with("text.rs")).unwrap();
    let arms = Arms::of(&source);
    assert!(arms.0.len() > 60, "only {} hints were found", arms.0.len());
    assert!(arms.0.iter().all(|text| !text.is_empty()), "an arm without a hint");
}

#[test]
fn a_password_is_asked_for_by_the_name_of_the_argument() {
    for error in [KeyError::WrongPassword, KeyError::PasswordRequired, KeyError::PasswordNotNeeded] {
        assert!(Error::from(error).hint().contains("`password`"));
    }
}

#[test]
fn what_must_not_be_said_is_found() {
    let source = r#"
        const A: Error = Error::misuse("what", "");
        const B: Misuse = Misuse { what: "b", hint: "see docs/keys.md" };
        fn c() { refuse(Check::Name, reason, "give --name"); finding(at, check, format!("{x} in src/x.rs"), ""); }
        fn d() -> Fault { (Check::Key, String::new(), "") }
        /// docs/x.md and --flag
        #[cfg(test)] mod tests { const X: &str = "--flag"; }
        fn e(own: &str) { vec![format!("'openssl x -y' with {own}-z or TLS/SSL"), "tests/x"]; }
    "#;
    let said = said(source);
    assert_eq!(said.hints.iter().filter(|hint| hint.is_empty()).count(), 3, "{:?}", said.hints);
    assert_eq!(said.texts.iter().filter(|text| has_flag(text)).count(), 1, "{:?}", said.texts);
    assert_eq!(said.texts.iter().filter(|text| has_repository_path(text)).count(), 3, "{:?}", said.texts);
}

/// A word that begins with two hyphens.
fn has_flag(text: &str) -> bool {
    text.split(|c: char| c.is_whitespace() || "`'\"(,;:".contains(c))
        .filter_map(|word| word.strip_prefix("--"))
        .any(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
}

fn has_repository_path(text: &str) -> bool {
    const FOLDERS: [&str; 12] = [
        "benches", "bindings", "capi", "cli", "docs", "examples", "fuzz", "include", "scripts", "src",
        "stores", "tests",
    ];
    let words = text.split(|c: char| c.is_whitespace() || "`'\"(,;".contains(c));
    let mut folders = words.filter_map(|word| word.split_once('/')).filter(|(_, rest)| !rest.is_empty());
    folders.any(|(first, _)| FOLDERS.contains(&first))
}

fn sources(folder: &str) -> Vec<(String, String)> {
    fn read(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() && name != "tests" && name != "vectors" {
                read(&path, found);
            } else if name.ends_with(".rs") && !OF_TESTS.contains(&name.as_str()) {
                found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    found
}

fn said(source: &str) -> Said {
    let mut said = Said::default();
    said.visit_file(&syn::parse_file(source).expect("source that parses"));
    said
}

/// Every text of a file beside its documentation and its tests, and those among them that are hints.
#[derive(Default)]
struct Said {
    texts: Vec<String>,
    hints: Vec<String>,
}

impl Said {
    fn hint(&mut self, hint: Option<&Expr>) {
        self.hints.extend(hint.and_then(text));
    }
}

impl<'ast> Visit<'ast> for Said {
    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !attributes.iter().any(is_of_tests) {
            visit::visit_item(self, item);
        }
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.texts.push(text.value());
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        // What is included is no text of an error.
        if !call.path.segments.last().is_some_and(|name| name.ident.to_string().starts_with("include")) {
            tokens(&call.tokens.to_string(), &mut self.texts);
        }
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let Expr::Path(function) = &*call.func
            && let Some(name) = function.path.segments.last()
            && ["misuse", "finding", "refuse", "own"].contains(&name.ident.to_string().as_str())
        {
            self.hint(call.args.last());
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_struct(&mut self, made: &'ast syn::ExprStruct) {
        for field in &made.fields {
            if matches!(&field.member, syn::Member::Named(name) if name == "hint") {
                self.hint(Some(&field.expr));
            }
        }
        visit::visit_expr_struct(self, made);
    }

    fn visit_expr_tuple(&mut self, tuple: &'ast syn::ExprTuple) {
        let is_check =
            |first: &Expr| matches!(first, Expr::Path(path) if path.path.segments[0].ident == "Check");
        if tuple.elems.len() == 3 && tuple.elems.first().is_some_and(is_check) {
            self.hint(tuple.elems.last());
        }
        visit::visit_expr_tuple(self, tuple);
    }
}

fn is_of_tests(attribute: &Attribute) -> bool {
    let list = attribute.meta.require_list();
    attribute.path().is_ident("cfg") && list.is_ok_and(|list| list.tokens.to_string().contains("test"))
}

/// The text that an expression is: a literal, or one that is made a String.
fn text(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        Expr::MethodCall(call) => text(&call.receiver),
        Expr::Call(call) => {
            let is_new =
                matches!(&*call.func, Expr::Path(path) if path.path.segments.last().unwrap().ident == "new");
            (is_new && call.args.is_empty()).then(String::new)
        }
        Expr::Block(block) => match block.block.stmts.as_slice() {
            [syn::Stmt::Expr(only, None)] => text(only),
            _ => None,
        },
        _ => None,
    }
}

/// The texts within a macro, which the parser leaves as it is.
fn tokens(source: &str, found: &mut Vec<String>) {
    let stream: Result<syn::File, _> = syn::parse_str(&format!("const X: () = {{ [{source}] }};"));
    if let Ok(file) = stream {
        let mut said = Said::default();
        said.visit_file(&file);
        found.append(&mut said.texts);
        return;
    }
    // What is no list of expressions: every piece between quotation marks, but for documentation.
    let pieces: Vec<&str> = source.split('"').collect();
    let quoted = pieces.chunks(2).filter_map(|pair| Some((pair.first()?, pair.get(1)?)));
    found
        .extend(quoted.filter(|(before, _)| !before.ends_with("doc = ")).map(|(_, text)| (*text).to_owned()));
}

/// What the arms of the functions whose name ends in `hint` say.
struct Arms(Vec<String>);

impl Arms {
    fn of(source: &str) -> Self {
        let mut arms = Self(Vec::new());
        arms.visit_file(&syn::parse_file(source).unwrap());
        arms
    }
}

impl<'ast> Visit<'ast> for Arms {
    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if item.sig.ident == "hint" {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if item.sig.ident == "alert_hint" {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.0.extend(text(&arm.body));
    }
}
