internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Store
internal import Synchronization

/// The objects that a view reads. What is wrong with one goes to the log; the program that reads
/// gets an error.
final class ViewObjects: Sendable {
    /// An object at hand, closed when nobody reads it any more.
    final class OpenObject: Sendable {
        let digest: Digest
        let descriptor: OwnedDescriptor

        init(_ digest: Digest, _ descriptor: consuming OwnedDescriptor) {
            self.digest = digest
            self.descriptor = descriptor
        }
    }

    /// Programs that read large files at once have one each; more are opened for each read again,
    /// which is 2 µs. No view may need a descriptor for each file that is open in it.
    private static let recentLimit = 4

    private let reader: ObjectReader
    /// What a missing object means.
    private let missing: Errno
    /// The latest last.
    private let recent = Mutex<[OpenObject]>([])

    /// - Parameter missing: what programs get for an object that is not there.
    init(_ layout: StoreLayout, missing: Errno = .inputOutput) throws(Errno) {
        reader = try ObjectReader(layout)
        self.missing = missing
    }

    /// Opens a content's object, which has bytes.
    /// - Throws: the errno for the calling program: `ENFILE` where this process is out of
    ///   descriptors, which is not the program's limit; else `EIO`, or what a missing one means.
    func open(_ content: FileContent) throws(Errno) -> OwnedDescriptor {
        do throws(StoreError) {
            return try reader.open(content)
        } catch {
            let cause = error.cause as? Errno
            if cause == .notFound && missing != .inputOutput { throw missing }
            ViewLog.report(error)
            throw cause == .tooManyOpenFiles ? .systemFileTableFull : .inputOutput
        }
    }

    /// Opens a content's object to read a part of it, the others of which will be read soon.
    /// - Throws: as ``open(_:)``.
    func openForParts(_ content: FileContent) throws(Errno) -> OpenObject {
        let known = recent.withLock { recent in recent.last { $0.digest == content.digest } }
        if let known { return known }
        let opened = OpenObject(content.digest, try open(content))
        let evicted = recent.withLock { recent in
            recent.append(opened)
            return recent.count > Self.recentLimit ? recent.removeFirst() : nil
        }
        withExtendedLifetime(evicted) {}  // closed outside the lock
        return opened
    }

    func closeAll() {
        let all = recent.withLock { recent in
            defer { recent = [] }
            return recent
        }
        withExtendedLifetime(all) {}
    }
}
