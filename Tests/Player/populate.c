#define _GNU_SOURCE
#include "player.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

// A rich tree: everything that an image may hold, with times in the past.

const char *const pool[] = {
    "a", "b", "c", "d", "e", "f", "g", "h", "lib", "bin", "data.txt", "x y", "new\nline",
    "caf\xc3\xa9", "cafe\xcc\x81", "\xff\xfe\x80", ".hidden", ".wh.a", ".wh..wh..opq", "..x",
    // 255 bytes, twice with the same beginning.
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\xe9",
};
const unsigned pool_count = sizeof pool / sizeof *pool;

static int root;
static bool for_layer;

static void made(int result, const char *name) {
    if (result < 0) give_up("%s", name);
}

static void file(const char *name, mode_t mode, size_t size, size_t hole) {
    int target = openat(root, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    made(target, name);
    char *bytes = malloc(size + 1);
    fill(bytes, size, digest(1, name, strlen(name)));
    // The hole is in the middle.
    size_t half = size / 2;
    made(pwrite(target, bytes, half, 0) == (ssize_t)half ? 0 : -1, name);
    made(pwrite(target, bytes + half, size - half, (off_t)(half + hole)) < 0 ? -1 : 0, name);
    free(bytes);
    made(fchmod(target, mode), name);
    close(target);
}

static void directory(const char *name, mode_t mode, uid_t user, gid_t group) {
    made(mkdirat(root, name, 0700), name);
    made(fchownat(root, name, user, group, 0), name);
    made(fchmodat(root, name, mode, 0), name);
}

static void attribute(const char *name, const char *key, const void *value, size_t length) {
    int target = openat(root, name, O_RDONLY | O_NONBLOCK);
    made(target, name);
    made(fsetxattr(target, key, value, length, 0), key);
    close(target);
}

static void owner(const char *name, uid_t user, gid_t group, mode_t mode) {
    made(fchownat(root, name, user, group, AT_SYMLINK_NOFOLLOW), name);
    made(fchmodat(root, name, mode, 0), name);
}

static void files(void) {
    const struct {
        const char *name;
        size_t size, hole;
    } sizes[] = {
        {"empty", 0, 0}, {"one", 1, 0}, {"small", 100, 0}, {"page", 4096, 0}, {"odd", 5001, 0},
        {"limit", 131072, 0}, {"below", 131071, 0}, {"more", 200003, 0}, {"large", 1300017, 0},
        {"larger", 3000000, 0}, {"sparse", 40000, 8 << 20}, {"sparser", 8192, 1 << 20},
    };
    directory("sizes", 0777, 0, 0);
    char name[300];
    for (unsigned index = 0; index < sizeof sizes / sizeof *sizes; index++) {
        snprintf(name, sizeof name, "sizes/%s", sizes[index].name);
        file(name, 0666, sizes[index].size, sizes[index].hole);
    }
    directory("names", 0755, 1000, 1000);
    for (unsigned index = 0; index < pool_count; index++) {
        // A layer has no way to say these names.
        if (for_layer && !strncmp(pool[index], ".wh.", 4)) continue;
        snprintf(name, sizeof name, "names/%s", pool[index]);
        if (index % 5 == 4) {
            directory(name, 0755, 1000 * (index % 3), 1000);
        } else {
            file(name, index % 2 ? 0644 : 0666, index * 700, 0);
            owner(name, 1000 * (index % 3), 1000 * (index % 2), index % 2 ? 0644 : 0666);
        }
    }
}

static void links(void) {
    directory("links", 0777, 0, 0);
    directory("links/d", 0775, 1000, 2000);
    file("links/a", 0666, 3000, 0);
    made(linkat(root, "links/a", root, "links/b", 0), "links/b");
    made(linkat(root, "links/a", root, "links/d/a", 0), "links/d/a");
    file("links/c", 0666, 1200000, 0);
    made(linkat(root, "links/c", root, "links/e", 0), "links/e");
    made(linkat(root, "links/c", root, "c", 0), "c");
    made(symlinkat("a", root, "links/f"), "links/f");
    made(linkat(root, "links/f", root, "links/g", 0), "links/g");
    made(symlinkat("..", root, "links/up"), "links/up");
    made(symlinkat("/sizes", root, "links/absolute"), "links/absolute");
    made(symlinkat("nowhere", root, "links/dangling"), "links/dangling");
    made(symlinkat("loop", root, "links/loop"), "links/loop");
    char target[4096];
    memset(target, 't', 4095);
    target[4095] = 0;
    // The longest target that ext4 takes is a byte short of a block.
    made(symlinkat(target, root, "links/longest"), "links/longest");
}

static void special(void) {
    directory("special", 0777, 0, 0);
    made(mkfifoat(root, "special/fifo", 0666), "special/fifo");
    made(mknodat(root, "special/null", S_IFCHR | 0666, makedev(1, 3)), "special/null");
    made(mknodat(root, "special/block", S_IFBLK | 0660, makedev(250, 70000)), "special/block");
    made(mknodat(root, "special/whiteout", S_IFCHR, 0), "special/whiteout");
    const mode_t modes[] = {04755, 02755, 02644, 06755, 01777, 0000, 04711};
    char name[40];
    for (unsigned index = 0; index < 7; index++) {
        snprintf(name, sizeof name, "special/%04o", modes[index]);
        file(name, 0600, 60000 * index, 0);
        owner(name, index % 2 ? 1000 : 0, index % 3 ? 1000 : 2000, modes[index]);
    }
    const unsigned char capability[20] = {1, 0, 0, 2, 0, 0x20};
    attribute("special/4755", "security.capability", capability, sizeof capability);
    attribute("special/2644", "user.note", "value", 5);
    attribute("special/2644", "user.empty", "", 0);
    if (!for_layer) attribute("special/2644", "trusted.note", "y", 1);
    directory("special/sticky", 01777, 0, 0);
    file("special/sticky/a", 0666, 10, 0);
    file("special/sticky/b", 0666, 10, 0);
    owner("special/sticky/b", 1000, 1000, 0644);
    directory("special/sticky/d", 0777, 2000, 2000);
    directory("special/setgid", 02777, 0, 2000);
    directory("special/closed", 0700, 1000, 1000);
    file("special/closed/a", 0666, 10, 0);
    directory("special/blind", 0111, 1000, 1000);
    file("special/blind/a", 0666, 10, 0);
    directory("special/acl", 0775, 0, 1000);
    file("special/acl/a", 0640, 500, 0);
    struct numbers numbers = {7};
    unsigned char list[64];
    size_t length = make_acl(&numbers, list, true);
    attribute("special/acl", "system.posix_acl_default", list, length);
    attribute("special/acl", "user.note", "a directory's", 13);
    length = make_acl(&numbers, list, true);
    attribute("special/acl/a", "system.posix_acl_access", list, length);
}

static void deep(void) {
    char name[400] = "deep";
    directory(name, 0777, 0, 0);
    for (int depth = 0; depth < 40; depth++) {
        strcat(name, "/");
        strcat(name, depth % 2 ? "d" : "lib");
        directory(name, depth % 7 ? 0777 : 0755, depth % 3 * 1000, 1000);
        char below[420];
        snprintf(below, sizeof below, "%s/f", name);
        file(below, 0666, (size_t)depth * 100, 0);
    }
    directory("many", 0777, 0, 0);
    for (int index = 0; index < 150; index++) {
        snprintf(name, sizeof name, "many/%d", index);
        file(name, 0666, (size_t)index, 0);
    }
}

/// Everything below gets times of its own, directories last.
static void set_times(int parent, const char *name, unsigned *count) {
    struct stat status;
    made(fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW), name);
    if (S_ISDIR(status.st_mode)) {
        int entries = openat(parent, name, O_RDONLY | O_DIRECTORY);
        made(entries, name);
        struct names names = list_names(entries);
        for (unsigned index = 0; index < names.count; index++) {
            set_times(entries, names.names[index], count);
        }
        free_names(&names);
        close(entries);
    }
    *count += 1;
    // Hard links may be met twice, which is the same on both sides.
    struct timespec times[2] = {
        {1000000000 + *count * 100, *count * 1001}, {1000000000 + *count * 100, *count * 1001}};
    made(utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW), name);
}

void populate(const char *path, bool layer) {
    for_layer = layer;
    umask(0);
    root = open(path, O_RDONLY | O_DIRECTORY);
    made(root, path);
    made(fchmod(root, 0777), path);
    files();
    links();
    special();
    deep();
    unsigned count = 0;
    set_times(root, ".", &count);
    close(root);
}
