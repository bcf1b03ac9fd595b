#define _GNU_SOURCE
#include "player.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

// Operations on names.

int start_directory(struct turn *turn);

static mode_t mode(struct turn *turn) {
    mode_t drawn = (mode_t)next_number(&turn->numbers) & 07777;
    return chance(&turn->numbers, 60) ? drawn | 0755 : drawn;
}

static void make_directory(struct turn *turn) {
    mode_t drawn = mode(turn);
    add(turn->what, "mkdir %o ", drawn);
    add_name(turn->what, turn->first);
    outcome(turn, mkdirat(start_directory(turn), turn->first, drawn));
}

static void make_node(struct turn *turn) {
    static const struct {
        mode_t type;
        unsigned major, minor;
    } kinds[] = {
        {S_IFREG, 0, 0}, {0, 0, 0}, {S_IFIFO, 0, 0}, {S_IFCHR, 1, 3}, {S_IFCHR, 0, 0},
        {S_IFBLK, 250, 1}, {S_IFBLK, 259, 1048575}, {S_IFSOCK, 0, 0}, {S_IFDIR, 0, 0},
    };
    unsigned kind = (unsigned)below(&turn->numbers, 9);
    mode_t drawn = mode(turn) & 05777;
    if (kinds[kind].type == S_IFSOCK && !turn->settings->sockets) kind = 2;
    add(turn->what, "mknod %o, %u:%u ", kinds[kind].type | drawn, kinds[kind].major,
        kinds[kind].minor);
    add_name(turn->what, turn->first);
    outcome(turn, mknodat(start_directory(turn), turn->first, kinds[kind].type | drawn,
                makedev(kinds[kind].major, kinds[kind].minor)));
}

static void make_link(struct turn *turn) {
    int flags = chance(&turn->numbers, 30) ? AT_SYMLINK_FOLLOW : 0;
    add(turn->what, "link, flags %x, ", flags);
    add_name(turn->what, turn->first);
    add(turn->what, " as ");
    add_name(turn->what, turn->second);
    int start = start_directory(turn);
    outcome(turn, linkat(start, turn->first, start, turn->second, flags));
}

static void link_slot(struct turn *turn) {
    add(turn->what, "link slot %d as ", turn->slot);
    add_name(turn->what, turn->second);
    int slot = turn->side->slots[turn->slot];
    outcome(turn, linkat(slot, "", start_directory(turn), turn->second, AT_EMPTY_PATH));
}

static void make_symbolic_link(struct turn *turn) {
    char target[path_bytes];
    switch (below(&turn->numbers, 8)) {
    case 0: snprintf(target, sizeof target, "..");
        break;
    case 1: snprintf(target, sizeof target, "/");
        break;
    case 2: target[0] = 0;
        break;
    case 3: {
        size_t length = below(&turn->numbers, 4200);
        memset(target, 'l', length);
        target[length] = 0;
        // ext4 keeps a target in one block, with the zero at its end.
        if (length == 4095) target[4094] = 0;
        break;
    }
    case 4: snprintf(target, sizeof target, "%s", turn->second);
        break;
    default: snprintf(target, sizeof target, "%s", pool[below(&turn->numbers, pool_count)]);
    }
    add(turn->what, "symlink to ");
    add_name(turn->what, target);
    add(turn->what, " at ");
    add_name(turn->what, turn->first);
    outcome(turn, symlinkat(target, start_directory(turn), turn->first));
}

static void read_symbolic_link(struct turn *turn) {
    char target[5000];
    size_t limit = chance(&turn->numbers, 20) ? 1 + below(&turn->numbers, 10) : sizeof target;
    add(turn->what, "readlink ");
    add_name(turn->what, turn->first);
    ssize_t got = readlinkat(start_directory(turn), turn->first, target, limit);
    if (outcome(turn, got)) {
        add(turn->result, " %zd %016lx", got, digest(0, target, (size_t)got));
    }
}

static void remove_name(struct turn *turn) {
    int flags = chance(&turn->numbers, 40) ? AT_REMOVEDIR : 0;
    add(turn->what, flags ? "rmdir " : "unlink ");
    add_name(turn->what, turn->first);
    outcome(turn, unlinkat(start_directory(turn), turn->first, flags));
}

static void rename_name(struct turn *turn) {
    static const unsigned kinds[] = {0, 0, 0, 1, 2, 2, 3};
    unsigned flags = kinds[below(&turn->numbers, 7)];
    add(turn->what, "rename, flags %u, ", flags);
    add_name(turn->what, turn->first);
    add(turn->what, " to ");
    add_name(turn->what, turn->second);
    int start = start_directory(turn);
    outcome(turn, renameat2(start, turn->first, start, turn->second, flags));
}

static void stat_name(struct turn *turn) {
    int flags = chance(&turn->numbers, 70) ? AT_SYMLINK_NOFOLLOW : 0;
    add(turn->what, "stat, flags %x, ", flags);
    add_name(turn->what, turn->first);
    struct stat status;
    if (outcome(turn, fstatat(start_directory(turn), turn->first, &status, flags))) {
        add_status(turn, turn->result, &status);
    }
}

