/* How long a sealed message takes in C: prints the median in microseconds. Built by `make bench`, on the world of
 * the tests. */
#include "../tests/c/check.h"

#include <time.h>

#define MESSAGES 2000

static double microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b) {
    const double *one = a, *other = b;
    return (*one > *other) - (*one < *other);
}

int main(void) {
    static double times[MESSAGES];
    otls_error *error;
    otls_server_config *for_server;
    otls_client_config *for_client;
    otls_connection *bank, *customer;
    otls_otp_context *context;
    otls_otp_ledger *ledger;
    otls_otp_ledger_options options = { 0 };
    otls_otp_channel *from, *to;
    otls_authority *authority = make_authority("Bench Root");
    otls_trust_store *trust = make_trust(authority);
    otls_identity *server = make_identity(authority, "bank.example", OTLS_PROFILE_SERVER);
    otls_identity *client = make_identity(authority, "customer.example", OTLS_PROFILE_CLIENT);

    WORKS(otls_server_config_require(server, trust, NULL, &for_server, &error));
    WORKS(otls_client_config_new(trust, NULL, &for_client, &error));
    WORKS(otls_client_config_add_identity(for_client, client, &error));
    WORKS(otls_connection_server(for_server, &bank, &error));
    WORKS(otls_connection_client(for_client, "bank.example", NULL, NOW, &customer, &error));
    shake_hands(customer, bank);
    WORKS(otls_otp_channel_new(&from, &error));
    WORKS(otls_otp_channel_new(&to, &error));
    WORKS(otls_otp_channel_accept_free_text(to, &error));
    WORKS(otls_otp_context_new(&context, &error));
    WORKS(otls_otp_context_set(context, "amount", "10000000", &error));
    WORKS(otls_otp_context_set(context, "payee", "friend", &error));
    options.issues = MESSAGES;
    WORKS(otls_otp_ledger_open("memory:", NULL, 0, &options, &ledger, &error));

    for (size_t number = 0; number < MESSAGES; number++) {
        otls_otp_issued *issued;
        otls_otp_message *sent, *received;
        WORKS(otls_otp_ledger_issue(ledger, CODE("asha", context), NOW, &issued, &error));
        double start = microseconds();
        WORKS(otls_otp_message_envelope(issued, context, "Your code", &sent, &error));
        WORKS(otls_otp_channel_send(from, bank, sent, &error));
        WORKS(transfer(bank, customer, &error));
        WORKS(otls_otp_channel_receive(to, customer, NOW, &received, &error));
        times[number] = microseconds() - start;
        CHECK(otls_otp_message_kind(received) == OTLS_OTP_ENVELOPE);
        otls_otp_message_free(received);
        otls_otp_message_free(sent);
        otls_otp_issued_free(issued);
    }
    qsort(times, MESSAGES, sizeof times[0], ascending);
    printf("%.1f\n", times[MESSAGES / 2]);
    otls_otp_ledger_free(ledger);
    otls_otp_context_free(context);
    otls_otp_channel_free(from);
    otls_otp_channel_free(to);
    otls_connection_free(bank);
    otls_connection_free(customer);
    otls_server_config_free(for_server);
    otls_client_config_free(for_client);
    otls_identity_free(server);
    otls_identity_free(client);
    otls_trust_store_free(trust);
    otls_authority_free(authority);
    return 0;
}
