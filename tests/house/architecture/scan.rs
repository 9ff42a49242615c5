//! Reads Rust source for the paths that leave a module and for `unsafe`.

use std::collections::BTreeMap;

use syn::visit::{self, Visit};
use syn::{Item, UseTree};

/// One path into this crate.
#[derive(Debug)]
pub(crate) struct Import {
    /// Its first name below the crate's root.
    pub(crate) head: String,
    /// All of it, for the message.
    pub(crate) path: String,
}

/// Every path of `source` that starts in this crate, where `module` is the source's own path.
pub(crate) fn imports(source: &str, module: &[String]) -> Vec<Import> {
    let mut scan = Scan { module: module.to_vec(), imports: Vec::new() };
    scan.visit_file(&parse(source));
    scan.imports
}

/// What the crate's root exports under another path: name to room.
pub(crate) fn reexports(source: &str) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for item in parse(source).items {
        if let Item::Use(item) = item {
            let mut paths = Vec::new();
            flatten(&item.tree, &mut Vec::new(), &mut paths);
            for path in paths {
                if let (Some(room), Some(name)) = (path.first(), path.last()) {
                    names.insert(name.clone(), room.clone());
                }
            }
        }
    }
    names
}

/// Each use of `unsafe` in `source`.
pub(crate) fn unsafe_uses(source: &str) -> Vec<String> {
    let mut scan = UnsafeScan(Vec::new());
    scan.visit_file(&parse(source));
    scan.0
}

fn parse(source: &str) -> syn::File {
    syn::parse_file(source).expect("source that parses")
}

struct Scan {
    module: Vec<String>,
    imports: Vec<Import>,
}

impl Scan {
    /// Notes a path that starts with `crate`, or that leaves this file's room by way of `super`.
    fn note(&mut self, path: &[String]) {
        let supers = path.iter().take_while(|name| *name == "super").count();
        let rest = match path.first().map(String::as_str) {
            Some("crate") => path.get(1..),
            Some("super") if supers >= self.module.len() => path.get(supers..),
            _ => None,
        };
        if let Some(head) = rest.and_then(<[String]>::first) {
            self.imports.push(Import { head: head.clone(), path: path.join("::") });
        }
    }
}

impl<'ast> Visit<'ast> for Scan {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut paths = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut paths);
        for path in paths {
            self.note(&path);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.note(&path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>());
        visit::visit_path(self, path);
    }

    // What a macro is given is tokens, not syntax: `crate :: a :: b` among them.
    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let tokens = spaced(&mac.tokens.to_string());
        let tokens: Vec<_> = tokens.split_whitespace().collect();
        for (at, token) in tokens.iter().enumerate() {
            if let ("crate" | "super", Some(&"::")) = (*token, tokens.get(at + 1)) {
                let path: Vec<_> = tokens[at..]
                    .chunks(2)
                    .scan(true, |go_on, pair| {
                        let name = go_on.then(|| pair[0].to_owned());
                        *go_on = pair.get(1) == Some(&"::");
                        name
                    })
                    .collect();
                self.note(&path);
            }
        }
        visit::visit_macro(self, mac);
    }
}

struct UnsafeScan(Vec<String>);

impl<'ast> Visit<'ast> for UnsafeScan {
    fn visit_expr_unsafe(&mut self, _: &'ast syn::ExprUnsafe) {
        self.0.push("an unsafe block".to_owned());
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if signature.unsafety.is_some() {
            self.0.push(format!("unsafe fn {}", signature.ident));
        }
        visit::visit_signature(self, signature);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if item.unsafety.is_some() {
            self.0.push("an unsafe impl".to_owned());
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        if item.unsafety.is_some() {
            self.0.push(format!("unsafe trait {}", item.ident));
        }
        visit::visit_item_trait(self, item);
    }

    fn visit_item_foreign_mod(&mut self, _: &'ast syn::ItemForeignMod) {
        self.0.push("an extern block".to_owned());
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let is_doc = attribute.path().is_ident("doc");
        let text = match &attribute.meta {
            syn::Meta::Path(_) | syn::Meta::NameValue(_) => String::new(),
            syn::Meta::List(list) => list.tokens.to_string(),
        };
        let allows = text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe_code");
        if !is_doc && (attribute.path().is_ident("unsafe") || allows) {
            self.0.push(format!("an attribute of unsafe code: {text}"));
        }
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        if spaced(&mac.tokens.to_string()).split_whitespace().any(|word| word == "unsafe") {
            self.0.push("unsafe in a macro's input".to_owned());
        }
    }
}

/// The tokens' text with space around paths and brackets; the printer does not promise any.
fn spaced(tokens: &str) -> String {
    let mut text = tokens.replace("::", " :: ");
    for bracket in ['(', ')', '{', '}', '[', ']', '<', '>', ',', ';', '$', '&'] {
        text = text.replace(bracket, &format!(" {bracket} "));
    }
    text
}

fn flatten(tree: &UseTree, prefix: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    let leaf = |name: String, prefix: &[String]| prefix.iter().cloned().chain([name]).collect();
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, paths);
            prefix.pop();
        }
        UseTree::Group(group) => {
            for item in &group.items {
                flatten(item, prefix, paths);
            }
        }
        UseTree::Name(name) => paths.push(leaf(name.ident.to_string(), prefix)),
        UseTree::Rename(name) => paths.push(leaf(name.ident.to_string(), prefix)),
        UseTree::Glob(_) => paths.push(leaf("*".to_owned(), prefix)),
    }
}
