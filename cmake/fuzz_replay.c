/* SPDX-License-Identifier: MIT */
/* Stands in for libFuzzer in ordinary builds: gives the fuzz target every file of
 * the corpus directories named on the command line, once, in name order. */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    size_t capacity = 1u << 20;
    uint8_t *buffer = malloc(capacity);
    if (buffer == NULL) {
        perror("malloc");
        exit(1);
    }
    size_t size = fread(buffer, 1, capacity, file);
    fclose(file);

    /* An exact copy lets the sanitizer see a read past the end. */
    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (exact == NULL) {
        perror("malloc");
        exit(1);
    }
    for (size_t i = 0; i < size; i++) {
        exact[i] = buffer[i];
    }
    free(buffer);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static int replay_directory(const char *directory)
{
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, NULL, alphasort);
    if (count < 0) {
        perror(directory);
        exit(1);
    }
    int replayed = 0;
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            char path[4096];
            snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
            replay_file(path);
            replayed++;
        }
        free(entries[i]);
    }
    free(entries);
    return replayed;
}

int main(int argc, char **argv)
{
    int replayed = 0;
    for (int i = 1; i < argc; i++) {
        replayed += replay_directory(argv[i]);
    }
    printf("%d inputs replayed\n", replayed);
    return replayed > 0 ? 0 : 1;
}
