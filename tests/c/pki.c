/* Errors, blobs, keys, requests, certificates, the authority and trust. */
#include "check.h"

#include <otls_oath.h>

static void nothing_is_freed(void) {
    otls_error_free(NULL);
    otls_blob_free(NULL);
    otls_key_free(NULL);
    otls_public_key_free(NULL);
    otls_name_free(NULL);
    otls_request_free(NULL);
    otls_certificate_free(NULL);
    otls_authority_free(NULL);
    otls_trust_store_free(NULL);
    otls_identity_free(NULL);
    otls_client_config_free(NULL);
    otls_server_config_free(NULL);
    otls_connection_free(NULL);
    otls_otp_context_free(NULL);
    otls_otp_ledger_free(NULL);
    otls_otp_issued_free(NULL);
    otls_otp_message_free(NULL);
    otls_otp_channel_free(NULL);
    otls_est_client_free(NULL);
    otls_est_reply_free(NULL);
}

static void nothing_has_no_properties(void) {
    otls_finding finding;
    uint64_t not_before = 7;
    size_t len = 7;
    CHECK(otls_error_code(NULL) == OTLS_OK && otls_error_alert(NULL) == -1);
    CHECK(*otls_error_message(NULL) == 0 && *otls_error_hint(NULL) == 0);
    CHECK(*otls_error_name(NULL) == 0);
    CHECK(otls_blob_data(NULL, &len) == NULL && len == 0);
    CHECK(otls_blob_data(NULL, NULL) == NULL);
    CHECK(otls_certificate_not_after(NULL, &not_before) == 0 && not_before == 0);
    CHECK(otls_error_finding(NULL, 0, &finding) == 0 && finding.depth == -1 && finding.candidate == -1);
    CHECK(*finding.subject == 0 && *finding.check == 0 && *finding.reason == 0 && *finding.hint == 0);
    CHECK(strcmp(otls_version(), OTLS_EXPECTED_VERSION) == 0);
}

static void errors_say_what_why_and_what_to_do(void) {
    otls_error *error;
    otls_key *key;
    CHECK(otls_key_load(TEXT("no key"), NULL, 0, &key, &error) == OTLS_ERROR_KEY_NOT_FOUND);
    CHECK(key == NULL && strcmp(otls_error_name(error), "KEY_NOT_FOUND") == 0);
    CHECK(*otls_error_hint(error) != 0 && otls_error_finding(error, 0, NULL) == 0);
    otls_error_free(error);
    /* Who only wants the code passes no place for more. */
    CHECK(otls_key_load(TEXT("no key"), NULL, 0, &key, NULL) == OTLS_ERROR_KEY_NOT_FOUND);
    CHECK(otls_key_generate(99, &key, NULL) == OTLS_ERROR_API_MISUSE);
}

