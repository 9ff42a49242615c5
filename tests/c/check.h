/* What the tests in C share: checks that end the program, and a small world of certificates. */
#ifndef OTLS_TESTS_CHECK_H
#define OTLS_TESTS_CHECK_H

#include <otls.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef NOW
#define NOW UINT64_C(1800000000)
#endif
#define DAY UINT64_C(86400)

/* A string literal as pointer and length. */
#define TEXT(literal) (const uint8_t *)(literal), sizeof(literal) - 1

/* What many calls take, for the length of one statement. */
#define CODE(whose, what) \
    &(otls_otp_code_request){ .subject = (whose), .context = (what), .lifetime = 120, .attempts = 3 }
#define CODE_INSTEAD(whose, what, id, id_len)                                                             \
    &(otls_otp_code_request) {                                                                            \
        .subject = (whose), .context = (what), .lifetime = 120, .attempts = 3, .replaces = (id), .replaces_len = (id_len) \
    }
#define AS(whom, as, called, at, free) \
    &(otls_verify_options){ .trust = (whom), .role = (as), .name = (called), .now = (at), .free_text = (free) }
#define PLAIN(as, in) &(otls_key_export_options){ .format = (as), .encoding = (in), .encryption = OTLS_ENCRYPTION_NONE }
#define SEALED(as, in, by, literal)                                                \
    &(otls_key_export_options) {                                                   \
        .format = (as), .encoding = (in), .encryption = (by),                      \
        .password = (const uint8_t *)(literal), .password_len = sizeof(literal) - 1 \
    }
#define TERMS(below, may, may_not) \
    &(otls_authority_terms){ .validity = { NOW, DAY }, .path_length = (below), .permitted = (may), .excluded = (may_not) }
#define TRANSFER(units, of, to, words)                                                                         \
    &(otls_otp_payment) {                                                                                      \
        .purpose = "transfer", .minor = (units), .currency = (of), .payee = (to), .text_template = (words)      \
    }

#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)

/* The call, whose last argument is `&error`, succeeds and leaves no error. */
#define WORKS(call) check(works((call), &error), #call, __FILE__, __LINE__)

/* The call, whose last argument is `&error`, fails with this number, which the error has too. */
#define FAILS(number, call) check(fails((number), (call), &error), #call, __FILE__, __LINE__)

static inline void check(int condition, const char *what, const char *file, int line) {
    if (!condition) {
        fprintf(stderr, "%s:%d: %s\n", file, line, what);
        exit(1);
    }
}

static inline int works(int32_t code, otls_error **error) {
    if (code != OTLS_OK) {
        fprintf(stderr, "%d: %s\n", (int)code, otls_error_message(*error));
    }
    return code == OTLS_OK && *error == NULL;
}

static inline int fails(int32_t expected, int32_t code, otls_error **error) {
    int right = code == expected && *error != NULL && otls_error_code(*error) == code &&
                *otls_error_message(*error) != 0 && *otls_error_name(*error) != 0;
    if (!right) {
        fprintf(stderr, "%d instead of %d: %s\n", (int)code, (int)expected, otls_error_message(*error));
    }
    otls_error_free(*error);
    *error = NULL;
    return right;
}

static inline size_t blob_len(const otls_blob *blob) {
    size_t len;
    otls_blob_data(blob, &len);
    return len;
}

static inline int has(const otls_blob *blob, const char *text) {
    size_t len;
    const uint8_t *data = otls_blob_data(blob, &len);
    return len == strlen(text) && (len == 0 || strcmp((const char *)data, text) == 0);
}

static inline otls_name *make_name(const char *common_name) {
    otls_error *error;
    otls_name *name;
    WORKS(otls_name_new(&name, &error));
    WORKS(otls_name_set(name, "CN", common_name, &error));
    return name;
}

static inline otls_authority *make_authority(const char *common_name) {
    otls_error *error;
    otls_key *key;
    otls_authority *authority;
    otls_name *name = make_name(common_name);
    WORKS(otls_key_generate(OTLS_KEY_ECDSA_P256, &key, &error));
    otls_authority_terms terms = { .validity = { NOW, 365 * DAY }, .path_length = 1 };
    WORKS(otls_authority_create(key, name, OTLS_HASH_SHA256, &terms, &authority, &error));
    otls_key_free(key);
    otls_name_free(name);
    return authority;
}

