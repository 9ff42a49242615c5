//! What traces become, and which are refused.

use serde_json::{Value, json};

use super::{MAX_TRACES_LEN, join, page, read};

const HEAD: &str = r#"{"otls_trace":1,"party":"bank"}"#;
const ID: &str = "57da6b7863c31540";

/// A trace of this party's side, with members that all its events have put in.
fn trace(party: &str, role: &str, events: &[Value]) -> String {
    let mut text = json!({ "otls_trace": 1, "party": party }).to_string();
    for event in events {
        let mut event = event.clone();
        let members = event.as_object_mut().unwrap();
        members.entry("connection").or_insert_with(|| ID.into());
        members.insert("role".to_owned(), role.into());
        text = format!("{text}\n{event}");
    }
    text
}

fn wire(name: &str, direction: &str, time: f64, octets: &str) -> Value {
    json!({
        "event": "message", "direction": direction, "name": name, "time": time, "secret": null,
        "length": octets.len() / 2, "octets": octets,
    })
}

fn record(direction: &str, sequence: u64, octets: &str) -> Value {
    let protection = json!({ "secret": "client_application_traffic_secret_0", "sequence": sequence });
    json!({ "event": "record", "direction": direction, "type": "application_data", "length": octets.len() / 2 - 5,
        "protection": protection, "octets": octets, "omitted": 0 })
}

fn model(traces: &[&str]) -> Value {
    join::model(read::files(traces).unwrap()).unwrap()
}

/// Of each step on the wire: name, sent and received when, and who tells of it.
fn arrows(model: &Value) -> Vec<(String, Value, Value, Value)> {
    let steps = model["steps"].as_array().unwrap().iter().filter(|step| step["from"].is_u64());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    steps
        .map(|step| {
            (text(&step["name"]), step["sent"].clone(), step["received"].clone(), step["told"].clone())
        })
        .collect()
}

fn refusal(traces: &[&str]) -> (Option<usize>, Option<usize>, String) {
    let refused = page(traces).unwrap_err();
    assert!(!refused.hint().is_empty());
    (refused.file(), refused.line(), refused.to_string())
}

#[test]
fn two_traces_of_one_connection_are_one_arrow_for_each_message() {
    let hello = wire("ClientHello", "sent", 1.0, "01");
    let client = trace("customer", "client", &[hello, wire("ServerHello", "received", 4.0, "02")]);
    // The server's clock is a day behind.
    let day = -86_400.0;
    let server = [wire("ClientHello", "received", day, "01"), wire("ServerHello", "sent", day + 1.0, "02")];
    let server = trace("bank", "server", &server);
    for traces in [[&*client, &*server], [&*server, &*client]] {
        let model = model(&traces);
        assert_eq!(model["lanes"][0]["name"], "bank");
        assert_eq!(model["connections"].as_array().unwrap().len(), 1);
        let both = json!([true, true]);
        let expected = [
            ("ClientHello".to_owned(), json!(1.0), json!(day), both.clone()),
            ("ServerHello".to_owned(), json!(day + 1.0), json!(4.0), both),
        ];
        assert_eq!(arrows(&model), expected);
        // The octets are there once.
        assert_eq!(model.to_string().matches("\"octets\"").count(), 2);
    }
}

#[test]
fn one_side_alone_has_a_lane_for_the_other_by_the_name_that_it_signs_with() {
    let signature = json!({ "event": "signature", "direction": "received", "signer": "CN=bank.example",
        "scheme": "ed25519", "key": "Ed25519", "signed": "20", "result": "passed" });
    let client = trace("customer", "client", &[wire("ClientHello", "sent", 1.0, "01"), signature]);
    let model = model(&[&client]);
    let names: Vec<_> = model["lanes"].as_array().unwrap().iter().map(|lane| &lane["name"]).collect();
    assert_eq!(names, ["customer", "server CN=bank.example"]);
    assert_eq!(arrows(&model)[0].3, json!([true, false]));
    assert_eq!(model["connections"][0]["told"], json!([true, false]));
    assert_eq!(model["connections"][0]["signatures"][0]["checked_by"], 0);
}

