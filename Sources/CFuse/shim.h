// What Swift cannot express of libfuse3 and the FUSE protocol: the API version macro, structures of
// the wire (linux/fuse.h; spelled out here since its copies differ between distributions), variadic
// calls and function-like macros. No logic.

#ifndef VITRINE_CFUSE_SHIM_H
#define VITRINE_CFUSE_SHIM_H

// libfuse 3.14, Debian 12; every later 3.x keeps this interface.
#define FUSE_USE_VERSION 314

#include <fuse_lowlevel.h>

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// Flags of INIT that libfuse 3.14 has no name for, or forgets to send (linux/fuse.h).
static const uint64_t VITRINE_INIT_PARALLEL_DIROPS = UINT64_C(1) << 18;
static const uint64_t VITRINE_INIT_HANDLE_KILLPRIV_V2 = UINT64_C(1) << 28;
static const uint64_t VITRINE_INIT_SETXATTR_EXT = UINT64_C(1) << 29;
static const uint64_t VITRINE_INIT_EXT = UINT64_C(1) << 30;
static const uint64_t VITRINE_INIT_DIRECT_IO_ALLOW_MMAP = UINT64_C(1) << 36;
static const uint64_t VITRINE_INIT_PASSTHROUGH = UINT64_C(1) << 37;

// Flags of the answer to OPEN.
static const uint32_t VITRINE_FOPEN_DIRECT_IO = 1 << 0;
static const uint32_t VITRINE_FOPEN_KEEP_CACHE = 1 << 1;
static const uint32_t VITRINE_FOPEN_CACHE_DIR = 1 << 3;
static const uint32_t VITRINE_FOPEN_PASSTHROUGH = 1 << 7;

struct vitrine_in_header {
    uint32_t length;
    uint32_t opcode;
    uint64_t unique;
    uint64_t nodeid;
    uint32_t uid;
    uint32_t gid;
    uint32_t pid;
    uint32_t padding;
};

struct vitrine_out_header {
    uint32_t length;
    int32_t error;
    uint64_t unique;
};

struct vitrine_init_in {
    uint32_t major;
    uint32_t minor;
    uint32_t max_readahead;
    uint32_t flags;
    uint32_t flags2;
};

struct vitrine_init_out {
    uint32_t major;
    uint32_t minor;
    uint32_t max_readahead;
    uint32_t flags;
    uint16_t max_background;
    uint16_t congestion_threshold;
    uint32_t max_write;
    uint32_t time_gran;
    uint16_t max_pages;
    uint16_t map_alignment;
    uint32_t flags2;
    uint32_t max_stack_depth;
};

struct vitrine_attr {
    uint64_t ino;
    uint64_t size;
    uint64_t blocks;
    uint64_t atime;
    uint64_t mtime;
    uint64_t ctime;
    uint32_t atimensec;
    uint32_t mtimensec;
    uint32_t ctimensec;
    uint32_t mode;
    uint32_t nlink;
    uint32_t uid;
    uint32_t gid;
    uint32_t rdev;
    uint32_t blksize;
    uint32_t flags;
};

struct vitrine_attr_out {
    uint64_t attr_valid;
    uint32_t attr_valid_nsec;
    uint32_t padding;
    struct vitrine_attr attr;
};

struct vitrine_entry_out {
    uint64_t nodeid;
    uint64_t generation;
    uint64_t entry_valid;
    uint64_t attr_valid;
    uint32_t entry_valid_nsec;
    uint32_t attr_valid_nsec;
    struct vitrine_attr attr;
};

struct vitrine_open_out {
    uint64_t fh;
    uint32_t open_flags;
    int32_t backing_id;
};

struct vitrine_create_out {
    struct vitrine_entry_out entry;
    struct vitrine_open_out open;
};

// The name follows, padded to 8 bytes.
struct vitrine_dirent {
    uint64_t ino;
    uint64_t off;
    uint32_t namelen;
    uint32_t type;
};

struct vitrine_direntplus {
    struct vitrine_entry_out entry;
    struct vitrine_dirent dirent;
};

