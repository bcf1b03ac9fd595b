import Builder
import Foundation
import ImageSpec
import Testing

/// RUN of another platform, on hosts whose kernel has an emulator for it (binfmt_misc).
@Suite(
    .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"),
    .enabled(if: Emulators().run(Platform(os: "linux", architecture: "arm64")), "no emulator"))
struct EmulatedBuildTests {
    /// Writes a line and ends: the smallest program of arm64 that does (elf(5), syscall(2)).
    private static var program: [UInt8] {
        let message = Array("emulated\n".utf8)
        let base: UInt64 = 0x40_0000
        let headerBytes: UInt64 = 64 + 56
        let code: [UInt32] = [
            0xD280_0020,  // mov x0, #1
            0x1000_00E1,  // adr x1, message (28 bytes on)
            0xD280_0002 | UInt32(message.count) << 5,  // mov x2, #count
            0xD280_0808,  // mov x8, #64 (write)
            0xD400_0001,  // svc #0
            0xD280_0000,  // mov x0, #0
            0xD280_0BA8,  // mov x8, #93 (exit)
            0xD400_0001,  // svc #0
        ]
        let size = headerBytes + UInt64(code.count * 4 + message.count)
        var bytes: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
        func put<Value: FixedWidthInteger>(_ value: Value) {
            for index in 0..<(Value.bitWidth / 8) {
                bytes.append(UInt8(truncatingIfNeeded: value >> (index * 8)))
            }
        }
        put(UInt16(2))  // an executable
        put(UInt16(183))  // for arm64
        put(UInt32(1))
        put(base + headerBytes)  // where it begins
        put(UInt64(64))
        put(UInt64(0))
        put(UInt32(0))
        for value: UInt16 in [64, 56, 1, 0, 0, 0] { put(value) }
        put(UInt32(1))  // one segment, to be read and executed
        put(UInt32(5))
        put(UInt64(0))
        for value in [base, base, size, size, 0x1000] { put(value) }
        for instruction in code { put(instruction) }
        return bytes + message
    }

    @Test func `a command of another platform runs, and its image is of that platform`() throws {
        let program = try Program()
        defer { program.remove() }
        try program.write(
            "FROM scratch\nCOPY --chmod=755 program /program\nRUN [\"/program\"]\n",
            to: "context/Dockerfile")
        try Data(Self.program).write(
            to: URL(filePath: program.directory + "/context/program"))
        let build = try program.run(
            "build", "--platform", "linux/arm64", "--progress=plain", "-t", "other", "context")
        #expect(build.status == 0, "\(build.errors)")
        #expect(build.errors.contains("emulated"), "\(build.errors)")
        #expect(try program.run("inspect", "other").text.contains("\"Architecture\": \"arm64\""))
    }
}
