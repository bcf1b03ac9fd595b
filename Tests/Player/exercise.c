#define _GNU_SOURCE
#include "player.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// One file against what it is to hold, kept in memory: any offset, any way to read and write.

enum { largest = 2 << 20, longest = 200 << 10 };

static unsigned char *model, *buffer;
static size_t size;
static int file;
static unsigned long step;
static const struct settings *chosen;
static struct text history[30];

static void check(bool holds, const char *what) {
    if (holds) return;
    printf("operation %lu of seed %lu: %s: %s\nThe last operations:\n", step, chosen->seed, what,
        strerror(errno));
    for (unsigned long back = 30; back-- > 0;) {
        if (step >= back && history[(step - back) % 30].length) {
            printf("  %s\n", history[(step - back) % 30].bytes);
        }
    }
    exit(1);
}

static void check_bytes(const unsigned char *found, size_t from, size_t count) {
    if (!memcmp(found, model + from, count)) return;
    size_t index = 0, last = count;
    while (found[index] == model[from + index]) index++;
    while (found[last - 1] == model[from + last - 1]) last--;
    printf("bytes %zu ..< %zu of %zu are wrong, %02x for %02x\n", from + index, from + last, size,
        found[index], model[from + index]);
    errno = 0;
    check(false, "a read");
}

static void grow(size_t end) {
    if (end > size) size = end;
}

static void write_range(size_t from, size_t count, uint64_t seed) {
    fill(buffer, count, seed);
    check(pwrite(file, buffer, count, (off_t)from) == (ssize_t)count, "pwrite");
    memcpy(model + from, buffer, count);
    grow(from + count);
}

static void read_range(size_t from, size_t count) {
    ssize_t wanted = from >= size ? 0 : (ssize_t)(size - from < count ? size - from : count);
    ssize_t got = pread(file, buffer, count, (off_t)from);
    check(got == wanted, "the length of a read");
    check_bytes(buffer, from, (size_t)got);
}

static void map_range(size_t from, size_t count, bool writes, uint64_t seed) {
    if (from >= size) return;
    if (from + count > size) count = size - from;
    size_t start = from & ~(size_t)4095, lead = from - start;
    unsigned char *mapping = mmap(
        NULL, lead + count, PROT_READ | (writes ? PROT_WRITE : 0), MAP_SHARED, file,
        (off_t)start);
    check(mapping != MAP_FAILED, "mmap");
    if (writes) {
        fill(buffer, count, seed);
        memcpy(mapping + lead, buffer, count);
        memcpy(model + from, buffer, count);
        if (seed & 1) check(msync(mapping, lead + count, MS_SYNC) == 0, "msync");
    } else {
        check_bytes(mapping + lead, from, count);
    }
    munmap(mapping, lead + count);
}

static void resize(size_t length) {
    check(ftruncate(file, (off_t)length) == 0, "ftruncate");
    if (length < size) memset(model + length, 0, size - length);
    size = length;
}

static void allocate(int mode, size_t from, size_t count) {
    check(fallocate(file, mode, (off_t)from, (off_t)count) == 0, "fallocate");
    bool keeps = mode & FALLOC_FL_KEEP_SIZE;
    if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
        size_t end = from + count;
        if (keeps && end > size) end = size;
        if (end > from) memset(model + from, 0, end - from);
    }
    if (!keeps) grow(from + count);
}

static void copy_range(size_t from, size_t to, size_t count) {
    if (from >= size) return;
    if (from + count > size) count = size - from;
    if (from < to + count && to < from + count) return;
    off_t source = (off_t)from, target = (off_t)to;
    size_t left = count;
    while (left > 0) {
        ssize_t got = copy_file_range(file, &source, file, &target, left, 0);
        check(got > 0, "copy_file_range");
        left -= (size_t)got;
    }
    memcpy(model + to, model + from, count);
    grow(to + count);
}

static void seek_holes(void) {
    off_t at = 0;
    while (at < (off_t)size) {
        off_t data = lseek(file, at, SEEK_DATA);
        if (data < 0) check(errno == ENXIO, "SEEK_DATA");
        off_t end = data < 0 ? (off_t)size : data;
        for (off_t index = at; index < end; index++) {
            check(model[index] == 0, "a hole where there is data");
        }
        if (data < 0) break;
        at = lseek(file, data, SEEK_HOLE);
        check(at > data, "SEEK_HOLE");
    }
    check(lseek(file, 0, SEEK_END) == (off_t)size, "SEEK_END");
}

static void reopen(const char *path, int flags) {
    close(file);
    file = open(path, flags);
    check(file >= 0, "open");
}

static void act(struct numbers *numbers, const char *path, int flags) {
    static const char *const names[] = {
        "write", "read", "map to read", "map to write", "truncate", "punch", "zero",
        "zero, kept size", "allocate", "copy", "seek", "reopen", "stat", "write by another",
    };
    // O_DIRECT wants sizes of blocks.
    size_t unit = flags & O_DIRECT ? 4096 : 1;
    unsigned kind = (unsigned)below(numbers, chance(numbers, 50) ? 4 : 14);
    size_t from = below(numbers, largest - longest) / unit * unit;
    size_t to = below(numbers, largest - longest) / unit * unit;
    size_t count = (1 + below(numbers, chance(numbers, 70) ? 9000 : longest - 1) / unit) * unit;
    if (count > longest) count = longest;
    uint64_t seed = next_number(numbers);
    clear(&history[step % 30]);
    add(&history[step % 30], "%lu %s %zu at %zu, %zu of %zu", step, names[kind], count, from, to,
        size);
    struct stat status;
    switch (kind) {
    case 0: write_range(from, count, seed); break;
    case 1: read_range(from, count); break;
    case 2: map_range(from, count, false, seed); break;
    case 3: map_range(from, count, true, seed); break;
    case 4: if (chance(numbers, 40)) resize(from); break;
    case 5: allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, count); break;
    case 6: allocate(FALLOC_FL_ZERO_RANGE, from, count); break;
    case 7: allocate(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, from, count); break;
    case 8: allocate(chance(numbers, 50) ? 0 : FALLOC_FL_KEEP_SIZE, from, count); break;
    case 9: copy_range(from, to, count); break;
    case 10: seek_holes(); break;
    case 11: reopen(path, flags); break;
    case 12:
        check(fstat(file, &status) == 0 && status.st_size == (off_t)size, "the size");
        break;
    default: {
        int other = file;
        file = open(path, O_RDWR);
        check(file >= 0, "open");
        write_range(from, count, seed);
        close(file);
        file = other;
    }
    }
}

int exercise(const char *path, bool direct, const struct settings *settings) {
    chosen = settings;
    model = calloc(1, largest + longest);
    buffer = aligned_alloc(4096, largest + longest);
    int flags = O_RDWR | (direct ? O_DIRECT : 0);
    file = open(path, O_RDWR | O_CREAT, 0644);
    if (!model || !buffer || file < 0) give_up("%s", path);
    // What the file holds is where it begins.
    ssize_t got = pread(file, model, largest, 0);
    check(got >= 0, "the first read");
    size = (size_t)got;
    reopen(path, flags);
    struct numbers numbers = {settings->seed};
    for (step = 1; step <= settings->operations; step++) {
        act(&numbers, path, flags);
        if (step % 5000 == 0 || step == settings->operations) {
            reopen(path, O_RDONLY);
            read_range(0, largest);
            reopen(path, flags);
        }
    }
    printf("%lu operations of seed %lu are right\n", settings->operations, settings->seed);
    return 0;
}
