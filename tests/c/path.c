/* Authorities below authorities, chains that are judged, and the report of a refusal. */
#include "check.h"
#include "vectors.h"

static otls_authority *root, *branch;
static otls_blob *chain, *leaf;

/* The request of a new key. */
static otls_request *make_request(const char *common_name, otls_key **key) {
    otls_error *error;
    otls_request *request;
    otls_name *name = make_name(common_name);
    WORKS(otls_name_add_alternative(name, common_name, &error));
    WORKS(otls_key_generate(OTLS_KEY_ECDSA_P256, key, &error));
    WORKS(otls_request_create(*key, name, OTLS_HASH_SHA256, &request, &error));
    otls_name_free(name);
    return request;
}

/* The PEM of a certificate, which is freed. */
static otls_blob *pem_of(otls_certificate *certificate) {
    otls_error *error;
    otls_blob *pem;
    WORKS(otls_certificate_export(certificate, OTLS_ENCODING_PEM, &pem, &error));
    otls_certificate_free(certificate);
    return pem;
}

/* An authority that may issue for branch.example only, and a leaf with all above it. */
static void make_hierarchy(void) {
    otls_error *error;
    otls_key *key;
    otls_certificate *certificate;
    otls_authority *other, *stranger;
    otls_blob *own, *above;
    uint8_t both[8192];
    size_t len;
    otls_request *request = make_request("branch.example", &key);
    root = make_authority("Root");
    WORKS(otls_authority_issue_authority(root, request,
                                         TERMS(0, "branch.example,10.0.0.0/8", "secret.branch.example"),
                                         &certificate, &error));
    own = pem_of(certificate);
    WORKS(otls_authority_certificate(root, &certificate, &error));
    above = pem_of(certificate);
    len = blob_len(own);
    CHECK(len + blob_len(above) <= sizeof both);
    memcpy(both, otls_blob_data(own, NULL), len);
    memcpy(both + len, otls_blob_data(above, NULL), blob_len(above));
    WORKS(otls_authority_load(both, len + blob_len(above), key, OTLS_HASH_SHA256, &branch, &error));
    FAILS(OTLS_ERROR_CERTIFICATE_MALFORMED, otls_authority_load(TEXT("x"), key, OTLS_HASH_SHA256, &other, &error));
    FAILS(OTLS_ERROR_KEY_MISMATCH,
          otls_authority_load(otls_blob_data(above, NULL), blob_len(above), key, OTLS_HASH_SHA256, &other, &error));
    CHECK(other == NULL);
    /* One that has not issued it. */
    memcpy(both + len, otls_blob_data(own, NULL), len);
    WORKS(otls_authority_load(both, 2 * len, key, OTLS_HASH_SHA256, &other, &error));
    otls_authority_free(other);
    stranger = make_authority("Stranger");
    otls_blob_free(above);
    WORKS(otls_authority_certificate(stranger, &certificate, &error));
    above = pem_of(certificate);
    CHECK(len + blob_len(above) <= sizeof both);
    memcpy(both + len, otls_blob_data(above, NULL), blob_len(above));
    FAILS(OTLS_ERROR_CERTIFICATE_WRONG_ROLE,
          otls_authority_load(both, len + blob_len(above), key, OTLS_HASH_SHA256, &other, &error));
    CHECK(other == NULL);
    otls_authority_free(stranger);
    otls_blob_free(own);
    otls_blob_free(above);
    otls_key_free(key);
    otls_request_free(request);
    WORKS(otls_authority_chain(branch, &chain, &error));
}

