/* One-time passwords from a shared secret: RFC 4226, RFC 6238 and RFC 6287, and otpauth URIs. */
#include "check.h"

#include <otls_oath.h>

#define SECRET TEXT("12345678901234567890")
#define SECRET_32 TEXT("12345678901234567890123456789012")
#define BASE32 "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

static void codes_from_a_counter(void) {
    otls_error *error;
    otls_hotp *hotp, *other;
    uint8_t code[8];
    size_t len = sizeof code;
    int32_t accepted;
    uint64_t counter = 0;
    FAILS(OTLS_ERROR_OTP_SECRET, otls_hotp_new(TEXT("short"), 6, &other, &error));
    CHECK(other == NULL);
    FAILS(OTLS_ERROR_API_MISUSE, otls_hotp_new(SECRET, 9, &other, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_hotp_new(SECRET, 6, NULL, &error));
    WORKS(otls_hotp_new(SECRET, 6, &hotp, &error));
    WORKS(otls_hotp_code(hotp, 1, code, &len, &error));
    CHECK(len == 6 && memcmp(code, "287082", 6) == 0);
    len = 5;
    FAILS(OTLS_ERROR_BUFFER_TOO_SMALL, otls_hotp_code(hotp, 1, code, &len, &error));
    CHECK(len == 6);
    FAILS(OTLS_ERROR_NULL_POINTER, otls_hotp_code(NULL, 1, code, &len, &error));

    WORKS(otls_hotp_verify(hotp, TEXT("287082"), 10, &counter, &accepted, &error));
    CHECK(accepted == 1 && counter == 2);
    WORKS(otls_hotp_verify(hotp, TEXT("287082"), 10, &counter, &accepted, &error));
    CHECK(accepted == 0 && counter == 2);
    counter = 0;
    FAILS(OTLS_ERROR_API_MISUSE, otls_hotp_verify(hotp, TEXT("287082"), 101, &counter, &accepted, &error));
    CHECK(accepted == 0 && counter == 0);
    FAILS(OTLS_ERROR_NULL_POINTER, otls_hotp_verify(hotp, TEXT("287082"), 1, NULL, &accepted, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_hotp_verify(hotp, TEXT("287082"), 1, &counter, NULL, &error));
    CHECK(counter == 0);
    FAILS(OTLS_ERROR_API_MISUSE, otls_hotp_verify(hotp, TEXT("\xFF"), 1, &counter, &accepted, &error));

    /* As it is typed: a blank, a no-break space and a dash, full-width digits. */
    WORKS(otls_hotp_verify(hotp, TEXT(" 287 082\n"), 1, &counter, &accepted, &error));
    CHECK(accepted == 1 && counter == 2);
    counter = 0;
    WORKS(otls_hotp_verify(hotp, TEXT("287\xC2\xA0\xE2\x80\x93 082"), 1, &counter, &accepted, &error));
    CHECK(accepted == 1 && counter == 2);
    counter = 0;
    WORKS(otls_hotp_verify(hotp, TEXT("28708\xEF\xBC\x92"), 1, &counter, &accepted, &error));
    CHECK(accepted == 1 && counter == 2);
    counter = 0;
    FAILS(OTLS_ERROR_OTP_NOT_A_CODE, otls_hotp_verify(hotp, TEXT(""), 1, &counter, &accepted, &error));
    FAILS(OTLS_ERROR_OTP_NOT_A_CODE, otls_hotp_verify(hotp, TEXT("28708"), 1, &counter, &accepted, &error));
    FAILS(OTLS_ERROR_OTP_NOT_A_CODE, otls_hotp_verify(hotp, TEXT("28708o"), 1, &counter, &accepted, &error));
    FAILS(OTLS_ERROR_OTP_NOT_A_CODE,
          otls_hotp_resynchronise(hotp, TEXT("399871"), TEXT("5204890"), &counter, &accepted, &error));
    CHECK(accepted == 0 && counter == 0);

    WORKS(otls_hotp_resynchronise(hotp, TEXT("399 871"), TEXT("520-489"), &counter, &accepted, &error));
    CHECK(accepted == 1 && counter == 10);
    counter = 3;
    WORKS(otls_hotp_resynchronise(hotp, TEXT("520489"), TEXT("399871"), &counter, &accepted, &error));
    CHECK(accepted == 0 && counter == 3);
    FAILS(OTLS_ERROR_NULL_POINTER, otls_hotp_resynchronise(NULL, TEXT("1"), TEXT("2"), &counter, &accepted, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_hotp_resynchronise(hotp, TEXT("1"), TEXT("2"), NULL, &accepted, &error));
    otls_hotp_free(hotp);
    otls_hotp_free(NULL);
}

static void codes_from_the_time(void) {
    otls_error *error;
    otls_totp *totp, *other;
    otls_blob *secret;
    otls_totp_state state = { 0, 0 };
    uint8_t code[8];
    size_t len = sizeof code;
    int32_t accepted;
    FAILS(OTLS_ERROR_API_MISUSE, otls_totp_new(SECRET, 9, 6, 30, &other, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_totp_new(SECRET, OTLS_OATH_SHA1, 6, 0, &other, &error));
    FAILS(OTLS_ERROR_OTP_SECRET, otls_totp_new(TEXT("short"), OTLS_OATH_SHA1, 6, 30, &other, &error));
    WORKS(otls_totp_new(SECRET_32, OTLS_OATH_SHA256, 8, 30, &totp, &error));
    WORKS(otls_totp_code(totp, 1111111109, code, &len, &error));
    CHECK(len == 8 && memcmp(code, "68084774", 8) == 0);
    FAILS(OTLS_ERROR_NULL_POINTER, otls_totp_code(NULL, 1, code, &len, &error));

    otls_totp_window late = { 1111111111, 1, 1 }, now = { 1111111109, 1, 1 }, wide = { 1111111109, 11, 0 };
    WORKS(otls_totp_verify(totp, code, len, late, &state, &accepted, &error));
    CHECK(accepted == 1 && state.next_step == 37037037 && state.drift == -1);
    WORKS(otls_totp_verify(totp, code, len, now, &state, &accepted, &error));
    CHECK(accepted == 0 && state.next_step == 37037037 && state.drift == -1);
    FAILS(OTLS_ERROR_OTP_NOT_A_CODE, otls_totp_verify(totp, code, 7, now, &state, &accepted, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_totp_verify(totp, code, len, wide, &state, &accepted, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_totp_verify(NULL, code, len, now, &state, &accepted, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_totp_verify(totp, code, len, now, NULL, &accepted, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_totp_verify(totp, code, len, now, &state, NULL, &error));
    CHECK(state.next_step == 37037037 && state.drift == -1);
    otls_totp_free(totp);
    otls_totp_free(NULL);

    WORKS(otls_oath_secret_new(OTLS_OATH_SHA512, &secret, &error));
    CHECK(blob_len(secret) == 64);
    WORKS(otls_totp_new(otls_blob_data(secret, &len), 64, OTLS_OATH_SHA512, 6, 60, &totp, &error));
    otls_totp_free(totp);
    otls_blob_free(secret);
    FAILS(OTLS_ERROR_API_MISUSE, otls_oath_secret_new(0, &secret, &error));
}

static void responses_to_challenges(void) {
    static const uint8_t PIN_HASH[20] = { 0x71, 0x10, 0xed, 0xa4, 0xd0, 0x9e, 0x06, 0x2a, 0xa5, 0xe4,
                                          0xa3, 0x90, 0xb0, 0xa5, 0x72, 0xac, 0x0d, 0x2c, 0x02, 0x20 };
    otls_error *error;
    otls_ocra *ocra, *other;
    otls_ocra_input input;
    uint8_t response[8], session[64] = { 0 };
    size_t len = sizeof response;
    int32_t accepted;
    memset(&input, 0, sizeof input);
    FAILS(OTLS_ERROR_OTP_SUITE, otls_ocra_new(SECRET, "OCRA-1:HOTP-MD5-6:QN08", &other, &error));
    FAILS(OTLS_ERROR_OTP_SECRET, otls_ocra_new(TEXT("short"), "OCRA-1:HOTP-SHA1-6:QN08", &other, &error));
    WORKS(otls_ocra_new(SECRET_32, "OCRA-1:HOTP-SHA256-8:C-QN08-PSHA1", &ocra, &error));
    input.challenge = (const uint8_t *)"12345678";
    input.challenge_len = 8;
    input.has_counter = 1;
    input.counter = 1;
    FAILS(OTLS_ERROR_OTP_SUITE, otls_ocra_response(ocra, &input, response, &len, &error));
    input.pin = (const uint8_t *)"1234";
    input.pin_len = 4;
    WORKS(otls_ocra_response(ocra, &input, response, &len, &error));
    CHECK(len == 8 && memcmp(response, "86775851", 8) == 0);
    input.pin_hash = PIN_HASH;
    input.pin_hash_len = sizeof PIN_HASH;
    FAILS(OTLS_ERROR_API_MISUSE, otls_ocra_verify(ocra, &input, response, len, &accepted, &error));
    input.pin = NULL;
    input.pin_len = 0;
    WORKS(otls_ocra_verify(ocra, &input, response, len, &accepted, &error));
    CHECK(accepted == 1);
    WORKS(otls_ocra_verify(ocra, &input, TEXT("8677-5851"), &accepted, &error));
    CHECK(accepted == 1);
    FAILS(OTLS_ERROR_OTP_NOT_A_CODE, otls_ocra_verify(ocra, &input, TEXT("8677585"), &accepted, &error));
    CHECK(accepted == 0);
    WORKS(otls_ocra_verify(ocra, &input, TEXT("86775852"), &accepted, &error));
    CHECK(accepted == 0);
    FAILS(OTLS_ERROR_NULL_POINTER, otls_ocra_verify(ocra, NULL, response, len, &accepted, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_ocra_verify(ocra, &input, response, len, NULL, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_ocra_response(NULL, &input, response, &len, &error));
    input.session = session;
    input.session_len = sizeof session;
    FAILS(OTLS_ERROR_OTP_SUITE, otls_ocra_verify(ocra, &input, response, len, &accepted, &error));
    otls_ocra_free(ocra);

    memset(&input, 0, sizeof input);
    WORKS(otls_ocra_new(SECRET_32, "OCRA-1:HOTP-SHA256-8:QA08", &ocra, &error));
    input.challenge = (const uint8_t *)"CLI22220";
    input.second_challenge = (const uint8_t *)"SRV11110";
    input.challenge_len = input.second_challenge_len = 8;
    WORKS(otls_ocra_verify(ocra, &input, TEXT("28247970"), &accepted, &error));
    CHECK(accepted == 1);
    input.second_challenge = NULL;
    FAILS(OTLS_ERROR_NULL_POINTER, otls_ocra_verify(ocra, &input, TEXT("28247970"), &accepted, &error));
    input.second_challenge_len = 0;
    input.has_time = 1;
    input.time = NOW;
    FAILS(OTLS_ERROR_OTP_SUITE, otls_ocra_verify(ocra, &input, TEXT("28247970"), &accepted, &error));
    otls_ocra_free(ocra);
    otls_ocra_free(NULL);
}

static void uris_say_what_went_into_them(void) {
    otls_error *error;
    otls_totp *totp;
    otls_hotp *hotp;
    otls_otpauth *otpauth, *again;
    otls_blob *uri;
    uint8_t code[8];
    const uint8_t *text;
    size_t len;
    uint64_t counter;
    WORKS(otls_totp_new(SECRET, OTLS_OATH_SHA1, 6, 30, &totp, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_totp_uri(totp, "a:b", "asha", &uri, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_totp_uri(NULL, "Bank", "asha", &uri, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_totp_uri(totp, NULL, "asha", &uri, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_totp_uri(totp, "Bank", "\xFF", &uri, &error));
    WORKS(otls_totp_uri(totp, "Bank", "asha", &uri, &error));
    otls_totp_free(totp);
    CHECK(has(uri, "otpauth://totp/Bank:asha?secret=" BASE32 "&issuer=Bank&algorithm=SHA1&digits=6&period=30"));
    WORKS(otls_otpauth_parse((const char *)otls_blob_data(uri, NULL), &again, &error));
    otls_blob_free(uri);
    text = otls_otpauth_issuer(again, &len);
    CHECK(len == 4 && memcmp(text, "Bank", 4) == 0);
    text = otls_otpauth_account(again, NULL);
    CHECK(memcmp(text, "asha", 4) == 0);
    FAILS(OTLS_ERROR_API_MISUSE, otls_otpauth_hotp(again, &hotp, &counter, &error));
    WORKS(otls_otpauth_totp(again, &totp, &error));
    otls_otpauth_free(again);
    len = sizeof code;
    WORKS(otls_totp_code(totp, 59, code, &len, &error));
    CHECK(memcmp(code, "287082", 6) == 0);
    otls_totp_free(totp);

    WORKS(otls_hotp_new(SECRET, 7, &hotp, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_hotp_uri(hotp, 3, "Bank", "", &uri, &error));
    WORKS(otls_hotp_uri(hotp, 3, "Bank", "asha", &uri, &error));
    WORKS(otls_otpauth_parse((const char *)otls_blob_data(uri, NULL), &otpauth, &error));
    otls_blob_free(uri);
    otls_hotp_free(hotp);
    FAILS(OTLS_ERROR_API_MISUSE, otls_otpauth_totp(otpauth, &totp, &error));
    WORKS(otls_otpauth_hotp(otpauth, &hotp, &counter, &error));
    CHECK(counter == 3);
    otls_hotp_free(hotp);
    WORKS(otls_otpauth_hotp(otpauth, &hotp, NULL, &error));
    otls_hotp_free(hotp);
    otls_otpauth_free(otpauth);

    WORKS(otls_otpauth_parse("otpauth://totp/asha?secret=" BASE32, &otpauth, &error));
    CHECK(otls_otpauth_issuer(otpauth, &len) == NULL && len == 0);
    otls_otpauth_free(otpauth);
    WORKS(otls_otpauth_parse("\xEF\xBB\xBFotpauth://totp/asha?secret=" BASE32 "&image=x&lock=true&algorithm=HmacSHA1\r\n",
                             &otpauth, &error));
    otls_otpauth_free(otpauth);
    FAILS(OTLS_ERROR_OTP_URI, otls_otpauth_parse("otpauth://totp/asha?secret=" BASE32 "&encoder=steam", &otpauth, &error));
    FAILS(OTLS_ERROR_OTP_URI, otls_otpauth_parse("otpauth://totp/asha?secret=" BASE32 "&x=1", &otpauth, &error));
    FAILS(OTLS_ERROR_OTP_URI, otls_otpauth_parse("otpauth-migration://offline?data=CjEK", &otpauth, &error));
    FAILS(OTLS_ERROR_OTP_URI, otls_otpauth_parse("otpauth://totp/asha", &otpauth, &error));
    FAILS(OTLS_ERROR_OTP_URI, otls_otpauth_parse("", &otpauth, &error));
    FAILS(OTLS_ERROR_OTP_SECRET, otls_otpauth_parse("otpauth://totp/a?secret=AAAA", &otpauth, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_otpauth_totp(NULL, &totp, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_otpauth_hotp(NULL, &hotp, NULL, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_hotp_uri(NULL, 0, "Bank", "asha", &uri, &error));
    CHECK(otls_otpauth_account(NULL, &len) == NULL && len == 0);
    CHECK(otls_otpauth_issuer(NULL, NULL) == NULL);
    otls_otpauth_free(NULL);
}

int main(void) {
    codes_from_a_counter();
    codes_from_the_time();
    responses_to_challenges();
    uris_say_what_went_into_them();
    return 0;
}
