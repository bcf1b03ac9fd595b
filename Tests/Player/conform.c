#define _GNU_SOURCE
#include "player.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

// What POSIX and Linux say of each operation, as small programs in a language of its own
// (conform_cases.c): a fresh directory, commands separated by ";", each with the error that it is to
// give ("!EACCES mkdir a 0755") or none.

extern const struct conformance conformance_cases[];

static char words[8][5000];
static int word_count;
static int slot = -1;
static struct stat marks[4];
static char marked[4][300];
static pid_t holder;
static char *mapping;
static const struct conformance *present_case;
static bool failed;

static void complain(const char *command, const char *what) {
    if (!failed) printf("%s: %s\n", present_case->operation, present_case->sentence);
    printf("    %s: %s\n", command, what);
    failed = true;
}

// MARK: Words

/// "%255" is a name of so many bytes, "%/4095" a path of so many to "x".
static void expand(const char *word, char *target) {
    char *end;
    if (word[0] == '%' && isdigit((unsigned char)word[1])) {
        size_t length = strtoul(word + 1, &end, 10);
        memset(target, 'n', length);
        strcpy(target + length, end);
    } else if (word[0] == '%' && word[1] == '/') {
        size_t length = strtoul(word + 2, &end, 10);
        *target = 0;
        // An odd length has a slash more.
        if (length % 2 == 0) strcpy(target, ".//");
        size_t at = strlen(target);
        while (at + 1 < length) {
            memcpy(target + at, "./", 2);
            at += 2;
        }
        strcpy(target + at, "x");
    } else if (!strcmp(word, "''")) {
        *target = 0;
    } else {
        strcpy(target, word);
    }
}

static void split(const char *command) {
    char copy[1000];
    snprintf(copy, sizeof copy, "%s", command);
    word_count = 0;
    for (char *word = strtok(copy, " \n"); word && word_count < 8; word = strtok(NULL, " \n")) {
        expand(word, words[word_count++]);
    }
    for (int index = word_count; index < 8; index++) words[index][0] = 0;
}

static long number(int index) { return strtol(words[index], NULL, 0); }

static int flags_of(const char *text) {
    static const struct {
        const char *name;
        int flag;
    } all[] = {
        {"RDONLY", O_RDONLY}, {"WRONLY", O_WRONLY}, {"RDWR", O_RDWR}, {"CREAT", O_CREAT},
        {"EXCL", O_EXCL}, {"TRUNC", O_TRUNC}, {"APPEND", O_APPEND}, {"NOFOLLOW", O_NOFOLLOW},
        {"DIRECTORY", O_DIRECTORY}, {"NONBLOCK", O_NONBLOCK}, {"NOATIME", O_NOATIME},
        {"PATH", O_PATH}, {"TMPFILE", O_TMPFILE},
    };
    int flags = O_CLOEXEC;
    char copy[sizeof *words];
    strcpy(copy, text);
    char *rest = NULL;
    for (char *name = strtok_r(copy, "|", &rest); name; name = strtok_r(NULL, "|", &rest)) {
        for (size_t index = 0; index < sizeof all / sizeof *all; index++) {
            if (!strcmp(all[index].name, name)) flags |= all[index].flag;
        }
    }
    return flags;
}

// MARK: Commands

/// as USER[:GROUP[,GROUP]]
static long act_as(void) {
    unsigned user = 0, group = 0, other = 0;
    int count = sscanf(words[1], "%u:%u,%u", &user, &group, &other);
    gid_t groups[1] = {other};
    if (count < 2) group = user;
    syscall(SYS_setresuid, -1, 0, -1);
    if (syscall(SYS_setgroups, count > 2 ? 1 : 0, groups) < 0) return -1;
    if (syscall(SYS_setresgid, -1, group, -1) < 0) return -1;
    return user ? syscall(SYS_setresuid, -1, user, -1) : 0;
}

