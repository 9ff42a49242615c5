/* One-time passwords: the ledger, the messages, and the channel that binds them to a connection. */
#include "check.h"

#define PEPPER TEXT("a pepper of thirty-two octets or more")

static otls_otp_context *payment(const char *amount) {
    otls_error *error;
    otls_otp_context *context;
    WORKS(otls_otp_context_new(&context, &error));
    WORKS(otls_otp_context_set(context, "amount", amount, &error));
    WORKS(otls_otp_context_set(context, "payee", "friend", &error));
    return context;
}

static void the_ledger_accepts_once(void) {
    otls_error *error;
    otls_otp_ledger *ledger;
    otls_otp_issued *issued;
    uint8_t id[OTLS_OTP_ID_LEN], code[6], wrong[6];
    char long_name[257] = { 0 };
    size_t id_len = sizeof id, code_len;
    int32_t verdict;
    uint32_t left;
    otls_otp_context *context = payment("100000.00"), *other = payment("900000.00");

    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_ledger_open("memory:", TEXT("short"), NULL, &ledger, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_ledger_open("cupboard:", NULL, 0, NULL, &ledger, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_ledger_open("sqlite:x.sqlite", NULL, 0, NULL, &ledger, &error));
    WORKS(otls_otp_ledger_open("memory:", PEPPER, NULL, &ledger, &error));
    otls_otp_ledger_free(ledger);
    WORKS(otls_otp_ledger_open("memory:", NULL, 0, NULL, &ledger, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_ledger_issue(ledger, CODE("", context), NOW, &issued, &error));
    WORKS(otls_otp_ledger_issue(ledger, CODE("asha", context), NOW, &issued, &error));
    WORKS(otls_otp_issued_id(issued, id, &id_len, &error));
    CHECK(otls_otp_issued_code(NULL, &code_len) == NULL && code_len == 0);
    memcpy(code, otls_otp_issued_code(issued, &code_len), sizeof code);
    CHECK(code_len == sizeof code);
    memcpy(wrong, code, sizeof code);
    wrong[0] = wrong[0] == '0' ? '1' : '0';

    WORKS(verify_code(ledger, id, id_len, "asha", context, wrong, 6, NULL, NOW, &verdict, &left, &error));
    CHECK(verdict == OTLS_VERDICT_WRONG && left == 2);
    WORKS(verify_code(ledger, id, id_len, "asha", other, code, 6, NULL, NOW, &verdict, &left, &error));
    CHECK(verdict == OTLS_VERDICT_WRONG && left == 1);
    WORKS(otls_otp_ledger_unlock(ledger, "asha", NOW, &error));
    /* Another customer's tries are no tries; what is no subject is none for every call. */
    WORKS(verify_code(ledger, id, id_len, "ravi", context, code, 6, NULL, NOW, &verdict, &left, &error));
    CHECK(verdict == OTLS_VERDICT_UNKNOWN && left == 0);
    WORKS(otls_otp_ledger_cancel(ledger, id, id_len, "ravi", NOW, &verdict, &error));
    CHECK(verdict == OTLS_VERDICT_UNKNOWN);
    memset(long_name, 'x', sizeof long_name - 1);
    FAILS(OTLS_ERROR_API_MISUSE,
          verify_code(ledger, id, id_len, long_name, context, code, 6, NULL, NOW, &verdict, &left, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_ledger_lock(ledger, long_name, NOW, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_ledger_unlock(ledger, "as\nha", NOW, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_ledger_unlock(ledger, "\xFF", NOW, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_otp_ledger_unlock(ledger, NULL, NOW, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_ledger_cancel(ledger, id, id_len, "\x7F", NOW, &verdict, &error));
    FAILS(OTLS_ERROR_API_MISUSE,
          verify_code(ledger, id, 15, "asha", context, code, 6, NULL, NOW, &verdict, &left, &error));
    CHECK(verdict == 0);
    FAILS(OTLS_ERROR_NULL_POINTER,
          verify_code(ledger, id, id_len, "asha", context, code, 6, NULL, NOW, NULL, &left, &error));
    WORKS(verify_code(ledger, id, id_len, "asha", context, code, 6, NULL, NOW, &verdict, NULL, &error));
    CHECK(verdict == OTLS_VERDICT_ACCEPTED);
    WORKS(verify_code(ledger, id, id_len, "asha", context, code, 6, NULL, NOW, &verdict, &left, &error));
    CHECK(verdict == OTLS_VERDICT_USED);
    id[0] ^= 1;
    WORKS(verify_code(ledger, id, id_len, "asha", context, code, 6, NULL, NOW, &verdict, &left, &error));
    CHECK(verdict == OTLS_VERDICT_UNKNOWN);
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_context_set(context, "amount", "", &error));
    otls_otp_issued_free(issued);
    otls_otp_ledger_free(ledger);
    otls_otp_context_free(context);
    otls_otp_context_free(other);
}

static void the_ledger_has_limits_and_tells_of_them(void) {
    otls_error *error;
    otls_otp_ledger *ledger;
    otls_otp_issued *issued, *again;
    otls_otp_statistics statistics;
    otls_otp_ledger_options options = { 0 };
    uint8_t id[OTLS_OTP_ID_LEN], code[12], wrong[12];
    size_t id_len = sizeof id, code_len;
    uint64_t forgotten;
    int32_t verdict;
    uint32_t left;
    otls_otp_context *context = payment("100000.00");

    options.subject_attempts = 101;
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_ledger_open("memory:", PEPPER, &options, &ledger, &error));
    options.subject_attempts = 0;
    options.issues = 2;
    options.alphabet = "0123456789";
    options.code_len = 5;
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_ledger_open("memory:", PEPPER, &options, &ledger, &error));
    options.alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ";
    options.code_len = 12;
    WORKS(otls_otp_ledger_open("memory:", PEPPER, &options, &ledger, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_ledger_add_former_pepper(ledger, TEXT("short"), &error));
    WORKS(otls_otp_ledger_add_former_pepper(ledger, TEXT("the pepper of last year, of 32 octets"), &error));

    WORKS(otls_otp_ledger_issue(ledger, CODE("asha", context), NOW, &issued, &error));
    WORKS(otls_otp_issued_id(issued, id, &id_len, &error));
    memcpy(code, otls_otp_issued_code(issued, &code_len), sizeof code);
    CHECK(code_len == sizeof code);
    wrong[0] = code[0] == 'A' ? 'B' : 'A';
    memcpy(wrong + 1, code + 1, sizeof code - 1);
    WORKS(verify_code(ledger, id, id_len, "asha", context, code, 11, NULL, NOW, &verdict, &left, &error));
    CHECK(verdict == OTLS_VERDICT_NOT_A_CODE && left == 0);
    WORKS(verify_code(ledger, id, id_len, "asha", context, wrong, 12, NULL, NOW, &verdict, &left, &error));
    CHECK(verdict == OTLS_VERDICT_WRONG && left == 2);
    WORKS(otls_otp_ledger_issue(ledger, CODE_INSTEAD("asha", context, id, id_len), NOW, &again, &error));
    WORKS(verify_code(ledger, id, id_len, "asha", context, code, 12, NULL, NOW, &verdict, NULL, &error));
    CHECK(verdict == OTLS_VERDICT_CANCELLED);
    otls_otp_issued_free(issued);
    FAILS(OTLS_ERROR_OTP_NOT_OPEN,
          otls_otp_ledger_issue(ledger, CODE_INSTEAD("asha", context, id, id_len), NOW, &issued, &error));
    FAILS(OTLS_ERROR_OTP_THROTTLED, otls_otp_ledger_issue(ledger, CODE("asha", context), NOW, &issued, &error));
    WORKS(otls_otp_issued_id(again, id, &id_len, &error));
    memcpy(code, otls_otp_issued_code(again, NULL), sizeof code);
    wrong[0] = code[0] == 'A' ? 'B' : 'A';
    memcpy(wrong + 1, code + 1, sizeof code - 1);
    WORKS(verify_code(ledger, id, id_len, "asha", context, wrong, 12, NULL, NOW, &verdict, &left, &error));
    CHECK(verdict == OTLS_VERDICT_WRONG && left == 1);
    WORKS(otls_otp_ledger_lock(ledger, "asha", NOW, &error));
    FAILS(OTLS_ERROR_OTP_SUBJECT_LOCKED,
          otls_otp_ledger_issue(ledger, CODE("asha", context), NOW + 600, &issued, &error));
    WORKS(otls_otp_ledger_unlock(ledger, "asha", NOW, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_otp_ledger_cancel(ledger, id, id_len, "asha", NOW, NULL, &error));
    WORKS(otls_otp_ledger_cancel(ledger, id, id_len, "asha", NOW, &verdict, &error));
    CHECK(verdict == OTLS_VERDICT_CANCELLED);
    WORKS(otls_otp_ledger_lock(ledger, "ravi", NOW, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_otp_ledger_statistics(ledger, NOW, NULL, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_otp_ledger_verify(ledger, NULL, NOW, &verdict, NULL, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_otp_ledger_decline(ledger, NULL, NOW, &verdict, &error));
    WORKS(otls_otp_ledger_statistics(ledger, NOW, &statistics, &error));
    CHECK(statistics.cancelled == 2 && statistics.open == 0 && statistics.used == 0 && statistics.locked == 0);
    CHECK(statistics.expired == 0 && statistics.locked_subjects == 1);
    WORKS(otls_otp_ledger_expire(ledger, NOW + 120 + 3601, &forgotten, &error));
    CHECK(forgotten == 2);
    otls_otp_issued_free(again);
    otls_otp_ledger_free(ledger);
    otls_otp_context_free(context);
}

/* Files are in the folder that the test runs in. */
static void a_file_outlives_the_ledger(void) {
    otls_error *error;
    otls_otp_ledger *ledger, *same;
    otls_otp_issued *issued;
    uint8_t id[OTLS_OTP_ID_LEN], code[6];
    size_t id_len = sizeof id;
    int32_t verdict;
    otls_otp_context *context = payment("100000.00");

    remove("otp.sqlite");
    FAILS(OTLS_ERROR_OTP_STORE, otls_otp_ledger_open("sqlite:no/such/folder/db", PEPPER, NULL, &ledger, &error));
    WORKS(otls_otp_ledger_open("sqlite:otp.sqlite", PEPPER, NULL, &ledger, &error));
    WORKS(otls_otp_ledger_open("sqlite:otp.sqlite", PEPPER, NULL, &same, &error));
    WORKS(otls_otp_ledger_issue(ledger, CODE("asha", context), NOW, &issued, &error));
    WORKS(otls_otp_issued_id(issued, id, &id_len, &error));
    memcpy(code, otls_otp_issued_code(issued, NULL), sizeof code);
    otls_otp_issued_free(issued);
    otls_otp_ledger_free(ledger);
    WORKS(verify_code(same, id, id_len, "asha", context, code, 6, NULL, NOW, &verdict, NULL, &error));
    CHECK(verdict == OTLS_VERDICT_ACCEPTED);
    otls_otp_ledger_free(same);
    WORKS(otls_otp_ledger_open("sqlite:otp.sqlite", PEPPER, NULL, &ledger, &error));
    WORKS(verify_code(ledger, id, id_len, "asha", context, code, 6, NULL, NOW, &verdict, NULL, &error));
    CHECK(verdict == OTLS_VERDICT_USED);
    otls_otp_ledger_free(ledger);
    CHECK(remove("otp.sqlite") == 0);
    otls_otp_context_free(context);
}

static void what_happened_is_recorded(void) {
    otls_error *error;
    otls_otp_ledger *ledger;
    otls_otp_issued *issued;
    uint8_t mac[OTLS_AUDIT_MAC_LEN];
    size_t mac_len = sizeof mac, len;
    uint64_t count;
    otls_audit_loss lost;
    otls_blob *old;
    FILE *log;
    otls_otp_ledger_options options = { 0 };
    otls_otp_context *context = payment("100000.00");

    remove("audit.log");
    remove("audit.log.head");
    options.audit_path = "audit.log";
    options.audit_key = (const uint8_t *)"short";
    options.audit_key_len = 5;
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_ledger_open("memory:", NULL, 0, &options, &ledger, &error));
    options.audit_key = (const uint8_t *)"a pepper of thirty-two octets or more";
    options.audit_key_len = 37;
    options.audit_path = "no/such/folder/log";
    FAILS(OTLS_ERROR_OTP_AUDIT, otls_otp_ledger_open("memory:", NULL, 0, &options, &ledger, &error));
    options.audit_path = "audit.log";
    WORKS(otls_otp_ledger_open("memory:", NULL, 0, &options, &ledger, &error));
    WORKS(otls_otp_ledger_issue(ledger, CODE("asha", context), NOW, &issued, &error));
    otls_otp_issued_free(issued);
    WORKS(otls_audit_verify("audit.log", PEPPER, &count, mac, &mac_len, &error));
    CHECK(count == 2 && mac_len == sizeof mac);
    FAILS(OTLS_ERROR_OTP_AUDIT,
          otls_audit_verify("audit.log", TEXT("not the key of this log, but as long"), NULL, mac, &mac_len, &error));
    log = fopen("audit.log", "w");
    CHECK(log != NULL && fclose(log) == 0);
    FAILS(OTLS_ERROR_OTP_AUDIT, otls_otp_ledger_issue(ledger, CODE("asha", context), NOW, &issued, &error));
    FAILS(OTLS_ERROR_OTP_AUDIT, otls_audit_verify("audit.log", PEPPER, NULL, mac, &mac_len, &error));
    /* All of it is gone: the new log says so, and the old one is kept. */
    remove("audit.log.damaged");
    remove("audit.log.damaged.head");
    FAILS(OTLS_ERROR_OTP_AUDIT, otls_audit_repair("no/such/log", PEPPER, NOW, &old, NULL, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_audit_repair("audit.log", TEXT("short"), NOW, &old, NULL, &error));
    WORKS(otls_audit_repair("audit.log", PEPPER, NOW, &old, &lost, &error));
    CHECK(memcmp(otls_blob_data(old, &len), "audit.log.damaged", 17) == 0 && len == 17);
    CHECK(lost.dropped == 0 && lost.missing == 2);
    otls_blob_free(old);
    WORKS(otls_audit_verify("audit.log", PEPPER, &count, mac, &mac_len, &error));
    CHECK(count == 1);
    WORKS(otls_audit_repair("audit.log", PEPPER, NOW, &old, NULL, &error));
    CHECK(old == NULL);
    CHECK(remove("audit.log") == 0 && remove("audit.log.head") == 0);
    CHECK(remove("audit.log.damaged") == 0 && remove("audit.log.damaged.head") == 0);
    otls_otp_ledger_free(ledger);
    otls_otp_context_free(context);
}

static void nothing_is_no_message(void) {
    size_t len = 7, value_len = 7;
    uint32_t left = 7;
    const uint8_t *value;
    CHECK(otls_otp_message_kind(NULL) == 0 && otls_otp_message_expires_at(NULL) == 0);
    CHECK(otls_otp_message_text(NULL, &len) == NULL && len == 0);
    CHECK(otls_otp_message_code(NULL, NULL) == NULL);
    CHECK(otls_otp_message_verdict(NULL, &left) == 0 && left == 0);
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
    WORKS(otls_otp_ledger_open("memory:", NULL, 0, NULL, &ledger, &error));
    WORKS(otls_otp_ledger_issue(ledger, CODE("asha", context), NOW, &issued, &error));
    WORKS(otls_otp_channel_receive(customers, customer, NOW, &none, &error));
    CHECK(none == NULL);

    WORKS(otls_otp_message_envelope(issued, context, "Your code", &sent, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_channel_send(customers, customer, sent, &error));
    /* The context has no template: any text could be shown with it. */
    WORKS(otls_otp_channel_send(banks, bank, sent, &error));
    WORKS(transfer(bank, customer, &error));
    FAILS(OTLS_ERROR_OTP_FREE_TEXT, otls_otp_channel_receive(customers, customer, NOW, &none, &error));
    WORKS(otls_otp_channel_accept_free_text(customers, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_otp_channel_accept_free_text(NULL, &error));
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
    WORKS(otls_otp_message_of_verdict(id, id_len, OTLS_VERDICT_NOT_A_CODE, 0, &sent, &error));
    CHECK(otls_otp_message_verdict(sent, &left) == OTLS_VERDICT_NOT_A_CODE && left == 0);
    otls_otp_message_free(sent);
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

static void over_a_connection(int32_t (*server)(const otls_identity *, const otls_trust_store *,
                                                const otls_settings *, otls_server_config **, otls_error **),
                              int anonymous) {
    otls_error *error;
    otls_client_config *for_client;
    otls_server_config *for_server;
    otls_connection *client, *bank;
    otls_authority *authority = make_authority("Root");
    otls_trust_store *trust = make_trust(authority);
    otls_identity *identity = make_identity(authority, "bank.example", OTLS_PROFILE_SERVER);
    otls_identity *asha = make_identity(authority, "asha.example", OTLS_PROFILE_CLIENT);
    WORKS(otls_client_config_new(trust, NULL, &for_client, &error));
    if (anonymous) {
        WORKS(otls_client_config_set_no_identity(for_client, &error));
    } else {
        WORKS(otls_client_config_add_identity(for_client, asha, &error));
    }
    WORKS(server(identity, trust, NULL, &for_server, &error));
    WORKS(otls_connection_client(for_client, "bank.example", NULL, NOW, &client, &error));
    WORKS(otls_connection_server(for_server, &bank, &error));
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
    otls_client_config_free(for_client);
    otls_server_config_free(for_server);
    otls_identity_free(asha);
    otls_identity_free(identity);
    otls_trust_store_free(trust);
    otls_authority_free(authority);
}

int main(void) {
    nothing_is_no_message();
    the_ledger_accepts_once();
    the_ledger_has_limits_and_tells_of_them();
    a_file_outlives_the_ledger();
    what_happened_is_recorded();
    over_a_connection(otls_server_config_require, 0);
    over_a_connection(otls_server_config_request, 1);
    return 0;
}
