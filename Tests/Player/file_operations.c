#define _GNU_SOURCE
#include "player.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

// Operations on the content of files, mostly by open descriptors ("slots").

static unsigned char bytes[1 << 17];

static uint64_t offset(struct turn *turn) {
    static const uint64_t limits[] = {200, 6000, 20000, 140000, 400000, 3100000};
    uint64_t drawn = below(&turn->numbers, limits[below(&turn->numbers, 6)]);
    return chance(&turn->numbers, 25) ? drawn & ~(uint64_t)4095 : drawn;
}

static size_t length(struct turn *turn) {
    static const size_t limits[] = {20, 1000, 9000, 70000};
    return below(&turn->numbers, limits[below(&turn->numbers, 4)]);
}

static int *slot(struct turn *turn) { return &turn->side->slots[turn->slot]; }

static void close_slot(struct turn *turn) {
    if (*slot(turn) >= 0) close(*slot(turn));
    *slot(turn) = -1;
    turn->loose[turn->slot] = false;
}

int start_directory(struct turn *turn) {
    return turn->start_slot >= 0 ? turn->side->slots[turn->start_slot] : AT_FDCWD;
}

static void open_file(struct turn *turn) {
    static const struct {
        int flag;
        unsigned percent;
        const char *name;
    } optional[] = {
        {O_CREAT, 40, "CREAT"}, {O_EXCL, 8, "EXCL"}, {O_TRUNC, 15, "TRUNC"},
        {O_APPEND, 15, "APPEND"}, {O_DIRECTORY, 10, "DIRECTORY"}, {O_NOFOLLOW, 10, "NOFOLLOW"},
        {O_NOATIME, 4, "NOATIME"}, {O_PATH, 4, "PATH"}, {O_SYNC, 4, "SYNC"},
    };
    static const char *const ways[] = {"RDONLY", "WRONLY", "RDWR"};
    int way = (int)below(&turn->numbers, 3), flags = way | O_NONBLOCK | O_CLOEXEC;
    add(turn->what, "open slot %d, %s", turn->slot, ways[way]);
    for (unsigned index = 0; index < sizeof optional / sizeof *optional; index++) {
        if (!chance(&turn->numbers, optional[index].percent)) continue;
        flags |= optional[index].flag;
        add(turn->what, "|%s", optional[index].name);
    }
    mode_t mode = (mode_t)next_number(&turn->numbers) & 05777;
    if (chance(&turn->numbers, 70)) mode |= 0666;
    add(turn->what, ", mode %o, ", mode);
    add_name(turn->what, turn->first);
    close_slot(turn);
    int opened = openat(start_directory(turn), turn->first, flags, mode);
    *slot(turn) = opened;
    if (!outcome(turn, opened)) return;
    struct stat status;
    if (fstat(opened, &status) == 0) {
        add_status(turn, turn->result, &status);
    }
}

static void make_temporary(struct turn *turn) {
    int flags = O_TMPFILE | (chance(&turn->numbers, 50) ? O_RDWR : O_WRONLY);
    if (chance(&turn->numbers, 20)) flags |= O_EXCL;
    mode_t mode = (mode_t)next_number(&turn->numbers) & 0777;
    add(turn->what, "open slot %d, TMPFILE, flags %o, mode %o, ", turn->slot, flags, mode);
    add_name(turn->what, turn->first);
    close_slot(turn);
    *slot(turn) = openat(start_directory(turn), turn->first, flags | O_CLOEXEC, mode);
    if (!outcome(turn, *slot(turn))) return;
    struct stat status;
    if (fstat(*slot(turn), &status) == 0) add_status(turn, turn->result, &status);
}

static void close_file(struct turn *turn) {
    add(turn->what, "close slot %d", turn->slot);
    close_slot(turn);
}

static void tell_position(struct turn *turn) {
    if (!turn->loose[turn->slot]) {
        add(turn->result, " at %ld", (long)lseek(*slot(turn), 0, SEEK_CUR));
    }
}

