#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "vitrine_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// The child runs in the parent's memory, on a stack of its own, until it executes the program
// (CLONE_VM, CLONE_VFORK): nothing is copied, however large the parent, and its failure is a plain
// variable. It calls nothing that allocates, locks or keeps state.

// The kernel's set of 64 signals. glibc's leaves out the two that it keeps for itself, and a handler
// of the parent must not run in the child.
typedef uint64_t kernel_signals;
enum { signal_count = 64, child_stack_bytes = 64 << 10 };

struct child {
    const struct vitrine_spawn_request *request;
    enum vitrine_spawn_step step;
    int error;
    size_t mount_index;
};

static void reset_signals(void) {
    for (int number = 1; number <= signal_count; number++) {
        // The kernel's call, since glibc's refuses its own two signals. All zero is SIG_DFL; room
        // for the kernel's structure, which is smaller than glibc's on every architecture.
        uint64_t action[16] = {0};
        if (number != SIGKILL && number != SIGSTOP)
            syscall(SYS_rt_sigaction, number, action, NULL, sizeof(kernel_signals));
    }
    kernel_signals none = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
}

static int make_mounts(struct child *child) {
    const struct vitrine_spawn_request *request = child->request;
    if (request->unshare_flags & CLONE_NEWNS) {
        // Slaves: what the child mounts stays its own, what the parent unmounts goes here too.
        if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL)) {
            child->mount_index = SIZE_MAX;
            return -1;
        }
        for (size_t index = 0; index < request->detached_count; index++)
            umount2(request->detached[index], MNT_DETACH | UMOUNT_NOFOLLOW);
    }
    for (size_t index = 0; index < request->mount_count; index++) {
        const struct vitrine_mount *m = &request->mounts[index];
        child->mount_index = index;
        if (mount(m->source, m->target, m->type, m->flags, m->data)) return -1;
    }
    return 0;
}

static void close_from(unsigned first) {
    if (syscall(SYS_close_range, first, ~0u, 0) == 0) return;
    // Before Linux 5.9. Descriptors of ours close by themselves; this is for those of libraries.
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) limit.rlim_cur = 1024;
    for (rlim_t number = first; number < limit.rlim_cur && number < (1 << 20); number++)
        close((int)number);
}

static int place_descriptors(const struct vitrine_spawn_request *request) {
    int count = (int)request->descriptor_count;
    // Out of the way first, so that no copy lands on a source that is still wanted.
    int copies[16];
    if (count > 16) {
        errno = EINVAL;
        return -1;
    }
    for (int index = 0; index < count; index++) {
        int source = request->descriptors[index];
        int opened = -1;
        if (source < 0) source = opened = open("/dev/null", O_RDWR);
        copies[index] = fcntl(source, F_DUPFD, count);
        if (copies[index] < 0) return -1;
        if (opened >= 0) close(opened);
    }
    for (int index = 0; index < count; index++)
        if (dup2(copies[index], index) < 0) return -1;
    close_from((unsigned)count);
    return 0;
}

static enum vitrine_spawn_step prepare(struct child *child) {
    const struct vitrine_spawn_request *request = child->request;
    if (request->group == 1 && setsid() < 0) return vitrine_spawn_group;
    if (request->group == 2 && setpgid(0, 0)) return vitrine_spawn_group;
    if (request->death_signal && prctl(PR_SET_PDEATHSIG, request->death_signal))
        return vitrine_spawn_death_signal;
    if (request->unshare_flags && unshare(request->unshare_flags)) return vitrine_spawn_unshare;
    if (make_mounts(child)) return vitrine_spawn_mount;
    if (request->directory && chdir(request->directory)) return vitrine_spawn_directory;
    if (place_descriptors(request)) return vitrine_spawn_descriptors;
    execve(request->program, request->arguments, request->environment);
    return vitrine_spawn_execute;
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
__attribute__((no_sanitize("thread", "address")))
#endif
#endif
static int
run_child(void *argument) {
    struct child *child = argument;
    reset_signals();
    child->step = prepare(child);
    child->error = errno;
    _exit(127);
}

// Whoever started this process may have let it ignore the end of children, as some daemons do: then
// the kernel would throw away how they ended.
static void keep_exit_codes(void) {
    struct sigaction action;
    if (sigaction(SIGCHLD, NULL, &action)) return;
    if (action.sa_handler != SIG_IGN && !(action.sa_flags & SA_NOCLDWAIT)) return;
    if (action.sa_handler == SIG_IGN) action.sa_handler = SIG_DFL;
    action.sa_flags &= ~SA_NOCLDWAIT;
    sigaction(SIGCHLD, &action, NULL);
}

pid_t vitrine_spawn(const struct vitrine_spawn_request *request, enum vitrine_spawn_step *step,
                    size_t *mount_index) {
    struct child child = {.request = request, .step = vitrine_spawn_done};
    *step = vitrine_spawn_clone;
    *mount_index = 0;
    void *stack = mmap(NULL, child_stack_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return -1;
    keep_exit_codes();

    kernel_signals all = ~(kernel_signals)0, before = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
    pid_t pid = clone(run_child, (char *)stack + child_stack_bytes, CLONE_VM | CLONE_VFORK | SIGCHLD,
                      &child);
    int error = errno;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
    munmap(stack, child_stack_bytes);

    if (pid < 0) {
        errno = error;
        return -1;
    }
    *step = child.step;
    if (child.step == vitrine_spawn_done) return pid;
    *mount_index = child.mount_index;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
    errno = child.error;
    return -1;
}

int vitrine_pidfd_open(pid_t pid) {
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

int vitrine_pidfd_send_signal(int descriptor, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, descriptor, signal, NULL, 0);
}

int vitrine_memory_file(const char *name) {
    return memfd_create(name, MFD_CLOEXEC);
}

int vitrine_pipe(int *reading, int *writing) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) return -1;
    *reading = ends[0];
    *writing = ends[1];
    return 0;
}

int vitrine_new_network_namespace(void) {
    if (unshare(CLONE_NEWNET)) return -1;
    return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

int vitrine_join_network_namespace(int descriptor) {
    return setns(descriptor, CLONE_NEWNET);
}

int vitrine_program_file(const char *name) {
    // MFD_EXEC, of Linux 6.3: what older kernels do without it.
    int descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | 0x10U);
    if (descriptor < 0 && errno == EINVAL) {
        descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    }
    return descriptor;
}

int vitrine_seal_file(int descriptor) {
    return fcntl(descriptor, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}
