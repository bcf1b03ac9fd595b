#define _GNU_SOURCE
#include "player.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

// The same operations on both sides, one by one.

enum { view, disk, tail_length = 40 };

static struct side sides[2];
static bool loose[slot_count];
static int host_root;
static struct text tail[tail_length];

// MARK: Who and where

static void become(const struct identity *who) {
    static const struct identity nobody = {0};
    // As root first: only root may change its groups.
    if (syscall(SYS_setresuid, -1, 0, -1) < 0) give_up("seteuid 0");
    if (!who) who = &nobody;
    gid_t groups[2] = {who->groups[0], who->groups[1]};
    if (syscall(SYS_setgroups, who->group_count, groups) < 0) give_up("setgroups");
    if (syscall(SYS_setresgid, -1, who->group, -1) < 0) give_up("setegid");
    if (who->user && syscall(SYS_setresuid, -1, who->user, -1) < 0) give_up("seteuid");
}

static void enter(int root) {
    if (fchdir(root) < 0 || chroot(".") < 0) give_up("chroot");
}

static void open_sides(void) {
    for (int which = 0; which < 2; which++) {
        struct side *side = &sides[which];
        side->root = open(side->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (side->root < 0) give_up("%s", side->path);
        struct statvfs status;
        if (fstatvfs(side->root, &status) < 0) give_up("statvfs");
        if (!(status.f_flag & ST_NODEV)) give_up("%s may open devices", side->path);
        for (int slot = 0; slot < slot_count; slot++) side->slots[slot] = -1;
    }
}

static void close_sides(void) {
    for (int which = 0; which < 2; which++) {
        struct side *side = &sides[which];
        for (int slot = 0; slot < slot_count; slot++) {
            if (side->slots[slot] >= 0) close(side->slots[slot]);
            side->slots[slot] = -1;
        }
        for (int index = 0; index < mapping_count; index++) {
            struct mapping *mapping = &side->mappings[index];
            if (mapping->start) munmap(mapping->start, mapping->length);
            *mapping = (struct mapping){0};
        }
        close(side->root);
    }
    memset(loose, 0, sizeof loose);
}

// MARK: Paths

/// Goes down from the root by names that are there.
static void pick_existing(struct numbers *numbers, char *path, bool directories) {
    int current = dup(sides[disk].root);
    char *end = path;
    *end = 0;
    unsigned depth = 1 + (unsigned)below(numbers, 4);
    if (chance(numbers, 3)) depth = 50;
    while (depth--) {
        struct names names = list_names(current);
        if (!names.count) {
            free_names(&names);
            break;
        }
        const char *name = NULL;
        struct stat status;
        for (int attempt = 0; attempt < 4; attempt++) {
            name = names.names[below(numbers, names.count)];
            if (fstatat(current, name, &status, AT_SYMLINK_NOFOLLOW) < 0) give_up("%s", name);
            // The longer way down is the seldom taken one.
            if (S_ISDIR(status.st_mode) || (!directories && !depth)) break;
        }
        if (directories && !S_ISDIR(status.st_mode)) {
            free_names(&names);
            break;
        }
        if (end - path + strlen(name) + 300 > path_bytes) {
            free_names(&names);
            break;
        }
        end += sprintf(end, "/%s", name);
        int next = S_ISDIR(status.st_mode)
            ? openat(current, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        free_names(&names);
        close(current);
        current = next;
        if (current < 0) break;
    }
    if (current >= 0) close(current);
    if (end == path) strcpy(path, "/");
}

static void pick_path(struct numbers *numbers, char *path) {
    uint64_t kind = below(numbers, 100);
    if (kind < 55) {
        pick_existing(numbers, path, false);
        return;
    }
    pick_existing(numbers, path, kind < 94);
    char *end = path + strlen(path);
    if (end[-1] == '/') end--;
    end += sprintf(end, "/%s", pool[below(numbers, pool_count)]);
    if (kind < 94) return;
    switch (kind) {
    case 94: strcpy(end, "/"); break;
    case 95: strcpy(end, "/.."); break;
    case 96: strcpy(end, "/."); break;
    case 97: strcpy(end, "/a"); break;
    case 98: memset(end, 'z', 254); end[254] = 0; break;
    default: *path = 0;
    }
}

/// Cuts both paths at a directory from which they go on.
static void make_relative(struct turn *turn) {
    strcpy(turn->start, "/");
    turn->start_slot = -1;
    if (chance(&turn->numbers, 5)) {
        turn->start_slot = (int)below(&turn->numbers, slot_count);
        const char *name = pool[below(&turn->numbers, 4)];
        strcpy(turn->first, name);
        strcpy(turn->second, pool[below(&turn->numbers, 4)]);
        return;
    }
    if (!chance(&turn->numbers, 40)) return;
    size_t common = 0, last = 0;
    bool both = chance(&turn->numbers, 50);
    while (turn->first[common] && (!both || turn->first[common] == turn->second[common])) {
        if (turn->first[common] == '/' && turn->first[common + 1]) last = common;
        common++;
    }
    char prefix[path_bytes];
    memcpy(prefix, turn->first, last);
    prefix[last] = 0;
    struct stat status;
    int found = fstatat(sides[disk].root, *prefix ? prefix + 1 : ".", &status, 0);
    if (found < 0 || !S_ISDIR(status.st_mode)) return;
    strcpy(turn->start, *prefix ? prefix : "/");
    memmove(turn->first, turn->first + last + 1, strlen(turn->first + last));
    if (both) memmove(turn->second, turn->second + last + 1, strlen(turn->second + last));
}

// MARK: What a call says

bool outcome(struct turn *turn, long returned) {
    int error = errno;
    if (turn->result->length) add(turn->result, " ");
    if (returned >= 0) {
        add(turn->result, "ok");
    } else {
        add_errno(turn->result, error);
    }
    return returned >= 0;
}

void add_time(struct text *text, const struct timespec *time) {
    if (time->tv_sec >= present) {
        add(text, " now");
    } else {
        add(text, " %ld.%09ld", time->tv_sec, time->tv_nsec);
    }
}

void add_status(struct turn *turn, struct text *text, const struct stat *status) {
    mode_t mode = status->st_mode;
    // Without group execution the bit stays here when others write, see docs/fuse-semantics.md.
    if (!S_ISDIR(mode) && !(mode & S_IXGRP)) mode &= ~(mode_t)S_ISGID;
    add(text, " %o links %lu %u:%u", mode, status->st_nlink, status->st_uid, status->st_gid);
    if (S_ISCHR(status->st_mode) || S_ISBLK(status->st_mode)) {
        add(text, " device %lx", status->st_rdev);
    } else if (!S_ISDIR(status->st_mode)) {
        add(text, " size %ld", status->st_size);
    }
    // What goes through a fifo does not reach the file system, and changes no time of it.
    if (S_ISFIFO(mode)) return;
    add_time(text, &status->st_mtim);
    if (!turn || !turn->settings->reopens) add_time(text, &status->st_atim);
}

// MARK: What a call changes

enum { watch_count = 5 };

struct watch {
    int file;
    bool found;
    struct stat before;
};

static const char *const watched[] = {"first", "its parent", "second", "its parent", "slot"};

static int look(int start, const char *path) {
    return openat(start, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

static int look_at_parent(int start, const char *path) {
    char parent[path_bytes];
    strcpy(parent, path);
    size_t length = strlen(parent);
    while (length > 1 && parent[length - 1] == '/') parent[--length] = 0;
    char *slash = strrchr(parent, '/');
    if (!slash) return look(start, ".");
    slash[slash == parent] = 0;
    return look(start, parent);
}

static void watch(struct turn *turn, struct watch *watches) {
    int start = turn->start_slot >= 0 ? turn->side->slots[turn->start_slot] : AT_FDCWD;
    watches[0].file = look(start, turn->first);
    watches[1].file = look_at_parent(start, turn->first);
    watches[2].file = look(start, turn->second);
    watches[3].file = look_at_parent(start, turn->second);
    watches[4].file = dup(turn->side->slots[turn->slot]);
    for (int index = 0; index < watch_count; index++) {
        struct watch *watch = &watches[index];
        watch->found = watch->file >= 0 && fstat(watch->file, &watch->before) == 0;
    }
}

static bool differ(const struct timespec *a, const struct timespec *b) {
    return a->tv_sec != b->tv_sec || a->tv_nsec != b->tv_nsec;
}

static void report(struct turn *turn, struct watch *watches) {
    for (int index = 0; index < watch_count; index++) {
        struct watch *watch = &watches[index];
        struct stat after;
        if (watch->found && fstat(watch->file, &after) == 0) {
            const struct stat *before = &watch->before;
            bool timed = !S_ISFIFO(after.st_mode);
            bool changed = timed && differ(&before->st_ctim, &after.st_ctim);
            bool modified = timed && differ(&before->st_mtim, &after.st_mtim);
            if (changed || modified || after.st_nlink != before->st_nlink) {
                add(turn->result, "; %s:%s%s", watched[index], changed ? " c" : "",
                    modified ? " m" : "");
                add_status(turn, turn->result, &after);
            }
            if (after.st_ino != before->st_ino) add(turn->result, " ANOTHER INODE");
        }
        if (watch->file >= 0) close(watch->file);
    }
}

// MARK: A turn

static const struct operation *draw_operation(struct numbers *numbers, bool crowded) {
    const struct operation *all[] = {file_operations, name_operations, attribute_operations};
    unsigned total = 0;
    for (int table = 0; table < 3; table++) {
        for (const struct operation *o = all[table]; o->name; o++) total += o->weight;
    }
    unsigned drawn = (unsigned)below(numbers, total);
    if (crowded && chance(numbers, 6)) {
        for (const struct operation *o = name_operations; o->name; o++) {
            if (!strcmp(o->name, "remove tree")) return o;
        }
    }
    for (int table = 0; table < 3; table++) {
        for (const struct operation *o = all[table]; o->name; o++) {
            if (drawn < o->weight) return o;
            drawn -= o->weight;
        }
    }
    abort();
}

static const struct identity identities[] = {
    {0, 0, {0}, 0}, {0, 0, {0}, 0}, {0, 0, {0}, 0}, {0, 2000, {0}, 0},
    {1000, 1000, {0}, 0}, {1000, 1000, {2000}, 1}, {2000, 2000, {1000}, 1}, {1000, 2000, {0}, 0},
};

/// One that is open, mostly.
static int pick_slot(struct numbers *numbers) {
    int slot = (int)below(numbers, slot_count);
    for (int attempt = 0; attempt < 5 && sides[disk].slots[slot] < 0; attempt++) {
        slot = (int)below(numbers, slot_count);
    }
    return slot;
}

/// - Returns: whether both sides said the same.
static bool play(
    unsigned long index, struct numbers *numbers, bool crowded, const struct settings *settings)
{
    static struct text what[2], result[2];
    struct turn turn = {.loose = loose, .settings = settings};
    const struct operation *operation = draw_operation(numbers, crowded);
    turn.numbers.state = next_number(numbers);
    turn.who = identities[below(&turn.numbers, sizeof identities / sizeof *identities)];
    mode_t mask = chance(&turn.numbers, 70) ? 022 : (mode_t)below(&turn.numbers, 0777);
    pick_path(&turn.numbers, turn.first);
    pick_path(&turn.numbers, turn.second);
    make_relative(&turn);
    turn.slot = pick_slot(&turn.numbers);
    turn.other_slot = pick_slot(&turn.numbers);
    bool watches = chance(&turn.numbers, 40);
    struct numbers start = turn.numbers;
    bool was_loose[slot_count];
    memcpy(was_loose, loose, sizeof loose);
    bool skipped = false;

    for (int which = 0; which < 2; which++) {
        clear(&what[which]);
        clear(&result[which]);
        if (skipped) continue;
        memcpy(loose, was_loose, sizeof loose);
        turn.numbers = start;
        turn.side = &sides[which];
        turn.what = &what[which];
        turn.result = &result[which];
        enter(turn.side->root);
        if (strcmp(turn.start, "/") && chdir(turn.start) < 0) outcome(&turn, -1);
        umask(mask);
        struct watch watched_files[watch_count];
        if (watches) watch(&turn, watched_files);
        if (turn.who.user || turn.who.group) become(&turn.who);
        operation->run(&turn);
        if (turn.who.user || turn.who.group) become(NULL);
        if (watches) report(&turn, watched_files);
        skipped = operation->optional && !strncmp(result[which].bytes, "EOPNOTSUPP", 10);
    }
    enter(host_root);
    int *other = &sides[disk].slots[turn.slot];
    if (skipped && sides[view].slots[turn.slot] < 0 && *other >= 0) {
        close(*other);
        *other = -1;
    }
    const char *expected = skipped ? "EOPNOTSUPP" : result[disk].bytes ? result[disk].bytes : "";
    const char *found = skipped ? "EOPNOTSUPP" : result[view].bytes ? result[view].bytes : "";
    struct text *entry = &tail[index % tail_length];
    clear(entry);
    add(entry, "%lu as %u:%u%s, umask %o, ", index, turn.who.user, turn.who.group,
        turn.who.group_count ? "+" : "", mask);
    if (turn.start_slot >= 0) {
        add(entry, "from slot %d: ", turn.start_slot);
    } else if (strcmp(turn.start, "/")) {
        add(entry, "in ");
        add_name(entry, turn.start);
        add(entry, ": ");
    }
    add(entry, "%s -> %s", what[view].bytes, expected);
    if (settings->verbose) printf("%s\n", entry->bytes);
    if (!strcmp(expected, found)) return true;
    printf("operation %lu of seed %lu differs:\n  disk: %s\n  view: %s\nThe last operations:\n",
        index, settings->seed, expected, found);
    for (unsigned long back = tail_length; back-- > 0;) {
        if (index >= back && tail[(index - back) % tail_length].length) {
            printf("  %s\n", tail[(index - back) % tail_length].bytes);
        }
    }
    return false;
}

static unsigned count_names(int directory, unsigned limit) {
    struct names names = list_names(directory);
    unsigned count = names.count;
    for (unsigned index = 0; index < names.count && count < limit; index++) {
        int inner = openat(
            directory, names.names[index], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner < 0) continue;
        count += count_names(inner, limit - count);
        close(inner);
    }
    free_names(&names);
    return count;
}

/// Lets whoever started the player freeze or mount again.
static void pause_for(const struct settings *settings) {
    if (settings->reopens) close_sides();
    printf("checkpoint\n");
    fflush(stdout);
    char line[100];
    if (!fgets(line, sizeof line, stdin)) exit(2);
    if (settings->reopens) open_sides();
    // The content that a descriptor for reading shows moved, and may be written elsewhere now.
    for (int slot = 0; slot < slot_count; slot++) {
        int flags = sides[disk].slots[slot] >= 0 ? fcntl(sides[disk].slots[slot], F_GETFL) : 0;
        struct stat status;
        if ((flags & O_ACCMODE) == O_RDONLY && sides[disk].slots[slot] >= 0
            && fstat(sides[disk].slots[slot], &status) == 0 && S_ISREG(status.st_mode))
        {
            loose[slot] = true;
        }
    }
}

int compare(const char *view_path, const char *disk_path, const struct settings *settings) {
    host_root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    sides[view].path = view_path;
    sides[disk].path = disk_path;
    open_sides();
    struct numbers numbers = {settings->seed * 0x2545f4914f6cdd1d};
    bool crowded = false;
    for (unsigned long index = 1; index <= settings->operations; index++) {
        if (!play(index, &numbers, crowded, settings)) return 1;
        if (index % 100 == 0) crowded = count_names(sides[disk].root, 1200) > 700;
        if (index % settings->interval == 0 || index == settings->operations) {
            char moment[60];
            snprintf(moment, sizeof moment, "after operation %lu", index);
            if (!same_trees(view_path, disk_path, settings, moment)) return 1;
        }
        if (settings->checkpoint && index % settings->checkpoint == 0) {
            pause_for(settings);
            if (!same_trees(view_path, disk_path, settings, "after the checkpoint")) return 1;
        }
    }
    close_sides();
    printf("%lu operations of seed %lu are the same\n", settings->operations, settings->seed);
    return 0;
}
