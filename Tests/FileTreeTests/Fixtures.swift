import FileTree
import Foundation
import ImageSpec
import Synchronization

/// A path of the tree, written as text.
func path(_ text: String) throws -> TreePath { try TreePath(cleaning: Array(text.utf8)) }

/// A file whose content is known by its text.
func file(_ text: String, permissions: UInt16 = 0o644, time: Int64 = 0) -> Node {
    let bytes = Array(text.utf8)
    return Node(
        attributes: NodeAttributes(
            permissions: permissions, modificationTime: NodeTime(seconds: time)),
        content: .file(FileContent(digest: Digest(of: bytes), sizeBytes: UInt64(bytes.count))))
}

func link(_ target: String) -> Node {
    Node(
        attributes: NodeAttributes(permissions: 0o777),
        content: .symbolicLink(target: Array(target.utf8)))
}

/// A tree in memory, made by edits.
struct Draft {
    let directories = PendingDirectories(base: NoDirectories())

    func tree(on base: Tree = .empty, _ edit: (TreeEditor) throws -> Void) throws -> Tree {
        let editor = TreeEditor(base: base, directories: directories)
        try edit(editor)
        return try editor.finish()
    }

    /// Every path of the tree with its type letter, in order.
    func listing(_ tree: Tree) throws -> [String] {
        var lines: [String] = []
        try walk(tree.directory, .root) { path, node in
            let letter: String =
                switch node.content {
                case .directory: "d"
                case .file: "f"
                case .symbolicLink: "l"
                case .characterDevice: "c"
                case .blockDevice: "b"
                case .fifo: "p"
                case .socket: "s"
                }
            lines.append("\(letter) \(path)")
        }
        return lines
    }

    func walk(
        _ reference: DirectoryReference, _ at: TreePath, _ body: (TreePath, Node) throws -> Void
    ) throws {
        for entry in try directories.directory(reference.id).entries {
            let place = at.appending(entry.name)
            try body(place, entry.node)
            if let child = entry.node.directory { try walk(child, place, body) }
        }
    }

    func changes(_ old: Tree, _ new: Tree) throws -> [String] {
        try TreeDiff.changes(from: old, to: new, in: directories).map {
            "\($0.kind.rawValue) \($0.path)"
        }
    }
}

/// A thread whose stack is as small as a driver's may be.
enum SmallThread {
    static func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) -> Result<Value, any Error> {
        let shared = Shared<Value>()
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            let result = Result { try body() }
            shared.outcome.withLock { $0 = result }
            done.signal()
        }
        thread.stackSize = 256 << 10
        thread.start()
        done.wait()
        return shared.outcome.withLock { $0 } ?? .failure(CocoaError(.featureUnsupported))
    }

    private final class Shared<Value: Sendable>: Sendable {
        let outcome = Mutex<Result<Value, any Error>?>(nil)
    }
}
