//! The name under which programs find the shared library: it changes when the C API breaks.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is_set = |variable: &str| std::env::var_os(variable).is_some();
    let is_linux = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux");
    if is_set("CARGO_FEATURE_CAPI") && is_linux {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libotls.so.0");
    }
}
