use super::*;

const POST: &[u8] = b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
const CHUNKED: &[u8] = b"POST /b?q=1 HTTP/1.1\r\nhost: h\r\nTransfer-Encoding: Chunked\r\n\r\n\
                         3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: t\r\n\r\n";
const GET: &[u8] = b"GET https://h:1/c HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Close\r\n\r\n";

fn requests(pieces: &[&[u8]]) -> Result<Vec<(String, Vec<u8>)>, Refusal> {
    let mut reader = HttpReader::<RequestHead>::new();
    let mut found = Vec::new();
    for piece in pieces {
        reader.feed(piece);
        while let Some((head, body)) = reader.next()? {
            found.push((format!("{} {} {}", head.method, head.path, head.close), body));
        }
    }
    Ok(found)
}

fn status_of(request: &[u8]) -> u16 {
    requests(&[request]).err().map_or(0, |refusal| refusal.status)
}

#[test]
fn pipelined_requests_may_be_split_anywhere() {
    let stream = [b"\r\n\n", POST, CHUNKED, b"\r\n", GET].concat();
    let expected = requests(&[&stream]).unwrap();
    let lines: Vec<&str> = expected.iter().map(|(line, _)| line.as_str()).collect();
    assert_eq!(lines, ["POST /a false", "POST /b false", "GET /c true"]);
    let bodies: Vec<&[u8]> = expected.iter().map(|(_, body)| body.as_slice()).collect();
    assert_eq!(bodies, [&b"hello"[..], b"hello", b""]);
    for at in 0..=stream.len() {
        let (first, second) = stream.split_at(at);
        assert_eq!(requests(&[first, second]).unwrap(), expected, "{at}");
    }
    let single: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(requests(&single).unwrap(), expected);
}

#[test]
fn a_truncated_request_is_waited_for() {
    for request in [POST, CHUNKED] {
        for len in 0..request.len() {
            assert_eq!(requests(&[&request[..len]]).unwrap(), [], "{len}");
        }
    }
}

