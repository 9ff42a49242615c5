//! The order of the rooms: what is imported lies below, and there is no `unsafe`.

mod scan;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use scan::{Import, imports, reexports, unsafe_uses};

/// The rooms, ground floor first. Rooms of one floor do not import each other, but for the ground
/// floor, which is one room of several files. `undefined` and `common` are there in tests alone.
const FLOORS: &[&[&str]] = &[
    &["codepoints", "error", "alert", "process", "secret", "shown", "time", "undefined", "common"],
    &["crypto"],
    &["wire"],
    &["record", "pki"],
    &["trace"],
    &["handshake"],
    &["connection", "cms"],
    &["otp", "est", "io"],
];

/// What the floors alone do not forbid: certificates, and messages to their holders, are of use without a
/// wire.
const FORBIDDEN: &[(&str, &str)] =
    &[("pki", "wire"), ("cms", "wire"), ("cms", "record"), ("cms", "handshake")];

#[test]
fn every_import_goes_down() {
    let names = reexports(&read(&source_root().join("lib.rs")));
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (module, file) in rooms() {
        for import in imports(&read(&file), &module) {
            seen += 1;
            if let Err(why) = check(&module, &import, &names) {
                wrong.push(format!("{}: {why}", file.display()));
            }
        }
    }
    assert!(seen > 100, "only {seen} imports found: the scan does not work");
    assert!(wrong.is_empty(), "imports that run upward:\n{}", wrong.join("\n"));
}

#[test]
fn there_is_no_unsafe_in_the_library() {
    let mut wrong = Vec::new();
    for (module, file) in rooms() {
        // `undefined` speaks to valgrind, and is there in tests alone.
        if module.first().is_some_and(|room| room == "undefined") {
            continue;
        }
        wrong.extend(unsafe_uses(&read(&file)).into_iter().map(|what| format!("{}: {what}", file.display())));
    }
    assert!(wrong.is_empty(), "unsafe in the library:\n{}", wrong.join("\n"));
    assert!(read(&source_root().join("lib.rs")).contains("#[cfg(test)]\nmod undefined;"));
}

#[test]
fn no_text_of_the_library_names_a_flag_of_the_command_line() {
    let names_flag = |line: &str| {
        let code = line.split_once("// ").map_or(line, |(code, _)| code);
        code.match_indices("--").any(|(at, _)| {
            let starts = code[at + 2..].starts_with(|next: char| next.is_ascii_lowercase());
            starts && !code[..at].ends_with(|last: char| last.is_ascii_alphanumeric())
        })
    };
    assert!(names_flag("\"trust it too (--root FILE)\"") && !names_flag("\"xn--p1ai\" // as --root does"));
    let mut wrong = Vec::new();
    for (module, file) in rooms() {
        if module.first().is_some_and(|room| room == "undefined") {
            continue;
        }
        let text = read(&file);
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//") && names_flag(line));
        wrong.extend(lines.map(|line| format!("{}: {}", file.display(), line.trim())));
    }
    assert!(wrong.is_empty(), "who calls from C or Python has no such flag:\n{}", wrong.join("\n"));
}

#[test]
fn only_the_drivers_carry_octets_into_a_connection() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src/io", "cli/src", "stores/src", "examples"] {
        collect(&root.join(folder), &mut Vec::new(), &mut files);
    }
    let feeds = |(_, file): &(Vec<String>, PathBuf)| read(file).matches("onnection.feed(").count();
    let found: Vec<_> = files.iter().filter(|file| feeds(file) > 0).map(|(_, file)| file).collect();
    assert_eq!(found, [&root.join("src/io/engine.rs")], "the loop is in the engine, once");
    assert_eq!(files.iter().map(feeds).sum::<usize>(), 1);
    let in_place = files.iter().filter(|(_, file)| read(file).contains(".feed_in_place(")).count();
    assert_eq!(in_place, 1, "nor in place");
    let of_sockets = |(_, file): &&(Vec<String>, PathBuf)| {
        let text = read(file);
        [".consume(", ".feed_end("].iter().any(|call| text.contains(call))
    };
    assert_eq!(files.iter().filter(of_sockets).count(), 1, "nobody else does a part of it");
}

#[test]
fn every_room_has_its_floor() {
    for (module, file) in rooms() {
        let room = module.first().map(String::as_str).unwrap_or_default();
        assert!(floor(room).is_some(), "{}: the room `{room}` has no floor in this test", file.display());
    }
}

