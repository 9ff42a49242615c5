/* What a fork means: a child neither uses nor closes what it has inherited, and no code is accepted twice. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

#define PEPPER TEXT("a pepper of thirty-two octets or more")

struct issued {
    uint8_t id[OTLS_OTP_ID_LEN], code[6];
};

static struct issued issue(otls_otp_ledger *ledger, otls_otp_context *context) {
    otls_error *error;
    otls_otp_issued *issued;
    struct issued copy;
    size_t len = sizeof copy.id;
    WORKS(otls_otp_ledger_issue(ledger, CODE("asha", context), NOW, &issued, &error));
    WORKS(otls_otp_issued_id(issued, copy.id, &len, &error));
    memcpy(copy.code, otls_otp_issued_code(issued, &len), sizeof copy.code);
    otls_otp_issued_free(issued);
    return copy;
}

static int32_t verify(otls_otp_ledger *ledger, otls_otp_context *context, const struct issued *issued) {
    otls_error *error;
    int32_t verdict;
    uint32_t left;
    WORKS(verify_code(ledger, issued->id, sizeof issued->id, "asha", context, issued->code,
                                 sizeof issued->code, NULL, NOW, &verdict, &left, &error));
    return verdict;
}

static void ends_well(pid_t child) {
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void a_code_is_accepted_by_one_of_two_processes(otls_otp_context *context) {
    otls_error *error;
    otls_otp_ledger *ledger;
    pid_t child;
    struct issued first, second;
    WORKS(otls_otp_ledger_open("sqlite:fork.sqlite", PEPPER, NULL, &ledger, &error));
    first = issue(ledger, context);
    second = issue(ledger, context);
    child = fork();
    if (child == 0) {
        CHECK(verify(ledger, context, &first) == OTLS_VERDICT_ACCEPTED);
        otls_otp_ledger_free(ledger);
        _exit(0);
    }
    ends_well(child);
    CHECK(verify(ledger, context, &first) == OTLS_VERDICT_USED);
    CHECK(verify(ledger, context, &second) == OTLS_VERDICT_ACCEPTED);
    otls_otp_ledger_free(ledger);
}

static void codes_in_memory_belong_to_one_process(otls_otp_context *context) {
    otls_error *error;
    otls_otp_ledger *ledger;
    pid_t child;
    struct issued issued;
    WORKS(otls_otp_ledger_open("memory:", PEPPER, NULL, &ledger, &error));
    issued = issue(ledger, context);
    child = fork();
    if (child == 0) {
        int32_t verdict;
        FAILS(OTLS_ERROR_API_MISUSE,
              verify_code(ledger, issued.id, sizeof issued.id, "asha", context, issued.code,
                                     sizeof issued.code, NULL, NOW, &verdict, NULL, &error));
        CHECK(verdict == 0);
        otls_otp_ledger_free(ledger);
        _exit(0);
    }
    ends_well(child);
    CHECK(verify(ledger, context, &issued) == OTLS_VERDICT_ACCEPTED);
    otls_otp_ledger_free(ledger);
}

static void a_connection_does_not_work_in_a_child(void) {
    otls_error *error;
    otls_trust_store *trust;
    otls_client_config *config;
    otls_connection *connection;
    size_t len, taken;
    pid_t child;
    WORKS(otls_trust_store_new(&trust, &error));
    WORKS(otls_client_config_new(trust, NULL, &config, &error));
    WORKS(otls_connection_client(config, "bank.example", NULL, NOW, &connection, &error));
    child = fork();
    if (child == 0) {
        CHECK(otls_connection_state(connection) == OTLS_STATE_FAILED);
        otls_connection_pending(connection, &len);
        CHECK(len == 0);
        FAILS(OTLS_ERROR_API_MISUSE, otls_connection_feed(connection, TEXT("x"), NOW, &taken, &error));
        uint8_t octets[] = { 'x' }, *plaintext;
        FAILS(OTLS_ERROR_API_MISUSE,
              otls_connection_feed_in_place(connection, octets, 1, NOW, &taken, &plaintext, &len, &error));
        FAILS(OTLS_ERROR_API_MISUSE, otls_connection_seal(connection, TEXT("x"), &error));
        otls_connection_free(connection);
        _exit(0);
    }
    ends_well(child);
    CHECK(otls_connection_state(connection) & OTLS_STATE_WANT_WRITE);
    otls_connection_pending(connection, &len);
    CHECK(len > 0);
    otls_connection_free(connection);
    otls_client_config_free(config);
    otls_trust_store_free(trust);
}

int main(void) {
    otls_error *error;
    otls_otp_context *context;
    WORKS(otls_otp_context_new(&context, &error));
    WORKS(otls_otp_context_set(context, "amount", "100000.00", &error));
    a_code_is_accepted_by_one_of_two_processes(context);
    codes_in_memory_belong_to_one_process(context);
    a_connection_does_not_work_in_a_child();
    otls_otp_context_free(context);
    return 0;
}
