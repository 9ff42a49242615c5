//! The little HTTP/1.1 that enrolment needs (RFC 9112), parsed by httparse.
