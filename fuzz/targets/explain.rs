//! What is shown to people: captures, traces, and the trace of a connection that a stranger talks to.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otls::{Connection, TraceLevel};
use otls_explain::{Narrator, capture, page};
use otls_fuzz::NOW;

fuzz_target!(|data: &[u8]| {
    let _ = capture(data, "");
    if let Ok(text) = core::str::from_utf8(data) {
        let _ = capture(b"", text);
        let _ = page(&[text]);
        let mut narrator = Narrator::default();
        text.lines().for_each(|line| drop(narrator.tell(line)));
    }
    let mut server = Connection::accept();
    server.set_trace(TraceLevel::Secrets);
    let _ = server.feed(data, NOW);
    // Whatever came, it is a trace.
    if let Some(lines) = server.take_trace() {
        let text = format!("{{\"otls_trace\":1}}\n{}", core::str::from_utf8(lines.expose()).unwrap());
        assert!(page(&[&text]).is_ok(), "{text}");
    }
});
