#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "vitrine_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// The keeper is forked from a process with threads, so it makes system calls only: another thread
// may have held any lock at that moment, and will never give it back here.

enum { signal_count = 64, maximum_arguments = 32, listing_bytes = 16 << 10 };

// How often it looks whether something is left, and how long it waits in between at first. The
// pauses double: five seconds together.
enum { maximum_rounds = 9, first_pause_milliseconds = 10 };

// As the kernel writes it (getdents64(2)).
struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[];
};

static void end_one(const struct vitrine_spawn_request *request, size_t name_index, char *name) {
    char *arguments[maximum_arguments + 1];
    size_t count = 0;
    while (request->arguments[count] && count < maximum_arguments) {
        arguments[count] = count == name_index ? name : request->arguments[count];
        count++;
    }
    arguments[count] = NULL;
    struct vitrine_spawn_request own = *request;
    own.arguments = arguments;
    enum vitrine_spawn_step step;
    size_t mount_index;
    pid_t child = vitrine_spawn(&own, &step, &mount_index);
    if (child > 0)
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
}

// Returns whether anything was there.
static int end_all(const char *directory, const struct vitrine_spawn_request *request,
                   size_t name_index) {
    static _Alignas(8) char listing[listing_bytes];
    int found = 0;
    int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return 0;
    long count;
    while ((count = syscall(SYS_getdents64, descriptor, listing, sizeof listing)) > 0) {
        for (long place = 0; place < count;) {
            struct entry *entry = (struct entry *)(listing + place);
            place += entry->length;
            if (entry->name[0] == '.') continue;
            found = 1;
            end_one(request, name_index, entry->name);
        }
    }
    close(descriptor);
    return found;
}

static void close_others(int kept) {
    if (kept != 3 && dup2(kept, 3) < 0) _exit(1);
    for (int number = 0; number < 3; number++) {
        int null = open("/dev/null", O_RDWR);
        if (null >= 0 && null != number) {
            dup2(null, number);
            close(null);
        }
    }
    if (syscall(SYS_close_range, 4, ~0u, 0) == 0) return;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) limit.rlim_cur = 1024;
    for (rlim_t number = 4; number < limit.rlim_cur && number < (1 << 20); number++)
        close((int)number);
}

static void keep(int lifeline, const char *directory, const struct vitrine_spawn_request *request,
                 size_t name_index) {
    // Signals for the owner's group are not meant for the keeper: the owner ends it.
    setsid();
    uint64_t all = ~(uint64_t)0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all);
    prctl(PR_SET_NAME, "vitrine-keeper");
    close_others(lifeline);
    char byte;
    ssize_t count;
    do count = read(3, &byte, 1);
    while (count < 0 && errno == EINTR);
    if (count != 0) _exit(0);
    long pause = first_pause_milliseconds;
    int quiet = 0;
    // A container that was in the making may appear a moment later.
    for (int round = 0; round < maximum_rounds && quiet < 4; round++) {
        quiet = end_all(directory, request, name_index) ? 0 : quiet + 1;
        struct timespec time = {.tv_sec = pause / 1000, .tv_nsec = pause % 1000 * 1000000};
        nanosleep(&time, NULL);
        pause *= 2;
    }
    _exit(0);
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
__attribute__((no_sanitize("thread", "address")))
#endif
#endif
pid_t
vitrine_keeper_start(int lifeline, const char *directory,
                     const struct vitrine_spawn_request *request, size_t name_index) {
    // The kernel's own call: no handler of a library runs in the child.
    long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) keep(lifeline, directory, request, name_index);
    return (pid_t)pid;
}
