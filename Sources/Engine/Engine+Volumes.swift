package import FileTree
package import ImageSpec
package import Store

extension Engine {
    /// Makes a volume; one of that name is left as it is, as Docker does.
    /// - Parameter name: nil makes an anonymous one.
    /// - Throws: ``EngineError`` `invalid` for a name that is none.
    package func createVolume(
        _ name: String?, labels: [String: String] = [:]
    ) throws -> VolumeRecord {
        if let name { try Self.checkVolumeName(name) }
        return try store.makeVolume(
            name: name ?? VolumeRecord.randomName(), isAnonymous: name == nil, labels: labels)
    }

    /// - Throws: ``EngineError`` `invalid`.
    package static func checkVolumeName(_ name: String) throws {
        guard VolumeRecord.isValid(name: name) else {
            throw EngineError(
                .invalid, "\"\(name)\" is no name for a volume",
                hint:
                    "two characters or more of a-z, A-Z, 0-9, \"_\", \".\" and \"-\", the first a "
                    + "letter or a digit; a directory of the host is named by its whole path")
        }
    }

    /// - Throws: ``EngineError`` `notFound`.
    package func volume(_ name: String) throws -> VolumeRecord {
        guard let found = try store.volume(named: name) else {
            throw EngineError(
                .notFound, "there is no volume \"\(name)\"",
                hint: "\"vitrine volume ls\" lists what is there")
        }
        return found
    }

    /// The directory of the host that a volume is.
    package func directory(ofVolume name: String) -> String { store.layout.volumeData(name) }

    /// Fills a volume that is new with what an image has at its mount's target, and gives it the
    /// owner and the mode of that directory. A volume that was filled, or that somebody has written
    /// to, stays as it is.
    /// - Parameters:
    ///   - tree: the image's; nil for a mount that is not to be filled (`nocopy`).
    ///   - path: the target; symbolic links are followed inside the tree.
    package func fillVolume(_ name: String, from tree: Tree?, at path: TreePath) throws {
        guard let tree, let found = try store.resolve(path, in: tree),
            let directory = found.node.directory
        else { return try store.fillVolume(name, with: nil, directories: store) }
        try store.fillVolume(
            name, with: Tree(attributes: found.node.attributes, directory: directory),
            directories: store)
    }

    /// Removes a volume with what it holds.
    /// - Throws: ``EngineError`` `inUse` while a container has it, `notFound`.
    package func removeVolume(_ name: String) throws {
        do {
            try store.removeVolume(name)
        } catch let error as StoreError where error.code == .inUse {
            throw EngineError(
                .inUse, error.message, hint: "\"vitrine rm\" of the container gives it back")
        } catch let error as StoreError where error.code == .notFound {
            _ = try volume(name)
            throw error
        }
    }

    /// A volume, and the names of the containers that have it.
    package struct VolumeSummary: Sendable {
        package var record: VolumeRecord
        package var users: [String]
    }

    /// The volumes that a filter lets pass, by name.
    package func volumes(_ filter: VolumeFilter = VolumeFilter()) throws -> [VolumeSummary] {
        let users = try store.volumeUsers()
        return try store.volumes().map { record in
            VolumeSummary(record: record, users: users[record.name]?.map(\.name) ?? [])
        }.filter(filter.passes)
    }
}

extension Engine {
    /// What `volume inspect` prints, with Docker's names.
    package func inspect(_ volume: VolumeRecord) -> JSONValue {
        let labels = volume.labels.sorted { $0.key < $1.key }
        var object = JSONObject()
        object["CreatedAt"] = .string(
            Timestamp(nanosecondsSinceEpoch: volume.createdAt).description)
        object["Driver"] = .string("local")
        object["Labels"] =
            labels.isEmpty
            ? .null : .object(JSONObject(labels.map { .init($0.key, .string($0.value)) }))
        object["Mountpoint"] = .string(store.layout.volumeData(volume.name))
        object["Name"] = .string(volume.name)
        object["Options"] = .null
        object["Scope"] = .string("local")
        object["Anonymous"] = .bool(volume.isAnonymous)
        return .object(object)
    }
}
