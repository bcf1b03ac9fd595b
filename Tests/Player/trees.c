#define _GNU_SOURCE
#include "player.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

// All that can be seen of a tree, as text.

/// The first name of each inode of several.
struct groups {
    struct {
        ino_t inode;
        char *name;
    } *known;
    unsigned count;
};

static unsigned char block[1 << 20];

static void describe_content(struct text *text, int parent, const char *name) {
    int file = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        add_errno(text, errno);
        return;
    }
    uint64_t sum = 0, at = 0;
    ssize_t got;
    while ((got = pread(file, block, sizeof block, (off_t)at)) > 0) {
        // By aligned pieces, whatever sizes the reads have.
        for (ssize_t index = 0; index < got; index += 4096) {
            size_t count = got - index < 4096 ? (size_t)(got - index) : 4096;
            sum = digest(sum, block + index, count);
        }
        at += (uint64_t)got;
    }
    if (got < 0) add_errno(text, errno);
    add(text, " %lu bytes %016lx", at, sum);
    close(file);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void describe_attributes(struct text *text, int parent, const char *name) {
    char path[400];
    snprintf(path, sizeof path, "/proc/self/fd/%d/%s", parent, name);
    char list[10000];
    ssize_t got = llistxattr(path, list, sizeof list);
    if (got < 0) {
        add_errno(text, errno);
        return;
    }
    char *names[200];
    unsigned count = 0;
    for (char *item = list; item < list + got && count < 200; item += strlen(item) + 1) {
        names[count++] = item;
    }
    qsort(names, count, sizeof *names, by_name);
    for (unsigned index = 0; index < count; index++) {
        unsigned char value[1000];
        ssize_t length = lgetxattr(path, names[index], value, sizeof value);
        add(text, " %s=%zd", names[index], length);
        if (length >= 0) add(text, ":%08x", (unsigned)digest(0, value, (size_t)length));
    }
}

static void describe(
    struct text *text, int parent, const char *name, const char *path, struct groups *groups,
    const struct settings *settings)
{
    struct turn turn = {.settings = settings};
    struct stat status;
    add_name(text, path);
    if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
        add_errno(text, errno);
        add(text, "\n");
        return;
    }
    add_status(&turn, text, &status);
    if (status.st_nlink > 1 && !S_ISDIR(status.st_mode)) {
        unsigned index = 0;
        while (index < groups->count && groups->known[index].inode != status.st_ino) index++;
        if (index == groups->count) {
            groups->known = realloc(groups->known, (index + 1) * sizeof *groups->known);
            groups->known[index].inode = status.st_ino;
            groups->known[index].name = strdup(path);
            groups->count++;
        }
        add(text, " is ");
        add_name(text, groups->known[index].name);
    }
    describe_attributes(text, parent, name);
    if (S_ISREG(status.st_mode)) describe_content(text, parent, name);
    if (S_ISLNK(status.st_mode)) {
        char target[5000];
        ssize_t got = readlinkat(parent, name, target, sizeof target);
        add(text, " to %zd:%08x", got, got < 0 ? 0 : (unsigned)digest(0, target, (size_t)got));
    }
    add(text, "\n");
    if (!S_ISDIR(status.st_mode)) return;
    int inner = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct names names = list_names(inner);
    for (unsigned index = 0; index < names.count; index++) {
        char *child = NULL;
        if (asprintf(&child, "%s/%s", path, names.names[index]) < 0) give_up("no memory");
        describe(text, inner, names.names[index], child, groups, settings);
        free(child);
    }
    free_names(&names);
    close(inner);
}

void describe_tree(struct text *text, const char *directory, const struct settings *settings) {
    struct groups groups = {0};
    int root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) give_up("%s", directory);
    describe(text, root, ".", "", &groups, settings);
    for (unsigned index = 0; index < groups.count; index++) free(groups.known[index].name);
    free(groups.known);
    close(root);
}

static char *line(char **rest) {
    char *start = *rest, *end = strchr(start, '\n');
    if (end) *end++ = 0;
    *rest = end ? end : start + strlen(start);
    return start;
}

static bool is_before(const char *a, const char *b) { return *a && (!*b || strcmp(a, b) < 0); }

bool same_trees(
    const char *view, const char *disk, const struct settings *settings, const char *moment)
{
    struct text found = {0}, expected = {0};
    describe_tree(&found, view, settings);
    describe_tree(&expected, disk, settings);
    bool same = !strcmp(found.bytes, expected.bytes);
    if (!same) {
        printf("the trees of seed %lu differ %s:\n", settings->seed, moment);
        char *left = found.bytes, *right = expected.bytes;
        char *a = line(&left), *b = line(&right);
        for (unsigned shown = 0; shown < 20 && (*a || *b);) {
            if (!strcmp(a, b)) {
                a = line(&left);
                b = line(&right);
                continue;
            }
            shown++;
            size_t length = strcspn(a, " ");
            bool paired = *a && *b && !strncmp(a, b, length);
            if (paired || is_before(a, b)) {
                printf("  view: %s\n", a);
                if (!paired) {
                    a = line(&left);
                    continue;
                }
                a = line(&left);
            }
            printf("  disk: %s\n", b);
            b = line(&right);
        }
    }
    free(found.bytes);
    free(expected.bytes);
    return same;
}