/// hold PROGRAM: runs a copy of this program from there until "let go".
static long hold(void) {
    int source = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int target = open(words[1], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    char bytes[65536];
    ssize_t got;
    while ((got = read(source, bytes, sizeof bytes)) > 0) {
        if (write(target, bytes, (size_t)got) != got) return -1;
    }
    close(source);
    close(target);
    int begun[2];
    if (pipe2(begun, O_CLOEXEC) < 0) return -1;
    holder = fork();
    if (holder == 0) {
        execl(words[1], words[1], "hold", (char *)NULL);
        _exit(1);
    }
    close(begun[1]);
    // Closed by the exec.
    while (read(begun[0], bytes, 1) > 0) continue;
    close(begun[0]);
    return holder > 0 ? 0 : -1;
}

static long let_go(void) {
    kill(holder, SIGKILL);
    return waitpid(holder, NULL, 0);
}

static long open_slot(void) {
    if (slot >= 0) close(slot);
    slot = open(words[1], flags_of(words[2]), number(3));
    return slot;
}

static long put(int target, size_t count) {
    char *bytes = calloc(1, count + 1);
    memset(bytes, 'w', count);
    long written = write(target, bytes, count);
    free(bytes);
    return written;
}

static long make_node(void) {
    mode_t type = words[2][0] == 'p' ? S_IFIFO : words[2][0] == 'c' ? S_IFCHR
        : words[2][0] == 'b' ? S_IFBLK : words[2][0] == 's' ? S_IFSOCK : S_IFREG;
    return mknod(words[1], type | (mode_t)number(3),
        type == S_IFCHR || type == S_IFBLK ? makedev(number(4), number(5)) : 0);
}

static long set_times(bool follows) {
    struct timespec times[2];
    for (int index = 0; index < 2; index++) {
        const char *word = words[2 + index];
        times[index].tv_sec = strtol(word, NULL, 10);
        times[index].tv_nsec = !strcmp(word, "now") ? UTIME_NOW
            : !strcmp(word, "omit")                 ? UTIME_OMIT
            : !strcmp(word, "bad")                  ? 1000000000 : 5;
    }
    return utimensat(AT_FDCWD, words[1], word_count > 2 ? times : NULL,
        follows ? 0 : AT_SYMLINK_NOFOLLOW);
}

static long set_attribute(void) {
    static const unsigned char capability[20] = {1, 0, 0, 2, 0, 0x20};
    if (!strcmp(words[2], "security.capability")) {
        return lsetxattr(words[1], words[2], capability, sizeof capability, 0);
    }
    return lsetxattr(words[1], words[2], words[3], strlen(words[3]), 0);
}

/// acl NAME access|default GROUP-PERMISSIONS: also grants user 1000 them.
static long set_acl(void) {
    struct {
        uint16_t tag, permissions;
        uint32_t identifier;
    } entries[] = {
        {1, 6, ~0u}, {2, (uint16_t)number(3), 1000}, {4, 4, ~0u}, {16, (uint16_t)number(3), ~0u},
        {32, 0, ~0u}};
    unsigned char list[4 + sizeof entries] = {2};
    memcpy(list + 4, entries, sizeof entries);
    return setxattr(words[1], words[2][0] == 'a' ? "system.posix_acl_access"
        : "system.posix_acl_default", list, sizeof list, 0);
}

/// map OFFSET: puts a byte there by a mapping of the slot, which stays until the case ends.
static long map_byte(void) {
    mapping = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, slot, number(1));
    if (mapping == MAP_FAILED) return -1;
    *mapping = 7;
    return 0;
}

/// data NAME FROM AT: who looks for data finds what is at a place.
static long find_data(void) {
    int file = open(words[1], O_RDONLY | O_CLOEXEC);
    off_t data = lseek(file, number(2), SEEK_DATA), hole = lseek(file, data, SEEK_HOLE);
    close(file);
    errno = ENODATA;
    return data >= 0 && data <= number(3) && hole > number(3) ? 0 : -1;
}

/// mark NAME...: remembers what it is now, for "changed".
static long mark(void) {
    // A tick, where the kernel stamps no finer.
    usleep(11000);
    for (int index = 1; index < word_count && index <= 4; index++) {
        if (lstat(words[index], &marks[index - 1]) < 0) return -1;
        strcpy(marked[index - 1], words[index]);
    }
    for (int index = word_count; index <= 4; index++) marked[index - 1][0] = 0;
    return 0;
}

