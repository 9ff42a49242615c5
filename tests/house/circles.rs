//! No circle: of the files of one folder, each with all that is beneath it, none leads back to itself by what it
//! imports. A parent and its children may know each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

/// A module's path within its package.
type Module = Vec<String>;

/// The files of a package, by module.
type Sources = BTreeMap<Module, String>;

#[test]
fn no_file_leads_back_to_itself() {
    for package in ["src", "capi/src", "cli/src", "stores/src"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(package);
        let mut sources = Sources::new();
        read(&root, &mut Module::new(), &mut sources);
        assert!(sources.len() > 3, "{package}: only {} files found", sources.len());
        let found = circles(&sources);
        assert!(found.is_empty(), "{package}:\n{}", found.join("\n"));
    }
}

#[test]
fn a_circle_is_found_in_every_shape() {
    let shapes = [
        ("use crate::room::b::B;", "use super::a::A;"),
        ("use super::B;", "use super::A;"),
        ("fn f() { super::b::go() }", "fn f() -> crate::room::a::A { loop {} }"),
        ("fn f() { println!(\"{}\", super::b::LIMIT) }", "use super::{a::{self}, c::C};"),
        ("mod inner { use super::super::b::B; }", "pub(super) use super::a::A;"),
        ("use crate::room; fn f() { room::b::go() }", "use super as up; fn f() { up::a::go() }"),
        ("use super::b; fn f() { vec![b::go()] }", "use super::a::A;"),
    ];
    for (a, b) in shapes {
        let found = circles(&room(a, b));
        assert_eq!(found.len(), 1, "{a} | {b}: {found:?}");
        assert!(found[0].contains("room: a, b"), "{found:?}");
    }
}

#[test]
fn what_is_no_circle_is_none() {
    let fine = [
        ("use super::B;", ""),
        ("use super::b::B;", "use super::Parent;"),
        ("use super::b::B;", "#[cfg(test)] mod tests { use super::super::a::A; }"),
        ("use super::b::B;", "/// [`super::a::A`]\nfn f() {}"),
    ];
    for (a, b) in fine {
        assert_eq!(circles(&room(a, b)), Vec::<String>::new(), "{a} | {b}");
    }
    // A glob hides whom it imports: it is refused as it stands.
    assert_eq!(circles(&room("use super::*;", "")).len(), 1);
    assert_eq!(circles(&room("", "pub use super::c::*;")).len(), 1);
    assert_eq!(circles(&room("#[cfg(test)] mod tests { use super::*; }", "")), Vec::<String>::new());
    // What is beneath a file counts as the file.
    let mut sources = room("mod below;", "use super::a::A;");
    sources.insert(module("room::a::below"), "use crate::room::b::B;".to_owned());
    assert_eq!(circles(&sources).len(), 1);
    sources.insert(module("room::a::below"), "use super::super::c::C;".to_owned());
    assert_eq!(circles(&sources), Vec::<String>::new());
}

/// A package with a folder of three files, whose parent exports what they have.
fn room(a: &str, b: &str) -> Sources {
    let parent = "mod a; mod b; mod c; pub use a::A; pub use b::B; use c::C; struct Parent;";
    [("", "mod room;"), ("room", parent), ("room::a", a), ("room::b", b), ("room::c", "")]
        .map(|(name, source)| (module(name), source.to_owned()))
        .into()
}

