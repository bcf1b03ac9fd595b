internal import CLinux
internal import Glibc

/// A copy of a program in memory that nobody can change, not even root in a container that shares
/// the process (fcntl(2), F_SEAL_WRITE).
package final class SealedProgram: Sendable {
    private let file: OwnedDescriptor

    /// Programs larger than this are started from where they are.
    private static let maximumBytes: UInt64 = 64 << 20

    /// - Throws: ENOTSUP for a large one; what opening and copying fail with.
    package init(copying path: String) throws(Errno) {
        let source = try OwnedDescriptor(opening: path, .readOnly)
        guard try FileStatus(of: source.rawValue).sizeBytes <= Self.maximumBytes else {
            throw .unsupported
        }
        let name = path.split(separator: "/").last.map(String.init) ?? "program"
        file = OwnedDescriptor(adopting: try retrying { unsafe vitrine_program_file(name) })
        let bytes = try DescriptorIO.readAll(source.rawValue, limit: Int(Self.maximumBytes))
        try DescriptorIO.writeAll(file.rawValue, bytes)
        _ = try retrying { vitrine_seal_file(file.rawValue) }
    }

    /// For children of this process, as long as this lives. Through the parent's descriptor: a
    /// child has closed its own before it executes.
    package var path: String { "/proc/\(getpid())/fd/\(file.rawValue)" }
}
