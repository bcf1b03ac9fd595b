#define _GNU_SOURCE
#include "player.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint64_t next_number(struct numbers *numbers) {
    uint64_t z = numbers->state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

uint64_t below(struct numbers *numbers, uint64_t limit) { return next_number(numbers) % limit; }

bool chance(struct numbers *numbers, unsigned percent) { return below(numbers, 100) < percent; }

void fill(void *bytes, size_t count, uint64_t seed) {
    struct numbers numbers = {seed};
    unsigned char *target = bytes;
    for (size_t index = 0; index < count; index += 8) {
        uint64_t number = next_number(&numbers);
        memcpy(target + index, &number, count - index < 8 ? count - index : 8);
    }
}

uint64_t digest(uint64_t before, const void *bytes, size_t count) {
    const unsigned char *source = bytes;
    uint64_t value = before ^ (count * 0x9e3779b97f4a7c15);
    for (size_t index = 0; index < count; index += 8) {
        uint64_t word = 0;
        memcpy(&word, source + index, count - index < 8 ? count - index : 8);
        value = (value ^ word) * 0x100000001b3;
        value ^= value >> 29;
    }
    return value;
}

void add(struct text *text, const char *format, ...) {
    for (;;) {
        va_list arguments;
        va_start(arguments, format);
        size_t room = text->capacity - text->length;
        int count = vsnprintf(
            text->bytes ? text->bytes + text->length : NULL, room, format, arguments);
        va_end(arguments);
        if (count < 0) give_up("the format %s", format);
        if ((size_t)count < room) {
            text->length += (size_t)count;
            return;
        }
        text->capacity = (text->capacity + (size_t)count + 256) * 2;
        text->bytes = realloc(text->bytes, text->capacity);
        if (!text->bytes) give_up("no memory");
    }
}

void add_name(struct text *text, const char *name) {
    size_t length = strlen(name), shown = length > 90 ? 40 : length;
    add(text, "\"");
    for (size_t index = 0; index < shown; index++) {
        unsigned char byte = (unsigned char)name[index];
        if (byte < 32 || byte > 126) {
            add(text, "\\x%02x", byte);
        } else {
            add(text, "%c", byte);
        }
    }
    if (shown < length) add(text, "…%zu:%04x", length, (unsigned)digest(0, name, length) & 0xffff);
    add(text, "\"");
}

void add_errno(struct text *text, int error) {
    const char *name = strerrorname_np(error);
    add(text, "%s", name ? name : "?");
}

void clear(struct text *text) {
    text->length = 0;
    if (text->bytes) text->bytes[0] = 0;
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names list_names(int directory) {
    struct names names = {0};
    DIR *stream = fdopendir(dup(directory));
    if (!stream) return names;
    rewinddir(stream);
    struct dirent *entry;
    while ((entry = readdir(stream))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        if (names.count % 16 == 0) {
            names.names = realloc(names.names, (names.count + 16) * sizeof(char *));
        }
        names.names[names.count++] = strdup(entry->d_name);
    }
    closedir(stream);
    qsort(names.names, names.count, sizeof(char *), by_bytes);
    return names;
}

void free_names(struct names *names) {
    for (unsigned index = 0; index < names->count; index++) free(names->names[index]);
    free(names->names);
    *names = (struct names){0};
}

_Noreturn void give_up(const char *format, ...) {
    int error = errno;
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "player: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, " (%s)\n", strerror(error));
    va_end(arguments);
    exit(2);
}

size_t make_acl(struct numbers *numbers, unsigned char *bytes, bool valid) {
    struct {
        uint16_t tag, permissions;
        uint32_t identifier;
    } entry;
    size_t length = 0;
    uint32_t version = 2;
    memcpy(bytes, &version, 4);
    length = 4;
    bool user = chance(numbers, 60), group = chance(numbers, 40);
    const uint16_t tags[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20};
    for (int index = 0; index < 6; index++) {
        uint16_t tag = tags[index];
        uint16_t permissions = (uint16_t)below(numbers, 8);
        uint32_t identifier = 1000 * (1 + (uint32_t)below(numbers, 2));
        if (tag == 0x02 && !user) continue;
        if (tag == 0x08 && !group) continue;
        if (tag == 0x10 && !user && !group && !(permissions & 1)) continue;
        entry.tag = valid ? tag : (uint16_t)(tag << below(numbers, 2));
        entry.permissions = permissions;
        entry.identifier = tag == 0x02 || tag == 0x08 ? identifier : 0xffffffff;
        memcpy(bytes + length, &entry, 8);
        length += 8;
    }
    return length;
}
