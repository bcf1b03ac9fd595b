#define _GNU_SOURCE
#include "player.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

// Operations on attributes, by path, by link and by descriptor.

int start_directory(struct turn *turn);

enum way { by_path, by_link, by_slot };

static enum way way(struct turn *turn) {
    enum way drawn = (enum way)below(&turn->numbers, 3);
    static const char *const names[] = {"path ", "link ", "slot "};
    add(turn->what, "%s", names[drawn]);
    if (drawn == by_slot) {
        add(turn->what, "%d", turn->slot);
    } else {
        add_name(turn->what, turn->first);
    }
    return drawn;
}

static int slot(struct turn *turn) { return turn->side->slots[turn->slot]; }

static void change_mode(struct turn *turn) {
    mode_t mode = (mode_t)next_number(&turn->numbers) & 07777;
    if (chance(&turn->numbers, 50)) mode |= 0644;
    add(turn->what, "chmod %o ", mode);
    enum way chosen = way(turn);
    struct stat status;
    int found = chosen == by_slot ? fstat(slot(turn), &status)
                                  : fstatat(start_directory(turn), turn->first, &status, 0);
    // A setgid file that its group may not execute is another thing, which differs here.
    if (found == 0 && !S_ISDIR(status.st_mode)) mode &= ~(mode_t)S_ISGID;
    outcome(turn, chosen == by_slot ? fchmod(slot(turn), mode)
                                    : fchmodat(start_directory(turn), turn->first, mode, 0));
}

static void change_owner(struct turn *turn) {
    static const unsigned owners[] = {0, 1000, 2000, ~0u};
    uid_t user = owners[below(&turn->numbers, 4)];
    gid_t group = owners[below(&turn->numbers, 4)];
    // Who else may change nothing at all depends on setuid and setgid, and is not told by the kernel.
    if (user == ~0u && group == ~0u && turn->who.user) user = turn->who.user;
    add(turn->what, "chown %d:%d ", (int)user, (int)group);
    enum way chosen = way(turn);
    outcome(turn, chosen == by_slot
            ? fchown(slot(turn), user, group)
            : fchownat(start_directory(turn), turn->first, user, group,
                chosen == by_link ? AT_SYMLINK_NOFOLLOW : 0));
}

static void change_times(struct turn *turn) {
    struct timespec times[2];
    for (int index = 0; index < 2; index++) {
        times[index].tv_sec = (long)below(&turn->numbers, 1400000000) - 300000000;
        times[index].tv_nsec = (long)below(&turn->numbers, 1000000000);
        uint64_t kind = below(&turn->numbers, 6);
        if (kind == 0) times[index].tv_nsec = UTIME_NOW;
        if (kind == 1) times[index].tv_nsec = UTIME_OMIT;
        if (kind == 2 && chance(&turn->numbers, 20)) times[index].tv_nsec = 1000000000;
    }
    bool now = chance(&turn->numbers, 25);
    add(turn->what, "utimensat %ld.%ld %ld.%ld%s ", times[0].tv_sec, times[0].tv_nsec,
        times[1].tv_sec, times[1].tv_nsec, now ? " now" : "");
    enum way chosen = way(turn);
    const struct timespec *given = now ? NULL : times;
    outcome(turn, chosen == by_slot
            ? futimens(slot(turn), given)
            : utimensat(start_directory(turn), turn->first, given,
                chosen == by_link ? AT_SYMLINK_NOFOLLOW : 0));
}

static const char *attribute_name(struct turn *turn) {
    static const char *const names[] = {
        "user.a", "user.b", "user.note", "user.empty", "user.a.b", "trusted.a",
        "trusted.overlay.opaque", "security.capability", "security.other", "user.", "user",
        "system.other", "system.posix_acl_access", "system.posix_acl_default", "btrfs.x", "",
    };
    const char *name = names[below(&turn->numbers, chance(&turn->numbers, 70) ? 8 : 16)];
    if (!turn->settings->trusted && !strncmp(name, "trusted.", 8)) return "user.a";
    return name;
}