static inline otls_identity *make_identity(const otls_authority *authority, const char *common_name, int32_t profile) {
    otls_error *error;
    otls_key *key;
    otls_request *request;
    otls_certificate *certificate;
    otls_blob *pem;
    otls_identity *identity;
    otls_name *name = make_name(common_name);
    size_t len;
    const uint8_t *data;

    WORKS(otls_name_add_alternative(name, common_name, &error));
    WORKS(otls_key_generate(OTLS_KEY_ECDSA_P256, &key, &error));
    WORKS(otls_request_create(key, name, OTLS_HASH_SHA256, &request, &error));
    otls_certificate_terms terms = { .validity = { NOW, DAY }, .profile = profile };
    WORKS(otls_authority_issue(authority, request, &terms, &certificate, &error));
    WORKS(otls_certificate_export(certificate, OTLS_ENCODING_PEM, &pem, &error));
    data = otls_blob_data(pem, &len);
    WORKS(otls_identity_new(data, len, key, &identity, &error));
    otls_blob_free(pem);
    otls_certificate_free(certificate);
    otls_request_free(request);
    otls_key_free(key);
    otls_name_free(name);
    return identity;
}

static inline otls_trust_store *make_trust(const otls_authority *authority) {
    otls_error *error;
    otls_certificate *certificate;
    otls_trust_store *trust;
    WORKS(otls_authority_certificate(authority, &certificate, &error));
    WORKS(otls_trust_store_new(&trust, &error));
    WORKS(otls_trust_store_add(trust, certificate, &error));
    otls_certificate_free(certificate);
    return trust;
}

static inline otls_negotiated negotiated(const otls_connection *connection) {
    otls_error *error;
    otls_negotiated outcome;
    WORKS(otls_connection_negotiated(connection, &outcome, &error));
    return outcome;
}

/* Has a code judged, member by member. */
static inline int32_t verify_code(otls_otp_ledger *ledger, const uint8_t *id, size_t id_len, const char *subject,
                             const otls_otp_context *context, const uint8_t *code, size_t code_len,
                             const otls_receipt *receipt, uint64_t now, int32_t *verdict, uint32_t *left,
                             otls_error **error) {
    otls_otp_attempt attempt = { id, id_len, subject, context, code, code_len, receipt };
    return otls_otp_ledger_verify(ledger, &attempt, now, verdict, left, error);
}

static inline int32_t decline_code(otls_otp_ledger *ledger, const uint8_t *id, size_t id_len, const char *subject,
                              const otls_otp_context *context, const otls_receipt *receipt, uint64_t now,
                              int32_t *verdict, otls_error **error) {
    otls_otp_attempt attempt = { id, id_len, subject, context, NULL, 0, receipt };
    return otls_otp_ledger_decline(ledger, &attempt, now, verdict, error);
}

/* Moves what is pending from one side to the other; the code of the other's last call. */
static inline int32_t transfer(otls_connection *from, otls_connection *to, otls_error **error) {
    size_t len, consumed;
    const uint8_t *pending = otls_connection_pending(from, &len);
    int32_t code = OTLS_OK;
    *error = NULL;
    while (pending != NULL && code == OTLS_OK) {
        code = otls_connection_feed(to, pending, len, NOW, &consumed, error);
        if (code == OTLS_OK && consumed == 0) {
            return code;
        }
        CHECK(otls_connection_consume(from, code == OTLS_OK ? consumed : len, NULL) == OTLS_OK);
        pending = otls_connection_pending(from, &len);
    }
    return code;
}

/* Carries octets both ways until nothing is pending. */
static inline void shake_hands(otls_connection *client, otls_connection *server) {
    otls_error *error;
    while (otls_connection_pending(client, NULL) != NULL || otls_connection_pending(server, NULL) != NULL) {
        WORKS(transfer(client, server, &error));
        WORKS(transfer(server, client, &error));
    }
}

#endif