// MARK: What is to be

/// changed c|m|cm|none|…, in the order of the marks, "-" for one that is gone.
static void check_changes(const char *command) {
    for (int index = 0; index < 4 && marked[index][0]; index++) {
        const char *expected = words[index + 1];
        struct stat status;
        if (!strcmp(expected, "-")) continue;
        if (lstat(marked[index], &status) < 0) {
            complain(command, marked[index]);
            continue;
        }
        char found[10] = "";
        if (memcmp(&status.st_ctim, &marks[index].st_ctim, sizeof status.st_ctim)) {
            strcat(found, "c");
        }
        if (memcmp(&status.st_mtim, &marks[index].st_mtim, sizeof status.st_mtim)) {
            strcat(found, "m");
        }
        if (!*found) strcpy(found, "none");
        if (strcmp(found, expected)) {
            struct text text = {0};
            add(&text, "%s changed %s", marked[index], found);
            complain(command, text.bytes);
            free(text.bytes);
        }
        if (status.st_ino != marks[index].st_ino) complain(command, "another inode");
    }
}

/// is NAME mode|user|group|size|links|type|mtime|atime VALUE
static void check_status(const char *command) {
    struct stat status;
    if (lstat(words[1], &status) < 0) {
        complain(command, strerrorname_np(errno));
        return;
    }
    static const char types[] = "?pc?d?b?r?l?s";
    long found = 0, expected = number(3);
    const char *what = words[2];
    if (!strcmp(what, "mode")) found = status.st_mode & 07777;
    if (!strcmp(what, "user")) found = status.st_uid;
    if (!strcmp(what, "group")) found = status.st_gid;
    if (!strcmp(what, "size")) found = status.st_size;
    if (!strcmp(what, "links")) found = (long)status.st_nlink;
    if (!strcmp(what, "mtime")) found = status.st_mtim.tv_sec;
    if (!strcmp(what, "atime")) found = status.st_atim.tv_sec;
    if (!strcmp(what, "device")) found = (long)status.st_rdev;
    if (!strcmp(what, "type")) {
        found = types[status.st_mode >> 12];
        expected = words[3][0];
    }
    if (found == expected) return;
    char text[200];
    snprintf(text, sizeof text, !strcmp(what, "mode") ? "%#lo" : "%ld", found);
    complain(command, text);
}

static void check_same(const char *command) {
    struct stat first, second;
    bool same = lstat(words[1], &first) == 0 && lstat(words[2], &second) == 0
        && first.st_ino == second.st_ino && first.st_dev == second.st_dev;
    if (!same) complain(command, "two inodes");
}

static void check_names(const char *command) {
    char list[1000] = "", names[1000] = "";
    ssize_t got = llistxattr(words[1], list, sizeof list);
    for (char *name = list; name < list + got; name += strlen(name) + 1) {
        if (*names) strcat(names, ",");
        strcat(names, name);
    }
    if (strcmp(names, words[2])) complain(command, names);
}

static bool check(const char *command) {
    const char *word = words[0];
    if (!strcmp(word, "is")) {
        check_status(command);
    } else if (!strcmp(word, "changed")) {
        check_changes(command);
    } else if (!strcmp(word, "same")) {
        check_same(command);
    } else if (!strcmp(word, "names")) {
        check_names(command);
    } else {
        return false;
    }
    return true;
}

// MARK: Running