fn module(path: &str) -> Module {
    path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Each circle, with the imports that make it.
fn circles(sources: &Sources) -> Vec<String> {
    let package = Package::of(sources);
    // Of each folder: which of its files imports which, and by what.
    let mut folders: BTreeMap<Module, BTreeMap<(String, String), BTreeSet<String>>> = BTreeMap::new();
    for (from, facts) in &package.0 {
        for path in &facts.imports {
            let Some(to) = package.resolve(from, path, 0) else { continue };
            let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
            if let (Some(a), Some(b)) = (from.get(common), to.get(common)) {
                let why = format!("{}: {}", from.join("/"), path.join("::"));
                let edges = folders.entry(from[..common].to_vec()).or_default();
                edges.entry((a.clone(), b.clone())).or_default().insert(why);
            }
        }
    }
    let mut found = Vec::new();
    for (from, facts) in &package.0 {
        found.extend(facts.globs.iter().map(|path| format!("{}: {path}::*", from.join("/"))));
    }
    for (folder, edges) in &folders {
        let reaches = closure(edges.keys());
        let members = |start: &String| -> BTreeSet<&String> {
            let both = |other: &&String| reaches[start].contains(*other) && reaches[*other].contains(start);
            reaches.keys().filter(both).collect()
        };
        let groups: BTreeSet<BTreeSet<&String>> =
            reaches.keys().filter(|one| reaches[*one].contains(*one)).map(members).collect();
        for group in groups {
            let names: Vec<_> = group.iter().map(|name| name.as_str()).collect();
            let inside = edges.iter().filter(|((a, b), _)| group.contains(a) && group.contains(b));
            let whys: Vec<_> = inside.flat_map(|(_, whys)| whys).map(|why| format!("\n    {why}")).collect();
            found.push(format!("{}: {}{}", folder.join("/"), names.join(", "), whys.concat()));
        }
    }
    found
}

/// Whom each one reaches, in one step or more.
fn closure<'a>(edges: impl Iterator<Item = &'a (String, String)>) -> BTreeMap<String, BTreeSet<String>> {
    let mut reaches: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (a, b) in edges {
        reaches.entry(a.clone()).or_default().insert(b.clone());
        reaches.entry(b.clone()).or_default();
    }
    loop {
        let before: usize = reaches.values().map(BTreeSet::len).sum();
        for name in reaches.keys().cloned().collect::<Vec<_>>() {
            let further: BTreeSet<_> = reaches[&name].iter().flat_map(|next| reaches[next].clone()).collect();
            reaches.entry(name).or_default().extend(further);
        }
        if reaches.values().map(BTreeSet::len).sum::<usize>() == before {
            return reaches;
        }
    }
}

/// What is known of a file.
#[derive(Default)]
struct Facts {
    imports: Vec<Vec<String>>,
    /// What is imported without a name.
    globs: Vec<String>,
    /// What a name is short for.
    names: BTreeMap<String, Vec<String>>,
    /// Modules that are there in tests alone.
    tests: BTreeSet<String>,
}

struct Package(BTreeMap<Module, Facts>);

impl Package {
    fn of(sources: &Sources) -> Self {
        let mut files: BTreeMap<Module, Facts> = BTreeMap::new();
        for (module, source) in sources {
            let mut scan = Scan { depth: 0, facts: Facts::default(), short: Vec::new() };
            scan.visit_file(&syn::parse_file(source).expect("source that parses"));
            scan.expand();
            files.insert(module.clone(), scan.facts);
        }
        let is_of_tests = |module: &Module| {
            (0..module.len())
                .any(|at| files.get(&module[..at]).is_some_and(|parent| parent.tests.contains(&module[at])))
        };
        let tests: Vec<_> = files.keys().filter(|module| is_of_tests(module)).cloned().collect();
        files.retain(|module, _| !tests.contains(module));
        Self(files)
    }

    /// The file that has what a path in `from` names, by way of what others export.
    fn resolve(&self, from: &Module, path: &[String], depth: usize) -> Option<Module> {
        let supers = path.iter().take_while(|name| *name == "super").count();
        let (mut at, mut rest) = match path.first().map(String::as_str) {
            Some("crate") => (Module::new(), path.get(1..)?),
            Some("self") => (from.clone(), path.get(1..)?),
            Some("super") => (from.get(..from.len().checked_sub(supers)?)?.to_vec(), path.get(supers..)?),
            _ => (from.clone(), path),
        };
        while let Some((name, further)) = rest.split_first() {
            let mut next = at.clone();
            next.push(name.clone());
            if self.0.contains_key(&next) {
                (at, rest) = (next, further);
                continue;
            }
            let exported = self.0.get(&at).and_then(|facts| facts.names.get(name));
            if let Some(exported) = exported.filter(|exported| depth < 8 && exported.as_slice() != path) {
                return self.resolve(&at, exported, depth + 1).or(Some(at));
            }
            break;
        }
        Some(at)
    }
}

