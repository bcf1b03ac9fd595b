import CLinux
import Glibc
import LinuxIO

/// What is in files, and ways to copy it.
extension LocalDiskProbe {
    static let contents = [
        LocalDiskProbe("finds holes") { directory in
            Outcome.with(directory + "/h", O_RDWR | O_CREAT) { file in
                ftruncate(file, 1 << 20)
                let written = Outcome.write(file, [UInt8](repeating: 1, count: 4096), at: 1 << 19)
                let places = [0, 1 << 19, (1 << 19) + 4096, (1 << 20) - 1, 1 << 20, -1]
                return [written]
                    + places.flatMap { place in
                        [HostFlag.data, HostFlag.hole].map { Outcome.of(lseek(file, place, $0)) }
                    }
            }
                + Outcome.with(directory + "/large") { file in
                    [HostFlag.data, HostFlag.hole].map { Outcome.of(lseek(file, 0, $0)) }
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
                Outcome.with(directory + name, O_RDWR | O_CREAT | HostFlag.direct) { file in
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

    static let transfers = ["/large", "/small", "/own"].flatMap { source in
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
}

/// splice(2), which glibc's headers hide from Swift.
@_silgen_name("splice")
private func splice(
    _: Int32, _: UnsafeMutablePointer<off_t>?, _: Int32, _: UnsafeMutablePointer<off_t>?, _: Int,
    _: UInt32
) -> Int
