/* SPDX-License-Identifier: MIT */
/* Keys to and from text. Every place a key passed through is wiped. */
#include "cmd/keys.h"

#include "base/base64.h"
#include "base/bytes.h"
#include "base/err.h"
#include "wg/wg.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static int write_key(FILE *out, FILE *err, const uint8_t key[KEY_LEN])
{
    char text[KEY_TEXT + 1];
    setvbuf(out, NULL, _IONBF, 0);
    key_to_base64(text, key);
    text[KEY_TEXT - 1] = '\n';
    size_t written = fwrite(text, 1, KEY_TEXT, out);
    wipe(text, sizeof text);
    if (written != KEY_TEXT || fflush(out) != 0) {
        fprintf(err, "wgproxy: cannot write the key: %s\n", strerror(errno));
        return ERR_IO;
    }
    return 0;
}

int keys_genkey(FILE *out, FILE *err, const struct rng *rng)
{
    uint8_t key[KEY_LEN];
    rng_fill(rng, key, sizeof key);
    wg_clamp(key);
    int result = write_key(out, err, key);
    wipe(key, sizeof key);
    return result;
}

int keys_genpsk(FILE *out, FILE *err, const struct rng *rng)
{
    uint8_t key[KEY_LEN];
    rng_fill(rng, key, sizeof key);
    int result = write_key(out, err, key);
    wipe(key, sizeof key);
    return result;
}

/* As wg(8): the key at once, then nothing but blanks. */
static bool read_key(FILE *in, uint8_t key[KEY_LEN])
{
    char text[KEY_TEXT];
    setvbuf(in, NULL, _IONBF, 0);
    size_t n = fread(text, 1, KEY_TEXT - 1, in);
    text[n] = '\0';
    bool ok = key_from_base64(key, text);
    wipe(text, sizeof text);
    for (int c; ok && (c = getc(in)) != EOF;) {
        ok = isspace(c);
    }
    return ok;
}

int keys_pubkey(FILE *in, FILE *out, FILE *err)
{
    uint8_t private_key[KEY_LEN], public_key[KEY_LEN];
    int result = ERR_INVALID;
    if (read_key(in, private_key) && wg_public_key(public_key, private_key)) {
        result = write_key(out, err, public_key);
    } else if (ferror(in)) {
        fprintf(err, "wgproxy: cannot read the key: %s\n", strerror(errno));
        result = ERR_IO;
    } else {
        fprintf(err, "wgproxy: standard input must be a private key: "
                     "44 characters of base64\n");
    }
    wipe(private_key, sizeof private_key);
    return result;
}
