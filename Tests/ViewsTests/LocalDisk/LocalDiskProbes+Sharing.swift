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
