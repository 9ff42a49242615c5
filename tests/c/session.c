/* Resumption, ALPN, further identities, the shape of records and the key log. */
#include "check.h"

static otls_authority *authority;
static otls_trust_store *trust;
static otls_identity *bank, *desk, *customer;
static otls_ticket_keys *keys;

static otls_client_config *client_config(void) {
    otls_error *error;
    otls_client_config *config;
    otls_settings settings = { 0 };
    settings.alpn = (const uint8_t *)"\x03otp\x08http/1.1";
    settings.alpn_len = 13;
    settings.session_lifetime = 604800;
    WORKS(otls_client_config_new(trust, &settings, &config, &error));
    WORKS(otls_client_config_add_identity(config, customer, &error));
    WORKS(otls_client_config_set_sessions(config, 2, &error));
    WORKS(otls_client_config_set_named_authorities(config, &error));
    return config;
}

static otls_server_config *server_config(void) {
    otls_error *error;
    otls_server_config *config;
    otls_settings settings = { 0 };
    settings.alpn = (const uint8_t *)"\x03otp";
    settings.alpn_len = 4;
    settings.session_lifetime = 3600;
    settings.record_size_limit = 512;
    settings.max_fragment = 128;
    settings.padding = 64;
    settings.key_log = 1;
    WORKS(otls_server_config_require(bank, trust, &settings, &config, &error));
    WORKS(otls_server_config_add_identity(config, desk, &error));
    WORKS(otls_server_config_set_tickets(config, keys, 2, &error));
    return config;
}

static otls_connection *server_of(const otls_server_config *config) {
    otls_error *error;
    otls_connection *connection;
    WORKS(otls_connection_server(config, &connection, &error));
    return connection;
}

static void the_outcome_is_as_configured(otls_connection *client, otls_connection *server) {
    otls_error *error;
    otls_blob *blob;
    otls_certificate *certificate;
    size_t len;
    const char *lines;
    WORKS(otls_connection_alpn(client, &blob, &error));
    CHECK(has(blob, "otp"));
    otls_blob_free(blob);
    WORKS(otls_connection_alpn(server, &blob, &error));
    CHECK(has(blob, "otp"));
    otls_blob_free(blob);
    /* The server has the one of its certificates that the client asked for. */
    WORKS(otls_connection_certificate(server, &certificate, &error));
    WORKS(otls_certificate_common_name(certificate, &blob, &error));
    CHECK(has(blob, "desk.example"));
    otls_blob_free(blob);
    otls_certificate_free(certificate);
    WORKS(otls_connection_take_key_log(server, &blob, &error));
    lines = (const char *)otls_blob_data(blob, &len);
    CHECK(len > 100 && strstr(lines, "SERVER_HANDSHAKE_TRAFFIC_SECRET") != NULL);
    otls_blob_free(blob);
    WORKS(otls_connection_take_key_log(client, &blob, &error));
    CHECK(blob_len(blob) == 0);
    otls_blob_free(blob);
}

/* A new client's trace begins with its ClientHello, at the time that was set. */
static void is_traced(otls_connection *client) {
    otls_blob *blob;
    otls_error *error;
    size_t len;
    const char *lines;
    WORKS(otls_connection_take_trace(client, &blob, &error));
    CHECK(blob_len(blob) == 0);
    otls_blob_free(blob);
    FAILS(OTLS_ERROR_API_MISUSE, otls_connection_set_trace(client, 0, &error));
    WORKS(otls_connection_set_trace(client, OTLS_TRACE_SECRETS, &error));
    WORKS(otls_connection_set_trace_time(client, 1500000, &error));
    WORKS(otls_connection_close(client, &error));
    WORKS(otls_connection_take_trace(client, &blob, &error));
    lines = (const char *)otls_blob_data(blob, &len);
    CHECK(len > 100 && strncmp(lines, "{\"event\":\"message\"", 18) == 0);
    CHECK(strstr(lines, "\"time\":1.500000,\"direction\":\"sent\",\"name\":\"user_canceled\"") != NULL);
    otls_blob_free(blob);
}

