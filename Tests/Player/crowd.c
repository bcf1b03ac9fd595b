#define _GNU_SOURCE
#include "player.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// Several processes at once in the same few directories: nobody knows who is first, but no call may
// say what is impossible, what is appended stays whole, and the tree adds up at the end.

enum { record_bytes = 64 };

static bool wrong;

/// - Parameter allowed: errors that a race explains, ended by 0.
static long race(const char *what, long returned, const int *allowed) {
    if (returned >= 0) return returned;
    int error = errno;
    for (const int *one = allowed; *one; one++) {
        if (*one == error) return returned;
    }
    printf("%s: %s\n", what, strerrorname_np(error));
    wrong = true;
    return returned;
}

static void path_of(struct numbers *numbers, char *path) {
    char *end = path + sprintf(path, "d%d", (int)below(numbers, 3));
    while (chance(numbers, 35) && end - path < 100) {
        end += sprintf(end, "/%s", pool[below(numbers, 3)]);
    }
    sprintf(end, "/%s", pool[below(numbers, 8)]);
}

static unsigned long appended;

static void append(int log, unsigned process, unsigned long count) {
    char record[record_bytes + 1];
    snprintf(record, sizeof record, "%08u %012lu %40s\n", process, count, "end");
    if (write(log, record, record_bytes) != record_bytes) wrong = true;
    appended++;
}

static void act(struct numbers *numbers, int log, unsigned process, unsigned long count) {
    static const int names[] = {
        ENOENT, ENOTDIR, EEXIST, EISDIR, ENOTEMPTY, EINVAL, EPERM, ELOOP, EBUSY, 0};
    char first[200], second[200], bytes[3000];
    path_of(numbers, first);
    path_of(numbers, second);
    int file;
    switch (below(numbers, 12)) {
    case 0: race("mkdir", mkdir(first, 0755), names); break;
    case 1: race("rmdir", rmdir(first), names); break;
    case 2: race("unlink", unlink(first), names); break;
    case 3: race("link", link(first, second), names); break;
    case 4: race("symlink", symlink(pool[below(numbers, 8)], first), names); break;
    case 5:
        race("rename", renameat2(AT_FDCWD, first, AT_FDCWD, second,
            (unsigned)below(numbers, 3)), names);
        break;
    case 6: race("chmod", chmod(first, 0700 | (mode_t)below(numbers, 0100)), names); break;
    case 7: append(log, process, count); break;
    case 8: {
        int directory = open(first, O_RDONLY | O_DIRECTORY);
        if (directory < 0) break;
        struct names found = list_names(directory);
        for (unsigned index = 0; index < found.count; index++) {
            struct stat status;
            race("fstatat", fstatat(directory, found.names[index], &status, AT_SYMLINK_NOFOLLOW),
                names);
        }
        free_names(&found);
        close(directory);
        break;
    }
    default:
        file = (int)race("open",
            open(first, O_RDWR | O_NONBLOCK | (chance(numbers, 70) ? O_CREAT : 0)
                | (chance(numbers, 20) ? O_TRUNC : 0), 0644), names);
        if (file < 0) break;
        size_t length = below(numbers, sizeof bytes);
        memset(bytes, (int)process, length);
        ssize_t put = pwrite(file, bytes, length, (off_t)below(numbers, 200000));
        if (put != (ssize_t)length) race("pwrite", -1, names + 9);
        struct stat status;
        race("fstat", fstat(file, &status), names + 9);
        if (pread(file, bytes, sizeof bytes, 0) < 0) race("pread", -1, names + 9);
        close(file);
    }
}

// MARK: Whether it adds up

struct inode {
    ino_t number;
    unsigned long links, found;
};
static struct inode *inodes;
static unsigned inode_count;

static void note(const struct stat *status) {
    unsigned index = 0;
    while (index < inode_count && inodes[index].number != status->st_ino) index++;
    if (index == inode_count) {
        inodes = realloc(inodes, (index + 1) * sizeof *inodes);
        inodes[index] = (struct inode){status->st_ino, status->st_nlink, 0};
        inode_count++;
    }
    inodes[index].found++;
}

