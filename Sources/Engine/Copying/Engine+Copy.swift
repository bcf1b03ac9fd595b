internal import FileTree
internal import Glibc
internal import Layers
internal import LinuxIO
internal import Store

/// What `cp` was asked for.
package struct CopyRequest: Sendable {
    /// These two keep all their bytes, see ``ArgumentText``.
    package var source: String
    package var destination: String
    /// Owners stay what they are (`--archive`).
    package var keepsOwners = false
    /// A symbolic link as the source stands for what it leads to (`--follow-link`).
    package var followsLink = false

    package init(source: String, destination: String) {
        self.source = source
        self.destination = destination
    }
}

/// What a copy did.
package struct CopyReport: Sendable {
    /// What the files hold.
    package var copiedBytes: UInt64
    /// Where to, as messages have it; nil for a stream.
    package var destination: String?
    /// What was left out.
    package var warnings: [String]
}

extension Engine {
    /// Copies between a container, or out of an image, and the host, as `docker cp` does; and from
    /// container to container, as `podman cp`.
    /// - Parameter cancellation: ends it early, in order.
    /// - Throws: ``EngineError``, in Docker's words where it has some.
    package func copy(
        _ request: CopyRequest, cancellation: CopyCancellation
    ) throws -> CopyReport {
        let roots = CopyRoots(self)
        cancellation.onPatienceEnd { roots.abandon() }
        let report: CopyReport
        do {
            report = try copy(request, roots, cancellation)
        } catch {
            try? roots.end()  // the first error is the one to tell
            throw error
        }
        try roots.end()
        return report
    }

    private func copy(
        _ request: CopyRequest, _ roots: CopyRoots, _ cancellation: CopyCancellation
    ) throws -> CopyReport {
        switch (CopyArgument(request.source), CopyArgument(request.destination)) {
        case (.host, .host), (.host, .stream), (.stream, .host), (.stream, .stream):
            throw EngineError(
                .invalid, "must specify at least one container source",
                hint:
                    "CONTAINER:PATH, or IMAGE:PATH as the source; a path of the host with a colon "
                    + "begins with \"/\" or \"./\"")
        case (.place(let splits), .stream):
            let (root, path) = try roots.open(splits, for: .reading)
            return try write(path, in: root, request, cancellation)
        case (.stream, .place(let splits)):
            let (root, path) = try roots.open(splits, for: .writing)
            return try extract(into: path, in: root, request, cancellation)
        case (.place(let splits), .host(let text)):
            let host = try Self.hostPath(text)
            let (root, path) = try roots.open(splits, for: .reading)
            return try copy(
                from: (root, path), to: (HostRoot(), host), request,
                request.keepsOwners ? .kept : .invoker, cancellation)
        case (.host(let text), .place(let splits)):
            let host = try Self.hostPath(text)
            let (root, path) = try roots.open(splits, for: .writing)
            return try copy(
                from: (HostRoot(), host), to: (root, path), request,
                request.keepsOwners ? .kept : .root, cancellation)
        case (.place(let source), .place(let destination)):
            let from = try roots.open(source, for: .reading)
            let to = try roots.open(destination, for: .writing)
            return try copy(
                from: from, to: to, request, request.keepsOwners ? .kept : .root, cancellation)
        }
    }

    private static func hostPath(_ text: String) throws -> CopyPath {
        guard !text.isEmpty else { throw EngineError(.invalid, "a path of the host is missing") }
        if text.hasPrefix("/") { return CopyPath(text) }
        return CopyPath(try StoreLocation.workingDirectory(of: text) + "/" + text)
    }

    private typealias Side = (root: any CopyRoot, path: CopyPath)

    private func copy(
        from: Side, to: Side, _ request: CopyRequest, _ ownership: CopyOwnership,
        _ cancellation: CopyCancellation
    ) throws -> CopyReport {
        let source = try CopySource(from.path, in: from.root, followsLink: request.followsLink)
        let destination = try CopyDestination(to.path, in: to.root, for: source)
        try to.root.checkWritable(destination.directory.rawValue)
        let placement = try TreePlacement(
            destination, in: to.root, ownership: ownership, check: cancellation.check)
        let walk = TreeWalk(into: placement, check: cancellation.check)
        try walk.copy(source) { describe($0, in: from) }
        note("archive-path", from.root)
        note("extract-to-dir", to.root)
        return CopyReport(
            copiedBytes: walk.copiedBytes,
            destination: to.root.describe(to.path.description),
            warnings: walk.allWarnings)
    }

    private func describe(_ name: String, in side: Side) -> String {
        let base = side.path.isRoot ? "" : String(decoding: side.path.bytes, as: UTF8.self)
        return side.root.describe(name.isEmpty ? side.path.description : "\(base)/\(name)")
    }

    private func write(
        _ path: CopyPath, in root: any CopyRoot, _ request: CopyRequest,
        _ cancellation: CopyCancellation
    ) throws -> CopyReport {
        let source = try CopySource(path, in: root, followsLink: request.followsLink)
        let output = TarOutput(
            to: FileDescriptorSink(STDOUT_FILENO), for: path, check: cancellation.check)
        let walk = TreeWalk(into: output, check: cancellation.check)
        try walk.copy(source) { describe($0, in: (root, path)) }
        note("archive-path", root)
        return CopyReport(
            copiedBytes: walk.copiedBytes, destination: nil, warnings: walk.allWarnings)
    }

    private func extract(
        into path: CopyPath, in root: any CopyRoot, _ request: CopyRequest,
        _ cancellation: CopyCancellation
    ) throws -> CopyReport {
        let destination = try CopyDestination(extractingInto: path, in: root)
        try root.checkWritable(destination.directory.rawValue)
        var extraction = TarExtraction(
            into: try TreePlacement(
                destination, in: root, ownership: request.keepsOwners ? .kept : .root,
                isArchive: true, check: cancellation.check),
            check: cancellation.check)
        do {
            try extraction.run(try DecompressingReader(fileDescriptor: STDIN_FILENO))
        } catch let error as CopyFailure {
            throw error.named { describe($0, in: (root, path)) }
        }
        note("extract-to-dir", root)
        return CopyReport(
            copiedBytes: extraction.copiedBytes, destination: root.describe(path.description),
            warnings: extraction.warnings.texts)
    }

    /// Writes down what was done with a container; nothing for images and the host.
    private func note(_ action: String, _ root: any CopyRoot) {
        guard let record = root.record else { return }
        // The copy is done; an event that is lost takes nothing from it.
        try? store.note(
            .container, action, of: record.id.text,
            ["name": record.name, "image": record.imageName])
    }
}
