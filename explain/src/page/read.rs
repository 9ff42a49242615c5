//! Lines to events: a trace comes from a file that anybody may have written.

use serde_json::{Map, Value};

use otls::TRACE_VERSION;

use super::MAX_TRACES_LEN;
use crate::refused::Refused;

/// One trace.
pub(crate) struct File {
    /// Whose it is.
    pub(crate) party: String,
    pub(crate) title: Option<String>,
    pub(crate) events: Vec<Event>,
}

/// One line.
pub(crate) struct Event {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) members: Map<String, Value>,
}

impl Event {
    pub(crate) fn text(&self, name: &str) -> &str {
        self.members.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn number(&self, name: &str) -> u64 {
        self.members.get(name).and_then(Value::as_u64).unwrap_or_default()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn name(&self) -> &str {
        self.text("event")
    }

    /// Seconds since 1970.
    pub(crate) fn time(&self) -> Option<f64> {
        self.members.get("time").and_then(Value::as_f64)
    }
}

const AS_WRITTEN: &str =
    "give the file as it was written; if its writer was stopped in the middle of a line, remove that line";

pub(crate) fn files(traces: &[&str]) -> Result<Vec<File>, Refused> {
    if traces.is_empty() {
        return Err(Refused::new("there is no trace", "give at least one"));
    }
    if traces.iter().fold(0_usize, |sum, trace| sum.saturating_add(trace.len())) > MAX_TRACES_LEN {
        let what = format!("the traces have more than {MAX_TRACES_LEN} octets together");
        return Err(Refused::new(&what, "make one page for each connection, or for fewer of them"));
    }
    traces.iter().enumerate().map(|(index, text)| file(index, text)).collect()
}

fn file(index: usize, text: &str) -> Result<File, Refused> {
    let mut lines = (1..).zip(text.lines());
    let (_, first) = lines.next().unwrap_or((1, ""));
    let head = serde_json::from_str::<Map<String, Value>>(first).unwrap_or_default();
    let known = u64::from(TRACE_VERSION);
    match head.get("otls_trace") {
        Some(Value::Number(version)) if version.as_u64().is_some_and(|version| version <= known) => {}
        Some(Value::Number(version)) => {
            let what = format!("the trace is of version {version}, and {known} is the newest that is known");
            let hint = "make the page with the version of otls that wrote the trace, or a newer one";
            return Err(Refused::new(&what, hint).at(index, 1));
        }
        _ => {
            let hint = "give a file as a trace is written to, whose first line has `otls_trace`";
            return Err(Refused::new("this is no trace", hint).at(index, 1));
        }
    }
    let text_of = |name| head.get(name).and_then(Value::as_str).map(str::to_owned);
    let events = lines.filter(|(_, text)| !text.trim().is_empty());
    Ok(File {
        party: text_of("party").filter(|party| !party.is_empty()).unwrap_or_else(|| "a party".to_owned()),
        title: text_of("title"),
        events: events
            .map(|(line, text)| {
                event(line, text).map_err(|what| Refused::new(&what, AS_WRITTEN).at(index, line))
            })
            .collect::<Result<_, _>>()?,
    })
}

fn event(line: usize, text: &str) -> Result<Event, String> {
    let members = serde_json::from_str::<Map<String, Value>>(text)
        .map_err(|error| format!("it is no object of JSON: {error}"))?;
    if !members.get("event").is_some_and(Value::is_string) {
        return Err("it has no `event`".to_owned());
    }
    for (names, fits) in MEMBERS {
        for name in *names {
            if members.get(*name).is_some_and(|value| !value.is_null() && !fits(value)) {
                return Err(format!("`{name}` is not what a trace has there"));
            }
        }
    }
    Ok(Event { line, members })
}

type Fits = fn(&Value) -> bool;

/// What the page relies on: octets that are hexadecimal, counts that are none below zero.
const MEMBERS: &[(&[&str], Fits)] = &[
    (&["connection", "octets", "value", "signed"], is_hex),
    (&["length", "omitted", "records", "depth", "suite_code"], Value::is_u64),
    (&["time"], Value::is_number),
    (&["fields"], are_fields),
    (&["derivation", "protection"], Value::is_object),
    (
        &["name", "role", "direction", "secret", "text", "step", "check", "subject", "code", "of"],
        Value::is_string,
    ),
];

fn is_hex(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        text.len().is_multiple_of(2)
            && text.bytes().all(|digit| digit.is_ascii_digit() || matches!(digit, b'a'..=b'f'))
    })
}

fn are_fields(value: &Value) -> bool {
    value.as_array().is_some_and(|fields| {
        fields.iter().all(|field| {
            let number = |name: &str| field.get(name).is_some_and(Value::is_u64);
            let is_named = field.get("name").is_some_and(Value::is_string);
            is_named && number("start") && number("end") && field.get("fields").is_none_or(are_fields)
        })
    })
}