static void read_file(struct turn *turn) {
    size_t count = length(turn);
    uint64_t where = offset(turn);
    int way = (int)below(&turn->numbers, 3);
    add(turn->what, "read way %d, slot %d, %zu at %lu", way, turn->slot, count, where);
    ssize_t got;
    memset(bytes, 0x55, count);
    if (way == 0) {
        got = read(*slot(turn), bytes, count);
    } else if (way == 1) {
        got = pread(*slot(turn), bytes, count, (off_t)where);
    } else {
        struct iovec parts[3] = {
            {bytes, count / 3}, {bytes + count / 3, count / 3},
            {bytes + count / 3 * 2, count - count / 3 * 2}};
        got = preadv(*slot(turn), parts, 3, (off_t)where);
    }
    if (turn->loose[turn->slot] && got >= 0) {
        // Both positions are to be the same again.
        lseek(*slot(turn), (off_t)where, SEEK_SET);
        return;
    }
    if (!outcome(turn, got)) return;
    add(turn->result, " %zd bytes %016lx", got, digest(0, bytes, (size_t)got));
    tell_position(turn);
}

static void write_file(struct turn *turn) {
    size_t count = length(turn);
    uint64_t where = offset(turn);
    int way = (int)below(&turn->numbers, 4);
    uint64_t seed = next_number(&turn->numbers);
    add(turn->what, "write way %d, slot %d, %zu at %lu", way, turn->slot, count, where);
    fill(bytes, count, seed);
    ssize_t put;
    if (way == 0) {
        put = write(*slot(turn), bytes, count);
    } else if (way == 1) {
        put = pwrite(*slot(turn), bytes, count, (off_t)where);
    } else {
        struct iovec parts[3] = {
            {bytes, count / 3}, {bytes + count / 3, count / 3},
            {bytes + count / 3 * 2, count - count / 3 * 2}};
        put = pwritev2(*slot(turn), parts, 3, (off_t)where, way == 3 ? RWF_APPEND : 0);
    }
    if (!outcome(turn, put)) return;
    add(turn->result, " %zd", put);
    tell_position(turn);
}

static void seek(struct turn *turn) {
    uint64_t where = offset(turn);
    int whence = (int)below(&turn->numbers, 3);
    add(turn->what, "lseek slot %d, %lu, whence %d", turn->slot, where, whence);
    off_t result = lseek(*slot(turn), (off_t)where, whence);
    if (turn->loose[turn->slot] && result >= 0) {
        lseek(*slot(turn), (off_t)where, SEEK_SET);
        return;
    }
    struct stat status;
    // A directory's positions are its file system's own.
    if (fstat(*slot(turn), &status) == 0 && S_ISDIR(status.st_mode)) {
        lseek(*slot(turn), 0, SEEK_SET);
        return;
    }
    if (outcome(turn, result)) add(turn->result, " %ld", (long)result);
}

/// Where the host has holes is its own affair; but they read as nought, and all data is found.
static void seek_data(struct turn *turn) {
    add(turn->what, "seek data and holes of slot %d", turn->slot);
    if (turn->loose[turn->slot]) return;
    struct stat status;
    if (!outcome(turn, fstat(*slot(turn), &status))) return;
    if (!S_ISREG(status.st_mode)) return;
    off_t position = lseek(*slot(turn), 0, SEEK_CUR);
    off_t at = 0;
    uint64_t sum = 0;
    while (at < status.st_size) {
        off_t data = lseek(*slot(turn), at, SEEK_DATA);
        if (data < 0 && errno == ENXIO) data = status.st_size;
        if (data < 0) break;
        if (data < at) add(turn->result, " data at %ld before %ld", data, at);
        off_t end = data == status.st_size ? data : lseek(*slot(turn), data, SEEK_HOLE);
        if (end < data || end > status.st_size) {
            add(turn->result, " hole at %ld after %ld of %ld", end, data, status.st_size);
            break;
        }
        for (off_t from = data; from < end;) {
            ssize_t got = pread(*slot(turn), bytes, sizeof bytes, from);
            if (got <= 0) break;
            if (from + got > end) got = end - from;
            for (ssize_t index = 0; index < got; index++) {
                if (bytes[index]) sum += (uint64_t)(from + index + 1) * bytes[index];
            }
            from += got;
        }
        at = end > at ? end : at + 1;
    }
    off_t beyond = lseek(*slot(turn), status.st_size, SEEK_DATA);
    add(turn->result, " sum %016lx, beyond ", sum);
    add_errno(turn->result, beyond < 0 ? errno : 0);
    lseek(*slot(turn), position, SEEK_SET);
}