struct vitrine_open_in {
    uint32_t flags;
    uint32_t open_flags;
};

struct vitrine_write_in {
    uint64_t fh;
    uint64_t offset;
    uint32_t size;
    uint32_t write_flags;
    uint64_t lock_owner;
    uint32_t flags;
    uint32_t padding;
};

// 16 bytes with FUSE_SETXATTR_EXT, else the first 8; then name, NUL, value.
struct vitrine_setxattr_in {
    uint32_t size;
    uint32_t flags;
    uint32_t setxattr_flags;
    uint32_t padding;
};

struct vitrine_backing_map {
    int32_t fd;
    uint32_t flags;
    uint64_t padding;
};

// FUSE_DEV_IOC_BACKING_OPEN: the new backing id, or -1 and errno.
static inline int vitrine_backing_open(int device, int descriptor)
{
    struct vitrine_backing_map map = { .fd = descriptor };
    return ioctl(device, _IOW(229, 1, struct vitrine_backing_map), &map);
}

// FUSE_DEV_IOC_BACKING_CLOSE
static inline int vitrine_backing_close(int device, uint32_t backing_id)
{
    return ioctl(device, _IOW(229, 2, uint32_t), &backing_id);
}

// fuse_session_custom_io is a macro or a versioned function, depending on libfuse.
static inline int vitrine_session_custom_io(
    struct fuse_session *session, const struct fuse_custom_io *io, int device)
{
    return fuse_session_custom_io(session, io, device);
}

// fuse_session_new is a macro in later versions.
static inline struct fuse_session *vitrine_session_new(
    const struct fuse_lowlevel_ops *operations, void *userdata)
{
    char *argv[] = { (char *)"vitrine", NULL };
    struct fuse_args args = FUSE_ARGS_INIT(1, argv);
    struct fuse_session *session =
        fuse_session_new(&args, operations, sizeof *operations, userdata);
    fuse_opt_free_args(&args);
    return session;
}

// fuse_reply_data with one host file: spliced where libfuse can.
static inline int vitrine_reply_file_range(fuse_req_t request, int descriptor, off_t offset, size_t size)
{
    struct fuse_bufvec vector = FUSE_BUFVEC_INIT(size);
    vector.buf[0].flags = (enum fuse_buf_flags)(FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK);
    vector.buf[0].fd = descriptor;
    vector.buf[0].pos = offset;
    return fuse_reply_data(request, &vector, FUSE_BUF_SPLICE_MOVE);
}

// Receives the one descriptor that fusermount3 sends over `socket`; -1 if it sent none.
static inline int vitrine_receive_descriptor(int socket)
{
    char byte;
    struct iovec vector = { .iov_base = &byte, .iov_len = 1 };
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    ssize_t received;
    do
        received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (received == -1 && errno == EINTR);
    struct cmsghdr *header = received > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
        return -1;
    int descriptor;
    memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    return descriptor;
}

// Linux's own calls and flags that glibc declares only under _GNU_SOURCE. That is not defined here:
// Swift's own view of glibc is without it, and clang refuses two versions of one struct.
static const int VITRINE_O_PATH = 010000000;

static inline ssize_t vitrine_splice(int input, loff_t *input_offset, int output,
                                     loff_t *output_offset, size_t size, unsigned int flags) {
    return syscall(SYS_splice, input, input_offset, output, output_offset, size, flags);
}

/// memfd_create(2) with MFD_CLOEXEC.
static inline int vitrine_memory_file(const char *name) {
    return (int)syscall(SYS_memfd_create, name, 1u);
}

// pidfd_open(2).
static inline int vitrine_process_handle(int process) {
    return (int)syscall(SYS_pidfd_open, process, 0u);
}

// pidfd_getfd(2): a copy of a descriptor of another process, which the caller closes.
static inline int vitrine_process_descriptor(int pidfd, int descriptor) {
    return (int)syscall(SYS_pidfd_getfd, pidfd, descriptor, 0u);
}

// Gives freed memory back to the system, malloc_trim(3): malloc.h is in no module of Swift's.
static inline void vitrine_give_back_memory(void) { malloc_trim(0); }

#endif