static void verify(int directory, const char *path) {
    struct names names = list_names(directory);
    unsigned long directories = 0;
    for (unsigned index = 0; index < names.count; index++) {
        struct stat status;
        if (fstatat(directory, names.names[index], &status, AT_SYMLINK_NOFOLLOW) < 0) {
            printf("%s/%s is listed, and not there: %m\n", path, names.names[index]);
            wrong = true;
            continue;
        }
        if (!S_ISDIR(status.st_mode)) {
            note(&status);
            continue;
        }
        directories++;
        char *child = NULL;
        if (asprintf(&child, "%s/%s", path, names.names[index]) < 0) give_up("no memory");
        int inner = openat(directory, names.names[index], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (inner < 0) give_up("%s", child);
        verify(inner, child);
        close(inner);
        free(child);
    }
    struct stat status;
    if (fstat(directory, &status) < 0 || status.st_nlink != directories + 2) {
        printf("%s has %lu links and %lu directories\n", path, status.st_nlink, directories);
        wrong = true;
    }
    free_names(&names);
}

static void verify_log(unsigned processes, const unsigned long *counts) {
    FILE *log = fopen("log", "r");
    char record[record_bytes + 1] = {0}, expected[record_bytes + 1];
    unsigned long last[processes], count[processes];
    memset(last, 0, sizeof last);
    memset(count, 0, sizeof count);
    while (log && fread(record, 1, record_bytes, log) == record_bytes) {
        unsigned process = 0;
        unsigned long number = 0;
        sscanf(record, "%u %lu", &process, &number);
        snprintf(expected, sizeof expected, "%08u %012lu %40s\n", process, number, "end");
        if (process >= processes || strcmp(record, expected) || number <= last[process]) {
            printf("a record is torn or out of order: %s\n", record);
            wrong = true;
            break;
        }
        last[process] = number;
        count[process]++;
    }
    if (log) fclose(log);
    for (unsigned process = 0; process < processes; process++) {
        if (count[process] == counts[process]) continue;
        printf("process %u has %lu records of %lu\n", process, count[process], counts[process]);
        wrong = true;
    }
}

int crowd(const char *path, unsigned processes, const struct settings *settings) {
    if (chdir(path) < 0) give_up("%s", path);
    umask(022);
    for (int index = 0; index < 3; index++) {
        char name[10];
        sprintf(name, "d%d", index);
        mkdir(name, 0755);
    }
    int counts_pipe[2];
    if (pipe(counts_pipe) < 0) give_up("pipe");
    for (unsigned process = 0; process < processes; process++) {
        if (fork()) continue;
        struct numbers numbers = {settings->seed * 1000 + process};
        int log = open("log", O_WRONLY | O_APPEND | O_CREAT, 0644);
        for (unsigned long count = 1; count <= settings->operations && !wrong; count++) {
            act(&numbers, log, process, count);
        }
        unsigned long result[2] = {process, appended};
        if (write(counts_pipe[1], result, sizeof result) < 0) wrong = true;
        fflush(stdout);
        _exit(wrong);
    }
    unsigned long counts[processes];
    memset(counts, 0, sizeof counts);
    for (unsigned process = 0; process < processes; process++) {
        int status;
        unsigned long result[2];
        if (read(counts_pipe[0], result, sizeof result) != sizeof result) give_up("a process");
        counts[result[0]] = result[1];
        if (wait(&status) < 0 || status != 0) wrong = true;
    }
    int root = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    verify(root, "");
    for (unsigned index = 0; index < inode_count; index++) {
        if (inodes[index].links == inodes[index].found) continue;
        printf("inode %lu has %lu links, and %lu names\n", inodes[index].number,
            inodes[index].links, inodes[index].found);
        wrong = true;
    }
    verify_log(processes, counts);
    if (!wrong) printf("%u processes of seed %lu add up\n", processes, settings->seed);
    return wrong;
}