static void truncate_file(struct turn *turn) {
    uint64_t size = offset(turn);
    bool open = chance(&turn->numbers, 60);
    add(turn->what, "truncate to %lu, ", size);
    if (open) {
        add(turn->what, "slot %d", turn->slot);
        outcome(turn, ftruncate(*slot(turn), (off_t)size));
    } else {
        add_name(turn->what, turn->first);
        outcome(turn, truncate(turn->first, (off_t)size));
    }
}

static void allocate(struct turn *turn) {
    static const int modes[] = {
        0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
        FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE,
    };
    int mode = modes[below(&turn->numbers, 6)];
    uint64_t where = offset(turn), count = length(turn) * (1 + below(&turn->numbers, 9));
    add(turn->what, "fallocate slot %d, mode %d, %lu at %lu", turn->slot, mode, count, where);
    outcome(turn, fallocate(*slot(turn), mode, (off_t)where, (off_t)count));
}

static void shift(struct turn *turn) {
    int mode = chance(&turn->numbers, 50) ? FALLOC_FL_COLLAPSE_RANGE : FALLOC_FL_INSERT_RANGE;
    uint64_t where = offset(turn) & ~(uint64_t)4095, count = 4096;
    add(turn->what, "fallocate slot %d, mode %d, %lu at %lu", turn->slot, mode, count, where);
    outcome(turn, fallocate(*slot(turn), mode, (off_t)where, (off_t)count));
}

static void copy_range(struct turn *turn) {
    int from = *slot(turn), to = turn->side->slots[turn->other_slot];
    off_t source = (off_t)offset(turn), target = (off_t)offset(turn);
    size_t left = length(turn);
    add(turn->what, "copy_file_range slot %d at %ld to slot %d at %ld, %zu", turn->slot, source,
        turn->other_slot, target, left);
    // What a stale reader would copy is not told.
    if (turn->loose[turn->slot]) return;
    ssize_t got = 0;
    size_t all = 0;
    do {
        got = copy_file_range(from, &source, to, &target, left, 0);
        if (got > 0) {
            left -= (size_t)got;
            all += (size_t)got;
        }
    } while (got > 0 && left > 0);
    if (outcome(turn, got)) add(turn->result, " %zu", all);
}

static void send_file(struct turn *turn) {
    int from = *slot(turn), to = turn->side->slots[turn->other_slot];
    off_t source = (off_t)offset(turn);
    size_t left = length(turn);
    add(turn->what, "sendfile slot %d at %ld to slot %d, %zu", turn->slot, source,
        turn->other_slot, left);
    struct stat status;
    if (turn->loose[turn->slot]) return;
    if (fstat(to, &status) < 0 || !S_ISREG(status.st_mode)) return;
    ssize_t got = 0;
    size_t all = 0;
    do {
        got = sendfile(to, from, &source, left);
        if (got > 0) {
            left -= (size_t)got;
            all += (size_t)got;
        }
    } while (got > 0 && left > 0);
    if (outcome(turn, got)) add(turn->result, " %zu", all);
}

// MARK: Mappings

static sigjmp_buf beyond;
static void caught(int number) {
    (void)number;
    siglongjmp(beyond, 1);
}

static void use_mapping(struct turn *turn, struct mapping *mapping, bool writes) {
    size_t where = mapping->length ? below(&turn->numbers, mapping->length) : 0;
    uint64_t seed = next_number(&turn->numbers);
    size_t count = 1 + below(&turn->numbers, 5000);
    if (where + count > mapping->length) count = mapping->length - where;
    struct sigaction action = {.sa_handler = caught, .sa_flags = SA_NODEFER}, before;
    sigaction(SIGBUS, &action, &before);
    if (sigsetjmp(beyond, 1)) {
        add(turn->result, " SIGBUS");
    } else {
        if (writes) {
            // From the end, so that what does not fit changes nothing.
            mapping->start[where + count - 1] = (char)seed;
            for (size_t index = 0; index < count; index++) {
                mapping->start[where + index] = (char)(seed >> (index % 7 * 8));
            }
            // A file's times are those of the write only once it is written out.
            msync(mapping->start, mapping->length, MS_SYNC);
        } else {
            add(turn->result, " %016lx", digest(0, mapping->start + where, count));
        }
    }
    sigaction(SIGBUS, &before, NULL);
}

