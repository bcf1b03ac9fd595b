import Builder
import FileTree
import Foundation
import ImageSpec
import Layers
import LinuxIO
import Store

/// A store and a build context in a directory of their own, which goes with the fixture.
final class BuildFixture {
    let store: Store
    let context: String
    let executor = FakeExecutor()
    private let root: String

    init() throws {
        root =
            FileManager.default.temporaryDirectory.path
            + "/vitrine-builder-\(UInt64.random(in: .min ... .max))"
        context = root + "/context"
        try HostDirectory.makeAll(context)
        store = try Store(root: root + "/store")
    }

    deinit { try? HostDirectory.removeAll(root) }  // the temporary directory is cleaned anyway

    // MARK: - The context

    /// Writes a file of the context, a day old, so that the stat cache trusts it.
    func write(
        _ path: String, _ text: String = "", mode: UInt32 = 0o644, mtime: Int = 1_600_000_000
    ) throws {
        try write(path, bytes: Array(text.utf8), mode: mode, mtime: mtime)
    }

    func write(
        _ path: String, bytes: [UInt8], mode: UInt32 = 0o644, mtime: Int = 1_600_000_000
    ) throws {
        let whole = context + "/" + path
        if let slash = whole.lastIndex(of: "/") {
            try HostDirectory.makeAll(String(whole[..<slash]))
        }
        try? HostDirectory.unlink(whole)  // it may not be there
        let file = try OwnedDescriptor(opening: whole, [.writeOnly, .create, .truncate])
        try DescriptorIO.writeAll(file.rawValue, bytes)
        try DescriptorIO.setPermissions(file.rawValue, mode)
        try setTime(path, mtime)
    }

    func setTime(_ path: String, _ mtime: Int) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: TimeInterval(mtime))],
            ofItemAtPath: context + "/" + path)
    }

    func link(_ path: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: context + "/" + path, withDestinationPath: target)
    }

    // MARK: - Images

    /// Stores an image of one layer that has these files, and names it.
    @discardableResult
    func makeImage(
        _ name: String, files: [String: String] = [:], links: [String: String] = [:],
        hardLinks: [String: String] = [:],
        configure: (inout ImageConfig) -> Void = { _ in }
    ) throws -> ImageID {
        let lease = try store.lease("test")
        defer { lease.end() }
        let ingest = try store.ingest(lease)
        let directories = PendingDirectories(base: store)
        let editor = TreeEditor(base: .empty, directories: directories)
        for (path, text) in files {
            let content = try ingest.insert(Array(text.utf8))
            let attributes = NodeAttributes(
                permissions: 0o644, modificationTime: NodeTime(seconds: 5))
            if path.hasSuffix("/") {
                try editor.putDirectory(
                    NodeAttributes(
                        permissions: 0o755, modificationTime: NodeTime(seconds: 7)),
                    at: try TreePath(path))
            } else {
                try editor.put(
                    Node(attributes: attributes, content: .file(content)), at: try TreePath(path))
            }
        }
        for (path, target) in links {
            try editor.put(
                Node(
                    attributes: NodeAttributes(permissions: 0o777),
                    content: .symbolicLink(target: Array(target.utf8))), at: try TreePath(path))
        }
        for (path, target) in hardLinks {
            try editor.link(try TreePath(target), at: try TreePath(path))
        }
        let tree = try editor.finish()
        let layer = try LayerExport(store, directories: directories)
            .canonicalDigest(from: .empty, to: tree)
        let record = LayerRecord(
            parent: nil, diffID: layer.diffID, tree: tree, recipe: nil,
            tarSizeBytes: layer.tarSizeBytes)
        try store.insert(record, directories: directories, lease: lease)
        var config = ImageConfig(platform: .host)
        config.created = Timestamp(unixSeconds: 1_500_000_000)
        config.diffIDs = [layer.diffID]
        config.history = [
            HistoryEntry(created: Timestamp(unixSeconds: 1_500_000_000), createdBy: "base")
        ]
        config.config.environment = ["PATH=/usr/bin:/bin"]
        configure(&config)
        return try store.insertImage(
            config: config.encoded, manifest: Array("{\"of\":\"\(name)\"}".utf8),
            chainID: record.chainID, layerCount: 1, createdAt: 0,
            names: [try Reference(parsing: name)]
        ).id
    }

    // MARK: - Building

    /// What a build ended with.
    struct Outcome {
        var result: BuildResult
        var config: ImageConfig
        var tree: Tree
        var observer: RecordingObserver

        /// The `created_by` lines, those of the base image left out.
        var history: [String] {
            config.history.compactMap(\.createdBy).filter { $0 != "base" }
        }
    }

    @discardableResult
    func build(
        _ dockerfile: String, context location: ContextLocation? = nil,
        _ change: (inout BuildOptions) -> Void = { _ in }
    ) throws -> Outcome {
        var options = BuildOptions(
            dockerfile: .text(
                DockerfileText(name: "Dockerfile", bytes: Array(dockerfile.utf8))))
        change(&options)
        let observer = RecordingObserver()
        let result = try Builder(store: store, executor: executor).build(
            options, context: location ?? .directory(context), observer: observer)
        let config = try store.config(of: result.image).config
        guard let record = try store.image(result.image) else {
            throw StoreError(.notFound, "the built image is not in the store")
        }
        return Outcome(
            result: result, config: config, tree: try store.tree(of: record), observer: observer)
    }

    /// The error that a build ends with.
    func failure(
        _ dockerfile: String, _ change: (inout BuildOptions) -> Void = { _ in }
    ) throws -> BuildError {
        do {
            try build(dockerfile, change)
        } catch let error as BuildError {
            return error
        }
        throw StoreError(.notFound, "the build did not fail")
    }

    // MARK: - Looking at trees

    /// `path mode uid:gid content` of everything in the tree, a line each; mode in octal.
    func listing(_ tree: Tree) throws -> [String] {
        var lines: [String] = []
        try list(tree.directory, "", &lines)
        return lines
    }

    private func list(
        _ reference: DirectoryReference, _ prefix: String, _ lines: inout [String]
    ) throws {
        for entry in try store.directory(reference.id).entries {
            let path = "\(prefix)/\(entry.name)"
            let attributes = entry.node.attributes
            let mode = String(attributes.permissions, radix: 8)
            var line = "\(path) \(mode) \(attributes.userID):\(attributes.groupID)"
            switch entry.node.content {
            case .directory: line = line.replacingOccurrences(of: path, with: path + "/")
            case .file(let content): line += " \(try text(content))"
            case .symbolicLink(let target):
                line += " -> \(String(decoding: target, as: UTF8.self))"
            default: line += " special"
            }
            lines.append(line)
            if let child = entry.node.directory { try list(child, path, &lines) }
        }
    }

    func text(_ content: FileContent) throws -> String {
        if content.sizeBytes == 0 { return "\"\"" }
        let file = try OwnedDescriptor(opening: store.layout.object(content.digest), .readOnly)
        let bytes = try DescriptorIO.readAll(file.rawValue, limit: 1 << 20)
        return String(decoding: bytes, as: UTF8.self)
    }

    func node(_ path: String, in tree: Tree) throws -> Node? {
        try store.node(at: try TreePath(path), in: tree)
    }
}
