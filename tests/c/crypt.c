/* Formats of keys, encryption to a key, and authenticated encryption with a key. */
#include "vectors.h"

static const struct {
    int32_t algorithm;
    size_t key_len;
} AEADS[] = {
    { OTLS_AEAD_AES_128_GCM, 16 },
    { OTLS_AEAD_AES_256_GCM, 32 },
    { OTLS_AEAD_CHACHA20_POLY1305, 32 },
    { OTLS_AEAD_AES_128_CBC_HMAC_SHA256, 32 },
    { OTLS_AEAD_AES_256_CBC_HMAC_SHA384, 56 },
};
static const uint8_t KEY[56] = { 1, 2, 3 };

/* What was written loads again, with the same public key. */
static void same_key(const otls_key *key, const otls_blob *data, const uint8_t *password, size_t password_len) {
    otls_error *error;
    otls_key *again;
    otls_public_key *ours, *theirs;
    otls_blob *one, *other;
    size_t len;
    const uint8_t *octets = otls_blob_data(data, &len);
    WORKS(otls_key_load(octets, len, password, password_len, &again, &error));
    WORKS(otls_key_public(key, &ours, &error));
    WORKS(otls_key_public(again, &theirs, &error));
    WORKS(otls_public_key_export(ours, OTLS_FORMAT_PKCS8, OTLS_ENCODING_DER, &one, &error));
    WORKS(otls_public_key_export(theirs, OTLS_FORMAT_PKCS8, OTLS_ENCODING_DER, &other, &error));
    CHECK(blob_len(one) == blob_len(other));
    CHECK(memcmp(otls_blob_data(one, NULL), otls_blob_data(other, NULL), blob_len(one)) == 0);
    otls_blob_free(one);
    otls_blob_free(other);
    otls_public_key_free(ours);
    otls_public_key_free(theirs);
    otls_key_free(again);
}

static void each_format_loads_again(const otls_key *key, int32_t traditional) {
    static const int32_t ENCODINGS[] = { OTLS_ENCODING_PEM, OTLS_ENCODING_DER };
    static const int32_t ENCRYPTIONS[] = { OTLS_ENCRYPTION_PBKDF2, OTLS_ENCRYPTION_SCRYPT };
    otls_error *error;
    otls_blob *data;
    size_t i, j;
    for (i = 0; i < 2; i++) {
        WORKS(otls_key_export(key, PLAIN(OTLS_FORMAT_PKCS8, ENCODINGS[i]), &data, &error));
        same_key(key, data, NULL, 0);
        otls_blob_free(data);
        WORKS(otls_key_export(key, PLAIN(traditional, ENCODINGS[i]), &data, &error));
        same_key(key, data, NULL, 0);
        otls_blob_free(data);
        for (j = 0; j < 2; j++) {
            WORKS(otls_key_export(key, SEALED(OTLS_FORMAT_PKCS8, ENCODINGS[i], ENCRYPTIONS[j], "right"), &data, &error));
            same_key(key, data, TEXT("right"));
            otls_blob_free(data);
        }
    }
    WORKS(otls_key_export(key, SEALED(traditional, OTLS_ENCODING_PEM, OTLS_ENCRYPTION_LEGACY_PEM, "right"), &data, &error));
    same_key(key, data, TEXT("right"));
    otls_blob_free(data);
}

