// Which of the C modules declares `stat` is the compiler's choice.
import CFuse
import CLinux
import Glibc
import LinuxIO

extension LocalDiskProbe {
    static let all = names + contents + transfers + sharing

    private static let names = [
        LocalDiskProbe("a file without a name gets one") { directory in
            Outcome.with(directory, HostFlag.unnamed | O_RDWR, mode: 0o4640) { file in
                var status = stat()
                unsafe fstat(file, &status)
                let named = unsafe linkat(
                    AT_FDCWD, "/proc/self/fd/\(file)", AT_FDCWD, directory + "/n",
                    AT_SYMLINK_FOLLOW)
                let again = unsafe linkat(
                    AT_FDCWD, "/proc/self/fd/\(file)", AT_FDCWD, directory + "/n",
                    AT_SYMLINK_FOLLOW)
                return [
                    "\(status.st_nlink)", Outcome.of(named), again == 0 ? "twice" : "\(errno)",
                    Outcome.write(file, [1, 2, 3]), Outcome.status(directory + "/n"),
                    Outcome.content(directory + "/n"),
                ]
            }
        },
        LocalDiskProbe("a file that shall stay without a name does") { directory in
            Outcome.with(directory, HostFlag.unnamed | O_RDWR | O_EXCL) { file in
                let named = unsafe linkat(
                    AT_FDCWD, "/proc/self/fd/\(file)", AT_FDCWD, directory + "/n",
                    AT_SYMLINK_FOLLOW)
                return [Outcome.of(named), Outcome.status(directory + "/n")]
            }
        },
        LocalDiskProbe("a file without a name is made like one of the directory's") { directory in
            let inner = directory + "/d"
            unsafe mkdir(inner, 0o777)
            unsafe chown(inner, 0, 77)
            unsafe chmod(inner, 0o2777)
            let former = umask(0o027)
            defer { umask(former) }
            return Outcome.with(inner, HostFlag.unnamed | O_RDWR, mode: 0o666) { file in
                unsafe linkat(
                    AT_FDCWD, "/proc/self/fd/\(file)", AT_FDCWD, inner + "/n", AT_SYMLINK_FOLLOW)
                return [Outcome.status(inner + "/n"), Outcome.status(inner)]
            }
        },
        LocalDiskProbe("renames in all forms, whiteouts too") { directory in
            let (old, new) = (directory + "/old", directory + "/new")
            return (UInt32(0)...8).flatMap { flags in
                unsafe unlink(old)
                unsafe unlink(new)
                let plain = [Outcome.put([1], old), Outcome.of(rename2(old, new, flags))]
                let states = [Outcome.status(old), Outcome.status(new)]
                unsafe unlink(old)
                return plain + states
                    + [
                        Outcome.put([1, 2], old), Outcome.put([3], new),
                        Outcome.of(rename2(old, new, flags)), Outcome.status(old),
                        Outcome.status(new),
                    ]
            }
        },
        LocalDiskProbe("a character device 0, 0 is one") { directory in
            let made = unsafe mknod(directory + "/c", S_IFCHR | 0o640, 0)
            return [Outcome.of(made), Outcome.status(directory + "/c")]
        },
        LocalDiskProbe("reads flags, and knows no terminal in a file") { directory in
            ["/small", "/large", ""].flatMap { name in
                Outcome.with(directory + name) { file in
                    var flags = 0
                    return [
                        Outcome.of(unsafe ioctl(file, 0x8008_6601, &flags)),
                        "\(flags & ~0x80000)",  // ext4 has a flag for its own way to store files
                        isatty(file) == 0 ? "errno \(errno)" : "a terminal",
                    ]
                }
            }
        },
    ]
}

/// Flags that glibc's headers hide from Swift.
enum HostFlag {
    /// O_TMPFILE, O_DIRECT.
    static let (unnamed, direct) = (Int32(0o20_200_000), Int32(0o40_000))
    /// SEEK_DATA, SEEK_HOLE.
    static let (data, hole) = (Int32(3), Int32(4))
}

/// renameat2(2), which they hide too.
@_silgen_name("renameat2")
private func renameat2(
    _: Int32, _: UnsafePointer<CChar>, _: Int32, _: UnsafePointer<CChar>, _: UInt32
) -> Int32

private func rename2(_ old: String, _ new: String, _ flags: UInt32) -> Int32 {
    unsafe renameat2(AT_FDCWD, old, AT_FDCWD, new, flags)
}
