import Builder
import Foundation
import ImageSpec
import Testing

@Suite("Emulators")
struct EmulatorsTests {
    /// As Debian's qemu-user-static registers them.
    private static let arm64 = """
        enabled
        interpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P
        flags: POCF
        offset 0
        magic 7f454c460201010000000000000000000200b700
        mask ffffffffffffff00fffffffffffffffffeffffff

        """

    private func withDirectory(_ files: [String: String], _ body: (Emulators) throws -> Void) throws
    {
        let directory =
            FileManager.default.temporaryDirectory.path
            + "/vitrine-binfmt-\(UInt64.random(in: .min ... .max))"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for (name, text) in files {
            try text.write(toFile: directory + "/" + name, atomically: true, encoding: .utf8)
        }
        try body(Emulators(directory: directory))
    }

    @Test func `an entry of the kernel is for the programs that its mask lets through`() throws {
        try withDirectory(["qemu-aarch64": Self.arm64, "status": "enabled\n"]) { emulators in
            #expect(emulators.run(Platform(os: "linux", architecture: "arm64")))
            #expect(!emulators.run(Platform(os: "linux", architecture: "arm")))
            #expect(!emulators.run(Platform(os: "linux", architecture: "s390x")))
            #expect(!emulators.run(Platform(os: "windows", architecture: "arm64")))
            #expect(!emulators.run(Platform(os: "linux", architecture: "unheard")))
        }
    }

    @Test func `one that is switched off, damaged or not there runs nothing`() throws {
        let off = Self.arm64.replacingOccurrences(of: "enabled", with: "disabled")
        let damaged = Self.arm64.replacingOccurrences(of: "magic 7f", with: "magic xf")
        try withDirectory(["a": off, "b": damaged, "c": ""]) { emulators in
            #expect(!emulators.run(Platform(os: "linux", architecture: "arm64")))
        }
        let nowhere = Emulators(directory: "/nowhere/at/all")
        #expect(!nowhere.run(Platform(os: "linux", architecture: "arm64")))
    }
}