/* A name that is not asked for, beside the one that is. */
static void names_are_added(const otls_request *request) {
    otls_error *error;
    otls_name *names = make_name("not looked at");
    otls_certificate *certificate;
    otls_blob *text;
    otls_certificate_terms terms = { .validity = { NOW, DAY }, .profile = OTLS_PROFILE_BOTH, .names = names };
    WORKS(otls_name_add_alternative(names, "10.0.0.1", &error));
    WORKS(otls_authority_issue(branch, request, &terms, &certificate, &error));
    WORKS(otls_certificate_to_text(certificate, &text, &error));
    CHECK(strstr((const char *)otls_blob_data(text, NULL), "DNS:www.branch.example, IP Address:10.0.0.1") != NULL);
    otls_blob_free(text);
    otls_certificate_free(certificate);
    terms.profile = 99;
    FAILS(OTLS_ERROR_API_MISUSE, otls_authority_issue(branch, request, &terms, &certificate, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_authority_issue(branch, request, NULL, &certificate, &error));
    otls_name_free(names);
}

static void make_leaf(void) {
    otls_error *error;
    otls_key *key;
    otls_certificate *certificate;
    otls_blob *text;
    otls_request *request = make_request("www.branch.example", &key);
    otls_certificate_terms terms = { .validity = { NOW, DAY }, .profile = OTLS_PROFILE_BOTH };
    WORKS(otls_authority_issue(branch, request, &terms, &certificate, &error));
    WORKS(otls_certificate_to_text(certificate, &text, &error));
    CHECK(strncmp((const char *)otls_blob_data(text, NULL), "Certificate:", 12) == 0);
    otls_blob_free(text);
    leaf = pem_of(certificate);
    names_are_added(request);
    otls_key_free(key);
    otls_request_free(request);
}

static int32_t judge(otls_trust_store *trust, int32_t role, const char *name, otls_error **error) {
    otls_certificate *authority;
    size_t len;
    const uint8_t *data = otls_blob_data(leaf, &len);
    int32_t code = otls_chain_verify(data, len, AS(trust, role, name, NOW, 0), &authority, error);
    CHECK((authority != NULL) == (code == OTLS_OK));
    otls_certificate_free(authority);
    return code;
}

static void a_path_needs_what_is_between(void) {
    otls_error *error;
    otls_certificate *between;
    otls_trust_store *trust = make_trust(root);
    FAILS(OTLS_ERROR_CERTIFICATE_UNTRUSTED, judge(trust, OTLS_ROLE_CLIENT, "", &error));
    WORKS(otls_authority_certificate(branch, &between, &error));
    WORKS(otls_trust_store_add_intermediate(trust, between, &error));
    otls_certificate_free(between);
    WORKS(judge(trust, OTLS_ROLE_SERVER, "www.branch.example", &error));
    WORKS(judge(trust, OTLS_ROLE_CLIENT, "", &error));
    WORKS(judge(trust, OTLS_ROLE_ANY, "", &error));
    FAILS(OTLS_ERROR_CERTIFICATE_WRONG_NAME, judge(trust, OTLS_ROLE_SERVER, "bank.example", &error));
    FAILS(OTLS_ERROR_API_MISUSE, judge(trust, OTLS_ROLE_SERVER, "", &error));
    FAILS(OTLS_ERROR_API_MISUSE, judge(trust, OTLS_ROLE_CLIENT, "bank.example", &error));
    FAILS(OTLS_ERROR_API_MISUSE, judge(trust, 99, "", &error));
    FAILS(OTLS_ERROR_NULL_POINTER, judge(NULL, OTLS_ROLE_ANY, "", &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_trust_store_add_intermediate(trust, NULL, &error));
    WORKS(otls_trust_store_set_max_depth(trust, 1, &error));
    WORKS(judge(trust, OTLS_ROLE_ANY, "", &error));
    WORKS(otls_trust_store_set_max_depth(trust, 0, &error));
    FAILS(OTLS_ERROR_CERTIFICATE_WRONG_ROLE, judge(trust, OTLS_ROLE_ANY, "", &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_trust_store_set_max_depth(NULL, 0, &error));
    otls_trust_store_free(trust);
}

/* Both authorities' lists are asked for, and found wanting one by one. */
static void lists_can_be_required(void) {
    otls_error *error;
    otls_blob *list;
    otls_certificate *between;
    otls_trust_store *trust = make_trust(root);
    const otls_authority *authorities[2];
    otls_finding finding;
    size_t i;
    authorities[0] = root;
    authorities[1] = branch;
    WORKS(otls_authority_certificate(branch, &between, &error));
    WORKS(otls_trust_store_add_intermediate(trust, between, &error));
    otls_certificate_free(between);
    WORKS(otls_trust_store_require_crls(trust, &error));
    for (i = 0; i < 2; i++) {
        CHECK(judge(trust, OTLS_ROLE_ANY, "", &error) != OTLS_OK);
        CHECK(otls_error_finding(error, 0, &finding) == 1 && strcmp(finding.check, "revocation") == 0);
        CHECK(otls_error_finding(error, 1, &finding) == 1 - (int)i && otls_error_finding(error, 2, NULL) == 0);
        otls_error_free(error);
        WORKS(otls_authority_issue_crl(authorities[i], NULL, 0, 1, (otls_validity){NOW, DAY}, &list, &error));
        WORKS(otls_trust_store_add_crl(trust, otls_blob_data(list, NULL), blob_len(list), &error));
        otls_blob_free(list);
    }
    WORKS(judge(trust, OTLS_ROLE_ANY, "", &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_trust_store_require_crls(NULL, &error));
    otls_trust_store_free(trust);
}

/* A certificate of a private authority that says nothing of its use, as SPIFFE's. */
static void a_missing_eku_can_be_allowed(void) {
    otls_error *error;
    otls_certificate *authority;
    otls_blob *left_out;
    otls_trust_store *trust;
    size_t len = read_vector("../certificates/no-eku-root.pem");
    WORKS(otls_trust_store_new(&trust, &error));
    WORKS(otls_trust_store_add_bundle(trust, buffer, len, &left_out, &error));
    otls_blob_free(left_out);
    len = read_vector("../certificates/no-eku-leaf.pem");
    FAILS(OTLS_ERROR_CERTIFICATE_WRONG_USAGE,
          otls_chain_verify(buffer, len, AS(trust, OTLS_ROLE_CLIENT, "", NOW, 0), &authority, &error));
    WORKS(otls_trust_store_allow_missing_eku(trust, &error));
    WORKS(otls_chain_verify(buffer, len, AS(trust, OTLS_ROLE_CLIENT, "", NOW, 0), &authority, &error));
    otls_certificate_free(authority);
    FAILS(OTLS_ERROR_NULL_POINTER, otls_trust_store_allow_missing_eku(NULL, &error));
    otls_trust_store_free(trust);
}

static void a_refusal_has_a_report(void) {
    otls_error *error;
    otls_authority *stranger = make_authority("Stranger");
    otls_trust_store *trust = make_trust(stranger);
    otls_finding finding;
    size_t i;
    CHECK(judge(trust, OTLS_ROLE_SERVER, "bank.example", &error) == OTLS_ERROR_CERTIFICATE_UNTRUSTED);
    for (i = 0; otls_error_finding(error, i, &finding); i++) {
        CHECK(finding.candidate == 0 && finding.depth == 0);
        CHECK(strstr(finding.subject, "www.branch.example") != NULL);
        CHECK(*finding.reason != 0 && *finding.hint != 0);
        CHECK(strcmp(finding.check, i == 0 ? "issuer" : "name") == 0);
        CHECK(i != 0 || strstr(finding.reason, "CN=Stranger") != NULL);
    }
    CHECK(i == 2 && finding.depth == -1 && finding.candidate == -1);
    CHECK(*finding.subject == 0 && *finding.check == 0 && *finding.reason == 0 && *finding.hint == 0);
    otls_error_free(error);
    otls_trust_store_free(trust);
    otls_authority_free(stranger);
}

static void wrong_requests_are_refused(void) {
    otls_error *error;
    otls_key *key;
    otls_certificate *certificate;
    otls_blob *text;
    otls_request *request = make_request("deeper.branch.example", &key);
    /* No further authority may stand below it. */
    FAILS(OTLS_ERROR_AUTHORITY_REFUSED,
          otls_authority_issue_authority(branch, request, TERMS(0, NULL, NULL), &certificate, &error));
    FAILS(OTLS_ERROR_BAD_NAME,
          otls_authority_issue_authority(root, request, TERMS(0, "not a name", NULL), &certificate, &error));
    FAILS(OTLS_ERROR_NULL_POINTER,
          otls_authority_issue_authority(root, NULL, TERMS(0, NULL, NULL), &certificate, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_authority_chain(NULL, &text, &error));
    FAILS(OTLS_ERROR_NULL_POINTER, otls_certificate_to_text(NULL, &text, &error));
    otls_key_free(key);
    otls_request_free(request);
}

int main(void) {
    make_hierarchy();
    make_leaf();
    a_path_needs_what_is_between();
    lists_can_be_required();
    a_missing_eku_can_be_allowed();
    a_refusal_has_a_report();
    wrong_requests_are_refused();
    otls_blob_free(chain);
    otls_blob_free(leaf);
    otls_authority_free(branch);
    otls_authority_free(root);
    return 0;
}
