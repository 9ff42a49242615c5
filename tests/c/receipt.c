/* Payments, the text that customers read of them, and what they sign. */
#include "check.h"

#define TEMPLATE "Code for {amount} to {payee}: {code}"

struct world {
    otls_authority *authority;
    otls_trust_store *trust;
    otls_identity *bank, *asha;
};

struct pair {
    otls_connection *bank, *asha;
    otls_otp_channel *banks, *ashas;
};

static otls_otp_context *payment(uint64_t paise) {
    otls_error *error;
    otls_otp_context *context;
    WORKS(otls_otp_context_payment(TRANSFER(paise, "INR", "friend", TEMPLATE), &context, &error));
    return context;
}

static void payments_are_what_they_say(void) {
    otls_error *error;
    otls_otp_context *context;
    FAILS(OTLS_ERROR_OTP_TRANSACTION,
          otls_otp_context_payment(TRANSFER(1, "XAU", "friend", TEMPLATE), &context, &error));
    CHECK(context == NULL);
    FAILS(OTLS_ERROR_OTP_TRANSACTION,
          otls_otp_context_payment(TRANSFER(1, "INR", "fri\xE2\x80\x8B" "end", "{amount} to {payee}: {code}"), &context, &error));
    FAILS(OTLS_ERROR_OTP_TRANSACTION,
          otls_otp_context_payment(TRANSFER(1, "INR", "friend", "{code} {payee}"), &context, &error));
    otls_otp_payment purposeless = { .purpose = "", .minor = 1, .currency = "INR", .payee = "friend" };
    purposeless.text_template = TEMPLATE;
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_context_payment(&purposeless, &context, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_otp_context_payment(NULL, &context, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_otp_context_payment(TRANSFER(1, "INR", "friend", TEMPLATE), NULL, &error));
}

static struct world make_world(void) {
    struct world world;
    world.authority = make_authority("Root");
    world.trust = make_trust(world.authority);
    world.bank = make_identity(world.authority, "bank.example", OTLS_PROFILE_SERVER);
    world.asha = make_identity(world.authority, "asha.example", OTLS_PROFILE_CLIENT);
    return world;
}

static void free_world(struct world *world) {
    otls_identity_free(world->asha);
    otls_identity_free(world->bank);
    otls_trust_store_free(world->trust);
    otls_authority_free(world->authority);
}

static struct pair connect_both(const struct world *world) {
    otls_error *error;
    otls_client_config *for_client;
    otls_server_config *for_server;
    struct pair pair;
    WORKS(otls_client_config_new(world->trust, NULL, &for_client, &error));
    WORKS(otls_client_config_add_identity(for_client, world->asha, &error));
    WORKS(otls_server_config_require(world->bank, world->trust, NULL, &for_server, &error));
    WORKS(otls_connection_client(for_client, "bank.example", NULL, NOW, &pair.asha, &error));
    WORKS(otls_connection_server(for_server, &pair.bank, &error));
    shake_hands(pair.asha, pair.bank);
    WORKS(otls_otp_channel_new(&pair.banks, &error));
    WORKS(otls_otp_channel_new(&pair.ashas, &error));
    otls_client_config_free(for_client);
    otls_server_config_free(for_server);
    return pair;
}

static void free_pair(struct pair *pair) {
    otls_otp_channel_free(pair->banks);
    otls_otp_channel_free(pair->ashas);
    otls_connection_free(pair->bank);
    otls_connection_free(pair->asha);
}

/* The bank's message as the customer has it. */
static otls_otp_message *rendered(const struct pair *pair, const otls_otp_context *context) {
    otls_error *error;
    otls_otp_ledger *ledger;
    otls_otp_issued *issued;
    otls_otp_context *bare, *other;
    otls_otp_message *sent, *received;
    char expected[64];
    size_t len, code_len;
    const uint8_t *text, *code;

    WORKS(otls_otp_ledger_open("memory:", NULL, 0, NULL, &ledger, &error));
    WORKS(otls_otp_ledger_issue(ledger, CODE("asha", context), NOW, &issued, &error));
    WORKS(otls_otp_context_new(&bare, &error));
    FAILS(OTLS_ERROR_OTP_TRANSACTION, otls_otp_message_rendered(issued, bare, &sent, &error));
    /* Nor words of one transaction with the code for another. */
    WORKS(otls_otp_context_payment(TRANSFER(1, "INR", "friend", TEMPLATE), &other, &error));
    FAILS(OTLS_ERROR_OTP_TRANSACTION, otls_otp_message_rendered(issued, other, &sent, &error));
    otls_otp_context_free(other);
    /* Another text than the template's is not sent. */
    WORKS(otls_otp_message_envelope(issued, context, "Your code", &sent, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_channel_send(pair->banks, pair->bank, sent, &error));
    otls_otp_message_free(sent);

    WORKS(otls_otp_message_rendered(issued, context, &sent, &error));
    WORKS(otls_otp_channel_send(pair->banks, pair->bank, sent, &error));
    WORKS(transfer(pair->bank, pair->asha, &error));
    WORKS(otls_otp_channel_receive(pair->ashas, pair->asha, NOW, &received, &error));
    text = otls_otp_message_text(received, &len);
    code = otls_otp_message_code(received, &code_len);
    snprintf(expected, sizeof expected, "Code for Rs 1,00,000 to friend: %.*s", (int)code_len, (const char *)code);
    CHECK(len == strlen(expected) && memcmp(text, expected, len) == 0);
    otls_otp_message_free(sent);
    otls_otp_context_free(bare);
    otls_otp_issued_free(issued);
    otls_otp_ledger_free(ledger);
    return received;
}

/* The answer as the bank has it. */
static otls_otp_message *answered(const struct pair *pair, otls_otp_message *answer) {
    otls_error *error;
    otls_otp_message *received;
    WORKS(otls_otp_channel_send(pair->ashas, pair->asha, answer, &error));
    WORKS(transfer(pair->asha, pair->bank, &error));
    WORKS(otls_otp_channel_receive(pair->banks, pair->bank, NOW, &received, &error));
    otls_otp_message_free(answer);
    return received;
}

/* A code that was sent over the connection; the identifier is in `id`. */
static otls_otp_message *sent_for(const struct pair *pair, otls_otp_ledger *ledger,
                                  const otls_otp_context *context, uint8_t *id) {
    otls_error *error;
    otls_otp_issued *issued;
    otls_otp_message *sent, *received;
    size_t id_len = OTLS_OTP_ID_LEN;
    WORKS(otls_otp_ledger_issue(ledger, CODE("asha", context), NOW, &issued, &error));
    WORKS(otls_otp_issued_id(issued, id, &id_len, &error));
    WORKS(otls_otp_message_rendered(issued, context, &sent, &error));
    WORKS(otls_otp_channel_send(pair->banks, pair->bank, sent, &error));
    WORKS(transfer(pair->bank, pair->asha, &error));
    WORKS(otls_otp_channel_receive(pair->ashas, pair->asha, NOW, &received, &error));
    otls_otp_message_free(sent);
    otls_otp_issued_free(issued);
    return received;
}

static void code_and_receipt_are_accepted_and_kept_together(const struct world *world) {
    otls_error *error;
    otls_otp_ledger *ledger;
    otls_otp_message *envelope, *answer;
    otls_receipt *receipt, *kept;
    uint8_t id[OTLS_OTP_ID_LEN], again[OTLS_OTP_ID_LEN], digits[12], wrong[6];
    size_t id_len = sizeof id, again_len = sizeof again, len;
    int32_t verdict;
    uint64_t forgotten;
    struct pair pair = connect_both(world);
    otls_otp_context *context = payment(10000000), *paisa_more = payment(10000001);

    WORKS(otls_otp_ledger_open("memory:", NULL, 0, NULL, &ledger, &error));
    envelope = sent_for(&pair, ledger, context, id);
    memcpy(digits, otls_otp_message_code(envelope, &len), 6);
    WORKS(otls_otp_message_approval(pair.asha, envelope, digits, len, NOW, &answer, &error));
    otls_otp_message_free(envelope);
    answer = answered(&pair, answer);
    WORKS(otls_otp_message_receipt(answer, pair.bank, &receipt, &error));
    otls_otp_message_free(answer);

    /* One that is about something else is not judged at all; with a wrong code nothing is kept. */
    FAILS(OTLS_ERROR_OTP_RECEIPT,
          verify_code(ledger, id, id_len, "asha", paisa_more, digits, len, receipt, NOW, &verdict, NULL,
                                 &error));
    FAILS(OTLS_ERROR_OTP_RECEIPT,
          decline_code(ledger, id, id_len, "asha", context, receipt, NOW, &verdict, &error));
    WORKS(verify_code(ledger, id, id_len, "asha", context, TEXT("no"), receipt, NOW, &verdict, NULL,
                                 &error));
    CHECK(verdict == OTLS_VERDICT_NOT_A_CODE);
    memcpy(wrong, digits, sizeof wrong);
    wrong[0] = wrong[0] == '0' ? '1' : '0';
    WORKS(verify_code(ledger, id, id_len, "asha", context, wrong, sizeof wrong, receipt, NOW, &verdict, NULL,
                                 &error));
    CHECK(verdict == OTLS_VERDICT_WRONG);
    WORKS(otls_otp_ledger_receipt(ledger, id, id_len, "asha", &kept, &error));
    CHECK(kept == NULL);
    WORKS(verify_code(ledger, id, id_len, "asha", context, digits, len, receipt, NOW, &verdict, NULL,
                                 &error));
    CHECK(verdict == OTLS_VERDICT_ACCEPTED);
    WORKS(otls_otp_ledger_receipt(ledger, id, id_len, "ravi", &kept, &error));
    CHECK(kept == NULL);
    WORKS(otls_otp_ledger_receipt(ledger, id, id_len, "asha", &kept, &error));
    WORKS(otls_receipt_id(kept, again, &again_len, &error));
    CHECK(memcmp(id, again, sizeof id) == 0);
    WORKS(otls_receipt_verify(kept, world->trust, NULL, &error));
    otls_receipt_free(kept);
    otls_receipt_free(receipt);

    envelope = sent_for(&pair, ledger, context, id);
    WORKS(otls_otp_message_refusal(pair.asha, envelope, NOW, &answer, &error));
    otls_otp_message_free(envelope);
    answer = answered(&pair, answer);
    WORKS(otls_otp_message_receipt(answer, pair.bank, &receipt, &error));
    otls_otp_message_free(answer);
    FAILS(OTLS_ERROR_NULL_POINTER,
          decline_code(ledger, id, id_len, "asha", context, NULL, NOW, &verdict, &error));
    WORKS(decline_code(ledger, id, id_len, "ravi", context, receipt, NOW, &verdict, &error));
    CHECK(verdict == OTLS_VERDICT_UNKNOWN);
    WORKS(decline_code(ledger, id, id_len, "asha", context, receipt, NOW, &verdict, &error));
    CHECK(verdict == OTLS_VERDICT_CANCELLED);
    otls_receipt_free(receipt);
    WORKS(otls_otp_ledger_receipt(ledger, id, id_len, "asha", &kept, &error));
    CHECK(otls_receipt_decision(kept) == OTLS_DECISION_DECLINED);
    otls_receipt_free(kept);
    WORKS(otls_otp_ledger_forget_receipts(ledger, NOW + 1, NOW + 1, &forgotten, &error));
    CHECK(forgotten == 2);
    otls_otp_ledger_free(ledger);
    otls_otp_context_free(context);
    otls_otp_context_free(paisa_more);
    free_pair(&pair);
}

/* An answer about a code of another customer can neither probe nor spoil it. */
static void an_answer_is_about_a_code_that_was_sent_here(const struct world *world) {
    otls_error *error;
    otls_otp_message *answer, *received;
    uint8_t id[OTLS_OTP_ID_LEN] = { 9 };
    struct pair pair = connect_both(world), other = connect_both(world);
    WORKS(otls_otp_message_answer(id, sizeof id, TEXT("123456"), &answer, &error));
    WORKS(otls_otp_channel_send(pair.ashas, pair.asha, answer, &error));
    WORKS(transfer(pair.asha, pair.bank, &error));
    FAILS(OTLS_ERROR_OTP_WRONG_BINDING, otls_otp_channel_receive(pair.banks, pair.bank, NOW, &received, &error));
    CHECK(received == NULL);
    /* It has come to the customer by mail. */
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_channel_expect(other.banks, id, 15, NOW + 120, NOW, &error));
    WORKS(otls_otp_channel_expect(other.banks, id, sizeof id, NOW + 120, NOW, &error));
    answer = answered(&other, answer);
    CHECK(otls_otp_message_kind(answer) == OTLS_OTP_ANSWER);
    otls_otp_message_free(answer);
    free_pair(&pair);
    free_pair(&other);
}

static void the_receipt_is_whole(const otls_receipt *receipt, const otls_otp_message *answer) {
    otls_error *error;
    otls_blob *text;
    uint8_t id[OTLS_OTP_ID_LEN], of_answer[OTLS_OTP_ID_LEN];
    size_t len = sizeof id, value_len;
    const uint8_t *name, *value;
    WORKS(otls_receipt_id(receipt, id, &len, &error));
    WORKS(otls_otp_message_id(answer, of_answer, &len, &error));
    CHECK(memcmp(id, of_answer, sizeof id) == 0);
    CHECK(otls_receipt_decision(receipt) == OTLS_DECISION_APPROVED && otls_receipt_time(receipt) == NOW + 1);
    name = otls_receipt_field(receipt, 0, &len, &value, &value_len);
    CHECK(len == 6 && memcmp(name, "amount", 6) == 0 && value_len == 8 && memcmp(value, "10000000", 8) == 0);
    CHECK(otls_receipt_field(receipt, 5, &len, &value, &value_len) == NULL && value == NULL && value_len == 0);
    WORKS(otls_receipt_text(receipt, &text, &error));
    CHECK(memcmp(otls_blob_data(text, &len), "Code for Rs 1,00,000 to friend: ", 32) == 0);
    otls_blob_free(text);
}

/* The file convinces whoever trusts the authority, and nobody once it was edited. */
static void the_file_proves_it(const otls_receipt *receipt, const struct world *world, const char *code) {
    otls_error *error;
    otls_blob *pem, *subject;
    otls_receipt *loaded;
    otls_certificate *customer;
    otls_trust_store *nobody;
    uint8_t edited[8192];
    size_t len;
    const uint8_t *data;
    WORKS(otls_receipt_to_pem(receipt, &pem, &error));
    data = otls_blob_data(pem, &len);
    CHECK(len < sizeof edited);
    memcpy(edited, data, len);
    edited[len] = 0;
    CHECK(strstr((const char *)edited, code) == NULL);
    WORKS(otls_receipt_load(data, len, &loaded, &error));
    WORKS(otls_receipt_verify(loaded, world->trust, &customer, &error));
    WORKS(otls_certificate_common_name(customer, &subject, &error));
    CHECK(has(subject, "asha.example"));
    otls_certificate_free(customer);
    WORKS(otls_receipt_verify(loaded, world->trust, NULL, &error));
    WORKS(otls_trust_store_new(&nobody, &error));
    FAILS(OTLS_ERROR_CERTIFICATE_UNTRUSTED, otls_receipt_verify(loaded, nobody, &customer, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_receipt_verify(NULL, world->trust, &customer, &error));
    otls_receipt_free(loaded);
    edited[100] ^= 1;
    FAILS(OTLS_ERROR_OTP_RECEIPT, otls_receipt_load(edited, len, &loaded, &error));
    CHECK(loaded == NULL);
    otls_trust_store_free(nobody);
    otls_blob_free(subject);
    otls_blob_free(pem);
}

static void a_customer_approves(const struct world *world) {
    otls_error *error;
    otls_receipt *receipt;
    otls_otp_message *envelope, *answer, *none;
    struct pair pair = connect_both(world), other = connect_both(world);
    otls_otp_context *context = payment(10000000), *paisa_more = payment(10000001);
    char digits[16] = { 0 };
    size_t code_len;
    const uint8_t *code;
    envelope = rendered(&pair, context);
    code = otls_otp_message_code(envelope, &code_len);
    memcpy(digits, code, code_len);

    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_message_approval(pair.bank, envelope, code, code_len, NOW, &answer, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_otp_message_approval(pair.asha, NULL, code, code_len, NOW, &answer, &error));
    WORKS(otls_otp_message_approval(pair.asha, envelope, code, code_len, NOW + 1, &answer, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_message_approval(pair.asha, answer, code, code_len, NOW, &none, &error));
    CHECK(none == NULL);
    otls_otp_message_free(envelope);
    answer = answered(&pair, answer);
    CHECK(otls_otp_message_decision(answer) == OTLS_DECISION_APPROVED);
    CHECK(memcmp(otls_otp_message_code(answer, &code_len), digits, 6) == 0 && code_len == 6);
    WORKS(otls_otp_message_receipt(answer, pair.bank, &receipt, &error));
    WORKS(otls_receipt_check_context(receipt, context, &error));
    FAILS(OTLS_ERROR_OTP_RECEIPT, otls_receipt_check_context(receipt, paisa_more, &error));
    the_receipt_is_whole(receipt, answer);
    the_file_proves_it(receipt, world, digits);
    otls_receipt_free(receipt);
    otls_otp_message_free(answer);

    /* A receipt that was signed on another connection proves nothing here. */
    envelope = rendered(&other, context);
    WORKS(otls_otp_message_approval(pair.asha, envelope, TEXT("123456"), NOW, &answer, &error));
    WORKS(otls_otp_channel_send(other.ashas, other.asha, answer, &error));
    WORKS(transfer(other.asha, other.bank, &error));
    otls_otp_message_free(answer);
    FAILS(OTLS_ERROR_OTP_RECEIPT, otls_otp_channel_receive(other.banks, other.bank, NOW, &answer, &error));
    otls_otp_message_free(envelope);
    otls_otp_context_free(context);
    otls_otp_context_free(paisa_more);
    free_pair(&pair);
    free_pair(&other);
}

static void a_customer_declines(const struct world *world) {
    otls_error *error;
    otls_receipt *receipt;
    otls_otp_message *answer;
    struct pair pair = connect_both(world);
    otls_otp_context *context = payment(10000000);
    otls_otp_message *envelope = rendered(&pair, context);
    CHECK(otls_otp_message_decision(envelope) == 0 && otls_otp_message_decision(NULL) == 0);
    WORKS(otls_otp_message_refusal(pair.asha, envelope, NOW, &answer, &error));
    answer = answered(&pair, answer);
    CHECK(otls_otp_message_decision(answer) == OTLS_DECISION_DECLINED);
    CHECK(otls_otp_message_code(answer, NULL) == NULL);
    WORKS(otls_otp_message_receipt(answer, pair.bank, &receipt, &error));
    CHECK(otls_receipt_decision(receipt) == OTLS_DECISION_DECLINED);
    otls_receipt_free(receipt);
    WORKS(otls_otp_message_receipt(envelope, pair.bank, &receipt, &error));
    CHECK(receipt == NULL && otls_receipt_decision(receipt) == 0 && otls_receipt_time(receipt) == 0);
    otls_otp_message_free(answer);
    otls_otp_message_free(envelope);
    otls_otp_context_free(context);
    free_pair(&pair);
}

int main(void) {
    struct world world = make_world();
    payments_are_what_they_say();
    a_customer_approves(&world);
    a_customer_declines(&world);
    code_and_receipt_are_accepted_and_kept_together(&world);
    an_answer_is_about_a_code_that_was_sent_here(&world);
    free_world(&world);
    return 0;
}