/* 1,000 octets go in eight pieces, the last one padded to the length of the others. */
static void data_has_the_shape(otls_connection *client, otls_connection *server) {
    static const uint8_t DATA[1000] = { 7 };
    uint8_t plaintext[1000];
    otls_error *error;
    size_t pending, opened, total = 0;
    WORKS(otls_connection_seal(server, DATA, sizeof DATA, &error));
    CHECK(otls_connection_pending(server, &pending) != NULL && pending == 8 * (5 + 128 + 1 + 16));
    while (total < sizeof DATA) {
        WORKS(transfer(server, client, &error));
        WORKS(otls_connection_read(client, plaintext + total, sizeof plaintext - total, &opened, &error));
        CHECK(opened > 0);
        total += opened;
    }
    CHECK(memcmp(plaintext, DATA, sizeof DATA) == 0);
}

static otls_session *first_connection(const otls_client_config *for_client, const otls_server_config *for_server) {
    otls_error *error;
    otls_connection *client, *server = server_of(for_server);
    otls_session *session, *none;
    WORKS(otls_connection_client(for_client, "desk.example", NULL, NOW, &client, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_connection_take_session(client, &none, &error));
    shake_hands(client, server);
    CHECK(negotiated(client).resumed == 0 && negotiated(server).resumed == 0);
    the_outcome_is_as_configured(client, server);
    data_has_the_shape(client, server);
    WORKS(otls_connection_take_session(client, &session, &error));
    otls_connection_free(client);
    otls_connection_free(server);
    return session;
}

/* Through a file, as it were. */
static otls_session *saved_and_loaded(otls_session *session) {
    otls_error *error;
    otls_blob *data;
    otls_session *again;
    size_t len;
    const uint8_t *octets;
    uint64_t expires_at = otls_session_expires_at(session);
    CHECK(expires_at == NOW + 3600);
    WORKS(otls_session_export(session, &data, &error));
    otls_session_free(session);
    octets = otls_blob_data(data, &len);
    WORKS(otls_session_load(octets, len, &again, &error));
    CHECK(otls_session_expires_at(again) == expires_at);
    FAILS(OTLS_ERROR_API_MISUSE, otls_session_load(octets, len - 1, &session, &error));
    CHECK(session == NULL);
    otls_blob_free(data);
    return again;
}

static void a_session_resumes_once(void) {
    otls_error *error;
    otls_client_config *for_client = client_config();
    otls_server_config *for_server = server_config();
    otls_session *session = saved_and_loaded(first_connection(for_client, for_server));
    otls_connection *client, *second, *server = server_of(for_server);
    otls_blob *data;
    otls_certificate *peer;
    WORKS(otls_connection_client(for_client, "desk.example", session, NOW, &client, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_connection_client(for_client, "desk.example", session, NOW, &second, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_session_export(session, &data, &error));
    CHECK(otls_session_expires_at(session) == 0);
    shake_hands(client, server);
    CHECK(negotiated(client).resumed == 1 && negotiated(server).resumed == 1);
    /* Who the client is, the server knows from the first connection. */
    WORKS(otls_connection_peer(server, &peer, &error));
    otls_certificate_free(peer);
    otls_connection_free(client);
    otls_connection_free(server);
    otls_session_free(session);
    otls_client_config_free(for_client);
    otls_server_config_free(for_server);
}

static void ticket_keys_are_shared(void) {
    otls_error *error;
    otls_blob *data;
    otls_ticket_keys *again;
    size_t len;
    const uint8_t *octets;
    WORKS(otls_ticket_keys_export(keys, NOW, &data, &error));
    octets = otls_blob_data(data, &len);
    FAILS(OTLS_ERROR_API_MISUSE, otls_ticket_keys_load(octets, len - 1, NOW, &again, &error));
    WORKS(otls_ticket_keys_load(octets, len, NOW, &again, &error));
    otls_ticket_keys_free(keys);
    keys = again;
    otls_blob_free(data);
    FAILS(OTLS_ERROR_NULL_POINTER, otls_ticket_keys_export(NULL, NOW, &data, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_ticket_keys_generate(NOW, NULL, &error));
}

static void wrong_arguments(void) {
    otls_error *error;
    otls_client_config *config = client_config();
    otls_server_config *server = server_config();
    otls_client_config *none;
    static const otls_settings ZERO;
    otls_settings settings = ZERO;
    otls_connection *connection;
    otls_session *session;
    otls_blob *blob;
    otls_certificate *certificate;
    settings.alpn = (const uint8_t *)"\x04otp";
    settings.alpn_len = 4;
    FAILS(OTLS_ERROR_API_MISUSE, otls_client_config_new(trust, &settings, &none, &error));
    settings.alpn_len = 0;
    FAILS(OTLS_ERROR_API_MISUSE, otls_client_config_new(trust, &settings, &none, &error));
    settings.alpn = (const uint8_t *)"\x01x\x01x";
    settings.alpn_len = 4;
    FAILS(OTLS_ERROR_API_MISUSE, otls_client_config_new(trust, &settings, &none, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_server_config_set_tickets(server, keys, 9, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_server_config_set_tickets(server, NULL, 1, &error));
    settings = ZERO;
    settings.session_lifetime = 604801;
    FAILS(OTLS_ERROR_API_MISUSE, otls_client_config_new(trust, &settings, &none, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_server_config_add_identity(server, NULL, &error));
    settings = ZERO;
    settings.record_size_limit = 63;
    FAILS(OTLS_ERROR_API_MISUSE, otls_client_config_new(trust, &settings, &none, &error));
    settings = ZERO;
    settings.max_fragment = 16385;
    FAILS(OTLS_ERROR_API_MISUSE, otls_client_config_new(trust, &settings, &none, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_client_config_set_sessions(NULL, 1, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_client_config_set_named_authorities(NULL, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_connection_client(NULL, "desk.example", NULL, NOW, &connection, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_session_export(NULL, &blob, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_connection_take_session(NULL, &session, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_connection_alpn(NULL, &blob, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_connection_take_key_log(NULL, &blob, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_connection_take_trace(NULL, &blob, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_connection_set_trace(NULL, OTLS_TRACE_MESSAGES, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_connection_set_trace_time(NULL, 0, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_connection_certificate(NULL, &certificate, &error));
    CHECK(otls_session_expires_at(NULL) == 0);
    WORKS(otls_connection_client(config, "desk.example", NULL, NOW, &connection, &error));
    is_traced(connection);
    FAILS(OTLS_ERROR_API_MISUSE, otls_connection_certificate(connection, &certificate, &error));
    otls_connection_free(connection);
    otls_server_config_free(server);
    otls_client_config_free(config);
    otls_session_free(NULL);
    otls_ticket_keys_free(NULL);
}

int main(void) {
    otls_error *error;
    authority = make_authority("Root");
    trust = make_trust(authority);
    bank = make_identity(authority, "bank.example", OTLS_PROFILE_SERVER);
    desk = make_identity(authority, "desk.example", OTLS_PROFILE_SERVER);
    customer = make_identity(authority, "customer.example", OTLS_PROFILE_CLIENT);
    WORKS(otls_ticket_keys_generate(NOW, &keys, &error));
    ticket_keys_are_shared();
    a_session_resumes_once();
    wrong_arguments();
    otls_ticket_keys_free(keys);
    otls_identity_free(bank);
    otls_identity_free(desk);
    otls_identity_free(customer);
    otls_trust_store_free(trust);
    otls_authority_free(authority);
    return 0;
}
