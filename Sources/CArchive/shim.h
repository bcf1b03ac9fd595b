// What Swift cannot express of libarchive's interface: a variadic function and a cast macro.

#ifndef VITRINE_CARCHIVE_SHIM_H
#define VITRINE_CARCHIVE_SHIM_H

// Nothing of libarchive's needs fd_set, which glibc declares otherwise at each feature level, while
// Swift's Glibc and the package's other C modules are not all of one level.
#define _SYS_SELECT_H 1

#include <archive.h>
#include <archive_entry.h>

/// archive_set_error(3) is variadic.
static inline void carchive_set_error(struct archive *archive, int number, const char *message) {
    archive_set_error(archive, number, "%s", message);
}

/// AE_IFREG is a cast expression.
static inline void carchive_entry_make_regular(struct archive_entry *entry) {
    archive_entry_set_filetype(entry, AE_IFREG);
}

#endif