static void set_attribute(struct turn *turn) {
    unsigned char value[300];
    size_t length = below(&turn->numbers, chance(&turn->numbers, 80) ? 30 : 300);
    fill(value, sizeof value, next_number(&turn->numbers));
    const char *name = attribute_name(turn);
    if (!strcmp(name, "security.capability") && chance(&turn->numbers, 80)) {
        const unsigned char capability[20] = {1, 0, 0, 2, value[0], 0x20};
        memcpy(value, capability, length = sizeof capability);
    }
    if (!strncmp(name, "system.posix", 12)) length = make_acl(&turn->numbers, value, true);
    int flags = (int)below(&turn->numbers, 3);
    add(turn->what, "setxattr %s, %zu bytes, flags %d, ", name, length, flags);
    enum way chosen = way(turn);
    outcome(turn, chosen == by_slot ? fsetxattr(slot(turn), name, value, length, flags)
            : turn->start_slot >= 0 ? 0
            : chosen == by_link     ? lsetxattr(turn->first, name, value, length, flags)
                                    : setxattr(turn->first, name, value, length, flags));
}

static void set_acl(struct turn *turn) {
    unsigned char list[64];
    const char *name = chance(&turn->numbers, 50) ? "system.posix_acl_access"
                                                  : "system.posix_acl_default";
    size_t length = make_acl(&turn->numbers, list, chance(&turn->numbers, 90));
    if (chance(&turn->numbers, 10)) length = 4;
    if (chance(&turn->numbers, 5)) length = below(&turn->numbers, length);
    add(turn->what, "set %s, %zu bytes, ", name, length);
    enum way chosen = way(turn);
    if (chosen != by_slot && turn->start_slot >= 0) return;
    outcome(turn, chosen == by_slot ? fsetxattr(slot(turn), name, list, length, 0)
            : chosen == by_link     ? lsetxattr(turn->first, name, list, length, 0)
                                    : setxattr(turn->first, name, list, length, 0));
}

static void get_attribute(struct turn *turn) {
    unsigned char value[1000];
    size_t limit = chance(&turn->numbers, 20) ? below(&turn->numbers, 20) : sizeof value;
    const char *name = attribute_name(turn);
    add(turn->what, "getxattr %s, limit %zu, ", name, limit);
    enum way chosen = way(turn);
    if (chosen != by_slot && turn->start_slot >= 0) return;
    ssize_t got = chosen == by_slot ? fgetxattr(slot(turn), name, value, limit)
        : chosen == by_link         ? lgetxattr(turn->first, name, value, limit)
                                    : getxattr(turn->first, name, value, limit);
    if (!outcome(turn, got)) return;
    add(turn->result, " %zd %016lx", got,
        limit == 0 ? 0 : digest(0, value, (size_t)got));
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_attributes(struct turn *turn) {
    char list[10000];
    add(turn->what, "listxattr ");
    enum way chosen = way(turn);
    if (chosen != by_slot && turn->start_slot >= 0) return;
    ssize_t got = chosen == by_slot ? flistxattr(slot(turn), list, sizeof list)
        : chosen == by_link         ? llistxattr(turn->first, list, sizeof list)
                                    : listxattr(turn->first, list, sizeof list);
    if (!outcome(turn, got)) return;
    char *names[200];
    unsigned count = 0;
    for (char *name = list; name < list + got && count < 200; name += strlen(name) + 1) {
        names[count++] = name;
    }
    qsort(names, count, sizeof *names, by_name);
    for (unsigned index = 0; index < count; index++) add(turn->result, " %s", names[index]);
}

static void remove_attribute(struct turn *turn) {
    const char *name = attribute_name(turn);
    add(turn->what, "removexattr %s, ", name);
    enum way chosen = way(turn);
    if (chosen != by_slot && turn->start_slot >= 0) return;
    outcome(turn, chosen == by_slot ? fremovexattr(slot(turn), name)
            : chosen == by_link     ? lremovexattr(turn->first, name)
                                    : removexattr(turn->first, name));
}

const struct operation attribute_operations[] = {
    {"chmod", 14, change_mode, false},
    {"chown", 12, change_owner, false},
    {"utimensat", 10, change_times, false},
    {"setxattr", 9, set_attribute, false},
    {"set acl", 6, set_acl, false},
    {"getxattr", 5, get_attribute, false},
    {"listxattr", 4, list_attributes, false},
    {"removexattr", 4, remove_attribute, false},
    {0},
};
