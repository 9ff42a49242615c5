/* Two connections without a socket: configuration, handshake, data, and how they fail. */
#include "check.h"

static otls_authority *authority;
static otls_trust_store *trust;
static otls_identity *bank, *customer;

static otls_client_config *client_config(void) {
    otls_error *error;
    otls_client_config *config;
    WORKS(otls_client_config_new(trust, NULL, &config, &error));
    WORKS(otls_client_config_add_identity(config, customer, &error));
    return config;
}

static otls_server_config *server_config(void) {
    otls_error *error;
    otls_server_config *config;
    WORKS(otls_server_config_require(bank, trust, NULL, &config, &error));
    return config;
}

static otls_connection *client_of(const otls_client_config *config) {
    otls_error *error;
    otls_connection *connection;
    WORKS(otls_connection_client(config, "bank.example", NULL, NOW, &connection, &error));
    return connection;
}

static otls_connection *server_of(const otls_server_config *config) {
    otls_error *error;
    otls_connection *connection;
    WORKS(otls_connection_server(config, &connection, &error));
    return connection;
}

static int is(const otls_connection *connection, uint32_t bits) {
    return (otls_connection_state(connection) & bits) == bits;
}

static void configurations_are_checked(void) {
    static const uint16_t UNKNOWN[] = { 0x1304 }, TWICE[] = { OTLS_GROUP_X25519, OTLS_GROUP_X25519 };
    otls_error *error;
    otls_server_config *other;
    otls_connection *connection;
    otls_client_config *client = client_config(), *none;
    static const otls_settings ZERO;
    otls_settings settings = ZERO;
    settings.suites = UNKNOWN;
    settings.suite_count = 1;
    FAILS(OTLS_ERROR_API_MISUSE, otls_client_config_new(trust, &settings, &none, &error));
    settings.suite_count = 0;
    FAILS(OTLS_ERROR_API_MISUSE, otls_client_config_new(trust, &settings, &none, &error));
    settings.suites = NULL;
    settings.suite_count = 1;
    FAILS(OTLS_ERROR_NULL_POINTER, otls_client_config_new(trust, &settings, &none, &error));
    settings = ZERO;
    settings.groups = TWICE;
    settings.group_count = 2;
    FAILS(OTLS_ERROR_API_MISUSE, otls_client_config_new(trust, &settings, &none, &error));
    settings = ZERO;
    settings.signing_schemes = UNKNOWN;
    settings.signing_scheme_count = 1;
    FAILS(OTLS_ERROR_API_MISUSE, otls_server_config_only(bank, &settings, &other, &error));
    settings = ZERO;
    settings.verify_schemes = UNKNOWN;
    settings.verify_scheme_count = 1;
    FAILS(OTLS_ERROR_API_MISUSE, otls_server_config_only(bank, &settings, &other, &error));
    settings = ZERO;
    settings.max_chain_len = 11;
    FAILS(OTLS_ERROR_API_MISUSE, otls_server_config_only(bank, &settings, &other, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_client_config_set_key_shares(client, TWICE, 2, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_client_config_set_key_shares(NULL, NULL, 0, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_client_config_set_no_identity(NULL, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_server_config_require(bank, NULL, NULL, &other, &error));
    static const char *const NO_SERVERS[] = {
        "bank example", " bank.example", "bank.example\n", "bank.example:443", "[::1]", "fe80::1%eth0",
        "http://bank.example/", "asha@bank.example", "email:asha@bank.example", "URI:https://bank.example/",
        "*.bank.example", "b\xC3\xBCr.example", "127.0.0.1.", ""
    };
    for (size_t at = 0; at < sizeof NO_SERVERS / sizeof *NO_SERVERS; at++) {
        FAILS(OTLS_ERROR_BAD_NAME, otls_connection_client(client, NO_SERVERS[at], NULL, NOW, &connection, &error));
        CHECK(connection == NULL);
    }
    static const char *const SERVERS[] = { "localhost.", "Bank.Example", "a_b.example", "::1", "127.0.0.1" };
    for (size_t at = 0; at < sizeof SERVERS / sizeof *SERVERS; at++) {
        WORKS(otls_connection_client(client, SERVERS[at], NULL, NOW, &connection, &error));
        otls_connection_free(connection);
    }
    WORKS(otls_server_config_request(bank, trust, NULL, &other, &error));
    otls_server_config_free(other);
    WORKS(otls_server_config_only(bank, NULL, &other, &error));
    otls_server_config_free(other);
    otls_client_config_free(client);
}

static void the_outcome_is_known(const otls_connection *client, const otls_connection *server) {
    otls_error *error;
    otls_certificate *peer;
    otls_blob *name;
    uint8_t ours[32], theirs[32];
    CHECK(negotiated(client).suite == OTLS_SUITE_AES_256_CBC_HMAC_SHA384);
    CHECK(negotiated(server).suite == negotiated(client).suite);
    CHECK(negotiated(client).group == OTLS_GROUP_SECP384R1);
    CHECK(negotiated(client).scheme == OTLS_SCHEME_ECDSA_SECP256R1_SHA256);
    CHECK(negotiated(server).peer_scheme == negotiated(client).scheme);
    WORKS(otls_connection_peer(server, &peer, &error));
    WORKS(otls_certificate_common_name(peer, &name, &error));
    CHECK(has(name, "customer.example"));
    WORKS(otls_connection_export(client, "EXPORTER-test", TEXT("context"), ours, sizeof ours, &error));
    WORKS(otls_connection_export(server, "EXPORTER-test", TEXT("context"), theirs, sizeof theirs, &error));
    CHECK(memcmp(ours, theirs, sizeof ours) == 0);
    WORKS(otls_connection_export(server, "EXPORTER-test", NULL, 0, theirs, sizeof theirs, &error));
    CHECK(memcmp(ours, theirs, sizeof ours) != 0);
    otls_blob_free(name);
    otls_certificate_free(peer);
}

static void data_arrives(otls_connection *from, otls_connection *to) {
    otls_error *error;
    uint8_t plaintext[8];
    size_t opened;
    WORKS(otls_connection_seal(from, TEXT("hello, there"), &error));
    WORKS(transfer(from, to, &error));
    CHECK(is(to, OTLS_STATE_HAVE_PLAINTEXT) && otls_connection_available(to) == 12);
    WORKS(otls_connection_read(to, plaintext, sizeof plaintext, &opened, &error));
    CHECK(opened == 8 && memcmp(plaintext, "hello, t", 8) == 0);
    FAILS(OTLS_ERROR_NULL_POINTER, otls_connection_read(to, NULL, 1, &opened, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_connection_read(to, plaintext, sizeof plaintext, NULL, &error));
    WORKS(otls_connection_read(to, NULL, 0, &opened, &error));
    CHECK(opened == 0);
    WORKS(otls_connection_read(to, plaintext, sizeof plaintext, &opened, &error));
    CHECK(opened == 4 && memcmp(plaintext, "here", 4) == 0);
    WORKS(otls_connection_read(to, plaintext, sizeof plaintext, &opened, &error));
    CHECK(opened == 0 && otls_connection_available(to) == 0);
}

static void data_is_decrypted_in_place(otls_connection *from, otls_connection *to) {
    otls_error *error;
    uint8_t octets[OTLS_MAX_RECORD_LEN], *plaintext;
    size_t len, taken, plaintext_len;
    WORKS(otls_connection_seal(from, TEXT("hello, "), &error));
    WORKS(otls_connection_seal(from, TEXT("there"), &error));
    const uint8_t *pending = otls_connection_pending(from, &len);
    memcpy(octets, pending, len);
    WORKS(otls_connection_consume(from, len, &error));
    FAILS(OTLS_ERROR_NULL_POINTER,
          otls_connection_feed_in_place(to, octets, len, NOW, NULL, &plaintext, &plaintext_len, &error));
    FAILS(OTLS_ERROR_NULL_POINTER,
          otls_connection_feed_in_place(to, octets, len, NOW, &taken, NULL, &plaintext_len, &error));
    FAILS(OTLS_ERROR_NULL_POINTER,
          otls_connection_feed_in_place(to, octets, len, NOW, &taken, &plaintext, NULL, &error));
    FAILS(OTLS_ERROR_NULL_POINTER,
          otls_connection_feed_in_place(to, NULL, len, NOW, &taken, &plaintext, &plaintext_len, &error));
    WORKS(otls_connection_feed_in_place(to, octets, len - 1, NOW, &taken, &plaintext, &plaintext_len, &error));
    CHECK(taken < len && plaintext > octets && plaintext_len == 7 && memcmp(plaintext, "hello, ", 7) == 0);
    size_t first = taken;
    WORKS(otls_connection_feed_in_place(to, octets + first, len - first - 1, NOW, &taken, &plaintext, &plaintext_len,
                                        &error));
    CHECK(taken == 0 && plaintext == NULL && plaintext_len == 0);
    WORKS(otls_connection_feed_in_place(to, octets + first, len - first, NOW, &taken, &plaintext, &plaintext_len, &error));
    CHECK(taken == len - first && plaintext_len == 5 && memcmp(plaintext, "there", 5) == 0);
    CHECK(!is(to, OTLS_STATE_HAVE_PLAINTEXT));
    WORKS(otls_connection_feed_in_place(to, NULL, 0, NOW, &taken, &plaintext, &plaintext_len, &error));
}

static void two_sides_talk(void) {
    static const uint16_t SUITE[] = { OTLS_SUITE_AES_256_CBC_HMAC_SHA384 }, GROUP[] = { OTLS_GROUP_SECP384R1 },
                          SCHEME[] = { OTLS_SCHEME_ECDSA_SECP256R1_SHA256 };
    otls_error *error;
    otls_client_config *for_client = client_config();
    otls_server_config *for_server;
    otls_settings settings = { 0 };
    settings.suites = SUITE;
    settings.groups = GROUP;
    settings.signing_schemes = settings.verify_schemes = SCHEME;
    settings.suite_count = settings.group_count = settings.signing_scheme_count = settings.verify_scheme_count = 1;
    settings.max_chain_len = 1;
    WORKS(otls_server_config_require(bank, trust, &settings, &for_server, &error));
    WORKS(otls_client_config_set_key_shares(for_client, NULL, 0, &error));
    otls_connection *client = client_of(for_client), *server = server_of(for_server);
    FAILS(OTLS_ERROR_API_MISUSE, otls_connection_seal(client, TEXT("early"), &error));
    /* What they were made of may go. */
    otls_client_config_free(for_client);
    otls_server_config_free(for_server);
    shake_hands(client, server);
    CHECK(is(client, OTLS_STATE_HANDSHAKE_DONE | OTLS_STATE_CONFIRMED) && is(server, OTLS_STATE_CONFIRMED));
    CHECK(otls_connection_error(client) == NULL);
    CHECK(negotiated(client).retried == 1 && negotiated(server).retried == 1);
    the_outcome_is_known(client, server);
    data_arrives(client, server);
    data_arrives(server, client);
    data_is_decrypted_in_place(client, server);
    data_is_decrypted_in_place(server, client);
    WORKS(otls_connection_update_keys(client, 1, &error));
    WORKS(transfer(client, server, &error));
    data_arrives(client, server);
    data_arrives(server, client);
    WORKS(otls_connection_close(client, &error));
    WORKS(transfer(client, server, &error));
    WORKS(otls_connection_feed_end(server, &error));
    CHECK(is(server, OTLS_STATE_CLOSED));
    FAILS(OTLS_ERROR_API_MISUSE, otls_connection_seal(client, TEXT("late"), &error));
    FAILS(OTLS_ERROR_TRUNCATED, otls_connection_feed_end(client, &error));
    otls_connection_free(client);
    otls_connection_free(server);
}

/* The server looks at the offer before it chooses, the client at the request. */
static void both_sides_decide_late(void) {
    otls_error *error;
    otls_connection *server;
    otls_client_config *for_client;
    otls_server_config *for_server = server_config();
    otls_blob *text;
    uint16_t numbers[64];
    size_t count = 1;
    WORKS(otls_client_config_new(trust, NULL, &for_client, &error));
    otls_connection *client = client_of(for_client);
    WORKS(otls_connection_accept(&server, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_connection_offered(server, OTLS_OFFER_SUITES, numbers, &count, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_connection_configure(server, for_server, NOW, &error));
    WORKS(transfer(client, server, &error));
    CHECK(is(server, OTLS_STATE_NEED_CONFIG));
    count = 1;
    FAILS(OTLS_ERROR_BUFFER_TOO_SMALL, otls_connection_offered(server, OTLS_OFFER_SUITES, numbers, &count, &error));
    CHECK(count == 6);
    WORKS(otls_connection_offered(server, OTLS_OFFER_SUITES, numbers, &count, &error));
    CHECK(count == 6 && numbers[0] == OTLS_SUITE_AES_128_GCM_SHA256);
    count = 64;
    WORKS(otls_connection_offered(server, OTLS_OFFER_GROUPS, numbers, &count, &error));
    CHECK(count == 4 && numbers[0] == OTLS_GROUP_X25519MLKEM768);
    count = 64;
    WORKS(otls_connection_offered(server, OTLS_OFFER_SCHEMES, numbers, &count, &error));
    CHECK(count >= 4);
    WORKS(otls_connection_offered_server_name(server, &text, &error));
    CHECK(has(text, "bank.example"));
    otls_blob_free(text);
    WORKS(otls_connection_offered_alpn(server, &text, &error));
    CHECK(has(text, ""));
    otls_blob_free(text);
    FAILS(OTLS_ERROR_API_MISUSE, otls_connection_offered(server, 99, numbers, &count, &error));
    WORKS(otls_connection_configure(server, for_server, NOW, &error));
    WORKS(transfer(server, client, &error));
    CHECK(is(client, OTLS_STATE_NEED_CLIENT_CERT));
    count = 64;
    WORKS(otls_connection_offered(client, OTLS_OFFER_SCHEMES, numbers, &count, &error));
    CHECK(count == 5);
    FAILS(OTLS_ERROR_API_MISUSE, otls_connection_offered(client, OTLS_OFFER_SUITES, numbers, &count, &error));
    WORKS(otls_connection_provide_identity(client, customer, NOW, &error));
    shake_hands(client, server);
    CHECK(is(client, OTLS_STATE_CONFIRMED));
    otls_client_config_free(for_client);
    otls_server_config_free(for_server);
    otls_connection_free(client);
    otls_connection_free(server);
}

/* The client's error says which certificate, which check, and what to do; the server's, the alert. */
static void a_refusal_is_explained(void) {
    otls_error *error;
    otls_finding finding;
    otls_client_config *for_client;
    otls_server_config *for_server = server_config();
    otls_authority *stranger = make_authority("Another root");
    otls_trust_store *other_trust = make_trust(stranger);
    WORKS(otls_client_config_new(other_trust, NULL, &for_client, &error));
    WORKS(otls_client_config_set_no_identity(for_client, &error));
    otls_connection *client = client_of(for_client), *server = server_of(for_server);
    WORKS(transfer(client, server, &error));
    CHECK(transfer(server, client, &error) == OTLS_ERROR_CERTIFICATE_UNTRUSTED);
    CHECK(otls_error_finding(error, 0, &finding) == 1 && finding.depth == 0 && strcmp(finding.check, "issuer") == 0);
    CHECK(otls_error_alert(error) == 48 && *otls_error_hint(error) != 0);
    otls_error_free(error);
    CHECK(is(client, OTLS_STATE_FAILED));
    error = otls_connection_error(client);
    CHECK(otls_error_code(error) == OTLS_ERROR_CERTIFICATE_UNTRUSTED);
    otls_error_free(error);
    CHECK(transfer(client, server, &error) == OTLS_ERROR_ALERT_RECEIVED);
    CHECK(otls_error_alert(error) == 48);
    otls_error_free(error);
    otls_connection_free(client);
    otls_connection_free(server);
    otls_trust_store_free(other_trust);
    otls_authority_free(stranger);
    otls_client_config_free(for_client);
    otls_server_config_free(for_server);
}

static void a_client_without_a_certificate_is_refused(void) {
    otls_error *error;
    otls_client_config *for_client;
    otls_server_config *for_server = server_config();
    WORKS(otls_client_config_new(trust, NULL, &for_client, &error));
    otls_connection *client = client_of(for_client), *server = server_of(for_server);
    WORKS(transfer(client, server, &error));
    WORKS(transfer(server, client, &error));
    WORKS(otls_connection_provide_identity(client, NULL, NOW, &error));
    FAILS(OTLS_ERROR_CERTIFICATE_REQUIRED, transfer(client, server, &error));
    otls_connection_free(client);
    otls_connection_free(server);
    otls_client_config_free(for_client);
    otls_server_config_free(for_server);
}

/* Either side can say no where it is asked, and the other one hears why. */
static void a_paused_handshake_is_rejected(void) {
    otls_error *error;
    otls_client_config *for_client;
    otls_server_config *for_server = server_config();
    WORKS(otls_client_config_new(trust, NULL, &for_client, &error));
    for (int by_client = 0; by_client < 2; by_client++) {
        otls_connection *client = client_of(for_client), *server, *whose, *other;
        WORKS(otls_connection_accept(&server, &error));
        whose = by_client ? client : server;
        other = by_client ? server : client;
        FAILS(OTLS_ERROR_API_MISUSE, otls_connection_reject(whose, 49, &error));
        WORKS(transfer(client, server, &error));
        if (by_client) {
            WORKS(otls_connection_configure(server, for_server, NOW, &error));
            WORKS(transfer(server, client, &error));
        }
        FAILS(OTLS_ERROR_API_MISUSE, otls_connection_reject(whose, 0, &error));
        WORKS(otls_connection_reject(whose, 112, &error));
        CHECK(otls_connection_state(whose) == (OTLS_STATE_FAILED | OTLS_STATE_WANT_WRITE));
        error = otls_connection_error(whose);
        CHECK(otls_error_code(error) == OTLS_ERROR_REJECTED && otls_error_alert(error) == 112);
        otls_error_free(error);
        CHECK(transfer(whose, other, &error) == OTLS_ERROR_ALERT_RECEIVED && otls_error_alert(error) == 112);
        otls_error_free(error);
        FAILS(OTLS_ERROR_REJECTED, otls_connection_reject(whose, 112, &error));
        otls_connection_free(client);
        otls_connection_free(server);
    }
    FAILS(OTLS_ERROR_NULL_POINTER, otls_connection_reject(NULL, 112, &error));
    otls_client_config_free(for_client);
    otls_server_config_free(for_server);
}

/* What an end without close_notify leaves: nobody. And an error of our own side has no alert. */
static void a_failed_connection_has_no_peer(void) {
    otls_error *error;
    otls_certificate *certificate = NULL;
    uint8_t octets[32];
    otls_client_config *for_client;
    otls_server_config *for_server = server_config();
    WORKS(otls_client_config_new(trust, NULL, &for_client, &error));
    WORKS(otls_client_config_add_identity(for_client, customer, &error));
    otls_connection *client = client_of(for_client), *server = server_of(for_server);
    for (int turn = 0; turn < 3; turn++) {
        WORKS(transfer(client, server, &error));
        WORKS(transfer(server, client, &error));
    }
    WORKS(otls_connection_peer(server, &certificate, &error));
    otls_certificate_free(certificate);
    FAILS(OTLS_ERROR_TRUNCATED, otls_connection_feed_end(server, &error));
    CHECK(otls_connection_peer(server, &certificate, &error) == OTLS_ERROR_API_MISUSE);
    CHECK(certificate == NULL && otls_error_alert(error) == -1);
    otls_error_free(error);
    FAILS(OTLS_ERROR_API_MISUSE, otls_connection_certificate(server, &certificate, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_connection_export(server, "EXPORTER-x", NULL, 0, octets, 32, &error));
    /* Empty application data that nobody has protected (RFC 8446 section 5.2: bad_record_mac). */
    size_t consumed;
    CHECK(otls_connection_feed(client, TEXT("\x17\x03\x03\0\0"), NOW, &consumed, &error) == OTLS_ERROR_DECRYPT_FAILED);
    CHECK(otls_error_alert(error) == 20);
    otls_error_free(error);
    otls_connection_free(client);
    otls_connection_free(server);
    otls_client_config_free(for_client);
    otls_server_config_free(for_server);
}

static void nothing_has_no_connection(void) {
    otls_error *error;
    otls_negotiated nothing;
    size_t len = 7;
    uint8_t octet;
    CHECK(otls_connection_state(NULL) == OTLS_STATE_FAILED && otls_connection_error(NULL) == NULL);
    CHECK(otls_connection_pending(NULL, &len) == NULL && len == 0 && otls_connection_available(NULL) == 0);
    FAILS(OTLS_ERROR_NULL_POINTER, otls_connection_negotiated(NULL, &nothing, &error));
    CHECK(nothing.suite == 0 && nothing.group == 0 && nothing.scheme == 0 && nothing.peer_scheme == 0);
    FAILS(OTLS_ERROR_NULL_POINTER, otls_connection_negotiated(NULL, NULL, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_connection_feed(NULL, NULL, 0, NOW, &len, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_connection_feed_end(NULL, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_connection_consume(NULL, 0, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_connection_export(NULL, NULL, NULL, 0, &octet, 1, &error));
}

static void garbage_is_refused(void) {
    otls_error *error;
    size_t consumed = 7;
    otls_server_config *config = server_config();
    otls_connection *server = server_of(config);
    FAILS(OTLS_ERROR_NULL_POINTER, otls_connection_feed(server, TEXT("x"), NOW, NULL, &error));
    CHECK(!is(server, OTLS_STATE_FAILED));
    FAILS(OTLS_ERROR_INVALID_MESSAGE, otls_connection_feed(server, TEXT("GET / HTTP/1.1\r\n"), NOW, &consumed, &error));
    CHECK(consumed == 0 && is(server, OTLS_STATE_FAILED | OTLS_STATE_WANT_WRITE));
    FAILS(OTLS_ERROR_INVALID_MESSAGE, otls_connection_feed(server, TEXT("x"), NOW, &consumed, &error));
    otls_connection_free(server);
    otls_server_config_free(config);
}

int main(void) {
    authority = make_authority("Root");
    trust = make_trust(authority);
    bank = make_identity(authority, "bank.example", OTLS_PROFILE_SERVER);
    customer = make_identity(authority, "customer.example", OTLS_PROFILE_CLIENT);
    configurations_are_checked();
    two_sides_talk();
    both_sides_decide_late();
    a_refusal_is_explained();
    a_client_without_a_certificate_is_refused();
    a_paused_handshake_is_rejected();
    a_failed_connection_has_no_peer();
    nothing_has_no_connection();
    garbage_is_refused();
    otls_identity_free(customer);
    otls_identity_free(bank);
    otls_trust_store_free(trust);
    otls_authority_free(authority);
    return 0;
}
