//! The page: a frame, its style and its script, and the data.

use serde_json::Value;

const HTML: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = concat!(
    "\"use strict\";\n",
    include_str!("words.js"),
    include_str!("attacks.js"),
    include_str!("dom.js"),
    include_str!("model.js"),
    include_str!("octets.js"),
    include_str!("details.js"),
    include_str!("messages.js"),
    include_str!("keys.js"),
    include_str!("proofs.js"),
    include_str!("story.js"),
    include_str!("main.js"),
);

/// SHA-256 of style and script, in base64, for the policy of the page (CSP level 3 §2.3.1). A test computes them.
const STYLE_HASH: &str = include_str!("page.css.sha256");
const SCRIPT_HASH: &str = include_str!("script.sha256");

/// The page with this data in it.
pub(crate) fn fill(model: &Value) -> String {
    // What ends a script element, or opens a comment in one, has to begin with `<`.
    let data = model.to_string().replace('<', "\\u003c");
    let parts = [
        ("style-hash", STYLE_HASH.trim_ascii()),
        ("script-hash", SCRIPT_HASH.trim_ascii()),
        ("style", STYLE),
        ("data", &data),
        ("script", SCRIPT),
    ];
    let mut page = String::with_capacity(HTML.len() + STYLE.len() + SCRIPT.len() + data.len());
    // What was filled in is not looked at again.
    for (index, piece) in HTML.split("{{").enumerate() {
        match piece.split_once("}}").filter(|_| index > 0) {
            Some((name, rest)) => {
                page.extend(parts.iter().filter(|(part, _)| *part == name).map(|(_, text)| *text));
                page.push_str(rest);
            }
            None => page.push_str(piece),
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64, Encoding};
    use sha2::{Digest, Sha256};

    use super::*;

    /// `OTLS_BLESS=1` writes the hashes anew.
    #[test]
    fn the_policy_names_this_style_and_this_script() {
        let files = [("page.css.sha256", STYLE, STYLE_HASH), ("script.sha256", SCRIPT, SCRIPT_HASH)];
        for (name, text, expected) in files {
            let hash = format!("{}\n", Base64::encode_string(&Sha256::digest(text)));
            if std::env::var_os("OTLS_BLESS").is_some() {
                std::fs::write(format!("{}/src/page/{name}", env!("CARGO_MANIFEST_DIR")), hash).unwrap();
            } else {
                assert_eq!(hash, expected, "of {name}");
            }
        }
    }

    #[test]
    fn data_cannot_leave_its_element() {
        let page = fill(&Value::from("</script><!--<script>{{style}}"));
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(page.contains("\\u003c/script>") && !page.contains("<!--"));
        assert_eq!(page.matches("{{style}}").count(), 1);
    }
}
