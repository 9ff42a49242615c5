/*
 * What the two examples share: failures, and what they load from files. Connections are in drive.h.
 */
#ifndef OTLS_EXAMPLES_COMMON_H
#define OTLS_EXAMPLES_COMMON_H

#include "drive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* By kind of failure, as the Python scripts have them. */
enum exit_code {
    DONE = 0, INTERNAL = 1, USAGE = 2, FILES = 3, NETWORK = 5, CERTIFICATE = 6, PROTOCOL = 7, OTP = 8
};

enum { MAX_FILE_LEN = 1 << 20 };

static const char *const DEFAULT_PORT = "5000";

static inline uint64_t now(void) {
    return (uint64_t)time(NULL);
}

static inline int fail(int code, const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    return code;
}

static inline int exit_code_of(int32_t code, int32_t alert) {
    if (code == OTLS_ERROR_ALERT_RECEIVED) {
        /* RFC 8446 section 6.2: 42 to 49 and 116 are about our certificate. */
        return ((alert >= 42 && alert <= 49 && alert != 47) || alert == 116) ? CERTIFICATE : PROTOCOL;
    }
    if (code == OTLS_ERROR_TRUNCATED) {
        return NETWORK;
    }
    if (code == OTLS_ERROR_CERTIFICATE_MALFORMED || (code >= 60 && code < 100)) {
        return FILES;
    }
    if (code >= 40 && code < 60) {
        return CERTIFICATE;
    }
    if (code >= 100 && code < 120) {
        return OTP;
    }
    return code >= 20 && code < 40 ? PROTOCOL : INTERNAL;
}

/* Says why, frees the error, and returns the exit code of its kind. */
static inline int explain(const char *what, otls_error *error) {
    int code = exit_code_of(otls_error_code(error), otls_error_alert(error));
    const char *hint = otls_error_hint(error);
    fprintf(stderr, "%s: %s%s%s%s\n", what, otls_error_message(error), *hint ? " (" : "", hint, *hint ? ")" : "");
    otls_error_free(error);
    return code;
}

/* Says why a connection does not go on, and returns the exit code. */
static inline int tell(const char *what, const struct drive_error *why) {
    return fail(why->kind == DRIVE_FAILED ? exit_code_of(why->code, why->alert) : NETWORK, what, why->text);
}

/* Reads a file into memory for free(). */
static inline int read_file(const char *path, uint8_t **data, size_t *len) {
    FILE *file = fopen(path, "rb");
    *data = NULL;
    *len = 0;
    if (file == NULL) {
        return fail(FILES, path, strerror(errno));
    }
    *data = malloc(MAX_FILE_LEN);
    if (*data != NULL) {
        *len = fread(*data, 1, MAX_FILE_LEN, file);
    }
    int failed = *data == NULL || ferror(file) || !feof(file);
    fclose(file);
    return failed ? fail(FILES, path, "cannot be read, or is larger than 1 MiB") : DONE;
}

/* The certificate chain and its key. OTLS_KEY_PASSWORD opens a key that is encrypted. */
static inline int load_identity(const char *chain_path, const char *key_path, otls_identity **identity) {
    otls_error *error = NULL;
    otls_key *key = NULL;
    const char *password = getenv("OTLS_KEY_PASSWORD");
    uint8_t *chain = NULL, *key_data = NULL;
    size_t chain_len = 0, key_len = 0;

    int code = read_file(chain_path, &chain, &chain_len);
    if (code == DONE) {
        code = read_file(key_path, &key_data, &key_len);
    }
    if (code == DONE && otls_key_load(key_data, key_len, (const uint8_t *)password,
                                      password ? strlen(password) : 0, &key, &error)) {
        code = explain(key_path, error);
    }
    if (code == DONE && otls_identity_new(chain, chain_len, key, identity, &error)) {
        code = explain(chain_path, error);
    }
    /* A key in clear does not stay in memory. */
    for (volatile uint8_t *octet = key_data; octet != NULL && key_len > 0; key_len--) {
        *octet++ = 0;
    }
    otls_key_free(key);
    free(key_data);
    free(chain);
    return code;
}

/* A trust store with the authority of this file alone. */
static inline int load_trust(const char *path, otls_trust_store **trust) {
    otls_error *error = NULL;
    otls_certificate *authority = NULL;
    uint8_t *data = NULL;
    size_t len = 0;

    int code = read_file(path, &data, &len);
    if (code == DONE && (otls_certificate_load(data, len, &authority, &error) ||
                         otls_trust_store_new(trust, &error) ||
                         otls_trust_store_add(*trust, authority, &error))) {
        code = explain(path, error);
    }
    otls_certificate_free(authority);
    free(data);
    return code;
}

#endif