#[test]
fn a_listener_takes_no_part_and_its_records_go_before_what_is_in_them() {
    let events = [
        record("sent", 0, "1703030001aa"),
        wire("Finished", "sent", 1.0, "14"),
        record("sent", 1, "1703030001bb"),
        wire("KeyUpdate", "sent", 2.0, "18"),
    ];
    let model = model(&[&trace("listener", "client", &events)]);
    let names: Vec<_> = model["lanes"].as_array().unwrap().iter().map(|lane| &lane["name"]).collect();
    assert_eq!(names, ["client", "server"]);
    assert_eq!(model["connections"][0]["is_heard"], true);
    assert_eq!((&model["steps"][0]["records"], &model["steps"][1]["records"]), (&json!([0]), &json!([1])));
}

#[test]
fn what_was_changed_or_did_not_arrive_is_told() {
    let client = [
        wire("ClientHello", "sent", 1.0, "01aa"),
        wire("Finished", "sent", 2.0, "14"),
        record("sent", 0, "1703030001aa"),
    ];
    let mut other = record("received", 0, "1703030001ab");
    other["time"] = 3.0.into();
    let server = [wire("ClientHello", "received", 1.0, "01bb"), other];
    let model = model(&[&trace("customer", "client", &client), &trace("bank", "server", &server)]);
    let steps = model["steps"].as_array().unwrap();
    assert_eq!((&steps[0]["octets"], &steps[0]["arrived"]["octets"]), (&json!("01aa"), &json!("01bb")));
    let told: Vec<_> = steps.iter().map(|step| (&step["kind"], &step["told"])).collect();
    let (only_sent, only_received) = (json!([true, false]), json!([false, true]));
    assert_eq!(told[1..], [(&json!("message"), &only_sent), (&json!("record"), &only_received)]);
    let records = model["connections"][0]["records"].as_array().unwrap();
    assert_eq!(
        (&records[0]["octets"], &records[1]["octets"]),
        (&json!("1703030001aa"), &json!("1703030001ab"))
    );
}

fn data(direction: &str, octets: &str, length: usize) -> Value {
    json!({ "event": "data", "direction": direction, "secret": "x", "length": length, "octets": octets,
        "omitted": length - octets.len() / 2 })
}

#[test]
fn data_is_one_stream_however_the_two_sides_part_it() {
    let sent = [data("sent", "0102030405", 5), data("sent", "06", 4), data("sent", "0a", 1)];
    let client = trace("customer", "client", &sent);
    let arrives = |parts: &[(&str, usize)]| {
        let parts: Vec<_> = parts.iter().map(|(octets, length)| data("received", octets, *length)).collect();
        let model = model(&[&client, &trace("bank", "server", &parts)]);
        let steps = model["steps"].as_array().unwrap().iter();
        steps.map(|step| (step["told"].clone(), !step["arrived"].is_null())).collect::<Vec<_>>()
    };
    let (both, only_sent) = ((json!([true, true]), false), (json!([true, false]), false));
    assert_eq!(arrives(&[("0102", 2), ("030405", 3), ("06", 5)]), [both.clone(), both.clone(), both.clone()]);
    assert_eq!(arrives(&[("01020304050607", 10)]), [both.clone(), both.clone(), both.clone()]);
    assert_eq!(
        arrives(&[("0102", 2), ("03040506", 4)]),
        [both.clone(), only_sent.clone(), only_sent.clone()]
    );
    let folded =
        |direction: &str| json!({ "event": "folded", "direction": direction, "records": 3, "length": 10 });
    let model = model(&[&client, &trace("bank", "server", &[folded("received")])]);
    let lengths: Vec<_> =
        model["steps"].as_array().unwrap().iter().map(|step| step["length"].clone()).collect();
    assert_eq!(lengths, [5, 4, 1]);
    // Other octets, or more of them, did not come from there.
    assert_eq!(arrives(&[("0102", 2), ("0304ff", 3), ("06", 5)])[0], (json!([true, true]), true));
    assert_eq!(arrives(&[("0102030405", 5), ("06", 4), ("0a", 1), ("0b", 1)])[3].0, json!([false, true]));
}

#[test]
fn what_both_sides_know_is_told_once_and_a_difference_is() {
    let secret = |name: &str, value: &str| {
        json!({ "event": "secret", "name": name, "length": 1,
        "derivation": { "given": "it" }, "value": value })
    };
    let client = [secret("psk", "aa"), secret("shared_secret", "aa")];
    let server = [secret("psk", "aa"), secret("shared_secret", "bb")];
    let model = model(&[&trace("customer", "client", &client), &trace("bank", "server", &server)]);
    let secrets = model["connections"][0]["secrets"].as_array().unwrap();
    assert_eq!(secrets.len(), 2);
    assert_eq!((&secrets[0]["known_to"], &secrets[0]["differs"]), (&json!([1, 0]), &Value::Null));
    assert_eq!(secrets[1]["differs"], true);
}

