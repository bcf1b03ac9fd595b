internal import FileTree
internal import LinuxIO
internal import Store
internal import Synchronization
internal import VirtualFS

/// I/O on files of which only some blocks have been copied up.
extension WorkingTree {
    /// Copies ranges of the object into the own file; those copied before an error stay. The gate is
    /// held.
    /// - Throws: `interrupted` when the caller was killed.
    private func copy(
        _ ranges: [Range<UInt64>], of partial: PartialCopy, to file: HostFile
    ) throws(FileSystemError) {
        if ranges.isEmpty { return }
        let object: OwnedDescriptor
        do throws(Errno) {
            object = try objects.open(partial.object)
        } catch {
            throw FileSystemError(host: error)
        }
        for range in ranges {
            try checkCaller()
            do throws(Errno) {
                try DescriptorIO.copyData(
                    from: object.rawValue, to: file.descriptor, in: range)
            } catch {
                throw FileSystemError(host: error)
            }
            partial.copied(range)
        }
    }

    /// Writes to a file that is partly its object still.
    func write(
        _ data: UnsafeRawBufferPointer, at offset: UInt64, to file: HostFile,
        _ partial: PartialCopy, of inode: InodeNumber
    ) throws(FileSystemError) -> Int {
        guard data.count > 0 else { return 0 }
        let (end, overflows) = offset.addingReportingOverflow(UInt64(data.count))
        guard !overflows else { throw .fileTooLarge }
        return try gated(inode) { () throws(FileSystemError) in
            try copy(partial.edges(of: offset..<end), of: partial, to: file)
            do throws(Errno) {
                let count = try unsafe DescriptorIO.write(file.descriptor, data, at: offset)
                // A block that was written in part only was an edge, or is copied now.
                let written = offset..<offset + UInt64(count)
                if count < data.count {
                    try cover(written, partial, file)
                }
                partial.copied(written)
                return count
            } catch {
                throw FileSystemError(host: error)
            }
        }
    }

    /// After a short write: the rest of the last block that was begun.
    private func cover(
        _ written: Range<UInt64>, _ partial: PartialCopy, _ file: HostFile
    ) throws(Errno) {
        let rest = partial.spans(
            of: written.upperBound..<written.upperBound + PartialCopy.blockBytes)
        guard let first = rest.first, !first.isOwn,
            written.upperBound % PartialCopy.blockBytes != 0
        else { return }
        let end = (written.upperBound / PartialCopy.blockBytes + 1) * PartialCopy.blockBytes
        let object = try objects.open(partial.object)
        try DescriptorIO.copyData(
            from: object.rawValue, to: file.descriptor,
            in: written.upperBound..<min(end, first.range.upperBound))
    }

    /// Reads a file that is partly its object still.
    func read(
        _ range: Range<UInt64>, from file: HostFile, _ partial: PartialCopy,
        deliver: (ReadSource) -> Void
    ) throws(FileSystemError) {
        do throws(Errno) {
            let object = try objects.open(partial.object)
            func descriptor(_ span: PartialCopy.Span) -> Int32 {
                span.isOwn ? file.descriptor : object.rawValue
            }
            let spans = partial.spans(of: range)
            if spans.count == 1 {
                deliver(
                    .descriptor(
                        descriptor(spans[0]), offset: range.lowerBound, size: range.count))
                return
            }
            var bytes: [UInt8] = []
            for span in spans {
                let part = try DescriptorIO.bytes(descriptor(span), in: span.range)
                bytes += part
                if part.count < span.range.count { break }
            }
            deliver(.bytes(bytes[...]))
        } catch {
            throw FileSystemError(host: error)
        }
    }

    /// Cuts a file that is partly its object still. The gate is held.
    func cut(_ file: HostFile, _ partial: PartialCopy, at size: UInt64) throws(FileSystemError) {
        try copy(partial.edge(ofCutAt: size).map { [$0] } ?? [], of: partial, to: file)
        partial.cut(at: size)
    }

    /// Makes the inode's own file whole, if it has one that is not.
    func completeCopy(of inode: InodeNumber) throws(FileSystemError) {
        try gated(inode) { () throws(FileSystemError) in try completeCopyGated(of: inode) }
    }

    func completeCopyGated(of inode: InodeNumber) throws(FileSystemError) {
        let found = locked { state -> (OwnPath, PartialCopy)? in
            guard let own = state.find(inode)?.ownFile, let partial = own.partial else {
                return nil
            }
            return (OwnPath(path: own.path, identity: own.identity), partial)
        }
        guard let (own, partial) = found else { return }
        let file = try HostFile.open(own.path, .readWrite, identity: own.identity)
        // Copying is no change of the file.
        let time = FileTime(try file.status().modificationTime)
        do throws(FileSystemError) {
            try copy(partial.missing, of: partial, to: file)
        } catch {
            // The first error is the one to report. What was copied stays, and is no change either.
            try? file.setModificationTime(time)
            throw error
        }
        try file.setModificationTime(time)
        let blocks = try file.status().blocks
        locked { state in
            guard let own = state.find(inode)?.ownFile, own.partial === partial else { return }
            own.partial = nil
            own.blocks = blocks
            guard let found = state.find(inode), let recorder = state.recorder else { return }
            // What was copied has to be there when the record says that it is.
            recorder.completed(found)
        }
    }

    private struct OwnPath: Sendable {
        var path: String
        var identity: UInt64
    }
}
