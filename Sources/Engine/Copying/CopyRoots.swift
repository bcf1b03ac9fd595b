internal import Glibc
internal import Store
internal import Synchronization

/// The roots that a copy has open; one of a container that both sides name is opened once.
final class CopyRoots: Sendable {
    enum Purpose { case reading, writing }

    private let engine: Engine
    private let opened = Mutex<[Opened]>([])

    private struct Opened: Sendable {
        var owner: String
        var root: any CopyRoot
    }

    /// Another copy may have a container that does not run to itself, or a start of it be under way.
    private static let patience = Duration.seconds(30)
    private static let pauseMilliseconds: UInt32 = 20

    init(_ engine: Engine) { self.engine = engine }

    /// - Throws: ``EngineError`` `notFound`, `inUse`, `invalid`.
    func open(
        _ splits: [CopyArgument.Split], for purpose: Purpose
    ) throws -> (root: any CopyRoot, path: CopyPath) {
        guard let first = splits.first else {
            throw EngineError(.invalid, "nothing is named")
        }
        if let record = try engine.findContainer(first.owner) {
            return (try container(record), CopyPath("/" + first.path))
        }
        // "base:1:/etc" is rather /etc of base:1 than "1:/etc" of base.
        let order = first.path.hasPrefix("/") ? splits : splits.dropFirst() + [first]
        for split in order where !split.path.isEmpty || split == first {
            guard let image = try? engine.image(split.owner) else { continue }  // told below
            guard purpose == .reading else {
                throw EngineError(
                    .invalid, "\"\(split.owner)\" is an image, which nothing can be copied into",
                    hint: "\"vitrine create \(split.owner)\" makes a container of it")
            }
            let root = try PrivateRoot.image(image, name: split.owner, of: engine)
            opened.withLock { $0.append(Opened(owner: split.owner, root: root)) }
            return (root, CopyPath("/" + split.path))
        }
        let owner = ArgumentText.shown(first.owner)
        if purpose == .writing { _ = try engine.container(owner) }
        throw EngineError(
            .notFound, "there is no container and no image \"\(owner)\"",
            hint: "\"vitrine ps -a\" and \"vitrine images\" list what is there")
    }

    private func container(_ record: ContainerRecord) throws -> any CopyRoot {
        let known = opened.withLock { opened in
            opened.first { $0.owner == record.id.text }?.root
        }
        if let known { return known }
        let root = try openContainer(record)
        opened.withLock { $0.append(Opened(owner: record.id.text, root: root)) }
        return root
    }

    private func openContainer(_ record: ContainerRecord) throws -> any CopyRoot {
        let deadline = ContinuousClock.now + Self.patience
        var record = record
        while true {
            if let root = try ContainerRoot.running(record, engine.store) { return root }
            if let place = engine.store.holder(of: record.id)?.mountPoint,
                let root = try ContainerRoot.mounted(record, at: place)
            {
                return try PrivateRoot.container(record, mountedAs: root, of: engine)
            }
            do {
                return try PrivateRoot.container(try engine.open(record), of: engine)
            } catch let error as EngineError where error.code == .inUse {
                guard ContinuousClock.now < deadline else { throw error }
            }
            usleep(Self.pauseMilliseconds * 1000)
            record = try engine.store.container(record.id) ?? record
        }
    }

    /// Lets go of all.
    func end() throws {
        let roots = opened.withLock { opened in
            defer { opened = [] }
            return opened.map(\.root)
        }
        var failure: (any Error)?
        for root in roots.reversed() {
            do { try root.end() } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
    }

    /// Takes the mounts away that were made for the copy, while it still hangs in one.
    func abandon() {
        let roots = opened.withLock { $0.map(\.root) }
        for case let root as PrivateRoot in roots { root.abandon() }
    }
}