#[test]
fn many_connections_of_one_file_stay_apart() {
    let mut events = Vec::new();
    for number in 0..300 {
        let mut hello = wire("ClientHello", "received", f64::from(number), "01");
        hello["connection"] = format!("{number:04x}").into();
        let nameless = json!({ "event": "record", "connection": null, "direction": "received", "type": "handshake",
            "length": 1, "protection": null, "octets": "160301000101", "omitted": 0 });
        events.extend([nameless, hello]);
    }
    let model = model(&[&trace("bank", "server", &events)]);
    let connections = model["connections"].as_array().unwrap();
    assert_eq!((connections.len(), arrows(&model).len()), (300, 300));
    // A record that holds nothing but the message has no octets of its own.
    assert!(connections.iter().all(|one| one["records"][0]["octets"] == "1603010001"));
}

#[test]
fn what_is_no_trace_is_refused_with_its_place() {
    let event = r#"{"event":"state","state":"CONFIRMED"}"#;
    let good = format!("{HEAD}\n{event}\n\n");
    assert!(page(&[&good]).is_ok());
    let (file, line, why) = refusal(&[]);
    assert_eq!((file, line, &*why), (None, None, "there is no trace"));
    for text in ["", "\n", "hello", "[1]", r#"{"party":"bank"}"#, r#"{"otls_trace":"1"}"#, event] {
        let (file, line, why) = refusal(&[&good, text]);
        assert_eq!((file, line, &*why), (Some(1), Some(1), "line 1: this is no trace"), "{text}");
    }
    for version in ["2", "1.5", "99999999999999999999", "-1"] {
        let (file, line, why) = refusal(&[&format!("{{\"otls_trace\":{version}}}")]);
        assert_eq!((file, line), (Some(0), Some(1)));
        assert!(why.contains("and 1 is the newest that is known"), "{why}");
    }
    for (text, why) in [
        ("{\"event\":\"sta", "line 3: it is no object of JSON: "),
        ("17", "line 3: it is no object of JSON: "),
        ("{}", "line 3: it has no `event`"),
        (r#"{"event":1}"#, "line 3: it has no `event`"),
        (r#"{"event":"data","octets":"0g"}"#, "line 3: `octets` is not what a trace has there"),
        (r#"{"event":"data","octets":"000"}"#, "line 3: `octets` is not what a trace has there"),
        (r#"{"event":"data","octets":"AA"}"#, "line 3: `octets` is not what a trace has there"),
        (r#"{"event":"data","length":-1}"#, "line 3: `length` is not what a trace has there"),
        (r#"{"event":"data","time":"now"}"#, "line 3: `time` is not what a trace has there"),
        (
            r#"{"event":"data","fields":[{"name":"a","start":0}]}"#,
            "line 3: `fields` is not what a trace has there",
        ),
        (r#"{"event":"secret","derivation":"x"}"#, "line 3: `derivation` is not what a trace has there"),
        (r#"{"event":"story","step":{}}"#, "line 3: `step` is not what a trace has there"),
    ] {
        let refused = refusal(&[&good, &format!("{HEAD}\n{event}\n{text}\n")]);
        assert_eq!((refused.0, refused.1), (Some(1), Some(3)), "{text}");
        assert!(refused.2.starts_with(why), "{}", refused.2);
    }
    let deep = format!("{HEAD}\n{event}\n{{\"event\":\"data\",\"fields\":{}", "[".repeat(1_000));
    assert_eq!(refusal(&[&deep]).1, Some(3));
}

#[test]
fn traces_that_are_too_long_together_are_refused() {
    let long = format!("{HEAD}\n{}", "\n".repeat(MAX_TRACES_LEN / 2));
    let (file, _, why) = refusal(&[&long, &long]);
    assert_eq!((file, &*why), (None, "the traces have more than 67108864 octets together"));
    assert!(page(&[&long]).is_ok());
}

#[test]
fn the_same_side_twice_is_refused() {
    let client = trace("customer", "client", &[wire("ClientHello", "sent", 1.0, "01")]);
    let (file, line, why) = refusal(&[&client, &client]);
    assert_eq!((file, line), (Some(1), Some(2)));
    assert_eq!(why, "line 2: trace 1 has told of the same side of this connection");
}