static void arguments_that_are_null(void) {
    otls_error *error;
    otls_key *key;
    otls_blob *blob;
    FAILS(OTLS_ERROR_NULL_POINTER, otls_key_generate(OTLS_KEY_ECDSA_P256, NULL, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_key_load(NULL, 1, NULL, 0, &key, &error));
    FAILS(OTLS_ERROR_KEY_NOT_FOUND, otls_key_load(NULL, 0, NULL, 0, &key, &error));
    FAILS(OTLS_ERROR_NULL_POINTER,
          otls_key_export(NULL, PLAIN(OTLS_FORMAT_PKCS8, OTLS_ENCODING_PEM), &blob, &error));
    CHECK(blob == NULL);
    FAILS(OTLS_ERROR_API_MISUSE, otls_key_load((const uint8_t *)"x", SIZE_MAX, NULL, 0, &key, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_name_new(NULL, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_name_set(NULL, "CN", "x", &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_trust_store_add(NULL, NULL, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_certificate_fingerprint(NULL, NULL, NULL, &error));
}

static void keys_are_saved_and_loaded(void) {
    otls_error *error;
    otls_key *key, *again;
    otls_blob *pem, *der;
    size_t len;
    const uint8_t *data;
    WORKS(otls_key_generate(OTLS_KEY_ECDSA_P384, &key, &error));
    WORKS(otls_key_export(key, PLAIN(OTLS_FORMAT_PKCS8, OTLS_ENCODING_PEM), &pem, &error));
    data = otls_blob_data(pem, &len);
    CHECK(len > 20 && memcmp(data, "-----BEGIN PRIVATE KEY-----", 27) == 0);
    WORKS(otls_key_load(data, len, NULL, 0, &again, &error));
    otls_key_free(again);
    FAILS(OTLS_ERROR_KEY_PASSWORD_NOT_NEEDED, otls_key_load(data, len, TEXT("secret"), &again, &error));
    otls_blob_free(pem);

    WORKS(otls_key_export(key, SEALED(OTLS_FORMAT_PKCS8, OTLS_ENCODING_DER, OTLS_ENCRYPTION_PBKDF2, "secret"), &der, &error));
    data = otls_blob_data(der, &len);
    FAILS(OTLS_ERROR_KEY_PASSWORD_REQUIRED, otls_key_load(data, len, NULL, 0, &again, &error));
    FAILS(OTLS_ERROR_KEY_WRONG_PASSWORD, otls_key_load(data, len, TEXT("guess"), &again, &error));
    WORKS(otls_key_load(data, len, TEXT("secret"), &again, &error));
    FAILS(OTLS_ERROR_API_MISUSE,
          otls_key_export(key, SEALED(OTLS_FORMAT_PKCS8, OTLS_ENCODING_PEM, OTLS_ENCRYPTION_PBKDF2, ""), &pem, &error));
    otls_blob_free(der);
    otls_key_free(again);
    otls_key_free(key);
}

static void signatures(void) {
    otls_error *error;
    otls_key *key;
    otls_public_key *public_key, *again;
    otls_blob *signature, *pem, *der;
    size_t len, signature_len;
    const uint8_t *data;
    WORKS(otls_key_generate(OTLS_KEY_ECDSA_P256, &key, &error));
    WORKS(otls_key_public(key, &public_key, &error));
    WORKS(otls_key_sign(key, OTLS_SCHEME_ECDSA_SECP256R1_SHA256, TEXT("pay 1"), &signature, &error));
    /* What a key has made outlives it. */
    FAILS(OTLS_ERROR_WRONG_SCHEME, otls_key_sign(key, OTLS_SCHEME_RSA_PSS_RSAE_SHA256, TEXT("pay 1"), &pem, &error));
    otls_key_free(key);
    WORKS(otls_public_key_export(public_key, OTLS_FORMAT_PKCS8, OTLS_ENCODING_PEM, &pem, &error));
    data = otls_blob_data(pem, &len);
    WORKS(otls_public_key_load(data, len, &again, &error));
    otls_public_key_free(again);
    WORKS(otls_public_key_export(public_key, OTLS_FORMAT_PKCS8, OTLS_ENCODING_DER, &der, &error));
    data = otls_blob_data(der, &len);
    WORKS(otls_public_key_load(data, len, &again, &error));
    data = otls_blob_data(signature, &signature_len);
    WORKS(otls_public_key_verify(again, OTLS_SCHEME_ECDSA_SECP256R1_SHA256, TEXT("pay 1"), data, signature_len,
                                 &error));
    FAILS(OTLS_ERROR_BAD_SIGNATURE,
          otls_public_key_verify(again, OTLS_SCHEME_ECDSA_SECP256R1_SHA256, TEXT("pay 2"), data, signature_len,
                                 &error));
    otls_blob_free(der);
    otls_blob_free(pem);
    otls_blob_free(signature);
    otls_public_key_free(again);
    otls_public_key_free(public_key);
}

static void a_buffer_that_is_too_small_is_left_alone(void) {
    otls_error *error;
    otls_key *key;
    otls_public_key *public_key;
    uint8_t buffer[OTLS_FINGERPRINT_LEN], filled[OTLS_FINGERPRINT_LEN];
    size_t len = 0;
    WORKS(otls_key_generate(OTLS_KEY_ECDSA_P256, &key, &error));
    WORKS(otls_key_public(key, &public_key, &error));
    FAILS(OTLS_ERROR_BUFFER_TOO_SMALL, otls_public_key_fingerprint(public_key, NULL, &len, &error));
    CHECK(len == OTLS_FINGERPRINT_LEN);
    FAILS(OTLS_ERROR_NULL_POINTER, otls_public_key_fingerprint(public_key, NULL, &len, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_public_key_fingerprint(public_key, buffer, NULL, &error));
    memset(buffer, 0xA5, sizeof buffer);
    memset(filled, 0xA5, sizeof filled);
    len = sizeof buffer - 1;
    FAILS(OTLS_ERROR_BUFFER_TOO_SMALL, otls_public_key_fingerprint(public_key, buffer, &len, &error));
    CHECK(len == OTLS_FINGERPRINT_LEN && memcmp(buffer, filled, sizeof buffer) == 0);
    WORKS(otls_public_key_fingerprint(public_key, buffer, &len, &error));
    CHECK(len == OTLS_FINGERPRINT_LEN && memcmp(buffer, filled, sizeof buffer) != 0);
    otls_public_key_free(public_key);
    otls_key_free(key);
}

static void requests(void) {
    otls_error *error;
    otls_key *key;
    otls_request *request, *again;
    otls_public_key *public_key;
    otls_blob *pem, *der, *subject;
    size_t len;
    const uint8_t *data;
    uint8_t altered[2048];
    otls_name *name = make_name("bank");
    WORKS(otls_name_set(name, "C", "IN", &error));
    WORKS(otls_name_set(name, "O", "Bank", &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_name_set(name, "X", "y", &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_name_set(name, "O", "\xFF", &error));
    FAILS(OTLS_ERROR_BAD_NAME, otls_name_add_alternative(name, "bank example", &error));
    WORKS(otls_name_add_alternative(name, "bank.example", &error));
    WORKS(otls_key_generate(OTLS_KEY_ECDSA_P256, &key, &error));
    FAILS(OTLS_ERROR_WRONG_SCHEME, otls_request_create(key, name, OTLS_HASH_SHA384, &request, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_request_create(key, name, 0, &request, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_name_add(name, "X", "y", &error));
    FAILS(OTLS_ERROR_BAD_NAME, otls_name_add(name, "UID", "a\nb", &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_name_add(NULL, "CN", "x", &error));
    WORKS(otls_name_add(name, "OU", "A", &error));
    WORKS(otls_name_add(name, "ou", "B", &error));
    FAILS(OTLS_ERROR_BAD_NAME, otls_name_set(name, "OU", "C", &error));
    WORKS(otls_request_create(key, name, OTLS_HASH_SHA256, &request, &error));
    WORKS(otls_request_subject(request, &subject, &error));
    CHECK(has(subject, "OU=B,OU=A,CN=bank,O=Bank,C=IN"));
    WORKS(otls_request_public_key(request, &public_key, &error));
    WORKS(otls_request_export(request, OTLS_ENCODING_PEM, &pem, &error));
    data = otls_blob_data(pem, &len);
    WORKS(otls_request_load(data, len, &again, &error));
    otls_request_free(again);
    WORKS(otls_request_export(request, OTLS_ENCODING_DER, &der, &error));
    data = otls_blob_data(der, &len);
    CHECK(len < sizeof altered);
    memcpy(altered, data, len);
    altered[len - 1] ^= 1;
    FAILS(OTLS_ERROR_REQUEST_BAD_SIGNATURE, otls_request_load(altered, len, &again, &error));
    otls_name_free(name);
    WORKS(otls_name_new(&name, &error));
    FAILS(OTLS_ERROR_BAD_NAME, otls_request_create(key, name, OTLS_HASH_SHA256, &again, &error));
    otls_name_free(name);
    otls_blob_free(der);
    otls_blob_free(pem);
    otls_blob_free(subject);
    otls_public_key_free(public_key);
    otls_request_free(request);
    otls_key_free(key);
}

static void certificates(void) {
    uint64_t not_before;
    otls_error *error;
    otls_certificate *ca, *leaf, *again;
    otls_public_key *public_key;
    otls_blob *der, *text;
    uint8_t serial[OTLS_SERIAL_MAX_LEN], fingerprint[OTLS_FINGERPRINT_LEN];
    size_t serial_len = sizeof serial, fingerprint_len = sizeof fingerprint, len;
    const uint8_t *data;
    otls_authority *authority = make_authority("Root");
    otls_identity *identity = make_identity(authority, "bank.example", OTLS_PROFILE_SERVER);
    WORKS(otls_authority_certificate(authority, &ca, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_certificate_name(ca, 0, &text, &error));
    WORKS(otls_identity_certificate(identity, &leaf, &error));
    CHECK(otls_certificate_not_after(leaf, &not_before) == NOW + DAY && not_before <= NOW && not_before > 0);
    CHECK(otls_certificate_not_after(leaf, NULL) == NOW + DAY);
    WORKS(otls_certificate_subject(leaf, &text, &error));
    CHECK(has(text, "CN=bank.example"));
    otls_blob_free(text);
    WORKS(otls_certificate_common_name(leaf, &text, &error));
    CHECK(has(text, "bank.example"));
    otls_blob_free(text);
    WORKS(otls_certificate_name(leaf, 0, &text, &error));
    CHECK(has(text, "bank.example"));
    otls_blob_free(text);
    FAILS(OTLS_ERROR_API_MISUSE, otls_certificate_name(leaf, 1, &text, &error));
    WORKS(otls_certificate_serial(leaf, serial, &serial_len, &error));
    CHECK(serial_len > 0 && serial_len <= sizeof serial);
    WORKS(otls_certificate_fingerprint(leaf, fingerprint, &fingerprint_len, &error));
    WORKS(otls_certificate_public_key(leaf, &public_key, &error));
    WORKS(otls_certificate_export(leaf, OTLS_ENCODING_DER, &der, &error));
    data = otls_blob_data(der, &len);
    FAILS(OTLS_ERROR_CERTIFICATE_MALFORMED, otls_certificate_load(data, len - 1, &again, &error));
    CHECK(again == NULL);
    WORKS(otls_certificate_load(data, len, &again, &error));
    otls_certificate_free(again);
    otls_blob_free(der);
    otls_public_key_free(public_key);
    otls_certificate_free(leaf);
    otls_certificate_free(ca);
    otls_identity_free(identity);
    otls_authority_free(authority);
}

static void the_authority_revokes(void) {
    otls_error *error;
    otls_certificate *leaf, *ca;
    otls_key *stranger;
    otls_authority *again;
    otls_blob *crl, *der;
    size_t len;
    const uint8_t *data;
    otls_authority *authority = make_authority("Root");
    otls_trust_store *trust = make_trust(authority);
    otls_identity *identity = make_identity(authority, "bank.example", OTLS_PROFILE_SERVER);
    const otls_certificate *revoked[1];
    WORKS(otls_identity_certificate(identity, &leaf, &error));
    revoked[0] = leaf;
    WORKS(otls_authority_issue_crl(authority, revoked, 1, 1, (otls_validity){NOW, DAY}, &crl, &error));
    data = otls_blob_data(crl, &len);
    WORKS(otls_trust_store_add_crl(trust, data, len, &error));
    FAILS(OTLS_ERROR_CERTIFICATE_MALFORMED, otls_trust_store_add_crl(trust, TEXT("no list"), &error));
    otls_blob_free(crl);
    WORKS(otls_authority_issue_crl(authority, NULL, 0, 2, (otls_validity){NOW, DAY}, &crl, &error));
    otls_blob_free(crl);
    revoked[0] = NULL;
    FAILS(OTLS_ERROR_NULL_POINTER, otls_authority_issue_crl(authority, revoked, 1, 3, (otls_validity){NOW, DAY}, &crl, &error));
    FAILS(OTLS_ERROR_CERTIFICATE_WRONG_ROLE, otls_trust_store_add(trust, leaf, &error));
    WORKS(otls_key_generate(OTLS_KEY_ECDSA_P256, &stranger, &error));
    WORKS(otls_authority_certificate(authority, &ca, &error));
    WORKS(otls_certificate_export(ca, OTLS_ENCODING_DER, &der, &error));
    data = otls_blob_data(der, &len);
    FAILS(OTLS_ERROR_KEY_MISMATCH, otls_authority_load(data, len, stranger, OTLS_HASH_SHA256, &again, &error));
    otls_blob_free(der);
    otls_key_free(stranger);
    otls_certificate_free(ca);
    otls_certificate_free(leaf);
    otls_identity_free(identity);
    otls_trust_store_free(trust);
    otls_authority_free(authority);
}

/* One text behind the other. */
static uint8_t *joined(const otls_blob *one, const otls_blob *two, size_t *len) {
    size_t first = blob_len(one), second = blob_len(two);
    uint8_t *all = malloc(first + second);
    CHECK(all != NULL);
    memcpy(all, otls_blob_data(one, NULL), first);
    memcpy(all + first, otls_blob_data(two, NULL), second);
    *len = first + second;
    return all;
}

static void a_file_counts_whole(void) {
    otls_error *error;
    otls_certificate *leaf, *ca, *stranger, *none;
    otls_blob *one, *two, *left_out;
    otls_key *key, *no_key;
    otls_identity *both;
    uint8_t *file;
    size_t len;
    otls_authority *authority = make_authority("Root"), *other = make_authority("Other");
    otls_trust_store *trust = make_trust(authority);
    otls_identity *identity = make_identity(authority, "bank.example", OTLS_PROFILE_SERVER);
    const otls_certificate *revoked[1];
    WORKS(otls_identity_certificate(identity, &leaf, &error));
    revoked[0] = leaf;

    /* The second list of a bundle revokes. */
    WORKS(otls_certificate_export(leaf, OTLS_ENCODING_PEM, &one, &error));
    WORKS(otls_chain_verify(otls_blob_data(one, NULL), blob_len(one), AS(trust, OTLS_ROLE_SERVER, "bank.example", NOW, 0), &ca, &error));
    otls_certificate_free(ca);
    otls_blob_free(one);
    WORKS(otls_authority_issue_crl(other, NULL, 0, 1, (otls_validity){NOW, DAY}, &one, &error));
    WORKS(otls_authority_issue_crl(authority, revoked, 1, 1, (otls_validity){NOW, DAY}, &two, &error));
    file = joined(one, two, &len);
    FAILS(OTLS_ERROR_CERTIFICATE_MALFORMED, otls_trust_store_add_crl(trust, file, len - 5, &error));
    WORKS(otls_trust_store_add_crl(trust, file, len, &error));
    free(file);
    otls_blob_free(one);
    otls_blob_free(two);
    WORKS(otls_certificate_export(leaf, OTLS_ENCODING_PEM, &one, &error));
    FAILS(OTLS_ERROR_CERTIFICATE_REVOKED,
          otls_chain_verify(otls_blob_data(one, NULL), blob_len(one), AS(trust, OTLS_ROLE_SERVER, "bank.example", NOW, 0), &ca, &error));

    /* A bundle of authorities is trusted whole; one certificate is not the first of two. */
    WORKS(otls_authority_certificate(authority, &ca, &error));
    WORKS(otls_authority_certificate(other, &stranger, &error));
    otls_blob_free(one);
    WORKS(otls_certificate_export(ca, OTLS_ENCODING_PEM, &one, &error));
    WORKS(otls_certificate_export(stranger, OTLS_ENCODING_PEM, &two, &error));
    file = joined(one, two, &len);
    FAILS(OTLS_ERROR_CERTIFICATE_MALFORMED, otls_certificate_load(file, len, &none, &error));
    WORKS(otls_trust_store_add_bundle(trust, file, len, &left_out, &error));
    CHECK(blob_len(left_out) == 0);
    otls_blob_free(left_out);
    FAILS(OTLS_ERROR_NULL_POINTER, otls_trust_store_add_bundle(trust, file, len, NULL, &error));
    free(file);
    otls_blob_free(two);

    /* Key and certificate in one file are an identity, and neither alone. */
    WORKS(otls_key_generate(OTLS_KEY_ECDSA_P256, &key, &error));
    WORKS(otls_key_export(key, PLAIN(OTLS_FORMAT_PKCS8, OTLS_ENCODING_PEM), &two, &error));
    file = joined(one, two, &len);
    FAILS(OTLS_ERROR_KEY_MALFORMED, otls_key_load(file, len, NULL, 0, &no_key, &error));
    FAILS(OTLS_ERROR_CERTIFICATE_MALFORMED, otls_certificate_load(file, len, &none, &error));
    FAILS(OTLS_ERROR_KEY_MISMATCH, otls_identity_load(file, len, NULL, 0, &both, &error));
    free(file);
    otls_blob_free(one);
    otls_blob_free(two);
    otls_key_free(key);
    otls_certificate_free(ca);
    otls_certificate_free(stranger);
    otls_certificate_free(leaf);
    otls_identity_free(identity);
    otls_trust_store_free(trust);
    otls_authority_free(authority);
    otls_authority_free(other);
}

/* Few calls: each derives keys for a second under valgrind. */
static void pkcs12_comes_and_goes(void) {
    otls_error *error;
    otls_certificate *leaf;
    otls_blob *file, *pem, *left_out;
    otls_identity *identity, *again;
    otls_key *key;
    otls_name *name;
    const uint8_t *data;
    size_t len;
    otls_authority *authority = make_authority("Root"), *other;
    otls_trust_store *trust = make_trust(authority);
    otls_pkcs12_options options = { (const uint8_t *)"changeit", 8, "bank", OTLS_PKCS12_MAC_PBMAC1 };

    /* An authority with its key, as an identity. */
    WORKS(otls_key_generate(OTLS_KEY_ECDSA_P256, &key, &error));
    WORKS(otls_name_new(&name, &error));
    WORKS(otls_name_set(name, "CN", "Kept by Java", &error));
    WORKS(otls_authority_create(key, name, OTLS_HASH_SHA256, TERMS(0, NULL, NULL), &other, &error));
    WORKS(otls_authority_certificate(other, &leaf, &error));
    WORKS(otls_certificate_export(leaf, OTLS_ENCODING_PEM, &pem, &error));
    otls_certificate_free(leaf);
    WORKS(otls_identity_new(otls_blob_data(pem, NULL), blob_len(pem), key, &identity, &error));

    WORKS(otls_identity_to_pkcs12(identity, &options, &file, &error));
    data = otls_blob_data(file, &len);
    WORKS(otls_identity_load(data, len, TEXT("changeit"), &again, &error));
    otls_identity_free(again);
    otls_blob_free(file);
    options.mac = OTLS_PKCS12_MAC_HMAC_SHA256;
    options.friendly_name = NULL;
    WORKS(otls_identity_to_pkcs12(identity, &options, &file, &error));
    data = otls_blob_data(file, &len);
    FAILS(OTLS_ERROR_KEY_WRONG_PASSWORD, otls_identity_load(data, len, TEXT("y"), &again, &error));
    FAILS(OTLS_ERROR_KEY_PASSWORD_REQUIRED, otls_identity_load(data, len, NULL, 0, &again, &error));
    FAILS(OTLS_ERROR_KEY_MALFORMED, otls_identity_load(data, len - 1, TEXT("changeit"), &again, &error));

    /* All certificates of a file are trusted, or none. */
    FAILS(OTLS_ERROR_CERTIFICATE_UNTRUSTED,
          otls_chain_verify(otls_blob_data(pem, NULL), blob_len(pem), AS(trust, OTLS_ROLE_ANY, NULL, NOW, 0), &leaf, &error));
    FAILS(OTLS_ERROR_KEY_WRONG_PASSWORD, otls_trust_store_add_pkcs12(trust, data, len, TEXT("y"), &left_out, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_trust_store_add_pkcs12(trust, data, len, TEXT("x"), NULL, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_trust_store_add_pkcs12(NULL, data, len, TEXT("x"), &left_out, &error));
    WORKS(otls_trust_store_add_pkcs12(trust, data, len, TEXT("changeit"), &left_out, &error));
    CHECK(blob_len(left_out) == 0);
    WORKS(otls_chain_verify(otls_blob_data(pem, NULL), blob_len(pem), AS(trust, OTLS_ROLE_ANY, NULL, NOW, 0), &leaf, &error));
    otls_certificate_free(leaf);
    otls_blob_free(left_out);
    otls_blob_free(file);

    options.password_len = 0;
    FAILS(OTLS_ERROR_API_MISUSE, otls_identity_to_pkcs12(identity, &options, &file, &error));
    options.password_len = 8;
    options.mac = 2;
    FAILS(OTLS_ERROR_API_MISUSE, otls_identity_to_pkcs12(identity, &options, &file, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_identity_to_pkcs12(NULL, &options, &file, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_identity_to_pkcs12(identity, NULL, &file, &error));
    otls_blob_free(pem);
    otls_identity_free(identity);
    otls_authority_free(other);
    otls_name_free(name);
    otls_key_free(key);
    otls_trust_store_free(trust);
    otls_authority_free(authority);
}

int main(void) {
    nothing_is_freed();
    nothing_has_no_properties();
    errors_say_what_why_and_what_to_do();
    arguments_that_are_null();
    keys_are_saved_and_loaded();
    signatures();
    a_buffer_that_is_too_small_is_left_alone();
    requests();
    certificates();
    the_authority_revokes();
    a_file_counts_whole();
    pkcs12_comes_and_goes();
    return 0;
}
