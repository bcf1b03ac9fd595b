import CLinux
import Glibc
import LinuxIO

extension LocalDiskProbe {
    static let all = names + contents + transfers + sharing

    private static let names = [
        LocalDiskProbe("a file without a name gets one") { directory in
            Outcome.with(directory, O_TMPFILE | O_RDWR, mode: 0o4640) { file in
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
            Outcome.with(directory, O_TMPFILE | O_RDWR | O_EXCL) { file in
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
            return Outcome.with(inner, O_TMPFILE | O_RDWR, mode: 0o666) { file in
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

    private static let contents = [
        LocalDiskProbe("finds holes") { directory in
            Outcome.with(directory + "/h", O_RDWR | O_CREAT) { file in
                ftruncate(file, 1 << 20)
                let written = Outcome.write(file, [UInt8](repeating: 1, count: 4096), at: 1 << 19)
                let places = [0, 1 << 19, (1 << 19) + 4096, (1 << 20) - 1, 1 << 20, -1]
                return [written]
                    + places.flatMap { place in
                        [SEEK_DATA, SEEK_HOLE].map { Outcome.of(lseek(file, place, Int32($0))) }
                    }
            }
                + Outcome.with(directory + "/large") { file in
                    [SEEK_DATA, SEEK_HOLE].map { Outcome.of(lseek(file, 0, Int32($0))) }
                }
        },
        LocalDiskProbe("allocates, punches and zeroes") { directory in
            // Keep size, punch, zero; collapse and insert are for the kernel to refuse, see fuse-semantics.
            let modes: [Int32] = [0, 1, 3, 2, 0x10, 0x11, 0x40]
            let ranges = [(4096, 8192), (100, 200), (0, 0), (1 << 20, 4096), (-1, 4)]
            return ["/own", "/large"].flatMap { name in
                modes.flatMap { mode in
                    ranges.flatMap { offset, length in
                        Outcome.with(directory + name, O_RDWR | O_CREAT) { file in
                            _ = Outcome.write(file, [UInt8](repeating: 7, count: 40_960), at: 0)
                            let done = vitrine_fallocate(file, mode, offset, length)
                            return [Outcome.of(done), Outcome.content(directory + name)]
                        }
                    }
                }
            }
        },
        LocalDiskProbe("reads and writes past the page cache") { directory in
            ["/large", "/own"].flatMap { name in
                Outcome.with(directory + name, O_RDWR | O_CREAT | O_DIRECT) { file in
                    let memory = UnsafeMutableRawBufferPointer.allocate(
                        byteCount: 1 << 14, alignment: 4096)
                    defer { unsafe memory.deallocate() }
                    _ = unsafe memory.initializeMemory(as: UInt8.self, repeating: 9)
                    // Read through the daemon, as large files of the image are until much of
                    // them was written, any alignment will do.
                    let aligned = [(0, 4096, 0), (512, 512, 0), (8192, 8192, 0)]
                    let others = [(1, 512, 0), (0, 100, 0), (0, 4096, 1)]
                    let cases = name == "/own" ? aligned + others : aligned
                    return cases.flatMap { offset, count, shift in
                        let start = unsafe memory.baseAddress?.advanced(by: shift)
                        return [
                            Outcome.of(unsafe pwrite(file, start, count, offset)),
                            Outcome.of(unsafe pread(file, start, count, offset)),
                        ]
                    } + [Outcome.content(directory + name)]
                }
            }
        },
    ]

    private static let transfers = ["/large", "/small", "/own"].flatMap { source in
        ["/target", "/large2"].map { target in
            LocalDiskProbe("copies \(source) to \(target) in all ways") { directory in
                let (from, to) = (directory + source, directory + target)
                if source == "/own" { _ = Outcome.put([UInt8](repeating: 5, count: 200_000), from) }
                return [Self.copyRange, Self.sendFile, Self.spliceThroughPipe].flatMap { way in
                    Outcome.with(from) { input in
                        Outcome.with(to, O_WRONLY | O_CREAT | O_TRUNC) { [way(input, $0)] }
                    } + [Outcome.content(to)]
                }
            }
        }
    }

    private static func copyRange(_ input: Int32, _ output: Int32) -> String {
        total { vitrine_copy_file_range(input, nil, output, nil, 1 << 20) }
    }

    private static func sendFile(_ input: Int32, _ output: Int32) -> String {
        total { sendfile(output, input, nil, 1 << 20) }
    }

    private static func spliceThroughPipe(_ input: Int32, _ output: Int32) -> String {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { return "errno \(errno)" }
        defer { ends.forEach { close($0) } }
        return total {
            let count = splice(input, nil, ends[1], nil, 1 << 16, 0)
            return count > 0 ? splice(ends[0], nil, output, nil, count, 0) : count
        }
    }

    private static func total(_ step: () -> Int) -> String {
        var sum = 0
        while true {
            let count = step()
            if count <= 0 { return count < 0 ? "\(sum), errno \(errno)" : "\(sum)" }
            sum += count
        }
    }

    private static let sharing = [
        LocalDiskProbe("appends of many processes are whole and lost nowhere") { directory in
            let line = String(repeating: ".", count: 90)
            return ["/log", "/small", "/large"].flatMap { name in
                let path = directory + name
                let old = Outcome.content(path)
                let script =
                    "i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo $1 $i \(line); done >> \(path)"
                let states = Outcome.run(script, times: 4)
                let count = Outcome.run(
                    "test $(grep -ac '^[0-3] [0-9]* \(line)$' \(path)) -ge 799", times: 1)
                return [old] + states + count + [Outcome.status(path)]
            }
        },
        LocalDiskProbe("a program's file is not written, a written one not run") { directory in
            Outcome.with(directory + "/program", O_RDWR) { _ in
                [Self.text(Outcome.start([directory + "/program", "0"]))]
            }
                + Self.whileRunning(directory + "/program") {
                    [
                        Outcome.of(Outcome.open(directory + "/program", O_WRONLY)),
                        Outcome.of(unsafe truncate(directory + "/program", 3)),
                    ]
                }
        },
        LocalDiskProbe("locks of three kinds") { directory in
            Outcome.with(directory + "/small", O_RDWR) { first in
                Outcome.with(directory + "/small", O_RDWR) { second in
                    var lock = flock(
                        l_type: Int16(F_WRLCK), l_whence: Int16(SEEK_SET), l_start: 5, l_len: 10,
                        l_pid: 0)
                    let ofd = (set: Int32(37), get: Int32(36))
                    return [
                        Outcome.of(flock(first, LOCK_EX)),
                        Outcome.of(flock(second, LOCK_SH | LOCK_NB)),
                        Outcome.of(unsafe fcntl(first, ofd.set, &lock)),
                        Outcome.of(unsafe fcntl(second, ofd.set, &lock)),
                        // The record lock of a process conflicts with those of open files.
                        Outcome.of(unsafe fcntl(second, F_SETLK, &lock)),
                        Outcome.of(unsafe fcntl(second, ofd.get, &lock)),
                        "\(lock.l_type) \(lock.l_start) \(lock.l_len)",
                    ]
                }
            }
        },
        LocalDiskProbe("mappings of one file are one") { directory in
            ["/large", "/small", "/own"].flatMap { name in
                if name == "/own" {
                    _ = Outcome.put([UInt8](repeating: 5, count: 8192), directory + name)
                }
                return Outcome.with(directory + name, O_RDWR) { first in
                    Outcome.with(directory + name, O_RDWR) { second in
                        guard let one = unsafe Self.map(first), let two = unsafe Self.map(second)
                        else {
                            return ["not mapped"]
                        }
                        defer {
                            unsafe munmap(one, 4096)
                            unsafe munmap(two, 4096)
                        }
                        unsafe one.storeBytes(of: 77, toByteOffset: 10, as: UInt8.self)
                        let seen = unsafe two.load(fromByteOffset: 10, as: UInt8.self)
                        return [
                            "\(seen)", Outcome.of(unsafe msync(one, 4096, MS_SYNC)),
                            Outcome.content(directory + name),
                        ]
                    }
                }
            }
        },
        LocalDiskProbe("watches see what is done") { directory in
            let watch = inotify_init1(Int32(IN_NONBLOCK))
            defer { close(watch) }
            unsafe inotify_add_watch(watch, directory, 0xFFF)
            _ = Outcome.put([1], directory + "/seen")
            unsafe rename(directory + "/seen", directory + "/moved")
            unsafe unlink(directory + "/moved")
            _ = Outcome.with(directory + "/small", O_WRONLY | O_APPEND) { [Outcome.write($0, [1])] }
            var buffer = [UInt8](repeating: 0, count: 1 << 14)
            let count = unsafe read(watch, &buffer, buffer.count)
            var (events, position): ([String], Int) = ([], 0)
            while position < count {
                let (mask, length) = unsafe buffer.withUnsafeBytes {
                    unsafe (
                        $0.load(fromByteOffset: position + 4, as: UInt32.self),
                        $0.load(fromByteOffset: position + 12, as: UInt32.self)
                    )
                }
                events.append(String(mask, radix: 16))
                position += 16 + Int(length)
            }
            return events
        },
    ]

    private static func map(_ file: Int32) -> UnsafeMutableRawPointer? {
        let start = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
        return unsafe start == MAP_FAILED ? nil : start
    }

    private static func text(_ started: Result<pid_t, Errno>) -> String {
        switch started {
        case .success(let process): "ran, \(Outcome.exit(of: process))"
        case .failure(let error): "errno \(error.rawValue)"
        }
    }

    /// - Parameter program: sleep(1), which is ended after `body`.
    private static func whileRunning(_ program: String, _ body: () -> [String]) -> [String] {
        guard case .success(let process) = Outcome.start([program, "100"]) else {
            return ["did not run"]
        }
        defer {
            kill(process, SIGKILL)
            _ = Outcome.exit(of: process)
        }
        return body()
    }
}

/// renameat2(2) and splice(2), which glibc's headers hide from Swift.
@_silgen_name("renameat2")
private func renameat2(
    _: Int32, _: UnsafePointer<CChar>, _: Int32, _: UnsafePointer<CChar>, _: UInt32
) -> Int32

@_silgen_name("splice")
private func splice(
    _: Int32, _: UnsafeMutablePointer<off_t>?, _: Int32, _: UnsafeMutablePointer<off_t>?, _: Int,
    _: UInt32
) -> Int

private func rename2(_ old: String, _ new: String, _ flags: UInt32) -> Int32 {
    unsafe renameat2(AT_FDCWD, old, AT_FDCWD, new, flags)
}

// swift-format-ignore: AlwaysUseLowerCamelCase
private let O_TMPFILE: Int32 = 0o20_200_000
// swift-format-ignore: AlwaysUseLowerCamelCase
private let O_DIRECT: Int32 = 0o40_000
// swift-format-ignore: AlwaysUseLowerCamelCase
private let SEEK_DATA = 3
// swift-format-ignore: AlwaysUseLowerCamelCase
private let SEEK_HOLE = 4
