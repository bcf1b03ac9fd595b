// The one call of SQLite that GRDB does not offer and Swift cannot make, for it is variadic.
#ifndef VITRINE_CSQLITE_H
#define VITRINE_CSQLITE_H

#include <sqlite3.h>

// The log is not written back into the database when the last connection closes
// (SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE). Returns a result code.
static inline int vitrine_keep_log_on_close(sqlite3 *database) {
    return sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0);
}

#endif
