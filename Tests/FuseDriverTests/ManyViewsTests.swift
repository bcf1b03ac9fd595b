import FuseDriver
import Glibc
import Testing
import VirtualFS

extension RealMounts {
    /// Views that come and go in one process.
    @Suite
    struct ManyViewsTests {
        /// More with VITRINE_VIEWS=5000.
        private static let count: Int =
            unsafe getenv("VITRINE_VIEWS").flatMap { unsafe Int(String(cString: $0)) } ?? 30

        /// Descriptors, threads, mounts and kilobytes of this process.
        private struct Use {
            var descriptors: Int
            var threads: Int
            var mounts: Int
            var residentKilobytes: Int

            init() {
                descriptors = Host.names(in: "/proc/self/fd").count
                threads = Host.names(in: "/proc/self/task").count
                mounts = MountTable()?.entries.count ?? -1
                residentKilobytes = Self.pages() * 4
            }

            private static func pages() -> Int {
                guard let file = unsafe fopen("/proc/self/statm", "r") else { return 0 }
                defer { unsafe fclose(file) }
                var line = [CChar](repeating: 0, count: 256)
                guard unsafe fgets(&line, 256, file) != nil else { return 0 }
                let bytes = line.map { UInt8(bitPattern: $0) }
                let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
                return words.count > 1 ? Int(words[1]) ?? 0 : 0
            }
        }

        private func mountAndUse(_ profile: ConnectionProfile) throws {
            try MountFixture.mounted(profile) { fixture in
                _ = Host.names(in: fixture.mountPoint)
                guard profile == .writable else { return }
                let path = fixture.mountPoint + "/file"
                let file = try Host.open(path, O_CREAT | O_RDWR)
                _ = unsafe write(file, "text", 4)
                close(file)
            }
        }

        @Test(.timeLimit(.minutes(30)))
        func `views that come and go leave no descriptor, thread, mount or memory`() throws {
            for _ in 0..<10 { try mountAndUse(.writable) }
            let before = Use()
            for round in 0..<Self.count {
                try mountAndUse(
                    round % 2 == 0 ? .writable : .readOnly(extendedAttributes: false))
            }
            let after = Use()
            // Other tests of the process have some too, which come and go; a leak is one for each view.
            let noise = Self.count / 2
            #expect(after.descriptors - before.descriptors < noise)
            #expect(after.threads - before.threads < noise)
            #expect(after.mounts - before.mounts < noise)
            #expect(after.residentKilobytes - before.residentKilobytes < 20_000)
        }
    }
}
