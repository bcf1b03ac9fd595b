/// A directory of a ``TreeEditor``, loaded from its base when first looked into.
final class EditableDirectory {
    /// An entry, and whether the layer being applied brought it.
    struct Slot {
        enum Value {
            /// Apart from the table, which has room for twice as many.
            indirect case node(Node)
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

    private func load(_ source: PendingDirectories) throws(FileTreeError) {
        guard slots == nil else { return }
        var loaded: [EntryName: Slot] = [:]
        if let base {
            let directory = try source.directory(base.id)
            loaded.reserveCapacity(directory.entries.count)
            for entry in directory.entries {
                loaded[entry.name] = Slot(value: .node(entry.node), isFromLayer: false)
            }
        }
        slots = loaded
    }

    func slot(
        _ name: EntryName, _ source: PendingDirectories
    ) throws(FileTreeError) -> Slot? {
        try load(source)
        return slots?[name]
    }

    func set(
        _ name: EntryName, to slot: Slot?, _ source: PendingDirectories
    ) throws(FileTreeError) {
        try load(source)
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

    /// This directory and those below it that were opened, each before what is in it. Trees may be
    /// deeper than a thread's stack, so that nothing here calls itself for what is below.
    private var opened: [EditableDirectory] {
        var all = [self]
        var next = 0
        while next < all.count {
            all += all[next].openedChildren
            next += 1
        }
        return all
    }

    private var openedChildren: [EditableDirectory] {
        guard let slots else { return [] }
        return slots.values.compactMap { slot in
            if case .directory(let child) = slot.value { return child }
            return nil
        }
    }

    deinit {
        // Each loses its children before it goes, lest one's end should be inside another's.
        var ending = openedChildren
        slots = nil
        while var directory = ending.popLast() {
            guard isKnownUniquelyReferenced(&directory) else { continue }
            ending += directory.openedChildren
            directory.slots = nil
        }
    }

    /// Takes away everything that the layer did not bring, at any depth.
    /// - Returns: whether anything of the layer is left.
    func removeLower() -> Bool {
        for directory in opened.reversed() { directory.removeLowerSlots() }
        return slots?.isEmpty == false
    }

    /// - Precondition: done for what is below.
    private func removeLowerSlots() {
        var kept: [EntryName: Slot] = [:]
        for (name, slot) in slots ?? [:] {
            if slot.isFromLayer {
                kept[name] = slot
            } else if case .directory(let child) = slot.value, child.slots?.isEmpty == false {
                // Only a parent of what the layer brought: its own attributes go.
                child.attributes = .implicitDirectory
                kept[name] = slot
            }
        }
        slots = kept
        isChanged = true
    }

    /// Encodes what changed, children first.
    func finish(_ source: PendingDirectories) -> DirectoryReference {
        var finished: [ObjectIdentifier: DirectoryReference] = [:]
        for directory in opened.reversed() {
            finished[ObjectIdentifier(directory)] = directory.finish(source, below: finished)
        }
        return finished[ObjectIdentifier(self)] ?? source.insert(.empty)
    }

    private func finish(
        _ source: PendingDirectories, below finished: [ObjectIdentifier: DirectoryReference]
    ) -> DirectoryReference {
        guard let slots else { return base ?? source.insert(.empty) }
        var changed = isChanged || base == nil
        // By name and not by entry: a million entries are not copied to be sorted.
        let names = slots.keys.sorted()
        var builder = Directory.Builder(entryCount: names.count)
        for name in names {
            switch slots[name]?.value {
            case .node(let node): builder.append(name, node)
            case .directory(let child):
                // Whatever was opened is among the finished.
                let reference = finished[ObjectIdentifier(child)] ?? Tree.empty.directory
                if reference != child.base || child.attributesChanged { changed = true }
                builder.append(
                    name, Node(attributes: child.attributes, content: .directory(reference)))
            case nil: break
            }
        }
        if !changed, let base { return base }
        return source.insert(builder.finish())
    }

    /// Whether the attributes were set since the directory was opened.
    private(set) var attributesChanged = false

    func setAttributes(_ attributes: NodeAttributes) {
        self.attributes = attributes
        attributesChanged = true
    }
}
