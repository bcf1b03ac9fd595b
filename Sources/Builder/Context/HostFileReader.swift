internal import Dockerfile
internal import FileTree
internal import Layers
internal import LinuxIO
internal import Store

/// The system calls on a build context of the host. Thread-safe.
final class HostFileReader: Sendable {
    /// Files up to this size are read whole, hashed, and written only if the store lacks them.
    private static let bufferedBytes: UInt64 = 1 << 20

    /// A name in a directory, and what it is.
    struct Found: Sendable {
        var name: EntryName
        var path: [UInt8]
        var status: FileStatus
        var state: PatternMatcher.State
        var target: [UInt8]
    }

    private let root: OwnedDescriptor
    private let cache: StatCache

    init(root path: String, cache: StatCache) throws {
        self.cache = cache
        do throws(Errno) {
            root = try OwnedDescriptor(opening: path, [.readOnly, .directory])
        } catch {
            throw BuildError(
                .contextUnreadable, "could not open the build context \"\(path)\": \(error)",
                hint: error == .notDirectory
                    ? "the context is a directory, or - for standard input" : nil,
                cause: error)
        }
    }

    var rootStatus: FileStatus {
        get throws {
            do throws(Errno) { return try FileStatus(of: root.rawValue) } catch {
                throw Self.unreadable([], error)
            }
        }
    }

    private static func unreadable(_ path: [UInt8], _ error: Errno) -> BuildError {
        BuildError(
            .contextUnreadable,
            "could not read \"\(shown(path))\" of the build context: \(error)",
            hint: error == .accessDenied
                ? "change its permissions, or leave it out with .dockerignore" : nil,
            cause: error)
    }

    static func changed(_ path: [UInt8]) -> BuildError {
        BuildError(
            .contextUnreadable,
            "\"\(shown(path))\" of the build context changed while it was read",
            hint: "build again when nothing writes to it")
    }

    private static func shown(_ path: [UInt8]) -> String {
        path.isEmpty ? "." : String(decoding: path, as: UTF8.self)
    }

    /// A directory's extended attributes, and what is in it and not left out, in any order.
    struct Listing: Sendable {
        var attributes: ExtendedAttributes
        var entries: [Found]
    }

    /// - Parameter state: the directory's, for its entries to be matched in.
    func list(
        _ directory: [UInt8], _ state: PatternMatcher.State, _ matcher: PatternMatcher
    ) throws -> Listing {
        do throws(Errno) {
            let descriptor = try open(directory, [.readOnly, .directory])
            var found: [Found] = []
            for name in try HostDirectory.names(descriptor.rawValue) {
                let path = directory.isEmpty ? name : directory + [UInt8(ascii: "/")] + name
                let verdict = matcher.match(path, in: state)
                if verdict.isIgnored, matcher.canSkip(path, verdict.state) { continue }
                guard
                    let entry = try entry(name, path, verdict.state, in: descriptor.rawValue)
                else { continue }
                found.append(entry)
            }
            return Listing(
                attributes: try Self.attributes(of: descriptor.rawValue, .directory),
                entries: found)
        } catch {
            throw Self.unreadable(directory, error)
        }
    }

    /// - Returns: nil for what is left out, and what is gone meanwhile.
    private func entry(
        _ name: [UInt8], _ path: [UInt8], _ state: PatternMatcher.State, in directory: Int32
    ) throws(Errno) -> Found? {
        let status: FileStatus
        do throws(Errno) { status = try FileStatus(of: name, in: directory) } catch .notFound {
            return nil
        }
        if state.isIgnored && status.kind != .directory { return nil }
        guard let entryName = try? EntryName(name) else { return nil }  // the kernel's are valid
        var target: [UInt8] = []
        if status.kind == .symbolicLink {
            target = try HostDirectory.readLink(name, in: directory)
        }
        return Found(
            name: entryName, path: path, status: status, state: state, target: target)
    }

