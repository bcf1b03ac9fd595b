import CLinux
import Glibc
import LinuxIO

/// Files that several programs use at once.
extension LocalDiskProbe {
    static let sharing = [
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
            ["/small", "/large", "/large2"].flatMap { name in
                // The second one opens for writing what the first one has open for reading.
                Outcome.with(directory + name, name == "/large2" ? O_RDWR : O_RDONLY) { first in
                    var early = Self.wholeLock(F_RDLCK)
                    let held = [
                        Outcome.of(flock(first, LOCK_EX)),
                        Outcome.of(unsafe fcntl(first, Self.setLock, &early)),
                    ]
                    return held
                        + Outcome.with(directory + name, O_RDWR) { second in
                            var lock = Self.wholeLock(F_WRLCK)
                            return [
                                Outcome.write(second, [1]),
                                Outcome.of(flock(second, LOCK_SH | LOCK_NB)),
                                Outcome.of(unsafe fcntl(second, Self.setLock, &lock)),
                                // The record lock of a process conflicts with those of open files.
                                Outcome.of(unsafe fcntl(second, F_SETLK, &lock)),
                                Outcome.of(unsafe fcntl(second, Self.getLock, &lock)),
                                "\(lock.l_type) \(lock.l_start) \(lock.l_len)",
                            ]
                        }
                }
            }
        },
        LocalDiskProbe("who reads a file sees what another writes to it") { directory in
            ["/small", "/large"].flatMap { name in
                let path = directory + name
                return Outcome.with(path) { reader in
                    let before = Self.bytes(reader, at: 0)
                    return before
                        + Outcome.with(path, O_WRONLY) { writer in
                            [Outcome.write(writer, [65, 66, 67], at: 1)] + Self.bytes(reader, at: 0)
                                + [Outcome.of(ftruncate(writer, 2))] + Self.bytes(reader, at: 0)
                                + [Outcome.write(writer, [68], at: 9000)]
                                + Self.bytes(reader, at: 8998)
                        }
                        + ["/proc/self/fd/\(reader)"].flatMap { again in
                            Outcome.with(again, O_RDWR) {
                                [Outcome.write($0, [69], at: 0)] + Self.bytes(reader, at: 0)
                            }
                        }
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
            let reader = Outcome.open(directory + "/large")
            defer { close(reader) }
            unsafe inotify_add_watch(watch, directory, 0xFFF)
            unsafe inotify_add_watch(watch, directory + "/large", 0xFFF)
            _ = Outcome.put([1], directory + "/seen")
            unsafe rename(directory + "/seen", directory + "/moved")
            unsafe unlink(directory + "/moved")
            for name in ["/small", "/large"] {
                _ = Outcome.with(directory + name, O_WRONLY | O_APPEND) { [Outcome.write($0, [1])] }
            }
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

    /// `F_OFD_SETLK` and `F_OFD_GETLK`.
    private static let (setLock, getLock) = (Int32(37), Int32(36))

    private static func wholeLock(_ type: Int32) -> flock {
        flock(
            l_type: Int16(type), l_whence: Int16(SEEK_SET), l_start: 5, l_len: 10, l_pid: 0)
    }

    private static func bytes(_ file: Int32, at offset: Int) -> [String] {
        var buffer = [UInt8](repeating: 0, count: 6)
        let count = unsafe pread(file, &buffer, buffer.count, offset)
        return [Outcome.of(count), "\(buffer)"]
    }

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