#[test]
fn an_upward_import_is_found_in_every_shape() {
    let shapes = [
        "use crate::connection::State;",
        "use crate::{error::Error, handshake::{Config, connection}, connection as c};",
        "fn f() -> crate::connection::State { loop {} }",
        "fn f() { let _ = crate::connection::State::default(); }",
        "fn f() { println!(\"{}\", crate::connection::LIMIT); }",
        "use super::super::connection::State;",
        "fn f() { super::super::connection::go(); }",
        "mod inner { use super::super::super::connection::State; }",
        "pub use crate::State;",
        "#[cfg(test)] mod tests { use crate::connection::State; }",
        "macro_rules! m { () => { $crate::connection::go() }; }",
    ];
    let module = ["wire".to_owned(), "hello".to_owned()];
    let names = reexports("pub use connection::{Connection, State};");
    for shape in shapes {
        let found: Vec<_> = imports(shape, &module)
            .iter()
            .filter_map(|import| check(&module, import, &names).err())
            .collect();
        assert!(found.iter().any(|why| why.contains("connection")), "not found in: {shape}\n{found:?}");
    }
}

#[test]
fn rooms_beside_each_other_and_pki_with_wire_are_refused() {
    let refused = [
        ("pki", "wire"),
        ("pki", "record"),
        ("record", "pki"),
        ("otp", "est"),
        ("io", "otp"),
        ("connection", "io"),
        ("error", "crypto"),
        ("cms", "handshake"),
        ("cms", "connection"),
    ];
    for (from, to) in refused {
        let module = [from.to_owned()];
        let import = imports(&format!("use crate::{to}::X;"), &module).remove(0);
        assert!(check(&module, &import, &BTreeMap::new()).is_err(), "{from} imports {to}");
    }
    for (from, to) in [("record", "wire"), ("handshake", "pki"), ("alert", "error"), ("otp", "cms")] {
        let module = [from.to_owned()];
        let import = imports(&format!("use crate::{to}::X;"), &module).remove(0);
        assert_eq!(check(&module, &import, &BTreeMap::new()), Ok(()));
    }
}

#[test]
fn a_name_of_no_room_is_refused() {
    let module = ["wire".to_owned()];
    let import = imports("use crate::helpers::X;", &module).remove(0);
    assert!(check(&module, &import, &BTreeMap::new()).is_err());
}

#[test]
fn unsafe_is_found_in_every_shape() {
    let shapes = [
        "fn f(p: *const u8) -> u8 { unsafe { *p } }",
        "unsafe fn f() {}",
        "unsafe impl Send for X {}",
        "unsafe trait T {}",
        "unsafe extern \"C\" { fn f(); }",
        "#[unsafe(no_mangle)] pub extern \"C\" fn f() {}",
        "#[allow(unsafe_code)] fn f() {}",
        "fn f() { vec![unsafe { g() }]; }",
    ];
    for shape in shapes {
        assert!(!unsafe_uses(shape).is_empty(), "not found in: {shape}");
    }
    assert!(unsafe_uses("/// unsafe in words\nfn safe() { let unsafely = 1; }").is_empty());
}

fn check(module: &[String], import: &Import, names: &BTreeMap<String, String>) -> Result<(), String> {
    let from = module.first().map(String::as_str).unwrap_or_default();
    let to = names.get(&import.head).map_or(import.head.as_str(), String::as_str);
    let what = format!("`{}` imports `{}` ({})", from, to, import.path);
    let (Some(above), Some(below)) = (floor(from), floor(to)) else {
        return Err(format!("{what}: not a room of this house"));
    };
    let ground_floor = above == 0 && below == 0;
    if from != to && !ground_floor && (below >= above || FORBIDDEN.contains(&(from, to))) {
        return Err(what);
    }
    Ok(())
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// Every source file of the library, with its module path. `lib.rs` is the map and imports all;
/// `bin` is another crate.
fn rooms() -> Vec<(Vec<String>, PathBuf)> {
    let mut files = Vec::new();
    collect(&source_root(), &mut Vec::new(), &mut files);
    files.retain(|(module, _)| !module.is_empty() && module.first().is_none_or(|room| room != "bin"));
    assert!(files.len() > 30, "only {} source files found", files.len());
    files
}

fn collect(folder: &Path, module: &mut Vec<String>, files: &mut Vec<(Vec<String>, PathBuf)>) {
    for entry in fs::read_dir(folder).expect("the source folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            module.push(name);
            collect(&path, module, files);
            module.pop();
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let own = (!["lib", "mod"].contains(&name.as_str())).then_some(name);
            files.push((module.iter().cloned().chain(own).collect(), path));
        }
    }
}

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a source file")
}
