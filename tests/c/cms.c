/* Messages for somebody who is not connected: signed, sealed, and the OTP by mail. */
#include "check.h"
#include "vectors.h"

static otls_identity *bank, *asha, *ravi;
static otls_trust_store *trust;

static otls_certificate *certificate_of(const otls_identity *identity) {
    otls_error *error;
    otls_certificate *certificate;
    WORKS(otls_identity_certificate(identity, &certificate, &error));
    return certificate;
}

static void a_sealed_message_is_for_its_recipient(void) {
    otls_error *error;
    otls_blob *message, *content;
    otls_certificate *to = certificate_of(asha), *server = certificate_of(bank), *signer;
    const uint8_t *data;
    size_t len;
    WORKS(otls_cms_seal(TEXT("see you at six"), bank, to, NOW, &message, &error));
    data = otls_blob_data(message, &len);
    WORKS(otls_cms_open(data, len, asha, AS(trust, OTLS_ROLE_SERVER, "bank.example", NOW, 0), &signer, &content, &error));
    CHECK(has(content, "see you at six"));
    otls_blob_free(content);
    otls_certificate_free(signer);
    WORKS(otls_cms_open(data, len, asha, AS(trust, OTLS_ROLE_ANY, NULL, NOW, 0), NULL, &content, &error));
    otls_blob_free(content);

    FAILS(OTLS_ERROR_CMS_NOT_RECIPIENT,
          otls_cms_open(data, len, ravi, AS(trust, OTLS_ROLE_ANY, NULL, NOW, 0), &signer, &content, &error));
    CHECK(signer == NULL && content == NULL);
    FAILS(OTLS_ERROR_CMS_MALFORMED,
          otls_cms_open(data, len - 1, asha, AS(trust, OTLS_ROLE_ANY, NULL, NOW, 0), NULL, &content, &error));
    FAILS(OTLS_ERROR_CERTIFICATE_WRONG_NAME,
          otls_cms_open(data, len, asha, AS(trust, OTLS_ROLE_SERVER, "other.example", NOW, 0), NULL, &content, &error));
    FAILS(OTLS_ERROR_API_MISUSE,
          otls_cms_open(data, len, asha, AS(trust, OTLS_ROLE_SERVER, NULL, NOW, 0), NULL, &content, &error));
    FAILS(OTLS_ERROR_NULL_POINTER,
          otls_cms_open(data, len, NULL, AS(trust, OTLS_ROLE_ANY, NULL, NOW, 0), NULL, &content, &error));
    FAILS(OTLS_ERROR_NULL_POINTER,
          otls_cms_open(data, len, asha, AS(NULL, OTLS_ROLE_ANY, NULL, NOW, 0), NULL, &content, &error));
    FAILS(OTLS_ERROR_NULL_POINTER,
          otls_cms_open(data, len, asha, AS(trust, OTLS_ROLE_ANY, NULL, NOW, 0), NULL, NULL, &error));
    otls_blob_free(message);

    FAILS(OTLS_ERROR_CERTIFICATE_WRONG_USAGE,
          otls_cms_seal(TEXT("see you at six"), asha, server, NOW, &message, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_cms_seal(TEXT("x"), NULL, to, NOW, &message, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_cms_seal(TEXT("x"), bank, NULL, NOW, &message, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_cms_seal(NULL, 1, bank, to, NOW, &message, &error));
    otls_certificate_free(server);
    otls_certificate_free(to);
}

static void a_signed_message_is_for_everybody(void) {
    otls_error *error;
    otls_blob *message, *content;
    otls_certificate *signer;
    uint8_t *changed;
    const uint8_t *data;
    size_t len;
    WORKS(otls_cms_sign(TEXT("our new address"), bank, NOW, &message, &error));
    data = otls_blob_data(message, &len);
    WORKS(otls_cms_verify(data, len, AS(trust, OTLS_ROLE_SERVER, "bank.example", NOW, 0), &signer, &content, &error));
    CHECK(has(content, "our new address"));
    otls_blob_free(content);
    otls_certificate_free(signer);
    FAILS(OTLS_ERROR_CMS_UNSUPPORTED,
          otls_cms_open(data, len, asha, AS(trust, OTLS_ROLE_ANY, NULL, NOW, 0), NULL, &content, &error));
    FAILS(OTLS_ERROR_CERTIFICATE_EXPIRED,
          otls_cms_verify(data, len, AS(trust, OTLS_ROLE_ANY, NULL, NOW + 2 * DAY, 0), NULL, &content, &error));
    changed = malloc(len);
    CHECK(changed != NULL);
    memcpy(changed, data, len);
    /* The last octet is of the signature. */
    changed[len - 1] ^= 1;
    FAILS(OTLS_ERROR_BAD_SIGNATURE,
          otls_cms_verify(changed, len, AS(trust, OTLS_ROLE_ANY, NULL, NOW, 0), NULL, &content, &error));
    free(changed);
    otls_blob_free(message);
    FAILS(OTLS_ERROR_NULL_POINTER, otls_cms_sign(TEXT("x"), NULL, NOW, &message, &error));
}

/* A signature that OpenSSL has made of a content beside it, in 2026. */
static void a_detached_signature_is_of_its_content(void) {
    static uint8_t message[sizeof buffer];
    const uint64_t then = 1800000000;
    otls_error *error;
    otls_trust_store *store;
    otls_certificate *signer;
    otls_blob *content;
    size_t len = read_vector("../cms/root.pem");
    WORKS(otls_trust_store_new(&store, &error));
    WORKS(otls_trust_store_add_bundle(store, buffer, len, &content, &error));
    otls_blob_free(content);
    len = read_vector("../cms/detached.pem");
    memcpy(message, buffer, len);
    WORKS(otls_cms_verify_detached(message, len, TEXT("Rs 5000 to Asha\n"),
                                   AS(store, OTLS_ROLE_SERVER, "bank.example", then, 0), &signer, &error));
    otls_certificate_free(signer);
    WORKS(otls_cms_verify_detached(message, len, TEXT("Rs 5000 to Asha\n"),
                                   AS(store, OTLS_ROLE_ANY, NULL, then, 0), NULL, &error));
    FAILS(OTLS_ERROR_BAD_SIGNATURE,
          otls_cms_verify_detached(message, len, TEXT("Rs 9000 to Asha\n"),
                                   AS(store, OTLS_ROLE_ANY, NULL, then, 0), &signer, &error));
    CHECK(signer == NULL);
    FAILS(OTLS_ERROR_CMS_UNSUPPORTED,
          otls_cms_verify(message, len, AS(store, OTLS_ROLE_ANY, NULL, then, 0), NULL, &content, &error));
    FAILS(OTLS_ERROR_NULL_POINTER,
          otls_cms_verify_detached(message, len, NULL, 1, AS(store, OTLS_ROLE_ANY, NULL, then, 0), NULL, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_cms_verify_detached(message, len, TEXT("x"), NULL, NULL, &error));
    otls_trust_store_free(store);
}

static void an_otp_comes_by_mail(void) {
    otls_error *error;
    otls_otp_ledger *ledger;
    otls_otp_context *context;
    otls_otp_issued *issued;
    otls_otp_message *sent, *received, *verdict;
    otls_blob *mail, *other;
    otls_certificate *to = certificate_of(asha), *signer;
    uint8_t id[OTLS_OTP_ID_LEN] = { 0 };
    const uint8_t *data, *code, *issued_code;
    size_t len, code_len, issued_len;
    WORKS(otls_otp_context_new(&context, &error));
    WORKS(otls_otp_context_set(context, "amount", "100000.00", &error));
    WORKS(otls_otp_ledger_open("memory:", NULL, 0, NULL, &ledger, &error));
    WORKS(otls_otp_ledger_issue(ledger, CODE("asha", context), NOW, &issued, &error));
    WORKS(otls_otp_message_envelope(issued, context, "Your code", &sent, &error));

    WORKS(otls_otp_mail_seal(sent, bank, to, NOW, &mail, &error));
    data = otls_blob_data(mail, &len);
    /* The context has no template: any text could be shown with it. */
    FAILS(OTLS_ERROR_OTP_FREE_TEXT,
          otls_otp_mail_open(data, len, asha, AS(trust, OTLS_ROLE_SERVER, "bank.example", NOW, 0), NULL, &received, &error));
    WORKS(otls_otp_mail_open(data, len, asha, AS(trust, OTLS_ROLE_SERVER, "bank.example", NOW, 1), &signer, &received, &error));
    CHECK(otls_otp_message_kind(received) == OTLS_OTP_ENVELOPE);
    code = otls_otp_message_code(received, &code_len);
    issued_code = otls_otp_issued_code(issued, &issued_len);
    CHECK(code_len == issued_len && memcmp(code, issued_code, code_len) == 0);
    otls_otp_message_free(received);
    otls_certificate_free(signer);
    FAILS(OTLS_ERROR_OTP_EXPIRED,
          otls_otp_mail_open(data, len, asha, AS(trust, OTLS_ROLE_ANY, NULL, NOW + 120, 0), NULL, &received, &error));
    FAILS(OTLS_ERROR_CMS_NOT_RECIPIENT,
          otls_otp_mail_open(data, len, ravi, AS(trust, OTLS_ROLE_ANY, NULL, NOW, 0), NULL, &received, &error));
    FAILS(OTLS_ERROR_NULL_POINTER,
          otls_otp_mail_open(data, len, asha, AS(trust, OTLS_ROLE_ANY, NULL, NOW, 0), NULL, NULL, &error));
    WORKS(otls_cms_seal(TEXT("no envelope"), bank, to, NOW, &other, &error));
    FAILS(OTLS_ERROR_OTP_MALFORMED,
          otls_otp_mail_open(otls_blob_data(other, NULL), blob_len(other), asha, AS(trust, OTLS_ROLE_ANY, NULL, NOW, 0), NULL, &received, &error));
    otls_blob_free(other);
    WORKS(otls_otp_message_of_verdict(id, sizeof id, OTLS_VERDICT_ACCEPTED, 0, &verdict, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_otp_mail_seal(verdict, bank, to, NOW, &other, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_otp_mail_seal(NULL, bank, to, NOW, &other, &error));
    otls_otp_message_free(verdict);
    otls_blob_free(mail);
    otls_otp_message_free(sent);
    otls_otp_issued_free(issued);
    otls_otp_ledger_free(ledger);
    otls_otp_context_free(context);
    otls_certificate_free(to);
}

int main(void) {
    otls_authority *authority = make_authority("Root");
    trust = make_trust(authority);
    bank = make_identity(authority, "bank.example", OTLS_PROFILE_SERVER);
    asha = make_identity(authority, "asha.example", OTLS_PROFILE_CLIENT);
    ravi = make_identity(authority, "ravi.example", OTLS_PROFILE_CLIENT);
    a_sealed_message_is_for_its_recipient();
    a_signed_message_is_for_everybody();
    a_detached_signature_is_of_its_content();
    an_otp_comes_by_mail();
    otls_identity_free(ravi);
    otls_identity_free(asha);
    otls_identity_free(bank);
    otls_trust_store_free(trust);
    otls_authority_free(authority);
    return 0;
}
