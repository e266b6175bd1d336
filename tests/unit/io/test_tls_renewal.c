/* SPDX-License-Identifier: MIT */
/* Certificates whose files are replaced while clients come and go, in virtual time. */
#include "unit/io/tls_client.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "io/tls.h"
#include "io/tls_openssl.h"

struct scene {
    char folder[64], certificate[96], key[96];
    EVP_PKEY *keys[3];
    struct io_tls *tls;
    struct now now;
    struct log log;
    unsigned lines;
    char last[512]; /* line of the log */
    time_t written; /* when the last file was */
};

static void note(void *ctx, enum log_level level, const char *line)
{
    struct scene *s = ctx;
    s->lines++;
    snprintf(s->last, sizeof s->last, "%s: %s", log_level_name(level), line);
}

/* Another file under the same name, as renewals have it; the mark differs, whatever the system's clock does. */
static void put(struct scene *s, const char *path, const char *text)
{
    char beside[128];
    struct timespec times[2] = {{.tv_sec = ++s->written}, {.tv_sec = s->written}};
    snprintf(beside, sizeof beside, "%s.new", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
    assert_int_equal(rename(beside, path), 0);
}

static void put_certificate(struct scene *s, unsigned i)
{
    char *text = tls_certificate_text(s->keys[i], 1);
    put(s, s->certificate, text);
    free(text);
}

static void put_key(struct scene *s, unsigned i)
{
    char *text = tls_key_text(s->keys[i], NULL);
    put(s, s->key, text);
    free(text);
}

/* Pair 0 is there, and shown. */
static void begin(struct scene *s)
{
    char why[IO_TLS_WHY];
    *s = (struct scene){.folder = "/tmp/wgproxy-renewal-XXXXXX", .now = {.mono = NS_PER_S}};
    s->log = (struct log){.level = LOG_INFO, .write = note, .ctx = s};
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->certificate, sizeof s->certificate, "%s/proxy.pem", s->folder);
    snprintf(s->key, sizeof s->key, "%s/proxy.key", s->folder);
    for (unsigned i = 0; i < 3; i++) {
        s->keys[i] = tls_new_key();
    }
    char *certificate = tls_certificate_text(s->keys[0], 1), *key = tls_key_text(s->keys[0], NULL);
    put(s, s->certificate, certificate);
    put(s, s->key, key);
    assert_int_equal(io_tls_new(certificate, key, &s->tls, why), 0);
    assert_int_equal(io_tls_renew_from(s->tls, s->certificate, s->key), 0);
    free(certificate);
    free(key);
}

static void end(struct scene *s)
{
    io_tls_free(s->tls);
    for (unsigned i = 0; i < 3; i++) {
        EVP_PKEY_free(s->keys[i]);
    }
    unlink(s->certificate);
    unlink(s->key);
    assert_int_equal(rmdir(s->folder), 0);
}

/* So much later somebody comes in, and is shown the pair with this number. */
static void visit(struct scene *s, uint64_t later, unsigned shown)
{
    s->now.mono += later;
    tls_look(s->tls, &s->log, s->now);
    assert_int_equal(EVP_PKEY_eq(SSL_CTX_get0_privatekey(s->tls->context), s->keys[shown]), 1);
    const X509 *x = SSL_CTX_get0_certificate(s->tls->context);
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(x), s->keys[shown]), 1);
    assert_int_equal(ERR_peek_error(), 0);
}

static void expect_line(struct scene *s, const char *part)
{
    assert_int_equal(s->lines, 1);
    if (strstr(s->last, part) == NULL) {
        fail_msg("the log says: %s", s->last);
    }
    s->lines = 0;
}

static void new_files_are_shown_to_who_comes_next(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    visit(&s, 0, 0);
    visit(&s, 3600 * NS_PER_S, 0);
    assert_int_equal(s.lines, 0);
    put_certificate(&s, 1);
    put_key(&s, 1);
    visit(&s, NS_PER_S, 1);
    expect_line(&s, "info: the certificate in ");
    visit(&s, NS_PER_S, 1);
    assert_int_equal(s.lines, 0);
    end(&s);
}

static void what_changed_before_the_first_client_is_seen(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    put_certificate(&s, 1);
    put_key(&s, 1);
    visit(&s, 0, 1);
    end(&s);
}

static void the_files_are_looked_at_once_a_second(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    visit(&s, 0, 0);
    put_certificate(&s, 1);
    put_key(&s, 1);
    visit(&s, NS_PER_S - 1, 0);
    visit(&s, 1, 1);
    end(&s);
}

static void a_certificate_alone_waits_for_its_key(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    visit(&s, 0, 0);
    put_certificate(&s, 1);
    visit(&s, NS_PER_S, 0);
    put_key(&s, 1);
    visit(&s, NS_PER_S, 1);
    expect_line(&s, "info: ");
    end(&s);
}

static void what_stays_broken_is_told_once_and_the_old_is_shown(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    visit(&s, 0, 0);
    put_key(&s, 1);
    visit(&s, NS_PER_S, 0);
    assert_int_equal(s.lines, 0);
    visit(&s, NS_PER_S, 0);
    expect_line(&s, "but: the key does not fit the certificate -> clients are shown the old ");
    visit(&s, 60 * NS_PER_S, 0);
    assert_int_equal(s.lines, 0);

    assert_int_equal(unlink(s.certificate), 0); /* broken in another way: told anew */
    visit(&s, NS_PER_S, 0);
    visit(&s, NS_PER_S, 0);
    expect_line(&s, "but: CertFile: No such file or directory -> ");

    put_certificate(&s, 1);
    visit(&s, NS_PER_S, 1);
    expect_line(&s, "info: ");
    end(&s);
}

static void a_damaged_file_is_not_shown(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct scene s;
        begin(&s);
        visit(&s, 0, 0);
        put(&s, s.certificate, texts[i]);
        visit(&s, NS_PER_S, 0);
        visit(&s, NS_PER_S, 0);
        expect_line(&s, "warning: ");
        end(&s);
    }
}

/* As a hook may do that takes a renewal back. */
static void the_old_files_again_are_nothing_to_tell(void **state)
{
    (void)state;
    struct scene s;
    char aside[128];
    begin(&s);
    visit(&s, 0, 0);
    snprintf(aside, sizeof aside, "%s.old", s.key);
    assert_int_equal(rename(s.key, aside), 0);
    visit(&s, NS_PER_S, 0);
    assert_int_equal(rename(aside, s.key), 0);
    visit(&s, NS_PER_S, 0);
    visit(&s, NS_PER_S, 0);
    assert_int_equal(s.lines, 0);
    end(&s);
}

static void a_stream_goes_on_with_what_it_began_with(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    visit(&s, 0, 0);
    SSL *ssl = SSL_new(s.tls->context);
    put_certificate(&s, 1);
    put_key(&s, 1);
    visit(&s, NS_PER_S, 1);
    assert_int_equal(EVP_PKEY_eq(SSL_get_privatekey(ssl), s.keys[0]), 1);
    SSL_free(ssl);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_files_are_shown_to_who_comes_next),
        cmocka_unit_test(what_changed_before_the_first_client_is_seen),
        cmocka_unit_test(the_files_are_looked_at_once_a_second),
        cmocka_unit_test(a_certificate_alone_waits_for_its_key),
        cmocka_unit_test(what_stays_broken_is_told_once_and_the_old_is_shown),
        cmocka_unit_test(a_damaged_file_is_not_shown),
        cmocka_unit_test(the_old_files_again_are_nothing_to_tell),
        cmocka_unit_test(a_stream_goes_on_with_what_it_began_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
