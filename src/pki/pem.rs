//! PEM and DER, told apart by content (RFC 7468).
