internal import FileTree
internal import Layers
internal import LinuxIO
internal import Store
internal import Views

/// The files of a container's draft, for its tar.
struct ContainerContents: ContentSource {
    private let draft: ContainerDraft
    private let store: Store

    init(_ draft: ContainerDraft, _ store: Store) {
        self.draft = draft
        self.store = store
    }

    func read(_ content: FileContent, _ piece: (Span<UInt8>) throws -> Void) throws -> Bool {
        guard let own = draft.ownContent(of: content.digest) else { return false }
        let file = try own.open()
        var position: UInt64 = 0
        while position < own.sizeBytes {
            let end = min(position + OwnContent.pieceBytes, own.sizeBytes)
            let bytes = try own.bytes(of: file.rawValue, in: position..<end) {
                (content) throws(Errno) in
                try ObjectReader(store.layout).openForCopy(content)
            }
            try piece(bytes.span)
            position = end
        }
        return true
    }
}
