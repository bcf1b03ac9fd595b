internal import FileTree
internal import LinuxIO
internal import Store

/// The content of a host's large file: data is copied, holes stay holes.
struct HostFileContent {
    private let descriptor: Int32
    private let sizeBytes: UInt64

    private static let chunkBytes = 1 << 20

    /// - Parameter descriptor: borrowed.
    init(_ descriptor: Int32, sizeBytes: UInt64) {
        self.descriptor = descriptor
        self.sizeBytes = sizeBytes
    }

    /// Hashes while it copies, so that what is stored is what was hashed, should the file change.
    func copy(to ingest: ObjectIngest) throws -> FileContent {
        let writer = try ingest.writer()
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.chunkBytes, alignment: 4096)
        defer { unsafe buffer.deallocate() }
        var position: UInt64 = 0
        while position < sizeBytes {
            let data = try DescriptorIO.nextData(
                descriptor, from: position, sizeBytes: sizeBytes)
            if data.lowerBound > position {
                try writer.appendHole(data.lowerBound - position)
                position = data.lowerBound
            }
            while position < data.upperBound {
                let wanted = Int(min(UInt64(buffer.count), data.upperBound - position))
                let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[0..<wanted])
                let count = try unsafe DescriptorIO.readFully(descriptor, into: part, at: position)
                try unsafe writer.append(UnsafeRawBufferPointer(rebasing: part[0..<count]))
                position += UInt64(count)
                // The file became shorter: what was read is what it held.
                if count < wanted { return try writer.finish() }
            }
        }
        return try writer.finish()
    }
}
