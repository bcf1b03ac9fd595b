internal import LinuxIO

extension Store {
    /// A secret that inode numbers of read-only views are derived with: the same in all processes
    /// that use the store, and for as long as it lives.
    package func inodeKey() throws(StoreError) -> (first: UInt64, second: UInt64) {
        let path = layout.inodeKey
        do throws(Errno) {
            for _ in 0..<2 {
                if let key = try readKey(path) { return key }
                try makeKey(path)
            }
            throw .inputOutput
        } catch .readOnly {
            // There is none, and there can be none that lasts.
            return (.random(in: .min ... .max), .random(in: .min ... .max))
        } catch {
            throw StoreError(
                .inputOutput, "could not read the key of inode numbers", path: path, cause: error)
        }
    }

    /// - Returns: nil if there is none yet, or was none: a damaged one is removed.
    private func readKey(_ path: String) throws(Errno) -> (UInt64, UInt64)? {
        do throws(Errno) {
            let file = try OwnedDescriptor(opening: path, .readOnly)
            let bytes = try DescriptorIO.readAll(file.rawValue, limit: 64)
            guard bytes.count == 16 else {
                try HostDirectory.unlink(path)
                return nil
            }
            let words = [bytes[..<8], bytes[8...]].map { $0.reduce(0) { $0 << 8 | UInt64($1) } }
            return (words[0], words[1])
        } catch .notFound {
            return nil
        }
    }

    private func makeKey(_ path: String) throws(Errno) {
        let random = UInt64.random(in: .min ... .max)
        let temporary = "\(path).\(random)\(HostDirectory.temporarySuffix)"
        let file = try OwnedDescriptor(
            opening: temporary, [.writeOnly, .create, .exclusive], permissions: 0o600)
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        try DescriptorIO.writeAll(file.rawValue, bytes)
        // A power cut must not leave an empty one under the name.
        try DescriptorIO.synchronize(file.rawValue)
        do throws(Errno) {
            try HostDirectory.renameToNew(temporary, to: path)
        } catch .exists {
            // Another process was faster: its key is the one.
            try HostDirectory.unlink(temporary)
        }
    }
}
