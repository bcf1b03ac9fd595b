// Starting a child process with namespaces, mounts and descriptors of its own.
//
// Not named spawn.h: this directory stands before the system's on include paths, and Swift's Glibc
// module would take it for the system's header.
#ifndef VITRINE_SPAWN_H
#define VITRINE_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

// One call of mount(2); made in the order given.
struct vitrine_mount {
    const char *source;
    const char *target;
    const char *type;
    unsigned long flags;
    const char *data;
};

// What the child does before it executes the program, in the order of the members.
struct vitrine_spawn_request {
    // 0 stays in the parent's group, 1 starts a session, 2 starts a process group.
    int group;
    // A signal for the child when the thread that started it ends; 0 is none (prctl(2)).
    int death_signal;
    // Flags of unshare(2). With CLONE_NEWNS all mounts become slaves of the parent's.
    int unshare_flags;
    // Mount points that the child detaches there before it makes mounts; those that it can.
    char *const *detached;
    size_t detached_count;
    const struct vitrine_mount *mounts;
    size_t mount_count;
    // NULL stays in the parent's.
    const char *directory;
    // Descriptor i of the child is a copy of descriptors[i]; -1 opens /dev/null. All others close.
    const int *descriptors;
    size_t descriptor_count;
    // An absolute path; no search in PATH.
    const char *program;
    char *const *arguments;
    char *const *environment;
};

// Where the child failed.
enum vitrine_spawn_step {
    vitrine_spawn_done = 0,
    vitrine_spawn_clone,
    vitrine_spawn_group,
    vitrine_spawn_death_signal,
    vitrine_spawn_unshare,
    vitrine_spawn_mount,
    vitrine_spawn_directory,
    vitrine_spawn_descriptors,
    vitrine_spawn_execute,
};

// Starts the child and waits until it executes the program.
//
// Returns its process number, or -1 with errno, the step and, for a mount, its index set. The
// caller's thread stands still meanwhile; other threads run on. Safe in programs with threads: the
// child shares the parent's memory but makes system calls only, as posix_spawn(3) does.
pid_t vitrine_spawn(const struct vitrine_spawn_request *request, enum vitrine_spawn_step *step,
                    size_t *mount_index);

// pidfd_open(2), which glibc 2.36 and later wrap.
int vitrine_pidfd_open(pid_t pid);

// pidfd_send_signal(2).
int vitrine_pidfd_send_signal(int descriptor, int signal);

// An unnamed file in memory that can be executed and sealed (memfd_create(2), MFD_ALLOW_SEALING).
int vitrine_program_file(const char *name);

// Makes it unchangeable for ever (fcntl(2), F_ADD_SEALS).
int vitrine_seal_file(int descriptor);

// An unnamed file in memory, closed on execution (memfd_create(2)).
int vitrine_memory_file(const char *name);

// pipe2(2), closed on execution. Returns 0, or -1 with errno set.
int vitrine_pipe(int *reading, int *writing);

// Gives the calling thread a network namespace of its own and returns a descriptor of it, or -1 with
// errno set (unshare(2), namespaces(7)). For a thread that then ends.
int vitrine_new_network_namespace(void);

// Moves the calling thread to a network namespace (setns(2)). For a thread that stays there.
int vitrine_join_network_namespace(int descriptor);

#endif
