// The parts of a workload for which a shell would cost more than the file system.
//   load create DIR COUNT BYTES    COUNT files, 500 a directory
//   load unlink DIR COUNT          and takes them away
//   load write FILE MIB            sequentially in pieces of 1 MiB, with one fsync
//   load read FILE                 sequentially in pieces of 1 MiB
//   load poke FILE OFFSET          one byte
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char buffer[1 << 20];

static int fail(const char *what)
{
    perror(what);
    return 1;
}

static int create(const char *directory, int count, size_t bytes)
{
    char path[4096];
    for (int index = 0; index < count; index++) {
        if (index % 500 == 0) {
            snprintf(path, sizeof path, "%s/%d", directory, index / 500);
            if (mkdir(path, 0755) != 0)
                return fail(path);
        }
        snprintf(path, sizeof path, "%s/%d/file%d", directory, index / 500, index);
        int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
        if (file < 0 || write(file, buffer, bytes) != (ssize_t)bytes || close(file) != 0)
            return fail(path);
    }
    return 0;
}

static int remove_all(const char *directory, int count)
{
    char path[4096];
    for (int index = 0; index < count; index++) {
        snprintf(path, sizeof path, "%s/%d/file%d", directory, index / 500, index);
        if (unlink(path) != 0)
            return fail(path);
    }
    return 0;
}

static int write_file(const char *path, int pieces)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0)
        return fail(path);
    for (int piece = 0; piece < pieces; piece++)
        if (write(file, buffer, sizeof buffer) != sizeof buffer)
            return fail(path);
    return fsync(file) == 0 && close(file) == 0 ? 0 : fail(path);
}

static int read_file(const char *path)
{
    int file = open(path, O_RDONLY);
    if (file < 0)
        return fail(path);
    ssize_t count;
    while ((count = read(file, buffer, sizeof buffer)) > 0)
        ;
    return count == 0 ? 0 : fail(path);
}

static int poke(const char *path, off_t offset)
{
    int file = open(path, O_RDWR);
    return file >= 0 && pwrite(file, "x", 1, offset) == 1 && close(file) == 0 ? 0 : fail(path);
}

int main(int count, char **words)
{
    memset(buffer, 'v', sizeof buffer);
    if (count == 5 && !strcmp(words[1], "create"))
        return create(words[2], atoi(words[3]), strtoul(words[4], NULL, 10));
    if (count == 4 && !strcmp(words[1], "unlink"))
        return remove_all(words[2], atoi(words[3]));
    if (count == 4 && !strcmp(words[1], "write"))
        return write_file(words[2], atoi(words[3]));
    if (count == 3 && !strcmp(words[1], "read"))
        return read_file(words[2]);
    if (count == 4 && !strcmp(words[1], "poke"))
        return poke(words[2], strtoll(words[3], NULL, 10));
    fprintf(stderr, "usage: load create|unlink|write|read|poke …\n");
    return 64;
}