#[test]
fn a_length_that_two_readers_may_take_differently_is_refused() {
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5\r\ncontent-length: 6",
        "Content-Length: 5, 5",
        "Content-Length: +5",
        "Content-Length: -5",
        "Content-Length: 0x5",
        "Content-Length:",
        "Content-Length: 99999999999999999999999",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Content-Length : 5",
        "X: y\r\n Content-Length: 5",
        "Host: other",
    ] {
        let request = format!("POST /a HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\nhello");
        assert_eq!(status_of(request.as_bytes()), 400, "{fields}");
    }
    assert_eq!(status_of(b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), 501);
    assert_eq!(status_of(b"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

#[test]
fn malformed_chunks_are_refused() {
    for body in ["\r\n", "x\r\n", ";\r\n", "-1\r\n", "1\r\nab", "5\r\nhelloX\n", "12345678901234567890\r\n"] {
        let request = format!("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
        assert_eq!(status_of(request.as_bytes()), 400, "{body:?}");
    }
    let long =
        format!("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;{}", "x".repeat(300));
    assert_eq!(status_of(long.as_bytes()), 400);
}

#[test]
fn limits_have_their_own_status_and_hold_before_the_bytes_arrive() {
    assert_eq!(status_of(b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n"), 413);
    let chunked = b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(status_of(&[&chunked[..], b"10001\r\n"].concat()), 413);
    let two = [&chunked[..], b"ffff\r\n", &vec![b'a'; 0xFFFF], b"\r\n2\r\n"].concat();
    assert_eq!(status_of(&two), 413);
    let trailer = [&chunked[..], b"0\r\n", &b"a: b\r\n".repeat(3000)].concat();
    assert_eq!(status_of(&trailer), 431);

    let longest = [b"GET /", &[b'a'; MAX_HEAD_LEN][..]].concat();
    assert_eq!(status_of(&longest), 431);
    let mut fields = b"GET / HTTP/1.1\r\nHost: h\r\n".to_vec();
    fields.extend(b"a: b\r\n".repeat(MAX_FIELDS - 1));
    assert_eq!(status_of(&[&fields[..], b"\r\n"].concat()), 0);
    assert_eq!(status_of(&[&fields[..], b"a: b\r\n\r\n"].concat()), 431);

    let full =
        [b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 65536\r\n\r\n", &vec![b'a'; MAX_BODY_LEN][..]]
            .concat();
    assert_eq!(requests(&[&full]).unwrap()[0].1.len(), MAX_BODY_LEN);
}

#[test]
fn what_is_not_a_request_of_http_1_is_refused() {
    assert_eq!(status_of(b"\x16\x03\x01\x02\x00\n"), 400);
    assert_eq!(status_of(b"HELLO\r\n\r\n"), 400);
    assert_eq!(status_of(b"GET / HTTP/2.0\r\n\r\n"), 505);
    assert_eq!(status_of(b"GET / HTTP/1.1\r\n\r\n"), 400, "no Host");
    assert_eq!(status_of(b"GET / HTTP/1.0\r\n\r\n"), 0, "HTTP/1.0 has no Host");
    assert_eq!(status_of(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: something\r\n\r\n"), 417);
}

#[test]
fn a_reply_is_read_by_length_in_chunks_and_up_to_the_end() {
    let replies: [(&[u8], u16, &[u8]); 4] = [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi"),
        (b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 403, b"hi"),
        (b"HTTP/1.1 204 \r\nContent-Length: 7\r\n\r\n", 204, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n", 100, b""),
    ];
    for (reply, status, expected) in replies {
        let mut reader = HttpReader::<ReplyHead>::new();
        reader.feed(reply);
        let (head, body) = reader.next().unwrap().unwrap();
        assert_eq!((head.status, &body[..]), (status, expected));
        assert!(reader.end().is_none());
    }
    let mut reader = HttpReader::<ReplyHead>::new();
    reader.feed(b"HTTP/1.0 200 OK\r\n\r\nhi");
    assert!(reader.next().unwrap().is_none());
    assert_eq!(reader.end().map(|(_, body)| body), Some(b"hi".to_vec()));
}

#[test]
fn a_reply_without_length_is_bounded_too() {
    let mut reader = HttpReader::<ReplyHead>::new();
    reader.feed(b"HTTP/1.1 200 OK\r\n\r\n");
    reader.feed(&vec![b'a'; MAX_BODY_LEN]);
    assert!(reader.next().unwrap().is_none());
    reader.feed(b"a");
    assert_eq!(reader.next().err().map(|refusal| refusal.status), Some(413));
}

#[test]
fn credentials_and_content_types_are_found_in_any_case() {
    let mut reader = HttpReader::<RequestHead>::new();
    reader.feed(b"GET / HTTP/1.1\r\nHost: h\r\nAUTHORIZATION: basic  YTpi \r\n");
    reader.feed(b"content-type: Application/PKCS10 ; charset=x\r\n\r\n");
    let (head, _) = reader.next().unwrap().unwrap();
    assert_eq!(head.credentials("Basic"), Some("YTpi"));
    assert_eq!(head.credentials("Bearer"), None);
    assert!(head.has_content_type("application/pkcs10"));
    assert!(!head.has_content_type("application/pkcs"));
}

#[test]
fn text_of_a_peer_is_one_bounded_line() {
    assert_eq!(one_line(" a\r\nb\u{1b}[2J\u{7f}c\n"), "a  b [2J c");
    assert_eq!(one_line(&"é".repeat(1000)).chars().count(), MAX_TEXT_LEN);
}

#[test]
fn no_mutation_panics_and_pieces_make_no_difference() {
    let stream = [POST, CHUNKED, GET].concat();
    let mut seed = 7_u64;
    let mut draw = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    for _ in 0..5_000 {
        let mut octets = stream.clone();
        for _ in 0..=draw(4) {
            let at = draw(octets.len());
            match draw(3) {
                0 => octets[at] = u8::try_from(draw(256)).unwrap(),
                1 => drop(octets.remove(at)),
                _ => octets.insert(at, b"\r\n :0;"[draw(6)]),
            }
        }
        let whole = requests(&[&octets]);
        let single: Vec<&[u8]> = octets.chunks(1).collect();
        assert_eq!(whole, requests(&single));
    }
}
