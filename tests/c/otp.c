/* One-time passwords: the ledger, the messages, and the channel that binds them to a connection. */
#include "check.h"

static otls_otp_context *payment(const char *amount) {
    otls_error *error;
    otls_otp_context *context;
    WORKS(otls_otp_context_new(&context, &error));
    WORKS(otls_otp_context_set(context, TEXT("amount"), (const uint8_t *)amount, strlen(amount), &error));
    WORKS(otls_otp_context_set(context, TEXT("payee"), TEXT("friend"), &error));
    return context;
}

static void the_ledger_accepts_once(void) {
    otls_error *error;
    otls_otp_ledger *ledger;
    otls_otp_issued *issued;
    uint8_t id[OTLS_OTP_ID_LEN], code[6], wrong[6];
    size_t id_len = sizeof id, code_len;
    int32_t verdict;
    uint32_t left;
    otls_otp_context *context = payment("100000.00"), *other = payment("900000.00");

    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_ledger_new_memory(TEXT("short"), &ledger, &error));
    WORKS(otls_otp_ledger_new_memory(TEXT("a pepper of thirty-two octets or more"), &ledger, &error));
    otls_otp_ledger_free(ledger);
    WORKS(otls_otp_ledger_new_memory(NULL, 0, &ledger, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_ledger_issue(ledger, NULL, 0, context, 120, 3, NOW, &issued, &error));
    WORKS(otls_otp_ledger_issue(ledger, TEXT("asha"), context, 120, 3, NOW, &issued, &error));
    CHECK(otls_otp_issued_expires_at(issued) == NOW + 120 && otls_otp_issued_expires_at(NULL) == 0);
    WORKS(otls_otp_issued_id(issued, id, &id_len, &error));
    CHECK(otls_otp_issued_code(NULL, &code_len) == NULL && code_len == 0);
    memcpy(code, otls_otp_issued_code(issued, &code_len), sizeof code);
    CHECK(code_len == sizeof code);
    memcpy(wrong, code, sizeof code);
    wrong[0] = wrong[0] == '0' ? '1' : '0';

    WORKS(otls_otp_ledger_verify(ledger, id, id_len, TEXT("asha"), context, wrong, 6, NOW, &verdict, &left, &error));
    CHECK(verdict == OTLS_VERDICT_WRONG && left == 2);
    WORKS(otls_otp_ledger_verify(ledger, id, id_len, TEXT("asha"), other, code, 6, NOW, &verdict, &left, &error));
    CHECK(verdict == OTLS_VERDICT_WRONG && left == 1);
    WORKS(otls_otp_ledger_unlock(ledger, TEXT("asha"), &error));
    FAILS(OTLS_ERROR_API_MISUSE,
          otls_otp_ledger_verify(ledger, id, 15, TEXT("asha"), context, code, 6, NOW, &verdict, &left, &error));
    CHECK(verdict == 0);
    FAILS(OTLS_ERROR_NULL_POINTER,
          otls_otp_ledger_verify(ledger, id, id_len, TEXT("asha"), context, code, 6, NOW, NULL, &left, &error));
    WORKS(otls_otp_ledger_verify(ledger, id, id_len, TEXT("asha"), context, code, 6, NOW, &verdict, NULL, &error));
    CHECK(verdict == OTLS_VERDICT_ACCEPTED);
    WORKS(otls_otp_ledger_verify(ledger, id, id_len, TEXT("asha"), context, code, 6, NOW, &verdict, &left, &error));
    CHECK(verdict == OTLS_VERDICT_USED);
    id[0] ^= 1;
    WORKS(otls_otp_ledger_verify(ledger, id, id_len, TEXT("asha"), context, code, 6, NOW, &verdict, &left, &error));
    CHECK(verdict == OTLS_VERDICT_UNKNOWN);
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_context_set(context, TEXT("amount"), NULL, 0, &error));
    otls_otp_issued_free(issued);
    otls_otp_ledger_free(ledger);
    otls_otp_context_free(context);
    otls_otp_context_free(other);
}

static void nothing_is_no_message(void) {
    size_t len = 7, value_len = 7;
    uint32_t left = 7;
    const uint8_t *value;
    CHECK(otls_otp_message_kind(NULL) == 0 && otls_otp_message_expires_at(NULL) == 0);
    CHECK(otls_otp_message_text(NULL, &len) == NULL && len == 0);
    CHECK(otls_otp_message_code(NULL, NULL) == NULL);
    CHECK(otls_otp_message_verdict(NULL, &left) == 0 && left == 0);
    CHECK(otls_otp_message_field_count(NULL) == 0);
    CHECK(otls_otp_message_field(NULL, 0, &len, &value, &value_len) == NULL && value == NULL && value_len == 0);
}

static void the_envelope_is_whole(const otls_otp_message *envelope) {
    size_t len, value_len;
    const uint8_t *name, *value;
    CHECK(otls_otp_message_kind(envelope) == OTLS_OTP_ENVELOPE);
    CHECK(memcmp(otls_otp_message_text(envelope, &len), "Your code", 9) == 0 && len == 9);
    CHECK(otls_otp_message_code(envelope, &len) != NULL && len == 6);
    CHECK(otls_otp_message_expires_at(envelope) == NOW + 120);
    CHECK(otls_otp_message_verdict(envelope, NULL) == 0);
    CHECK(otls_otp_message_field_count(envelope) == 2);
    name = otls_otp_message_field(envelope, 1, &len, &value, &value_len);
    CHECK(len == 5 && memcmp(name, "payee", 5) == 0 && value_len == 6 && memcmp(value, "friend", 6) == 0);
    CHECK(otls_otp_message_field(envelope, 2, &len, &value, &value_len) == NULL && value == NULL);
}

