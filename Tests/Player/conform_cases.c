#include "player.h"

// See conform.c for the language. Every case holds on ext4; a view has to say the same.

#define LOOKS(command)                                                                            \
    "!ENOENT " command " no;"                                                                     \
    "!ENOENT " command " no/a;"                                                                   \
    "!ENOTDIR " command " file/a;"                                                                \
    "!ENAMETOOLONG " command " %256;"                                                             \
    "!ENAMETOOLONG " command " %/4096;"                                                           \
    "!ELOOP " command " loop/a;"                                                                  \
    "as 1000; !EACCES " command " closed/a;"

#define AROUND "create file 0666; symlink loop loop; mkdir closed 0700; create closed/a 0666;"

const struct conformance conformance_cases[] = {
    // MARK: chmod
    {"chmod", "paths that lead nowhere", AROUND LOOKS("chmod") "as 0; !ELOOP chmod loop 0644"},
    {"chmod", "every bit is kept for its owner", "create a 0644; chown a 1000 1000; as 1000;"
        "chmod a 07777; is a mode 07777; chmod a 0; is a mode 0; chmod a 04111; is a mode 04111"},
    {"chmod", "the change time moves, also for the same mode",
        "create a 0644; mark a .; chmod a 0600; changed c none; mark a; chmod a 0600; changed c"},
    {"chmod", "only the owner and root may",
        "create a 0644; as 1000; mark a; !EPERM chmod a 0666; is a mode 0644; changed none;"
        "as 0; chown a 1000 1000; as 1000; chmod a 0600; as 2000; !EPERM chmod a 0644"},
    {"chmod", "who is not of the group loses setgid",
        "create a 0644; chown a 1000 2000; as 1000; chmod a 02755; is a mode 0755;"
        "as 1000:1000,2000; chmod a 02755; is a mode 02755; as 0; chmod a 02711; is a mode 02711"},
    {"chmod", "a directory keeps setgid of another group for root only",
        "mkdir d 0755; chown d 1000 2000; as 1000; chmod d 02755; is d mode 0755;"
        "as 0; chmod d 02755; is d mode 02755"},
    {"chmod", "sticky is kept on files and directories",
        "create a 0644; chown a 1000 1000; mkdir d 0755; as 1000; chmod a 01644; is a mode 01644;"
        "as 0; chmod d 01777; is d mode 01777"},
    {"chmod", "a symbolic link is followed", "create a 0644; symlink a l; chmod l 0600; is a mode"
        " 0600; is l mode 0777"},
    {"chmod", "every type has a mode",
        "mkdir d 0700; mkfifo p 0600; mknod c c 0600 1 3; mknod s s 0600; chmod d 0711; chmod p"
        " 0622; chmod c 0644; chmod s 0640; is d mode 0711; is p mode 0622; is c mode 0644;"
        "is s mode 0640"},
    {"chmod", "an open file that has no name has a mode",
        "create a 0644; open a RDWR; unlink a; fchmod 0600"},
    {"chmod", "the mask of an access list is the group's part",
        "create a 0640; acl a access 6; is a mode 0660; chmod a 0640; is a mode 0640;"
        "as 1000; access a 4; !EACCES access a 2"},

    // MARK: chown
    {"chown", "paths that lead nowhere", AROUND
        "!ENOENT chown no 0 0; !ENOTDIR chown file/a 0 0; !ENAMETOOLONG chown %256 0 0;"
        "!ELOOP chown loop 0 0; !ENAMETOOLONG chown %/4096 0 0; as 1000;"
        "!EACCES chown closed/a 1000 1000"},
    {"chown", "root gives files away, others do not",
        "create a 0644; chown a 1000 1000; is a user 1000; is a group 1000; as 1000;"
        "!EPERM chown a 2000 -1; !EPERM chown a 1000 2000; !EPERM chown a -1 2000; as 2000;"
        "!EPERM chown a 2000 2000; is a user 1000"},
    {"chown", "the owner gives a file to a group of its own",
        "create a 0644; chown a 1000 1000; as 1000:1000,2000; mark a; chown a -1 2000;"
        "is a group 2000; changed c; chown a 1000 1000; is a group 1000"},
    {"chown", "setuid and setgid go, from programs", "create a 06755; chown a 1000 1000; is a mode"
        " 0755; chmod a 06755; as 1000; chown a -1 1000; is a mode 0755"},
    {"chown", "setuid goes with a change of nothing", "create a 04755; mark a; chown a -1 -1;"
        "is a mode 0755; changed c; create b 0644; mark b; chown b -1 -1; changed c"},
    {"chown", "a stranger takes nothing by a change of nothing",
        "create a 04755; as 1000; !EPERM chown a -1 -1; is a mode 04755"},
    {"chown", "setgid without group execution goes, as does setuid without execution",
        "create a 04644; chown a 1000 -1; is a mode 0644"},
    {"chown", "directories keep setuid and setgid",
        "mkdir d 0775; chmod d 06775; chown d 1000 1000; is d mode 06775"},
    {"chown", "capabilities go", "create a 0755; setxattr a security.capability; names a"
        " security.capability; chown a 1000 1000; names a "},
    {"chown", "lchown changes the link, chown what it leads to",
        "create a 0644; symlink a l; lchown l 1000 1000; is l user 1000; is a user 0; chown l 2000"
        " 2000; is a user 2000; is l user 1000"},
    {"chown", "every type has an owner",
        "mkdir d 0700; mkfifo p 0600; mknod c c 0600 1 3; mknod b b 0600 250 1; chown d 1 2;"
        "chown p 1 2; chown c 1 2; chown b 1 2; is d user 1; is p group 2; is c user 1; is b group"
        " 2; is c mode 0600"},
    {"chown", "a failed change changes no time",
        "create a 0644; as 1000; mark a; !EPERM chown a 1000 1000; changed none"},

    // MARK: link
    {"link", "paths that lead nowhere", AROUND
        "!ENOENT link no b; !ENOENT link file no/b; !ENOTDIR link file/a b; !ENOTDIR link file"
        " file/b; !ENAMETOOLONG link file %256; !ENAMETOOLONG link %256 b; !ELOOP link loop/a b;"
        "!ELOOP link file loop/b; !ENAMETOOLONG link file %/4096; as 1000; !EACCES link file"
        " closed/b; !EACCES link closed/a b"},
    {"link", "a name of 255 bytes and a path of 4,095",
        "create a 0644; link a %255; is a links 2; same a %255; link a %/4095; is x links 3"},
    {"link", "counts, and the times of file and directory",
        "create a 0644; mkdir d 0755; mark a d .; link a d/b; changed c cm none; is a links 2; is"
        " d/b links 2; same a d/b; mark a d/b d; unlink a; unlink d/b; changed - - cm"},
    {"link", "a name that is there stays", "create a 0644; create b 0600; !EEXIST link a b;"
        "!EEXIST link a a; mkdir d 0755; !EEXIST link a d; symlink no l; !EEXIST link a l"},
    {"link", "directories have one name", "mkdir d 0755; !EPERM link d e"},
    {"link", "a symbolic link gets a name itself, or what it leads to",
        "create a 0644; symlink a l; link l m; same l m; is l links 2; linkfollow l n; same a n;"
        "symlink no x; !ENOENT linkfollow x y"},
    {"link", "every type but directories", "mkfifo p 0600; link p q; mknod c c 0600 1 3; link c d;"
        "is p links 2; is d links 2; is d type c"},
    {"link", "writing needs the directory only", "mkdir d 0755; create a 0666; as 1000;"
        "!EACCES link a d/b"},

    // MARK: mkdir
    {"mkdir", "paths that lead nowhere", AROUND
        "!ENOENT mkdir no/a 0755; !ENOTDIR mkdir file/a 0755; !ENAMETOOLONG mkdir %256 0755;"
        "!ENAMETOOLONG mkdir %/4096 0755; !ELOOP mkdir loop/a 0755; as 1000; !EACCES mkdir"
        " closed/b 0755"},
    {"mkdir", "a name that is there stays", "create a 0644; !EEXIST mkdir a 0755; mkdir d 0755;"
        "!EEXIST mkdir d 0755; symlink no l; !EEXIST mkdir l 0755; !EEXIST mkdir . 0755;"
        "!EEXIST mkdir / 0755"},
    {"mkdir", "mode, umask, owner, links and times",
        "umask 022; mark .; mkdir d 0777; changed cm; is d mode 0755; is d links 2; mkdir d/e"
        " 0700; is d links 3; umask 077; mkdir f 0777; is f mode 0700; as 1000; umask 0;"
        "mkdir g 0711; is g user 1000; is g group 1000; is g mode 0711"},
    {"mkdir", "setgid directories hand down their group and the bit",
        "mkdir d 0777; chown d 0 2000; chmod d 02777; as 1000; mkdir d/e 0755; is d/e group 2000; is d/e mode"
        " 02755; create d/f 0644; is d/f group 2000; is d/f mode 0644"},
    {"mkdir", "sticky is taken from the mode, setuid and setgid are not",
        "mkdir d 07777; is d mode 01777"},
    {"mkdir", "a trailing slash is allowed", "mkdir d/ 0755; is d type d"},
    {"mkdir", "a default list takes the place of the umask",
        "mkdir d 0755; acl d default 7; umask 077; mkdir d/e 0777; is d/e mode 0670;"
        "create d/f 0666; is d/f mode 0660"},

    // MARK: mkfifo
    {"mkfifo", "paths that lead nowhere", AROUND
        "!ENOENT mkfifo no/a 0644; !ENOTDIR mkfifo file/a 0644; !ENAMETOOLONG mkfifo %256 0644;"
        "!ENAMETOOLONG mkfifo %/4096 0644; !ELOOP mkfifo loop/a 0644; as 1000; !EACCES mkfifo"
        " closed/b 0644; as 0; !EEXIST mkfifo file 0644; !EEXIST mkfifo closed 0644"},
    {"mkfifo", "mode, umask, owner and times", "umask 022; mark .; mkfifo p 0666; changed cm; is"
        " p mode 0644; is p type p; is p size 0; as 1000; mkfifo q 0600; is q user 1000"},
    {"mkfifo", "it can be opened at both ends", "mkfifo p 0666; !ENXIO open p WRONLY|NONBLOCK;"
        "open p RDWR|NONBLOCK; write 5; read 5"},

    // MARK: mknod
    {"mknod", "paths that lead nowhere", AROUND
        "!ENOENT mknod no/a p 0644; !ENOTDIR mknod file/a p 0644; !ENAMETOOLONG mknod %256 p 0644;"
        "!ELOOP mknod loop/a c 0644 1 3; !EEXIST mknod file c 0644 1 3"},
    {"mknod", "types, numbers and modes", "umask 027; mknod c c 0666 1 3; mknod b b 0666 259"
        " 1048575; mknod s s 0666; mknod f f 0666; is c type c; is b type b; is s type s; is f"
        " type r; is c mode 0640; is c device 259; is f size 0"},
    {"mknod", "devices are for root", "as 1000; !EPERM mknod c c 0666 1 3; !EPERM mknod b b 0666 8"
        " 0; mknod s s 0666; mknod p p 0666; mknod f f 0644; is f user 1000"},
    {"mknod", "a socket without a server refuses", "mknod s s 0666; !ENXIO open s RDWR"},

    // MARK: open
    {"open", "paths that lead nowhere", AROUND
        "!ENOENT open no RDONLY; !ENOENT open no/a RDWR|CREAT 0644; !ENOTDIR open file/a RDONLY;"
        "!ENOTDIR open file/a WRONLY|CREAT 0644; !ENAMETOOLONG open %256 WRONLY|CREAT 0644;"
        "!ENAMETOOLONG open %/4096 RDONLY; !ELOOP open loop RDONLY; as 1000; !EACCES open closed/a"
        " RDONLY; !EACCES open closed/b WRONLY|CREAT 0644; !ENOENT open '' RDONLY"},
    {"open", "modes are what may be opened",
        "create a 0640; chown a 1000 2000; as 1000; open a RDWR; as 2000; open a RDONLY; !EACCES"
        " open a WRONLY; !EACCES open a RDONLY|TRUNC; as 3000; !EACCES open a RDONLY; as 0; chmod"
        " a 0077; as 1000; !EACCES open a RDONLY; as 2000; open a RDWR"},
    {"open", "root opens everything", "create a 0; open a RDWR; mkdir d 0; open d RDONLY"},
    {"open", "creation: mode, umask, owner, times", "umask 022; mark .; open a RDWR|CREAT 0666;"
        "changed cm; is a mode 0644; is a size 0; mark . a; open a RDWR|CREAT 0600; changed none"
        " none; is a mode 0644; as 1000; open b WRONLY|CREAT 04711; is b mode 04711; is b user"
        " 1000"},
    {"open", "a file may be made that its maker may not write",
        "as 1000; open a RDWR|CREAT 0; write 3; !EACCES open a RDONLY"},
    {"open", "O_EXCL", "create a 0644; !EEXIST open a RDWR|CREAT|EXCL 0644; symlink no l; !EEXIST"
        " open l RDWR|CREAT|EXCL 0644; mkdir d 0755; !EEXIST open d RDONLY|CREAT|EXCL 0644"},
    {"open", "O_CREAT goes through dangling links", "symlink b l; open l RDWR|CREAT 0644; is b type"
        " r; symlink no/x m; !ENOENT open m RDWR|CREAT 0644"},
    {"open", "O_TRUNC empties, and moves the times", "open a RDWR|CREAT 0644; write 100; close;"
        "mark a .; open a WRONLY|TRUNC; is a size 0; changed cm none; mark a; open a WRONLY|TRUNC;"
        "changed cm"},
    {"open", "O_TRUNC takes setuid and setgid", "create a 0666; open a RDWR; write 5; chmod a"
        " 06777; as 1000; open a WRONLY|TRUNC; is a mode 0777"},
    {"open", "O_APPEND writes at the end", "open a RDWR|CREAT 0644; write 10; open a"
        " WRONLY|APPEND; write 5; is a size 15; write 5; is a size 20"},
    {"open", "directories are for reading", "mkdir d 0755; !EISDIR open d WRONLY; !EISDIR open d"
        " RDWR; !EISDIR open d RDONLY|TRUNC; !EISDIR open d RDONLY|CREAT 0644; open d RDONLY;"
        "!EISDIR read 10"},
    {"open", "O_DIRECTORY and O_NOFOLLOW", "create a 0644; symlink a l; !ENOTDIR open a"
        " RDONLY|DIRECTORY; !ELOOP open l RDONLY|NOFOLLOW; !ENOTDIR open a/ RDONLY; !ENOTDIR open l"
        " RDONLY|NOFOLLOW|DIRECTORY; open l PATH|NOFOLLOW; !EBADF read 1"},
    {"open", "a running program is not written to", "hold run; !ETXTBSY open run WRONLY; !ETXTBSY"
        " open run RDWR|TRUNC; !ETXTBSY truncate run 0; open run RDONLY; letgo; open run WRONLY"},
    {"open", "O_NOATIME is for the owner", "create a 0666; as 1000; !EPERM open a RDONLY|NOATIME"},
    {"open", "a sticky directory guards others' files from O_CREAT",
        "mkdir d 01777; as 1000; create d/a 0666; as 2000; open d/a RDWR"},
    {"open", "a removed directory takes no file", "mkdir d 0755; chdir d; rmdir ../d; !ENOENT"
        " create a 0644; !ENOENT mkdir a 0755; !ENOENT symlink x a; stat ."},

    // MARK: posix_fallocate
    {"posix_fallocate", "grows, and does not shrink", "open a RDWR|CREAT 0644; allocate 0 1000; is"
        " a size 1000; allocate 5000 100; is a size 5100; allocate 0 10; is a size 5100"},
    {"posix_fallocate", "times", "open a RDWR|CREAT 0644; mark a; allocate 0 1; changed cm"},
    {"posix_fallocate", "errors", "open a RDWR|CREAT 0644; !EINVAL allocate 0 0; !EINVAL allocate"
        " 0 -1; !EINVAL allocate -1 1; open a RDONLY; !EBADF allocate 0 1; mkfifo p 0600; open p"
        " RDWR|NONBLOCK; !ESPIPE allocate 0 1"},

    // MARK: rename
    {"rename", "paths that lead nowhere", AROUND
        "!ENOENT rename no b; !ENOENT rename file no/b; !ENOTDIR rename file/a b; !ENOTDIR rename"
        " file file/b; !ENAMETOOLONG rename file %256; !ENAMETOOLONG rename %256 b; !ELOOP rename"
        " loop/a b; !ELOOP rename file loop/b; !ENAMETOOLONG rename file %/4096; as 1000; !EACCES"
        " rename file closed/b; !EACCES rename closed/a b"},
    {"rename", "inode, change time, both directories",
        "create a 0644; mkdir d 0755; mkdir e 0755; link a d/a; mark a d e; rename d/a e/b; changed"
        " c cm cm; same a e/b; is a links 2"},
    {"rename", "over a file", "create a 0644; create b 0600; link b c; mark c .; rename a b;"
        "changed c cm; is c links 1; is b mode 0644; !ENOENT stat a"},
    {"rename", "types have to match", "create a 0644; mkdir d 0755; !EISDIR rename a d; !ENOTDIR"
        " rename d a; symlink no l; !ENOTDIR rename d l; rename a l; is l type r"},
    {"rename", "over an empty directory only", "mkdir d 0755; mkdir e 0755; create e/a 0644;"
        "!ENOTEMPTY rename d e; unlink e/a; rename d e; is e type d; !ENOENT stat d; is . links 3"},
    {"rename", "not below itself, not dots", "mkdir d 0755; mkdir d/e 0755; !EINVAL rename d"
        " d/e/f; !EINVAL rename d d/x; !ENOTEMPTY rename d/e d; !EBUSY rename d/. x; !EBUSY rename"
        " . x; !EBUSY rename d/.. x"},
    {"rename", "a name to itself or to its other name is nothing", "create a 0644; link a b; mark"
        " a .; rename a a; rename a b; changed none none; is a links 2"},
    {"rename", "directories carry their links along", "mkdir d 0755; mkdir d/x 0755; mkdir e 0755;"
        "is d links 3; mark d/x d e; rename d/x e/x; is d links 2; is e links 3; changed - cm cm;"
        "is e/x links 2"},
    {"rename", "times of a moved directory", "mkdir d 0755; mark d .; rename d e; changed - cm"},
    {"rename", "a sticky directory lets the owner only", "mkdir s 01777; as 1000; create s/a 0666;"
        "as 2000; create s/b 0666; !EPERM rename s/a s/c; !EPERM rename s/b s/a; !EPERM unlink s/a;"
        "rename s/b s/c; as 1000; rename s/a s/b; as 0; rename s/c s/b"},
    {"rename", "a directory of others may not change its parent", "mkdir d 0777; mkdir d/x 0755;"
        "mkdir e 0777; as 1000; !EACCES rename d/x e/x; rename d/x d/y"},
    {"rename", "RENAME_NOREPLACE and RENAME_EXCHANGE", "create a 0644; mkdir d 0755; !EEXIST rename"
        " a d 1; mark a d .; rename a d 2; changed - - cm; is a type d; is d type r; !ENOENT rename"
        " a no 2; rename d b 1; is b type r; !EINVAL rename a b 3"},
    {"rename", "exchange between directories keeps link counts", "mkdir d 0755; mkdir d/x 0755;"
        "mkdir e 0755; create e/f 0644; rename d/x e/f 2; is d links 2; is e links 3; !EINVAL"
        " rename e e/f 2"},
    {"rename", "symbolic links themselves are renamed", "create a 0644; symlink a l; rename l m; is"
        " m type l; symlink d x; mkdir d 0755; !ENOTDIR rename x/ y; rename x y"},
    {"rename", "trailing slashes are for directories", "create a 0644; mkdir d 0755; !ENOTDIR"
        " rename a b/; !ENOTDIR rename a/ b; rename d e/; is e type d"},

    // MARK: rmdir
    {"rmdir", "paths that lead nowhere", AROUND LOOKS("rmdir")
        "as 0; !ENOTDIR rmdir file; !ENOTDIR rmdir loop; !ENOTEMPTY rmdir closed"},
    {"rmdir", "dots, mount points and the root", "mkdir d 0755; !EINVAL rmdir d/.; !ENOTEMPTY rmdir"
        " d/..; !EBUSY rmdir /; !EINVAL rmdir ."},
    {"rmdir", "times and links of the parent", "mkdir d 0755; is . links 3; mark .; rmdir d;"
        "changed cm; is . links 2"},
    {"rmdir", "permissions", "mkdir d 0755; mkdir d/e 0777; as 1000; !EACCES rmdir d/e; as 0; mkdir"
        " s 01777; mkdir s/e 0777; as 1000; !EPERM rmdir s/e; mkdir s/f 0700; rmdir s/f"},
    {"rmdir", "a failed removal changes nothing", "mkdir d 0755; create d/a 0644; mark d .;"
        "!ENOTEMPTY rmdir d; changed none none"},
    {"rmdir", "a trailing slash is allowed, a link not", "mkdir d 0755; rmdir d/; mkdir e 0755;"
        "symlink e l; !ENOTDIR rmdir l; !ENOTDIR rmdir l/"},

    // MARK: symlink
    {"symlink", "paths that lead nowhere", AROUND
        "!ENOENT symlink x no/a; !ENOTDIR symlink x file/a; !ENAMETOOLONG symlink x %256;"
        "!ENAMETOOLONG symlink x %/4096; !ELOOP symlink x loop/a; !EEXIST symlink x file; !EEXIST"
        " symlink x closed; !EEXIST symlink x loop; !ENOENT symlink '' e; as 1000; !EACCES symlink"
        " x closed/b"},
    {"symlink", "mode, owner, size, times", "umask 077; mark .; symlink abc l; changed cm; is l"
        " mode 0777; is l size 3; is l type l; as 1000; symlink abc m; is m user 1000"},
    {"symlink", "targets up to a page less two bytes", "symlink %4094 a; is a size 4094;"
        "!ENAMETOOLONG symlink %4096 b; symlink %255 c; is c size 255"},
    {"symlink", "only links are read as such", "create a 0644; !EINVAL readlink a; mkdir d 0755;"
        "!EINVAL readlink d; symlink x l; readlink l; !ENOENT readlink no"},
    {"symlink", "a link to a directory is one on the way", "mkdir d 0755; symlink d l; create l/a"
        " 0644; is d/a type r; mkdir l/b 0755; rename l/a l/b/a; unlink l/b/a"},

    // MARK: truncate
    {"truncate", "paths that lead nowhere", AROUND LOOKS("truncate")
        "as 0; !ELOOP truncate loop 0; !EISDIR truncate closed 0; !EINVAL truncate file -1;"
        "mkfifo p 0666; !EINVAL truncate p 0; !EFBIG truncate file 0x7fffffffffffffff"},
    {"truncate", "shorter, longer, the same, and the times", "create a 0644; truncate a 5000; is a"
        " size 5000; mark a .; truncate a 10; is a size 10; changed cm none; mark a; truncate a"
        " 10; changed cm"},
    {"truncate", "permissions", "create a 0644; as 1000; mark a; !EACCES truncate a 0; changed"
        " none; as 0; chmod a 0666; as 1000; truncate a 1"},
    {"truncate", "setuid and setgid go, for others than root", "create a 0666; chmod a 06777; as"
        " 1000; truncate a 5; is a mode 0777; as 0; chmod a 06777; truncate a 6; is a mode 06777"},
    {"truncate", "a link is followed", "create a 0644; symlink a l; truncate l 7; is a size 7"},

    // MARK: ftruncate
    {"ftruncate", "by the descriptor's own right", "open a RDWR|CREAT 0644; write 10; chmod a 0;"
        "as 1000; mark a; ftruncate 5; is a size 5; changed cm"},
    {"ftruncate", "errors", "create a 0644; open a RDONLY; !EINVAL ftruncate 0; open a RDWR;"
        "!EINVAL ftruncate -1; !EFBIG ftruncate 0x7fffffffffffffff; mkdir d 0755; open d RDONLY;"
        "!EINVAL ftruncate 0; open a RDWR; unlink a; ftruncate 100"},

    // MARK: unlink
    {"unlink", "paths that lead nowhere", AROUND LOOKS("unlink")
        "as 0; !EISDIR unlink closed; unlink loop; !ENOTDIR unlink file/; !EISDIR unlink ."},
    {"unlink", "links, change time, parent", "create a 0644; link a b; mark b .; unlink a; changed"
        " c cm; is b links 1"},
    {"unlink", "permissions and sticky directories", "mkdir d 0755; create d/a 0666; as 1000;"
        "!EACCES unlink d/a; as 0; mkdir s 01777; create s/a 0666; as 1000; !EPERM unlink s/a;"
        "create s/b 0600; unlink s/b; as 0; chown s 1000 -1; as 1000; unlink s/a"},
    {"unlink", "every type", "mkfifo p 0600; mknod c c 0600 1 3; mknod s s 0600; symlink x l;"
        "unlink p; unlink c; unlink s; unlink l; !ENOENT stat l"},
    {"unlink", "an open file lives on", "open a RDWR|CREAT 0644; write 10; unlink a; ftruncate 5;"
        "write 5; create a 0600; is a size 0"},

    // MARK: utimensat
    {"utimensat", "paths that lead nowhere", AROUND
        "!ENOENT utimens no 1 1; !ENOTDIR utimens file/a 1 1; !ELOOP utimens loop 1 1;"
        "!ENAMETOOLONG utimens %256 1 1; as 1000; !EACCES utimens closed/a 1 1; as 0; !EINVAL"
        " utimens file bad 1; !EINVAL utimens file 1 bad"},
    {"utimensat", "any time, before 1970 too", "create a 0644; utimens a 1000 2000; is a atime"
        " 1000; is a mtime 2000; utimens a -5 -10; is a mtime -10; utimens a 4000000000"
        " 5000000000; is a mtime 5000000000"},
    {"utimensat", "omitted times stay, the change time moves", "create a 0644; utimens a 1000 2000;"
        "mark a; utimens a omit 3000; is a atime 1000; is a mtime 3000; changed cm; mark a;"
        "utimens a 4000 omit; is a atime 4000; is a mtime 3000; changed c; mark a; utimens a omit"
        " omit; changed none; mark a; utimens a; changed cm"},
    {"utimensat", "permissions", "create a 0644; as 1000; !EPERM utimens a 1 1; !EACCES utimens a;"
        "!EACCES utimens a now now; !EPERM utimens a now omit; as 0; chmod a 0666; as 1000; utimens"
        " a; utimens a now now; !EPERM utimens a 1 1; !EPERM utimens a now 1; as 0; chown a 1000"
        " 1000; chmod a 0; as 1000; utimens a 1 1; is a mtime 1"},
    {"utimensat", "links and what they lead to", "create a 0644; symlink a l; lutimens l 7 8; is l"
        " mtime 8; utimens l 9 10; is a mtime 10; is l mtime 8"},

    // MARK: write
    {"write", "times of the file alone", "open a RDWR|CREAT 0644; mark a .; write 10; changed cm"
        " none; mark a; write 0; changed none"},
    {"write", "setuid, setgid and capabilities go", "create a 0666; chmod a 06777; as 1000; open a"
        " WRONLY; write 5; is a mode 0777; as 0; chmod a 0777; setxattr a security.capability; as"
        " 1000; write 5; names a ; as 0; chmod a 06777; open a WRONLY; write 5; is a mode 06777"},
    {"write", "setuid that is given to an open file goes with the next write of its user",
        "create a 0666; as 1000; open a RDWR; write 5; as 0; chmod a 04777; as 1000; write 5; is a"
        " mode 0777"},
    {"write", "root takes no setuid, whoever else writes",
        "create a 0666; as 1000; open a RDWR; write 5; as 0; chmod a 04777; open a WRONLY; write 5;"
        "is a mode 04777"},

    {"write", "pages of a mapping are data before they are written out",
        "open a RDWR|CREAT 0644; ftruncate 1048576; map 524288; data a 262144 524288"},

    // MARK: attributes
    {"xattr", "names, values and errors", "create a 0644; setxattr a user.b value; setxattr a"
        " user.a x; getxattr a user.a; !ENODATA getxattr a user.c; removexattr a user.a; !ENODATA"
        " removexattr a user.a; names a user.b; !EOPNOTSUPP setxattr a other x; !EOPNOTSUPP"
        " setxattr a system.x x"},
    {"xattr", "the change time moves alone", "create a 0644; mark a; setxattr a user.a x; changed"
        " c; mark a; removexattr a user.a; changed c"},
    {"xattr", "an ordinary user is told no trusted names", "create a 0644; setxattr a trusted.a x;"
        "setxattr a user.a x; as 1000; names a user.a; !ENODATA getxattr a trusted.a; !EPERM"
        " setxattr a trusted.a y; as 0; names a trusted.a,user.a"},
    {"xattr", "user attributes are for files and directories", "symlink x l; !EPERM setxattr l"
        " user.a x; mkfifo p 0666; !EPERM setxattr p user.a x; mkdir d 01777; as 1000; !EPERM"
        " setxattr d user.a x"},
    {"xattr", "access lists let in and keep out", "create a 0600; acl a access 4; as 1000; open a"
        " RDONLY; !EACCES open a RDWR; !EPERM acl a access 7; as 2000; !EACCES open a RDONLY"},
    {0},
};
