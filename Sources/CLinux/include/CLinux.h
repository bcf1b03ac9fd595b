// What glibc declares as variadic functions or macros, which Swift does not import, and calls that
// it declares only under _GNU_SOURCE. That is not defined here: Swift's own view of glibc is without
// it, and clang refuses two versions of one struct.
#ifndef VITRINE_CLINUX_H
#define VITRINE_CLINUX_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "vitrine_keeper.h"
#include "vitrine_spawn.h"

static inline int vitrine_openat(int directory, const char *path, int flags, mode_t mode) {
    return openat(directory, path, flags, mode);
}

static inline int vitrine_openat2(int directory, const char *path, int flags, mode_t mode,
                                  unsigned long long resolve) {
    struct open_how how = {.flags = (unsigned long long)flags,
                           .mode = (flags & (O_CREAT | __O_TMPFILE)) ? mode : 0,
                           .resolve = resolve};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

static inline int vitrine_syncfs(int descriptor) { return (int)syscall(SYS_syncfs, descriptor); }

static inline int vitrine_rename_to_new(const char *source, const char *target) {
    // RENAME_NOREPLACE, whose header collides with glibc's <stdio.h>.
    return (int)syscall(SYS_renameat2, AT_FDCWD, source, AT_FDCWD, target, 1);
}

static inline int vitrine_fallocate(int descriptor, int mode, off_t offset, off_t length) {
    return (int)syscall(SYS_fallocate, descriptor, mode, offset, length);
}

static inline ssize_t vitrine_copy_file_range(int source, off_t *source_offset, int target,
                                              off_t *target_offset, size_t length) {
    return syscall(SYS_copy_file_range, source, source_offset, target, target_offset, length, 0);
}

static inline int vitrine_clone_file(int target, int source) {
    return ioctl(target, FICLONE, source);
}

// Has the file system write the blocks of an empty file in place; -1 and errno.
static inline int vitrine_write_in_place(int descriptor) {
    int flags = 0;
    if (ioctl(descriptor, FS_IOC_GETFLAGS, &flags) != 0) return -1;
    flags |= FS_NOCOW_FL;
    return ioctl(descriptor, FS_IOC_SETFLAGS, &flags);
}

// A private copy of the mount that holds `path`, rooted there and read-only; -1 and errno.
static inline int vitrine_open_read_only_tree(const char *path) {
    // struct mount_attr of linux/mount.h, which older headers do not have: MOUNT_ATTR_RDONLY is 1.
    struct {
        unsigned long long attr_set, attr_clr, propagation, userns_fd;
    } attributes = {.attr_set = 1};
    // OPEN_TREE_CLONE is 1, OPEN_TREE_CLOEXEC is O_CLOEXEC. The numbers of the calls are those of
    // every architecture.
    int tree = (int)syscall(428, AT_FDCWD, path, 1 | O_CLOEXEC);
    if (tree < 0)
        return -1;
    if (syscall(442, tree, "", 0x1000 /* AT_EMPTY_PATH */, &attributes, sizeof attributes) == 0)
        return tree;
    int reason = errno;
    close(tree);
    errno = reason;
    return -1;
}

// What statfs(2) calls the type of the file system that holds a descriptor.
static inline int vitrine_file_system_type(int descriptor, unsigned *type) {
    struct statfs status;
    int result = fstatfs(descriptor, &status);
    if (result == 0)
        *type = (unsigned)status.f_type;
    return result;
}

static inline int vitrine_fcntl(int descriptor, int command, int argument) {
    return fcntl(descriptor, command, argument);
}

// From now on orphans among the descendants of this process become its children (prctl(2)).
int vitrine_adopt_orphans(void);

// Takes one descriptor out of the next message of a socket (unix(7), SCM_RIGHTS), closed on
// execution. Returns it, or -1 with errno set; EBADMSG if the message carries none.
int vitrine_receive_descriptor(int socket);

#endif
