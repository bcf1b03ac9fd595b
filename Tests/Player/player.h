// The operation player: does the same random operations in two directories and compares what each
// call says. See docs/testing.md, "The player".
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

// MARK: Random numbers

/// A sequence of numbers (splitmix64): the same for the same seed on every machine.
struct numbers {
    uint64_t state;
};
uint64_t next_number(struct numbers *numbers);
/// 0 ..< limit.
uint64_t below(struct numbers *numbers, uint64_t limit);
/// True for so many of a hundred.
bool chance(struct numbers *numbers, unsigned percent);
void fill(void *bytes, size_t count, uint64_t seed);
uint64_t digest(uint64_t before, const void *bytes, size_t count);

// MARK: Text that grows

struct text {
    char *bytes;
    size_t length, capacity;
};
void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/// A name, shortened and printable.
void add_name(struct text *text, const char *name);
void add_errno(struct text *text, int error);
void clear(struct text *text);

/// The names of a directory, in the order of their bytes: the same on every file system.
struct names {
    char **names;
    unsigned count;
};
struct names list_names(int directory);
void free_names(struct names *names);

_Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

// MARK: Sides and turns

enum { slot_count = 10, mapping_count = 3, path_bytes = 8192 };

struct mapping {
    char *start;
    size_t length;
};

/// One of the two directories, and what is open in it.
struct side {
    const char *path;
    int root;
    int slots[slot_count];
    struct mapping mappings[mapping_count];
};

/// Who acts.
struct identity {
    unsigned user, group;
    unsigned groups[2];
    int group_count;
};

/// What an operation is given. Both sides get the same but for `side`.
struct turn {
    struct side *side;
    struct numbers numbers;
    struct identity who;
    /// Two paths, relative to the present directory or absolute below the side's root.
    char first[path_bytes], second[path_bytes];
    /// Where relative paths start: a slot if not negative, else `start`.
    int start_slot;
    char start[path_bytes];
    int slot, other_slot;
    /// What the operation is, and what came of it.
    struct text *what, *result;
    /// The content of read-only handles may be that before a change, see docs/fuse-semantics.md.
    bool *loose;
    const struct settings *settings;
};

struct settings {
    uint64_t seed;
    unsigned long operations, interval, checkpoint;
    bool reopens, sockets, trusted, verbose;
};

struct operation {
    const char *name;
    unsigned weight;
    void (*run)(struct turn *turn);
    /// The first side may say EOPNOTSUPP: then the other is not asked.
    bool optional;
};
extern const struct operation file_operations[], name_operations[], attribute_operations[];

// MARK: Reports

void add_status(struct turn *turn, struct text *text, const struct stat *status);
void add_time(struct text *text, const struct timespec *time);
/// Appends "ok", or the error of the call before.
bool outcome(struct turn *turn, long returned);

/// Times from then on are only known to be new.
enum { present = 1577836800 };

// MARK: Commands

/// - Parameter layer: leave out what no layer can hold.
void populate(const char *directory, bool layer);
int compare(const char *view, const char *disk, const struct settings *settings);
int exercise(const char *path, bool direct, const struct settings *settings);
int crowd(const char *directory, unsigned processes, const struct settings *settings);
struct conformance {
    const char *operation, *sentence, *program;
};
/// - Parameter operation: only the cases of this one, or all if empty.
int conform(const char *directory, const char *operation);
/// All that can be seen of a tree, a line for each name.
void describe_tree(struct text *text, const char *directory, const struct settings *settings);
bool same_trees(
    const char *view, const char *disk, const struct settings *settings, const char *moment);

extern const char *const pool[];
extern const unsigned pool_count;
/// An access control list as an extended attribute.
size_t make_acl(struct numbers *numbers, unsigned char *bytes, bool valid);
