// A process that outlives this one for a moment, to end what it left running.
#ifndef VITRINE_KEEPER_H
#define VITRINE_KEEPER_H

#include <stddef.h>
#include <sys/types.h>

#include "vitrine_spawn.h"

// Starts the keeper: a copy of this process that keeps nothing open but `lifeline`, the reading end
// of a pipe, and waits there.
//
// A byte from the pipe ends it. When the pipe ends without one, this process was killed: then the
// keeper runs `request` once for each name in `directory` that does not begin with a dot, with the
// name in the place of the argument number `name_index`, until none is left or its patience ends.
//
// Returns its process number, or -1 with errno set.
pid_t vitrine_keeper_start(int lifeline, const char *directory,
                           const struct vitrine_spawn_request *request, size_t name_index);

#endif
