//! Keys, certificates, lists, paths, CMS and enrolment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod budget;
mod certificates;
mod certificates_view;
mod cms_openssl;
mod cms_verify;
#[path = "../common/mod.rs"]
mod common;
mod crl;
mod est_curl;
mod est_enrolment;
mod est_support;
mod est_tokens;
mod files;
mod found;
mod hierarchy;
mod judges;
mod key_files;
mod key_formats;
mod keys;
mod lists;
mod names;
mod paths;
mod pkcs12;
mod pkcs12_hostile;
mod pkits;
mod profile;
mod signatures;
mod support;
mod verify;
mod weaknesses;
mod webpki;
#[path = "../worst/mod.rs"]
mod worst;
