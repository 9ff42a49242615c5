/* What can be wrong with a key: each fault has its own error. */
#include "vectors.h"

static void one_fault(const char *kind, const char *file, const char *password, const char *name, const char *words) {
    otls_error *error;
    otls_key *key = NULL;
    otls_public_key *public_key = NULL;
    size_t len = read_vector(file);
    int32_t code;
    if (strcmp(kind, "public") == 0) {
        code = otls_public_key_load(buffer, len, &public_key, &error);
    } else if (strcmp(password, "-") == 0) {
        code = otls_key_load(buffer, len, NULL, 0, &key, &error);
    } else {
        code = otls_key_load(buffer, len, (const uint8_t *)password, strlen(password), &key, &error);
    }
    if (code == OTLS_OK || strcmp(otls_error_name(error), name) != 0 || strstr(otls_error_message(error), words) == NULL) {
        fprintf(stderr, "%s: %s: %s\n", file, otls_error_name(error), otls_error_message(error));
        exit(1);
    }
    CHECK(key == NULL && public_key == NULL && *otls_error_hint(error) != 0);
    otls_error_free(error);
}

static void each_fault_has_its_error(void) {
    static char list[4096];
    char kind[16], file[64], password[16], name[64], words[64], *line;
    int count = 0;
    size_t len = read_vector("faults.txt");
    CHECK(len < sizeof list);
    memcpy(list, buffer, len);
    list[len] = 0;
    for (line = strtok(list, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (*line != '#') {
            CHECK(sscanf(line, "%15s %63s %15s %63s %63[^\n]", kind, file, password, name, words) == 5);
            one_fault(kind, file, password, name, words);
            count++;
        }
    }
    CHECK(count == 14);
}

static void files_cut_short_or_changed(void) {
    otls_error *error;
    otls_key *key;
    otls_blob *der;
    uint8_t *copy;
    size_t len, i, loaded = 0;
    WORKS(otls_key_load(buffer, read_vector("ec.pem"), NULL, 0, &key, &error));
    WORKS(otls_key_export(key, PLAIN(OTLS_FORMAT_PKCS8, OTLS_ENCODING_DER), &der, &error));
    otls_key_free(key);
    len = blob_len(der);
    for (i = 0; i < len; i++) {
        /* Of its own size, so that the sanitizers see a step beyond its end. */
        copy = malloc(i + 1);
        CHECK(copy != NULL);
        memcpy(copy, otls_blob_data(der, NULL), i);
        CHECK(otls_key_load(copy, i, NULL, 0, &key, NULL) != OTLS_OK && key == NULL);
        free(copy);
        memcpy(buffer, otls_blob_data(der, NULL), len);
        buffer[i] ^= 1;
        loaded += otls_key_load(buffer, len, NULL, 0, &key, NULL) == OTLS_OK;
        otls_key_free(key);
    }
    CHECK(loaded == 0);
    otls_blob_free(der);
}

static void a_key_that_is_not_the_certificates(void) {
    otls_error *error;
    otls_key *key;
    otls_identity *identity;
    size_t len = read_vector("certificate.pem");
    WORKS(otls_key_generate(OTLS_KEY_ECDSA_P256, &key, &error));
    FAILS(OTLS_ERROR_KEY_MISMATCH, otls_identity_new(buffer, len, key, &identity, &error));
    CHECK(identity == NULL);
    otls_key_free(key);
}

int main(void) {
    each_fault_has_its_error();
    files_cut_short_or_changed();
    a_key_that_is_not_the_certificates();
    return 0;
}