struct Scan {
    /// Inline modules around what is read.
    depth: usize,
    facts: Facts,
    /// Paths that begin with a name of this file.
    short: Vec<Vec<String>>,
}

fn is_of_package(path: &[String]) -> bool {
    path.first().is_some_and(|first| first == "crate" || first == "super" || first == "self")
}

impl Scan {
    fn note(&mut self, path: &[String]) {
        // Within an inline module one `super` leads to its file.
        let supers = path.iter().take_while(|name| *name == "super").count();
        let inner = supers.min(self.depth);
        let path = &path[inner..];
        if is_of_package(path) {
            self.facts.imports.push(path.to_vec());
        } else if path.len() > 1 {
            self.short.push(path.to_vec());
        }
    }

    /// The paths that begin with a name which an import has brought.
    fn expand(&mut self) {
        for path in &self.short {
            if let Some(begin) = self.facts.names.get(&path[0]).filter(|begin| is_of_package(begin)) {
                self.facts.imports.push(begin.iter().chain(&path[1..]).cloned().collect());
            }
        }
    }
}

impl<'ast> Visit<'ast> for Scan {
    fn visit_item(&mut self, item: &'ast Item) {
        let of_tests = |attributes: &[Attribute]| attributes.iter().any(is_of_tests);
        if let Item::Mod(module) = item
            && of_tests(&module.attrs)
        {
            self.facts.tests.insert(module.ident.to_string());
        } else if !matches!(item, Item::Fn(function) if of_tests(&function.attrs))
            && !matches!(item, Item::Use(import) if of_tests(&import.attrs))
        {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.depth += 1;
        visit::visit_item_mod(self, item);
        self.depth -= 1;
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut paths = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut paths);
        for (name, path) in paths {
            self.note(&path);
            if name == "*" {
                self.facts.globs.extend(is_of_package(&path).then(|| path.join("::")));
            } else if self.depth == 0 {
                self.facts.names.insert(name, path);
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.note(&path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>());
        visit::visit_path(self, path);
    }

    // What a macro is given is tokens, not syntax.
    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let tokens = mac.tokens.to_string().replace(" :: ", "::").replace(":: ", "::").replace(" ::", "::");
        let words = tokens.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
        for word in words.filter(|word| word.contains("::")) {
            self.note(&word.split("::").map(str::to_owned).collect::<Vec<_>>());
        }
        visit::visit_macro(self, mac);
    }
}

fn is_of_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.to_string() == "test")
}

/// Each name that a `use` brings, with its path.
fn flatten(tree: &UseTree, before: &mut Vec<String>, paths: &mut Vec<(String, Vec<String>)>) {
    let with = |name: &str, before: &[String]| -> Vec<String> {
        before.iter().cloned().chain((name != "self").then(|| name.to_owned())).collect()
    };
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, paths);
            before.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|item| flatten(item, before, paths)),
        UseTree::Name(name) => {
            let path = with(&name.ident.to_string(), before);
            paths.push((path.last().cloned().unwrap_or_default(), path));
        }
        UseTree::Rename(name) => {
            paths.push((name.rename.to_string(), with(&name.ident.to_string(), before)));
        }
        UseTree::Glob(_) => paths.push(("*".to_owned(), before.clone())),
    }
}

fn read(folder: &Path, at: &mut Module, sources: &mut Sources) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            at.push(name);
            read(&path, at, sources);
            at.pop();
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let own = (!["lib", "main"].contains(&name.as_str())).then_some(name);
            let source = fs::read_to_string(&path).expect("a source file");
            sources.insert(at.iter().cloned().chain(own).collect(), source);
        }
    }
}