static otls_otp_message *carry(otls_otp_channel *from_channel, otls_connection *from, otls_otp_channel *to_channel,
                               otls_connection *to, const otls_otp_message *message) {
    otls_error *error;
    otls_otp_message *received;
    WORKS(otls_otp_channel_send(from_channel, from, message, &error));
    WORKS(transfer(from, to, &error));
    WORKS(otls_otp_channel_receive(to_channel, to, NOW, &received, &error));
    CHECK(received != NULL);
    return received;
}

static void messages_go_both_ways(otls_connection *bank, otls_connection *customer) {
    otls_error *error;
    otls_otp_channel *banks, *customers;
    otls_otp_ledger *ledger;
    otls_otp_issued *issued;
    otls_otp_message *sent, *received, *none;
    uint8_t id[OTLS_OTP_ID_LEN];
    size_t id_len = sizeof id, code_len;
    const uint8_t *code;
    uint32_t left;
    otls_otp_context *context = payment("100000.00");
    WORKS(otls_otp_channel_new(&banks, &error));
    WORKS(otls_otp_channel_new(&customers, &error));
    WORKS(otls_otp_ledger_new_memory(NULL, 0, &ledger, &error));
    WORKS(otls_otp_ledger_issue(ledger, TEXT("asha"), context, 120, 3, NOW, &issued, &error));
    WORKS(otls_otp_channel_receive(customers, customer, NOW, &none, &error));
    CHECK(none == NULL);

    WORKS(otls_otp_message_envelope(issued, context, TEXT("Your code"), &sent, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_channel_send(customers, customer, sent, &error));
    received = carry(banks, bank, customers, customer, sent);
    the_envelope_is_whole(received);
    WORKS(otls_otp_message_id(received, id, &id_len, &error));
    code = otls_otp_message_code(received, &code_len);
    /* The same envelope again is a replay. */
    WORKS(otls_otp_channel_send(banks, bank, sent, &error));
    WORKS(transfer(bank, customer, &error));
    FAILS(OTLS_ERROR_OTP_REPLAYED, otls_otp_channel_receive(customers, customer, NOW, &none, &error));
    otls_otp_message_free(sent);

    WORKS(otls_otp_message_answer(id, id_len, code, code_len, &sent, &error));
    otls_otp_message_free(received);
    received = carry(customers, customer, banks, bank, sent);
    CHECK(otls_otp_message_kind(received) == OTLS_OTP_ANSWER && otls_otp_message_text(received, NULL) == NULL);
    CHECK(otls_otp_message_code(received, &code_len) != NULL && code_len == 6);
    otls_otp_message_free(sent);
    otls_otp_message_free(received);

    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_message_of_verdict(id, id_len, 0, 0, &sent, &error));
    WORKS(otls_otp_message_of_verdict(id, id_len, OTLS_VERDICT_WRONG, 2, &sent, &error));
    received = carry(banks, bank, customers, customer, sent);
    CHECK(otls_otp_message_verdict(received, &left) == OTLS_VERDICT_WRONG && left == 2);
    CHECK(otls_otp_message_kind(received) == OTLS_OTP_VERDICT && otls_otp_message_code(received, NULL) == NULL);
    otls_otp_message_free(sent);
    otls_otp_message_free(received);
    otls_otp_issued_free(issued);
    otls_otp_ledger_free(ledger);
    otls_otp_channel_free(customers);
    otls_otp_channel_free(banks);
    otls_otp_context_free(context);
}

static void over_a_connection(int32_t (*server)(const otls_identity *, const otls_trust_store *, otls_config **,
                                                otls_error **),
                              int anonymous) {
    otls_error *error;
    otls_config *for_client, *for_server;
    otls_connection *client, *bank;
    otls_authority *authority = make_authority("Root");
    otls_trust_store *trust = make_trust(authority);
    otls_identity *identity = make_identity(authority, "bank.example", OTLS_PROFILE_SERVER);
    otls_identity *asha = make_identity(authority, "asha.example", OTLS_PROFILE_CLIENT);
    WORKS(otls_config_client(trust, &for_client, &error));
    if (anonymous) {
        WORKS(otls_config_set_anonymous(for_client, &error));
    } else {
        WORKS(otls_config_set_identity(for_client, asha, &error));
    }
    WORKS(server(identity, trust, &for_server, &error));
    WORKS(otls_connection_client(for_client, TEXT("bank.example"), NOW, &client, &error));
    WORKS(otls_connection_server(for_server, NOW, &bank, &error));
    shake_hands(client, bank);
    if (anonymous) {
        otls_certificate *nobody;
        otls_otp_channel *channel;
        otls_otp_message *message;
        uint8_t id[OTLS_OTP_ID_LEN] = { 0 };
        FAILS(OTLS_ERROR_API_MISUSE, otls_connection_peer(bank, &nobody, &error));
        WORKS(otls_otp_channel_new(&channel, &error));
        WORKS(otls_otp_message_of_verdict(id, sizeof id, OTLS_VERDICT_ACCEPTED, 0, &message, &error));
        FAILS(OTLS_ERROR_API_MISUSE, otls_otp_channel_send(channel, bank, message, &error));
        otls_otp_message_free(message);
        otls_otp_channel_free(channel);
    } else {
        messages_go_both_ways(bank, client);
    }
    otls_connection_free(client);
    otls_connection_free(bank);
    otls_config_free(for_client);
    otls_config_free(for_server);
    otls_identity_free(asha);
    otls_identity_free(identity);
    otls_trust_store_free(trust);
    otls_authority_free(authority);
}

int main(void) {
    nothing_is_no_message();
    the_ledger_accepts_once();
    over_a_connection(otls_config_server_require, 0);
    over_a_connection(otls_config_server_request, 1);
    return 0;
}
