#define _GNU_SOURCE
#include "player.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: player populate DIRECTORY...\n"
    "       player compare VIEW DISK [OPTION...]   the same operations on both\n"
    "       player same VIEW DISK                  the two trees as they are\n"
    "       player crowd DIRECTORY [OPTION...]     several processes at once\n"
    "       player conform DIRECTORY [OPERATION]   what POSIX and Linux say\n"
    "       player exercise FILE [OPTION...]       one file against memory\n"
    "options: --seed N --operations N --interval N --checkpoint N --processes N\n"
    "         --reopens --no-sockets --no-trusted --verbose --direct --layer\n";

int main(int argc, char **argv) {
    struct settings settings = {
        .seed = 1, .operations = 1000, .interval = 1000, .sockets = true, .trusted = true};
    unsigned processes = 4;
    bool direct = false, layer = false;
    char *paths[8];
    int count = 0;
    for (int index = 1; index < argc; index++) {
        const char *option = argv[index];
        if (strncmp(option, "--", 2)) {
            if (count < 8) paths[count++] = argv[index];
            continue;
        }
        if (!strcmp(option, "--reopens")) {
            settings.reopens = true;
        } else if (!strcmp(option, "--no-sockets")) {
            settings.sockets = false;
        } else if (!strcmp(option, "--no-trusted")) {
            settings.trusted = false;
        } else if (!strcmp(option, "--verbose")) {
            settings.verbose = true;
        } else if (!strcmp(option, "--layer")) {
            layer = true;
        } else if (!strcmp(option, "--direct")) {
            direct = true;
        } else if (index + 1 < argc) {
            unsigned long value = strtoul(argv[++index], NULL, 10);
            if (!strcmp(option, "--seed")) settings.seed = value;
            if (!strcmp(option, "--operations")) settings.operations = value;
            if (!strcmp(option, "--interval")) settings.interval = value;
            if (!strcmp(option, "--checkpoint")) settings.checkpoint = value;
            if (!strcmp(option, "--processes")) processes = (unsigned)value;
        }
    }
    // The player goes elsewhere.
    for (int index = 1; index < count; index++) {
        char *whole = realpath(paths[index], NULL);
        if (whole) paths[index] = whole;
    }
    const char *command = count > 0 ? paths[0] : "";
    if (!strcmp(command, "populate") && count > 1) {
        for (int index = 1; index < count; index++) populate(paths[index], layer);
        return 0;
    }
    if (!strcmp(command, "compare") && count == 3) {
        return compare(paths[1], paths[2], &settings);
    }
    if (!strcmp(command, "same") && count == 3) {
        return same_trees(paths[1], paths[2], &settings, "now") ? 0 : 1;
    }
    if (!strcmp(command, "conform") && count > 1) {
        return conform(paths[1], count > 2 ? paths[2] : "");
    }
    if (!strcmp(command, "hold")) {
        for (;;) pause();
    }
    if (!strcmp(command, "crowd") && count == 2) return crowd(paths[1], processes, &settings);
    if (!strcmp(command, "exercise") && count == 2) return exercise(paths[1], direct, &settings);
    fputs(usage, stderr);
    return 2;
}