static void keys_have_formats(const otls_key *ec, const otls_key *rsa) {
    otls_error *error;
    otls_blob *data;
    otls_public_key *public_key;
    each_format_loads_again(ec, OTLS_FORMAT_SEC1);
    each_format_loads_again(rsa, OTLS_FORMAT_PKCS1);
    FAILS(OTLS_ERROR_KEY_UNSUPPORTED_FORMAT,
          otls_key_export(ec, PLAIN(OTLS_FORMAT_PKCS1, OTLS_ENCODING_PEM), &data, &error));
    FAILS(OTLS_ERROR_API_MISUSE,
          otls_key_export(ec, PLAIN(9, OTLS_ENCODING_PEM), &data, &error));
    FAILS(OTLS_ERROR_API_MISUSE,
          otls_key_export(ec, PLAIN(OTLS_FORMAT_PKCS8, 9), &data, &error));
    FAILS(OTLS_ERROR_API_MISUSE,
          otls_key_export(ec, SEALED(OTLS_FORMAT_PKCS8, OTLS_ENCODING_PEM, OTLS_ENCRYPTION_NONE, "x"), &data, &error));
    FAILS(OTLS_ERROR_API_MISUSE,
          otls_key_export(ec, &(otls_key_export_options){ .format = OTLS_FORMAT_PKCS8, .encoding = OTLS_ENCODING_PEM, .encryption = OTLS_ENCRYPTION_SCRYPT }, &data, &error));
    FAILS(OTLS_ERROR_NULL_POINTER,
          otls_key_export(NULL, PLAIN(OTLS_FORMAT_PKCS8, OTLS_ENCODING_PEM), &data, &error));

    WORKS(otls_key_public(rsa, &public_key, &error));
    WORKS(otls_public_key_export(public_key, OTLS_FORMAT_PKCS1, OTLS_ENCODING_PEM, &data, &error));
    CHECK(strncmp((const char *)otls_blob_data(data, NULL), "-----BEGIN RSA PUBLIC KEY-----", 30) == 0);
    otls_blob_free(data);
    WORKS(otls_public_key_export(public_key, OTLS_FORMAT_PKCS1, OTLS_ENCODING_DER, &data, &error));
    otls_blob_free(data);
    WORKS(otls_public_key_export(public_key, OTLS_FORMAT_PKCS8, OTLS_ENCODING_PEM, &data, &error));
    otls_blob_free(data);
    FAILS(OTLS_ERROR_API_MISUSE,
          otls_public_key_export(public_key, OTLS_FORMAT_SEC1, OTLS_ENCODING_PEM, &data, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_public_key_export(NULL, OTLS_FORMAT_PKCS8, OTLS_ENCODING_PEM, &data, &error));
    otls_public_key_free(public_key);
}

static void oaep_opens_with_the_key_and_label(const otls_key *rsa, const otls_key *ec) {
    otls_error *error;
    otls_public_key *public_key, *of_ec;
    otls_blob *ciphertext, *plaintext;
    static const uint8_t LONG[300];
    uint8_t changed[256];
    size_t len;
    WORKS(otls_key_public(rsa, &public_key, &error));
    WORKS(otls_key_public(ec, &of_ec, &error));
    WORKS(otls_public_key_encrypt(public_key, TEXT("label"), TEXT("a content key"), &ciphertext, &error));
    memcpy(changed, otls_blob_data(ciphertext, &len), sizeof changed);
    CHECK(len == sizeof changed);
    WORKS(otls_key_decrypt(rsa, TEXT("label"), changed, len, &plaintext, &error));
    CHECK(has(plaintext, "a content key"));
    otls_blob_free(plaintext);
    FAILS(OTLS_ERROR_DECRYPT_FAILED, otls_key_decrypt(rsa, NULL, 0, changed, len, &plaintext, &error));
    changed[200] ^= 1;
    FAILS(OTLS_ERROR_DECRYPT_FAILED, otls_key_decrypt(rsa, TEXT("label"), changed, len, &plaintext, &error));
    CHECK(plaintext == NULL);
    FAILS(OTLS_ERROR_DECRYPT_FAILED, otls_key_decrypt(rsa, TEXT("label"), changed, 9, &plaintext, &error));
    FAILS(OTLS_ERROR_WRONG_SCHEME, otls_key_decrypt(ec, TEXT("label"), changed, len, &plaintext, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_key_decrypt(NULL, NULL, 0, changed, len, &plaintext, &error));
    FAILS(OTLS_ERROR_API_MISUSE, otls_public_key_encrypt(public_key, NULL, 0, LONG, sizeof LONG, &plaintext, &error));
    FAILS(OTLS_ERROR_WRONG_SCHEME, otls_public_key_encrypt(of_ec, NULL, 0, TEXT("x"), &plaintext, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_public_key_encrypt(NULL, NULL, 0, TEXT("x"), &plaintext, &error));
    otls_blob_free(ciphertext);
    otls_public_key_free(of_ec);
    otls_public_key_free(public_key);
}

/* Nothing comes out of a message with any one octet changed, cut short, or with other associated data. */
static void only_what_was_sealed_opens(const otls_aead *aead, const otls_blob *sealed) {
    otls_error *error;
    otls_blob *plaintext;
    uint8_t changed[256];
    size_t len, i;
    const uint8_t *octets = otls_blob_data(sealed, &len);
    CHECK(len <= sizeof changed);
    memcpy(changed, octets, len);
    WORKS(otls_aead_open(aead, changed, len, TEXT("aad"), &plaintext, &error));
    CHECK(has(plaintext, "Rs 1,00,000"));
    otls_blob_free(plaintext);
    for (i = 0; i < len; i++) {
        changed[i] ^= 0x80;
        FAILS(OTLS_ERROR_DECRYPT_FAILED, otls_aead_open(aead, changed, len, TEXT("aad"), &plaintext, &error));
        CHECK(plaintext == NULL);
        changed[i] ^= 0x80;
        FAILS(OTLS_ERROR_DECRYPT_FAILED, otls_aead_open(aead, changed, i, TEXT("aad"), &plaintext, &error));
    }
    FAILS(OTLS_ERROR_DECRYPT_FAILED, otls_aead_open(aead, changed, len, TEXT("other"), &plaintext, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_aead_open(NULL, changed, len, NULL, 0, &plaintext, &error));
}

static void sealed_messages_open_with_the_key(void) {
    otls_error *error;
    otls_aead *aead, *other;
    otls_blob *sealed;
    size_t i;
    for (i = 0; i < sizeof AEADS / sizeof *AEADS; i++) {
        WORKS(otls_aead_new(AEADS[i].algorithm, KEY, AEADS[i].key_len, &aead, &error));
        WORKS(otls_aead_seal(aead, TEXT("Rs 1,00,000"), TEXT("aad"), &sealed, &error));
        only_what_was_sealed_opens(aead, sealed);
        otls_blob_free(sealed);
        FAILS(OTLS_ERROR_API_MISUSE, otls_aead_new(AEADS[i].algorithm, KEY, AEADS[i].key_len - 1, &other, &error));
        otls_aead_free(aead);
    }
    FAILS(OTLS_ERROR_API_MISUSE, otls_aead_new(99, KEY, 16, &other, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_aead_new(OTLS_AEAD_AES_128_GCM, NULL, 16, &other, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_aead_seal(NULL, TEXT("x"), NULL, 0, &sealed, &error));
    otls_aead_free(NULL);
}

int main(void) {
    otls_error *error;
    otls_key *ec, *rsa;
    WORKS(otls_key_generate(OTLS_KEY_ECDSA_P384, &ec, &error));
    /* To make one takes a minute under valgrind. */
    WORKS(otls_key_load(buffer, read_vector("rsa.pem"), NULL, 0, &rsa, &error));
    keys_have_formats(ec, rsa);
    oaep_opens_with_the_key_and_label(rsa, ec);
    sealed_messages_open_with_the_key();
    otls_key_free(ec);
    otls_key_free(rsa);
    return 0;
}