static void map_file(struct turn *turn) {
    static const struct {
        int protection, flags;
        const char *name;
    } kinds[] = {
        {PROT_READ, MAP_SHARED, "shared, to read"}, {PROT_READ, MAP_PRIVATE, "private, to read"},
        {PROT_READ | PROT_WRITE, MAP_PRIVATE, "private, to write"},
        {PROT_READ | PROT_WRITE, MAP_SHARED, "shared, to write"},
        {PROT_READ | PROT_WRITE, MAP_SHARED, "shared, to write"},
    };
    unsigned kind = (unsigned)below(&turn->numbers, 5);
    uint64_t where = offset(turn) & ~(uint64_t)4095;
    size_t count = length(turn) + 1;
    bool stays = kind >= 3 && chance(&turn->numbers, 40);
    unsigned place = (unsigned)below(&turn->numbers, mapping_count);
    add(turn->what, "mmap %s, slot %d, %zu at %lu", kinds[kind].name, turn->slot, count, where);
    struct stat status;
    if (!outcome(turn, fstat(*slot(turn), &status))) return;
    if (S_ISCHR(status.st_mode)) return;
    void *start = mmap(
        NULL, count, kinds[kind].protection, kinds[kind].flags, *slot(turn), (off_t)where);
    if (!outcome(turn, start == MAP_FAILED ? -1 : 0)) return;
    struct mapping mapping = {start, count};
    if (turn->loose[turn->slot]) {
        munmap(start, count);
        return;
    }
    use_mapping(turn, &mapping, kinds[kind].protection & PROT_WRITE);
    use_mapping(turn, &mapping, false);
    if (kind >= 3) outcome(turn, msync(start, count, MS_SYNC));
    if (stays) {
        struct mapping *old = &turn->side->mappings[place];
        if (old->start) munmap(old->start, old->length);
        *old = mapping;
    } else {
        munmap(start, count);
    }
}

static void use_old_mapping(struct turn *turn) {
    unsigned place = (unsigned)below(&turn->numbers, mapping_count);
    bool writes = chance(&turn->numbers, 50);
    struct mapping *mapping = &turn->side->mappings[place];
    add(turn->what, "%s mapping %d", writes ? "write to" : "read from", place);
    if (!mapping->start) return;
    use_mapping(turn, mapping, writes);
    if (chance(&turn->numbers, 30)) {
        munmap(mapping->start, mapping->length);
        *mapping = (struct mapping){0};
    }
}

// MARK: The rest

static void synchronize(struct turn *turn) {
    int way = (int)below(&turn->numbers, 3);
    add(turn->what, "fsync way %d, slot %d", way, turn->slot);
    struct stat status;
    if (fstat(*slot(turn), &status) == 0 && !S_ISREG(status.st_mode)) return;
    if (way == 2) return;  // syncfs would write out the whole host
    outcome(turn, way ? fdatasync(*slot(turn)) : fsync(*slot(turn)));
}

static void lock(struct turn *turn) {
    static const int kinds[] = {LOCK_SH, LOCK_EX, LOCK_UN};
    int kind = kinds[below(&turn->numbers, 3)];
    add(turn->what, "flock slot %d, %d", turn->slot, kind);
    outcome(turn, flock(*slot(turn), kind | LOCK_NB));
}

static void stat_slot(struct turn *turn) {
    add(turn->what, "fstat slot %d", turn->slot);
    struct stat status;
    if (outcome(turn, fstat(*slot(turn), &status))) add_status(turn, turn->result, &status);
}

const struct operation file_operations[] = {
    {"open", 30, open_file, false},
    {"tmpfile", 2, make_temporary, true},
    {"close", 5, close_file, false},
    {"read", 14, read_file, false},
    {"write", 22, write_file, false},
    {"seek", 2, seek, false},
    {"seek data", 5, seek_data, false},
    {"truncate", 8, truncate_file, false},
    {"fallocate", 7, allocate, false},
    {"shift", 1, shift, true},
    {"copy", 5, copy_range, false},
    {"sendfile", 2, send_file, false},
    {"mmap", 10, map_file, false},
    {"old mapping", 6, use_old_mapping, false},
    {"fsync", 2, synchronize, false},
    {"flock", 2, lock, false},
    {"fstat", 8, stat_slot, false},
    {0},
};