static void check_access(struct turn *turn) {
    int mode = (int)below(&turn->numbers, 8);
    add(turn->what, "access %d ", mode);
    add_name(turn->what, turn->first);
    outcome(turn, faccessat(start_directory(turn), turn->first, mode, AT_EACCESS));
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void report_names(struct turn *turn, char **names, unsigned count) {
    qsort(names, count, sizeof *names, by_name);
    uint64_t sum = 0;
    for (unsigned index = 0; index < count; index++) {
        sum = digest(sum, names[index], strlen(names[index]));
        if (index && !strcmp(names[index] + 1, names[index - 1] + 1)) {
            add(turn->result, " twice:");
            add_name(turn->result, names[index] + 1);
        }
    }
    add(turn->result, " %u names %016lx", count, sum);
}

/// Reads a directory, and some of it a second time from a place remembered on the way.
static void read_directory(struct turn *turn) {
    bool back = chance(&turn->numbers, 30);
    unsigned stop = (unsigned)below(&turn->numbers, 20);
    add(turn->what, "readdir%s ", back ? " and seekdir" : "");
    add_name(turn->what, turn->first);
    int opened = openat(start_directory(turn), turn->first, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!outcome(turn, opened)) return;
    DIR *stream = fdopendir(opened);
    char *names[2000];
    unsigned count = 0, kept = 0;
    long place = -1;
    struct dirent *entry;
    while (count < 2000) {
        if (back && count == stop) {
            place = telldir(stream);
            kept = count;
        }
        errno = 0;
        if (!(entry = readdir(stream))) {
            if (errno) outcome(turn, -1);
            if (place < 0) break;
            // Once more from there.
            for (unsigned index = kept; index < count; index++) free(names[index]);
            count = kept;
            seekdir(stream, place);
            place = -1;
            back = false;
            continue;
        }
        char *name = malloc(strlen(entry->d_name) + 2);
        name[0] = (char)('A' + entry->d_type);
        strcpy(name + 1, entry->d_name);
        names[count++] = name;
        struct stat status;
        if (strcmp(entry->d_name, "..") && entry->d_name[0] != '.'
            && fstatat(opened, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0
            && (status.st_ino != entry->d_ino || (status.st_mode & S_IFMT) >> 12 != entry->d_type))
        {
            add(turn->result, " d_ino or d_type of ");
            add_name(turn->result, entry->d_name);
        }
    }
    report_names(turn, names, count);
    for (unsigned index = 0; index < count; index++) free(names[index]);
    closedir(stream);
}

/// Changes a directory while it is read: what stays is met once, what comes or goes at most once.
static void read_changing_directory(struct turn *turn) {
    unsigned stop = (unsigned)below(&turn->numbers, 40);
    const char *made = pool[below(&turn->numbers, 6)];
    unsigned victim = (unsigned)below(&turn->numbers, 30);
    add(turn->what, "readdir while %s is made, ", made);
    add_name(turn->what, turn->first);
    int opened = openat(start_directory(turn), turn->first, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!outcome(turn, opened)) return;
    struct names before = list_names(opened);
    bool removed = false, created = false;
    const char *gone = before.count ? before.names[victim % before.count] : "";
    DIR *stream = fdopendir(opened);
    char *seen[2000];
    unsigned count = 0;
    struct dirent *entry;
    while (count < 2000 && (entry = readdir(stream))) {
        char *name = malloc(strlen(entry->d_name) + 2);
        name[0] = ' ';
        strcpy(name + 1, entry->d_name);
        seen[count++] = name;
        if (count != stop % (before.count + 2) + 1) continue;
        int target = openat(opened, made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        created = outcome(turn, target);
        if (created) close(target);
        removed = outcome(turn, *gone ? unlinkat(opened, gone, 0) : 0);
    }
    qsort(seen, count, sizeof *seen, by_name);
    for (unsigned index = 1; index < count; index++) {
        if (strcmp(seen[index], seen[index - 1])) continue;
        add(turn->result, " twice:");
        add_name(turn->result, seen[index]);
    }
    for (unsigned index = 0; index < before.count; index++) {
        if (removed && !strcmp(before.names[index], gone)) continue;
        bool found = false;
        for (unsigned other = 0; other < count && !found; other++) {
            found = !strcmp(seen[other] + 1, before.names[index]);
        }
        if (!found) {
            add(turn->result, " missed:");
            add_name(turn->result, before.names[index]);
        }
    }
    for (unsigned index = 0; index < count; index++) free(seen[index]);
    free_names(&before);
    closedir(stream);
}

static void stat_file_system(struct turn *turn) {
    add(turn->what, "statvfs");
    struct statvfs status;
    if (outcome(turn, fstatvfs(turn->side->root, &status))) {
        add(turn->result, " names of %lu, %d", status.f_namemax, status.f_bavail > 0);
    }
}

static void remove_below(int parent, const char *name) {
    int inner = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inner >= 0) {
        struct names names = list_names(inner);
        for (unsigned index = 0; index < names.count; index++) {
            remove_below(inner, names.names[index]);
        }
        free_names(&names);
        close(inner);
    }
    unlinkat(parent, name, inner >= 0 ? AT_REMOVEDIR : 0);
}

static void remove_tree(struct turn *turn) {
    add(turn->what, "remove tree ");
    add_name(turn->what, turn->second);
    const char *last = strrchr(turn->second, '/');
    if (!last || !last[1] || last[1] == '.') return;
    remove_below(start_directory(turn), turn->second);
}

const struct operation name_operations[] = {
    {"mkdir", 12, make_directory, false},
    {"mknod", 8, make_node, false},
    {"link", 10, make_link, false},
    {"link slot", 2, link_slot, false},
    {"symlink", 5, make_symbolic_link, false},
    {"readlink", 3, read_symbolic_link, false},
    {"unlink", 10, remove_name, false},
    {"rename", 24, rename_name, false},
    {"stat", 14, stat_name, false},
    {"access", 6, check_access, false},
    {"readdir", 8, read_directory, false},
    {"readdir changing", 4, read_changing_directory, false},
    {"statvfs", 1, stat_file_system, false},
    {"remove tree", 2, remove_tree, false},
    {0},
};
