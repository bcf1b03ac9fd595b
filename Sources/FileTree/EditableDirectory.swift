/// A directory of a ``TreeEditor``, loaded from its base when first looked into.
final class EditableDirectory {
    /// An entry, and whether the layer being applied brought it.
    struct Slot {
        enum Value {
            case node(Node)
            case directory(EditableDirectory)
        }
        var value: Value
        var isFromLayer: Bool
    }

    var attributes: NodeAttributes
    /// The stored directory this one began as; nil for a new one.
    private let base: DirectoryReference?
    /// Nil until loaded.
    private var slots: [EntryName: Slot]?
    /// Whether anything below or the slots differ from `base`. Attributes are the parent's affair.
    private(set) var isChanged: Bool

    init(attributes: NodeAttributes) {
        self.attributes = attributes
        base = nil
        slots = [:]
        isChanged = true
    }

    init(attributes: NodeAttributes, base: DirectoryReference) {
        self.attributes = attributes
        self.base = base
        isChanged = false
    }

    private func load(_ source: PendingDirectories) throws(FileTreeError) -> [EntryName: Slot] {
        if let slots { return slots }
        var loaded: [EntryName: Slot] = [:]
        if let base {
            let directory = try source.directory(base.id)
            loaded.reserveCapacity(directory.entries.count)
            for entry in directory.entries {
                loaded[entry.name] = Slot(value: .node(entry.node), isFromLayer: false)
            }
        }
        slots = loaded
        return loaded
    }

    func slot(
        _ name: EntryName, _ source: PendingDirectories
    ) throws(FileTreeError) -> Slot? {
        if slots == nil { _ = try load(source) }
        return slots?[name]
    }

    func set(
        _ name: EntryName, to slot: Slot?, _ source: PendingDirectories
    ) throws(FileTreeError) {
        if slots == nil { _ = try load(source) }
        slots?[name] = slot
        isChanged = true
    }

    /// The child directory under `name`, ready to be changed; nil if there is none.
    func child(
        _ name: EntryName, _ source: PendingDirectories
    ) throws(FileTreeError) -> EditableDirectory? {
        guard let slot = try slot(name, source) else { return nil }
        switch slot.value {
        case .directory(let child): return child
        case .node(let node):
            guard let reference = node.directory else { return nil }
            let child = EditableDirectory(attributes: node.attributes, base: reference)
            // Not yet a change: opening a directory alone leaves it as it was.
            slots?[name] = Slot(value: .directory(child), isFromLayer: slot.isFromLayer)
            return child
        }
    }

    /// Takes away everything that the layer did not bring, at any depth.
    /// - Returns: whether anything of the layer is left.
    func removeLower(_ source: PendingDirectories) throws(FileTreeError) -> Bool {
        let all = try load(source)
        var kept: [EntryName: Slot] = [:]
        for (name, slot) in all {
            if case .directory(let child) = slot.value {
                let childKept = try child.removeLower(source)
                if slot.isFromLayer {
                    kept[name] = slot
                } else if childKept {
                    // Only a parent of what the layer brought: its own attributes go.
                    child.attributes = .implicitDirectory
                    kept[name] = slot
                }
            } else if slot.isFromLayer {
                kept[name] = slot
            }
        }
        slots = kept
        isChanged = true
        return !kept.isEmpty
    }

    /// Starts a new layer: what is there now counts as lower.
    func forgetLayer() {
        guard let slots else { return }
        for (name, slot) in slots {
            if case .directory(let child) = slot.value { child.forgetLayer() }
            if slot.isFromLayer { self.slots?[name]?.isFromLayer = false }
        }
    }

    /// Encodes what changed, children first.
    func finish(_ source: PendingDirectories) throws(FileTreeError) -> DirectoryReference {
        guard let slots else {
            if let base { return base }
            return source.insert(.empty)
        }
        var changed = isChanged || base == nil
        var entries: [DirectoryEntry] = []
        entries.reserveCapacity(slots.count)
        for (name, slot) in slots {
            switch slot.value {
            case .node(let node): entries.append(DirectoryEntry(name: name, node: node))
            case .directory(let child):
                let reference = try child.finish(source)
                if reference != child.base || child.attributesChanged { changed = true }
                entries.append(
                    DirectoryEntry(
                        name: name,
                        node: Node(attributes: child.attributes, content: .directory(reference))))
            }
        }
        if !changed, let base { return base }
        return source.insert(Directory(entries))
    }

    /// Whether the attributes were set since the directory was opened.
    private(set) var attributesChanged = false

    func setAttributes(_ attributes: NodeAttributes) {
        self.attributes = attributes
        attributesChanged = true
    }
}
