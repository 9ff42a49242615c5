/* What the bank does with one customer: sends an OTP for a transfer, and judges the code and receipt that come back. */
#ifndef OTLS_EXAMPLES_TRANSFER_H
#define OTLS_EXAMPLES_TRANSFER_H

#include "receipts.h"

enum { CODE_LIFETIME = 120, CODE_ATTEMPTS = 3 };

struct bank {
    const otls_server_config *config;
    otls_otp_ledger *ledger;
    const otls_otp_context *context;
    /* The folder for receipts; NULL keeps none. */
    const char *receipts;
};

/* A customer, and what has been learnt of it. */
struct customer {
    struct drive *drive;
    otls_otp_channel *channel;
    /* The name in the certificate, once it is verified. */
    otls_blob *subject;
};

/* What the code approves, and nothing else: one changed character is another transaction. */
static inline int transfer(otls_otp_context **context) {
    otls_error *error = NULL;
    otls_otp_payment payment = {
        .purpose = "transfer",
        .minor = 10000000,
        .currency = "INR",
        .payee = "your friend's account",
        .text_template = "The OTP for transferring {amount} to {payee} is {code}.",
    };
    return otls_otp_context_payment(&payment, context, &error)
               ? explain("the transaction", error)
               : DONE;
}

/* Issues a code to the customer of the certificate, and has it sent in the text of the transaction. */
static inline int offer(const struct bank *bank, struct customer *customer) {
    otls_connection *connection = drive_connection(customer->drive);
    otls_error *error = NULL;
    otls_certificate *certificate = NULL;
    otls_otp_issued *issued = NULL;
    otls_otp_message *envelope = NULL;
    const char *name;
    int code = DONE;

    if (otls_connection_peer(connection, &certificate, &error) ||
        otls_certificate_common_name(certificate, &customer->subject, &error)) {
        code = explain("the customer", error);
    }
    name = (const char *)otls_blob_data(customer->subject, NULL);
    otls_otp_code_request request = {
        .subject = name, .context = bank->context, .lifetime = CODE_LIFETIME, .attempts = CODE_ATTEMPTS
    };
    if (code == DONE && (otls_otp_ledger_issue(bank->ledger, &request, now(), &issued, &error) ||
                         otls_otp_message_rendered(issued, bank->context, &envelope, &error) ||
                         otls_otp_channel_send(customer->channel, connection, envelope, &error))) {
        code = explain("no code can be issued", error);
    }
    if (code == DONE) {
        fprintf(stderr, "otp_bank: sent an OTP to %s\n", name);
    }
    otls_otp_message_free(envelope);
    otls_otp_issued_free(issued);
    otls_certificate_free(certificate);
    return code;
}

/* Judges the code that came back with its receipt, once, and has the customer told. The ledger accepts and keeps both,
   or neither. */
static inline int judge(const struct bank *bank, struct customer *customer, const otls_otp_message *answer) {
    otls_connection *connection = drive_connection(customer->drive);
    uint8_t id[OTLS_OTP_ID_LEN];
    size_t id_len = sizeof id;
    const char *name = (const char *)otls_blob_data(customer->subject, NULL);
    otls_otp_attempt attempt = { 0 };
    int32_t verdict = 0;
    uint32_t left = 0;
    otls_error *error = NULL;
    otls_otp_message *notice = NULL;
    otls_receipt *receipt = NULL;
    int result = take_receipt(connection, answer, &receipt);

    if (result == DONE && otls_otp_message_id(answer, id, &id_len, &error)) {
        result = explain("the answer", error);
    }
    attempt.id = id;
    attempt.id_len = id_len;
    attempt.subject = name;
    attempt.context = bank->context;
    attempt.code = otls_otp_message_code(answer, &attempt.code_len);
    attempt.receipt = receipt;
    if (result == DONE && otls_otp_message_decision(answer) != OTLS_DECISION_APPROVED) {
        result = otls_otp_ledger_decline(bank->ledger, &attempt, now(), &verdict, &error)
                     ? explain("the customer declined, and it cannot be kept", error)
                     : keep(bank->receipts, receipt);
        otls_receipt_free(receipt);
        return result == DONE ? fail(OTP, "otp_bank", "the customer declined") : result;
    }
    if (result == DONE && (otls_otp_ledger_verify(bank->ledger, &attempt, now(), &verdict, &left, &error) ||
                           otls_otp_message_of_verdict(id, id_len, verdict, left, &notice, &error))) {
        result = explain("the code cannot be judged", error);
    }
    if (result == DONE && verdict == OTLS_VERDICT_ACCEPTED) {
        result = keep(bank->receipts, receipt);
    }
    if (result == DONE && otls_otp_channel_send(customer->channel, connection, notice, &error)) {
        result = explain("the verdict", error);
    }
    otls_receipt_free(receipt);
    otls_otp_message_free(notice);
    if (result == DONE && verdict != OTLS_VERDICT_ACCEPTED) {
        return fail(OTP, "otp_bank", "the code was refused");
    }
    if (result == DONE) {
        fprintf(stderr, "otp_bank: the code of %s was verified: accepted\n", name);
    }
    return result;
}

#endif
