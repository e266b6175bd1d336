/* SPDX-License-Identifier: MIT */
/* Certificates live for weeks, and what renews them replaces files. No timer looks after those: whoever comes in is a
 * reason to look, and idle doors stay silent. */
#include "io/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/err.h"
#include "io/tls_openssl.h"

#define LOOK_AGAIN NS_PER_S
#define FILE_MAX ((size_t)1 << 20)

/* Which file it is, and which of its states; all zero where there is none. */
struct mark {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec written, changed;
};

struct marks {
    struct mark certificate, key;
};

/* `shown` is what clients see. `refused` is what did not fit together; it is told when a later look finds it unchanged,
 * because two files cannot be replaced in one moment. */
struct tls_renewal {
    char *certificate_path, *key_path;
    uint64_t look_at;
    bool has_shown, has_refused, told;
    struct marks shown, refused;
    char why[IO_TLS_WHY];
};

static struct mark mark_of(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return (struct mark){0};
    }
    return (struct mark){st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim};
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_same(const struct mark *a, const struct mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           is_same_time(&a->written, &b->written) && is_same_time(&a->changed, &b->changed);
}

static bool are_same(const struct marks *a, const struct marks *b)
{
    return is_same(&a->certificate, &b->certificate) && is_same(&a->key, &b->key);
}

/* The whole file, NUL-terminated, of FILE_MAX bytes of room; NULL, and why in errno. */
static char *read_whole(const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* nobody is waited for */
    char *text = fd >= 0 ? calloc(1, FILE_MAX + 1) : NULL;
    size_t len = 0;
    ssize_t n = -1;
    while (text != NULL && len < FILE_MAX && (n = read(fd, text + len, FILE_MAX - len)) > 0) {
        len += (size_t)n;
    }
    int errnum = errno;
    if (fd >= 0) {
        close(fd);
    }
    if (text != NULL && n < 0) {
        free(text);
        text = NULL;
    }
    errno = errnum;
    return text;
}

static void forget(char *text)
{
    if (text != NULL) {
        wipe(text, strlen(text));
        free(text);
    }
}

/* A new context from the files; NULL, and why. */
static struct io_tls *load(struct tls_renewal *r)
{
    struct io_tls *tls = NULL;
    char *certificate = read_whole(r->certificate_path);
    char *key = certificate != NULL ? read_whole(r->key_path) : NULL;
    if (key == NULL) {
        snprintf(r->why, sizeof r->why, "%s: %s", certificate == NULL ? "CertFile" : "KeyFile",
                 strerror(errno));
    } else if (io_tls_new(certificate, key, &tls, r->why) != 0) {
        tls = NULL;
    }
    forget(certificate);
    forget(key);
    return tls;
}

static void refuse(struct tls_renewal *r, const struct marks *found)
{
    r->refused = *found;
    r->has_refused = true;
    r->told = false;
}

static void show(struct io_tls *tls, struct io_tls *fresh, const struct marks *found,
                 const struct log *log)
{
    struct tls_renewal *r = tls->renewal;
    SSL_CTX *old = tls->context;
    bool is_another =
        X509_cmp(SSL_CTX_get0_certificate(old), SSL_CTX_get0_certificate(fresh->context)) != 0;
    tls->context = fresh->context;
    fresh->context = old; /* streams that began with it go on */
    io_tls_free(fresh);
    if (is_another) {
        log_info(log, "the certificate in %s is a new one -> clients are shown it",
                 r->certificate_path);
    }
    r->shown = *found;
    r->has_shown = true;
    r->has_refused = false;
}

static void tell(struct tls_renewal *r, const struct log *log)
{
    if (!r->told) {
        r->told = true;
        log_warn(log, "%s and %s have changed, but: %s -> clients are shown the old certificate",
                 r->certificate_path, r->key_path, r->why);
    }
}

void tls_look(struct io_tls *tls, const struct log *log, struct now now)
{
    struct tls_renewal *r = tls->renewal;
    if (r == NULL || now.mono < r->look_at) {
        return;
    }
    r->look_at = now.mono + LOOK_AGAIN;
    /* Marked before it is read: what changes meanwhile has another mark at the next look. */
    struct marks found = {mark_of(r->certificate_path), mark_of(r->key_path)};
    if (r->has_shown && are_same(&found, &r->shown)) {
        r->has_refused = false;
        return;
    }
    if (r->has_refused && are_same(&found, &r->refused)) {
        tell(r, log);
        return;
    }
    struct io_tls *fresh = load(r);
    if (fresh != NULL) {
        show(tls, fresh, &found, log);
    } else {
        refuse(r, &found);
    }
}

int io_tls_renew_from(struct io_tls *tls, const char *certificate_path, const char *key_path)
{
    struct tls_renewal *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return ERR_NOMEM;
    }
    tls->renewal = r;
    r->certificate_path = strdup(certificate_path);
    r->key_path = strdup(key_path);
    return r->certificate_path != NULL && r->key_path != NULL ? 0 : ERR_NOMEM;
}

void tls_renewal_free(struct tls_renewal *r)
{
    if (r != NULL) {
        free(r->certificate_path);
        free(r->key_path);
        free(r);
    }
}
