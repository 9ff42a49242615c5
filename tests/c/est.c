/*
 * Enrolment, without TLS: requests go to standard output, replies come from standard input. The argument is
 * the SHA-256 of the authority's certificate in hexadecimal, the second, if it is there, a token.
 */
#include "check.h"

static otls_est_reply *ask(otls_est_client *client, const otls_blob *request) {
    otls_error *error;
    otls_est_reply *reply;
    uint8_t octet;
    size_t len;
    const uint8_t *data = otls_blob_data(request, &len);
    CHECK(fwrite(data, 1, len, stdout) == len && fflush(stdout) == 0);
    do {
        /* One octet at a time: a reply may arrive in any pieces. */
        CHECK(fread(&octet, 1, 1, stdin) == 1);
        WORKS(otls_est_client_feed(client, &octet, 1, &reply, &error));
    } while (reply == NULL);
    return reply;
}

static void find_the_authority(const uint8_t *fingerprint) {
    otls_error *error;
    otls_est_client *client;
    otls_est_reply *reply;
    otls_certificate *found, *first;
    otls_blob *request;
    uint8_t other[OTLS_FINGERPRINT_LEN] = { 0 };
    WORKS(otls_est_client_cacerts("ttp.example", &client, &request, &error));
    reply = ask(client, request);
    WORKS(otls_est_reply_authority(reply, fingerprint, OTLS_FINGERPRINT_LEN, &found, &error));
    WORKS(otls_est_reply_certificate(reply, 0, &first, &error));
    otls_certificate_free(found);
    FAILS(OTLS_ERROR_ENROLMENT_FINGERPRINT, otls_est_reply_authority(reply, other, sizeof other, &found, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_est_reply_authority(reply, other, 31, &found, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_est_reply_certificate(reply, 1, &found, &error));
    otls_certificate_free(first);
    otls_blob_free(request);
    otls_est_reply_free(reply);
    otls_est_client_free(client);
}

static void enrol(const char *token) {
    otls_error *error;
    otls_est_client *client;
    otls_est_reply *reply;
    otls_certificate *certificate;
    otls_key *key;
    otls_request *csr;
    otls_blob *request, *pem;
    otls_identity *identity;
    size_t len;
    const uint8_t *data;
    otls_name *name = make_name("asha");
    WORKS(otls_key_generate(OTLS_KEY_ECDSA_P256, &key, &error));
    WORKS(otls_request_create(key, name, OTLS_HASH_SHA256, &csr, &error));
    otls_est_enrolment enrolment = {
        .host = "ttp.example",
        .profile = OTLS_PROFILE_CLIENT,
        .request = csr,
        .token = (const uint8_t *)token,
        .token_len = token == NULL ? 0 : strlen(token),
    };
    WORKS(otls_est_client_simpleenroll(&enrolment, &client, &request, &error));
    reply = ask(client, request);
    WORKS(otls_est_reply_certificate(reply, 0, &certificate, &error));
    WORKS(otls_certificate_export(certificate, OTLS_ENCODING_PEM, &pem, &error));
    data = otls_blob_data(pem, &len);
    /* The certificate is for our key. */
    WORKS(otls_identity_new(data, len, key, &identity, &error));
    otls_identity_free(identity);
    otls_blob_free(pem);
    otls_certificate_free(certificate);
    otls_est_reply_free(reply);
    otls_est_client_free(client);
    otls_blob_free(request);
    otls_request_free(csr);
    otls_key_free(key);
    otls_name_free(name);
}

static void refusals_and_ends(void) {
    otls_error *error;
    otls_est_client *client;
    otls_est_reply *reply;
    otls_blob *request;
    FAILS(OTLS_ERROR_NULL_POINTER, otls_est_client_cacerts("ttp.example", &client, NULL, &error));
    CHECK(client == NULL);
    WORKS(otls_est_client_cacerts("ttp.example", &client, &request, &error));
    FAILS(OTLS_ERROR_ENROLMENT_STATUS,
          otls_est_client_feed(client, TEXT("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), &reply, &error));
    otls_est_client_free(client);
    otls_blob_free(request);
    WORKS(otls_est_client_cacerts("ttp.example", &client, &request, &error));
    FAILS(OTLS_ERROR_ENROLMENT_HTTP, otls_est_client_feed_end(client, &reply, &error));
    otls_est_client_free(client);
    otls_blob_free(request);
}

int main(int argc, char **argv) {
    uint8_t fingerprint[OTLS_FINGERPRINT_LEN];
    CHECK(argc > 1 && strlen(argv[1]) == 2 * sizeof fingerprint);
    for (size_t i = 0; i < sizeof fingerprint; i++) {
        char digits[3] = { argv[1][2 * i], argv[1][2 * i + 1], 0 };
        fingerprint[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    find_the_authority(fingerprint);
    enrol(argc > 2 ? argv[2] : NULL);
    refusals_and_ends();
    return 0;
}