    /// No name on the way may have become a link meanwhile.
    private func open(
        _ path: [UInt8], _ mode: OwnedDescriptor.Mode
    ) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor(
            opening: path.isEmpty ? [0x2E] : path, beneath: root.rawValue, mode,
            followsLinks: false)
    }

    /// The content of a regular file that the build itself reads: a Dockerfile, an ignore file.
    /// Links to it are followed inside the context.
    /// - Returns: nil if nothing is there.
    func text(_ path: String, limit: Int) throws -> [UInt8]? {
        do {
            let file = try OwnedDescriptor(
                opening: Array(path.utf8), beneath: root.rawValue, [.readOnly, .nonBlocking],
                followsLinks: true)
            guard try FileStatus(of: file.rawValue).kind == .regular else {
                throw BuildError(
                    .contextUnreadable, "\"\(path)\" of the build context is no regular file")
            }
            return try DescriptorIO.readAll(file.rawValue, limit: limit)
        } catch let error as Errno where error == .notFound || error == .notDirectory {
            return nil
        } catch let error as Errno where error == .crossDevice {
            throw BuildError(
                .contextUnreadable,
                "\"\(path)\" is a symbolic link that leads out of the build context",
                hint: "put the file itself into the context")
        } catch let error as Errno {
            throw Self.unreadable(Array(path.utf8), error)
        }
    }

    func knownContent(_ status: FileStatus) -> FileContent? {
        cache.content(of: status)
    }

    /// Reads a regular file into the store.
    /// - Parameter expected: the file's status when it was listed.
    /// - Throws: `contextUnreadable`, also when the file changes meanwhile.
    func read(
        _ path: [UInt8], _ expected: FileStatus, into ingest: ObjectIngest
    ) throws -> (content: FileContent, attributes: ExtendedAttributes) {
        let hashedAt = FileTimestamp.now()
        do {
            let file = try open(path, [.readOnly, .nonBlocking])
            let before = try FileStatus(of: file.rawValue)
            guard before.kind == .regular, before.device == expected.device,
                before.inode == expected.inode, before.sizeBytes == expected.sizeBytes,
                before.modificationTime == expected.modificationTime
            else { throw Self.changed(path) }
            let attributes = try Self.attributes(of: file.rawValue, .regular)
            let content =
                before.sizeBytes <= Self.bufferedBytes
                ? try ingest.insert(try Self.bytes(of: file.rawValue, before.sizeBytes))
                : try Self.store(file.rawValue, into: ingest)
            let after = try FileStatus(of: file.rawValue)
            guard after.sizeBytes == content.sizeBytes,
                after.modificationTime == before.modificationTime
            else { throw Self.changed(path) }
            // They are no part of the record, so files that have some are read each time.
            if attributes == .none { cache.insert(content, for: before, hashedAt: hashedAt) }
            return (content, attributes)
        } catch let error as StoreError {
            throw BuildError(
                .failed,
                "could not take \(String(decoding: path, as: UTF8.self).quoted) of the build context: "
                    + "\(error)", hint: BuildError.roomHint(error), cause: error)
        } catch let error as Errno {
            // Where a link stands that was none.
            if error == .symbolicLinkLoop { throw Self.changed(path) }
            throw Self.unreadable(path, error)
        }
    }

    /// The content of a small file, up to one byte more than it should have.
    private static func bytes(of file: Int32, _ sizeBytes: UInt64) throws(Errno) -> [UInt8] {
        var failure: Errno?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Int(sizeBytes) + 1) {
            buffer, count in
            do throws(Errno) {
                count = try unsafe DescriptorIO.readFully(
                    file, into: UnsafeMutableRawBufferPointer(buffer), at: 0)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Shares or copies the blocks of a large file where the two file systems can do that between
    /// them, else streams it.
    private static func store(_ file: Int32, into ingest: ObjectIngest) throws -> FileContent {
        do {
            return try ingest.copy(file)
        } catch {
            // A disk that is full or broken will say so again.
            guard error.cause is Errno else { throw error }
        }
        let writer = try ingest.writer()
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Int(bufferedBytes), alignment: 4096)
        defer { unsafe buffer.deallocate() }
        var offset: UInt64 = 0
        while true {
            let count = try unsafe DescriptorIO.readFully(file, into: buffer, at: offset)
            if count == 0 { return try writer.finish() }
            try unsafe writer.append(UnsafeRawBufferPointer(rebasing: buffer[0..<count]))
            offset += UInt64(count)
        }
    }

    private static func attributes(
        of descriptor: Int32, _ kind: FileStatus.Kind
    ) throws(Errno) -> ExtendedAttributes {
        ExtendedAttributes(try HostFileAttributes.all(of: descriptor, kind))
    }
}