static long run(void) {
    const char *word = words[0], *first = words[1], *second = words[2];
#define COMMAND(name, call) if (!strcmp(word, name)) return call
    COMMAND("as", act_as());
    COMMAND("umask", (umask((mode_t)number(1)), 0));
    COMMAND("mkdir", mkdir(first, (mode_t)number(2)));
    COMMAND("rmdir", rmdir(first));
    COMMAND("unlink", unlink(first));
    COMMAND("create", open(first, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, number(2)));
    COMMAND("link", link(first, second));
    COMMAND("linkfollow", linkat(AT_FDCWD, first, AT_FDCWD, second, AT_SYMLINK_FOLLOW));
    COMMAND("symlink", symlink(first, second));
    COMMAND("readlink", readlink(first, words[7], 100));
    COMMAND("rename", renameat2(AT_FDCWD, first, AT_FDCWD, second, (unsigned)number(3)));
    COMMAND("mkfifo", mkfifo(first, (mode_t)number(2)));
    COMMAND("mknod", make_node());
    COMMAND("chmod", chmod(first, (mode_t)number(2)));
    COMMAND("fchmod", fchmod(slot, (mode_t)number(1)));
    COMMAND("chown", chown(first, (uid_t)number(2), (gid_t)number(3)));
    COMMAND("lchown", lchown(first, (uid_t)number(2), (gid_t)number(3)));
    COMMAND("fchown", fchown(slot, (uid_t)number(1), (gid_t)number(2)));
    COMMAND("truncate", truncate(first, number(2)));
    COMMAND("ftruncate", ftruncate(slot, number(1)));
    COMMAND("open", open_slot());
    COMMAND("close", (close(slot), slot = -1, 0));
    COMMAND("write", put(slot, (size_t)number(1)));
    COMMAND("read", read(slot, words[7], (size_t)number(1)));
    COMMAND("allocate", (errno = posix_fallocate(slot, number(1), number(2))) ? -1 : 0);
    COMMAND("utimens", set_times(true));
    COMMAND("lutimens", set_times(false));
    COMMAND("access", faccessat(AT_FDCWD, first, (int)number(2), AT_EACCESS));
    COMMAND("setxattr", set_attribute());
    COMMAND("getxattr", lgetxattr(first, second, NULL, 0));
    COMMAND("removexattr", lremovexattr(first, second));
    COMMAND("acl", set_acl());
    COMMAND("map", map_byte());
    COMMAND("data", find_data());
    COMMAND("mark", mark());
    COMMAND("hold", hold());
    COMMAND("letgo", let_go());
    COMMAND("chdir", chdir(first));
    COMMAND("stat", lstat(first, &marks[3]));
#undef COMMAND
    errno = ENOTSUP;
    return -1;
}

static void obey(const char *command) {
    const char *expected = "ok";
    char wanted[40];
    if (*command == '!') {
        sscanf(command + 1, "%39s", wanted);
        expected = wanted;
        command += 1 + strlen(wanted);
    }
    split(command);
    if (!word_count || check(command)) return;
    long returned = run();
    const char *found = returned < 0 ? strerrorname_np(errno) : "ok";
    // Descriptors that nothing refers to.
    if (returned > 2 && !strcmp(words[0], "create")) close((int)returned);
    if (strcmp(found, expected)) complain(command, found);
}

static void remove_below(const char *path) {
    pid_t child = fork();
    if (child == 0) execlp("rm", "rm", "-rf", "--", path, (char *)NULL);
    waitpid(child, NULL, 0);
}

int conform(const char *path, const char *operation) {
    bool any_failed = false;
    unsigned count = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (present_case = conformance_cases; present_case->operation; present_case++) {
        if (*operation && strcmp(operation, present_case->operation)) continue;
        count++;
        failed = false;
        char directory[4200], program[6000];
        snprintf(directory, sizeof directory, "%s/conform", path);
        remove_below(directory);
        umask(0);
        if (mkdir(directory, 0777) < 0 || chdir(directory) < 0) give_up("%s", directory);
        snprintf(program, sizeof program, "%s", present_case->program);
        char *rest = NULL;
        for (char *command = strtok_r(program, ";", &rest); command;
             command = strtok_r(NULL, ";", &rest)) {
            while (*command == ' ' || *command == '\n') command++;
            char copy[1000];
            snprintf(copy, sizeof copy, "%s", command);
            obey(copy);
        }
        split("as 0");
        act_as();
        if (slot >= 0) close(slot);
        slot = -1;
        if (mapping) munmap(mapping, 4096);
        mapping = NULL;
        if (chdir("/") < 0) give_up("/");
        any_failed |= failed;
    }
    char directory[4200];
    snprintf(directory, sizeof directory, "%s/conform", path);
    remove_below(directory);
    printf("%u cases\n", count);
    return any_failed || !count;
}
